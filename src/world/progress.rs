//! The seam to whoever shows how far a transfer is, and how it goes.

/// Shows how far something is, and how it goes.
pub trait Progress: Send + Sync {
    /// Shows that `done` of `total` is through; a `total` of 0 means unknown. It is called often: what shows it
    /// decides how seldom to draw.
    fn show(&self, stage: &str, done: usize, total: usize);

    /// Tells what only somebody who looks for a fault wants to know. The text holds no secret.
    fn note(&self, text: &str);

    /// Learns of a secret that came up during the run, which nothing that is printed or written may show.
    fn secret(&self, text: &str);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn show(&self, _stage: &str, _done: usize, _total: usize) {}

    fn note(&self, _text: &str) {}

    fn secret(&self, _text: &str) {}
}
