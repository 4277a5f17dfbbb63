//! Random parts of a stream of rows, of an exact size and in bounded memory.
//!
//! | module | what |
//! |---|---|
//! | [`reservoir`] | some rows of a stream, held in memory |
//! | [`smallest`] | the rows with the smallest keys, known by a threshold: rows themselves are not held |
//! | [`allocation`] | how many rows each stratum gets |

pub mod allocation;
pub mod reservoir;
pub mod smallest;
