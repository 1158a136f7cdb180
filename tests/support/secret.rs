//! No run may print a secret, in whatever form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What every token of the tests holds; `tests/house.rs` checks that. It looks the same when it is URL-encoded.
pub const MARK: &str = "s3cret";

/// Checks that a text that was printed holds no token, raw, URL-encoded or in base64 at any of its three alignments.
#[track_caller]
pub fn is_absent(printed: &str) {
    assert!(!printed.contains(MARK), "a token was printed:\n{printed}");
    for before in 0..3 {
        let text = format!("{}{MARK}", " ".repeat(before));
        let encoded = STANDARD_NO_PAD.encode(&text);
        // Only the characters that are made of nothing but the mark.
        let inner = &encoded[(before * 8).div_ceil(6)..text.len() * 8 / 6];
        assert!(
            !printed.contains(inner),
            "a token was printed in base64:\n{printed}"
        );
    }
}
