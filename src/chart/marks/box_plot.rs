//! Box plots: the spread of the values of each category (Tukey 1977).

use serde::{Deserialize, Serialize};

use super::tooltip;
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, ReferenceAxis};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::number;
use crate::chart::position::{Domain, Extent, admitted};
use crate::chart::scene::{Point, Rounded, Scene, Shape};
use crate::chart::theme::Ink;
use crate::chart::typography::clean;

/// The most categories that are drawn.
const MOST_CATEGORIES: usize = 100;
/// The most single values that are drawn for a category, and for all of them.
const MOST_DOTS: usize = 200;
const MOST_DOTS_IN_ALL: usize = 4_000;
/// The greatest height of a box.
const THICKEST: f64 = 22.0;

/// A box from the lower to the upper quartile with a line at the median, whiskers and dots beyond them, category below
/// category. [`Figure::x`] is the axis of the categories, [`Figure::y`] that of the values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoxPlot {
    /// The categories from top to bottom. The first 100 are drawn and a note counts the others.
    pub categories: Vec<String>,
    /// The spread of each category; none where it has no values.
    pub spreads: Vec<Option<Spread>>,
}

/// How values are spread.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Spread {
    /// The end of the lower whisker, such as the least value within 1.5 interquartile ranges of the box.
    pub low: f64,
    /// The lower quartile.
    pub q25: f64,
    /// The median.
    pub median: f64,
    /// The upper quartile.
    pub q75: f64,
    /// The end of the upper whisker.
    pub high: f64,
    /// The mean, drawn as a dot.
    #[serde(default)]
    pub mean: Option<f64>,
    /// Values beyond the whiskers; at most the first 200 are drawn.
    #[serde(default)]
    pub beyond: Vec<f64>,
}

impl BoxPlot {
    /// Box plots of labelled spreads. A spread that is not finite counts as none.
    pub fn new<L: Into<String>>(spreads: impl IntoIterator<Item = (L, Option<Spread>)>) -> BoxPlot {
        let drawable = |spread: Option<Spread>| {
            let mut spread =
                spread.filter(|of| [of.low, of.q25, of.median, of.q75, of.high].iter().all(|v| v.is_finite()))?;
            spread.mean = spread.mean.filter(|mean| mean.is_finite());
            spread.beyond.retain(|value| value.is_finite());
            Some(spread)
        };
        let (categories, spreads) = spreads.into_iter().map(|(label, spread)| (label.into(), drawable(spread))).unzip();
        BoxPlot { categories, spreads }
    }
}

pub(super) fn draw(figure: &Figure, mark: &BoxPlot) -> Result<Scene, ChartError> {
    let all = mark.categories.len();
    if mark.spreads.len() != all {
        let what = "the spreads of a box plot".to_string();
        return Err(ChartError::Length { what, expected: all, found: mark.spreads.len() });
    }
    let shown = all.min(MOST_CATEGORIES);
    let mut notes = Vec::new();
    if shown < all {
        notes.push(format!("The first {} of {} categories are shown.", number::count(shown), number::count(all)));
    }
    let dots = MOST_DOTS.min(MOST_DOTS_IN_ALL / shown.max(1));
    if mark.spreads.iter().take(shown).flatten().any(|spread| spread.beyond.len() > dots) {
        notes.push(format!("Of the values beyond its whiskers at most {dots} are drawn for each category."));
    }
    let scale = figure.y.scale;
    let mut extent = Extent::new(scale);
    for spread in mark.spreads.iter().take(shown).flatten() {
        let ends = [spread.low, spread.q25, spread.median, spread.q75, spread.high];
        ends.iter().for_each(|value| extent.add(Some(*value)));
        spread.beyond.iter().take(dots).chain(&spread.mean).for_each(|value| extent.add(Some(*value)));
    }
    extent.reach_references(figure, ReferenceAxis::Y);
    notes.extend(extent.notes(&figure.y));
    let Some(span) = extent.span(&figure.y, 0.02, false) else {
        return Ok(empty(figure, "No rows to show", &notes));
    };
    let labels: Vec<String> = mark.categories.iter().take(shown).map(|label| clean(label)).collect();
    let categories = Side { grid: false, ..Side::new(Domain::Categories(labels), &figure.x.label) };
    let mut plan = Plan::new(Side::new(Domain::Values(span.clone()), &figure.y.label), categories);
    plan.height = (shown as f64 * 32.0).clamp(60.0, 1_400.0);
    plan.notes = notes;
    let mut frame = Frame::new(figure, plan);
    let thickness = (frame.y.band() * 0.66).min(THICKEST);
    let ink = Ink::Series(0);
    for (at, spread) in mark.spreads.iter().take(shown).enumerate() {
        let Some(spread) = spread else { continue };
        let place = |value: f64| admitted(scale, Some(value)).map(|value| frame.x.at(value));
        let ends = [spread.low, spread.q25, spread.median, spread.q75, spread.high].map(place);
        let [Some(low), Some(q25), Some(median), Some(q75), Some(high)] = ends else { continue };
        let mean = spread.mean.and_then(place);
        let beyond: Vec<f64> = spread.beyond.iter().take(dots).filter_map(|value| place(*value)).collect();
        let y = frame.y.at(at as f64);
        let half = thickness / 2.0;
        let mut line = |points: Vec<Point>, stroke: Ink, width: f64| {
            frame.push(Shape::Polyline { points, stroke, width, opacity: 1.0 });
        };
        line(vec![(low, y), (q25, y)], ink, 1.5);
        line(vec![(q75, y), (high, y)], ink, 1.5);
        line(vec![(low, y - half / 2.0), (low, y + half / 2.0)], ink, 1.5);
        line(vec![(high, y - half / 2.0), (high, y + half / 2.0)], ink, 1.5);
        let words = |name: &str, value: f64| format!("{name} {}", span.exact(value));
        let hint = [
            words("median", spread.median),
            words("quartiles", spread.q25) + &format!(" and {}", span.exact(spread.q75)),
            words("whiskers", spread.low) + &format!(" and {}", span.exact(spread.high)),
        ]
        .join(", ");
        frame.push(Shape::Rectangle {
            left: q25,
            top: y - half,
            width: (q75 - q25).max(1.0),
            height: thickness,
            rounded: Rounded::All,
            radius: 2.0,
            fill: ink,
            opacity: 0.35,
            tooltip: Some(tooltip(mark.categories.get(at).map_or("", String::as_str), "", &hint)),
        });
        let points = vec![(median, y - half), (median, y + half)];
        frame.push(Shape::Polyline { points, stroke: ink, width: 2.5, opacity: 1.0 });
        if !beyond.is_empty() {
            let centres = beyond.into_iter().map(|x| (x, y)).collect();
            frame.push(Shape::Dots { centres, radius: 1.8, fill: ink, opacity: 0.5 });
        }
        if let Some(mean) = mean {
            frame.push(Shape::Dots { centres: vec![(mean, y)], radius: 3.0, fill: Ink::Text, opacity: 1.0 });
        }
    }
    frame.references(figure, true);
    Ok(frame.scene)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::Mark;

    #[test]
    fn boxes_reach_from_quartile_to_quartile() {
        let spread = |from: f64, to: f64| {
            Some(Spread { low: 0.0, q25: from, median: from, q75: to, high: 10.0, ..Spread::default() })
        };
        let mark = BoxPlot::new([("a", spread(2.0, 4.0)), ("b", None), ("c", spread(2.0, 8.0))]);
        let scene = draw(&Figure::new("t", Mark::BoxPlot(mark.clone())), &mark).unwrap();
        let boxes: Vec<f64> = scene
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Rectangle { width, tooltip: Some(_), .. } => Some(*width),
                _ => None,
            })
            .collect();
        assert_eq!(boxes.len(), 2, "a category without values has no box");
        assert!((boxes[1] / boxes[0] - 3.0).abs() < 1e-9);
    }

    #[test]
    fn values_that_cannot_be_drawn_leave_their_box_out() {
        let spread = Spread { low: f64::NAN, q25: 1.0, median: 2.0, q75: 3.0, high: 4.0, ..Spread::default() };
        let mark = BoxPlot::new([("a", Some(spread))]);
        let scene = draw(&Figure::new("t", Mark::BoxPlot(mark.clone())), &mark).unwrap();
        assert!(!scene.shapes.iter().any(|shape| matches!(shape, Shape::Rectangle { tooltip: Some(_), .. })));
    }
}
