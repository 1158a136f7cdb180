//! What a registry has, asked of a fake that takes no request that a strict registry would refuse, and of a real one.

mod asker;
mod images;
mod logins;
mod real;
mod tags;
mod troubles;
