//! What a change request says.

use std::fmt::Write as _;

use crate::plan::comparison::Comparison;
use crate::plan::{Plan, diff};
use crate::steps::bump_values::Request;
use crate::words::fault::Fault;
use crate::words::markdown::{code, fenced};
use crate::words::template::{MESSAGE_NAMES, Template};
use crate::words::wording::one_line;

/// What stands before the head branch and the mark, in a comment that nobody sees.
pub(super) const MARK: &str = "<!-- gitops-steps: ";
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
    mark: &str,
    log: Option<&SourceLog>,
) -> Result<String, Fault> {
    let mut text = String::new();
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
    values(&mut text, plan);
    if let Some(log) = log {
        commits(&mut text, log);
    }
    provenance(&mut text, request);
    let ending = format!("\n{MARK}{head} {mark} -->");
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
    if let Some(more) = plan
        .changes
        .len()
        .checked_sub(VALUES_MAX)
        .filter(|more| *more > 0)
    {
        let _ = writeln!(text, "\n… and {more} more");
    }
}

fn commits(text: &mut String, log: &SourceLog) {
    let commits = &log.comparison.commits;
    let link = match &log.comparison.url {
        Some(url) if is_plain(url) => format!(" ([compare]({url}))"),
        _ => String::new(),
    };
    let _ = writeln!(
        text,
        "\n**{} commits** in {}{link}\n",
        commits.len(),
        code(&log.repo)
    );
    for commit in commits.iter().rev().take(COMMITS_MAX) {
        let subject = commit.message.lines().next().unwrap_or_default();
        let id = commit.id.get(..12).unwrap_or(&commit.id);
        let _ = writeln!(text, "- {} {}", code(id), code(&cut(subject)));
    }
    if commits.len() > COMMITS_MAX {
        let _ = writeln!(text, "- … and {} older ones", commits.len() - COMMITS_MAX);
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
    if let Some(url) = source.run_url.as_ref().filter(|url| is_plain(url)) {
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
