//! Names of places: in a file, in a repository, of a repository, of a branch. What is taken is written back the same, and
//! leads nowhere else.

use std::path::Component;

use gitops_steps::steps::preview::Pattern;
use gitops_steps::words::address::{GitUrl, RepoAddress};
use gitops_steps::words::forge_repo::ForgeRepo;
use gitops_steps::words::name::{AppName, BranchName};
use gitops_steps::words::repo_path::RepoPath;
use gitops_steps::words::slug::Slug;
use gitops_steps::yaml::{Path, split_assignment};

use super::{is_plain, read};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    yaml_path(text);
    repo_path(text);
    address(text);
    if let Some(branch) = read(text.parse::<BranchName>()) {
        let reference = branch.reference();
        assert_eq!(reference.parse::<BranchName>().ok(), Some(branch));
        assert!(!reference.contains(['\n', ' ', ':']) && !reference.contains(".."));
    }
    slug(text);
    pattern(text);
}

fn yaml_path(text: &str) {
    match Path::parse(text) {
        Ok(path) => {
            let written = path.to_string();
            assert_eq!(Path::parse(&written).as_ref(), Ok(&path), "{written:?}");
            // What was written can be set, and the value is what stands behind the `=`.
            let assignment = format!("{written}=a=b");
            assert_eq!(
                split_assignment(&assignment).ok(),
                Some((written.as_str(), "a=b"))
            );
        }
        Err(error) => {
            is_plain(&error.message, error.hint.as_deref());
            assert!(error.offset <= text.len());
        }
    }
    match split_assignment(text) {
        Ok((path, value)) => assert_eq!(format!("{path}={value}"), text),
        Err(error) => is_plain(&error.message, error.hint.as_deref()),
    }
}

/// A path stays below the repository, on any system, and out of git's own folder.
pub fn repo_path(text: &str) {
    let Some(path) = read(RepoPath::parse(text)) else {
        return;
    };
    let written = path.as_str();
    assert_eq!(RepoPath::parse(written).ok().as_ref(), Some(&path));
    let below = std::path::Path::new(written);
    assert!(
        below
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
    );
    for part in written.split('/') {
        assert!(!part.is_empty() && part != "." && part != "..", "{written:?}");
        assert!(!part.eq_ignore_ascii_case(".git"), "{written:?}");
    }
    assert!(!written.contains(|c: char| c.is_control() || c == '\\'));
    for folder in path.folders() {
        assert!(written.starts_with(&format!("{folder}/")));
        assert!(RepoPath::parse(folder.as_str()).is_ok());
    }
}

fn address(text: &str) {
    match read(RepoAddress::parse(text)) {
        Some(RepoAddress::Forge(repo)) => {
            let again = ForgeRepo::parse(&repo.to_string());
            assert_eq!(again.ok().flatten(), Some(repo));
        }
        Some(RepoAddress::Git(url)) => starts_no_option(&url),
        Some(RepoAddress::Directory(_)) | None => {}
    }
    if let Some(Some((url, login))) = read(GitUrl::parse_with_login(text)) {
        starts_no_option(&url);
        let password = login.as_ref().map(|login| login.password.expose());
        if let Some(password) = password.filter(|password| password.len() > 8) {
            let others = format!("{}{}", url.host(), url.path());
            let shown = url.to_string();
            assert!(
                !shown.contains(password) || others.contains(password),
                "{shown:?}"
            );
        }
    }
}

/// No part is taken for an option by a program that is started with it.
fn starts_no_option(url: &GitUrl) {
    for part in [url.host(), url.path(), url.user().unwrap_or_default()] {
        assert!(!part.starts_with('-') && !part.chars().any(char::is_control));
    }
    is_plain(&url.to_string(), None);
}

fn slug(text: &str) {
    for max in [1, 7, 50, 63] {
        let plain = read(Slug::of_branch(text, max));
        let apart = read(Slug::told_apart(text, max));
        for slug in plain.iter().chain(&apart) {
            assert!(slug.as_str().len() <= max, "{slug}");
            assert_eq!(Slug::parse(slug.as_str()).as_ref(), Some(slug));
        }
        if let (50, Some(slug)) = (max, plain) {
            assert_eq!(Slug::of_branch(slug.as_str(), max).ok(), Some(slug));
        }
    }
}

/// The folder of a preview holds that preview's files and no other's.
fn pattern(text: &str) {
    let app: AppName = "web".parse().expect("it is a name");
    read(Pattern::of_environment(text, Some(&app)));
    let Some(pattern) = read(Pattern::of_folder(text, Some(&app))) else {
        return;
    };
    for name in ["a", "feature-login"] {
        let slug = Slug::parse(name).expect("it is a slug");
        let folder = pattern.of(&slug);
        repo_path(&folder);
        assert!(RepoPath::parse(&folder).is_ok(), "{folder:?}");
        assert_eq!(pattern.slug_in(&folder).as_ref(), Some(&slug), "{folder:?}");
        let file = RepoPath::parse(&format!("{folder}/x.yaml")).expect("a file of the folder");
        assert_eq!(pattern.slug_above(&file), Some(slug), "{file}");
    }
}
