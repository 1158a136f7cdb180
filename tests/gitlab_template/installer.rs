//! The binary that a job runs: which one, where from, and never one that a stranger names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::job;
use super::lab::{DEV, Lab, both};
use super::pipeline::Pipeline;
use crate::support::cli::{Bench, Run, text};

#[test]
fn a_script_of_ones_own_finds_gitops_steps_on_the_path() {
    let pipeline = "
include: {local: /gitlab-ci-template.yml}
version:
  extends: .gitops-steps
  script: [gitops-steps --version]
";
    let lab = Lab::new();
    let ended = lab.runs(pipeline);
    assert!(ended.run.exits(0).stdout.starts_with("gitops-steps "));
}

#[test]
fn a_trigger_that_sets_variables_of_ours_is_refused_before_anything_runs() {
    let lab = Lab::new();
    let evil = lab.bench.write_beside("evil", "#!/bin/sh\ntouch owned\n");
    Command::new("chmod").args(["+x", &evil]).status().unwrap();
    let inputs = json!({"config-repo": "gitlab:acme/deploy", "from-event": "auto"});
    for pipeline in both("bump-values", &inputs) {
        for payload in [
            json!({"ref": "main", "variables": {"GITOPS_STEPS_BINARY_PATH": evil}}).to_string(),
            r#"{"variables": {"\u0047ITOPS_STEPS_BINARY_PATH": "x"}}"#.to_owned(),
            r#"{"variables": {"gitops_steps_binary_path": "x"}}"#.to_owned(),
        ] {
            let payload = lab.bench.write_beside("payload.json", &payload);
            let trigger = [
                ("GITOPS_STEPS_BINARY_PATH", evil.as_str()),
                ("TRIGGER_PAYLOAD", &payload),
            ];
            let ended = lab.runs_with(&pipeline, &[("GITOPS_STEPS_BINARY_PATH", &evil)], &trigger);
            ended.run.exits(2).says("GITOPS_STEPS_");
        }
        let gone = lab.runs_with(
            &pipeline,
            &[],
            &[
                ("TRIGGER_PAYLOAD", "/nowhere"),
                ("GITOPS_STEPS_BINARY_PATH", &evil),
            ],
        );
        gone.run.exits(2);
    }
    assert!(!lab.bench.repo().join("owned").exists());
    assert_eq!(lab.dev(), DEV);
}

#[test]
fn a_trigger_may_speak_of_our_variables() {
    let lab = Lab::new();
    let body = json!({"ref": "main", "payload": {"schema": 1}, "note": "Set \"GITOPS_STEPS_TOKEN\" and GITOPS_STEPS_ENV"});
    let payload = lab.bench.write_beside("payload.json", &body.to_string());
    let pipeline = "
include: {local: /gitlab-ci-template.yml}
version:
  extends: .gitops-steps
  script: [echo taken]
";
    let ended = lab.runs_with(pipeline, &[], &[("TRIGGER_PAYLOAD", &payload)]);
    assert_eq!(ended.run.exits(0).stdout, "taken\n");
}

#[test]
fn a_job_that_is_refused_hands_over_nothing_of_a_run_before() {
    let lab = Lab::new();
    let elsewhere = lab.bench.write_beside("elsewhere", "");
    for pipeline in both("bump-values", &json!({"app": "web", "env": "dev", "tag": "1"})) {
        for file in ["gitops-steps.env", "gitops-steps.json"] {
            lab.bench.write(file, "GITOPS_NEW=old\n");
        }
        let trigger = [("TRIGGER_PAYLOAD", "/nowhere")];
        let ended = lab.runs_with(&pipeline, &[], &trigger);
        ended.run.exits(2);
        assert!(ended.dotenv.is_empty(), "{:?}", ended.dotenv);
        assert!(!lab.bench.repo().join("gitops-steps.json").exists());

        for outside in ["../elsewhere", &elsewhere] {
            lab.runs_with(&pipeline, &[], &[trigger[0], ("GITOPS_STEPS_DOTENV", outside)]);
            assert!(Path::new(&elsewhere).exists(), "{outside}");
        }
    }
}

#[test]
fn a_job_that_has_lost_the_installer_says_so() {
    let pipeline = "
include: {local: /gitlab-ci-template.yml}
bump:
  extends: .gitops-steps-bump-values
  before_script: [echo mine]
";
    let lab = Lab::new();
    let ended = lab.runs(pipeline);
    assert_ne!(ended.run.code, 0);
    ended
        .run
        .says("begin your before_script with !reference [.gitops-steps, before_script]");
}

#[test]
fn a_commit_that_is_no_release_says_what_to_do() {
    let lab = Lab::new();
    let [component, _] = both("bump-values", &json!({"app": "web", "env": "dev", "tag": "1"}));
    let ended = lab.runs_with(&component, &[("GITOPS_STEPS_BINARY_PATH", "")], &[]);
    assert_ne!(ended.run.code, 0);
    ended.run.says("binary-path");
}

/// A release pins its binaries in the very text of the script.
#[test]
fn a_release_runs_the_binary_that_it_pins_from_a_mirror() {
    let release = Release::new();
    let run = || release.runs(&Bench::new(&[]), &[]);
    assert_eq!(run().exits(0).stdout, "pinned dispatch-deploy\n");

    fs::write(&release.archive, "another").unwrap();
    let refused = run();
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(!refused.stdout.contains("pinned"));
}

/// A runner of one's own has a disk that lasts.
#[test]
fn jobs_of_one_project_leave_one_binary_and_each_checks_it() {
    let release = Release::new();
    let bench = Bench::new(&[]);
    let [project, temp] = [bench.repo(), bench.beside("temp")].map(|path| text(&path).to_owned());
    fs::create_dir(&temp).unwrap();
    let runs = || release.runs(&bench, &[("CI_PROJECT_DIR", &project), ("TMPDIR", &temp)]);
    let left = |folder: &str| fs::read_dir(folder).unwrap().count();
    runs().exits(0);
    let kept = format!("{project}.tmp/gitops-steps/9.9.9");
    assert_eq!(left(&kept), 2, "the binary's folder, and that it is complete");
    // Each job runs a copy of its own, so that no other job can exchange it; a later one clears them away.
    assert_eq!(left(&temp), 1);
    let copy = fs::read_dir(&temp).unwrap().next().unwrap().unwrap().path();
    let aged = Command::new("touch")
        .args(["-d", "2 days ago"])
        .arg(&copy)
        .status();
    assert!(aged.unwrap().success());

    fs::rename(&release.archive, release.archive.with_extension("away")).unwrap();
    assert_eq!(runs().exits(0).stdout, "pinned dispatch-deploy\n");
    assert_eq!((left(&kept), left(&temp)), (2, 1));
    assert!(!copy.exists());

    let arch = fs::read_dir(&kept).unwrap().map(|one| one.unwrap().path());
    let arch = arch.into_iter().find(|path| path.is_dir()).unwrap();
    assert_eq!(left(text(&arch)), 1);
    fs::write(arch.join("gitops-steps"), "#!/bin/sh\necho another\n").unwrap();
    fs::rename(release.archive.with_extension("away"), &release.archive).unwrap();
    assert_eq!(runs().exits(0).stdout, "pinned dispatch-deploy\n");

    // Where nothing can be written beside the checkout.
    fs::remove_dir_all(format!("{project}.tmp")).unwrap();
    fs::write(format!("{project}.tmp"), "").unwrap();
    assert_eq!(runs().exits(0).stdout, "pinned dispatch-deploy\n");
}

/// A mirror with a release, and the component that pins it.
struct Release {
    mirror: Bench,
    archive: PathBuf,
    pipeline: Pipeline,
}

impl Release {
    fn new() -> Self {
        let mirror = Bench::new(&[]);
        let system = if cfg!(target_os = "macos") {
            "apple-darwin"
        } else {
            "unknown-linux-musl"
        };
        let target = format!("{}-{system}", std::env::consts::ARCH);
        let folder = format!("gitops-steps-9.9.9-{target}");
        mirror.write(
            &format!("v9.9.9/{folder}/gitops-steps"),
            "#!/bin/sh\necho pinned \"$GITOPS_STEPS_COMMAND\"\n",
        );
        let releases = mirror.repo().join("v9.9.9");
        let binary = releases.join(&folder).join("gitops-steps");
        let archive = releases.join(format!("{folder}.tar.gz"));
        let packed = Command::new("sh")
            .args([
                "-ec",
                &format!("chmod +x {folder}/gitops-steps && tar -czf {folder}.tar.gz {folder}"),
            ])
            .current_dir(&releases)
            .status();
        assert!(packed.unwrap().success());
        let line = format!("9.9.9 {target} {} {}", hash(&archive), hash(&binary));
        let mut pipeline =
            Pipeline::read(&both("dispatch-deploy", &json!({"to": "gitlab:acme/deploy"}))[0]).unwrap();
        pipeline.pin(&line);
        Self {
            mirror,
            archive,
            pipeline,
        }
    }

    fn runs(&self, bench: &Bench, more: &[(&str, &str)]) -> Run {
        let base = format!("file://{}", text(&self.mirror.repo()));
        let pinned = [
            ("GITOPS_STEPS_DOWNLOAD_BASE", base.as_str()),
            ("GITOPS_STEPS_BINARY_PATH", ""),
        ];
        let variables = [&pinned[..], more].concat();
        job::run(&self.pipeline, "dispatch-deploy", bench, &variables, &[]).run
    }
}

fn hash(file: &Path) -> String {
    let bytes = Sha256::digest(fs::read(file).unwrap());
    bytes
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
