//! Hashes of keys, by which rows are dealt out to partitions.

use polars::chunked_array::ops::row_encode::encode_rows_unordered;
use polars::prelude as pl;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::super::deduplicate::{bits_of_f32, bits_of_f64};
use super::super::error::engine_error;
use crate::engine::EngineError;

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
const NULL: u64 = 0x51ED_270B_9C1D_3F6B;

/// A hash for each row: rows with equal keys have equal hashes, also in other frames with columns of the same types; null
/// equals null, 0.0 equals -0.0, and all NaN are equal. All bits are good.
pub(in crate::engine::polars) fn hash_rows(
    frame: &pl::DataFrame,
    keys: &[&str],
    seed: u64,
) -> Result<Vec<u64>, EngineError> {
    let mut hashes = vec![mix(seed ^ ODD, ODD); frame.height()];
    for key in keys {
        let column = frame.column(key).map_err(|error| engine_error(&error, ""))?;
        add(column, &mut hashes, seed).map_err(|error| engine_error(&error, ""))?;
    }
    Ok(hashes)
}

fn add(column: &pl::Column, hashes: &mut [u64], seed: u64) -> pl::PolarsResult<()> {
    let series = column.as_materialized_series().to_physical_repr().into_owned();
    match series.dtype() {
        pl::DataType::Boolean => values(series.bool()?.iter(), hashes, u64::from),
        pl::DataType::Int8 => values(series.i8()?.iter(), hashes, |v| u64::from(v.cast_unsigned())),
        pl::DataType::Int16 => values(series.i16()?.iter(), hashes, |v| u64::from(v.cast_unsigned())),
        pl::DataType::Int32 => values(series.i32()?.iter(), hashes, |v| u64::from(v.cast_unsigned())),
        pl::DataType::Int64 => values(series.i64()?.iter(), hashes, i64::cast_unsigned),
        pl::DataType::UInt8 => values(series.u8()?.iter(), hashes, u64::from),
        pl::DataType::UInt16 => values(series.u16()?.iter(), hashes, u64::from),
        pl::DataType::UInt32 => values(series.u32()?.iter(), hashes, u64::from),
        pl::DataType::UInt64 => values(series.u64()?.iter(), hashes, |v| v),
        pl::DataType::Float32 => values(series.f32()?.iter(), hashes, |v| u64::from(bits_of_f32(v))),
        pl::DataType::Float64 => values(series.f64()?.iter(), hashes, bits_of_f64),
        pl::DataType::String => values(series.str()?.iter(), hashes, |v| xxh3_64_with_seed(v.as_bytes(), seed)),
        pl::DataType::Binary => values(series.binary()?.iter(), hashes, |v| xxh3_64_with_seed(v, seed)),
        _ if series.is_empty() => {}
        _ => {
            let encoded = encode_rows_unordered(&[series.into()])?;
            values(encoded.iter(), hashes, |v| xxh3_64_with_seed(v, seed));
        }
    }
    Ok(())
}

fn values<V>(values: impl Iterator<Item = Option<V>>, hashes: &mut [u64], bits: impl Fn(V) -> u64) {
    for (hash, value) in hashes.iter_mut().zip(values) {
        *hash = mix(*hash ^ value.map_or(NULL, &bits), ODD ^ (*hash >> 32));
    }
}

/// Multiplies and folds, as wyhash does (Wang Yi, <https://github.com/wangyi-fudan/wyhash>).
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b | 1);
    #[expect(clippy::cast_possible_truncation, reason = "folding the two halves is the point")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded.wrapping_mul(ODD) ^ (folded >> 29)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use polars::df;

    use super::*;

    #[test]
    fn equal_keys_have_equal_hashes_and_others_differ() {
        let frame = df![
            "n" => [Some(1_i64), Some(1), None, None, Some(2)],
            "x" => [0.0, -0.0, f64::NAN, f64::from_bits(f64::NAN.to_bits() ^ 1), 0.0],
            "s" => [Some("a"), Some("a"), None, None, Some("a")],
        ]
        .unwrap();
        let hashes = hash_rows(&frame, &["n", "x", "s"], 7).unwrap();
        assert_eq!((hashes[0], hashes[2]), (hashes[1], hashes[3]));
        assert!(hashes[0] != hashes[2] && hashes[0] != hashes[4] && hashes[2] != hashes[4]);
        assert_ne!(hashes, hash_rows(&frame, &["n", "x", "s"], 8).unwrap());
    }

    #[test]
    fn running_numbers_fill_all_partitions_evenly() {
        let frame = df!["n" => (0..64_000_i64).collect::<Vec<_>>()].unwrap();
        let mut counts = [0_u32; 64];
        for hash in hash_rows(&frame, &["n"], 1).unwrap() {
            counts[usize::try_from(hash >> 58).unwrap()] += 1;
        }
        // Of a Poisson distribution with mean 1000, 64 draws within 6 standard deviations.
        assert!(counts.iter().all(|count| (810..1190).contains(count)), "{counts:?}");
    }
}
