//! What a release brings, in words: made from the messages of its commits.

use std::fmt::Write as _;

use crate::plan::release::SourceCommit;
use crate::words::conventional::Change;
use crate::words::forge_repo::ForgeKind;
use crate::words::markdown::prose;
use crate::words::wording::one_line;

/// The most bytes of notes; GitHub takes 125,000 characters of text, GitLab 1,048,576.
const MOST: usize = 60_000;
/// The most commits that are listed one by one.
const LISTED: usize = 300;
/// The most characters of a subject, of what breaks, and of a name.
const SUBJECT: usize = 200;
const NAME: usize = 80;

/// Where a forge shows commits and change requests.
#[derive(Clone, Debug)]
pub struct Links {
    /// Which forge it is.
    pub kind: ForgeKind,
    /// The repository's own page.
    pub web: String,
}

/// What a release brings.
pub struct Notes<'a> {
    /// The tag.
    pub tag: &'a str,
    /// The tag before, if there is one.
    pub previous: Option<&'a str>,
    /// The commits, newest first.
    pub commits: &'a [SourceCommit],
}

/// The parts of the notes, in their order.
const GROUPS: [&str; 4] = ["Breaking changes", "Features", "Fixes", "Other changes"];

/// A line of the notes.
struct Entry {
    group: usize,
    change: Change,
    id: String,
    author: String,
    /// The change request that brought it, as its subject or its last line says.
    request: Option<u64>,
}

impl Notes<'_> {
    /// Returns them in Markdown: foreign text is shown as it is, and calls nobody.
    pub fn markdown(&self, links: Option<&Links>) -> String {
        let mut text = self.grouped("### ", |entry| markdown_line(entry, links));
        if let (Some(links), Some(previous)) = (links, self.previous) {
            let dash = links.kind.dash();
            let _ = writeln!(
                text,
                "\n[{} … {}]({}/{dash}compare/{}...{})",
                prose(previous),
                prose(self.tag),
                links.web,
                in_address(previous),
                in_address(self.tag)
            );
        }
        text
    }

    /// Returns them as plain text, for the message of a tag.
    pub fn plain(&self) -> String {
        self.grouped("", plain_line)
    }

    fn grouped(&self, heading: &str, line: impl Fn(&Entry) -> String) -> String {
        // A merge says nothing that its commits do not say, unless it says it in the form.
        let entries = self.commits.iter().map(|commit| (commit.merge, entry(commit)));
        let entries: Vec<Entry> = entries
            .filter(|(merge, entry)| !merge || entry.change.kind.is_some())
            .map(|(_, entry)| entry)
            .collect();
        if entries.is_empty() {
            return "No changes.\n".to_owned();
        }
        let (mut text, mut left_out, mut listed) = (String::new(), 0, 0);
        for (group, name) in GROUPS.iter().enumerate() {
            let of_group: Vec<&Entry> = entries.iter().filter(|entry| entry.group == group).collect();
            let mut open = false;
            for entry in of_group {
                let line = line(entry);
                if listed >= LISTED || text.len() + line.len() > MOST {
                    left_out += 1;
                    continue;
                }
                if !open {
                    let gap = if text.is_empty() { "" } else { "\n" };
                    let _ = write!(text, "{gap}{heading}{name}\n\n");
                    open = true;
                }
                text.push_str(&line);
                listed += 1;
            }
        }
        if left_out > 0 {
            let _ = writeln!(text, "\n… and {left_out} more");
        }
        text
    }
}

impl ForgeKind {
    /// What stands before a page below a repository.
    fn dash(self) -> &'static str {
        match self {
            Self::GitHub => "",
            Self::GitLab => "-/",
        }
    }

    /// The page of a change request below a repository, and what its number is written with.
    fn request(self) -> (&'static str, char) {
        match self {
            Self::GitHub => ("pull", '#'),
            Self::GitLab => ("-/merge_requests", '!'),
        }
    }
}

fn entry(commit: &SourceCommit) -> Entry {
    let message = &commit.log.message;
    let mut change = Change::parse(message);
    let request = request_of(&change.subject);
    if let Some((at, _)) = request {
        change.subject.truncate(at);
    }
    let group = match (change.breaking.is_some(), change.kind.as_deref()) {
        (true, _) => 0,
        (false, Some("feat")) => 1,
        (false, Some("fix" | "perf")) => 2,
        (false, _) => 3,
    };
    let author = commit.log.author.rsplit_once(" <").map_or("", |(name, _)| name);
    Entry {
        group,
        id: commit.log.id.clone(),
        author: cut(&one_line(author), NAME),
        request: request
            .map(|(_, number)| number)
            .or_else(|| merge_request_of(message)),
        change,
    }
}

/// Finds `(#12)` or `(!12)` at the end of a subject, as forges write it: where it begins, and the number.
fn request_of(subject: &str) -> Option<(usize, u64)> {
    let inside = subject.strip_suffix(')')?;
    let at = inside.rfind(" (")?;
    let number = inside[at + 2..].strip_prefix(['#', '!'])?;
    Some((at, number.parse().ok()?))
}

/// Finds what GitLab writes below a squashed commit: `See merge request group/project!12`.
fn merge_request_of(message: &str) -> Option<u64> {
    let line = message
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("See merge request "))?;
    line.rsplit_once('!')?.1.trim().parse().ok()
}

fn markdown_line(entry: &Entry, links: Option<&Links>) -> String {
    let mut line = "- ".to_owned();
    if let Some(scope) = &entry.change.scope {
        let _ = write!(line, "**{}:** ", prose(&cut(scope, NAME)));
    }
    line.push_str(&prose(&subject(entry)));
    if let Some(breaking) = said_apart(entry) {
        let _ = write!(line, ": {}", prose(&cut(breaking, SUBJECT)));
    }
    let id = entry.id.get(..10).unwrap_or(&entry.id);
    match links {
        Some(Links { kind, web }) => {
            if let Some(number) = entry.request {
                let (page, sign) = kind.request();
                let _ = write!(line, " ([{sign}{number}]({web}/{page}/{number}))");
            }
            let _ = write!(line, " ([`{id}`]({web}/{}commit/{}))", kind.dash(), entry.id);
        }
        None => {
            let _ = write!(line, " (`{id}`)");
        }
    }
    if !entry.author.is_empty() {
        let _ = write!(line, " by {}", prose(&entry.author));
    }
    line.push('\n');
    line
}

fn plain_line(entry: &Entry) -> String {
    let scope = entry
        .change
        .scope
        .as_ref()
        .map(|scope| format!("{}: ", cut(scope, NAME)));
    let breaking = said_apart(entry).map(|breaking| format!(": {}", cut(breaking, SUBJECT)));
    let id = entry.id.get(..10).unwrap_or(&entry.id);
    format!(
        "- {}{}{} ({id})\n",
        scope.unwrap_or_default(),
        subject(entry),
        breaking.unwrap_or_default()
    )
}

fn subject(entry: &Entry) -> String {
    match entry.change.subject.as_str() {
        "" => "(no message)".to_owned(),
        subject => cut(subject, SUBJECT),
    }
}

/// What breaks, where that is more than the subject.
fn said_apart(entry: &Entry) -> Option<&str> {
    let breaking = entry.change.breaking.as_deref()?;
    (!breaking.starts_with(&entry.change.subject)).then_some(breaking)
}

/// A tag's name in an address; it may hold slashes.
fn in_address(tag: &str) -> String {
    const PLAIN: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'/');
    percent_encoding::utf8_percent_encode(tag, PLAIN).to_string()
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::comparison::LoggedCommit;

    fn commit(number: usize, message: &str) -> SourceCommit {
        SourceCommit {
            log: LoggedCommit {
                id: format!("{number:040x}"),
                message: message.to_owned(),
                author: "Ann B <ann@example.com>".to_owned(),
                committer: String::new(),
                committed: jiff::Timestamp::UNIX_EPOCH,
            },
            own_line: true,
            merge: message.starts_with("Merge"),
        }
    }

    fn github() -> Links {
        Links {
            kind: ForgeKind::GitHub,
            web: "https://github.com/acme/shop".to_owned(),
        }
    }

    #[test]
    fn commits_are_grouped_and_linked() {
        let commits = [
            commit(5, "Merge branch 'a'"),
            commit(4, "chore: tidy"),
            commit(3, "fix(api): mend it (#12)"),
            commit(2, "feat!: drop v1\n\nBREAKING CHANGE: use v2"),
            commit(1, "feat: add it\n\nSee merge request acme/shop!7"),
        ];
        let notes = Notes {
            tag: "api/v2.0.0",
            previous: Some("api/v1.0.0"),
            commits: &commits,
        };
        let link = |number: usize| {
            let id = format!("{number:040x}");
            format!(
                "([`{}`](https://github.com/acme/shop/commit/{id})) by Ann B",
                &id[..10]
            )
        };
        let expected = format!(
            "### Breaking changes\n\n- drop v1: use v2 {}\n\n### Features\n\n- add it \
             ([#7](https://github.com/acme/shop/pull/7)) {}\n\n### Fixes\n\n- **api:** mend it \
             ([#12](https://github.com/acme/shop/pull/12)) {}\n\n### Other changes\n\n- tidy {}\n\n\
             [api/v1.0.0 … api/v2.0.0](https://github.com/acme/shop/compare/api/v1.0.0...api/v2.0.0)\n",
            link(2),
            link(1),
            link(3),
            link(4)
        );
        assert_eq!(notes.markdown(Some(&github())), expected);
        assert!(
            notes
                .plain()
                .starts_with("Breaking changes\n\n- drop v1: use v2 (0000000000)\n\nFeatures\n")
        );
    }

    #[test]
    fn gitlab_has_pages_of_its_own() {
        let commits = [commit(1, "fix: a (!3)")];
        let notes = Notes {
            tag: "v2",
            previous: None,
            commits: &commits,
        };
        let links = Links {
            kind: ForgeKind::GitLab,
            web: "https://gitlab.com/acme/shop".to_owned(),
        };
        let text = notes.markdown(Some(&links));
        assert!(
            text.contains("- a ([!3](https://gitlab.com/acme/shop/-/merge_requests/3)) ([`0"),
            "{text}"
        );
        assert!(
            text.contains("(https://gitlab.com/acme/shop/-/commit/0"),
            "{text}"
        );
    }

    #[test]
    fn notes_are_bounded() {
        let many: Vec<_> = (0..1000).map(|number| commit(number, "feat: a")).collect();
        let long: Vec<_> = (0..1000)
            .map(|number| commit(number, &format!("fix: {}", "@".repeat(500))))
            .collect();
        for (commits, more) in [(&many, "… and 700 more\n"), (&long, " more\n")] {
            let notes = Notes {
                tag: "v2",
                previous: None,
                commits,
            };
            let text = notes.markdown(Some(&github()));
            assert!(text.len() < MOST + 100 && text.ends_with(more), "{}", text.len());
        }
    }
}
