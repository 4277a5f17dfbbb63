//! How far a training has come: everything that the next step depends on, besides the rows and the options.

use super::super::error::Error;
use super::super::network::Network;
use super::super::optimizer::Memory;
use super::super::schedule::PlateauState;
use super::Retried;
use super::identity::Identity;
use super::{EarlyStopping, EpochRecord, TrainingOptions, Validation, Watch};
use serde::{Deserialize, Serialize};

/// The state of a training after an epoch. Continued from it, a training ends with the same weights, bit for bit, as one
/// that was never interrupted.
#[derive(Debug, Clone)]
pub struct State {
    /// The parameters, in the order of [`Network::named_parameters`].
    pub parameters: Vec<f32>,
    /// What the optimizer remembers.
    pub memory: Memory,
    /// The parameters of the best epoch; empty without early stopping or before the first.
    pub best_parameters: Vec<f32>,
    /// The network, the options and the number of rows that it belongs to.
    pub identity: Identity,
    /// All else.
    pub progress: StateProgress,
}

/// The part of a [`State`] that is few numbers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateProgress {
    /// How many epochs are done.
    pub epochs: usize,
    /// The epoch of the best parameters, 0 before the first.
    pub best_epoch: usize,
    /// What was watched then, smaller being better; none before the first.
    pub best: Option<f64>,
    /// What the schedule has heard.
    pub plateau: PlateauState,
    /// One record for each epoch.
    pub history: Vec<EpochRecord>,
    /// The divergences after which it went on with a smaller learning rate.
    #[serde(default)]
    pub retries: Vec<Retried>,
}

impl State {
    /// At the start of a training.
    pub(super) fn new(network: &Network, options: &TrainingOptions, rows: usize) -> Result<Self, Error> {
        Ok(Self {
            parameters: network.parameters.clone(),
            memory: Memory::new(&options.optimizer, network.parameter_count()),
            best_parameters: Vec::new(),
            identity: Identity::new(network.spec(), options, rows)?,
            progress: StateProgress::default(),
        })
    }

    /// Refuses a state of another network, of other options or of other rows. More epochs are the same training, unless
    /// its schedule knows its end.
    pub(super) fn check(&self, network: &Network, options: &TrainingOptions, rows: usize) -> Result<(), Error> {
        let own = Identity::new(network.spec(), options, rows)?;
        if let Some(difference) = self.identity.difference(&own, options.schedule.knows_its_end()) {
            return Err(Error::Resume(difference));
        }
        let fresh = Memory::new(&options.optimizer, network.parameter_count());
        let refuse = |reason: &str| Err(Error::Resume(reason.to_owned()));
        let (count, best) = (network.parameter_count(), self.best_parameters.len());
        if self.parameters.len() != count || (best != 0 && best != count) {
            return refuse("its state belongs to a network with another number of parameters");
        }
        if (self.memory.first.len(), self.memory.second.len()) != (fresh.first.len(), fresh.second.len()) {
            return refuse("its state belongs to another optimizer");
        }
        let finite = |values: &[f32]| values.iter().all(|v| v.is_finite());
        let all = [&self.parameters, &self.best_parameters, &self.memory.first, &self.memory.second];
        if !all.iter().all(|values| finite(values)) {
            return refuse("its state holds numbers that are not finite");
        }
        let progress = &self.progress;
        if progress.history.len() != progress.epochs
            || progress.best_epoch > progress.epochs
            || (best == 0) != (progress.best_epoch == 0)
        {
            return refuse("its state contradicts itself");
        }
        if progress.epochs > options.epochs {
            return refuse("it has seen more epochs than the options ask for");
        }
        Ok(())
    }

    /// Keeps the parameters where what is watched is an improvement.
    pub(super) fn observe(&mut self, stopping: EarlyStopping, judged: &Validation) {
        let sign = if judged.larger_is_better() { -1.0 } else { 1.0 };
        let watched = match stopping.watch {
            Watch::Loss => judged.loss,
            Watch::Metric => sign * judged.metric,
        };
        let improves = |best: f64| match stopping.watch {
            Watch::Loss => watched < best - stopping.min_delta,
            Watch::Metric => watched <= best - stopping.min_delta,
        };
        if self.progress.best.is_none_or(improves) {
            (self.progress.best_epoch, self.progress.best) = (self.progress.epochs, Some(watched));
            self.best_parameters.clear();
            self.best_parameters.extend_from_slice(&self.parameters);
        }
    }

    /// Whether the best epoch is so long ago that training ends.
    pub(super) fn is_exhausted(&self, stopping: Option<EarlyStopping>) -> bool {
        stopping.is_some_and(|stopping| self.progress.epochs - self.progress.best_epoch >= stopping.patience)
    }
}
