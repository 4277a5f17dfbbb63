//! What is said of chosen rows, one by one.

use rayon::prelude::*;

use crate::chart::ColourScale;
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Exhibit, Tone};
use crate::tensor::{SEQUENCE, Target};

use super::attribution::Attributed;
use super::columns::{Said, said, unit};
use super::counterfactuals::{self, Sight};
use super::model::View;
use super::options::{Method, Rows};
use super::product::Contribution;
use super::rows::WorstOf;
use super::scene::Scene;
use super::{dependences, pictures, rows, texts, words};

/// What is said of a chosen row.
struct Told {
    prediction: String,
    truth: String,
    of: String,
}

impl Scene<'_> {
    /// The words that say most, over some rows of the sample.
    pub(super) fn words(&mut self, output: usize, target: &Target) -> Result<(), Diagnostic> {
        let sums = self.model(target, output, View::Sums);
        // One of both methods is enough for a summary.
        let Some(method) =
            [Method::IntegratedGradients, Method::Occlusion].into_iter().find(|one| self.settings.asks(*one))
        else {
            return Ok(());
        };
        let some = self.read.sample.spread(texts::ROWS);
        for texts in texts::texts(self.encoder) {
            let values = self.columns.iter().position(|column| column.name() == texts.column);
            for explained in dependences::shown(target) {
                let found = (0..some.len())
                    .into_par_iter()
                    .map(|row| {
                        let text = values.and_then(|at| some.values.get(at)?.get(row)?.text.as_deref());
                        texts.ask(method, &sums, (&some.rows, row), explained, self.encoder, text)
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                let summary = texts::summary(&found, &texts.column, &unit(target, explained));
                self.outcome.exhibits.extend(summary);
            }
        }
        Ok(())
    }

    /// What the steps of a sequence say of a chosen row.
    fn row_steps(
        &mut self,
        (output, target): (usize, &Target),
        row: usize,
        chosen: &Said,
        told: &Told,
        attributed: Option<&Attributed>,
    ) -> Result<Vec<Exhibit>, Diagnostic> {
        let Some(windows) = &self.windows else { return Ok(Vec::new()) };
        let mut exhibits = Vec::new();
        // Column, part, method and value of what is kept.
        let mut parts: Vec<(String, usize, &'static str, f64)> = Vec::new();
        let name = self.chosen.name(row);
        if let Some(cells) = attributed.and_then(|found| found.cells.as_ref()).filter(|cells| row < cells.nrows()) {
            let table = windows.table(&cells.row(row).to_vec());
            let title = format!("Row {name}: what moved it, and when");
            let subtitle = format!("The model says {}, it was {}", told.prediction, told.truth);
            let colours = ColourScale::Diverging { bound: None };
            exhibits.push(windows.heatmap(&table, title, subtitle, &told.of, colours));
            for (column, values) in windows.columns().iter().zip(table.rows()) {
                parts.extend(values.iter().enumerate().map(|(at, v)| (column.clone(), at, "expected_gradients", *v)));
            }
        }
        if let Some((_, background)) = self.known.as_ref().filter(|_| self.settings.asks(Method::Occlusion)) {
            let sums = self.model(target, output, View::Sums);
            let explained = chosen.outputs.get(row).copied().unwrap_or(0);
            let steps = windows.occlude(&sums, (&self.chosen.rows, row), &background.mean(), explained)?;
            let title = format!("Row {name}: what each step adds");
            let subtitle = "What is missing when the mean of training rows takes its place".to_owned();
            exhibits.push(windows.line(&steps, title, subtitle, &told.of));
            let method = Method::Occlusion.name();
            parts.extend(steps.iter().enumerate().map(|(at, value)| (SEQUENCE.to_owned(), at, method, *value)));
        }
        let number = self.chosen.numbers.get(row).copied().unwrap_or(0);
        let kept = parts.into_iter().map(|(column, step, method, value)| Contribution {
            row: number,
            target: target.column().to_owned(),
            of: told.of.clone(),
            prediction: told.prediction.clone(),
            truth: told.truth.clone(),
            column,
            part: Some(format!("{} before the last", windows.step(step))),
            method,
            value,
            error: None,
        });
        self.contributions.extend(kept);
        Ok(exhibits)
    }

    /// What the words and the places of pictures say of a chosen row.
    fn contents(
        &mut self,
        (output, target): (usize, &Target),
        (row, number): (usize, u64),
        chosen: &Said,
        told: &Told,
    ) -> Result<Vec<Exhibit>, Diagnostic> {
        let sums = self.model(target, output, View::Sums);
        let explained = chosen.outputs.get(row).copied().unwrap_or(0);
        let mut exhibits = Vec::new();
        for texts in texts::texts(self.encoder) {
            let at = self.columns.iter().position(|column| column.name() == texts.column);
            for method in [Method::Occlusion, Method::IntegratedGradients] {
                if !self.settings.asks(method) {
                    continue;
                }
                let text = at.and_then(|at| self.chosen.values.get(at)?.get(row)?.text.as_deref());
                let found = texts.ask(method, &sums, (&self.chosen.rows, row), explained, self.encoder, text)?;
                let title = format!(
                    "Row {number}, {}: the model says {}, it was {}",
                    texts.column, told.prediction, told.truth
                );
                exhibits.push(found.passage(title, &told.of));
                for (word, value) in found.words {
                    self.contributions.push(Contribution {
                        row: number,
                        target: target.column().to_owned(),
                        of: told.of.clone(),
                        prediction: told.prediction.clone(),
                        truth: told.truth.clone(),
                        column: texts.column.clone(),
                        part: Some(word),
                        method: found.method.name(),
                        value,
                        error: None,
                    });
                }
            }
        }
        let (saliency, grad_cam) = (self.settings.asks(Method::Saliency), self.settings.asks(Method::GradCam));
        // What speaks for the first of two classes speaks against the second.
        let is_no = matches!(target, Target::Binary(_)) && chosen.values.get(row).is_some_and(|value| *value < 0.5);
        for pictures in pictures::pictures(self.encoder) {
            if !saliency && !grad_cam {
                continue;
            }
            let title = format!("Row {number}, {}: {}, it was {}", pictures.column, told.prediction, told.truth);
            exhibits.extend(pictures.picture(&self.chosen.rows, row, title));
            if saliency {
                exhibits.push(pictures.saliency(&sums, &self.chosen.rows, row, explained, self.settings.seed)?);
            }
            if grad_cam {
                match pictures.grad_cam(&sums, &self.chosen.rows, row, explained, is_no)? {
                    Some(map) => exhibits.push(map),
                    None if row == 0 => {
                        let text = "`grad_cam` shows nothing: no layer of the network gives places of an image";
                        self.outcome.remarks.push(text.to_owned());
                    }
                    None => {}
                }
            }
        }
        Ok(exhibits)
    }

    /// About what the model is wrong of the worst rows, where there are several targets.
    fn wrong_about(&self) -> String {
        let targets = self.encoder.targets();
        match &self.settings.worst_of {
            WorstOf::Target(at) if targets.len() > 1 => {
                targets.get(*at).map(|target| format!(" about `{}`", target.column())).unwrap_or_default()
            }
            WorstOf::Target(_) => String::new(),
            WorstOf::Sum(several) => {
                let of =
                    several.iter().filter_map(|at| targets.get(*at)).map(|target| format!("`{}`", target.column()));
                format!(
                    " by the sum over {} (log loss of classes and labels, error of numbers in standard deviations, of \
                     counts in roots of what was expected)",
                    words::list(&of.collect::<Vec<_>>())
                )
            }
        }
    }

    /// The chosen rows one by one.
    pub(super) fn rows(
        &mut self,
        output: usize,
        target: &Target,
        chosen: &Said,
        attributed: Option<&Attributed>,
    ) -> Result<(), Diagnostic> {
        if self.chosen.is_empty() {
            return Ok(());
        }
        let neighbours = match &self.known {
            Some((known, _)) if self.settings.asks(Method::Counterfactuals) => {
                let known_said = said(self.network, target, output, &known.sample.rows)?;
                let (rows, columns) = (&self.chosen, &self.columns);
                let found = counterfactuals::find(rows, chosen, &known.sample, &known_said, target, columns)?;
                Some((found, known_said))
            }
            _ => None,
        };
        let mut exhibits = Vec::new();
        for row in 0..self.chosen.len() {
            let number = self.chosen.numbers.get(row).copied().unwrap_or(0);
            let truth = self.chosen.truths.get(output).and_then(|truths| truths.get(row));
            let truth = truth.map(|truth| rows::told(truth, target)).unwrap_or_default();
            let prediction = chosen.texts.get(row).cloned().unwrap_or_default();
            let explained = chosen.outputs.get(row).copied().unwrap_or(0);
            let of = unit(target, explained);
            let told = Told { prediction: prediction.clone(), truth: truth.clone(), of: of.clone() };
            if let Some(found) = attributed {
                let values: Vec<rows::Value> =
                    self.chosen.values.iter().filter_map(|values| values.get(row).cloned()).collect();
                let title = format!("Row {}: the model says {prediction}", self.chosen.name(row));
                let subtitle = format!("It was {truth}. Contributions of the columns to the {of}");
                exhibits.push(found.waterfall(row, title, &subtitle, &self.columns, &values, &of));
                for (at, column) in self.columns.iter().enumerate() {
                    let cell = |table: &ndarray::Array2<f64>| table.get((row, at)).copied();
                    self.contributions.push(Contribution {
                        row: number,
                        target: target.column().to_owned(),
                        of: of.clone(),
                        prediction: prediction.clone(),
                        truth: truth.clone(),
                        column: column.name().to_owned(),
                        part: values.get(at).and_then(|value| value.text.clone()),
                        method: Method::Shap.name(),
                        value: cell(&found.values).unwrap_or(f64::NAN),
                        error: cell(&found.errors),
                    });
                }
            }
            if let (Some((found, known_said)), Some((known, _))) = (&neighbours, &self.known) {
                let sight = Sight {
                    rows: &self.chosen,
                    said: chosen,
                    known: &known.sample,
                    known_said,
                    columns: &self.columns,
                    target,
                };
                exhibits.push(sight.table(row, found.get(row).map_or(&[], Vec::as_slice)));
            }
            exhibits.extend(self.row_steps((output, target), row, chosen, &told, attributed)?);
            exhibits.extend(self.contents((output, target), (row, number), chosen, &told)?);
        }
        if !exhibits.is_empty() {
            let names: Vec<String> = (0..self.chosen.len()).map(|row| self.chosen.name(row)).collect();
            let counted = match &self.windows {
                Some(_) => "windows are counted within the part by group and time, and called by their last row",
                None => "rows are counted within the part",
            };
            let how = match self.settings.rows {
                Rows::Worst(..) => format!("of which the model is most wrong{}; {counted}", self.wrong_about()),
                Rows::Where(_) => "the first for which the condition holds, counted among those".to_owned(),
                Rows::Sample(_) => format!("drawn at random; {counted}"),
            };
            let rows = if names.len() == 1 { "Row" } else { "Rows" };
            let text = format!("{rows} {} one by one, {how}.", words::list(&names));
            self.show(Exhibit::note(Tone::Info, text));
        }
        self.outcome.exhibits.extend(exhibits);
        Ok(())
    }
}
