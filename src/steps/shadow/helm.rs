//! How Helm puts values over one another, and the names in which an `ApplicationSet` leaves holes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use regex::Regex;

use crate::words::repo_path::RepoPath;
use crate::yaml::{Node, NodeKind, Segment};

/// What the holes of a name stand for.
pub(super) type Bound = BTreeMap<String, String>;

/// Returns what a later layer of values sets over a value: the same key, or a scalar, a list or null above it, which
/// replaces all that is below. Lists are replaced whole.
pub(super) fn set_over<'f>(root: Node<'f>, segments: &[Segment]) -> Option<Node<'f>> {
    let mut node = root;
    for segment in segments {
        node = match (node.kind(), segment) {
            (NodeKind::Mapping, Segment::Key(key)) => node.get(key)?,
            // An alias may stand for a map, of which it is not known what it sets.
            (NodeKind::Alias, _) => return None,
            _ => return node.path().map(|_| node),
        };
    }
    Some(node)
}

/// Returns the name by which `helm --set` knows a value: <https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set>.
pub(super) fn parameter_name(segments: &[Segment]) -> String {
    let mut name = String::new();
    for segment in segments {
        match segment {
            Segment::Key(key) => {
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&key.replace('.', "\\."));
            }
            Segment::Index(index) => {
                // Writing to a String cannot fail.
                let _ = write!(name, "[{index}]");
            }
            Segment::Filter { value, .. } => {
                let _ = write!(name, "[{value}]");
            }
        }
    }
    name
}

/// A path in which holes `{{…}}` may stand.
pub(super) struct Pattern {
    parts: Vec<Part>,
}

/// The holes of a path that are not known.
struct Holes {
    regex: Regex,
    names: Vec<String>,
}

enum Part {
    Text(String),
    /// What stands between the braces, without blanks.
    Hole(String),
}

impl Pattern {
    /// Reads one.
    pub(super) fn of(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((hole, after)) = after.split_once("}}") else {
                break;
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Hole(hole.split_whitespace().collect()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Self { parts }
    }

    /// Reads one whose holes stand for what is known; the others stay.
    pub(super) fn fill(text: &str, known: &Bound) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Hole(hole) => match known.get(hole.trim_start_matches('.')) {
                Some(value) => value.clone(),
                None => format!("{{{{{hole}}}}}"),
            },
        };
        Self::of(text).parts.iter().map(part).collect()
    }

    /// Returns the text, if there is no hole in it.
    pub(super) fn whole(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns what the holes stand for if this is the text.
    pub(super) fn matches(&self, text: &str) -> Option<Bound> {
        let bound = Bound::new();
        if let Some(whole) = self.whole() {
            return (whole == text).then_some(bound);
        }
        // Thousands of names are held against thousands of files, of which nearly none begin and end alike.
        if !(text.starts_with(self.begin()) && text.ends_with(self.end())) {
            return None;
        }
        self.holes(&bound)?.fit(text, &bound)
    }

    /// What it begins with, before the first hole.
    fn begin(&self) -> &str {
        literal(self.parts.first())
    }

    /// What it ends with, after the last hole.
    fn end(&self) -> &str {
        literal(self.parts.last())
    }

    /// Returns the files that this may be, where some holes are known; `listing` is sorted.
    pub(super) fn files(&self, bound: &Bound, listing: &[RepoPath]) -> Vec<RepoPath> {
        let known = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Hole(hole) => bound.get(hole).cloned(),
        };
        let filled: Option<String> = self.parts.iter().map(known).collect();
        if let Some(filled) = filled {
            let path = RepoPath::parse(&filled).ok();
            return path
                .filter(|path| listing.binary_search(path).is_ok())
                .into_iter()
                .collect();
        }
        let Some(holes) = self.holes(bound) else {
            return Vec::new();
        };
        let begin = self.begin();
        let first = listing.partition_point(|path| path.as_str() < begin);
        listing[first..]
            .iter()
            .take_while(|path| path.as_str().starts_with(begin))
            .filter(|path| path.as_str().ends_with(self.end()) && holes.fit(path.as_str(), bound).is_some())
            .cloned()
            .collect()
    }

    /// A hole stands for one part of a path, or some, where it is a path itself.
    fn holes(&self, bound: &Bound) -> Option<Holes> {
        let (mut text, mut names) = ("^".to_owned(), Vec::new());
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(&regex::escape(literal)),
                Part::Hole(hole) => {
                    if let Some(value) = bound.get(hole) {
                        text.push_str(&regex::escape(value));
                        continue;
                    }
                    let is_path = hole.trim_start_matches('.').trim_end_matches(".path") == "path";
                    text.push_str(if is_path { "(.+)" } else { "([^/]+)" });
                    names.push(hole.clone());
                }
            }
        }
        text.push('$');
        Some(Holes {
            regex: Regex::new(&text).ok()?,
            names,
        })
    }
}

impl Holes {
    /// Returns what the holes stand for if this is the text.
    fn fit(&self, text: &str, bound: &Bound) -> Option<Bound> {
        let captures = self.regex.captures(text)?;
        let mut found = bound.clone();
        for (number, name) in self.names.iter().enumerate() {
            let value = captures.get(number + 1)?.as_str();
            let known = found.entry(name.clone()).or_insert_with(|| value.to_owned());
            // A hole that stands twice stands for one value.
            if known != value {
                return None;
            }
        }
        Some(found)
    }
}

/// The text of a part of a path; nothing for a hole.
fn literal(part: Option<&Part>) -> &str {
    match part {
        Some(Part::Text(text)) => text,
        Some(Part::Hole(_)) | None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{File, Path};

    #[test]
    fn a_later_layer_counts_where_it_sets_the_key_or_what_is_above_it() {
        for (later, line) in [
            ("image: {tag: v2}\n", Some(1)),
            ("a: 1\nimage: other\n", Some(2)),
            ("image:\n", Some(1)),
            ("image: {repository: x}\n", None),
            ("other: 1\n", None),
            ("image: [a]\n", Some(1)),
            ("x\n", None),
        ] {
            let file = File::parse(later.as_bytes()).unwrap();
            let path = Path::parse("image.tag").unwrap();
            let found = set_over(file.documents().next().unwrap(), path.segments());
            assert_eq!(found.map(Node::line), line, "{later}");
        }
    }

    #[test]
    fn a_parameter_is_named_as_helm_names_it() {
        for (path, name) in [("image.tag", "image.tag"), ("a.\"b.c\"[0].d", "a.b\\.c[0].d")] {
            assert_eq!(parameter_name(Path::parse(path).unwrap().segments()), name);
        }
    }

    #[test]
    fn a_hole_stands_for_one_value() {
        let pattern = Pattern::of("apps/{{ .app }}/{{.env}}.yaml");
        let bound = pattern.matches("apps/web/dev.yaml").unwrap();
        assert_eq!((bound[".app"].as_str(), bound[".env"].as_str()), ("web", "dev"));
        assert!(pattern.matches("apps/web/x/dev.yaml").is_none());
        let later = Pattern::of("over/{{.env}}/{{.app}}.yaml");
        let listing: Vec<RepoPath> = ["over/dev/web.yaml", "over/prod/web.yaml"]
            .iter()
            .map(|path| RepoPath::parse(path).unwrap())
            .collect();
        let files = later.files(&bound, &listing);
        assert_eq!(files, [listing[0].clone()]);
        let whole = Pattern::of("{{path}}/values.yaml");
        assert_eq!(whole.matches("a/b/values.yaml").unwrap()["path"], "a/b");
        assert!(Pattern::of("{{a}}/{{a}}.yaml").matches("x/y.yaml").is_none());
    }
}
