//! The engine, over bytes and edits: what is located is what is there, and an edit changes what it says and no more.
//!
//! An input is a YAML file. Before a line `%%` there may stand edits, one a line: `set PATH=VALUE`, `create PATH=VALUE`,
//! `json PATH=JSON`, `unset PATH`, each with `!` before it where a shared value may change. Without them, values that
//! stand there are set.

use gitops_steps::yaml::{
    Document, Edit, Edited, Error, ErrorKind, File, IfMissing, Node, NodeKind, Operation, Path, Segment,
    Value, split_assignment,
};

use super::is_plain;

/// How many scalars are looked for, and edited.
const LOOKED_AT: usize = 40;
/// How many edits are read.
const EDITS: usize = 8;

/// A scalar, and where it stands.
type Scalar = (usize, Path, String);

pub fn check(data: &[u8]) {
    let (edits, text) = parts(data);
    let file = match File::parse(text) {
        Ok(file) => file,
        Err(error) => return may_be_told(&error, text),
    };
    assert_eq!(file.text().as_bytes(), text, "the text that was read");
    let scalars = scalars(&file);
    for scalar in scalars.iter().take(LOOKED_AT) {
        is_found(&file, scalar);
    }
    if !edits.is_empty() {
        return edited(&file, &edits);
    }
    for position in [0, scalars.len() / 2, scalars.len().saturating_sub(1)] {
        for value in ["v2", "1.10", "x: #", "a\nb", ""] {
            one_value_changes(&file, &scalars, position, value);
        }
    }
}

/// The edits and the file of an input.
fn parts(data: &[u8]) -> (Vec<Edit>, &[u8]) {
    const MARK: &[u8] = b"\n%%\n";
    let cut = data.windows(MARK.len()).position(|window| window == MARK);
    let Some((head, text)) = cut.map(|at| (&data[..at], &data[at + MARK.len()..])) else {
        return (Vec::new(), data);
    };
    match std::str::from_utf8(head) {
        Ok(head) => (head.lines().filter_map(edit).take(EDITS).collect(), text),
        Err(_) => (Vec::new(), data),
    }
}

fn edit(line: &str) -> Option<Edit> {
    let (allow_shared, line) = line.strip_prefix('!').map_or((false, line), |line| (true, line));
    let (verb, rest) = line.split_once(' ')?;
    let (path, operation) = match verb {
        "unset" => (rest, Operation::Unset),
        "json" => {
            let (path, json) = split_assignment(rest).ok()?;
            let value = Value::Json(serde_json::from_str(json).ok()?);
            (path, Operation::Set { value })
        }
        "set" | "create" => {
            let (path, value) = split_assignment(rest).ok()?;
            let value = Value::String(value.replace("\\n", "\n"));
            (path, Operation::Set { value })
        }
        _ => return None,
    };
    Some(Edit {
        document: None,
        path: Path::parse(path).ok()?,
        operation,
        if_missing: if verb == "create" {
            IfMissing::Create
        } else {
            IfMissing::Error
        },
        allow_shared,
    })
}

/// All scalars that a path names.
fn scalars(file: &File) -> Vec<Scalar> {
    fn collect(node: Node<'_>, found: &mut Vec<Scalar>) {
        match node.kind() {
            NodeKind::Mapping => node.entries().for_each(|(_, value)| collect(value, found)),
            NodeKind::Sequence => node.items().for_each(|item| collect(item, found)),
            NodeKind::Scalar => {
                if let (Some(path), Some(text)) = (node.path(), node.text()) {
                    found.push((node.document(), path, text.to_owned()));
                }
            }
            NodeKind::Alias => {}
        }
    }
    let mut found = Vec::new();
    file.documents().for_each(|root| collect(root, &mut found));
    found
}

/// A path that is told leads back to its value.
fn is_found(file: &File, (document, path, text): &Scalar) {
    let written = path.to_string();
    assert_eq!(Path::parse(&written).as_ref(), Ok(path), "{written}");
    match file.find(Some(&Document::Index(*document)), path) {
        Ok(node) => assert_eq!(node.text(), Some(text.as_str()), "{written}"),
        // Where a key stands twice, or is a merge's, no path may choose.
        Err(error) => assert!(
            matches!(
                error.kind,
                ErrorKind::Duplicate | ErrorKind::Missing | ErrorKind::Ambiguous
            ),
            "{written}: {error}"
        ),
    }
}

/// A value is set; all the others stay, and setting it again changes nothing.
fn one_value_changes(file: &File, scalars: &[Scalar], position: usize, value: &str) {
    let Some((document, path, old)) = scalars.get(position) else {
        return;
    };
    let edit = Edit {
        document: Some(Document::Index(*document)),
        path: path.clone(),
        operation: Operation::Set {
            value: Value::String(value.to_owned()),
        },
        if_missing: IfMissing::Error,
        allow_shared: false,
    };
    let made = match file.apply(std::slice::from_ref(&edit)) {
        Ok(made) => made,
        Err(error) => return may_be_told(&error, file.text().as_bytes()),
    };
    let after = reread(&made);
    let mut due = scalars.to_vec();
    value.clone_into(&mut due[position].2);
    assert_eq!(self::scalars(&after), due, "{path} := {value:?}");
    assert!(made.changes.len() <= 1 && (made.changes.len() == 1 || old == value));
    let again = after.apply(&[edit]);
    assert_eq!(again.map(|again| again.text), Ok(made.text), "the same again");
}

/// Any edits are made and proven, or refused.
fn edited(file: &File, edits: &[Edit]) {
    let made = match file.apply(edits) {
        Ok(made) => made,
        Err(error) => return may_be_told(&error, file.text().as_bytes()),
    };
    let after = reread(&made);
    assert_eq!(
        made.changes.is_empty(),
        made.text == file.text(),
        "{:?}",
        made.changes
    );
    assert!(after.documents().len() >= file.documents().len());
    let asked: usize = edits.iter().map(|edit| format!("{edit:?}").len()).sum();
    let lines = 1 + made.text.lines().count();
    assert!(
        made.text.len() <= file.text().len() + asked * 160 + lines * 2,
        "it grew"
    );
    // An index or a value of a list may mean something else the second time.
    let stays = |segment: &Segment| matches!(segment, Segment::Key(key) if key.parse::<usize>().is_err());
    let settles = |edit: &Edit| edit.operation != Operation::Unset && edit.path.segments().iter().all(stays);
    if edits.iter().all(settles) {
        let again = after.apply(edits);
        assert_eq!(again.map(|again| again.text), Ok(made.text), "the same again");
    }
}

fn reread(made: &Edited) -> File {
    File::parse(made.text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {:?}", made.text))
}

/// A refusal is plain, and lies in the file. What cannot be proven is one too: of very odd files nothing more is promised.
fn may_be_told(error: &Error, text: &[u8]) {
    is_plain(&error.message, error.hint.as_deref());
    let lines = 2 + text.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    assert!(error.line <= lines, "line {} of {lines}", error.line);
}
