//! Aggregates that run along an order: of the rows from the first to the current one.

use polars::prelude::row_encode::_get_rows_encoded_ca;
use polars::prelude::{self as pl, BooleanChunked, IdxSize, IntoColumn, IntoSeries, PolarsResult, Series};

use super::super::elementwise::failure;
use super::order::Rows;
use crate::expression::Function;

impl Rows {
    /// The aggregate of the rows so far, beside each row; `keep` tells which rows count.
    pub(super) fn running(
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
                        *so_far =
                            Some(sum.ok_or_else(|| failure("integer overflow: a running sum does not fit int64"))?);
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
}
