//! Statistics on plain slices: no dataframe, no YAML, no I/O.
//!
//! What summarises a column is an accumulator: `push` a value or `extend` by a slice, `merge` another accumulator of the
//! same kind. A stream of batches can be folded in parallel and merged in a fixed order; the result is then the same
//! whatever the number of threads.
//!
//! | module | what | exact? |
//! |---|---|---|
//! | [`moments`] | count, mean, variance, skewness, kurtosis, range, sum | exact up to rounding |
//! | [`double_sum`] | sum, mean and variance that do not depend on the order | rounded once |
//! | [`quantiles`] | quantiles | exact while the values fit, then a KLL sketch with a stated rank error |
//! | [`frequencies`] | most frequent values | exact while the distinct values fit, then counts with a bound on their error |
//! | [`distinct`] | number of distinct values | exact while small, then HyperLogLog with a stated standard error |
//! | [`profile`] | what a table holds, in one pass: values, nulls, duplicate rows, keys, dependencies | exact while it fits, then with stated errors |
//! | [`histogram`] | counts by bin | exact from values; from a sketch as exact as the sketch |
//! | [`distributions`] | normal, t, chi-squared, F (noncentral too), binomial, Poisson, studentized range, Kolmogorov | see there |
//! | [`correlation`] | Pearson, Spearman, Kendall and distance correlation, p-values, intervals, matrices | exact up to rounding |
//! | [`association`] | Cramér's V, mutual information, correlation ratio | exact up to rounding |
//! | [`regression`] | linear, logistic and Poisson regression with diagnostics | exact up to rounding |
//! | [`multiplicity`] | p-values of many tests at once, adjusted | exact up to rounding |
//! | [`hypothesis`] | tests from t to Shapiro-Wilk, comparisons of groups, effect sizes, power | see there |
//! | [`hypergeometric`] | Fisher's exact test | exact up to rounding |
//! | [`drift`] | how far a distribution has moved: Jensen-Shannon, Kolmogorov-Smirnov, Wasserstein, chi-squared | as exact as what they are given |
//! | [`stability`] | how far shares of categories have moved | exact up to rounding |
//! | [`series`] | series in time: gaps, season, trend, jumps, forecasts | see there |
//! | [`special`] | special functions behind the p-values | exact up to rounding |
//! | [`evaluation`] | how good predictions are | see there |
//! | [`sampling`] | random parts of a stream, of an exact size | exact |
//! | [`imputation`] | missing values told from the other values of the row | see there |
//! | [`decomposition`] | principal components, random projections | exact up to rounding; random, by its seed |
//! | [`anomalies`] | how far out a row lies, and because of which columns | see there |
//! | [`isolation_forest`] | how far out a row lies | random, by its seed |
//! | [`yeo_johnson`] | the power that makes numbers look normal | exact up to rounding |
//! | [`clusters`] | which cluster a row belongs to | exact; see there |
//! | [`row_function`] | learned functions of one row, as they travel inside expressions | see the modules above |

pub mod anomalies;
pub mod association;
pub mod clusters;
pub mod correlation;
pub mod decomposition;
pub mod distinct;
pub mod distributions;
pub mod double_sum;
pub mod drift;
pub mod evaluation;
pub mod frequencies;
pub mod histogram;
pub mod hypergeometric;
pub mod hypothesis;
pub mod imputation;
pub mod isolation_forest;
pub mod moments;
pub mod multiplicity;
pub mod profile;
pub mod quantiles;
pub mod regression;
pub mod row_function;
pub mod sampling;
pub mod series;
pub mod special;
pub mod stability;
pub mod yeo_johnson;

#[cfg(test)]
pub(crate) mod oracle;
