//! Times a proven edit of large files: `cargo run --release --example engine -- 10 20 40` (sizes in MB).
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example measures and prints"
)]

use std::fmt::Write as _;
use std::time::Instant;

use gitops_steps::yaml::{Edit, File, IfMissing, Operation, Path, Value};

fn main() {
    let sizes = std::env::args()
        .skip(1)
        .filter_map(|size| size.parse::<usize>().ok());
    for size in sizes {
        for (name, text) in [
            ("values", values(size * 1_000_000)),
            ("one-line JSON", json(size * 1_000_000)),
            ("literal block", literal(size * 1_000_000)),
        ] {
            let edit = Edit {
                document: None,
                path: Path::parse("target.tag").expect("a path"),
                operation: Operation::Set {
                    value: Value::String("v2".into()),
                },
                if_missing: IfMissing::Error,
                allow_shared: false,
            };
            let begin = Instant::now();
            let file = File::parse(text.as_bytes()).expect("the text is YAML");
            let located = begin.elapsed();
            let edited = file.apply(&[edit]).expect("the edit is proven");
            let all = begin.elapsed();
            assert!(edited.unproven_by.is_none() && edited.changes.len() == 1);
            #[expect(clippy::cast_precision_loss, reason = "a speed needs no more")]
            let megabytes = text.len() as f64 / 1e6;
            println!(
                "{name}: {megabytes:.1} MB in {:.3} s (located in {:.3} s): {:.1} MB/s",
                all.as_secs_f64(),
                located.as_secs_f64(),
                megabytes / all.as_secs_f64()
            );
        }
    }
}

fn values(size: usize) -> String {
    let mut text = String::with_capacity(size + 1024);
    let mut number = 0;
    while text.len() < size {
        number += 1;
        write!(
            text,
            "# Settings of service {number}, as its team keeps them\nservice{number}:\n  enabled: true\n  replicaCount: {}\n  image:\n    \
             registry: docker.io\n    repository: acme/service-{number}\n    tag: \"1.{number}.0\"  # kept by CI\n    pullPolicy: IfNotPresent\n  \
             resources:\n    limits: {{cpu: 500m, memory: 256Mi}}\n  env:\n    - name: LOG_LEVEL\n      value: 'info'\n    - name: REGION\n      \
             value: eu-central-1\n\n",
            number % 7 + 1
        )
        .expect("writing to a string never fails");
    }
    text + "target:\n  tag: v1\n"
}

fn json(size: usize) -> String {
    let mut text = String::with_capacity(size + 1024) + "{";
    let mut number = 0;
    while text.len() < size {
        number += 1;
        write!(text, "\"service{number}\":{{\"enabled\":true,\"image\":{{\"repository\":\"acme/service-{number}\",\"tag\":\"1.0.{number}\"}},\"ports\":[80,443]}},")
            .expect("writing to a string never fails");
    }
    text + "\"target\":{\"tag\":\"v1\"}}"
}

fn literal(size: usize) -> String {
    let mut text = String::with_capacity(size + 1024) + "script: |\n";
    while text.len() < size {
        text.push_str("  echo \"a line of a long script, one of very many\" && sleep 1  # and so on\n");
    }
    text + "target:\n  tag: v1\n"
}
