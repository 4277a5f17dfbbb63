//! A training under way: from epoch to epoch, with what is kept and what is gone back to.

use super::super::super::error::Error;
use super::super::super::optimizer::Memory;
use super::super::super::plan::Way;
use super::super::super::schedule::ScheduleKind;
use super::super::batches::{Batch, Batches};
use super::super::shards::Shards;
use super::super::state::{State, StateProgress};
use super::super::validation::{self, Validation};
use super::super::{Callback, Ended, EpochRecord, Progress, Retried, Trained};
use super::{Epoch, Run};
use std::ops::ControlFlow;
use std::time::Instant;

/// What is gone back to after a divergence: the parameters and the optimizer's memory at the start of an epoch.
#[derive(Default)]
struct Good {
    parameters: Vec<f32>,
    memory: Memory,
}

impl Good {
    fn keep(&mut self, state: &State) {
        self.parameters.clone_from(&state.parameters);
        self.memory.clone_from(&state.memory);
    }
}

impl Run<'_> {
    pub(in super::super) fn epochs(
        mut self,
        source: &mut dyn Batches,
        validation: Option<&mut dyn Batches>,
        callback: &mut Callback<'_>,
    ) -> Result<Trained, Error> {
        let plan = self.network.plan.clone();
        let shards = validation.is_some().then(|| Shards::new(&plan, Way::Prediction, validation::ROWS));
        let mut judge = validation.zip(shards);
        let mut buffers = [self.batch(), self.batch()];
        let mut good = Good::default();
        let mut ended = Ended::Completed;
        while self.state.progress.epochs < self.options.epochs {
            // Where the state was kept, training may have been about to end.
            if self.state.is_exhausted(self.options.early_stopping) {
                ended = Ended::EarlyStopped;
                break;
            }
            if self.options.retry.is_some() {
                good.keep(&self.state);
            }
            let epoch = self.state.progress.epochs + 1;
            match self.turn(epoch, source, &mut judge, &mut buffers, callback) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => {
                    ended = Ended::Cancelled;
                    break;
                }
                Err(Error::Diverged { epoch, batch, place }) => {
                    self.try_again(&good, Retried { epoch, batch, place, divisor: 1.0 })?;
                }
                Err(error) => return Err(error),
            }
        }
        if ended == Ended::Completed && self.state.is_exhausted(self.options.early_stopping) {
            ended = Ended::EarlyStopped;
        }
        let State { parameters, best_parameters, progress, .. } = self.state;
        let stopped = self.options.early_stopping.is_some() && progress.best_epoch > 0;
        let (parameters, kept_epoch) =
            if stopped { (best_parameters, progress.best_epoch) } else { (parameters, progress.epochs) };
        self.network.parameters = parameters;
        let StateProgress { history, retries, .. } = progress;
        Ok(Trained { network: self.network, history, retries, kept_epoch, ended })
    }

    /// Learns an epoch and judges what came of it.
    fn turn(
        &mut self,
        epoch: usize,
        source: &mut dyn Batches,
        judge: &mut Option<(&mut dyn Batches, Shards)>,
        buffers: &mut [Batch; 2],
        callback: &mut Callback<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let start = Instant::now();
        let pass = self.epoch(epoch, source, buffers, callback)?;
        self.check_weights(epoch, pass.batches)?;
        if pass.cancelled {
            return Ok(ControlFlow::Break(()));
        }
        let judged = match judge {
            Some((source, shards)) => Some(self.judge(epoch, pass.batches, shards, *source, &mut buffers[0])?),
            None => None,
        };
        self.state.progress.epochs = epoch;
        if let Some(judged) = &judged {
            if let Some(stopping) = self.options.early_stopping {
                self.state.observe(stopping, judged);
            }
            if let ScheduleKind::Plateau(plateau) = self.options.schedule.kind {
                plateau.observe(&mut self.state.progress.plateau, judged.loss);
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let Epoch { batches, rows, loss, rows_per_second, .. } = pass;
        let learning_rate = self.rate;
        let record = EpochRecord { epoch, loss, validation: judged, learning_rate, seconds, rows_per_second };
        self.state.progress.history.push(record);
        let progress = Progress {
            epoch,
            epochs: self.options.epochs,
            batch: batches,
            rows_done: rows,
            rows: source.rows(),
            loss,
            learning_rate,
            rows_per_second,
            finished: self.state.progress.history.last(),
            state: Some(&self.state),
        };
        Ok(callback(&progress))
    }

    /// Goes back to the start of an epoch and divides the learning rate.
    ///
    /// Errors: the divergence, where there may be no other try.
    fn try_again(&mut self, good: &Good, diverged: Retried) -> Result<(), Error> {
        let retries = &mut self.state.progress.retries;
        let Some(retry) = self.options.retry.filter(|retry| retries.len() < retry.times) else {
            let Retried { epoch, batch, place, .. } = diverged;
            return Err(Error::Diverged { epoch, batch, place });
        };
        let before = retries.last().map_or(1.0, |last| last.divisor);
        retries.push(Retried { divisor: before * retry.divisor, ..diverged });
        self.state.parameters.copy_from_slice(&good.parameters);
        self.state.memory.clone_from(&good.memory);
        Ok(())
    }

    fn judge(
        &mut self,
        epoch: usize,
        batch: usize,
        shards: &mut Shards,
        source: &mut dyn Batches,
        buffer: &mut Batch,
    ) -> Result<Validation, Error> {
        let (team, parameters) = (&self.team, &mut self.state.parameters);
        let judged = validation::validate((team, shards), &self.network.plan, parameters, source, buffer)?;
        if !judged.loss.is_finite() {
            let place = "the validation loss is not finite".to_owned();
            return Err(Error::Diverged { epoch, batch, place });
        }
        Ok(judged)
    }
}
