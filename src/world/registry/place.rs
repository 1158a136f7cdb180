//! Where an image's registry answers, and which addresses it may send us to.

use url::{Host, Url};

use crate::words::fault::Fault;
use crate::words::image::ImageName;

/// The one name of Docker Hub, and the host at which its API is.
pub(super) const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// An image's repository at its registry.
pub(super) struct Place {
    /// The registry's host, with its port: as logins are kept for it.
    pub host: String,
    /// The image's path there.
    pub path: String,
    /// What the paths of the API follow, with a slash at its end.
    pub root: Url,
}

impl Place {
    /// Finds the place of an image: `nginx` is `library/nginx` of Docker Hub. TLS is spoken with every registry but one
    /// of this machine.
    pub(super) fn of(name: &ImageName) -> Result<Self, Fault> {
        let canonical = name.canonical();
        let (host, path) = canonical
            .split_once('/')
            .expect("a canonical name has its registry");
        let api = if host == DOCKER_HUB { DOCKER_HUB_API } else { host };
        let wrong = |_| Fault::invalid(format!("`{name}` has no registry that could be asked"));
        let mut root = Url::parse(&format!("https://{api}/v2/{path}/")).map_err(wrong)?;
        if is_loopback(&root) {
            root = Url::parse(&format!("http://{api}/v2/{path}/")).map_err(wrong)?;
        }
        Ok(Self {
            host: host.to_owned(),
            path: path.to_owned(),
            root,
        })
    }

    /// Returns the address of something of the image: `tags/list`, `manifests/1.0`.
    pub(super) fn url(&self, below: &str) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{below}", self.root.path()));
        url
    }
}

/// Tells whether `home` may send us to an address: by TLS, or from this machine to this machine.
pub(super) fn may_lead_to(home: &Url, to: &Url) -> bool {
    let bare = to.username().is_empty() && to.password().is_none();
    let local = to.scheme() == "http" && is_loopback(to) && is_loopback(home);
    bare && (to.scheme() == "https" || local)
}

/// Tells whether an address is of this very machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns a URL's host with its port, as a message may show it.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_image_is_asked_for_where_docker_asks_for_it() {
        for (name, host, root) in [
            (
                "nginx",
                "docker.io",
                "https://registry-1.docker.io/v2/library/nginx/",
            ),
            (
                "index.docker.io/acme/web",
                "docker.io",
                "https://registry-1.docker.io/v2/acme/web/",
            ),
            ("GHCR.io/acme/web", "ghcr.io", "https://ghcr.io/v2/acme/web/"),
            (
                "registry.example:5050/g/p/web",
                "registry.example:5050",
                "https://registry.example:5050/v2/g/p/web/",
            ),
            (
                "localhost:5000/web",
                "localhost:5000",
                "http://localhost:5000/v2/web/",
            ),
            (
                "127.0.0.2:5000/web",
                "127.0.0.2:5000",
                "http://127.0.0.2:5000/v2/web/",
            ),
            ("[::1]:5000/web", "[::1]:5000", "http://[::1]:5000/v2/web/"),
            (
                "10.0.0.1:5000/web",
                "10.0.0.1:5000",
                "https://10.0.0.1:5000/v2/web/",
            ),
            (
                "localhost.example/web",
                "localhost.example",
                "https://localhost.example/v2/web/",
            ),
        ] {
            let place = Place::of(&name.parse().unwrap()).unwrap();
            assert_eq!((place.host.as_str(), place.root.as_str()), (host, root), "{name}");
        }
    }

    #[test]
    fn nobody_leads_us_away_from_tls_but_this_machine_to_itself() {
        for (home, to, may) in [
            ("https://r.example/", "https://cdn.example/x", true),
            ("https://r.example/", "http://r.example/x", false),
            ("https://r.example/", "http://127.0.0.1/x", false),
            ("https://r.example/", "ftp://r.example/x", false),
            ("https://r.example/", "file:///etc/passwd", false),
            ("https://r.example/", "https://u:p@r.example/", false),
            ("http://localhost:5000/", "http://127.0.0.1:1/x", true),
            ("http://localhost:5000/", "http://r.example/x", false),
        ] {
            let url = |text| Url::parse(text).unwrap();
            assert_eq!(may_lead_to(&url(home), &url(to)), may, "{home} {to}");
        }
    }
}
