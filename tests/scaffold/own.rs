//! Templates of somebody's own: from a folder, from a repository, and hostile ones.

use std::fs;

use super::{names, scaffold, tree};
use crate::support::cli::{Bench, Run};
use crate::support::git_server::{bare_repo, git_says};

const MANIFEST: &str = "\
version: 1
description: Ours
targets:
  - file: '{app}/{env}.yaml'
    path: image
environments: [test, live:off]
argocd: none
holes:
  team: {pattern: '[a-z-]+', help: Who is paged}
certificates:
  '*.example.com': arn:aws:acm:eu:1:certificate/a
";

const FILES: &[(&str, &str)] = &[
    ("template.yaml", MANIFEST),
    ("README.md", "Not part of what it makes: {nothing}\n"),
    (
        "config/{app}/{env}.yaml",
        "image: {repository: {image}, tag: '{tag}'}\nteam: {team} # {{ kept }} ${kept} {kept}\ncertificate: {certificate_arn}\n",
    ),
    ("app/run.sh", "#!/bin/sh\nexec {app}\n"),
];

fn with_template(files: &[(&str, &str)]) -> Bench {
    let bench = Bench::new(&[]);
    for (path, text) in files {
        let path = bench.beside("template").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    bench
}

fn ours(bench: &Bench, template: &str, arguments: &[&str]) -> Run {
    let all = [
        "--app=web",
        "--forge=github",
        "--group=acme",
        "--template",
        template,
    ];
    scaffold(bench, &[&all[..], arguments].concat())
}

#[test]
fn a_version_stays_one_in_a_template_that_does_not_quote_it() {
    let bench = with_template(&[
        ("template.yaml", "version: 1\nholes: {replicas: {default: '2'}}\n"),
        (
            "config/v.yaml",
            "replicas: {replicas}\nport: {port}\ntag: {tag}\n",
        ),
    ]);
    ours(&bench, "../template", &["--tag=1.10"])
        .exits(2)
        .says("v.yaml:3:6: `1.10` is no text");
    ours(&bench, "../template", &["--tag=v1.10"]).exits(0);
    assert_eq!(
        bench.read("web-config/v.yaml"),
        "replicas: 2\nport: 8080\ntag: v1.10\n"
    );
}

#[test]
fn what_is_left_to_do_is_about_what_was_made() {
    let bench = with_template(&[("template.yaml", "version: 1\n"), ("app/x.txt", "{app}\n")]);
    let run = ours(&bench, "../template", &[])
        .exits(0)
        .says("next: commit and push `web`\n");
    for word in ["web-config", "Argo CD", "bump-values"] {
        assert!(!run.stderr.contains(word), "{}", run.stderr);
    }
}

#[test]
fn a_folder_is_a_template() {
    let bench = with_template(FILES);
    fs::write(bench.beside("template/app/logo.png"), b"\x89PNG\0{app}").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(bench.beside("template/app/run.sh"), mode).unwrap();
    }
    ours(&bench, "../template", &[])
        .exits(2)
        .says("needs a value for `team`")
        .says("Who is paged");
    ours(
        &bench,
        "../template",
        &["--set=team=ops", "--host={env}.example.com"],
    )
    .exits(0);
    let files = tree(&bench.repo());
    assert_eq!(
        files["web-config/web/test.yaml"],
        "image: {repository: ghcr.io/acme/web, tag: '0.0.0'}\nteam: ops # {{ kept }} ${kept} {kept}\n\
         certificate: arn:aws:acm:eu:1:certificate/a\n"
    );
    assert_eq!(
        fs::read(bench.repo().join("web/logo.png")).unwrap(),
        b"\x89PNG\0{app}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(bench.repo().join("web/run.sh"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o111, 0o111);
    }
    bench
        .bump(&[
            "--config-repo=web-config",
            "--app=web",
            "--env=live",
            "--tag=1.0.0",
        ])
        .exits(0);
    for (arguments, word) in [
        (["--set=team=Ops", "--env=test"], "does not match"),
        (
            ["--set=team=ops", "--host=web.other.example"],
            "no certificate for `web.other.example`",
        ),
    ] {
        ours(&bench, "../template", &arguments).exits(2).says(word);
    }
}

#[test]
fn a_repository_is_a_template_by_branch_or_tag_and_folder() {
    let bench = Bench::new(&[]);
    let bare = bench.beside("templates.git");
    let files: Vec<(String, &str)> = FILES
        .iter()
        .map(|(path, text)| {
            (
                format!("ours/{path}{}", if *path == "app/run.sh" { "*" } else { "" }),
                *text,
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    bare_repo(&bare, &files);
    git_says(&bare, &["branch", "next"]);
    git_says(&bare, &["tag", "--annotate", "--message=second", "v2"]);
    let url = url::Url::from_file_path(&bare).unwrap().to_string();
    ours(&bench, &format!("{url}#v2:ours"), &["--set=team=ops"]).exits(0);
    ours(&bench, &format!("{url}#next:ours"), &["--set=team=ops"])
        .exits(0)
        .says("nothing to change");
    assert!(bench.repo().join("web-config/web/test.yaml").exists());
    ours(&bench, &format!("{url}#v3:ours"), &[])
        .exits(3)
        .says("no branch or tag `v3`")
        .says("v2");
    ours(&bench, &format!("{url}#v2:theirs"), &[])
        .exits(3)
        .says("no folder `theirs`");
    ours(&bench, &url, &[]).exits(2).says("has no `template.yaml`");
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_in_a_template_is_refused() {
    let bench = with_template(FILES);
    std::os::unix::fs::symlink("/etc/hostname", bench.beside("template/app/host")).unwrap();
    ours(&bench, "../template", &["--set=team=ops"])
        .exits(4)
        .says("symbolic link");
    let bare = bench.beside("templates.git");
    bare_repo(
        &bare,
        &[("template.yaml", MANIFEST), ("app/x -> /etc/hostname", "")],
    );
    let url = url::Url::from_file_path(&bare).unwrap().to_string();
    ours(&bench, &url, &["--set=team=ops"])
        .exits(4)
        .says("symbolic link");
    assert!(names(&bench.repo()).is_empty());
}

#[test]
fn a_template_that_is_too_much_or_reaches_out_is_refused() {
    let broken = |rest: &str| format!("version: 1\nholes: {{team: {{}}}}\n{rest}");
    for (path, text, code, word) in [
        ("app/{set_by_nobody}", String::new(), 2, "unknown name"),
        ("app/{team}", String::new(), 2, "which no name of a file may"),
        ("apps/x", String::new(), 2, "is no part of an application"),
        ("app/(os=linux)/x", String::new(), 2, "unknown name"),
        ("app/.git/config", String::new(), 4, "git's own folder"),
        (
            "template.yaml",
            broken("scripts: [run.sh]\n"),
            2,
            "unknown key `scripts`",
        ),
        (
            "template.yaml",
            broken("targets: [{file: 'no/such.yaml'}]\n"),
            2,
            "makes no `no/such.yaml`",
        ),
        (
            "template.yaml",
            broken("targets: [{file: '../x'}]\n"),
            4,
            "leaves the config repo",
        ),
    ] {
        let bench = with_template(FILES);
        let manifest = MANIFEST.replace("pattern: '[a-z-]+', ", "");
        fs::write(bench.beside("template/template.yaml"), manifest).unwrap();
        let file = bench.beside("template").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        let team = if path.contains("{team}") {
            "--set=team=../b"
        } else {
            "--set=team=ops"
        };
        ours(&bench, "../template", &[team])
            .exits(code)
            .says(word)
            .prints_plainly();
        assert!(names(&bench.repo()).is_empty(), "{path}");
    }
    let bench = with_template(FILES);
    fs::write(bench.beside("template/app/large"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    ours(&bench, "../template", &["--set=team=ops"])
        .exits(2)
        .says("at most 1048576 are read");
}

#[test]
fn the_token_of_the_repositories_does_not_go_to_a_template() {
    let server = crate::support::git_server::GitServer::start(crate::support::git_server::Options::default());
    bare_repo(&server.path("t.git"), FILES);
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    let url = server.url("t.git");
    command
        .env("GITOPS_STEPS_TOKEN", "s3cret-of-the-config-repo")
        .args([
            "scaffold",
            "--app=web",
            "--forge=github",
            "--group=acme",
            "--set=team=ops",
            "--template",
            &url,
        ]);
    Run::from(command.output().unwrap()).exits(0);
    assert!(server.authorizations().is_empty());
}
