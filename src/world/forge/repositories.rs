//! The repository itself: whether it is there, and making it.

use super::Forge;
use crate::plan::repository::NewRepository;
use crate::words::address::{GitUrl, Scheme};
use crate::words::fault::{Fault, Kind};

impl Forge {
    /// Returns the address at which git reaches the repository; `None` where it does not exist, or is not to be seen.
    ///
    /// # Errors
    /// What the forge refuses, and `Denied` for an address on another host.
    pub fn git_address(&self) -> Result<Option<GitUrl>, Fault> {
        let found = match self {
            Self::GitHub(forge) => forge.clone_url()?,
            Self::GitLab(forge) => forge.clone_url()?,
        };
        found.map(|text| self.own_address(&text)).transpose()
    }

    /// Makes the repository, empty, and returns the address at which git reaches it.
    ///
    /// It is looked for again where the answer was lost, so that it is not taken for a failure.
    ///
    /// # Errors
    /// What the forge refuses: no right to make one there, a name that is taken.
    pub fn create(&self, new: &NewRepository) -> Result<GitUrl, Fault> {
        let made = match self {
            Self::GitHub(forge) => forge.create(new),
            Self::GitLab(forge) => forge.create(new),
        };
        match made {
            Ok(text) => self.own_address(&text),
            // The answer may have been lost on the way back.
            Err(fault) if fault.kind == Kind::GaveUp => self.git_address()?.ok_or(fault),
            Err(fault) => Err(fault),
        }
    }

    /// Reads an address that the forge gave. The token goes there: it has to be the forge's own.
    fn own_address(&self, text: &str) -> Result<GitUrl, Fault> {
        let root = match self {
            Self::GitHub(forge) => &forge.access.root,
            Self::GitLab(forge) => &forge.access.root,
        };
        let host = root.host();
        let web = host.strip_prefix("api.").unwrap_or(host);
        let url = GitUrl::parse(text)?.filter(|url| matches!(url.scheme(), Scheme::Http | Scheme::Https));
        let is_secure = |url: &GitUrl| url.scheme() == Scheme::Https || root.rest.scheme() == "http";
        url.filter(|url| url.host().eq_ignore_ascii_case(web) && is_secure(url))
            .ok_or_else(|| {
                let why = format!(
                    "the forge at `{}` names an address elsewhere",
                    host.escape_debug()
                );
                Fault::new(Kind::Denied, why).hint("give the repository's https address instead")
            })
    }
}
