//! What a policy file says, and how it says what is wrong with it.

use super::*;
use crate::words::fault::Kind as FaultKind;
use crate::words::repo_path::RepoPath;

const POLICY: &str = r#"version: 1
apps:
  web:
    image: ghcr.io/acme/web
    source: [acme/web]
    senders: ci-bot[bot]
    environments:
      dev:
        auto-deploy: on
        targets:
          - file: ./web/dev-values.yaml
            path: image
      prod:
        promote-from: dev
        clusters:
          cloud: [{file: web/clusters/cloud.yaml, path: image, kind: helm}]
          onprem: [{file: web/clusters/onprem.yaml, path: image, document: 1}]
        guard: semver
        frozen: {from: 2026-12-20, until: "2027-01-04T00:00:00+01:00", reason: holidays}
        pull-request: {labels: [production], auto-merge: squash, draft: yes, title: "{app} {new}"}
        chart: {path: web, app-version: true}
  "*":
    image: ["ghcr.io/acme/{app}", "ghcr.io/acme/{app}-{env}"]
    environments:
      prod:
        targets: [{file: "apps/{app}/prod.yaml", path: "{app}.image", image: "ghcr.io/acme/{app}"}]
      "*":
        auto-deploy: Yes
        targets:
          - {file: "apps/{app}/{env}.yaml", path: image, image: "ghcr.io/acme/{app}-{env}"}
          - {file: "all/{env}.yaml", path: "{app}.tag", image: "ghcr.io/acme/{app}"}
"#;

fn policy() -> Policy {
    Policy::parse(FILE_NAME, POLICY.as_bytes()).unwrap_or_else(|fault| panic!("{fault}"))
}

fn resolve(app: &str, env: &str) -> Result<Resolved, Fault> {
    policy().resolve(&app.parse().unwrap(), &env.parse().unwrap())
}

#[test]
fn a_named_environment_says_all_that_holds() {
    let prod = resolve("web", "prod").unwrap();
    assert_eq!(prod.auto_deploy, AutoDeploy::Off);
    assert_eq!(prod.guard, Guard::Semver);
    assert_eq!(prod.promote_from.as_ref().unwrap().as_str(), "dev");
    let targets: Vec<_> = prod
        .targets
        .iter()
        .map(|target| {
            (
                target.cluster.as_deref().unwrap(),
                target.file.as_str(),
                target.document.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        targets,
        [
            ("cloud", "web/clusters/cloud.yaml", None),
            ("onprem", "web/clusters/onprem.yaml", Some("1"))
        ]
    );
    assert_eq!(
        prod.targets[0].image.as_ref().unwrap().to_string(),
        "ghcr.io/acme/web"
    );
    assert!(prod.pull_request.draft && prod.pull_request.auto_merge == AutoMerge::Squash);
    assert_eq!(prod.chart.unwrap().bump, Bump::Patch);
}

#[test]
fn a_star_stands_for_every_name_that_is_not_named() {
    let dev = resolve("job", "qa").unwrap();
    assert_eq!(dev.auto_deploy, AutoDeploy::On);
    assert_eq!(dev.targets[0].file.as_str(), "apps/job/qa.yaml");
    assert_eq!(
        dev.targets[0].image.as_ref().unwrap().to_string(),
        "ghcr.io/acme/job-qa"
    );
    assert_eq!(dev.targets[1].path.as_deref(), Some("job.tag"));
    let prod = resolve("job", "prod").unwrap();
    assert_eq!(
        prod.auto_deploy,
        AutoDeploy::Off,
        "a named environment replaces the general one whole"
    );
    assert_eq!(prod.targets.len(), 1);
    let fault = resolve("web", "pord").unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(
        fault.hint.unwrap(),
        "did you mean `prod`?",
        "a named app replaces the general one whole"
    );
}

#[test]
fn only_the_images_sources_and_senders_of_the_policy_are_accepted() {
    let dev = resolve("web", "dev").unwrap();
    for (name, accepted) in [
        ("ghcr.io/acme/web", true),
        ("GHCR.io/acme/web", true),
        ("ghcr.io/evil/web", false),
    ] {
        assert_eq!(dev.accepts_image(&name.parse().unwrap()), accepted, "{name}");
    }
    assert!(dev.accepts_source(Some("Acme/Web")) && dev.accepts_sender(Some("ci-bot[bot]")));
    assert!(!dev.accepts_source(Some("evil/web")) && !dev.accepts_source(None));
    assert!(
        resolve("job", "qa").unwrap().accepts_source(None),
        "no list accepts any"
    );
}

#[test]
fn a_freeze_starts_at_its_start_and_ends_before_its_end() {
    let prod = resolve("web", "prod").unwrap();
    for (now, frozen) in [
        ("2026-12-19T23:59:59Z", false),
        ("2026-12-20T00:00:00Z", true),
        ("2027-01-03T22:59:59Z", true),
        ("2027-01-03T23:00:00Z", false),
    ] {
        assert_eq!(prod.frozen_at(now.parse().unwrap()).is_some(), frozen, "{now}");
    }
}

#[test]
fn auto_deploy_takes_its_words_in_any_case() {
    for (word, due) in [
        ("on", AutoDeploy::On),
        ("ON", AutoDeploy::On),
        ("true", AutoDeploy::On),
        ("\"Yes\"", AutoDeploy::On),
        ("off", AutoDeploy::Off),
        ("False", AutoDeploy::Off),
        ("no", AutoDeploy::Off),
        ("Manual", AutoDeploy::Off),
    ] {
        let text = POLICY.replacen("auto-deploy: on", &format!("auto-deploy: {word}"), 1);
        let policy = Policy::parse("p", text.as_bytes()).unwrap_or_else(|fault| panic!("{word}: {fault}"));
        let dev = policy
            .resolve(&"web".parse().unwrap(), &"dev".parse().unwrap())
            .unwrap();
        assert_eq!(dev.auto_deploy, due, "{word}");
    }
}

#[test]
fn a_file_leads_to_every_app_and_environment_that_it_holds() {
    for (file, due) in [
        ("web/dev-values.yaml", vec!["web dev On image"]),
        ("web/clusters/onprem.yaml", vec!["web prod Off image"]),
        ("apps/job/qa.yaml", vec!["job qa On image"]),
        ("apps/job/prod.yaml", vec!["job prod Off job.image"]),
        ("apps/web/qa.yaml", vec![]),
        ("all/qa.yaml", vec!["* qa On whole file"]),
        ("all/prod.yaml", vec![]),
        ("other.yaml", vec![]),
    ] {
        let reached: Vec<String> = policy()
            .places(&RepoPath::parse(file).unwrap())
            .unwrap()
            .iter()
            .map(|one| {
                format!(
                    "{} {} {:?} {}",
                    one.app.as_ref().map_or("*", |app| app.as_str()),
                    one.env.as_ref().map_or("*", |env| env.as_str()),
                    one.auto_deploy,
                    one.targets[0].path.as_deref().unwrap_or("whole file")
                )
            })
            .collect();
        assert_eq!(reached, due, "{file}");
    }
}

/// Each row: what is replaced, by what, the place, and what is said with its hint.
const WRONG: &[(&str, &str, &str, &str)] = &[
    (
        "auto-deploy: on",
        "auto-deply: on",
        "9:9",
        "unknown key `auto-deply` in `apps.web.environments.dev`: did you mean `auto-deploy`?",
    ),
    (
        "auto-deploy: on",
        "auto-deploy: onn",
        "9:22",
        "unknown word `onn`: did you mean `on`?",
    ),
    ("auto-deploy: on", "auto-deploy: 1", "9:22", "expected on or off"),
    (
        "auto-deploy: on",
        "auto-deploy: \"\\e[31m`\"",
        "9:22",
        "unknown word `\\u{1b}[31m`",
    ),
    ("version: 1", "version: 2", "1:1", "version 2 is not known"),
    ("version: 1", "versoin: 1", "1:1", "did you mean `version`?"),
    ("version: 1\n", "", "1:1", "the key `version` is missing"),
    ("guard: semver", "guard: semvar", "18:16", "unknown word `semvar`"),
    ("kind: helm", "kind: hlem", "16:", "did you mean `helm`?"),
    ("  web:\n", "  Web_App:\n", "3:3", "`Web_App` is not a name: "),
    (
        "      prod:\n        promote",
        "      dev:\n        promote",
        "13:7",
        "the name `dev` stands twice",
    ),
    (
        "promote-from: dev",
        "promote-from: dve",
        "14:9",
        "there is no environment `dve`: did you mean `dev`?",
    ),
    (
        "promote-from: dev",
        "promote-from: prod",
        "14:9",
        "the promotions go round in a circle",
    ),
    (
        "path: image\n      prod",
        "patch: image\n      prod",
        "12:13",
        "unknown key `patch`",
    ),
    (
        "./web/dev-values.yaml",
        "../dev-values.yaml",
        "11:13",
        "leaves the config repo",
    ),
    (
        "./web/dev-values.yaml",
        "web/{evn}.yaml",
        "11:13",
        "unknown name `{evn}`",
    ),
    (
        "image: ghcr.io/acme/web",
        "image: ghcr.io/acme/web:v1",
        "4:5",
        "it holds a tag",
    ),
    (
        "image: ghcr.io/acme/web",
        "image: [a, docker.io/a]",
        "4:5",
        "stands twice",
    ),
    (
        "image: ghcr.io/acme/web",
        "image: [a, b]",
        "11:13",
        "the target does not say which",
    ),
    (
        "source: [acme/web]",
        "source: [acme]",
        "5:5",
        "is not a repository",
    ),
    (
        "source: [acme/web]",
        "source: []",
        "5:5",
        "the list `source` is empty",
    ),
    (
        "senders: ci-bot[bot]",
        "senders: [a b]",
        "6:5",
        "is not a user name",
    ),
    (
        "from: 2026-12-20",
        "from: 2026-13-20",
        "19:18",
        "neither a date nor an RFC 3339 time",
    ),
    (
        "from: 2026-12-20",
        "from: 2027-12-20",
        "19:36",
        "ends before it starts",
    ),
    (
        "title: \"{app} {new}\"",
        "title: \"{nwe}\"",
        "20:",
        "unknown name `{nwe}`",
    ),
    (
        "chart: {path: web,",
        "chart: {path: /web,",
        "21:17",
        "not a path inside",
    ),
    ("draft: yes", "draft: maybe", "20:", "unknown word `maybe`"),
    (
        "        guard: semver\n",
        "        targets: []\n",
        "15:9",
        "`targets` and `clusters` stand side by side",
    ),
    (
        "        targets:\n          - file: ./web",
        "        x:\n          - file: ./web",
        "10:9",
        "unknown key `x`",
    ),
    (
        "image: \"ghcr.io/acme/{app}\"}]",
        "image: web}]",
        "26:71",
        "`web` is not among the app's images: one of `ghcr.io/acme/{app}`",
    ),
    (
        "guard: semver\n",
        "select: newst\n",
        "18:17",
        "unknown word `newst`: did you mean `newest`?",
    ),
    (
        "guard: semver\n",
        "select: ~> 1.1\n",
        "18:17",
        "a range is written as `{constraint: \"~> 1.1\"}`",
    ),
    (
        "guard: semver\n",
        "select: {constraint: \"~> 1.x.1\"}\n",
        "18:18",
        "is no version constraint: `1.x.1` is no version",
    ),
    (
        "guard: semver\n",
        "select: {constraint: \"*\", newest: on}\n",
        "18:35",
        "`constraint` and `newest` are two ways",
    ),
    (
        "guard: semver\n",
        "select: {newest: on, allow: \"(\"}\n",
        "18:30",
        "is no regular expression",
    ),
    (
        "guard: semver\n",
        "select: {newest: on, allows: x}\n",
        "18:",
        "did you mean `allow`?",
    ),
    ("guard: semver\n", "select: {allow: x}\n", "18:9", "choose one of"),
    (
        "guard: semver\n",
        "select: {newest: off}\n",
        "18:",
        "leave out the ways",
    ),
    (
        "guard: semver\n",
        "select: {follow-tag: \"{evn}\"}\n",
        "18:18",
        "unknown name `{evn}`",
    ),
    (
        "guard: semver\n",
        "select: {newest: on, platforms: [linux]}\n",
        "18:30",
        "not a platform",
    ),
    (
        "guard: semver\n",
        "select: {newest: on, write: tags}\n",
        "18:",
        "unknown word `tags`",
    ),
    (
        "guard: semver\n",
        "select: {newest: on, limit: 0}\n",
        "18:30",
        "is not from 1 to 10000",
    ),
    ("apps:\n", "apps: [\n", "", ""),
];

#[test]
fn a_choice_is_read_by_its_word_or_as_a_map_and_follows_the_environment() {
    use crate::words::select::{Order, Write};
    let select = |written: &str, app: &str, env: &str| {
        let text = POLICY.replacen("auto-deploy: Yes", &format!("select: {written}"), 1);
        let policy = Policy::parse(FILE_NAME, text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}"));
        let resolved = policy.resolve(&app.parse().unwrap(), &env.parse().unwrap());
        resolved.unwrap().select.unwrap()
    };
    for (word, order) in [
        ("newest", "the image built last"),
        ("numeric", "the highest number"),
    ] {
        assert_eq!(select(word, "job", "qa").order.to_string(), order);
    }
    let map = select(
        "{constraint: 1.1, pre-releases: on, platforms: linux/arm64, write: tag@digest}",
        "a",
        "b",
    );
    assert_eq!(map.order.to_string(), "the highest version in >= 1.1.0, < 1.2.0");
    assert!(map.pre_releases && map.platforms.len() == 1 && map.write == Some(Write::Both));
    let Order::Follow(tag) = select("{follow-tag: \"{env}\"}", "job", "qa").order else {
        panic!("it follows a tag");
    };
    assert_eq!(tag.as_str(), "qa");
    assert!(resolve("web", "dev").unwrap().select.is_none());
}

#[test]
fn a_choice_needs_an_image_to_choose_from() {
    let text = POLICY.replacen("    image: ghcr.io/acme/web\n", "", 1).replacen(
        "guard: semver",
        "select: newest",
        1,
    );
    let fault = Policy::parse("p.yaml", text.as_bytes()).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "p.yaml:17:9: a version is chosen, and the app does not say of which image"
    );
}

#[test]
fn every_mistake_is_told_with_its_place_and_the_right_word() {
    let mut wrong = Vec::new();
    for (old, new, place, says) in WRONG {
        assert!(POLICY.contains(old), "{old}");
        let text = POLICY.replacen(old, new, 1);
        let fault = Policy::parse("p.yaml", text.as_bytes()).expect_err(new);
        let shown = format!("{fault}: {}", fault.hint.as_deref().unwrap_or_default());
        let found = fault.place.expect("a policy's fault has a place");
        let right = shown.starts_with(&format!("p.yaml:{place}")) && shown.contains(says);
        if !right || fault.kind != FaultKind::Invalid || found.column == 0 || shown.contains(char::is_control)
        {
            wrong.push(format!("{new:?} at {place}\n  {shown:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_circle_through_the_star_is_found() {
    let text =
        "version: 1\napps:\n  a:\n    environments:\n      \"*\": {promote-from: x, targets: [{file: a}]}\n";
    let fault = Policy::parse("p", text.as_bytes()).unwrap_err();
    assert!(fault.message.contains("circle"), "{fault}");
}

#[test]
fn what_is_no_policy_is_refused_without_a_panic() {
    let deep = format!("version: 1\napps: {}", "[".repeat(500_000));
    let lists = "- ".repeat(20_000);
    let bomb = format!(
        "a: &a [{0}]\nb: &b [{1}]\nc: &c [{2}]\nd: [{3}]\n",
        "x,".repeat(99),
        "*a,".repeat(99),
        "*b,".repeat(99),
        "*c,".repeat(99)
    );
    for text in [
        "",
        "~",
        "- a",
        "x",
        "version: 1",
        "a: b: c",
        "---\na: 1\n---\nb: 1",
        "\u{feff}",
        "\t",
        &deep,
        &lists,
        &bomb,
    ] {
        let fault = Policy::parse("p", text.as_bytes()).expect_err(text);
        assert_eq!(fault.kind, FaultKind::Invalid);
        assert!(
            fault
                .place
                .is_some_and(|place| place.line > 0 && place.column > 0)
        );
    }
    assert!(Policy::parse("p", b"\xff\xfe").is_err());
    assert!(Policy::parse("p", &vec![b'#'; POLICY_MAX + 1]).is_err());
}
