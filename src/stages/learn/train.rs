//! `train`: tensors become a model.

mod exhibits;
mod layers;
mod optimizer;
mod rows;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bundle::{self, Bundle, LearnedEpoch, Parts, Replay, Training};
use super::needs;
use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic, Findings, Place, nearest};
use crate::nn::{self, Head, LayerSpec, Network, NetworkSpec, Trained, TrainingOptions};
use crate::stages::work::{Change, Outcome, Progress, StageCounts, Work, WorkContext};
use crate::stages::{
    ModelShape, PlanContext, Planned, Product, Shape, Split, Stage, TableShape, TensorsProduct, TensorsShape,
};
use crate::tensor::{Block, Encoder, TargetKind};
pub use layers::{Activation, Dense, DenseOptions, Dropout, DropoutOptions, Layer};
pub use optimizer::{Adamw, EarlyStopping, Optimizer, Sgd};
use rows::Rows;

/// The folder of the model inside the stage's artifacts.
const MODEL: &str = "model";
/// People are told at most this often how far it is.
const TELL: Duration = Duration::from_millis(200);

/// Trains a neural network on tensors.
///
/// `network` lists the hidden layers; the end follows from the target: one probability for a binary target, one for
/// each class of a category, a number for a number. Numbers to be foretold are standardized inside, predictions are
/// taken back.
///
/// The network learns from the training rows. After each epoch it is judged on the part `validate_on`: by default the
/// second part when the rows are divided into three or more, else none. With `early_stopping` the epoch with the lowest
/// validation loss is kept, otherwise the last. The last part stays unseen for `evaluate`.
///
/// The same seed gives the same network on one machine. The rows are held in memory; more than half of it is refused
/// with exit code 4.
///
/// The product is a model: a folder with the network, the encoders and everything that was done to a row, so that
/// `predict` can do the same to new rows. `save` copies it to a folder of yours, complete or not at all.
///
/// ```yaml
/// - id: model
///   train:
///     network: [{dense: 128}, {dropout: 0.1}, {dense: {units: 64, activation: relu}}]
///     epochs: 20
///     optimizer: {adamw: {learning_rate: 0.001}}
///     early_stopping: {patience: 3}
///     save: out/model
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// The hidden layers in order; `[]` gives a linear model.
    #[serde(default = "network")]
    network: Vec<Spanned<Layer>>,
    /// How many times all training rows are seen.
    #[serde(default = "epochs")]
    epochs: Spanned<usize>,
    /// How many rows make one step.
    #[serde(default = "batch_size")]
    batch_size: Spanned<usize>,
    /// How a gradient changes the parameters.
    #[serde(default)]
    optimizer: Spanned<Optimizer>,
    /// Ends the training when the validation loss no longer falls, and keeps the best epoch.
    #[serde(default)]
    early_stopping: Option<Spanned<EarlyStopping>>,
    /// Decides the first weights, the order of the rows and what dropout silences.
    #[serde(default)]
    seed: u32,
    /// The largest Euclidean norm of a step's gradient; a longer one is scaled down to it.
    #[serde(default)]
    clip_norm: Option<Spanned<f64>>,
    /// The part on which each epoch is judged.
    #[serde(default)]
    validate_on: Option<Spanned<String>>,
    /// A folder to which the finished model is copied; a model that is there is replaced.
    #[serde(default)]
    save: Option<Spanned<String>>,
}

fn network() -> Vec<Spanned<Layer>> {
    [128, 64].map(|units| Spanned::nowhere(Layer::Dense(Dense::of(units)))).to_vec()
}

fn epochs() -> Spanned<usize> {
    Spanned::nowhere(10)
}

fn batch_size() -> Spanned<usize> {
    Spanned::nowhere(256)
}

impl Stage for Train {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let tensors = needs::tensors(shapes, context.input_ids)?;
        let mut findings = Findings::new();
        let mut keep = |finding: Result<(), Diagnostic>| findings.extend(finding.err());
        keep(self.check_layers(tensors));
        let options = self.training_options();
        keep(options.check().map_err(|error| self.place_option(error)));
        let save = self.save.as_ref().map(|save| (context.path(&save.value), save.value.clone()));
        if let (Some((path, _)), Some(save)) = (&save, &self.save) {
            keep(bundle::check_target(path).map_err(|finding| finding.at(&save.place)));
        }
        let mut warning = None;
        let split = tensors.table.split.as_ref();
        let validate_on = self.validation_part(split, &mut warning).map_err(|finding| keep(Err(finding)));
        if !findings.is_empty() {
            return Err(findings);
        }
        let work = TrainWork {
            layers: self.network.iter().map(|layer| layer.value.spec()).collect(),
            places: self.network.iter().map(|layer| layer.place.clone()).collect(),
            options,
            validate_on: validate_on.unwrap_or_default(),
            save: save.map(|(path, _)| path),
        };
        let model = ModelShape { tensors: tensors.clone(), stage: context.id.to_owned() };
        let table: &TableShape = &tensors.table;
        let mut planned = Planned::relation(table.clone()).work(work).meaning(self);
        planned.product = Shape::Model(model);
        planned.findings.extend(warning);
        Ok(planned)
    }
}

impl Train {
    fn training_options(&self) -> TrainingOptions {
        TrainingOptions {
            epochs: self.epochs.value,
            batch_size: self.batch_size.value,
            optimizer: self.optimizer.value.spec(),
            seed: u64::from(self.seed),
            shuffle: true,
            early_stopping: self.early_stopping.as_ref().map(|stopping| stopping.value.spec()),
            clip_norm: self.clip_norm.as_ref().map(|norm| norm.value),
            ..TrainingOptions::default()
        }
    }

    /// Checks the layers as far as they can be known before the encoders are: each feature has at least one input.
    fn check_layers(&self, tensors: &TensorsShape) -> Result<(), Diagnostic> {
        let least: usize = tensors.specification.blocks().iter().map(Block::size).sum();
        let head = match tensors.specification.kind() {
            TargetKind::Binary => Head::Binary,
            TargetKind::Category => Head::Multiclass { classes: 2 },
            TargetKind::MultiLabel => Head::Multilabel { labels: 1 },
            TargetKind::Number => Head::Regression { outputs: 1 },
            TargetKind::Count => Head::Counts { outputs: 1 },
        };
        let layers = self.network.iter().map(|layer| layer.value.spec()).collect();
        let spec = NetworkSpec::sequential(nn::Shape::features(least.max(1)), layers, head);
        let places: Vec<Place> = self.network.iter().map(|layer| layer.place.clone()).collect();
        spec.summary().map(|_| ()).map_err(|error| place_layer(error, &places, Class::Definition))
    }

    fn place_option(&self, error: nn::Error) -> Diagnostic {
        let nn::Error::Option { option, reason } = &error else { return Diagnostic::definition(error.to_string()) };
        let finding = Diagnostic::definition(format!("`{option}` {reason}"));
        let place = match *option {
            "epochs" => Some(&self.epochs.place),
            "batch_size" => Some(&self.batch_size.place),
            "patience" | "min_delta" => self.early_stopping.as_ref().map(|stopping| &stopping.place),
            "clip_norm" => self.clip_norm.as_ref().map(|norm| &norm.place),
            _ => Some(&self.optimizer.place),
        };
        match place {
            Some(place) => finding.at(place),
            None => finding,
        }
    }

    /// The part on which epochs are judged.
    fn validation_part(
        &self,
        split: Option<&Split>,
        warning: &mut Option<Diagnostic>,
    ) -> Result<Option<String>, Diagnostic> {
        let parts = split.map_or(&[][..], |split| &split.parts);
        if let Some(part) = &self.validate_on {
            let refuse = |message: String| Diagnostic::definition(message).at(&part.place);
            let Some(place) = parts.iter().position(|name| *name == part.value) else {
                let finding = refuse(format!("there is no part `{}`", part.value));
                let near = nearest(&part.value, parts.iter().map(String::as_str));
                return Err(match near {
                    Some(near) => finding.label(format!("did you mean `{near}`?")),
                    None if parts.is_empty() => finding.help("divide the rows with `split` first"),
                    None => finding.help(format!("the parts are {}", parts.join(", "))),
                });
            };
            if place == 0 {
                let help = "judge the epochs on rows that are not learned";
                return Err(refuse(format!("the network learns from part `{}`", part.value)).help(help));
            }
            if place + 1 == parts.len() && parts.len() > 2 {
                let message =
                    format!("the epochs are judged on `{}`, which `evaluate` judges the model on", part.value);
                let help = "an honest judgement needs rows that had no say: name another part";
                *warning = Some(Diagnostic::warning(message).at(&part.place).help(help));
            }
            return Ok(Some(part.value.clone()));
        }
        match (parts, &self.early_stopping) {
            ([_, second, _, ..], _) => Ok(Some(second.clone())),
            (_, Some(stopping)) => Err(Diagnostic::definition("`early_stopping` needs a part to judge the epochs on")
                .at(&stopping.place)
                .help("divide the rows into three parts with `split`, or name one with `validate_on`")),
            (_, None) => Ok(None),
        }
    }
}

/// Says which of the written layers is wrong.
fn place_layer(error: nn::Error, places: &[Place], class: Class) -> Diagnostic {
    let nn::Error::Layer { index, .. } = &error else { return Diagnostic::error(class, error.to_string()) };
    let place = index.and_then(|index| places.get(index));
    let finding = Diagnostic::error(class, error.to_string());
    match place {
        Some(place) => finding.at(place),
        None => finding,
    }
}

struct TrainWork {
    layers: Vec<LayerSpec>,
    places: Vec<Place>,
    options: TrainingOptions,
    validate_on: Option<String>,
    save: Option<PathBuf>,
}

impl TrainWork {
    fn network(&self, encoder: &Encoder) -> Result<Network, Diagnostic> {
        let input = nn::Shape::features(encoder.width());
        let spec = NetworkSpec::sequential(input, self.layers.clone(), bundle::head(encoder.target()));
        Network::new(spec, self.options.seed).map_err(|error| place_layer(error, &self.places, Class::Limit))
    }

    /// Training and validation rows, together at most half of the memory.
    fn rows(&self, tensors: &TensorsProduct, context: &WorkContext<'_>) -> Result<(Rows, Option<Rows>), Diagnostic> {
        let (encoder, limit) = (&tensors.encoder, context.memory / 2);
        let training = Rows::read(&tensors.table.training(), encoder, limit, context)?;
        let left = limit.saturating_sub(training.bytes());
        let validation = self.validate_on.as_ref().map(|part| {
            let rows = Rows::read(&tensors.table.part(part), encoder, left, context)?;
            if rows.len() == 0 {
                let message = format!("part `{part}` has no rows to judge the epochs on");
                return Err(Diagnostic::error(Class::Data, message));
            }
            Ok(rows)
        });
        Ok((training, validation.transpose()?))
    }

    fn train(
        &self,
        network: Network,
        rows: &Rows,
        validation: Option<&Rows>,
        context: &WorkContext<'_>,
    ) -> Result<Trained, Diagnostic> {
        let failed = |error: nn::Error| match error {
            nn::Error::Diverged { .. } => Diagnostic::error(Class::Stage, error.to_string())
                .help("numbers far from 1 can be the reason: let `tensors` scale them"),
            error => Diagnostic::error(Class::Stage, error.to_string()),
        };
        let mut source = rows.source().map_err(failed)?;
        let mut judges = validation.map(Rows::source).transpose().map_err(failed)?;
        let judges = judges.as_mut().map(|judges| judges as &mut dyn nn::training::Batches);
        let (progress, cancelled) = (context.progress, &context.cancelled);
        let mut told = Instant::now();
        let mut judged = String::new();
        let trained = nn::train(network, &mut source, judges, &self.options, &mut |now| {
            if let Some(validation) = now.finished.and_then(|epoch| epoch.validation.as_ref()) {
                judged =
                    format!(", validation {:.4}, {} {:.4}", validation.loss, validation.metric_name, validation.metric);
            }
            if now.finished.is_some() || told.elapsed() >= TELL {
                told = Instant::now();
                let done = if now.finished.is_some() { now.epoch } else { now.epoch - 1 };
                progress(Progress {
                    done: done as u64,
                    total: Some(now.epochs as u64),
                    unit: "epochs".to_owned(),
                    message: format!("loss {:.4}{judged}", now.loss),
                });
            }
            if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let trained = trained.map_err(failed)?;
        match trained.ended {
            nn::training::Ended::Cancelled => Err(Diagnostic::error(Class::Interrupted, "interrupted")),
            nn::training::Ended::Completed | nn::training::Ended::EarlyStopped => Ok(trained),
        }
    }
}

impl Work for TrainWork {
    fn passes(&self, _: usize) -> usize {
        1 + usize::from(self.validate_on.is_some())
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let tensors = needs::tensors_product(products)?;
        let encoder = &tensors.encoder;
        let network = self.network(encoder)?;
        // What was counted while the encoders were learned tells before anything is read whether the rows fit.
        let expected = usize::try_from(encoder.rows()).unwrap_or(usize::MAX);
        let limit = context.memory / 2;
        if (expected as u64).saturating_mul(encoder.width() as u64 + 1).saturating_mul(4) > limit {
            return Err(rows::too_large(expected, encoder.width(), limit));
        }
        let (rows, validation) = self.rows(tensors, context)?;
        let began = Instant::now();
        let trained = self.train(network, &rows, validation.as_ref(), context)?;
        let seconds = began.elapsed().as_secs_f64();
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
                schema: &meaning.schema(),
                replay,
                training: Training {
                    rows: rows.len() as u64,
                    validated_on: self.validate_on.clone(),
                    epoch_chosen_on_validation: self.options.early_stopping.is_some(),
                    kept_epoch: trained.kept_epoch,
                    fingerprint: context.fingerprint.to_owned(),
                    epochs: trained.history.iter().map(LearnedEpoch::of).collect(),
                },
            },
        )?;
        let saved = self.save.as_ref().map(|target| bundle::save(&folder, target, rows.len() as u64)).transpose()?;
        let shown = exhibits::Shown {
            trained: &trained,
            encoder,
            rows: &rows,
            validation: validation.as_ref().zip(self.validate_on.as_deref()),
            seconds,
            refused: refused.as_deref(),
        };
        Ok(Outcome {
            exhibits: exhibits::all(&shown),
            outputs: saved.into_iter().collect(),
            model: Some(MODEL.into()),
            ..Outcome::default()
        })
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}
