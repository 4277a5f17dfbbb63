//! Learning about a column of numbers.

use arrow::array::ArrayRef;

use super::options::{Clip, Cut, NumberScale, Spread};
use super::scaling::{Form, Scaling, signed_log};
use super::{Number, finite};
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::{QuantileSketch, Quantiles};

/// Learns about a column of numbers.
///
/// Memory: a few numbers, and for methods that need quantiles a sketch, which is exact up to 131,072 values and about
/// 1 MiB beyond, with ranks that are off by 0.13 %.
#[derive(Debug)]
pub(in crate::tensor) struct NumberFit {
    pub(in crate::tensor) name: String,
    method: NumberScale,
    moments: Moments,
    /// Of the signed logarithms, for `log1p`.
    logarithms: Moments,
    quantiles: QuantileSketch,
}

/// Borders closer than this, relative to the range, are one.
const CLOSE: f64 = 1e-12;

impl NumberFit {
    pub(in crate::tensor) fn new(name: &str, method: &NumberScale) -> Self {
        Self {
            name: name.to_owned(),
            method: method.clone(),
            moments: Moments::new(),
            logarithms: Moments::new(),
            quantiles: QuantileSketch::default(),
        }
    }

    pub(in crate::tensor) fn add(&mut self, array: &ArrayRef) {
        self.extend(&finite(array));
    }

    pub(in crate::tensor) fn extend(&mut self, values: &[f64]) {
        self.moments.extend(values);
        if self.method == NumberScale::Log1p {
            let logarithms: Vec<f64> = values.iter().map(|value| signed_log(*value)).collect();
            self.logarithms.extend(&logarithms);
        }
        if self.method.needs_quantiles() {
            self.quantiles.extend(values);
        }
    }

    pub(in crate::tensor) fn finish(self) -> Number {
        let moments = &self.moments;
        let (mean, min, max) = (sound(moments.mean()), moments.min(), moments.max());
        let quantiles = self.quantiles.quantiles();
        let median = quantiles.quantile(0.5);
        // Without a value nothing is known; with equal values there is no scale. Both leave differences from the
        // center.
        let linear = |center: Option<f64>, scale: Option<f64>, form| Scaling::Linear {
            center: sound(center).unwrap_or(0.0),
            scale: sound(scale).filter(|scale| *scale > 0.0).unwrap_or(1.0),
            form,
        };
        let range = sound(max.zip(min).map(|(max, min)| max - min));
        let (scaling, fill) = match &self.method {
            NumberScale::None => (linear(None, None, Form::Raw), mean),
            NumberScale::Zscore => (linear(mean, moments.standard_deviation(), Form::Plain), mean),
            NumberScale::Minmax => (linear(min, range, Form::Plain), mean),
            NumberScale::Robust(robust) => {
                let form = if robust.clip == Clip::Smooth { Form::Smooth } else { Form::Plain };
                let spread = quantiles.interquartile_range().filter(|spread| *spread > 0.0);
                (linear(median, spread.or(range.map(|range| range / 2.0)), form), median)
            }
            NumberScale::Log1p => {
                let logarithms = &self.logarithms;
                // The mean of the logarithms, as a number of the column.
                let fill = logarithms.mean().map(|mean| mean.abs().exp_m1().copysign(mean));
                (linear(logarithms.mean(), logarithms.standard_deviation(), Form::Log1p), fill)
            }
            NumberScale::Quantile(options) => {
                let number = options.quantiles.min(usize::try_from(moments.count()).unwrap_or(usize::MAX)).max(2);
                let references = at_shares(&quantiles, number - 1);
                if references.is_empty() {
                    (linear(None, None, Form::Plain), None)
                } else {
                    (Scaling::Quantile { references, normal: options.to == Spread::Normal }, median)
                }
            }
            NumberScale::Bin(bin) => {
                let borders = match bin.by {
                    Cut::Quantile => at_shares(&quantiles, bin.bins),
                    Cut::Width => equal_widths(min, max, bin.bins),
                };
                (Scaling::Bins { borders: intervals(borders) }, None)
            }
            NumberScale::PiecewiseLinear(piecewise) => {
                (Scaling::Piecewise { borders: intervals(at_shares(&quantiles, piecewise.bins)) }, median)
            }
        };
        Number {
            name: self.name,
            scaling,
            fill: sound(fill),
            missing: moments.nan_count(),
            rows: moments.count() + moments.nan_count(),
            low: sound(min),
            high: sound(max),
        }
    }
}

fn sound(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// Quantiles at `steps + 1` equally spaced shares; empty without a value.
fn at_shares(quantiles: &Quantiles, steps: usize) -> Vec<f64> {
    (0..=steps).filter_map(|step| quantiles.quantile(step as f64 / steps.max(1) as f64)).collect()
}

fn equal_widths(min: Option<f64>, max: Option<f64>, bins: usize) -> Vec<f64> {
    let Some((min, max)) = min.zip(max) else { return Vec::new() };
    // Halves first: the difference of two finite numbers may not be finite.
    (0..=bins).map(|step| step as f64 / bins as f64).map(|share| min * (1.0 - share) + max * share).collect()
}

/// Rising borders of at least one interval.
fn intervals(mut borders: Vec<f64>) -> Vec<f64> {
    let range = borders.last().zip(borders.first()).map_or(0.0, |(last, first)| last / 2.0 - first / 2.0);
    borders.dedup_by(|next, before| *next / 2.0 - *before / 2.0 <= range * CLOSE);
    match borders.as_slice() {
        [] => vec![0.0, 1.0],
        // One value: the interval that begins with it, so that another value shows its difference.
        [only] => {
            let only = only.clamp(-f64::MAX / 2.0, f64::MAX / 2.0);
            vec![only, only + only.abs().max(1.0)]
        }
        _ => borders,
    }
}
