//! Whether a pull request has a preview now, and what that is called.

use super::naming::{Naming, labelled};
use super::pattern::Pattern;
use crate::plan::Operation;
use crate::plan::open_request::OpenRequest;
use crate::words::change_request_event::{ChangeRequestEvent, carries};
use crate::words::fault::{Fault, Kind};
use crate::words::folder_template::Values;
use crate::words::forge_repo::ForgeRepo;
use crate::words::name::BranchName;
use crate::words::payload::read_commit;
use crate::words::slug::Slug;
use crate::words::wording::shown;

use super::args::SubjectArgs;

/// The pull request that a run is about, as flags and event tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Its number.
    pub number: Option<u64>,
    /// Its branch.
    pub branch: Option<String>,
    /// The commit that is previewed, where a flag names it.
    pub sha: Option<String>,
    /// What the event says, where it is the event that names the pull request.
    pub event: Option<ChangeRequestEvent>,
}

/// Why there is nothing to bring up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nothing {
    /// `Skipped`, or `Superseded` by a newer commit.
    pub operation: Operation,
    /// Why.
    pub reason: String,
}

/// A preview that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What it is called.
    pub slug: Slug,
    /// Its environment.
    pub environment: String,
    /// Its branch.
    pub branch: String,
    /// The commit, in full hex.
    pub sha: String,
    /// What the holes of its templates stand for.
    pub values: Values,
    /// What there is to say about others.
    pub warning: Option<String>,
}

/// What is asked of the open pull requests each time that something is about to be written.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The pull request.
    pub subject: Subject,
    /// How previews are called and reached.
    pub naming: Naming,
    /// The environments of previews.
    pub environment: Pattern,
    /// The label that counts; `None` for every pull request.
    pub label: Option<String>,
    /// What the holes stand for that do not come from the pull request: app, image, tag.
    pub values: Values,
}

impl Subject {
    /// Brings flags and event together. `event` is CI's, or, with `--from-event`, the one that has the say.
    ///
    /// # Errors
    /// `Invalid` for a branch or a commit that is none, for flags that contradict the event, and where nothing names a
    /// pull request; `Refused` for an event of another repository.
    pub fn of(
        args: &SubjectArgs,
        sha: Option<&str>,
        event: Option<ChangeRequestEvent>,
        repo: &ForgeRepo,
    ) -> Result<Self, Fault> {
        let branch: Option<BranchName> = args.r#ref.as_deref().map(str::parse).transpose()?;
        let branch = branch.map(|branch| branch.as_str().to_owned());
        let sha = sha
            .map(|sha| read_commit(&sha.to_ascii_lowercase()))
            .transpose()
            .map_err(|mut fault| {
                fault.message = format!("--sha: {}", fault.message);
                fault.hint("give all of its 40 digits: git rev-parse HEAD")
            })?;
        let elsewhere = |event: &ChangeRequestEvent| {
            event
                .repo
                .as_ref()
                .is_some_and(|named| !named.eq_ignore_ascii_case(repo.path()))
        };
        let others = |event: &ChangeRequestEvent| {
            args.pr.is_some_and(|number| number != event.number)
                || branch.as_ref().is_some_and(|branch| *branch != event.branch)
        };
        if args.from_event.is_some()
            && let Some(event) = &event
        {
            if elsewhere(event) {
                let named = shown(event.repo.as_deref().unwrap_or_default());
                return Err(Fault::refused(format!(
                    "the event is about `{named}`, and this run is for `{}`",
                    repo.path()
                ))
                .hint("name the event's repository with --repo"));
            }
            if others(event) {
                return Err(
                    Fault::invalid("--pr or --ref names another pull request than the event")
                        .hint("leave them out: the event says it"),
                );
            }
        }
        let flags_name_it = args.from_event.is_none() && (args.pr.is_some() || branch.is_some());
        let event = event.filter(|event| !flags_name_it && !elsewhere(event) && !others(event));
        let subject = Self {
            number: event.as_ref().map(|event| event.number).or(args.pr),
            branch: event.as_ref().map(|event| event.branch.clone()).or(branch),
            sha,
            event,
        };
        if subject.number.is_none() && subject.branch.is_none() {
            return Err(Fault::invalid("no pull request is named, and CI runs for none")
                .hint("give --pr or --ref, or --from-event"));
        }
        Ok(subject)
    }

    /// Returns what the event alone settles: a fork has no preview, whatever its state.
    pub fn fork(&self) -> Option<Nothing> {
        let event = self.event.as_ref().filter(|event| event.fork)?;
        Some(skipped(format!(
            "pull request {} comes from a fork, which has no rights here",
            event.number
        )))
    }

    /// Names it for the user.
    pub fn name(&self) -> String {
        match (self.number, &self.branch) {
            (Some(number), _) => format!("pull request {number}"),
            (None, Some(branch)) => format!("a pull request from `{}`", shown(branch)),
            (None, None) => "the pull request".to_owned(),
        }
    }

    /// Returns whether an open request is this one.
    pub fn is(&self, request: &OpenRequest) -> bool {
        match self.number {
            Some(number) => request.number == number,
            None => !request.fork && self.branch.as_ref() == Some(&request.branch),
        }
    }
}

impl Watch {
    /// Judges by the event alone, before anybody is asked: most events need no preview.
    pub fn by_event(&self) -> Option<Nothing> {
        let event = self.subject.event.as_ref()?;
        let number = event.number;
        if let Some(fork) = self.subject.fork() {
            return Some(fork);
        }
        if !event.open {
            return Some(skipped(format!("pull request {number} is closed")));
        }
        self.unlabelled(number, &event.labels)
    }

    /// Judges by what is open now.
    ///
    /// # Errors
    /// `Invalid` for a branch without a slug, and for an address that cannot be made.
    pub fn look(&self, open: &[OpenRequest]) -> Result<Result<Preview, Nothing>, Fault> {
        let Some(request) = open.iter().find(|request| self.subject.is(request)) else {
            return Ok(Err(skipped(format!("{} is not open", self.subject.name()))));
        };
        let number = request.number;
        if request.fork {
            let reason = format!("pull request {number} comes from a fork, which has no rights here");
            return Ok(Err(skipped(reason)));
        }
        if let Some(nothing) = self.unlabelled(number, &request.labels) {
            return Ok(Err(nothing));
        }
        let heard = self.subject.event.as_ref().map(|event| &event.sha);
        // GitLab shows no commit for a moment after a merge request is opened.
        let is_known = self.subject.sha.is_none() && !request.sha.is_empty();
        if let Some(heard) = heard.filter(|heard| is_known && **heard != request.sha) {
            return Ok(Err(Nothing {
                operation: Operation::Superseded,
                reason: format!(
                    "pull request {number} is at {} by now, whose own run brings it up; this one is for {}",
                    short(&request.sha),
                    short(heard)
                ),
            }));
        }
        self.preview(request, open).map(Ok)
    }

    fn unlabelled(&self, number: u64, labels: &[String]) -> Option<Nothing> {
        let label = self.label.as_ref().filter(|label| !carries(labels, label))?;
        Some(skipped(format!(
            "pull request {number} does not carry the label `{}`",
            shown(label)
        )))
    }

    fn preview(&self, request: &OpenRequest, open: &[OpenRequest]) -> Result<Preview, Fault> {
        let rivals = labelled(open, self.label.as_deref());
        let named = self
            .naming
            .among(&request.branch, Some(request.number), &rivals)?;
        let heard = self.subject.event.as_ref().map(|event| event.sha.clone());
        let shown = Some(request.sha.clone()).filter(|sha| !sha.is_empty());
        let sha = self.subject.sha.clone().or(shown).or(heard).ok_or_else(|| {
            Fault::new(
                Kind::GaveUp,
                format!(
                    "the forge does not show the commit of pull request {} yet",
                    request.number
                ),
            )
            .hint("run it again, or name the commit with --sha")
        })?;
        let mut values = self.values.clone();
        for (name, value) in [
            ("branch", request.branch.clone()),
            ("pr", request.number.to_string()),
            ("sha", sha.clone()),
            ("slug", named.slug.to_string()),
        ] {
            values.insert(name.to_owned(), value);
        }
        self.naming.locate(&mut values)?;
        Ok(Preview {
            environment: self.environment.of(&named.slug),
            slug: named.slug,
            branch: request.branch.clone(),
            sha,
            values,
            warning: named.warning,
        })
    }
}

fn skipped(reason: String) -> Nothing {
    Nothing {
        operation: Operation::Skipped,
        reason,
    }
}

fn short(sha: &str) -> &str {
    sha.get(..12).unwrap_or(sha)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::preview::args::NamingArgs;

    fn request(number: u64, branch: &str, labels: &[&str]) -> OpenRequest {
        OpenRequest {
            number,
            branch: branch.to_owned(),
            sha: "a".repeat(40),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            fork: false,
        }
    }

    fn event(change: impl FnOnce(&mut ChangeRequestEvent)) -> ChangeRequestEvent {
        let mut event = ChangeRequestEvent {
            repo: Some("acme/web".into()),
            number: 7,
            branch: "feature/a".into(),
            sha: "a".repeat(40),
            labels: vec!["preview".into()],
            open: true,
            fork: false,
        };
        change(&mut event);
        event
    }

    fn args(from_event: bool, pr: Option<u64>, branch: Option<&str>) -> SubjectArgs {
        SubjectArgs {
            from_event: from_event.then(|| "auto".to_owned()),
            pr,
            r#ref: branch.map(str::to_owned),
        }
    }

    fn repo() -> ForgeRepo {
        ForgeRepo::parse("github:Acme/web").unwrap().unwrap()
    }

    fn watch(event: Option<ChangeRequestEvent>) -> Watch {
        let named = event.is_none().then_some("feature/a");
        Watch {
            subject: Subject::of(&args(event.is_some(), None, named), None, event, &repo()).unwrap(),
            naming: Naming::new(&NamingArgs::default()).unwrap(),
            environment: Pattern::of_environment("preview/{slug}", None).unwrap(),
            label: Some("preview".to_owned()),
            values: Values::new(),
        }
    }

    #[test]
    fn flags_and_event_name_one_pull_request() {
        let subject = |from_event, pr, branch| {
            Subject::of(&args(from_event, pr, branch), None, Some(event(|_| {})), &repo())
        };
        for (from_event, pr, branch) in [
            (true, None, None),
            (true, Some(7), Some("feature/a")),
            (false, None, None),
        ] {
            let subject = subject(from_event, pr, branch).unwrap();
            assert_eq!(
                (subject.number, subject.branch.as_deref()),
                (Some(7), Some("feature/a"))
            );
            assert!(subject.event.is_some());
        }
        assert!(subject(true, Some(8), None).is_err());
        assert!(subject(true, None, Some("other")).is_err());
        // Without --from-event, who names a pull request means it, whatever CI runs for.
        let other = subject(false, Some(8), None).unwrap();
        assert_eq!((other.number, other.branch, other.event), (Some(8), None, None));
        let none = Subject::of(&args(false, None, None), None, None, &repo());
        assert!(none.unwrap_err().hint.unwrap().contains("--from-event"));
        for bad in ["a..b", "-x", "a b", "refs/tags/v1"] {
            assert!(subject(false, None, Some(bad)).is_err(), "{bad}");
        }
        let foreign = Some(event(|event| event.repo = Some("eve/web".into())));
        assert!(Subject::of(&args(true, None, None), None, foreign, &repo()).is_err());
    }

    #[test]
    fn an_event_without_a_preview_asks_nobody() {
        for (change, reason) in [
            (
                (|event| event.fork = true) as fn(&mut ChangeRequestEvent),
                "comes from a fork",
            ),
            (|event| event.open = false, "is closed"),
            (|event| event.labels.clear(), "does not carry the label `preview`"),
        ] {
            let nothing = watch(Some(event(change))).by_event().unwrap();
            assert!(nothing.reason.contains(reason), "{}", nothing.reason);
        }
        assert_eq!(watch(Some(event(|_| {}))).by_event(), None);
        assert_eq!(watch(None).by_event(), None);
    }

    #[test]
    fn only_what_is_open_now_and_carries_the_label_has_a_preview() {
        let watch = watch(Some(event(|_| {})));
        let preview = watch
            .look(&[request(7, "feature/a", &["preview"])])
            .unwrap()
            .unwrap();
        assert_eq!(
            (preview.slug.as_str(), preview.environment.as_str()),
            ("feature-a", "preview/feature-a")
        );
        let mut fork = request(7, "feature/a", &["preview"]);
        fork.fork = true;
        let mut newer = request(7, "feature/a", &["preview"]);
        newer.sha = "b".repeat(40);
        for (open, operation, reason) in [
            (vec![], Operation::Skipped, "pull request 7 is not open"),
            (
                vec![request(8, "feature/a", &["preview"])],
                Operation::Skipped,
                "pull request 7 is not open",
            ),
            (
                vec![request(7, "feature/a", &["bug"])],
                Operation::Skipped,
                "does not carry",
            ),
            (vec![fork], Operation::Skipped, "comes from a fork"),
            (vec![newer], Operation::Superseded, "is at bbbbbbbbbbbb by now"),
        ] {
            let nothing = watch.look(&open).unwrap().unwrap_err();
            assert_eq!(nothing.operation, operation, "{open:?}");
            assert!(nothing.reason.contains(reason), "{}", nothing.reason);
        }
        let mut fresh = request(7, "feature/a", &["preview"]);
        fresh.sha.clear();
        assert_eq!(watch.look(&[fresh]).unwrap().unwrap().sha, "a".repeat(40));
    }

    #[test]
    fn a_branch_finds_its_pull_request_and_never_a_forks() {
        let watch = watch(None);
        let mut fork = request(5, "feature/a", &["preview"]);
        fork.fork = true;
        let preview = watch
            .look(&[fork.clone(), request(7, "feature/a", &["preview"])])
            .unwrap()
            .unwrap();
        assert_eq!(preview.values["pr"], "7");
        let nothing = watch.look(&[fork]).unwrap().unwrap_err();
        assert_eq!(nothing.reason, "a pull request from `feature/a` is not open");
    }
}
