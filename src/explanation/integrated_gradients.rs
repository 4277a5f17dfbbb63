//! Integrated gradients: the derivatives along the straight way from an empty row to the row, times its length.
//!
//! Sundararajan, Taly & Yan 2017, *Axiomatic attribution for deep networks*: `(x - x0) * integral_0^1 df(x0 + a (x -
//! x0)) / dx da`. The parts add up to `f(x) - f(x0)`; by how much they miss it says how good the integral is. For texts
//! the way goes through what the words were embedded to, because there is nothing between two words.
//!
//! The integral is taken by the rule of Gauss and Legendre over pieces of five points, exact for polynomials of degree
//! 9 in each. Time: one derivative for each point.

use ndarray::{Array2, ArrayView1};

use super::error::{Error, expect};

/// Points and weights of the rule on -1 to 1 (Abramowitz & Stegun 1972, table 25.4).
const RULE: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.906_179_845_938_664, 0.236_926_885_056_189_1),
];

/// What each number contributed.
#[derive(Debug, Clone, PartialEq)]
pub struct Integrated {
    /// For each number.
    pub values: Vec<f64>,
    /// The prediction of the row minus that of the empty row minus the sum of the values: 0 if the integral were exact.
    pub gap: f64,
}

/// The predictions of rows `[n, size]`.
pub type Outputs<'a> = dyn FnMut(&Array2<f32>) -> Result<Vec<f64>, Error> + 'a;
/// The derivatives `[n, size]` at rows `[n, size]`.
pub type Gradients<'a> = dyn FnMut(&Array2<f32>) -> Result<Array2<f32>, Error> + 'a;

/// Integrates over `pieces` pieces of five points. `outputs` gives the predictions and `gradients` the derivatives for
/// rows `[n, size]` of one input.
///
/// Errors: sizes that do not fit, no piece, values that are not finite, and those of the functions.
pub fn integrated_gradients(
    row: ArrayView1<'_, f32>,
    empty: ArrayView1<'_, f32>,
    pieces: usize,
    outputs: &mut Outputs<'_>,
    gradients: &mut Gradients<'_>,
) -> Result<Integrated, Error> {
    let size = row.len();
    expect("the empty row", empty.len(), size)?;
    if pieces == 0 {
        return Err(Error::Option("the way needs at least one piece".to_owned()));
    }
    let rule: Vec<(f64, f64)> = (0..pieces)
        .flat_map(|piece| {
            let scale = 0.5 / pieces as f64;
            RULE.map(|(at, weight)| ((2.0 * piece as f64 + 1.0 + at) * scale, weight * scale))
        })
        .collect();
    let between = |share: f64, at: usize| {
        let (from, to) = (f64::from(empty[at]), f64::from(row[at]));
        (from + share * (to - from)) as f32
    };
    let points = Array2::from_shape_fn((rule.len(), size), |(point, at)| between(rule[point].0, at));
    let slopes = gradients(&points)?;
    expect("the derivatives", slopes.len(), points.len())?;
    let mut values = vec![0.0; size];
    for (slopes, (_, weight)) in slopes.rows().into_iter().zip(&rule) {
        for (value, slope) in values.iter_mut().zip(slopes) {
            *value += weight * f64::from(*slope);
        }
    }
    values.iter_mut().zip(row).zip(empty).for_each(|((value, to), from)| *value *= f64::from(*to) - f64::from(*from));
    let ends = Array2::from_shape_fn((2, size), |(end, at)| if end == 0 { empty[at] } else { row[at] });
    let said = outputs(&ends)?;
    expect("the predictions of both ends", said.len(), 2)?;
    let gap = said[1] - said[0] - values.iter().sum::<f64>();
    if values.iter().chain([&gap]).any(|value| !value.is_finite()) {
        return Err(Error::NotFinite);
    }
    Ok(Integrated { values, gap })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::explanation::model::{Differentiable, Predictor};
    use crate::explanation::oracle::{Function, cases};

    #[test]
    fn values_are_those_of_captum_and_add_up() {
        for case in cases("integrated_gradients") {
            let (model, rows) = (Function::of(&case), case.rows("x"));
            let empty = ndarray::Array1::zeros(rows.width());
            let expected = case.list("values");
            for (number, row) in rows.blocks()[0].rows().into_iter().enumerate() {
                let mut outputs = |rows: &Array2<f32>| Ok(model.predict(&[rows.view()])?.column(0).to_vec());
                let mut slopes = |rows: &Array2<f32>| Ok(model.gradients(&[rows.view()], 0)?.swap_remove(0));
                let found = integrated_gradients(row, empty.view(), 8, &mut outputs, &mut slopes).unwrap();
                for (found, expected) in found.values.iter().zip(&expected[number * rows.width()..]) {
                    assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
                }
                assert!(found.gap.abs() < 1e-5, "{}", found.gap);
            }
        }
    }

    #[test]
    fn an_integral_of_too_few_points_is_known_by_its_gap() {
        // A step that no polynomial follows.
        let mut outputs = |rows: &Array2<f32>| Ok(rows.iter().map(|x| f64::from(u8::from(*x > 0.93))).collect());
        let mut slopes = |rows: &Array2<f32>| Ok(Array2::zeros(rows.dim()));
        let (row, empty) = (ndarray::array![1.0], ndarray::array![0.0]);
        let found = integrated_gradients(row.view(), empty.view(), 1, &mut outputs, &mut slopes).unwrap();
        assert_eq!(found, Integrated { values: vec![0.0], gap: 1.0 });
        assert!(integrated_gradients(row.view(), empty.view(), 0, &mut outputs, &mut slopes).is_err());
    }
}
