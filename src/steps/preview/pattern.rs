//! Names that hold a preview's slug: of environments, and of folders of the config repo. They are read both ways.

use crate::words::fault::Fault;
use crate::words::name::AppName;
use crate::words::repo_path::RepoPath;
use crate::words::slug::Slug;
use crate::words::status_event::read_environment;
use crate::words::template::{Part, Template};
use crate::words::wording::shown;

/// A name with the slug in it once, and the app's name wherever it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    after: String,
}

impl Pattern {
    /// Reads the name of a preview's environment, such as `preview/{slug}`.
    ///
    /// # Errors
    /// `Invalid` for one without the slug, for an unknown hole, and for what no forge takes.
    pub fn of_environment(text: &str, app: Option<&AppName>) -> Result<Self, Fault> {
        let pattern = Self::read("--env", text, app)?;
        if pattern.before.is_empty() && pattern.after.is_empty() {
            return Err(Fault::invalid(format!(
                "`--env {}` takes every environment for a preview's",
                shown(text)
            ))
            .hint("put something before the slug, as in preview/{slug}"));
        }
        read_environment(&pattern.with("a"))?;
        Ok(pattern)
    }

    /// Reads the folder of a preview, such as `previews/{slug}`.
    ///
    /// # Errors
    /// `Invalid` for one without the slug, for an unknown hole, for what is no path, and for a folder beside everything
    /// else: what is not a preview's would be taken for one.
    pub fn of_folder(text: &str, app: Option<&AppName>) -> Result<Self, Fault> {
        let pattern = Self::read("--folder", text.trim_end_matches('/'), app)?;
        let path = RepoPath::parse(&pattern.with("a"))?;
        if path.as_str() != pattern.with("a") {
            return Err(
                Fault::invalid(format!("`--folder {}` is no plain path", shown(text)))
                    .hint("write it without `./` and `//`"),
            );
        }
        if pattern.before.is_empty() {
            return Err(Fault::invalid(format!(
                "`--folder {}` takes every folder of the config repo for a preview",
                shown(text)
            ))
            .hint("give previews a folder of their own, as in previews/{slug}"));
        }
        Ok(pattern)
    }

    fn read(flag: &str, text: &str, app: Option<&AppName>) -> Result<Self, Fault> {
        let template = Template::parse(text, &["app", "slug"]).map_err(|mut fault| {
            fault.message = format!("{flag}: {}", fault.message);
            fault
        })?;
        let mut sides = vec![String::new()];
        for part in template.parts() {
            match part {
                Part::Hole("slug") => sides.push(String::new()),
                Part::Hole(_) => {
                    let app = app.ok_or_else(|| {
                        Fault::invalid(format!("{flag} asks for the app, and none is named"))
                            .hint("give --app")
                    })?;
                    sides
                        .last_mut()
                        .expect("there is a first side")
                        .push_str(app.as_str());
                }
                Part::Text(text) => sides.last_mut().expect("there is a first side").push_str(text),
            }
        }
        match <[String; 2]>::try_from(sides) {
            Ok([before, after]) => Ok(Self { before, after }),
            Err(_) => Err(
                Fault::invalid(format!("`{flag} {}` needs {{slug}} once", shown(text)))
                    .hint("the slug tells one preview from another: preview/{slug}, previews/{slug}"),
            ),
        }
    }

    /// Returns the name for a slug.
    pub fn of(&self, slug: &Slug) -> String {
        self.with(slug.as_str())
    }

    fn with(&self, slug: &str) -> String {
        format!("{}{slug}{}", self.before, self.after)
    }

    /// Returns what stands before the slug.
    pub fn beginning(&self) -> &str {
        &self.before
    }

    /// Returns whether previews lie in a folder, or are one with it.
    pub fn is_below(&self, folder: &RepoPath) -> bool {
        let parents = self.before.rsplit_once('/').map_or("", |(parents, _)| parents);
        format!("{parents}/").starts_with(&format!("{folder}/"))
    }

    /// Returns the slug in a whole name; `None` for a name of another kind.
    pub fn slug_in(&self, name: &str) -> Option<Slug> {
        let slug = name.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        Slug::parse(slug)
    }

    /// Returns the slug of the preview in whose folder a file lies; `None` for a file elsewhere.
    pub fn slug_above(&self, path: &RepoPath) -> Option<Slug> {
        let (here, below) = self.after.split_once('/').unwrap_or((&self.after, ""));
        let (part, rest) = path.as_str().strip_prefix(&self.before)?.split_once('/')?;
        let rest = rest.strip_prefix(below)?;
        if !below.is_empty() && !rest.starts_with('/') {
            return None;
        }
        Slug::parse(part.strip_suffix(here)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(text: &str) -> Result<Pattern, Fault> {
        Pattern::of_folder(text, Some(&"web".parse().unwrap()))
    }

    #[test]
    fn a_folder_is_made_of_a_slug_and_read_back() {
        let slug = Slug::parse("feature-a").unwrap();
        for (pattern, name) in [
            ("previews/{slug}", "previews/feature-a"),
            ("previews/{slug}/", "previews/feature-a"),
            ("previews/{slug}/{app}", "previews/feature-a/web"),
            (
                "{app}/previews/pr-{slug}-x/y/z",
                "web/previews/pr-feature-a-x/y/z",
            ),
            ("preview-{slug}", "preview-feature-a"),
        ] {
            let pattern = folder(pattern).unwrap();
            assert_eq!(pattern.of(&slug), name);
            let file = RepoPath::parse(&format!("{name}/deep/a.yaml")).unwrap();
            assert_eq!(pattern.slug_above(&file), Some(slug.clone()), "{name}");
            assert_eq!(pattern.slug_in(name), Some(slug.clone()), "{name}");
        }
    }

    #[test]
    fn what_is_no_preview_is_not_taken_for_one() {
        let pattern = folder("previews/{slug}/web").unwrap();
        for path in [
            "previews/README.md",
            "previews/a/README.md",
            "previews/a/website/x.yaml",
            "previews/_template/web/x.yaml",
            "previews/A/web/x.yaml",
            "other/a/web/x.yaml",
            "x/previews/a/web/x.yaml",
        ] {
            assert_eq!(
                pattern.slug_above(&RepoPath::parse(path).unwrap()),
                None,
                "{path}"
            );
        }
        let environment = Pattern::of_environment("preview/{slug}", None).unwrap();
        for name in [
            "production",
            "preview/",
            "preview/a/b",
            "preview",
            "Preview/a",
            "xpreview/a",
        ] {
            assert_eq!(environment.slug_in(name), None, "{name}");
        }
    }

    #[test]
    fn a_pattern_that_would_reach_too_far_is_refused() {
        for bad in [
            "{slug}",
            "{slug}/web",
            "previews",
            "previews/{slug}/{slug}",
            "previews/{branch}",
            "/previews/{slug}",
            "../{slug}",
            "./previews/{slug}",
            "previews//{slug}",
            ".git/{slug}",
            "previews/{slug",
            "",
        ] {
            assert!(folder(bad).is_err(), "{bad}");
        }
        for bad in ["{slug}", "preview", "preview/{app}/{slug}", "preview/\n{slug}"] {
            assert!(Pattern::of_environment(bad, None).is_err(), "{bad}");
        }
    }
}
