//! `preview`: what lives as long as a pull request does, under the slug of its branch.

mod args;
mod down;
mod naming;
mod pattern;
mod up;
mod watch;

pub use args::{
    DownArgs, EnvironmentArgs, FolderArgs, GcArgs, NamingArgs, PlaceArgs, RequestsArgs, SlugArgs, SlugsArgs,
    SubjectArgs, UpArgs,
};
pub use down::{DownFolder, GcFolder, Going, LeftOver, Teardown};
pub use naming::{Named, Naming, labelled};
pub use pattern::Pattern;
pub use up::UpFolder;
pub use watch::{Nothing, Preview, Subject, Watch};
