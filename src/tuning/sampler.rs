//! Which point is tried next.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::space::Space;
use super::tpe::Tpe;

/// How often a point that was seen before is drawn anew.
const REDRAWS: usize = 64;

/// A point that was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// A number for each domain.
    pub point: Vec<f64>,
    /// What is to be small; none when the point could not be tried.
    pub loss: Option<f64>,
}

/// Proposes points.
#[derive(Debug, Clone, PartialEq)]
pub enum Sampler {
    /// By chance, each domain evenly on its scale (Bergstra & Bengio 2012, *Random search for hyper-parameter optimization*). No point of
    /// a finite space comes twice.
    Random,
    /// Every point of a finite space, the last domain changing first.
    Grid,
    /// Where good points are dense and bad ones are not.
    Tpe(Tpe),
}

impl Sampler {
    /// The next point, given everything that was tried; none when all points of a finite space were.
    ///
    /// `number` counts the proposals. The same seed, number and history give the same point. Time: that of [`Tpe::propose`], or the
    /// length of the history for the others.
    pub fn propose(&self, space: &Space, history: &[Observation], number: u64, seed: u64) -> Option<Vec<f64>> {
        if *self == Self::Grid {
            return space.point(number);
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let is_new = |point: &[f64]| history.iter().all(|seen| seen.point != point);
        let mut point = match self {
            Self::Tpe(tpe) if history.len() >= tpe.startup => tpe.propose(space, history, &mut rng),
            _ => space.draw(&mut rng),
        };
        for _ in 0..REDRAWS {
            if is_new(&point) {
                return Some(point);
            }
            // What was tried already tells nothing new: training is deterministic.
            point = space.draw(&mut rng);
        }
        if is_new(&point) {
            return Some(point);
        }
        match space.size() {
            None => Some(point),
            // Few points are left, if any: the first of them, should they be few enough to look for.
            Some(size) => (0..size.min(1 << 20)).filter_map(|place| space.point(place)).find(|point| is_new(point)),
        }
    }
}
