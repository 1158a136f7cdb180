//! What a registry has for an app in an environment, as the policy's `select` chooses it.

use super::read_policy;
use super::request::Request;
use super::way::{WantedImage, Way};
use crate::plan::snapshot::Snapshot;
use crate::steps::resolve_image::{Resolution, Sought, sought};

impl Request {
    /// Returns the images of which a registry is to be asked, as the policy of the snapshot says; none where a version was
    /// named otherwise.
    ///
    /// # Errors
    /// `NotFound` for an app, an environment, an image or a choice that the policy does not know.
    pub fn sought(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Vec<Sought>> {
        let Way::Choose(choosing) = &self.way else {
            return Ok(Vec::new());
        };
        let resolved = read_policy(snapshot)?.resolve(&choosing.app, &choosing.env)?;
        Ok(sought(&resolved, choosing.image.as_ref())?)
    }

    /// Returns the request with what was chosen in place of the choice, and with what there is to say about it; a request of
    /// another kind as it is.
    #[must_use]
    pub fn chosen(&self, chosen: &[(Sought, Resolution)], told: &[String]) -> Self {
        let Way::Choose(choosing) = &self.way else {
            return self.clone();
        };
        let image = |(sought, resolution): &(Sought, Resolution)| WantedImage {
            name: Some(sought.name.clone()),
            tag: resolution.written_tag.clone(),
            digest: resolution.written_digest.clone(),
        };
        // Where it was said what is written, nothing else shall stand beside it.
        let whole = chosen.iter().any(|(sought, _)| sought.select.writes_whole());
        Self {
            way: Way::Policy {
                env: choosing.env.clone(),
                apps: vec![(choosing.app.clone(), chosen.iter().map(image).collect())],
            },
            drop_digest: self.drop_digest || whole,
            drop_tag: self.drop_tag || whole,
            chosen: Some(told.to_vec()),
            ..self.clone()
        }
    }
}
