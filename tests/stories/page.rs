//! A page that is run: what its fenced blocks ask for, in their order. One in a comment is for the test alone.

/// One fenced block.
#[derive(Debug)]
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// Its lines.
    pub text: String,
    /// The line of the page that it begins at.
    pub line: usize,
    /// How many lines the page has.
    pub lines_of_page: usize,
}

/// What a block is, by the words behind its fence.
#[derive(Debug)]
pub enum Kind {
    /// `sh`: it is run, and has to succeed.
    Run,
    /// `LANGUAGE prints`: what the block before it printed to standard output; `…` stands for anything within a line.
    Prints,
    /// `LANGUAGE save PATH`: a file that a person writes, where the block before it has gone.
    Save(String),
    /// `text tree REPO[:BRANCH]`: all files of a branch.
    Tree(String),
    /// `LANGUAGE file REPO[:BRANCH] PATH`: a file, to the byte.
    File(String, String),
}

/// Reads the blocks of a page. Any other block is for people alone.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(words) = line.strip_prefix("```") else {
            continue;
        };
        let text = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```")
            .flat_map(|line| [line, "\n"])
            .collect();
        let words: Vec<&str> = words.split(' ').collect();
        let kind = match words[..] {
            ["sh"] => Kind::Run,
            [_, "prints"] => Kind::Prints,
            [_, "save", path] => Kind::Save(path.to_owned()),
            ["text", "tree", repo] => Kind::Tree(repo.to_owned()),
            [_, "file", repo, path] => Kind::File(repo.to_owned(), path.to_owned()),
            // One that says what YAML it is, or is for people alone.
            [_] | [_, "values" | "gitlab" | "workflow" | "shown"] => continue,
            _ => panic!("line {}: nobody knows what `{line}` is", at + 1),
        };
        found.push(Block {
            kind,
            text,
            line: at + 1,
            lines_of_page: page.lines().count(),
        });
    }
    found
}

/// Whether a text is what a page shows, where `…` stands for anything within a line.
pub fn is_as_shown(shown: &str, text: &str) -> bool {
    let (shown, text): (Vec<&str>, Vec<&str>) = (shown.lines().collect(), text.lines().collect());
    shown.len() == text.len()
        && shown.iter().zip(text).all(|(shown, line)| {
            let parts: Vec<&str> = shown.split('…').collect();
            let mut rest = line;
            parts.iter().enumerate().all(|(at, part)| {
                let found = match at {
                    0 => rest.starts_with(part).then_some(0),
                    _ if at + 1 == parts.len() => rest.ends_with(part).then(|| rest.len() - part.len()),
                    _ => rest.find(part),
                };
                found.is_some_and(|start| {
                    rest = &rest[start + part.len()..];
                    true
                })
            }) && (parts.len() > 1 || rest.is_empty())
        })
}
