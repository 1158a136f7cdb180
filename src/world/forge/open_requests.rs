//! The open change requests of a repository, on either forge.

use super::Forge;
use crate::plan::open_request::OpenRequest;
use crate::words::fault::{Fault, Kind};

/// How many change requests a page holds, and how many pages are read.
pub(super) const PAGE: usize = 100;
const PAGES: usize = 30;

impl Forge {
    /// Returns the change requests that are open, oldest first.
    ///
    /// # Errors
    /// `Denied` for a refusal, `GaveUp` for a connection that stays broken, and for more than 3,000 of them: what is
    /// not seen would be taken for closed.
    pub fn open_requests(&self) -> Result<Vec<OpenRequest>, Fault> {
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let shown = match self {
                Self::GitHub(forge) => forge.open_requests(page)?,
                Self::GitLab(forge) => forge.open_requests(page)?,
            };
            let last = shown.len() < PAGE;
            found.extend(shown);
            if last {
                // A list that grows or shrinks between two pages can show one of them twice.
                found.sort_by_key(|request: &OpenRequest| request.number);
                found.dedup_by_key(|request| request.number);
                return Ok(found);
            }
        }
        Err(Fault::new(
            Kind::GaveUp,
            format!("more than {} change requests are open", PAGE * PAGES),
        )
        .hint("close those that nobody works on"))
    }

    /// Returns the branch of a change request, open or not; `None` if there is none of that number, or it comes from
    /// another repository.
    ///
    /// # Errors
    /// As [`Forge::open_requests`].
    pub fn branch_of_request(&self, number: u64) -> Result<Option<String>, Fault> {
        let shown = match self {
            Self::GitHub(forge) => forge.numbered(number)?,
            Self::GitLab(forge) => forge.numbered(number)?,
        };
        Ok(shown
            .filter(|request| !request.fork)
            .map(|request| request.branch))
    }
}
