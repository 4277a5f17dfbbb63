//! The models that are judged: the network, and simple models that learn from the same features.

use ndarray::Array2;

use super::judged::Speaker;
use super::rows::{Examples, Selection, failed, parts};
use super::truth::Truth;
use crate::baseline::{Design, Kind, Model, Target as BaselineTarget};
use crate::diagnostic::Diagnostic;
use crate::nn::Network;
use crate::stages::TableProduct;
use crate::stages::work::{Progress, WorkContext};
use crate::tensor::{Encoder, Target};

/// What the network is called in the product.
pub(super) const NETWORK: &str = "network";
/// And after its probabilities were calibrated.
pub(super) const CALIBRATED: &str = "network, calibrated";
/// Training rows from which baselines learn at most, and numbers of which these rows consist.
const ROWS: u64 = 50_000;
const NUMBERS: u64 = 64 << 20;
/// Labels up to which trees are grown for each.
const LABELS: usize = 10;

/// Simple models that have learned.
pub(super) struct Learned {
    design: Option<Design>,
    /// For each kind a model for each target that it fits.
    models: Vec<(Kind, Vec<Option<Model>>)>,
    /// Training rows from which they learned, and how many there were.
    pub(super) rows: usize,
    pub(super) of: u64,
}

impl Learned {
    pub(super) fn none() -> Self {
        Self { design: None, models: Vec::new(), rows: 0, of: 0 }
    }

    /// Lets simple models learn from a random part of the training rows.
    pub(super) fn learn(
        kinds: &[Kind],
        table: &TableProduct,
        encoder: &Encoder,
        seed: u64,
        context: &WorkContext<'_>,
    ) -> Result<Self, Diagnostic> {
        if kinds.is_empty() {
            return Ok(Self::none());
        }
        let width = encoder.width().max(1) as u64;
        let numbers = NUMBERS.min(context.memory / 32);
        let wanted = ROWS.min((numbers / width).max(1));
        let all = encoder.rows() + encoder.left_out();
        let mut selection = Selection::new(all, wanted, seed);
        let examples = Examples::read(&table.training(), encoder, &mut selection, context)?;
        let parts = examples.parts(encoder);
        let design = Design::fit(&parts).map_err(|error| failed(&error))?;
        let mut models = Vec::new();
        for (done, kind) in kinds.iter().enumerate() {
            (context.progress)(Progress {
                done: done as u64,
                total: Some(kinds.len() as u64),
                unit: "baselines".to_owned(),
                message: kind.name().to_owned(),
            });
            let of_targets = examples.truths.iter().map(|truth| {
                let classes: Vec<u32>;
                let target = match truth {
                    Truth::Binary(truth) => {
                        classes = truth.iter().map(|truth| u32::from(*truth)).collect();
                        BaselineTarget::Classes { truth: &classes, classes: 2 }
                    }
                    Truth::Classes(truth, classes) => BaselineTarget::Classes { truth, classes: *classes },
                    Truth::Labels(labels) => BaselineTarget::Labels(labels.view()),
                    Truth::Numbers(truth) => BaselineTarget::Numbers(truth),
                };
                let is_tree = matches!(kind, Kind::Tree | Kind::Forest);
                let is_much = is_tree && matches!(truth, Truth::Labels(labels) if labels.ncols() > LABELS);
                if is_much || !kind.fits(&target, &design) {
                    return Ok(None);
                }
                Model::fit(*kind, &design, &parts, target, seed).map(Some).map_err(|error| failed(&error))
            });
            let of_targets: Vec<Option<Model>> = of_targets.collect::<Result<_, Diagnostic>>()?;
            if of_targets.iter().any(Option::is_some) {
                models.push((*kind, of_targets));
            }
        }
        Ok(Self { design: Some(design), models, rows: examples.rows(), of: encoder.rows() })
    }

    /// The network first, then the simple models.
    pub(super) fn speakers<'a>(&'a self, encoder: &'a Encoder, network: &'a Network) -> Vec<Speaker<'a>> {
        let network = Speaker {
            name: NETWORK.to_owned(),
            say: Box::new(move |blocks| {
                let inputs: Vec<_> = blocks.iter().map(|block| block.view()).collect();
                let outputs = network.predict_all(&inputs).map_err(|error| failed(&error))?;
                let restored = outputs.into_iter().zip(encoder.targets()).map(|(outputs, target)| {
                    Some(match target {
                        Target::Number(number) => outputs.mapv(|value| number.restore(value)),
                        _ => outputs.mapv(f64::from),
                    })
                });
                Ok(restored.collect())
            }),
        };
        let simple =
            self.design.iter().flat_map(|design| self.models.iter().map(move |(kind, models)| (design, kind, models)));
        let simple = simple.map(|(design, kind, models)| Speaker {
            name: kind.name().to_owned(),
            say: Box::new(move |blocks| {
                let parts = parts(encoder, blocks.iter().map(|block| block.view()));
                let of_target = |(model, target): (&Option<Model>, &Target)| {
                    let Some(model) = model else { return Ok(None) };
                    let said = model.predict(design, &parts).map_err(|error| failed(&error))?;
                    Ok(Some(if matches!(target, Target::Binary(_)) { yes(&said) } else { said }))
                };
                models.iter().zip(encoder.targets()).map(of_target).collect()
            }),
        });
        std::iter::once(network).chain(simple).collect()
    }
}

/// Of the probabilities of both classes those of yes.
fn yes(both: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn((both.nrows(), 1), |(row, _)| both.get((row, 1)).copied().unwrap_or(0.0).clamp(0.0, 1.0))
}
