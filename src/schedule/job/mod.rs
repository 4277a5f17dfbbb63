//! Job files: what is to be run, when, with which parameters, and what becomes of the end.
//!
//! ```text
//! jobs/NAME.yaml --read--> Definition --fill(occasion)--> parameters of a run
//!       |                     |-- schedule: Trigger          when it is due by time
//!       |                     |-- files: Watch               when files have changed
//!       '-- Folder: looks     '-- partitions: Partitions     what a run is for
//! ```
//!
//! A text is read from the folder that is served ([`Folder`], [`read`]) or from the database ([`recall`]); everything that is wrong with it is found
//! at its place. Nothing here starts anything, and nothing keeps the time: moments are given.

mod check;
mod definition;
pub mod files;
pub mod folder;
mod inside;
pub mod parameters;
pub mod partitions;
mod pipeline;
mod read;
mod schema;
mod size;
mod template;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
mod written;

pub use definition::{AfterCrash, Definition};
pub use files::Watch;
pub use folder::{Folder, News};
pub use parameters::Occasion;
pub use partitions::{Partition, Partitions};
pub use read::{is_name, read, recall};
pub use schema::schema;
