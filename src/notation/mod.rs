//! How the values of a text column are written, and so what the column really holds: numbers, days, times, booleans, nulls.
//!
//! ```text
//! texts --Values--> distinct texts with their counts --judge--> Verdict
//!                                                       |-- numbers    signs, currencies, percent, marks: one reading for the column
//!                                                       |-- days       layouts, and the order of day and month asked of the column
//!                                                       '-- words      booleans and texts that mean null
//! ```
//!
//! Every question is asked of the whole column. `01/02/2024` alone says nothing, but beside `25/12/2023` it is the first of
//! February; `1.234` is a thousand and more where `1.234.567` stands, and a little more than one where `0.5` does. Where no value
//! decides, the verdict says so and names what it assumes; where values contradict each other, the column stays text.
//!
//! [`TextKind`] tells what a single text is: an e-mail address, a web address, a code.
//!
//! Nothing here knows of files, frames or pipelines.

mod days;
mod kinds;
mod layout;
mod numbers;
mod verdict;
mod words;

pub use days::{DayOrder, Days};
pub use kinds::TextKind;
pub use layout::Layout;
pub use numbers::{Currency, Marks, Numbers, Thousands};
pub use verdict::{Holds, Options, Undecided, Values, Verdict, judge};
pub use words::{NO, NULLS, STRONG_NULLS, YES};

#[cfg(test)]
mod tests;
