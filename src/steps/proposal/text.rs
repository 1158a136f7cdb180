//! What a change request says.

use std::fmt::Write as _;

use crate::plan::change_request::{ChangeRequest, Edit};
use crate::plan::commit::Fate;
use crate::plan::comparison::Comparison;
use crate::plan::{Plan, diff};
use crate::steps::bump_values::Request;
use crate::words::fault::Fault;
use crate::words::markdown::{code, fenced, prose};
use crate::words::template::{MESSAGE_NAMES, Template};
use crate::words::wording::one_line;

/// Where our part of a text begins; what people write before and after it stays.
const BEGIN: &str = "<!-- gitops-steps begin -->";
/// What stands before the head branch, the mark and the title's mark, in the comment that ends our part.
pub(super) const MARK: &str = "<!-- gitops-steps: ";
/// The end of a comment.
const END: &str = " -->";
/// What is added to the text when we close a change request.
pub(super) const CLOSED: &str = "<!-- gitops-steps closed this -->";
/// The most characters of a title, by GitHub's and GitLab's rules (256 and 255).
const TITLE_MAX: usize = 255;
/// The most bytes of a body; GitHub takes 65,536 characters, GitLab 1,048,576.
const BODY_MAX: usize = 60_000;
/// The most bytes of the body that a diff takes.
const DIFF_MAX: usize = 30_000;
/// The most values that are listed one by one.
const VALUES_MAX: usize = 100;
/// The most commits that are listed one by one.
const COMMITS_MAX: usize = 50;

/// What changed in the app's own repository between the old and the new value.
#[derive(Clone, Debug)]
pub struct SourceLog {
    /// The repository.
    pub repo: String,
    /// The commits.
    pub comparison: Comparison,
}

/// Writes the title: the template of the flags, else the policy's, else the commit's subject.
///
/// # Errors
/// `Invalid` for a template that cannot be read, or leaves nothing.
pub(super) fn title(request: &Request, plan: &Plan) -> Result<String, Fault> {
    let template = request
        .pull_request
        .title
        .as_ref()
        .or(plan.pull_request.title.as_ref());
    let title = if let Some(template) = template {
        let template = Template::parse(template, MESSAGE_NAMES)?;
        one_line(&template.render(|name| request.hole(plan, name)))
    } else {
        let subject = plan.message.lines().next().unwrap_or_default();
        subject.trim_end_matches("[skip ci]").trim().to_owned()
    };
    if title.is_empty() {
        return Err(Fault::invalid("the pull request's title is empty").hint("give --title some text"));
    }
    Ok(match title.char_indices().nth(TITLE_MAX - 1) {
        Some((cut, _)) if title.chars().count() > TITLE_MAX => format!("{}…", &title[..cut]),
        _ => title,
    })
}

/// Writes the body: the text of flags or policy, what changes and where, the diff, what was built, and who asked.
///
/// # Errors
/// `Invalid` for a template that cannot be read.
pub(super) fn body(
    request: &Request,
    plan: &Plan,
    head: &str,
    (mark, title): (&str, &str),
    log: Option<&SourceLog>,
) -> Result<String, Fault> {
    let mut text = format!("{BEGIN}\n");
    if let Some(template) = request
        .pull_request
        .body
        .as_ref()
        .or(plan.pull_request.body.as_ref())
    {
        let template = Template::parse(template, MESSAGE_NAMES)?;
        let own = template.render(|name| request.hole(plan, name));
        let own: String = own.chars().take(BODY_MAX / 8).collect();
        let _ = writeln!(text, "{}\n", own.trim_end());
    }
    if let Some(held) = &plan.held {
        let _ = writeln!(text, "> **Held.** {}\n", prose(held));
    }
    if plan.changes.is_empty() {
        files(&mut text, plan);
    } else {
        values(&mut text, plan);
    }
    if let Some(log) = log {
        commits(&mut text, log);
    }
    provenance(&mut text, request);
    let ending = format!("\n{MARK}{head} {mark} {}{END}", super::short_hash([title]));
    let room = BODY_MAX
        .saturating_sub(text.len() + ending.len() + 200)
        .min(DIFF_MAX);
    let diff = diff::unified(&plan.files);
    if room > 200 && !diff.is_empty() {
        let _ = writeln!(
            text,
            "\n<details><summary>Diff</summary>\n\n{}\n\n</details>",
            fenced(&diff, room)
        );
    }
    text.push_str(&ending);
    Ok(text)
}

/// Returns what changes on an open change request: our part of its text, and its title unless a person gave it another.
pub(super) fn edit(open: &ChangeRequest, title: &str, body: &str) -> Edit {
    let theirs = open.body.replace(CLOSED, "");
    let ours = theirs.find(BEGIN).and_then(|begin| {
        let mark = begin + theirs[begin..].find(MARK)?;
        let end = mark + theirs[mark..].find(END)? + END.len();
        Some((begin, mark, end))
    });
    let (body, owns_title) = match ours {
        Some((begin, mark, end)) => {
            let given = theirs[mark..end - END.len()].rsplit(' ').next();
            let owns_title = given == Some(super::short_hash([open.title.as_str()]).as_str());
            (
                format!("{}{body}{}", &theirs[..begin], theirs[end..].trim_end()),
                owns_title,
            )
        }
        None => (format!("{}\n\n{body}", theirs.trim_end()), false),
    };
    Edit {
        title: owns_title.then(|| title.to_owned()),
        body: Some(body),
        reopen: false,
    }
}

/// Adds what tells a later run that we closed it.
pub(super) fn closed_by_us(body: &str) -> String {
    format!("{body}\n{CLOSED}")
}

fn values(text: &mut String, plan: &Plan) {
    let by_cluster = plan.changes.iter().any(|change| change.cluster.is_some());
    text.push_str(if by_cluster {
        "| cluster | file | value | from | to |\n| --- | --- | --- | --- | --- |\n"
    } else {
        "| file | value | from | to |\n| --- | --- | --- | --- |\n"
    });
    for change in plan.changes.iter().take(VALUES_MAX) {
        if by_cluster {
            let _ = write!(text, "| {} ", code(change.cluster.as_deref().unwrap_or_default()));
        }
        let value = |value: &Option<String>| code(&cut(value.as_deref().unwrap_or_default()));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            code(&cut(&change.file)),
            code(&cut(&change.path)),
            value(&change.old),
            value(&change.new),
        );
    }
    more(text, plan.changes.len());
}

/// Lists the files, where no value is told apart.
fn files(text: &mut String, plan: &Plan) {
    text.push_str("| file | is |\n| --- | --- |\n");
    for file in plan.files.iter().take(VALUES_MAX) {
        let fate = match file.fate {
            Fate::Added { .. } => "added",
            Fate::Changed { .. } => "changed",
            Fate::Removed { .. } => "removed",
        };
        let _ = writeln!(text, "| {} | {fate} |", code(&cut(file.path.as_str())));
    }
    more(text, plan.files.len());
}

/// Says how many more there are than are listed.
fn more(text: &mut String, count: usize) {
    if let Some(more) = count.checked_sub(VALUES_MAX).filter(|more| *more > 0) {
        let _ = writeln!(text, "\n… and {more} more");
    }
}

fn commits(text: &mut String, log: &SourceLog) {
    let Comparison { commits, total, .. } = &log.comparison;
    let link = match &log.comparison.url {
        Some(url) if is_plain(url) => format!(" ([compare]({url}))"),
        _ => String::new(),
    };
    let _ = writeln!(text, "\n**{total} commits** in {}{link}\n", code(&log.repo));
    for commit in commits.iter().rev().take(COMMITS_MAX) {
        let subject = commit.message.lines().next().unwrap_or_default();
        let id = commit.id.get(..12).unwrap_or(&commit.id);
        let _ = writeln!(text, "- {} {}", code(id), code(&cut(subject)));
    }
    let more = total.saturating_sub(commits.len().min(COMMITS_MAX));
    if more > 0 {
        let _ = writeln!(text, "- … and {more} more");
    }
}

fn provenance(text: &mut String, request: &Request) {
    let source = &request.source;
    let mut lines = Vec::new();
    let built = match (&source.repo, &source.commit) {
        (Some(repo), Some(commit)) => Some(format!("{repo}@{commit}")),
        (repo, commit) => repo.clone().or_else(|| commit.clone()),
    };
    if let Some(built) = built {
        lines.push(format!("Built from {}", code(&built)));
    }
    if let Some(actor) = &request.actor {
        lines.push(format!("Asked for by {}", code(actor)));
    }
    let claimed = source
        .actor
        .as_ref()
        .filter(|_| request.from_event && source.actor != request.actor);
    if let Some(claimed) = claimed {
        lines.push(format!("On behalf of {}, as the payload says", code(claimed)));
    }
    let is_other = |url: &&String| request.job_url.as_ref() != Some(*url);
    if let Some(url) = source
        .run_url
        .as_ref()
        .filter(is_other)
        .filter(|url| is_plain(url))
    {
        lines.push(format!("Built by <{url}>"));
    }
    if let Some(url) = request.job_url.as_ref().filter(|url| is_plain(url)) {
        lines.push(format!("Run: <{url}>"));
    }
    for line in lines {
        let _ = write!(text, "\n{line}  ");
    }
    text.push('\n');
}

/// Whether an address can stand in Markdown as it is.
fn is_plain(url: &str) -> bool {
    (url.starts_with("https://") || url.starts_with("http://"))
        && url
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!&*+,;=%".contains(&b))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::short_hash;
    use super::*;
    use crate::plan::change_request::State;
    use crate::plan::comparison::{LoggedCommit, Relation};

    fn part(title: &str, said: &str) -> String {
        format!(
            "{BEGIN}\n{said}\n{MARK}promote/prod/web m {}{END}",
            short_hash([title])
        )
    }

    fn open(title: &str, body: &str) -> ChangeRequest {
        ChangeRequest {
            number: 1,
            node: String::new(),
            url: String::new(),
            state: State::Open,
            title: title.into(),
            body: body.into(),
            head: None,
            draft: false,
        }
    }

    #[test]
    fn what_people_wrote_stays_and_our_part_is_replaced() {
        let new = part("new", "v2");
        for (title, body, expected, retitled) in [
            ("old", part("old", "v1"), new.clone(), true),
            ("[OPS-7] old", part("old", "v1"), new.clone(), false),
            (
                "old",
                format!("Risk: low\n\n{}\n\nSigned: Jane", part("old", "v1")),
                format!("Risk: low\n\n{new}\n\nSigned: Jane"),
                true,
            ),
            (
                "mine",
                "My own words".to_owned(),
                format!("My own words\n\n{new}"),
                false,
            ),
            ("old", closed_by_us(&part("old", "v1")), new.clone(), true),
        ] {
            let edit = edit(&open(title, &body), "new", &new);
            assert_eq!(edit.body.as_deref(), Some(expected.as_str()));
            assert_eq!(edit.title.is_some(), retitled, "{title}");
        }
    }

    #[test]
    fn all_commits_are_counted_however_few_the_forge_lists() {
        for (listed, total, more) in [
            (2, 2, ""),
            (60, 60, "- … and 10 more\n"),
            (250, 1234, "- … and 1184 more\n"),
            (3, 9, "- … and 6 more\n"),
        ] {
            let commit = |number: usize| LoggedCommit {
                id: format!("{number:040}"),
                message: "fix it".to_owned(),
                author: String::new(),
                committer: String::new(),
                committed: jiff::Timestamp::UNIX_EPOCH,
            };
            let log = SourceLog {
                repo: "acme/web".to_owned(),
                comparison: Comparison {
                    relation: Relation::Ahead,
                    commits: (0..listed).map(commit).collect(),
                    total,
                    url: None,
                },
            };
            let mut text = String::new();
            commits(&mut text, &log);
            let lines = text.lines().filter(|line| line.starts_with("- `")).count();
            assert_eq!(lines, listed.min(COMMITS_MAX));
            assert!(
                text.contains(&format!("**{total} commits** in `acme/web`")),
                "{text}"
            );
            let last = format!("- `000000000000` `fix it`\n{more}");
            assert!(text.ends_with(&last), "{text}");
        }
    }
}
