//! Which plain scalars some reader takes for something else than a string.
//!
//! The union of YAML 1.1 (<https://yaml.org/type/>) and 1.2 (chapter 10), and of what go-yaml v2 and v3,
//! `PyYAML`, ruamel and serde-yaml make of it. Helm reads with go-yaml v2: `y`, `0192118` and `7e5` are no strings there.

/// Returns whether a plain scalar of this text may be read as null, boolean, number, time or merge key.
pub fn is_typed(text: &str) -> bool {
    is_word(text) || is_number(text) || is_sexagesimal(text) || is_time(text)
}

/// Returns whether a plain scalar of this text is null everywhere.
pub fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn is_word(text: &str) -> bool {
    const WORDS: [&str; 13] = [
        "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<",
    ];
    text.len() <= 5 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return false;
    }
    if digits.eq_ignore_ascii_case(".inf") || digits.eq_ignore_ascii_case(".nan") {
        return true;
    }
    let base = |prefixes: [&str; 2], digit: fn(&u8) -> bool| {
        prefixes.iter().any(|prefix| {
            digits.strip_prefix(prefix).is_some_and(|rest| {
                rest.bytes().any(|byte| digit(&byte)) && rest.bytes().all(|byte| byte == b'_' || digit(&byte))
            })
        })
    };
    base(["0x", "0X"], u8::is_ascii_hexdigit)
        || base(["0o", "0O"], |byte| matches!(byte, b'0'..=b'7'))
        || base(["0b", "0B"], |byte| matches!(byte, b'0' | b'1'))
        || is_decimal(digits)
}

/// `12`, `1_000`, `1.5`, `.5`, `5.`, `1.e3`, `7e+5`, without a sign.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte == b'_' || byte.is_ascii_digit());
    mantissa.bytes().any(|byte| byte.is_ascii_digit())
        && digits(whole)
        && digits(fraction)
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            exponent.bytes().any(|byte| byte.is_ascii_digit()) && digits(exponent)
        })
}

/// `22:22`, `1:20:30.5`: base 60 in YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let mut rest = parts.peekable();
    first.starts_with(|digit: char| digit.is_ascii_digit())
        && first.bytes().all(|byte| byte == b'_' || byte.is_ascii_digit())
        && fraction.bytes().all(|byte| byte == b'_' || byte.is_ascii_digit())
        && rest.peek().is_some()
        && rest.all(|part| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `2024-01-01` and what goes on as a time after it.
fn is_time(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let day = rest.bytes().take_while(u8::is_ascii_digit).count();
    year.len() == 4
        && number(year)
        && month.len() <= 2
        && number(month)
        && matches!(day, 1 | 2)
        && rest
            .as_bytes()
            .get(day)
            .is_none_or(|byte| matches!(byte, b't' | b'T' | b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_some_reader_retypes_is_known() {
        for text in [
            "",
            "~",
            "NULL",
            "True",
            "no",
            "OFF",
            "y",
            "N",
            "=",
            "<<",
            "0",
            "012",
            "08",
            "-1",
            "+12",
            "1_000",
            "0o14",
            "0O7",
            "0x1F",
            "0X_1",
            "0b101",
            "-0b1",
            "1.10",
            ".5",
            "5.",
            "+.5",
            "1.e3",
            "7e12345",
            "0e1",
            "7E+5",
            ".inf",
            "-.INF",
            ".NaN",
            "22:22",
            "1:20:30",
            "2024-01-01",
            "2001-1-2 10:00:00",
            "2024-01-01T00:00:00Z",
            "685_230.15",
        ] {
            assert!(is_typed(text), "{text:?}");
        }
    }

    #[test]
    fn what_every_reader_takes_for_a_string_is_known() {
        for text in [
            "v1",
            "1.2.3",
            "3e5a1b2",
            "1.25.3-debian-12-r4",
            "main",
            "yesno",
            "1e",
            "0x",
            "0o8",
            "0b2",
            "_1",
            ".",
            "..",
            "+",
            "-",
            "e5",
            "1.2e",
            "inf",
            "a:1",
            "1:a",
            "1:",
            "2024-01",
            "2024-01-01-rc1",
            "12-1-1",
            "sha256:0a",
            "1:234",
        ] {
            assert!(!is_typed(text), "{text:?}");
        }
    }
}
