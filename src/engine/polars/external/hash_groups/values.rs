//! What is computed for each group: from the values of rows, and from partial values.

use polars::prelude as pl;
use polars::prelude::{IntoColumn, IntoSeries};

use super::{Groups, Kind, Reduction};
use crate::statistics::double_sum::{DoubleMoments, DoubleSum};

/// The partial values of rows.
pub(super) fn partial(
    reduction: &Reduction,
    argument: Option<&pl::Series>,
    groups: &Groups,
) -> pl::PolarsResult<Vec<pl::Column>> {
    let Some(argument) = argument else {
        let mut counts = vec![0_i64; groups.count()];
        for &group in &groups.of_rows {
            at(&mut counts, group, |count| *count += 1);
        }
        return Ok(vec![column(reduction, 0, pl::Int64Chunked::from_vec("".into(), counts))]);
    };
    Ok(match reduction.kind {
        Kind::Count => {
            let mut counts = vec![0_i64; groups.count()];
            let known = argument.is_not_null();
            for (&group, known) in groups.of_rows.iter().zip(known.iter()) {
                at(&mut counts, group, |count| *count += i64::from(known == Some(true)));
            }
            vec![column(reduction, 0, pl::Int64Chunked::from_vec("".into(), counts))]
        }
        Kind::CountTrue => {
            let mut counts = vec![0_i64; groups.count()];
            for (&group, value) in groups.of_rows.iter().zip(argument.bool()?.iter()) {
                at(&mut counts, group, |count| *count += i64::from(value == Some(true)));
            }
            vec![column(reduction, 0, pl::Int64Chunked::from_vec("".into(), counts))]
        }
        Kind::SumIntegers => {
            let values = argument.cast(&pl::DataType::Int64)?;
            vec![sum_integers(reduction, values.i64()?, i128::from, groups)?]
        }
        Kind::SumFloats => {
            let sums = sums_of(argument.f64()?, groups);
            sum_columns(reduction, &sums, 1)
        }
        Kind::Mean => {
            let values = argument.f64()?;
            let counts = counts_of(values, groups);
            let mut columns = sum_columns(reduction, &sums_of(values, groups), 2);
            columns.insert(1, column(reduction, 1, pl::Int64Chunked::from_vec("".into(), counts)));
            columns
        }
        Kind::Least | Kind::Greatest => vec![extremes(reduction, argument, groups)?],
        Kind::All | Kind::Any => vec![truths(reduction, argument.bool()?, groups)],
        Kind::Moments => {
            let mut moments = vec![DoubleMoments::default(); groups.count()];
            each(argument.f64()?, groups, |group, value| at(&mut moments, group, |m| m.add(value)));
            moments_columns(reduction, &moments)
        }
    })
}

/// The partial values of partial values.
pub(super) fn merged(
    reduction: &Reduction,
    rows: &pl::DataFrame,
    groups: &Groups,
) -> pl::PolarsResult<Vec<pl::Column>> {
    let part = |index: usize| -> pl::PolarsResult<&pl::Series> {
        let name = reduction.names.get(index).map(String::as_str).unwrap_or_default();
        Ok(rows.column(name)?.as_materialized_series())
    };
    let counts = |index: usize| -> pl::PolarsResult<pl::Column> {
        let mut counts = vec![0_i64; groups.count()];
        each(part(index)?.i64()?, groups, |group, value| at(&mut counts, group, |count| *count += value));
        Ok(column(reduction, index, pl::Int64Chunked::from_vec("".into(), counts)))
    };
    Ok(match reduction.kind {
        Kind::Count | Kind::CountTrue => vec![counts(0)?],
        Kind::SumIntegers => {
            let sums = part(0)?.decimal()?.physical();
            vec![sum_integers(reduction, sums, |sum| sum, groups)?]
        }
        Kind::SumFloats => sum_columns(reduction, &merged_sums(part(0)?, part(1)?, groups)?, 1),
        Kind::Mean => {
            let mut columns = sum_columns(reduction, &merged_sums(part(0)?, part(2)?, groups)?, 2);
            columns.insert(1, counts(1)?);
            columns
        }
        Kind::Least | Kind::Greatest => vec![extremes(reduction, part(0)?, groups)?],
        Kind::All | Kind::Any => vec![truths(reduction, part(0)?.bool()?, groups)],
        Kind::Moments => {
            let mut moments = vec![DoubleMoments::default(); groups.count()];
            // In the order of `OF_MOMENTS`, after number, mean and squared distances.
            let floats = (3..9).map(|index| Ok(part(index)?.f64()?.clone())).collect::<pl::PolarsResult<Vec<_>>>()?;
            let counts = part(0)?.i64()?;
            for (row, (&group, count)) in groups.of_rows.iter().zip(counts.iter()).enumerate() {
                let value = |index: usize| floats.get(index).and_then(|values| values.get(row));
                let [Some(sum), Some(lost), Some(squares), Some(lost_squares), Some(least), Some(greatest)] =
                    std::array::from_fn(value)
                else {
                    continue;
                };
                let other = DoubleMoments {
                    count: count.unwrap_or(0),
                    sum: DoubleSum::from_parts(sum, lost),
                    squares: DoubleSum::from_parts(squares, lost_squares),
                    least,
                    greatest,
                };
                at(&mut moments, group, |m| m.merge(&other));
            }
            moments_columns(reduction, &moments)
        }
    })
}

fn at<T>(values: &mut [T], group: u32, change: impl FnOnce(&mut T)) {
    if let Some(value) = values.get_mut(group as usize) {
        change(value);
    }
}

/// Shows each value that is not null with its group.
fn each<T: pl::PolarsNumericType>(values: &pl::ChunkedArray<T>, groups: &Groups, mut show: impl FnMut(u32, T::Native)) {
    let mut rest = groups.of_rows.as_slice();
    for chunk in values.downcast_iter() {
        let (part, after) = rest.split_at(chunk.values().len().min(rest.len()));
        rest = after;
        match chunk.validity() {
            None => part.iter().zip(chunk.values().iter()).for_each(|(&group, &value)| show(group, value)),
            Some(validity) => {
                for ((&group, &value), valid) in part.iter().zip(chunk.values().iter()).zip(validity.iter()) {
                    if valid {
                        show(group, value);
                    }
                }
            }
        }
    }
}

fn counts_of<T: pl::PolarsNumericType>(values: &pl::ChunkedArray<T>, groups: &Groups) -> Vec<i64> {
    let mut counts = vec![0_i64; groups.count()];
    each(values, groups, |group, _| at(&mut counts, group, |count| *count += 1));
    counts
}

fn column(reduction: &Reduction, index: usize, values: impl IntoSeries) -> pl::Column {
    let name = reduction.names.get(index).map(String::as_str).unwrap_or_default();
    values.into_series().with_name(name.into()).into_column()
}

fn sum_integers<T: pl::PolarsNumericType>(
    reduction: &Reduction,
    values: &pl::ChunkedArray<T>,
    wide: impl Fn(T::Native) -> i128,
    groups: &Groups,
) -> pl::PolarsResult<pl::Column> {
    let mut sums: Vec<Option<i128>> = vec![None; groups.count()];
    each(values, groups, |group, value| {
        // As many values as would make 128 bits overflow do not exist.
        at(&mut sums, group, |sum| *sum = Some(sum.unwrap_or(0).wrapping_add(wide(value))));
    });
    let sums: pl::Int128Chunked = sums.into_iter().collect();
    Ok(column(reduction, 0, sums.into_decimal(38, 0)?))
}

/// The sums of the values; none for groups without values.
fn sums_of(values: &pl::Float64Chunked, groups: &Groups) -> Vec<Option<DoubleSum>> {
    let mut sums: Vec<Option<DoubleSum>> = vec![None; groups.count()];
    each(values, groups, |group, value| at(&mut sums, group, |sum| sum.get_or_insert_default().add(value)));
    sums
}

/// The sums of sums that were taken apart.
fn merged_sums(high: &pl::Series, low: &pl::Series, groups: &Groups) -> pl::PolarsResult<Vec<Option<DoubleSum>>> {
    let mut sums: Vec<Option<DoubleSum>> = vec![None; groups.count()];
    let parts = high.f64()?.iter().zip(low.f64()?.iter());
    for (&group, (high, low)) in groups.of_rows.iter().zip(parts) {
        let (Some(high), Some(low)) = (high, low) else { continue };
        at(&mut sums, group, |sum| sum.get_or_insert_default().merge(DoubleSum::from_parts(high, low)));
    }
    Ok(sums)
}

/// The sums as floats, and what rounding took from them under the name at `lost`.
fn sum_columns(reduction: &Reduction, sums: &[Option<DoubleSum>], lost: usize) -> Vec<pl::Column> {
    let part = |which: fn((f64, f64)) -> f64| -> pl::Float64Chunked {
        sums.iter().map(|sum| sum.map(|sum| which(sum.parts()))).collect()
    };
    vec![column(reduction, 0, part(|parts| parts.0)), column(reduction, lost, part(|parts| parts.1))]
}

fn truths(reduction: &Reduction, values: &pl::BooleanChunked, groups: &Groups) -> pl::Column {
    let mut found: Vec<Option<bool>> = vec![None; groups.count()];
    let all = reduction.kind == Kind::All;
    for (&group, value) in groups.of_rows.iter().zip(values.iter()) {
        let Some(value) = value else { continue };
        at(&mut found, group, |found| {
            *found = Some(match *found {
                None => value,
                Some(before) if all => before && value,
                Some(before) => before || value,
            });
        });
    }
    column(reduction, 0, found.into_iter().collect::<pl::BooleanChunked>())
}

fn extremes(reduction: &Reduction, values: &pl::Series, groups: &Groups) -> pl::PolarsResult<pl::Column> {
    let greatest = reduction.kind == Kind::Greatest;
    if let Ok(texts) = values.str() {
        let mut found: Vec<Option<&str>> = vec![None; groups.count()];
        for (&group, text) in groups.of_rows.iter().zip(texts.iter()) {
            let Some(text) = text else { continue };
            at(&mut found, group, |found| {
                if found.is_none_or(|before| if greatest { text > before } else { text < before }) {
                    *found = Some(text);
                }
            });
        }
        return Ok(column(reduction, 0, found.into_iter().collect::<pl::StringChunked>()));
    }
    if values.dtype().is_float() {
        let values = values.cast(&pl::DataType::Float64)?;
        let mut found: Vec<Option<f64>> = vec![None; groups.count()];
        each(values.f64()?, groups, |group, value| {
            at(&mut found, group, |found| {
                if found.is_none_or(|before| is_beyond(value, before, greatest)) {
                    *found = Some(value);
                }
            });
        });
        let found = found.into_iter().collect::<pl::Float64Chunked>().into_series();
        return Ok(column(reduction, 0, found.cast(&reduction.data_type)?));
    }
    let values = values.to_physical_repr().cast(&pl::DataType::Int64)?;
    let mut found: Vec<Option<i64>> = vec![None; groups.count()];
    each(values.i64()?, groups, |group, value| {
        at(&mut found, group, |found| {
            if found.is_none_or(|before| if greatest { value > before } else { value < before }) {
                *found = Some(value);
            }
        });
    });
    let found = found.into_iter().collect::<pl::Int64Chunked>().into_series();
    Ok(column(reduction, 0, found.cast(&reduction.data_type.to_physical())?.cast(&reduction.data_type)?))
}

/// Whether a float is larger or smaller than another; NaN is the largest.
fn is_beyond(value: f64, before: f64, greatest: bool) -> bool {
    if greatest {
        value > before || (value.is_nan() && !before.is_nan())
    } else {
        value < before || (before.is_nan() && !value.is_nan())
    }
}

fn moments_columns(reduction: &Reduction, moments: &[DoubleMoments]) -> Vec<pl::Column> {
    let known = |value: fn(&DoubleMoments) -> f64| -> pl::Float64Chunked {
        moments.iter().map(|moments| (moments.count > 0).then(|| value(moments))).collect()
    };
    let counts = pl::Int64Chunked::from_vec("".into(), moments.iter().map(|moments| moments.count).collect());
    let floats: [fn(&DoubleMoments) -> f64; 8] = [
        DoubleMoments::mean,
        DoubleMoments::squared_distances,
        |moments| moments.sum.parts().0,
        |moments| moments.sum.parts().1,
        |moments| moments.squares.parts().0,
        |moments| moments.squares.parts().1,
        |moments| moments.least,
        |moments| moments.greatest,
    ];
    let mut columns = vec![column(reduction, 0, counts)];
    columns.extend((1..).zip(floats).map(|(index, value)| column(reduction, index, known(value))));
    columns
}
