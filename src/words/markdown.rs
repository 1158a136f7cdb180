//! Foreign text in Markdown, so that it is shown as it is: no markup, no mention, no link.

/// Returns text that Markdown and HTML show as it is, on one line.
pub fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '@' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

/// Returns foreign text as prose, on one line: Markdown and HTML show it as it is, and forges find no mention, number or
/// address in it.
///
/// A backslash does not keep GitHub or GitLab from a mention, as they look for those in what Markdown leaves: a space of no
/// width behind the sign does.
pub fn prose(text: &str) -> String {
    let text = super::wording::one_line(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        let names = rest
            .peek()
            .is_some_and(|(_, next)| next.is_alphanumeric() || matches!(next, '"' | '_' | '-'));
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '|' | '~' | '#' | '!' | '$' => {
                out.push('\\');
                out.push(character);
            }
            // What begins a list or underlines a heading does so only at the beginning.
            '-' | '+' | '=' if at == 0 => {
                out.push('\\');
                out.push(character);
            }
            '.' | ')' if at > 0 && at == digits => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
        let opens = matches!(character, '#' | '!' | '~' | '%' | '$' | '&') && names;
        let address = (character == ':' && text[at..].starts_with("://"))
            || (character == '.' && at >= 3 && text.as_bytes()[at - 3..at].eq_ignore_ascii_case(b"www"));
        if character == '@' || opens || address {
            out.push_str("&#8203;");
        }
    }
    out
}

/// Returns text as code, on one line, also in a table; forges find no mention and no link in code.
pub fn code(text: &str) -> String {
    let text = super::wording::one_line(text)
        .replace('`', "'")
        .replace('|', "\\|");
    if text.is_empty() {
        return String::new();
    }
    format!("`{text}`")
}

/// Returns an http(s) address as a link, and anything else as text.
pub fn link(address: &str) -> String {
    let web = address.starts_with("https://") || address.starts_with("http://");
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>');
    if web && !address.contains(odd) {
        format!("<{address}>")
    } else {
        inline(address)
    }
}

/// Returns a diff as a block that its own content cannot close, cut after so many bytes.
pub fn fenced(diff: &str, most: usize) -> String {
    let longest = diff
        .split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let mut cut = diff.len().min(most);
    while !diff.is_char_boundary(cut) {
        cut -= 1;
    }
    let note = if cut < diff.len() { "\n… cut" } else { "" };
    format!(
        "{fence}diff\n{}{note}\n{fence}",
        diff[..cut].trim_end_matches('\n')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_text() {
        assert_eq!(inline("<b>\n@ann [x](y)"), "&lt;b&gt; \\@ann \\[x\\](y)");
        assert_eq!(code("a`b|c\nd"), "`a'b\\|c d`");
        assert_eq!(code(""), "");
    }

    #[test]
    fn prose_calls_nobody_and_links_nothing() {
        for (text, shown) in [
            ("fix it, at 50% of 3.5", "fix it, at 50% of 3.5"),
            ("ask @ann or @acme/team", "ask @&#8203;ann or @&#8203;acme/team"),
            (
                "see #12, !3 and a/b#4",
                "see \\#&#8203;12, \\!&#8203;3 and a/b\\#&#8203;4",
            ),
            ("~bug %v1 &7", "\\~&#8203;bug %&#8203;v1 &amp;&#8203;7"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("[x](javascript:y)", "\\[x\\](javascript:y)"),
            (
                "go to https://x.y or www.x.y",
                "go to https:&#8203;//x.y or www.&#8203;x.y",
            ),
            ("- a", "\\- a"),
            ("1. a", "1\\. a"),
            ("12) a", "12\\) a"),
            ("1.2 a", "1\\.2 a"),
            (".", "."),
            ("$x$ `y` __z__", "\\$&#8203;x\\$ \\`y\\` \\_\\_z\\_\\_"),
            ("a\r\n## b\u{1b}[31m\u{202e}", "a \\#\\# b\\[31m"),
            ("ü@ü", "ü@&#8203;ü"),
            ("", ""),
        ] {
            assert_eq!(prose(text), shown, "{text:?}");
        }
    }

    #[test]
    fn a_diff_cannot_close_its_own_block() {
        assert_eq!(fenced("+ ```\n", 100), "````diff\n+ ```\n````");
        assert_eq!(fenced("+äää", 4), "```diff\n+ä\n… cut\n```");
    }
}
