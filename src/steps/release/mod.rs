//! `release next`, `release tag` and `release publish`: the next version of an app, its tag, and its page.
//!
//! All of it is told by the app's own repository: the tags that stand, and the commits since.

mod args;
mod notes;
mod page;
mod past;
mod reckon;
mod request;
mod version_file;

pub use args::{From, Latest, NextArgs, PublishArgs, PublishTag, SourceArgs, TagArgs};
pub use notes::{Links, Notes};
pub use page::{Page, edit};
pub use past::{Past, Release};
pub use reckon::{Asked, Labels, Verdict, named, next};
pub use request::{Rules, Series, paths_in};
pub use version_file::write;
