//! A real git server for tests: smart HTTP on 127.0.0.1, served by the system's `git http-backend`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use tempfile::TempDir;

use super::cli::of_system;

/// What a user may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Read,
    Write,
}

/// How the server behaves. The default serves everybody.
#[derive(Clone, Default)]
pub struct Options {
    /// `user:password` and its right; none means that no login is asked for.
    pub users: Vec<(&'static str, Right)>,
    /// Whether reading needs no login.
    pub public: bool,
    /// The wait before each answer.
    pub delay: Duration,
    /// How it speaks TLS; `None` means plain HTTP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Asked first; what it leaves (`None`) goes to git, and the logins above.
    pub handler: Option<Handler>,
}

/// Answers requests that are not git's.
pub type Handler = Arc<dyn Fn(&Request) -> Option<Response> + Send + Sync>;

/// A request as it arrived; the names of its headers are in lower case.
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What a [`Handler`] answers.
pub enum Response {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The connection closes without an answer.
    Close,
}

/// What went over the wire.
#[derive(Default)]
pub struct Counts {
    pub requests: AtomicUsize,
    pub bytes_up: AtomicUsize,
    pub bytes_down: AtomicUsize,
    pub chunked: AtomicUsize,
    pub stalled: AtomicUsize,
}

struct Shared {
    root: PathBuf,
    options: Options,
    counts: Counts,
    /// Answers still to be spoilt: each holds a part of the request's path and what happens to it.
    faults: Mutex<Vec<(&'static str, Fault)>>,
    /// The `Authorization` of each request that had one.
    authorizations: Mutex<Vec<String>>,
    stopped: AtomicBool,
}

/// What happens to one request instead of its answer.
#[derive(Clone)]
pub enum Fault {
    /// This status is answered.
    Status(u16),
    /// The connection closes after so many bytes of the true answer.
    CloseAfter(usize),
    /// The client is sent elsewhere.
    Redirect(String),
    /// The answer stalls after so many bytes, until the server stops.
    StallAfter(usize),
}

/// A running server; it stops when dropped.
pub struct GitServer {
    shared: Arc<Shared>,
    port: u16,
    home: TempDir,
}

impl GitServer {
    pub fn start(options: Options) -> Self {
        let home = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            root: home.path().to_owned(),
            options,
            counts: Counts::default(),
            faults: Mutex::default(),
            authorizations: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&serving);
                thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    match shared.options.tls.clone() {
                        None => serve(&shared, stream),
                        Some(tls) => {
                            let connection = rustls::ServerConnection::new(tls).unwrap();
                            serve(&shared, rustls::StreamOwned::new(connection, stream));
                        }
                    }
                });
            }
        });
        Self { shared, port, home }
    }

    pub fn url(&self, repo: &str) -> String {
        self.url_as("127.0.0.1", repo)
    }

    /// The address of a repository, by another name of this machine.
    pub fn url_as(&self, host: &str, repo: &str) -> String {
        let scheme = self.shared.options.tls.as_ref().map_or("http", |_| "https");
        format!("{scheme}://{host}:{}/{repo}", self.port)
    }

    /// The `Authorization` of each request that had one.
    pub fn authorizations(&self) -> Vec<String> {
        self.shared.authorizations.lock().unwrap().clone()
    }

    pub fn path(&self, repo: &str) -> PathBuf {
        self.home.path().join(repo)
    }

    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Spoils the next answer to a request whose path and query hold `part`.
    pub fn spoil(&self, part: &'static str, fault: Fault) {
        self.shared.faults.lock().unwrap().push((part, fault));
    }

    /// Makes a bare repository `name` whose branch `main` holds `files`.
    pub fn repo(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let bare = self.path(name);
        bare_repo(&bare, files);
        bare
    }

    #[cfg(unix)]
    /// Sets the script that judges each push (githooks(5), `pre-receive`).
    pub fn hook(&self, repo: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.path(repo).join("hooks/pre-receive");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Prepares git so that nothing of this machine's configuration is seen.
pub fn git(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(directory)
        .env_clear()
        .envs(of_system())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Test")
            .env(format!("GIT_{role}_EMAIL"), "test@example.com");
    }
    command
}

/// Runs git and returns what it says; it must succeed.
pub fn git_says(directory: &Path, args: &[&str]) -> String {
    let output = git(directory).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Makes a bare repository whose branch `main` holds `files`; `name -> target` stands for a symbolic link and
/// `name*` for an executable.
pub fn bare_repo(bare: &Path, files: &[(&str, &str)]) {
    empty_repo(bare);
    commit_to(bare, "first", files);
}

/// Makes a bare repository without a commit.
pub fn empty_repo(bare: &Path) {
    std::fs::create_dir_all(bare).unwrap();
    git_says(bare, &["init", "--quiet", "--bare", "--initial-branch=main"]);
    git_says(bare, &["config", "http.receivepack", "true"]);
}

/// Puts another commit on `main` of a bare repository, as somebody else would; returns its id.
pub fn commit_to(bare: &Path, message: &str, files: &[(&str, &str)]) -> String {
    use std::fmt::Write as _;
    let mut input = "commit refs/heads/main\ncommitter T <t@example.com> 1700000000 +0000\n".to_owned();
    let _ = write!(input, "data {}\n{message}\n", message.len());
    let has_parent = git(bare)
        .args(["rev-parse", "-q", "--verify", "main"])
        .output()
        .unwrap()
        .status
        .success();
    if has_parent {
        input.push_str("from refs/heads/main^0\n");
    }
    for (name, text) in files {
        let (name, mode, text) = match name.split_once(" -> ") {
            Some((name, target)) => (name, "120000", target),
            None => match name.strip_suffix('*') {
                Some(name) => (name, "100755", *text),
                None => (*name, "100644", *text),
            },
        };
        let _ = write!(input, "M {mode} inline {name}\ndata {}\n{text}\n", text.len());
    }
    let mut child = git(bare)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    git_says(bare, &["rev-parse", "main"])
}

fn serve(shared: &Shared, stream: impl Read + Write) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let counts = &shared.counts;
        counts.requests.fetch_add(1, Ordering::SeqCst);
        counts.bytes_up.fetch_add(request.body.len(), Ordering::SeqCst);
        if request.headers.contains_key("transfer-encoding") {
            counts.chunked.fetch_add(1, Ordering::SeqCst);
        }
        let authorization = request.headers.get("authorization").cloned();
        shared.authorizations.lock().unwrap().extend(authorization);
        thread::sleep(shared.options.delay);
        let fault = {
            let mut faults = shared.faults.lock().unwrap();
            let at = faults.iter().position(|(part, _)| request.target.contains(part));
            at.map(|at| faults.remove(at).1)
        };
        let answer = match &fault {
            Some(Fault::Status(status)) => simple(*status, "", "spoilt"),
            Some(Fault::Redirect(to)) => simple(302, &format!("Location: {to}\r\n"), ""),
            _ => answer(shared, &request),
        };
        let out = reader.get_mut();
        if let Some(Fault::CloseAfter(bytes) | Fault::StallAfter(bytes)) = fault {
            let _ = out
                .write_all(&answer[..bytes.min(answer.len())])
                .and_then(|()| out.flush());
            if matches!(fault, Some(Fault::StallAfter(_))) {
                counts.stalled.fetch_add(1, Ordering::SeqCst);
            }
            while matches!(fault, Some(Fault::StallAfter(_))) && !shared.stopped.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
            return;
        }
        counts.bytes_down.fetch_add(answer.len(), Ordering::SeqCst);
        if answer.is_empty() {
            return;
        }
        if out.write_all(&answer).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        body = vec![0; length.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
    } else if headers.contains_key("transfer-encoding") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    }
    Some(Request {
        method,
        target,
        headers,
        body,
    })
}

/// The bytes that answer a request; none for a connection that closes instead.
fn answer(shared: &Shared, request: &Request) -> Vec<u8> {
    if let Some(response) = shared
        .options
        .handler
        .as_ref()
        .and_then(|handler| handler(request))
    {
        return spoken(request, response);
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let writes = path.ends_with("git-receive-pack") || query.contains("git-receive-pack");
    let login = request
        .headers
        .get("authorization")
        .and_then(|value| value.split_once(' '))
        .and_then(|(_, secret)| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(secret).ok()?;
            String::from_utf8(bytes).ok()
        });
    let options = &shared.options;
    let right = options
        .users
        .iter()
        .find(|(user, _)| login.as_deref() == Some(user))
        .map(|(_, right)| *right);
    let open = options.users.is_empty() || (options.public && !writes && login.is_none());
    if right.is_none() && !open {
        return simple(401, "WWW-Authenticate: Basic realm=\"git\"\r\n", "who are you?");
    }
    if writes && right == Some(Right::Read) {
        return simple(403, "", "remote: Permission to acme/config.git denied to bot.");
    }
    backend(shared, request, path, query)
}

/// Runs `git http-backend` as CGI (git-http-backend(1)).
fn backend(shared: &Shared, request: &Request, path: &str, query: &str) -> Vec<u8> {
    let mut command = git(&shared.root);
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(kind) = request.headers.get("content-type") {
        command.env("CONTENT_TYPE", kind);
    }
    if let Some(protocol) = request.headers.get("git-protocol") {
        command.env("GIT_PROTOCOL", protocol);
    }
    if let Some(encoding) = request.headers.get("content-encoding") {
        command.env("HTTP_CONTENT_ENCODING", encoding);
    }
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = request.body.clone();
    let writer = thread::spawn(move || drop(stdin.write_all(&body)));
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let Some(end) = output.windows(4).position(|four| four == b"\r\n\r\n") else {
        return simple(500, "", "the backend said nothing");
    };
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let body = &output[end + 4..];
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    let headers: Vec<_> = head.lines().filter(|line| !line.starts_with("Status:")).collect();
    let headers = headers.join("\r\n");
    let mut answer = format!(
        "HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn spoken(request: &Request, response: Response) -> Vec<u8> {
    let Response::Answer {
        status,
        headers,
        body,
    } = response
    else {
        return Vec::new();
    };
    let mut answer = format!("HTTP/1.1 {status} Spoken\r\n").into_bytes();
    for (name, value) in headers {
        answer.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if status != 204 {
        answer.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    answer.extend_from_slice(b"\r\n");
    if request.method != "HEAD" {
        answer.extend_from_slice(&body);
    }
    answer
}

fn simple(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Spoken\r\n{headers}Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
