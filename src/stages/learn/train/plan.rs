//! What `train` finds out before a row is read.

use serde::Serialize;

use super::layers::{Dense, Layer};
use super::network::{Asked, Written};
use super::pace::Rate;
use super::recipe::{Choices, Preset, Recipe, TargetLoss};
use super::work::{Keep, TrainWork};
use super::{BatchSize, EarlyStopping, OnDivergence, Schedule, Train, bundle};
use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic, Findings, Place, nearest};
use crate::nn::{self, Head, TrainingOptions};
use crate::stages::{PlanContext, Split, TensorsShape, inputs};
use crate::tensor::{BlockKind, TargetKind};

/// Presets are checked as if there were so many rows.
const SOME_ROWS: usize = 10_000;

/// A stage that may run.
pub(super) struct Checked {
    pub(super) work: TrainWork,
    pub(super) meaning: Meaning,
    pub(super) warnings: Findings,
}

/// What the stage means: everything that decides which network comes out, and where it is saved.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Meaning {
    recipe: Recipe,
    /// Without a preset, what the choices come to: defaults mean the same written or not.
    options: Option<TrainingOptions>,
    weights: Option<String>,
    validate_on: Option<String>,
    save: Option<bundle::Save>,
}

impl Train {
    /// Checks everything that can be checked without rows.
    pub(super) fn check(&self, tensors: &TensorsShape, context: &PlanContext<'_>) -> Result<Checked, Findings> {
        let (mut findings, mut warnings) = (Findings::new(), Findings::new());
        let losses = self.losses(tensors, &mut findings);
        let recipe =
            Recipe { written: self.written(tensors), preset: self.preset.clone(), losses, choices: self.choices() };
        let mut warning = None;
        let mut keep = |finding: Result<(), Diagnostic>| findings.extend(finding.err());
        let split = tensors.table.split.as_ref();
        let validate_on = self.validation_part(split, &mut warning).map_err(|finding| keep(Err(finding)));
        let validate_on = validate_on.unwrap_or_default();
        keep(self.check_layers());
        let options = recipe.choices.over(TrainingOptions::default(), validate_on.is_some());
        let made = self.check_network(&recipe, tensors, validate_on.is_some());
        let checked = made.as_ref().unwrap_or(&options).check();
        keep(made.map(|_| ()));
        let sizes = self.batch_size.as_ref().map_or(Ok(()), BatchSize::check);
        let retries = self.on_divergence.as_ref().map_or(Ok(()), OnDivergence::check);
        // What the training says about these options was said in the words of the stage.
        let is_said = |error: &nn::Error| match error {
            nn::Error::Option { option: "batch_size" | "batch_sizes", .. } => sizes.is_err(),
            nn::Error::Option { option: "retry", .. } => retries.is_err(),
            _ => false,
        };
        let checked = checked.err().filter(|error| !is_said(error));
        keep(checked.map_or(Ok(()), |error| Err(self.place_option(&error))));
        keep(sizes);
        keep(retries);
        keep(self.check_rate());
        let kind = tensors.specification.kind();
        keep(self.early_stopping.as_ref().map_or(Ok(()), |stopping| EarlyStopping::check(stopping, kind)));
        keep(self.check_weights(tensors, context));
        let checkpoint = self.keeping().map_err(|finding| keep(Err(finding))).unwrap_or_default();
        let save = self.save.as_ref().map(|save| bundle::Save::resolve(save, context)).transpose();
        let save = save.map_err(|finding| keep(Err(finding))).unwrap_or_default();
        warnings.extend(warning);
        if !findings.is_empty() {
            return Err(findings);
        }
        let weights = self.weights.as_ref().map(|column| column.value.clone());
        let mut meant = recipe.clone();
        if recipe.preset.is_none() {
            // The options say it all, but for what is decided when the rows are known.
            let Choices { batch_size, finds_rate, seed, .. } = recipe.choices.clone();
            let open = batch_size.filter(|size| size.sizes().is_none());
            meant.choices = Choices { batch_size: open, finds_rate, seed, ..Choices::default() };
        }
        let meaning = Meaning {
            options: recipe.preset.is_none().then_some(options),
            recipe: meant,
            weights: weights.clone(),
            validate_on: validate_on.clone(),
            save: self.save.as_ref().map(|save| save.value.clone()),
        };
        let written = serde_json::to_value(self).unwrap_or_default();
        let work = TrainWork { recipe, weights, validate_on, checkpoint, continued: None, save, written };
        Ok(Checked { work, meaning, warnings })
    }

    /// The layers; those of a plain table when nothing is written.
    fn written(&self, tensors: &TensorsShape) -> Written {
        let flat = |kind| matches!(kind, BlockKind::Table | BlockKind::Category);
        let is_plain = tensors.specification.blocks().iter().all(|block| flat(block.kind));
        let usual = || [128, 64].map(|units| Spanned::nowhere(Layer::Dense(Dense::of(units)))).to_vec();
        let network = match (&self.network, &self.inputs) {
            (Some(network), _) => Some(network.clone()),
            (None, None) if is_plain && self.preset.is_none() => Some(usual()),
            _ => None,
        };
        Written {
            network,
            inputs: self.inputs.as_ref().map(|inputs| inputs.value.clone()),
            fusion: self.fusion.as_ref().map(|fusion| fusion.value.clone()).unwrap_or_default(),
            outputs: self.outputs.clone(),
        }
    }

    fn choices(&self) -> Choices {
        let fixed = |rate: Rate| if let Rate::Fixed(rate) = rate { Some(rate) } else { None };
        Choices {
            epochs: self.epochs.as_ref().map(|epochs| epochs.value),
            batch_size: self.batch_size.as_ref().map(|size| size.value.clone()),
            optimizer: self.optimizer.as_ref().map(|optimizer| optimizer.value.clone()),
            learning_rate: self.learning_rate.as_ref().and_then(|rate| fixed(rate.0)),
            finds_rate: self.learning_rate.as_ref().is_some_and(|rate| rate.0 == Rate::Find),
            schedule: self.schedule.as_ref().map(|schedule| schedule.value.clone()),
            early_stopping: self.early_stopping.as_ref().map(|stopping| stopping.value.clone()),
            on_divergence: self.on_divergence.as_ref().map(|of| of.value),
            clip_norm: self.clip_norm.as_ref().map(|norm| norm.value),
            clip_value: self.clip_value.as_ref().map(|value| value.value),
            seed: self.seed,
        }
    }

    /// The loss of each target.
    fn losses(&self, tensors: &TensorsShape, findings: &mut Findings) -> Vec<TargetLoss> {
        let targets = &tensors.specification.targets;
        for (name, _) in self.outputs.iter() {
            if targets.iter().any(|target| target.column == name.value) {
                continue;
            }
            let finding = Diagnostic::definition(format!("`{}` is no target", name.value)).at(&name.place);
            let columns: Vec<&str> = targets.iter().map(|target| target.column.as_str()).collect();
            findings.push(match nearest(&name.value, columns.iter().copied()) {
                Some(near) => finding.label(format!("did you mean `{near}`?")),
                None => finding.help(format!("the targets are {}", columns.join(", "))),
            });
        }
        let mut losses = Vec::new();
        for target in targets {
            let own = self.outputs.get(&target.column).map(super::Output::options);
            let mut loss = own.and_then(|own| own.loss.clone()).or_else(|| self.loss.clone());
            let weight = own.and_then(|own| own.weight.clone());
            let checked = loss.as_ref().map_or(Ok(()), |loss| {
                let checked = loss.check(&target.column, target.kind).and_then(|()| loss.check_weights());
                checked.map_err(|finding| finding.or_at(&loss.place))
            });
            if let Err(finding) = checked {
                findings.push(finding);
                loss = None;
            }
            if let Some(weight) = weight.as_ref().filter(|weight| !(weight.is_finite() && weight.value > 0.0)) {
                let message = format!("`weight` must be a number above 0, it is {}", weight.value);
                findings.push(Diagnostic::definition(message).at(&weight.place));
            }
            losses.push(TargetLoss {
                target: target.column.clone(),
                loss,
                weight: weight.map_or(1.0, |weight| weight.value),
            });
        }
        losses
    }

    /// Which options of the network exclude each other.
    fn check_layers(&self) -> Result<(), Diagnostic> {
        if let (Some(_), Some(inputs)) = (&self.network, &self.inputs) {
            return Err(Diagnostic::definition("`network` and `inputs` exclude each other")
                .at(&inputs.place)
                .help("with several inputs, put what all share into `fusion`"));
        }
        if let (Some(fusion), None) = (&self.fusion, &self.inputs) {
            return Err(Diagnostic::definition("`fusion` needs `inputs`, whose ends it joins")
                .at(&fusion.place)
                .help("with one kind of input, `network` lists all layers"));
        }
        let layers = self.network.is_some() || self.inputs.is_some();
        if let Some(preset) = self.preset.as_ref().filter(|preset| preset.value == Preset::Tabular && layers) {
            return Err(Diagnostic::definition("the learning rates of `preset: tabular` belong to its own layers")
                .at(&preset.place)
                .help("leave out the preset or the layers"));
        }
        if let Some((name, _)) = self.outputs.iter().find(|(_, output)| !output.options().layers.is_empty())
            && self.preset.is_some()
            && !layers
        {
            return Err(Diagnostic::definition("a preset has ends of its own")
                .at(&name.place)
                .help("leave out the layers"));
        }
        Ok(())
    }

    /// Follows the shapes as far as they are known before the encoders are: a vocabulary has at least one word, and a
    /// feature at least one number. Gives the options of the training.
    fn check_network(
        &self,
        recipe: &Recipe,
        tensors: &TensorsShape,
        judged: bool,
    ) -> Result<TrainingOptions, Diagnostic> {
        let targets = tensors.specification.targets.iter().zip(&recipe.losses);
        let asked: Vec<Asked> = targets
            .map(|(target, loss)| Asked {
                name: target.column.clone(),
                head: least_head(target.kind),
                loss: loss.loss.as_ref().map(|loss| loss.spec()),
                weight: loss.weight,
            })
            .collect();
        let blocks = tensors.specification.blocks();
        if self.preset.is_none() && recipe.written.network.is_none() && recipe.written.inputs.is_none() {
            let names: Vec<&str> = blocks.iter().map(|block| block.name.as_str()).collect();
            let finding = Diagnostic::definition(format!("nothing says what reads {}", names.join(" and ")));
            return Err(
                finding.help("list the layers in `network`, those of each input in `inputs`, or take a `preset`")
            );
        }
        let made = recipe.resolve(&blocks, &asked, SOME_ROWS, judged, Class::Definition);
        made.map(|(_, options)| options).map_err(|finding| match (&self.loss, finding.place.is_some()) {
            (Some(loss), false) if finding.message.starts_with("output ") => finding.at(&loss.place),
            _ => finding,
        })
    }

    fn check_rate(&self) -> Result<(), Diagnostic> {
        let Some(rate) = &self.learning_rate else { return Ok(()) };
        if self.optimizer.as_ref().is_some_and(|optimizer| optimizer.learning_rate().is_some()) {
            return Err(Diagnostic::definition("the learning rate stands here and in `optimizer`")
                .at(&rate.place)
                .help("leave one of them out"));
        }
        Ok(())
    }

    fn check_weights(&self, tensors: &TensorsShape, context: &PlanContext<'_>) -> Result<(), Diagnostic> {
        let Some(weights) = &self.weights else { return Ok(()) };
        let id = context.input_ids.first().map_or("", String::as_str);
        let field = inputs::column(&tensors.table.schema, weights, id)?;
        if !field.data_type.is_numeric() {
            let message = format!("column `{}` holds {}, and weights are numbers", field.name, field.data_type);
            return Err(Diagnostic::definition(message).at(&weights.place));
        }
        Ok(())
    }

    /// Where checkpoints are kept.
    fn keeping(&self) -> Result<Option<Keep>, Diagnostic> {
        let Some(checkpoint) = &self.checkpoint else { return Ok(None) };
        if checkpoint.every.value == 0 {
            return Err(Diagnostic::definition("`every` must be at least 1 epoch").at(&checkpoint.every.place));
        }
        let folder = checkpoint.folder.as_ref().map(|folder| folder.value.clone());
        Ok(Some(Keep { every: checkpoint.every.value, folder }))
    }

    fn place_option(&self, error: &nn::Error) -> Diagnostic {
        let nn::Error::Option { option, reason } = error else { return Diagnostic::definition(error.to_string()) };
        let finding = Diagnostic::definition(format!("`{option}` {reason}"));
        fn place<T>(of: &Option<Spanned<T>>) -> Option<&Place> {
            of.as_ref().map(|of| &of.place)
        }
        let place = match *option {
            "epochs" => place(&self.epochs),
            "batch_size" | "batch_sizes" => place(&self.batch_size),
            "patience" | "min_delta" if self.early_stopping.is_some() => place(&self.early_stopping),
            "clip_norm" => place(&self.clip_norm),
            "clip_value" => place(&self.clip_value),
            "retry" => place(&self.on_divergence),
            "learning_rate" if self.learning_rate.is_some() => place(&self.learning_rate),
            "every" | "factor" | "end" | "up" | "start_divisor" | "end_divisor" | "warm_up" | "threshold"
            | "minimum" | "patience" => place(&self.schedule),
            _ => place(&self.optimizer),
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
        let plateau = self.schedule.as_ref().filter(|schedule| matches!(schedule.value, Schedule::Plateau(_)));
        let listens = match (&self.early_stopping, plateau) {
            (Some(stopping), _) => Some(("`early_stopping`", &stopping.place)),
            (None, plateau) => plateau.map(|schedule| ("the schedule `plateau`", &schedule.place)),
        };
        match (parts, listens) {
            ([_, second, _, ..], _) => Ok(Some(second.clone())),
            (_, Some((what, place))) => {
                Err(Diagnostic::definition(format!("{what} needs a part to judge the epochs on"))
                    .at(place)
                    .help("divide the rows into three parts with `split`, or name one with `validate_on`"))
            }
            (_, None) => Ok(None),
        }
    }
}

/// The head of a target of which only the kind is known.
fn least_head(kind: TargetKind) -> Head {
    match kind {
        TargetKind::Binary => Head::Binary,
        TargetKind::Category => Head::Multiclass { classes: 2 },
        TargetKind::MultiLabel => Head::Multilabel { labels: 1 },
        TargetKind::Number => Head::Regression { outputs: 1 },
        TargetKind::Count => Head::Counts { outputs: 1 },
    }
}
