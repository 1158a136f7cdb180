//! Floor 1, words: the values that the other floors speak in. Pure; each is parsed once, at the edge.

pub mod fault;
pub mod repo_path;
