//! Properties of the YAML engine: tables of style × operation × context, and random texts.

use gitops_steps::yaml::{Edit, ErrorKind, File, IfMissing, Node, NodeKind, Operation, Path, Value};
use proptest::prelude::*;

fn edit(path: &str, operation: Operation) -> Edit {
    Edit {
        document: None,
        path: Path::parse(path).expect("a path"),
        operation,
        if_missing: IfMissing::Error,
        allow_shared: false,
    }
}

fn set(path: &str, value: &str) -> Edit {
    let value = Value::String(value.into());
    edit(path, Operation::Set { value })
}

fn create(path: &str, value: &str) -> Edit {
    Edit {
        if_missing: IfMissing::Create,
        ..set(path, value)
    }
}

fn apply(text: &str, edits: &[Edit]) -> Result<String, ErrorKind> {
    let edited = File::parse(text.as_bytes())
        .expect("YAML")
        .apply(edits)
        .map_err(|error| error.kind)?;
    Ok(edited.text)
}

/// How a scalar `old` is written in each style, and how `new` then is.
const STYLES: [(&str, &str); 5] = [
    ("old", "new"),
    ("'old'", "'new'"),
    ("\"old\"", "\"new\""),
    ("&a old", "&a new"),
    ("!t 'old'", "!t 'new'"),
];

/// Surroundings of a value at `a.b` (`@`); everything in them must stay.
const CONTEXTS: [&str; 14] = [
    "a:\n  b: @\n",
    "a:\n  b: @",
    "a:\r\n  b: @ # c\r\n  d: 1\r\n",
    "\u{feff}a:\n  b: @\n",
    "# é\na:\n  é: 1\n  b:   @   # ü\t\n\n\n",
    "a: {b: @}\n",
    "a: { x: 1, b: @ , c: [1,2] }\n",
    "a: {\n  x: 1, # y\n  b: @, # z\n}\n",
    "{\"a\": {\"b\": @}}",
    "a:\n  l:\n  - x\n  b: @\n  s: |\n    b: 1\n",
    "a:\n  b:\n    @\n  c: 1\n",
    "---\na:\n  b: @\n---\nx: 1\n...\n",
    "a:\n  'b': @\n",
    "? a\n: b: @\n",
];

#[test]
fn every_style_stays_in_every_context() {
    for context in CONTEXTS {
        for (old, new) in STYLES {
            let before = context.replace('@', old);
            let after = context.replace(
                '@',
                if context.starts_with('{') && new == "new" {
                    "\"new\""
                } else {
                    new
                },
            );
            let after = if context.starts_with('{') {
                after.replace("'new'", "\"new\"").replace("&a new", "&a \"new\"")
            } else {
                after
            };
            assert_eq!(
                apply(&before, &[set("a.b", "new")]).as_deref(),
                Ok(after.as_str()),
                "{before:?}"
            );
        }
    }
}

#[test]
fn an_entry_that_is_created_and_unset_again_leaves_the_text_as_it_was() {
    for context in CONTEXTS
        .iter()
        .filter(|context| !context.starts_with('?') && !context.contains("---\nx") && context.ends_with('\n'))
    {
        let before = context.replace('@', "old");
        let with = apply(&before, &[create("a.zz", "v")]).unwrap();
        assert_eq!(
            apply(&with, &[edit("a.zz", Operation::Unset)]).unwrap(),
            before,
            "{with:?}"
        );
    }
}

#[test]
fn several_edits_of_one_line_and_one_place_are_all_made() {
    for (before, edits, after) in [
        (
            "a: {x: 1, y: '2', z: 3}\n",
            vec![set("a.x", "p"), set("a.z", "q"), set("a.y", "r")],
            "a: {x: p, y: 'r', z: q}\n",
        ),
        (
            "a:\n  x: 1\n",
            vec![create("a.t", "p"), create("a.z", "q"), create("b", "r")],
            "a:\n  x: 1\n  t: p\n  z: q\nb: r\n",
        ),
        (
            "a: {x: 1}\n",
            vec![create("a.t", "p"), create("a.z", "q")],
            "a: {x: 1, t: p, z: q}\n",
        ),
        (
            "a: b\n",
            vec![create("i[name=x].newTag", "p"), create("i[name=x].newName", "q")],
            "a: b\ni:\n  - name: x\n    newTag: p\n    newName: q\n",
        ),
        (
            "images:\n- name: a\n",
            vec![create("images[name=x].newTag", "p")],
            "images:\n- name: a\n- name: x\n  newTag: p\n",
        ),
        (
            "",
            vec![create("a.b", "1"), create("a.c", "x")],
            "a:\n  b: \"1\"\n  c: x\n",
        ),
        (
            "a:\nb: 1\n",
            vec![create("a.c", "x"), create("a.d", "z")],
            "a:\n  c: x\n  d: z\nb: 1\n",
        ),
        (
            "a: 1\nb: 2\nc: 3\n",
            vec![edit("a", Operation::Unset), edit("c", Operation::Unset)],
            "b: 2\n",
        ),
        (
            "m:\n  a: 1\n  b: 2\n",
            vec![edit("m.a", Operation::Unset), edit("m.b", Operation::Unset)],
            "m: {}\n",
        ),
        (
            "{\"a\": {\"b\": \"x\"}}\n",
            vec![create("a.c", "1.0"), create("d.e", "z")],
            "{\"a\": {\"b\": \"x\", \"c\": \"1.0\"}, \"d\": {\"e\": \"z\"}}\n",
        ),
        (
            "a: x\n",
            vec![set("a", "z"), set("a", "z"), set("/a", "z")],
            "a: z\n",
        ),
    ] {
        assert_eq!(apply(before, &edits).as_deref(), Ok(after), "{before:?}");
    }
}

#[test]
fn edits_that_contradict_each_other_are_refused() {
    for edits in [
        vec![set("a.b", "x"), set("a.b", "y")],
        vec![set("a.b", "x"), set("/a/b", "y")],
        vec![set("a.b", "x"), edit("a", Operation::Unset)],
        vec![edit("a", Operation::Unset), set("a.b", "x")],
    ] {
        assert_eq!(apply("a:\n  b: 1\nc: 2\n", &edits), Err(ErrorKind::Contradiction));
    }
}

#[test]
fn yaml_inside_a_literal_block_is_edited_in_place() {
    let application = "spec:\n  source:\n    helm:\n      values: |\n        # ours\n        image:\n          tag: \"v1\" # é\n\n        x: 1\n    rev: 1\n";
    for (edits, old, new) in [
        (
            vec![set("spec.source.helm.values.image.tag", "v2")],
            "\"v1\"",
            "\"v2\"",
        ),
        (
            vec![create("spec.source.helm.values.image.name", "v")],
            "# é\n",
            "# é\n          name: v\n",
        ),
        (
            vec![create("spec.source.helm.values.w", "v")],
            "        x: 1\n",
            "        x: 1\n        w: v\n",
        ),
        (
            vec![edit("spec.source.helm.values.x", Operation::Unset)],
            "        x: 1\n",
            "",
        ),
        (
            vec![
                set("spec.source.helm.values.image.tag", "v2"),
                set("spec.source.rev", "v3"),
                create("spec.source.helm.values.w", "v"),
            ],
            "\"v1\" # é\n\n        x: 1\n    rev: 1",
            "\"v2\" # é\n\n        x: 1\n        w: v\n    rev: v3",
        ),
    ] {
        let (before, after) = (application, application.replace(old, new));
        assert_eq!(apply(before, &edits).as_deref(), Ok(after.as_str()));
        let crlf = |text: &str| text.replace('\n', "\r\n");
        assert_eq!(apply(&crlf(before), &edits), Ok(crlf(&after)));
    }
    let without_end = "v: |\n  a: 1\n  b: x";
    assert_eq!(
        apply(without_end, &[set("v.b", "z")]).as_deref(),
        Ok("v: |\n  a: 1\n  b: z")
    );
    let file = File::parse(application.as_bytes()).unwrap();
    let tag = file
        .find(None, &Path::parse("spec.source.helm.values.image.tag").unwrap())
        .unwrap();
    assert_eq!((tag.line(), tag.column()), (7, 16));
    assert_eq!(
        tag.path().unwrap().to_string(),
        "spec.source.helm.values.image.tag"
    );
}

/// Else its path would be that of another value, such as the one below an empty key.
#[test]
fn a_value_below_a_key_that_no_path_names_has_no_path_and_no_image() {
    for key in ["[x, y]", "{x: y}", "*a"] {
        let text = format!(
            "a: &a b\n\"\": {{repository: acme/web, tag: v1}}\n? {key}\n: {{repository: acme/web, tag: v2}}\n"
        );
        let file = File::parse(text.as_bytes()).unwrap();
        let root = file.documents().next().unwrap();
        let paths: Vec<_> = root.entries().map(|(_, value)| value.path()).collect();
        assert!(paths[1].is_some() && paths[2].is_none(), "{key}");
        let images = gitops_steps::plan::places::all_images(&file, None);
        let lines: Vec<usize> = images.iter().map(|place| place.line).collect();
        assert_eq!(lines, [2], "{key}");
    }
}

#[test]
fn what_must_be_refused_is_refused_with_its_kind() {
    for (text, edits, kind) in [
        (
            "a: 1\nsops:\n  mac: x\n",
            vec![set("a", "2")],
            ErrorKind::Encrypted,
        ),
        ("a: &x {b: 1}\nc: *x\n", vec![set("c.b", "2")], ErrorKind::Shared),
        ("a: &x {b: 1}\nc: *x\n", vec![set("a.b", "2")], ErrorKind::Shared),
        (
            "a: &x {b: 1}\nc: *x\n",
            vec![edit("a", Operation::Unset)],
            ErrorKind::Shared,
        ),
        ("a: 1\na: 2\n", vec![set("a", "3")], ErrorKind::Duplicate),
        ("a: {b: 1}\n", vec![set("a", "3")], ErrorKind::Shape),
        ("a: 1\n", vec![create("a.b", "3")], ErrorKind::Shape),
        ("a: 1\n---\na: 2\n", vec![set("a", "3")], ErrorKind::Ambiguous),
        (
            "a: [{n: x}, {n: x}]\n",
            vec![set("a[n=x].v", "3")],
            ErrorKind::Ambiguous,
        ),
        ("a: [1]\n", vec![create("a[3]", "3")], ErrorKind::Missing),
        (
            "d: &d {i: {t: 1, u: 2}}\na:\n  <<: *d\n",
            vec![create("a.i.t", "3")],
            ErrorKind::Missing,
        ),
        ("a: [b: 1]\n", vec![create("a[0].c", "3")], ErrorKind::Shape),
    ] {
        assert_eq!(apply(text, &edits), Err(kind), "{text:?}");
    }
}

#[test]
fn deep_nesting_and_alias_bombs_end_in_an_answer() {
    for open in ["[", "{a: ", "- ", "? "] {
        let text = open.repeat(100_000);
        assert!(File::parse(text.as_bytes()).is_err());
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb = format!("{bomb}a{level}: &a{level} [{aliases}]\n");
    }
    let edited = File::parse(format!("{bomb}tag: v1\n").as_bytes())
        .unwrap()
        .apply(&[set("tag", "v2")])
        .unwrap();
    assert!(edited.unproven_by.is_some() && edited.text.ends_with("tag: v2\n"));
}

/// All scalars that a path can name.
fn scalars(file: &File) -> Vec<(usize, Path, String)> {
    fn collect(node: Node<'_>, found: &mut Vec<(usize, Path, String)>) {
        match node.kind() {
            NodeKind::Mapping => node.entries().for_each(|(_, value)| collect(value, found)),
            NodeKind::Sequence => node.items().for_each(|item| collect(item, found)),
            NodeKind::Scalar => {
                if let (Some(path), Some(text), false) = (node.path(), node.text(), node.typed()) {
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

/// A text of lines that are likely to be YAML, and to be odd.
fn texts() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z]{1,4}",
        "'[a-z ]{0,4}'",
        "\"[a-z \\\\n]{0,4}\"",
        Just("|\n    x\n\n    y".to_owned()),
        Just(">-\n    x".to_owned()),
        Just("{a: b, c: 'd'}".to_owned()),
        Just("[x, {y: z}, \"q\"]".to_owned()),
        Just(String::new()),
        Just("# c".to_owned()),
        Just("\n    - k: v\n      w: x\n    - z".to_owned()),
        Just("&a x".to_owned()),
        Just("!t y".to_owned()),
        Just("[\n  x,\n  'y' ]".to_owned()),
        Just("one\n    two".to_owned()),
        Just("'one\n    two'".to_owned()),
        Just("\n    k: v\n    l: 'w'".to_owned()),
    ];
    let line = (
        prop_oneof!["[a-e]", Just("\"k\"".to_owned()), Just("é".to_owned())],
        value,
        prop_oneof![Just(""), Just(" # c"), Just("  ")],
    )
        .prop_map(|(key, value, tail)| {
            if value.contains('\n') {
                format!("{key}: {value}\n")
            } else {
                format!("{key}: {value}{tail}\n")
            }
        });
    (
        prop::collection::vec(line, 0..6),
        prop_oneof![Just("\n"), Just("\r\n")],
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(lines, end, bom, cut)| {
            let text = format!("{}{}", if bom { "\u{feff}" } else { "" }, lines.concat()).replace('\n', end);
            if cut && !text.contains(": |") && !text.contains(": >") {
                text.trim_end_matches(['\r', '\n']).to_owned()
            } else {
                text
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn an_edit_changes_its_value_alone_and_editing_back_restores_the_bytes(text in texts(), pick in any::<prop::sample::Index>(), value in "[ -~é\\n]{0,6}") {
        let Ok(file) = File::parse(text.as_bytes()) else { return Ok(()) };
        let before = scalars(&file);
        if before.is_empty() { return Ok(()) }
        let position = pick.index(before.len());
        let (document, path, old) = &before[position];
        let there = Edit { document: Some(gitops_steps::yaml::Document::Index(*document)), ..set(&path.to_string(), &value) };
        let edited = match file.apply(std::slice::from_ref(&there)) {
            Ok(edited) => edited,
            Err(error) => { prop_assert_eq!(error.kind, ErrorKind::Duplicate, "{}", error); return Ok(()) }
        };
        let mut expected = before.clone();
        expected[position].2.clone_from(&value);
        let after = File::parse(edited.text.as_bytes()).unwrap();
        prop_assert_eq!(scalars(&after), expected);
        prop_assert_eq!(edited.changes.len(), usize::from(*old != value));
        prop_assert_eq!(&after.apply(std::slice::from_ref(&there)).unwrap().text, &edited.text);
        let back = Edit { operation: set("x", old).operation, ..there };
        let restored = after.apply(&[back]).unwrap().text;
        let reread = File::parse(restored.as_bytes()).unwrap();
        prop_assert_eq!(&scalars(&reread), &before);
        if !value.contains('\n') && gitops_simple(&value) && gitops_simple(old) && !text.contains("one") && !text.contains('\\') {
            prop_assert_eq!(restored, text);
        }
    }

    #[test]
    fn creating_and_unsetting_are_proven_or_refused_in_every_text(text in texts(), key in "[a-g]", deep in any::<bool>()) {
        let Ok(file) = File::parse(text.as_bytes()) else { return Ok(()) };
        let path = if deep { format!("{key}.new") } else { key };
        for edit in [create(&path, "v"), edit(&path, Operation::Unset)] {
            if let Err(error) = file.apply(&[edit]) {
                prop_assert_ne!(error.kind, ErrorKind::Unproven, "{}", error);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), odd in "[\\[\\]{}:,?*&!|>'\"%@`#\\- \\n\\r\\ta-bé0-1]{0,40}") {
        let _ = File::parse(&bytes);
        if let Ok(file) = File::parse(odd.as_bytes()) {
            for path in ["a", "a.b", "a[0]", "b"] {
                let _ = file.apply(&[create(path, "x: #")]);
                let _ = file.apply(&[edit(path, Operation::Unset)]);
            }
        }
    }
}

/// Whether a string is spelt in one way only in its style.
fn gitops_simple(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'd'..=b'm' | b'o'..=b'x'))
}
