//! Reads a script as a shell does, as far as the documents go: which commands it calls, with which words.

/// What stands for a value that a document leaves to the reader, or that only a run would know.
const FILLED: &str = "value";

/// Returns the words of each simple command of a script; `$NAME` and `$(…)` are filled, the commands within `$(…)` are told too.
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let mut reader = Reader {
        rest: without_documents(&script.replace("\\\n", " ")).chars().collect(),
        found: Vec::new(),
        words: Vec::new(),
        word: None,
    };
    reader.rest.reverse();
    reader.read();
    reader.found
}

/// A script without what it feeds to commands by `<<`.
fn without_documents(script: &str) -> String {
    let mut kept = String::new();
    let mut end: Option<String> = None;
    for line in script.lines() {
        match &end {
            Some(word) if line.trim() == word => end = None,
            Some(_) => {}
            None => {
                let line = match line.split_once("<<") {
                    Some((before, after)) if !after.starts_with('<') => {
                        let word: String = after
                            .trim_start_matches(['-', '\'', '"', ' '])
                            .chars()
                            .take_while(|one| one.is_alphanumeric() || *one == '_')
                            .collect();
                        end = Some(word);
                        before
                    }
                    _ => line,
                };
                kept.push_str(line);
                kept.push('\n');
            }
        }
    }
    kept
}

struct Reader {
    /// What is still to be read, backwards.
    rest: Vec<char>,
    found: Vec<Vec<String>>,
    words: Vec<String>,
    word: Option<String>,
}

impl Reader {
    fn read(&mut self) {
        while let Some(one) = self.rest.pop() {
            match one {
                '\\' => {
                    let next = self.rest.pop().unwrap_or_default();
                    self.push(next);
                }
                '\'' => {
                    self.word.get_or_insert_default();
                    while let Some(one) = self.rest.pop().filter(|one| *one != '\'') {
                        self.push(one);
                    }
                }
                '"' => self.quoted(),
                '$' => self.dollar(),
                '#' if self.word.is_none() => while self.rest.pop_if(|one| *one != '\n').is_some() {},
                '>' | '<' => self.redirection(),
                '\n' | ';' | '|' | '&' | '(' | ')' => self.end_command(),
                one if one.is_whitespace() => self.end_word(),
                one => self.push(one),
            }
        }
        self.end_command();
    }

    fn push(&mut self, one: char) {
        self.word.get_or_insert_default().push(one);
    }

    fn quoted(&mut self) {
        self.word.get_or_insert_default();
        while let Some(one) = self.rest.pop() {
            match one {
                '"' => return,
                '\\' => {
                    let next = self.rest.pop().unwrap_or_default();
                    self.push(next);
                }
                '$' => self.dollar(),
                one => self.push(one),
            }
        }
    }

    /// Fills what stands behind a dollar.
    fn dollar(&mut self) {
        match self.rest.last() {
            Some('(') => {
                let inner = self.within('(', ')');
                self.found.extend(commands(&inner[1..]));
                self.fill();
            }
            Some('{') => {
                self.within('{', '}');
                self.fill();
            }
            Some(one) if one.is_alphanumeric() || "_?@#*!".contains(*one) => {
                self.rest.pop();
                while self
                    .rest
                    .pop_if(|one| one.is_alphanumeric() || *one == '_')
                    .is_some()
                {}
                self.fill();
            }
            _ => self.push('$'),
        }
    }

    fn fill(&mut self) {
        self.word.get_or_insert_default().push_str(FILLED);
    }

    /// Takes all up to the bracket that closes the next one, and returns it without that.
    fn within(&mut self, open: char, close: char) -> String {
        let mut depth = 0_usize;
        let mut taken = String::new();
        while let Some(one) = self.rest.pop() {
            if one == open {
                depth += 1;
            }
            if one == close {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            taken.push(one);
        }
        taken
    }

    /// Passes over where a command's output goes, or its input comes from.
    fn redirection(&mut self) {
        if self
            .word
            .as_ref()
            .is_some_and(|word| word.chars().all(|one| one.is_ascii_digit()))
        {
            self.word = None;
        }
        self.end_word();
        while self.rest.pop_if(|one| "<>& ".contains(*one)).is_some() {}
        let words = std::mem::take(&mut self.words);
        while let Some(one) = self.rest.last().copied() {
            match one {
                ' ' | '\n' | ';' | '|' | '&' | ')' => break,
                '"' => {
                    self.rest.pop();
                    self.quoted();
                }
                '$' => {
                    self.rest.pop();
                    self.dollar();
                }
                one => {
                    self.rest.pop();
                    self.push(one);
                }
            }
        }
        self.word = None;
        self.words = words;
    }

    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        let is_before = |word: &String| {
            let keyword = [
                "if", "then", "else", "while", "until", "do", "!", "time", "exec", "env", "{",
            ];
            let is_assignment = word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.chars().all(|one| one.is_alphanumeric() || one == '_')
            });
            keyword.contains(&word.as_str()) || is_assignment
        };
        let words: Vec<String> = words.into_iter().skip_while(is_before).collect();
        if !words.is_empty() {
            self.found.push(words);
        }
    }
}

#[test]
fn a_script_is_read_as_a_shell_reads_it() {
    let script = "\
# a comment
A=1 gitops-steps check --remote 2>&1 | tee 'a b' >/dev/null
if ! tag=\"$(gitops-steps resolve-image --image \"x:$Y\")\"; then echo no; fi
gitops-steps bump-values \\
  --set 'a=b c' --set a\\ b=${C:-d} -- x
cat > file <<'END'
gitops-steps nonsense
END
";
    let mut found = commands(script);
    found.retain(|words| words[0] == "gitops-steps");
    let found: Vec<String> = found.iter().map(|words| words.join("|")).collect();
    assert_eq!(
        found,
        [
            "gitops-steps|check|--remote",
            "gitops-steps|resolve-image|--image|x:value",
            "gitops-steps|bump-values|--set|a=b c|--set|a b=value|--|x",
        ]
    );
}
