//! Scatter: a dot for each row, at two of its values.

use serde::{Deserialize, Serialize};

use super::{Positions, density};
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Axis, Figure, LegendShow, ReferenceAxis, Scale};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::key::{Entry, Key, Swatch};
use crate::chart::number;
use crate::chart::position::{Domain, Extent, admitted};
use crate::chart::scene::{Anchor, Area, Point, Rounded, Scene, Shape, Text};
use crate::chart::theme::{Ink, SERIES_COLOURS};
use crate::chart::typography::{Weight, clean, shorten, width};

/// More points than this are drawn as a density: they would hide each other, and the SVG would be too large.
const MOST_DOTS: usize = 5_000;

/// The length of the head of an arrow, and the size of its name.
const HEAD: f64 = 8.0;
const NAME_SIZE: f64 = 12.0;

/// A dot for each row. From 5,001 dots on the figure shows how dense they lie instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    /// Where the points stand along the horizontal axis.
    pub x: Positions,
    /// Where they stand along the vertical axis; as many as `x`.
    pub y: Vec<Option<f64>>,
    /// The names of the colours. Empty when all points have the same. From the ninth on they share one grey.
    #[serde(default)]
    pub groups: Vec<String>,
    /// For each point the index of its group; null is the grey of no group. Empty without groups.
    #[serde(default)]
    pub group: Vec<Option<u32>>,
    /// Arrows from the origin, such as the loadings of a biplot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrows: Vec<Arrow>,
}

/// An arrow from the origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arrow {
    /// The words at its head.
    pub name: String,
    /// Where its head stands on the horizontal axis.
    pub x: f64,
    /// Where it stands on the vertical axis.
    pub y: f64,
}

impl Scatter {
    /// Points of one colour.
    pub fn new(x: Positions, y: Vec<Option<f64>>) -> Scatter {
        Scatter { x, y, groups: Vec::new(), group: Vec::new(), arrows: Vec::new() }
    }
}

pub(super) fn draw(figure: &Figure, mark: &Scatter) -> Result<Scene, ChartError> {
    let expected = mark.x.len();
    let length = |what: &str, found: usize| ChartError::Length { what: what.to_string(), expected, found };
    if mark.y.len() != expected {
        return Err(length("the vertical places of a scatter", mark.y.len()));
    }
    let grouped = !mark.groups.is_empty();
    if grouped && mark.group.len() != expected {
        return Err(length("the groups of points of a scatter", mark.group.len()));
    }
    let x_scale = mark.x.scale(&figure.x);
    let arrows = heads(mark, x_scale, figure.y.scale);
    let reach = |bound: Option<f64>, pick: fn(f64, f64) -> f64| {
        arrows.iter().flat_map(|arrow| [0.0, arrow.x]).chain(bound).reduce(pick)
    };
    let axis = Axis { min: reach(figure.x.min, f64::min), max: reach(figure.x.max, f64::max), ..figure.x.clone() };
    let (x_domain, mut notes) = mark.x.domain(&axis, 0.03);
    let mut extent = Extent::new(figure.y.scale);
    mark.y.iter().for_each(|value| extent.add(*value));
    if extent.shown > 0 {
        arrows.iter().flat_map(|arrow| [0.0, arrow.y]).for_each(|y| extent.reach(y));
    }
    extent.reach_references(figure, ReferenceAxis::Y);
    notes.extend(extent.notes(&figure.y));
    let (Some(x_domain), Some(span)) = (x_domain, extent.span(&figure.y, 0.04, false)) else {
        return Ok(empty(figure, "No rows to show", &notes));
    };

    let place = |index: usize| {
        Some((mark.x.place(index, x_scale)?, admitted(figure.y.scale, mark.y.get(index).copied().flatten())?))
    };
    let drawn: Vec<(usize, (f64, f64))> = (0..expected).filter_map(|index| Some((index, place(index)?))).collect();
    let missing = (0..expected)
        .filter(|index| mark.x.raw(*index).is_none() || mark.y.get(*index).copied().flatten().is_none())
        .count();
    if missing > 0 {
        let points = if missing == 1 { "point lacks" } else { "points lack" };
        notes.push(format!("{} {points} a value and cannot be drawn.", number::count(missing)));
    }
    if drawn.is_empty() {
        return Ok(empty(figure, "No rows to show", &notes));
    }
    let dense = drawn.len() > MOST_DOTS;
    if dense && grouped {
        notes.push(format!(
            "{} points are drawn as a density, without the colours of their groups.",
            number::count(drawn.len())
        ));
    }

    let mut plan = Plan::new(Side::new(x_domain, &figure.x.label), Side::new(Domain::Values(span), &figure.y.label));
    plan.height = (f64::from(figure.width) * 0.5).clamp(200.0, 400.0);
    plan.notes = notes;
    let kinds = Kinds::of(mark);
    plan.key = if dense { density::placeholder(drawn.len()) } else { kinds.key(figure) };
    let mut frame = Frame::new(figure, plan.clone());
    if dense {
        let points = |frame: &Frame| -> Vec<Point> {
            drawn.iter().map(|(_, (x, y))| (frame.x.at(*x), frame.y.at(*y))).collect()
        };
        let cells = density::Cells::count(&points(&frame), frame.area);
        // The key names the densest cell, which is known only now; its height is that of the placeholder.
        plan.key = cells.key(figure);
        let mut frame = Frame::new(figure, plan);
        density::Cells::count(&points(&frame), frame.area).draw(&mut frame);
        frame.references(figure, false);
        draw_arrows(&mut frame, &arrows);
        return Ok(frame.scene);
    }
    let (radius, opacity) = match drawn.len() {
        0..=100 => (4.0, 0.85),
        101..=600 => (3.2, 0.65),
        601..=2_000 => (2.5, 0.6),
        _ => (2.0, 0.5),
    };
    // Groups take turns, so that none covers the others.
    const TURN: usize = 250;
    for turn in drawn.chunks(TURN) {
        for (kind, (_, ink)) in kinds.inks.iter().enumerate() {
            let mine = turn.iter().filter(|(index, _)| kinds.kind(mark, *index) == kind);
            let centres: Vec<Point> = mine.map(|(_, (x, y))| (frame.x.at(*x), frame.y.at(*y))).collect();
            if !centres.is_empty() {
                frame.push(Shape::Dots { centres, radius, fill: *ink, opacity });
            }
        }
    }
    frame.references(figure, false);
    draw_arrows(&mut frame, &arrows);
    Ok(frame.scene)
}

/// The arrows that have a place: on linear axes, where the origin has one.
fn heads(mark: &Scatter, x: Scale, y: Scale) -> Vec<Arrow> {
    let linear = x == Scale::Linear && y == Scale::Linear;
    let drawable =
        |arrow: &&Arrow| linear && [arrow.x, arrow.y].iter().all(|at| admitted(Scale::Linear, Some(*at)).is_some());
    mark.arrows.iter().filter(drawable).cloned().collect()
}

/// Draws the arrows, and their names where no other name stands.
fn draw_arrows(frame: &mut Frame, arrows: &[Arrow]) {
    let origin = (frame.x.at(0.0), frame.y.at(0.0));
    let mut taken: Vec<Area> = Vec::new();
    for arrow in arrows {
        let head = (frame.x.at(arrow.x), frame.y.at(arrow.y));
        let (dx, dy) = (head.0 - origin.0, head.1 - origin.1);
        let length = dx.hypot(dy);
        if length < 1.0 {
            continue;
        }
        let (ux, uy) = (dx / length, dy / length);
        let barb = HEAD.min(length);
        let side =
            |turn: f64| (head.0 - barb * ux - turn * 0.5 * barb * uy, head.1 - barb * uy + turn * 0.5 * barb * ux);
        frame.push(Shape::Polyline { points: vec![origin, head], stroke: Ink::Text, width: 1.5, opacity: 1.0 });
        let ring = vec![head, side(1.0), side(-1.0)];
        frame.push(Shape::Polygons {
            rings: vec![ring],
            fill: Ink::Text,
            opacity: 1.0,
            tooltip: Some(clean(&arrow.name)),
        });
        name(frame, &mut taken, arrow, head, (ux, uy));
    }
}

/// Writes the name of an arrow beyond its head: on the side to which it points, or, where another name stands, a line higher or lower.
fn name(frame: &mut Frame, taken: &mut Vec<Area>, arrow: &Arrow, head: Point, (ux, uy): Point) {
    let shown = shorten(&clean(&arrow.name), NAME_SIZE, Weight::Regular, 140.0);
    let wide = width(&shown.shown, NAME_SIZE, Weight::Regular);
    let middle = head.1 + 8.0 * uy;
    let left = match ux {
        ux if ux > 0.35 => head.0 + 5.0,
        ux if ux < -0.35 => head.0 - 5.0 - wide,
        _ => head.0 - wide / 2.0,
    };
    let left = left.min(frame.area.right - wide).max(frame.area.left);
    let place = |shift: f64| {
        let top = (middle + shift - NAME_SIZE / 2.0)
            .clamp(frame.area.top, (frame.area.bottom - NAME_SIZE).max(frame.area.top));
        Area { left, right: left + wide, top, bottom: top + NAME_SIZE }
    };
    let overlaps = |a: &Area, b: &Area| a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    let away = if uy > 0.0 { 1.0 } else { -1.0 };
    let free = [0.0, 13.0, -13.0, 26.0, -26.0].map(|shift| place(shift * away));
    // A name that was pushed back into the figure must not lie on the head.
    let hides = |area: &Area| area.left < head.0 && head.0 < area.right && area.top < head.1 && head.1 < area.bottom;
    let fits = |area: &Area| !hides(area) && !taken.iter().any(|other| overlaps(area, other));
    let Some(area) = free.into_iter().find(fits) else { return };
    // Paper below the word, so that dots do not run through it.
    frame.push(Shape::Rectangle {
        left: area.left - 2.0,
        top: area.top - 1.0,
        width: wide + 4.0,
        height: NAME_SIZE + 2.0,
        rounded: Rounded::All,
        radius: 2.0,
        fill: Ink::Surface,
        opacity: 0.8,
        tooltip: None,
    });
    let at = (area.left, f64::midpoint(area.top, area.bottom) + Text::middle(NAME_SIZE));
    let text = Text::new(at, shown.shown, NAME_SIZE, Anchor::Start, Ink::Text);
    frame.push(Shape::Text(Text { tooltip: shown.full, ..text }));
    taken.push(area);
}

/// The colours that points have.
struct Kinds {
    /// Name and colour.
    inks: Vec<(String, Ink)>,
    /// How many groups have a colour of their own.
    own: usize,
}

impl Kinds {
    fn of(mark: &Scatter) -> Kinds {
        if mark.groups.is_empty() {
            return Kinds { inks: vec![(String::new(), Ink::Series(0))], own: 0 };
        }
        let own = mark.groups.len().min(SERIES_COLOURS);
        let mut inks: Vec<_> =
            mark.groups.iter().take(own).enumerate().map(|(i, name)| (clean(name), Ink::Series(i))).collect();
        let stray = mark.group.iter().any(|group| group.is_none_or(|group| group as usize >= own));
        if stray {
            // Grey are points of no group, and those of groups beyond the colours.
            let name = if own < mark.groups.len() { "other" } else { "none" };
            inks.push((name.to_owned(), Ink::Other));
        }
        Kinds { inks, own }
    }

    fn kind(&self, mark: &Scatter, index: usize) -> usize {
        let group = mark.group.get(index).copied().flatten().map_or(self.own, |group| group as usize);
        group.min(self.own)
    }

    fn key(&self, figure: &Figure) -> Key {
        let wanted = match figure.legend.show {
            LegendShow::Never => false,
            LegendShow::Auto | LegendShow::Always => self.own > 0,
        };
        if !wanted {
            return Key::None;
        }
        let entry =
            |(name, ink): &(String, Ink)| Entry { name: name.clone(), ink: *ink, opacity: 1.0, swatch: Swatch::Dot };
        Key::Entries { title: figure.legend.title.clone(), entries: self.inks.iter().map(entry).collect() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::Mark;

    fn scene(scatter: &Scatter) -> Scene {
        draw(&Figure::new("t", Mark::Scatter(scatter.clone())), scatter).unwrap()
    }

    /// A sequence of numbers in 0..1 without any pattern that matters here.
    fn noise(n: u32, factor: u64) -> Vec<Option<f64>> {
        (0..n).map(|i| Some((u64::from(i) * factor % 10_007) as f64 / 10_007.0)).collect()
    }

    fn dots(scene: &Scene) -> usize {
        scene.shapes.iter().map(|shape| if let Shape::Dots { centres, .. } = shape { centres.len() } else { 0 }).sum()
    }

    #[test]
    fn every_point_is_a_dot_in_the_colour_of_its_group() {
        let mut scatter = Scatter::new(Positions::Number(noise(900, 17)), noise(900, 23));
        assert_eq!(dots(&scene(&scatter)), 900);
        scatter.groups = (0..10).map(|i| format!("g{i}")).collect();
        scatter.group = (0..900).map(|i| Some(i % 10)).collect();
        let scene = scene(&scatter);
        let of = |ink: Ink| -> usize {
            scene
                .shapes
                .iter()
                .map(|s| {
                    if let Shape::Dots { centres, fill, .. } = s {
                        if *fill == ink { centres.len() } else { 0 }
                    } else {
                        0
                    }
                })
                .sum()
        };
        // One more than the points: the dot of the key.
        assert_eq!(of(Ink::Series(0)), 91);
        assert_eq!(of(Ink::Other), 181);
    }

    #[test]
    fn arrows_go_from_the_origin_and_names_do_not_cover_each_other() {
        let mut scatter = Scatter::new(Positions::Number(noise(900, 17)), noise(900, 23));
        let arrow = |name: &str, x, y| Arrow { name: name.to_owned(), x, y };
        scatter.arrows =
            vec![arrow("a", 2.0, 1.0), arrow("b", 2.0, 1.0), arrow("c", -3.0, 0.0), arrow("d", f64::NAN, 1.0)];
        let scene = scene(&scatter);
        let lines: Vec<_> = scene
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Polyline { points, .. } => Some(points.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line[0] == lines[0][0]), "one origin");
        assert!(lines[2][1].0 < lines[2][0].0 && (lines[2][1].1 - lines[2][0].1).abs() < 1e-9);
        let place = |name: &str| {
            scene.shapes.iter().find_map(|shape| match shape {
                Shape::Text(text) if text.content == name => Some(text.at),
                _ => None,
            })
        };
        let (a, b) = (place("a").unwrap(), place("b").unwrap());
        assert!((a.1 - b.1).abs() >= 12.0, "{a:?} {b:?}");
        assert!(place("d").is_none());
        // Log axes have no origin.
        let mut figure = Figure::new("t", Mark::Scatter(scatter.clone()));
        figure.y.scale = Scale::Log;
        let drawn = draw(&figure, &scatter).unwrap();
        assert!(!drawn.shapes.iter().any(|shape| matches!(shape, Shape::Polyline { .. })));
    }

    #[test]
    fn a_name_that_does_not_fit_behind_its_arrow_stands_beside_the_head() {
        let mut scatter = Scatter::new(Positions::Number(noise(900, 17)), noise(900, 23));
        scatter.arrows = vec![Arrow { name: "a column of many words".to_owned(), x: 2.0, y: 0.0 }];
        let scene = scene(&scatter);
        let head = scene.shapes.iter().find_map(|shape| match shape {
            Shape::Polyline { points, .. } => points.last().copied(),
            _ => None,
        });
        let name = scene.shapes.iter().find_map(|shape| match shape {
            Shape::Text(text) if text.content.starts_with("a column") => Some(text.at),
            _ => None,
        });
        let (head, name) = (head.unwrap(), name.unwrap());
        assert!(name.0 < head.0 && (name.1 - head.1).abs() > 6.0, "{name:?} {head:?}");
    }

    #[test]
    fn many_points_become_a_density() {
        let scatter = Scatter::new(Positions::Number(noise(40_000, 17)), noise(40_000, 2_311));
        let scene = scene(&scatter);
        assert_eq!(dots(&scene), 0);
        let cells: usize =
            scene.shapes.iter().map(|s| if let Shape::Polygons { rings, .. } = s { rings.len() } else { 0 }).sum();
        assert!(cells > 100, "{cells}");
    }

    #[test]
    fn points_without_a_value_are_counted() {
        let scatter =
            Scatter::new(Positions::Number(vec![Some(1.0), None, Some(2.0)]), vec![Some(1.0), Some(1.0), None]);
        let scene = scene(&scatter);
        let said = |text: &str| scene.shapes.iter().any(|s| matches!(s, Shape::Text(t) if t.content == text));
        assert!(said("2 points lack a value and cannot be drawn."));
    }
}
