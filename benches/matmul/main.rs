//! The rate of the matrix products of training, in 1e9 multiplications and additions by the second, on one thread.
//!
//! Arguments: shapes `m,k,n`. For each, a line of JSON with the rates of the three products of a layer with `k` inputs and
//! `n` units on `m` rows: `x w^T` forward, `d^T x` for the weights, `d w` for the inputs; each the best of several runs.

// Not all of it is needed here.
#[allow(dead_code)]
#[path = "../../src/nn/matmul.rs"]
mod matmul;

use matmul::{Matrix, multiply};
use std::time::Instant;

/// Multiplications and additions of a run, so that it takes some milliseconds.
const WORK: usize = 200_000_000;
const RUNS: usize = 7;

fn rate(a: Matrix<'_>, b: Matrix<'_>, [m, k, n]: [usize; 3]) -> f64 {
    let mut c = vec![0.0f32; m * n];
    let repeats = (WORK / (m * k * n)).max(1);
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let began = Instant::now();
        for _ in 0..repeats {
            multiply(a, b, false, &mut c, n);
        }
        best = best.min(began.elapsed().as_secs_f64());
    }
    (2 * m * k * n * repeats) as f64 / best / 1e9
}

fn main() {
    for argument in std::env::args().skip(1) {
        let sizes: Vec<usize> = argument.split(',').filter_map(|size| size.parse().ok()).collect();
        let &[m, k, n] = sizes.as_slice() else {
            eprintln!("a shape is m,k,n and not {argument}");
            std::process::exit(2);
        };
        let (x, w, d) = (vec![0.5f32; m * k], vec![0.25f32; n * k], vec![0.125f32; m * n]);
        let (x, w, d) = (Matrix::new(&x, m, k), Matrix::new(&w, n, k), Matrix::new(&d, m, n));
        let forward = rate(x, w.transposed(), [m, k, n]);
        let (weights, inputs) = (rate(d.transposed(), x, [n, m, k]), rate(d, w, [m, n, k]));
        println!(r#"{{"m": {m}, "k": {k}, "n": {n}, "forward": {forward}, "weights": {weights}, "inputs": {inputs}}}"#);
    }
}
