//! Tags, release pages, and the change requests that brought a commit.

use super::Forge;
use crate::plan::release::{
    MergedRequest, NewReleasePage, NewTag, Published, ReleasePage, ReleasePageEdit, TagOutcome,
};
use crate::words::fault::Fault;
use crate::words::token::Token;

impl Forge {
    /// Returns the address of the repository's own page.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn web_address(&self) -> Result<String, Fault> {
        match self {
            Self::GitHub(forge) => forge.web_address(),
            Self::GitLab(forge) => Ok(forge.web_address()),
        }
    }

    /// Returns the token by which git proves that it is a GitHub App; `None` for who is none.
    ///
    /// # Errors
    /// What the forge refuses: the App is not installed there, say.
    pub fn git_token(&self) -> Result<Option<Token>, Fault> {
        match self {
            Self::GitHub(forge) => forge.git_token(),
            Self::GitLab(_) => Ok(None),
        }
    }

    /// Finds the merged change requests that brought a commit.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn merged_with(&self, commit: &str) -> Result<Vec<MergedRequest>, Fault> {
        match self {
            Self::GitHub(forge) => forge.merged_with(commit),
            Self::GitLab(forge) => forge.merged_with(commit),
        }
    }

    /// Makes an annotated tag, if there is none of that name.
    ///
    /// # Errors
    /// What the forge refuses for want of a permission.
    pub fn make_tag(&self, new: &NewTag) -> Result<TagOutcome, Fault> {
        match self {
            Self::GitHub(forge) => forge.make_tag(new),
            Self::GitLab(forge) => forge.make_tag(new),
        }
    }

    /// Finds the release page of a tag; a draft too, for who may see it.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn release_page(&self, tag: &str) -> Result<Option<ReleasePage>, Fault> {
        match self {
            Self::GitHub(forge) => forge.release_page(tag),
            Self::GitLab(forge) => forge.release_page(tag),
        }
    }

    /// Makes a release page.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn publish(&self, new: &NewReleasePage) -> Result<Published, Fault> {
        match self {
            Self::GitHub(forge) => forge.publish(new),
            Self::GitLab(forge) => forge.publish(new),
        }
    }

    /// Changes a release page, and returns its address.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn edit_page(&self, tag: &str, page: &ReleasePage, edit: &ReleasePageEdit) -> Result<String, Fault> {
        match self {
            Self::GitHub(forge) => forge.edit_page(page, edit),
            Self::GitLab(forge) => forge.edit_page(tag, edit),
        }
    }

    /// Returns the tag of the release that the forge shows as the latest; `None` where it shows none.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn latest_release(&self) -> Result<Option<String>, Fault> {
        match self {
            Self::GitHub(forge) => forge.latest_release(),
            // It takes the newest by date.
            Self::GitLab(_) => Ok(None),
        }
    }
}
