//! Intervals: an estimate and how far it may be off, for each category (a forest plot).

use serde::{Deserialize, Serialize};

use super::{Series, check_lengths, colour, distinct, key, tooltip};
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, ReferenceAxis};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::key::Swatch;
use crate::chart::number;
use crate::chart::position::{Domain, Extent, admitted};
use crate::chart::scene::{Point, Rounded, Scene, Shape};
use crate::chart::typography::clean;

/// The most categories that are drawn.
const MOST_CATEGORIES: usize = 200;
/// The radius of an estimate's dot.
const RADIUS: f64 = 4.0;
/// Half the height of the caps at the ends of an interval.
const CAP: f64 = 3.5;
/// The distance between two series inside of a category.
const LANE: f64 = 12.0;

/// A dot with a line from the lower to the upper end of its interval, category below category. [`Figure::x`] is the axis of the
/// categories, [`Figure::y`] that of the values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The categories from top to bottom. The first 200 are drawn and a note counts the others.
    pub categories: Vec<String>,
    /// One colour each.
    pub series: Vec<Estimates>,
}

/// Estimates under one name and colour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimates {
    /// The estimates, one for each category; none where there is none.
    #[serde(flatten)]
    pub values: Series,
    /// The lower ends; none where the interval is open.
    pub low: Vec<Option<f64>>,
    /// The upper ends.
    pub high: Vec<Option<f64>>,
}

impl Interval {
    /// Estimates of one series: label, estimate, lower and upper end.
    pub fn new<L: Into<String>>(
        estimates: impl IntoIterator<Item = (L, Option<f64>, Option<f64>, Option<f64>)>,
    ) -> Interval {
        let mut categories = Vec::new();
        let (mut values, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new());
        for (label, value, from, to) in estimates {
            categories.push(label.into());
            values.push(value);
            low.push(from);
            high.push(to);
        }
        Interval { categories, series: vec![Estimates { values: Series::new("", values), low, high }] }
    }
}

pub(super) fn draw(figure: &Figure, mark: &Interval) -> Result<Scene, ChartError> {
    let all = mark.categories.len();
    let values: Vec<Series> = mark.series.iter().map(|one| one.values.clone()).collect();
    check_lengths(&values, all)?;
    for ends in mark.series.iter().flat_map(|one| [&one.low, &one.high]) {
        if ends.len() != all {
            let what = "the ends of intervals".to_string();
            return Err(ChartError::Length { what, expected: all, found: ends.len() });
        }
    }
    let (named, note) = distinct(&values);
    let series = mark.series.get(..named.len()).unwrap_or(&mark.series);
    let mut notes: Vec<String> = note.into_iter().collect();
    let shown = all.min(MOST_CATEGORIES);
    if shown < all {
        notes.push(format!("The first {} of {} categories are shown.", number::count(shown), number::count(all)));
    }
    let scale = figure.y.scale;
    let mut extent = Extent::new(scale);
    for one in series {
        one.values.values.iter().take(shown).for_each(|value| extent.add(*value));
        for end in one.low.iter().take(shown).chain(one.high.iter().take(shown)) {
            if let Some(end) = admitted(scale, *end) {
                extent.add(Some(end));
            }
        }
    }
    extent.reach_references(figure, ReferenceAxis::Y);
    notes.extend(extent.notes(&figure.y));
    let Some(span) = extent.span(&figure.y, 0.03, false) else {
        return Ok(empty(figure, "No rows to show", &notes));
    };
    let labels: Vec<String> = mark.categories.iter().take(shown).map(|label| clean(label)).collect();
    let categories = Side { grid: false, ..Side::new(Domain::Categories(labels), &figure.x.label) };
    let mut plan = Plan::new(Side::new(Domain::Values(span.clone()), &figure.y.label), categories);
    plan.height = (shown as f64 * (LANE * series.len() as f64 + 12.0)).clamp(60.0, 1_400.0);
    plan.key = key(figure, named, Swatch::Dot, false);
    plan.notes = notes;
    let mut frame = Frame::new(figure, plan);
    frame.references(figure, true);
    let pitch = LANE.min(frame.y.band() / (series.len() + 1) as f64);
    for (index, one) in series.iter().enumerate() {
        let (ink, opacity) = colour(index);
        let lane = (index as f64 - (series.len() - 1) as f64 / 2.0) * pitch;
        for at in 0..shown {
            let end = |ends: &[Option<f64>]| admitted(scale, ends.get(at).copied().flatten());
            let (value, low, high) = (end(&one.values.values), end(&one.low), end(&one.high));
            let y = frame.y.at(at as f64) + lane;
            if let (Some(low), Some(high)) = (low, high) {
                let (from, to) = (frame.x.at(low), frame.x.at(high));
                let mut line = |points: Vec<Point>| {
                    frame.push(Shape::Polyline { points, stroke: ink, width: 1.5, opacity });
                };
                line(vec![(from, y), (to, y)]);
                line(vec![(from, y - CAP), (from, y + CAP)]);
                line(vec![(to, y - CAP), (to, y + CAP)]);
            }
            let Some(value) = value else { continue };
            let interval = match (low, high) {
                (Some(low), Some(high)) => format!(" ({} to {})", span.exact(low), span.exact(high)),
                _ => String::new(),
            };
            let place = mark.categories.get(at).map_or("", String::as_str);
            let hint = tooltip(place, &one.values.name, &format!("{}{interval}", span.exact(value)));
            frame.push(Shape::Rectangle {
                left: frame.x.at(value) - RADIUS,
                top: y - RADIUS,
                width: 2.0 * RADIUS,
                height: 2.0 * RADIUS,
                rounded: Rounded::All,
                radius: RADIUS,
                fill: ink,
                opacity,
                tooltip: Some(hint),
            });
        }
    }
    Ok(frame.scene)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::{Mark, Reference};

    fn scene(mark: &Interval, references: Vec<Reference>) -> Scene {
        let figure = Figure { references, ..Figure::new("t", Mark::Interval(mark.clone())) };
        draw(&figure, mark).unwrap()
    }

    fn lines(scene: &Scene) -> Vec<&Vec<Point>> {
        scene
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Polyline { points, .. } => Some(points),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn lengths_are_in_proportion_to_the_intervals() {
        let mark = Interval::new([
            ("a", Some(1.0), Some(0.0), Some(2.0)),
            ("b", Some(3.0), Some(2.0), Some(6.0)),
            ("c", Some(5.0), None, None),
        ]);
        let scene = scene(&mark, vec![Reference::y(-4.0, "zero")]);
        let wide: Vec<f64> =
            lines(&scene).iter().map(|line| line[1].0 - line[0].0).filter(|wide| *wide > 0.0).collect();
        assert_eq!(wide.len(), 2, "an estimate without an interval is a dot alone");
        assert!((wide[1] / wide[0] - 2.0).abs() < 1e-9);
        let dots =
            scene.shapes.iter().filter(|shape| matches!(shape, Shape::Rectangle { tooltip: Some(_), .. })).count();
        assert_eq!(dots, 3);
    }

    #[test]
    fn a_reference_line_is_inside_of_the_axis_and_named() {
        let mark = Interval::new([("a", Some(5.0), Some(4.0), Some(6.0))]);
        let scene = scene(&mark, vec![Reference::y(0.0, "no effect")]);
        let named = scene.shapes.iter().any(|shape| matches!(shape, Shape::Text(text) if text.content == "no effect"));
        assert!(named);
    }

    #[test]
    fn each_category_needs_both_ends() {
        let mut mark = Interval::new([("a", Some(5.0), Some(4.0), Some(6.0))]);
        mark.series[0].low.clear();
        let error = draw(&Figure::new("t", Mark::Interval(mark.clone())), &mark).unwrap_err();
        assert_eq!(error.to_string(), "the ends of intervals: 0 where 1 are needed");
    }
}
