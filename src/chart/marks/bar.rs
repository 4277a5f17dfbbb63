//! Bars: a value for each category.

use serde::{Deserialize, Serialize};

use super::{Series, Stack, bar_scale, check_lengths, colour, distinct, key, tooltip};
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, Scale};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::key::Swatch;
use crate::chart::number;
use crate::chart::position::{Domain, Extent, LARGEST, Position, admitted};
use crate::chart::scene::{Anchor, Scene, Shape, Text, bar, ring};
use crate::chart::theme::Ink;
use crate::chart::typography::{Weight, clean, width};

/// The most bars that are drawn.
const MOST_BARS: usize = 4_000;
/// The most categories that are drawn.
const MOST_CATEGORIES: usize = 500;
/// Up to this many bars each have a tooltip.
const TOOLTIPS: usize = 400;
/// The size of the values beside bars.
const VALUE_SIZE: f64 = 12.0;

/// A bar for each category and series, from zero to its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The categories in the order in which they are shown. The first 500 are drawn and a note counts the others: for more, give the largest and a sum of the
    /// others.
    pub categories: Vec<String>,
    /// One colour each, with a value for each category.
    pub series: Vec<Series>,
    /// The series stand on top of each other instead of side by side.
    #[serde(default)]
    pub stacked: bool,
    /// Which way the bars lie.
    #[serde(default)]
    pub orientation: Orientation,
}

impl Bar {
    /// Bars side by side, lying in whichever way their labels fit.
    pub fn new<L: Into<String>>(categories: impl IntoIterator<Item = L>, series: Vec<Series>) -> Bar {
        let categories = categories.into_iter().map(Into::into).collect();
        Bar { categories, series, stacked: false, orientation: Orientation::Auto }
    }
}

/// Which way bars lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// Upright when the labels fit under the bars, otherwise lying.
    #[default]
    Auto,
    /// Upright: categories from left to right.
    Vertical,
    /// Lying: categories from top to bottom.
    Horizontal,
}

/// One bar that is to be drawn.
struct Piece {
    category: usize,
    series: usize,
    from: f64,
    to: f64,
    value: f64,
}

pub(super) fn draw(figure: &Figure, mark: &Bar) -> Result<Scene, ChartError> {
    check_lengths(&mark.series, mark.categories.len())?;
    let (series, note) = distinct(&mark.series);
    let mut notes: Vec<String> = note.into_iter().collect();
    let shown = MOST_CATEGORIES.min(MOST_BARS / series.len().max(1)).min(mark.categories.len());
    if shown < mark.categories.len() {
        notes.push(format!(
            "The first {} of {} categories are shown.",
            number::count(shown),
            number::count(mark.categories.len())
        ));
    }
    let labels: Vec<String> = mark.categories.iter().take(shown).map(|label| clean(label)).collect();

    let (scale, note) = bar_scale(figure, mark.stacked);
    notes.extend(note);
    let (pieces, mut extent) = pieces(mark, series, shown, scale);
    if pieces.is_empty() {
        return Ok(empty(figure, "No rows to show", &[notes, extent.notes(&figure.y)].concat()));
    }
    notes.extend(extent.notes(&figure.y));

    let horizontal = lies(figure, mark, series.len(), &labels);
    let valued = if series.len() == 1 && labels.len() <= if horizontal { 60 } else { 16 } {
        number::value_labels(&pieces.iter().map(|piece| piece.value).collect::<Vec<_>>(), figure.y.format)
    } else {
        Vec::new()
    };
    let widest = valued.iter().map(|text: &String| width(text, VALUE_SIZE, Weight::Regular)).fold(0.0, f64::max);
    let total = f64::from(figure.width);
    let names =
        labels.iter().map(|label| width(label, VALUE_SIZE, Weight::Regular)).fold(0.0, f64::max).min(total * 0.36);
    let length = total - 40.0 - names - widest;
    let fits =
        if horizontal { length > 2.0 * widest + 40.0 } else { widest <= total * 0.85 / labels.len() as f64 - 4.0 };
    let valued = if fits { valued } else { Vec::new() };
    if scale == Scale::Log {
        // The smallest bar has to have a length.
        let low = extent.low();
        extent.reach((low / 2.0).max(f64::MIN_POSITIVE));
    }
    if !valued.is_empty() {
        make_room(&mut extent, scale, if horizontal { (widest + 8.0) / (length - widest) } else { 0.08 }, horizontal);
    }

    // Where every bar has its value beside it, an axis would only repeat them. A logarithmic axis has to be seen.
    let bare = !valued.is_empty() && scale == Scale::Linear;
    let Some(span) = extent.span(&figure.y, 0.0, !bare) else {
        return Ok(empty(figure, "No rows to show", &notes));
    };
    let values = Side::new(Domain::Values(span.clone()), &figure.y.label);
    let values = if bare { values.bare() } else { values };
    let categories = Side { turn: true, ..Side::new(Domain::Categories(labels), &figure.x.label) };
    let (bottom, left) = if horizontal { (values, categories) } else { (categories, values) };
    let mut plan = Plan::new(bottom, left);
    if horizontal {
        let lanes = if mark.stacked { 1 } else { series.len() };
        plan.height = (shown as f64 * (14.0 * lanes as f64 + 12.0).max(26.0)).clamp(60.0, 1_400.0);
        plan.right = if valued.is_empty() { 0.0 } else { widest + 8.0 };
    }
    plan.key = key(figure, series, Swatch::Square, false);
    plan.notes = notes;

    let mut frame = Frame::new(figure, plan);
    let (along, across) =
        if horizontal { (frame.x.clone(), frame.y.clone()) } else { (frame.y.clone(), frame.x.clone()) };
    let lanes = Lanes::new(&across, if mark.stacked { 1 } else { series.len() });
    let zero = if scale == Scale::Log { along.start() } else { along.at(0.0) };
    let place = |value: f64| if scale == Scale::Log && value <= 0.0 { along.start() } else { along.at(value) };

    if pieces.len() <= TOOLTIPS {
        for piece in &pieces {
            let start = lanes.start(across.at(piece.category as f64), if mark.stacked { 0 } else { piece.series });
            let (ink, opacity) = colour(piece.series);
            let name = series.get(piece.series).map_or("", |one| one.name.as_str());
            let category = mark.categories.get(piece.category).map_or("", String::as_str);
            let hint = tooltip(category, name, &span.exact(piece.value));
            let mut shape =
                bar((place(piece.from), place(piece.to)), (start, lanes.thickness), horizontal, ink, Some(hint));
            if let Shape::Rectangle { opacity: paint, rounded, .. } = &mut shape {
                *paint = opacity;
                if mark.stacked {
                    *rounded = crate::chart::scene::Rounded::None;
                }
            }
            frame.push(shape);
        }
    } else {
        // Thousands of bars are one shape for each series.
        for index in 0..series.len() {
            let mine = pieces.iter().filter(|piece| piece.series == index);
            let rings = mine.map(|piece| {
                let start = lanes.start(across.at(piece.category as f64), if mark.stacked { 0 } else { index });
                let (from, to) = (place(piece.from), place(piece.to));
                let (low, length) = (from.min(to), (from - to).abs());
                if horizontal {
                    ring(low, start, length, lanes.thickness)
                } else {
                    ring(start, low, lanes.thickness, length)
                }
            });
            let (fill, opacity) = colour(index);
            let rings = rings.collect();
            frame.push(Shape::Polygons { rings, fill, opacity, tooltip: None });
        }
    }
    for (piece, text) in pieces.iter().zip(valued) {
        let middle = across.at(piece.category as f64);
        let end = place(piece.to);
        let negative = piece.to < 0.0;
        let (at, anchor) = match (horizontal, negative) {
            (true, false) => ((end + 6.0, middle + Text::middle(VALUE_SIZE)), Anchor::Start),
            (true, true) => ((end - 6.0, middle + Text::middle(VALUE_SIZE)), Anchor::End),
            (false, false) => ((middle, end - 5.0), Anchor::Middle),
            (false, true) => ((middle, end + 14.0), Anchor::Middle),
        };
        frame.push(Shape::Text(Text::new(at, text, VALUE_SIZE, anchor, Ink::Text)));
    }
    if horizontal {
        frame.wall(zero);
    } else {
        frame.floor(zero);
    }
    Ok(frame.scene)
}

/// The bars to draw, category by category, and the values that they reach.
fn pieces(mark: &Bar, series: &[Series], shown: usize, scale: Scale) -> (Vec<Piece>, Extent) {
    let mut extent = Extent::new(scale);
    let mut pieces = Vec::new();
    for category in 0..shown {
        let mut stack = Stack::default();
        for (index, one) in series.iter().enumerate() {
            let raw = one.values.get(category).copied().flatten();
            extent.add(raw);
            let Some(value) = admitted(scale, raw) else { continue };
            let (from, to) = if mark.stacked { stack.put(value) } else { (0.0, value) };
            if mark.stacked {
                extent.reach(to);
            }
            pieces.push(Piece { category, series: index, from, to, value });
        }
    }
    if scale == Scale::Linear && extent.shown > 0 {
        extent.reach(0.0);
    }
    (pieces, extent)
}

/// Whether the bars lie.
fn lies(figure: &Figure, mark: &Bar, series: usize, labels: &[String]) -> bool {
    match mark.orientation {
        Orientation::Vertical => false,
        Orientation::Horizontal => true,
        Orientation::Auto => {
            let band = (f64::from(figure.width) - 90.0) / labels.len().max(1) as f64;
            let widest = labels.iter().map(|label| width(label, 12.0, Weight::Regular)).fold(0.0, f64::max);
            let crowded = widest > band - 8.0;
            // Very many bars are upright and close together: their outline is what can be seen of them.
            crowded && labels.len() * series.max(1) <= 80
        }
    }
}

/// Room past the longest bars for the values beside them: `share` times the range. Lying bars have room of their own on the right.
fn make_room(extent: &mut Extent, scale: Scale, share: f64, horizontal: bool) {
    let (low, high) = (extent.low(), extent.high());
    if scale == Scale::Log {
        if !horizontal {
            extent.reach((high * 1.5).min(LARGEST));
        }
        return;
    }
    let range = high - low;
    if high > 0.0 && !horizontal {
        extent.reach((high + range * share).min(LARGEST));
    }
    if low < 0.0 {
        extent.reach((low - range * share).max(-LARGEST));
    }
}

/// How the bars of one category share its band.
struct Lanes {
    count: f64,
    /// From one bar to the next.
    pitch: f64,
    thickness: f64,
}

impl Lanes {
    fn new(across: &Position, count: usize) -> Lanes {
        let band = across.band();
        let count = count.max(1) as f64;
        let filled = (band * if band < 4.0 { 0.9 } else { 0.76 }).min(56.0 * count);
        let pitch = filled / count;
        let between = if count > 1.0 && pitch > 5.0 { 1.5 } else { 0.0 };
        Lanes { count, pitch, thickness: pitch - between }
    }

    /// Where the bar of a lane begins around the middle of its band.
    fn start(&self, middle: f64, lane: usize) -> f64 {
        middle - self.pitch * self.count / 2.0 + self.pitch * lane as f64 + (self.pitch - self.thickness) / 2.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::Mark;

    fn scene(bar: Bar) -> Scene {
        let figure = Figure::new("t", Mark::Bar(bar.clone()));
        draw(&figure, &bar).unwrap()
    }

    fn rectangles(scene: &Scene) -> Vec<(f64, f64, f64, f64)> {
        let rectangle = |shape: &Shape| match shape {
            Shape::Rectangle { left, top, width, height, tooltip: Some(_), .. } => Some((*left, *top, *width, *height)),
            _ => None,
        };
        scene.shapes.iter().filter_map(rectangle).collect()
    }

    fn some(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn lengths_are_in_proportion_to_values_and_negative_bars_hang() {
        let drawn = rectangles(&scene(Bar::new(["a", "b", "c"], vec![Series::new("", some(&[10.0, 20.0, -5.0]))])));
        assert!((drawn[1].3 / drawn[0].3 - 2.0).abs() < 1e-9 && (drawn[0].3 / drawn[2].3 - 2.0).abs() < 1e-9);
        let floor = drawn[0].1 + drawn[0].3;
        assert!((drawn[1].1 + drawn[1].3 - floor).abs() < 1e-9 && (drawn[2].1 - floor).abs() < 1e-9);
    }

    #[test]
    fn stacked_parts_meet() {
        let series =
            vec![Series::new("x", some(&[3.0])), Series::new("y", some(&[4.0])), Series::new("z", some(&[-2.0]))];
        let drawn = rectangles(&scene(Bar { stacked: true, ..Bar::new(["a"], series) }));
        assert!((drawn[0].1 - (drawn[1].1 + drawn[1].3)).abs() < 1e-9);
        assert!((drawn[2].1 - (drawn[0].1 + drawn[0].3)).abs() < 1e-9);
    }

    #[test]
    fn long_labels_lay_the_bars_down() {
        let names: Vec<String> = (0..12).map(|i| format!("A rather long name of airline {i}")).collect();
        let drawn = rectangles(&scene(Bar::new(names, vec![Series::new("", (1..=12).map(|i| Some(f64::from(i))))])));
        assert!(drawn.windows(2).all(|pair| pair[0].1 < pair[1].1 && pair[0].0 == pair[1].0));
    }

    #[test]
    fn grouped_bars_do_not_overlap() {
        let series = (0..3).map(|i| Series::new(format!("s{i}"), some(&[1.0, 2.0]))).collect();
        let mut drawn = rectangles(&scene(Bar::new(["a", "b"], series)));
        drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(drawn.len(), 6);
        assert!(drawn.windows(2).all(|pair| pair[0].0 + pair[0].2 <= pair[1].0 + 1e-9));
    }

    #[test]
    fn a_logarithmic_axis_leaves_zero_out_and_says_so() {
        let bar = Bar::new(["a", "b", "c"], vec![Series::new("", some(&[1.0, 0.0, 1000.0]))]);
        let mut figure = Figure::new("t", Mark::Bar(bar.clone()));
        figure.y.scale = Scale::Log;
        let scene = draw(&figure, &bar).unwrap();
        assert_eq!(rectangles(&scene).len(), 2);
        let said = scene.shapes.iter().any(|shape| {
            matches!(shape, Shape::Text(text) if text.content == "1 value is zero or negative and has no place on a logarithmic axis.")
        });
        assert!(said);
    }

    #[test]
    fn values_and_categories_must_match() {
        let bar = Bar::new(["a", "b"], vec![Series::new("x", some(&[1.0]))]);
        let error = draw(&Figure::new("t", Mark::Bar(bar.clone())), &bar).unwrap_err();
        assert_eq!(error.to_string(), "the values of series `x`: 1 where 2 are needed");
    }
}
