//! Parallel coordinates: a line for each row through several axes, each with a scale of its own (Inselberg 1985, *The plane with parallel
//! coordinates*).

use serde::{Deserialize, Serialize};

use super::tooltip;
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, LegendShow};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::key::Key;
use crate::chart::number;
use crate::chart::position::Domain;
use crate::chart::scene::{Anchor, Point, Rounded, Scene, Shape, Text};
use crate::chart::theme::{Ink, SEQUENTIAL_STEPS};
use crate::chart::typography::{Weight, clean, shorten};

/// The most axes that can be read, and the most lines that are drawn.
const MOST_AXES: usize = 24;
const MOST_LINES: usize = 500;
/// Up to this many lines have a tooltip.
const HINTS: usize = 200;
const LABEL_SIZE: f64 = 11.0;
/// The least distance between the labels of an axis.
const PITCH: f64 = 14.0;
/// The size of the words of the key, and the most of the width that each of them may take.
const KEY_SIZE: f64 = 12.5;
const WIDEST_END: f64 = 0.2;
/// Words that have less room are left out.
const LEAST_ROOM: f64 = 14.0;
/// Half the side of the area over which a line tells its name.
const REACH: f64 = 4.0;

/// A line for each row through several axes. [`Figure::x`] is the axis of their names; [`Figure::y`] is not drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parallel {
    /// The axes from left to right; at most 24.
    pub axes: Vec<ParallelAxis>,
    /// The lines. The 500 strongest are drawn, the strongest on top, and a note counts the others.
    pub lines: Vec<ParallelLine>,
    /// What the ends of the scale of colours mean: the weakest, the strongest.
    pub ends: (String, String),
}

/// An axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParallelAxis {
    /// What it measures.
    pub name: String,
    /// Places from 0 at the bottom to 1 at the top with their words.
    pub ticks: Vec<(f64, String)>,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParallelLine {
    /// What it is, for its tooltip.
    pub name: String,
    /// Its place on each axis, from 0 to 1; a null is a gap.
    pub places: Vec<Option<f64>>,
    /// How strongly it is painted, from 0 to 1.
    pub strength: f64,
    /// Whether it is painted in a colour of its own, over all others.
    #[serde(default)]
    pub is_marked: bool,
}

pub(super) fn draw(figure: &Figure, mark: &Parallel) -> Result<Scene, ChartError> {
    let count = mark.axes.len();
    if count > MOST_AXES {
        let advice = "leave some out";
        return Err(ChartError::TooMany { what: "axes", found: count, limit: MOST_AXES, advice });
    }
    if let Some(line) = mark.lines.iter().find(|line| line.places.len() != count) {
        let what = format!("the places of line `{}`", clean(&line.name));
        return Err(ChartError::Length { what, expected: count, found: line.places.len() });
    }
    let is_placed = |line: &&ParallelLine| line.places.iter().flatten().any(|place| place.is_finite());
    let mut order: Vec<&ParallelLine> = mark.lines.iter().filter(is_placed).collect();
    let strength = |line: &ParallelLine| if line.strength.is_nan() { 0.0 } else { line.strength.clamp(0.0, 1.0) };
    order.sort_by(|a, b| {
        (a.is_marked, strength(a)).partial_cmp(&(b.is_marked, strength(b))).unwrap_or(std::cmp::Ordering::Equal)
    });
    let left_out = order.len().saturating_sub(MOST_LINES);
    let drawn = order.get(left_out..).unwrap_or_default();
    let mut notes = Vec::new();
    if left_out > 0 {
        notes.push(format!("The strongest {MOST_LINES} of {} lines are shown.", number::count(order.len())));
    }
    if count == 0 || drawn.is_empty() {
        return Ok(empty(figure, "No rows to show", &notes));
    }
    let names = mark.axes.iter().map(|axis| clean(&axis.name)).collect();
    let bottom = Side { turn: true, grid: false, ..Side::new(Domain::Categories(names), &figure.x.label) };
    let nothing = Side { grid: false, ..Side::new(Domain::Categories(Vec::new()), "") };
    let mut plan = Plan::new(bottom, nothing);
    plan.height = 300.0;
    plan.notes = notes;
    if figure.legend.show != LegendShow::Never {
        let limit = f64::from(figure.width) * WIDEST_END;
        let end = |word: &str| shorten(&clean(word), KEY_SIZE, Weight::Regular, limit).shown;
        let (low, high) = (end(&mark.ends.0), end(&mark.ends.1));
        let inks = (0..SEQUENTIAL_STEPS).map(Ink::Sequential).collect();
        plan.key = Key::Ramp { title: figure.legend.title.clone(), inks, low, high };
    }
    let mut frame = Frame::new(figure, plan);
    // The highest words stand beside the ends of their axes.
    let (top, height) = (frame.area.top + LABEL_SIZE / 2.0, frame.area.height() - LABEL_SIZE);
    let y = |place: f64| top + height * (1.0 - place.clamp(0.0, 1.0));
    for at in 0..count {
        let x = frame.x.at(at as f64);
        frame.push(Shape::Rule { from: (x, y(1.0)), to: (x, y(0.0)), stroke: Ink::Axis, width: 1.0 });
    }
    for line in drawn {
        let step = (strength(line) * (SEQUENTIAL_STEPS - 1) as f64).round() as usize;
        let (stroke, width, opacity) =
            if line.is_marked { (Ink::Series(1), 2.5, 1.0) } else { (Ink::Sequential(step), 1.5, 0.8) };
        let points: Vec<Option<Point>> = line
            .places
            .iter()
            .enumerate()
            .map(|(at, place)| place.filter(|place| place.is_finite()).map(|place| (frame.x.at(at as f64), y(place))))
            .collect();
        for run in points.split(Option::is_none) {
            let run: Vec<Point> = run.iter().flatten().copied().collect();
            match run.as_slice() {
                [] => {}
                [_] => frame.push(Shape::Dots { centres: run, radius: 3.0, fill: stroke, opacity }),
                _ => frame.push(Shape::Polyline { points: run, stroke, width, opacity }),
            }
        }
    }
    let told = drawn.len().saturating_sub(HINTS);
    for line in drawn.iter().skip(told) {
        let last = line.places.iter().enumerate().rev().find_map(|(at, place)| Some((at, (*place)?)));
        let Some((at, place)) = last.filter(|(_, place)| place.is_finite()) else { continue };
        // Seen by the pointer alone.
        frame.push(Shape::Rectangle {
            left: frame.x.at(at as f64) - REACH,
            top: y(place) - REACH,
            width: 2.0 * REACH,
            height: 2.0 * REACH,
            rounded: Rounded::All,
            radius: REACH,
            fill: Ink::Other,
            opacity: 0.0,
            tooltip: Some(tooltip("", "", &clean(&line.name))),
        });
    }
    for (at, axis) in mark.axes.iter().enumerate() {
        let x = frame.x.at(at as f64);
        // Words end before the next axis, those of the last one inside of the figure.
        let end = if at + 1 < count { x + frame.x.band() - 8.0 } else { frame.scene.width - 6.0 };
        let room = end - x - 6.0;
        if room < LEAST_ROOM {
            continue;
        }
        let mut free = f64::INFINITY;
        let mut ticks: Vec<&(f64, String)> = axis.ticks.iter().filter(|(place, _)| place.is_finite()).collect();
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (place, word) in ticks {
            if y(*place) > free - PITCH {
                continue;
            }
            free = y(*place);
            frame.push(Shape::Rule { from: (x - 3.0, free), to: (x + 3.0, free), stroke: Ink::Axis, width: 1.0 });
            let shown = shorten(&clean(word), LABEL_SIZE, Weight::Regular, room);
            let text = Text::new(
                (x + 6.0, free + Text::middle(LABEL_SIZE)),
                shown.shown,
                LABEL_SIZE,
                Anchor::Start,
                Ink::Text,
            );
            frame.push(Shape::Text(Text { tooltip: shown.full, ..text }));
        }
    }
    Ok(frame.scene)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::Mark;

    fn mark(lines: &[(&[Option<f64>], f64)]) -> Parallel {
        let ticks = vec![(0.0, "low".to_owned()), (1.0, "high".to_owned()), (0.99, "nearly".to_owned())];
        let axis = |name: &str| ParallelAxis { name: name.to_owned(), ticks: ticks.clone() };
        let line = |(places, strength): &(&[Option<f64>], f64)| ParallelLine {
            name: "one".to_owned(),
            places: places.to_vec(),
            strength: *strength,
            is_marked: false,
        };
        let ends = ("worst".to_owned(), "best".to_owned());
        Parallel { axes: ["a", "b", "c"].map(axis).to_vec(), lines: lines.iter().map(line).collect(), ends }
    }

    fn scene(mark: &Parallel) -> Result<Scene, ChartError> {
        draw(&Figure::new("t", Mark::Parallel(mark.clone())), mark)
    }

    fn polylines(scene: &Scene) -> Vec<(&Vec<Point>, Ink)> {
        scene
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Polyline { points, stroke, .. } => Some((points, *stroke)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn the_strongest_line_is_on_top_and_goes_from_axis_to_axis() {
        let scene = scene(&mark(&[(&[Some(0.0), Some(1.0), Some(0.5)], 1.0), (&[Some(1.0); 3], 0.0)])).unwrap();
        let lines = polylines(&scene);
        assert_eq!(lines.iter().map(|line| line.1).collect::<Vec<_>>(), [Ink::Sequential(0), Ink::Sequential(8)]);
        let [a, b, c] = lines[1].0.as_slice() else { panic!("three corners") };
        assert!(a.0 < b.0 && b.0 < c.0 && b.1 < c.1 && c.1 < a.1);
        assert!((c.1 - (a.1 + b.1) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_missing_value_is_a_gap_and_words_do_not_cover_each_other() {
        let scene = scene(&mark(&[(&[Some(0.2), None, Some(f64::NAN)], 0.5)])).unwrap();
        assert!(polylines(&scene).is_empty());
        let words = |word: &str| {
            scene.shapes.iter().filter(|shape| matches!(shape, Shape::Text(text) if text.content == word)).count()
        };
        assert_eq!((words("low"), words("nearly"), words("high")), (3, 3, 0));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_nothing_is_empty() {
        let mut short = mark(&[(&[Some(0.0); 3], 1.0)]);
        short.lines[0].places.pop();
        assert_eq!(scene(&short).unwrap_err().to_string(), "the places of line `one`: 2 where 3 are needed");
        assert!(scene(&mark(&[])).is_ok());
        let many = vec![(&[Some(0.5); 3][..], f64::NAN); MOST_LINES + 1];
        assert_eq!(polylines(&scene(&mark(&many)).unwrap()).len(), MOST_LINES);
    }
}
