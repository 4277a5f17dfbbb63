//! Matrix products, by the `gemm` crate.
//!
//! `gemm` picks the instruction set at run time. On the shapes of a small tabular network it was 1.15 to 1.5 times as
//! fast as the product of `ndarray` (measured with batches of 32 to 256 rows on one core with AVX2), which is why the
//! one unsafe call of the network stands here. The products run on the calling thread: training is parallel over shards
//! of a batch, and a sum must not depend on the number of threads.
#![allow(unsafe_code, reason = "gemm takes raw pointers and strides; the checks before the call vouch for both")]

/// A matrix that is read, somewhere in a slice: element `(i, j)` stands at `i * row_stride + j * column_stride`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A slice as a row-major `[rows, columns]` matrix.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// Rows that begin `row_stride` numbers apart. They may overlap.
    pub(crate) fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// The least length of a slice that holds it.
    fn needs(&self) -> usize {
        if self.rows == 0 || self.columns == 0 {
            return 0;
        }
        let last = (self.rows - 1).saturating_mul(self.row_stride);
        last.saturating_add((self.columns - 1).saturating_mul(self.column_stride)).saturating_add(1)
    }
}

/// `c = a b`, or `c += a b` where `accumulate` is set. Shapes: `a` is `[m, k]`, `b` is `[k, n]`; `c` is `[m, n]`, its
/// rows begin `c_stride` numbers apart.
///
/// # Panics
/// Where the shapes do not fit together or reach beyond their slices, which is a fault of the caller.
pub(crate) fn multiply(a: Matrix<'_>, b: Matrix<'_>, accumulate: bool, c: &mut [f32], c_stride: usize) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert!(k == b.rows, "product of [{m}, {k}] and [{}, {n}]", b.rows);
    assert!(c_stride >= n || m <= 1, "rows of {n} numbers overlap when {c_stride} apart");
    let c_needs = if m == 0 || n == 0 { 0 } else { (m - 1).saturating_mul(c_stride).saturating_add(n) };
    assert!(
        a.needs() <= a.data.len() && b.needs() <= b.data.len() && c_needs <= c.len(),
        "a product of [{m}, {k}] and [{k}, {n}] reaches beyond its slices"
    );
    if m == 0 || n == 0 {
        return;
    }
    // A slice has at most isize::MAX bytes, and a stride that leads from one element to another is below its length.
    let stride = |s: usize| isize::try_from(s).unwrap_or(0);
    // SAFETY: with the lengths checked above each element inside the dimensions lies in its slice. `c` is borrowed
    // mutably, so it overlaps neither `a` nor `b`, and its rows do not overlap each other. Where nothing is
    // accumulated, `gemm` does not read `c`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            stride(c_stride),
            accumulate,
            a.data.as_ptr(),
            stride(a.column_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.column_stride),
            stride(b.row_stride),
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(matrix: &Matrix<'_>, i: usize, j: usize) -> f64 {
        f64::from(matrix.data[i * matrix.row_stride + j * matrix.column_stride])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn products_are_sums_of_products(
            m in 0usize..9, k in 0usize..9, n in 0usize..9, gap in 0usize..3, flip in any::<[bool; 2]>(), accumulate in any::<bool>()
        ) {
            let numbers = |count: usize, factor: usize| -> Vec<f32> { (0..count).map(|i| ((i * factor) % 13) as f32 - 6.0).collect() };
            let (x, y) = (numbers((m + 1) * (k + gap + 1) * 2, 7), numbers((n + 1) * (k + gap + 1) * 2, 5));
            let a = if flip[0] { Matrix::strided(&x, k, m, m + gap).transposed() } else { Matrix::strided(&x, m, k, k + gap) };
            let b = if flip[1] { Matrix::strided(&y, n, k, k + gap).transposed() } else { Matrix::strided(&y, k, n, n + gap) };
            let before = numbers(m * (n + gap) + n, 3);
            let mut c = before.clone();
            multiply(a, b, accumulate, &mut c, n + gap);
            for i in 0..m {
                for j in 0..n + gap {
                    let old = f64::from(before[i * (n + gap) + j]);
                    let product = (0..k).map(|l| if j < n { at(&a, i, l) * at(&b, l, j) } else { 0.0 }).sum::<f64>();
                    let expected = if j < n { product + if accumulate { old } else { 0.0 } } else { old };
                    prop_assert_eq!(f64::from(c[i * (n + gap) + j]), expected);
                }
            }
        }
    }

    #[test]
    fn rows_may_overlap_where_they_are_read() {
        let x: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let mut c = [0.0; 4];
        multiply(Matrix::strided(&x, 4, 3, 1), Matrix::new(&[1.0; 3], 3, 1), false, &mut c, 1);
        assert_eq!(c, [3.0, 6.0, 9.0, 12.0]);
    }

    #[test]
    #[should_panic(expected = "reaches beyond its slices")]
    fn a_slice_that_is_too_short_is_never_read() {
        multiply(Matrix::new(&[0.0; 3], 2, 2), Matrix::new(&[0.0; 4], 2, 2), false, &mut [0.0; 4], 2);
    }
}
