//! What manifests and image configurations say, in all forms that registries hold.
//!
//! Sources: OCI image-spec, "Image Index", "Image Manifest", "Image Configuration", "Annotations"; Docker's "Image
//! Manifest Version 2, Schema 2".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use crate::words::image::Digest;
use crate::words::platform::Platform;
use crate::words::wording::shown;

/// The forms that are understood.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// Configurations that tell when an image was built, and for what; a Helm chart's does not.
const IMAGE_CONFIGS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

const CREATED: &str = "org.opencontainers.image.created";

/// A manifest.
#[derive(Debug)]
pub(super) struct Manifest {
    /// When it was built, by its annotation.
    pub built: Option<Timestamp>,
    /// What it leads to.
    pub content: Content,
}

/// What a manifest leads to.
#[derive(Debug)]
pub(super) enum Content {
    /// Other manifests, each for a platform.
    Index(Vec<Entry>),
    /// One image, by its configuration; `None` where that is not an image's.
    Image(Option<Digest>),
}

/// One manifest of an index.
#[derive(Debug)]
pub(super) struct Entry {
    pub digest: Digest,
    pub platform: Option<Platform>,
    pub built: Option<Timestamp>,
}

/// An image's configuration, as far as we ask.
#[derive(Debug)]
pub(super) struct Configuration {
    pub built: Option<Timestamp>,
    pub platform: Option<Platform>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    schema_version: Option<u64>,
    manifests: Option<Vec<WrittenEntry>>,
    config: Option<WrittenEntry>,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenEntry {
    media_type: Option<String>,
    digest: String,
    platform: Option<WrittenPlatform>,
    annotations: Option<Annotations>,
}

/// Of an index's entry; a configuration has the same three beside its own.
#[derive(Deserialize)]
struct WrittenPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
}

#[derive(Deserialize)]
struct WrittenConfiguration {
    created: Option<String>,
    #[serde(flatten)]
    platform: WrittenPlatform,
}

type Annotations = BTreeMap<String, Option<String>>;

impl Manifest {
    /// Reads one; `Err` is why it cannot be read.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let written: Written = serde_json::from_slice(bytes)
            .map_err(|error| format!("its manifest is unreadable: {}", shown(&error.to_string())))?;
        let content = match (written.manifests, written.config) {
            (Some(_), Some(_)) => return Err("its manifest claims to be of two kinds".to_owned()),
            (Some(entries), None) => Content::Index(entries.iter().filter_map(entry).collect()),
            (None, Some(config)) => {
                let media_type = config.media_type.as_deref().unwrap_or_default();
                let is_image = IMAGE_CONFIGS.contains(&media_type);
                let digest = config.digest.parse().ok();
                Content::Image(digest.filter(|_| is_image))
            }
            (None, None) if written.schema_version == Some(1) => {
                return Err("its manifest is of Docker's schema 1, which is given up".to_owned());
            }
            (None, None) => return Err("its manifest is of a kind that is not known here".to_owned()),
        };
        Ok(Self {
            built: created(written.annotations.as_ref()),
            content,
        })
    }
}

impl Configuration {
    /// Reads one; nothing that it lacks is missed.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let written: WrittenConfiguration = serde_json::from_slice(bytes)
            .map_err(|error| format!("its configuration is unreadable: {}", shown(&error.to_string())))?;
        Ok(Self {
            built: written.created.and_then(|created| created.parse().ok()),
            platform: platform(&written.platform),
        })
    }
}

/// A digest of a kind that is not known leads nowhere. What is no image has the platform "unknown": `BuildKit` puts
/// attestations there.
fn entry(written: &WrittenEntry) -> Option<Entry> {
    let unknown = |platform: &WrittenPlatform| platform.os == "unknown" || platform.architecture == "unknown";
    if written.platform.as_ref().is_some_and(unknown) {
        return None;
    }
    Some(Entry {
        digest: written.digest.parse().ok()?,
        platform: written.platform.as_ref().and_then(platform),
        built: created(written.annotations.as_ref()),
    })
}

fn platform(written: &WrittenPlatform) -> Option<Platform> {
    Platform::new(&written.os, &written.architecture, written.variant.as_deref()).ok()
}

fn created(annotations: Option<&Annotations>) -> Option<Timestamp> {
    annotations?.get(CREATED)?.as_ref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_named() {
        for (json, says) in [
            ("<html>", "unreadable"),
            (r#"{"schemaVersion":1,"fsLayers":[]}"#, "schema 1"),
            (r#"{"schemaVersion":2}"#, "not known"),
            (r#"{"manifests":[],"config":{"digest":"x"}}"#, "two kinds"),
        ] {
            let why = Manifest::parse(json.as_bytes()).unwrap_err();
            assert!(why.contains(says), "{json}: {why}");
        }
    }

    #[test]
    fn an_attestation_is_no_platform() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let json = format!(
            r#"{{"manifests":[
                {{"digest":"{digest}","platform":{{"os":"linux","architecture":"arm64","variant":"v8"}}}},
                {{"digest":"{digest}","platform":{{"os":"unknown","architecture":"unknown"}}}},
                {{"digest":"sha999:a","platform":{{"os":"linux","architecture":"amd64"}}}}
            ]}}"#
        );
        let Content::Index(entries) = Manifest::parse(json.as_bytes()).unwrap().content else {
            panic!("it is an index");
        };
        let found: Vec<String> = entries
            .iter()
            .map(|entry| entry.platform.as_ref().unwrap().to_string())
            .collect();
        assert_eq!(found, ["linux/arm64"]);
    }

    #[test]
    fn an_odd_time_is_no_time() {
        for (created, built) in [
            ("2026-11-20T10:00:00.123456789Z", true),
            ("2026-11-20T10:00:00+02:00", true),
            ("yesterday", false),
            ("", false),
        ] {
            let json = format!(r#"{{"created":"{created}","os":"linux","architecture":"amd64"}}"#);
            let configuration = Configuration::parse(json.as_bytes()).unwrap();
            assert_eq!(configuration.built.is_some(), built, "{created}");
            assert!(configuration.platform.is_some());
        }
        assert!(Configuration::parse(b"{}").unwrap().platform.is_none());
    }
}
