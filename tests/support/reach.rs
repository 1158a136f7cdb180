//! The config repo of a [`Stage`] through the crate, as a run reaches it: for what no single command does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gitops_steps::words::address::{GitUrl, Login};
use gitops_steps::words::forge_repo::ForgeRepo;
use gitops_steps::words::token::{Token, TokenSource};
use gitops_steps::world::checkout::Checkout;
use gitops_steps::world::clock::Deadline;
use gitops_steps::world::config_repo::ConfigRepo;
use gitops_steps::world::env::Environment;
use gitops_steps::world::forge::access::{ApiRoot, Credential, ForgeAccess};
use gitops_steps::world::git::{Access, GitRepo};
use gitops_steps::world::git_config::GitConfig;
use gitops_steps::world::http::Http;
use gitops_steps::world::origin::OriginRepo;
use gitops_steps::world::progress::Silent;

use super::git_server::git_says;
use super::stage::{Forge, REPO, Stage, TOKEN, Way};

const LIMIT: Duration = Duration::from_secs(60);

impl Stage {
    /// A branch of the config repo, reached in this stage's way.
    pub fn config_repo(&self, branch: &str) -> Box<dyn ConfigRepo> {
        match self.way {
            Way::Api => self.by_api(branch),
            Way::Git => {
                let url = GitUrl::parse(&self.git_url()).unwrap().unwrap();
                Box::new(GitRepo::open(&url, Some(branch), None, access(None)).unwrap())
            }
            Way::Clone => {
                let checkout = Checkout::open(&self.bench.repo()).unwrap();
                let origin = checkout.origin(Some(branch), &environment()).unwrap();
                let access = access(origin.login);
                let repo = GitRepo::open(&origin.url, Some(&origin.branch), origin.folder, access);
                Box::new(OriginRepo::new(checkout, repo.unwrap()))
            }
        }
    }

    fn by_api(&self, branch: &str) -> Box<dyn ConfigRepo> {
        let (kind, api, graphql) = match &self.forge {
            Forge::Hub(hub) => (
                "github",
                ("GITHUB_API_URL", hub.api_url()),
                ("GITHUB_GRAPHQL_URL", hub.graphql_url()),
            ),
            Forge::Lab(lab) => (
                "gitlab",
                ("CI_API_V4_URL", lab.api_url()),
                ("CI_API_GRAPHQL_URL", lab.graphql_url()),
            ),
        };
        let environment = Environment::from_pairs([api, graphql]);
        let repo = ForgeRepo::parse(&format!("{kind}:{REPO}")).unwrap().unwrap();
        let (token, source) = token();
        let access = ForgeAccess {
            http: Http::new(&environment, &GitConfig::default()),
            credential: Credential::Token(token, source),
            root: ApiRoot::of(repo.kind(), None, &environment).unwrap(),
            deadline: Deadline::after(LIMIT),
            progress: Arc::new(Silent),
        };
        gitops_steps::world::forge::Forge::new(repo, access).config_repo(Some(branch))
    }

    /// All that a branch holds: mode, path and text of each file, sorted.
    pub fn tree(&self, branch: &str) -> Vec<String> {
        tree_of(&self.bare(), branch)
    }

    /// Lets git check every object of the repository.
    pub fn is_sound(&self) {
        git_says(&self.bare(), &["fsck", "--strict"]);
    }

    fn bare(&self) -> PathBuf {
        match &self.forge {
            Forge::Hub(hub) => hub.path(REPO),
            Forge::Lab(lab) => lab.path(REPO),
        }
    }

    /// A person deletes a file.
    pub fn person_removes(&self, branch: &str, path: &str) {
        let ana = ("Ana", "ana@example.com");
        match &self.forge {
            Forge::Hub(hub) => hub.commit_as(REPO, branch, ana, "Remove it", (path, None)),
            Forge::Lab(lab) => lab.commit_as(REPO, branch, ana, "Remove it", (path, None)),
        };
    }
}

/// Mode, path and text of each file of a tree, sorted.
pub fn tree_of(repo: &Path, tree: &str) -> Vec<String> {
    let repo = git2::Repository::open(repo).unwrap();
    let tree = repo.revparse_single(tree).unwrap().peel_to_tree().unwrap();
    let mut lines = Vec::new();
    tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
        if let Ok(blob) = repo.find_blob(entry.id()) {
            let text = String::from_utf8_lossy(blob.content());
            lines.push(format!(
                "{:06o} {folder}{}={}",
                entry.filemode(),
                entry.name().unwrap(),
                text.trim_end()
            ));
        } else {
            let below = repo.find_tree(entry.id()).unwrap();
            assert!(!below.is_empty(), "git knows no empty folder");
        }
        git2::TreeWalkResult::Ok
    })
    .unwrap();
    lines.sort();
    lines
}

fn token() -> (Token, TokenSource) {
    let source = TokenSource::Variable("GITOPS_STEPS_TOKEN");
    (Token::parse(TOKEN).unwrap(), source)
}

fn environment() -> Environment {
    let path = std::env::var("PATH").unwrap();
    Environment::from_pairs([
        ("PATH", path.as_str()),
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ])
}

fn access(login: Option<Login>) -> Access {
    let (environment, config) = (environment(), GitConfig::default());
    Access {
        http: Http::new(&environment, &config),
        environment,
        config,
        directory: None,
        token: Some(token()),
        login,
        deadline: Deadline::after(LIMIT),
        progress: Arc::new(Silent),
    }
}
