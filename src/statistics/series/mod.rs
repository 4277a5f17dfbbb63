//! Series of values at equal distances in time.
//!
//! All work on plain values in the order of time; what an hour or a month is, is known outside.
//!
//! | module | what | source | cost |
//! |---|---|---|---|
//! | [`gaps`] | missing values, and what is put in their place | | n |
//! | [`autocorrelation`] | how a series goes with itself later | Bartlett 1946 | n log n |
//! | [`periodogram`] | which periods carry the variance; Fisher's test | Schuster 1898, Fisher 1929 | n log n |
//! | [`period`] | how long a season is | see there | n log n |
//! | [`loess`] | smooth curves | Cleveland 1979 | n window |
//! | [`stl`] | trend, season and remainder | Cleveland et al. 1990 | n window |
//! | [`strength`] | how strong trend and season are | Wang, Smith & Hyndman 2006 | n |
//! | [`mann_kendall`] | whether a series rises or falls | Mann 1945, Hamed & Rao 1998, Hirsch et al. 1982 | n log n |
//! | [`theil_sen`] | by how much | Sen 1968 | n log n |
//! | [`change_points`] | where its level jumps | Killick et al. 2012 | n to n^2 |
//! | [`holt_winters`] | level, trend and season that follow the series | Holt 1957, Winters 1960 | n |
//! | [`naive`] | the season comes again | | n |
//! | [`backtest`], [`forecasting`] | forecasts, judged on the past | Tashman 2000 | |
//!
//! Values must be finite; series so large that their squares overflow have to be scaled first.

pub mod autocorrelation;
pub mod backtest;
pub mod change_points;
pub mod forecasting;
pub mod gaps;
pub mod holt_winters;
pub mod loess;
pub mod mann_kendall;
pub mod naive;
mod pairs;
pub mod period;
pub mod periodogram;
pub mod stl;
pub mod strength;
pub mod theil_sen;
