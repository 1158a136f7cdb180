//! A page of Markdown: its fenced blocks, its headings, and the prose around them.

use std::fs;
use std::path::{Path, PathBuf};

/// One page.
#[derive(Debug)]
pub struct Page {
    /// Its path in the repository, with `/`.
    pub name: String,
    /// Its fenced blocks.
    pub blocks: Vec<Block>,
    /// Its lines outside of these, each with its number; a line of a block is empty here.
    pub prose: Vec<String>,
}

/// One fenced block.
#[derive(Debug)]
pub struct Block {
    /// The line of the page that its text begins at.
    pub line: usize,
    /// The language behind its fence.
    pub language: String,
    /// What stands behind the language.
    pub words: String,
    /// Its text, without the indentation of the fence.
    pub text: String,
}

impl Page {
    fn read(name: String) -> Self {
        let text = fs::read_to_string(root().join(&name)).unwrap();
        let mut page = Self {
            name,
            blocks: Vec::new(),
            prose: Vec::new(),
        };
        let mut fence: Option<(usize, String)> = None;
        for (at, line) in text.lines().enumerate() {
            let inside = line.trim_start();
            let indent = line.len() - inside.len();
            match &fence {
                Some((_, end)) if inside == end => {
                    fence = None;
                    page.prose.push(String::new());
                }
                Some((indent, _)) => {
                    let text = &mut page.blocks.last_mut().unwrap().text;
                    text.push_str(line.get(*indent..).unwrap_or_default());
                    text.push('\n');
                    page.prose.push(String::new());
                }
                None if inside.starts_with("```") => {
                    let ticks: String = inside.chars().take_while(|one| *one == '`').collect();
                    let info = &inside[ticks.len()..];
                    let (language, words) = info.split_once(' ').unwrap_or((info, ""));
                    page.blocks.push(Block {
                        line: at + 2,
                        language: language.to_owned(),
                        words: words.to_owned(),
                        text: String::new(),
                    });
                    fence = Some((indent, ticks));
                    page.prose.push(String::new());
                }
                None => page.prose.push(line.to_owned()),
            }
        }
        assert!(fence.is_none(), "{}: a block without an end", page.name);
        page
    }

    /// The parts to which a link may lead, as GitHub, GitLab and mdBook name them.
    pub fn parts(&self) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        for line in &self.prose {
            let Some(title) = line.strip_prefix('#') else {
                continue;
            };
            let title = title.trim_start_matches('#').trim();
            let name: String = title
                .to_lowercase()
                .chars()
                .filter(|one| one.is_alphanumeric() || "_- ".contains(*one))
                .map(|one| if one == ' ' { '-' } else { one })
                .collect();
            let same = parts
                .iter()
                .filter(|part| {
                    part.strip_prefix(&name).is_some_and(|rest| {
                        rest.is_empty() || rest.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok())
                    })
                })
                .count();
            parts.push(if same == 0 { name } else { format!("{name}-{same}") });
        }
        parts
    }

    /// The targets of its links, each with its line.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (at, line) in self.prose.iter().enumerate() {
            let line = without_code(line);
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            links.extend(targets.map(|target| (at + 1, target.to_owned())));
        }
        links
    }

    /// The texts between backticks of its prose, each with its line.
    pub fn code(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, line) in self.prose.iter().enumerate() {
            found.extend(
                line.split('`')
                    .skip(1)
                    .step_by(2)
                    .map(|code| (at + 1, code.to_owned())),
            );
        }
        found
    }
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The pages that a user reads: the README, those of `docs/`, and those beside the examples.
pub fn pages() -> Vec<Page> {
    let mut names = vec!["README.md".to_owned()];
    for folder in ["docs", "examples"] {
        names.extend(files(folder, "md"));
    }
    names.into_iter().map(Page::read).collect()
}

/// The files below a folder whose names end so, with `/`, in order.
pub fn files(folder: &str, end: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            found.extend(files(&name, end));
        } else if entry.path().extension().is_some_and(|one| one == end) {
            found.push(name);
        }
    }
    found.sort();
    found
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
