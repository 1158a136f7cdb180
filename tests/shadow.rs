//! What lies over a value and is what counts instead: found by `check`, and by a bump of the value.

use crate::support::cli::{Bench, Run};
use crate::support::stage::{Stage, Way};

const VALUES: &str = "image:\n  repository: ghcr.io/acme/web\n  tag: v1\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: proxy
          image: envoyproxy/envoy:v1
        - name: web
          image: ghcr.io/acme/web:v1
";
const BASE: &str = "resources: [deployment.yaml]\n";

/// A policy whose dev is at this place.
fn policy(target: &str) -> String {
    format!(
        "version: 1\napps:\n  web:\n    image: ghcr.io/acme/web\n    environments:\n      \
         dev: {{auto-deploy: on, targets: [{target}]}}\n"
    )
}

fn check(bench: &Bench, arguments: &[&str]) -> Run {
    let mut command = bench.command();
    command.arg("check").args(arguments);
    Run::from(command.output().unwrap())
}

/// The places that lie over others, as `file:line`; there is nothing else to tell.
fn shadows(bench: &Bench) -> Vec<String> {
    let run = check(bench, &["--format", "json"]).exits(0);
    let json = run.json();
    let all = json["check"]["findings"].as_array().unwrap();
    all.iter()
        .map(|one| {
            assert_eq!(
                (&one["code"], &one["severity"]),
                (&"shadowed".into(), &"warning".into()),
                "{one}"
            );
            format!("{}:{}", one["file"].as_str().unwrap(), one["line"])
        })
        .collect()
}

fn bench(target: &str, files: &[(&str, &str)]) -> Bench {
    let bench = Bench::new(files);
    bench.write(".gitops-steps.yaml", &policy(target));
    bench
}

#[test]
fn an_overlay_that_pins_the_image_lies_over_the_manifest_below() {
    let target = "{file: base/deployment.yaml}";
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "images",
            "resources: [../base]\nimages:\n  - name: ghcr.io/acme/web\n    newTag: v0\n",
            &["over/kustomization.yaml:4"],
        ),
        (
            "a digest",
            "resources: [../base/]\nimages:\n- {name: ghcr.io/acme/web, digest: sha256:aa}\n",
            &["over/kustomization.yaml:3"],
        ),
        (
            "another image",
            "resources: [../base]\nimages: [{name: envoyproxy/envoy, newTag: v0}]\n",
            &[],
        ),
        (
            "only a name",
            "resources: [../base]\nimages: [{name: ghcr.io/acme/web, newName: x}]\n",
            &[],
        ),
        (
            "not above it",
            "resources: [../other]\nimages: [{name: ghcr.io/acme/web, newTag: v0}]\n",
            &[],
        ),
        (
            "the manifest itself",
            "resources: [../base/deployment.yaml]\nimages: [{name: ghcr.io/acme/web, newTag: v0}]\n",
            &["over/kustomization.yaml:2"],
        ),
        (
            "an inline patch",
            "resources: [../base]\npatches:\n  - patch: |\n      kind: Deployment\n      metadata: {name: web}\n      \
             spec:\n        template:\n          spec:\n            containers:\n            - name: web\n              \
             image: ghcr.io/acme/web:v0\n",
            &["over/kustomization.yaml:11"],
        ),
        (
            "a patch of the other container",
            "resources: [../base]\npatches:\n  - patch: |\n      kind: Deployment\n      metadata: {name: web}\n      \
             spec: {template: {spec: {containers: [{name: proxy, image: x:v0}]}}}\n",
            &[],
        ),
        (
            "a JSON patch",
            "resources: [../base]\npatches:\n  - target: {kind: Deployment, name: w.*}\n    patch: |-\n      \
             - op: replace\n        path: /spec/template/spec/containers/1/image\n        value: ghcr.io/acme/web:v0\n",
            &["over/kustomization.yaml:7"],
        ),
        (
            "a JSON patch of another workload",
            "resources: [../base]\npatches:\n  - target: {kind: Deployment, name: x}\n    patch: |-\n      \
             - op: replace\n        path: /spec/template/spec/containers/1/image\n        value: ghcr.io/acme/web:v0\n",
            &[],
        ),
        (
            "a patch in a file",
            "resources: [../base]\npatchesStrategicMerge: [patch.yaml]\n",
            &["over/patch.yaml:3"],
        ),
    ];
    for (name, overlay, due) in cases {
        let bench = bench(
            target,
            &[
                ("base/deployment.yaml", DEPLOYMENT),
                ("base/kustomization.yaml", BASE),
                ("other/kustomization.yaml", "resources: []\n"),
                ("over/kustomization.yaml", overlay),
                (
                    "over/patch.yaml",
                    "kind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: web, image: x:v0}]}}}\n",
                ),
            ],
        );
        assert_eq!(shadows(&bench), *due, "{name}");
    }
}

#[test]
fn an_overlay_meets_an_image_by_the_name_that_the_one_below_gave_it() {
    let target = "{file: base/kustomization.yaml}";
    for (over, due) in [
        ("ghcr.io/acme/web", &["top/kustomization.yaml:3"][..]),
        ("web", &[]),
    ] {
        let top = format!("resources: [../middle]\nimages:\n  - {{name: {over}, newTag: v0}}\n");
        let bench = bench(
            target,
            &[
                (
                    "base/kustomization.yaml",
                    "images: [{name: web, newName: ghcr.io/acme/web, newTag: v1}]\n",
                ),
                ("middle/kustomization.yaml", "bases: [../base]\n"),
                ("top/kustomization.yaml", &top),
            ],
        );
        assert_eq!(shadows(&bench), due, "{over}");
    }
}

#[test]
fn an_overlay_that_the_policy_lists_itself_is_meant() {
    let policy = "version: 1
apps:
  web:
    image: ghcr.io/acme/web
    environments:
      dev: {auto-deploy: on, targets: [{file: base/deployment.yaml}]}
      prod: {targets: [{file: over/kustomization.yaml}]}
";
    let bench = Bench::new(&[
        (".gitops-steps.yaml", policy),
        ("base/deployment.yaml", DEPLOYMENT),
        ("base/kustomization.yaml", BASE),
        (
            "over/kustomization.yaml",
            "resources: [../base]\nimages: [{name: ghcr.io/acme/web, newTag: v0}]\n",
        ),
    ]);
    assert_eq!(shadows(&bench), [] as [&str; 0]);
    let run = bench.bump(&[
        "--app",
        "web",
        "--env",
        "dev",
        "--tag",
        "v2",
        "--fail-if-shadowed",
    ]);
    assert!(!run.exits(0).stderr.contains("warning"));
}

/// An Application of a chart with this below its source.
fn application(source: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web}}\nspec:\n  source:\n    \
         repoURL: https://github.com/acme/deploy\n    path: web\n{source}"
    )
}

#[test]
fn an_application_that_sets_the_same_key_lies_over_the_values_file() {
    let target = "{file: web/dev.yaml, path: image}";
    let cases: &[(&str, &str, &[&str])] = &[
        ("nothing above it", "    helm: {valueFiles: [dev.yaml]}\n", &[]),
        (
            "a parameter",
            "    helm:\n      valueFiles: [dev.yaml]\n      parameters:\n        - {name: replicas, value: \"2\"}\n        \
             - name: image.tag\n          value: v0\n",
            &["argocd/web.yaml:13"],
        ),
        (
            "a parameter of a source that does not read the file",
            "    helm:\n      valueFiles: [prod.yaml]\n      parameters: [{name: image.tag, value: v0}]\n",
            &[],
        ),
        (
            "values",
            "    helm:\n      valueFiles: [dev.yaml]\n      values: |\n        replicas: 2\n        image:\n          tag: v0\n",
            &["argocd/web.yaml:13"],
        ),
        (
            "other values",
            "    helm:\n      valueFiles: [dev.yaml]\n      values: |\n        image:\n          pullPolicy: Always\n",
            &[],
        ),
        (
            "an object of values",
            "    helm:\n      valueFiles: [dev.yaml]\n      valuesObject:\n        image:\n          tag: v0\n",
            &["argocd/web.yaml:12"],
        ),
        (
            "a digest",
            "    helm:\n      valueFiles: [dev.yaml]\n      valuesObject:\n        image: {digest: \"sha256:aa\"}\n",
            &["argocd/web.yaml:11"],
        ),
        (
            "an empty digest",
            "    helm:\n      valueFiles: [dev.yaml]\n      valuesObject: {image: {digest: \"\"}}\n",
            &[],
        ),
        (
            "a later file",
            "    helm: {valueFiles: [dev.yaml, ../more.yaml]}\n",
            &["more.yaml:2"],
        ),
        (
            "an earlier file",
            "    helm: {valueFiles: [/more.yaml, dev.yaml]}\n",
            &[],
        ),
        (
            "a file that is not there",
            "    helm: {valueFiles: [dev.yaml, gone.yaml], ignoreMissingValueFiles: true}\n",
            &[],
        ),
    ];
    for (name, source, due) in cases {
        let application = application(source);
        let bench = bench(
            target,
            &[
                ("web/dev.yaml", VALUES),
                ("web/prod.yaml", VALUES),
                ("more.yaml", "image:\n  tag: v0\n"),
                ("argocd/web.yaml", &application),
            ],
        );
        assert_eq!(shadows(&bench), *due, "{name}");
    }
}

#[test]
fn sources_by_reference_and_application_sets_are_understood() {
    let several = "apiVersion: argoproj.io/v1alpha1
kind: Application
spec:
  sources:
    - repoURL: https://charts.example
      chart: web
      helm:
        valueFiles: [$values/web/dev.yaml]
        parameters: [{name: image.tag, value: v0}]
    - {repoURL: https://github.com/acme/deploy, ref: values}
";
    let set = "apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
spec:
  template:
    spec:
      source:
        path: '{{ .app }}'
        helm:
          valueFiles: ['{{ .env }}.yaml', '../over/{{ .env }}.yaml']
";
    let target = "{file: web/dev.yaml, path: image}";
    for (application, due) in [(several, &["argocd/web.yaml:9"][..]), (set, &["over/dev.yaml:1"])] {
        let bench = bench(
            target,
            &[
                ("web/dev.yaml", VALUES),
                ("over/dev.yaml", "image: {tag: v0}\n"),
                ("over/prod.yaml", "image: {tag: v0}\n"),
                ("argocd/web.yaml", application),
            ],
        );
        assert_eq!(shadows(&bench), due);
    }
}

#[test]
fn a_list_of_an_application_set_says_what_its_holes_stand_for() {
    let set = "apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
spec:
  generators:
    - list:
        elements:
          - {app: web, values: clusters/dev.yaml, over: a}
          - {app: web, values: clusters/prod.yaml, over: b}
  template:
    spec:
      source:
        path: '{{.app}}'
        helm: {valueFiles: ['{{ .values }}', '../over/{{.over}}.yaml']}
";
    for (file, due) in [
        ("web/clusters/dev.yaml", "over/a.yaml:1"),
        ("web/clusters/prod.yaml", "over/b.yaml:1"),
    ] {
        let bench = bench(
            &format!("{{file: {file}, path: image}}"),
            &[
                (file, VALUES),
                ("over/a.yaml", "image: {tag: v0}\n"),
                ("over/b.yaml", "image: {tag: v0}\n"),
                ("argocd/web.yaml", set),
            ],
        );
        assert_eq!(shadows(&bench), [due]);
    }
}

#[test]
fn a_values_file_that_no_application_reads_is_told_of_where_its_chart_is_deployed() {
    for (listed, due) in [
        ("[dev.yaml]", None),
        ("[dev-values.yaml, prod.yaml]", Some("values-unread")),
        ("[]", None),
        ("['{{env}}.yaml']", None),
    ] {
        let application = application(&format!("    helm: {{valueFiles: {listed}}}\n"));
        let bench = bench(
            "{file: web/dev.yaml, path: image}",
            &[
                ("web/Chart.yaml", "version: 1.0.0\n"),
                ("web/dev.yaml", VALUES),
                ("argocd/web.yaml", &application),
            ],
        );
        let run = check(&bench, &["--format", "json"]).exits(0);
        let json = run.json();
        assert_eq!(json["check"]["findings"][0]["code"].as_str(), due, "{listed}");
    }
}

#[test]
fn an_application_may_pin_what_kustomize_builds() {
    let target = "{file: web/deployment.yaml}";
    for (images, due) in [
        ("['ghcr.io/acme/web:v0']", &["argocd/web.yaml:10"][..]),
        ("['ghcr.io/acme/web=x.example/web:v0']", &["argocd/web.yaml:10"]),
        ("['envoyproxy/envoy:v0']", &[]),
    ] {
        let application = application(&format!("    kustomize:\n      images:\n        {images}\n"));
        let bench = bench(
            target,
            &[
                ("web/deployment.yaml", DEPLOYMENT),
                ("web/kustomization.yaml", BASE),
                ("argocd/web.yaml", &application),
            ],
        );
        assert_eq!(shadows(&bench), due, "{images}");
    }
}

/// A values file, and an Application whose parameter lies over it.
fn shadowed() -> Vec<(&'static str, String)> {
    let source = "    helm:\n      valueFiles: [dev.yaml]\n      parameters:\n      - name: image.tag\n        value: v0\n";
    vec![
        (".gitops-steps.yaml", policy("{file: web/dev.yaml, path: image}")),
        ("web/dev.yaml", VALUES.to_owned()),
        ("argocd/web.yaml", application(source)),
    ]
}

#[test]
fn a_bump_of_what_does_not_count_warns_with_the_line_or_is_refused() {
    let files = shadowed();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    for ways in [
        &["--app", "web", "--env", "dev", "--tag", "v2"][..],
        &["--file", "web/dev.yaml", "--set", "image.tag=v2"],
        &[
            "--file",
            "web/dev.yaml",
            "--image",
            "ghcr.io/acme/web",
            "--tag",
            "v2",
        ],
    ] {
        let bench = Bench::new(&files);
        let run = bench
            .bump(&[ways, &["--fail-if-shadowed"]].concat())
            .exits(4)
            .says("argocd/web.yaml:12:16: the parameter `image.tag` is set here");
        assert!(run.stderr.contains("hint:"), "{}", run.stderr);
        assert_eq!(bench.read("web/dev.yaml"), VALUES);
        bench
            .bump(ways)
            .exits(0)
            .says("warning: argocd/web.yaml:12:16: the parameter `image.tag` is set here, so that `image.tag` at web/dev.yaml does not count");
        assert!(bench.read("web/dev.yaml").contains("tag: v2"));
    }
    // What is not a version of the shadowed key goes without a word.
    let bench = Bench::new(&files);
    let run = bench.bump(&[
        "--file",
        "web/dev.yaml",
        "--set",
        "image.repository=x",
        "--fail-if-shadowed",
    ]);
    assert!(!run.exits(0).stderr.contains("warning"));
}

#[test]
fn a_push_is_refused_before_anything_is_pushed() {
    let files = shadowed();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let bench = Bench::cloned(&files);
    let before = bench.state();
    let arguments = ["--app", "web", "--env", "dev", "--tag", "v2", "--publish", "push"];
    bench
        .bump(&[&arguments[..], &["--fail-if-shadowed"]].concat())
        .exits(4);
    assert_eq!(bench.state(), before);
    bench.bump(&arguments).exits(0).says("does not count");
    assert!(bench.pushed("web/dev.yaml").contains("tag: v2"));
}

#[test]
fn through_an_api_it_is_looked_for_only_where_it_is_asked_for() {
    let files = shadowed();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    for stage in [Stage::github(Way::Api, &files), Stage::gitlab(Way::Api, &files)] {
        let arguments = ["--app", "web", "--env", "dev", "--tag", "v2", "--publish", "push"];
        let asked = [&arguments[..], &["--fail-if-shadowed"]].concat();
        let run = stage.run("bump-values", &asked).exits(4);
        assert!(
            run.stderr.contains("argocd/web.yaml:12:16"),
            "{}: {}",
            stage.name(),
            run.stderr
        );
        let looked = stage.calls().len();
        stage.forget_calls();
        let run = stage.run("bump-values", &arguments).exits(0);
        assert!(!run.stderr.contains("does not count"), "{}", run.stderr);
        // One lists the files, one or two read them; the commit is not made.
        assert!(stage.calls().len() <= 4, "{}: {:?}", stage.name(), stage.calls());
        assert!((4..=7).contains(&looked), "{}: {looked}", stage.name());
    }
}
