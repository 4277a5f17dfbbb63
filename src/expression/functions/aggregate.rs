//! Aggregates: many rows become one value; with `over` they give a value per row.

use super::{Accepts, Declaration, Optional, SKIPS_NULLS, Yields, example, fixed, optional, parameter};
use crate::expression::{Family, Function};

pub(super) static COUNT: Declaration = Declaration {
    function: Function::Count,
    family: Family::Aggregate,
    names: &["count"],
    signatures: &[fixed(&[parameter("value", Accepts::Any)], Yields::Int64)],
    nulls: "Nulls are not counted; 0 without rows.",
    summary: "Number of values that are not null. `count(*)` counts rows, `count(distinct x)` counts different values.",
    example: example("count(x)", "4"),
    deterministic: true,
};

pub(super) static COUNT_ALL: Declaration = Declaration {
    function: Function::CountAll,
    family: Family::Aggregate,
    names: &["count_star"],
    signatures: &[fixed(&[], Yields::Int64)],
    nulls: "Never null.",
    summary: "Number of rows; written `count(*)`.",
    example: example("count(*)", "5"),
    deterministic: true,
};

pub(super) static COUNT_IF: Declaration = Declaration {
    function: Function::CountIf,
    family: Family::Aggregate,
    names: &["count_if", "countif"],
    signatures: &[fixed(&[parameter("condition", Accepts::Boolean)], Yields::Int64)],
    nulls: "A null condition counts as false; 0 without rows.",
    summary: "Number of rows for which the condition is true.",
    example: example("count_if(x > 1)", "3"),
    deterministic: true,
};

pub(super) static SUM: Declaration = Declaration {
    function: Function::Sum,
    family: Family::Aggregate,
    names: &["sum"],
    signatures: &[fixed(&[parameter("x", Accepts::Countable)], Yields::Argument(0))],
    nulls: SKIPS_NULLS,
    summary: "Sum: int64 of integers and booleans (overflow is an error), float64 of other numbers.",
    example: example("sum(x)", "8"),
    deterministic: true,
};

pub(super) static MEAN: Declaration = Declaration {
    function: Function::Mean,
    family: Family::Aggregate,
    names: &["mean", "avg"],
    signatures: &[fixed(&[parameter("x", Accepts::Measurable)], Yields::Float64)],
    nulls: SKIPS_NULLS,
    summary: "Arithmetic mean; of booleans the share that is true.",
    example: example("mean(x)", "2.0"),
    deterministic: true,
};

pub(super) static MIN: Declaration = Declaration {
    function: Function::Min,
    family: Family::Aggregate,
    names: &["min"],
    signatures: &[fixed(&[parameter("value", Accepts::Ordered)], Yields::Argument(0))],
    nulls: SKIPS_NULLS,
    summary: "The smallest value.",
    example: example("min(x)", "1"),
    deterministic: true,
};

pub(super) static MAX: Declaration = Declaration {
    function: Function::Max,
    family: Family::Aggregate,
    names: &["max"],
    signatures: &[fixed(&[parameter("value", Accepts::Ordered)], Yields::Argument(0))],
    nulls: SKIPS_NULLS,
    summary: "The largest value; NaN is larger than every number.",
    example: example("max(s)", "\"r\""),
    deterministic: true,
};

pub(super) static MEDIAN: Declaration = Declaration {
    function: Function::Median,
    family: Family::Aggregate,
    names: &["median"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: SKIPS_NULLS,
    summary: "The middle value, or the mean of the two in the middle.",
    example: example("median(y)", "2.0"),
    deterministic: true,
};

pub(super) static QUANTILE: Declaration = Declaration {
    function: Function::Quantile,
    family: Family::Aggregate,
    names: &["quantile_cont", "quantile", "percentile", "percentile_cont"],
    signatures: &[fixed(&[parameter("x", Accepts::Float), parameter("fraction", Accepts::Fraction)], Yields::Float64)],
    nulls: SKIPS_NULLS,
    summary: "The value below which that share lies, interpolated between neighbours (type 7 of Hyndman and Fan 1996).",
    example: example("quantile_cont(y, 0.25)", "1.5"),
    deterministic: true,
};

pub(super) static QUANTILE_DISC: Declaration = Declaration {
    function: Function::QuantileDisc,
    family: Family::Aggregate,
    names: &["quantile_disc", "percentile_disc"],
    signatures: &[fixed(
        &[parameter("value", Accepts::Ordered), parameter("fraction", Accepts::Fraction)],
        Yields::Argument(0),
    )],
    nulls: SKIPS_NULLS,
    summary: "The first value in order at which the share of values up to it reaches the fraction.",
    example: example("quantile_disc(x, 0.5)", "2"),
    deterministic: true,
};

pub(super) static STDDEV_SAMP: Declaration = Declaration {
    function: Function::StddevSamp,
    family: Family::Aggregate,
    names: &["stddev_samp", "stddev", "std"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Nulls are skipped; null when too few values are left.",
    summary: "Standard deviation of a sample (divisor n - 1); needs two values.",
    example: example("round(stddev_samp(x), 6)", "0.816497"),
    deterministic: true,
};

pub(super) static STDDEV_POP: Declaration = Declaration {
    function: Function::StddevPop,
    family: Family::Aggregate,
    names: &["stddev_pop"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Nulls are skipped; null when too few values are left.",
    summary: "Standard deviation of the whole population (divisor n).",
    example: example("round(stddev_pop(x), 6)", "0.707107"),
    deterministic: true,
};

pub(super) static VAR_SAMP: Declaration = Declaration {
    function: Function::VarSamp,
    family: Family::Aggregate,
    names: &["var_samp", "variance", "var"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Nulls are skipped; null when too few values are left.",
    summary: "Variance of a sample (divisor n - 1); needs two values.",
    example: example("round(var_samp(x), 6)", "0.666667"),
    deterministic: true,
};

pub(super) static VAR_POP: Declaration = Declaration {
    function: Function::VarPop,
    family: Family::Aggregate,
    names: &["var_pop"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Nulls are skipped; null when too few values are left.",
    summary: "Variance of the whole population (divisor n).",
    example: example("var_pop(x)", "0.5"),
    deterministic: true,
};

pub(super) static SKEWNESS: Declaration = Declaration {
    function: Function::Skewness,
    family: Family::Aggregate,
    names: &["skewness", "skew"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Nulls are skipped; null when too few values are left.",
    summary: "Skewness of a sample, adjusted (G1 of Joanes and Gill 1998); needs three values and some spread.",
    example: example("round(skewness(y), 6)", "1.347442"),
    deterministic: true,
};

pub(super) static KURTOSIS: Declaration = Declaration {
    function: Function::Kurtosis,
    family: Family::Aggregate,
    names: &["kurtosis"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Nulls are skipped; null when too few values are left.",
    summary: "Excess kurtosis of a sample, adjusted (G2 of Joanes and Gill 1998); needs four values and some spread.",
    example: example("round(kurtosis(y), 6)", "1.546999"),
    deterministic: true,
};

pub(super) static MODE: Declaration = Declaration {
    function: Function::Mode,
    family: Family::Aggregate,
    names: &["mode"],
    signatures: &[fixed(&[parameter("value", Accepts::Ordered)], Yields::Argument(0))],
    nulls: SKIPS_NULLS,
    summary: "The most frequent value; of several the smallest.",
    example: example("mode(s)", "\"q\""),
    deterministic: true,
};

pub(super) static FIRST: Declaration = Declaration {
    function: Function::First,
    family: Family::Aggregate,
    names: &["first"],
    signatures: &[fixed(&[parameter("value", Accepts::Any)], Yields::Argument(0))],
    nulls: "A null is a value; null without rows.",
    summary: "The value of the first row, in the order of the rows or of `order by` inside the call.",
    example: example("first(x order by y)", "1"),
    deterministic: true,
};

pub(super) static LAST: Declaration = Declaration {
    function: Function::Last,
    family: Family::Aggregate,
    names: &["last"],
    signatures: &[fixed(&[parameter("value", Accepts::Any)], Yields::Argument(0))],
    nulls: "A null is a value; null without rows.",
    summary: "The value of the last row, in the order of the rows or of `order by` inside the call.",
    example: example("last(x order by y)", "2"),
    deterministic: true,
};

pub(super) static ANY_VALUE: Declaration = Declaration {
    function: Function::AnyValue,
    family: Family::Aggregate,
    names: &["any_value", "arbitrary"],
    signatures: &[fixed(&[parameter("value", Accepts::Any)], Yields::Argument(0))],
    nulls: SKIPS_NULLS,
    summary: "A value that is not null: the first one where the engine keeps the order.",
    example: example("any_value(s) filter (where g = 'b')", "\"r\""),
    deterministic: false,
};

pub(super) static ARG_MIN: Declaration = Declaration {
    function: Function::ArgMin,
    family: Family::Aggregate,
    names: &["arg_min", "min_by", "argmin"],
    signatures: &[fixed(&[parameter("value", Accepts::Any), parameter("by", Accepts::Ordered)], Yields::Argument(0))],
    nulls: "Rows in which `by` is null are skipped; null when none is left.",
    summary: "The value of the row with the smallest `by`; of several the first.",
    example: example("arg_min(s, y)", "\"q\""),
    deterministic: true,
};

pub(super) static ARG_MAX: Declaration = Declaration {
    function: Function::ArgMax,
    family: Family::Aggregate,
    names: &["arg_max", "max_by", "argmax"],
    signatures: &[fixed(&[parameter("value", Accepts::Any), parameter("by", Accepts::Ordered)], Yields::Argument(0))],
    nulls: "Rows in which `by` is null are skipped; null when none is left.",
    summary: "The value of the row with the largest `by`; of several the first.",
    example: example("arg_max(s, y)", "\"r\""),
    deterministic: true,
};

pub(super) static LIST: Declaration = Declaration {
    function: Function::List,
    family: Family::Aggregate,
    names: &["list", "array_agg", "collect_list"],
    signatures: &[fixed(&[parameter("value", Accepts::Any)], Yields::ListOf(0))],
    nulls: "Nulls become elements; null without rows.",
    summary: "All values as a list, in the order of the rows or of `order by` inside the call.",
    example: example("list(x order by y)", "[1, 3, null, 2, 2]"),
    deterministic: true,
};

pub(super) static STRING_AGG: Declaration = Declaration {
    function: Function::StringAgg,
    family: Family::Aggregate,
    names: &["string_agg", "group_concat", "listagg"],
    signatures: &[fixed(
        &[parameter("text", Accepts::String), optional("separator", Accepts::ConstantString, Optional::Text(","))],
        Yields::String,
    )],
    nulls: SKIPS_NULLS,
    summary: "All texts joined, in the order of the rows or of `order by` inside the call.",
    example: example("string_agg(s, '-')", "\"p-q-q-r\""),
    deterministic: true,
};

pub(super) static BOOL_AND: Declaration = Declaration {
    function: Function::BoolAnd,
    family: Family::Aggregate,
    names: &["bool_and", "every"],
    signatures: &[fixed(&[parameter("condition", Accepts::Boolean)], Yields::Boolean)],
    nulls: SKIPS_NULLS,
    summary: "Whether all are true.",
    example: example("bool_and(b)", "false"),
    deterministic: true,
};

pub(super) static BOOL_OR: Declaration = Declaration {
    function: Function::BoolOr,
    family: Family::Aggregate,
    names: &["bool_or", "some"],
    signatures: &[fixed(&[parameter("condition", Accepts::Boolean)], Yields::Boolean)],
    nulls: SKIPS_NULLS,
    summary: "Whether one is true.",
    example: example("bool_or(b)", "true"),
    deterministic: true,
};

pub(super) static APPROX_COUNT_DISTINCT: Declaration = Declaration {
    function: Function::ApproxCountDistinct,
    family: Family::Aggregate,
    names: &["approx_count_distinct", "approx_distinct"],
    signatures: &[fixed(&[parameter("value", Accepts::Any)], Yields::Int64)],
    nulls: "Nulls are not counted; 0 without rows.",
    summary: "Estimate of the number of different values, in bounded memory; a few percent off.",
    example: example("approx_count_distinct(s)", "3"),
    deterministic: false,
};

pub(super) static CORR: Declaration = Declaration {
    function: Function::Corr,
    family: Family::Aggregate,
    names: &["corr"],
    signatures: &[fixed(&[parameter("y", Accepts::Float), parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Rows with a null are skipped; null when too few are left.",
    summary: "Pearson's correlation; null when one side has no spread.",
    example: example("round(corr(x, y), 6)", "0.122169"),
    deterministic: true,
};

pub(super) static COVAR_SAMP: Declaration = Declaration {
    function: Function::CovarSamp,
    family: Family::Aggregate,
    names: &["covar_samp"],
    signatures: &[fixed(&[parameter("y", Accepts::Float), parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Rows with a null are skipped; null when too few are left.",
    summary: "Covariance of a sample (divisor n - 1); needs two rows.",
    example: example("round(covar_samp(x, y), 6)", "0.333333"),
    deterministic: true,
};

pub(super) static COVAR_POP: Declaration = Declaration {
    function: Function::CovarPop,
    family: Family::Aggregate,
    names: &["covar_pop"],
    signatures: &[fixed(&[parameter("y", Accepts::Float), parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: "Rows with a null are skipped; null when too few are left.",
    summary: "Covariance of the whole population (divisor n).",
    example: example("covar_pop(x, y)", "0.25"),
    deterministic: true,
};

pub(super) static PRODUCT: Declaration = Declaration {
    function: Function::Product,
    family: Family::Aggregate,
    names: &["product"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: SKIPS_NULLS,
    summary: "Product of all values.",
    example: example("product(x)", "12.0"),
    deterministic: true,
};

pub(super) static GEOMETRIC_MEAN: Declaration = Declaration {
    function: Function::GeometricMean,
    family: Family::Aggregate,
    names: &["geometric_mean", "geomean"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: SKIPS_NULLS,
    summary: "The n-th root of the product: exp of the mean of ln. Zero when a value is zero, NaN when one is negative.",
    example: example("round(geometric_mean(y), 6)", "2.168944"),
    deterministic: true,
};
