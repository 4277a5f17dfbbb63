//! Window functions that tell the place of a row, and those that take the value of another row.

use polars::prelude::{self as pl, BooleanChunked, IdxSize, IntoSeries, PolarsResult, Series};

use super::super::elementwise::failure;
use super::order::Rows;
use crate::expression::Function;

/// Where a value comes from.
#[derive(Clone, Copy)]
enum Picked {
    Row(usize),
    Default,
    Nothing,
}

impl Rows {
    /// The place of each row in its partition; `number` is the number of buckets of `ntile`.
    pub(super) fn places(&self, function: Function, number: i64) -> PolarsResult<Series> {
        let mut whole = Vec::new();
        let mut shares = Vec::new();
        for (rows, same) in self.each() {
            let count = rows.len();
            let mut rank = 1;
            let mut dense = 0;
            let mut peers_end = 0;
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

    /// The value of another row of the partition; `number` is the offset or the number of the row.
    pub(super) fn picked(
        &self,
        function: Function,
        number: i64,
        running: bool,
        arguments: &[Series],
    ) -> PolarsResult<Series> {
        let Some(values) = arguments.first() else { return Err(failure("a window function misses its value")) };
        let mut found: Vec<Picked> = Vec::new();
        for (rows, _) in self.each() {
            for (place, row) in rows.iter().copied().enumerate() {
                let at = |place: Option<usize>| place.and_then(|place| rows.get(place)).copied();
                let offset = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
                let behind = (function == Function::Lead) == (number >= 0);
                found.push(match function {
                    Function::Lag | Function::Lead => {
                        let other = if behind { place.checked_add(offset) } else { place.checked_sub(offset) };
                        at(other).map_or(Picked::Default, Picked::Row)
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
        let inside: BooleanChunked = found.iter().map(|picked| Some(!matches!(picked, Picked::Default))).collect();
        picked.zip_with(&inside, &default.cast(values.dtype())?)
    }
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
