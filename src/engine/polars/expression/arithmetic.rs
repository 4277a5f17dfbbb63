//! Integer arithmetic that never wraps silently.
//!
//! The kernels compute the wrapped value and gather the overflow bits of a whole batch in one register, so the loops stay
//! vectorised; only when a bit is set are the rows looked at one by one, for the first pair that really overflows.

use polars::prelude::{ChunkApply, Int64Chunked, IntoSeries, PlSmallStr, PolarsResult, Series};
use polars_arrow::array::PrimitiveArray;
use polars_arrow::bitmap::Bitmap;
use polars_arrow::compute::utils::combine_validities_and;

use super::elementwise::failure;

/// Operators that can leave the range of int64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checked {
    Add,
    Subtract,
    Multiply,
}

impl Checked {
    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
        }
    }

    fn exact(self, left: i64, right: i64) -> Option<i64> {
        match self {
            Self::Add => left.checked_add(right),
            Self::Subtract => left.checked_sub(right),
            Self::Multiply => left.checked_mul(right),
        }
    }
}

/// `left operator right` for int64 columns of one height; null when a side is null.
///
/// Errors: the first pair of values whose result does not fit.
pub(super) fn checked(operator: Checked, left: &Series, right: &Series) -> PolarsResult<Series> {
    let (left, right) = (left.i64()?.rechunk(), right.i64()?.rechunk());
    let (a, b) = (left.downcast_as_array(), right.downcast_as_array());
    let (x, y) = (a.values().as_slice(), b.values().as_slice());
    let validity = combine_validities_and(a.validity(), b.validity());
    let (values, overflow) = match operator {
        Checked::Add => wrapped(x, y, |p, q| {
            let sum = p.wrapping_add(q);
            (sum, (p ^ sum) & (q ^ sum))
        }),
        Checked::Subtract => wrapped(x, y, |p, q| {
            let difference = p.wrapping_sub(q);
            (difference, (p ^ q) & (p ^ difference))
        }),
        Checked::Multiply => wrapped(x, y, |p, q| {
            let product = i128::from(p) * i128::from(q);
            // The upper half of a product that fits repeats the sign of the lower half.
            let (low, high) = (product as i64, (product >> 64) as i64);
            (low, if high == low >> 63 { 0 } else { -1 })
        }),
    };
    if overflow < 0 {
        // Values under a null may overflow without harm.
        for (i, (&p, &q)) in x.iter().zip(y).enumerate() {
            if validity.as_ref().is_none_or(|bits| bits.get(i) == Some(true)) && operator.exact(p, q).is_none() {
                return Err(failure(format!("integer overflow: {p} {} {q} does not fit int64", operator.symbol())));
            }
        }
    }
    Ok(int64(values, validity))
}

fn wrapped(x: &[i64], y: &[i64], step: impl Fn(i64, i64) -> (i64, i64)) -> (Vec<i64>, i64) {
    let mut overflow = 0;
    let values = x
        .iter()
        .zip(y)
        .map(|(&p, &q)| {
            let (value, bits) = step(p, q);
            overflow |= bits;
            value
        })
        .collect();
    (values, overflow)
}

fn int64(values: Vec<i64>, validity: Option<Bitmap>) -> Series {
    let array = PrimitiveArray::from_vec(values).with_validity(validity);
    Int64Chunked::with_chunk(PlSmallStr::EMPTY, array).into_series()
}

/// `-x` of an int64 column.
///
/// Errors: the smallest int64 has no negative.
pub(super) fn negated(column: &Series) -> PolarsResult<Series> {
    refuse_smallest(column, "-")?;
    Ok(column.i64()?.apply_values(i64::wrapping_neg).into_series())
}

/// `abs(x)` of an int64 column.
///
/// Errors: the smallest int64 has no absolute value.
pub(super) fn absolute(column: &Series) -> PolarsResult<Series> {
    refuse_smallest(column, "abs of ")?;
    Ok(column.i64()?.apply_values(i64::wrapping_abs).into_series())
}

fn refuse_smallest(column: &Series, operation: &str) -> PolarsResult<()> {
    if column.i64()?.iter().any(|value| value == Some(i64::MIN)) {
        return Err(failure(format!("integer overflow: {operation}{} does not fit int64", i64::MIN)));
    }
    Ok(())
}

/// The remainder with the sign of the dividend; null when a side is null or the divisor is zero.
pub(super) fn remainder(left: &Series, right: &Series) -> PolarsResult<Series> {
    let (left, right) = (left.i64()?, right.i64()?);
    let values: Int64Chunked = left
        .iter()
        .zip(right.iter())
        .map(|pair| match pair {
            (Some(_), Some(0)) => None,
            (Some(p), Some(q)) => Some(p.wrapping_rem(q)),
            _ => None,
        })
        .collect();
    Ok(values.into_series())
}

/// The quotient without its fraction; null when a side is null or the divisor is zero.
///
/// Errors: the smallest int64 divided by -1.
pub(super) fn integer_quotient(left: &Series, right: &Series) -> PolarsResult<Series> {
    let (left, right) = (left.i64()?, right.i64()?);
    let mut values = Vec::with_capacity(left.len());
    for pair in left.iter().zip(right.iter()) {
        values.push(match pair {
            (Some(_), Some(0)) | (None, _) | (_, None) => None,
            (Some(p), Some(q)) => match p.checked_div(q) {
                Some(quotient) => Some(quotient),
                None => return Err(failure(format!("integer overflow: {p} // {q} does not fit int64"))),
            },
        });
    }
    Ok(values.into_iter().collect::<Int64Chunked>().into_series())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use polars::prelude::{NamedFrom, Series};
    use proptest::prelude::*;

    use super::*;

    fn column(values: &[Option<i64>]) -> Series {
        Series::new("x".into(), values)
    }

    fn interesting() -> impl Strategy<Value = Option<i64>> {
        prop_oneof![
            Just(None),
            Just(Some(i64::MIN)),
            Just(Some(i64::MAX)),
            Just(Some(0)),
            Just(Some(-1)),
            any::<i64>().prop_map(Some),
            (-3_037_000_500_i64..3_037_000_500).prop_map(Some),
        ]
    }

    proptest! {
        #[test]
        fn batches_agree_with_the_exact_operator(pairs in prop::collection::vec((interesting(), interesting()), 0..40)) {
            let (left, right): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            for operator in [Checked::Add, Checked::Subtract, Checked::Multiply] {
                let exact: Vec<Option<Option<i64>>> = pairs
                    .iter()
                    .map(|(p, q)| match (p, q) {
                        (Some(p), Some(q)) => Some(operator.exact(*p, *q)),
                        _ => None,
                    })
                    .collect();
                let outcome = checked(operator, &column(&left), &column(&right));
                if exact.contains(&Some(None)) {
                    prop_assert!(outcome.unwrap_err().to_string().contains("integer overflow"));
                } else {
                    let wanted: Vec<Option<i64>> = exact.into_iter().map(Option::flatten).collect();
                    prop_assert!(outcome.unwrap().equals_missing(&column(&wanted).with_name("".into())));
                }
            }
        }
    }

    #[test]
    fn the_message_names_the_values() {
        let error =
            checked(Checked::Add, &column(&[Some(1), Some(i64::MAX)]), &column(&[Some(1), Some(1)])).unwrap_err();
        assert!(error.to_string().contains("9223372036854775807 + 1 does not fit int64"), "{error}");
    }

    #[test]
    fn a_zero_divisor_is_null_and_the_remainder_has_the_sign_of_the_dividend() {
        let left = column(&[Some(-7), Some(7), Some(5), Some(i64::MIN)]);
        let right = column(&[Some(3), Some(-3), Some(0), Some(-1)]);
        let wanted = column(&[Some(-1), Some(1), None, Some(0)]);
        assert!(remainder(&left, &right).unwrap().equals_missing(&wanted.with_name("".into())));
    }
}
