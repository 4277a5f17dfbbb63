//! Whole reports: what stands in them, what never does, how large they become.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bounds;
mod content;
mod flow;
mod hostile;
mod markup;
mod sample;
