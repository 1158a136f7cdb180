//! What others answer or have written: a chart repository's index, commit messages, files that hold a version, what is shown of
//! it all.

use gitops_steps::plan::chart_index;
use gitops_steps::plan::choice::{Candidate, ranked};
use gitops_steps::steps::release;
use gitops_steps::words::conventional::Change;
use gitops_steps::words::markdown;
use gitops_steps::words::moment;
use gitops_steps::words::redact::Redactor;
use gitops_steps::words::repo_path::RepoPath;
use gitops_steps::words::select::{Said, Select};
use gitops_steps::words::trailers::{Key, Trailers};
use gitops_steps::words::wording::{one_line, shown};

use super::{is_plain, read};

pub fn check(data: &[u8]) {
    files_with_a_version(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    tags(text);
    index(text);
    messages(text);
    what_is_shown(text);
    secrets(text);
    if let Some(moment) = read(moment::parse(text)) {
        assert_eq!(read(moment::parse(&moment.to_string())), Some(moment));
    }
}

/// A version goes into a file once, and nothing else of it changes.
fn files_with_a_version(data: &[u8]) {
    let version = semver::Version::new(7, 8, 9);
    for name in [
        "package.json",
        "Chart.yaml",
        "Cargo.toml",
        "pyproject.toml",
        "VERSION",
    ] {
        let path = RepoPath::parse(name).expect("it is a path");
        let Some(written) = read(release::write(&path, data, &version, true)) else {
            continue;
        };
        assert_eq!(written.changes.is_empty(), written.bytes == data, "{name}");
        assert!(
            written.bytes.len() <= data.len() + 64 * (1 + written.changes.len()),
            "{name}"
        );
        let again = release::write(&path, &written.bytes, &version, true);
        let again = again.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(again.changes.is_empty() && again.bytes == written.bytes, "{name}");
    }
}

/// No tag is lost between those that count and those that do not.
fn tags(text: &str) {
    let candidate = |tag: &str| Candidate {
        tag: tag.to_owned(),
        built: None,
    };
    let tags: Vec<Candidate> = text.lines().take(40).map(candidate).collect();
    let orders = [
        Said {
            constraint: Some(">= 0".to_owned()),
            ..Said::default()
        },
        Said {
            numeric: true,
            ..Said::default()
        },
        Said {
            lexical: true,
            extract: text.lines().next().map(str::to_owned),
            ..Said::default()
        },
    ];
    for said in orders {
        let Some(select) = read(Select::parse(&said).map_err(|(_, fault)| fault)) else {
            continue;
        };
        let found = ranked(&select, tags.clone());
        assert_eq!(found.best.len() + found.lost.len(), tags.len(), "{said:?}");
        let mut turned: Vec<Candidate> = tags.clone();
        turned.reverse();
        let turned = ranked(&select, turned);
        let best = |found: &[Candidate]| found.first().map(|one| one.tag.clone());
        assert_eq!(
            best(&found.best),
            best(&turned.best),
            "the answer's own order decides"
        );
    }
}

fn index(text: &str) {
    match chart_index::versions(text, "web") {
        Ok(versions) => assert!(versions.unwrap_or_default().len() <= text.len()),
        Err(why) => is_plain(&shown(&why), None),
    }
}

/// What somebody's commits say is on one line each.
fn messages(text: &str) {
    let change = Change::parse(text);
    for part in [Some(&change.subject), change.breaking.as_ref()]
        .into_iter()
        .flatten()
    {
        is_plain(&shown(part), None);
        assert!(!part.contains(['\n', '\r', '\u{1b}']), "{part:?}");
    }
    let trailers = Trailers::parse(text);
    for key in Key::ALL {
        assert!(trailers.all(key).all(|value| one_line(value) == value));
    }
    let again = Trailers::parse(&format!("subject\n\n{trailers}"));
    for key in Key::ALL {
        assert!(again.all(key).eq(trailers.all(key)), "{trailers}");
    }
}

/// Nobody's text ends the place that it is shown in.
fn what_is_shown(text: &str) {
    let line = one_line(text);
    is_plain(&shown(text), None);
    assert_eq!(one_line(&line), line);
    let code = markdown::code(text);
    assert!(code.is_empty() || code.matches('`').count() == 2, "{code:?}");
    assert!(!code.contains('\n'), "{code:?}");
    for made in [markdown::inline(text), markdown::prose(text)] {
        assert!(!made.contains('\n') && !made.contains('<'), "{made:?}");
    }
    let fenced = markdown::fenced(text, 1000);
    let (fence, rest) = fenced.split_once("diff\n").expect("it begins with its fence");
    let inside = rest.strip_suffix(fence).expect("it ends with it");
    assert!(!inside.contains(fence), "{fenced:?}");
    let linked = markdown::link(text);
    assert!(!linked.contains('\n'), "{linked:?}");
}

/// A secret of the first line is not in what is printed of the rest, nor is its beginning.
fn secrets(text: &str) {
    let (secret, rest) = text.split_once('\n').unwrap_or((text, ""));
    let secret = secret.trim();
    if secret.len() < 16 || secret.contains('*') {
        return;
    }
    let redactor = Redactor::of([secret]);
    let said = format!("bad token {secret}; {rest}{secret}");
    let told = redactor.redact(&said);
    assert!(!told.contains(secret), "{told:?}");
    assert!(told.len() <= said.len());
}
