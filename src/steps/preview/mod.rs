//! `preview`: what lives as long as a pull request does, under the slug of its branch.

mod args;
mod naming;
mod pattern;

pub use args::{NamingArgs, RequestsArgs, SlugArgs};
pub use naming::{Named, Naming, labelled};
pub use pattern::Pattern;
