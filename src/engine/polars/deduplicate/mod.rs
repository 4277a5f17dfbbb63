//! Deduplication: one row of each group of rows with equal keys, in the order of the input.
//!
//! Rows are scattered over partitions by the hash of their keys, and each partition finds its winners in a hash table that
//! fits a processor's cache; equal hashes are settled by comparing the keys. The frame itself is touched once, when the
//! winners are taken out of it. Time O(n) (a comparison of orders per duplicate), memory 16 to 24 bytes a row beside the frame.
//!
//! That is for tables that fit into memory. For others `spilled` finds the winners from the keys alone, and `large` reads the
//! rows a second time, or lets them wait in `rows`.

mod groups;
mod keys;
pub(super) mod large;
mod order;
mod rows;
mod spilled;

use std::sync::Arc;

use polars::prelude as pl;
use polars_arrow::bitmap::MutableBitmap;

use self::groups::winners;
pub(super) use self::keys::{KeyTable, Keys, bits_of_f32, bits_of_f64};
use self::order::Order;
pub(super) use self::rows::Waiting;
pub(super) use self::spilled::{Bitmap, Survivors};
use super::expression;
use crate::engine::EngineError;
use crate::expression::SortKey;
use crate::relation::Keep;

/// The frame without the rows that lose against another row with equal keys.
///
/// The whole input is held in memory, with all its columns: the caller projects it to what is needed.
pub(super) fn deduplicate(
    frame: pl::LazyFrame,
    keys: &[String],
    keep: Keep,
    order_by: &[SortKey],
) -> Result<pl::LazyFrame, EngineError> {
    // Without a first and a last the order decides nothing.
    let order_by = if matches!(keep, Keep::First | Keep::Last) { order_by } else { &[] };
    let mut orders = Vec::with_capacity(order_by.len());
    let mut directions = Vec::with_capacity(order_by.len());
    for (i, key) in order_by.iter().enumerate() {
        orders.push(expression::lower(&key.expr)?.alias(order_name(i)));
        directions.push(Direction { descending: key.descending, nulls_first: key.nulls_first });
    }
    let count = orders.len();
    let frame = if orders.is_empty() { frame } else { frame.with_columns(orders) };
    let keys = keys.to_vec();
    let kernel = move |frame: pl::DataFrame| filter(frame, &keys, keep, &directions);
    let without_orders = move |schema: &pl::Schema| -> pl::PolarsResult<pl::SchemaRef> {
        let mut schema = schema.clone();
        for i in 0..count {
            schema.shift_remove(order_name(i).as_str());
        }
        Ok(Arc::new(schema))
    };
    Ok(frame.map(kernel, pl::OptFlags::empty(), Some(Arc::new(without_orders)), Some("deduplicate")))
}

/// How a column of the order is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Direction {
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

pub(super) fn order_name(i: usize) -> String {
    format!("__order_{i}")
}

fn filter(
    mut frame: pl::DataFrame,
    keys: &[String],
    keep: Keep,
    directions: &[Direction],
) -> pl::PolarsResult<pl::DataFrame> {
    let mut orders = Vec::with_capacity(directions.len());
    for i in 0..directions.len() {
        orders.push(frame.drop_in_place(&order_name(i))?);
    }
    let columns = keys.iter().map(|key| frame.column(key).cloned()).collect::<pl::PolarsResult<Vec<_>>>()?;
    // The pool of our own algorithms, because Polars gives this place one thread; it is idle while a query runs.
    let mut outcome = Err(pl::PolarsError::ComputeError("the deduplication did not run".into()));
    rayon::scope(|scope| {
        scope.spawn(|_| {
            outcome = mask(&columns, frame.height(), keep, &orders, directions).and_then(|mask| frame.filter(&mask));
        });
    });
    outcome
}

fn mask(
    keys: &[pl::Column],
    rows: usize,
    keep: Keep,
    orders: &[pl::Column],
    directions: &[Direction],
) -> pl::PolarsResult<pl::BooleanChunked> {
    let order = Order::new(orders, directions)?;
    let winners = match Keys::new(keys, rows)? {
        Keys::Words(words) => winners(&words, keep, &order),
        Keys::Wide(words) => winners(&words, keep, &order),
        Keys::Rows(encoded) => winners(&encoded, keep, &order),
    };
    let mut mask = MutableBitmap::from_len_zeroed(rows);
    for row in winners.iter().flatten() {
        mask.set(*row as usize, true);
    }
    Ok(pl::BooleanChunked::from_bitmap("keep".into(), mask.freeze()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use polars::df;
    use polars::prelude::IntoColumn;
    use proptest::prelude::*;

    use super::*;

    const UP: Direction = Direction { descending: false, nulls_first: false };

    fn rows(frame: pl::DataFrame, keys: &[&str], keep: Keep, directions: &[Direction]) -> Vec<i64> {
        let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
        let kept = filter(frame, &keys, keep, directions).unwrap();
        kept.column("row").unwrap().i64().unwrap().into_no_null_iter().collect()
    }

    fn example() -> pl::DataFrame {
        df!["row" => [0_i64, 1, 2, 3, 4, 5], "k" => [Some("a"), Some("b"), Some("a"), None, Some("c"), None]].unwrap()
    }

    #[test]
    fn each_way_to_keep_takes_its_rows_in_the_order_of_the_input() {
        assert_eq!(rows(example(), &["k"], Keep::First, &[]), [0, 1, 3, 4]);
        assert_eq!(rows(example(), &["k"], Keep::Any, &[]), [0, 1, 3, 4]);
        assert_eq!(rows(example(), &["k"], Keep::Last, &[]), [1, 2, 4, 5]);
        assert_eq!(rows(example(), &["k"], Keep::None, &[]), [1, 4]);
    }

    #[test]
    fn parts_with_and_without_a_validity_are_compared_alike() {
        let plain = df!["row" => [0_i64], "k" => [2_i64]].unwrap();
        let filtered = df!["row" => [1_i64, 2, 9], "k" => [Some(0_i64), Some(1), None]].unwrap().slice(0, 2);
        let mut both = plain;
        both.vstack_mut(&filtered).unwrap();
        assert_eq!(rows(both, &["k"], Keep::First, &[]), [0, 1, 2]);
    }

    #[test]
    fn an_order_decides_and_its_ties_keep_the_order_of_the_input() {
        let frame = || {
            df!["row" => [0_i64, 1, 2, 3], "k" => [7_i32, 7, 7, 7], "__order_0" => [Some(2.0), None, Some(-1.0), Some(2.0)]].unwrap()
        };
        let down = Direction { descending: true, nulls_first: false };
        let nulls_first = Direction { descending: false, nulls_first: true };
        assert_eq!(rows(frame(), &["k"], Keep::First, &[UP]), [2]);
        assert_eq!(rows(frame(), &["k"], Keep::Last, &[UP]), [1]);
        assert_eq!(rows(frame(), &["k"], Keep::First, &[nulls_first]), [1]);
        assert_eq!(rows(frame(), &["k"], Keep::Last, &[nulls_first]), [3]);
        assert_eq!(rows(frame(), &["k"], Keep::First, &[down]), [0]);
    }

    #[test]
    fn zeros_and_nans_are_equal_whatever_their_bits() {
        let other_nan = f64::from_bits(f64::NAN.to_bits() ^ 1);
        let frame = df!["row" => [0_i64, 1, 2, 3], "k" => [0.0, -0.0, f64::NAN, other_nan]].unwrap();
        assert_eq!(rows(frame, &["k"], Keep::First, &[]), [0, 2]);
    }

    #[test]
    fn null_is_no_zero() {
        let frame = df!["row" => [0_i64, 1, 2], "k" => [Some(0_i64), None, Some(0)]].unwrap();
        assert_eq!(rows(frame, &["k"], Keep::First, &[]), [0, 1]);
    }

    #[test]
    fn no_rows_stay_no_rows() {
        assert_eq!(rows(example().slice(0, 0), &["k"], Keep::Last, &[]), Vec::<i64>::new());
    }

    /// What the documentation of `Deduplicate` says, in quadratic time.
    fn by_definition(
        keys: &[(Option<i64>, Option<i64>)],
        times: &[Option<i32>],
        keep: Keep,
        direction: Direction,
    ) -> Vec<i64> {
        let place = |row: usize| {
            let rank = match times[row] {
                None => (if direction.nulls_first { 0 } else { 2 }, 0),
                Some(time) => (1, if direction.descending { -i64::from(time) } else { i64::from(time) }),
            };
            (rank, row)
        };
        (0..keys.len())
            .filter(|&row| {
                let mut twins = (0..keys.len()).filter(|&other| other != row && keys[other] == keys[row]);
                match keep {
                    Keep::First => twins.all(|other| place(other) > place(row)),
                    Keep::Last => twins.all(|other| place(other) < place(row)),
                    Keep::Any => twins.all(|other| other > row),
                    Keep::None => twins.next().is_none(),
                }
            })
            .map(|row| i64::try_from(row).unwrap())
            .collect()
    }

    proptest! {
        #[test]
        fn the_kernel_agrees_with_the_definition(
            keys in prop::collection::vec((prop::option::of(-2_i64..3), prop::option::of(0_i64..3)), 0..60),
            times in prop::collection::vec(prop::option::of(-3_i32..3), 60),
            (descending, nulls_first) in any::<(bool, bool)>(),
            way in 0_usize..6,
        ) {
            let direction = Direction { descending, nulls_first };
            let times = &times[..keys.len()];
            let a = pl::Column::new("a".into(), keys.iter().map(|key| key.0).collect::<Vec<_>>());
            let b = pl::Column::new("b".into(), keys.iter().map(|key| key.1).collect::<Vec<_>>());
            // Packed into 64 or 128 bits, or encoded as bytes.
            let columns = match way {
                0 => vec![a.cast(&pl::DataType::Int8).unwrap(), b.cast(&pl::DataType::UInt16).unwrap()],
                1 => vec![a.cast(&pl::DataType::Float64).unwrap(), b.cast(&pl::DataType::Float32).unwrap()],
                2 => vec![a.cast(&pl::DataType::String).unwrap(), b],
                3 => vec![a.cast(&pl::DataType::Int32).unwrap(), b.cast(&pl::DataType::String).unwrap()],
                _ => vec![a, b],
            };
            let order = pl::Column::new("__order_0".into(), times.to_vec());
            let order = if way % 2 == 0 { order.cast(&pl::DataType::Int64).unwrap() } else { order };
            let row = pl::Column::new("row".into(), (0..keys.len()).map(|row| i64::try_from(row).unwrap()).collect::<Vec<_>>());
            for keep in [Keep::First, Keep::Last, Keep::None, Keep::Any] {
                let mut all = vec![row.clone()];
                all.extend(columns.iter().zip(["a", "b"]).map(|(column, name)| column.clone().with_name(name.into())));
                all.push(order.clone().into_column());
                let frame = pl::DataFrame::new(keys.len(), all).unwrap();
                prop_assert_eq!(rows(frame, &["a", "b"], keep, &[direction]), by_definition(&keys, times, keep, direction));
            }
        }
    }
}
