//! What `train` does when the run comes to it.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::checkpoint::{self, Found, Header, Keeper};
use super::exhibits;
use super::network::Asked;
use super::optimizer::with_rate;
use super::recipe::Recipe;
use super::telling::{Telling, tell};
use crate::diagnostic::{Class, Diagnostic};
use crate::nn::training::{
    Batches, Ended, EpochRecord, RateSearch, State, automatic_batch_size, find_learning_rate, resume,
};
use crate::nn::{self, Network, Trained, TrainingOptions};
use crate::stages::learn::bundle::{self, Bundle, LearnedEpoch, Parts, Replay, Saving, Survey, Training};
use crate::stages::learn::loader::{Rows, Wanted};
use crate::stages::learn::needs;
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{Product, TensorsProduct};
use crate::tensor::Encoder;

/// The folder of the model inside the stage's artifacts.
const MODEL: &str = "model";
/// In the place of the fingerprint of a state that trainings of several numbers of epochs share.
const CONTINUED: &str = "continued";

/// How checkpoints are to be kept.
#[derive(Debug, Clone)]
pub(super) struct Keep {
    pub(super) every: usize,
    pub(super) folder: Option<String>,
}

/// A training that may run.
pub(super) struct TrainWork {
    pub(super) recipe: Recipe,
    pub(super) weights: Option<String>,
    pub(super) validate_on: Option<String>,
    pub(super) checkpoint: Option<Keep>,
    /// The state of the same training with fewer epochs, from which it goes on and which it leaves, where its schedule allows that.
    pub(super) continued: Option<PathBuf>,
    pub(super) save: Option<Saving>,
    /// The options, for the model card.
    pub(super) written: serde_json::Value,
}

/// A finished training with what was decided on the way.
pub(super) struct Finished {
    pub(super) trained: Trained,
    pub(super) options: TrainingOptions,
    pub(super) header: Header,
    /// The epoch after which it went on from a checkpoint.
    pub(super) resumed: Option<usize>,
    pub(super) remarks: Vec<String>,
    pub(super) seconds: f64,
}

impl TrainWork {
    fn network(&self, encoder: &Encoder) -> Result<(Network, TrainingOptions), Diagnostic> {
        let mut asked = Vec::new();
        for target in encoder.targets() {
            let own = self.recipe.losses.iter().find(|loss| loss.target == target.column());
            let loss = own.and_then(|own| own.loss.as_ref());
            let loss = loss.map(|loss| loss.of_target(target).map_err(|finding| finding.or_at(&loss.place)));
            let weight = own.map_or(1.0, |own| own.weight);
            asked.push(Asked {
                name: target.column().to_owned(),
                head: bundle::head(target),
                loss: loss.transpose()?,
                weight,
            });
        }
        let rows = usize::try_from(encoder.rows()).unwrap_or(usize::MAX);
        let judged = self.validate_on.is_some();
        let (assembled, options) = self.recipe.resolve(encoder.blocks(), &asked, rows, judged, Class::Limit)?;
        let network = Network::new(assembled.spec.clone(), options.seed);
        Ok((network.map_err(|error| assembled.place(&error, Class::Limit))?, options))
    }

    /// Training and validation rows, together in at most half of the memory. A quarter of it is for rows to judge by.
    fn rows(&self, tensors: &TensorsProduct, context: &WorkContext<'_>) -> Result<(Rows, Option<Rows>), Diagnostic> {
        let (encoder, limit) = (&tensors.encoder, context.memory / 2);
        let training = Rows::read(
            &Wanted {
                relation: &tensors.table.training(),
                encoder,
                weights: self.weights.as_deref(),
                limit: if self.validate_on.is_some() { limit - limit / 4 } else { limit },
                shuffled: true,
                name: "training rows",
                expected: Some(encoder.rows()),
            },
            context,
        )?;
        if training.len() < 2 {
            let message = format!("there are {} training rows, and a network learns from two or more", training.len());
            return Err(Diagnostic::error(Class::Data, message));
        }
        let Some(part) = &self.validate_on else { return Ok((training, None)) };
        let validation = Rows::read(
            &Wanted {
                relation: &tensors.table.part(part),
                encoder,
                weights: self.weights.as_deref(),
                limit: limit.saturating_sub(training.bytes()).max(limit / 4),
                shuffled: false,
                name: "validation rows",
                expected: None,
            },
            context,
        )?;
        if validation.len() == 0 {
            let message = format!("part `{part}` has no rows to judge the epochs on");
            return Err(Diagnostic::error(Class::Data, message));
        }
        Ok((training, Some(validation)))
    }

    /// Where it is kept how far the training is, and whose that is.
    fn keeper<'a>(&self, options: &TrainingOptions, context: &WorkContext<'a>) -> (Option<Keeper>, &'a str) {
        if let Some(state) = &self.continued {
            // What fewer epochs came to is no part of a training whose learning rate knows the last one.
            let goes_on = !options.schedule.knows_its_end();
            return (goes_on.then(|| Keeper { path: state.clone(), every: 1, stated: false }), CONTINUED);
        }
        let keeper = self.checkpoint.as_ref().map(|keep| Keeper {
            path: checkpoint::place(context.base, keep.folder.as_deref(), context.id, context.fingerprint),
            every: keep.every,
            stated: keep.folder.is_some(),
        });
        (keeper, context.fingerprint)
    }

    /// A checkpoint to go on from.
    fn start(
        keeper: Option<&Keeper>,
        fingerprint: &str,
        epochs: usize,
    ) -> Result<(Header, Option<State>, Vec<String>), Diagnostic> {
        let header = Header::new(fingerprint);
        let Some(keeper) = keeper else { return Ok((header, None, Vec::new())) };
        match keeper.find(fingerprint)? {
            Found::Nothing => Ok((header, None, Vec::new())),
            Found::Damaged(reason) if keeper.stated => {
                let message = format!("the checkpoint `{}` cannot be read: {reason}", keeper.path.display());
                Err(Diagnostic::error(Class::Data, message).help("remove it, or keep checkpoints in another folder"))
            }
            Found::Damaged(reason) => {
                let remark =
                    format!("The checkpoint of an earlier run could not be read ({reason}); training began anew.");
                Ok((header, None, vec![remark]))
            }
            Found::State(found) => {
                let (header, state) = *found;
                let done = state.progress.epochs;
                let remark =
                    format!("Went on from the checkpoint after epoch {done} of {epochs} of an interrupted run.");
                Ok((header, Some(state), vec![remark]))
            }
        }
    }

    /// What is decided once the rows are known: the size of batches, the learning rate.
    fn decide(
        &self,
        network: &Network,
        mut options: TrainingOptions,
        source: &mut dyn Batches,
        header: &mut Header,
        context: &WorkContext<'_>,
    ) -> Result<TrainingOptions, Diagnostic> {
        let choices = &self.recipe.choices;
        if choices.batch_size.as_ref().is_some_and(|size| size.sizes().is_none()) {
            let memory = usize::try_from(context.memory / 4).unwrap_or(usize::MAX);
            let size = match header.batch_size {
                Some(size) => size,
                None => automatic_batch_size(network, &options, source.rows(), memory)
                    .map_err(|error| Diagnostic::error(Class::Limit, error.to_string()))?,
            };
            header.batch_size = Some(size);
            options.batch_size = size;
        }
        if choices.finds_rate {
            if header.found.is_none() {
                tell(context.progress, 0, options.epochs, "looking for a learning rate".to_owned());
                let search = RateSearch::default();
                // The search is no part of the training: no rate of it may be carried on.
                let found = find_learning_rate(network, source, &options, search).map_err(|error| failed(&error))?;
                header.found = Some(found);
            }
            if let Some(found) = &header.found {
                options.optimizer = with_rate(options.optimizer, found.learning_rate);
            }
        }
        Ok(options)
    }

    fn train(
        &self,
        (network, options): (Network, TrainingOptions),
        rows: &Rows,
        validation: Option<&Rows>,
        context: &WorkContext<'_>,
    ) -> Result<Finished, Diagnostic> {
        let (keeper, fingerprint) = self.keeper(&options, context);
        let (mut header, state, mut remarks) = Self::start(keeper.as_ref(), fingerprint, options.epochs)?;
        let resumed = state.as_ref().map(|state| state.progress.epochs);
        let began = Instant::now();
        let mut source = rows.source(true)?;
        let mut judges = validation.map(|rows| rows.source(false)).transpose()?;
        let options = self.decide(&network, options, &mut *source, &mut header, context)?;
        let sizes = [options.batch_size].into_iter().chain(options.batch_sizes.iter().map(|size| size.rows));
        if let Some(size) = sizes.max().filter(|size| *size > rows.len()) {
            remarks.push(format!(
                "A batch of {size} rows is more than the {} training rows: each epoch is one step.",
                rows.len()
            ));
        }
        let first = resumed.unwrap_or(0);
        let mut telling = Telling::new(context.progress, first);
        let cancelled = &context.cancelled;
        let mut lost = None;
        let mut hear = |now: &nn::training::Progress<'_>| {
            telling.hear(now);
            if let (Some(keeper), Some(state)) = (&keeper, now.state)
                && now.epoch.is_multiple_of(keeper.every)
                && let Err(error) = keeper.keep(&header, state)
            {
                lost = Some(error);
                return ControlFlow::Break(());
            }
            if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let judges = judges.as_mut().map(|judges| &mut **judges as &mut dyn Batches);
        let trained = match state {
            None => nn::train(network, &mut *source, judges, &options, &mut hear),
            Some(state) => resume(network, state, &mut *source, judges, &options, &mut hear),
        };
        if let Some(error) = lost {
            return Err(error);
        }
        let trained = trained.map_err(|error| failed(&error))?;
        if trained.ended == Ended::Cancelled {
            return Err(Diagnostic::error(Class::Interrupted, "interrupted"));
        }
        for retry in &trained.retries {
            remarks.push(format!(
                "Training diverged in epoch {} ({}) and went on at a learning rate divided by {:.4}.",
                retry.epoch, retry.place, retry.divisor
            ));
        }
        if let Some(keeper) = keeper.filter(|_| self.continued.is_none()) {
            keeper.clear();
        }
        Ok(Finished { trained, options, header, resumed, remarks, seconds: began.elapsed().as_secs_f64() })
    }
}

/// A finding about a training that failed.
fn failed(error: &nn::Error) -> Diagnostic {
    let finding = Diagnostic::error(Class::Stage, error.to_string());
    match error {
        nn::Error::Diverged { .. } => finding
            .help("numbers far from 1 can be the reason: let `tensors` scale them; `on_divergence: {retries: 2}` tries lower rates"),
        nn::Error::Source { cause, .. } => Diagnostic::error(Class::Stage, format!("{error}: {cause}")),
        _ => finding,
    }
}

impl Work for TrainWork {
    fn passes(&self, _: usize) -> usize {
        1 + usize::from(self.validate_on.is_some()) + usize::from(self.save.is_some())
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let tensors = needs::tensors_product(products)?;
        let encoder = &tensors.encoder;
        let network = self.network(encoder)?;
        let (rows, validation) = self.rows(tensors, context)?;
        let finished = self.train(network, &rows, validation.as_ref(), context)?;
        let trained = &finished.trained;
        let meaning = &tensors.table.meaning;
        let replay = Replay::of(meaning, &encoder.columns());
        let refused = replay.as_ref().err().cloned();
        let folder = context.artifacts.join(MODEL);
        Bundle::write(
            &folder,
            Parts {
                name: context.id,
                network: &trained.network,
                encoder,
                relation: meaning,
                replay,
                training: Training {
                    rows: rows.len() as u64,
                    validated_on: self.validate_on.clone(),
                    epoch_chosen_on_validation: finished.options.early_stopping.is_some(),
                    kept_epoch: trained.kept_epoch,
                    fingerprint: context.fingerprint.to_owned(),
                    epochs: trained.history.iter().map(LearnedEpoch::of).collect(),
                    options: self.written.clone(),
                },
            },
        )?;
        let saved = match &self.save {
            Some(target) => {
                let survey = Survey::of(&tensors.table, context)?;
                Some(bundle::save(&folder, target, rows.len() as u64, None, Some(&survey))?)
            }
            None => None,
        };
        let shown = exhibits::Shown {
            finished: &finished,
            encoder,
            rows: &rows,
            validation: validation.as_ref().zip(self.validate_on.as_deref()),
            refused: refused.as_deref(),
        };
        Ok(Outcome {
            exhibits: exhibits::all(&shown),
            outputs: saved.into_iter().collect(),
            model: Some(MODEL.into()),
            remarks: finished.remarks,
            ..Outcome::default()
        })
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}

/// Seconds of an epoch.
pub(super) fn epoch_seconds(history: &[EpochRecord]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a few epochs")]
    let count = history.len() as f64;
    (count > 0.0).then(|| history.iter().map(|epoch| epoch.seconds).sum::<f64>() / count)
}
