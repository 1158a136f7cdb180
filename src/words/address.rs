//! Where a config repo is, as `--config-repo` says it.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::fault::Fault;
use super::forge_repo::ForgeRepo;
use super::token::Token;

/// Where a config repo is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepoAddress {
    /// A directory of this machine.
    Directory(PathBuf),
    /// A repository that git reaches.
    Git(GitUrl),
    /// A repository behind its forge's API: `github:owner/name`, `gitlab:group/project`.
    Forge(ForgeRepo),
}

impl RepoAddress {
    /// Reads an address as a user writes it.
    ///
    /// What holds `://` is a URL, and `[user@]host:path` is ssh, as in git-clone(1) "Git URLs"; everything
    /// else is a directory, on Windows `C:/x` too.
    ///
    /// # Errors
    /// `Invalid` for what is none of these, and for a URL that holds a password; the message never shows it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(repo) = ForgeRepo::parse(text)? {
            return Ok(Self::Forge(repo));
        }
        match GitUrl::parse(text)? {
            Some(url) => Ok(Self::Git(url)),
            None if text.is_empty() || text.chars().any(char::is_control) => Err(unreadable(
                text,
                "give a directory, a URL, `github:owner/name` or `gitlab:group/project`",
            )),
            None => Ok(Self::Directory(PathBuf::from(text))),
        }
    }
}

/// How a [`GitUrl`] is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Git's smart HTTP over TLS.
    Https,
    /// Git's smart HTTP, readable on the way.
    Http,
    /// The system's ssh.
    Ssh,
    /// A repository of this machine.
    File,
}

impl Scheme {
    /// Returns the scheme's name in a URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::File => "file",
        }
    }
}

/// A user name and a password that stood in a URL.
#[derive(Clone, Debug)]
pub struct Login {
    /// The user name; never printed, as some put a token there.
    pub user: Token,
    /// The password.
    pub password: Token,
}

/// A repository that git reaches. It holds no password, and prints no user name of a web address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitUrl {
    scheme: Scheme,
    user: Option<String>,
    host: String,
    port: Option<u16>,
    path: String,
}

impl GitUrl {
    /// Reads a URL or an scp-like address; `None` for what is a plain path.
    ///
    /// # Errors
    /// `Invalid` for another scheme, a missing host or path, and a URL with a password.
    pub fn parse(text: &str) -> Result<Option<Self>, Fault> {
        match Self::parse_with_login(text)? {
            Some((_, Some(_))) => Err(Fault::invalid("the address of the config repo holds a password")
                .hint("take it out of the URL and give it as GITOPS_STEPS_TOKEN or with --token-file")),
            found => Ok(found.map(|(url, _)| url)),
        }
    }

    /// Reads the URL of a remote in git's configuration, where CI may have put a login.
    ///
    /// # Errors
    /// As [`GitUrl::parse`], except that a password is taken out and returned.
    pub fn parse_with_login(text: &str) -> Result<Option<(Self, Option<Login>)>, Fault> {
        if text.contains("://") {
            return Self::of_url(text).map(Some);
        }
        Self::of_scp(text).map(|url| url.map(|url| (url, None)))
    }

    fn of_url(text: &str) -> Result<(Self, Option<Login>), Fault> {
        let bad = |why: &str| Fault::invalid(format!("the address of the config repo is no URL: {why}"));
        // The parser of URLs leaves out line breaks and tabs.
        if text.chars().any(char::is_control) {
            return Err(bad("it holds a control character"));
        }
        let url = url::Url::parse(text).map_err(|e| bad(&e.to_string()))?;
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" | "git+ssh" | "ssh+git" => Scheme::Ssh,
            "file" => Scheme::File,
            other => {
                return Err(
                    bad(&format!("`{}` is not a scheme we speak", other.escape_debug()))
                        .hint("use https://, ssh://, git@host:path or file://"),
                );
            }
        };
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it holds `?` or `#`"));
        }
        let decoded = |part: &str| {
            let text = percent_decode_str(part)
                .decode_utf8()
                .map_err(|_| bad("it is not UTF-8"))?;
            if text.chars().any(char::is_control) {
                return Err(bad("it holds a control character"));
            }
            Ok(text.into_owned())
        };
        let user = decoded(url.username())?;
        let login = match url.password() {
            Some(password) => Some(Login {
                user: Token::parse(if user.is_empty() { "git" } else { &user })?,
                password: Token::parse(&decoded(password)?)?,
            }),
            None => None,
        };
        let web = matches!(scheme, Scheme::Http | Scheme::Https);
        let path = if web {
            url.path().to_owned()
        } else {
            decoded(url.path())?
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        if host.is_empty() != (scheme == Scheme::File) && host != "localhost" {
            return Err(bad(if scheme == Scheme::File {
                "file:// takes no host"
            } else {
                "it names no host"
            }));
        }
        let url = Self {
            scheme,
            user: Some(user).filter(|user| !user.is_empty() && login.is_none()),
            host,
            port: url.port(),
            path,
        };
        url.checked().map(|url| (url, login))
    }

    /// `[user@]host:path` with no slash before the colon (git-clone(1), "Git URLs").
    fn of_scp(text: &str) -> Result<Option<Self>, Fault> {
        let Some((before, path)) = text.split_once(':') else {
            return Ok(None);
        };
        if before.contains(['/', '\\']) || before.is_empty() || (cfg!(windows) && is_drive(before)) {
            return Ok(None);
        }
        let (user, host) = match before.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, before),
        };
        let url = Self {
            scheme: Scheme::Ssh,
            user,
            host: host.to_owned(),
            port: None,
            path: path.to_owned(),
        };
        url.checked().map(Some)
    }

    /// Holds back what a program that is started with these parts could take for an option.
    fn checked(self) -> Result<Self, Fault> {
        let user = self.user.as_deref().unwrap_or("u");
        let odd = |text: &str| text.starts_with('-') || text.chars().any(|c| c.is_control() || c == ' ');
        if odd(user)
            || odd(&self.host)
            || self.path.starts_with('-')
            || self.path.chars().any(char::is_control)
            || self.path.trim_matches('/').is_empty()
            || (self.scheme == Scheme::Ssh && (self.host.is_empty() || user.is_empty() || user.contains(':')))
        {
            return Err(Fault::invalid(
                "the address of the config repo names no host and path that git takes",
            )
            .hint("write it like https://host/owner/name.git or git@host:owner/name.git"));
        }
        Ok(self)
    }

    /// Returns how it is reached.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the user of the address, if it names one.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Returns the host, lower case; empty for `file://`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, where it is not the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns the path: still percent-encoded for http(s), as it is for ssh and file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns `host` or `host:port`.
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Returns whether what is sent can be read on the way: http to a host that is not this machine.
    pub fn plaintext(&self) -> bool {
        let local = self.host == "localhost"
            || self.host == "[::1]"
            || self
                .host
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|ip| ip.is_loopback());
        self.scheme == Scheme::Http && !local
    }
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.name())?;
        if let (Scheme::Ssh, Some(user)) = (self.scheme, &self.user) {
            write!(f, "{}@", user.escape_debug())?;
        }
        let slash = if self.path.starts_with('/') { "" } else { "/" };
        write!(
            f,
            "{}{slash}{}",
            self.authority().escape_debug(),
            self.path.escape_debug()
        )
    }
}

/// Whether Windows takes the part before a colon for a drive; elsewhere a host may have one letter.
fn is_drive(before: &str) -> bool {
    matches!(before.as_bytes(), [letter] if letter.is_ascii_alphabetic())
}

fn unreadable(text: &str, hint: &str) -> Fault {
    Fault::invalid(format!(
        "`{}` is no address of a config repo",
        text.escape_debug()
    ))
    .hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::Kind;

    fn git(text: &str) -> GitUrl {
        match RepoAddress::parse(text).unwrap() {
            RepoAddress::Git(url) => url,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_form_that_git_takes_is_read() {
        for (text, scheme, authority, path) in [
            (
                "https://GitHub.com/acme/config.git",
                Scheme::Https,
                "github.com",
                "/acme/config.git",
            ),
            ("https://host:8443/a%20b", Scheme::Https, "host:8443", "/a%20b"),
            ("http://127.0.0.1:3000/x", Scheme::Http, "127.0.0.1:3000", "/x"),
            (
                "ssh://git@host:2222/a/b.git",
                Scheme::Ssh,
                "host:2222",
                "/a/b.git",
            ),
            (
                "git@github.com:acme/config.git",
                Scheme::Ssh,
                "github.com",
                "acme/config.git",
            ),
            ("host:~me/x", Scheme::Ssh, "host", "~me/x"),
            ("file:///srv/a%20b.git", Scheme::File, "", "/srv/a b.git"),
        ] {
            let url = git(text);
            assert_eq!(
                (url.scheme(), url.authority().as_str(), url.path()),
                (scheme, authority, path),
                "{text}"
            );
        }
    }

    #[test]
    fn directories_and_forge_names_are_told_apart() {
        for dir in [
            ".",
            "../config",
            "/srv/config",
            "./a:b",
            r"\\host\share",
            r"\\?\C:\config",
        ] {
            assert_eq!(
                RepoAddress::parse(dir).unwrap(),
                RepoAddress::Directory(dir.into())
            );
        }
        for repo in ["github:acme/config", "gitlab:acme/team/config"] {
            let address = RepoAddress::parse(repo).unwrap();
            assert!(matches!(address, RepoAddress::Forge(forge) if forge.to_string() == repo));
        }
    }

    #[test]
    fn a_drive_of_windows_is_no_host_there() {
        for dir in [r"C:\config", "d:/config"] {
            let address = RepoAddress::parse(dir).unwrap();
            assert_eq!(
                matches!(address, RepoAddress::Directory(_)),
                cfg!(windows),
                "{dir}"
            );
        }
        for (before, drive) in [
            ("C", true),
            ("z", true),
            ("", false),
            ("1", false),
            ("ab", false),
            ("ä", false),
        ] {
            assert_eq!(is_drive(before), drive, "{before}");
        }
        assert_eq!(git("file:///C:/a%20b.git").path(), "/C:/a b.git");
        assert_eq!(git(r"file://C:\x.git").to_string(), "file:///C:/x.git");
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_never_printed() {
        for text in [
            "https://bot:s3cret@host/x",
            "https://:s3cret@host/x",
            "ssh://git:s3cret@host/x",
        ] {
            let fault = RepoAddress::parse(text).unwrap_err();
            assert_eq!(fault.kind, Kind::Invalid, "{text}");
            assert!(!format!("{fault:?}").contains("s3cret"), "{fault:?}");
        }
        assert_eq!(git("https://ghp_token@host/x").to_string(), "https://host/x");
    }

    #[test]
    fn the_login_of_a_ci_checkout_is_taken_out_of_its_url() {
        let (url, login) = GitUrl::parse_with_login("https://gitlab-ci-token:t0k@gitlab.example/a/b.git")
            .unwrap()
            .unwrap();
        assert_eq!(url.to_string(), "https://gitlab.example/a/b.git");
        let login = login.unwrap();
        assert_eq!(
            (login.user.expose(), login.password.expose()),
            ("gitlab-ci-token", "t0k")
        );
    }

    #[test]
    fn what_a_started_program_could_take_for_an_option_is_refused() {
        for bad in [
            "-oProxyCommand=x:path",
            "ssh://-oProxyCommand=x/path",
            "git@host:--upload-pack=x",
            "-l@host:path",
            "ssh://host",
            "https:///x",
            "ftp://host/x",
            "https://host/x?token=1",
            "github:acme",
            "github:../x",
            "gitlab:x",
            "",
        ] {
            assert_eq!(RepoAddress::parse(bad).unwrap_err().kind, Kind::Invalid, "{bad}");
        }
    }

    #[test]
    fn plain_http_is_known_as_readable_on_the_way_except_on_this_machine() {
        for (text, plaintext) in [
            ("http://git.example/x", true),
            ("http://127.0.0.1:1/x", false),
            ("http://localhost/x", false),
            ("http://[::1]/x", false),
            ("https://git.example/x", false),
        ] {
            assert_eq!(git(text).plaintext(), plaintext, "{text}");
        }
    }
}
