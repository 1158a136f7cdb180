//! The entry in the policy file: added to the byte, and held against what is there.

use super::{ACME, names, scaffold, tree, web};
use crate::support::cli::Bench;

const POLICY: &str = "\
# Ours.
version: 1

apps:
    api:   # the back end
        image: ghcr.io/acme/api
        environments: {dev: {auto-deploy: on, targets: [{file: api.yaml}]}}
holds: {}
";

#[test]
fn an_entry_is_added_to_a_policy_and_nothing_else_in_it_changes() {
    let bench = Bench::new(&[(".gitops-steps.yaml", POLICY)]);
    web(&bench, &["--config-repo=."]).exits(0);
    let policy = bench.read(".gitops-steps.yaml");
    let entry = [
        "    web:",
        "        image: ghcr.io/acme/web",
        "        source:",
        "          - acme/web",
        "        environments:",
        "            dev:",
        "                auto-deploy: \"on\"",
        "                targets:",
        "                  - file: web/values-dev.yaml",
        "                    path: image",
        "            prod:",
        "                auto-deploy: \"off\"",
        "                promote-from: dev",
        "                targets:",
        "                  - file: web/values-prod.yaml",
        "                    path: image",
        "",
    ]
    .join("\n");
    assert_eq!(policy, POLICY.replace("holds:", &format!("{entry}holds:")));
    // It has been set up before: its workflows are its own.
    let due = [
        ".gitops-steps.yaml",
        "argocd/dev/web.yaml",
        "argocd/prod/web.yaml",
    ];
    assert_eq!(names(&bench.repo())[..3], due);
    web(&bench, &["--config-repo=."])
        .exits(0)
        .says("nothing to change");
}

#[test]
fn another_environment_is_added_to_an_app_that_is_there() {
    let bench = Bench::new(&[]);
    web(&bench, &["--config-repo=.", "--env=dev"]).exits(0);
    web(&bench, &["--config-repo=.", "--env=dev", "--env=qa:on"]).exits(0);
    bench.bump(&["--app=web", "--env=qa", "--tag=1.0.0"]).exits(0);
    assert!(bench.read(".gitops-steps.yaml").contains("promote-from: dev"));
}

#[test]
fn a_policy_that_says_otherwise_is_not_changed() {
    let bench = Bench::new(&[]);
    web(&bench, &["--config-repo=."]).exits(0);
    let before = tree(&bench.repo());
    for (arguments, word) in [
        (
            ["--env=dev:off", "--env=prod:off"],
            "auto-deploy is not off there",
        ),
        (["--image=ghcr.io/acme/other", "--env=dev"], "for another image"),
        (["--group=other", "--env=dev"], "it takes no build of `other/web`"),
    ] {
        let all = [
            "--app",
            "web",
            "--config-repo=.",
            "--forge=github",
            "--image=ghcr.io/acme/web",
        ];
        let all: Vec<&str> = if arguments[0].starts_with("--image") {
            all[..4].to_vec()
        } else {
            all.to_vec()
        };
        let group = if arguments[0].starts_with("--group") {
            &[][..]
        } else {
            &["--group=acme"]
        };
        let all: Vec<&str> = all
            .into_iter()
            .chain(arguments)
            .chain(group.iter().copied())
            .collect();
        scaffold(&bench, &all).exits(4).says(word);
        assert_eq!(tree(&bench.repo()), before, "{word}");
    }
}

#[test]
fn an_entry_for_every_app_that_fits_is_enough() {
    let star = "\
version: 1
apps:
  '*':
    image: ghcr.io/acme/{app}
    source: ['acme/{app}']
    environments:
      dev: {auto-deploy: on, targets: [{file: '{app}/values-dev.yaml', path: image}]}
      prod: {promote-from: dev, targets: [{file: '{app}/values-prod.yaml', path: image}]}
";
    let bench = Bench::new(&[(".gitops-steps.yaml", star)]);
    web(&bench, &["--config-repo=."]).exits(0);
    assert_eq!(bench.read(".gitops-steps.yaml"), star);
    // Another layout needs an entry of its own.
    let arguments = [
        "--app=api",
        "--template=kustomize",
        "--config-repo=.",
        "--env=dev",
    ];
    scaffold(&bench, &[&arguments[..], &ACME].concat()).exits(0);
    assert!(bench.read(".gitops-steps.yaml").starts_with(star));
    bench.bump(&["--app=api", "--env=dev", "--tag=1.0.0"]).exits(0);
}
