//! The parts of a file that are generated: between `generated: WHAT` and `generated: end`, each in a comment.
//!
//! All else in the file is written by hand, so that a wrapper reads like any other file of its kind.

/// Returns the text with each of its generated parts as `fill` gives it, indented as the line that begins it is.
///
/// Panics where a part has no end, or an end no part.
pub fn filled(text: &str, fill: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        push(&mut out, line);
        let Some(what) = begun(line) else { continue };
        assert_ne!(what, "end", "a generated part ends that has not begun");
        let indent = &line[..line.len() - line.trim_start().len()];
        for generated in fill(what).lines() {
            let blank = generated.is_empty();
            push(
                &mut out,
                &format!("{}{generated}", if blank { "" } else { indent }),
            );
        }
        let end = lines.find(|line| begun(line) == Some("end"));
        push(
            &mut out,
            end.unwrap_or_else(|| panic!("`generated: {what}` has no end")),
        );
    }
    out
}

/// The name of the part that a line begins, or `end`.
fn begun(line: &str) -> Option<&str> {
    let comment = line.trim();
    let said = comment
        .strip_prefix("# ")
        .or_else(|| comment.strip_prefix("<!-- ")?.strip_suffix(" -->"))?;
    said.strip_prefix("generated: ")
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
