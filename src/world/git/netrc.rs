//! The logins of a `.netrc`, as curl reads them for git (curl's "netrc", git-credential-netrc).

use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::words::token::Token;
use crate::world::env::Environment;
use crate::world::files;

/// The most bytes of such a file.
const MOST: u64 = 1 << 20;

/// A login.
pub(super) struct Login {
    pub user: String,
    pub password: Token,
}

/// Returns the login that the user's file keeps for a host: the file that `NETRC` names, else `~/.netrc` (on Windows
/// `~/_netrc` too). A file that is not there, or that cannot be read, keeps none.
pub(super) fn login(host: &str, user: Option<&str>, environment: &Environment) -> Option<Login> {
    let text = places(environment).into_iter().find_map(|path| {
        let bytes = path.is_file().then(|| files::read(&path, MOST).ok())??;
        String::from_utf8(bytes).ok()
    })?;
    find(&SecretString::from(text), host, user)
}

fn places(environment: &Environment) -> Vec<PathBuf> {
    if let Some(named) = environment.get("NETRC") {
        return vec![PathBuf::from(named)];
    }
    let home = ["HOME", "USERPROFILE"]
        .into_iter()
        .find_map(|name| environment.get(name));
    let home = home.map(PathBuf::from);
    let names: &[&str] = if cfg!(windows) {
        &[".netrc", "_netrc"]
    } else {
        &[".netrc"]
    };
    home.iter()
        .flat_map(|home| names.iter().map(|name| home.join(name)))
        .collect()
}

/// A word of a file.
struct Word {
    text: String,
    /// Whether it may begin an entry, or a part of one: it is not quoted.
    bare: bool,
    /// Whether it is the first of its line.
    first: bool,
}

impl Word {
    /// Whether it is what a line of an entry begins with, so that it is no value of the line before.
    fn begins_a_line(&self) -> bool {
        let keyword = ["machine", "default", "login", "password", "account", "macdef"];
        self.first && self.bare && keyword.contains(&self.text.as_str())
    }
}

/// The first entry of the host, else the one by default; with a user, one of that user.
fn find(text: &SecretString, host: &str, user: Option<&str>) -> Option<Login> {
    let mut words = words(text.expose_secret()).into_iter().peekable();
    let mut fits = false;
    let mut entry = (None, None);
    let complete = |(login, password): (Option<String>, Option<String>)| {
        let password = Token::parse(&password?).ok()?;
        let login = login.or(user.map(str::to_owned))?;
        (user.is_none_or(|user| user == login)).then_some(Login {
            user: login,
            password,
        })
    };
    while let Some(word) = words.next() {
        // Where a value is missing, the next entry is none: its password would go to this host.
        let mut value = || words.next_if(|word| !word.begins_a_line()).map(|word| word.text);
        match word.text.as_str() {
            keyword @ ("machine" | "default") => {
                if fits && let Some(login) = complete(std::mem::take(&mut entry)) {
                    return Some(login);
                }
                entry = (None, None);
                fits = keyword == "default" || value().is_some_and(|name| name.eq_ignore_ascii_case(host));
            }
            "login" => entry.0 = value(),
            "password" => entry.1 = value(),
            "account" => {
                value();
            }
            _ => {}
        }
    }
    if fits { complete(entry) } else { None }
}

/// The words of a file: a quoted one may hold spaces, `#` begins a comment where a keyword would, as a password may begin
/// with one, and a macro ends at an empty line.
fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let (mut in_macro, mut is_value) = (false, false);
    for line in text.lines() {
        if in_macro {
            in_macro = !line.trim().is_empty();
            continue;
        }
        let mut first = true;
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            let mut word = String::new();
            match c {
                c if c.is_whitespace() => continue,
                '#' if first || !is_value => break,
                '"' => {
                    while let Some(c) = chars.next().filter(|c| *c != '"') {
                        word.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
                    }
                }
                c => {
                    word.push(c);
                    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                        word.push(c);
                    }
                }
            }
            if word == "macdef" && (first || !is_value) {
                in_macro = true;
                break;
            }
            let word = Word {
                text: word,
                bare: c != '"',
                first,
            };
            let takes = matches!(word.text.as_str(), "machine" | "login" | "password" | "account");
            is_value = takes && (!is_value || word.begins_a_line());
            first = false;
            found.push(word);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str, host: &str, user: Option<&str>) -> Option<String> {
        let login = find(&SecretString::from(text), host, user)?;
        Some(format!("{} {}", login.user, login.password.expose()))
    }

    #[test]
    fn the_login_of_the_host_is_found_however_the_file_is_laid_out() {
        for text in [
            "machine git.example login ann password p1",
            "machine git.example\n\tlogin ann\n\tpassword p1\n",
            "machine other login x password y\nmachine git.example login ann password p1\nmachine git.example login b password c",
            "machine GIT.example account x login ann password \"p\\1\" # mine",
            "# machine git.example login no password no\nmachine git.example login ann password p1",
            "macdef init\nmachine git.example login no password no\n\nmachine git.example login ann password p1",
            "machine git.example login ann\nmachine git.example login ann password p1",
            "machine other login x password y default login ann password p1",
            "machine git.example login ann password p1 # mine\nmachine other login bob password p2",
            "machine git.example login\nann password\np1",
        ] {
            assert_eq!(
                found(text, "git.example", None).as_deref(),
                Some("ann p1"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_password_may_look_like_a_comment_or_a_keyword() {
        for (password, kept) in [
            ("#p1", "#p1"),
            ("\"#p1\"", "#p1"),
            ("machine", "machine"),
            ("macdef", "macdef"),
        ] {
            let text = format!(
                "machine git.example login ann password {password}\nmachine other login bob password p2"
            );
            assert_eq!(
                found(&text, "git.example", None),
                Some(format!("ann {kept}")),
                "{text}"
            );
            assert_eq!(found(&text, "other", None).as_deref(), Some("bob p2"), "{text}");
        }
    }

    #[test]
    fn a_missing_value_is_not_taken_from_the_entry_of_another_host() {
        for entry in [
            "machine git.example login ann password",
            "machine git.example login",
            "machine git.example account",
            "machine",
        ] {
            let text = format!("{entry}\nmachine other login bob password p2");
            assert_eq!(found(&text, "git.example", None), None, "{text}");
            assert_eq!(found(&text, "other", None).as_deref(), Some("bob p2"), "{text}");
        }
    }

    #[test]
    fn no_login_goes_to_another_host_or_user() {
        let text = "machine git.example login ann password p1\nmachine git.example login bob password p2";
        assert_eq!(found(text, "git.example.evil", None), None);
        assert_eq!(found(text, "example", None), None);
        assert_eq!(found(text, "git.example", Some("bob")).as_deref(), Some("bob p2"));
        assert_eq!(found(text, "git.example", Some("eve")), None);
        for broken in [
            "machine",
            "machine git.example login",
            "login a password b",
            "machine git.example password",
            "\"",
            "",
        ] {
            assert_eq!(found(broken, "git.example", None), None, "{broken}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_file_makes_the_reader_panic(
            words in vec("machine|default|login|password|macdef|\"|a\\.example|\\\\|#|[^ \n]{0,4}", 0..20),
            between in "[ \t\r\n]{1,3}",
        ) {
            let _ = found(&words.join(&between), "a.example", Some("u"));
        }
    }
}
