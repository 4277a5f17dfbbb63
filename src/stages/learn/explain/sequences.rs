//! Rows of a sequence: when a model looks, and at what, by expected gradients for each column and step and by taking away
//! one step after the other.

use std::ops::Range;

use ndarray::Array2;
use rayon::prelude::*;

use crate::chart::{Axis, ColourScale, Figure, Heatmap, Line, Mark, Positions, Series};
use crate::diagnostic::Diagnostic;
use crate::exhibit::Exhibit;
use crate::explanation::occlusion::{Instead, occlusion};
use crate::explanation::{Group, Place, Rows};
use crate::tensor::{BlockKind, Encoder};

use super::columns::Said;
use super::model::Explained;

/// The most steps that are told apart; of longer windows rows side by side are one step.
const MOST_STEPS: usize = 48;
/// The most columns that are drawn.
const MOST_COLUMNS: usize = 20;
/// Rows whose steps are taken away for the summary.
pub(super) const ROWS: usize = 200;
/// The width of a figure of which two stand side by side.
const WIDTH: u32 = 400;

/// The block of the rows of a sequence.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    block: usize,
    window: usize,
    horizon: usize,
    /// For each number of a row of the window its column among `columns`.
    of: Vec<usize>,
    columns: Vec<String>,
    /// The rows of each step.
    steps: Vec<Range<usize>>,
}

/// The sequence that a model reads.
pub(super) fn windows(encoder: &Encoder) -> Option<Windows> {
    let spec = encoder.sequence()?.spec();
    let block = encoder.blocks().iter().position(|block| block.kind == BlockKind::Sequence)?;
    let names = encoder.feature_columns(block);
    let width = names.len() / spec.window.max(1);
    let mut columns: Vec<String> = Vec::new();
    let of = names.iter().take(width).map(|name| {
        columns.iter().position(|known| known == name).unwrap_or_else(|| {
            columns.push(name.clone());
            columns.len() - 1
        })
    });
    let of = of.collect();
    Some(Windows { block, window: spec.window, horizon: spec.horizon, of, columns, steps: steps(spec.window) })
}

/// The rows of a window, cut into steps of nearly the same length.
fn steps(window: usize) -> Vec<Range<usize>> {
    let count = window.clamp(1, MOST_STEPS);
    (0..count).map(|step| step * window / count..(step + 1) * window / count).collect()
}

impl Windows {
    /// The columns, in the order of cells.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// For each column and step its numbers, column by column.
    pub(super) fn cells(&self) -> Vec<Group> {
        let cell = |column: usize, step: &Range<usize>| Group {
            name: self.columns.get(column).cloned().unwrap_or_default(),
            places: self.places(step, |of| of == column),
        };
        (0..self.columns.len()).flat_map(|column| self.steps.iter().map(move |step| cell(column, step))).collect()
    }

    /// For each step all its numbers.
    fn parts(&self) -> Vec<Vec<Place>> {
        self.steps.iter().map(|step| self.places(step, |_| true)).collect()
    }

    fn places(&self, rows: &Range<usize>, wanted: impl Fn(usize) -> bool) -> Vec<Place> {
        let width = self.of.len();
        let of_row = |row: usize| {
            let numbers = self.of.iter().enumerate().filter(|(_, of)| wanted(**of));
            numbers.map(move |(at, _)| Place { block: self.block, at: row * width + at }).collect::<Vec<_>>()
        };
        rows.clone().flat_map(of_row).collect()
    }

    /// How many rows before the last one of the window a step is: `0`, `3`, `12 to 15`.
    pub(super) fn step(&self, step: usize) -> String {
        let Some(rows) = self.steps.get(step) else { return String::new() };
        let before = |row: usize| self.window.saturating_sub(row + 1);
        let (far, near) = (before(rows.start), before(rows.end.saturating_sub(1)));
        if far == near { near.to_string() } else { format!("{near} to {far}") }
    }

    /// Values of cells, one after the other, as `[columns, steps]`.
    pub(super) fn table(&self, cells: &[f64]) -> Array2<f64> {
        let steps = self.steps.len();
        Array2::from_shape_fn((self.columns.len(), steps), |(column, step)| {
            cells.get(column * steps + step).copied().unwrap_or(0.0)
        })
    }

    /// What each step contributes to what is said of a row: the prediction with it less that with the mean of known rows
    /// in its place.
    ///
    /// Errors: those of the model.
    pub(super) fn occlude(
        &self,
        model: &Explained<'_>,
        (rows, row): (&Rows, usize),
        mean: &Rows,
        output: usize,
    ) -> Result<Vec<f64>, Diagnostic> {
        let found = occlusion(model, rows, row, &self.parts(), Instead::Row(mean), output);
        Ok(found.map_err(super::work::failed)?.parts)
    }

    /// The mean size of what each step contributes, over several rows.
    ///
    /// Errors: those of the model.
    pub(super) fn sizes(
        &self,
        model: &Explained<'_>,
        rows: &Rows,
        mean: &Rows,
        said: &Said,
    ) -> Result<Vec<f64>, Diagnostic> {
        let output = |row: usize| said.outputs.get(row).copied().unwrap_or(0);
        let found = (0..rows.len())
            .into_par_iter()
            .map(|row| self.occlude(model, (rows, row), mean, output(row)))
            .collect::<Result<Vec<_>, _>>()?;
        let n = found.len().max(1) as f64;
        let size = |step: usize| found.iter().filter_map(|row| row.get(step)).map(|v| v.abs()).sum::<f64>() / n;
        Ok((0..self.steps.len()).map(size).collect())
    }

    /// How much each column at each step moves predictions, or with a sign that of one row.
    pub(super) fn heatmap(
        &self,
        values: &Array2<f64>,
        title: impl Into<String>,
        subtitle: String,
        unit: &str,
        colours: ColourScale,
    ) -> Exhibit {
        let size = |column: usize| values.row(column).iter().map(|value| value.abs()).sum::<f64>();
        let mut order: Vec<usize> = (0..values.nrows().min(self.columns.len())).collect();
        order.sort_by(|a, b| size(*b).total_cmp(&size(*a)));
        let left_out = order.len().saturating_sub(MOST_COLUMNS);
        order.truncate(MOST_COLUMNS);
        let names: Vec<String> = order.iter().filter_map(|at| self.columns.get(*at).cloned()).collect();
        let steps: Vec<String> = (0..self.steps.len()).map(|step| self.step(step)).collect();
        let cells = order.iter().map(|at| values.row(*at).iter().map(|value| Some(*value)).collect()).collect();
        let mut figure = Figure::new(title, Mark::Heatmap(Heatmap::new(names, steps, cells, colours)));
        figure.subtitle = subtitle;
        figure.x = Axis::labelled("rows before the last of the window");
        figure.note = format!("Colours show {unit}. {}", self.ahead());
        if left_out > 0 {
            figure.note += &format!(" The {MOST_COLUMNS} columns that move most are shown of {}.", self.columns.len());
        }
        Exhibit::Figure(Box::new(figure))
    }

    /// What each step contributes, along the window.
    pub(super) fn line(&self, values: &[f64], title: String, subtitle: String, unit: &str) -> Exhibit {
        #[expect(clippy::cast_precision_loss, reason = "rows of a window")]
        let middle = |rows: &Range<usize>| (rows.start + rows.end - 1) as f64 / 2.0 - (self.window - 1) as f64;
        let places = Positions::Number(self.steps.iter().map(|rows| Some(middle(rows))).collect());
        let series = Series::new("", values.iter().map(|value| Some(*value)));
        let mut figure = Figure::new(title, Mark::Line(Line::new(places, vec![series])));
        figure.subtitle = subtitle;
        figure.x = Axis::labelled("row of the window, 0 the last");
        figure.y = Axis::labelled(unit);
        figure.width = WIDTH;
        figure.note = self.ahead();
        Exhibit::Figure(Box::new(figure))
    }

    fn ahead(&self) -> String {
        match self.horizon {
            0 => "The target is that of the last row.".to_owned(),
            1 => "The target is that of the row after the last.".to_owned(),
            rows => format!("The target is that of {rows} rows after the last."),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn windows(window: usize) -> Windows {
        let columns = vec!["load".to_owned(), "heat".to_owned()];
        // The second column has a number of its own for missing values.
        Windows { block: 1, window, horizon: 2, of: vec![0, 1, 1], columns, steps: steps(window) }
    }

    #[test]
    fn each_number_belongs_to_one_cell_and_to_one_step() {
        for window in [1, 4, 48, 49, 200] {
            let windows = windows(window);
            let all = |groups: Vec<Vec<Place>>| {
                let mut places: Vec<usize> = groups.into_iter().flatten().map(|place| place.at).collect();
                places.sort_unstable();
                places
            };
            let expected: Vec<usize> = (0..3 * window).collect();
            assert_eq!(all(windows.cells().into_iter().map(|cell| cell.places).collect()), expected);
            assert_eq!(all(windows.parts()), expected);
            assert_eq!(windows.steps.len(), window.min(48));
        }
        let two = windows(2);
        let cells: Vec<(String, Vec<usize>)> =
            two.cells().into_iter().map(|c| (c.name, c.places.into_iter().map(|place| place.at).collect())).collect();
        let cell = |name: &str, places: &[usize]| (name.to_owned(), places.to_vec());
        assert_eq!(cells, [cell("load", &[0]), cell("load", &[3]), cell("heat", &[1, 2]), cell("heat", &[4, 5])]);
    }

    #[test]
    fn steps_are_told_by_their_distance_from_the_last_row() {
        let four = windows(4);
        assert_eq!((0..4).map(|step| four.step(step)).collect::<Vec<_>>(), ["3", "2", "1", "0"]);
        let many = windows(96);
        assert_eq!([many.step(0), many.step(47)], ["94 to 95", "0 to 1"]);
    }
}
