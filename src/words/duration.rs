//! Durations as users write them.

use std::time::Duration;

use jiff::SignedDuration;

use super::fault::Fault;

/// Reads the duration of a flag: `90s`, `2m`, `1h30m`.
///
/// # Errors
/// `Invalid` for what is none, or is zero.
pub fn parse(flag: &str, text: &str) -> Result<Duration, Fault> {
    let wrong = || {
        Fault::invalid(format!("`{}` is no duration for {flag}", text.escape_debug()))
            .hint("write it as 90s, 2m or 1h30m")
    };
    let span: SignedDuration = text.trim().parse().map_err(|_| wrong())?;
    Duration::try_from(span)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_with_its_units() {
        assert_eq!(parse("--timeout", "1h30m").unwrap(), Duration::from_secs(5400));
        for bad in ["", "5", "0s", "-1m", "soon"] {
            assert!(parse("--timeout", bad).is_err(), "{bad}");
        }
    }
}
