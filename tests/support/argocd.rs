//! A fake Argo CD: one application, which is at each look what the test has prepared next.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// The token that it accepts.
pub const TOKEN: &str = "argo-s3cret";

/// A running fake; it ends with the test.
pub struct ArgoCd {
    address: String,
    shown: Arc<Mutex<Vec<Value>>>,
    looks: Arc<Mutex<Vec<String>>>,
}

impl ArgoCd {
    /// Starts one whose application `web` shows these states in turn; the last one stays.
    pub fn showing(states: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shown = Arc::new(Mutex::new(states.to_vec()));
        let looks = Arc::new(Mutex::new(Vec::new()));
        let (states, seen) = (Arc::clone(&shown), Arc::clone(&looks));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let mut head = Vec::new();
                while let Some(Ok(line)) = lines.next() {
                    if line.is_empty() {
                        break;
                    }
                    head.push(line);
                }
                let Some(request) = head.first().cloned() else {
                    continue;
                };
                let (code, body) = answer(&request, &head, &states);
                seen.lock().unwrap().push(request);
                // What a test wants to send us elsewhere says where to.
                let (code, location) = match body["redirect"].as_str() {
                    Some(to) => (302, format!("Location: {to}\r\n")),
                    None => (code, String::new()),
                };
                let body = body.to_string();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {code} X\r\n{location}Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self {
            address,
            shown,
            looks,
        }
    }

    /// What `ARGOCD_SERVER` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, as their first lines.
    pub fn looks(&self) -> Vec<String> {
        self.looks.lock().unwrap().clone()
    }

    /// How many states nobody has seen yet.
    pub fn left(&self) -> usize {
        self.shown.lock().unwrap().len()
    }
}

fn answer(request: &str, head: &[String], states: &Mutex<Vec<Value>>) -> (u16, Value) {
    let is_let_in = head
        .iter()
        .any(|line| line.eq_ignore_ascii_case(&format!("authorization: Bearer {TOKEN}")));
    if !is_let_in {
        return (401, json!({ "error": "invalid session", "code": 16 }));
    }
    if !request.starts_with("GET /api/v1/applications/web?refresh=normal") {
        return (
            404,
            json!({ "error": "applications.argoproj.io not found", "code": 5 }),
        );
    }
    let mut states = states.lock().unwrap();
    let state = states[0].clone();
    if states.len() > 1 {
        states.remove(0);
    }
    (200, state)
}

/// An application at a commit.
pub fn application(sync: &str, health: &str, phase: &str, revision: &str) -> Value {
    json!({
        "metadata": { "name": "web" },
        "status": {
            "sync": { "status": sync, "revision": revision },
            "health": { "status": health },
            "operationState": { "phase": phase, "finishedAt": "2026-01-01T00:00:00Z", "syncResult": { "revision": revision } },
            "reconciledAt": "2026-01-01T00:00:01Z",
            "summary": { "images": ["ghcr.io/acme/web:v2"] },
        },
    })
}
