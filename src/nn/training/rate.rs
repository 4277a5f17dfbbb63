//! The learning rate found by trying: the range test.
//!
//! A copy of the network learns some batches while the learning rate grows from one to the next by a fixed factor. While
//! the rate is too small the loss stays where it is, then it falls, and beyond some rate it rises again. Smith 2017,
//! *Cyclical learning rates for training neural networks*. The loss of single batches is noisy, so it is smoothed by an
//! exponential mean whose start is corrected as in Adam.
//!
//! The rule: of the rates up to the lowest smoothed loss, the one around which the smoothed loss falls most steeply by the
//! logarithm of the rate. The slope is that of the least-squares line through the losses of three quarters of a decade
//! around the rate: two neighbours of small batches differ by noise. On falls by 0.7 under noise with a deviation of 0.2 by
//! batch, 96 of 100 searches end within a decade of the steepest place, where two neighbours led 74 there.

use super::super::error::Error;
use super::super::network::Network;
use super::batches::Batches;
use super::run::Run;
use super::state::State;
use super::{TRAINING, TrainingOptions, fits, own_groups};
use serde::{Deserialize, Serialize};

/// How a learning rate is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateSearch {
    /// The first rate, above 0. Default 1e-6.
    pub start: f64,
    /// The last rate, above the first. Default 10.
    pub end: f64,
    /// How many batches are learned at most; at least 20. Default 100.
    pub batches: usize,
}

impl Default for RateSearch {
    fn default() -> Self {
        Self { start: 1e-6, end: 10.0, batches: 100 }
    }
}

/// A batch of the search.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatePoint {
    /// The rate of its step.
    pub learning_rate: f64,
    /// Its mean loss, before the step.
    pub loss: f64,
    /// The mean of the losses so far, the last ones counting most.
    pub smoothed: f64,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateFound {
    /// The suggested learning rate.
    pub learning_rate: f64,
    /// The batches, in order of their rates.
    pub points: Vec<RatePoint>,
    /// Whether the loss left the finite numbers at the end.
    pub diverged: bool,
}

/// The share of the mean that stays with each batch.
const SMOOTHING: f64 = 0.9;
/// The search ends where the smoothed loss is this many times the lowest.
const RISEN: f64 = 4.0;
/// The slope at a rate is told from the rates on either side up to this part of a decade.
const REACH: f64 = 0.375;
/// The first batches, whose mean is of few losses, suggest nothing.
const WARM: usize = 5;

/// Looks for a learning rate on a copy of the network, with the batches, the optimizer and the groups of the options.
/// `source` is read once, or several times where it has few rows. The same seed gives the same rate.
///
/// Errors: as [`super::train`], and [`Error::Option`] where the search makes no sense or the loss falls at no rate.
pub fn find_learning_rate(
    network: &Network,
    source: &mut dyn Batches,
    options: &TrainingOptions,
    search: RateSearch,
) -> Result<RateFound, Error> {
    let refuse = |reason: String| Error::Option { option: "learning_rate", reason };
    let RateSearch { start, end, batches } = search;
    if !(start.is_finite() && start > 0.0 && end.is_finite() && end > start && batches >= 20) {
        return Err(refuse(format!("a search from {start} to {end} in {batches} batches finds nothing")));
    }
    options.check()?;
    let groups = own_groups(network, options)?;
    fits(TRAINING, source, network)?;
    let state = State::new(network, options, source.rows())?;
    let rows = source.rows();
    let (points, diverged) =
        rayon::scope(|_| Run::new(network.clone(), state, rows, groups, options).sweep(source, search))?;
    match steepest(&points, reach(search)) {
        Some(learning_rate) => Ok(RateFound { learning_rate, points, diverged }),
        None => Err(refuse(format!("the loss fell at no rate between {start} and {end}"))),
    }
}

/// How many rates on either side tell the slope at a rate.
fn reach(search: RateSearch) -> usize {
    let by_decade = (search.batches - 1) as f64 / (search.end / search.start).log10();
    // No more than there are: a search over less than a decade.
    ((REACH * by_decade).round() as usize).clamp(1, search.batches / 4)
}

/// The rate at which the smoothed loss falls most steeply, before it is lowest.
fn steepest(points: &[RatePoint], reach: usize) -> Option<f64> {
    let lowest = (0..points.len()).min_by(|&a, &b| points[a].smoothed.total_cmp(&points[b].smoothed))?;
    // The rates grow by a fixed factor, so places stand for logarithms. Where the loss is lowest near the last rate there
    // are fewer on either side.
    let slope = |i: usize| {
        let own = reach.min(i).min(points.len() - 1 - i);
        let around = points.get(i - own..=i + own).filter(|_| own > 0)?;
        let from_middle = |place: usize| place as f64 - own as f64;
        let products: f64 = around.iter().enumerate().map(|(place, p)| from_middle(place) * p.smoothed).sum();
        Some(products / (0..around.len()).map(|place| from_middle(place).powi(2)).sum::<f64>())
    };
    let slopes = (WARM..=lowest).filter_map(|i| Some((slope(i)?, points[i].learning_rate)));
    slopes.filter(|(slope, _)| *slope < 0.0).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, rate)| rate)
}

impl Run<'_> {
    /// Learns batches at growing rates, until the loss has risen.
    fn sweep(mut self, source: &mut dyn Batches, search: RateSearch) -> Result<(Vec<RatePoint>, bool), Error> {
        let RateSearch { start, end, batches } = search;
        let growth = (end / start).powf(1.0 / (batches - 1) as f64);
        let mut points: Vec<RatePoint> = Vec::with_capacity(batches);
        let (mut mean, mut lowest, mut epoch) = (0.0, f64::INFINITY, 0);
        let mut batch = self.batch();
        while points.len() < batches {
            epoch += 1;
            self.start(epoch, source)?;
            let begun = points.len();
            while points.len() < batches {
                let rows = self.read(1, source, &mut batch)?;
                if rows == 0 {
                    break;
                }
                let learning_rate = start * growth.powi(points.len() as i32);
                match self.learn_at(learning_rate, points.len() + 1, &mut batch, rows) {
                    Ok(None) => continue,
                    Ok(Some(loss)) => {
                        mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
                        let smoothed = mean / (1.0 - SMOOTHING.powi(points.len() as i32 + 1));
                        points.push(RatePoint { learning_rate, loss, smoothed });
                        lowest = smoothed.min(lowest);
                        if points.len() > WARM && smoothed > RISEN * lowest {
                            return Ok((points, false));
                        }
                    }
                    Err(Error::Diverged { .. }) => return Ok((points, true)),
                    Err(error) => return Err(error),
                }
            }
            if points.len() == begun {
                return Err(Error::Empty(TRAINING));
            }
        }
        Ok((points, false))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Points whose rates are their places.
    fn points(losses: impl IntoIterator<Item = f64>) -> Vec<RatePoint> {
        let point = |(i, smoothed)| RatePoint { learning_rate: i as f64, loss: smoothed, smoothed };
        losses.into_iter().enumerate().map(point).collect()
    }

    #[test]
    fn the_steepest_fall_before_the_lowest_loss_is_suggested() {
        // Flat, a fall whose middle is at the eleventh rate, a steeper one after a rise.
        let losses = [9.0; 9].into_iter().chain([8.5, 7.0, 5.0, 4.5, 4.4, 4.3, 9.0, 20.0, 5.0]);
        let points = points(losses);
        assert_eq!(steepest(&points, 1), Some(10.0));
        assert_eq!(steepest(&points[..9], 1), None);
        assert_eq!(steepest(&[], 1), None);
    }

    #[test]
    fn one_batch_that_is_unlike_the_others_does_not_decide() {
        // Between its neighbours the loss falls by 1.5 after the odd batch, and by 1.0 where it falls indeed.
        let flat = [9.0; 8];
        let falling = (1..=8).map(|step| 9.0 - 0.5 * f64::from(step));
        let losses = points(flat.into_iter().chain([10.5]).chain(flat).chain(falling));
        assert!(steepest(&losses, 2).unwrap() >= 17.0);
        assert!(steepest(&losses, 1).unwrap() < 17.0);
    }

    #[test]
    fn a_slope_is_told_from_three_quarters_of_a_decade() {
        let search = |start, end, batches| reach(RateSearch { start, end, batches });
        // 99 factors over 7 decades are 14 by decade.
        assert_eq!(reach(RateSearch::default()), 5);
        assert_eq!((search(1e-6, 10.0, 20), search(0.1, 0.2, 20)), (1, 5));
    }

    /// The share of searches among noisy batches that end within a decade of where the loss falls most steeply.
    fn found(noise: f64, reach: usize) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let right = (0..400).filter(|_| {
            let steep = rng.random_range(-3.5..-1.5);
            let (mut mean, mut all) = (0.0, Vec::new());
            for batch in 0..100 {
                let rate: f64 = -6.0 + 7.0 * f64::from(batch) / 99.0;
                // The logistic curve is steepest in its middle.
                let fall = 0.7 / (1.0 + (-(rate - steep) / 0.35).exp());
                let rise = 3.0 * (rate - steep - 1.6).max(0.0).powi(2);
                // Nearly normal: a sum of twelve uniform numbers has a variance of 1.
                let normal = (0..12).map(|_| rng.random_range(-0.5..0.5)).sum::<f64>();
                let loss = 0.9 - fall + rise + noise * normal;
                mean = SMOOTHING * mean + (1.0 - SMOOTHING) * loss;
                let smoothed = mean / (1.0 - SMOOTHING.powi(batch + 1));
                all.push(RatePoint { learning_rate: rate, loss, smoothed });
            }
            // The smoothed loss lags behind by about a third of a decade.
            steepest(&all, reach).is_some_and(|rate| (rate - steep - 0.3).abs() < 1.0)
        });
        right.count() as f64 / 400.0
    }

    #[test]
    fn noise_of_small_batches_is_not_taken_for_the_fall() {
        let own = reach(RateSearch::default());
        assert!(found(0.05, own) > 0.99);
        assert!(found(0.2, own) > 0.92, "{}", found(0.2, own));
        assert!(found(0.2, own) > found(0.2, 1) + 0.1, "{}", found(0.2, 1));
    }
}
