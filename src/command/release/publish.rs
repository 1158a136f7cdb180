//! `release publish`.

use super::{Opened, brought};
use crate::command::opening::Opening;
use crate::command::receipt::Receipt;
use crate::plan::Operation;
use crate::plan::release::{
    NewReleasePage, Published, ReleasePage, ReleasePageEdit, ReleaseReport, SourceRepo as _,
};
use crate::steps::release::{self, Latest, Links, Notes, Page, Past, PublishArgs, Release, Series};
use crate::words::fault::{Fault, Kind};
use crate::words::forge_repo::ForgeKind;
use crate::words::release_tag::ReleaseTag;
use crate::words::wording::{one_line, shown};
use crate::world::env::Environment;
use crate::world::files;
use crate::world::forge::Forge;

/// The most bytes of a file with notes.
const NOTES_MAX: u64 = 1024 * 1024;

/// Publishes the page of a tag, or brings it up to date.
pub(super) fn run(args: &PublishArgs, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<()> {
    let series = Series::parse(&args.series)?;
    let own_notes = args.notes_file.as_deref().map(notes_of_file).transpose()?;
    let mut opened = Opened::of(&args.source, true, opening, receipt)?;
    let past = Past::of(&opened.source, opened.source.head(), &series)?;
    let release = which(args, &opened, &past, opening.environment)?;
    opened.source.look_from(&release.commit);
    let past = Past::of(&opened.source, &release.commit, &series)?;
    receipt.commit = Some(release.commit.clone());
    let forge = opened.forge(opening)?;
    let kind = kind(&forge);
    check(args, kind, receipt)?;
    let notes = match own_notes {
        Some(notes) => Made {
            previous: past
                .previous(&release.tag.version)
                .map(|previous| previous.tag.clone()),
            notes,
            commits: 0,
        },
        None => made(&opened, &past, &release.tag, &series, &forge)?,
    };
    let tag = release.tag.to_string();
    let page = Page {
        title: args
            .title
            .as_deref()
            .map(one_line)
            .filter(|title| !title.is_empty()),
        body: Page::body_of(&notes.notes),
        draft: args.draft,
        prerelease: kind == ForgeKind::GitHub && (args.prerelease || !release.tag.version.pre.is_empty()),
    };
    receipt.old.clone_from(
        &notes
            .previous
            .as_ref()
            .map(|previous| previous.version.to_string()),
    );
    receipt.new = Some(release.tag.version.to_string());
    receipt.release = Some(ReleaseReport {
        tag: Some(tag.clone()),
        version: receipt.new.clone(),
        previous_tag: notes.previous.map(|previous| previous.to_string()),
        prerelease: !release.tag.version.pre.is_empty(),
        commits: notes.commits,
        notes: Some(notes.notes),
        ..ReleaseReport::default()
    });
    let latest = match args.latest {
        Latest::Auto => None,
        Latest::True => Some(true),
        Latest::False => Some(false),
    };
    let highest = past.all.iter().find(|release| release.tag.version.pre.is_empty());
    let is_highest = highest.is_some_and(|highest| highest.tag == release.tag);
    Work {
        forge: &forge,
        tag,
        page,
        latest,
        is_highest,
    }
    .run(opening, receipt)
}

/// The notes, and where they begin.
struct Made {
    previous: Option<ReleaseTag>,
    notes: String,
    commits: usize,
}

/// What is to be done at the forge.
struct Work<'a> {
    forge: &'a Forge,
    tag: String,
    page: Page,
    latest: Option<bool>,
    is_highest: bool,
}

impl Work<'_> {
    fn run(self, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<()> {
        let Some(there) = self.forge.release_page(&self.tag)? else {
            return self.make(opening, receipt);
        };
        self.bring_up(&there, opening, receipt)
    }

    fn make(self, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<()> {
        (receipt.operation, receipt.changed) = (Operation::Created, true);
        if opening.common.dry_run {
            receipt.story = Some(format!("dry run: a release would be published for {}", self.tag));
            receipt.remark = receipt.release.as_ref().and_then(|report| report.notes.clone());
            return Ok(());
        }
        let new = NewReleasePage {
            tag: self.tag.clone(),
            title: self.page.title.clone().unwrap_or_else(|| self.tag.clone()),
            body: self.page.body.clone(),
            draft: self.page.draft,
            prerelease: self.page.prerelease,
            latest: self.latest.unwrap_or(self.is_highest),
        };
        // Two runs at once, or an answer that was lost: what is there now is looked at, and brought up to date.
        let url = match self.forge.publish(&new)? {
            Published::New(url) => url,
            Published::Exists => return self.look_again(opening, receipt, None),
            Published::Unclear(why) => return self.look_again(opening, receipt, Some(&why)),
        };
        done(receipt, &self.tag, &url);
        Ok(())
    }

    fn look_again(
        &self,
        opening: &Opening<'_>,
        receipt: &mut Receipt,
        lost: Option<&str>,
    ) -> anyhow::Result<()> {
        let Some(there) = self.forge.release_page(&self.tag)? else {
            let why = lost.unwrap_or("the forge says that there is a release, and does not show it");
            let message = format!(
                "what became of the release {} is not known: {}",
                shown(&self.tag),
                shown(why)
            );
            return Err(Fault::new(Kind::GaveUp, message)
                .hint("run it again; what has landed is not done twice")
                .into());
        };
        self.bring_up(&there, opening, receipt)?;
        if lost.is_some() && receipt.operation == Operation::Unchanged {
            (receipt.operation, receipt.changed, receipt.reason) = (Operation::Created, true, None);
            done(receipt, &self.tag, &there.url);
        }
        Ok(())
    }

    fn bring_up(
        &self,
        there: &ReleasePage,
        opening: &Opening<'_>,
        receipt: &mut Receipt,
    ) -> anyhow::Result<()> {
        let mut edit = release::edit(there, &self.page);
        if let Some(latest) = self.latest
            && matches!(self.forge, Forge::GitHub(_))
            && (self.forge.latest_release()?.as_deref() == Some(&self.tag)) != latest
        {
            edit.get_or_insert_with(ReleasePageEdit::default).latest = Some(latest);
        }
        if self.page.draft && !there.draft {
            receipt
                .warnings
                .push("the release is published already, and stays so in spite of --draft".to_owned());
        }
        let Some(edit) = edit else {
            (receipt.operation, receipt.changed) = (Operation::Unchanged, false);
            receipt.reason = Some(format!("the release {} is as asked", self.tag));
            show(receipt, &there.url);
            return Ok(());
        };
        (receipt.operation, receipt.changed) = (Operation::Updated, true);
        if opening.common.dry_run {
            receipt.story = Some(format!(
                "dry run: the release {} would be brought up to date",
                self.tag
            ));
            show(receipt, &there.url);
            return Ok(());
        }
        let url = self.forge.edit_page(&self.tag, there, &edit)?;
        done(receipt, &self.tag, &url);
        Ok(())
    }
}

fn done(receipt: &mut Receipt, tag: &str, url: &str) {
    receipt.story = Some(format!("published {tag} at {}", url.escape_debug()));
    show(receipt, url);
}

fn show(receipt: &mut Receipt, url: &str) {
    receipt.show(&one_line(url));
    if let Some(report) = &mut receipt.release {
        report.url = Some(url.to_owned());
    }
}

/// Finds the release that is meant: the one that is named, the one that CI runs for, or the highest on the commit.
fn which(
    args: &PublishArgs,
    opened: &Opened,
    past: &Past,
    environment: &Environment,
) -> anyhow::Result<Release> {
    let of_ci = || {
        let on_tag = environment.get("GITHUB_REF_TYPE") == Some("tag");
        let of_github = on_tag.then(|| environment.get("GITHUB_REF_NAME")).flatten();
        of_github.or_else(|| environment.get("CI_COMMIT_TAG"))
    };
    let asked = match (&args.version, &args.source.sha) {
        (Some(version), _) => Some(release::named("--version", version, past)?),
        (None, Some(_)) => None,
        (None, None) => of_ci()
            .map(|tag| release::named("the tag that CI runs for", tag, past))
            .transpose()?,
    };
    let hint = "tag the commit first, with `release tag`; another prefix than v is given with --tag-prefix";
    let Some(asked) = asked else {
        let here = past
            .all
            .iter()
            .find(|release| release.commit == opened.source.head());
        return here.cloned().ok_or_else(|| {
            Fault::not_found(format!(
                "no tag of a version is on the commit {}",
                opened.source.head()
            ))
            .hint(hint)
            .into()
        });
    };
    let found = past.of_version(&asked.version).cloned();
    found.ok_or_else(|| {
        Fault::not_found(format!("the repository has no tag {}", shown(&asked.to_string())))
            .hint(hint)
            .into()
    })
}

fn check(args: &PublishArgs, kind: ForgeKind, receipt: &mut Receipt) -> Result<(), Fault> {
    if kind == ForgeKind::GitHub {
        return Ok(());
    }
    if args.draft {
        return Err(Fault::invalid("GitLab has no drafts of releases").hint("leave --draft out"));
    }
    if args.prerelease {
        receipt
            .warnings
            .push("GitLab marks no release as a pre-release".to_owned());
    }
    if args.latest != Latest::Auto {
        receipt
            .warnings
            .push("GitLab shows the newest release by its date as the latest".to_owned());
    }
    Ok(())
}

fn kind(forge: &Forge) -> ForgeKind {
    match forge {
        Forge::GitHub(_) => ForgeKind::GitHub,
        Forge::GitLab(_) => ForgeKind::GitLab,
    }
}

fn notes_of_file(file: &std::path::Path) -> anyhow::Result<String> {
    let text = String::from_utf8(files::read(file, NOTES_MAX)?);
    let text = text.map_err(|_| Fault::invalid("the --notes-file is not UTF-8"))?;
    if text.trim().is_empty() {
        return Err(Fault::invalid("the --notes-file is empty").into());
    }
    Ok(text)
}

fn made(
    opened: &Opened,
    past: &Past,
    tag: &ReleaseTag,
    series: &Series,
    forge: &Forge,
) -> anyhow::Result<Made> {
    let Some((_, commits)) = brought(&opened.source, past, tag, series)? else {
        return Err(
            Fault::not_found("the clone is shallow: it does not reach back to the release before, so the notes would be cut")
                .hint(
                    "fetch it all: `git fetch --unshallow --tags` (actions/checkout: `fetch-depth: 0`, GitLab: `GIT_DEPTH: 0`), \
                     or give --notes-file",
                )
                .into(),
        );
    };
    let previous = past.previous(&tag.version).map(|previous| previous.tag.clone());
    let links = Links {
        kind: kind(forge),
        web: forge.web_address()?,
    };
    let (name, before) = (tag.to_string(), previous.as_ref().map(ToString::to_string));
    let notes = Notes {
        tag: &name,
        previous: before.as_deref(),
        commits: &commits,
    };
    Ok(Made {
        previous,
        notes: notes.markdown(Some(&links)),
        commits: commits.len(),
    })
}
