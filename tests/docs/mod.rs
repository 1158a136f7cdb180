//! The documents say what is so: those that are generated are current, their links lead somewhere, and what they show to be
//! typed or written is taken by the program.

mod book;
mod commands;
mod generated;
mod messages;
mod page;
mod policy_keys;
mod shell;
mod yaml;
