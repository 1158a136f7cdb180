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
    fn a_diff_cannot_close_its_own_block() {
        assert_eq!(fenced("+ ```\n", 100), "````diff\n+ ```\n````");
        assert_eq!(fenced("+äää", 4), "```diff\n+ä\n… cut\n```");
    }
}
