use std::cell::Cell;

use super::*;
use crate::plan::comparison::{LoggedCommit, Relation};
use crate::plan::snapshot::Blob;
use crate::words::fault::Kind;
use crate::words::repo_path::RepoPath;
use crate::words::trailers::{Key, Trailers, assemble};

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const IMAGE: &str = "registry.example/acme/shop";

/// A repository whose file has a history, newest first, and that counts how often it is asked for it.
#[derive(Default)]
struct Logged {
    messages: Vec<String>,
    asked: Cell<usize>,
}

impl Snapshot for Logged {
    fn commit(&self) -> Option<&str> {
        None
    }

    fn read(&self, _paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
        Ok(Vec::new())
    }

    fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
        Ok(Vec::new())
    }

    fn history(&self, _path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        self.asked.set(self.asked.get() + 1);
        let logged = |message: &String| LoggedCommit {
            id: String::new(),
            message: message.clone(),
            author: String::new(),
            committer: String::new(),
            committed: jiff::Timestamp::UNIX_EPOCH,
        };
        Ok(self.messages.iter().take(most).map(logged).collect())
    }

    fn at(&self, _commit: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        unreachable!("the guard reads no past files")
    }
}

/// The source repository `acme/shop`: each commit with the one that it contains.
struct Lineage(&'static [(&'static str, &'static str)]);

impl Ancestry for Lineage {
    fn relation(&self, repo: &str, old: &str, new: &str) -> anyhow::Result<Option<Relation>> {
        assert_eq!(repo, "acme/shop");
        let knows = |name: &str| {
            self.0
                .iter()
                .any(|(a, b)| a.starts_with(name) || b.starts_with(name))
        };
        let contains = |outer: &str, inner: &str| {
            let mut pairs = self.0.iter();
            pairs.any(|(a, b)| a.starts_with(outer) && b.starts_with(inner))
        };
        Ok(
            match (knows(old) && knows(new), contains(new, old), contains(old, new)) {
                (false, ..) => None,
                (true, true, _) => Some(Relation::Ahead),
                (true, false, true) => Some(Relation::Behind),
                (true, false, false) => Some(Relation::Diverged),
            },
        )
    }
}

const NOTHING: Lineage = Lineage(&[]);
/// `B` contains `A`; `c…` has nothing to do with either.
const LINEAGE: Lineage = Lineage(&[(B, A), ("cccccccccccccccccccc", "dddddddddddddddddddd")]);

fn commit(pairs: &[(Key, &str)]) -> String {
    let mut trailers = Trailers::default();
    for (key, value) in pairs {
        trailers.add(*key, value);
    }
    assemble("deploy", false, &trailers).unwrap()
}

/// The commit of a run of `acme/shop`.
fn run(new: &str, number: &str) -> String {
    commit(&[
        (Key::New, new),
        (Key::SourceRepo, "acme/shop"),
        (Key::SourceSequence, number),
    ])
}

fn run_at(new: &str, number: &str, url: &str) -> String {
    commit(&[
        (Key::New, new),
        (Key::SourceRepo, "acme/shop"),
        (Key::SourceSequence, number),
        (Key::RunUrl, url),
    ])
}

fn from(new: &str, sha: &str) -> String {
    commit(&[
        (Key::New, new),
        (Key::SourceRepo, "acme/shop"),
        (Key::SourceCommit, sha),
    ])
}

fn source(number: Option<u64>, sha: Option<&str>) -> Source {
    Source {
        repo: Some("acme/shop".to_owned()),
        sequence: number,
        commit: sha.map(str::to_owned),
        ..Source::default()
    }
}

fn moved(old: &str, new: &str) -> Move {
    Move {
        file: RepoPath::parse("app/dev.yaml").unwrap(),
        line: 3,
        image: Some(IMAGE.to_owned()),
        reference: None,
        old: Some(old.to_owned()),
        new: Some(new.to_owned()),
        repinned: false,
        judged: Judged::Always,
    }
}

fn flags(guard: GuardArg) -> GuardArgs {
    GuardArgs {
        guard: Some(guard),
        on_stale: OnStale::Skip,
        allow_downgrade: false,
    }
}

/// One run, and what the guard says of it: `newer`, `warns: …`, `superseded: …` or `refused: …`.
struct Case<'a> {
    flags: GuardArgs,
    source: Source,
    messages: &'a [String],
    ancestry: &'a dyn Ancestry,
}

impl Case<'_> {
    fn says(&self, moves: &[Move]) -> String {
        self.says_and_asks(moves).0
    }

    fn says_and_asks(&self, moves: &[Move]) -> (String, usize) {
        let snapshot = Logged {
            messages: self.messages.to_vec(),
            asked: Cell::default(),
        };
        let guard = Guard {
            flags: &self.flags,
            policy: GuardArg::Auto,
            source: &self.source,
            chosen: false,
            snapshot: &snapshot,
            ancestry: self.ancestry,
        };
        let mut warnings = Vec::new();
        let said = match guard.judge(moves, &mut warnings) {
            Ok(Verdict::Newer) if warnings.is_empty() => "newer".to_owned(),
            Ok(Verdict::Newer) => format!("warns: {}", warnings.join(" | ")),
            Ok(Verdict::Superseded(reason)) => format!("superseded: {reason}"),
            Err(error) => {
                let fault = error.downcast_ref::<Fault>().expect("it is a fault");
                assert!(fault.hint.is_some(), "{fault}");
                let kind = if fault.kind == Kind::Refused {
                    "refused"
                } else {
                    "invalid"
                };
                format!("{kind}: {fault}")
            }
        };
        (said, snapshot.asked.get())
    }
}

#[track_caller]
fn holds(said: &str, start: &str, words: &str) {
    assert!(
        said.starts_with(start) && said.contains(words),
        "{start} {words}: {said}"
    );
}

#[test]
fn the_run_number_tells_the_newer_of_two_values_without_a_version() {
    let other = commit(&[
        (Key::New, "v"),
        (Key::SourceRepo, "acme/web"),
        (Key::SourceSequence, "1"),
    ]);
    let hand = "fix by hand\n".to_owned();
    let several = commit(&[
        (Key::Image, "registry.example/acme/proxy"),
        (Key::Image, IMAGE),
        (Key::SourceRepo, "acme/shop"),
        (Key::SourceSequence, "7"),
    ]);
    let capitals = run("v", "7").replace("acme/shop", "Acme/Shop");
    for guard in [GuardArg::Sequence, GuardArg::Auto] {
        let unknown = if guard == GuardArg::Auto {
            "warns: "
        } else {
            "refused: "
        };
        for (messages, number, start, words) in [
            (vec![run("v", "7")], Some(8), "newer", ""),
            (vec![run("v", "9")], Some(10), "newer", ""),
            (
                vec![run("v", "7")],
                Some(7),
                "superseded: app/dev.yaml:3: ",
                "run 7",
            ),
            (vec![run("v", "8")], Some(7), "superseded: ", "run 8"),
            (vec![run("v", "10")], Some(9), "superseded: ", "`w` is of run 9"),
            (vec![capitals.clone()], Some(6), "superseded: ", ""),
            // The newest commit that set the value counts, not the newest one.
            (
                vec![hand.clone(), run("x", "99"), run("v", "7"), run("v", "9")],
                Some(8),
                "newer",
                "",
            ),
            (vec![several.clone()], Some(6), "superseded: ", ""),
            (vec![other.clone()], Some(8), unknown, "`acme/web`"),
            (vec![run("v", "many")], Some(8), unknown, "run number"),
            (vec![run("v", "7")], None, unknown, "no run number"),
            (
                vec![run("x", "7")],
                Some(8),
                unknown,
                "no commit of `app/dev.yaml`",
            ),
            (vec![hand.clone()], Some(8), unknown, "no commit"),
            (vec![], Some(8), unknown, "no commit"),
        ] {
            let case = Case {
                flags: flags(guard),
                source: source(number, None),
                messages: &messages,
                ancestry: &NOTHING,
            };
            holds(&case.says(&[moved("v", "w")]), start, words);
        }
    }
}

#[test]
fn run_numbers_of_two_workflows_are_not_compared() {
    let run_of = |id: &str| format!("https://github.com/acme/shop/actions/runs/{id}");
    let pipeline = |id: &str| format!("https://gitlab.com/acme/shop/-/jobs/{id}");
    for (old, old_url, new, new_url, start, words) in [
        ("7", run_of("500"), 8, run_of("501"), "newer", ""),
        ("8", run_of("501"), 7, run_of("500"), "superseded: ", ""),
        // A new workflow counts from 1.
        (
            "700",
            run_of("500"),
            1,
            run_of("501"),
            "refused: ",
            "different workflows",
        ),
        (
            "7",
            run_of("501"),
            8,
            run_of("500"),
            "refused: ",
            "different workflows",
        ),
        (
            "7",
            run_of("500"),
            7,
            run_of("501"),
            "refused: ",
            "different workflows",
        ),
        (
            "7",
            run_of("500"),
            7,
            run_of("500/attempts/2"),
            "superseded: ",
            "",
        ),
        // A job that is run again gets a higher id; pipelines are one count.
        ("8", pipeline("500"), 7, pipeline("501"), "superseded: ", ""),
        ("8", run_of("500"), 7, pipeline("501"), "refused: ", ""),
        (
            "8",
            "nonsense".to_owned(),
            7,
            "nonsense".to_owned(),
            "superseded: ",
            "",
        ),
    ] {
        let case = Case {
            flags: flags(GuardArg::Sequence),
            source: Source {
                run_url: Some(new_url.clone()),
                ..source(Some(new), None)
            },
            messages: &[run_at("v", old, &old_url)],
            ancestry: &NOTHING,
        };
        holds(&case.says(&[moved("v", "w")]), start, words);
    }
}

/// Asks the guard `ancestry`, and returns what it says.
fn by_commit(old: &str, messages: &[String], new: &str, built_from: Option<&str>) -> String {
    let case = Case {
        flags: flags(GuardArg::Ancestry),
        source: source(None, built_from),
        messages,
        ancestry: &LINEAGE,
    };
    case.says(&[moved(old, new)])
}

#[test]
fn a_tag_names_its_commit_in_any_of_the_usual_ways() {
    for (old, new) in [
        (B.to_owned(), A.to_owned()),
        (format!("sha-{B}"), format!("sha-{A}")),
        ("sha-bbbbbbb".to_owned(), "main-aaaaaaa".to_owned()),
        ("bbbbbbb".to_owned(), "aaaaaaa".to_owned()),
        ("1.2.3-4-gbbbbbbb".to_owned(), "aaaaaaa".to_owned()),
        (format!("{IMAGE}:sha-{B}"), format!("{IMAGE}:sha-{A}")),
    ] {
        holds(&by_commit(&old, &[], &new, None), "superseded: ", "contains");
        holds(&by_commit(&new, &[], &old, None), "newer", "");
    }
}

#[test]
fn a_build_names_its_commit_where_the_tag_names_none() {
    let dated = [from("b-20240501", A)];
    for (old, messages, new, built_from, start) in [
        ("sha-bbbbbbb", &[][..], "main", A, "superseded: "),
        // What a tag names is what will run.
        ("sha-bbbbbbb", &[], "sha-aaaaaaa", B, "superseded: "),
        // A date may look like a commit.
        ("sha-aaaaaaa", &[], "build-20240501", B, "newer"),
        ("b-20240501", &dated, "edge", B, "newer"),
        ("main", &[from("main", B)], "edge", A, "superseded: "),
        // The same commit, built again.
        ("sha-aaaaaaa", &[], "edge", A, "newer"),
    ] {
        holds(&by_commit(old, messages, new, Some(built_from)), start, "");
    }
}

#[test]
fn commits_whose_order_nobody_can_tell_are_refused() {
    for (old, messages, new, built_from, words) in [
        ("sha-aaaaaaa", &[][..], "sha-ccccccc", None, "neither"),
        ("main", &[], "edge", Some(A), "no commit of"),
        ("main", &[run("main", "1")], "edge", Some(A), "no source commit"),
        ("sha-1234567", &[], "edge", Some(A), "nobody"),
        ("sha-aaaaaaa", &[], "edge", None, "names no commit"),
        ("sha-aaaaaaa", &[], "edge", Some("../../x"), "names no commit"),
        ("sha-abc", &[], "edge", Some(A), "no commit of"),
    ] {
        holds(&by_commit(old, messages, new, built_from), "refused: ", words);
    }
}

#[test]
fn auto_asks_one_judge_after_the_other() {
    let elsewhere = from("sha-bbbbbbb", B).replace("acme/shop", "acme/web");
    for (old, new, messages, built, start, asked) in [
        // Versions decide before anything is read.
        (
            "1.0.0",
            "1.1.0",
            vec![run("1.0.0", "9")],
            source(Some(1), None),
            "newer",
            0,
        ),
        (
            "1.1.0",
            "1.0.0",
            vec![run("1.1.0", "1")],
            source(Some(9), None),
            "superseded: ",
            0,
        ),
        // Then run numbers, then commits.
        (
            "sha-aaaaaaa",
            "sha-bbbbbbb",
            vec![run("sha-aaaaaaa", "9")],
            source(Some(1), None),
            "superseded: ",
            1,
        ),
        (
            "sha-bbbbbbb",
            "sha-aaaaaaa",
            vec![],
            source(Some(9), None),
            "superseded: ",
            1,
        ),
        (
            "sha-bbbbbbb",
            "sha-aaaaaaa",
            vec![],
            source(None, None),
            "superseded: ",
            1,
        ),
        (
            "main",
            "sha-aaaaaaa",
            vec![from("main", B)],
            source(None, None),
            "superseded: ",
            1,
        ),
        // Neither tells: it is written, with a warning.
        (
            "sha-aaaaaaa",
            "sha-ccccccc",
            vec![],
            source(None, None),
            "warns: ",
            1,
        ),
        ("main", "edge", vec![], source(None, None), "warns: ", 0),
        ("main", "edge", vec![], Source::default(), "warns: ", 0),
        (
            "sha-bbbbbbb",
            "edge",
            vec![elsewhere],
            source(Some(1), None),
            "warns: ",
            1,
        ),
        // Two spellings of one version.
        ("1.0.0", "v1.0.0", vec![], source(Some(1), None), "newer", 1),
    ] {
        let case = Case {
            flags: flags(GuardArg::Auto),
            source: built,
            messages: &messages,
            ancestry: &LINEAGE,
        };
        let (said, times) = case.says_and_asks(&[moved(old, new)]);
        holds(&said, start, "");
        assert_eq!(times, asked, "{old} {new}: {said}");
    }
}

#[test]
fn a_digest_is_judged_by_where_it_was_built() {
    let (old, new) = (
        format!("sha256:{}", "1".repeat(64)),
        format!("sha256:{}", "2".repeat(64)),
    );
    let digest = Move {
        judged: Judged::BySource,
        ..moved(&old, &new)
    };
    let repinned = Move {
        repinned: true,
        ..moved("main", "main")
    };
    for (one, guard, start) in [
        (&digest, GuardArg::Auto, "superseded: "),
        (&digest, GuardArg::Sequence, "superseded: "),
        (&digest, GuardArg::Semver, "newer"),
        (&repinned, GuardArg::Auto, "superseded: "),
        (&moved("main", "main"), GuardArg::Auto, "newer"),
    ] {
        let case = Case {
            flags: flags(guard),
            source: source(Some(3), None),
            messages: &[run("main", "4"), run(&old, "4")],
            ancestry: &NOTHING,
        };
        holds(&case.says(std::slice::from_ref(one)), start, "");
    }
}

#[test]
fn a_first_value_has_no_order_and_places_alike_are_judged_once() {
    let nothing_stands = Move {
        old: None,
        ..moved("", "w")
    };
    let case = Case {
        flags: flags(GuardArg::Sequence),
        source: Source::default(),
        messages: &[],
        ancestry: &NOTHING,
    };
    assert_eq!(case.says(&[nothing_stands, moved("", "w")]), "newer");
    let case = Case {
        source: source(Some(9), None),
        messages: &[run("v", "8")],
        ..case
    };
    let clusters = vec![moved("v", "w"); 40];
    assert_eq!(case.says_and_asks(&clusters), ("newer".to_owned(), 1));
}

#[test]
fn a_step_back_is_skipped_refused_or_warned_of() {
    let back = [moved("v", "w")];
    let case = |flags| Case {
        flags,
        source: source(Some(7), None),
        messages: &[],
        ancestry: &NOTHING,
    };
    let messages = [run("v", "8")];
    let stale = |flags| Case {
        messages: &messages,
        ..case(flags)
    };
    let sequence = flags(GuardArg::Sequence);
    holds(&stale(sequence.clone()).says(&back), "superseded: ", "run 8");
    let fail = GuardArgs {
        on_stale: OnStale::Fail,
        ..sequence.clone()
    };
    holds(&stale(fail).says(&back), "refused: app/dev.yaml:3: ", "run 8");
    let allowed = GuardArgs {
        allow_downgrade: true,
        ..sequence
    };
    holds(
        &stale(allowed.clone()).says(&back),
        "warns: ",
        "steps back from `v` to `w`",
    );
    // What nobody can tell may be set on purpose too.
    holds(&case(allowed).says(&back), "warns: ", "order not checked");
    assert_eq!(stale(flags(GuardArg::None)).says(&back), "newer");
}
