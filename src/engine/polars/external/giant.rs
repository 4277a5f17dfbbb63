//! Groups that do not fit into memory, one or a few: each call is computed in passes over the blocks of their rows.
//!
//! - What can be summed up is folded block by block.
//! - Quantiles are selected digit by digit ([`radix_select`](super::radix_select)): at most four passes.
//! - What looks at different values (`count(distinct ..)`, `mode`) deals the rows out by value, where each is summed up apart.
//! - Calls whose value is as large as the group (`list`) or that need their rows side by side are refused with [`Class::Limit`].

mod different;

use different::Set;
use polars::prelude as pl;
use polars::prelude::{IntoColumn, IntoLazy, NamedFrom};

use super::super::data_type::polars_type;
use super::super::error::engine_error;
use super::super::expression;
use super::super::spill::{Spilling, hash_rows};
use super::aggregate::{Aggregation, fold};
use super::decompose::{Decomposed, Steps, masked, take_calls, value_name};
use super::radix_select::{Rank, float_of_rank, integer_of_rank, rank_of_float, rank_of_integer};
use super::rows::Partition;
use super::{collect, working_bytes};
use crate::diagnostic::Class;
use crate::engine::EngineError;
use crate::expression::{Aggregate, DataType, Function};

/// Groups whose quantiles are selected at once.
const GROUPS: usize = 64;

/// Whether every call can be computed in passes over the rows of a group.
pub(super) fn can_be_taken_apart(plan: &Aggregation) -> bool {
    let can = |number: usize, call: &Aggregate, result: &DataType| {
        Ok::<_, EngineError>(
            Steps::of(number, call, result)?.is_some()
                || Quantile::of(number, call)?.is_some()
                || Set::of(number, call, result)?.is_some(),
        )
    };
    take_calls(&plan.aggregates).is_ok_and(|(calls, _)| {
        calls.iter().enumerate().all(|(i, (call, result))| can(i, call, result).unwrap_or(false))
    })
}

/// Whether the rows have a few keys only, told from the hashes of all of them; ends early when they have more.
pub(super) fn has_few_keys(part: &Partition, keys: &[String]) -> Result<bool, EngineError> {
    const FEW: usize = 8;
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let mut seen: Vec<u64> = Vec::with_capacity(FEW);
    for frame in part.raw.frames().chain(part.folded.frames()) {
        for hash in hash_rows(&frame?, &names, 0)? {
            if seen.contains(&hash) {
                continue;
            }
            if seen.len() == FEW {
                return Ok(false);
            }
            seen.push(hash);
        }
    }
    Ok(true)
}

/// The groups of a partition that does not fit into memory.
///
/// Errors: [`Class::Limit`] for a call that needs all rows of a group at once.
pub(super) fn giant(part: &Partition, plan: &Aggregation, spilling: &Spilling) -> Result<pl::DataFrame, EngineError> {
    let polars = |error: pl::PolarsError| engine_error(&error, "");
    if let Some(steps) = &plan.steps {
        let mut folded: Vec<pl::DataFrame> = Vec::new();
        for frame in part.folded.frames() {
            folded = vec![
                fold(&plan.keys, steps, Vec::new(), folded.into_iter().chain([frame?]).collect()).map_err(polars)?,
            ];
        }
        for frame in part.raw.frames() {
            folded = vec![fold(&plan.keys, steps, vec![frame?], folded).map_err(polars)?];
        }
        return plan.of_folded(steps, folded.pop().unwrap_or_default()).map_err(polars);
    }
    let (calls, results) = take_calls(&plan.aggregates)?;
    let mut steps = Decomposed {
        partial: vec![pl::len().cast(pl::DataType::Int64).alias(ROWS)],
        merge: vec![pl::col(ROWS).sum()],
        ..Decomposed::default()
    };
    let (mut quantiles, mut sets) = (Vec::new(), Vec::new());
    for (number, (call, result)) in calls.iter().enumerate() {
        if let Some(found) = Steps::of(number, call, result)? {
            steps.push(number, found);
        } else if let Some(quantile) = Quantile::of(number, call)? {
            let name = quantile.count_name();
            steps.partial.push(quantile.value.clone().count().cast(pl::DataType::Int64).alias(name.as_str()));
            steps.merge.push(pl::col(name.as_str()).sum());
            steps.values.push(pl::col(name.as_str()));
            quantiles.push(quantile);
        } else if let Some(set) = Set::of(number, call, result)? {
            sets.push(set);
        } else {
            return Err(EngineError::new(
                Class::Limit,
                format!(
                    "not enough memory: a group of {} rows is too large for {}, which needs all of them at once",
                    part.rows(),
                    call.function.name()
                ),
            )
            .help("give the run more with `--memory`, or group by one more column"));
        }
    }
    let mut folded = None;
    for frame in part.raw.frames() {
        folded = Some(fold(&plan.keys, &steps, vec![frame?], folded.into_iter().collect()).map_err(polars)?);
    }
    let Some(folded) = folded else { return Err(EngineError::new(Class::Stage, "a large group has no rows")) };
    let mut values = plan.values(&steps, folded).map_err(polars)?;
    for set in sets {
        let found = set.values(part, plan, spilling)?;
        values = join_values(values, found, &plan.keys).map_err(polars)?;
        values = collect(values.lazy().with_columns([set.finished()])).map_err(polars)?;
    }
    if !quantiles.is_empty() {
        select(&quantiles, part, plan, spilling, &mut values)?;
    }
    plan.of_values(&results, values).map_err(polars)
}

const ROWS: &str = "__rows";
const GROUP: &str = "__group";

fn keys_of(plan_keys: &[String]) -> Vec<pl::Expr> {
    plan_keys.iter().map(|key| pl::col(key.as_str())).collect()
}

/// Puts values of the same groups beside each other.
fn join_values(left: pl::DataFrame, right: pl::DataFrame, keys: &[String]) -> pl::PolarsResult<pl::DataFrame> {
    collect(
        left.lazy()
            .join_builder()
            .with(right.lazy())
            .how(pl::JoinType::Left)
            .left_on(keys_of(keys))
            .right_on(keys_of(keys))
            .join_nulls(true)
            .coalesce(pl::JoinCoalesce::CoalesceColumns)
            .maintain_order(pl::MaintainOrderJoin::Left)
            .finish(),
    )
}

/// A quantile of numbers.
struct Quantile {
    number: usize,
    /// The values as float64 or int64.
    value: pl::Expr,
    fraction: f64,
    /// The type of the result when it is a value itself, not one between two.
    discrete: Option<DataType>,
}

impl Quantile {
    fn of(number: usize, call: &Aggregate) -> Result<Option<Self>, EngineError> {
        if call.distinct || !call.order_by.is_empty() {
            return Ok(None);
        }
        let Some(argument) = masked(call) else { return Ok(None) };
        let (fraction, discrete) = match call.function {
            Function::Median => (0.5, None),
            Function::Quantile => (expression::constant_float(&call.arguments, 1, "the fraction")?, None),
            Function::QuantileDisc => {
                (expression::constant_float(&call.arguments, 1, "the fraction")?, Some(argument.data_type.clone()))
            }
            _ => return Ok(None),
        };
        let value = expression::lower(&argument)?;
        let value = match argument.data_type {
            DataType::Float32 | DataType::Float64 => value.cast(pl::DataType::Float64),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::Date
            | DataType::Time
            | DataType::Datetime(_)
            | DataType::Duration => value.to_physical().cast(pl::DataType::Int64),
            _ => return Ok(None),
        };
        Ok(Some(Self { number, value, fraction, discrete }))
    }

    fn count_name(&self) -> String {
        format!("__count_{}", self.number)
    }

    fn name(&self) -> String {
        format!("__quantile_{}", self.number)
    }

    /// The places of the values below and above, and how far the quantile lies between them.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "places of rows, not negative"
    )]
    fn places(&self, count: i64) -> (u64, u64, f64) {
        if self.discrete.is_some() {
            let place = expression::quantile_rank(count, expression::quantile_reach(self.fraction)) as u64;
            return (place, place, 0.0);
        }
        let place = (count - 1).max(0) as f64 * self.fraction;
        (place.floor() as u64, place.ceil() as u64, place - place.floor())
    }
}

/// The two values around the quantile of one group.
struct Pair {
    below: Rank,
    above: Rank,
    between: f64,
}

/// Selects all quantiles of all groups together, in passes over the rows.
fn select(
    quantiles: &[Quantile],
    part: &Partition,
    plan: &Aggregation,
    spilling: &Spilling,
    values: &mut pl::DataFrame,
) -> Result<(), EngineError> {
    let polars = |error: pl::PolarsError| engine_error(&error, "");
    let groups = values.height();
    if groups > GROUPS {
        return Err(EngineError::new(Class::Limit, "not enough memory: too many large groups at once")
            .help("give the run more with `--memory`"));
    }
    let mut counts = Vec::with_capacity(quantiles.len());
    for quantile in quantiles {
        let of_groups = values.column(&quantile.count_name()).and_then(|counts| counts.i64().cloned());
        counts.push(of_groups.map_err(polars)?);
    }
    // Both ranks of a pair collect for themselves.
    let bytes: u64 = counts.iter().flat_map(|counts| counts.iter().flatten()).map(|n| n.unsigned_abs() * 16).sum();
    let are_few = bytes <= working_bytes(spilling);
    let mut pairs: Vec<Vec<Option<Pair>>> = Vec::with_capacity(quantiles.len());
    for (quantile, counts) in quantiles.iter().zip(counts) {
        let of_group = |count: Option<i64>| {
            let count = count.filter(|count| *count > 0)?;
            let (below, above, between) = quantile.places(count);
            Some(Pair { below: Rank::new(below, are_few), above: Rank::new(above, are_few), between })
        };
        pairs.push(counts.iter().map(of_group).collect());
    }
    let numbered =
        collect(values.clone().lazy().select(keys_of(&plan.keys)).with_row_index(GROUP, None)).map_err(polars)?;
    let read: Vec<pl::Expr> = quantiles.iter().map(|quantile| quantile.value.clone().alias(quantile.name())).collect();
    while pairs.iter().flatten().flatten().any(|pair| pair.below.found().is_none() || pair.above.found().is_none()) {
        for frame in part.raw.frames() {
            let mut columns = read.clone();
            if groups > 1 {
                columns.extend(keys_of(&plan.keys));
            }
            let mut frame = collect(frame?.lazy().select(columns)).map_err(polars)?;
            if groups > 1 {
                frame = join_values(frame, numbered.clone(), &plan.keys).map_err(polars)?;
            }
            for (quantile, pairs) in quantiles.iter().zip(&mut pairs) {
                see(&frame, quantile, pairs, groups).map_err(polars)?;
            }
        }
        for pair in pairs.iter_mut().flatten().flatten() {
            pair.below.end_pass();
            pair.above.end_pass();
        }
    }
    for (quantile, pairs) in quantiles.iter().zip(&pairs) {
        let column = quantile_column(quantile, pairs).map_err(polars)?;
        values.with_column(column).map_err(polars)?;
    }
    Ok(())
}

/// Shows the values of a frame to the ranks of their groups.
fn see(frame: &pl::DataFrame, quantile: &Quantile, pairs: &mut [Option<Pair>], groups: usize) -> pl::PolarsResult<()> {
    let column = frame.column(&quantile.name())?;
    let of_rows = if groups > 1 { Some(frame.column(GROUP)?.idx()?.clone()) } else { None };
    let mut of_rows = of_rows.as_ref().map(pl::IdxCa::iter);
    let mut next_group = || of_rows.as_mut().map_or(Some(0), |rows| rows.next().flatten().map(|group| group as usize));
    let mut show = |value: Option<u64>| {
        let group = next_group();
        if let (Some(value), Some(pair)) = (value, group.and_then(|group| pairs.get_mut(group)?.as_mut())) {
            pair.below.see(value);
            pair.above.see(value);
        }
    };
    if column.dtype() == &pl::DataType::Float64 {
        column.f64()?.iter().for_each(|value| show(value.map(rank_of_float)));
    } else {
        column.i64()?.iter().for_each(|value| show(value.map(rank_of_integer)));
    }
    Ok(())
}

fn quantile_column(quantile: &Quantile, pairs: &[Option<Pair>]) -> pl::PolarsResult<pl::Column> {
    let name: pl::PlSmallStr = value_name(quantile.number).into();
    let found = |pair: &Option<Pair>| {
        pair.as_ref().and_then(|pair| Some((pair.below.found()?, pair.above.found()?, pair.between)))
    };
    match &quantile.discrete {
        Some(DataType::Float32 | DataType::Float64) | None => {
            let values: Vec<Option<f64>> = pairs
                .iter()
                .map(|pair| {
                    let (below, above, between) = found(pair)?;
                    let (below, above) = (float_of_rank(below), float_of_rank(above));
                    // As Polars computes it, so that the same rows give the same bits.
                    Some(if below == above { below } else { between * (above - below) + below })
                })
                .collect();
            let series = pl::Series::new(name, values);
            match &quantile.discrete {
                Some(wanted) => Ok(series.cast(&polars_type(wanted))?.into_column()),
                None => Ok(series.into_column()),
            }
        }
        Some(wanted) => {
            let values: Vec<Option<i64>> = pairs.iter().map(|pair| Some(integer_of_rank(found(pair)?.0))).collect();
            let wanted = polars_type(wanted);
            pl::Series::new(name, values).cast(&wanted.to_physical())?.cast(&wanted).map(IntoColumn::into_column)
        }
    }
}
