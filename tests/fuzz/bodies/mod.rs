//! What has to hold of any bytes, by what reads them. `fuzz/` looks for bytes for which it does not, and `tests/fuzz`
//! tries those that are kept.

pub mod answers;
pub mod engine;
pub mod events;
pub mod images;
pub mod paths;
pub mod policy;
pub mod templates;

use gitops_steps::words::fault::Fault;

/// Checks one input.
pub type Body = fn(&[u8]);

/// Every target by its name: of `fuzz/fuzz_targets`, and of its folder in `fuzz/corpus`.
pub const TARGETS: [(&str, Body); 7] = [
    ("answers", answers::check),
    ("engine", engine::check),
    ("events", events::check),
    ("images", images::check),
    ("paths", paths::check),
    ("policy", policy::check),
    ("templates", templates::check),
];

/// The most characters of a message: what is foreign in it is cut.
const MESSAGE_MAX: usize = 4096;

/// Checks that a message steers no terminal and floods no log, whatever the input was.
fn is_plain(message: &str, hint: Option<&str>) {
    for text in [Some(message), hint].into_iter().flatten() {
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(
            text.chars().count() <= MESSAGE_MAX,
            "{} characters: {:.200}",
            text.len(),
            text
        );
    }
}

/// Returns what was read, once the message of what could not be is known to be plain.
fn read<T>(read: Result<T, Fault>) -> Option<T> {
    read.map_err(|fault| is_plain(&fault.message, fault.hint.as_deref()))
        .ok()
}
