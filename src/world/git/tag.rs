//! Makes an annotated tag in memory and pushes it; nothing of the remote is replaced by it.

use anyhow::Context as _;
use git2::{ObjectType, Oid, Repository};

use super::commit::signature;
use super::outcome::{Meaning, meaning};
use super::push::{Lease, Report, Status};
use super::source::GitSource;
use super::wire::WireError;
use super::{identity, push, sign};
use crate::plan::commit::Signing;
use crate::plan::release::{NewTag, TagOutcome};
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;

impl GitSource {
    /// Makes a tag and pushes it, if the remote has none of that name. In a clone it is there too once the remote has it.
    ///
    /// # Errors
    /// What failed before anything was sent: a message or a key that is none.
    pub fn tag(&mut self, new: &NewTag, signing: Option<&Signing>) -> anyhow::Result<TagOutcome> {
        self.complete()?;
        let (wire, access) = self.remote.as_ref().ok_or_else(|| {
            Fault::new(
                Kind::Internal,
                "a tag was to be pushed before the remote was connected",
            )
        })?;
        let content = self.content(new, signing)?;
        let id = self
            .repo
            .odb()?
            .write(ObjectType::Tag, content.as_bytes())
            .context("cannot write the tag")?;
        self.made = Some(id);
        let target = format!("refs/tags/{}", new.name);
        let lease = Lease::Replace(Oid::ZERO_SHA1);
        let report = push::send(&self.repo, wire, &target, lease, id, access.progress.as_ref());
        outcome(&new.name, report)
    }

    /// Puts the tag that was made, and that the remote has now, into the clone, if there is one; returns what keeps it from
    /// that.
    pub fn keep(&self, name: &str, commit: &str) -> Option<String> {
        let clone = Repository::open(self.clone.as_ref()?).ok()?;
        let full = format!("refs/tags/{name}");
        if let Ok(there) = clone.find_reference(&full) {
            let same = there
                .peel_to_commit()
                .is_ok_and(|there| there.id().to_string() == commit);
            return (!same).then(|| {
                format!(
                    "the clone's own tag {} names another commit; it is left as it is",
                    shown(name)
                )
            });
        }
        let made = self.made?;
        let copy = || -> Result<(), git2::Error> {
            let object = self.repo.odb()?.read(made)?.data().to_vec();
            let id = clone.odb()?.write(ObjectType::Tag, &object)?;
            clone.reference(&full, id, false, "release tag").map(drop)
        };
        copy().err().map(|error| {
            let why = error.message().escape_debug();
            format!("the tag is pushed, and could not be put into this clone: {why}")
        })
    }

    /// The object, as git-mktag(1) describes it; a signature stands at the end of its message.
    fn content(&self, new: &NewTag, signing: Option<&Signing>) -> anyhow::Result<String> {
        let Some((_, access)) = &self.remote else {
            return Err(Fault::new(Kind::Internal, "a tag needs to know who makes it").into());
        };
        let (_, tagger) = identity::default(&access.environment, &access.config);
        let by = signature(&tagger)?;
        let message = match new.message.trim_end() {
            "" => return Err(Fault::invalid("the tag's message is empty").into()),
            text if text.contains('\0') => {
                return Err(Fault::invalid("the tag's message holds a NUL character").into());
            }
            text => text,
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut content = format!(
            "object {}\ntype commit\ntag {}\ntagger {} <{}> {} +0000\n\n{message}\n",
            new.commit,
            new.name,
            text(by.name_bytes()),
            text(by.email_bytes()),
            by.when().seconds(),
        );
        if let Some(signing) = signing {
            let signature = sign::sign(&content, signing, &tagger, access)?;
            content.push_str(&signature);
            content.push('\n');
        }
        Ok(content)
    }
}

/// Reads what the remote said of the tag.
fn outcome(name: &str, report: Report) -> anyhow::Result<TagOutcome> {
    if report.moved_to.is_some() {
        return Ok(TagOutcome::Taken);
    }
    Ok(match (report.status, report.error) {
        (Some(Status::Accepted), _) => TagOutcome::Landed,
        (Some(Status::Rejected(status)), _) => match meaning(&status, &report.said) {
            Meaning::Moved => TagOutcome::Taken,
            Meaning::Ailing => TagOutcome::Unknown(format!("the remote failed: {}", shown(&status))),
            other => TagOutcome::Refused(refused(name, other, &status, &report.said)),
        },
        (None, Some(WireError::Transport(failure))) => match failure.fault.kind {
            Kind::Denied => TagOutcome::Refused(failure.fault),
            Kind::GaveUp => TagOutcome::Unknown(failure.fault.message),
            _ => return Err(failure.fault.into()),
        },
        (None, Some(WireError::Protocol(error))) => match error.code() {
            git2::ErrorCode::NotFastForward | git2::ErrorCode::Exists => TagOutcome::Taken,
            _ => TagOutcome::Unknown(shown(error.message())),
        },
        (None, None) => TagOutcome::Unknown("the remote gave no status for the tag".to_owned()),
    })
}

fn refused(name: &str, meaning: Meaning, status: &str, said: &str) -> Fault {
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = match words.as_str() {
        "" => String::new(),
        words => format!("; it said: {}", words.escape_debug()),
    };
    let message = format!(
        "the remote refused the tag {}: {}{said}",
        shown(name),
        status.escape_debug()
    );
    let (kind, hint) = match meaning {
        Meaning::NoWorkflowRight => (
            Kind::Denied,
            "the tag's commit changes .github/workflows and is on no branch there: the token needs workflows: write (a \
             classic token: the workflow scope)",
        ),
        Meaning::NoRight => (
            Kind::Denied,
            "the token needs write access (GitHub: contents: write; GitLab: write_repository and the Developer role; \
             a deploy key: write)",
        ),
        _ => (
            Kind::Refused,
            "a rule of the remote protects tags of this name: let this token bypass it, or allow it to create them",
        ),
    };
    Fault::new(kind, message).hint(hint)
}
