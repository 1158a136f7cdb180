//! OCI registries: which tags an image has, which digest is behind a tag, what it runs on, when it was built; and the
//! chart versions of Helm's own repositories. All is read, nothing written.
//!
//! Sources: OCI distribution-spec 1.1; Helm's "The Chart Repository Guide".

mod challenge;
mod chart;
mod docker_config;
mod door;
mod fetch;
mod login;
mod manifest;
mod many;
mod place;
mod tags;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Method;
use sha2::{Digest as _, Sha256, Sha512};

pub use chart::chart_versions;

use crate::plan::registry::{Image, Reference};
use crate::words::fault::{Fault, Kind};
use crate::words::image::{Digest, ImageName, Tag};
use crate::words::platform::Platform;
use crate::world::clock::Deadline;
use crate::world::env::Environment;
use crate::world::http::Http;
use crate::world::progress::Progress;
use door::Door;
use fetch::{Answer, Ask};
use manifest::{ACCEPT, Configuration, Content, Entry, Manifest};
use place::{Place, host_of};

/// How long a manifest or a configuration may be; registries take no longer ones (distribution-spec, "Pushing
/// Manifests").
const MOST_READ: usize = 4 << 20;

/// Everything that asking a registry needs.
#[derive(Clone)]
pub struct RegistryAccess {
    /// The one HTTP client.
    pub http: Arc<Http>,
    /// The process environment, which says where logins are kept.
    pub environment: Environment,
    /// When to give up.
    pub deadline: Deadline,
    /// Who tells how it goes, and who learns of the secrets.
    pub progress: Arc<dyn Progress>,
}

/// One image at its registry. Several threads may ask it at once.
pub struct Registry {
    name: ImageName,
    place: Place,
    door: Door,
    access: RegistryAccess,
    /// Images that were looked at: many tags lead to one.
    seen: Mutex<HashMap<(Digest, Option<Platform>), Image>>,
}

impl Registry {
    /// Prepares to ask for an image; nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid` for a name whose registry cannot be an address.
    pub fn open(name: &ImageName, access: RegistryAccess) -> Result<Self, Fault> {
        Ok(Self {
            name: name.clone(),
            place: Place::of(name)?,
            door: Door::default(),
            access,
            seen: Mutex::default(),
        })
    }

    /// Returns the digest that is behind a tag now; `None` where the image has no such tag.
    ///
    /// # Errors
    /// As [`Registry::image`].
    pub fn digest(&self, tag: &Tag) -> Result<Option<Digest>, Fault> {
        let url = self.place.url(&format!("manifests/{tag}"));
        // It does not count against Docker Hub's limit of pulls, as reading the manifest would.
        let answer = self.ask(&Ask {
            method: Method::HEAD,
            ..Ask::get(url, ACCEPT, MOST_READ)
        })?;
        match told_digest(&answer) {
            Some(digest) if answer.status == 200 => Ok(Some(digest)),
            // Only the body of an answer tells what is wrong, and hashes to a digest that is not told.
            _ => Ok(self
                .manifest(&Reference::Tag(tag.clone()))?
                .map(|(digest, _)| digest)),
        }
    }

    /// Returns what an image is; `None` where the registry has the image, but not this tag or digest.
    ///
    /// When it was built is taken from the annotation `org.opencontainers.image.created`, else from the configuration:
    /// of the platform that is `wanted`, else of the first.
    ///
    /// # Errors
    /// `NotFound` where there is no such image, `Denied` for a refusal, for content that is not what its digest says or
    /// that is no image's, `GaveUp` for a rate limit or a connection that stays broken.
    pub fn image(&self, reference: &Reference, wanted: Option<&Platform>) -> Result<Option<Image>, Fault> {
        let Some((digest, manifest)) = self.manifest(reference)? else {
            return Ok(None);
        };
        let key = (digest, wanted.cloned());
        let seen = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(image) = seen().get(&key) {
            return Ok(Some(image.clone()));
        }
        let (built, platforms) = match &manifest.content {
            Content::Index(entries) => {
                let mut platforms: Vec<Platform> = Vec::new();
                for platform in entries.iter().filter_map(|entry| entry.platform.as_ref()) {
                    if !platforms.contains(platform) {
                        platforms.push(platform.clone());
                    }
                }
                (self.built(&manifest, entries, wanted)?, platforms)
            }
            Content::Image(None) => (manifest.built, Vec::new()),
            Content::Image(Some(config)) => {
                let configuration = self.configuration(config)?;
                (
                    manifest.built.or(configuration.built),
                    configuration.platform.into_iter().collect(),
                )
            }
        };
        let image = Image {
            digest: key.0.clone(),
            built,
            platforms,
        };
        seen().insert(key, image.clone());
        Ok(Some(image))
    }

    /// When the image of an index was built, from as little as tells it.
    fn built(
        &self,
        index: &Manifest,
        entries: &[Entry],
        wanted: Option<&Platform>,
    ) -> Result<Option<jiff::Timestamp>, Fault> {
        let suits = |entry: &&Entry| match (&entry.platform, wanted) {
            (Some(platform), Some(wanted)) => platform.suits(wanted),
            _ => false,
        };
        let Some(entry) = entries.iter().find(suits).or_else(|| entries.first()) else {
            return Ok(index.built);
        };
        if let Some(built) = entry.built.or(index.built) {
            return Ok(Some(built));
        }
        let child = self.manifest(&Reference::Digest(entry.digest.clone()))?;
        match child {
            Some((_, manifest)) if manifest.built.is_some() => Ok(manifest.built),
            Some((_, manifest)) => match manifest.content {
                Content::Image(Some(config)) => Ok(self.configuration(&config)?.built),
                // An index in an index is nobody's image.
                Content::Image(None) | Content::Index(_) => Ok(None),
            },
            None => Err(self.broken("the manifest of a platform is missing")),
        }
    }

    /// Reads a manifest, whose digest is that of its bytes.
    fn manifest(&self, reference: &Reference) -> Result<Option<(Digest, Manifest)>, Fault> {
        let url = self.place.url(&format!("manifests/{}", reference.as_str()));
        let answer = self.ask(&Ask::get(url, ACCEPT, MOST_READ))?;
        match answer.status {
            200 => {}
            404 if answer.names("NAME_UNKNOWN") => return Err(self.no_image()),
            404 if answer.is_from_a_registry() => return Ok(None),
            _ => {
                let what = format!("`{}`", reference.as_str());
                return Err(self.refusal(&answer, &what));
            }
        }
        let asked = match reference {
            Reference::Digest(digest) => Some(digest.clone()),
            Reference::Tag(_) => None,
        };
        let told = told_digest(&answer);
        for digest in [&asked, &told].into_iter().flatten() {
            self.check(&answer.body, digest)?;
        }
        let manifest = Manifest::parse(&answer.body).map_err(|why| self.broken(&why))?;
        let digest = asked.or(told).unwrap_or_else(|| sha256(&answer.body));
        Ok(Some((digest, manifest)))
    }

    fn configuration(&self, digest: &Digest) -> Result<Configuration, Fault> {
        let url = self.place.url(&format!("blobs/{digest}"));
        let answer = self.ask(&Ask::get(url, "*/*", MOST_READ))?;
        match answer.status {
            200 => {
                self.check(&answer.body, digest)?;
                Configuration::parse(&answer.body).map_err(|why| self.broken(&why))
            }
            404 => Err(self.broken("its configuration is missing")),
            _ => Err(self.refusal(&answer, "the configuration")),
        }
    }

    fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Fault> {
        self.door.send(&self.place, &self.access, ask)
    }

    /// Holds what was sent against its digest.
    fn check(&self, body: &[u8], digest: &Digest) -> Result<(), Fault> {
        let right = match digest.as_str().split_once(':') {
            Some(("sha512", sum)) => hex(&Sha512::digest(body)) == sum,
            _ => sha256(body) == *digest,
        };
        if right {
            return Ok(());
        }
        Err(self.broken("what was sent is not what its digest says"))
    }

    fn broken(&self, why: &str) -> Fault {
        Fault::new(Kind::Denied, format!("`{}` cannot be read: {why}", self.name))
            .hint("pull it with `docker pull` to see whether the registry or a proxy before it is at fault")
    }

    fn no_image(&self) -> Fault {
        Fault::not_found(format!(
            "`{}` has no image `{}`",
            self.place.host, self.place.path
        ))
        .hint("check the name; a private image looks like none to who may not read it: try `docker login`")
    }

    /// Says why the registry does not let us read something of the image.
    fn refusal(&self, answer: &Answer, what: &str) -> Fault {
        let (name, said) = (&self.name, answer.complaint());
        let host = &self.place.host;
        let mut hint = match answer.status {
            401 | 403 => format!("log in with `docker login {host}` as somebody who may read it"),
            404 => return no_registry(answer),
            _ => "check the host that the image's name begins with".to_owned(),
        };
        for trouble in self.door.troubles() {
            let _ = write!(hint, "; {}", trouble.escape_debug());
        }
        let message = format!("the registry does not let us read {what} of `{name}`: {said}");
        Fault::new(Kind::Denied, message).hint(hint)
    }
}

/// Says that who answered is no registry.
fn no_registry(answer: &Answer) -> Fault {
    let host = host_of(&answer.url);
    Fault::new(
        Kind::Denied,
        format!("`{host}` answered with something that is no registry's (status {})", answer.status),
    )
    .hint("check the host that the image's name begins with; behind a proxy, check that it lets the registry through")
}

/// Returns the digest that the registry tells with an answer.
fn told_digest(answer: &Answer) -> Option<Digest> {
    answer.header("docker-content-digest")?.parse().ok()
}

fn sha256(body: &[u8]) -> Digest {
    let text = format!("sha256:{}", hex(&Sha256::digest(body)));
    text.parse().expect("a hash in lower-case hex is a digest")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
