//! The table from a failure to its exit code.

use crate::words::fault::{Fault, Kind};

/// Returns the documented exit code of a kind of failure.
pub fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Invalid => 2,
        Kind::NotFound => 3,
        Kind::Refused => 4,
        Kind::Denied => 5,
        Kind::GaveUp => 6,
        Kind::Failed => 7,
    }
}

/// A failure as a user reads it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The fault at the end of the chain; of kind `Internal` where there is none.
    pub fault: Fault,
    /// What was being done and why it failed, in one line.
    pub message: String,
}

impl From<&anyhow::Error> for Failure {
    fn from(error: &anyhow::Error) -> Self {
        let fault = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Fault>())
            .cloned();
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        let fault = fault.unwrap_or_else(|| {
            Fault::new(Kind::Internal, message.clone())
                .hint("this may be a bug: please report it with the command line and this message")
        });
        Self { fault, message }
    }
}

impl Failure {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        code(self.fault.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_message_says_what_was_done_and_then_why_it_failed() {
        let error = Err::<(), _>(Fault::invalid("no such key").at("a.yaml", 3, 5).hint("try b"))
            .context("cannot edit `a.yaml`")
            .unwrap_err();
        let failure = Failure::from(&error);
        assert_eq!(failure.message, "cannot edit `a.yaml`: a.yaml:3:5: no such key");
        assert_eq!(failure.code(), 2);
        assert_eq!(failure.fault.hint.as_deref(), Some("try b"));
    }

    #[test]
    fn what_is_no_fault_is_an_internal_failure() {
        let failure = Failure::from(&anyhow::anyhow!("odd"));
        assert_eq!((failure.code(), failure.message.as_str()), (1, "odd"));
    }
}
