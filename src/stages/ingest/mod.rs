//! Bytes become tables.

pub mod join;
pub mod read;
pub mod union;
