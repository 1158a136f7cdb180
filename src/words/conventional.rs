//! What a commit's message says of a change, by Conventional Commits 1.0.0 (<https://www.conventionalcommits.org>).

use super::wording::one_line;

/// The most bytes of a message that are read; more than that is no message for people.
const LONGEST: usize = 64 * 1024;
/// How a footer that tells of a breaking change begins (rules 11, 12 and 16).
const BREAKING: [&str; 2] = ["BREAKING CHANGE: ", "BREAKING-CHANGE: "];

/// How far a version is to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not at all.
    None,
    /// The third number.
    Patch,
    /// The second.
    Minor,
    /// The first.
    Major,
}

impl Level {
    /// Returns the word of the command line, and of labels.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

/// What a message says of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The type, in lower case; `None` for a message that is not in this form.
    pub kind: Option<String>,
    /// What it touches.
    pub scope: Option<String>,
    /// What was done, on one line.
    pub subject: String,
    /// What breaks, on one line, if anything does.
    pub breaking: Option<String>,
}

impl Change {
    /// Reads a message. One that is not in the form has its first line as subject.
    pub fn parse(message: &str) -> Self {
        let mut end = message.len().min(LONGEST);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        let message = message[..end].replace("\r\n", "\n");
        let message = message.trim();
        let first = message.lines().next().unwrap_or_default();
        if let Ok(read) = git_conventional::Commit::parse(message) {
            return Self::of(&read);
        }
        // A body that follows without an empty line, say: the first line tells all the same.
        let mut change = match git_conventional::Commit::parse(first) {
            Ok(read) => Self::of(&read),
            Err(_) => Self {
                subject: one_line(first),
                ..Self::default()
            },
        };
        let footer = |line: &str| {
            BREAKING
                .iter()
                .find_map(|start| line.strip_prefix(start).map(one_line))
        };
        change.breaking = message.lines().skip(1).find_map(footer).or(change.breaking);
        change
    }

    fn of(read: &git_conventional::Commit<'_>) -> Self {
        let subject = one_line(read.description());
        Self {
            kind: Some(read.type_().as_str().to_lowercase()),
            scope: read.scope().map(|scope| one_line(scope.as_str())),
            breaking: read.breaking().then(|| {
                read.breaking_description()
                    .map_or_else(|| subject.clone(), one_line)
            }),
            subject,
        }
    }

    /// Returns how far the version is to move; `other` is what everything but a feature and a fix stands for.
    pub fn level(&self, other: Level) -> Level {
        match (self.breaking.is_some(), self.kind.as_deref()) {
            (true, _) => Level::Major,
            (false, Some("feat")) => Level::Minor,
            (false, Some("fix" | "perf")) => Level::Patch.max(other),
            (false, _) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_how_far_the_version_moves() {
        for (message, level) in [
            ("feat: a", Level::Minor),
            ("Feat(api): a", Level::Minor),
            ("fix(api): a", Level::Patch),
            ("perf: a", Level::Patch),
            ("chore: a", Level::None),
            ("revert: feat: a", Level::None),
            ("chore!: a", Level::Major),
            ("refactor(core)!: a", Level::Major),
            ("fix: a\n\nwhy\n\nBREAKING CHANGE: b", Level::Major),
            ("docs: a\n\nBREAKING-CHANGE: b\nReviewed-by: Z", Level::Major),
            (
                "fix: a\r\n\r\nReviewed-by: Z\r\nBREAKING CHANGE: b\r\n",
                Level::Major,
            ),
            ("fix: a\n\nnot a breaking change: b", Level::Patch),
            // No empty line before the body: not in the form, and yet it says what it says.
            ("feat: a\nmore", Level::Minor),
            ("fix: a\nBREAKING CHANGE: b", Level::Major),
            ("Merge branch 'feat: x'", Level::None),
            ("feature a", Level::None),
            ("feat : a", Level::None),
            ("feat(: a", Level::None),
            ("", Level::None),
            ("\u{1b}[31mfeat: a", Level::None),
        ] {
            assert_eq!(Change::parse(message).level(Level::None), level, "{message:?}");
        }
    }

    #[test]
    fn what_is_no_feature_or_fix_can_count_too() {
        assert_eq!(Change::parse("chore: a").level(Level::Minor), Level::Minor);
        assert_eq!(Change::parse("fix: a").level(Level::Minor), Level::Minor);
        assert_eq!(Change::parse("feat: a").level(Level::Patch), Level::Minor);
        assert_eq!(Change::parse("hello").level(Level::Patch), Level::Patch);
    }

    #[test]
    fn a_message_is_taken_apart() {
        let change = Change::parse("feat(api)!: drop v1\n\nbody\n\nBREAKING CHANGE: v1 is gone,\nuse v2");
        assert_eq!(
            change,
            Change {
                kind: Some("feat".into()),
                scope: Some("api".into()),
                subject: "drop v1".into(),
                breaking: Some("v1 is gone, use v2".into()),
            }
        );
        assert_eq!(Change::parse("feat!: a").breaking.as_deref(), Some("a"));
        let long = format!("fix: {}", "ä".repeat(LONGEST));
        assert!(Change::parse(&long).subject.len() <= LONGEST);
    }
}
