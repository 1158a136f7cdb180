//! The distribution project's own registry says what the fake says.
//!
//! It is Debian's package `docker-registry`; where the program is missing, these are not run: they are asked for by
//! `cargo test --test registry -- --ignored`.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use gitops_steps::world::clock::{Deadline, sleep};
use gitops_steps::world::env::Environment;
use gitops_steps::world::git_config::GitConfig;
use gitops_steps::world::http::{Http, Request};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::asker::{asker, asker_with, tag};
use crate::support::registry::{CONFIG, INDEX, MANIFEST, sha256};

/// `ana:s3cret-password`, as htpasswd keeps it.
const HTPASSWD: &str = "ana:$2b$04$1feZqsoUlreDBtxoKb5hMeB3yjSudPrhBWsZRy1wN.jW/q7FwUzMy\n";
const BASIC: &str = "Basic YW5hOnMzY3JldC1wYXNzd29yZA==";

/// The running program and its folder.
struct Real {
    child: Child,
    host: String,
    http: Arc<Http>,
    _folder: TempDir,
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Real {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let host = format!("127.0.0.1:{port}");
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("htpasswd"), HTPASSWD).unwrap();
        let config = json!({
            "version": "0.1",
            "log": { "level": "error" },
            "storage": { "filesystem": { "rootdirectory": at("data") } },
            "http": { "addr": host },
            "auth": { "htpasswd": { "realm": "real", "path": at("htpasswd") } },
        });
        std::fs::write(at("config.yml"), config.to_string()).unwrap();
        let child = Command::new("docker-registry")
            .args(["serve", &at("config.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let real = Self {
            child,
            host,
            http: Http::new(&Environment::default(), &GitConfig::default()),
            _folder: folder,
        };
        let patience = Deadline::after(Duration::from_secs(30));
        while !patience.passed() && std::net::TcpStream::connect(&real.host).is_err() {
            sleep(Duration::from_millis(20));
        }
        real
    }

    fn send(&self, method: Method, url: &str, media_type: &str, body: &[u8]) -> (u16, String) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, BASIC.parse().unwrap());
        headers.insert(CONTENT_TYPE, media_type.parse().unwrap());
        let request = Request {
            method,
            url: Url::parse(url).unwrap(),
            headers,
            body: Some(body.to_vec()),
        };
        let sent = self.http.send(request, Deadline::after(Duration::from_secs(30)));
        let answer = sent.map_err(|lost| lost.fault).unwrap();
        (
            answer.status(),
            answer.header("location").unwrap_or_default().to_owned(),
        )
    }

    fn push_config(&self, content: &Value) -> String {
        let body = content.to_string();
        let digest = sha256(body.as_bytes());
        let uploads = format!("http://{}/v2/acme/web/blobs/uploads/", self.host);
        let (status, to) = self.send(Method::POST, &uploads, "application/octet-stream", b"");
        assert_eq!(status, 202);
        let mut to = Url::parse(&to).unwrap();
        to.query_pairs_mut().append_pair("digest", &digest);
        let (status, _) = self.send(
            Method::PUT,
            to.as_str(),
            "application/octet-stream",
            body.as_bytes(),
        );
        assert_eq!(status, 201);
        digest
    }

    fn push_manifest(&self, tag: &str, media_type: &str, content: &Value) -> (String, usize) {
        let body = content.to_string();
        let url = format!("http://{}/v2/acme/web/manifests/{tag}", self.host);
        let (status, _) = self.send(Method::PUT, &url, media_type, body.as_bytes());
        assert_eq!(status, 201, "{tag}");
        (sha256(body.as_bytes()), body.len())
    }

    fn push_image(&self, tag: &str, architecture: &str, created: &str) -> (String, usize) {
        let content = json!({ "created": created, "os": "linux", "architecture": architecture, "rootfs": { "type": "layers", "diff_ids": [] } });
        let config = self.push_config(&content);
        let size = content.to_string().len();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": config, "size": size },
            "layers": [],
        });
        self.push_manifest(tag, MANIFEST, &manifest)
    }
}

#[test]
#[ignore = "it needs the program docker-registry"]
fn a_real_registry_tells_what_was_pushed_to_it() {
    let real = Real::start();
    let (amd, amd_size) = real.push_image("1.0.0-amd64", "amd64", "2026-11-20T10:00:00Z");
    let (arm, arm_size) = real.push_image("1.0.0-arm64", "arm64", "2026-11-20T11:00:00Z");
    let entry = |digest: &str, size: usize, architecture: &str| json!({ "mediaType": MANIFEST, "digest": digest, "size": size, "platform": { "os": "linux", "architecture": architecture } });
    let entries = [entry(&amd, amd_size, "amd64"), entry(&arm, arm_size, "arm64")];
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let (index, _) = real.push_manifest("1.0.0", INDEX, &index);

    let image = format!("{}/acme/web", real.host);
    let login = format!(
        r#"{{"auths":{{"{}":{{"auth":"YW5hOnMzY3JldC1wYXNzd29yZA=="}}}}}}"#,
        real.host
    );
    let registry = asker_with(&login).open(&image);
    let mut tags: Vec<String> = registry.tags().unwrap().iter().map(ToString::to_string).collect();
    tags.sort();
    assert_eq!(tags, ["1.0.0", "1.0.0-amd64", "1.0.0-arm64"]);
    let digest = |name: &str| registry.digest(&name.parse().unwrap()).unwrap();
    assert_eq!(digest("1.0.0").unwrap().as_str(), index);
    assert_eq!(digest("1.0.0-arm64").unwrap().as_str(), arm);
    assert!(digest("2.0.0").is_none());

    let wanted = "linux/arm64".parse().unwrap();
    let found = registry.image(&tag("1.0.0"), Some(&wanted)).unwrap().unwrap();
    assert!(found.runs_on(&wanted) && found.platforms.len() == 2);
    assert_eq!(found.built, Some("2026-11-20T11:00:00Z".parse().unwrap()));
    let single = registry.image(&tag("1.0.0-amd64"), None).unwrap().unwrap();
    assert_eq!(single.built, Some("2026-11-20T10:00:00Z".parse().unwrap()));

    let other = asker_with(&login).open(&format!("{}/acme/other", real.host));
    assert!(
        other
            .tags()
            .unwrap_err()
            .message
            .contains("has no image `acme/other`")
    );
    let nobody = asker(&[]).open(&image).tags().unwrap_err();
    assert!(
        nobody.hint.unwrap().contains("docker login"),
        "{}",
        nobody.message
    );
}
