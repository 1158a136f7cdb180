//! Plays the programs and people that a story speaks of: `docker`, `gh`, `glab`.

use std::fs;

use serde_json::{Value, json};

use super::teller::{Forge, Registry, TOKEN, Teller};

impl Teller {
    /// Does what the programs are asked for that are played.
    pub(super) fn play(&self, at: &str) {
        for file in fs::read_dir(self.path("home/asked")).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|end| end == "ask") {
                let asked = fs::read_to_string(&file).unwrap();
                fs::remove_file(&file).unwrap();
                let words: Vec<&str> = asked.lines().collect();
                let answer = self.answer(&words, at);
                let (new, done) = (file.with_extension("new"), file.with_extension("done"));
                fs::write(&new, answer).unwrap();
                fs::rename(new, done).unwrap();
            }
        }
    }

    /// What a program that is played does and prints.
    fn answer(&self, words: &[&str], at: &str) -> String {
        match *words {
            ["docker", "build" | "login", ..]
            | ["gh", "variable" | "secret", "set", ..]
            | ["glab", "variable", "set", ..] => {}
            ["gh", "auth", "token"] => return format!("{TOKEN}\n"),
            ["docker", "tag", image, other] => {
                let mut same = self.same.borrow_mut();
                same.insert(other.to_owned(), image.to_owned());
            }
            ["docker", "push", image] => self.push(image),
            ["gh", "run", "watch", "--repo", repo] => self.run_started(at, repo),
            ["gh", "workflow", "run", file, "--repo", repo, ..] => {
                let given = words[6..].iter().filter_map(|word| word.split_once('='));
                let inputs: Value = given
                    .map(|(name, value)| (name.to_owned(), json!(value)))
                    .collect();
                let event = json!({"inputs": inputs});
                self.run_workflow(at, repo, file, "workflow_dispatch", &event);
            }
            [
                "gh",
                "pr",
                "create",
                "--repo",
                repo,
                "--head",
                branch,
                "--title",
                title,
            ] => {
                return format!("{}\n", self.open_at_hub(repo, branch, title));
            }
            ["gh", "repo", "edit", repo, "--enable-auto-merge"] => self.hub().settings(repo, |settings| {
                settings.auto_merge_allowed = true;
                settings.checks_pending = true;
            }),
            ["gh", "pr", "checks", _, "--repo", repo, "--watch"] => {
                self.hub().pass_checks(repo);
                self.hub()
                    .settings(repo, |settings| settings.checks_pending = true);
            }
            ["gh", "pr", deed, number, "--repo", repo, ..] => self.at_hub(deed, number, repo, &words[6..]),
            ["glab", "mr", deed, number, "--repo", repo, ..] => self.at_lab(deed, number, repo),
            _ => panic!("{at}: nobody plays `{}`", words.join(" ")),
        }
        String::new()
    }

    /// A person's deed at a pull request.
    fn at_hub(&self, deed: &str, number: &str, repo: &str, rest: &[&str]) {
        let hub = self.hub();
        let number: u64 = number.parse().unwrap();
        match (deed, rest) {
            ("merge", _) => {
                hub.merge(repo, number);
            }
            ("close", _) => hub.close(repo, number, "ann"),
            ("edit", ["--add-label", label]) => hub.label(repo, number, &[label]),
            ("edit", ["--remove-label", _]) => hub.label(repo, number, &[]),
            _ => panic!("nobody plays gh pr {deed} {rest:?}"),
        }
    }

    fn open_at_hub(&self, repo: &str, branch: &str, title: &str) -> u64 {
        let hub = self.hub();
        hub.open_pull(repo, branch, title, "ann")
    }

    /// A person's deed at a merge request.
    fn at_lab(&self, deed: &str, number: &str, project: &str) {
        let Forge::Lab(lab) = &self.forge else {
            panic!("this story is not at GitLab")
        };
        let number = number.parse().unwrap();
        match deed {
            "merge" => {
                lab.merge(project, number);
            }
            "close" => lab.close(project, number, "ann"),
            _ => panic!("nobody plays glab mr {deed}"),
        }
    }

    /// Pushes an image of its own for each tag, or lets a tag lead to the image that another has.
    fn push(&self, image: &str) {
        let (name, tag) = image.rsplit_once(':').unwrap();
        let name = name.strip_prefix(&format!("{}/", self.host()));
        let Some(name) = name else { return };
        let same = self.same.borrow().get(image).cloned();
        if let Some((_, old)) = same.as_deref().and_then(|same| same.rsplit_once(':')) {
            return match &self.registry {
                Registry::Real(real) => real.retag(name, old, &[tag.to_owned()]),
                Registry::Fake(fake) => fake.retag(old, tag),
            };
        }
        self.pushed.set(self.pushed.get() + 1);
        let built = format!("2026-11-01T{:02}:00:00Z", self.pushed.get());
        match &self.registry {
            Registry::Real(real) => {
                real.push_image(name, tag, "amd64", &built);
            }
            Registry::Fake(fake) => {
                let digest = fake.put_image("amd64", &built);
                fake.tag(tag, &digest);
            }
        }
    }
}
