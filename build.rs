//! Writes the table by which a branch's slug spells what is not ASCII (`src/words/slug.rs`): one line for each 256
//! characters, with one entry for each between spaces.
//!
//! Argo CD spells by the Go library gosimple/unidecode 1.0.1. The crate `unidecode` is a later edition of the same
//! tables; where the two differ, that library's own spelling is put in its place below. As a dependency of the binary
//! the crate would add 2.5 MB of addresses that every start has to relocate, so only what a slug keeps goes in.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script writes what it generates"
)]

use std::ops::RangeInclusive;
use std::path::Path;
use std::{env, fs};

/// Characters that are left out.
const NOTHING: [RangeInclusive<u32>; 52] = [
    0x80..=0x9f,
    0x2e5..=0x2eb,
    0x2ff..=0x2ff,
    0x3ff..=0x3ff,
    0x4ff..=0x4ff,
    0x5c0..=0x5c0,
    0x5ff..=0x5ff,
    0x6ff..=0x6ff,
    0x7ff..=0x8ff,
    0x9ff..=0x9ff,
    0xaff..=0xaff,
    0xbff..=0xbff,
    0xcff..=0xcff,
    0xdff..=0xdff,
    0xeff..=0xeff,
    0xfff..=0xfff,
    0x10ff..=0x10ff,
    0x11ff..=0x11ff,
    0x13ff..=0x13ff,
    0x16ff..=0x16ff,
    0x17ff..=0x17ff,
    0x18ff..=0x1d6b,
    0x1d78..=0x1d7c,
    0x1d7e..=0x1d7f,
    0x1d8b..=0x1d8b,
    0x1d8f..=0x1dff,
    0x1eff..=0x1eff,
    0x1fff..=0x1fff,
    0x20ff..=0x2122,
    0x21ff..=0x21ff,
    0x22ff..=0x22ff,
    0x23ff..=0x23ff,
    0x24ff..=0x24ff,
    0x25ff..=0x25ff,
    0x26ff..=0x26ff,
    0x27ff..=0x27ff,
    0x2900..=0x2c5f,
    0x2c6d..=0x2c6d,
    0x2c70..=0x2dff,
    0x2eff..=0x2eff,
    0x2fff..=0x2fff,
    0x30ff..=0x30ff,
    0x31ff..=0x31ff,
    0x32ff..=0x32ff,
    0x33ff..=0x4cff,
    0x4dff..=0x4dff,
    0x9fff..=0x9fff,
    0xa4ff..=0xabff,
    0xd7ff..=0xf8ff,
    0xfaff..=0xfaff,
    0xfdf0..=0xfdfb,
    0xfdff..=0xfdff,
];

/// Characters that the library does not know; a slug has `-` for them.
const UNKNOWN: [RangeInclusive<u32>; 13] = [
    0x2ef..=0x2fe,
    0x3f4..=0x3fe,
    0x42a..=0x42a,
    0x44a..=0x44a,
    0xaf1..=0xaf9,
    0x13f5..=0x13fd,
    0x1e9c..=0x1e9d,
    0x1e9f..=0x1e9f,
    0x1efa..=0x1efe,
    0x213b..=0x213f,
    0x25f4..=0x25f7,
    0x4e00..=0x4e00,
    0xfdfc..=0xfdfd,
];

/// Neighbours that are one letter each, from the first on.
const LETTERS: [(u32, &str); 11] = [
    (0x2b0, "k"),
    (0x1d6c, "bdfmnprrstzg"),
    (0x1d7d, "p"),
    (0x1d80, "bdfgklmnprs"),
    (0x1d8c, "vxz"),
    (0x212a, "ka"),
    (0x2132, "f"),
    (0x214e, "f"),
    (0x24d0, "abcdefghijklmnopqrstuvwxyz0"),
    (0x2c60, "lllprathhkkzz"),
    (0x2c6e, "ma"),
];

/// Characters that are more than one letter.
const WORDS: [(u32, &str); 10] = [
    (0x404, "ie"),
    (0x20ac, "eu"),
    (0x3057, "shi"),
    (0x3061, "chi"),
    (0x3063, "tsu"),
    (0x3064, "tsu"),
    (0x30b7, "shi"),
    (0x30c1, "chi"),
    (0x30c3, "tsu"),
    (0x30c4, "tsu"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let lines: Vec<String> = (0..=0xff).map(line).collect();
    let out = env::var("OUT_DIR").expect("cargo names the folder");
    fs::write(Path::new(&out).join("spellings.txt"), lines.join("\n")).expect("the folder can be written to");
}

/// The entries of 256 neighbours.
fn line(block: u32) -> String {
    let entries: Vec<String> = (0..=0xff).map(|low| spelling(block << 8 | low)).collect();
    entries.join(" ")
}

/// What a slug keeps of a character's spelling: lower case, digits and `_`, and `-` for a run of all else.
fn spelling(code: u32) -> String {
    let Some(character) = char::from_u32(code).filter(|character| !character.is_ascii()) else {
        return String::new();
    };
    let within = |ranges: &[RangeInclusive<u32>]| ranges.iter().any(|range| range.contains(&code));
    if within(&NOTHING) {
        return String::new();
    }
    if within(&UNKNOWN) {
        return "-".to_owned();
    }
    if let Some((_, word)) = WORDS.iter().find(|(of, _)| *of == code) {
        return (*word).to_owned();
    }
    for (first, letters) in LETTERS {
        let nth = code.checked_sub(first).map(|nth| nth as usize);
        if let Some(letter) = nth.and_then(|nth| letters.as_bytes().get(nth)) {
            return char::from(*letter).to_string();
        }
    }
    let mut kept = String::new();
    for letter in unidecode::unidecode_char(character).chars() {
        match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9' | '_') => kept.push(letter),
            _ if kept.ends_with('-') => {}
            _ => kept.push('-'),
        }
    }
    kept
}
