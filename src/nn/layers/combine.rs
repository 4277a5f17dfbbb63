//! Layers that join several inputs.

use super::super::shape::Shape;
use super::super::simd::{add, vectorized};
use super::{Backward, Describe, Forward, Layer};
use serde::{Deserialize, Serialize};

/// The sum of inputs of one shape, number by number: the end of a residual block (He, Zhang, Ren & Sun 2016). Each input
/// gets the gradient of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

/// The product of two inputs of one shape, number by number: a gate. Each input gets the gradient times the other input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiply {}

/// The inputs side by side along the last dimension: where features of different kinds meet. Each input gets its part of
/// the gradient. The other dimensions must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concatenate {}

/// The common shape, or the reason why there is none.
fn alike(inputs: &[&Shape], reader: &str) -> Result<Shape, String> {
    match inputs {
        [first, _, ..] => match inputs.iter().find(|shape| shape != &first) {
            None => Ok((*first).clone()),
            Some(other) => Err(format!("{reader} reads inputs of one shape, these are {first} and {other}")),
        },
        _ => Err(format!("{reader} reads at least two inputs, it has {}", inputs.len())),
    }
}

#[derive(Debug)]
struct Sum(Shape);

impl Describe for Add {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        Ok(Box::new(Sum(alike(inputs, "add")?)))
    }
}

impl Layer for Sum {
    fn output(&self) -> &Shape {
        &self.0
    }

    fn forward(&self, pass: Forward<'_>) {
        if pass.port == 0 {
            pass.output.copy_from_slice(pass.input);
        } else {
            vectorized(
                #[inline(always)]
                || add(pass.output, pass.input),
            );
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        if let Some(gradient) = pass.input_gradient {
            gradient.copy_from_slice(pass.output_gradient);
        }
    }
}

#[derive(Debug)]
struct Product {
    shape: Shape,
    size: usize,
}

impl Describe for Multiply {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        if inputs.len() != 2 {
            return Err(format!("multiply reads two inputs, it has {}", inputs.len()));
        }
        let shape = alike(inputs, "multiply")?;
        let size = shape.size().ok_or_else(|| format!("rows of shape {shape} are too large"))?;
        Ok(Box::new(Product { shape, size }))
    }
}

impl Layer for Product {
    fn output(&self) -> &Shape {
        &self.shape
    }

    /// Both inputs, because each call sees only one.
    fn kept_per_row(&self) -> usize {
        2 * self.size
    }

    fn forward(&self, pass: Forward<'_>) {
        if let Some(kept) = pass.kept.get_mut(pass.port * pass.input.len()..(pass.port + 1) * pass.input.len()) {
            kept.copy_from_slice(pass.input);
        }
        if pass.port == 0 {
            pass.output.copy_from_slice(pass.input);
        } else {
            pass.output.iter_mut().zip(pass.input).for_each(|(y, x)| *y *= x);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(gradient) = pass.input_gradient else {
            return;
        };
        let (first, second) = pass.kept.split_at(gradient.len());
        let other = if pass.port == 0 { second } else { first };
        gradient.iter_mut().zip(pass.output_gradient).zip(other).for_each(|((dx, dy), other)| *dx = *dy * other);
    }
}

#[derive(Debug)]
struct SideBySide {
    output: Shape,
    /// The last dimension of each input.
    widths: Vec<usize>,
    total: usize,
}

impl Describe for Concatenate {
    fn build(&self, inputs: &[&Shape]) -> Result<Box<dyn Layer>, String> {
        let mut widths = Vec::with_capacity(inputs.len());
        for shape in inputs {
            let [_, width] = shape.expect_places("concatenate")?;
            widths.push(width);
        }
        let [first, _, ..] = inputs else {
            return Err(format!("concatenate reads at least two inputs, it has {}", inputs.len()));
        };
        let before = |shape: &Shape| shape.dimensions().split_last().map(|(_, before)| before.to_vec());
        if let Some(other) = inputs.iter().find(|shape| before(shape) != before(first)) {
            return Err(format!(
                "concatenate reads inputs that differ in their last dimension alone, these are {first} and {other}"
            ));
        }
        let total = widths.iter().try_fold(0usize, |sum, &w| sum.checked_add(w));
        let total = total.ok_or_else(|| "the inputs of concatenate are too large together".to_owned())?;
        let mut output = before(first).unwrap_or_default();
        output.push(total);
        Ok(Box::new(SideBySide { output: Shape::of(&output), widths, total }))
    }
}

impl SideBySide {
    /// Where the part of an input lies in a place of the output.
    fn part(&self, port: usize) -> std::ops::Range<usize> {
        let start = self.widths.iter().take(port).sum();
        start..start + self.widths[port]
    }
}

impl Layer for SideBySide {
    fn output(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, pass: Forward<'_>) {
        let part = self.part(pass.port);
        for (y, x) in pass.output.chunks_exact_mut(self.total).zip(pass.input.chunks_exact(part.len())) {
            y[part.clone()].copy_from_slice(x);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Some(gradient) = pass.input_gradient else {
            return;
        };
        let part = self.part(pass.port);
        for (dx, dy) in gradient.chunks_exact_mut(part.len()).zip(pass.output_gradient.chunks_exact(self.total)) {
            dx.copy_from_slice(&dy[part.clone()]);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::numeric_gradient;
    use super::*;

    #[test]
    fn gradients_agree_with_central_differences() {
        let (narrow, wide) = (Shape::sequence(2, 1), Shape::sequence(2, 3));
        let layers: [(&dyn Describe, Vec<&Shape>); 3] = [
            (&Add {}, vec![&wide, &wide, &wide]),
            (&Multiply {}, vec![&wide, &wide]),
            (&Concatenate {}, vec![&wide, &narrow, &wide]),
        ];
        for (layer, shapes) in layers {
            numeric_gradient::check(&*layer.build(&shapes).unwrap(), &shapes, 3, 5);
        }
    }

    #[test]
    fn parts_lie_side_by_side_in_each_place() {
        let shapes = [&Shape::sequence(2, 1), &Shape::sequence(2, 2)];
        let layer = Concatenate {}.build(&shapes).unwrap();
        let mut output = [0.0; 6];
        for (port, input) in [&[1.0, 4.0][..], &[2.0, 3.0, 5.0, 6.0]].into_iter().enumerate() {
            let (kept, scratch, output) = (&mut [], &mut [], &mut output);
            let (parameters, statistics, training) = (&[], &[], None);
            layer.forward(Forward {
                rows: 1,
                port,
                parameters,
                input,
                output,
                kept,
                scratch,
                mask: &[],
                statistics,
                training,
            });
        }
        assert_eq!(output, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let (a, b) = (Shape::features(3), Shape::features(4));
        let refusal = |layer: &dyn Describe, shapes: &[&Shape]| layer.build(shapes).unwrap_err();
        assert_eq!(refusal(&Add {}, &[&a, &b]), "add reads inputs of one shape, these are [3] and [4]");
        assert_eq!(refusal(&Add {}, &[&a]), "add reads at least two inputs, it has 1");
        assert_eq!(refusal(&Multiply {}, &[&a, &a, &a]), "multiply reads two inputs, it has 3");
        let differ = refusal(&Concatenate {}, &[&a, &Shape::sequence(2, 3)]);
        assert_eq!(
            differ,
            "concatenate reads inputs that differ in their last dimension alone, these are [3] and [2, 3]"
        );
    }
}
