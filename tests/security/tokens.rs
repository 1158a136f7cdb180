//! No token where none belongs.

use clap::CommandFactory as _;
use gitops_steps::command::cli::Cli;

#[test]
fn no_flag_takes_a_token() {
    fn walk(command: &clap::Command, found: &mut Vec<String>) {
        let flags = command.get_arguments().filter_map(clap::Arg::get_long);
        let secret = |flag: &&str| {
            ["token", "password", "secret", "key"]
                .iter()
                .any(|word| flag.contains(word))
        };
        found.extend(flags.filter(secret).map(str::to_owned));
        command.get_subcommands().for_each(|below| walk(below, found));
    }
    let mut found = Vec::new();
    walk(&Cli::command(), &mut found);
    found.sort();
    found.dedup();
    // Both name a file.
    assert_eq!(found, ["signing-key", "token-file"]);
}

#[test]
fn argo_cd_is_given_its_own_token_and_no_other() {
    use crate::support::argocd::{self, ArgoCd, application};
    use crate::support::git_server::{GitServer, Options};
    use crate::support::jobs::Hub;
    use serde_json::json;

    let hub = Hub::new();
    let elsewhere = GitServer::start(Options::default());
    let argocd = ArgoCd::showing(&[
        json!({ "redirect": elsewhere.url("api/v1/applications/web") }),
        application("Synced", "Healthy", "Succeeded", &hub.sha),
    ]);
    let url = argocd.url();
    let wait = [
        "--env",
        "dev",
        "--if-missing",
        "create",
        "--wait-for",
        "argocd:web",
        "--settle",
        "50ms",
    ];
    // Without its own, none of the others is tried: the fake lets nobody else in, and would show what it was sent.
    let run = hub.run_with(&[("ARGOCD_SERVER", &url)], &wait);
    assert_ne!(run.code, 0, "{}", run.stderr);
    let variables = [
        ("ARGOCD_SERVER", url.as_str()),
        ("ARGOCD_AUTH_TOKEN", argocd::TOKEN),
    ];
    let run = hub.run_with(&variables, &wait);
    assert_ne!(run.code, 0, "{}", run.stderr);
    assert!(elsewhere.authorizations().is_empty(), "no token crosses hosts");
    hub.run_with(&variables, &wait).exits(0);
    let forge = hub.fake.server().authorizations().join("\n");
    assert!(
        !forge.is_empty() && !forge.contains(argocd::TOKEN),
        "Argo CD's token stays there"
    );
}
