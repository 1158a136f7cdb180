//! The README's step for GitHub, run as it stands there.

use std::fs;
use std::path::Path;

use serde_yaml::Value;

use super::commands::{CONFIG, job_at_github};

const COMMIT: &str = "0192118a7c0ffee0192118a7c0ffee0192118a7c";

#[test]
fn the_readmes_step_brings_a_tag_into_the_values_of_dev() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let shown = readme
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .find(|block| block.contains("uses: org/gitops-steps@v1"))
        .unwrap();
    assert!(shown.lines().count() < 10, "{shown}");
    let steps: Value = serde_yaml::from_str(shown).unwrap();
    let with = steps[0]["with"].as_mapping().unwrap().iter();
    let with: Vec<(&str, String)> = with
        .map(|(name, value)| {
            let value = value.as_str().unwrap();
            let value = value
                .replace("${{ secrets.DEPLOY_TOKEN }}", "s3cret-of-the-bot")
                .replace("${{ github.sha }}", COMMIT);
            assert!(!value.contains("${{"), "{value}");
            (name.as_str().unwrap(), value)
        })
        .collect();
    let with: Vec<(&str, &str)> = with.iter().map(|(name, value)| (*name, value.as_str())).collect();

    let (hub, job) = job_at_github();
    let done = job.uses(&with).exits(0);
    assert_eq!(done.outputs["changed"], "true");
    let values = hub.file(CONFIG, "main", "web/dev-values.yaml").unwrap();
    assert!(
        values.contains(&format!("tag: \"{COMMIT}\"   # by CI")),
        "{values}"
    );
}
