//! Container images: their names, tags and digests.
//!
//! The grammar is that of the OCI distribution specification ("Pulling manifests") and of the reference
//! grammar of the distribution project, which Docker, containerd and Kubernetes follow.

use std::fmt;
use std::str::FromStr;

use super::fault::Fault;
use super::wording::shown;

/// The most characters of a name, registry included.
const NAME_MAX: usize = 255;
/// The most characters of a tag.
const TAG_MAX: usize = 128;

/// An image's name, without tag and digest: `nginx`, `ghcr.io/acme/app`, `localhost:5000/a`.
///
/// Two spellings of one name differ under `==` and agree under [`ImageName::same_as`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageName {
    registry: Option<String>,
    path: String,
}

impl ImageName {
    /// Returns the registry with its port, where one is written.
    pub fn registry(&self) -> Option<&str> {
        self.registry.as_deref()
    }

    /// Returns what stands after the registry.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the one long spelling: `nginx` is `docker.io/library/nginx`.
    pub fn canonical(&self) -> String {
        let registry = self
            .registry
            .as_deref()
            .unwrap_or("docker.io")
            .to_ascii_lowercase();
        match registry.as_str() {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" if self.path.contains('/') => {
                format!("docker.io/{}", self.path)
            }
            "docker.io" | "index.docker.io" | "registry-1.docker.io" => {
                format!("docker.io/library/{}", self.path)
            }
            registry => format!("{registry}/{}", self.path),
        }
    }

    /// Tells whether two spellings name one image.
    pub fn same_as(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl FromStr for ImageName {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let wrong = |why: &str| Fault::invalid(format!("`{}` is not an image name: {why}", shown(text)));
        if text.is_empty() {
            return Err(Fault::invalid("an image name is empty"));
        }
        let too_long = || wrong("it is longer than 255 characters");
        if text.len() > NAME_MAX {
            return Err(too_long());
        }
        if text.starts_with("http://") || text.starts_with("https://") || text.starts_with("oci://") {
            return Err(wrong("it is an address").hint("leave out what stands before the registry's host"));
        }
        if text.contains('@') {
            return Err(wrong("it holds a digest").hint("give the digest apart"));
        }
        let (registry, path) = match text.split_once('/') {
            Some((first, rest)) if is_registry(first) => (Some(first), rest),
            _ => (None, text),
        };
        if let Some(registry) = registry
            && !valid_registry(registry)
        {
            return Err(wrong("its registry is not `host` or `host:port`"));
        }
        if path.contains(':') {
            return Err(wrong("it holds a tag").hint("give the tag apart"));
        }
        if path.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(wrong("it holds upper-case letters")
                .hint(format!("write `{}`", shown(&lower_path(registry, path)))));
        }
        if !path.split('/').all(valid_component) {
            return Err(wrong(
                "between `/` stand only a-z and 0-9, separated by `.`, `_`, `__` or `-`",
            ));
        }
        let name = Self {
            registry: registry.map(str::to_owned),
            path: path.to_owned(),
        };
        // A registry is asked for the long spelling.
        if name.canonical().len() > NAME_MAX {
            return Err(too_long());
        }
        Ok(name)
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(registry) = &self.registry {
            write!(f, "{registry}/")?;
        }
        f.write_str(&self.path)
    }
}

/// An image's tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// Returns the tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let wrong = |why: &str| Fault::invalid(format!("`{}` is not an image tag: {why}", shown(text)));
        match text.as_bytes() {
            [] => Err(Fault::invalid("an image tag is empty")),
            bytes if bytes.len() > TAG_MAX => Err(wrong("it is longer than 128 characters")),
            [first, rest @ ..] if word(*first) && rest.iter().all(|b| word(*b) || b"._-".contains(b)) => {
                Ok(Self(text.to_owned()))
            }
            [b'.' | b'-', ..] => Err(wrong("it starts with `.` or `-`")),
            _ => Err(wrong("only letters, digits, `_`, `.` and `-` may stand in it")),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An image's digest: `sha256:` and 64 hex digits, or `sha512:` and 128, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    /// Returns the digest as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let right = match text.split_once(':') {
            Some(("sha256", hex)) => is_lower_hex(hex, 64),
            Some(("sha512", hex)) => is_lower_hex(hex, 128),
            _ => false,
        };
        if right {
            return Ok(Self(text.to_owned()));
        }
        if text.is_empty() {
            return Err(Fault::invalid("an image digest is empty"));
        }
        Err(
            Fault::invalid(format!("`{}` is not an image digest", shown(text)))
                .hint("a digest is `sha256:` and 64 hex digits in lower case"),
        )
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A reference to an image: `name[:tag][@digest]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    /// The name.
    pub name: ImageName,
    /// The tag, where one is written.
    pub tag: Option<Tag>,
    /// The digest, where one is written.
    pub digest: Option<Digest>,
}

impl FromStr for ImageRef {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let after_slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest.rfind(':') {
            Some(colon) if colon >= after_slash => (&rest[..colon], Some(rest[colon + 1..].parse()?)),
            _ => (rest, None),
        };
        Ok(Self {
            name: name.parse()?,
            tag,
            digest,
        })
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// Tells whether the part before the first `/` is a registry; else it belongs to the path.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

fn valid_registry(registry: &str) -> bool {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let port_right = port.is_none_or(|port| {
        (1..=5).contains(&port.len())
            && port.bytes().all(|b| b.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    let host_right = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }),
    };
    port_right && host_right
}

fn valid_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    component.starts_with(alphanumeric)
        && component.ends_with(alphanumeric)
        && component
            .split(alphanumeric)
            .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'))
}

fn lower_path(registry: Option<&str>, path: &str) -> String {
    let path = path.to_ascii_lowercase();
    registry.map_or(path.clone(), |registry| format!("{registry}/{path}"))
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ImageName {
        text.parse().unwrap()
    }

    #[test]
    fn the_spellings_of_a_docker_hub_name_are_one_name() {
        for spelling in [
            "nginx",
            "library/nginx",
            "docker.io/nginx",
            "docker.io/library/nginx",
        ] {
            assert!(name("nginx").same_as(&name(spelling)), "{spelling}");
            assert!(
                name("index.docker.io/library/nginx").same_as(&name(spelling)),
                "{spelling}"
            );
            assert_eq!(
                name(spelling).to_string(),
                spelling,
                "a name is shown as it is written"
            );
        }
        for other in [
            "ghcr.io/library/nginx",
            "acme/nginx",
            "nginx/nginx",
            "docker.io/acme/nginx",
        ] {
            assert!(!name("nginx").same_as(&name(other)), "{other}");
        }
        assert!(name("GHCR.io/acme/app").same_as(&name("ghcr.io/acme/app")));
    }

    #[test]
    fn a_reference_splits_where_docker_splits_it() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, registry, path, tag, has_digest) in [
            ("nginx", None, "nginx", None, false),
            ("nginx:1.25", None, "nginx", Some("1.25"), false),
            ("localhost:5000/a", Some("localhost:5000"), "a", None, false),
            (
                "localhost:5000/a:b",
                Some("localhost:5000"),
                "a",
                Some("b"),
                false,
            ),
            ("localhost/a", Some("localhost"), "a", None, false),
            ("localhost:5000", None, "localhost", Some("5000"), false),
            ("[::1]:5000/a:b", Some("[::1]:5000"), "a", Some("b"), false),
            (
                "ghcr.io/acme/my__app",
                Some("ghcr.io"),
                "acme/my__app",
                None,
                false,
            ),
            ("acme/app:v1@D", None, "acme/app", Some("v1"), true),
            ("acme/app@D", None, "acme/app", None, true),
            (
                "r.example:443/a/b-c.d:v1@D",
                Some("r.example:443"),
                "a/b-c.d",
                Some("v1"),
                true,
            ),
        ] {
            let text = text.replace('D', &digest);
            let image: ImageRef = text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!(image.name.registry(), registry, "{text}");
            assert_eq!(image.name.path(), path, "{text}");
            assert_eq!(image.tag.as_ref().map(Tag::as_str), tag, "{text}");
            assert_eq!(image.digest.is_some(), has_digest, "{text}");
            assert_eq!(image.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_image_is_refused() {
        let long = "a".repeat(256);
        // `docker.io/library/` and this are more than 255.
        let long_when_whole = "a".repeat(238);
        assert!("a".repeat(237).parse::<ImageName>().is_ok());
        for bad in [
            long_when_whole.as_str(),
            "",
            "/",
            "a//b",
            "a/",
            "-a",
            "a_-b",
            "a..b",
            "a b",
            "a\nb",
            "a$(id)",
            "$IMAGE",
            "é",
            "a:b:c",
            ":v1",
            "a:",
            "a@",
            "a@sha256:12",
            "a:v1@sha256",
            "ghcr.io:99999/a",
            "ghcr.io:0/a",
            "-x.io/a",
            "a;b",
            "https://ghcr.io/a",
            "[::1/a",
            "a\u{0}",
            &long,
        ] {
            assert!(bad.parse::<ImageRef>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_upper_case_name_is_refused_with_the_right_one() {
        let fault = "GHCR.io/Acme/App".parse::<ImageName>().unwrap_err();
        assert_eq!(fault.hint.unwrap(), "write `GHCR.io/acme/app`");
    }

    #[test]
    fn tags_and_digests_keep_to_their_grammar() {
        for good in ["latest", "v1.2.3", "_x", "A-b_c.d", &"t".repeat(128)] {
            assert_eq!(good.parse::<Tag>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".a",
            "-a",
            "a+b",
            "a b",
            "a/b",
            "a\n",
            "é",
            "\u{1b}[0m",
            &"t".repeat(129),
        ] {
            assert!(bad.parse::<Tag>().is_err(), "{bad:?}");
        }
        assert!(format!("sha512:{}", "0".repeat(128)).parse::<Digest>().is_ok());
        for bad in [
            String::new(),
            "0".repeat(64),
            format!("sha256:{}", "A".repeat(64)),
            format!("sha256:{}", "a".repeat(63)),
            format!("sha512:{}", "a".repeat(64)),
            format!("md5:{}", "a".repeat(32)),
        ] {
            assert!(bad.parse::<Digest>().is_err(), "{bad:?}");
        }
    }
}
