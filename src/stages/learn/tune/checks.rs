//! What `tune` finds out before a row is read: numbers in their ranges, a grid with an end, rows to judge on.

use super::search::Folds;
use super::space::Dimension;
use super::{MOST_TRIALS, Strategy, Tune};
use crate::definition::decode;
use crate::diagnostic::{Diagnostic, Findings};
use crate::stages::variant::VariantStage;
use crate::stages::{ModelShape, Split};
use crate::tuning::{Domain, Space};

/// The most configurations that are trained side by side.
const MOST_PARALLEL: usize = 64;

impl Tune {
    pub(super) fn trials(&self) -> Result<usize, Diagnostic> {
        let trials = self.trials.value;
        if (1..=MOST_TRIALS).contains(&trials) {
            return Ok(usize::try_from(trials).unwrap_or(usize::MAX));
        }
        let message = format!("`trials` is a number from 1 to {MOST_TRIALS}, not {trials}");
        Err(Diagnostic::definition(message).at(&self.trials.place))
    }

    pub(super) fn parallel(&self) -> Result<usize, Diagnostic> {
        match &self.parallel {
            None => Ok(1),
            Some(parallel) if (1..=MOST_PARALLEL).contains(&parallel.value) => Ok(parallel.value),
            Some(parallel) => {
                let message = format!("`parallel` is a number from 1 to {MOST_PARALLEL}, not {}", parallel.value);
                Err(Diagnostic::definition(message).at(&parallel.place))
            }
        }
    }

    /// A grid has an end, and is tried to it.
    pub(super) fn check_grid(&self, space: &Space, dimensions: &[Dimension], trials: usize) -> Result<(), Findings> {
        if self.strategy.value != Strategy::Grid {
            return Ok(());
        }
        let endless: Findings = dimensions
            .iter()
            .filter(|dimension| matches!(dimension.domain, Domain::Real { .. }))
            .map(|dimension| {
                Diagnostic::definition(format!("a grid cannot try every number of `{}`", dimension.path))
                    .at(&dimension.place)
                    .help("list some values, or use `quantized`")
            })
            .collect();
        if !endless.is_empty() {
            return Err(endless);
        }
        match space.size().filter(|size| *size <= trials as u64) {
            Some(_) => Ok(()),
            None => {
                let count = space.size().map_or_else(|| "more than 2^64".to_owned(), |size| size.to_string());
                let message = format!("the grid has {count} combinations, more than the {trials} of `trials`");
                let place = if self.trials.place.text().is_empty() { &self.strategy.place } else { &self.trials.place };
                Err(vec![Diagnostic::definition(message).at(place).help("raise `trials`, or vary less")])
            }
        }
    }

    /// The split that divides the rows of the model, with the stage that made it.
    fn split<'a>(&self, model: &'a ModelShape, base: &'a [VariantStage]) -> Option<(&'a Split, &'a VariantStage)> {
        let split = model.tensors.table.split.as_ref()?;
        Some((split, base.iter().find(|stage| stage.id == split.stage)?))
    }

    /// The part on which a trial is judged.
    pub(super) fn judged_part(&self, model: &ModelShape, base: &[VariantStage]) -> Result<String, Diagnostic> {
        let Some((split, stage)) = self.split(model, base) else {
            let finding =
                Diagnostic::definition("there are no rows to judge trials on that the model does not learn from");
            return Err(finding.at(&self.model.place).help("divide the rows with `split` above `tensors`"));
        };
        let Some(folds) = &self.folds else {
            return match split.parts.as_slice() {
                [_, second, _, ..] => Ok(second.clone()),
                _ => {
                    let message = format!("`{}` makes two parts, and the last one must not be seen", stage.id);
                    let help = "give it three parts, or judge by cross-validation with `folds`";
                    Err(Diagnostic::definition(message).at(&self.model.place).help(help))
                }
            };
        };
        let options: crate::stages::prepare::split::Split = decode(&stage.written).map_err(|found| {
            found.into_iter().next().unwrap_or_else(|| Diagnostic::definition("the split is wrong"))
        })?;
        match options.refuses_folds(folds.value, split.parts.len()) {
            Some(refusal) => Err(refusal.or_at(&folds.place)),
            None => Ok(split.parts.last().cloned().unwrap_or_default()),
        }
    }

    /// How rows are divided into folds.
    pub(super) fn crossing(&self, model: &ModelShape, base: &[VariantStage]) -> Result<Option<Folds>, Findings> {
        let (Some(folds), Some((_, stage))) = (&self.folds, self.split(model, base)) else { return Ok(None) };
        let options = decode::<crate::stages::prepare::split::Split>(&stage.written)?;
        let (count, seed) = (folds.value, u64::from(self.seed));
        Ok(Some(Folds { stage: stage.id.clone(), count, seed, in_time: options.is_in_time() }))
    }
}
