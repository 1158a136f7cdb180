//! References to images, versions and ranges: what is taken is written back the same, and an order is one.
//!
//! An input has up to three texts, one a line, which are compared.

use std::cmp::Ordering;

use gitops_steps::words::constraint::Constraint;
use gitops_steps::words::image::{Digest, ImageName, ImageRef, Tag};
use gitops_steps::words::platform::Platform;
use gitops_steps::words::release_tag::{Prefix, ReleaseTag, counted_up, parse_version};
use gitops_steps::words::version::{Version, compare};

use super::{is_plain, read};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let texts: Vec<&str> = text.lines().take(3).collect();
    for text in &texts {
        reference(text);
        release(text);
        range(text, &texts);
        if let Some(platform) = read(text.parse::<Platform>()) {
            assert_eq!(platform.to_string().parse::<Platform>().ok(), Some(platform));
        }
    }
    is_an_order(&texts);
}

fn reference(text: &str) {
    if let Some(image) = read(text.parse::<ImageRef>()) {
        assert_eq!(image.to_string(), text);
        let name = &image.name;
        let long: ImageName = name.canonical().parse().unwrap_or_else(|fault| panic!("{fault}"));
        assert!(long.same_as(name) && name.same_as(&long), "{text}");
        assert_eq!(long.canonical(), name.canonical());
        assert!(text.is_ascii() && !text.contains(char::is_whitespace));
    }
    if let Some(tag) = read(text.parse::<Tag>()) {
        assert_eq!(tag.as_str(), text);
        assert!((1..=128).contains(&text.len()) && text.is_ascii());
        assert!(format!("acme/web:{tag}").parse::<ImageRef>().is_ok());
    }
    if let Some(digest) = read(text.parse::<Digest>()) {
        assert_eq!(digest.as_str(), text);
        assert!(format!("acme/web@{digest}").parse::<ImageRef>().is_ok());
    }
}

/// A tag of a release is its prefix and its version again, and what is counted up is higher.
fn release(text: &str) {
    use gitops_steps::words::conventional::Level;
    for prefix in Prefix::usual() {
        if let Some(tag) = ReleaseTag::parse(text, &prefix) {
            assert_eq!(tag.to_string(), text);
        }
    }
    if let Some(version) = read(parse_version("--version", text)) {
        for level in [Level::Major, Level::Minor, Level::Patch] {
            if let Some(next) = counted_up(&version, level) {
                assert!(next > version, "{next} after {version}");
            }
        }
    }
}

/// A range that is told can be asked for, and takes the same versions.
fn range(text: &str, versions: &[&str]) {
    let Some(range) = read(Constraint::parse(text)) else {
        return;
    };
    let told = range.to_string();
    is_plain(&told, None);
    let samples = [
        "0.0.0",
        "1.2.3",
        "1.2.3-rc.1",
        "2.0.0-0",
        "10.0.0",
        "18446744073709551615.0.0",
    ];
    for version in samples.iter().chain(versions) {
        let Ok(version) = semver::Version::parse(version) else {
            continue;
        };
        // What is taken without pre-releases is taken with them.
        assert!(
            !range.takes(&version, false) || range.takes(&version, true),
            "{told}: {version}"
        );
        let release = version.pre.is_empty();
        assert!(!release || range.takes(&version, false) == range.takes(&version, true));
        // Its words are those of the grammar, but for what is outside of a range.
        let words = told.replace(" or ", " || ").replace("any version", "*");
        if release && !words.contains("not (") && words.len() <= 256 {
            let again = Constraint::parse(&words).unwrap_or_else(|fault| panic!("{fault}"));
            assert_eq!(
                again.takes(&version, false),
                range.takes(&version, false),
                "{told}: {version}"
            );
        }
    }
}

/// Of any two versions one is newer, or neither is, from wherever one looks.
fn is_an_order(texts: &[&str]) {
    for one in texts {
        if let Some(version) = Version::parse(one) {
            assert_eq!(version.order(&version), Some(Ordering::Equal), "{one}");
        }
        for other in texts {
            let there = compare(one, other);
            assert_eq!(
                there.map(Ordering::reverse),
                compare(other, one),
                "{one}, {other}"
            );
            for third in texts {
                let (Some(a), Some(b), Some(c)) = (there, compare(other, third), compare(one, third)) else {
                    continue;
                };
                if a == Ordering::Less && b == Ordering::Less {
                    assert_eq!(c, Ordering::Less, "{one} < {other} < {third}");
                }
            }
        }
    }
}
