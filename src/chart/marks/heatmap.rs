//! Heatmaps: a matrix of colours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, LegendShow, NumberFormat, Scale};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::key::Key;
use crate::chart::number;
use crate::chart::position::{Domain, Extent, admitted};
use crate::chart::scene::{Anchor, Point, Rounded, Scene, Shape, Text, ring};
use crate::chart::theme::{DIVERGING_STEPS, Ink, SEQUENTIAL_STEPS};
use crate::chart::typography::{Weight, clean, width};

/// The most rows and the most columns that are drawn.
const MOST: usize = 90;
/// Up to this many cells each have a tooltip and, where it fits, a label.
const LABELLED: usize = 400;
const LABEL_SIZE: f64 = 11.5;

/// A matrix with a colour for each value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heatmap {
    /// The names of the rows, from top to bottom. The first 90 are drawn and a note counts the others.
    pub rows: Vec<String>,
    /// The names of the columns, from left to right. The first 90 are drawn and a note counts the others.
    pub columns: Vec<String>,
    /// `[rows, columns]`: the values of the first row, then of the second .. Null is a cell without a value.
    pub values: Vec<Vec<Option<f64>>>,
    /// How values become colours.
    #[serde(default)]
    pub colours: ColourScale,
    /// How values are written.
    #[serde(default)]
    pub format: NumberFormat,
}

impl Heatmap {
    /// A matrix on a scale of colours.
    pub fn new<L: Into<String>>(
        rows: impl IntoIterator<Item = L>,
        columns: impl IntoIterator<Item = L>,
        values: Vec<Vec<Option<f64>>>,
        colours: ColourScale,
    ) -> Heatmap {
        let names = |labels: Vec<L>| labels.into_iter().map(Into::into).collect();
        Heatmap {
            rows: names(rows.into_iter().collect()),
            columns: names(columns.into_iter().collect()),
            values,
            colours,
            format: NumberFormat::Auto,
        }
    }
}

/// How the values of a heatmap become colours.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColourScale {
    /// From the least value to the greatest, in one direction.
    #[default]
    Sequential,
    /// From a neutral zero in two directions, equally far.
    Diverging {
        /// The size of value at which the colours are strongest (1 for correlations). Without it, the largest size in the data.
        #[serde(default)]
        bound: Option<f64>,
    },
}

/// A scale of colours that knows its ends.
struct Ramp {
    low: f64,
    high: f64,
    diverging: bool,
}

impl Ramp {
    fn ink(&self, value: f64) -> Ink {
        let steps = if self.diverging { DIVERGING_STEPS } else { SEQUENTIAL_STEPS };
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        let step = (share * (steps - 1) as f64).round() as usize;
        if self.diverging { Ink::Diverging(step) } else { Ink::Sequential(step) }
    }

    fn key(&self, figure: &Figure, format: NumberFormat) -> Key {
        if figure.legend.show == LegendShow::Never {
            return Key::None;
        }
        let inks = if self.diverging {
            (0..DIVERGING_STEPS).map(Ink::Diverging).collect()
        } else {
            (0..SEQUENTIAL_STEPS).map(Ink::Sequential).collect()
        };
        let word = |value| number::short(value, format);
        Key::Ramp { title: figure.legend.title.clone(), inks, low: word(self.low), high: word(self.high) }
    }
}

pub(super) fn draw(figure: &Figure, mark: &Heatmap) -> Result<Scene, ChartError> {
    let length = |what: String, expected: usize, found: usize| ChartError::Length { what, expected, found };
    if mark.values.len() != mark.rows.len() {
        return Err(length("the rows of values of a heatmap".to_string(), mark.rows.len(), mark.values.len()));
    }
    if let Some((name, row)) = mark.rows.iter().zip(&mark.values).find(|(_, row)| row.len() != mark.columns.len()) {
        return Err(length(format!("the values in row `{}` of a heatmap", clean(name)), mark.columns.len(), row.len()));
    }
    let (rows, columns) = (mark.rows.len().min(MOST), mark.columns.len().min(MOST));
    let mut notes = Vec::new();
    for (what, shown, all) in [("rows", rows, mark.rows.len()), ("columns", columns, mark.columns.len())] {
        if shown < all {
            notes.push(format!("The first {shown} of {} {what} are shown.", number::count(all)));
        }
    }
    let cell = |row: usize, column: usize| mark.values.get(row).and_then(|row| row.get(column)).copied().flatten();
    let mut extent = Extent::new(Scale::Linear);
    for row in 0..rows {
        (0..columns).for_each(|column| extent.add(cell(row, column)));
    }
    notes.extend(extent.notes(&Default::default()));
    if extent.shown == 0 {
        return Ok(empty(figure, "No rows to show", &notes));
    }
    let ramp = ramp(mark.colours, extent.low(), extent.high());

    let clean_all = |labels: &[String], shown: usize| {
        Domain::Categories(labels.iter().take(shown).map(|label| clean(label)).collect())
    };
    let bottom = Side { turn: true, ..Side::new(clean_all(&mark.columns, columns), &figure.x.label) };
    let left = Side::new(clean_all(&mark.rows, rows), &figure.y.label);
    let mut plan = Plan::new(bottom, left);
    plan.key = ramp.key(figure, mark.format);
    // A few cells, such as a confusion matrix, may be large; they are never so wide that they stop looking like cells.
    let (widest, highest) = if rows.max(columns) <= 4 { (150.0, 60.0) } else { (86.0, 40.0) };
    plan.widest = columns as f64 * widest;
    let wide = (f64::from(figure.width) * 0.8 / columns as f64).min(widest);
    plan.height = rows as f64 * (wide * 0.8).clamp(if rows > 30 { 9.0 } else { 20.0 }, highest);
    plan.notes = notes;
    let mut frame = Frame::new(figure, plan);
    let (across, down) = (frame.x.band(), frame.y.band());
    // Paper between the cells where they are large.
    let gap = if across.min(down) >= 12.0 { 1.5 } else { 0.0 };
    let corner = |frame: &Frame, row: usize, column: usize| -> Point {
        (frame.x.at(column as f64) - across / 2.0 + gap / 2.0, frame.y.at(row as f64) - down / 2.0 + gap / 2.0)
    };

    if rows * columns > LABELLED {
        let mut rings: BTreeMap<Ink, Vec<Vec<Point>>> = BTreeMap::new();
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let ink = admitted(Scale::Linear, cell(row, column)).map_or(Ink::Panel, |value| ramp.ink(value));
            let (x, y) = corner(&frame, row, column);
            rings.entry(ink).or_default().push(ring(x, y, across - gap, down - gap));
        }
        for (fill, rings) in rings {
            frame.push(Shape::Polygons { rings, fill, opacity: 1.0, tooltip: None });
        }
        return Ok(frame.scene);
    }
    let mut labels = Vec::new();
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let value = admitted(Scale::Linear, cell(row, column));
        let ink = value.map_or(Ink::Panel, |value| ramp.ink(value));
        let (left, top) = corner(&frame, row, column);
        let name = |labels: &[String], index: usize| labels.get(index).map(|label| clean(label)).unwrap_or_default();
        let said = value.map_or("no value".to_string(), |value| number::exact(value, mark.format));
        let hint = super::tooltip(&name(&mark.rows, row), &name(&mark.columns, column), &said);
        frame.push(Shape::Rectangle {
            left,
            top,
            width: across - gap,
            height: down - gap,
            rounded: Rounded::All,
            radius: if gap > 0.0 { 2.0 } else { 0.0 },
            fill: ink,
            opacity: 1.0,
            tooltip: Some(hint),
        });
        let at = (frame.x.at(column as f64), frame.y.at(row as f64) + Text::middle(LABEL_SIZE));
        labels.push((at, value, ink));
    }
    // In full if all fit, otherwise rounded, otherwise not at all.
    for word in [full, number::short] {
        let texts: Vec<Text> = labels
            .iter()
            .map(|(at, value, ink)| match value {
                Some(value) => Text::new(*at, word(*value, mark.format), LABEL_SIZE, Anchor::Middle, ink.text_on()),
                None => Text::new(*at, "–", LABEL_SIZE, Anchor::Middle, Ink::Muted),
            })
            .collect();
        let fit = |text: &Text| width(&text.content, LABEL_SIZE, Weight::Regular) <= across - gap - 5.0;
        if down >= 16.0 && texts.iter().all(fit) {
            texts.into_iter().for_each(|text| frame.push(Shape::Text(text)));
            break;
        }
    }
    Ok(frame.scene)
}

/// Whole numbers in full, others as short as [`number::short`] writes them.
fn full(value: f64, format: NumberFormat) -> String {
    if value.fract() == 0.0 { number::exact(value, format) } else { number::short(value, format) }
}

fn ramp(colours: ColourScale, low: f64, high: f64) -> Ramp {
    match colours {
        ColourScale::Sequential if low < high => Ramp { low, high, diverging: false },
        ColourScale::Sequential => {
            Ramp { low: low.min(0.0), high: high.max(low + low.abs().max(1.0)), diverging: false }
        }
        ColourScale::Diverging { bound } => {
            let largest = low.abs().max(high.abs());
            let bound = bound.filter(|bound| *bound > 0.0 && bound.is_finite()).unwrap_or(largest);
            let bound = if bound > 0.0 { bound } else { 1.0 };
            Ramp { low: -bound, high: bound, diverging: true }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::Mark;

    fn scene(mark: &Heatmap) -> Scene {
        draw(&Figure::new("t", Mark::Heatmap(mark.clone())), mark).unwrap()
    }

    #[test]
    fn zero_is_neutral_on_a_diverging_scale() {
        let ramp = ramp(ColourScale::Diverging { bound: Some(1.0) }, -0.2, 0.9);
        assert_eq!(
            [ramp.ink(0.0), ramp.ink(-1.0), ramp.ink(1.0)],
            [Ink::Diverging(5), Ink::Diverging(0), Ink::Diverging(10)]
        );
        let ramp = super::ramp(ColourScale::Diverging { bound: None }, -4.0, 2.0);
        assert_eq!([ramp.low, ramp.high], [-4.0, 4.0]);
    }

    #[test]
    fn few_cells_have_labels_and_many_are_merged() {
        let names = |n: usize| (0..n).map(|i| format!("c{i}")).collect::<Vec<_>>();
        let values = |n: usize| (0..n).map(|r| (0..n).map(|c| Some((r * c) as f64 / 10.0)).collect()).collect();
        let few = scene(&Heatmap::new(names(4), names(4), values(4), ColourScale::Sequential));
        assert!(few.shapes.iter().any(|s| matches!(s, Shape::Text(t) if t.content == "0.90")));
        let many = scene(&Heatmap::new(names(150), names(150), values(150), ColourScale::Sequential));
        let cells: usize =
            many.shapes.iter().map(|s| if let Shape::Polygons { rings, .. } = s { rings.len() } else { 0 }).sum();
        assert_eq!(cells, 90 * 90);
        assert!(
            many.shapes
                .iter()
                .any(|s| matches!(s, Shape::Text(t) if t.content.contains("The first 90 of 150 rows are shown.")))
        );
    }

    #[test]
    fn ragged_rows_are_refused() {
        let ragged =
            Heatmap::new(["a", "b"], ["x", "y"], vec![vec![Some(1.0), None], vec![Some(1.0)]], ColourScale::Sequential);
        let error = draw(&Figure::new("t", Mark::Heatmap(ragged.clone())), &ragged).unwrap_err();
        assert_eq!(error.to_string(), "the values in row `b` of a heatmap: 1 where 2 are needed");
    }
}
