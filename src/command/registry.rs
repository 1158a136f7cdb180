//! Opens an image's registry, and asks it no more than once in a run.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use anyhow::Context as _;

use super::console::Console;
use super::opening::Opening;
use crate::plan::snapshot::Snapshot;
use crate::steps::bump_values::Request;
use crate::steps::resolve_image::{Choice, Resolution, Sought, choose, require};
use crate::words::image::{ImageName, ImageRef};
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

/// Asks the registry of an image for what is chosen.
///
/// # Errors
/// What the registry says.
pub(super) fn ask(sought: &Sought, opening: &Opening<'_>) -> anyhow::Result<Choice> {
    let registry = open(&sought.name, opening)?;
    choose(&sought.select, &sought.name, &registry)
        .with_context(|| format!("cannot choose a tag of `{}`", sought.name))
}

/// Asks the registries of a run's images, each thing once: the plan may be made again on a branch that moved.
pub(super) struct Registries<'a> {
    opening: &'a Opening<'a>,
    chosen: OnceCell<Chosen>,
    /// What the registries have, as was seen in this run, with what there is to say about it.
    there: RefCell<Vec<(ImageRef, Option<String>)>>,
}

#[derive(Default)]
struct Chosen {
    of: Vec<(Sought, Resolution)>,
    told: Vec<String>,
}

impl<'a> Registries<'a> {
    /// Makes it; nothing is asked yet.
    pub(super) fn new(opening: &'a Opening<'a>) -> Self {
        Self {
            opening,
            chosen: OnceCell::new(),
            there: RefCell::default(),
        }
    }

    /// Returns the request with the versions that the policy's choice gives, where it asks for them.
    ///
    /// # Errors
    /// What the policy does not know, and what a registry says; `NotFound` where no tag counts.
    pub(super) fn chosen(&self, request: &Request, snapshot: &dyn Snapshot) -> anyhow::Result<Request> {
        let chosen = if let Some(chosen) = self.chosen.get() {
            chosen
        } else {
            let chosen = self.choose(&request.sought(snapshot)?)?;
            self.chosen.get_or_init(|| chosen)
        };
        Ok(request.chosen(&chosen.of, &chosen.told))
    }

    /// Returns what was chosen so far.
    pub(super) fn resolved(&self) -> Vec<Resolution> {
        let chosen = self.chosen.get().into_iter();
        chosen
            .flat_map(|chosen| chosen.of.iter().map(|(_, resolution)| resolution.clone()))
            .collect()
    }

    /// Checks that the registries have what is to be written, and returns what the user should know all the same.
    ///
    /// # Errors
    /// `NotFound` for what one does not have, or not for each platform, and what a registry says.
    pub(super) fn require(&self, images: &[ImageRef], request: &Request) -> anyhow::Result<Vec<String>> {
        let platforms = request.require_image.as_deref().unwrap_or_default();
        for image in images {
            if self.there.borrow().iter().any(|(known, _)| known == image) {
                continue;
            }
            let registry = open(&image.name, self.opening)?;
            let doubt =
                require(image, platforms, &registry).with_context(|| format!("cannot deploy `{image}`"))?;
            self.there.borrow_mut().push((image.clone(), doubt));
        }
        let there = self.there.borrow();
        let asked = there.iter().filter(|(known, _)| images.contains(known));
        Ok(asked.filter_map(|(_, doubt)| doubt.clone()).collect())
    }

    fn choose(&self, sought: &[Sought]) -> anyhow::Result<Chosen> {
        let mut chosen = Chosen::default();
        for sought in sought {
            let choice = ask(sought, self.opening)?;
            let resolution = choice.resolution()?;
            self.opening.console.say(&resolution.story());
            chosen.told.extend(choice.warnings);
            chosen.of.push((sought.clone(), resolution));
        }
        Ok(chosen)
    }
}
