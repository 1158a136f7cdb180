//! What a registry tells of an image.

use jiff::Timestamp;

use crate::words::image::{Digest, Tag};
use crate::words::platform::Platform;

/// By what an image is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// By a tag, which may be another image tomorrow.
    Tag(Tag),
    /// By a digest, which never is.
    Digest(Digest),
}

/// An image as a registry has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The digest of its manifest: of the index, where it is for several platforms.
    pub digest: Digest,
    /// When it was built, where it tells: of the platform that was wanted, else of the first one.
    pub built: Option<Timestamp>,
    /// What it runs on; empty where it does not tell, as for a Helm chart.
    pub platforms: Vec<Platform>,
}

impl Reference {
    /// Returns the tag or the digest as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

impl Image {
    /// Tells whether it runs on a platform.
    pub fn runs_on(&self, wanted: &Platform) -> bool {
        self.platforms.iter().any(|platform| platform.suits(wanted))
    }
}
