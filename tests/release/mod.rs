//! An app's next version, its tag and its release page: told by the tags that stand and the commits since.

mod app;
mod files;
mod next;
mod publish;
mod tag;
mod tag_api;
