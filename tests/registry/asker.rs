//! Somebody who asks a registry.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gitops_steps::plan::registry::{Image, Reference};
use gitops_steps::words::fault::Fault;
use gitops_steps::words::image::ImageRef;
use gitops_steps::words::platform::Platform;
use gitops_steps::world::clock::Deadline;
use gitops_steps::world::env::Environment;
use gitops_steps::world::git_config::GitConfig;
use gitops_steps::world::http::Http;
use gitops_steps::world::progress::Progress;
use gitops_steps::world::registry::{Registry, RegistryAccess};

use crate::support::registry::FakeRegistry;
use crate::support::secret;

/// Keeps what it is told.
#[derive(Default)]
pub struct Told {
    pub notes: Mutex<Vec<String>>,
    pub secrets: Mutex<Vec<String>>,
}

impl Progress for Told {
    fn show(&self, _stage: &str, _done: usize, _total: usize) {}

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }

    fn secret(&self, text: &str) {
        self.secrets.lock().unwrap().push(text.to_owned());
    }
}

/// Somebody who asks: with an environment, and what came up meanwhile.
pub struct Asker {
    pub access: RegistryAccess,
    pub told: Arc<Told>,
}

pub fn asker_within(pairs: &[(&str, &str)], limit: Duration) -> Asker {
    let environment = Environment::from_pairs(pairs.iter().copied());
    let told = Arc::new(Told::default());
    let access = RegistryAccess {
        http: Http::new(&environment, &GitConfig::default()),
        environment,
        deadline: Deadline::after(limit),
        progress: Arc::clone(&told) as Arc<dyn Progress>,
    };
    Asker { access, told }
}

pub fn asker(pairs: &[(&str, &str)]) -> Asker {
    asker_within(pairs, Duration::from_secs(60))
}

impl Asker {
    pub fn open(&self, image: &str) -> Registry {
        let image: ImageRef = image.parse().unwrap();
        Registry::open(&image.name, self.access.clone()).unwrap()
    }

    /// All tags of the fake's image, or why not, in all words.
    pub fn tags(&self, registry: &FakeRegistry) -> Result<Vec<String>, String> {
        let tags = self.open(&registry.image()).tags();
        let notes = self.told.notes.lock().unwrap().join("\n");
        secret::is_absent(&notes);
        match tags {
            Ok(tags) => Ok(tags.iter().map(ToString::to_string).collect()),
            Err(fault) => {
                let said = said(&fault);
                secret::is_absent(&said);
                Err(said)
            }
        }
    }
}

pub fn said(fault: &Fault) -> String {
    format!(
        "{:?}: {}; {}",
        fault.kind,
        fault.message,
        fault.hint.as_deref().unwrap_or_default()
    )
}

pub fn tag(text: &str) -> Reference {
    Reference::Tag(text.parse().unwrap())
}

pub fn look(registry: &FakeRegistry, reference: &str, wanted: Option<&str>) -> Result<Option<Image>, Fault> {
    let wanted: Option<Platform> = wanted.map(|wanted| wanted.parse().unwrap());
    let reference = match reference.strip_prefix("sha256:") {
        Some(_) => Reference::Digest(reference.parse().unwrap()),
        None => tag(reference),
    };
    asker(&[])
        .open(&registry.image())
        .image(&reference, wanted.as_ref())
}

pub fn config(logins: &str) -> [(&'static str, String); 1] {
    [("DOCKER_AUTH_CONFIG", logins.to_owned())]
}

pub fn asker_with(logins: &str) -> Asker {
    let pairs = config(logins);
    asker(&[(pairs[0].0, &pairs[0].1)])
}

/// A configuration that holds one login for a registry.
pub fn login(registry: &FakeRegistry, fields: &str) -> String {
    format!(r#"{{"auths":{{"{}":{{{fields}}}}}}}"#, registry.host())
}

pub const ANA: &str = r#""username":"ana","password":"s3cret-password""#;
