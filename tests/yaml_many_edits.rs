//! Several edits in one run: every path means the text as it was, and nothing odd is made.

use gitops_steps::yaml::{Edit, ErrorKind, File, IfMissing, Operation, Path, Value};
use proptest::prelude::*;

fn edit(spec: &str) -> Edit {
    let (path, operation) = match spec.split_once(":=") {
        Some((path, value)) => (
            path,
            Operation::Set {
                value: Value::String(value.into()),
            },
        ),
        None => (spec, Operation::Unset),
    };
    Edit {
        document: None,
        path: Path::parse(path).unwrap(),
        operation,
        if_missing: IfMissing::Create,
        allow_shared: false,
    }
}

fn apply(text: &str, edits: &[&str]) -> Result<String, ErrorKind> {
    let edits: Vec<Edit> = edits.iter().map(|spec| edit(spec)).collect();
    File::parse(text.as_bytes())
        .unwrap()
        .apply(&edits)
        .map(|edited| edited.text)
        .map_err(|error| error.kind)
}

#[test]
fn indices_and_filters_mean_the_list_as_it_was() {
    for (text, edits, expected) in [
        ("x: [a, b, c, d]\n", &["x[0]", "x[1]"][..], "x: [c, d]\n"),
        ("x:\n- a\n- b\n- c\n", &["x[0]", "x[1]"], "x:\n- c\n"),
        (
            "{\"x\": [\"a\", \"b\", \"c\"]}\n",
            &["x[0]", "x[1]"],
            "{\"x\": [\"c\"]}\n",
        ),
        ("x: [a, b, c, d]\n", &["/x/1", "/x/2"], "x: [a, d]\n"),
        ("x: [a, b, c, d]\n", &["x[2]", "x[0]", "x[1]"], "x: [d]\n"),
        ("x: [a, b]\n", &["x[0]", "x.0"], "x: [b]\n"),
        ("x:\n- a\n- b\n", &["x[0]", "x[1]"], "x: []\n"),
        ("x: [a, b]\n", &["x[0]", "x[1]"], "x: []\n"),
        ("x: [a, b]\n", &["x[0]", "x[1]", "x[2]:=c"], "x: [c]\n"),
        (
            "x: [{k: 1, z: 1}, {k: 2, z: 2}, {k: 3, z: 3}]\n",
            &["x[0]", "x[1]", "x[2].k:=Q"],
            "x: [{k: Q, z: 3}]\n",
        ),
        (
            "x:\n- a: 1\n- a: 2\n- a: 3\n",
            &["x[0]", "x[1].p.m:=Q", "x[1].p.o:=P"],
            "x:\n- a: 2\n  p:\n    m: Q\n    o: P\n- a: 3\n",
        ),
        (
            "x: [{}, {}, {}]\n",
            &["x[0]", "x[1].p:=Q", "x[1].o:=P"],
            "x: [{p: Q, o: P}, {}]\n",
        ),
        (
            "x:\n- n: a\n- n: b\n",
            &["x[n=a].n:=c", "x[n=a].q.v:=e", "x[n=a].q.w:=f"],
            "x:\n- n: c\n  q:\n    v: e\n    w: f\n- n: b\n",
        ),
        (
            "v: |\n  x: [a, b, c]\n",
            &["v.x[0]", "v.x[1]"],
            "v: |\n  x: [c]\n",
        ),
    ] {
        assert_eq!(apply(text, edits).as_deref(), Ok(expected), "{text} {edits:?}");
    }
}

#[test]
fn a_place_inside_of_what_goes_is_a_contradiction() {
    for (text, edits) in [
        ("a:\n  b: 1\n", &["a.z:=v", "a"][..]),
        ("a:\n  b: 1\nc: 1\n", &["a", "a.z.y:=v"]),
        ("x: [{k: 1}, {k: 2}]\n", &["x[1]", "x[0]", "x[0].k:=2"]),
        ("x: [{k: 1}, {k: 2}]\n", &["x[0].n:=1", "x[0].m:=2", "x[0]"]),
    ] {
        assert_eq!(
            apply(text, edits),
            Err(ErrorKind::Contradiction),
            "{text} {edits:?}"
        );
    }
}

#[test]
fn what_edits_would_lose_or_put_elsewhere_is_refused() {
    for (text, edits, kind) in [
        (
            "x:\n- n: a\n- n: z\n",
            &["x[n=a].n:=b", "x[n=c].v:=p", "x[n=b].v:=q"][..],
            ErrorKind::Unproven,
        ),
        ("x: [a]\n", &["x.1:=p", "x[1]:=q"], ErrorKind::Contradiction),
        ("x:\n- a\n", &["x.1:=p", "x[1]:=q"], ErrorKind::Contradiction),
        ("a: {}\n", &["a.k.m:=p", "/a/k:=q"], ErrorKind::Contradiction),
    ] {
        assert_eq!(apply(text, edits), Err(kind), "{text} {edits:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What stays, and what it says, is what a list would hold after the same edits by index.
    #[test]
    fn any_mix_of_sets_and_removals_is_that_of_a_plain_list(
        actions in prop::collection::vec(0..3_u8, 1..8),
        flow in any::<bool>(),
        backwards in any::<bool>(),
    ) {
        let items: Vec<String> = (0..actions.len()).map(|index| format!("i{index}")).collect();
        let text = if flow {
            format!("x: [{}]\n", items.iter().map(|item| format!("{{k: {item}}}")).collect::<Vec<_>>().join(", "))
        } else {
            format!("x:\n- k: {}\n", items.join("\n- k: "))
        };
        let mut edits: Vec<Edit> = Vec::new();
        let mut kept = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            match action {
                0 => kept.push((format!("i{index}"), None)),
                1 => edits.push(edit(&format!("x[{index}]"))),
                _ => {
                    edits.push(edit(&format!("x[{index}].k:=new{index}")));
                    edits.push(edit(&format!("x[{index}].m:=more{index}")));
                    kept.push((format!("new{index}"), Some(format!("more{index}"))));
                }
            }
        }
        if backwards {
            edits.reverse();
        }
        let edited = File::parse(text.as_bytes()).unwrap().apply(&edits).unwrap();
        let after = File::parse(edited.text.as_bytes()).unwrap();
        let list = after.documents().next().unwrap().get("x").unwrap();
        let read: Vec<(String, Option<String>)> = list
            .items()
            .map(|item| {
                let text = |key| item.get(key).and_then(gitops_steps::yaml::Node::text).map(str::to_owned);
                (text("k").unwrap(), text("m"))
            })
            .collect();
        prop_assert_eq!(read, kept);
    }
}

#[test]
fn what_readers_would_take_for_something_else_is_refused() {
    for (text, edits) in [
        ("a:\n  b: |\n    x", &["a.z:=v"][..]),
        ("c: {}\n", &["c.\"<<\":=v"]),
        ("c: !!int 1\n", &["c:=2"]),
    ] {
        assert_eq!(apply(text, edits), Err(ErrorKind::Shape), "{text} {edits:?}");
    }
    assert_eq!(
        apply("a:\n  b: |-\n    x", &["a.z:=v"]).as_deref(),
        Ok("a:\n  b: |-\n    x\n  z: v")
    );
    assert_eq!(
        apply("c: !!str 1\n", &["c:=2"]).as_deref(),
        Ok("c: !!str \"2\"\n")
    );
}
