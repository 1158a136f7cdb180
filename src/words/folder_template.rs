//! Folders of files with named holes, `{name}`, in their paths and in their text.
//!
//! A template is somebody's files, and a value may be somebody else's text: a value is put in once, is never read again as
//! a template, and may hold nothing that a YAML file, a script or a workflow would read as more than text.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::repo_path::RepoPath;
use super::wording::{shown, suggestion};

/// What a value may hold beside letters and digits. Quotes, brackets, `$`, `#`, `&`, `;` and such are what gives a text a
/// meaning of its own.
const PLAIN: &[char] = &[' ', '.', '_', '-', '/', ':', '@', '+', '=', '~'];

/// A file of a folder: of a template, or of what was made from one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFile<P> {
    /// Where it lies in the folder.
    pub path: P,
    /// The content.
    pub bytes: Vec<u8>,
    /// Whether git marks it as executable.
    pub executable: bool,
}

/// A folder of files with named holes.
#[derive(Clone, Debug)]
pub struct FolderTemplate {
    files: Vec<FolderFile<String>>,
    known: Vec<String>,
}

/// What goes into the holes.
pub type Values = BTreeMap<String, String>;

impl FolderTemplate {
    /// Reads a template whose holes are among `known`.
    ///
    /// In a path each `{…}` is a hole. In a text only a known name in single braces is one, for texts have braces of
    /// their own: `{{ … }}` and `${…}` stay, and so does a name that is not known. What is no UTF-8, or holds a NUL, has
    /// no text.
    ///
    /// # Errors
    /// `Invalid` for an unknown name in a path, and for a brace in one that stands alone.
    pub fn parse(files: Vec<FolderFile<String>>, known: &[&str]) -> Result<Self, Fault> {
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        for file in &files {
            for name in names_in_path(&file.path)? {
                if !known.iter().any(|known| known == name) {
                    let near = suggestion(name, known.iter().map(String::as_str));
                    return Err(Fault::invalid(format!(
                        "unknown name `{{{}}}` in the template's path `{}`",
                        shown(name),
                        shown(&file.path)
                    ))
                    .hint(near));
                }
            }
        }
        Ok(Self { files, known })
    }

    /// Returns the files with every hole filled, in their paths and in their texts.
    ///
    /// # Errors
    /// `Invalid` for a hole without a value, a value that is no plain text, and a path that is none of a repository or
    /// that two files have.
    pub fn fill(&self, in_paths: &Values, in_texts: &Values) -> Result<Vec<FolderFile<RepoPath>>, Fault> {
        let mut filled: BTreeMap<RepoPath, FolderFile<RepoPath>> = BTreeMap::new();
        for file in &self.files {
            let path = RepoPath::parse(&self.filled(&file.path, in_paths, Braces::OfPath)?)?;
            let bytes = match text_of(&file.bytes) {
                Some(text) => self
                    .filled(text, in_texts, Braces::OfText)
                    .map_err(|fault| fault.at(file.path.clone(), 0, 0))?
                    .into_bytes(),
                None => file.bytes.clone(),
            };
            let file = FolderFile {
                path: path.clone(),
                bytes,
                executable: file.executable,
            };
            if filled.insert(path.clone(), file).is_some() {
                return Err(
                    Fault::invalid(format!("two files of the template become `{path}`"))
                        .hint("a name that tells them apart is missing in their paths"),
                );
            }
        }
        Ok(filled.into_values().collect())
    }

    /// Returns the names that stand in the paths of the files, each once.
    pub fn names_in_paths(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .files
            .iter()
            .flat_map(|file| names_in_path(&file.path).unwrap_or_default())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn filled(&self, text: &str, values: &Values, braces: Braces) -> Result<String, Fault> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, from_brace) = rest.split_at(at);
            out.push_str(before);
            // The braces of `{{` belong together, so the second one opens no hole either.
            let run = from_brace.len() - from_brace.trim_start_matches('{').len();
            match self.hole(before, &from_brace[run - 1..]) {
                Some((name, after)) if run == 1 || braces == Braces::OfPath => {
                    out.push_str(&value(name, values, braces)?);
                    rest = after;
                }
                _ => {
                    out.push_str(&from_brace[..run]);
                    rest = &from_brace[run..];
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Reads a hole from text that starts with its brace; returns what follows it too.
    fn hole<'t>(&self, before: &str, from_brace: &'t str) -> Option<(&'t str, &'t str)> {
        let (name, after) = from_brace.strip_prefix('{')?.split_once('}')?;
        let is_known = self.known.iter().any(|known| known == name);
        (is_known && !before.ends_with('$')).then_some((name, after))
    }
}

/// Whose braces they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Braces {
    OfPath,
    OfText,
}

/// Returns what goes into a hole.
fn value(name: &str, values: &Values, braces: Braces) -> Result<String, Fault> {
    let value = values.get(name).ok_or_else(|| {
        Fault::invalid(format!(
            "the template needs `{{{name}}}`, which has no value here"
        ))
    })?;
    let odd = value
        .chars()
        .find(|c| !c.is_alphanumeric() && !PLAIN.contains(c))
        .map(|odd| format!("holds `{}`", odd.escape_debug()));
    let reads_as_more = value.trim() != value
        || value.contains(": ")
        || value.ends_with(':')
        || ["- ", "? ", "@"].iter().any(|start| value.starts_with(start));
    let odd = odd.or_else(|| reads_as_more.then(|| "is no plain text to YAML".to_owned()));
    let odd = odd.or_else(|| {
        let leaves = braces == Braces::OfPath && value.contains('/');
        leaves.then(|| "holds `/`, which no name of a file may".to_owned())
    });
    match odd {
        None => Ok(value.clone()),
        Some(why) => Err(Fault::invalid(format!(
            "`{}` cannot be put into `{{{name}}}`: it {why}",
            shown(value)
        ))
        .hint("take a hole whose value is plain in the template, or another value: letters, digits and ._-/:@+=~")),
    }
}

/// Returns the names in a path.
fn names_in_path(path: &str) -> Result<Vec<&str>, Fault> {
    let alone = || {
        Fault::invalid(format!(
            "a brace stands alone in the template's path `{}`",
            shown(path)
        ))
        .hint("a hole is `{name}`")
    };
    let mut names = Vec::new();
    let mut rest = path;
    while let Some(at) = rest.find(['{', '}']) {
        let (name, after) = rest[at..]
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
            .filter(|(name, _)| !name.is_empty() && !name.contains('{'))
            .ok_or_else(alone)?;
        names.push(name);
        rest = after;
    }
    Ok(names)
}

fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> FolderFile<String> {
        FolderFile {
            path: path.to_owned(),
            bytes: text.as_bytes().to_vec(),
            executable: false,
        }
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn filled(path: &str, text: &str, app: &str) -> Result<(String, String), Fault> {
        let template = FolderTemplate::parse(vec![file(path, text)], &["app", "env"])?;
        let values = values(&[("app", app), ("env", "dev")]);
        let made = template.fill(&values, &values)?.remove(0);
        Ok((made.path.to_string(), String::from_utf8(made.bytes).unwrap()))
    }

    #[test]
    fn holes_in_paths_and_text_are_filled_and_other_braces_stay() {
        for (text, due) in [
            ("name: {app}-{env}", "name: web-dev"),
            (
                "{{ .Values.app }} {{app}} {{{app}}}",
                "{{ .Values.app }} {{app}} {{{app}}}",
            ),
            ("${{ env.app }} ${app} $ {app}", "${{ env.app }} ${app} $ web"),
            ("{app: 1} {other} {", "{app: 1} {other} {"),
            ("labels: {app: {app}, env: {env}}", "labels: {app: web, env: dev}"),
            ("{app}{app}", "webweb"),
        ] {
            let (path, made) = filled("apps/{app}/{env}.yaml", text, "web").unwrap();
            assert_eq!((path.as_str(), made.as_str()), ("apps/web/dev.yaml", due));
        }
    }

    #[test]
    fn what_is_no_text_is_copied() {
        let mut picture = file("{app}.png", "");
        picture.bytes = b"\x89PNG\0{app}".to_vec();
        picture.executable = true;
        let template = FolderTemplate::parse(vec![picture], &["app"]).unwrap();
        let values = values(&[("app", "web")]);
        let made = template.fill(&values, &values).unwrap().remove(0);
        assert_eq!(made.path.as_str(), "web.png");
        assert_eq!(made.bytes, b"\x89PNG\0{app}");
        assert!(made.executable);
    }

    #[test]
    fn a_value_cannot_become_more_than_text() {
        for value in [
            "a\"b",
            "a'b",
            "a\nb",
            "a: b",
            "a:",
            "$(id)",
            "`id`",
            "a #b",
            "{env}",
            "[a]",
            "a;b",
            "a|b",
            "-\tb",
            "- b",
            "*b",
            "&b",
            "!b",
            "%b",
            " b",
            "b ",
            "@b",
            "a\u{202e}b",
            "../b",
            "a/b",
            ".git",
        ] {
            let fault = filled("{app}/x", "{app}", value).expect_err(value);
            assert!(!fault.message.contains('\n'), "{fault:?}");
        }
        // In a text a path or an address is one.
        let (_, made) = filled("x", "url: {app}", "https://a.example.com/b:1").unwrap();
        assert_eq!(made, "url: https://a.example.com/b:1");
    }

    #[test]
    fn a_misspelt_name_in_a_path_is_told_with_the_right_one() {
        let fault = filled("apps/{ap}/x", "", "web").unwrap_err();
        assert!(fault.message.contains("unknown name `{ap}`"), "{fault:?}");
        assert!(fault.hint.unwrap().contains("did you mean `app`?"));
        for path in ["{app", "app}", "{}", "{{app}}", "a}{b"] {
            assert!(filled(path, "", "web").is_err(), "{path}");
        }
    }

    #[test]
    fn two_files_that_become_one_are_refused() {
        let two = vec![file("{app}", "1"), file("{env}", "2")];
        let template = FolderTemplate::parse(two, &["app", "env"]).unwrap();
        let fault = |values: &Values| template.fill(values, values).unwrap_err();
        let both = fault(&values(&[("app", "x"), ("env", "x")]));
        assert_eq!(both.message, "two files of the template become `x`");
        assert_eq!(
            fault(&values(&[("app", "x")])).message,
            "the template needs `{env}`, which has no value here"
        );
        assert_eq!(template.names_in_paths(), ["app", "env"]);
    }
}
