//! What the action may compute: look-ups, `||`, and `==` and `!=` with a literal. Anything cleverer fails the test.

/// Returns what a value of YAML is to the runner: an expression where it is one, else itself.
pub fn value(text: &str, look_up: impl Fn(&str) -> String) -> String {
    let Some(rest) = text.trim().strip_prefix("${{") else {
        assert!(
            !text.contains("${{"),
            "an expression must be the whole value: {text}"
        );
        return text.to_owned();
    };
    let inner = rest.strip_suffix("}}").unwrap_or(rest);
    assert!(!inner.contains("${{"), "one expression is enough: {text}");
    let mut found = String::new();
    for alternative in inner.trim().split("||") {
        found = look_up(checked(alternative.trim()));
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// Returns whether an `if:` holds.
pub fn condition(text: &str, look_up: impl Fn(&str) -> String) -> bool {
    let (left, right, equal) = match (text.split_once("!="), text.split_once("==")) {
        (Some((left, right)), None) => (left, right, false),
        (None, Some((left, right))) => (left, right, true),
        _ => panic!("a condition must be one comparison: {text}"),
    };
    let literal = right
        .trim()
        .strip_prefix('\'')
        .unwrap()
        .strip_suffix('\'')
        .unwrap();
    // The runner does not tell upper from lower case.
    look_up(checked(left.trim())).eq_ignore_ascii_case(literal) == equal
}

/// A look-up, such as `inputs.app` or `steps.run.outputs.pr-url`.
fn checked(name: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    assert!(
        name.contains('.') && name.chars().all(plain),
        "`{name}` is no plain look-up"
    );
    name
}
