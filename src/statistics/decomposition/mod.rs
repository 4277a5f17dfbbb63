//! Few columns in the place of many: linear maps that keep what varies, or distances.
//!
//! | module | what | exact? |
//! |---|---|---|
//! | [`covariance`] | means and covariances of columns, block by block | exact up to rounding |
//! | [`pca`] | the directions in which the rows vary most | exact up to rounding |
//! | [`random_projection`] | random directions that nearly keep distances | random, by its seed |
//! | [`linear_map`] | what both learn: a linear function of a row | exact up to rounding |

pub mod covariance;
mod eigen;
pub mod linear_map;
pub mod pca;
pub mod random_projection;
#[cfg(test)]
mod tests;

pub use eigen::symmetric_eigen;
