//! The work of the stage.

use std::path::PathBuf;

use super::judged::{Decisions, Judged};
use super::layout::Layout;
use super::{FILE, KnownThreshold, Threshold, exhibits, rows};
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::Schema;
use crate::stages::Product;
use crate::stages::learn::bundle::Bundle;
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};

pub(super) struct PredictWork {
    pub(super) key: String,
    /// The input that evaluated the model, and the name of its stage.
    pub(super) calibration: Option<(usize, String)>,
    /// Of a model that was saved before.
    pub(super) folder: Option<PathBuf>,
    pub(super) fingerprint: Option<String>,
    /// What a model that was saved before brings with it.
    pub(super) judged: Judged,
    pub(super) kept: Vec<String>,
    pub(super) layout: Layout,
    /// The columns of the product.
    pub(super) schema: Schema,
    /// As it is written.
    pub(super) threshold: Option<Threshold>,
    pub(super) abstain_below: Option<f64>,
}

impl PredictWork {
    /// How answers become decisions: as the model was evaluated, or as it is written.
    ///
    /// Errors: of class [`Class::Data`] when the stage that evaluated says nothing that could be used.
    fn decisions(
        &self,
        bundle: &Bundle,
        products: &[Product],
        context: &WorkContext<'_>,
    ) -> Result<Decisions, Diagnostic> {
        let metrics = self.calibration.as_ref().map(|(input, stage)| (products.get(*input), stage));
        let Some((Some(Product::Table(metrics)), stage)) = metrics else {
            return Decisions::new(self.threshold, self.judged.clone(), bundle);
        };
        let judged = Judged::told(stage, bundle, metrics, context)?;
        if judged.temperatures.is_empty() && self.threshold != Some(Threshold::Word(KnownThreshold::Chosen)) {
            // Thresholds of 0.5 are told of every model: that alone is no reason to name the stage.
            let mut thresholds = judged.thresholds.values();
            if thresholds.all(|threshold| *threshold == 0.5) {
                let message = format!("`{stage}` found no temperature and chose no threshold");
                let help = "say `calibrate: true` or `threshold: youden` there, or leave `calibration` out";
                return Err(Diagnostic::error(Class::Data, message).help(help));
            }
        }
        Decisions::new(self.threshold, judged, bundle)
    }
}

impl Work for PredictWork {
    fn passes(&self, input: usize) -> usize {
        let judges = self.calibration.as_ref().is_some_and(|(judge, _)| *judge == input);
        usize::from(input == 0 || judges)
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let folder = match (&self.folder, products.get(1)) {
            (Some(folder), _) => folder,
            (None, Some(Product::Model { folder, .. })) => folder,
            _ => return Ok(Outcome::default()),
        };
        let bundle = Bundle::read(folder)?;
        if self.fingerprint.as_ref().is_some_and(|known| *known != bundle.fingerprint()) {
            let message = format!("the model in `{}` changed after it was checked", folder.display());
            return Err(Diagnostic::error(Class::Data, message).help("run again"));
        }
        let predicted = rows::predict(&rows::Task {
            table,
            folder,
            bundle: &bundle,
            kept: &self.kept,
            layout: &self.layout,
            schema: &self.schema,
            decisions: &self.decisions(&bundle, products, context)?,
            abstain_below: self.abstain_below,
            path: &context.artifacts.join(FILE),
            context,
        })?;
        let mut outcome = Outcome {
            exhibits: exhibits::all(&bundle, &predicted),
            remarks: exhibits::remarks(&predicted.summary),
            statistics: serde_json::to_value(&predicted.summary).unwrap_or_default(),
            ..Outcome::default()
        };
        outcome.bindings.artifacts.insert(self.key.clone(), FILE.into());
        Ok(outcome)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }
}
