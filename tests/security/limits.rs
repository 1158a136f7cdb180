//! The limits of the code, as the page states them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use super::{PAGE, root, sources};

/// Each limit: what is bounded, the file and the name of its constant, and its unit.
#[rustfmt::skip]
const LIMITS: [(&str, &str, &str, Unit); 49] = [
    ("an event's body", "src/words/event.rs", "EVENT_MAX", Unit::Bytes),
    ("images of a payload", "src/words/payload.rs", "IMAGES_MAX", Unit::Count),
    ("an address in a payload", "src/words/payload.rs", "URL_MAX", Unit::Characters),
    ("labels of a pull request in an event", "src/words/change_request_event.rs", "LABELS_MAX", Unit::Count),
    ("a description in a status event", "src/words/status_event.rs", "DESCRIPTION_MAX", Unit::Bytes),
    ("an environment's name", "src/words/status_event.rs", "ENVIRONMENT_MAX", Unit::Characters),
    ("the policy file", "src/words/policy/mod.rs", "POLICY_MAX", Unit::Bytes),
    ("brackets in one another in a policy, a list of changes or a template's manifest", "src/words/policy/place.rs", "OPEN_MAX", Unit::Count),
    ("the list of `--changes`", "src/words/changes.rs", "CHANGES_MAX", Unit::Bytes),
    ("a file of a repository", "src/plan/snapshot.rs", "FILE_MAX", Unit::Bytes),
    ("files and folders that are listed", "src/plan/snapshot.rs", "LISTED_MAX", Unit::Count),
    ("folders in one another", "src/plan/snapshot.rs", "DEEPEST", Unit::Count),
    ("files that a glob fits", "src/steps/files.rs", "FITTING_MAX", Unit::Count),
    ("globs that the braces of one stand for", "src/steps/files.rs", "ALTERNATIVES_MAX", Unit::Count),
    ("levels of a YAML file", "src/yaml/locate.rs", "MAX_DEPTH", Unit::Count),
    ("levels of YAML inside YAML", "src/yaml/file.rs", "MAX_EMBEDDED", Unit::Count),
    ("symbolic links on the way to a file", "src/world/links.rs", "MOST_HOPS", Unit::Count),
    ("values files and overlays that are looked through for what shadows a value", "src/steps/shadow/argo.rs", "MOST_FILES", Unit::Count),
    ("elements of an ApplicationSet's list", "src/steps/shadow/argo.rs", "MOST_ELEMENTS", Unit::Count),
    ("commits that are looked through for an earlier value", "src/steps/bump_values/past.rs", "MOST", Unit::Count),
    ("a file that history reads", "src/steps/history/reading.rs", "LONGEST", Unit::Bytes),
    ("a file that `release tag --write` changes", "src/steps/release/version_file/mod.rs", "LONGEST", Unit::Bytes),
    ("a commit's message, as `release` reads it", "src/words/conventional.rs", "LONGEST", Unit::Bytes),
    ("files of a template", "src/world/template_folder.rs", "FILES_MAX", Unit::Count),
    ("a file of a template", "src/world/template_folder.rs", "FILE_MAX", Unit::Bytes),
    ("all files of a template", "src/world/template_folder.rs", "ALL_MAX", Unit::Bytes),
    ("folders of a template in one another", "src/world/template_folder.rs", "DEEPEST", Unit::Count),
    ("files of a preview's template", "src/steps/preview/up.rs", "FILES_MAX", Unit::Count),
    ("all files of a preview's template", "src/steps/preview/up.rs", "BYTES_MAX", Unit::Bytes),
    ("the pattern of a template's hole, compiled", "src/words/scaffold_manifest.rs", "PATTERN_MAX", Unit::Bytes),
    ("a pattern for tags", "src/words/select.rs", "PATTERN_LONGEST", Unit::Characters),
    ("a pattern for tags, compiled", "src/words/select.rs", "PATTERN_SIZE", Unit::Bytes),
    ("an image's name", "src/words/image.rs", "NAME_MAX", Unit::Characters),
    ("an image's tag", "src/words/image.rs", "TAG_MAX", Unit::Characters),
    ("a version", "src/words/version.rs", "LONGEST", Unit::Characters),
    ("a range of versions", "src/words/constraint.rs", "LONGEST", Unit::Characters),
    ("a branch's name", "src/words/name.rs", "BRANCH_MAX", Unit::Bytes),
    ("foreign text in a message", "src/words/wording.rs", "SHOWN", Unit::Characters),
    ("an answer of a forge or of Argo CD, and a list of git's refs", "src/world/http/mod.rs", "MOST_READ", Unit::Bytes),
    ("redirects of git's server", "src/world/git/http.rs", "MOST_REDIRECTS", Unit::Count),
    ("times that a request is tried", "src/world/http/retry.rs", "TRIES", Unit::Count),
    ("one read of a forge", "src/world/http/retry.rs", "READ_TAKES", Unit::Time),
    ("one write to a forge", "src/world/http/retry.rs", "WRITE_TAKES", Unit::Time),
    ("to connect", "src/world/http/mod.rs", "CONNECT_TIMEOUT", Unit::Time),
    ("pages of GitLab's list of files", "src/world/forge/gitlab/snapshot.rs", "MOST_PAGES", Unit::Count),
    ("an answer of a registry", "src/world/registry/mod.rs", "MOST_READ", Unit::Bytes),
    ("tags of a registry", "src/world/registry/tags.rs", "MOST_TAGS", Unit::Count),
    ("a chart repository's index", "src/world/registry/chart.rs", "MOST_READ", Unit::Bytes),
    ("what a credential helper or `git` says", "src/world/process.rs", "MOST", Unit::Bytes),
];

#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Characters,
    Count,
    Time,
}

#[test]
fn the_page_states_the_limits_of_the_code() {
    let file = root().join(PAGE);
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once("<!-- generated: limits -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- generated: end -->\n").unwrap();
    let due = format!(
        "{before}<!-- generated: limits -->\n{}<!-- generated: end -->\n{after}",
        limits()
    );
    if std::env::var_os("GITOPS_STEPS_BLESS").is_some() {
        fs::write(&file, &due).unwrap();
    }
    let page = fs::read_to_string(&file).unwrap();
    assert!(
        page == due,
        "run: GITOPS_STEPS_BLESS=1 cargo test --test tests security"
    );
}

/// A limit that nobody wrote down is one that nobody can judge.
#[test]
fn each_greatest_size_in_the_code_is_on_the_page() {
    let listed: BTreeSet<(&str, &str)> = LIMITS.iter().map(|(_, file, name, _)| (*file, *name)).collect();
    // What we send, show or keep, and the sizes of labels, are no limits of what others send.
    let ours = [
        "src/command/",
        "src/plan/choice.rs",
        "src/steps/proposal/",
        "src/words/policy/check.rs",
        "src/steps/preview/naming.rs",
        "src/words/name.rs",
        "src/world/git/push.rs",
    ];
    let mut missing = Vec::new();
    for file in sources(&root().join("src")) {
        let shown = file
            .strip_prefix(root())
            .unwrap()
            .display()
            .to_string()
            .replace('\\', "/");
        if ours.iter().any(|start| shown.starts_with(start)) {
            continue;
        }
        for line in fs::read_to_string(&file).unwrap().lines() {
            let Some(name) = constant(line).map(|(name, _)| name) else {
                continue;
            };
            if name.ends_with("_MAX") && !listed.contains(&(shown.as_str(), name)) {
                missing.push(format!("{shown}: {name}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "these stand in no row of LIMITS: {missing:#?}"
    );
}

/// The table of limits.
fn limits() -> String {
    let mut table = "| what | at most | in the code |\n| --- | --- | --- |\n".to_owned();
    for (what, file, name, unit) in LIMITS {
        let value = value_of(file, name);
        let value = match unit {
            Unit::Bytes if value.trailing_zeros() >= 20 => format!("{} MiB", value >> 20),
            Unit::Bytes if value.trailing_zeros() >= 10 => format!("{} KiB", value >> 10),
            Unit::Bytes => format!("{value} bytes"),
            Unit::Characters => format!("{value} characters"),
            Unit::Count => value.to_string(),
            Unit::Time => format!("{value} s"),
        };
        let _ = writeln!(table, "| {what} | {value} | `{name}` in `{file}` |");
    }
    table
}

/// The value of a constant, as the code has it.
fn value_of(file: &str, name: &str) -> u64 {
    let code = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut found = code
        .lines()
        .filter_map(constant)
        .filter(|(named, _)| *named == name);
    let (_, value) = found.next().unwrap_or_else(|| panic!("{file} has no `{name}`"));
    let value = value
        .strip_prefix("Duration::from_secs(")
        .and_then(|value| value.strip_suffix(')'))
        .unwrap_or(value);
    let number = |text: &str| -> u64 {
        let digits = text.trim().replace('_', "");
        digits
            .parse()
            .unwrap_or_else(|error| panic!("{file}: {name} = {value}: {error}"))
    };
    match value.split_once("<<") {
        Some((base, shift)) => number(base) << number(shift),
        None => value.split('*').map(number).product(),
    }
}

/// The name and the value of a constant of one line.
fn constant(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line
        .split_once("const ")
        .filter(|(before, _)| before.is_empty() || before.starts_with("pub"))?;
    let (name, rest) = rest.split_once(':')?;
    let (kind, value) = rest.split_once('=')?;
    let is_number = ["usize", "u64", "u32", "Duration"].contains(&kind.trim());
    is_number.then(|| (name.trim(), value.trim().trim_end_matches(';').trim()))
}
