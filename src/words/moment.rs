//! Moments as users write them.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::fault::Fault;
use super::wording::shown;

/// Reads a moment: RFC 3339, or a date at 00:00 UTC.
///
/// # Errors
/// `Invalid` for what is neither.
pub fn parse(text: &str) -> Result<Timestamp, Fault> {
    read(text).ok_or_else(|| {
        Fault::invalid(format!(
            "`{}` is neither a date nor an RFC 3339 time",
            shown(text)
        ))
        .hint("write `2026-12-20` or `2026-12-20T18:00:00Z`")
    })
}

/// Reads a moment as [`parse`] does, or a time before `now`: `2w`, `36h`, `2 weeks ago`.
pub fn parse_before(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(moment) = read(text) {
        return Some(moment);
    }
    let span: Span = text.trim().parse().ok()?;
    let before = now.to_zoned(TimeZone::UTC).checked_sub(span.abs()).ok()?;
    Some(before.timestamp())
}

fn read(text: &str) -> Option<Timestamp> {
    let date = || -> Option<Timestamp> {
        let ten = text.len() == 10;
        let date: jiff::civil::Date = text.parse().ok().filter(|_| ten)?;
        Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    date().or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_a_time_or_some_time_ago() {
        let now = parse("2026-11-21T12:00:00Z").unwrap();
        for (text, moment) in [
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-01T08:30:00+02:00", "2026-11-01T06:30:00Z"),
            ("2w", "2026-11-07T12:00:00Z"),
            ("36h", "2026-11-20T00:00:00Z"),
            ("2 weeks ago", "2026-11-07T12:00:00Z"),
            ("1mo", "2026-10-21T12:00:00Z"),
        ] {
            assert_eq!(parse_before(text, now), Some(moment.parse().unwrap()), "{text}");
        }
        for bad in ["", "2026-13-01", "soon", "14"] {
            assert!(parse_before(bad, now).is_none(), "{bad}");
        }
        assert!(parse("2w").is_err());
    }
}
