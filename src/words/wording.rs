//! How messages speak of foreign text: escaped, cut, on one line, with the nearest right word beside it.

use std::path::{MAIN_SEPARATOR_STR, Path};

/// How many characters of a foreign text a message shows.
const SHOWN: usize = 80;

/// Returns foreign text as a message may show it: escaped, and cut after 80 characters.
pub fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

/// Returns a path of this machine as a message may show it: escaped, but with plain separators, so that a path of Windows
/// can be copied.
pub fn shown_path(path: &Path) -> String {
    let escaped = path.display().to_string().escape_debug().to_string();
    escaped.replace(&MAIN_SEPARATOR_STR.escape_debug().to_string(), MAIN_SEPARATOR_STR)
}

/// Returns text on one line: line breaks and tabs become spaces, other control characters and the
/// characters that reverse or hide text on a screen are left out, and the ends are trimmed.
pub fn one_line(text: &str) -> String {
    let text = text.replace("\r\n", " ");
    let line: String = text
        .chars()
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
            c if c.is_control() || is_invisible(c) => None,
            c => Some(c),
        })
        .collect();
    line.trim().to_owned()
}

/// Returns the word that was most likely meant, if one is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(SHOWN).collect::<String>().to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the hint for a wrong word: the nearest right one where there is one, else all of them (at most
/// ten).
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, known.clone()) {
        return format!("did you mean `{}`?", shown(near));
    }
    let all: Vec<String> = known
        .into_iter()
        .map(|word| format!("`{}`", shown(word)))
        .collect();
    match all.len() {
        0 => "there is none to choose from".to_owned(),
        1..=10 => format!("one of {}", all.join(", ")),
        more => format!("one of {} and {} more", all[..10].join(", "), more - 10),
    }
}

/// Tells whether a character changes what the others look like without being seen itself.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer_a_terminal_or_flood_a_log() {
        assert_eq!(shown("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
        assert_eq!(shown(&"é".repeat(500)).chars().count(), 81);
        assert_eq!(one_line("a\r\nb\u{7}c\u{202e}d\n"), "a bcd");
    }

    #[test]
    fn a_path_is_escaped_except_for_its_separators() {
        let path: std::path::PathBuf = ["a", "b\u{1b}[31m"].iter().collect();
        assert_eq!(shown_path(&path), format!("a{MAIN_SEPARATOR_STR}b\\u{{1b}}[31m"));
    }

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let known = ["auto-deploy", "targets", "on"];
        assert_eq!(suggestion("auto-deply", known), "did you mean `auto-deploy`?");
        assert_eq!(suggestion("Targets", known), "did you mean `targets`?");
        assert_eq!(
            suggestion("zebra", known),
            "one of `auto-deploy`, `targets`, `on`"
        );
    }
}
