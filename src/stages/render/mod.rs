//! Results become files and pictures.

pub mod chart;
pub mod write;
