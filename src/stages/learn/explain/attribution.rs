//! SHAP values: of a sample for a summary, and of chosen rows one by one.

use ndarray::{Array2, s};

use crate::chart::{Axis, Bar, Figure, Mark, Orientation, Series, Step, Waterfall};
use crate::diagnostic::Diagnostic;
use crate::exhibit::Exhibit;
use crate::explanation::shapley::{self, Attributions, GradientOptions, SampledOptions};
use crate::explanation::{Error, Group, Rows};
use crate::tensor::Target;

use super::columns::{Column, Said, unit};
use super::model::Explained;
use super::rows::Value;
use super::words;

/// Steps of a waterfall.
const STEPS: usize = 9;
/// Columns that are drawn.
const DRAWN: usize = 20;
/// All subsets of at most so many columns are asked.
const ENUMERATED: usize = 6;

/// How values were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// By the weights of a linear model.
    Weights,
    /// By expected gradients.
    Gradients,
    /// By asking all subsets of the columns.
    Subsets,
    /// By random orders of the columns.
    Orders,
}

/// The values of some rows.
#[derive(Debug)]
pub(super) struct Attributed {
    pub(super) how: How,
    /// `[rows, columns]`.
    pub(super) values: Array2<f64>,
    /// `[rows, columns]`: standard errors.
    pub(super) errors: Array2<f64>,
    /// For each row where the values start: the mean prediction of the background.
    pub(super) bases: Vec<f64>,
    /// For each row the prediction to which they lead.
    pub(super) outputs: Vec<f64>,
    /// For each row how far the values miss it.
    pub(super) gaps: Vec<f64>,
    /// `[rows, cells]`: the values of parts of columns, where they were asked for and the way of finding them has them.
    pub(super) cells: Option<Array2<f64>>,
}

/// What values are found with.
pub(super) struct Question<'a> {
    pub(super) model: &'a Explained<'a>,
    pub(super) background: &'a Rows,
    pub(super) columns: &'a [Column],
    /// Parts of columns, such as a column at a step of a sequence.
    pub(super) cells: &'a [Group],
    pub(super) seed: u64,
}

impl How {
    fn of(model: &Explained<'_>, columns: usize) -> Self {
        match (model.is_linear(), model.is_smooth()) {
            (true, _) => Self::Weights,
            (false, true) => Self::Gradients,
            (false, false) if columns <= ENUMERATED => Self::Subsets,
            (false, false) => Self::Orders,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Weights => "exact, by the weights of a linear model",
            Self::Gradients => "by expected gradients",
            Self::Subsets => "exact, by all subsets of the columns",
            Self::Orders => "by random orders of the columns",
        }
    }
}

impl Question<'_> {
    /// Finds the values of rows, each for the output that is explained of it.
    ///
    /// Errors: those of the model.
    pub(super) fn attribute(&self, rows: &Rows, outputs: &[usize]) -> Result<Attributed, Diagnostic> {
        let mut groups: Vec<Group> = self.columns.iter().map(|column| column.group.clone()).collect();
        let (n, width) = (rows.len(), groups.len());
        let how = How::of(self.model, width);
        let has_cells = !self.cells.is_empty() && matches!(how, How::Weights | How::Gradients);
        if has_cells {
            groups.extend_from_slice(self.cells);
        }
        let empty = Array2::zeros((n, width));
        let mut all = Attributed {
            how,
            errors: empty.clone(),
            values: empty,
            bases: vec![0.0; n],
            outputs: vec![0.0; n],
            gaps: vec![0.0; n],
            cells: has_cells.then(|| Array2::zeros((n, self.cells.len()))),
        };
        let mut different: Vec<usize> = outputs.to_vec();
        different.sort_unstable();
        different.dedup();
        for output in different {
            let places: Vec<usize> = (0..n).filter(|row| outputs.get(*row) == Some(&output)).collect();
            let part = rows.take(&places);
            let found = by(how, self.model, &part, self.background, &groups, output, self.seed);
            let found = found.map_err(super::work::failed)?;
            let of_columns = found.of_columns(0..width);
            let gaps = of_columns.gaps();
            for (at, place) in places.iter().enumerate() {
                all.values.row_mut(*place).assign(&of_columns.values.row(at));
                all.errors.row_mut(*place).assign(&of_columns.errors.row(at));
                if let Some(cells) = &mut all.cells {
                    cells.row_mut(*place).assign(&found.values.slice(s![at, width..]));
                }
                let given = (all.bases.get_mut(*place), all.outputs.get_mut(*place), all.gaps.get_mut(*place));
                if let (Some(base), Some(output), Some(gap)) = given {
                    *base = found.base;
                    *output = found.outputs.get(at).copied().unwrap_or(f64::NAN);
                    *gap = gaps.get(at).copied().unwrap_or(f64::NAN);
                }
            }
        }
        Ok(all)
    }
}

fn by(
    how: How,
    model: &Explained<'_>,
    rows: &Rows,
    background: &Rows,
    groups: &[Group],
    output: usize,
    seed: u64,
) -> Result<Attributions, Error> {
    match how {
        How::Weights => shapley::linear(model, rows, background, groups, output),
        How::Gradients => {
            let options = GradientOptions { seed, ..GradientOptions::default() };
            shapley::expected_gradients(model, rows, background, groups, output, &options)
        }
        How::Subsets => shapley::exact(model, rows, background, groups, output),
        How::Orders => {
            let options = SampledOptions { seed, ..SampledOptions::default() };
            shapley::sampled(model, rows, background, groups, output, &options)
        }
    }
}

/// A mean size with its 95 % interval over the rows.
pub(super) struct Size {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Attributed {
    /// The mean size of the values of each column.
    pub(super) fn sizes(&self) -> Vec<Size> {
        let n = self.values.nrows().max(1) as f64;
        let of = |column: ndarray::ArrayView1<'_, f64>| {
            let mean = column.iter().map(|value| value.abs()).sum::<f64>() / n;
            let squares: f64 = column.iter().map(|value| (value.abs() - mean).powi(2)).sum();
            let error = if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 };
            Size { value: mean, low: (mean - 1.96 * error).max(0.0), high: mean + 1.96 * error }
        };
        self.values.columns().into_iter().map(of).collect()
    }

    /// How well the values add up, in a sentence.
    pub(super) fn check(&self) -> String {
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0_f64, |most, value| most.max(value.abs()));
        let gap = largest(&mut self.gaps.iter().copied());
        let error = largest(&mut self.errors.iter().copied());
        let reach = largest(&mut self.outputs.iter().zip(&self.bases).map(|(output, base)| output - base));
        let share = if reach > 0.0 { gap / reach } else { 0.0 };
        let adds = if share < 1e-4 {
            "they add up to the predictions".to_owned()
        } else {
            format!("they miss the predictions by at most {} ({})", words::number(gap), crate::digits::percent(share))
        };
        let sure = if error > 0.0 && self.how != How::Weights {
            format!("; another background would move a value by about {} at most", words::number(error))
        } else {
            String::new()
        };
        format!("Values {}; {adds}{sure}.", self.how.words())
    }

    /// The mean sizes as a picture.
    pub(super) fn summary(&self, columns: &[Column], unit: &str, background: usize) -> Exhibit {
        let sizes = self.sizes();
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        let size = |at: usize| sizes.get(at).map_or(0.0, |size| size.value);
        order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
        order.truncate(DRAWN);
        let names = order.iter().filter_map(|at| columns.get(*at)).map(|column| column.name().to_owned());
        let series = Series::new("", order.iter().map(|at| Some(size(*at))));
        let bar = Bar { orientation: Orientation::Horizontal, ..Bar::new(names, vec![series]) };
        let mut figure = Figure::new("How much each column moves predictions", Mark::Bar(bar));
        figure.subtitle =
            format!("Mean size of the SHAP values of {} rows against {background} training rows", self.values.nrows());
        figure.y = Axis::labelled(unit);
        figure.note = self.check();
        Exhibit::Figure(Box::new(figure))
    }

    /// How the prediction of a row came about.
    pub(super) fn waterfall(
        &self,
        row: usize,
        title: String,
        said: &str,
        columns: &[Column],
        values: &[Value],
        unit: &str,
    ) -> Exhibit {
        let none = Vec::new();
        let contributions = if row < self.values.nrows() { self.values.row(row).to_vec() } else { none };
        let mut order: Vec<usize> = (0..contributions.len()).collect();
        let value = |at: usize| contributions.get(at).copied().unwrap_or(0.0);
        order.sort_by(|a, b| value(*b).abs().total_cmp(&value(*a).abs()));
        let named = if order.len() > STEPS { STEPS - 1 } else { order.len() };
        let mut steps: Vec<Step> = order
            .iter()
            .take(named)
            .filter_map(|at| {
                let column = columns.get(*at)?;
                let text = values.get(*at).and_then(|value| value.text.as_deref());
                Some(Step::new(column.with(text), value(*at)))
            })
            .collect();
        if order.len() > named {
            let rest = order.iter().skip(named).map(|at| value(*at)).sum();
            steps.push(Step::new(format!("{} other columns", order.len() - named), rest));
        }
        let (base, gap) = (self.bases.get(row).copied().unwrap_or(0.0), self.gaps.get(row).copied().unwrap_or(0.0));
        let moved: f64 = steps.iter().map(|step| step.value.abs()).sum();
        if gap.abs() > 1e-3 * moved {
            steps.push(Step::new("what the values miss", gap));
        }
        let end = steps.iter().fold(base, |level, step| level + step.value);
        let waterfall =
            Waterfall { start: Step::new("mean of training rows", base), steps, end: Step::new("this row", end) };
        let mut figure = Figure::new(title, Mark::Waterfall(waterfall));
        figure.subtitle = said.to_owned();
        figure.y = Axis::labelled(unit);
        Exhibit::Figure(Box::new(figure))
    }
}

/// What is explained of rows of which each has an output of its own.
pub(super) fn common_unit(target: &Target, said: &Said) -> String {
    match target {
        Target::Category(classes) => format!("log-odds of the predicted {}", classes.column),
        Target::MultiLabel(labels) => format!("log-odds of the most probable label of {}", labels.column),
        _ => unit(target, said.outputs.first().copied().unwrap_or(0)),
    }
}
