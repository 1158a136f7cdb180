//! A commit's message and the trailers that end it, as git-interpret-trailers(1) reads them.
//!
//! They are what the order guard, `history` and `rollback` read.

use std::fmt;

use super::fault::Fault;
use super::wording::one_line;

/// The trailers that are written, in the order in which they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The app.
    App,
    /// The environment.
    Env,
    /// The image's name.
    Image,
    /// The value before.
    Old,
    /// The value after.
    New,
    /// The repository that the image was built from.
    SourceRepo,
    /// The commit that the image was built from.
    SourceCommit,
    /// The source workflow and its run number.
    SourceSequence,
    /// The run that made the commit.
    RunUrl,
    /// Who started that run, from the event itself.
    Actor,
    /// Who the payload says asked for it.
    SourceActor,
    /// The reason for which the policy was overridden.
    Override,
    /// The commit of the config repo whose values a rollback restored.
    Restored,
    /// The head branch of the change request that carries the commit, and the mark of what it brings.
    Proposal,
}

impl Key {
    /// Every key, in order.
    pub const ALL: [Self; 14] = [
        Self::App,
        Self::Env,
        Self::Image,
        Self::Old,
        Self::New,
        Self::SourceRepo,
        Self::SourceCommit,
        Self::SourceSequence,
        Self::RunUrl,
        Self::Actor,
        Self::SourceActor,
        Self::Override,
        Self::Restored,
        Self::Proposal,
    ];

    /// Returns the key as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "Gitops-App",
            Self::Env => "Gitops-Env",
            Self::Image => "Gitops-Image",
            Self::Old => "Gitops-Old",
            Self::New => "Gitops-New",
            Self::SourceRepo => "Source-Repo",
            Self::SourceCommit => "Source-Commit",
            Self::SourceSequence => "Source-Sequence",
            Self::RunUrl => "Run-Url",
            Self::Actor => "Actor",
            Self::SourceActor => "Source-Actor",
            Self::Override => "Gitops-Override",
            Self::Restored => "Gitops-Restored",
            Self::Proposal => "Gitops-Proposal",
        }
    }
}

/// The trailers of one commit; a key may stand more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers(Vec<(Key, String)>);

impl Trailers {
    /// Adds a trailer. The value is brought on one line; an empty one adds nothing.
    pub fn add(&mut self, key: Key, value: &str) {
        let value = one_line(value);
        if !value.is_empty() {
            self.0.push((key, value));
        }
    }

    /// Returns the first value of a key.
    pub fn get(&self, key: Key) -> Option<&str> {
        self.all(key).next()
    }

    /// Returns every value of a key, in order.
    pub fn all(&self, key: Key) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(other, _)| *other == key)
            .map(|(_, value)| value.as_str())
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the trailers of a commit's message: those of its last paragraph, if every line of that is a
    /// trailer and it is not the subject. Keys that are not ours are passed over.
    pub fn parse(message: &str) -> Self {
        let mut trailers = Self::default();
        let lines: Vec<&str> = message.lines().map(str::trim_end).collect();
        let end = lines
            .iter()
            .rposition(|line| !line.is_empty())
            .map_or(0, |at| at + 1);
        let lines = &lines[..end];
        let Some(blank) = lines.iter().rposition(|line| line.is_empty()) else {
            return trailers;
        };
        let mut found: Vec<(&str, String)> = Vec::new();
        for line in &lines[blank + 1..] {
            match (line.split_once(':'), found.last_mut()) {
                (_, Some((_, value))) if line.starts_with([' ', '\t']) => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                (Some((key, value)), _) if is_key(key) => found.push((key, value.trim().to_owned())),
                _ => return trailers,
            }
        }
        for (key, value) in found {
            if let Some(known) = Key::ALL
                .into_iter()
                .find(|known| known.as_str().eq_ignore_ascii_case(key))
            {
                trailers.add(known, &value);
            }
        }
        trailers
    }
}

impl fmt::Display for Trailers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by_key(|(key, _)| *key);
        for (key, value) in sorted {
            writeln!(f, "{}: {value}", key.as_str())?;
        }
        Ok(())
    }
}

/// Returns a commit's whole message: the subject, with `[skip ci]` at its end if that is asked for, what
/// follows it in `text`, and the trailers as the last paragraph.
///
/// # Errors
/// A fault of kind `Invalid` when `text` has no subject.
pub fn assemble(text: &str, skip_ci: bool, trailers: &Trailers) -> Result<String, Fault> {
    let (subject, body) = match text.trim().split_once('\n') {
        Some((subject, body)) => (subject, body),
        None => (text.trim(), ""),
    };
    let mut message = one_line(subject);
    if message.is_empty() {
        return Err(
            Fault::invalid("the commit message is empty").hint("give `--message` some text beside its holes")
        );
    }
    if skip_ci && !message.ends_with("[skip ci]") {
        message.push_str(" [skip ci]");
    }
    message.push('\n');
    let body: Vec<&str> = body.trim().lines().map(str::trim_end).collect();
    if !body.is_empty() {
        message.push('\n');
        message.push_str(&body.join("\n"));
        message.push('\n');
    }
    if !trailers.is_empty() {
        message.push('\n');
        message.push_str(&trailers.to_string());
    }
    Ok(message)
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trailers(pairs: &[(Key, &str)]) -> Trailers {
        let mut trailers = Trailers::default();
        for (key, value) in pairs {
            trailers.add(*key, value);
        }
        trailers
    }

    #[test]
    fn a_message_holds_subject_body_and_trailers() {
        let known = trailers(&[
            (Key::New, "v2"),
            (Key::App, "web"),
            (Key::Old, ""),
            (Key::Actor, "ann"),
        ]);
        assert_eq!(
            assemble("deploy: web\nwhy\n\nmore\n", true, &known).unwrap(),
            "deploy: web [skip ci]\n\nwhy\n\nmore\n\nGitops-App: web\nGitops-New: v2\nActor: ann\n"
        );
        assert_eq!(assemble(" s ", false, &Trailers::default()).unwrap(), "s\n");
        assert_eq!(
            assemble("s [skip ci]", true, &Trailers::default()).unwrap(),
            "s [skip ci]\n"
        );
        assert!(assemble(" \n ", false, &known).is_err());
    }

    #[test]
    fn what_is_written_is_read_back() {
        for key in Key::ALL {
            let written = trailers(&[(key, "a: b → c")]);
            let message = assemble("subject", false, &written).unwrap();
            assert_eq!(Trailers::parse(&message), written);
        }
    }

    #[test]
    fn a_value_cannot_forge_a_trailer() {
        let forged = trailers(&[(Key::New, "v1\nActor: root\r\n\r\nActor: root")]);
        let read = Trailers::parse(&assemble("s", false, &forged).unwrap());
        assert_eq!(read.get(Key::Actor), None);
        assert_eq!(read.get(Key::New), Some("v1 Actor: root  Actor: root"));
    }

    #[test]
    fn only_the_last_paragraph_is_read() {
        for (message, new) in [
            ("s\n\nGitops-New: v1\n\nnot a trailer\n", None),
            ("s\n\nGitops-New: v1\nnot a trailer\n", None),
            ("Gitops-New: v1\n", None),
            ("s\n\nx\n\nGitops-New: v1\nSigned-off-by: A <a@b>\n\n", Some("v1")),
            ("s\r\n\r\nGitops-New: v1\r\n", Some("v1")),
            ("s\n\ngitops-new:v1\n  rest\n", Some("v1 rest")),
            ("s\n\n indented\nGitops-New: v1\n", None),
            ("", None),
        ] {
            assert_eq!(Trailers::parse(message).get(Key::New), new, "{message:?}");
        }
    }
}
