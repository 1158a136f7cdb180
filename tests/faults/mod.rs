//! The matrix of faults: what goes wrong, on which road, how a run ends, and what is there afterwards.
//!
//! The rows are data; one driver runs them, and `docs/reliability.md` has a table that is made of them. After every row
//! the trouble is mended and the same command run again: it has to come to the whole of what was asked for, once.
#![cfg(unix)]

mod disk;
mod harm;
mod page;
mod repos;
mod row;
mod signals;
mod wire;
mod world;

use std::sync::Mutex;

use crate::support::cli::Run;
use crate::support::git_server::Options;
use harm::Other;
use row::{Bad, Harm, Holds, Road, Row, Signal};
use world::{Trust, World};

/// How many rows run at once: most of their time they wait.
const AT_ONCE: usize = 6;

#[test]
fn what_goes_wrong_on_the_wire_loses_nothing_and_a_second_run_completes() {
    hold(wire::ROWS);
}

#[test]
fn a_run_that_is_ended_at_any_stage_loses_nothing_and_a_second_run_completes() {
    hold(signals::ROWS);
}

#[test]
fn what_becomes_of_the_repository_loses_nothing_and_a_second_run_completes() {
    hold(repos::ROWS);
}

/// Runs all rows, and tells of all that are not as they say.
fn hold(rows: &[Row]) {
    let queue: Vec<(&Row, Road)> = rows
        .iter()
        .flat_map(|row| row.roads.iter().map(move |road| (row, *road)))
        .collect();
    let (next, wrong) = (Mutex::new(queue.into_iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((row, road)) = next.lock().unwrap().next() else {
                        return;
                    };
                    let found = std::panic::catch_unwind(|| check(row, road));
                    let found = found.unwrap_or_else(|_| Err("it panicked".to_owned()));
                    if let Err(why) = found {
                        let name = format!("{} ({:?} by {road:?})", row.trouble, row.job);
                        wrong.lock().unwrap().push(format!("{name}: {why}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

fn check(row: &Row, road: Road) -> Result<(), String> {
    let trust = Trust::new();
    let options = match row.harm {
        Harm::Tls(tls) => trust.options(tls),
        _ => Options::default(),
    };
    let (world, other) = (World::new(row.job, road, options), Other::start());
    let before = world.state();
    let run = harm::run(&world, road, row.harm, &other, &trust);
    let told = |why: &str, run: &Run| format!("{why}\n--- {}\n{}{}", run.code, run.stdout, run.stderr);
    if run.code != row.code {
        return Err(told(&format!("not {}", row.code), &run));
    }
    let first = first_line(&run.stderr);
    if !row.says.iter().any(|says| matches(says, first)) {
        return Err(told(&format!("`{first}` is none of {:?}", row.says), &run));
    }
    if matches!(row.harm, Harm::Answer(_, _, Bad::Elsewhere)) && other.was_asked(road) {
        return Err("the other host was asked".to_owned());
    }
    if let Some(why) = world.differs(row.holds, &before, &run.stdout) {
        return Err(told(&why, &run));
    }
    let left = world.temporary();
    if !left.is_empty() && !matches!(row.harm, Harm::Signal(_, _, Signal::Kill)) {
        return Err(told(&format!("left: {left:?}"), &run));
    }
    harm::mend(&world, row.harm, &trust);
    let run = harm::again(&world, road, row.harm, &trust);
    let repo_differs = world.differs(Holds::Done, &before, &run.stdout);
    if let Some(why) = repo_differs.filter(|_| run.code == 0) {
        return Err(told(&format!("again: {why}"), &run));
    }
    if run.code != 0 {
        return Err(told("again", &run));
    }
    Ok(())
}

/// The first line of an error, which is empty where there is none.
fn first_line(stderr: &str) -> &str {
    let first = stderr.lines().find_map(|line| {
        let of_github = line.strip_prefix("::error title=gitops-steps::");
        of_github
            .and_then(|line| line.split("%0A").next())
            .or_else(|| line.strip_prefix("error: "))
    });
    first.unwrap_or_default()
}

/// Whether a text is as a pattern says, in which `…` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    let parts: Vec<&str> = pattern.split('…').collect();
    for (index, part) in parts.iter().enumerate() {
        match rest.find(part) {
            Some(at) if index > 0 || at == 0 => rest = &rest[at + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('…')
}
