//! Images are found in every kind of file, and each place is changed in its own shape.

use crate::support::cli::Bench;

const OLD: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const NEW: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

/// Runs `bump-values --file F` with flags on one file and returns what it holds then.
#[track_caller]
fn bumped(file: &str, before: &str, flags: &[&str]) -> String {
    let bench = Bench::new(&[(file, before)]);
    bench.bump(&[&["--file", file], flags].concat()).exits(0);
    bench.read(file)
}

#[track_caller]
fn check(file: &str, flags: &[&str], before: &str, after: &str) {
    assert_eq!(bumped(file, before, flags), after, "{flags:?}");
}

#[test]
fn helm_maps_in_each_of_their_shapes_get_the_new_tag() {
    let flags = ["--image", "ghcr.io/acme/web", "--tag", "v2"];
    for (before, after) in [
        (
            "image:\n  repository: ghcr.io/acme/web # r\n  tag: v1 # t\n",
            "image:\n  repository: ghcr.io/acme/web # r\n  tag: v2 # t\n",
        ),
        (
            "image: {registry: ghcr.io, repository: acme/web, tag: 'v1'}\n",
            "image: {registry: ghcr.io, repository: acme/web, tag: 'v2'}\n",
        ),
        (
            "a:\n  b:\n    image:\n      name: ghcr.io/acme/web\n      tag: \"v1\"\n",
            "a:\n  b:\n    image:\n      name: ghcr.io/acme/web\n      tag: \"v2\"\n",
        ),
        (
            "image: ghcr.io/acme/web\ntag: v1\n",
            "image: ghcr.io/acme/web\ntag: v2\n",
        ),
        ("image: ghcr.io/acme/web:v1\n", "image: ghcr.io/acme/web:v2\n"),
        (
            "images:\n- redis:7\n- ghcr.io/acme/web:v1\n",
            "images:\n- redis:7\n- ghcr.io/acme/web:v2\n",
        ),
        (
            "image:\n  repository: ghcr.io/acme/web\n  tag: \"\"\n",
            "image:\n  repository: ghcr.io/acme/web\n  tag: \"v2\"\n",
        ),
        (
            "image:\n  repository: ghcr.io/acme/web\n",
            "image:\n  repository: ghcr.io/acme/web\n  tag: v2\n",
        ),
    ] {
        check("values.yaml", &flags, before, after);
    }
}

#[test]
fn all_spellings_of_a_docker_hub_name_are_one() {
    for name in [
        "nginx",
        "library/nginx",
        "docker.io/library/nginx",
        "docker.io/nginx",
    ] {
        let before = format!("image: {name}:1.25\n");
        let after = format!("image: {name}:1.26\n");
        check(
            "values.yaml",
            &["--image", "nginx", "--tag", "1.26"],
            &before,
            &after,
        );
    }
}

#[test]
fn a_registry_port_is_not_a_tag() {
    check(
        "values.yaml",
        &["--image", "localhost:5000/acme/web:v2"],
        "image: localhost:5000/acme/web:v1\n",
        "image: localhost:5000/acme/web:v2\n",
    );
}

#[test]
fn a_new_name_is_written_in_the_shape_that_is_there() {
    let flags = [
        "--image",
        "ghcr.io/acme/web",
        "--new-name",
        "quay.io/acme/web2",
        "--tag",
        "v2",
    ];
    for (before, after) in [
        (
            "image:\n  registry: ghcr.io\n  repository: acme/web\n  tag: v1\n",
            "image:\n  registry: quay.io\n  repository: acme/web2\n  tag: v2\n",
        ),
        (
            "image:\n  repository: ghcr.io/acme/web\n  tag: v1\n",
            "image:\n  repository: quay.io/acme/web2\n  tag: v2\n",
        ),
        ("image: ghcr.io/acme/web:v1\n", "image: quay.io/acme/web2:v2\n"),
    ] {
        check("values.yaml", &flags, before, after);
    }
}

#[test]
fn a_digest_that_hides_the_new_tag_is_told_and_nothing_is_written() {
    let map = format!("image:\n  repository: acme/web\n  tag: v1\n  digest: {OLD}\n");
    let scalar = format!("image: acme/web:v1@{OLD}\n");
    for before in [&map, &scalar] {
        let bench = Bench::new(&[("values.yaml", before)]);
        let run = bench
            .bump(&["--file", "values.yaml", "--image", "acme/web", "--tag", "v2"])
            .exits(2);
        assert!(
            run.stderr.contains("values.yaml:") && run.stderr.contains("hide"),
            "{}",
            run.stderr
        );
        assert_eq!(bench.read("values.yaml"), **before);
    }
    let flags = ["--image", "acme/web", "--tag", "v2", "--drop-digest"];
    assert_eq!(bumped("values.yaml", &scalar, &flags), "image: acme/web:v2\n");
    assert_eq!(
        bumped("values.yaml", &map, &flags),
        "image:\n  repository: acme/web\n  tag: v2\n  digest: \"\"\n"
    );
    let both = format!("acme/web:v2@{NEW}");
    assert_eq!(
        bumped("values.yaml", &scalar, &["--image", &both]),
        format!("image: acme/web:v2@{NEW}\n")
    );
    assert_eq!(
        bumped("values.yaml", &map, &["--image", &both]),
        format!("image:\n  repository: acme/web\n  tag: v2\n  digest: {NEW}\n")
    );
}

#[test]
fn a_tag_that_a_new_digest_belies_is_told() {
    let before = "image: acme/web:v1\n";
    let bench = Bench::new(&[("values.yaml", before)]);
    bench
        .bump(&["--file", "values.yaml", "--image", "acme/web", "--digest", NEW])
        .exits(2)
        .says("--drop-tag");
    assert_eq!(bench.read("values.yaml"), before);
    check(
        "values.yaml",
        &["--image", "acme/web", "--digest", NEW, "--drop-tag"],
        before,
        &format!("image: acme/web@{NEW}\n"),
    );
}

#[test]
fn a_kustomization_gets_its_tag_digest_and_name() {
    let name = "kustomization.yaml";
    for (flags, before, after) in [
        (
            vec!["--image", "web", "--tag", "v2"],
            "images:\n- name: web\n  newTag: v1\n",
            "images:\n- name: web\n  newTag: v2\n".to_owned(),
        ),
        (
            vec!["--image", "ghcr.io/acme/web", "--tag", "v2"],
            "images:\n- name: web\n  newName: ghcr.io/acme/web\n",
            "images:\n- name: web\n  newName: ghcr.io/acme/web\n  newTag: v2\n".to_owned(),
        ),
        (
            vec!["--image", "web", "--tag", "1.20"],
            "images:\n- name: web\n  newTag: v1\n",
            "images:\n- name: web\n  newTag: \"1.20\"\n".to_owned(),
        ),
        (
            vec!["--image", "web", "--digest", NEW],
            "images:\n- name: web\n  newTag: v1\n",
            format!("images:\n- name: web\n  digest: {NEW}\n"),
        ),
        (
            vec!["--image", "web", "--new-name", "ghcr.io/acme/web", "--tag", "v2"],
            "images:\n- name: web\n  newTag: v1\n",
            "images:\n- name: web\n  newTag: v2\n  newName: ghcr.io/acme/web\n".to_owned(),
        ),
    ] {
        check(name, &flags, before, &after);
    }
    let pinned = format!("images:\n- name: web\n  digest: {OLD}\n- name: db\n  newTag: v1\n");
    check(
        name,
        &["--image", "web", "--tag", "v2"],
        &pinned,
        "images:\n- name: web\n  newTag: v2\n- name: db\n  newTag: v1\n",
    );
}

#[test]
fn every_kind_of_workload_is_a_workload() {
    let cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: c\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          initContainers:\n          - name: i\n            image: busybox:1\n          containers:\n          - name: c\n            image: 'acme/web:v1' # c\n";
    check(
        "c.yaml",
        &["--image", "acme/web", "--tag", "v2"],
        cron,
        &cron.replace("web:v1", "web:v2"),
    );
    check(
        "c.yaml",
        &["--image", "busybox", "--tag", "2"],
        cron,
        &cron.replace("busybox:1", "busybox:2"),
    );
    let many = "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\n---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata:\n  name: r\nspec:\n  template:\n    spec:\n      containers:\n        - image: acme/web:v1\n          name: web\n";
    check(
        "all.yaml",
        &["--image", "acme/web", "--tag", "v2"],
        many,
        &many.replace("web:v1", "web:v2"),
    );
    let list = "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  apiVersion: v1\n  spec:\n    containers:\n    - image: acme/web:v1\n";
    check(
        "list.yaml",
        &["--image", "acme/web", "--tag", "v2"],
        list,
        &list.replace("web:v1", "web:v2"),
    );
}

const APPLICATION: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: web
spec:
  source:
    repoURL: https://charts.example.com/stable
    chart: web-chart
    targetRevision: 1.2.3
    helm:
      parameters:
      - name: image.repository
        value: acme/params
      - name: image.tag
        value: \"1.0\"
      values: |
        # kept
        image:
          repository: acme/inner
          tag: v1 # inner
      valuesObject:
        image:
          repository: acme/object
          tag: v1
    kustomize:
      images:
      - web=acme/kust:v1
";

#[test]
fn an_application_is_changed_wherever_it_names_an_image() {
    for (image, tag, before, after) in [
        ("acme/params", "1.1", "value: \"1.0\"", "value: \"1.1\""),
        ("acme/inner", "v2", "tag: v1 # inner", "tag: v2 # inner"),
        ("acme/kust", "v2", "web=acme/kust:v1", "web=acme/kust:v2"),
        (
            "web-chart",
            "1.3.0",
            "targetRevision: 1.2.3",
            "targetRevision: 1.3.0",
        ),
        (
            "charts.example.com/stable/web-chart",
            "1.3.0",
            "targetRevision: 1.2.3",
            "targetRevision: 1.3.0",
        ),
        (
            "acme/object",
            "v2",
            "acme/object\n          tag: v1",
            "acme/object\n          tag: v2",
        ),
    ] {
        check(
            "app.yaml",
            &["--image", image, "--tag", tag],
            APPLICATION,
            &APPLICATION.replace(before, after),
        );
    }
    let set = "kind: ApplicationSet\napiVersion: argoproj.io/v1alpha1\nspec:\n  template:\n    spec:\n      sources:\n      - chart: web\n        targetRevision: 1.0.0\n";
    check(
        "set.yaml",
        &["--image", "web", "--tag", "1.1.0"],
        set,
        &set.replace("1.0.0", "1.1.0"),
    );
}

#[test]
fn a_charts_versions_are_targets() {
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: \"1.0\"\ndependencies:\n- name: redis\n  version: 18.0.0\n  repository: oci://registry.example.com/charts\n";
    check(
        "web/Chart.yaml",
        &["--image", "redis", "--tag", "18.1.0"],
        chart,
        &chart.replace("18.0.0", "18.1.0"),
    );
    check(
        "web/Chart.yaml",
        &["--image", "web", "--tag", "1.1"],
        chart,
        &chart.replace("\"1.0\"", "\"1.1\""),
    );
    check(
        "web/Chart.yaml",
        &[
            "--set",
            "version=1.0.1",
            "--set",
            "dependencies[name=redis].version=19.0.0",
        ],
        chart,
        &chart
            .replace("version: 1.0.0", "version: 1.0.1")
            .replace("18.0.0", "19.0.0"),
    );
}

#[test]
fn several_places_are_listed_unless_all_are_meant() {
    let two = "a:\n  image: acme/web:v1\nb:\n  image: acme/web:v1\n";
    let bench = Bench::new(&[("v.yaml", two)]);
    let run = bench
        .bump(&["--file", "v.yaml", "--image", "acme/web", "--tag", "v2"])
        .exits(3);
    assert!(
        run.stderr.contains("v.yaml:2") && run.stderr.contains("v.yaml:4"),
        "{}",
        run.stderr
    );
    assert_eq!(bench.read("v.yaml"), two);
    check(
        "v.yaml",
        &["--image", "acme/web", "--tag", "v2", "--all"],
        two,
        &two.replace("v1", "v2"),
    );
}

#[test]
fn an_image_that_is_nowhere_is_told_with_those_that_are_there() {
    let bench = Bench::new(&[("v.yaml", "image: acme/web:v1\n")]);
    bench
        .bump(&["--file", "v.yaml", "--image", "acme/wbe", "--tag", "v2"])
        .exits(3)
        .says("`acme/wbe` is not referenced in `v.yaml`")
        .says("acme/web (v.yaml:1)");
}

#[test]
fn a_digest_inside_the_tag_is_a_digest_too() {
    let before = format!("image:\n  repository: acme/web\n  tag: v1@{OLD}\n");
    let bench = Bench::new(&[("values.yaml", &before)]);
    bench
        .bump(&["--file", "values.yaml", "--image", "acme/web", "--tag", "v2"])
        .exits(2)
        .says("values.yaml:3: the digest");
    assert_eq!(bench.read("values.yaml"), before);
    check(
        "values.yaml",
        &["--image", &format!("acme/web:v2@{NEW}")],
        &before,
        &format!("image:\n  repository: acme/web\n  tag: v2@{NEW}\n"),
    );
    check(
        "values.yaml",
        &["--image", "acme/web", "--tag", "v2", "--drop-digest"],
        &before,
        "image:\n  repository: acme/web\n  tag: v2\n",
    );
}

#[test]
fn a_template_that_something_else_fills_in_is_left_alone() {
    for tag in ["'{{tag}}'", "'{{ .Chart.AppVersion }}'", "${TAG}"] {
        let before = format!("image:\n  repository: acme/web\n  tag: {tag}\n");
        let bench = Bench::new(&[("values.yaml", &before)]);
        bench
            .bump(&["--file", "values.yaml", "--image", "acme/web", "--tag", "v2"])
            .exits(4)
            .says("is a template");
        assert_eq!(bench.read("values.yaml"), before);
    }
}

#[test]
fn a_host_and_its_port_are_no_image() {
    let before = "db: redis:6379\nimage: redis:7\n";
    check(
        "values.yaml",
        &["--image", "redis", "--tag", "8", "--all"],
        before,
        "db: redis:6379\nimage: redis:8\n",
    );
}

#[test]
fn an_image_tag_beside_its_image_is_where_the_tag_goes() {
    for (before, after) in [
        (
            "image: acme/web\nimageTag: \"8.5.1\"\n",
            "image: acme/web\nimageTag: \"8.6.0\"\n",
        ),
        (
            "imageRepository: acme/web\nimageTag: 8.5.1\n",
            "imageRepository: acme/web\nimageTag: 8.6.0\n",
        ),
    ] {
        check(
            "values.yaml",
            &["--image", "acme/web", "--tag", "8.6.0"],
            before,
            after,
        );
    }
    let pinned = format!(
        "image:\n  repository: acme/web\n  tag: v1\n  sha: {}\n",
        &OLD["sha256:".len()..]
    );
    let bench = Bench::new(&[("values.yaml", &pinned)]);
    bench
        .bump(&["--file", "values.yaml", "--image", "acme/web", "--tag", "v2"])
        .exits(2)
        .says("values.yaml:4: the digest");
    check(
        "values.yaml",
        &["--image", &format!("acme/web:v2@{NEW}")],
        &pinned,
        &format!(
            "image:\n  repository: acme/web\n  tag: v2\n  sha: \"{}\"\n",
            &NEW["sha256:".len()..]
        ),
    );
}

#[test]
fn a_charts_version_is_not_an_images_tag() {
    let chart = "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- name: redis\n  version: 18.0.0\n  repository: https://charts.example.com\n";
    let bench = Bench::new(&[("Chart.yaml", chart), ("values.yaml", "image: redis:7.0\n")]);
    bench
        .bump(&["--file", "*.yaml", "--image", "redis", "--tag", "7.2", "--all"])
        .exits(0);
    assert_eq!(bench.read("Chart.yaml"), chart);
    assert_eq!(bench.read("values.yaml"), "image: redis:7.2\n");
}

#[test]
fn a_size_may_go_down_and_a_version_may_not() {
    let before = "cpu: '2.5'\nhost: 10.0.0.2\ntag: 1.2.0\n";
    check(
        "values.yaml",
        &["--set", "cpu=1.5", "--set", "host=10.0.0.1"],
        before,
        "cpu: '1.5'\nhost: 10.0.0.1\ntag: 1.2.0\n",
    );
    check("values.yaml", &["--set", "tag=1.1.0"], before, before);
    check(
        "values.yaml",
        &["--set", "cpu=1.5", "--guard", "semver"],
        before,
        before,
    );
}
