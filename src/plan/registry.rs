//! What a registry tells of an image, and the seam to who asks it.

use jiff::Timestamp;

use crate::words::fault::Fault;
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

/// One image at its registry: its tags, and what is behind them.
pub trait Shelf {
    /// Returns the image's tags, each once.
    ///
    /// # Errors
    /// `NotFound` where there is no such image, `Denied` for a refusal, `GaveUp` for a limit or a broken connection.
    fn tags(&self) -> Result<Vec<Tag>, Fault>;

    /// Returns what an image is; `None` where there is no such tag or digest. When it was built is that of the platform
    /// that is wanted.
    ///
    /// # Errors
    /// As [`Shelf::tags`], and `Denied` for what cannot be read.
    fn image(&self, reference: &Reference, wanted: Option<&Platform>) -> Result<Option<Image>, Fault>;

    /// Returns the digest that is behind a tag now; `None` where there is no such tag.
    ///
    /// # Errors
    /// As [`Shelf::image`].
    fn digest(&self, tag: &Tag) -> Result<Option<Digest>, Fault>;

    /// Returns [`Shelf::image`] of each tag, in the order of the tags.
    ///
    /// # Errors
    /// What keeps all from being read; what keeps one from it stands in its place.
    fn images(&self, tags: &[Tag], wanted: Option<&Platform>) -> Result<Vec<Asked<Image>>, Fault>;

    /// Returns [`Shelf::digest`] of each tag, in the order of the tags.
    ///
    /// # Errors
    /// As [`Shelf::images`].
    fn digests(&self, tags: &[Tag]) -> Result<Vec<Asked<Digest>>, Fault>;
}

/// What came of asking for one of many.
pub type Asked<T> = Result<Option<T>, Fault>;

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
