//! Two repositories and no human step but the merge: the build of `acme/web` hands its image over, the job that this
//! starts in `acme/deploy` brings it to dev and asks for prod, and the deployments of `acme/web` follow.

use crate::support::story::{CONFIG, Job, Road, SOURCE, Step, Story};
use serde_json::json;

const HEAD: &str = "promote/prod/web";
/// What stands before the story, set by hand.
const BY_HAND: &str = "0.9.0";

fn values(tag: &str) -> String {
    format!("# by CI\nimage:\n  repository: ghcr.io/acme/web\n  tag: \"{tag}\"   # kept\n")
}

/// The build's first step: dev is about to get this commit.
fn begin(story: &Story, job: &Job) -> Step {
    let flags = "deployment-status --env dev --state in_progress --if-missing create";
    story.step(job, &flags.split(' ').collect::<Vec<_>>())
}

/// The build's last step: it hands over what it built, and the job that this starts in the config repo begins.
fn hand_over(story: &Story, job: &Job) -> (Step, Job) {
    let image = ["--app", "web", "--env", "dev", "--tag", &job.sha];
    let step = story.step(job, &[&["dispatch-deploy"], story.to(), &image].concat());
    (step, story.deploy_job())
}

/// The config repo's job: it brings the image to dev, then asks for what dev has in prod.
fn deploy(story: &Story, job: &Job) -> [Step; 2] {
    let repo = story.address(CONFIG);
    let to = ["--config-repo", &repo];
    let bump = ["bump-values", "--from-event", &job.event];
    let promote = ["open-promotion-pr", "--app", "web", "--env", "prod"];
    [&bump[..], &promote].map(|step| story.step(job, &[step, &to].concat()))
}

/// Argo CD reports how dev is, and the app's job records it.
fn report(story: &Story, sha: &str, health: &str) -> Step {
    let job = story.report(&json!({
        "repo": SOURCE, "environment": "dev", "ref": null, "branch_slug": null, "sha": sha, "health": health,
        "sync": "Synced", "environment_url": "https://dev.example.com", "log_url": null, "description": "",
    }));
    let flags = ["--from-event", &job.event, "--if-missing", "skip"];
    story.step(&job, &[&["deployment-status"], &flags[..]].concat())
}

/// A step of the app's that tells of prod.
fn tell_of_prod(story: &Story, job: &Job) -> Step {
    let flags = "deployment-status --env prod --state success --production --if-missing create";
    story.step(job, &flags.split(' ').collect::<Vec<_>>())
}

fn operations<const N: usize>(steps: &[Step; N]) -> [&str; N] {
    steps.each_ref().map(|step| step.outputs["operation"].as_str())
}

fn trailers(message: &str) -> Vec<(&str, &str)> {
    let last = message.trim_end().rsplit("\n\n").next().unwrap();
    last.lines().map(|line| line.split_once(": ").unwrap()).collect()
}

#[test]
fn a_build_reaches_dev_by_itself_and_prod_by_one_merge() {
    for road in Road::ALL {
        let story = Story::new(road, &values(BY_HAND));
        let build = story.build_job(42);
        let begun = begin(&story, &build);
        assert_eq!(begun.outputs["operation"], "created", "{road:?}");
        assert_eq!(
            begun.outputs["deployment-id"],
            begun.result["deployment_id"].to_string()
        );
        let (handed, job) = hand_over(&story, &build);
        assert_eq!(handed.outputs["operation"], "created", "{road:?}");

        let [bump, promotion] = deploy(&story, &job);
        assert_eq!(story.file("main", "web/dev.yaml"), values(&build.sha), "{road:?}");
        assert_eq!(story.file("main", "web/prod.yaml"), values(BY_HAND), "{road:?}");
        assert_eq!(story.file(HEAD, "web/prod.yaml"), values(&build.sha), "{road:?}");
        for (step, operation, branch, env) in [
            (&bump, "updated", "main", "dev"),
            (&promotion, "created", HEAD, "prod"),
        ] {
            let (outputs, result) = (&step.outputs, &step.result);
            assert_eq!(
                (&*outputs["operation"], &*outputs["changed"]),
                (operation, "true"),
                "{road:?}"
            );
            assert_eq!(
                (&*outputs["old"], &*outputs["new"]),
                (BY_HAND, &*build.sha),
                "{road:?}"
            );
            assert_eq!(
                Some(&outputs["commit"]),
                story.tip(CONFIG, branch).as_ref(),
                "{road:?}"
            );
            assert_eq!(
                (&result["branch"], &result["env"]),
                (&json!(branch), &json!(env)),
                "{road:?}"
            );
        }
        let url = &promotion.outputs["pr-url"];
        assert!(url.starts_with("http") && url.ends_with("/1"), "{road:?}: {url}");
        assert_eq!(promotion.result["pr_number"], json!(1), "{road:?}");

        story.stage.merge(1);
        assert_eq!(
            story.file("main", "web/prod.yaml"),
            values(&build.sha),
            "{road:?}"
        );
        // The first report brings the address of dev.
        for (health, operation) in [
            ("Progressing", "updated"),
            ("Progressing", "unchanged"),
            ("Healthy", "updated"),
            ("Healthy", "unchanged"),
        ] {
            let step = report(&story, &build.sha, health);
            assert_eq!(step.outputs["operation"], operation, "{road:?} {health}");
            assert_eq!(
                step.outputs["deployment-id"], begun.outputs["deployment-id"],
                "{road:?}"
            );
        }
        assert_eq!(
            tell_of_prod(&story, &build).outputs["operation"],
            "created",
            "{road:?}"
        );
        let sha = &build.sha;
        let went = if road.is_github() {
            "in_progress in_progress success"
        } else {
            "success"
        };
        assert_eq!(
            story.deployments(),
            [format!("dev {sha} {went}"), format!("prod {sha} success")]
        );
    }
}

#[test]
fn commits_and_request_tell_where_the_image_was_built_and_who_asked() {
    for road in Road::ALL {
        let story = Story::new(road, &values(BY_HAND));
        let build = story.build_job(42);
        let (_, job) = hand_over(&story, &build);
        deploy(&story, &job);
        let sha = build.sha.as_str();
        let dev = [
            ("Gitops-App", "web"),
            ("Gitops-Env", "dev"),
            ("Gitops-Image", "ghcr.io/acme/web"),
            ("Gitops-Old", BY_HAND),
            ("Gitops-New", sha),
            ("Source-Repo", SOURCE),
            ("Source-Commit", sha),
            ("Source-Sequence", "42"),
            ("Run-Url", &build.run_url),
            ("Actor", job.actor),
            ("Source-Actor", build.actor),
        ];
        assert_eq!(trailers(&story.stage.messages("main")[0]), dev, "{road:?}");
        // A promotion tells of the same build.
        let mut prod = dev;
        prod[1].1 = "prod";
        let message = &story.stage.messages(HEAD)[0];
        let found = trailers(message);
        assert_eq!(found[..10], prod[..10], "{road:?}");
        assert!(
            found[10].0 == "Gitops-Proposal" && found[10].1.starts_with(HEAD),
            "{message}"
        );

        let request = &story.stage.requests()[0];
        assert_eq!(request.title, format!("deploy(prod): web {BY_HAND} → {sha}"));
        for words in [
            format!("| `web/prod.yaml` | `image.tag` | `{BY_HAND}` | `{sha}` |"),
            format!("Built from `{SOURCE}@{sha}`"),
            format!("Asked for by `{}`", job.actor),
            format!("Built by <{}>", build.run_url),
            format!("Run: <{}>", job.run_url),
            format!("+  tag: \"{sha}\"   # kept"),
        ] {
            assert!(
                request.body.contains(&words),
                "{road:?}: {words} in\n{}",
                request.body
            );
        }
    }
}

#[test]
fn every_step_can_be_run_again() {
    for road in Road::ALL {
        let story = Story::new(road, &values(BY_HAND));
        let build = story.build_job(42);
        begin(&story, &build);
        assert_eq!(
            begin(&story, &build).outputs["operation"],
            "unchanged",
            "{road:?}"
        );
        let (_, job) = hand_over(&story, &build);
        assert_eq!(
            operations(&deploy(&story, &job)),
            ["updated", "created"],
            "{road:?}"
        );

        // Before the merge, by the same job and by the one that a rerun of the build starts.
        let before = story.state();
        let (_, again) = hand_over(&story, &build);
        assert_ne!(again.run_url, job.run_url);
        for job in [&job, &again] {
            assert_eq!(
                operations(&deploy(&story, job)),
                ["unchanged", "unchanged"],
                "{road:?}"
            );
            assert_eq!(story.state(), before, "{road:?}");
        }

        // After it, and once all has gone well.
        story.stage.merge(1);
        report(&story, &build.sha, "Healthy");
        tell_of_prod(&story, &build);
        let before = story.state();
        assert_eq!(
            operations(&deploy(&story, &again)),
            ["unchanged", "unchanged"],
            "{road:?}"
        );
        assert_eq!(
            report(&story, &build.sha, "Healthy").outputs["operation"],
            "unchanged",
            "{road:?}"
        );
        assert_eq!(
            tell_of_prod(&story, &build).outputs["operation"],
            "unchanged",
            "{road:?}"
        );
        assert_eq!(story.state(), before, "{road:?}");
    }
}

#[test]
fn an_older_build_that_arrives_late_changes_nothing() {
    for road in Road::ALL {
        let story = Story::new(road, &values(BY_HAND));
        let [older, build, newer] = [41, 42, 43].map(|number| story.build_job(number));
        deploy(&story, &hand_over(&story, &build).1);

        let before = story.state();
        let (_, late) = hand_over(&story, &older);
        let steps = deploy(&story, &late);
        assert_eq!(operations(&steps), ["superseded", "unchanged"], "{road:?}");
        assert_eq!(steps[0].outputs["changed"], "false", "{road:?}");
        for named in [&older.sha, &build.sha] {
            assert!(
                steps[0].outputs["reason"].contains(named),
                "{road:?}: {}",
                steps[0].said
            );
        }
        assert_eq!(story.state(), before, "{road:?}");

        // A newer one takes dev, and its request is the one that is open.
        let (_, job) = hand_over(&story, &newer);
        assert_eq!(
            operations(&deploy(&story, &job)),
            ["updated", "updated"],
            "{road:?}"
        );
        assert_eq!(story.stage.requests().len(), 1, "{road:?}");
        story.stage.merge(1);
        assert_eq!(
            story.file("main", "web/prod.yaml"),
            values(&newer.sha),
            "{road:?}"
        );

        let before = story.state();
        let (_, late) = hand_over(&story, &build);
        assert_eq!(
            operations(&deploy(&story, &late)),
            ["superseded", "unchanged"],
            "{road:?}"
        );
        assert_eq!(story.state(), before, "{road:?}");
    }
}

#[test]
fn a_build_of_another_repository_is_refused() {
    for road in Road::ALL {
        let story = Story::new(road, &values(BY_HAND));
        let build = story.build_job(42);
        let image = [
            "--app",
            "web",
            "--env",
            "dev",
            "--tag",
            "1.0.0",
            "--source-repo",
            "evil/web",
        ];
        story.step(&build, &[&["dispatch-deploy"], story.to(), &image].concat());
        let job = story.deploy_job();
        let before = story.state();
        let repo = story.address(CONFIG);
        let bump = ["bump-values", "--config-repo", &repo, "--from-event", &job.event];
        let (run, outputs) = story.run(&job, &bump);
        run.exits(4).says("evil/web");
        assert_eq!(
            (&*outputs["operation"], &*outputs["changed"]),
            ("refused", "false"),
            "{road:?}"
        );
        assert_eq!(story.state(), before, "{road:?}");
    }
}

/// A promotion carries the build's own number and run, so that the guard can count across it.
#[test]
fn a_step_back_in_dev_does_not_take_prod_back_with_it() {
    for road in Road::ALL {
        let story = Story::new(road, &values(BY_HAND));
        let [older, newer] = [41, 42].map(|number| story.build_job(number));
        deploy(&story, &hand_over(&story, &newer).1);
        story.stage.merge(1);
        let (_, job) = hand_over(&story, &older);
        let repo = story.address(CONFIG);
        let to = ["--config-repo", &repo];
        let back = ["bump-values", "--from-event", &job.event, "--allow-downgrade"];
        assert_eq!(
            story.step(&job, &[&back, &to[..]].concat()).outputs["operation"],
            "updated"
        );
        let promote = ["open-promotion-pr", "--app", "web", "--env", "prod"];
        let step = story.step(&job, &[&promote, &to[..]].concat());
        assert_eq!(step.outputs["operation"], "superseded", "{road:?}: {}", step.said);
    }
}
