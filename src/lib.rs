//! gristmill grinds raw files into insight: a YAML file declares stages, and one binary checks, runs, explains and reports them.

pub mod diagnostic;
pub mod engine;
pub mod expression;
pub mod relation;
