//! Templates: of messages, of folders, of scaffolds. Whatever goes into a hole stays one text there, and no path leaves.
//!
//! An input is a template, and behind a line `%%` a value for its holes.

use std::cell::Cell;

use gitops_steps::steps::scaffold::Template as ScaffoldTemplate;
use gitops_steps::steps::sound;
use gitops_steps::words::folder_template::{FolderFile, FolderTemplate, Values};
use gitops_steps::words::scaffold_manifest::MANIFEST_NAME;
use gitops_steps::words::template::{MESSAGE_NAMES, Part, Template};
use gitops_steps::words::trailers::{Key, Trailers, assemble};
use gitops_steps::words::wording::one_line;
use gitops_steps::yaml::{File, Node};

use super::paths::repo_path;
use super::read;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (template, value) = text.split_once("\n%%\n").unwrap_or((text, "v2"));
    message(template, value);
    path(template, value);
    text_of_a_file(template, value);
    scaffold(template, value);
}

/// A value is put in once, and a message has our trailers and nobody else's.
fn message(template: &str, value: &str) {
    let Some(template) = read(Template::parse(template, MESSAGE_NAMES)) else {
        return;
    };
    let asked = Cell::new(0);
    let text = template.render(|_| {
        asked.set(asked.get() + 1);
        Some(value)
    });
    let line = one_line(value);
    assert!(!line.contains(['\n', '\r']) && !line.chars().any(char::is_control));
    let due = template.parts().iter().map(|part| match part {
        Part::Text(text) => text.as_str(),
        Part::Hole(_) => &line,
    });
    assert_eq!(text, due.collect::<String>());
    let holes = template
        .parts()
        .iter()
        .filter(|part| matches!(part, Part::Hole(_)));
    assert_eq!(asked.get(), holes.count());
    let mut trailers = Trailers::default();
    trailers.add(Key::App, "web");
    trailers.add(Key::SourceActor, value);
    for skip_ci in [false, true] {
        let Some(message) = read(assemble(&text, skip_ci, &trailers)) else {
            continue;
        };
        let found = Trailers::parse(&message);
        for key in Key::ALL {
            let (found, due) = (found.all(key), trailers.all(key));
            assert!(found.eq(due), "{}: {message:?}", key.as_str());
        }
        let subject = message.lines().next().unwrap_or_default();
        assert!(!skip_ci || subject.ends_with("[skip ci]"), "{message:?}");
    }
}

fn values(value: &str) -> Values {
    let both = [("app", value), ("env", "dev")];
    both.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn file(path: &str, text: &str) -> FolderFile<String> {
    FolderFile {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
        executable: false,
    }
}

/// A path with a value in it stays in the repository, and has as many parts as before.
fn path(template: &str, value: &str) {
    let Some(folder) = read(FolderTemplate::parse(vec![file(template, "")], &["app", "env"])) else {
        return;
    };
    let (hostile, plain) = (values(value), values("a"));
    let Some(made) = read(folder.fill(&hostile, &hostile)) else {
        return;
    };
    for file in &made {
        repo_path(file.path.as_str());
    }
    let due = read(folder.fill(&plain, &plain)).unwrap_or_default();
    let parts = |files: &[FolderFile<_>]| -> Vec<usize> {
        let of = |file: &FolderFile<gitops_steps::words::repo_path::RepoPath>| file.path.folders().count();
        files.iter().map(of).collect()
    };
    // A part that is nothing but a value may be empty, and is none then.
    if !value.is_empty() && value != "." && !due.is_empty() {
        assert_eq!(parts(&made), parts(&due), "{template} with {value:?}");
    }
}

/// A YAML file says with a value in it what it says with any other: the same keys, and texts.
fn text_of_a_file(template: &str, value: &str) {
    let Some(folder) = read(FolderTemplate::parse(
        vec![file("x.yaml", template)],
        &["app", "env"],
    )) else {
        return;
    };
    let hostile = values(value);
    let meant = sound::stand_ins(&hostile, &[]);
    let (Some(is), Some(meant)) = (
        read(folder.fill(&hostile, &hostile)),
        read(folder.fill(&meant, &meant)),
    ) else {
        return;
    };
    let longest = template.len() + template.matches('{').count() * value.len().max(3);
    assert!(is[0].bytes.len() <= longest, "it grew");
    if read(sound::check("x.yaml", &is[0].bytes, &meant[0].bytes)).is_none() {
        return;
    }
    if let (Ok(is), Ok(meant)) = (File::parse(&is[0].bytes), File::parse(&meant[0].bytes)) {
        let shapes = |file: &File| file.documents().map(shape).collect::<Vec<_>>();
        assert_eq!(shapes(&is), shapes(&meant), "{template:?} with {value:?}");
    }
}

/// What a reader sees of a node beside its texts.
fn shape(node: Node<'_>) -> String {
    let mut text = format!("{:?}(", node.kind());
    for (key, value) in node.entries() {
        text.push_str(&shape(key));
        text.push_str(&shape(value));
    }
    node.items().for_each(|item| text.push_str(&shape(item)));
    text.push(')');
    text
}

/// A foreign template is read, or refused.
fn scaffold(manifest: &str, path: &str) {
    let files = vec![
        file(MANIFEST_NAME, manifest),
        file("config/{app}/values.yaml", "image: {image}\n"),
        file(&format!("app/{path}"), manifest),
    ];
    if let Some(template) = read(ScaffoldTemplate::of_files(path, files)) {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        assert!(template.name.chars().all(plain) && !template.name.is_empty());
        assert!(template.slots.len() <= 2);
    }
}
