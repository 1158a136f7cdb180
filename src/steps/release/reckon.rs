//! Which version comes next.

use semver::Version;

use super::args::From;
use super::past::{Past, Release, commits_since};
use super::request::Rules;
use crate::plan::release::{MergedRequest, SourceCommit, SourceRepo, Stretch};
use crate::words::conventional::{Change, Level};
use crate::words::fault::{Fault, Kind};
use crate::words::release_tag::{Channel, ReleaseTag, core, counted_up, parse_version};
use crate::words::wording::shown;

/// Finds the change requests that brought commits.
pub type Labels<'a> = &'a dyn Fn(&[SourceCommit]) -> anyhow::Result<Vec<MergedRequest>>;

/// What is to be released.
#[derive(Clone, Debug)]
pub enum Asked {
    /// The next version.
    Next,
    /// This one.
    Version(ReleaseTag),
}

/// What comes of looking at a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is nothing to release.
    Nothing {
        /// The release that stands, if there is one.
        stands: Option<Release>,
        /// Why.
        why: String,
    },
    /// A later release has brought the commit already.
    Superseded {
        /// That release.
        by: Release,
    },
    /// This is to be released.
    Due {
        /// The tag.
        tag: ReleaseTag,
        /// How far the version moves; `None` for the first one, or one that was named.
        level: Option<Level>,
        /// Why.
        why: String,
    },
}

/// How far the version moves, and why.
struct Reckoned {
    level: Level,
    why: String,
}

/// Returns the tag that names a version, which `flag` gives with or without its prefix.
///
/// # Errors
/// `Invalid` for another text.
pub fn named(flag: &str, text: &str, past: &Past) -> Result<ReleaseTag, Fault> {
    if let Some(tag) = ReleaseTag::parse(text, &past.prefix) {
        return Ok(tag);
    }
    Ok(ReleaseTag {
        prefix: past.prefix.clone(),
        version: parse_version(flag, text)?,
    })
}

/// Tells what is to be released at a commit.
///
/// # Errors
/// `NotFound` where the clone is too shallow to tell, `Refused` for a version that is taken by another commit or would be
/// older than one that the commit has behind it.
pub fn next(
    repo: &dyn SourceRepo,
    rules: &Rules,
    past: &Past,
    asked: &Asked,
    labels: Labels<'_>,
) -> anyhow::Result<Verdict> {
    let verdict = match asked {
        Asked::Version(tag) => Verdict::Due {
            tag: tag.clone(),
            level: None,
            why: "--version names it".to_owned(),
        },
        Asked::Next => reckon(repo, rules, past, labels)?,
    };
    let Verdict::Due { tag, .. } = &verdict else {
        return Ok(verdict);
    };
    if let Some(taken) = past.of_version(&tag.version) {
        if taken.commit == repo.head() {
            return Ok(Verdict::Nothing {
                why: format!("{} is on this commit already", taken.tag),
                stands: Some(taken.clone()),
            });
        }
        if matches!(asked, Asked::Version(_)) || repo.first_with(&[&taken.commit], repo.head())?.is_none() {
            return Err(elsewhere(taken, repo.head()).into());
        }
    }
    if matches!(asked, Asked::Version(_)) {
        return Ok(verdict);
    }
    if let Some(by) = past.release_with(repo, repo.head())? {
        return Ok(Verdict::Superseded { by: by.clone() });
    }
    match &past.newest {
        Some(newest) if newest.tag.version.cmp_precedence(&tag.version).is_ge() => {
            Err(backwards(tag, newest).into())
        }
        _ => Ok(verdict),
    }
}

fn reckon(repo: &dyn SourceRepo, rules: &Rules, past: &Past, labels: Labels<'_>) -> anyhow::Result<Verdict> {
    let since = commits_since(repo, repo.head(), past.last.as_ref(), &rules.series)?;
    let waiting = past.waiting();
    let nothing = |stands: Option<&Release>, why: &str| Verdict::Nothing {
        stands: stands.cloned(),
        why: why.to_owned(),
    };
    if since.commits.is_empty() && waiting.is_none() {
        return Ok(nothing(
            past.last.as_ref(),
            nothing_since(past.last.as_ref(), rules).as_str(),
        ));
    }
    let (target, level, why) = match &past.last {
        None => {
            let first = waiting.map_or_else(|| rules.initial.clone(), |waiting| core(&waiting.tag.version));
            (first, None, "there is no release yet".to_owned())
        }
        Some(last) => {
            let Reckoned { level, why } = reckoned(rules, &since, labels, &last.tag.version)?;
            let counted = match level {
                Level::None => None,
                level => Some(counted_up(&last.tag.version, level).ok_or_else(|| too_high(last))?),
            };
            // A pre-release says where it leads to.
            let Some(target) = counted.max(waiting.map(|waiting| core(&waiting.tag.version))) else {
                return Ok(nothing(Some(last), &why));
            };
            (target, Some(level), why)
        }
    };
    match &rules.channel {
        None => Ok(Verdict::Due {
            tag: of(past, target),
            level,
            why,
        }),
        Some(channel) => in_channel(repo, rules, past, labels, (channel, &target, level, why)),
    }
}

/// The next pre-release of a channel that leads to a version.
fn in_channel(
    repo: &dyn SourceRepo,
    rules: &Rules,
    past: &Past,
    labels: Labels<'_>,
    (channel, target, level, why): (&Channel, &Version, Option<Level>, String),
) -> anyhow::Result<Verdict> {
    let number = |release: &Release| {
        (core(&release.tag.version) == *target)
            .then(|| channel.number(&release.tag.version))
            .flatten()
    };
    let mut own = past.all.iter().filter(|release| number(release).is_some());
    if let Some(own) = own.find(|release| past.has(release)) {
        let since = commits_since(repo, repo.head(), Some(own), &rules.series)?;
        let reckoned = reckoned(rules, &since, labels, &own.tag.version)?;
        if since.commits.is_empty() || reckoned.level == Level::None {
            return Ok(Verdict::Nothing {
                why: if since.commits.is_empty() {
                    nothing_since(Some(own), rules)
                } else {
                    reckoned.why
                },
                stands: Some(own.clone()),
            });
        }
    }
    let highest = past.all.iter().filter_map(number).max().unwrap_or_default();
    Ok(Verdict::Due {
        tag: of(past, channel.version(target, highest.saturating_add(1))),
        level,
        why,
    })
}

fn of(past: &Past, version: Version) -> ReleaseTag {
    ReleaseTag {
        prefix: past.prefix.clone(),
        version,
    }
}

/// Tells how far the version moves, by what is asked for.
fn reckoned(rules: &Rules, since: &Stretch, labels: Labels<'_>, last: &Version) -> anyhow::Result<Reckoned> {
    if let Some(level) = rules.bump {
        return Ok(Reckoned {
            level,
            why: "--bump says so".to_owned(),
        });
    }
    let mut reckoned = match rules.from {
        From::Commits => by_commits(&since.commits, rules.default),
        From::Labels if since.commits.is_empty() => by_commits(&[], Level::None),
        From::Labels => by_labels(&labels(&since.commits)?, rules.default),
    };
    if reckoned.level == Level::Major && last.major == 0 && !rules.major_on_zero {
        reckoned.level = Level::Minor;
        reckoned.why.push_str("; before 1.0.0 that is the next 0.x");
    }
    Ok(reckoned)
}

fn by_commits(commits: &[SourceCommit], default: Level) -> Reckoned {
    let mut best: Option<(Level, &SourceCommit, Change)> = None;
    for commit in commits {
        let change = Change::parse(&commit.log.message);
        let level = change.level(default);
        if level > best.as_ref().map_or(Level::None, |(level, ..)| *level) {
            best = Some((level, commit, change));
        }
    }
    let Some((level, commit, change)) = best else {
        let count = match commits.len() {
            1 => "the commit since brings".to_owned(),
            count => format!("the {count} commits since bring"),
        };
        return Reckoned {
            level: Level::None,
            why: format!("{count} no feature, fix or breaking change"),
        };
    };
    let what = match (change.breaking.is_some(), change.kind.as_deref()) {
        (true, _) => "a breaking change",
        (false, Some("feat")) => "a feature",
        (false, Some("fix" | "perf")) => "a fix",
        (false, _) => "a change that --default-bump counts",
    };
    let id = commit.log.id.get(..10).unwrap_or(&commit.log.id);
    Reckoned {
        level,
        why: format!("{id} is {what}: {}", shown(&change.subject)),
    }
}

fn by_labels(requests: &[MergedRequest], default: Level) -> Reckoned {
    let labelled = |request: &MergedRequest| {
        let named = |level: Level| {
            request
                .labels
                .iter()
                .any(|label| label.trim().eq_ignore_ascii_case(level.word()))
        };
        [Level::Major, Level::Minor, Level::Patch]
            .into_iter()
            .find(|level| named(*level))
    };
    let levels = requests.iter().map(|request| (labelled(request), request.number));
    // Of several, the first: they are the newest first.
    let best = levels.rev().max_by_key(|(level, _)| level.unwrap_or(default));
    match best {
        Some((Some(level), number)) if level >= default => Reckoned {
            level,
            why: format!("#{number} has the label `{}`", level.word()),
        },
        Some(_) => Reckoned {
            level: default,
            why: "no pull request since has a label that says more than --default-bump".to_owned(),
        },
        None => Reckoned {
            level: default,
            why: "no pull request was merged since".to_owned(),
        },
    }
}

fn nothing_since(last: Option<&Release>, rules: &Rules) -> String {
    let place = if rules.series.paths.is_empty() {
        ""
    } else {
        " that changes --path"
    };
    match last {
        Some(last) => format!("there is no commit{place} since {}", last.tag),
        None => format!("there is no commit{place}"),
    }
}

fn too_high(last: &Release) -> Fault {
    Fault::invalid(format!("no version comes after {}", shown(&last.tag.to_string())))
}

fn elsewhere(taken: &Release, head: &str) -> Fault {
    Fault::new(
        Kind::Refused,
        format!(
            "the tag {} is on the commit {}, and not on {head}",
            taken.tag, taken.commit
        ),
    )
    .hint("a tag that was published never moves: release another version with --version or --bump")
}

fn backwards(tag: &ReleaseTag, newest: &Release) -> Fault {
    Fault::new(
        Kind::Refused,
        format!(
            "{tag} would be older than {}, which the commit has behind it",
            newest.tag
        ),
    )
    .hint("leave --channel out to release what the pre-releases lead to, or say a --version")
}
