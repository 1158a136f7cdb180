//! What was asked for is answered on one page, by command lines that are taken and by tests that are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::git_says;
use clap::Parser as _;
use gitops_steps::command::cli::Cli;

/// The numbers of what the lifecycle has to answer, by document.
const ASKED: [(&str, &[u32]); 5] = [
    (
        "S0",
        &[19, 20, 21, 22, 24, 25, 26, 27, 28, 30, 36, 40, 44, 51, 54, 60],
    ),
    (
        "S1",
        &[
            14, 16, 17, 21, 23, 28, 29, 30, 32, 33, 36, 38, 44, 49, 51, 55, 56, 57, 58, 59, 60, 62,
        ],
    ),
    (
        "S2",
        &[
            1, 2, 3, 4, 5, 7, 8, 17, 18, 20, 21, 24, 26, 28, 31, 32, 33, 34, 35,
        ],
    ),
    (
        "S3",
        &[5, 10, 11, 12, 13, 14, 16, 18, 22, 23, 24, 25, 26, 27, 29, 30],
    ),
    ("S4", &[7, 9, 16, 21, 22, 23, 29]),
];
/// The numbers of the questions that the documents leave open.
const OPEN: [(&str, &[u32]); 5] = [
    ("S0", &[31, 32]),
    (
        "S1",
        &[
            37, 38, 39, 40, 41, 43, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
        ],
    ),
    ("S2", &[5]),
    ("S3", &[28, 45, 46]),
    ("S4", &[26, 20, 27, 28]),
];

/// A row of one of the page's tables.
struct Row {
    number: String,
    cells: Vec<String>,
}

impl Row {
    /// The texts in backticks of a cell.
    fn code(&self, cell: usize) -> impl Iterator<Item = &str> {
        self.cells[cell].split('`').skip(1).step_by(2)
    }
}

/// The rows of the page.
fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join("docs/requirements.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| S"));
    let rows = rows.map(|line| {
        let inside = line.trim_start_matches("| ").trim_end_matches(" |");
        let mut cells = inside.split(" | ").map(str::to_owned);
        Row {
            number: cells.next().unwrap(),
            cells: cells.collect(),
        }
    });
    let rows: Vec<Row> = rows.collect();
    for row in &rows {
        assert_eq!(row.cells.len(), 3, "{}", row.number);
    }
    rows
}

#[test]
fn everything_that_was_asked_for_has_its_row_and_nothing_else_has() {
    let found: Vec<String> = rows().into_iter().map(|row| row.number).collect();
    assert_eq!(found, numbers(&ASKED));
}

#[test]
fn every_question_that_was_left_open_has_its_answer() {
    let page = fs::read_to_string(root().join("docs/questions.md")).unwrap();
    let parts = page.split("\n### ").skip(1);
    let answered = parts.map(|part| {
        let (question, answer) = part.split_once('\n').unwrap();
        assert!(answer.trim().len() > 20, "{question}");
        let (_, number) = question.rsplit_once(" (").unwrap();
        number.trim_end_matches(')').to_owned()
    });
    assert_eq!(answered.collect::<Vec<_>>(), numbers(&OPEN));
}

fn numbers(documents: &[(&str, &[u32])]) -> Vec<String> {
    let each = documents
        .iter()
        .flat_map(|(document, numbers)| numbers.iter().map(move |number| format!("{document}.{number}")));
    each.collect()
}

#[test]
fn each_command_line_of_the_page_is_one_that_is_taken() {
    for row in rows() {
        let commands: Vec<&str> = row
            .code(1)
            .filter(|code| code.starts_with("gitops-steps "))
            .collect();
        let elsewhere = row.cells[1].contains("Outside");
        assert!(
            !commands.is_empty() || elsewhere,
            "{}: no command line",
            row.number
        );
        for command in commands {
            if let Err(error) = Cli::try_parse_from(words(command)) {
                panic!("{}: `{command}`\n{error}", row.number);
            }
        }
        // What is left out of a command line is a flag that it has.
        let first = row
            .code(1)
            .find(|code| code.starts_with("gitops-steps "))
            .unwrap();
        for flags in row.code(1).filter(|code| code.starts_with("--")) {
            let whole = format!("{first} {flags}");
            let parsed = Cli::try_parse_from(words(&whole));
            let taken = parsed.map_or_else(
                |error| error.kind() != clap::error::ErrorKind::UnknownArgument,
                |_| true,
            );
            assert!(taken, "{}: `{whole}`", row.number);
        }
    }
}

/// Those that ask nobody are run in a config repo whose app and environments have the names of the page.
#[test]
fn each_command_line_that_needs_no_network_goes_well_there() {
    const ELSEWHERE: [&str; 10] = [
        "github:",
        "gitlab:",
        "https:",
        "--create-remote",
        "--resolve",
        "resolve-image",
        "--from-event",
        "deployment-status",
        "preview gc",
        "release publish",
    ];
    let bench = config_repo();
    let mut ran = 0;
    for row in rows() {
        let commands = row.code(1).filter(|code| code.starts_with("gitops-steps "));
        for command in commands.filter(|command| !ELSEWHERE.iter().any(|part| command.contains(part))) {
            // A clone of an empty repository is another test's.
            if command.contains("--app-repo . --publish push") {
                continue;
            }
            let mut arguments = words(command);
            if !command.contains("--dry-run") {
                arguments.push("--dry-run".to_owned());
            }
            let run = bench.command().args(&arguments[1..]).output();
            let run = Run::from(run.unwrap());
            assert_eq!(run.code, 0, "{}: `{command}`\n{}", row.number, run.stderr);
            ran += 1;
        }
    }
    assert!(ran > 30, "only {ran} were run");
}

/// A clone of a config repo with a history, and a template beside its files.
fn config_repo() -> Bench {
    let values = "image:\n  repository: ghcr.io/acme/web\n  tag: 1.4.0\n";
    let workload = "kind: Deployment\nspec: {template: {spec: {containers: [{name: a, image: 'acme/go-todo:1.4.0'}]}}}\n";
    let bench = Bench::cloned(&[
        (".gitops-steps.yaml", POLICY),
        ("web/Chart.yaml", CHART),
        ("web/dev-values.yaml", values),
        ("web/prod-values.yaml", values),
        ("go-todo/deployment.yaml", workload),
        ("elsewhere/deployment.yaml", workload),
        ("our-template/template.yaml", "version: 1\n"),
        ("our-template/config/{app}/{env}/host.txt", "{host}\n"),
    ]);
    git_says(&bench.repo(), &["tag", "v1.3.0"]);
    git_says(
        &bench.repo(),
        &["push", "--quiet", text(&bench.origin()), "v1.3.0"],
    );
    let newer = values.replace("1.4.0", "1.4.1");
    bench.write("web/dev-values.yaml", &newer);
    let who = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"];
    let commit = [
        &who[..],
        &["commit", "--quiet", "--all", "--message", "feat: more"],
    ]
    .concat();
    git_says(&bench.repo(), &commit);
    bench
}

const CHART: &str = "\
name: web
version: 0.1.0
dependencies:
  - {name: redis, version: 18.0.0, repository: 'oci://registry.example.com/charts'}
";

const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    environments:
      dev:
        auto-deploy: on
        targets: [{file: web/dev-values.yaml, path: image}]
        chart: {path: web, bump: patch, app-version: true}
      prod:
        promote-from: dev
        targets: [{file: web/prod-values.yaml, path: image}]
  go-todo:
    image: acme/go-todo
    environments:
      staging:
        auto-deploy: on
        targets: [{file: go-todo/deployment.yaml}]
";

#[test]
fn each_test_that_the_page_names_is_there() {
    let mut source = String::new();
    for folder in ["tests", "src"] {
        read_all(&root().join(folder), &mut source);
    }
    let tests: BTreeSet<&str> = source
        .split("#[test]\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("fn ")?.1.split('(').next())
        .collect();
    for row in rows() {
        assert!(row.code(2).next().is_some(), "{}: no test", row.number);
        for test in row.code(2) {
            assert!(tests.contains(test), "{}: there is no test `{test}`", row.number);
        }
    }
}

#[test]
fn each_page_that_it_names_is_there() {
    let page = fs::read_to_string(root().join("docs/requirements.md")).unwrap();
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let mut read = 0;
    for target in targets {
        assert!(root().join("docs").join(target).is_file(), "{target}");
        read += 1;
    }
    assert!(read > 5, "only {read} were found");
}

/// The words of a command line, as a shell cuts it; single quotes are all that the page uses.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for (index, part) in command.split('\'').enumerate() {
        if index % 2 == 1 {
            word.push_str(part);
            continue;
        }
        let mut pieces = part.split(' ');
        word.push_str(pieces.next().unwrap());
        for piece in pieces {
            words.push(std::mem::replace(&mut word, piece.to_owned()));
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn read_all(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, into);
        } else if path.extension().is_some_and(|end| end == "rs") {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
