//! Floor 1, words: the values that the other floors speak in. Pure; each is parsed once, at the edge.

pub mod address;
pub mod changes;
pub mod constraint;
pub mod duration;
pub mod event;
pub mod fault;
mod fields;
pub mod folder_template;
pub mod forge_repo;
pub mod image;
pub mod markdown;
pub mod moment;
pub mod name;
pub mod payload;
pub mod platform;
pub mod policy;
pub mod pull_request;
pub mod redact;
pub mod repo_path;
pub mod select;
pub mod source_commit;
pub mod status_event;
pub mod template;
pub mod token;
pub mod trailers;
pub mod version;
pub mod wording;
