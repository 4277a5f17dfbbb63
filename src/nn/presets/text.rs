//! A bag of words for texts.

use super::super::error::Error;
use super::super::graph::InputSpec;
use super::super::head::Head;
use super::super::layers::{EmbeddingBag, LayerSpec, Pooling};
use super::super::optimizer::OptimizerSpec;
use super::super::schedule::{ScheduleKind, ScheduleSpec};
use super::super::training::{EarlyStopping, TrainingOptions, Watch};
use super::{Preset, chain, epochs, only, refused};

/// The mean of the vectors of a text's tokens, and a linear layer (Joulin, Grave, Bojanowski & Mikolov 2016, *Bag of
/// tricks for efficient text classification*): hard to beat on sentiment and topics, and by far the fastest. Tokens of
/// several words bring in their order. Dropout of the mean keeps the vectors from leaning on single words.
///
/// Errors: an input that is none of tokens.
pub fn text(inputs: &[InputSpec], outputs: &[(String, Head)], rows: usize) -> Result<Preset, Error> {
    let input = only(inputs, "text")?;
    let Some(tokens) = input.tokens else {
        return Err(refused(input, "the preset text reads tokens"));
    };
    let bag = EmbeddingBag { tokens, size: 64, pooling: Pooling::Mean };
    let layers = vec![LayerSpec::EmbeddingBag(bag), LayerSpec::dropout(0.3)];
    let epochs = epochs(500_000, rows, 5, 30);
    let options = TrainingOptions {
        epochs,
        batch_size: 64,
        optimizer: OptimizerSpec::Adam {
            learning_rate: 0.005,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
        },
        schedule: ScheduleSpec { kind: ScheduleKind::Cosine { end: 0.0 }, warm_up: 0.0 },
        early_stopping: Some(EarlyStopping { patience: 3, min_delta: 0.0, watch: Watch::Loss }),
        ..TrainingOptions::default()
    };
    Ok(Preset { network: chain(input, layers, outputs), options })
}
