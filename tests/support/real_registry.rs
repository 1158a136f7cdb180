//! The distribution project's own registry, with a password, and images pushed to it over HTTP.
//!
//! The program is what `GITOPS_STEPS_REGISTRY` names, as the gate does, or Debian's `docker-registry` on the search path.

use std::env;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use gitops_steps::world::clock::{Deadline, sleep};
use gitops_steps::world::env::Environment;
use gitops_steps::world::git_config::GitConfig;
use gitops_steps::world::http::{Answer, Http, Request};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::registry::{CONFIG, INDEX, MANIFEST, sha256};

const PROGRAM: &str = "GITOPS_STEPS_REGISTRY";
/// `ana:s3cret-password`, as htpasswd keeps it.
const HTPASSWD: &str = "ana:$2b$04$1feZqsoUlreDBtxoKb5hMeB3yjSudPrhBWsZRy1wN.jW/q7FwUzMy\n";
const BASIC: &str = "Basic YW5hOnMzY3JldC1wYXNzd29yZA==";
const BYTES: &str = "application/octet-stream";

/// The running program and its folder.
pub struct RealRegistry {
    child: Child,
    host: String,
    http: Arc<Http>,
    _folder: TempDir,
}

/// What was pushed: its digest, and its size.
#[derive(Clone, Debug)]
pub struct Pushed {
    pub digest: String,
    size: usize,
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl RealRegistry {
    /// Starts one; where the program is missing, says so past the test's own output, which nobody sees of a test that
    /// passes.
    pub fn start() -> Option<Self> {
        let real = Self::where_there_is_one();
        if real.is_none() {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            let note = format!("skipped, as there is no registry ({PROGRAM} names none): {name}\n");
            std::io::stderr().write_all(note.as_bytes()).unwrap();
        }
        real
    }

    /// Starts one, if the program is there.
    pub fn where_there_is_one() -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let host = free.to_string();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("htpasswd"), HTPASSWD).unwrap();
        let config = json!({
            "version": "0.1",
            "log": { "level": "error" },
            "storage": { "filesystem": { "rootdirectory": at("data") }, "delete": { "enabled": true } },
            "http": { "addr": host },
            "auth": { "htpasswd": { "realm": "real", "path": at("htpasswd") } },
        });
        std::fs::write(at("config.yml"), config.to_string()).unwrap();
        let child = Command::new(&program)
            .args(["serve", &at("config.yml")])
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{PROGRAM}, {}: {error}", program.display()));
        let real = Self {
            child,
            host,
            http: Http::new(&Environment::default(), &GitConfig::default()),
            _folder: folder,
        };
        let patience = Deadline::after(Duration::from_secs(30));
        while TcpStream::connect(&real.host).is_err() {
            assert!(!patience.passed(), "{} does not answer", program.display());
            sleep(Duration::from_millis(20));
        }
        Some(real)
    }

    /// Its host and port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The configuration of Docker that holds its login.
    pub fn login(&self) -> String {
        format!(
            r#"{{"auths":{{"{}":{{"auth":"YW5hOnMzY3JldC1wYXNzd29yZA=="}}}}}}"#,
            self.host
        )
    }

    /// Pushes an image for one platform.
    pub fn push_image(&self, image: &str, tag: &str, architecture: &str, created: &str) -> Pushed {
        let content = json!({ "created": created, "os": "linux", "architecture": architecture, "rootfs": { "type": "layers", "diff_ids": [] } });
        let config = self.push_blob(image, content.to_string().as_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": config.digest, "size": config.size },
            "layers": [],
        });
        self.push_manifest(image, tag, MANIFEST, &manifest)
    }

    /// Pushes an index of images for these platforms, all built at one time.
    pub fn push_index(&self, image: &str, tag: &str, architectures: &[&str], created: &str) -> Pushed {
        let entries: Vec<Value> = architectures
            .iter()
            .map(|architecture| {
                let child = self.push_image(image, &format!("{tag}-{architecture}"), architecture, created);
                json!({ "mediaType": MANIFEST, "digest": child.digest, "size": child.size, "platform": { "os": "linux", "architecture": architecture } })
            })
            .collect();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        self.push_manifest(image, tag, INDEX, &index)
    }

    /// Pushes a Helm chart, as Helm does.
    pub fn push_chart(&self, chart: &str, tag: &str) -> Pushed {
        let name = chart.rsplit('/').next().unwrap();
        let config = json!({ "name": name, "version": tag.replace('_', "+"), "apiVersion": "v2" });
        let config = self.push_blob(chart, config.to_string().as_bytes());
        let layer = self.push_blob(chart, format!("the archive of {tag}").as_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "config": { "mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": config.digest, "size": config.size },
            "layers": [{ "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": layer.digest, "size": layer.size }],
            "annotations": { "org.opencontainers.image.created": "2026-11-20T10:00:00Z" },
        });
        self.push_manifest(chart, tag, MANIFEST, &manifest)
    }

    /// Lets other tags lead to what a tag leads to.
    pub fn retag(&self, image: &str, tag: &str, others: &[String]) {
        let mut wanted = headers(MANIFEST);
        wanted.insert(ACCEPT, format!("{MANIFEST}, {INDEX}").parse().unwrap());
        let url = format!("http://{}/v2/{image}/manifests/{tag}", self.host);
        let mut answer = self.ask(Method::GET, &url, wanted, Vec::new());
        let media_type = answer.header("content-type").unwrap().to_owned();
        let body = answer.up_to(1 << 20).map_err(|lost| lost.fault).unwrap();
        std::thread::scope(|scope| {
            for others in others.chunks(others.len().div_ceil(8)) {
                let put = |other: &String| self.put(image, other, &media_type, body.clone());
                scope.spawn(move || others.iter().for_each(|other| _ = put(other)));
            }
        });
    }

    fn push_blob(&self, image: &str, body: &[u8]) -> Pushed {
        let digest = sha256(body);
        let uploads = format!("http://{}/v2/{image}/blobs/uploads/", self.host);
        let answer = self.ask(Method::POST, &uploads, headers(BYTES), Vec::new());
        assert_eq!(answer.status(), 202);
        let mut to = Url::parse(answer.header("location").unwrap()).unwrap();
        to.query_pairs_mut().append_pair("digest", &digest);
        let answer = self.ask(Method::PUT, to.as_str(), headers(BYTES), body.to_vec());
        assert_eq!(answer.status(), 201);
        Pushed {
            digest,
            size: body.len(),
        }
    }

    fn push_manifest(&self, image: &str, tag: &str, media_type: &str, content: &Value) -> Pushed {
        self.put(image, tag, media_type, content.to_string().into_bytes())
    }

    fn put(&self, image: &str, tag: &str, media_type: &str, body: Vec<u8>) -> Pushed {
        let url = format!("http://{}/v2/{image}/manifests/{tag}", self.host);
        let (digest, size) = (sha256(&body), body.len());
        let answer = self.ask(Method::PUT, &url, headers(media_type), body);
        assert_eq!(answer.status(), 201, "{tag}");
        Pushed { digest, size }
    }

    fn ask(&self, method: Method, url: &str, headers: HeaderMap, body: Vec<u8>) -> Answer {
        let request = Request {
            method,
            url: Url::parse(url).unwrap(),
            headers,
            body: Some(body),
        };
        let sent = self.http.send(request, Deadline::after(Duration::from_secs(30)));
        sent.map_err(|lost| lost.fault).unwrap()
    }
}

fn headers(media_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, BASIC.parse().unwrap());
    headers.insert(CONTENT_TYPE, media_type.parse().unwrap());
    headers
}

/// The program: what the variable names, which must be there then, or what the search path has.
fn program() -> Option<PathBuf> {
    if let Some(named) = env::var_os(PROGRAM).filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named));
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join("docker-registry"))
        .find(|file| file.is_file())
}
