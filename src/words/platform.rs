//! What an image runs on.

use std::fmt;
use std::str::FromStr;

use super::fault::Fault;
use super::wording::shown;

/// What an image runs on: `linux/amd64`, `linux/arm64`, `linux/arm/v7`.
///
/// The words are those of Go's `GOOS` and `GOARCH`, as the OCI image specification ("Image Index") has them; other
/// spellings of the common ones are read as containerd reads them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// Makes one of its parts.
    ///
    /// # Errors
    /// `Invalid` for a part that is no word.
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Result<Self, Fault> {
        let os = word(os)?;
        let architecture = word(architecture)?;
        let variant = variant.filter(|variant| !variant.is_empty()).map(word);
        let variant = variant.transpose()?;
        let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
            ("x86_64" | "x86-64", _) | ("amd64", Some("v1")) => ("amd64".to_owned(), None),
            ("aarch64", _) | ("arm64", Some("v8" | "8")) => ("arm64".to_owned(), None),
            ("i386", _) => ("386".to_owned(), None),
            ("armhf", _) => ("arm".to_owned(), Some("v7".to_owned())),
            _ => (architecture, variant),
        };
        Ok(Self {
            os,
            architecture,
            variant,
        })
    }

    /// Tells whether an image for this platform is what somebody wants who names `wanted`; a variant that is not named
    /// may be any.
    pub fn suits(&self, wanted: &Self) -> bool {
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (wanted.variant.is_none() || self.variant == wanted.variant)
    }
}

impl FromStr for Platform {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let mut parts = text.split('/');
        let (os, architecture) = (parts.next(), parts.next());
        let (variant, rest) = (parts.next(), parts.next());
        let wrong = || {
            Fault::invalid(format!("`{}` is not a platform", shown(text)))
                .hint("write it as linux/amd64 or linux/arm/v7")
        };
        match (os, architecture, rest) {
            (Some(os), Some(architecture), None) if variant != Some("") => {
                Self::new(os, architecture, variant).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

fn word(text: &str) -> Result<String, Fault> {
    let right = (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    right
        .then(|| text.to_ascii_lowercase())
        .ok_or_else(|| Fault::invalid(format!("`{}` is no word of a platform", shown(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_platform_has_one_spelling() {
        for (text, spelt) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm/v7", "linux/arm/v7"),
            ("windows/amd64", "windows/amd64"),
        ] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), spelt);
        }
        for bad in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/v7/x",
            "linux/arm/",
            "a b/c",
            "linux/\u{1b}",
        ] {
            assert!(bad.parse::<Platform>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_variant_counts_only_where_it_is_wanted() {
        let platform = |text: &str| text.parse::<Platform>().unwrap();
        for (has, wants, suits) in [
            ("linux/arm/v7", "linux/arm", true),
            ("linux/arm/v7", "linux/arm/v6", false),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/amd64", "windows/amd64", false),
            ("linux/amd64", "linux/arm64", false),
        ] {
            assert_eq!(platform(has).suits(&platform(wants)), suits, "{has} {wants}");
        }
    }
}
