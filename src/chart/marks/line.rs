//! Lines: how values go along an ordered axis.

mod corners;

use serde::{Deserialize, Serialize};

use corners::{apart, merged, order, rings, runs, under};

use super::{Positions, Series, check_lengths, colour, distinct, key};
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, LegendShow, ReferenceAxis, Scale};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::key::Swatch;
use crate::chart::position::{Domain, Extent, admitted};
use crate::chart::scene::{Anchor, Point, Scene, Shape, Text};
use crate::chart::theme::Ink;
use crate::chart::typography::{Weight, clean, shorten, width};

/// Up to this many positions each value has a dot and a tooltip.
const DOTS: usize = 31;
/// Up to this many points beside the lines have a tooltip.
const HINTS: usize = 100;
/// Dots beside the lines are at most so many; those that lie close together are one.
const MOST_DOTS: usize = 2_000;
/// All lines together have at most about this many corners; what lies closer than a pixel is merged.
const MOST_CORNERS: usize = 20_000;
const NAME_SIZE: f64 = 12.0;
/// The distance between the names at the ends of lines.
const NAME_PITCH: f64 = 15.0;
/// The distance between the drawing and the names.
const NAME_GAP: f64 = 12.0;
/// The radius of the dot before a name. Names themselves are not coloured: some colours are too pale for small text.
const NAME_DOT: f64 = 3.5;

/// A line for each series. A null is a gap. Positions may come in any order; those that are numbers or times are sorted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Where the values stand along the horizontal axis.
    pub x: Positions,
    /// One colour each, with a value for each position.
    pub series: Vec<Series>,
    /// Pale areas between two values at each position, such as the interval of a forecast.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<Band>,
    /// Dots on places of their own, such as outliers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Points>,
    /// Pale thin lines behind the others, each with a value for each position, such as those of single rows behind their mean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background: Vec<Vec<Option<f64>>>,
}

/// Dots beside the lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Points {
    /// What they are.
    pub name: String,
    /// The series in whose colour they are painted; one past the last has a colour of its own.
    pub series: usize,
    /// Their places along the horizontal axis.
    pub x: Positions,
    /// Their values, as many as `x`.
    pub y: Vec<Option<f64>>,
}

/// An area between two lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// The series in whose colour it is painted.
    pub series: usize,
    /// The lower value at each position; none where the area is interrupted.
    pub low: Vec<Option<f64>>,
    /// The upper value at each position.
    pub high: Vec<Option<f64>>,
}

impl Line {
    /// Lines over shared positions.
    pub fn new(x: Positions, series: Vec<Series>) -> Line {
        Line { x, series, bands: Vec::new(), points: Vec::new(), background: Vec::new() }
    }
}

pub(super) fn draw(figure: &Figure, mark: &Line) -> Result<Scene, ChartError> {
    check_lengths(&mark.series, mark.x.len())?;
    let (series, note) = distinct(&mark.series);
    let mut notes: Vec<String> = note.into_iter().collect();
    let x_scale = mark.x.scale(&figure.x);
    let y_scale = figure.y.scale;
    let (x_domain, x_notes) = mark.x.domain(&figure.x, 0.0);
    notes.extend(x_notes);

    let mut extent = Extent::new(y_scale);
    for one in series {
        let drawn = one.values.iter().enumerate().filter(|(index, _)| mark.x.place(*index, x_scale).is_some());
        drawn.for_each(|(_, value)| extent.add(*value));
    }
    for values in mark.bands.iter().flat_map(|band| [&band.low, &band.high]) {
        if values.len() != mark.x.len() {
            let what = "the values of a band".to_string();
            return Err(ChartError::Length { what, expected: mark.x.len(), found: values.len() });
        }
        values.iter().filter_map(|value| admitted(y_scale, *value)).for_each(|value| extent.add(Some(value)));
    }
    for values in &mark.background {
        if values.len() != mark.x.len() {
            let what = "the values of a line in the background".to_string();
            return Err(ChartError::Length { what, expected: mark.x.len(), found: values.len() });
        }
        values.iter().filter_map(|value| admitted(y_scale, *value)).for_each(|value| extent.add(Some(value)));
    }
    for points in &mark.points {
        if points.y.len() != points.x.len() {
            let what = format!("the values of the points \u{201c}{}\u{201d}", clean(&points.name));
            return Err(ChartError::Length { what, expected: points.x.len(), found: points.y.len() });
        }
        points.y.iter().filter_map(|value| admitted(y_scale, *value)).for_each(|value| extent.add(Some(value)));
    }
    extent.reach_references(figure, ReferenceAxis::Y);
    notes.extend(extent.notes(&figure.y));
    // Zero belongs to the axis unless that would flatten the lines.
    let rooted = y_scale == Scale::Linear && extent.low() >= 0.0 && extent.low() <= 0.5 * extent.high();
    if rooted && extent.shown > 0 {
        extent.reach(0.0);
    }
    let (Some(x_domain), Some(span)) = (x_domain, extent.span(&figure.y, 0.0, true)) else {
        return Ok(empty(figure, "No rows to show", &notes));
    };

    let names: Vec<String> = series.iter().map(|one| clean(&one.name)).collect();
    let longest = (f64::from(figure.width) * 0.22).min(150.0);
    let cut: Vec<_> = names.iter().map(|name| shorten(name, NAME_SIZE, Weight::Regular, longest)).collect();
    let widest = cut.iter().map(|name| width(&name.shown, NAME_SIZE, Weight::Regular)).fold(0.0, f64::max);
    let mut plan =
        Plan::new(Side::new(x_domain, &figure.x.label), Side::new(Domain::Values(span.clone()), &figure.y.label));
    plan.bottom.grid = false;
    plan.height = if figure.width < 420 { 200.0 } else { 260.0 };
    let room = figure.height.map_or(plan.height, |height| f64::from(height) - 130.0);
    let labelled = figure.legend.show == LegendShow::Auto
        && series.len() > 1
        && figure.width >= 420
        && series.len() as f64 * NAME_PITCH <= room;
    plan.key = key(figure, series, Swatch::Line, labelled);
    let title = shorten(&clean(&figure.legend.title), NAME_SIZE, Weight::Regular, longest);
    let widest = widest.max(width(&title.shown, NAME_SIZE, Weight::Regular) - 2.0 * NAME_DOT - 5.0);
    plan.right = if labelled { widest + 2.0 * NAME_DOT + 19.0 } else { 0.0 };
    plan.notes = notes;

    let mut frame = Frame::new(figure, plan);
    let order = order(&mark.x, x_scale);
    let columns = (frame.area.width() as usize).min(MOST_CORNERS / 4 / series.len().max(1)).max(16);
    let mut ends: Vec<(usize, Point)> = Vec::new();
    if rooted {
        let floor = frame.y.at(0.0);
        frame.floor(floor);
    }
    for band in &mark.bands {
        for ring in rings(band, &order, |at, value| {
            let value = admitted(y_scale, value)?;
            Some((frame.x.at(mark.x.place(at, x_scale)?), frame.y.at(value)))
        }) {
            frame.push(Shape::Polygons {
                rings: vec![ring],
                fill: colour(band.series).0,
                opacity: 0.18,
                tooltip: None,
            });
        }
    }
    let placed = |values: &[Option<f64>], frame: &Frame| -> Vec<Option<Point>> {
        let place = |at: &usize| {
            let value = admitted(y_scale, values.get(*at).copied().flatten())?;
            Some((frame.x.at(mark.x.place(*at, x_scale)?), frame.y.at(value)))
        };
        order.iter().map(place).collect()
    };
    let behind = (frame.area.width() as usize).min(MOST_CORNERS / 4 / mark.background.len().max(1)).max(4);
    for values in &mark.background {
        for run in runs(&placed(values, &frame), frame.area, behind) {
            let points = if order.len() > 4 * behind { merged(&run, frame.area, behind) } else { run };
            frame.push(Shape::Polyline { points, stroke: Ink::Muted, width: 1.0, opacity: 0.28 });
        }
    }
    for (index, one) in series.iter().enumerate() {
        let (ink, opacity) = colour(index);
        let points = placed(&one.values, &frame);
        if let Some(last) = points.iter().rev().flatten().next() {
            ends.push((index, *last));
        }
        for run in runs(&points, frame.area, columns) {
            let run = if order.len() > 4 * columns { merged(&run, frame.area, columns) } else { run };
            if rooted && series.len() == 1 && mark.background.is_empty() && run.len() > 1 {
                frame.push(under(&run, frame.y.at(0.0), ink));
            }
            if run.len() > 1 {
                frame.push(Shape::Polyline { points: run, stroke: ink, width: 2.0, opacity });
            } else if !run.is_empty() {
                frame.push(Shape::Dots { centres: run, radius: 3.0, fill: ink, opacity });
            }
        }
        // Among many lines the dots would hide them: they are there for their tooltips alone.
        let crowded = order.len() * series.len() > 3 * DOTS;
        if order.len() <= DOTS {
            for (at, point) in order.iter().zip(&points) {
                let Some((x, y)) = point else { continue };
                let value = one.values.get(*at).copied().flatten().map(|value| span.exact(value)).unwrap_or_default();
                let hint = super::tooltip(&mark.x.word(*at, &figure.x), &one.name, &value);
                frame.push(dot((*x, *y), ink, if crowded { 0.0 } else { 1.0 }, hint));
            }
        }
    }
    for points in &mark.points {
        let (fill, opacity) = colour(points.series);
        let placed = points.y.iter().enumerate().filter_map(|(at, value)| {
            let (x, y) = (points.x.place(at, x_scale)?, admitted(y_scale, *value)?);
            frame.x.covers(x).then(|| (at, (frame.x.at(x), frame.y.at(y)), y))
        });
        let placed: Vec<(usize, Point, f64)> = placed.collect();
        let centres = apart(placed.iter().map(|(_, at, _)| *at).collect());
        if !centres.is_empty() {
            frame.push(Shape::Dots { centres, radius: 4.0, fill, opacity });
        }
        for (at, point, value) in placed.iter().take(HINTS) {
            let hint = super::tooltip(&points.x.word(*at, &figure.x), &points.name, &span.exact(*value));
            frame.push(dot(*point, fill, 0.0, hint));
        }
    }
    frame.references(figure, false);
    if labelled {
        let at = (frame.area.right + NAME_GAP, frame.area.top - 16.0);
        let text = Text::new(at, title.shown, NAME_SIZE, Anchor::Start, Ink::Muted);
        if !text.content.is_empty() {
            frame.push(Shape::Text(Text { tooltip: title.full, ..text }));
        }
        name_ends(&mut frame, &ends, &cut);
    }
    Ok(frame.scene)
}

/// A dot with a tooltip.
fn dot((x, y): Point, fill: Ink, opacity: f64, hint: String) -> Shape {
    const RADIUS: f64 = 3.0;
    Shape::Rectangle {
        left: x - RADIUS,
        top: y - RADIUS,
        width: 2.0 * RADIUS,
        height: 2.0 * RADIUS,
        rounded: crate::chart::scene::Rounded::All,
        radius: RADIUS,
        fill,
        opacity,
        tooltip: Some(hint),
    }
}

/// Writes the names of the series at the ends of their lines, moved apart where they would overlap.
fn name_ends(frame: &mut Frame, ends: &[(usize, Point)], names: &[crate::chart::typography::Shortened]) {
    let mut places: Vec<(usize, f64)> = ends.iter().map(|(index, point)| (*index, point.1)).collect();
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut free = f64::NEG_INFINITY;
    for place in &mut places {
        place.1 = place.1.max(free);
        free = place.1 + NAME_PITCH;
    }
    let mut limit = frame.area.bottom;
    for place in places.iter_mut().rev() {
        place.1 = place.1.min(limit);
        limit = place.1 - NAME_PITCH;
    }
    let x = frame.area.right + NAME_GAP;
    for (index, y) in places {
        let Some(name) = names.get(index) else { continue };
        let (fill, opacity) = colour(index);
        frame.push(Shape::Dots { centres: vec![(x + NAME_DOT, y)], radius: NAME_DOT, fill, opacity });
        let at = (x + 2.0 * NAME_DOT + 5.0, y + Text::middle(NAME_SIZE));
        let text = Text::new(at, name.shown.clone(), NAME_SIZE, Anchor::Start, Ink::Text);
        frame.push(Shape::Text(Text { tooltip: name.full.clone(), ..text }));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
