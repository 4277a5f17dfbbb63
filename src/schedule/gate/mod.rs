//! Conditions on a run that ended well, and what becomes current when they hold.
//!
//! ```text
//! job file: require, promote --check--> findings
//!                    |
//! record of a run, last success, champions --judge--> Judged.. --follow--> Verdict --(promote)--> Shelf::stage, Shelf::publish
//! ```
//!
//! - [`Require`] is a condition as it stands in a job file, [`Promote`] what a run hands on; [`check`] holds both against the
//!   stages of the pipeline.
//! - [`judge`] holds conditions against a run's record, [`follow`] makes one [`Verdict`](super::store::Verdict) of that, and
//!   [`metrics`] are the numbers that stay with a promoted version, for the next comparison.
//! - A [`Shelf`] keeps the promoted versions in `models/NAME/versions/RUN` and switches `models/NAME/current`.
//!
//! Conditions are functions of what they are given. Only the shelf touches the disk; each of its steps passes one place, where
//! tests let it fail.
//!
//! # What cannot be judged
//!
//! A comparison with something that is not there yet (no champion, no earlier success, one that did not keep the number) holds
//! and says that it is the first. A number of the run itself that is not there (no such stage, not worked, not defined) cannot
//! be judged, and what cannot be judged refuses.

mod check;
mod evidence;
mod judge;
mod metrics;
mod number;
mod promote;
mod require;
mod shelf;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;

pub use check::check;
pub use evidence::Evidence;
pub use judge::{Held, Judged, follow, judge};
pub use metrics::metrics;
pub use number::{Margin, Share};
pub use promote::Promote;
pub use require::{Better, Checks, Drift, Grade, Metric, Pace, Require, Rows, Than};
pub use shelf::{KEPT_VERSIONS, PromoteError, Shelf, Swept, Version};
