//! Small budgets for many, larger ones for the best.
//!
//! Successive halving: Jamieson & Talwalkar 2016, *Non-stochastic best arm identification and hyperparameter optimization*; Karnin, Koren &
//! Somekh 2013. ASHA: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht & Talwalkar 2020, *A system for massively parallel
//! hyperparameter tuning*, algorithm 2. Workers that work side by side are given their work together, as a batch, and wait for each other:
//! what is tried then does not depend on who is faster.
//!
//! A configuration is tried with the budget of a rung; from one rung to the next the budget grows `factor`-fold and only the best of
//! `factor` go on. Successive halving fills a rung before it looks at the next. ASHA promotes as soon as there is one to be promoted, so
//! that it has a good answer whenever it is stopped.

use super::space::Error;

/// The budgets of the rungs.
#[derive(Debug, Clone, PartialEq)]
pub struct Budgets {
    rungs: Vec<u64>,
    factor: u64,
}

impl Budgets {
    /// `most`, `most / factor`, .. as long as that is at least `least`, the smallest first.
    ///
    /// Errors: a factor below 2, no budget, or a range in which there is only one rung.
    pub fn new(least: u64, most: u64, factor: u64) -> Result<Self, Error> {
        let wrong = |reason: String| Err(Error::Budgets(reason));
        if factor < 2 {
            return wrong(format!("the factor between rungs must be at least 2, not {factor}"));
        }
        if least == 0 || most / factor < least {
            return wrong(format!("from {least} to {most} there is no room for two rungs {factor} times apart"));
        }
        let mut rungs = vec![most];
        let mut budget = most / factor;
        while budget >= least {
            rungs.push(budget);
            budget /= factor;
        }
        rungs.reverse();
        Ok(Self { rungs, factor })
    }

    /// The budget of each rung, the smallest first.
    pub fn rungs(&self) -> &[u64] {
        &self.rungs
    }
}

/// How budgets are given.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// Everything at once to each configuration.
    Full,
    /// Successive halving.
    Halving(Budgets),
    /// Asynchronous successive halving.
    Asha(Budgets),
}

/// What is tried next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A configuration that was never tried, at the lowest rung.
    New,
    /// A configuration at a higher rung.
    Promote {
        /// Its number.
        configuration: usize,
        /// The rung.
        rung: usize,
    },
    /// Nothing.
    End,
    /// Nothing until what is pending is done.
    Wait,
}

impl Schedule {
    /// The budget of a rung; none when it gives everything.
    pub fn budget(&self, rung: usize) -> Option<u64> {
        match self {
            Self::Full => None,
            Self::Halving(budgets) | Self::Asha(budgets) => budgets.rungs.get(rung).copied(),
        }
    }

    /// What is tried next, of at most `configurations`, when `losses[rung]` tells what was found there: number and loss (none: it
    /// failed). `exhausted`: there is no further configuration. Time: O(n log n).
    pub fn next(&self, losses: &[Vec<(usize, Option<f64>)>], configurations: usize, exhausted: bool) -> Next {
        self.beside(losses, &[], configurations, exhausted)
    }

    /// What is tried side by side, at most `size`; nothing when the search has ended. A batch of one is [`Schedule::next`].
    pub fn batch(
        &self,
        losses: &[Vec<(usize, Option<f64>)>],
        configurations: usize,
        exhausted: bool,
        size: usize,
    ) -> Vec<Next> {
        let begun = losses.first().map_or(0, Vec::len);
        let mut pending: Vec<(usize, usize)> = Vec::new();
        let mut steps = Vec::new();
        while steps.len() < size {
            let next = self.beside(losses, &pending, configurations, exhausted);
            pending.push(match next {
                Next::New => (begun + pending.iter().filter(|(_, rung)| *rung == 0).count(), 0),
                Next::Promote { configuration, rung } => (configuration, rung),
                Next::End | Next::Wait => break,
            });
            steps.push(next);
        }
        steps
    }

    /// What is tried next while others, by number and rung, are tried already.
    fn beside(
        &self,
        losses: &[Vec<(usize, Option<f64>)>],
        pending: &[(usize, usize)],
        configurations: usize,
        exhausted: bool,
    ) -> Next {
        let is_pending = |rung: usize| pending.iter().any(|(_, at)| *at == rung);
        let begun = losses.first().map_or(0, Vec::len) + pending.iter().filter(|(_, rung)| *rung == 0).count();
        let may_begin = begun < configurations && !exhausted;
        match self {
            Self::Full if may_begin => Next::New,
            Self::Full => Next::End,
            Self::Halving(_) if may_begin => Next::New,
            Self::Halving(budgets) => {
                // Rungs are filled one after the other. At least one goes on, so that the last rung is reached.
                for rung in 0..budgets.rungs.len().saturating_sub(1) {
                    if is_pending(rung) {
                        return Next::Wait;
                    }
                    if let Some(configuration) = promotable(losses, pending, rung, budgets.factor, 1) {
                        return Next::Promote { configuration, rung: rung + 1 };
                    }
                }
                Next::End
            }
            Self::Asha(budgets) => {
                let rungs = (0..budgets.rungs.len().saturating_sub(1)).rev();
                let mut promoted = rungs.filter_map(|rung| {
                    promotable(losses, pending, rung, budgets.factor, 0)
                        .map(|configuration| Next::Promote { configuration, rung: rung + 1 })
                });
                promoted.next().unwrap_or(if may_begin { Next::New } else { Next::End })
            }
        }
    }
}

/// The best configuration of a rung that belongs to its best `1 / factor` and is not in the next one yet.
fn promotable(
    losses: &[Vec<(usize, Option<f64>)>],
    pending: &[(usize, usize)],
    rung: usize,
    factor: u64,
    least: usize,
) -> Option<usize> {
    let found = losses.get(rung)?;
    let above = losses.get(rung + 1).map_or(&[][..], Vec::as_slice);
    let count = found.len() / usize::try_from(factor).unwrap_or(usize::MAX).max(1);
    let mut order: Vec<(usize, f64)> = found
        .iter()
        .filter_map(|(number, loss)| Some((*number, (*loss)?)))
        .filter(|(_, loss)| !loss.is_nan())
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    order
        .iter()
        .take(count.max(least))
        .map(|(number, _)| *number)
        .find(|number| above.iter().all(|(other, _)| other != number) && !pending.contains(&(*number, rung + 1)))
}
