//! What can be varied, and over which values.

use std::fmt;

use rand::{Rng, RngExt};

/// Why something cannot be searched.
#[derive(Debug, Clone, PartialEq)]
pub enum Error {
    /// A range with no width, or ends that are no numbers.
    Range {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// A logarithmic range that does not begin above zero.
    Logarithm(f64),
    /// A step that is not positive, or larger than the range.
    Step(f64),
    /// A domain with fewer values than a choice needs.
    Choices(usize),
    /// Nothing is varied.
    Empty,
    /// Budgets that do not grow from 1 on.
    Budgets(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { low, high } => write!(f, "the range from {low} to {high} has no width"),
            Self::Logarithm(low) => write!(f, "a logarithmic range begins above zero, not at {low}"),
            Self::Step(step) => write!(f, "the step {step} must be positive and fit into the range"),
            Self::Choices(count) => write!(f, "a choice needs at least two values, not {count}"),
            Self::Empty => f.write_str("nothing is varied"),
            Self::Budgets(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Error {}

/// The values of one option. Numbers stand for themselves, choices for their place in the list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Domain {
    /// One of so many things without an order.
    Choices(usize),
    /// A number between two ends.
    Real {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
        /// Whether equal ratios, not equal differences, are equally likely.
        log: bool,
    },
    /// `low`, `low + step`, .. up to `high`.
    Steps {
        /// The lower end, a value.
        low: f64,
        /// The last value; not beyond the end that was asked for.
        high: f64,
        /// The distance of two values.
        step: f64,
        /// Whether equal ratios are equally likely.
        log: bool,
    },
}

impl Domain {
    /// One of `count` things. Errors: fewer than two.
    pub fn choices(count: usize) -> Result<Self, Error> {
        if count < 2 { Err(Error::Choices(count)) } else { Ok(Self::Choices(count)) }
    }

    /// A number from `low` to `high`. Errors: no width, no numbers, or a logarithm of what is not positive.
    pub fn real(low: f64, high: f64, log: bool) -> Result<Self, Error> {
        ends(low, high, log)?;
        Ok(Self::Real { low, high, log })
    }

    /// A number in steps. Errors: as [`Domain::real`], or a step that does not fit.
    pub fn steps(low: f64, high: f64, step: f64, log: bool) -> Result<Self, Error> {
        ends(low, high, log)?;
        if !(step.is_finite() && step > 0.0 && step <= high - low) {
            return Err(Error::Step(step));
        }
        // A range of seven steps of a tenth must not lose the last one to rounding.
        let count = ((high - low) / step * (1.0 + 1e-12)).floor();
        Ok(Self::Steps { low, high: low + count * step, step, log })
    }

    /// How many values it has; none when there is no end of them.
    pub fn size(&self) -> Option<u64> {
        match *self {
            Self::Choices(count) => Some(count as u64),
            Self::Real { .. } => None,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of steps; saturates")]
            Self::Steps { low, high, step, .. } => Some(((high - low) / step).round() as u64 + 1),
        }
    }

    /// The value at a place in the list of all; none for what has no end or fewer.
    #[expect(clippy::cast_precision_loss, reason = "places of values that were counted")]
    pub fn value(&self, place: u64) -> Option<f64> {
        self.size().filter(|size| place < *size)?;
        Some(match *self {
            Self::Steps { low, high, step, .. } => (low + place as f64 * step).min(high),
            _ => place as f64,
        })
    }

    /// The range in which its kernels live: half a step wider than its values, in logarithms where it is logarithmic.
    pub(super) fn inner_range(&self) -> (f64, f64) {
        let (low, high, log) = match *self {
            #[expect(clippy::cast_precision_loss, reason = "a number of choices")]
            Self::Choices(count) => (0.0, count as f64, false),
            Self::Real { low, high, log } => (low, high, log),
            Self::Steps { low, high, step, log } => {
                // Half a step below 1 would be zero for a step of 2: the logarithm needs what is positive.
                let below = if log { (low - step / 2.0).max(low / 2.0) } else { low - step / 2.0 };
                (below, high + step / 2.0, log)
            }
        };
        if log { (low.ln(), high.ln()) } else { (low, high) }
    }

    /// A value as kernels see it.
    pub(super) fn inner(&self, value: f64) -> f64 {
        if self.is_log() { value.ln() } else { value }
    }

    /// The nearest value of the domain.
    pub(super) fn outer(&self, inner: f64) -> f64 {
        let value = if self.is_log() { inner.exp() } else { inner };
        match *self {
            #[expect(clippy::cast_precision_loss, reason = "a number of choices")]
            Self::Choices(count) => value.floor().clamp(0.0, count.saturating_sub(1) as f64),
            Self::Real { low, high, .. } => value.clamp(low, high),
            Self::Steps { low, high, step, .. } => (low + ((value - low) / step).round() * step).clamp(low, high),
        }
    }

    fn is_log(&self) -> bool {
        matches!(self, Self::Real { log: true, .. } | Self::Steps { log: true, .. })
    }

    /// Where a value lies between 0 and 1, on the scale of the domain.
    pub fn share(&self, value: f64) -> f64 {
        let (low, high) = self.inner_range();
        let inner = if matches!(self, Self::Choices(_)) { value + 0.5 } else { self.inner(value) };
        ((inner - low) / (high - low)).clamp(0.0, 1.0)
    }

    fn draw(&self, rng: &mut impl Rng) -> f64 {
        let (low, high) = self.inner_range();
        self.outer(low + rng.random::<f64>() * (high - low))
    }
}

fn ends(low: f64, high: f64, log: bool) -> Result<(), Error> {
    if !(low.is_finite() && high.is_finite() && low < high && (high - low).is_finite()) {
        return Err(Error::Range { low, high });
    }
    if log && low <= 0.0 {
        return Err(Error::Logarithm(low));
    }
    Ok(())
}

/// Everything that is varied together.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    domains: Vec<Domain>,
}

impl Space {
    /// A space of these domains. Errors: there are none.
    pub fn new(domains: Vec<Domain>) -> Result<Self, Error> {
        if domains.is_empty() { Err(Error::Empty) } else { Ok(Self { domains }) }
    }

    /// The domains.
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// How many points it has; none when there is no end of them, or more than 2^64.
    pub fn size(&self) -> Option<u64> {
        self.domains.iter().try_fold(1_u64, |size, domain| size.checked_mul(domain.size()?))
    }

    /// The point at a place in the list of all: the last domain changes first.
    pub fn point(&self, place: u64) -> Option<Vec<f64>> {
        self.size().filter(|size| place < *size)?;
        let mut rest = place;
        let mut point = self
            .domains
            .iter()
            .rev()
            .map(|domain| {
                let size = domain.size()?;
                let value = domain.value(rest % size);
                rest /= size;
                value
            })
            .collect::<Option<Vec<f64>>>()?;
        point.reverse();
        Some(point)
    }

    /// A point by chance: each domain on its own, evenly on its scale.
    pub fn draw(&self, rng: &mut impl Rng) -> Vec<f64> {
        self.domains.iter().map(|domain| domain.draw(rng)).collect()
    }
}
