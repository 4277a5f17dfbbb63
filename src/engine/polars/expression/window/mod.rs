//! Window functions.
//!
//! A window is computed over whole columns: rows are put in order by partition, key and place (keys by an order-preserving
//! encoding), the function walks over each partition, and its values go back to the places of the rows. Aggregates over
//! whole partitions are Polars' own, on the rows in order.

mod order;
mod place;
mod running;

use polars::prelude::{self as pl, Column, IdxSize, IntoColumn, IntoLazy, PolarsResult, Series};

use self::order::Rows;
use super::elementwise::{Inputs, columnwise};
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
            Function::RowNumber | Function::Rank | Function::DenseRank | Function::PercentRank | Function::CumeDist => {
                Task::Place(call.function, 1)
            }
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
        if argument.columns().is_empty() {
            argument.clone()
        } else {
            Expr::column(format!("a{index}"), argument.data_type.clone())
        }
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

impl Rows {
    /// An aggregate of Polars for each partition, on its rows in order, beside each row.
    fn whole(&self, aggregate: &pl::Expr, arguments: &[Series], filter: Option<&Series>) -> PolarsResult<Series> {
        let order = self.index();
        // Without keys the rows of a partition are in order where they stand.
        let arranged = |series: &Series| if self.sorted { series.take_slice(&order) } else { Ok(series.clone()) };
        let partitions = if self.sorted { self.partition_of_places() } else { self.partition_of_rows() };
        let mut columns = vec![Column::new("p".into(), &partitions)];
        for (index, argument) in arguments.iter().enumerate() {
            columns.push(arranged(argument)?.with_name(format!("a{index}").into()).into_column());
        }
        if let Some(filter) = filter {
            columns.push(arranged(filter)?.with_name("f".into()).into_column());
        }
        let grouped = pl::DataFrame::new(partitions.len(), columns)?
            .lazy()
            .group_by([pl::col("p")])
            .agg([aggregate.clone().alias("v")])
            .collect()?;
        let mut place = vec![0 as IdxSize; self.partitions()];
        for (at, partition) in grouped.column("p")?.idx()?.iter().enumerate() {
            let slot = partition.and_then(|partition| usize::try_from(partition).ok()).and_then(|p| place.get_mut(p));
            if let (Some(slot), Ok(at)) = (slot, IdxSize::try_from(at)) {
                *slot = at;
            }
        }
        let index: Vec<IdxSize> = self
            .partition_of_rows()
            .iter()
            .filter_map(|partition| usize::try_from(*partition).ok().and_then(|p| place.get(p)).copied())
            .collect();
        grouped.column("v")?.as_materialized_series().take_slice(&index)
    }
}
