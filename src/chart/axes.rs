//! Fitting the labels of an axis into the room there is: they are turned, thinned or shortened, but never cut and never overlap.

use super::figure::Scale;
use super::number;
use super::position::{Domain, Tick};
use super::scene::{Anchor, Area, Shape, Text};
use super::theme::Ink;
use super::typography::{Weight, shorten, width};

/// The size of tick labels.
pub(super) const TICK_SIZE: f64 = 12.0;
/// The distance between an axis and its labels.
const GAP: f64 = 8.0;
/// The height of a line of tick labels.
const LINE: f64 = 15.0;
/// How far turned labels are turned, in degrees.
const TURN: f64 = 40.0;
/// The greatest length of a turned label.
const TURNED_LENGTH: f64 = 130.0;

/// What a figure wants of one axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Side {
    pub(super) domain: Domain,
    /// The clean name of the axis.
    pub(super) label: String,
    /// Lines across the drawing at the ticks.
    pub(super) grid: bool,
    /// Labels at the ticks. Without them the values have to be written in the drawing itself.
    pub(super) labels: bool,
    /// Labels of categories on the horizontal axis may be turned where they do not fit; otherwise some of them are left out.
    pub(super) turn: bool,
}

impl Side {
    pub(super) fn new(domain: Domain, label: &str) -> Side {
        let grid = matches!(domain, Domain::Values(_));
        Side { domain, label: super::typography::clean(label), grid, labels: true, turn: false }
    }

    /// The same axis without labels and lines, for a drawing in which every value is written.
    pub(super) fn bare(self) -> Side {
        Side { grid: false, labels: false, ..self }
    }
}

/// An axis whose labels fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fitted {
    pub(super) domain: Domain,
    pub(super) ticks: Vec<Tick>,
    /// Degrees by which the labels are turned.
    angle: f64,
    /// The room that labels take across the axis, gap included.
    pub(super) depth: f64,
    /// How far labels reach over the ends of the axis: before its start and past its end.
    pub(super) overhang: (f64, f64),
    /// What is to be said about labels that were left out.
    pub(super) note: Option<String>,
}

/// Fits the labels of the vertical axis into a height, with at most `limit` pixels for a label.
pub(super) fn fit_left(side: &Side, height: f64, limit: f64) -> Fitted {
    let (domain, mut ticks, note) = match &side.domain {
        Domain::Values(span) => {
            // Powers of ten are short and stand closer.
            let apart = if span.scale == Scale::Log { 34.0 } else { 52.0 };
            let target = ((height / apart) as usize).clamp(2, 8);
            let span = span.widened(target);
            let ticks = if side.labels { span.ticks(target) } else { Vec::new() };
            (Domain::Values(span), ticks, None)
        }
        Domain::Categories(labels) => {
            let band = height / labels.len().max(1) as f64;
            let every = ((LINE - 1.0) / band).ceil().max(1.0) as usize;
            let ticks = category_ticks(labels, every, limit);
            (side.domain.clone(), ticks, thinned(every, labels))
        }
    };
    // A long time axis needs no context on the vertical axis but has it in one line.
    for tick in &mut ticks {
        if !tick.context.is_empty() {
            tick.text = format!("{} {}", tick.text, tick.context);
            tick.context.clear();
        }
    }
    let widest = ticks.iter().map(|tick| width(&tick.text, TICK_SIZE, Weight::Regular)).fold(0.0, f64::max);
    let depth = if ticks.is_empty() { 0.0 } else { widest + GAP };
    Fitted { domain, ticks, angle: 0.0, depth, overhang: (0.0, 0.0), note }
}

/// Fits the labels of the horizontal axis into a length.
pub(super) fn fit_bottom(side: &Side, length: f64) -> Fitted {
    match &side.domain {
        Domain::Values(span) if !side.labels => flat(Domain::Values(span.widened(4)), Vec::new(), length),
        Domain::Values(span) => {
            let fewest = 2;
            // A year has twelve short labels.
            let most = match span.scale {
                Scale::Time => ((length / 50.0) as usize).clamp(fewest, 12),
                _ => ((length / 64.0) as usize).clamp(fewest, 10),
            };
            for target in (fewest..=most).rev() {
                let span = span.widened(target);
                let ticks = with_context(span.ticks(target));
                let fitted = flat(Domain::Values(span), ticks, length);
                if target == fewest || !overlap(&fitted, length) {
                    return alone_if_crowded(fitted, length);
                }
            }
            flat(side.domain.clone(), Vec::new(), length)
        }
        Domain::Categories(labels) => fit_categories(side, labels, length),
    }
}

fn fit_categories(side: &Side, labels: &[String], length: f64) -> Fitted {
    let band = length / labels.len().max(1) as f64;
    let longest =
        |limit: f64| labels.iter().map(|label| width(label, TICK_SIZE, Weight::Regular).min(limit)).fold(0.0, f64::max);
    if longest(f64::INFINITY) <= band - 8.0 {
        return flat(side.domain.clone(), category_ticks(labels, 1, f64::INFINITY), length);
    }
    if side.turn && band >= LINE + 1.0 {
        let ticks = category_ticks(labels, 1, TURNED_LENGTH);
        let radians = TURN.to_radians();
        let widest = longest(TURNED_LENGTH);
        // A label ends under its band and leads to the lower left.
        let before = ticks
            .iter()
            .map(|tick| width(&tick.text, TICK_SIZE, Weight::Regular) * radians.cos() - (tick.at + 0.5) * band)
            .fold(0.0, f64::max);
        let depth = widest * radians.sin() + TICK_SIZE * radians.cos() + GAP;
        return Fitted { domain: side.domain.clone(), ticks, angle: -TURN, depth, overhang: (before, 0.0), note: None };
    }
    let room = length.min(140.0);
    let every = ((longest(room) + 12.0) / band).ceil().max(1.0) as usize;
    let mut fitted = flat(side.domain.clone(), category_ticks(labels, every, room), length);
    fitted.note = if side.turn { thinned(every, labels) } else { None };
    fitted
}

/// Every how-many-eth category gets a label.
fn category_ticks(labels: &[String], every: usize, limit: f64) -> Vec<Tick> {
    let kept = labels.iter().enumerate().step_by(every.max(1));
    kept.map(|(index, label)| {
        let cut = shorten(label, TICK_SIZE, Weight::Regular, limit);
        Tick { at: index as f64, text: cut.shown, context: String::new(), tooltip: cut.full }
    })
    .collect()
}

/// Says how many labels are not shown. The cells of a picture have none.
fn thinned(every: usize, labels: &[String]) -> Option<String> {
    let are_left_out = every > 1 && labels.iter().any(|label| !label.is_empty());
    are_left_out.then(|| format!("One label in {} is shown, of {}.", number::count(every), number::count(labels.len())))
}

/// The context stays where it changes: at the first tick and wherever it differs from the one before.
fn with_context(mut ticks: Vec<Tick>) -> Vec<Tick> {
    let mut before = String::new();
    for tick in &mut ticks {
        if tick.context == before {
            tick.context.clear();
        } else {
            before.clone_from(&tick.context);
        }
    }
    ticks
}

/// Half the room that a tick takes along a horizontal axis.
fn half(tick: &Tick) -> f64 {
    let text = width(&tick.text, TICK_SIZE, Weight::Regular);
    text.max(width(&tick.context, TICK_SIZE, Weight::Regular)) / 2.0
}

fn flat(domain: Domain, ticks: Vec<Tick>, length: f64) -> Fitted {
    let position = super::position::Position::new(&domain, 0.0, length);
    let before = ticks.iter().map(|tick| half(tick) - position.at(tick.at)).fold(0.0, f64::max);
    let after = ticks.iter().map(|tick| position.at(tick.at) + half(tick) - length).fold(0.0, f64::max);
    let lines = if ticks.iter().any(|tick| !tick.context.is_empty()) { 2.0 } else { 1.0 };
    let depth = if ticks.is_empty() { 0.0 } else { GAP + LINE * lines };
    Fitted { domain, ticks, angle: 0.0, depth, overhang: (before, after), note: None }
}

fn overlap(fitted: &Fitted, length: f64) -> bool {
    const BETWEEN: f64 = 12.0;
    let position = super::position::Position::new(&fitted.domain, 0.0, length);
    let crowded = |line: fn(&Tick) -> &str| {
        let mut end = f64::NEG_INFINITY;
        for tick in fitted.ticks.iter().filter(|tick| !line(tick).is_empty()) {
            let half = width(line(tick), TICK_SIZE, Weight::Regular) / 2.0;
            let middle = position.at(tick.at);
            if middle - half < end + BETWEEN {
                return true;
            }
            end = middle + half;
        }
        false
    };
    crowded(|tick| &tick.text) || crowded(|tick| &tick.context)
}

/// Where even the fewest ticks do not fit, every second one goes until they do.
fn alone_if_crowded(mut fitted: Fitted, length: f64) -> Fitted {
    while fitted.ticks.len() > 1 && overlap(&fitted, length) {
        let kept = fitted.ticks.iter().step_by(2).cloned().collect();
        fitted = flat(fitted.domain, kept, length);
    }
    fitted
}

impl Fitted {
    /// The labels of a vertical axis, to the left of the area.
    pub(super) fn draw_left(&self, area: Area, shapes: &mut Vec<Shape>) {
        let position = super::position::Position::new(&self.domain, area.bottom, area.top);
        let position = match self.domain {
            Domain::Categories(_) => super::position::Position::new(&self.domain, area.top, area.bottom),
            Domain::Values(_) => position,
        };
        for tick in &self.ticks {
            let at = (area.left - GAP, position.at(tick.at) + Text::middle(TICK_SIZE));
            let text = Text::new(at, tick.text.clone(), TICK_SIZE, Anchor::End, Ink::Muted);
            shapes.push(Shape::Text(Text { tooltip: tick.tooltip.clone(), ..text }));
        }
    }

    /// The labels of a horizontal axis, under the area.
    pub(super) fn draw_bottom(&self, area: Area, shapes: &mut Vec<Shape>) {
        let position = super::position::Position::new(&self.domain, area.left, area.right);
        for tick in &self.ticks {
            let x = position.at(tick.at);
            let turned = self.angle != 0.0;
            let (at, anchor) = if turned {
                ((x + 4.0, area.bottom + GAP + TICK_SIZE * 0.6), Anchor::End)
            } else {
                ((x, area.bottom + GAP + TICK_SIZE - 2.0), Anchor::Middle)
            };
            let text = Text::new(at, tick.text.clone(), TICK_SIZE, anchor, Ink::Muted);
            shapes.push(Shape::Text(Text { angle: self.angle, tooltip: tick.tooltip.clone(), ..text }));
            if !tick.context.is_empty() {
                let below = (x, area.bottom + GAP + TICK_SIZE - 2.0 + LINE);
                shapes.push(Shape::Text(Text::new(below, tick.context.clone(), TICK_SIZE, Anchor::Middle, Ink::Muted)));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::figure::NumberFormat;
    use crate::chart::position::Span;

    fn categories(labels: &[&str], turn: bool) -> Side {
        Side { turn, ..Side::new(Domain::Categories(labels.iter().map(ToString::to_string).collect()), "") }
    }

    fn values(low: f64, high: f64, scale: Scale) -> Side {
        Side::new(
            Domain::Values(Span { low, high, scale, format: NumberFormat::Plain, whole: false, widen: false }),
            "",
        )
    }

    #[test]
    fn labels_that_fit_stand_upright() {
        let fitted = fit_bottom(&categories(&["UA", "EV", "B6"], true), 300.0);
        assert_eq!((fitted.angle, fitted.ticks.len(), fitted.note), (0.0, 3, None));
    }

    #[test]
    fn labels_that_do_not_fit_are_turned_and_stay_inside() {
        let fitted = fit_bottom(&categories(&["ExpressJet Airlines"; 10], true), 400.0);
        assert_eq!((fitted.angle, fitted.ticks.len()), (-TURN, 10));
        assert!(fitted.depth > 60.0 && fitted.overhang.0 > 0.0, "{fitted:?}");
    }

    #[test]
    fn labels_that_cannot_be_turned_are_thinned_with_a_note() {
        let names = vec!["category"; 500];
        let fitted = fit_bottom(&categories(&names, true), 600.0);
        assert!(fitted.ticks.len() < 12 && !overlap(&fitted, 600.0), "{}", fitted.ticks.len());
        assert_eq!(fitted.ticks.len(), 500_usize.div_ceil(fitted.ticks[1].at as usize));
        assert_eq!(fitted.note, Some(format!("One label in {} is shown, of 500.", fitted.ticks[1].at)));
        let rows = fit_left(&categories(&names, false), 300.0, 100.0);
        assert_eq!(rows.ticks.len(), 500_usize.div_ceil(24));
    }

    #[test]
    fn numeric_labels_never_overlap() {
        for length in [60.0, 120.0, 300.0, 900.0] {
            for (low, high) in [(0.0, 1.0), (1e8, 1e8 + 1.0), (-1e15, 1e15), (0.0, 1e300), (1e-300, 2e-300)] {
                let fitted = fit_bottom(&values(low, high, Scale::Linear), length);
                assert!(!overlap(&fitted, length), "{length} {low:e} {high:e}: {:?}", fitted.ticks);
                assert!(!fitted.ticks.is_empty());
            }
            let year = fit_bottom(&values(1.357e15, 1.388e15, Scale::Time), length);
            assert!(!overlap(&year, length));
        }
    }

    #[test]
    fn the_context_of_a_time_stands_only_where_it_changes() {
        let fitted = fit_bottom(&values(1.370e15, 1.395e15, Scale::Time), 600.0);
        let contexts: Vec<_> =
            fitted.ticks.iter().map(|tick| tick.context.as_str()).filter(|c| !c.is_empty()).collect();
        assert_eq!(contexts, ["2013", "2014"]);
    }
}
