//! Serves a fake forge to `bench/load.py` and `bench/big.py`. It tests nothing, and runs only when it is asked for by name.

use std::io::{BufRead as _, Write as _, stdin, stdout};

use serde_json::{Value, json};

use crate::support::stage::{REPO, TOKEN};
use crate::support::{github, gitlab};

/// The first line of the input names the forge; the answer names the places; the end of the input ends it.
#[test]
#[ignore = "serves bench/run load, until its input ends"]
fn a_forge_is_served_to_the_bench() {
    let mut lines = stdin().lock().lines();
    let Some(Ok(forge)) = lines.next() else { return };
    let waits = |places: Value| {
        writeln!(stdout(), "\nplaces {places}").unwrap();
        lines.for_each(drop);
    };
    if forge == "github" {
        let hub = github::Fake::start();
        hub.repo(REPO, &[("README.md", "\n")]);
        hub.token(TOKEN, github::Grant::person("bot"));
        hub.lift_rate_limit();
        let bare = hub.server().path(&format!("{REPO}.git"));
        waits(json!({ "api": hub.api_url(), "bare": bare, "repo": REPO, "token": TOKEN }));
    } else {
        let lab = gitlab::Fake::start();
        lab.repo(REPO, &[("README.md", "\n")]);
        lab.token(TOKEN, gitlab::Grant::everything("bot"));
        let bare = lab.server().path(&format!("{REPO}.git"));
        waits(json!({ "api": lab.api_url(), "bare": bare, "repo": REPO, "token": TOKEN }));
    }
}
