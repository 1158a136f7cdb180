//! By policy: an app and an environment are enough, and what the policy forbids does not happen.

use crate::support::cli::{Bench, Run};
use crate::support::git_server::git_says;

const POLICY: &str = r#"version: 1
apps:
  shop:
    image: registry.example/acme/shop
    environments:
      dev:
        auto-deploy: on
        targets:
          - {file: shop/dev.yaml, path: image}
      prod:
        auto-deploy: off
        promote-from: dev
        clusters:
          east: [{file: shop/prod-east.yaml, path: image}]
          west: [{file: shop/prod-west.yaml, path: image}]
  pair:
    image: [registry.example/acme/front, registry.example/acme/back]
    environments:
      dev:
        auto-deploy: on
        targets:
          - {file: pair.yaml, path: front.image, image: registry.example/acme/front}
          - {file: pair.yaml, path: back.image, image: registry.example/acme/back}
  "*":
    image: registry.example/acme/{app}
    environments:
      "*":
        auto-deploy: on
        targets: [{file: "apps/{app}/{env}.yaml"}]
"#;

const PAIR: &str =
    "front:\n  image: registry.example/acme/front:1.0.0\nback:\n  image: registry.example/acme/back:1.0.0\n";

fn values(app: &str, tag: &str) -> String {
    format!("# {app}\nimage:\n  repository: registry.example/acme/{app}\n  tag: {tag} # kept\nreplicas: 2\n")
}

fn files() -> Vec<(&'static str, String)> {
    vec![
        (".gitops-steps.yaml", POLICY.to_owned()),
        ("shop/dev.yaml", values("shop", "1.0.0")),
        ("shop/prod-east.yaml", values("shop", "1.0.0")),
        ("shop/prod-west.yaml", values("shop", "1.0.0")),
        ("pair.yaml", PAIR.to_owned()),
        ("apps/mail/test.yaml", values("mail", "1.0.0")),
    ]
}

fn with<T>(make: impl FnOnce(&[(&str, &str)]) -> T) -> T {
    let files = files();
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    make(&borrowed)
}

fn bench() -> Bench {
    with(Bench::new)
}

/// A bench with one app, `shop`, whose `dev` reads `environment` in the policy.
fn one(environment: &str, file: &str) -> Bench {
    let policy = format!(
        "version: 1\napps:\n  shop:\n    image: registry.example/acme/shop\n    environments:\n      dev: {environment}\n"
    );
    Bench::new(&[(".gitops-steps.yaml", &policy), ("dev.yaml", file)])
}

fn bump(bench: &Bench, app: &str, env: &str, more: &[&str]) -> Run {
    bench.bump(&[&["--app", app, "--env", env], more].concat())
}

#[test]
fn an_app_and_an_environment_are_enough() {
    let bench = bench();
    let run = bump(&bench, "shop", "dev", &["--tag", "1.1.0"]).exits(0);
    assert_eq!(bench.read("shop/dev.yaml"), values("shop", "1.1.0"));
    assert_eq!(bench.read("shop/prod-east.yaml"), values("shop", "1.0.0"));
    assert!(
        run.stderr.contains("changed 1 value in shop/dev.yaml"),
        "{}",
        run.stderr
    );
}

#[test]
fn all_clusters_of_an_environment_move_in_one_run() {
    let bench = bench();
    let run = bump(&bench, "shop", "prod", &["--tag", "1.1.0", "--format", "json"]).exits(0);
    assert_eq!(bench.read("shop/prod-east.yaml"), values("shop", "1.1.0"));
    assert_eq!(bench.read("shop/prod-west.yaml"), values("shop", "1.1.0"));
    let json = run.json();
    assert_eq!(json["files"].as_array().unwrap().len(), 2);
    assert_eq!((&json["old"], &json["new"]), (&"1.0.0".into(), &"1.1.0".into()));
    assert_eq!((&json["app"], &json["env"]), (&"shop".into(), &"prod".into()));
}

#[test]
fn a_star_and_its_holes_serve_every_app_that_is_not_named() {
    let bench = bench();
    bump(&bench, "mail", "test", &["--tag", "1.1.0"]).exits(0);
    assert_eq!(bench.read("apps/mail/test.yaml"), values("mail", "1.1.0"));
    bump(&bench, "mail", "none", &["--tag", "1.1.0"])
        .exits(3)
        .says("`apps/mail/none.yaml` does not exist");
    // A named app replaces the star whole, its environments included.
    bump(&bench, "shop", "test", &["--tag", "1.1.0"]).exits(3);
}

#[test]
fn the_image_says_which_of_several_targets_is_meant() {
    let bench = bench();
    bump(&bench, "pair", "dev", &["--tag", "1.1.0"])
        .exits(2)
        .says("--image")
        .says("registry.example/acme/back");
    assert_eq!(bench.read("pair.yaml"), PAIR);
    bump(
        &bench,
        "pair",
        "dev",
        &["--image", "registry.example/acme/back:1.1.0"],
    )
    .exits(0);
    assert_eq!(bench.read("pair.yaml"), PAIR.replace("back:1.0.0", "back:1.1.0"));
}

#[test]
fn a_name_that_went_astray_is_brought_in_line_with_the_policy() {
    let bench = bench();
    bench.write("shop/dev.yaml", &values("fork", "1.0.0"));
    let run = bump(&bench, "shop", "dev", &["--tag", "1.1.0"]).exits(0);
    assert_eq!(
        bench.read("shop/dev.yaml"),
        values("shop", "1.1.0").replace("# shop", "# fork")
    );
    assert!(
        run.stdout.contains("-  repository: registry.example/acme/fork"),
        "{}",
        run.stdout
    );
}

#[test]
fn each_thing_that_is_wrong_has_its_code_and_its_hint() {
    for (app, env, more, code, says) in [
        (
            "shop",
            "dev",
            &["--image", "registry.example/evil/shop:1.1.0"][..],
            4,
            "the policy allows registry.example/acme/shop",
        ),
        (
            "shop",
            "dev",
            &["--tag", "1.1.0", "--image", "nginx"],
            4,
            "the image `nginx` is not one of this app's",
        ),
        ("shop", "prdo", &["--tag", "1.1.0"], 3, "did you mean `prod`?"),
        ("shop", "dev", &[], 2, "no new tag or digest"),
        ("shop", "dev", &["--tag", "a b"], 2, "is not an image tag"),
        (
            "Shop",
            "dev",
            &["--tag", "1.1.0"],
            2,
            "`Shop` is not a valid app name",
        ),
        (
            "shop",
            "../x",
            &["--tag", "1.1.0"],
            2,
            "is not a valid environment name",
        ),
        (
            "shop",
            "dev",
            &["--tag", "0.9.0", "--on-stale", "fail"],
            4,
            "--allow-downgrade",
        ),
        (
            "shop",
            "dev",
            &["--tag", "1.1.0", "--file", "shop/dev.yaml"],
            2,
            "choose one way",
        ),
    ] {
        let bench = bench();
        bump(&bench, app, env, more)
            .exits(code)
            .says(says)
            .prints_plainly();
        for (path, text) in files() {
            assert_eq!(bench.read(path), text, "{app} {env} {more:?}");
        }
    }
}

#[test]
fn an_unknown_app_is_told_with_the_one_that_was_meant() {
    let bench = one(
        "{auto-deploy: on, targets: [{file: dev.yaml}]}",
        &values("shop", "1.0.0"),
    );
    bump(&bench, "shpo", "dev", &["--tag", "1.1.0"])
        .exits(3)
        .says("the policy knows no app `shpo`")
        .says("did you mean `shop`?");
}

#[test]
fn without_a_policy_file_its_name_is_told() {
    let bench = Bench::new(&[("dev.yaml", "image: a:1\n")]);
    bump(&bench, "shop", "dev", &["--tag", "1.1.0"])
        .exits(3)
        .says(".gitops-steps.yaml")
        .says("hint:");
}

#[test]
fn a_misspelt_policy_is_told_with_its_place_and_the_nearest_word() {
    let at = ".gitops-steps.yaml";
    for (wrong, right, place, hint) in [
        (
            "        auto-deply: on\n",
            "        auto-deploy: on\n",
            "7:9",
            "did you mean `auto-deploy`?",
        ),
        (
            "        auto-deploy: onn\n",
            "        auto-deploy: on\n",
            "7:22",
            "did you mean `on`?",
        ),
        (
            "        targts:\n",
            "        targets:\n",
            "8:9",
            "did you mean `targets`?",
        ),
        ("version: 2\n", "version: 1\n", "1:1", "update gitops-steps"),
        (
            "promote-from: dve",
            "promote-from: dev",
            "12:9",
            "did you mean `dev`?",
        ),
        (
            "{file: ../x.yaml, path: image}",
            "{file: shop/dev.yaml, path: image}",
            "9:",
            "",
        ),
    ] {
        let bench = bench();
        bench.write(at, &POLICY.replacen(right, wrong, 1));
        let run = bump(&bench, "shop", "dev", &["--tag", "1.1.0"]).exits(2);
        assert!(
            run.stderr.contains(&format!("{at}:{place}")) && run.stderr.contains(hint),
            "{wrong}: {}",
            run.stderr
        );
        assert_eq!(bench.read("shop/dev.yaml"), values("shop", "1.0.0"));
    }
}

#[test]
fn a_target_that_is_not_there_is_named() {
    for (targets, says) in [
        ("[{file: gone.yaml}]", "`gone.yaml` does not exist"),
        ("[{file: dve.yaml}]", "did you mean `dev.yaml`?"),
        ("[{file: dev.yaml, path: web.image}]", "web"),
        (
            "[{file: dev.yaml, kind: kustomize}]",
            "is not referenced in `dev.yaml`",
        ),
        ("[{file: dev.yaml, document: 3}]", "document"),
    ] {
        let bench = one(
            &format!("{{auto-deploy: on, targets: {targets}}}"),
            &values("shop", "1.0.0"),
        );
        bump(&bench, "shop", "dev", &["--tag", "1.1.0"])
            .exits(3)
            .says(says);
        assert_eq!(bench.read("dev.yaml"), values("shop", "1.0.0"));
    }
    let other = values("other", "1.0.0");
    let bench = one("{auto-deploy: on, targets: [{file: dev.yaml}]}", &other);
    bump(&bench, "shop", "dev", &["--tag", "1.1.0"])
        .exits(3)
        .says("registry.example/acme/shop")
        .says("registry.example/acme/other (dev.yaml:3)");
}

#[test]
fn an_image_that_stands_twice_wants_its_path_in_the_policy() {
    let twice = format!(
        "a: {image}\nb: {image}\n",
        image = "registry.example/acme/shop:1.0.0"
    );
    let bench = one("{auto-deploy: on, targets: [{file: dev.yaml}]}", &twice);
    bump(&bench, "shop", "dev", &["--tag", "1.1.0"])
        .exits(3)
        .says("dev.yaml:1 (`a`), dev.yaml:2 (`b`)")
        .says("`path:`");
}

#[test]
fn auto_deploy_speaks_the_words_of_people() {
    for (word, code) in [
        ("on", 0),
        ("On", 0),
        ("ON", 0),
        ("true", 0),
        ("True", 0),
        ("yes", 0),
        ("YES", 0),
        ("\"on\"", 0),
        ("off", 4),
        ("Off", 4),
        ("false", 4),
        ("no", 4),
        ("No", 4),
        ("manual", 4),
        ("Manual", 4),
        ("'off'", 4),
        ("enabled", 2),
        ("1", 2),
        ("[on]", 2),
    ] {
        let dev = format!("{{auto-deploy: {word}, targets: [{{file: dev.yaml}}]}}");
        in_ci(&dev, &["--tag", "1.1.0"], code);
    }
    in_ci("{targets: [{file: dev.yaml}]}", &["--tag", "1.1.0"], 4);
}

/// Runs `--app shop --env dev` in a clone, in CI, and checks that just a success is pushed.
fn in_ci(dev: &str, more: &[&str], code: i32) -> Run {
    let policy = one(dev, "").read(".gitops-steps.yaml");
    let before = values("shop", "1.0.0");
    let bench = Bench::cloned(&[(".gitops-steps.yaml", &policy), ("dev.yaml", &before)]);
    let state = bench.state();
    let arguments = [&["--app", "shop", "--env", "dev"], more].concat();
    let run = bench
        .bump_with(&[("GITHUB_ACTIONS", "true")], &arguments)
        .exits(code);
    assert_eq!(bench.state() != state, code == 0, "{dev}: {}", run.stderr);
    run
}

#[test]
fn a_freeze_holds_between_its_ends_and_says_why() {
    let dev = |from: &str, until: &str| {
        format!(
            "{{auto-deploy: on, targets: [{{file: dev.yaml}}], frozen: {{from: {from}, until: {until}, reason: holidays}}}}"
        )
    };
    in_ci(&dev("2001-12-20", "2002-01-04"), &["--tag", "1.1.0"], 0);
    in_ci(&dev("2200-12-20", "2201-01-04"), &["--tag", "1.1.0"], 0);
    let run = in_ci(&dev("2001-12-20", "2200-01-04T12:00:00Z"), &["--tag", "1.1.0"], 4);
    assert!(
        run.stderr
            .contains("`dev` of `shop` is frozen until 2200-01-04T12:00:00Z: holidays")
            && run.stderr.contains("--override-policy"),
        "{}",
        run.stderr
    );
    in_ci(
        &dev("2001-12-20", "2200-01-04"),
        &["--tag", "1.1.0", "--override-policy", "the shop is down"],
        0,
    );
    in_ci(&dev("2002-01-04", "2001-12-20"), &["--tag", "1.1.0"], 2);
    in_ci(&dev("tomorrow", "2001-12-20"), &["--tag", "1.1.0"], 2);
}

#[test]
fn a_frozen_environment_is_still_written_to_a_checkout() {
    let bench = one(
        "{auto-deploy: on, targets: [{file: dev.yaml}], frozen: {from: 2001-01-01, until: 2200-01-01}}",
        &values("shop", "1.0.0"),
    );
    bump(&bench, "shop", "dev", &["--tag", "1.1.0"]).exits(0);
    assert_eq!(bench.read("dev.yaml"), values("shop", "1.1.0"));
}

#[test]
fn each_environment_has_its_guard_and_a_flag_wins() {
    for (guard, tag, flags, code, operation) in [
        ("auto", "0.9.0", &[][..], 0, "superseded"),
        ("semver", "0.9.0", &[], 0, "superseded"),
        ("none", "0.9.0", &[], 0, "updated"),
        ("auto", "main-abc", &[], 0, "updated"),
        ("semver", "main-abc", &[], 2, "failed"),
        ("semver", "main-abc", &["--guard", "none"], 0, "updated"),
        ("none", "0.9.0", &["--guard", "auto"], 0, "superseded"),
        ("semver", "0.9.0", &["--allow-downgrade"], 0, "updated"),
        ("semver", "0.9.0", &["--on-stale", "fail"], 4, "refused"),
    ] {
        let dev = format!("{{auto-deploy: on, guard: {guard}, targets: [{{file: dev.yaml}}]}}");
        let bench = one(&dev, &values("shop", "1.0.0"));
        let more = [&["--tag", tag, "--format", "json"], flags].concat();
        let run = bump(&bench, "shop", "dev", &more).exits(code);
        assert_eq!(run.json()["operation"], operation, "{guard} {tag} {flags:?}");
    }
}

#[test]
fn a_stale_build_leaves_every_cluster_as_it_is() {
    let bench = bench();
    bench.write("shop/prod-west.yaml", &values("shop", "2.0.0"));
    bump(&bench, "shop", "prod", &["--tag", "1.1.0"])
        .exits(0)
        .says("shop/prod-west.yaml:4: `2.0.0` stands there already, which is newer than `1.1.0`")
        .says("superseded; nothing was changed");
    assert_eq!(bench.read("shop/prod-east.yaml"), values("shop", "1.0.0"));
}

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 0.4.1 # ours\nappVersion: \"1.0.0\"\n";

fn chart(chart: &str) -> Bench {
    let dev = format!("{{auto-deploy: on, targets: [{{file: dev.yaml}}], chart: {chart}}}");
    let bench = one(&dev, &values("shop", "1.0.0"));
    bench.write("charts/shop/Chart.yaml", CHART);
    bench
}

#[test]
fn a_chart_rises_with_what_it_deploys_and_not_twice() {
    let bench = chart("{path: \"charts/{app}\", app-version: true}");
    let raised = CHART.replace("0.4.1", "0.4.2").replace("1.0.0", "1.1.0");
    for _ in 0..2 {
        bump(&bench, "shop", "dev", &["--tag", "1.1.0"]).exits(0);
        assert_eq!(bench.read("charts/shop/Chart.yaml"), raised);
    }
    bump(&bench, "shop", "dev", &["--tag", "1.0.5"])
        .exits(0)
        .says("superseded");
    assert_eq!(bench.read("charts/shop/Chart.yaml"), raised);
}

#[test]
fn a_chart_rises_by_the_number_that_the_policy_names() {
    for (bump_by, version) in [("patch", "0.4.2"), ("minor", "0.5.0"), ("major", "1.0.0")] {
        let bench = chart(&format!("{{path: charts/shop, bump: {bump_by}}}"));
        bump(&bench, "shop", "dev", &["--tag", "1.1.0"]).exits(0);
        assert_eq!(
            bench.read("charts/shop/Chart.yaml"),
            CHART.replace("0.4.1", version)
        );
    }
}

#[test]
fn a_digest_is_no_app_version() {
    let bench = chart("{path: charts/shop, app-version: true}");
    let digest = format!("sha256:{}", "a".repeat(64));
    bump(&bench, "shop", "dev", &["--digest", &digest, "--drop-tag"]).exits(0);
    assert_eq!(
        bench.read("charts/shop/Chart.yaml"),
        CHART.replace("0.4.1", "0.4.2")
    );
}

#[test]
fn a_chart_that_cannot_rise_stops_the_run() {
    for (path, text, code, says) in [
        ("charts/gone", CHART, 3, "`charts/gone/Chart.yaml` does not exist"),
        ("charts/shop", "name: shop\n", 3, "version"),
        ("charts/shop", "version: latest\n", 2, "is not a semantic one"),
    ] {
        let bench = chart(&format!("{{path: {path}}}"));
        bench.write("charts/shop/Chart.yaml", text);
        bump(&bench, "shop", "dev", &["--tag", "1.1.0"])
            .exits(code)
            .says(says);
        assert_eq!(bench.read("dev.yaml"), values("shop", "1.0.0"));
    }
}

#[test]
fn a_laptop_never_pushes_by_accident_and_ci_does_what_the_policy_says() {
    let bench = with(Bench::cloned);
    let before = bench.state();
    bump(&bench, "shop", "dev", &["--tag", "1.1.0"])
        .exits(0)
        .says("`--publish push` commits and pushes");
    assert_eq!(bench.read("shop/dev.yaml"), values("shop", "1.1.0"));
    git_says(&bench.repo(), &["checkout", "--quiet", "."]);
    assert_eq!(bench.state(), before);

    let ci = [("GITHUB_ACTIONS", "true")];
    let dev = [
        "--app", "shop", "--env", "dev", "--tag", "1.1.0", "--format", "json",
    ];
    let json = bench.bump_with(&ci, &dev).exits(0).json();
    assert_eq!(
        (&json["publish"], &json["branch"]),
        (&"push".into(), &"main".into())
    );
    assert_eq!(json["commit"], git_says(&bench.origin(), &["rev-parse", "main"]));
    assert_eq!(bench.pushed("shop/dev.yaml"), values("shop", "1.1.0").trim_end());
    assert_eq!(bench.read("shop/dev.yaml"), values("shop", "1.0.0"));

    let pushed = bench.state();
    let prod = ["--app", "shop", "--env", "prod", "--tag", "1.1.0"];
    bench
        .bump_with(&ci, &prod)
        .exits(4)
        .says("`prod` of `shop` changes only by pull request (auto-deploy is off)");
    assert_eq!(bench.state(), pushed);
    bench
        .bump_with(&ci, &[&prod[..], &["--publish", "files"]].concat())
        .exits(0);
    assert_eq!(bench.read("shop/prod-east.yaml"), values("shop", "1.1.0"));
}

#[test]
fn one_file_may_hold_several_environments_in_several_documents() {
    let policy = r"version: 1
apps:
  shop:
    image: registry.example/acme/shop
    environments:
      dev: {auto-deploy: on, targets: [{file: all.yaml, document: 0}]}
      prod: {targets: [{file: all.yaml, document: 1}]}
";
    let all = format!("{0}---\n{0}", values("shop", "1.0.0"));
    let bench = Bench::cloned(&[(".gitops-steps.yaml", policy), ("all.yaml", &all)]);
    let ci = [("GITHUB_ACTIONS", "true")];
    let arguments = |env| ["--app", "shop", "--env", env, "--tag", "1.1.0"];
    bench.bump_with(&ci, &arguments("dev")).exits(0);
    let dev = format!("{}---\n{}", values("shop", "1.1.0"), values("shop", "1.0.0"));
    assert_eq!(bench.pushed("all.yaml"), dev.trim_end());
    bench.bump_with(&ci, &arguments("prod")).exits(4);
    // By file, the document can be said as well, and is as locked as it was.
    let second = [
        "--file",
        "all.yaml",
        "--image",
        "registry.example/acme/shop:1.1.0",
        "--document",
        "1",
    ];
    bench
        .bump(&[&second[..], &["--publish", "push"]].concat())
        .exits(4);
    bench.bump(&second).exits(0);
    let prod = format!("{}---\n{}", values("shop", "1.0.0"), values("shop", "1.1.0"));
    assert_eq!(bench.read("all.yaml"), prod);
}

#[test]
fn a_policy_may_name_the_tag_and_means_its_image() {
    let policy = |path: &str| {
        format!(
            "version: 1\napps:\n  a:\n    image: acme/a\n    environments:\n      dev:\n        auto-deploy: on\n        targets: [{{file: v.yaml, path: {path}}}]\n"
        )
    };
    let digest = format!("sha256:{}", "2".repeat(64));
    for (path, before, code, after) in [
        (
            "image.tag",
            "image:\n  repository: acme/a\n  tag: v1\n  digest: ''\n",
            0,
            format!("image:\n  repository: acme/a\n  tag: v2\n  digest: '{digest}'\n"),
        ),
        ("image", "image:\n", 0, format!("image: acme/a:v2@{digest}\n")),
        (
            "image.repository",
            "image:\n  repository: acme/a\n  tag: v1\n",
            2,
            String::new(),
        ),
        (
            "image.digest",
            "image:\n  repository: acme/a\n  digest: x\n",
            2,
            String::new(),
        ),
        ("version", "version: v1\n", 2, String::new()),
    ] {
        let bench = Bench::new(&[(".gitops-steps.yaml", &policy(path)), ("v.yaml", before)]);
        bench
            .bump(&["--app", "a", "--env", "dev", "--tag", "v2", "--digest", &digest])
            .exits(code);
        assert_eq!(
            bench.read("v.yaml"),
            if code == 0 { after } else { before.to_owned() },
            "{path}"
        );
    }
}
