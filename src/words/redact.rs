//! Takes secrets out of text that leaves the program, also where somebody else's answer repeats them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a secret's place.
const INSTEAD: &str = "***";
/// The fewest characters of a form that is looked for; shorter ones would be found in words that are none.
const SHORTEST: usize = 8;
/// So many bytes of a form's beginning give it away, where a longer one was cut off with the text around it.
const BEGINNING: usize = 16;

/// Knows the secrets of a run, in the forms in which they travel.
#[derive(Clone, Default)]
pub struct Redactor(Vec<String>);

impl Redactor {
    /// Learns secrets: each raw, URL-encoded, and as the part of any base64 text, of both alphabets, that is made of
    /// nothing else.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut redactor = Self::default();
        redactor.learn(secrets);
        redactor
    }

    /// Learns more secrets.
    pub fn learn<'a>(&mut self, secrets: impl IntoIterator<Item = &'a str>) {
        let forms = &mut self.0;
        for secret in secrets {
            forms.push(secret.to_owned());
            forms.push(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string());
            for alphabet in [&STANDARD, &URL_SAFE] {
                let engine = GeneralPurpose::new(alphabet, NO_PAD);
                forms.extend((0..3).map(|before| inner(&engine, secret, before)));
            }
        }
        forms.retain(|form| form.len() >= SHORTEST);
        // The longest first, so that no part of one is left over.
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
    }

    /// Returns the text without them.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for form in &self.0 {
            if text.contains(form.as_str()) {
                text = Cow::Owned(text.replace(form.as_str(), INSTEAD));
            }
        }
        // Only then, as one secret may begin like another.
        for form in &self.0 {
            if let Some(beginning) = form.get(..BEGINNING)
                && text.contains(beginning)
            {
                text = Cow::Owned(self.without_beginnings(&text, beginning));
            }
        }
        text
    }

    /// Takes out what begins like this, as far as it goes on like any form.
    fn without_beginnings(&self, text: &str, beginning: &str) -> String {
        let mut kept = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(beginning) {
            kept.push_str(before);
            kept.push_str(INSTEAD);
            let alike = self.0.iter().filter_map(|form| form.strip_prefix(beginning));
            let longest = alike.map(|form| common(form, after)).max().unwrap_or_default();
            rest = after.get(longest..).unwrap_or_default();
        }
        kept.push_str(rest);
        kept
    }
}

/// The bytes of the characters with which both texts begin.
fn common(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// The characters of base64 that depend on nothing but the secret, when so many bytes stand before it.
fn inner(engine: &GeneralPurpose, secret: &str, before: usize) -> String {
    let bytes = [&b"   "[..before], secret.as_bytes()].concat();
    let encoded = engine.encode(&bytes);
    let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    encoded.get(from..to).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_form() {
        let secret = "glpat-a/b+c=d?e-s3cret";
        let redactor = Redactor::of([secret]);
        let mut texts = vec![
            format!("no such token: {secret}"),
            format!("?token={}", utf8_percent_encode(secret, NON_ALPHANUMERIC)),
        ];
        for login in ["x", "me", "bot", "oauth2"] {
            let login = format!("{login}:{secret}");
            texts.push(STANDARD.encode(&login));
            texts.push(URL_SAFE_NO_PAD.encode(&login));
        }
        for text in texts {
            let redacted = redactor.redact(&text);
            assert!(redacted.contains("***"), "{text}");
            for part in ["s3cret", "a/b", "YS9i"] {
                assert!(!redacted.contains(part), "{redacted}");
            }
        }
    }

    #[test]
    fn a_secret_that_is_learned_later_covers_the_part_that_was_known_before() {
        let mut redactor = Redactor::of(["ghs_s3cret"]);
        redactor.learn(["ghs_s3cret-and-more"]);
        assert_eq!(redactor.redact("<ghs_s3cret-and-more>"), "<***>");
        assert_eq!(redactor.redact("<ghs_s3cret>"), "<***>");
    }

    #[test]
    fn a_secret_that_was_cut_off_is_taken_out_as_far_as_it_goes() {
        let (one, other) = (
            "eyJhbGciOiJSUzI1.s3cret-one",
            "eyJhbGciOiJSUzI1.s3cret-that-is-longer-é",
        );
        let redactor = Redactor::of([one, other]);
        for (text, shown) in [
            (format!("{one}, {other}!"), "***, ***!"),
            (one[..24].to_owned(), "***"),
            (format!("{} {}", &other[..16], &other[..35]), "*** ***"),
            (format!("{} and {one}", &other[..30]), "*** and ***"),
            (other[..15].to_owned(), &other[..15]),
        ] {
            assert_eq!(redactor.redact(&text), shown, "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let redactor = Redactor::of(["", "main", "long-enough"]);
        assert_eq!(redactor.redact("pushed to main"), "pushed to main");
        assert!(matches!(redactor.redact("all is well"), Cow::Borrowed(_)));
    }
}
