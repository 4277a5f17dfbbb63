//! Waterfalls: a start, gains and losses, and the end that they lead to.

use serde::{Deserialize, Serialize};

use super::bar_scale;
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, NumberFormat, Scale};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::number;
use crate::chart::position::{Domain, Extent, LARGEST, admitted};
use crate::chart::scene::{Anchor, Rounded, Scene, Shape, Text};
use crate::chart::theme::Ink;
use crate::chart::typography::{Weight, clean, width};

/// The most steps that can be read.
const MOST_STEPS: usize = 100;
const VALUE_SIZE: f64 = 12.0;
/// A step that is smaller than this many pixels is still seen.
const LEAST_LENGTH: f64 = 2.0;

/// A ledger: rows from top to bottom, the first and the last from zero, those between from where the one before ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waterfall {
    /// What there is at first.
    pub start: Step,
    /// Gains (positive) and losses (negative), in order; at most 100.
    pub steps: Vec<Step>,
    /// What there is at last. It has to be the start and all steps added up.
    pub end: Step,
}

/// One row of a waterfall.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What happened.
    pub label: String,
    /// How much there is, or by how much it changed.
    pub value: f64,
}

impl Step {
    /// A row with its value.
    pub fn new(label: impl Into<String>, value: f64) -> Step {
        Step { label: label.into(), value }
    }
}

/// One bar with its colour.
struct Row {
    from: f64,
    to: f64,
    ink: Ink,
    text: String,
}

pub(super) fn draw(figure: &Figure, mark: &Waterfall) -> Result<Scene, ChartError> {
    if mark.steps.len() > MOST_STEPS {
        let advice = "merge the smaller ones";
        return Err(ChartError::TooMany { what: "steps", found: mark.steps.len(), limit: MOST_STEPS, advice });
    }
    let all = || [&mark.start].into_iter().chain(&mark.steps).chain([&mark.end]);
    let mut extent = Extent::new(Scale::Linear);
    all().for_each(|step| extent.add(Some(step.value)));
    if all().any(|step| admitted(Scale::Linear, Some(step.value)).is_none()) {
        return Ok(empty(figure, "No rows to show", &extent.notes(&figure.y)));
    }
    let mut words = words(&all().map(|step| step.value).collect::<Vec<_>>(), figure.y.format).into_iter();
    let mut word = || words.next().unwrap_or_default();
    let mut rows = vec![Row { from: 0.0, to: mark.start.value, ink: Ink::Total, text: word() }];
    let mut level = mark.start.value;
    for step in &mark.steps {
        let to = (level + step.value).clamp(-LARGEST, LARGEST);
        let (ink, sign) = if step.value < 0.0 { (Ink::Fall, "") } else { (Ink::Rise, "+") };
        rows.push(Row { from: level, to, ink, text: format!("{sign}{}", word()) });
        level = to;
    }
    let largest = all().map(|step| step.value.abs()).fold(0.0, f64::max);
    if (level - mark.end.value).abs() > largest * 1e-9 {
        return Err(ChartError::Ledger { start: mark.start.value, computed: level, stated: mark.end.value });
    }
    rows.push(Row { from: 0.0, to: mark.end.value, ink: Ink::Total, text: word() });

    let mut extent = Extent::new(Scale::Linear);
    rows.iter().for_each(|row| extent.add(Some(row.to)));
    extent.reach(0.0);
    let Some(span) = extent.span(&figure.y, 0.0, false) else {
        return Ok(empty(figure, "No rows to show", &[]));
    };
    let labels = Domain::Categories(all().map(|step| clean(&step.label)).collect());
    let mut plan =
        Plan::new(Side::new(Domain::Values(span), &figure.y.label).bare(), Side::new(labels, &figure.x.label));
    plan.notes.extend(bar_scale(figure, true).1);
    plan.height = rows.len() as f64 * 28.0;
    plan.right = rows.iter().map(|row| width(&row.text, VALUE_SIZE, Weight::SemiBold)).fold(0.0, f64::max) + 8.0;
    let mut frame = Frame::new(figure, plan);
    let band = frame.y.band();
    let thickness = (band * 0.68).min(34.0);
    for (index, (row, step)) in rows.iter().zip(all()).enumerate() {
        let middle = frame.y.at(index as f64);
        let (from, to) = (frame.x.at(row.from), frame.x.at(row.to));
        let length = (to - from).abs().max(if row.from == row.to { 0.0 } else { LEAST_LENGTH });
        let left = if to < from { from - length } else { from };
        frame.push(Shape::Rectangle {
            left,
            top: middle - thickness / 2.0,
            width: length,
            height: thickness,
            rounded: Rounded::All,
            radius: 2.0_f64.min(length / 2.0),
            fill: row.ink,
            opacity: 1.0,
            tooltip: Some(super::tooltip(&step.label, "", &row.text)),
        });
        if index + 1 < rows.len() {
            let next = frame.y.at(index as f64 + 1.0);
            frame.push(Shape::Rule {
                from: (to, middle + thickness / 2.0),
                to: (to, next - thickness / 2.0),
                stroke: Ink::Axis,
                width: 1.0,
            });
        }
        let total = row.ink == Ink::Total;
        let at = (from.max(to) + 7.0, middle + Text::middle(VALUE_SIZE));
        let text = Text::new(at, row.text.clone(), VALUE_SIZE, Anchor::Start, Ink::Text);
        frame.push(Shape::Text(Text { weight: if total { Weight::SemiBold } else { Weight::Regular }, ..text }));
    }
    let wall = frame.x.at(0.0);
    frame.wall(wall);
    Ok(frame.scene)
}

/// The values of the steps as they stand beside the bars. Counts are exact, since people add them up; of other numbers the largest
/// says how many decimals are worth writing.
fn words(values: &[f64], format: NumberFormat) -> Vec<String> {
    if values.iter().all(|value| value.fract() == 0.0) {
        return values.iter().map(|value| number::exact(*value, format)).collect();
    }
    number::value_labels(values, format)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::Mark;

    fn ledger(end: f64) -> Waterfall {
        Waterfall {
            start: Step::new("read", 1_000.0),
            steps: vec![Step::new("rejected", -100.0), Step::new("joined", 50.0), Step::new("filtered", -450.0)],
            end: Step::new("left", end),
        }
    }

    #[test]
    fn every_bar_begins_where_the_one_before_ended() {
        let mark = ledger(500.0);
        let scene = draw(&Figure::new("t", Mark::Waterfall(mark.clone())), &mark).unwrap();
        let bars: Vec<(f64, f64)> = scene
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Rectangle { left, width, tooltip: Some(_), .. } => Some((*left, left + width)),
                _ => None,
            })
            .collect();
        assert_eq!(bars.len(), 5);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(bars[1].1, bars[0].1) && close(bars[2].0, bars[1].0) && close(bars[3].1, bars[2].1));
        assert!(close(bars[4].1, bars[3].0) && close(bars[4].0, bars[0].0));
        assert!(scene.shapes.iter().any(|s| matches!(s, Shape::Text(t) if t.content == "−450")));
    }

    #[test]
    fn a_ledger_that_does_not_add_up_is_refused() {
        let mark = ledger(499.0);
        let error = draw(&Figure::new("t", Mark::Waterfall(mark.clone())), &mark).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the steps do not add up: from 1000 they lead to 500, and the end is stated as 499"
        );
    }
}
