//! A secret that proves who we are, and the name of the place it came from.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::fault::Fault;

/// A token, password or job token. It cannot be printed; its memory is wiped when it goes.
#[derive(Clone)]
pub struct Token(SecretString);

impl Token {
    /// Reads a token as it stands in a variable or a file; white space around it is dropped.
    ///
    /// # Errors
    /// `Invalid` for an empty token, or one with a character that no HTTP header can carry. The message
    /// never holds the token.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let token = text.trim();
        if token.is_empty() {
            return Err(Fault::invalid("the token is empty"));
        }
        if !token.chars().all(|c| c.is_ascii_graphic()) {
            return Err(
                Fault::invalid("the token holds white space or another character that no token has")
                    .hint("give the bare token, on one line"),
            );
        }
        Ok(Self(SecretString::from(token)))
    }

    /// Returns the value of an `Authorization` header that says who we are and our password (RFC 7617).
    pub fn basic(user: &str, password: &str) -> Self {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        Self(SecretString::from(format!("Basic {encoded}")))
    }

    /// Returns the value of an `Authorization` header, `<kind> <token>`; `None` if `kind` is no word.
    pub fn as_header(&self, kind: &str) -> Option<Self> {
        let word = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric());
        word.then(|| Self(SecretString::from(format!("{kind} {}", self.expose()))))
    }

    /// Returns the secret itself; only what sends it may ask.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where a secret came from, as `--verbose` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// An environment variable of this name.
    Variable(&'static str),
    /// The file that `--token-file` names.
    File,
    /// The login that stands in the URL of the checkout's `origin`.
    Origin,
    /// The `http.<url>.extraheader` of git's configuration, as actions/checkout leaves it.
    ExtraHeader,
    /// The user's `.netrc`.
    Netrc,
    /// Git's credential helpers.
    Helper,
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::File => f.write_str("--token-file"),
            Self::Origin => f.write_str("the URL of `origin`"),
            Self::ExtraHeader => f.write_str("git's `http.<url>.extraheader`"),
            Self::Netrc => f.write_str("`.netrc`"),
            Self::Helper => f.write_str("git's credential helper"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_trimmed_and_never_printed() {
        let token = Token::parse(" ghp_secret\n").unwrap();
        assert_eq!(token.expose(), "ghp_secret");
        assert_eq!(format!("{token:?}"), "[redacted]");
    }

    #[test]
    fn what_could_forge_a_header_is_no_token() {
        for bad in ["", "  ", "a b", "a\r\nX-Evil: 1", "tö"] {
            let fault = Token::parse(bad).unwrap_err();
            assert!(
                bad.trim().is_empty() || !fault.message.contains(bad.trim()),
                "{bad:?}"
            );
        }
    }
}
