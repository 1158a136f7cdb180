//! The stories of `docs/stories`, each from an empty folder to a production that was rolled back, run as they stand there.
// The blocks are for a shell.
#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests touch the world"
)]

#[path = "../starters/expression.rs"]
mod expression;
mod page;
#[path = "../support/mod.rs"]
mod support;
mod teller;

use support::{github, gitlab};
use teller::{Forge, Teller};

fn at_github() -> Teller {
    Teller::at(Forge::Hub(Box::new(github::Fake::start())))
}

fn at_gitlab() -> Teller {
    Teller::at(Forge::Lab(Box::new(gitlab::Fake::start())))
}

#[test]
fn what_a_page_shows_may_leave_out_a_part_of_a_line() {
    assert!(page::is_as_shown("a … c\n", "a b c\n"));
    assert!(page::is_as_shown("a…\n", "a\n"));
    assert!(!page::is_as_shown("a\n", "ab\n"));
    assert!(!page::is_as_shown("a … c\n", "a b d\n"));
    assert!(!page::is_as_shown("a\n", "a\nb\n"));
}
