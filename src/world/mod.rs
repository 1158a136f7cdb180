//! Floor 4, world: files, processes, network, clock and environment. Thin; it decides nothing.

pub mod argocd;
pub mod checkout;
pub mod child;
pub mod ci;
pub mod clock;
pub mod config_repo;
pub mod env;
pub mod files;
pub mod forge;
pub mod git;
pub mod git_config;
pub mod http;
pub mod lineage;
mod links;
pub mod origin;
pub mod process;
pub mod progress;
pub mod registry;
mod rewrite;
mod room;
mod scratch;
mod signals;
pub mod template_folder;
pub mod terminal;
#[cfg(test)]
mod testing;
pub mod unmade;
