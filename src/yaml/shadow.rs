//! The shadow: a copy of a text, equally long, in which yaml-rust2 reads what go-yaml and libyaml read too.
//!
//! yaml-rust2 refuses a few layouts that real values files have and that Helm reads: a closing bracket, or the second line of a
//! quoted scalar, that is indented no deeper than the key, and a tab after a colon. In the shadow the line breaks (and comments)
//! inside flow collections and quoted scalars are blanked, and so are those tabs. Offsets stay what they are.
//! It is used only for a text that yaml-rust2 refused and that `serde_yaml` reads.

use super::lex;

/// A copy of a text in which some bytes are blanks.
pub struct Shadow {
    /// The copy.
    pub text: String,
    /// Where a line break was blanked, ascending.
    pub joined: Vec<usize>,
}

/// Makes the shadow of a text.
pub fn cast(text: &str) -> Shadow {
    let mut caster = Caster {
        bytes: text.as_bytes().to_vec(),
        joined: Vec::new(),
        at: text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len(),
        key: None,
        line: (0, 0),
    };
    while caster.at < caster.bytes.len() {
        caster.token();
    }
    Shadow {
        text: String::from_utf8(caster.bytes).unwrap_or_default(),
        joined: caster.joined,
    }
}

struct Caster {
    bytes: Vec<u8>,
    joined: Vec<usize>,
    at: usize,
    /// The column of the last key or dash.
    key: Option<usize>,
    /// Up to where line starts were looked for, and the last one found.
    line: (usize, usize),
}

impl Caster {
    /// Steps over one token of block context.
    fn token(&mut self) {
        self.at = lex::skip_trivia(&self.bytes, self.at);
        let from = self.at;
        let Some(&byte) = self.bytes.get(from) else {
            return;
        };
        match byte {
            b'-' | b'?' | b':' if lex::is_gap(&self.bytes, from + 1) => self.indicator(from),
            b'&' | b'!' | b'*' => self.at = lex::property_end(&self.bytes, from).max(from + 1),
            b'"' | b'\'' => {
                self.at = lex::quoted_end(&self.bytes, from).unwrap_or(self.bytes.len());
                self.join(from, self.at);
                self.after_key(from);
            }
            b'[' | b'{' => {
                self.flow();
                self.after_key(from);
            }
            b'|' | b'>' => self.block_scalar(),
            _ => self.plain(from),
        }
    }

    /// Returns the column of an offset; offsets come in ascending order, so that each byte is read once.
    fn column(&mut self, at: usize) -> usize {
        let (seen, start) = self.line;
        let last = self.bytes[seen.min(at)..at]
            .iter()
            .rposition(|&byte| lex::is_break(byte));
        self.line = (at, last.map_or(start, |found| seen + found + 1));
        at.saturating_sub(self.line.1)
    }

    fn indicator(&mut self, from: usize) {
        if self.bytes[from] != b':' {
            self.key = Some(self.column(from));
        }
        self.at = from + 1;
        while self.bytes.get(self.at).is_some_and(|&byte| lex::is_blank(byte)) {
            self.bytes[self.at] = b' ';
            self.at += 1;
        }
    }

    fn after_key(&mut self, from: usize) {
        let colon = lex::skip_blanks(&self.bytes, self.at);
        if self.bytes.get(colon) == Some(&b':') && lex::is_gap(&self.bytes, colon + 1) {
            self.key = Some(self.column(from));
            self.indicator(colon);
        }
    }

    fn plain(&mut self, from: usize) {
        let end = lex::line_end(&self.bytes, from);
        let stop = (from..end).find(|&at| match self.bytes[at] {
            b':' => lex::is_gap(&self.bytes, at + 1),
            b'#' => at > from && lex::is_blank(self.bytes[at - 1]),
            _ => false,
        });
        self.at = stop.unwrap_or(end);
        self.after_key(from);
    }

    /// Steps over a block scalar: all lines that are blank or indented deeper than its key.
    fn block_scalar(&mut self) {
        self.at = lex::next_line(&self.bytes, self.at);
        let least = self.key.map_or(0, |column| column + 1);
        while self.at < self.bytes.len() {
            let spaces = self.bytes[self.at..]
                .iter()
                .take_while(|&&byte| byte == b' ')
                .count();
            let blank = self
                .bytes
                .get(self.at + spaces)
                .is_none_or(|&byte| lex::is_break(byte));
            if !blank && spaces < least {
                break;
            }
            self.at = lex::next_line(&self.bytes, self.at + spaces);
        }
    }

    /// Steps over a flow collection, blanking its line breaks and comments.
    fn flow(&mut self) {
        let mut depth = 0_usize;
        while let Some(&byte) = self.bytes.get(self.at) {
            let from = self.at;
            let fresh = from == 0
                || matches!(
                    self.bytes[from - 1],
                    b'[' | b'{' | b',' | b':' | b' ' | b'\t' | b'\n' | b'\r'
                );
            self.at += 1;
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b'"' | b'\'' if fresh => {
                    self.at = lex::quoted_end(&self.bytes, from).unwrap_or(self.bytes.len());
                    self.join(from, self.at);
                }
                b'#' if fresh => {
                    self.at = lex::line_end(&self.bytes, from);
                    self.bytes[from..self.at].fill(b' ');
                }
                _ if lex::is_break(byte) => self.join(from, self.at),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }

    fn join(&mut self, from: usize, to: usize) {
        for at in from..to.min(self.bytes.len()) {
            if lex::is_break(self.bytes[at]) {
                self.bytes[at] = b' ';
                self.joined.push(at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cast;

    #[test]
    fn only_breaks_inside_brackets_and_quotes_and_tabs_after_colons_are_blanked() {
        for (text, shadow) in [
            ("a: [\n  x, # y\n]\nb: 1\n", "a: [   x,     ]\nb: 1\n"),
            ("m:\n  a: 'one\n  two'\n", "m:\n  a: 'one   two'\n"),
            ("a:\tb\n", "a: b\n"),
            ("a: |\n  [\n  'x\nb: c\n", "a: |\n  [\n  'x\nb: c\n"),
            ("a: it's # [\nb: 'c'\n", "a: it's # [\nb: 'c'\n"),
        ] {
            assert_eq!(cast(text).text, shadow);
        }
    }
}
