//! Window functions.
//!
//! A window is computed over whole columns: rows are put in order by partition, key and place (keys by an order-preserving
//! encoding), the function walks over each partition, and its values go back to the places of the rows. Aggregates over
//! whole partitions are Polars' own, on the rows in order.

use polars::prelude::row_encode::{_get_rows_encoded_ca, _get_rows_encoded_ca_unordered};
use polars::prelude::{
    self as pl, BooleanChunked, Column, IdxSize, IntoColumn, IntoLazy, IntoSeries, PolarsResult, Series,
};
use rustc_hash::FxHashMap;

use super::elementwise::{Inputs, columnwise, failure};
use super::{EngineError, Lowering, aggregate, constant_integer, polars_type, refuse};
use crate::expression::{Aggregate, DataType, Expr, Frame, Function, Window};

/// The call over its window; `result` is the type of its value.
pub(super) fn lower(call: &Aggregate, result: &DataType) -> Result<pl::Expr, EngineError> {
    let Some(window) = &call.over else { return Err(refuse("a window function needs `over (..)`")) };
    let lowering = Lowering::default();
    // Something of every row comes first, so that constants are as long as the column.
    let mut inputs = vec![pl::repeat(pl::lit(true), pl::len())];
    inputs.extend(lowering.all(&call.arguments)?);
    inputs.extend(call.filter.iter().map(|filter| lowering.lower(filter)).collect::<Result<Vec<_>, _>>()?);
    inputs.extend(lowering.all(&window.partition_by)?);
    for key in &window.order_by {
        inputs.push(lowering.lower(&key.expr)?);
    }
    let plan = Plan::new(call, window, result)?;
    let output = polars_type(result);
    let field = output.clone();
    Ok(columnwise(call.function.name(), inputs, output, move |inputs| plan.run(inputs, &field)))
}

/// What is done over the window.
enum Task {
    /// The place of the row in its partition.
    Place(Function, i64),
    /// The value of another row of the partition.
    Pick { function: Function, number: i64, running: bool },
    /// An aggregate of the rows up to the current one.
    Running(Function),
    /// An aggregate of the whole partition.
    Whole(pl::Expr),
}

struct Plan {
    task: Task,
    arguments: usize,
    filtered: bool,
    partition_by: usize,
    descending: Vec<bool>,
    nulls_last: Vec<bool>,
}

impl Plan {
    fn new(call: &Aggregate, window: &Window, result: &DataType) -> Result<Plan, EngineError> {
        let running = window.frame == Frame::ToCurrentRow;
        let number = |index, what| constant_integer(&call.arguments, index, what);
        let task = match call.function {
            Function::RowNumber
            | Function::Rank
            | Function::DenseRank
            | Function::PercentRank
            | Function::CumeDist => Task::Place(call.function, 1),
            Function::Ntile => Task::Place(Function::Ntile, number(0, "the number of buckets")?),
            Function::Lag | Function::Lead => {
                let offset = if call.arguments.len() > 1 { number(1, "the offset")? } else { 1 };
                Task::Pick { function: call.function, number: offset, running }
            }
            Function::NthValue => {
                Task::Pick { function: call.function, number: number(1, "the number of the row")?, running }
            }
            Function::FirstValue | Function::LastValue | Function::First | Function::Last
                if call.filter.is_none() && call.order_by.is_empty() =>
            {
                Task::Pick { function: call.function, number: 1, running }
            }
            function if running => {
                if call.distinct || !call.order_by.is_empty() {
                    return Err(refuse(format!("{} cannot run along an order", function.name())));
                }
                match function {
                    Function::Count
                    | Function::CountAll
                    | Function::CountIf
                    | Function::Sum
                    | Function::Mean
                    | Function::Min
                    | Function::Max
                    | Function::First
                    | Function::Last
                    | Function::BoolAnd
                    | Function::BoolOr => Task::Running(function),
                    other => return Err(refuse(format!("{} cannot run along an order", other.name()))),
                }
            }
            _ => Task::Whole(whole(call, result)?),
        };
        Ok(Plan {
            task,
            arguments: call.arguments.len(),
            filtered: call.filter.is_some(),
            partition_by: window.partition_by.len(),
            descending: window.order_by.iter().map(|key| key.descending).collect(),
            nulls_last: window.order_by.iter().map(|key| !key.nulls_first).collect(),
        })
    }

    fn run(&self, inputs: &Inputs, output: &pl::DataType) -> PolarsResult<Series> {
        let mut rest = inputs.all().iter().skip(1);
        let arguments: Vec<Series> = rest.by_ref().take(self.arguments).cloned().collect();
        let filter = if self.filtered { rest.next() } else { None };
        let keep = match filter {
            Some(filter) => Some(filter.bool()?.iter().map(|keep| keep == Some(true)).collect::<Vec<bool>>()),
            None => None,
        };
        let partitions: Vec<Column> =
            rest.by_ref().take(self.partition_by).map(|series| series.clone().into_column()).collect();
        let keys: Vec<Column> = rest.map(|series| series.clone().into_column()).collect();
        let rows = Rows::new(inputs.height(), &partitions, &keys, &self.descending, &self.nulls_last)?;
        match &self.task {
            Task::Place(function, number) => rows.places(*function, *number),
            Task::Pick { function, number, running } => rows.picked(*function, *number, *running, &arguments),
            Task::Running(function) => rows.running(*function, arguments.first(), keep.as_deref(), output),
            Task::Whole(aggregate) => rows.whole(aggregate, &arguments, filter),
        }
    }
}

/// The aggregate with its arguments replaced by the columns `a0`, `a1`, .. and its filter by `f`.
fn whole(call: &Aggregate, result: &DataType) -> Result<pl::Expr, EngineError> {
    let column = |index: usize, argument: &Expr| {
        // Constants such as a separator stay: the aggregate reads them from the tree.
        if argument.columns().is_empty() { argument.clone() } else { Expr::column(format!("a{index}"), argument.data_type.clone()) }
    };
    if !call.order_by.is_empty() {
        return Err(refuse("`order by` stands inside `over (..)` for a window"));
    }
    let replaced = Aggregate {
        function: call.function,
        arguments: call.arguments.iter().enumerate().map(|(index, argument)| column(index, argument)).collect(),
        distinct: call.distinct,
        filter: call.filter.as_ref().map(|_| Expr::column("f", DataType::Boolean)),
        order_by: Vec::new(),
        over: None,
    };
    aggregate::lower(&replaced, result)
}

/// The rows in order of partition, key and place.
struct Rows {
    /// The numbers of the rows in order.
    order: Vec<usize>,
    /// Runs of `order` that are partitions.
    partitions: Vec<std::ops::Range<usize>>,
    /// For each place in `order`, whether its key is that of the place before, in one partition.
    same_key: Vec<bool>,
}

impl Rows {
    fn new(
        height: usize,
        partition_by: &[Column],
        keys: &[Column],
        descending: &[bool],
        nulls_last: &[bool],
    ) -> PolarsResult<Rows> {
        let partition = partition_numbers(height, partition_by)?;
        let keys = match keys {
            [] => None,
            keys => Some(_get_rows_encoded_ca(pl::PlSmallStr::EMPTY, keys, descending, nulls_last, false)?),
        };
        let key: Vec<&[u8]> = match &keys {
            None => Vec::new(),
            Some(keys) => keys.iter().map(Option::unwrap_or_default).collect(),
        };
        let key_of = |row: usize| key.get(row).copied().unwrap_or_default();
        let partition_of = |row: usize| partition.get(row).copied().unwrap_or_default();
        let mut order: Vec<usize> = (0..height).collect();
        order.sort_by(|a, b| partition_of(*a).cmp(&partition_of(*b)).then_with(|| key_of(*a).cmp(key_of(*b))));
        let mut partitions: Vec<std::ops::Range<usize>> = Vec::new();
        let mut same_key = Vec::with_capacity(height);
        let mut before: Option<usize> = None;
        for (place, row) in order.iter().copied().enumerate() {
            let same_partition = before.is_some_and(|before| partition_of(before) == partition_of(row));
            same_key.push(same_partition && before.is_some_and(|before| key_of(before) == key_of(row)));
            match partitions.last_mut() {
                Some(last) if same_partition => last.end = place + 1,
                _ => partitions.push(place..place + 1),
            }
            before = Some(row);
        }
        Ok(Rows { order, partitions, same_key })
    }

    /// The rows of a partition in order.
    fn of(&self, partition: &std::ops::Range<usize>) -> &[usize] {
        self.order.get(partition.clone()).unwrap_or_default()
    }

    /// Values that were found in order, back at the places of the rows.
    fn back<T>(&self, found: Vec<T>) -> impl Iterator<Item = T> {
        let mut pairs: Vec<(usize, T)> = self.order.iter().copied().zip(found).collect();
        pairs.sort_unstable_by_key(|(row, _)| *row);
        pairs.into_iter().map(|(_, value)| value)
    }

    fn places(&self, function: Function, number: i64) -> PolarsResult<Series> {
        let mut whole = Vec::new();
        let mut shares = Vec::new();
        for partition in &self.partitions {
            let count = partition.len();
            let mut rank = 1;
            let mut dense = 0;
            let mut peers_end = 0;
            let same = self.same_key.get(partition.clone()).unwrap_or_default();
            for (place, tied) in same.iter().copied().enumerate() {
                if !tied {
                    rank = place + 1;
                    dense += 1;
                }
                match function {
                    Function::RowNumber => whole.push(place + 1),
                    Function::Rank => whole.push(rank),
                    Function::DenseRank => whole.push(dense),
                    Function::Ntile => whole.push(bucket(place, count, number)),
                    Function::PercentRank => {
                        shares.push(if count > 1 { ratio(rank - 1, count - 1) } else { 0.0 });
                    }
                    _ => {
                        if place >= peers_end {
                            peers_end = place + 1 + same.iter().skip(place + 1).take_while(|tied| **tied).count();
                        }
                        shares.push(ratio(peers_end, count));
                    }
                }
            }
        }
        if matches!(function, Function::PercentRank | Function::CumeDist) {
            return Ok(self.back(shares).map(Some).collect::<pl::Float64Chunked>().into_series());
        }
        let numbers: pl::Int64Chunked = self.back(whole).map(|number| i64::try_from(number).ok()).collect();
        Ok(numbers.into_series())
    }

    fn picked(&self, function: Function, number: i64, running: bool, arguments: &[Series]) -> PolarsResult<Series> {
        let Some(values) = arguments.first() else { return Err(failure("a window function misses its value")) };
        let mut found: Vec<Picked> = Vec::with_capacity(self.order.len());
        for partition in &self.partitions {
            let rows = self.of(partition);
            for (place, row) in rows.iter().copied().enumerate() {
                let at = |place: Option<usize>| place.and_then(|place| rows.get(place)).copied();
                let offset = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
                let behind = (function == Function::Lead) == (number >= 0);
                found.push(match function {
                    Function::Lag | Function::Lead => {
                        let other = if behind { place.checked_add(offset) } else { place.checked_sub(offset) };
                        at(other).map_or(Picked::Default(row), Picked::Row)
                    }
                    Function::NthValue => {
                        let wanted = usize::try_from(number - 1).ok().filter(|wanted| !running || *wanted <= place);
                        at(wanted).map_or(Picked::Nothing, Picked::Row)
                    }
                    Function::FirstValue | Function::First => at(Some(0)).map_or(Picked::Nothing, Picked::Row),
                    _ if running => Picked::Row(row),
                    _ => at(rows.len().checked_sub(1)).map_or(Picked::Nothing, Picked::Row),
                });
            }
        }
        let found: Vec<Picked> = self.back(found).collect();
        let index = |row: usize| IdxSize::try_from(row).ok();
        let own: pl::IdxCa = found
            .iter()
            .map(|picked| match picked {
                Picked::Row(row) => index(*row),
                _ => None,
            })
            .collect();
        let picked = values.take(&own)?;
        let Some(default) = arguments.get(2) else { return Ok(picked) };
        let inside: BooleanChunked = found.iter().map(|picked| Some(!matches!(picked, Picked::Default(_)))).collect();
        picked.zip_with(&inside, &default.cast(values.dtype())?)
    }

    fn running(
        &self,
        function: Function,
        values: Option<&Series>,
        keep: Option<&[bool]>,
        output: &pl::DataType,
    ) -> PolarsResult<Series> {
        let kept = |row: usize| keep.is_none_or(|keep| keep.get(row) == Some(&true));
        let values = || values.ok_or_else(|| failure("an aggregate misses its value"));
        match function {
            Function::CountAll => self.counted(kept),
            Function::Count => {
                let known = values()?.is_not_null();
                self.counted(|row| kept(row) && known.get(row) == Some(true))
            }
            Function::CountIf => {
                let flags = values()?.bool()?.clone();
                self.counted(|row| kept(row) && flags.get(row) == Some(true))
            }
            Function::BoolAnd | Function::BoolOr => {
                let flags = values()?.bool()?.clone();
                let all = function == Function::BoolAnd;
                let found = self.fold(None, |so_far: &mut Option<bool>, row| {
                    if let (true, Some(flag)) = (kept(row), flags.get(row)) {
                        *so_far = Some(so_far.map_or(flag, |so_far| if all { so_far && flag } else { so_far || flag }));
                    }
                    Ok(*so_far)
                })?;
                Ok(self.back(found).collect::<BooleanChunked>().into_series())
            }
            Function::Sum if output == &pl::DataType::Int64 => {
                let numbers = values()?.cast(&pl::DataType::Int64)?;
                let numbers = numbers.i64()?;
                let found = self.fold(None, |so_far: &mut Option<i64>, row| {
                    if let (true, Some(number)) = (kept(row), numbers.get(row)) {
                        let sum = so_far.unwrap_or(0).checked_add(number);
                        *so_far = Some(sum.ok_or_else(|| failure("integer overflow: a running sum does not fit int64"))?);
                    }
                    Ok(*so_far)
                })?;
                Ok(self.back(found).collect::<pl::Int64Chunked>().into_series())
            }
            Function::Sum | Function::Mean => {
                let numbers = values()?.cast(&pl::DataType::Float64)?;
                let numbers = numbers.f64()?;
                let mean = function == Function::Mean;
                let found = self.fold((0.0, 0.0), |(sum, count): &mut (f64, f64), row| {
                    if let (true, Some(number)) = (kept(row), numbers.get(row)) {
                        *sum += number;
                        *count += 1.0;
                    }
                    Ok(if *count == 0.0 { None } else { Some(if mean { *sum / *count } else { *sum }) })
                })?;
                Ok(self.back(found).collect::<pl::Float64Chunked>().into_series())
            }
            _ => {
                let values = values()?;
                let column = values.clone().into_column();
                let keys = _get_rows_encoded_ca(pl::PlSmallStr::EMPTY, &[column], &[false], &[true], false)?;
                let known = values.is_not_null();
                let found = self.fold(None, |best: &mut Option<usize>, row| {
                    let better = match (function, *best) {
                        _ if !kept(row) => false,
                        (Function::First, best) => best.is_none(),
                        (Function::Last, _) => true,
                        _ if known.get(row) != Some(true) => false,
                        (_, None) => true,
                        (Function::Min, Some(best)) => keys.get(row) < keys.get(best),
                        (_, Some(best)) => keys.get(row) > keys.get(best),
                    };
                    if better {
                        *best = Some(row);
                    }
                    Ok(*best)
                })?;
                let index: pl::IdxCa =
                    self.back(found).map(|row| row.and_then(|row| IdxSize::try_from(row).ok())).collect();
                values.take(&index)
            }
        }
    }

    fn counted(&self, counts: impl Fn(usize) -> bool) -> PolarsResult<Series> {
        let found = self.fold(0_i64, |count: &mut i64, row| {
            *count += i64::from(counts(row));
            Ok(*count)
        })?;
        Ok(self.back(found).map(Some).collect::<pl::Int64Chunked>().into_series())
    }

    /// Walks each partition in order with a state of its own.
    fn fold<S: Clone, T>(
        &self,
        start: S,
        mut step: impl FnMut(&mut S, usize) -> PolarsResult<T>,
    ) -> PolarsResult<Vec<T>> {
        let mut found = Vec::with_capacity(self.order.len());
        for partition in &self.partitions {
            let mut state = start.clone();
            for row in self.of(partition) {
                found.push(step(&mut state, *row)?);
            }
        }
        Ok(found)
    }

    /// An aggregate of Polars for each partition, on its rows in order, beside each row.
    fn whole(&self, aggregate: &pl::Expr, arguments: &[Series], filter: Option<&Series>) -> PolarsResult<Series> {
        let order: Vec<IdxSize> = self.order.iter().filter_map(|row| IdxSize::try_from(*row).ok()).collect();
        let numbers: Vec<IdxSize> = self
            .partitions
            .iter()
            .enumerate()
            .flat_map(|(number, partition)| {
                std::iter::repeat_n(IdxSize::try_from(number).unwrap_or_default(), partition.len())
            })
            .collect();
        let mut columns = vec![Column::new("p".into(), &numbers)];
        for (index, argument) in arguments.iter().enumerate() {
            columns.push(argument.take_slice(&order)?.with_name(format!("a{index}").into()).into_column());
        }
        if let Some(filter) = filter {
            columns.push(filter.take_slice(&order)?.with_name("f".into()).into_column());
        }
        let grouped = pl::DataFrame::new(order.len(), columns)?
            .lazy()
            .group_by_stable([pl::col("p")])
            .agg([aggregate.clone().alias("v")])
            .collect()?;
        let place: Vec<IdxSize> = self.back(numbers).collect();
        grouped.column("v")?.as_materialized_series().take_slice(&place)
    }
}

/// Where a value comes from.
#[derive(Clone, Copy)]
enum Picked {
    Row(usize),
    Default(usize),
    Nothing,
}

/// The number of the partition of each row, in order of appearance.
fn partition_numbers(height: usize, partition_by: &[Column]) -> PolarsResult<Vec<usize>> {
    if partition_by.is_empty() {
        return Ok(vec![0; height]);
    }
    let encoded = _get_rows_encoded_ca_unordered(pl::PlSmallStr::EMPTY, partition_by)?;
    let mut known: FxHashMap<&[u8], usize> = FxHashMap::default();
    Ok(encoded
        .iter()
        .map(|key| {
            let next = known.len();
            *known.entry(key.unwrap_or_default()).or_insert(next)
        })
        .collect())
}

#[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^53")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

/// The bucket, from 1, of a place when `count` rows are dealt into `buckets` equal parts, the first ones larger by one.
fn bucket(place: usize, count: usize, buckets: i64) -> usize {
    let buckets = usize::try_from(buckets.max(1)).unwrap_or(usize::MAX);
    let (size, larger) = (count / buckets, count % buckets);
    let in_larger = larger * (size + 1);
    if place < in_larger {
        place / (size + 1) + 1
    } else {
        larger + (place - in_larger).checked_div(size).unwrap_or_default() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_dealt_into_buckets() {
        let dealt = |count, buckets| (0..count).map(|place| bucket(place, count, buckets)).collect::<Vec<_>>();
        assert_eq!(dealt(5, 2), [1, 1, 1, 2, 2]);
        assert_eq!(dealt(5, 3), [1, 1, 2, 2, 3]);
        assert_eq!(dealt(3, 10), [1, 2, 3]);
    }
}
