//! gristmill grinds raw files into insight: a YAML file declares stages, and one binary checks, runs, explains and reports them.
//!
//! `ARCHITECTURE.md` walks through the modules in five minutes.

pub mod baseline;
pub mod batch;
pub mod chart;
pub mod cli;
pub mod definition;
pub mod diagnostic;
mod digits;
pub mod disk;
pub mod engine;
pub mod exhibit;
pub mod explanation;
pub mod expression;
pub mod files;
pub mod memory;
pub mod mining;
pub mod nn;
pub mod notation;
pub mod plan;
pub mod relation;
pub mod report;
pub mod run;
pub mod schedule;
pub mod similarity;
pub mod stages;
pub mod staging;
pub mod statistics;
pub mod tensor;
pub mod testing;
pub mod tuning;
