//! A batch norm with the activation and the pooling after it as one step.
//!
//! Each of the three alone is a sweep over memory that computes little. Where nothing else reads what is between them, each
//! row goes through all of them while it is in the cache, and only what is pooled is stored. An activation that never falls
//! does not change which value of a window is the largest, so it is applied to the pooled values, and what the sums of the
//! way back need of the input are the places of these alone. The outputs are those of the layers by themselves, bit for
//! bit; sums over a batch are taken in the order of the windows.

use super::super::shape::Shape;
use super::super::simd::vectorized;
use super::batch_norm::Norm;
use super::max_pool::Pooled;
use super::pass::split_mut;
use super::{Activation, Backward, BatchNorm, Forward, GatherBack, Layer, MaxPool, Parameter, Synchronized};

#[derive(Debug)]
struct Built {
    norm: Norm,
    activation: Activation,
    /// By what a gradient is multiplied where the output is not above 0.
    below: f32,
    pooled: Option<Pooled>,
    /// How many numbers a row of the input and of the output has.
    input: usize,
    output: usize,
}

/// The step that stands for these layers; `None` where there is none.
pub(super) fn fused(
    norm: &BatchNorm,
    activation: Activation,
    pool: Option<&MaxPool>,
    input: &Shape,
) -> Option<Box<dyn Layer>> {
    let below = activation.slope_below()?;
    let norm = norm.place(input).ok()?;
    let pooled = pool.map(|pool| pool.place(input)).transpose().ok()?;
    let input = input.size()?;
    let output = pooled.as_ref().map_or(input, Pooled::output_size);
    Some(Box::new(Built { norm, activation, below, pooled, input, output }))
}

impl Built {
    /// What was kept of a row: in which places of their windows the largest values stood, and the numbers of the input there.
    /// Without windows these are all.
    fn seen<'a>(&self, row: usize, input: &'a [f32], kept: &'a [f32]) -> (&'a [f32], &'a [f32]) {
        if self.pooled.is_none() {
            return (&[], &input[row * self.input..(row + 1) * self.input]);
        }
        kept[2 * row * self.output..2 * (row + 1) * self.output].split_at(self.output)
    }
}

impl Layer for Built {
    fn output(&self) -> &Shape {
        self.pooled.as_ref().map_or_else(|| self.norm.output(), Layer::output)
    }

    fn parameters(&self) -> &[Parameter] {
        self.norm.parameters()
    }

    fn kept_per_row(&self) -> usize {
        if self.pooled.is_some() { 2 * self.output } else { 0 }
    }

    fn scratch(&self) -> usize {
        5 * self.norm.width
    }

    fn synchronized(&self) -> Option<&dyn Synchronized> {
        Some(self)
    }

    fn forward(&self, pass: Forward<'_>) {
        let Forward { parameters, input, output, kept, scratch, statistics, training, .. } = pass;
        let width = self.norm.width;
        let [factors, shifts] = split_mut(scratch, [width, width]);
        for (i, (factor, shift)) in factors.iter_mut().zip(&mut *shifts).enumerate() {
            (*factor, *shift) = self.norm.factor_and_shift(i, parameters, statistics, training.is_some());
        }
        for (row, (x, y)) in input.chunks_exact(self.input).zip(output.chunks_exact_mut(self.output)).enumerate() {
            let kept = kept.get_mut(2 * row * self.output..2 * (row + 1) * self.output);
            vectorized(
                #[inline(always)]
                || match &self.pooled {
                    None => {
                        let places = x.chunks_exact(width).zip(y.chunks_exact_mut(width));
                        places.for_each(|(x, y)| scaled(x, factors, shifts, y));
                    }
                    Some(pooled) => {
                        y.fill(f32::NEG_INFINITY);
                        match kept {
                            None => pooled.places(|_, from, to| {
                                larger(&x[from..from + width], factors, shifts, &mut y[to..to + width]);
                            }),
                            Some(kept) => {
                                kept.fill(0.0);
                                let (places, seen) = kept.split_at_mut(self.output);
                                pooled.places(|place, from, to| {
                                    let to = to..to + width;
                                    let (places, seen) = (&mut places[to.clone()], &mut seen[to.clone()]);
                                    let x = &x[from..from + width];
                                    larger_kept(place as f32, x, factors, shifts, &mut y[to], places, seen);
                                });
                            }
                        }
                    }
                },
            );
            self.activation.apply(y, width);
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
            statistics,
            training,
            ..
        } = pass;
        let ([forward, back], width, training) = (statistics, self.norm.width, training.is_some());
        let mut scratch = split_mut(scratch, [width; 5]);
        {
            let [means, inverses, scales, of_shift, of_factor] = &mut scratch;
            for i in 0..width {
                (means[i], inverses[i]) = self.norm.place_and_scale(i, parameters, forward, training);
                scales[i] = parameters[i] * inverses[i];
                (of_shift[i], of_factor[i]) = if training {
                    let count = forward[0].max(1.0);
                    ((back[i] / count) as f32, (back[width + i] / count) as f32)
                } else {
                    (0.0, 0.0)
                };
            }
        }
        let features = Features {
            means: scratch[0],
            inverses: scratch[1],
            scales: scratch[2],
            of_shift: scratch[3],
            of_factor: scratch[4],
        };
        parameter_gradient.fill(0.0);
        let (by_factor, rest) = parameter_gradient.split_at_mut(width);
        let by_shift = &mut rest[..width];
        let rows = output.chunks_exact(self.output).zip(output_gradient.chunks_exact_mut(self.output));
        for (row, (y, d)) in rows.enumerate() {
            let (places, seen) = self.seen(row, input, kept);
            vectorized(
                #[inline(always)]
                || {
                    d.iter_mut().zip(y).for_each(|(d, y)| *d = if *y > 0.0 { *d } else { self.below * *d });
                    for (x, d) in seen.chunks_exact(width).zip(d.chunks_exact(width)) {
                        by_parameters(x, d, &features, by_factor, by_shift);
                    }
                },
            );
            let Some(dx) = input_gradient.as_deref_mut() else {
                continue;
            };
            let (x, dx) = (&input[row * self.input..][..self.input], &mut dx[row * self.input..][..self.input]);
            match &self.pooled {
                Some(pooled) => pooled.spread(places, d, dx),
                None => dx.copy_from_slice(d),
            }
            vectorized(
                #[inline(always)]
                || x.chunks_exact(width).zip(dx.chunks_exact_mut(width)).for_each(|(x, d)| by_input(x, &features, d)),
            );
        }
    }
}

/// What each feature needs on the way back.
struct Features<'a> {
    means: &'a [f32],
    inverses: &'a [f32],
    scales: &'a [f32],
    of_shift: &'a [f32],
    of_factor: &'a [f32],
}

#[inline(always)]
fn scaled(x: &[f32], factors: &[f32], shifts: &[f32], y: &mut [f32]) {
    y.iter_mut().zip(x).zip(factors).zip(shifts).for_each(|(((y, x), f), s)| *y = x * f + s);
}

/// The larger of what stands there and the next values.
#[inline(always)]
fn larger(x: &[f32], factors: &[f32], shifts: &[f32], y: &mut [f32]) {
    for (((y, x), f), s) in y.iter_mut().zip(x).zip(factors).zip(shifts) {
        let value = x * f + s;
        // NaN is larger than all, so that it is found at the end of the network.
        *y = if value > *y || value.is_nan() { value } else { *y };
    }
}

/// [`larger`], with the place of the larger value in its window and the number it was made of.
#[inline(always)]
fn larger_kept(
    place: f32,
    x: &[f32],
    factors: &[f32],
    shifts: &[f32],
    y: &mut [f32],
    places: &mut [f32],
    seen: &mut [f32],
) {
    let values = x.iter().zip(factors).zip(shifts);
    for ((((x, f), s), y), (kept, seen)) in values.zip(y).zip(places.iter_mut().zip(seen)) {
        let value = x * f + s;
        let larger = value > *y || value.is_nan();
        *kept = if larger { place } else { *kept };
        *seen = if larger { *x } else { *seen };
        *y = if larger { value } else { *y };
    }
}

/// Adds the gradients by factors and shifts of one place.
#[inline(always)]
fn by_parameters(x: &[f32], d: &[f32], features: &Features<'_>, by_factor: &mut [f32], by_shift: &mut [f32]) {
    let standardised = x.iter().zip(features.means).zip(features.inverses).map(|((x, m), i)| (x - m) * i);
    for ((x, d), (by_factor, by_shift)) in standardised.zip(d).zip(by_factor.iter_mut().zip(by_shift)) {
        *by_factor += d * x;
        *by_shift += d;
    }
}

/// From the gradients by the standardised values of one place, with factor and shift, to those by the input.
#[inline(always)]
fn by_input(x: &[f32], features: &Features<'_>, d: &mut [f32]) {
    let Features { means, inverses, scales, of_shift, of_factor } = features;
    let own = means.iter().zip(*inverses).zip(scales.iter().zip(of_shift.iter().zip(*of_factor)));
    for ((d, x), ((m, i), (scale, (of_shift, of_factor)))) in d.iter_mut().zip(x).zip(own) {
        *d = scale * (*d - of_shift - (x - m) * i * of_factor);
    }
}

impl Synchronized for Built {
    fn size(&self) -> usize {
        self.norm.size()
    }

    fn gather(&self, rows: usize, input: &[f32], statistics: &mut [f64]) {
        self.norm.gather(rows, input, statistics);
    }

    fn merge(&self, statistics: &mut [f64], next: &[f64]) {
        self.norm.merge(statistics, next);
    }

    fn gather_back(&self, pass: GatherBack<'_>, statistics: &mut [f64]) {
        let GatherBack { input, output, kept, output_gradient, forward } = pass;
        let width = self.norm.width;
        statistics.fill(0.0);
        let (by_shift, by_factor) = statistics.split_at_mut(width);
        let (by_factor, means) = (&mut by_factor[..width], &forward[1..=width]);
        let rows = output.chunks_exact(self.output).zip(output_gradient.chunks_exact(self.output));
        for (row, (y, d)) in rows.enumerate() {
            let (_, seen) = self.seen(row, input, kept);
            vectorized(
                #[inline(always)]
                || {
                    let places = seen.chunks_exact(width).zip(y.chunks_exact(width).zip(d.chunks_exact(width)));
                    places.for_each(|(x, (y, d))| said(x, y, d, self.below, means, by_shift, by_factor));
                },
            );
        }
        self.norm.standardise(forward, by_factor);
    }

    fn absorb(&self, statistics: &[f64], parameters: &mut [f32]) {
        self.norm.absorb(statistics, parameters);
    }
}

/// Adds what one place says on the way back.
#[inline(always)]
fn said(x: &[f32], y: &[f32], d: &[f32], below: f32, means: &[f64], by_shift: &mut [f64], by_factor: &mut [f64]) {
    let gradients = y.iter().zip(d).map(|(y, d)| f64::from(if *y > 0.0 { *d } else { below * d }));
    for ((d, (x, mean)), (by_shift, by_factor)) in
        gradients.zip(x.iter().zip(means)).zip(by_shift.iter_mut().zip(by_factor))
    {
        *by_shift += d;
        *by_factor += d * (f64::from(*x) - mean);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::randomness::Draws;
    use super::super::{Activate, Describe, Padding, numeric_gradient, numeric_gradient::Trial};
    use super::*;
    use proptest::prelude::*;

    const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::LeakyRelu, Activation::Linear];

    fn draw(count: usize, salt: u64) -> Vec<f32> {
        (0..count as u64).map(|i| ((i * 7919 + salt * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
    }

    fn assert_near(got: &[f32], expected: &[f32]) {
        assert_eq!(got.len(), expected.len());
        let largest = expected.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
        for (got, expected) in got.iter().zip(expected) {
            assert!((got - expected).abs() <= 1e-6 * largest, "{got} instead of {expected}, the largest is {largest}");
        }
    }

    /// The output and the gradients of some layers one after the other, the first of which has the parameters.
    fn one_by_one(layers: &[&dyn Layer], trial: &Trial<'_>) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let mut trials: Vec<Trial<'_>> = Vec::new();
        for (place, &layer) in layers.iter().enumerate() {
            let inputs = trials.last().map_or_else(|| trial.inputs.clone(), |before| vec![before.forward()]);
            let parameters = if place == 0 { trial.parameters.clone() } else { Vec::new() };
            let upstream = vec![0.0; trial.rows * layer.output().size().unwrap()];
            trials.push(Trial { layer, inputs, parameters, upstream, ..trial.clone() });
        }
        let output = trials.last().unwrap().forward();
        let (mut upstream, mut by_parameters) = (trial.upstream.clone(), Vec::new());
        for own in trials.iter_mut().rev() {
            own.upstream = upstream;
            let (mut by_inputs, own) = own.gradients();
            (upstream, by_parameters) = (by_inputs.swap_remove(0), own);
        }
        (output, upstream, by_parameters)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn it_is_the_layers_one_by_one(
            size in [2usize..9, 2..9], channels in prop_oneof![1usize..5, Just(16usize), Just(35)], rows in 1usize..5,
            window in [1usize..4, 1..4], stride in [1usize..4, 1..4], same in any::<bool>(), pools in any::<bool>(),
            activation in prop::sample::select(&ACTIVATIONS[..]), training in any::<bool>(), seed in 0u64..1000,
        ) {
            let padding = if same { Padding::Same } else { Padding::Valid };
            let pool = MaxPool { window, stride: Some(stride), padding };
            let (norm, shape) = (BatchNorm::default(), Shape::image(size[0], size[1], channels));
            let Some(whole) = fused(&norm, activation, pools.then_some(&pool), &shape) else {
                prop_assert!(pool.build(&[&shape]).is_err());
                return Ok(());
            };
            let first = norm.build(&[&shape]).unwrap();
            let second = Activate { activation }.build(&[&shape]).unwrap();
            let third = pool.build(&[&shape]);
            let mut layers: Vec<&dyn Layer> = vec![&*first, &*second];
            if pools {
                layers.push(&**third.as_ref().unwrap());
            }
            let mut parameters = draw(4 * channels, seed + 1);
            // Variances are above 0.
            parameters[3 * channels..].iter_mut().for_each(|variance| *variance = variance.abs() + 0.1);
            let trial = Trial {
                layer: &*whole,
                rows,
                inputs: vec![draw(rows * size[0] * size[1] * channels, seed)],
                parameters,
                upstream: draw(rows * whole.output().size().unwrap(), seed + 2),
                mask: vec![],
                training: training.then(|| Draws::new(seed, 0)),
            };
            let (output, by_input, by_parameters) = one_by_one(&layers, &trial);
            prop_assert_eq!(trial.forward(), output);
            let (by_inputs, own) = trial.gradients();
            assert_near(&by_inputs[0], &by_input);
            assert_near(&own[..2 * channels], &by_parameters[..2 * channels]);
        }

        #[test]
        fn gradients_agree_with_central_differences(
            side in 2usize..5, channels in 1usize..4, rows in 2usize..4, pools in any::<bool>(), seed in any::<u64>()
        ) {
            let (norm, shape) = (BatchNorm { epsilon: 0.1, ..BatchNorm::default() }, Shape::image(side, side, channels));
            let pool = MaxPool::default();
            let layer = fused(&norm, Activation::LeakyRelu, pools.then_some(&pool), &shape).unwrap();
            numeric_gradient::check(&*layer, &[&shape], rows, seed);
        }
    }

    #[test]
    fn other_activations_are_left_alone() {
        for activation in [Activation::Gelu, Activation::Tanh, Activation::Softmax, Activation::Elu] {
            assert!(fused(&BatchNorm::default(), activation, None, &Shape::features(3)).is_none());
        }
    }
}
