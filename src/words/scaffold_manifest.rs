//! The manifest of a scaffold template, `template.yaml` at its root: what it is, what it asks for, and where the versions
//! stand that it makes.

use std::collections::{BTreeMap, BTreeSet};

use globset::{Glob, GlobSet, GlobSetBuilder};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::fault::Fault;
use super::policy::read_yaml;
use super::wording::{shown, suggestion};

/// The manifest's file name, at the root of a template.
pub const MANIFEST_NAME: &str = "template.yaml";

/// The names that every template has a value for.
pub const STANDARD: &[&str] = &[
    "app",
    "app_repo",
    "argocd",
    "argocd_url",
    "branch",
    "config_repo",
    "config_url",
    "context",
    "envs",
    "first_env",
    "forge",
    "image",
    "last_env",
    "main_service",
    "owner",
    "registry",
    "repos",
    "revision",
    "services",
    "template",
    "version",
];

/// The names that have a value in each environment.
pub const OF_ENV: &[&str] = &["auto_deploy", "certificate_arn", "env", "host"];

/// The names that have a value for each service.
pub const OF_SERVICE: &[&str] = &[
    "base",
    "folder",
    "kind",
    "service",
    "service_image",
    "service_tag",
];

/// The names whose default a template or `--set` may change, with that default.
pub const SETTABLE: &[(&str, &str)] = &[
    ("application", "{app}-{env}"),
    ("argocd_namespace", "argocd"),
    ("namespace", "{app}-{env}"),
    ("port", "8080"),
    ("project", "default"),
    ("server", "https://kubernetes.default.svc"),
    ("tag", "0.0.0"),
];

/// The most bytes that a pattern may take, compiled.
const PATTERN_MAX: usize = 1024 * 1024;

/// The manifest of a template.
#[derive(Debug)]
pub struct Manifest {
    /// What it makes, in a line.
    pub description: String,
    /// Where an environment's versions stand.
    pub targets: Vec<Target>,
    /// The environments, where none is named, as `--env` has them.
    pub environments: Vec<String>,
    /// The services, where none is named, as `--service` has them.
    pub services: Vec<String>,
    /// The forge, where nothing else tells it.
    pub forge: Option<Forge>,
    /// Whether app and config share a repository, where none is named.
    pub one_repo: bool,
    /// What is made for Argo CD, where nothing else is asked for.
    pub argocd: Option<ArgoCd>,
    /// Other defaults of settable names.
    pub defaults: BTreeMap<String, String>,
    /// The template's own holes.
    pub holes: BTreeMap<String, Hole>,
    /// The certificates by host, as `*.example.com`, and their ARNs.
    pub certificates: BTreeMap<String, String>,
    keep: GlobSet,
}

/// A place that holds a version; `{app}`, `{env}` and `{service}` may stand in each text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The file, below the template's folder `config`.
    pub file: String,
    /// The path in it.
    #[serde(default)]
    pub path: Option<String>,
}

/// A hole of a template's own.
#[derive(Debug)]
pub struct Hole {
    /// The value where `--set` gives none; without one it has to.
    pub default: Option<String>,
    /// What a value has to match, whole.
    pub pattern: Option<Regex>,
    /// What it is for.
    pub help: String,
}

/// A forge, as a manifest names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
}

/// What is made for Argo CD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArgoCd {
    /// An Application an environment.
    Application,
    /// The same, and an Application an environment that finds those.
    AppOfApps,
    /// Nothing.
    None,
}

impl ArgoCd {
    /// Returns the word of the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::AppOfApps => "app-of-apps",
            Self::None => "none",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u64,
    #[serde(default)]
    description: String,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    environments: Vec<String>,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    forge: Option<Forge>,
    #[serde(default)]
    repos: Repos,
    #[serde(default)]
    argocd: Option<ArgoCd>,
    #[serde(default)]
    keep: Vec<String>,
    #[serde(default)]
    defaults: BTreeMap<String, String>,
    #[serde(default)]
    holes: BTreeMap<String, WrittenHole>,
    #[serde(default)]
    certificates: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Repos {
    One,
    #[default]
    Two,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHole {
    #[serde(default)]
    default: Option<String>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    help: String,
}

impl Manifest {
    /// Reads a manifest; `file` is what messages call it.
    ///
    /// # Errors
    /// `Invalid` with its place where it does not parse, and for a name or a pattern that cannot be one.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Fault::invalid("the template's manifest is not UTF-8").at(file, 1, 1))?;
        let written: Written = read_yaml(file, text)?;
        let whole = |fault: Fault| fault.at(file, 0, 0);
        if written.version != 1 {
            let why = format!("version {} is not known; this is version 1", written.version);
            return Err(whole(
                Fault::invalid(why).hint("update gitops-steps, or write `version: 1`"),
            ));
        }
        for name in written.defaults.keys() {
            if !SETTABLE.iter().any(|(settable, _)| settable == name) {
                let near = suggestion(name, SETTABLE.iter().map(|(settable, _)| *settable));
                let why = format!("`{}` has no default to change", shown(name));
                return Err(whole(Fault::invalid(why).hint(near)));
            }
        }
        let holes = written.holes.into_iter().map(|(name, hole)| {
            let hole = read_hole(&name, hole).map_err(whole)?;
            Ok((name, hole))
        });
        Ok(Self {
            description: written.description,
            targets: written.targets,
            environments: written.environments,
            services: written.services,
            forge: written.forge,
            one_repo: written.repos == Repos::One,
            argocd: written.argocd,
            defaults: written.defaults,
            holes: holes.collect::<Result<_, Fault>>()?,
            certificates: written.certificates,
            keep: globs(&written.keep).map_err(whole)?,
        })
    }

    /// Returns whether a file stays as it is where it is there already; `path` has no holes any more.
    pub fn keeps(&self, path: &str) -> bool {
        self.keep.is_match(path)
    }

    /// Returns every name that may stand in a hole.
    pub fn names(&self) -> BTreeSet<&str> {
        let settable = SETTABLE.iter().map(|(name, _)| *name);
        let standard = [STANDARD, OF_ENV, OF_SERVICE].into_iter().flatten().copied();
        let own = self.holes.keys().map(String::as_str);
        standard.chain(settable).chain(own).collect()
    }

    /// Returns the names that `--set` may give a value.
    pub fn settable(&self) -> Vec<&str> {
        let own = self.holes.keys().map(String::as_str);
        own.chain(SETTABLE.iter().map(|(name, _)| *name)).collect()
    }
}

fn read_hole(name: &str, written: WrittenHole) -> Result<Hole, Fault> {
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_name {
        return Err(
            Fault::invalid(format!("`{}` cannot be the name of a hole", shown(name)))
                .hint("a-z, 0-9 and `_`, with a letter first"),
        );
    }
    let taken = [STANDARD, OF_ENV, OF_SERVICE]
        .into_iter()
        .flatten()
        .any(|taken| *taken == name);
    if taken || SETTABLE.iter().any(|(taken, _)| *taken == name) {
        return Err(
            Fault::invalid(format!("the hole `{name}` has a value of its own already"))
                .hint("take another name; `defaults` changes a default"),
        );
    }
    let pattern = written.pattern.map(|pattern| {
        RegexBuilder::new(&format!("^(?:{pattern})$"))
            .size_limit(PATTERN_MAX)
            .build()
            .map_err(|_| Fault::invalid(format!("the pattern of `{name}` is no regular expression")))
    });
    let pattern = pattern.transpose()?;
    if let (Some(default), Some(pattern)) = (&written.default, &pattern)
        && !pattern.is_match(default)
    {
        return Err(Fault::invalid(format!(
            "the default of `{name}` does not match its own pattern"
        )));
    }
    Ok(Hole {
        default: written.default,
        pattern,
        help: written.help,
    })
}

/// Reads globs whose `*` does not cross a `/`. Holes in them stand for any name.
fn globs(texts: &[String]) -> Result<GlobSet, Fault> {
    let mut set = GlobSetBuilder::new();
    for text in texts {
        let mut glob = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (_, after) = after.split_once('}').unwrap_or_default();
            glob.push_str(before);
            glob.push('*');
            rest = after;
        }
        glob.push_str(rest);
        let glob = globset::GlobBuilder::new(&glob)
            .literal_separator(true)
            .build()
            .or_else(|_| Glob::new(&globset::escape(text)))
            .map_err(|_| Fault::invalid(format!("`{}` in `keep` is no glob", shown(text))))?;
        set.add(glob);
    }
    set.build()
        .map_err(|_| Fault::invalid("the globs of `keep` are too many"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Manifest, Fault> {
        Manifest::parse(MANIFEST_NAME, text.as_bytes())
    }

    #[test]
    fn what_a_manifest_leaves_out_has_a_default() {
        let manifest = parsed("version: 1\n").unwrap();
        assert!(!manifest.one_repo && manifest.targets.is_empty() && manifest.argocd.is_none());
        assert!(manifest.names().contains("application"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_file() {
        for (text, word) in [
            ("version: 2\n", "version 2 is not known"),
            ("version: 1\nhole: {}\n", "unknown key `hole`"),
            ("version: 1\nholes: {Bad: {}}\n", "cannot be the name of a hole"),
            ("version: 1\nholes: {app: {}}\n", "has a value of its own"),
            ("version: 1\nholes: {port: {}}\n", "has a value of its own"),
            (
                "version: 1\nholes: {a: {pattern: '('}}\n",
                "no regular expression",
            ),
            (
                "version: 1\nholes: {a: {pattern: '[0-9]+', default: x}}\n",
                "its own pattern",
            ),
            ("version: 1\ndefaults: {prot: '1'}\n", "`prot` has no default"),
            ("version: 1\nargocd: maybe\n", "unknown word `maybe`"),
        ] {
            let fault = parsed(text).expect_err(text);
            assert!(fault.message.contains(word), "{text}: {}", fault.message);
            assert_eq!(fault.place.unwrap().file, MANIFEST_NAME, "{text}");
        }
    }

    #[test]
    fn a_kept_file_is_known_by_a_glob_and_holes_stand_for_any_name() {
        let manifest =
            parsed("version: 1\nkeep: [README.md, '{app}/.scaffold.yaml', 'argocd/apps-*.yaml']\n");
        let manifest = manifest.unwrap();
        for (path, kept) in [
            ("README.md", true),
            ("web/README.md", false),
            ("web/.scaffold.yaml", true),
            ("argocd/apps-dev.yaml", true),
            ("argocd/dev/apps-x.yaml", false),
        ] {
            assert_eq!(manifest.keeps(path), kept, "{path}");
        }
    }
}
