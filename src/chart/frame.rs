//! The layout of a figure: title, key, axes and notes around the area in which a mark is drawn.
//!
//! Everything is placed from measured text. Room for labels depends on the ticks, and the ticks on the room, so the layout is repeated until it stands.

use super::axes::{Fitted, Side, fit_bottom, fit_left};
use super::figure::{Figure, ReferenceAxis};
use super::key::Key;
use super::position::{Domain, Position};
use super::scene::{Anchor, Area, Rounded, Scene, Shape, Text};
use super::theme::Ink;
use super::typography::{Weight, clean, shorten, width, wrap};

const TITLE_SIZE: f64 = 17.0;
const SUBTITLE_SIZE: f64 = 13.0;
const LABEL_SIZE: f64 = 12.0;
const NOTE_SIZE: f64 = 11.5;
/// The least height of the area of a mark: below it a figure grows.
const LEAST_AREA: f64 = 72.0;

/// What a mark wants around it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub(super) bottom: Side,
    pub(super) left: Side,
    pub(super) key: Key,
    /// Room for labels to the right of the area.
    pub(super) right: f64,
    /// The height of the area when the figure does not state one.
    pub(super) height: f64,
    /// The greatest width of the area.
    pub(super) widest: f64,
    /// What is to be said under the drawing.
    pub(super) notes: Vec<String>,
}

impl Plan {
    pub(super) fn new(bottom: Side, left: Side) -> Plan {
        Plan { bottom, left, key: Key::None, right: 0.0, height: 280.0, widest: f64::INFINITY, notes: Vec::new() }
    }
}

/// A figure with everything but its mark.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) scene: Scene,
    /// Where the mark is drawn.
    pub(super) area: Area,
    pub(super) x: Position,
    pub(super) y: Position,
}

impl Frame {
    /// Lays out a figure around a mark and draws everything but the mark.
    pub(super) fn new(figure: &Figure, plan: Plan) -> Frame {
        let total = f64::from(figure.width);
        let pad = margin(figure);
        let (mut shapes, header) = header(figure, &plan);
        let mut height = plan.height;
        let mut bottom_room = 0.0_f64;
        let mut area = Area { left: pad, top: header, right: total - pad, bottom: header + height };
        let (mut left, mut bottom) =
            (fit_left(&plan.left, height, total * 0.36), fit_bottom(&plan.bottom, area.width()));
        let mut notes: Vec<String> = Vec::new();
        // Two rounds settle nearly every figure; the later ones are for labels at the border of fitting.
        for _ in 0..4 {
            left = fit_left(&plan.left, height, total * 0.36);
            area.left = (pad + left.depth).max(pad + bottom.overhang.0);
            area.right =
                (total - pad - plan.right.max(bottom.overhang.1)).max(area.left + 24.0).min(area.left + plan.widest);
            bottom = fit_bottom(&plan.bottom, area.width());
            notes = note_lines(figure, &plan, [&left, &bottom], total - 2.0 * pad);
            let label = if plan.bottom.label.is_empty() { 0.0 } else { 19.0 };
            bottom_room = bottom.depth + label;
            let footer = bottom_room + 15.0 * notes.len() as f64 + if notes.is_empty() { 0.0 } else { 8.0 } + pad;
            height = figure.height.map_or(plan.height, |wanted| (f64::from(wanted) - header - footer).max(LEAST_AREA));
        }
        area.left = area.left.max(pad + bottom.overhang.0);
        area.right = area.right.min(total - pad - bottom.overhang.1).max(area.left + 24.0);
        area.bottom = area.top + height;

        let y = match left.domain {
            Domain::Categories(_) => Position::new(&left.domain, area.top, area.bottom),
            Domain::Values(_) => Position::new(&left.domain, area.bottom, area.top),
        };
        let x = Position::new(&bottom.domain, area.left, area.right);
        grid(&plan, area, (&bottom, &x), (&left, &y), &mut shapes);
        left.draw_left(area, &mut shapes);
        bottom.draw_bottom(area, &mut shapes);
        if !plan.bottom.label.is_empty() {
            let shown = shorten(&plan.bottom.label, LABEL_SIZE, Weight::Regular, total - 2.0 * pad);
            // Under the middle of the area, as far as it stays inside of the figure.
            let half = width(&shown.shown, LABEL_SIZE, Weight::Regular) / 2.0;
            let middle = ((area.left + area.right) / 2.0).min(total - pad - half).max(pad + half);
            let at = (middle, area.bottom + bottom.depth + 15.0);
            let text = Text::new(at, shown.shown, LABEL_SIZE, Anchor::Middle, Ink::Muted);
            shapes.push(Shape::Text(Text { tooltip: shown.full, ..text }));
        }
        let mut baseline = area.bottom + bottom_room + if notes.is_empty() { 0.0 } else { 8.0 };
        for line in notes {
            baseline += 15.0;
            shapes.push(Shape::Text(Text::new((pad, baseline - 3.0), line, NOTE_SIZE, Anchor::Start, Ink::Muted)));
        }
        let scene = scene(figure, (baseline + pad).ceil(), shapes);
        Frame { scene, area, x, y }
    }

    pub(super) fn push(&mut self, shape: Shape) {
        self.scene.shapes.push(shape);
    }

    /// A line across the area at a height, for the value at which bars begin.
    pub(super) fn floor(&mut self, y: f64) {
        let Area { left, right, .. } = self.area;
        self.push(Shape::Rule { from: (left, y), to: (right, y), stroke: Ink::Axis, width: 1.0 });
    }

    /// A line down the area at a place, for the value at which bars begin.
    pub(super) fn wall(&mut self, x: f64) {
        let Area { top, bottom, .. } = self.area;
        self.push(Shape::Rule { from: (x, top), to: (x, bottom), stroke: Ink::Axis, width: 1.0 });
    }
}

/// The size of the words beside reference lines.
const REFERENCE_SIZE: f64 = 11.0;

impl Frame {
    /// Draws the reference lines of the figure over what was drawn. `lying` says that its categories go down and its values
    /// to the right.
    pub(super) fn references(&mut self, figure: &Figure, lying: bool) {
        let Area { left, top, right, bottom } = self.area;
        let mut free = f64::NEG_INFINITY;
        let mut below = f64::INFINITY;
        let mut lines: Vec<_> = figure.references.iter().filter_map(|line| Some((line.at?, line))).collect();
        lines.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (value, line) in lines {
            let upright = (line.axis == ReferenceAxis::X) != lying;
            let position = if upright { self.x.clone() } else { self.y.clone() };
            if !position.covers(value) {
                continue;
            }
            let at = position.at(value);
            let (from, to) = if upright { ((at, top), (at, bottom)) } else { ((left, at), (right, at)) };
            self.push(Shape::Rule { from, to, stroke: Ink::Muted, width: 1.5 });
            let label = shorten(&clean(&line.label), REFERENCE_SIZE, Weight::Regular, (right - left) / 3.0);
            let wide = width(&label.shown, REFERENCE_SIZE, Weight::Regular);
            if label.shown.is_empty() {
                continue;
            }
            let (place, anchor) = if upright {
                // Beside its line, where there is room; words that would cover other words are left out.
                let ends = at + 5.0 + wide > right;
                let start = if ends { at - 5.0 - wide } else { at + 5.0 };
                if start < free {
                    continue;
                }
                free = start + wide + 6.0;
                // Lying marks fill the area from its top on, so their words stand above it.
                let baseline = if lying { top - 3.0 } else { top + 10.0 };
                if ends { ((at - 5.0, baseline), Anchor::End) } else { ((at + 5.0, baseline), Anchor::Start) }
            } else {
                // Values ascend, so each line lies above the one before it.
                if at > below - REFERENCE_SIZE - 2.0 {
                    continue;
                }
                below = at;
                ((right, at - 4.0), Anchor::End)
            };
            let text = Text::new(place, label.shown, REFERENCE_SIZE, anchor, Ink::Muted);
            self.push(Shape::Text(Text { tooltip: label.full, ..text }));
        }
    }
}

/// A figure without data: its title and a quiet area that says why it is empty.
pub(super) fn empty(figure: &Figure, message: &str, notes: &[String]) -> Scene {
    let pad = margin(figure);
    let nothing = || Side::new(Domain::Categories(Vec::new()), "");
    let (mut shapes, header) = header(figure, &Plan::new(nothing(), nothing()));
    let mut lines: Vec<String> = Vec::new();
    for note in notes.iter().chain([&figure.note]) {
        lines.extend(wrap(&clean(note), NOTE_SIZE, Weight::Regular, f64::from(figure.width) - 2.0 * pad, 3));
    }
    let room = 15.0 * lines.len() as f64 + pad + 8.0;
    let height = figure.height.map_or(140.0, |wanted| (f64::from(wanted) - header - room).max(LEAST_AREA));
    let wide = f64::from(figure.width) - 2.0 * pad;
    shapes.push(Shape::Rectangle {
        left: pad,
        top: header,
        width: wide,
        height,
        rounded: Rounded::All,
        radius: 6.0,
        fill: Ink::Panel,
        opacity: 1.0,
        tooltip: None,
    });
    let at = (f64::from(figure.width) / 2.0, header + height / 2.0 + Text::middle(13.0));
    shapes.push(Shape::Text(Text::new(at, message, 13.0, Anchor::Middle, Ink::Muted)));
    let mut baseline = header + height + 8.0;
    for line in lines {
        baseline += 15.0;
        shapes.push(Shape::Text(Text::new((pad, baseline - 3.0), line, NOTE_SIZE, Anchor::Start, Ink::Muted)));
    }
    scene(figure, (baseline + pad).ceil(), shapes)
}

fn margin(figure: &Figure) -> f64 {
    if figure.width < 420 { 10.0 } else { 16.0 }
}

fn scene(figure: &Figure, height: f64, shapes: Vec<Shape>) -> Scene {
    let title = clean(&figure.title);
    let description =
        if figure.description.trim().is_empty() { figure.mark.sentence() } else { clean(&figure.description) };
    Scene { width: f64::from(figure.width), height, title, description, shapes }
}

/// Title, subtitle, key and the name of the vertical axis. Returns the height at which the area begins.
fn header(figure: &Figure, plan: &Plan) -> (Vec<Shape>, f64) {
    let pad = margin(figure);
    let right = f64::from(figure.width) - pad;
    let mut shapes = Vec::new();
    let mut y = pad - 2.0;
    for line in
        wrap(&clean(&figure.title), TITLE_SIZE, Weight::SemiBold, right - pad, if figure.width < 500 { 3 } else { 2 })
    {
        y += 22.0;
        let text = Text::new((pad, y - 5.0), line, TITLE_SIZE, Anchor::Start, Ink::Text);
        shapes.push(Shape::Text(Text { weight: Weight::SemiBold, ..text }));
    }
    for line in wrap(&clean(&figure.subtitle), SUBTITLE_SIZE, Weight::Regular, right - pad, 2) {
        y += 18.0;
        shapes.push(Shape::Text(Text::new((pad, y - 4.0), line, SUBTITLE_SIZE, Anchor::Start, Ink::Muted)));
    }
    y += 8.0;
    let key = plan.key.draw(pad, right, y);
    if key.height > 0.0 {
        shapes.extend(key.shapes);
        y += key.height + 6.0;
    }
    if !plan.left.label.is_empty() {
        let shown = shorten(&plan.left.label, LABEL_SIZE, Weight::Regular, right - pad);
        y += 16.0;
        let text = Text::new((pad, y - 3.0), shown.shown, LABEL_SIZE, Anchor::Start, Ink::Muted);
        shapes.push(Shape::Text(Text { tooltip: shown.full, ..text }));
    }
    (shapes, y + if plan.left.label.is_empty() { 10.0 } else { 13.0 })
}

fn note_lines(figure: &Figure, plan: &Plan, sides: [&Fitted; 2], limit: f64) -> Vec<String> {
    let thinned = sides.into_iter().filter_map(|side| side.note.clone());
    let all: Vec<String> = plan
        .notes
        .iter()
        .cloned()
        .chain(thinned)
        .chain([clean(&figure.note)])
        .filter(|note| !note.is_empty())
        .collect();
    // Short remarks share a line.
    let joined = all.join(" ");
    if width(&joined, NOTE_SIZE, Weight::Regular) <= limit {
        return if joined.is_empty() { Vec::new() } else { vec![joined] };
    }
    all.iter().flat_map(|note| wrap(note, NOTE_SIZE, Weight::Regular, limit, 3)).collect()
}

fn grid(
    plan: &Plan,
    area: Area,
    (bottom, x): (&Fitted, &Position),
    (left, y): (&Fitted, &Position),
    shapes: &mut Vec<Shape>,
) {
    if plan.left.grid {
        for tick in &left.ticks {
            let at = y.at(tick.at);
            shapes.push(Shape::Rule { from: (area.left, at), to: (area.right, at), stroke: Ink::Grid, width: 1.0 });
        }
    }
    if plan.bottom.grid {
        for tick in &bottom.ticks {
            let at = x.at(tick.at);
            shapes.push(Shape::Rule { from: (at, area.top), to: (at, area.bottom), stroke: Ink::Grid, width: 1.0 });
        }
    } else if matches!(bottom.domain, Domain::Values(_)) {
        for tick in &bottom.ticks {
            let at = x.at(tick.at);
            shapes.push(Shape::Rule {
                from: (at, area.bottom),
                to: (at, area.bottom + 4.0),
                stroke: Ink::Axis,
                width: 1.0,
            });
        }
    }
}
