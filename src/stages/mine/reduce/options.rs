//! The options of `reduce` as values that cannot be wrong.

use super::{Method, Reduce, Weights};
use crate::diagnostic::{Diagnostic, Findings, Place};
use crate::expression::Field;
use crate::mining::embedding::TsneOptions;
use crate::stages::{PlanContext, TableShape, inputs};
use crate::statistics::decomposition::pca::Components;
use crate::statistics::decomposition::random_projection;

/// Components at most.
const MOST: usize = 256;
/// Columns of a covariance matrix at most: 32 MiB.
const MOST_COLUMNS: usize = 2_000;

/// What is to be done.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) fields: Vec<Field>,
    pub(super) way: Way,
    pub(super) scale: bool,
    /// The names of the new columns.
    pub(super) names: Vec<String>,
    /// Whether one column takes all components, as a list.
    pub(super) as_list: bool,
    pub(super) seed: u64,
}

/// The method with its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Pca(Components),
    Random { components: usize, weights: random_projection::Weights },
    Tsne { options: TsneOptions, sample: Option<usize> },
}

impl Reduce {
    pub(super) fn settings(
        &self,
        fields: Vec<Field>,
        table: &TableShape,
        context: &PlanContext<'_>,
    ) -> Result<Settings, Findings> {
        let mut findings = Findings::new();
        if fields.is_empty() {
            findings.push(Diagnostic::definition("needs at least one column of numbers"));
        }
        self.check_meaning(&mut findings);
        let components = self.components(fields.len(), &mut findings);
        let way = match (self.method, components) {
            (Method::Pca, components) => Way::Pca(components),
            (Method::RandomProjection, Components::Count(components)) => {
                Way::Random { components, weights: self.weights() }
            }
            (Method::RandomProjection, Components::Share(_)) => Way::Random { components: 1, weights: self.weights() },
            (Method::Tsne, _) => self.tsne(&mut findings),
        };
        if self.method == Method::Pca && fields.len() > MOST_COLUMNS {
            let message = format!("`pca` over {} columns; {MOST_COLUMNS} are the most", fields.len());
            let help = "name fewer columns, or bring them down first by `reduce: {method: random_projection, components: 256}`";
            findings.push(Diagnostic::definition(message).help(help));
        }
        let usual = match self.method {
            Method::Pca => "pc",
            Method::RandomProjection => "rp",
            Method::Tsne => "tsne",
        };
        let prefix = self.prefix.as_ref().map_or(usual, |prefix| prefix.value.as_str());
        if let (Some(written), true) = (&self.prefix, prefix.is_empty()) {
            findings.push(Diagnostic::definition("`prefix` is empty").at(&written.place));
        }
        let (names, as_list) = match way {
            Way::Pca(Components::Share(_)) => (vec![prefix.to_owned()], true),
            Way::Pca(Components::Count(count)) | Way::Random { components: count, .. } => {
                (numbered(prefix, count), false)
            }
            Way::Tsne { .. } => (numbered(prefix, 2), false),
        };
        let place = self.prefix.as_ref().map_or(context.place, |prefix| &prefix.place);
        for name in &names {
            if let Err(finding) = inputs::new_name(&table.schema, name, place) {
                findings.push(finding.help("choose another `prefix`"));
            }
        }
        let seed = u64::from(self.seed);
        if findings.is_empty() {
            Ok(Settings { fields, way, scale: self.scale, names, as_list, seed })
        } else {
            Err(findings)
        }
    }

    fn weights(&self) -> random_projection::Weights {
        match self.weights.as_ref().map(|weights| weights.value) {
            Some(Weights::Sparse) => random_projection::Weights::Sparse,
            Some(Weights::Gaussian) | None => random_projection::Weights::Gaussian,
        }
    }

    fn components(&self, columns: usize, findings: &mut Findings) -> Components {
        let Some(written) = &self.components else {
            return Components::Count(if self.method == Method::Pca { columns.clamp(1, 2) } else { 2 });
        };
        let value = written.value;
        let mut refuse = |message: String| findings.push(Diagnostic::definition(message).at(&written.place));
        let is_whole = value.fract() == 0.0 && value >= 1.0 && value <= MOST as f64;
        if self.method == Method::Pca && value > 0.0 && value < 1.0 {
            return Components::Share(value);
        }
        if !is_whole {
            let share =
                if self.method == Method::Pca { ", or a share of the variance above 0 and below 1" } else { "" };
            refuse(format!("`components` is a number from 1 to {MOST}{share}, not {value}"));
            return Components::Count(1);
        }
        let count = value as usize;
        if self.method == Method::Pca && count > columns.max(1) {
            refuse(format!("`components: {count}` are more than the {columns} columns"));
        }
        if self.method == Method::Tsne && count != 2 {
            refuse(format!("`tsne` makes a map in a plane: `components` is 2, not {count}"));
        }
        Components::Count(count)
    }

    fn tsne(&self, findings: &mut Findings) -> Way {
        let usual = TsneOptions::default();
        let mut within = |written: Option<(&Place, f64)>, name: &str, usual: f64, low: f64, high: f64| {
            let Some((place, value)) = written else { return usual };
            if !(low..=high).contains(&value) {
                let message = format!("`{name}` must lie from {low} to {high}, not {value}");
                findings.push(Diagnostic::definition(message).at(place));
            }
            value
        };
        let float = |written: &Option<crate::definition::Spanned<f64>>| {
            written.as_ref().map(|written| (written.place.clone(), written.value))
        };
        let whole = |written: &Option<crate::definition::Spanned<u32>>| {
            written.as_ref().map(|written| (written.place.clone(), f64::from(written.value)))
        };
        let (perplexity, exaggeration) = (float(&self.perplexity), float(&self.early_exaggeration));
        let (angle, rounds, sample) = (float(&self.angle), whole(&self.rounds), whole(&self.sample));
        fn place(written: &Option<(Place, f64)>) -> Option<(&Place, f64)> {
            written.as_ref().map(|(place, value)| (place, *value))
        }
        let perplexity = within(place(&perplexity), "perplexity", usual.perplexity, 2.0, 200.0);
        let early_exaggeration =
            within(place(&exaggeration), "early_exaggeration", usual.early_exaggeration, 1.0, 100.0);
        let angle = within(place(&angle), "angle", usual.angle, 0.0, 1.0);
        let rounds = within(place(&rounds), "rounds", usual.rounds as f64, 250.0, 10_000.0) as usize;
        let sample = sample
            .is_some()
            .then(|| within(place(&sample), "sample", 0.0, 10.0, super::map::MOST_ROWS as f64) as usize);
        let options = TsneOptions {
            perplexity,
            early_exaggeration,
            learning_rate: None,
            rounds,
            angle,
            seed: u64::from(self.seed),
        };
        Way::Tsne { options, sample }
    }

    /// Options that mean nothing to the method.
    fn check_meaning(&self, findings: &mut Findings) {
        let mut only = |name: &str, place: Option<&Place>, fits: bool, method: &str| {
            if let (Some(place), false) = (place, fits) {
                let message = format!("`{name}` has no meaning here: it belongs to `method: {method}`");
                findings.push(Diagnostic::definition(message).at(place));
            }
        };
        let random = self.method == Method::RandomProjection;
        let map = self.method == Method::Tsne;
        only("weights", self.weights.as_ref().map(|option| &option.place), random, "random_projection");
        only("perplexity", self.perplexity.as_ref().map(|option| &option.place), map, "tsne");
        only("early_exaggeration", self.early_exaggeration.as_ref().map(|option| &option.place), map, "tsne");
        only("rounds", self.rounds.as_ref().map(|option| &option.place), map, "tsne");
        only("angle", self.angle.as_ref().map(|option| &option.place), map, "tsne");
        only("sample", self.sample.as_ref().map(|option| &option.place), map, "tsne");
    }
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{prefix}_{number}")).collect()
}
