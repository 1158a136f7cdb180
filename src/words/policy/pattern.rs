//! Text in the policy in which `{app}` and `{env}` may stand.

use std::collections::BTreeSet;

use crate::words::fault::Fault;
use crate::words::name::{LABEL_MAX, is_label_byte};
use crate::words::template::{Part, Template};

const APP: &str = "app";
const ENV: &str = "env";

/// Text with the holes `{app}` and `{env}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Template);

/// The values of the holes, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bound {
    pub(super) app: Option<String>,
    pub(super) env: Option<String>,
}

impl Bound {
    fn get(&self, hole: &str) -> Option<&str> {
        if hole == APP {
            self.app.as_deref()
        } else {
            self.env.as_deref()
        }
    }

    fn with(&self, hole: &str, value: &str) -> Self {
        let mut bound = self.clone();
        if hole == APP {
            bound.app = Some(value.to_owned());
        } else {
            bound.env = Some(value.to_owned());
        }
        bound
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A fault of kind `Invalid` for another hole or a brace that stands alone.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        Template::parse(text, &[APP, ENV]).map(Self)
    }

    /// Returns the text for an app and an environment.
    pub(super) fn fill(&self, app: &str, env: &str) -> String {
        self.0.render(|hole| Some(if hole == APP { app } else { env }))
    }

    /// Returns the text if every hole of it is known.
    pub(super) fn fill_known(&self, bound: &Bound) -> Option<String> {
        let known = |part: &Part| match part {
            Part::Text(_) => true,
            Part::Hole(hole) => bound.get(hole).is_some(),
        };
        self.0
            .parts()
            .iter()
            .all(known)
            .then(|| self.0.render(|hole| bound.get(hole)))
    }

    /// Returns the text before the first hole that is not known.
    pub(super) fn begin(&self, bound: &Bound) -> String {
        let known = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::Hole(hole) => bound.get(hole).map(str::to_owned),
        };
        self.0.parts().iter().map_while(known).collect()
    }

    /// Returns every way to fill the holes so that the pattern gives `text`. At most two holes are
    /// open, so this ends after 63 × 63 tries.
    pub(super) fn matches(&self, text: &str, bound: &Bound) -> BTreeSet<Bound> {
        let mut found = BTreeSet::new();
        self.search(text, bound, &mut found);
        found
    }

    fn search(&self, text: &str, bound: &Bound, found: &mut BTreeSet<Bound>) {
        let mut rest = text;
        for part in self.0.parts() {
            let piece = match part {
                Part::Text(literal) => literal.as_str(),
                Part::Hole(hole) => {
                    if let Some(value) = bound.get(hole) {
                        value
                    } else {
                        let label = rest
                            .bytes()
                            .take(LABEL_MAX)
                            .take_while(|b| is_label_byte(*b))
                            .count();
                        let names = (1..=label).map(|end| &rest[..end]);
                        for name in names.filter(|name| !name.starts_with('-') && !name.ends_with('-')) {
                            // Each call knows one hole more, and there are two.
                            self.search(text, &bound.with(hole, name), found);
                        }
                        return;
                    }
                }
            };
            match rest.strip_prefix(piece) {
                Some(after) => rest = after,
                None => return,
            }
        }
        if rest.is_empty() {
            found.insert(bound.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_leads_back_to_its_app_and_environment() {
        for (pattern, file, due) in [
            ("apps/{app}/{env}.yaml", "apps/web/dev.yaml", vec![("web", "dev")]),
            ("{app}/{app}-{env}.yaml", "web/web-dev.yaml", vec![("web", "dev")]),
            ("{app}/{app}.yaml", "web/job.yaml", vec![]),
            ("{app}-{env}.yaml", "a-b-c.yaml", vec![("a", "b-c"), ("a-b", "c")]),
            ("{app}/x", "a/b/x", vec![]),
            ("x", "x", vec![("", "")]),
        ] {
            let found = Pattern::parse(pattern).unwrap().matches(file, &Bound::default());
            let found: Vec<_> = found
                .iter()
                .map(|bound| {
                    (
                        bound.app.as_deref().unwrap_or(""),
                        bound.env.as_deref().unwrap_or(""),
                    )
                })
                .collect();
            assert_eq!(found, due, "{pattern}");
        }
    }
}
