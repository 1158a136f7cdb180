//! Opens an image's registry.

use std::sync::Arc;

use super::console::Console;
use super::opening::Opening;
use crate::words::image::ImageName;
use crate::world::git_config::GitConfig;
use crate::world::http::Http;
use crate::world::registry::{Registry, RegistryAccess};

/// Opens the registry of an image; nothing is sent yet.
///
/// # Errors
/// `Invalid` for a name whose registry cannot be an address, and for a git configuration that cannot be read: it may name a
/// proxy.
pub(super) fn open(name: &ImageName, opening: &Opening<'_>) -> anyhow::Result<Registry> {
    Ok(Registry::open(name, access(opening)?)?)
}

/// Gathers what asking a registry needs.
///
/// # Errors
/// As [`open`].
pub(super) fn access(opening: &Opening<'_>) -> anyhow::Result<RegistryAccess> {
    let Opening {
        environment,
        deadline,
        console,
        ..
    } = *opening;
    let config = GitConfig::of_user()?.with(environment);
    Ok(RegistryAccess {
        http: Http::new(environment, &config),
        environment: environment.clone(),
        deadline,
        progress: Arc::<Console>::clone(console),
    })
}
