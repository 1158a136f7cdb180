//! Floor 4, world: files, processes, network, clock and environment. Thin; it decides nothing.

pub mod config_repo;
