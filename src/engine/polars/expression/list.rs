//! Lists.
//!
//! A list column is taken apart into the column of all elements and, for each row, the run of elements that is its own.
//! Functions choose among the elements by number; comparisons go by an order-preserving encoding of the elements, so that
//! every ordered type works alike and NaN is the largest number.

use polars::chunked_array::builder::get_list_builder;
use polars::prelude::row_encode::_get_rows_encoded_ca;
use polars::prelude::{self as pl, IdxSize, IntoColumn, IntoSeries, ListBuilderTrait, PolarsResult, Series};

use super::elementwise::{Inputs, boolean_rows, elementwise, failure, float_rows, integer_rows, text_rows};
use super::{EngineError, Lowering, polars_type, refuse};
use crate::expression::{DataType, Expr, Function};

/// No list becomes longer than this by `range`.
const LONGEST: i128 = 1 << 28;

/// A column of lists, taken apart.
struct Lists {
    elements: Series,
    /// For each row the numbers of its first element and of the one behind its last; `None` for a null.
    runs: Vec<Option<(usize, usize)>>,
}

impl Lists {
    fn new(series: &Series) -> PolarsResult<Lists> {
        let lists = series.list()?.rechunk();
        let array = lists.downcast_as_array();
        let validity = array.validity();
        let bounds = array.offsets().as_slice();
        let runs = bounds
            .windows(2)
            .enumerate()
            .map(|(row, pair)| match pair {
                [begin, end] if validity.is_none_or(|bits| bits.get(row) == Some(true)) => {
                    Some((usize::try_from(*begin).ok()?, usize::try_from(*end).ok()?))
                }
                _ => None,
            })
            .collect();
        Ok(Lists { elements: lists.get_inner().rechunk(), runs })
    }

    /// Bytes that compare as the elements do; `None` for nulls.
    fn keys(elements: &Series) -> PolarsResult<Keys> {
        let column = elements.clone().into_column();
        let encoded = _get_rows_encoded_ca(pl::PlSmallStr::EMPTY, &[column], &[false], &[true], false)?;
        Ok(Keys { encoded, null: elements.is_null() })
    }

    /// Lists of chosen elements; `choose` gets the run of a row and answers with the numbers of elements.
    fn chosen(&self, mut choose: impl FnMut(usize, usize) -> Vec<usize>) -> PolarsResult<Series> {
        let mut numbers: Vec<IdxSize> = Vec::with_capacity(self.elements.len());
        let mut lengths = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            lengths.push(run.map(|(begin, end)| {
                let chosen = choose(begin, end);
                numbers.extend(chosen.iter().filter_map(|number| IdxSize::try_from(*number).ok()));
                chosen.len()
            }));
        }
        lists_of(&self.elements.take_slice(&numbers)?, &lengths)
    }

    /// One chosen element for each row, or null.
    fn one(&self, mut choose: impl FnMut(usize, usize, usize) -> Option<usize>) -> PolarsResult<Series> {
        let numbers: pl::IdxCa = self
            .runs
            .iter()
            .enumerate()
            .map(|(row, run)| {
                let (begin, end) = (*run)?;
                choose(row, begin, end).and_then(|number| IdxSize::try_from(number).ok())
            })
            .collect();
        self.elements.take(&numbers)
    }
}

struct Keys {
    encoded: pl::BinaryOffsetChunked,
    null: pl::BooleanChunked,
}

impl Keys {
    fn get(&self, number: usize) -> Option<&[u8]> {
        if self.null.get(number) == Some(false) { self.encoded.get(number) } else { None }
    }
}

fn lists_of(elements: &Series, lengths: &[Option<usize>]) -> PolarsResult<Series> {
    let mut builder = get_list_builder(elements.dtype(), elements.len(), lengths.len(), pl::PlSmallStr::EMPTY);
    let mut begin = 0_i64;
    for length in lengths {
        match length {
            None => builder.append_null(),
            Some(length) => {
                builder.append_series(&elements.slice(begin, *length))?;
                begin = begin.saturating_add(i64::try_from(*length).unwrap_or(i64::MAX));
            }
        }
    }
    Ok(builder.finish().into_series())
}

impl Lowering {
    /// `[a, b, ..]`.
    pub(super) fn list_value(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        let DataType::List(element) = result else { return Err(refuse("a list has elements of one type")) };
        let inner = polars_type(element);
        if arguments.is_empty() {
            let empty = Series::new_empty(pl::PlSmallStr::EMPTY, &inner);
            return Ok(pl::lit(pl::Scalar::new_list(empty)));
        }
        Ok(elementwise("list_value", self.all(arguments)?, polars_type(result), move |inputs| {
            let mut elements = Series::new_empty(pl::PlSmallStr::EMPTY, &inner);
            for input in inputs.all() {
                elements.append(&input.cast(&inner)?)?;
            }
            // Element `i` of row `r` stands at `i * height + r` of the columns below each other.
            let (width, height) = (inputs.len(), inputs.height());
            let numbers: Vec<IdxSize> = (0..height)
                .flat_map(|row| (0..width).map(move |i| i * height + row))
                .filter_map(|number| IdxSize::try_from(number).ok())
                .collect();
            lists_of(&elements.take_slice(&numbers)?, &vec![Some(width); height])
        }))
    }

    /// `list_length(list)`.
    pub(super) fn list_length(&self, argument: &Expr) -> Result<pl::Expr, EngineError> {
        Ok(self.lower(argument)?.list().len().cast(pl::DataType::Int64))
    }

    /// `list_contains` and `list_position`.
    pub(super) fn list_search(&self, function: Function, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let inputs = self.all(arguments)?;
        let find = |inputs: &Inputs| -> PolarsResult<Vec<Option<Option<usize>>>> {
            let lists = Lists::new(inputs.series(0)?)?;
            let wanted = Lists::keys(&inputs.series(1)?.cast(lists.elements.dtype())?)?;
            let keys = Lists::keys(&lists.elements)?;
            Ok(lists
                .runs
                .iter()
                .enumerate()
                .map(|(row, run)| {
                    let ((begin, end), wanted) = ((*run)?, wanted.get(row)?);
                    Some((begin..end).position(|number| keys.get(number) == Some(wanted)))
                })
                .collect())
        };
        Ok(if function == Function::ListContains {
            elementwise("list_contains", inputs, pl::DataType::Boolean, move |inputs| {
                boolean_rows(find(inputs)?.into_iter(), |found| Ok(found.map(|place| place.is_some())))
            })
        } else {
            elementwise("list_position", inputs, pl::DataType::Int64, move |inputs| {
                integer_rows(find(inputs)?.into_iter(), |found| {
                    Ok(found.flatten().and_then(|place| i64::try_from(place).ok()).map(|place| place + 1))
                })
            })
        })
    }

    /// `list_sum`, without silent overflow.
    pub(super) fn list_sum(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        let inputs = self.guarded_inputs(arguments)?;
        if result.is_float() {
            return Ok(elementwise("list_sum", inputs, pl::DataType::Float64, |inputs| {
                let lists = Lists::new(inputs.series(0)?)?;
                let values = lists.elements.cast(&pl::DataType::Float64)?;
                let values = values.f64()?;
                float_rows(lists.runs.iter(), |run| {
                    Ok(run.and_then(|(begin, end)| {
                        (begin..end).filter_map(|number| values.get(number)).reduce(|sum, value| sum + value)
                    }))
                })
            })
            .cast(polars_type(result)));
        }
        Ok(elementwise("list_sum", inputs, pl::DataType::Int64, |inputs| {
            let lists = Lists::new(inputs.series(0)?)?;
            let values = lists.elements.strict_cast(&pl::DataType::Int64)?;
            let values = values.i64()?;
            integer_rows(lists.runs.iter(), |run| {
                let Some((begin, end)) = *run else { return Ok(None) };
                let numbers = (begin..end).filter_map(|number| values.get(number)).map(i128::from);
                match numbers.reduce(|sum, value| sum + value) {
                    None => Ok(None),
                    Some(sum) => i64::try_from(sum)
                        .map(Some)
                        .map_err(|_| failure(format!("integer overflow: the sum {sum} of a list does not fit int64"))),
                }
            })
        })
        .cast(polars_type(result)))
    }

    /// `list_avg(list)`.
    pub(super) fn list_mean(&self, argument: &Expr) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("list_avg", vec![self.lower(argument)?], pl::DataType::Float64, |inputs| {
            let lists = Lists::new(inputs.series(0)?)?;
            let values = lists.elements.cast(&pl::DataType::Float64)?;
            let values = values.f64()?;
            float_rows(lists.runs.iter(), |run| {
                Ok(run.and_then(|(begin, end)| {
                    let (mut sum, mut count) = (0.0, 0.0);
                    for value in (begin..end).filter_map(|number| values.get(number)) {
                        sum += value;
                        count += 1.0;
                    }
                    (count > 0.0).then_some(sum / count)
                }))
            })
        }))
    }

    /// `list_min` and `list_max`.
    pub(super) fn list_extreme(
        &self,
        function: Function,
        argument: &Expr,
        result: &DataType,
    ) -> Result<pl::Expr, EngineError> {
        let largest = function == Function::ListMax;
        Ok(elementwise(function.name(), vec![self.lower(argument)?], polars_type(result), move |inputs| {
            let lists = Lists::new(inputs.series(0)?)?;
            let keys = Lists::keys(&lists.elements)?;
            lists.one(|_, begin, end| {
                let known = (begin..end).filter_map(|number| keys.get(number).map(|key| (key, number)));
                let best = if largest { known.max_by(|a, b| a.0.cmp(b.0)) } else { known.min_by(|a, b| a.0.cmp(b.0)) };
                best.map(|(_, number)| number)
            })
        }))
    }

    /// `list_sort`, `list_reverse` and `list_distinct`.
    pub(super) fn list_rearranged(
        &self,
        function: Function,
        argument: &Expr,
        result: &DataType,
    ) -> Result<pl::Expr, EngineError> {
        Ok(elementwise(function.name(), vec![self.lower(argument)?], polars_type(result), move |inputs| {
            let lists = Lists::new(inputs.series(0)?)?;
            if function == Function::ListReverse {
                return lists.chosen(|begin, end| (begin..end).rev().collect());
            }
            let keys = Lists::keys(&lists.elements)?;
            let distinct = function == Function::ListDistinct;
            lists.chosen(|begin, end| {
                let mut numbers: Vec<usize> =
                    (begin..end).filter(|number| !distinct || keys.get(*number).is_some()).collect();
                // Nulls go last.
                numbers.sort_by_key(|number| (keys.get(*number).is_none(), keys.get(*number)));
                if distinct {
                    numbers.dedup_by_key(|number| keys.get(*number));
                }
                numbers
            })
        }))
    }

    /// `list[index]`, from 1 or from -1 at the end.
    pub(super) fn list_element(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("list_extract", self.all(arguments)?, polars_type(result), |inputs| {
            let lists = Lists::new(inputs.series(0)?)?;
            let index = inputs.integer(1)?;
            lists.one(|row, begin, end| {
                let place = match index.get(row)? {
                    0 => return None,
                    index @ 1.. => begin.checked_add(usize::try_from(index - 1).ok()?)?,
                    index => end.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
                };
                (begin..end).contains(&place).then_some(place)
            })
        }))
    }

    /// `list[start:end]`, both included.
    pub(super) fn list_slice(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        Ok(elementwise("list_slice", self.all(arguments)?, polars_type(result), |inputs| {
            let mut lists = Lists::new(inputs.series(0)?)?;
            let (first, last) = (inputs.integer(1)?, inputs.integer(2)?);
            for (row, run) in lists.runs.iter_mut().enumerate() {
                let Some((begin, end)) = *run else { continue };
                let (Some(first), Some(last)) = (first.get(row), last.get(row)) else {
                    *run = None;
                    continue;
                };
                let length = i64::try_from(end - begin).unwrap_or(i64::MAX);
                let from = if first < 0 { length.saturating_add(first) } else { (first - 1).max(0) };
                let to = if last < 0 { length.saturating_add(last).saturating_add(1) } else { last };
                let (from, to) = (from.clamp(0, length), to.clamp(0, length));
                let from = usize::try_from(from).unwrap_or_default();
                let to = usize::try_from(to).unwrap_or_default().max(from);
                *run = Some((begin + from, begin + to));
            }
            lists.chosen(|begin, end| (begin..end).collect())
        }))
    }

    /// `list_concat(list, ..)`.
    pub(super) fn list_concat(&self, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        let DataType::List(element) = result else { return Err(refuse("lists are joined to a list")) };
        let inner = polars_type(element);
        Ok(elementwise("list_concat", self.all(arguments)?, polars_type(result), move |inputs| {
            let lists = inputs.all().iter().map(Lists::new).collect::<PolarsResult<Vec<_>>>()?;
            let mut elements = Series::new_empty(pl::PlSmallStr::EMPTY, &inner);
            let mut starts = Vec::with_capacity(lists.len());
            for part in &lists {
                starts.push(elements.len());
                elements.append(&part.elements.cast(&inner)?)?;
            }
            let mut numbers: Vec<IdxSize> = Vec::new();
            let mut lengths = Vec::with_capacity(inputs.height());
            for row in 0..inputs.height() {
                let runs: Option<Vec<(usize, usize)>> = lists
                    .iter()
                    .zip(&starts)
                    .map(|(part, start)| {
                        let (begin, end) = part.runs.get(row).copied().flatten()?;
                        Some((start + begin, start + end))
                    })
                    .collect();
                let before = numbers.len();
                lengths.push(runs.map(|runs| {
                    let all = runs.into_iter().flat_map(|(begin, end)| begin..end);
                    numbers.extend(all.filter_map(|number| IdxSize::try_from(number).ok()));
                    numbers.len() - before
                }));
            }
            lists_of(&elements.take_slice(&numbers)?, &lengths)
        }))
    }

    /// `array_to_string(list, separator)`; null elements are skipped.
    pub(super) fn list_join(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let mut inputs = self.all(arguments)?;
        if inputs.len() < 2 {
            inputs.push(pl::lit(","));
        }
        Ok(elementwise("array_to_string", inputs, pl::DataType::String, |inputs| {
            let lists = Lists::new(inputs.series(0)?)?;
            let texts = lists.elements.cast(&pl::DataType::String)?;
            let texts = texts.str()?;
            let separator = inputs.text(1)?;
            text_rows(lists.runs.iter().zip(separator.iter()), |(run, separator), out| {
                let (Some((begin, end)), Some(separator)) = (*run, separator) else { return Ok(false) };
                for (i, text) in (begin..end).filter_map(|number| texts.get(number)).enumerate() {
                    if i > 0 {
                        out.push_str(separator);
                    }
                    out.push_str(text);
                }
                Ok(true)
            })
        }))
    }

    /// `range(start, end, step)`.
    pub(super) fn range(&self, arguments: &[Expr]) -> Result<pl::Expr, EngineError> {
        let mut inputs = self.guarded_inputs(arguments)?;
        if inputs.len() == 1 {
            inputs.insert(0, pl::lit(0_i64));
        }
        if inputs.len() == 2 {
            inputs.push(pl::lit(1_i64));
        }
        let output = polars_type(&DataType::List(Box::new(DataType::Int64)));
        Ok(elementwise("range", inputs, output, |inputs| {
            let (start, end, step) = (inputs.integer(0)?, inputs.integer(1)?, inputs.integer(2)?);
            let mut builder = pl::ListPrimitiveChunkedBuilder::<pl::Int64Type>::new(
                pl::PlSmallStr::EMPTY,
                inputs.height(),
                inputs.height(),
                pl::DataType::Int64,
            );
            for ((start, end), step) in start.iter().zip(end.iter()).zip(step.iter()) {
                let (Some(start), Some(end), Some(step)) = (start, end, step) else {
                    builder.append_null();
                    continue;
                };
                if step == 0 {
                    return Err(failure("the step of a range is zero"));
                }
                let (first, last, step) = (i128::from(start), i128::from(end), i128::from(step));
                let span = if step > 0 { last - first } else { first - last };
                let count = if span <= 0 { 0 } else { (span + step.abs() - 1) / step.abs() };
                if count > LONGEST {
                    return Err(failure(format!("range({start}, {end}, {step}) has more than {LONGEST} elements")));
                }
                builder.append_values_iter((0..count).filter_map(|i| i64::try_from(first + i * step).ok()));
            }
            Ok(builder.finish().into_series())
        }))
    }
}
