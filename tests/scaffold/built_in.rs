//! What the built-in templates make.

use super::{names, scaffold, tree, web};
use crate::support::cli::{Bench, Run};

#[test]
fn the_sync_is_automatic_where_a_build_is_deployed_by_itself() {
    let bench = Bench::new(&[]);
    web(&bench, &[]).exits(0);
    let automatic =
        "  syncPolicy:\n    automated:\n      selfHeal: true\n      prune: true\n    syncOptions:\n";
    let manual = "  syncPolicy:\n    syncOptions:\n      - CreateNamespace=true\n";
    assert!(bench.read("web-config/argocd/dev/web.yaml").contains(automatic));
    assert!(bench.read("web-config/argocd/prod/web.yaml").contains(manual));
}

const BLOCK: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: go-todo
  namespace: argocd
  finalizers:
    - resources-finalizer.argocd.argoproj.io
spec:
  project: production
  source:
    path: go-todo/overlays/production
    repoURL: git@github.com:ekmsystems/argocd-apps.git
    targetRevision: HEAD
  destination:
    server: https://kubernetes.default.svc
    namespace: production
  syncPolicy:
    automated:
      selfHeal: true
      prune: true
    syncOptions:
      - CreateNamespace=true
";

const IMAGE: &str = "328373003584.dkr.ecr.eu-west-2.amazonaws.com/go-todo";
const TAG: &str = "74219bccf809027b1641c5dc0b05f7add6031aa2";

#[test]
fn the_kustomize_template_is_a_base_with_overlays_and_a_quoted_image() {
    let bench = Bench::new(&[]);
    let image = format!("{IMAGE}:{TAG}");
    let arguments = [
        "--app=go-todo",
        "--template=kustomize",
        "--forge=github",
        "--group=ekmsystems",
        "--config-repo=apps",
        "--config-url=git@github.com:ekmsystems/argocd-apps.git",
        "--env=staging",
        "--env=production:on",
        "--host=production=todo.ekmsvc.com",
        "--certificate-arn=production=arn:aws:acm:eu-west-2:328373003584:certificate/b7abafe3-00e1",
        "--argocd=app-of-apps",
        "--set=application={app}",
        "--image",
        &image,
    ];
    scaffold(&bench, &arguments).exits(0).says("share the name");
    let made = tree(&bench.repo().join("apps"));
    assert_eq!(made["production/go-todo.yaml"], BLOCK);
    assert!(made["apps-production.yaml"].contains("path: production\n"));
    let deployment = &made["go-todo/overlays/production/deployment.yaml"];
    assert!(
        deployment.contains(&format!("          image: '{IMAGE}:{TAG}'\n")),
        "{deployment}"
    );
    assert!(made["go-todo/overlays/production/ingress.yaml"].contains("certificate/b7abafe3-00e1\n"));
    assert!(!made.contains_key("go-todo/overlays/staging/ingress.yaml"));
    let newer = "9".repeat(40);
    bench
        .bump(&[
            "--config-repo=apps",
            "--app=go-todo",
            "--env=production",
            "--tag",
            &newer,
        ])
        .exits(0);
    let deployment = bench.read("apps/go-todo/overlays/production/deployment.yaml");
    assert!(
        deployment.contains(&format!("          image: '{IMAGE}:{newer}'\n")),
        "{deployment}"
    );
}

#[test]
fn a_kustomize_app_takes_its_first_commit_or_version() {
    for tag in ["1.0.0", TAG] {
        let bench = Bench::new(&[]);
        web(&bench, &["--template=kustomize"]).exits(0);
        bench
            .bump(&[
                "--config-repo=web-config",
                "--app=web",
                "--env=staging",
                "--tag",
                tag,
            ])
            .exits(0);
    }
}

#[test]
fn the_ckan_template_is_one_repository_of_services() {
    let bench = Bench::new(&[]);
    let arguments = [
        "--app=portal",
        "--template=ckan",
        "--group=deploys",
        "--service=service0:custom=docker.io/ckan/ckan-base:2.11",
        "--service=service1:stock=docker.io/library/redis:7.4",
        "--service=service2",
    ];
    scaffold(&bench, &arguments).exits(0);
    assert_eq!(
        names(&bench.repo()),
        [
            ".gitlab-ci.yml",
            ".gitops-steps.yaml",
            "CREATE_CKAN_K8S_APP_VERSION",
            "README.md",
            "helm/Chart.yaml",
            "helm/templates/_helpers.tpl",
            "helm/templates/deployments.yaml",
            "helm/templates/ingress.yaml",
            "helm/templates/services.yaml",
            "helm/values.yaml",
            "helm/values/dev.yaml",
            "helm/values/prod.yaml",
            "service0/Dockerfile",
            "service2/Dockerfile",
            "service2/code/health",
            "service2/code/index.html",
        ]
    );
    let version = format!("{}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(bench.read("CREATE_CKAN_K8S_APP_VERSION"), version);
    assert!(
        bench
            .read("service0/Dockerfile")
            .contains("FROM docker.io/ckan/ckan-base:2.11\n")
    );
    bench.bump(&["--app=portal", "--env=dev", "--tag=1.0.0"]).exits(0);
    let values = bench.read("helm/values/dev.yaml");
    assert_eq!(values.matches("tag: \"1.0.0\"").count(), 2, "{values}");
    assert!(
        values.contains("repository: registry.gitlab.com/deploys/portal/service2\n"),
        "{values}"
    );
    // The small server that stands for the code of one's own answers at another path than CKAN.
    assert!(
        values.contains("  service0:\n    health: /api/3/action/status_show\n"),
        "{values}"
    );
    assert!(values.contains("  service2:\n    health: /health\n"), "{values}");
    assert!(
        values.contains("repository: docker.io/library/redis\n      tag: \"7.4\"\n"),
        "{values}"
    );
    scaffold(&bench, &arguments).exits(0).says("nothing to change");
}

#[test]
fn what_argo_cd_reads_goes_where_it_reads() {
    let bench = Bench::new(&[]);
    let arguments = [
        "--app=portal",
        "--template=ckan",
        "--group=deploys",
        "--argocd-repo=argo",
    ];
    scaffold(&bench, &arguments).exits(0);
    assert_eq!(
        names(&bench.repo().join("argo")),
        ["argocd/dev/portal.yaml", "argocd/prod/portal.yaml"]
    );
    let application = bench.read("argo/argocd/dev/portal.yaml");
    for line in [
        "    path: helm\n",
        "    repoURL: https://gitlab.com/deploys/portal.git\n",
        "        - values/dev.yaml\n",
    ] {
        assert!(application.contains(line), "{application}");
    }
    web(&bench, &["--argocd=none"]).exits(0);
    assert!(!bench.repo().join("web-config/argocd").exists());
}

/// Flags that lead to every variant of the files.
const VARIANTS: &[&[&str]] = &[
    &[],
    &["--forge=gitlab"],
    &["--config-repo=x", "--app-repo=x"],
    &["--config-repo=x", "--app-repo=x", "--forge=gitlab"],
    &["--service=api:custom=nginx:1.29"],
    &["--service=redis:stock"],
    &["--env=only"],
    &["--host={app}.{env}.example.com"],
    &[
        "--host=a.example.com",
        "--certificate-arn=arn:aws:acm:eu-west-2:1:certificate/b",
    ],
    &["--argocd=app-of-apps", "--argocd-repo=argo"],
];

#[test]
fn every_file_that_is_made_is_right_yaml_and_has_no_hole_left() {
    for template in ["helm", "kustomize", "ckan"] {
        for variant in VARIANTS {
            for services in [&[][..], &["--service=one", "--service=two:custom"]] {
                if !services.is_empty()
                    && (template != "ckan" || variant.iter().any(|flag| flag.contains("service")))
                {
                    continue;
                }
                let bench = Bench::new(&[]);
                let forge = if variant.iter().any(|flag| flag.starts_with("--forge")) {
                    &[][..]
                } else {
                    &["--forge=github"]
                };
                let all = [
                    &["--app=web", "--group=acme", "--template", template],
                    forge,
                    *variant,
                    services,
                ]
                .concat();
                scaffold(&bench, &all).exits(0);
                for (path, text) in tree(&bench.repo()) {
                    check(&path, &text, &format!("{all:?}"));
                }
            }
        }
    }
}

fn check(path: &str, text: &str, what: &str) {
    assert!(!path.contains(['(', ')', '{', '}', '+', '=']), "{what}: {path}");
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{what}: {path}");
    for name in [
        "app",
        "env",
        "service",
        "image",
        "tag",
        "port",
        "branch",
        "first_env",
        "config_repo",
    ] {
        assert!(
            !text.contains(&format!(" {{{name}}}")),
            "{what}: {path}: {name}\n{text}"
        );
    }
    let is_yaml = [".yaml", ".yml"].iter().any(|end| path.ends_with(end));
    if is_yaml && !path.contains("/templates/") {
        use serde::Deserialize as _;
        for document in serde_yaml::Deserializer::from_str(text) {
            let read = serde_yaml::Value::deserialize(document);
            assert!(read.is_ok(), "{what}: {path}: {read:?}\n{text}");
        }
    }
}

/// The flags of the last job of an app's workflow, as the Action would hand them over.
fn flags_of_deploy(workflow: &str, sha: &str) -> Vec<String> {
    let workflow: serde_json::Value = serde_yaml::from_str(workflow).unwrap();
    let inputs = workflow["jobs"]["deploy"]["steps"][0]["with"]
        .as_object()
        .unwrap();
    let digest = format!("sha256:{}", "b2".repeat(32));
    let filled = |value: &str| match value {
        "${{ github.sha }}" => sha.to_owned(),
        "${{ needs.build.outputs.digest }}" => digest.clone(),
        plain => plain.to_owned(),
    };
    let flags = inputs.iter().filter(|(name, _)| !name.starts_with("app-"));
    flags
        .map(|(name, value)| match name.as_str() {
            "command" => value.as_str().unwrap().to_owned(),
            name => format!("--{name}={}", filled(value.as_str().unwrap())),
        })
        .collect()
}

#[test]
fn what_the_apps_ci_sends_is_what_the_config_repo_takes() {
    for (arguments, values, changed) in [
        (&["--template=helm"][..], "web-config/web/values-dev.yaml", 1),
        (
            &["--template=kustomize", "--env=dev"],
            "web-config/web/overlays/dev/deployment.yaml",
            1,
        ),
        (
            &[
                "--template=ckan",
                "--app-repo=web",
                "--config-repo=web-config",
                "--service=a",
                "--service=b",
            ],
            "web-config/helm/values/dev.yaml",
            2,
        ),
    ] {
        let bench = Bench::new(&[]);
        web(&bench, arguments).exits(0);
        let sha = "c3".repeat(20);
        let flags = flags_of_deploy(&bench.read("web/.github/workflows/ci.yml"), &sha);
        let mut command = bench.command();
        command.args(&flags).args(["--dry-run", "--format=json"]).envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "acme/web"),
            ("GITHUB_SHA", sha.as_str()),
            ("GITHUB_RUN_NUMBER", "7"),
        ]);
        let sent = Run::from(command.output().unwrap()).exits(0).json();
        let payload = sent["request"]["body"]["client_payload"].clone();
        let event = serde_json::json!({
            "action": "deploy-image", "client_payload": payload,
            "repository": {"full_name": "acme/web-config"}, "sender": {"login": "ci[bot]"},
        });
        let event = bench.write_beside("event.json", &event.to_string());
        bench
            .bump(&[
                "--config-repo=web-config",
                "--publish=files",
                "--from-event",
                &event,
            ])
            .exits(0);
        assert_eq!(bench.read(values).matches(&sha).count(), changed, "{arguments:?}");
    }
}

#[test]
fn a_config_repo_is_called_after_its_app_or_as_is_asked() {
    for (flags, folder, address) in [
        (&[][..], "web-config", "https://github.com/acme/web-config.git"),
        (
            &["--config-name", "{app}-deployment"],
            "web-deployment",
            "https://github.com/acme/web-deployment.git",
        ),
    ] {
        let bench = Bench::new(&[]);
        web(&bench, flags).exits(0);
        let application = bench.read(&format!("{folder}/argocd/dev/web.yaml"));
        assert!(application.contains(address), "{application}");
        let ci = bench.read("web/.github/workflows/ci.yml");
        assert!(ci.contains(&format!("github:acme/{folder}")), "{ci}");
    }
}

#[test]
fn an_application_goes_to_the_namespace_that_is_asked_for() {
    let bench = Bench::new(&[]);
    web(&bench, &["--namespace", "apps", "--set", "argocd_namespace=cd"]).exits(0);
    let application = bench.read("web-config/argocd/prod/web.yaml");
    assert!(application.contains("\n  namespace: cd\n"), "{application}");
    assert!(application.contains("\n    namespace: apps\n"), "{application}");
}
