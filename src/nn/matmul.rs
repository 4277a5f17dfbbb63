//! Matrix products, by the `gemm` crate.
//!
//! `gemm` picks the instruction set at run time. On the shapes of a small tabular network it was 1.15 to 1.5 times as
//! fast as the product of `ndarray` (measured with batches of 32 to 256 rows on one core with AVX2), which is why the
//! one unsafe call of the network stands here. The products run on the calling thread: training is parallel over shards
//! of a batch, and a sum must not depend on the number of threads.
#![allow(unsafe_code, reason = "gemm takes raw pointers and strides; ndarray's views vouch for both")]

use ndarray::{ArrayView2, ArrayViewMut2};

/// `c = a b`, or `c += a b` where `accumulate` is set. Shapes: `a` is `[m, k]`, `b` is `[k, n]`, `c` is `[m, n]`, each
/// with any strides.
///
/// # Panics
/// Where the shapes do not fit together, which is a fault of the caller.
pub(crate) fn multiply(
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    accumulate: bool,
    mut c: ArrayViewMut2<'_, f32>,
) {
    let ((m, k), (rows, n)) = (a.dim(), b.dim());
    assert!(k == rows && c.dim() == (m, n), "product of [{m}, {k}] and [{rows}, {n}] into {:?}", c.dim());
    let (a_strides, b_strides) = (a.strides(), b.strides());
    let (c_rows, c_columns) = (c.strides()[0], c.strides()[1]);
    // SAFETY: each pointer and its strides come from a live view, which guarantees that every (row, column) inside its
    // dimensions is readable. The dimensions passed are those of the views, checked against each other above. `c` is
    // borrowed mutably, so it overlaps neither `a` nor `b`, and `ndarray` admits no mutable view whose elements overlap
    // each other. Where nothing is accumulated, `gemm` does not read `c`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            c_columns,
            c_rows,
            accumulate,
            a.as_ptr(),
            a_strides[1],
            a_strides[0],
            b.as_ptr(),
            b_strides[1],
            b_strides[0],
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// A slice as a row-major `[rows, columns]` matrix.
///
/// # Panics
/// Where the slice has another length, which is a fault of the caller.
#[expect(clippy::expect_used, reason = "the caller slices its buffers by the same dimensions")]
pub(crate) fn matrix(data: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((rows, columns), data).expect("a buffer has the length of its matrix")
}

/// A mutable slice as a row-major `[rows, columns]` matrix.
///
/// # Panics
/// Where the slice has another length, which is a fault of the caller.
#[expect(clippy::expect_used, reason = "the caller slices its buffers by the same dimensions")]
pub(crate) fn matrix_mut(data: &mut [f32], rows: usize, columns: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape((rows, columns), data).expect("a buffer has the length of its matrix")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use proptest::prelude::*;

    /// The definition of the product, in f64.
    fn naive(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> Array2<f64> {
        Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
            (0..a.ncols()).map(|k| f64::from(a[(i, k)]) * f64::from(b[(k, j)])).sum()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_is_the_product_for_any_shape_and_stride(
            m in 0usize..40, k in 0usize..40, n in 0usize..40,
            transposed in any::<(bool, bool, bool)>(), accumulate in any::<bool>(), seed in any::<u32>(),
        ) {
            let value = |i: usize| ((seed as usize).wrapping_mul(31).wrapping_add(i * 7919) % 17) as f32 - 8.0;
            let make = |rows: usize, columns: usize, transposed: bool| {
                let (r, c) = if transposed { (columns, rows) } else { (rows, columns) };
                let array = Array2::from_shape_fn((r, c), |(i, j)| value(i * c + j));
                if transposed { array.reversed_axes() } else { array }
            };
            let (a, b) = (make(m, k, transposed.0), make(k, n, transposed.1));
            let mut c = make(m, n, transposed.2);
            let before = c.clone();
            multiply(a.view(), b.view(), accumulate, c.view_mut());
            for ((i, expected), got) in naive(a.view(), b.view()).indexed_iter().zip(&c) {
                let start = if accumulate { f64::from(before[i]) } else { 0.0 };
                prop_assert_eq!(expected + start, f64::from(*got));
            }
        }
    }

    #[test]
    fn what_stood_in_the_result_is_not_read_without_accumulate() {
        let (a, b) = (Array2::<f32>::ones((3, 2)), Array2::<f32>::ones((2, 3)));
        let mut c = Array2::from_elem((3, 3), f32::NAN);
        multiply(a.view(), b.view(), false, c.view_mut());
        assert!(c.iter().all(|&v| v == 2.0));
    }

    #[test]
    #[should_panic(expected = "product of [3, 2] and [4, 3]")]
    fn shapes_that_do_not_fit_are_refused() {
        let (a, b) = (Array2::<f32>::ones((3, 2)), Array2::<f32>::ones((4, 3)));
        multiply(a.view(), b.view(), false, Array2::zeros((3, 3)).view_mut());
    }
}
