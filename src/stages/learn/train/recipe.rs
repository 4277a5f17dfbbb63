//! What is to be trained and how: a preset, and what is written over it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loss::Loss;
use super::network::{Asked, Assembled, Written};
use super::optimizer::with_rate;
use super::{BatchSize, EarlyStopping, OnDivergence, Optimizer, Schedule};
use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic};
use crate::nn::{self, Head, InputSpec, TrainingOptions, presets};
use crate::tensor::{Block, BlockKind};

/// A network and a training that are good without tuning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// For tables: RealMLP-TD-S (Holzmüller et al. 2024). Numbers should be scaled robustly.
    Tabular,
    /// For images: a small convolutional network.
    Image,
    /// For texts: a bag of words (Joulin et al. 2016, fastText).
    Text,
    /// For sound: a convolutional network over the spectrogram.
    Audio,
}

impl Preset {
    fn of(self, inputs: &[InputSpec], asked: &[(String, Head)], rows: usize) -> Result<presets::Preset, nn::Error> {
        match self {
            Self::Tabular => presets::tabular(inputs, asked, rows),
            Self::Image => presets::image(inputs, asked, rows),
            Self::Text => presets::text(inputs, asked, rows),
            Self::Audio => presets::audio(inputs, asked, rows),
        }
    }

    /// Whether it was made for such a block.
    fn reads(self, block: &Block) -> bool {
        match self {
            Self::Tabular => matches!(block.kind, BlockKind::Table | BlockKind::Category),
            Self::Image => block.kind == BlockKind::Image,
            Self::Text => block.kind == BlockKind::Text,
            Self::Audio => block.kind == BlockKind::Audio,
        }
    }
}

/// How wrong a prediction of a target is.
#[derive(Debug, Clone, Serialize)]
pub(super) struct TargetLoss {
    pub(super) target: String,
    pub(super) loss: Option<Spanned<Loss>>,
    pub(super) weight: f64,
}

/// What is written about the training; the rest is of the preset, or as usual.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Choices {
    pub(super) epochs: Option<usize>,
    pub(super) batch_size: Option<BatchSize>,
    pub(super) optimizer: Option<Optimizer>,
    pub(super) learning_rate: Option<f64>,
    pub(super) finds_rate: bool,
    pub(super) schedule: Option<Schedule>,
    pub(super) early_stopping: Option<EarlyStopping>,
    pub(super) on_divergence: Option<OnDivergence>,
    pub(super) clip_norm: Option<f64>,
    pub(super) clip_value: Option<f64>,
    pub(super) seed: u32,
}

impl Choices {
    /// The options of a training. Without rows to judge by, a preset does not stop early.
    pub(super) fn over(&self, base: TrainingOptions, judged: bool) -> TrainingOptions {
        let mut options = base;
        options.seed = u64::from(self.seed);
        options.epochs = self.epochs.unwrap_or(options.epochs);
        if let Some((size, others)) = self.batch_size.as_ref().and_then(BatchSize::sizes) {
            (options.batch_size, options.batch_sizes) = (size, others);
        }
        if let Some(optimizer) = &self.optimizer {
            options.optimizer = optimizer.spec();
        }
        if let Some(rate) = self.learning_rate {
            options.optimizer = with_rate(options.optimizer, rate);
        }
        if let Some(schedule) = &self.schedule {
            options.schedule = schedule.spec();
        }
        options.early_stopping = match &self.early_stopping {
            Some(stopping) => Some(stopping.spec()),
            None => options.early_stopping.filter(|_| judged),
        };
        options.retry = self.on_divergence.as_ref().map(OnDivergence::spec).or(options.retry);
        if self.clip_norm.is_some() || self.clip_value.is_some() {
            (options.clip_norm, options.clip_value) = (self.clip_norm, self.clip_value);
        }
        options
    }
}

/// What is to be trained and how.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Recipe {
    pub(super) written: Written,
    pub(super) preset: Option<Spanned<Preset>>,
    pub(super) losses: Vec<TargetLoss>,
    pub(super) choices: Choices,
}

impl Recipe {
    /// Whether the layers are written.
    fn has_layers(&self) -> bool {
        self.written.network.is_some() || self.written.inputs.is_some()
    }

    /// The network over these blocks, and its training on so many rows.
    ///
    /// Errors: at the layer that does not fit, or at the preset, of class `class`.
    pub(super) fn resolve(
        &self,
        blocks: &[Block],
        asked: &[Asked],
        rows: usize,
        judged: bool,
        class: Class,
    ) -> Result<(Assembled, TrainingOptions), Diagnostic> {
        let Some(preset) = &self.preset else {
            let options = self.choices.over(TrainingOptions::default(), judged);
            return Ok((self.written.assemble(blocks, asked, class)?, options));
        };
        let at_preset = |error: nn::Error| Diagnostic::error(class, error.to_string()).at(&preset.place);
        let questions: Vec<(String, Head)> = asked.iter().map(|asked| (asked.name.clone(), asked.head)).collect();
        // Where the layers are written, a preset says how to train those of its kind.
        let own: Vec<InputSpec> = blocks
            .iter()
            .filter(|block| !self.has_layers() || preset.reads(block))
            .map(super::assembly::input_of)
            .collect();
        let made = preset.of(&own, &questions, rows).map_err(at_preset)?;
        let mut options = self.choices.over(made.options, judged);
        if self.has_layers() {
            // Its rules name parameters of its own network.
            options.groups.clear();
            return Ok((self.written.assemble(blocks, asked, class)?, options));
        }
        let mut spec = made.network;
        for (output, asked) in spec.outputs.iter_mut().zip(asked) {
            if let Some(loss) = &asked.loss {
                output.loss = loss.clone();
            }
            output.weight = asked.weight;
        }
        spec.summary().map_err(at_preset)?;
        Ok((Assembled::of(spec), options))
    }
}
