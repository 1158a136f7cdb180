//! The documents say what is so: those that are generated are current.

mod generated;
mod page;
mod policy_keys;
