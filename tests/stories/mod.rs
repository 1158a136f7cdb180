//! The stories of `docs/stories`, each from an empty folder to a production that was rolled back, run as they stand there.
// The blocks are for a shell.
#![cfg(unix)]

mod page;
mod plays;
mod teller;
mod workflow;

use crate::support::{github, gitlab};
use teller::{Forge, Teller};

fn at_github(image: &str) -> Teller {
    Teller::at(Forge::Hub(Box::new(github::Fake::start())), image)
}

fn at_gitlab(image: &str) -> Teller {
    Teller::at(Forge::Lab(Box::new(gitlab::Fake::start())), image)
}

#[test]
fn ckan() {
    at_gitlab("deploys/portal/theme").tell("ckan.md");
}

#[test]
fn winterlight() {
    at_gitlab("acme/winterlight").tell("winterlight.md");
}

#[test]
fn ziichat() {
    at_github("ziichat/acme-node").tell("ziichat.md");
}

#[test]
fn argo_workflows() {
    at_github("ekmsystems/go-todo").tell("argo-workflows.md");
}

#[test]
fn bare_repositories() {
    Teller::at(Forge::None, "acme/web").tell("bare-repositories.md");
}

#[test]
fn cloud_and_onprem() {
    at_github("acme/web").tell("cloud-and-onprem.md");
}

#[test]
fn what_a_page_shows_may_leave_out_a_part_of_a_line() {
    assert!(page::is_as_shown("a … c\n", "a b c\n"));
    assert!(page::is_as_shown("a…\n", "a\n"));
    assert!(!page::is_as_shown("a\n", "ab\n"));
    assert!(!page::is_as_shown("a … c\n", "a b d\n"));
    assert!(!page::is_as_shown("a\n", "a\nb\n"));
}
