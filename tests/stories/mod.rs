//! The pages that are run as they stand: the stories, each from an empty folder to a production that was rolled back, the
//! quick starts, the recipes, the runbooks, and those for who comes from another tool.
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
    at_gitlab("deploys/portal/theme").tell("stories/ckan.md");
}

#[test]
fn winterlight() {
    at_gitlab("acme/winterlight").tell("stories/winterlight.md");
}

#[test]
fn ziichat() {
    at_github("ziichat/acme-node").tell("stories/ziichat.md");
}

#[test]
fn argo_workflows() {
    at_github("ekmsystems/go-todo").tell("stories/argo-workflows.md");
}

#[test]
fn bare_repositories() {
    Teller::at(Forge::None, "acme/web").tell("stories/bare-repositories.md");
}

#[test]
fn cloud_and_onprem() {
    at_github("acme/web").tell("stories/cloud-and-onprem.md");
}

#[test]
fn quick_start_on_github() {
    at_github("acme/web").tell("quickstart-github.md");
}

#[test]
fn quick_start_on_gitlab() {
    at_gitlab("acme/web").tell("quickstart-gitlab.md");
}

/// Recipes, and what is written in the place of another tool's calls, need no forge but where they say so.
#[test]
fn recipes() {
    for page in [
        "helm",
        "kustomize",
        "manifests",
        "app-of-apps",
        "monorepo",
        "multi-cluster",
        "flux",
    ] {
        Teller::at(Forge::None, "acme/web").tell(&format!("recipes/{page}.md"));
    }
}

#[test]
fn runbooks() {
    at_github("acme/web").tell("runbooks.md");
}

#[test]
fn moving_here() {
    for page in ["gitopscli", "scripts", "yaml-update-action", "image-updater"] {
        Teller::at(Forge::None, "acme/web").tell(&format!("migration/{page}.md"));
    }
}

#[test]
fn what_a_page_shows_may_leave_out_a_part_of_a_line() {
    assert!(page::is_as_shown("a … c\n", "a b c\n"));
    assert!(page::is_as_shown("a…\n", "a\n"));
    assert!(!page::is_as_shown("a\n", "ab\n"));
    assert!(!page::is_as_shown("a … c\n", "a b d\n"));
    assert!(!page::is_as_shown("a\n", "a\nb\n"));
}
