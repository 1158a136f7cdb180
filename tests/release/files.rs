//! The version in files: only its bytes change.

use std::fs;

use super::app::App;

/// Each file before and after, and the flags beside it.
const FILES: [(&str, &str, &str); 10] = [
    (
        "package.json",
        "{\r\n\t\"name\": \"shop\",\r\n\t\"version\":   \"1.2.3\" ,\r\n\t\"dependencies\": {\"a\": \"1.2.3\"}\r\n}\r\n",
        "{\r\n\t\"name\": \"shop\",\r\n\t\"version\":   \"1.3.0\" ,\r\n\t\"dependencies\": {\"a\": \"1.2.3\"}\r\n}\r\n",
    ),
    (
        "web/package-lock.json",
        "{\n  \"name\": \"shop\", \"version\": \"1.2.3\",\n  \"lockfileVersion\": 3,\n  \"packages\": {\n    \"\": {\"name\": \"shop\", \"version\": \"1.2.3\"},\n    \"node_modules/a\": {\"version\": \"1.2.3\"}\n  }\n}",
        "{\n  \"name\": \"shop\", \"version\": \"1.3.0\",\n  \"lockfileVersion\": 3,\n  \"packages\": {\n    \"\": {\"name\": \"shop\", \"version\": \"1.3.0\"},\n    \"node_modules/a\": {\"version\": \"1.2.3\"}\n  }\n}",
    ),
    (
        "old/package-lock.json",
        "{\"name\": \"shop\", \"version\": \"1.2.3\", \"lockfileVersion\": 1, \"dependencies\": {}}\n",
        "{\"name\": \"shop\", \"version\": \"1.3.0\", \"lockfileVersion\": 1, \"dependencies\": {}}\n",
    ),
    (
        "Cargo.toml",
        "# shop\n[package]\nname = \"shop\"\nversion   = '1.2.3' # keep me\n\n[dependencies]\na = { version = \"1.2.3\" }",
        "# shop\n[package]\nname = \"shop\"\nversion   = '1.3.0' # keep me\n\n[dependencies]\na = { version = \"1.2.3\" }",
    ),
    (
        "ws/Cargo.toml",
        "[workspace]\nmembers = [\"a\"]\n[workspace.package]\nversion = \"1.2.3\"\n",
        "[workspace]\nmembers = [\"a\"]\n[workspace.package]\nversion = \"1.3.0\"\n",
    ),
    (
        "pyproject.toml",
        "[project]\r\nname = \"shop\"\r\nversion=\"1.2.3\"\r\n",
        "[project]\r\nname = \"shop\"\r\nversion=\"1.3.0\"\r\n",
    ),
    (
        "poetry/pyproject.toml",
        "[tool.poetry]\nversion = \"1.2.3\"\n[tool.poetry.dependencies]\npython = \"^3\"\n",
        "[tool.poetry]\nversion = \"1.3.0\"\n[tool.poetry.dependencies]\npython = \"^3\"\n",
    ),
    (
        "chart/Chart.yaml",
        "apiVersion: v2 # v2\nname:   shop\nversion: 1.2.3   # the chart\nappVersion: \"1.2.3\"\ndependencies:\n- {name: a, version: 1.2.3}\n",
        "apiVersion: v2 # v2\nname:   shop\nversion: 1.3.0   # the chart\nappVersion: \"1.3.0\"\ndependencies:\n- {name: a, version: 1.2.3}\n",
    ),
    ("VERSION", "1.2.3\r\n", "1.3.0\r\n"),
    ("v/VERSION", "v1.2.3", "v1.3.0"),
];

fn with_files() -> App {
    let app = App::tagged("v1.2.3");
    for (file, before, _) in FILES {
        app.bench.write(file, before);
    }
    app.commit("feat: a");
    app
}

fn flags() -> Vec<&'static str> {
    let mut flags = vec!["next", "--app-version"];
    for (file, ..) in FILES {
        flags.extend(["--write", file]);
    }
    flags
}

#[test]
fn only_the_bytes_of_the_version_change() {
    let app = with_files();
    let run = app.run(&flags()).exits(0);
    assert_eq!(run.stdout, "1.3.0\n");
    for (file, _, after) in FILES {
        assert_eq!(app.bench.read(file), after, "{file}");
    }
    assert_eq!(app.git(&["diff", "--cached", "--name-only"]), "");
    let again = app
        .run(&[&flags()[..], &["--format", "json"]].concat())
        .exits(0)
        .json();
    assert_eq!(
        (&again["files"], &again["new"]),
        (&serde_json::json!([]), &"1.3.0".into())
    );
}

#[test]
fn a_dry_run_shows_the_change_and_writes_nothing() {
    let app = with_files();
    let run = app.run(&[&flags()[..], &["--dry-run"]].concat()).exits(0);
    assert_eq!(run.stdout, "1.3.0\n");
    let run = run.says("+version   = '1.3.0' # keep me");
    drop(run);
    let told = app
        .run(&[&flags()[..], &["--dry-run", "--format", "json"]].concat())
        .json();
    assert_eq!(told["changes"].as_array().unwrap().len(), FILES.len() + 2);
    assert_eq!(app.git(&["status", "--porcelain"]), "");
}

#[test]
fn app_version_stays_where_it_was_not_asked_for() {
    let app = with_files();
    app.run(&["next", "--write", "chart/Chart.yaml"]).exits(0);
    let chart = app.bench.read("chart/Chart.yaml");
    assert!(
        chart.contains("version: 1.3.0 ") && chart.contains("appVersion: \"1.2.3\""),
        "{chart}"
    );
}

#[test]
fn all_files_are_written_or_none() {
    let app = with_files();
    for (file, content, code, words) in [
        ("go.mod", "module shop\n", 2, "go.mod"),
        ("a/package.json", "{\"name\": \"a\"}", 3, "version"),
        (
            "b/Cargo.toml",
            "[package]\nversion.workspace = true\n",
            3,
            "workspace",
        ),
        (
            "c/pyproject.toml",
            "[project]\ndynamic = [\"version\"]\n",
            3,
            "dynamic",
        ),
        ("d/VERSION", "see CHANGELOG\n", 2, "no version"),
        ("e/Cargo.toml", "[package\n", 2, "e/Cargo.toml:1"),
        ("gone/VERSION", "", 3, "no file"),
        ("../VERSION", "", 4, "leaves"),
    ] {
        if !content.is_empty() {
            app.bench.write(file, content);
        }
        app.run(&["next", "--write", "VERSION", "--write", file])
            .exits(code)
            .says(words);
        assert_eq!(app.bench.read("VERSION"), "1.2.3\r\n", "{file}");
    }
    app.run(&["next", "--write", "VERSION", "--repo", "https://git.example/a/b"])
        .exits(2)
        .says("--write needs a directory");
}

#[test]
fn nothing_is_written_where_nothing_is_released() {
    let app = App::tagged("v1.2.3");
    app.bench.write("VERSION", "1.0.0\n");
    app.commit("chore: a");
    app.run(&["next", "--write", "VERSION"]).exits(0);
    assert_eq!(app.bench.read("VERSION"), "1.0.0\n");
}

#[test]
fn a_long_lock_file_is_no_trouble() {
    use std::fmt::Write as _;
    let app = App::tagged("v1.2.3");
    let mut lock =
        "{\"name\": \"a\", \"version\": \"1.2.3\", \"packages\": {\"\": {\"version\": \"1.2.3\"}".to_owned();
    for number in 0..2000 {
        let _ = write!(
            lock,
            ",\n\"node_modules/p{number}\": {{\"version\": \"1.2.3\", \"resolved\": \"https://r.example/p{number}.tgz\", \
             \"integrity\": \"sha512-AAAA/BBBB+CCCC==\", \"dev\": true}}"
        );
    }
    lock.push_str("}}\n");
    fs::write(app.folder().join("package-lock.json"), &lock).unwrap();
    app.commit("fix: a");
    app.run(&["next", "--write", "package-lock.json"]).exits(0);
    let expected = lock.replacen("1.2.3", "1.2.4", 2);
    assert!(app.bench.read("package-lock.json") == expected);
}
