//! A drawing as a list of shapes, before it is SVG or pixels.
//!
//! Coordinates are CSS pixels from the upper left corner, y downwards. Colours are roles ([`Ink`]), so one scene serves both themes.

use super::theme::Ink;
use super::typography::Weight;

/// A place: x, y.
pub(super) type Point = (f64, f64);

/// A drawing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) title: String,
    pub(super) description: String,
    /// In the order in which they are painted.
    pub(super) shapes: Vec<Shape>,
}

/// Which side of a bar is rounded: the one away from its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounded {
    None,
    All,
    Top,
    Bottom,
    Left,
    Right,
}

/// Where a text stands relative to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Something to paint.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// A rectangle with an optional tooltip.
    Rectangle {
        left: f64,
        top: f64,
        width: f64,
        height: f64,
        rounded: Rounded,
        radius: f64,
        fill: Ink,
        opacity: f64,
        tooltip: Option<String>,
    },
    /// A straight line along an axis, drawn sharply.
    Rule { from: Point, to: Point, stroke: Ink, width: f64 },
    /// A line through points with round joins.
    Polyline { points: Vec<Point>, stroke: Ink, width: f64, opacity: f64 },
    /// Closed shapes of one colour.
    Polygons { rings: Vec<Vec<Point>>, fill: Ink, opacity: f64, tooltip: Option<String> },
    /// Dots of one colour and size.
    Dots { centres: Vec<Point>, radius: f64, fill: Ink, opacity: f64 },
    /// A line of text.
    Text(Text),
}

/// A line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// Where the baseline starts, is centred or ends.
    pub(super) at: Point,
    pub(super) content: String,
    /// Type size in CSS pixels.
    pub(super) size: f64,
    pub(super) weight: Weight,
    pub(super) anchor: Anchor,
    pub(super) fill: Ink,
    /// Degrees, clockwise, about `at`.
    pub(super) angle: f64,
    /// The whole text, when `content` is a shortened one.
    pub(super) tooltip: Option<String>,
}

impl Text {
    /// A horizontal text in the regular weight.
    pub(super) fn new(at: Point, content: impl Into<String>, size: f64, anchor: Anchor, fill: Ink) -> Text {
        Text { at, content: content.into(), size, weight: Weight::Regular, anchor, fill, angle: 0.0, tooltip: None }
    }

    /// How far below the middle of a line of text its baseline is.
    pub(super) fn middle(size: f64) -> f64 {
        // Half of Inter's height of capitals and figures, 0.727 em.
        0.364 * size
    }
}

/// The rectangle in which marks are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// A bar between a baseline and a value, rounded at its free end.
pub(super) fn bar(
    along: (f64, f64),
    across: (f64, f64),
    horizontal: bool,
    fill: Ink,
    tooltip: Option<String>,
) -> Shape {
    let (baseline, value) = along;
    let (start, thickness) = across;
    let length = (value - baseline).abs();
    let rounded = match (horizontal, value < baseline) {
        (true, false) => Rounded::Right,
        (true, true) => Rounded::Left,
        (false, true) => Rounded::Top,
        (false, false) => Rounded::Bottom,
    };
    let (left, top, width, height) = if horizontal {
        (baseline.min(value), start, length, thickness)
    } else {
        (start, baseline.min(value), thickness, length)
    };
    let radius = 2.5_f64.min(thickness / 3.0).min(length);
    Shape::Rectangle { left, top, width, height, rounded, radius, fill, opacity: 1.0, tooltip }
}

/// A rectangle as a ring of points.
pub(super) fn ring(left: f64, top: f64, width: f64, height: f64) -> Vec<Point> {
    vec![(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
}
