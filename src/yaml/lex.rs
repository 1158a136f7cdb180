//! Small lexical steps over the bytes of a YAML text: blanks, comments, properties, ends of scalars.
//!
//! Every function takes and returns byte offsets that lie on character boundaries: it only stops at
//! ASCII bytes or at the end.

/// Whether a byte is a space or a tab.
pub fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether a byte ends a line.
pub fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Whether there is a blank, a line break or the end at an offset.
pub fn is_gap(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_none_or(|&byte| is_blank(byte) || is_break(byte))
}

/// Whether a byte is one of the indicators that flow collections are made of.
pub fn is_flow(byte: u8) -> bool {
    matches!(byte, b',' | b'[' | b']' | b'{' | b'}')
}

/// Returns the offset of the next line break, or of the end.
pub fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|&byte| is_break(byte))
        .map_or(bytes.len(), |found| from + found)
}

/// Returns the offset after the next line break (LF, CRLF or a lone CR), or of the end.
pub fn next_line(bytes: &[u8], from: usize) -> usize {
    after_break(bytes, line_end(bytes, from))
}

/// Returns the offset after the line break that stands at an offset, if one does.
pub fn after_break(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => at + 2,
        Some(&byte) if is_break(byte) => at + 1,
        _ => at,
    }
}

/// Returns the offset where the line of an offset begins.
pub fn line_start(bytes: &[u8], at: usize) -> usize {
    let start = bytes[..at]
        .iter()
        .rposition(|&byte| is_break(byte))
        .map_or(0, |found| found + 1);
    if start == 0 && bytes.starts_with("\u{feff}".as_bytes()) {
        at.min(3)
    } else {
        start
    }
}

/// Skips spaces and tabs.
pub fn skip_blanks(bytes: &[u8], from: usize) -> usize {
    from + bytes[from..].iter().take_while(|&&byte| is_blank(byte)).count()
}

/// Skips blanks, line breaks and comments.
pub fn skip_trivia(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at) {
        if is_blank(byte) || is_break(byte) {
            at += 1;
        } else if byte == b'#' {
            at = line_end(bytes, at);
        } else {
            break;
        }
    }
    at
}

/// Whether a document marker (`---` or `...`) stands at an offset that begins a line.
pub fn is_document_marker(bytes: &[u8], at: usize) -> bool {
    bytes
        .get(at..at + 3)
        .is_some_and(|three| (three == b"---" || three == b"...") && is_gap(bytes, at + 3))
}

/// Returns the end of an anchor, an alias or a tag that begins at an offset.
pub fn property_end(bytes: &[u8], from: usize) -> usize {
    if bytes[from..].starts_with(b"!<") {
        let closed = bytes[from..].iter().position(|&byte| byte == b'>');
        return closed.map_or(bytes.len(), |found| from + found + 1);
    }
    let length = bytes[from..]
        .iter()
        .take_while(|&&byte| !is_blank(byte) && !is_break(byte) && !is_flow(byte))
        .count();
    from + length
}

/// Returns the end of a quoted scalar, after its closing quote.
pub fn quoted_end(bytes: &[u8], from: usize) -> Option<usize> {
    let quote = *bytes.get(from)?;
    let mut at = from + 1;
    loop {
        match bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            &byte if byte == quote => {
                if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') {
                    at += 2;
                } else {
                    return Some(at + 1);
                }
            }
            _ => at += 1,
        }
    }
}

/// Returns the end of a plain scalar, given what it decodes to.
///
/// Folding changes only white space, and a plain scalar neither begins nor ends with any: the last of its
/// other characters ends it. `None` if the text does not spell the value.
pub fn plain_end(bytes: &[u8], from: usize, value: &str) -> Option<usize> {
    let whole = from + value.len();
    if bytes.get(from..whole) == Some(value.as_bytes()) {
        return Some(whole);
    }
    let white = |byte: u8| is_blank(byte) || is_break(byte);
    let mut at = from;
    for wanted in value.bytes().filter(|&byte| !white(byte)) {
        while bytes.get(at).is_some_and(|&byte| white(byte)) {
            at += 1;
        }
        if bytes.get(at) != Some(&wanted) {
            return None;
        }
        at += 1;
    }
    Some(at)
}

/// Returns the end of a block scalar, given where its `|` or `>` stands and its content's indentation.
///
/// The end is the beginning of the line after its last content line; with `+` also after the blank lines
/// that follow. Without content (`indent` is `None`) it is the line after the header.
pub fn block_scalar_end(bytes: &[u8], header: usize, indent: Option<usize>) -> usize {
    let content = next_line(bytes, header);
    let keep = bytes[header..line_end(bytes, header)]
        .iter()
        .take_while(|&&byte| !is_blank(byte))
        .any(|&byte| byte == b'+');
    let mut at = content;
    let mut last = content;
    while at < bytes.len() {
        let limit = indent.unwrap_or(usize::MAX);
        let spaces = bytes[at..]
            .iter()
            .take(limit)
            .take_while(|&&byte| byte == b' ')
            .count();
        let rest = at + spaces;
        let blank = bytes.get(rest).is_none_or(|&byte| is_break(byte));
        if !blank && (spaces < limit || (limit == 0 && is_document_marker(bytes, at))) {
            break;
        }
        at = next_line(bytes, rest);
        if !blank {
            last = at;
        }
    }
    if keep { at } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_scalars_are_found_from_their_starts() {
        assert_eq!(quoted_end(b"'it''s' x", 0), Some(7));
        assert_eq!(quoted_end(br#""a\"b" x"#, 0), Some(6));
        assert_eq!(quoted_end(b"\"open", 0), None);
        assert_eq!(plain_end(b"one\n  two # c", 0, "one two"), Some(9));
        assert_eq!(plain_end(b"one two", 0, "one three"), None);
        assert_eq!(block_scalar_end(b"|\n  a\n\n  b\n\nc", 0, Some(2)), 11);
        assert_eq!(block_scalar_end(b"|+\n  a\n\nc", 0, Some(2)), 8);
        assert_eq!(block_scalar_end(b"|\n\nc", 0, None), 2);
    }

    #[test]
    fn lines_end_with_every_kind_of_break() {
        for (text, next) in [("a\nb", 2), ("a\r\nb", 3), ("a\rb", 2), ("ab", 2)] {
            assert_eq!(next_line(text.as_bytes(), 0), next, "{text:?}");
        }
    }
}
