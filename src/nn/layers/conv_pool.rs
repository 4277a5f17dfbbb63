//! A convolution and the pooling after it as one step.
//!
//! Where nothing else reads what a convolution gives, its sums are pooled while they are in the cache, and never stored.
//! An activation that never falls does not change which value of a window is the largest, so it is applied to the pooled
//! values: to a quarter as many for windows of 2 by 2. The values are the same as those of the two layers, bit for bit.

use super::super::shape::Shape;
use super::convolution::{Back, Convolution};
use super::dense::start_for;
use super::max_pool::Pooled;
use super::{Activation, Backward, Conv1d, Conv2d, Forward, Layer, LayerSpec, MaxPool, Parameter};

#[derive(Debug)]
struct Built {
    convolution: Convolution,
    activation: Activation,
    pooled: Pooled,
    /// How many images are treated together, and how many numbers their sums have.
    together: usize,
    sums: usize,
}

/// The step that stands for both layers; `None` where there is none.
pub(super) fn fused(first: &LayerSpec, pool: &MaxPool, input: &Shape) -> Option<Box<dyn Layer>> {
    // Without its activation, but with the start that goes with it.
    let linear = Activation::Linear;
    let (convolution, activation) = match first {
        LayerSpec::Conv2d(layer) => {
            let start = layer.start.or(Some(start_for(layer.activation)));
            (Conv2d { activation: linear, start, ..*layer }.convolution(input).ok()?, layer.activation)
        }
        LayerSpec::Conv1d(layer) => {
            let start = layer.start.or(Some(start_for(layer.activation)));
            (Conv1d { activation: linear, start, ..*layer }.convolution(input).ok()?, layer.activation)
        }
        _ => return None,
    };
    let pooled = pool.place(convolution.output()).ok()?;
    let (together, sums) = convolution.together();
    activation
        .rises()
        .then(|| -> Box<dyn Layer> { Box::new(Built { convolution, activation, pooled, together, sums }) })
}

impl Built {
    /// How many numbers an image has, and its pooled values.
    fn sizes(&self) -> (usize, usize) {
        (self.convolution.input_size(), self.pooled.output_size())
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        self.pooled.output()
    }

    fn parameters(&self) -> &[Parameter] {
        self.convolution.parameters()
    }

    /// The place of the largest value in its window.
    fn kept_per_row(&self) -> usize {
        self.pooled.output_size()
    }

    fn scratch(&self) -> usize {
        self.sums.saturating_add(self.convolution.scratch())
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { parameters, input, output, kept, scratch, .. } = pass;
        let ((image, result), (sums, scratch)) = (self.sizes(), scratch.split_at_mut(self.sums));
        let groups = input.chunks(self.together * image).zip(output.chunks_mut(self.together * result));
        for (i, (images, y)) in groups.enumerate() {
            let sums = &mut sums[..images.len() / image * (self.sums / self.together)];
            self.convolution.sums(parameters, images, scratch, sums);
            let start = i * self.together * result;
            self.pooled.pool(sums, y, kept.get_mut(start..start + y.len()).unwrap_or_default());
            self.activation.apply(y, 1);
        }
    }

    fn backward(&self, pass: Backward<'_>) {
        let Backward {
            parameters,
            input,
            output,
            kept,
            output_gradient,
            mut input_gradient,
            parameter_gradient,
            scratch,
            ..
        } = pass;
        let ((image, result), (sums, scratch)) = (self.sizes(), scratch.split_at_mut(self.sums));
        let mut back =
            Back::begin(&self.convolution, parameters, parameter_gradient, scratch, input_gradient.is_some());
        let groups = input.chunks(self.together * image).zip(output_gradient.chunks_mut(self.together * result));
        for (i, (images, d)) in groups.enumerate() {
            let start = i * self.together * result;
            let place = start..start + d.len();
            self.activation.multiply_derivative(&[], &output[place.clone()], d, 1);
            let sums = &mut sums[..images.len() / image * (self.sums / self.together)];
            self.pooled.spread(&kept[place], d, sums);
            let from = i * self.together * image;
            back.add(images, sums, input_gradient.as_deref_mut().map(|g| &mut g[from..from + images.len()]));
        }
        back.end();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::{Describe, Padding, numeric_gradient, numeric_gradient::Trial};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_is_both_layers_bit_for_bit(
            size in 4usize..9, filters in 1usize..20, channels in prop_oneof![Just(1usize), Just(5)], rows in 1usize..4,
            window in 1usize..4, stride in 1usize..4, same in any::<bool>(), seed in any::<u64>(),
        ) {
            let padding = if same { Padding::Same } else { Padding::Valid };
            let conv = Conv2d { padding, ..Conv2d::new(filters, [3, 3], Activation::Relu) };
            let pool = MaxPool { window: [window, window], stride: Some([stride, stride]), padding: Padding::Same };
            let shape = Shape::image(size, size, channels);
            let both = fused(&LayerSpec::Conv2d(conv), &pool, &shape).unwrap();
            let first = conv.build(&[&shape]).unwrap();
            let second = pool.build(&[first.output()]).unwrap();
            let draw = |n: usize, salt: usize| -> Vec<f32> {
                (0..n).map(|i| ((i * 7919 + salt + seed as usize % 1000) % 2003) as f32 / 1001.5 - 1.0).collect()
            };
            let count: usize = first.parameters().iter().map(|p| p.size().unwrap()).sum();
            let trial = |layer, inputs, upstream: usize| Trial {
                layer, rows, inputs: vec![inputs], parameters: draw(count, 5), upstream: draw(upstream, 3), mask: vec![], training: None,
            };
            let x = draw(rows * size * size * channels, 1);
            let one = trial(&*both, x.clone(), rows * both.output().size().unwrap());
            let a = trial(&*first, x, rows * first.output().size().unwrap());
            let b = Trial { parameters: vec![], ..trial(&*second, a.forward(), rows * second.output().size().unwrap()) };
            prop_assert_eq!(one.forward(), b.forward());
            let (by_x, by_p) = one.gradients();
            let a = Trial { upstream: b.gradients().0.swap_remove(0), ..a };
            let (expected_x, expected_p) = a.gradients();
            for (got, expected) in by_x[0].iter().chain(&by_p).zip(expected_x[0].iter().chain(&expected_p)) {
                prop_assert!((got - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{got} {expected}");
            }
        }
    }

    #[test]
    fn gradients_agree_with_central_differences() {
        let conv = LayerSpec::Conv1d(Conv1d::new(3, 2, Activation::Tanh));
        let shape = Shape::sequence(7, 2);
        let layer = fused(&conv, &MaxPool::default(), &shape).unwrap();
        numeric_gradient::check(&*layer, &[&shape], 2, 4);
    }

    #[test]
    fn an_activation_that_falls_somewhere_is_left_alone() {
        let conv = LayerSpec::Conv2d(Conv2d::new(3, [2, 2], Activation::Gelu));
        assert!(fused(&conv, &MaxPool::default(), &Shape::image(4, 4, 1)).is_none());
    }
}
