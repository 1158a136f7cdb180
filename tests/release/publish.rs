//! Release pages.

use serde_json::Value;

use super::tag_api::{Forge, REPO};
use crate::support::{github, gitlab};

/// A release page, whatever the forge.
struct Page {
    title: String,
    body: String,
    draft: bool,
    prerelease: bool,
    latest: bool,
}

fn pages(forge: &Forge) -> Vec<Page> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match forge {
        Forge::Hub(hub) => {
            let page = |one: &Value| Page {
                title: text(&one["title"]),
                body: text(&one["body"]),
                draft: one["draft"] == true,
                prerelease: one["prerelease"] == true,
                latest: one["latest"] == true,
            };
            hub.releases(REPO).iter().map(page).collect()
        }
        Forge::Lab(lab) => {
            let page = |one: &Value| Page {
                title: text(&one["name"]),
                body: text(&one["description"]),
                draft: false,
                prerelease: false,
                latest: false,
            };
            lab.releases(REPO).iter().map(page).collect()
        }
    }
}

fn retell(forge: &Forge, tag: &str, change: impl FnOnce(&str) -> String) {
    match forge {
        Forge::Hub(hub) => hub.retell_release(REPO, tag, change),
        Forge::Lab(lab) => lab.retell_release(REPO, tag, change),
    }
}

#[test]
fn a_page_has_notes_made_from_the_commits() {
    for forge in Forge::both() {
        let feature = forge.commit("feat(cart): remember it (#12)");
        forge.commit("fix!: stop asking @acme/ops\n\nBREAKING CHANGE: no more questions");
        forge.tag("v2.0.0");
        let run = forge.run(&["publish"]).exits(0);
        let (url, commit) = match &forge {
            Forge::Hub(hub) => (
                format!("{}/{REPO}/releases/tag/v2.0.0", hub.url()),
                format!(
                    "([#12]({0}/{REPO}/pull/12)) ([`{1}`]({0}/{REPO}/commit/{feature})) by Ann",
                    hub.url(),
                    &feature[..10]
                ),
            ),
            Forge::Lab(lab) => (
                format!("{}/{REPO}/-/releases/v2.0.0", lab.url()),
                format!(
                    "([!12]({0}/{REPO}/-/merge_requests/12)) ([`{1}`]({0}/{REPO}/-/commit/{feature})) by Ann",
                    lab.url(),
                    &feature[..10]
                ),
            ),
        };
        assert_eq!(run.stdout, format!("{url}\n"));
        let [page] = &pages(&forge)[..] else {
            panic!("one page")
        };
        assert_eq!(
            (page.title.as_str(), page.draft, page.prerelease),
            ("v2.0.0", false, false)
        );
        let breaking = "### Breaking changes\n\n- stop asking @&#8203;acme/ops: no more questions";
        assert!(page.body.contains(breaking), "{}", page.body);
        assert!(
            page.body.contains(&format!("- **cart:** remember it {commit}")),
            "{}",
            page.body
        );
        assert!(page.body.contains("compare/v1.0.0...v2.0.0)"), "{}", page.body);
        let told = forge.json(&["publish"]);
        assert_eq!(
            (
                &told["operation"],
                &told["changed"],
                &told["new"],
                &told["old"],
                &told["release"]["url"]
            ),
            (
                &"unchanged".into(),
                &false.into(),
                &"2.0.0".into(),
                &"1.0.0".into(),
                &url.into()
            )
        );
    }
}

#[test]
fn what_people_wrote_around_the_notes_stays() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        forge.tag("v1.1.0");
        forge.run(&["publish"]).exits(0);
        retell(&forge, "v1.1.0", |body| {
            let changed = body.replace("- a", "- spoilt");
            format!(
                "Read this first.\r\n\r\n{}\r\n\r\nThanks!",
                changed.replace('\n', "\r\n")
            )
        });
        let told = forge.json(&["publish"]);
        assert_eq!(
            (&told["operation"], &told["changed"]),
            (&"updated".into(), &true.into())
        );
        let body = pages(&forge)[0].body.replace("\r\n", "\n");
        assert!(
            body.starts_with("Read this first.\n\n<!-- ") && body.ends_with(" -->\n\nThanks!"),
            "{body}"
        );
        assert!(body.contains("- a (") && !body.contains("spoilt"), "{body}");
        assert_eq!(forge.json(&["publish"])["operation"], "unchanged");
    }
}

#[test]
fn a_page_that_a_person_made_gets_the_notes_below() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        forge.tag("v1.1.0");
        forge.run(&["publish", "--title", "Spring"]).exits(0);
        retell(&forge, "v1.1.0", |_| "All mine.".to_owned());
        forge.run(&["publish"]).exits(0);
        let page = &pages(&forge)[0];
        assert!(
            page.body
                .starts_with("All mine.\n\n<!-- gitops-steps release begin"),
            "{}",
            page.body
        );
        assert_eq!(page.title, "Spring");
    }
}

#[test]
fn notes_of_ones_own_are_taken_as_they_are() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        forge.tag("v1.1.0");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("NOTES.md");
        std::fs::write(&file, "# By hand\n\nSee **this**.\n").unwrap();
        forge
            .run(&["publish", "--notes-file", file.to_str().unwrap()])
            .exits(0);
        assert!(
            pages(&forge)[0]
                .body
                .contains("\n# By hand\n\nSee **this**.\n<!--")
        );
        forge.run(&["publish", "--notes-file", "/nowhere"]).exits(2);
    }
}

#[test]
fn a_pre_release_is_marked_and_never_the_latest() {
    let forge = Forge::github();
    forge.commit("feat: a");
    forge.tag("v1.1.0-rc.1");
    forge.run(&["publish"]).exits(0);
    forge.commit("fix: b");
    forge.tag("v1.1.0");
    forge.run(&["publish"]).exits(0);
    forge.run(&["publish", "--version", "1.0.0"]).exits(0);
    let pages = pages(&forge);
    let marks = pages
        .iter()
        .map(|page| (page.prerelease, page.latest))
        .collect::<Vec<_>>();
    assert_eq!(marks, [(true, false), (false, true), (false, false)]);
    // A release brings all since the release before, whatever the pre-releases brought already.
    assert!(
        pages[1].body.contains("- a (") && pages[1].body.contains("- b ("),
        "{}",
        pages[1].body
    );
    assert_eq!(
        forge.json(&["publish", "--version", "1.0.0", "--latest", "true"])["operation"],
        "updated"
    );
    assert_eq!(
        forge.json(&["publish", "--version", "1.0.0", "--latest", "true"])["operation"],
        "unchanged"
    );
    assert!(self::pages(&forge)[2].latest);
}

#[test]
fn a_draft_waits_until_it_is_published() {
    let forge = Forge::github();
    forge.commit("feat: a");
    forge.tag("v1.1.0");
    forge.run(&["publish", "--draft"]).exits(0);
    assert!(pages(&forge)[0].draft);
    assert_eq!(forge.json(&["publish", "--draft"])["operation"], "unchanged");
    assert_eq!(forge.json(&["publish"])["operation"], "updated");
    assert!(!pages(&forge)[0].draft && pages(&forge).len() == 1);
    forge.run(&["publish", "--draft"]).exits(0).says("stays so");
    let lab = Forge::gitlab();
    lab.run(&["publish", "--draft"]).exits(2).says("no drafts");
    lab.run(&["publish", "--prerelease", "--latest", "false"])
        .exits(0)
        .says("pre-release")
        .says("by its date");
}

#[test]
fn a_dry_run_publishes_nothing() {
    for forge in Forge::both() {
        let run = forge
            .run(&["publish", "--dry-run"])
            .exits(0)
            .says("dry run")
            .says("### Other changes");
        assert_eq!(run.stdout, "");
        assert!(pages(&forge).is_empty());
    }
}

#[test]
fn only_a_tag_that_is_there_gets_a_page() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        forge
            .run(&["publish"])
            .exits(3)
            .says("no tag of a version")
            .says("`release tag`");
        forge
            .run(&["publish", "--version", "9.9.9"])
            .exits(3)
            .says("v9.9.9");
        forge.run(&["publish", "--version", "v1.0.0"]).exits(0);
        assert_eq!(pages(&forge).len(), 1);
    }
}

#[test]
fn the_tag_that_ci_runs_for_is_the_one() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        let bench = crate::support::cli::Bench::new(&[]);
        let mut command = bench.command();
        command
            .args([
                "release",
                "publish",
                "--repo",
                &forge.address(),
                "--format",
                "json",
            ])
            .envs(forge.variables())
            .envs([
                ("GITHUB_REF_TYPE", "tag"),
                ("GITHUB_REF_NAME", "v1.0.0"),
                ("CI_COMMIT_TAG", "v1.0.0"),
            ])
            .env("GITOPS_STEPS_TOKEN", super::tag_api::TOKEN);
        let told = crate::support::cli::Run::from(command.output().unwrap())
            .exits(0)
            .json();
        assert_eq!(
            (&told["new"], &told["release"]["tag"]),
            (&"1.0.0".into(), &"v1.0.0".into())
        );
    }
    // That of another series is none.
    let forge = Forge::github();
    let bench = crate::support::cli::Bench::new(&[]);
    let mut command = bench.command();
    command
        .args(["release", "publish", "--repo", &forge.address()])
        .envs(forge.variables())
        .envs([("GITHUB_REF_TYPE", "tag"), ("GITHUB_REF_NAME", "web/v1.0.0")])
        .env("GITOPS_STEPS_TOKEN", super::tag_api::TOKEN);
    crate::support::cli::Run::from(command.output().unwrap())
        .exits(2)
        .says("`web/v1.0.0` is no version, for the tag that CI runs for");
}

#[test]
fn an_answer_that_was_lost_makes_no_second_page() {
    for forge in Forge::both() {
        match &forge {
            Forge::Hub(hub) => {
                hub.fail_next("POST /repos/acme/shop/releases", github::Failure::CloseAfterDoing);
            }
            Forge::Lab(lab) => lab.fail_next("POST /releases", gitlab::Failure::CloseAfterDoing),
        }
        let told = forge.json(&["publish"]);
        assert_eq!(
            (&told["operation"], &told["changed"]),
            (&"created".into(), &true.into())
        );
        assert_eq!(pages(&forge).len(), 1);
    }
}

#[test]
fn a_token_that_may_not_publish_is_told_what_is_missing() {
    for forge in Forge::both() {
        let words = match &forge {
            Forge::Hub(hub) => {
                hub.token(
                    "reads-s3cret",
                    github::Grant::person("carl").only(&["contents=read"]),
                );
                "contents: write"
            }
            Forge::Lab(lab) => {
                lab.token("reads-s3cret", gitlab::Grant::everything("carl").read_only());
                "the scope api"
            }
        };
        forge.run_as("reads-s3cret", &["publish"]).exits(5).says(words);
        assert!(pages(&forge).is_empty());
    }
}
