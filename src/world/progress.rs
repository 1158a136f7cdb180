//! The seam to whoever shows how far a transfer is.

/// Shows how far something is. It is called often: what shows it decides how seldom to draw.
pub trait Progress: Send + Sync {
    /// Shows that `done` of `total` is through; a `total` of 0 means unknown.
    fn show(&self, stage: &str, done: usize, total: usize);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn show(&self, _stage: &str, _done: usize, _total: usize) {}
}
