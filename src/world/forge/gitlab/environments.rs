//! Environments of GitLab that are not stopped.
//!
//! Source: GitLab's "Environments API". A job token may use it.

use reqwest::Method;
use serde::Deserialize;

use super::GitLab;
use super::deployments::{READ, WRITE};
use crate::words::fault::{Fault, Kind};
use crate::world::forge::call::Called;

/// How many environments a page holds, and how many pages are read.
const PAGE: usize = 100;
const PAGES: usize = 30;
/// The fewest characters that GitLab searches for.
const SEARCHED: usize = 3;

/// An environment that is not stopped.
#[derive(Clone, Debug, Deserialize)]
pub struct Standing {
    id: u64,
    name: String,
}

impl GitLab {
    pub(in crate::world::forge) fn environments(&self, beginning: &str) -> Result<Vec<String>, Fault> {
        let search = (beginning.chars().count() >= SEARCHED).then_some(("search", beginning));
        let all = self.listed(search)?;
        Ok(all.into_iter().map(|one| one.name).collect())
    }

    pub(in crate::world::forge) fn standing(&self, environment: &str) -> Result<Vec<Standing>, Fault> {
        let mut all = self.listed(Some(("name", environment)))?;
        all.retain(|one| one.name == environment);
        Ok(all)
    }

    fn listed(&self, filter: Option<(&'static str, &str)>) -> Result<Vec<Standing>, Fault> {
        let mut found: Vec<Standing> = Vec::new();
        for page in 1..=PAGES {
            let mut asked = self
                .own(Method::GET, "environments")
                .query("states", "available")
                .query("per_page", &PAGE.to_string())
                .query("page", &page.to_string());
            if let Some((name, value)) = filter {
                asked = asked.query(name, value);
            }
            let answer = self.read(&asked)?;
            if !answer.is_ok() {
                return Err(self.refusal(&answer, "list the environments", READ));
            }
            let shown: Vec<Standing> = answer.read("the environments")?;
            let last = shown.len() < PAGE;
            found.extend(shown);
            if last {
                return Ok(found);
            }
        }
        let why = format!("more than {} environments are not stopped", PAGE * PAGES);
        Err(Fault::new(Kind::GaveUp, why).hint("stop those that nobody needs, under Operate > Environments"))
    }

    pub(in crate::world::forge) fn end(&self, standing: &Standing) -> Result<(), Fault> {
        let stop = || self.write(&self.own(Method::POST, &format!("environments/{}/stop", standing.id)));
        let called = match stop()? {
            // To stop it once more does no harm.
            Called::Unclear(_) => stop()?,
            answered @ Called::Answered(_) => answered,
        };
        match called {
            Called::Answered(answer) if answer.is_ok() => Ok(()),
            Called::Answered(answer) => Err(self.refusal(&answer, "stop an environment", WRITE)),
            Called::Unclear(fault) => Err(fault),
        }
    }
}
