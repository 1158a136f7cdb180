//! The terminal that standard output goes to.

/// Returns how many columns it has; `None` where standard output is no terminal.
pub fn width() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(usize::from(width.0))
}
