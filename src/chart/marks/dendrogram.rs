//! Dendrograms: parts that are merged two by two, and how far apart they were.

use serde::{Deserialize, Serialize};

use super::{colour, tooltip};
use crate::chart::axes::Side;
use crate::chart::error::ChartError;
use crate::chart::figure::{Figure, ReferenceAxis};
use crate::chart::frame::{Frame, Plan, empty};
use crate::chart::position::{Domain, Extent, admitted};
use crate::chart::scene::{Point, Rounded, Scene, Shape};
use crate::chart::theme::Ink;
use crate::chart::typography::clean;

/// The most leaves that can be read.
const MOST_LEAVES: usize = 100;
/// The height of a leaf in a drawing that has room.
const PITCH: f64 = 20.0;
/// Half the side of the area over which a merge tells its height.
const REACH: f64 = 4.0;

/// A tree of merges, leaves at the left, one below the other. [`Figure::x`] is the axis of the leaves, [`Figure::y`] that of
/// the heights. Leaves are put in an order in which no lines cross.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dendrogram {
    /// What is merged; at most 100.
    pub leaves: Vec<String>,
    /// The group of each leaf, which has a colour; none is grey. A merge of one group has its colour, another is grey.
    pub groups: Vec<Option<u32>>,
    /// One less than there are leaves. Leaves have the numbers below n, the i-th merge has n + i.
    pub merges: Vec<Join>,
}

/// Two parts become one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// A part.
    pub a: usize,
    /// Another part.
    pub b: usize,
    /// How far apart they are.
    pub height: f64,
}

/// A part of the drawing: where its line begins, and which group all its leaves have.
#[derive(Debug, Clone, Copy)]
struct Part {
    at: Point,
    group: Option<u32>,
}

pub(super) fn draw(figure: &Figure, mark: &Dendrogram) -> Result<Scene, ChartError> {
    let count = mark.leaves.len();
    if count > MOST_LEAVES {
        let advice = "merge the lowest first";
        return Err(ChartError::TooMany { what: "leaves", found: count, limit: MOST_LEAVES, advice });
    }
    let wrong = |what: String, expected: usize, found: usize| Err(ChartError::Length { what, expected, found });
    if mark.groups.len() != count {
        return wrong("the groups of the leaves".to_string(), count, mark.groups.len());
    }
    if mark.merges.len() != count.saturating_sub(1) {
        return wrong("the merges of the leaves".to_string(), count.saturating_sub(1), mark.merges.len());
    }
    let mut is_free = vec![true; count];
    for (at, join) in mark.merges.iter().enumerate() {
        let mut take = |part: usize| is_free.get_mut(part).is_some_and(std::mem::take);
        let found = usize::from(take(join.a)) + usize::from(take(join.b));
        if found < 2 {
            return wrong(format!("the parts of merge {}", at + 1), 2, found);
        }
        is_free.push(true);
    }
    let scale = figure.y.scale;
    let mut extent = Extent::new(scale);
    mark.merges.iter().for_each(|join| extent.add(Some(join.height)));
    extent.reach_references(figure, ReferenceAxis::Y);
    let notes = extent.notes(&figure.y);
    if admitted(scale, Some(0.0)).is_some() && extent.shown > 0 {
        extent.reach(0.0);
    }
    let heights: Option<Vec<f64>> = mark.merges.iter().map(|join| admitted(scale, Some(join.height))).collect();
    let (Some(heights), Some(span)) = (heights, extent.span(&figure.y, 0.0, false)) else {
        return Ok(empty(figure, "No rows to show", &notes));
    };
    let order = order(mark);
    let labels = order.iter().filter_map(|leaf| mark.leaves.get(*leaf)).map(|label| clean(label)).collect();
    let leaves = Side { grid: false, ..Side::new(Domain::Categories(labels), &figure.x.label) };
    let mut plan = Plan::new(Side::new(Domain::Values(span.clone()), &figure.y.label), leaves);
    plan.height = (count as f64 * PITCH).max(60.0);
    plan.notes = notes;
    let mut frame = Frame::new(figure, plan);
    let floor = frame.x.at(0.0);
    let mut parts = vec![Part { at: (floor, 0.0), group: None }; count];
    for (place, leaf) in order.iter().enumerate() {
        if let (Some(part), Some(group)) = (parts.get_mut(*leaf), mark.groups.get(*leaf)) {
            *part = Part { at: (floor, frame.y.at(place as f64)), group: *group };
        }
    }
    for (join, height) in mark.merges.iter().zip(heights) {
        let (Some(a), Some(b)) = (parts.get(join.a).copied(), parts.get(join.b).copied()) else { continue };
        let x = frame.x.at(height);
        let group = a.group.filter(|group| b.group == Some(*group));
        let (stroke, opacity) = group.map_or((Ink::Other, 1.0), |group| colour(group as usize));
        frame.push(Shape::Polyline { points: vec![a.at, (x, a.at.1), (x, b.at.1), b.at], stroke, width: 1.5, opacity });
        let middle = (a.at.1 + b.at.1) / 2.0;
        // Seen by the pointer alone.
        frame.push(Shape::Rectangle {
            left: x - REACH,
            top: middle - REACH,
            width: 2.0 * REACH,
            height: 2.0 * REACH,
            rounded: Rounded::All,
            radius: REACH,
            fill: stroke,
            opacity: 0.0,
            tooltip: Some(tooltip("merged at", "", &span.exact(height))),
        });
        parts.push(Part { at: (x, middle), group });
    }
    frame.references(figure, true);
    Ok(frame.scene)
}

/// The leaves from top to bottom: those of a part stand together, the part that was merged lower first.
fn order(mark: &Dendrogram) -> Vec<usize> {
    let count = mark.leaves.len();
    let height =
        |part: usize| part.checked_sub(count).and_then(|at| mark.merges.get(at)).map_or(0.0, |join| join.height);
    let mut order = Vec::with_capacity(count);
    let mut stack: Vec<usize> = (count + mark.merges.len()).checked_sub(1).into_iter().collect();
    while let Some(part) = stack.pop() {
        match part.checked_sub(count).and_then(|at| mark.merges.get(at)) {
            Some(join) => {
                let (first, second) = if height(join.b) < height(join.a) { (join.b, join.a) } else { (join.a, join.b) };
                stack.extend([second, first]);
            }
            None => order.push(part),
        }
    }
    order
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::chart::Mark;

    fn mark() -> Dendrogram {
        let join = |a, b, height| Join { a, b, height };
        Dendrogram {
            leaves: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
            groups: vec![Some(0), Some(1), Some(0), Some(1)],
            merges: vec![join(0, 2, 1.0), join(1, 3, 2.0), join(4, 5, 4.0)],
        }
    }

    fn try_draw(mark: &Dendrogram) -> Result<Scene, ChartError> {
        draw(&Figure::new("t", Mark::Dendrogram(mark.clone())), mark)
    }

    #[test]
    fn heights_are_in_proportion_and_a_merge_begins_in_the_middle_of_its_parts() {
        let scene = try_draw(&mark()).unwrap();
        let lines: Vec<(&Vec<Point>, Ink)> = scene
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                Shape::Polyline { points, stroke, .. } => Some((points, *stroke)),
                _ => None,
            })
            .collect();
        assert_eq!(lines.iter().map(|line| line.1).collect::<Vec<_>>(), [Ink::Series(0), Ink::Series(1), Ink::Other]);
        let reach = |at: usize| lines[at].0[1].0 - lines[0].0[0].0;
        assert!((reach(1) - 2.0 * reach(0)).abs() < 1e-9 && (reach(2) - 4.0 * reach(0)).abs() < 1e-9);
        let top = lines[2].0;
        assert_eq!(top[0], (lines[0].0[1].0, (lines[0].0[1].1 + lines[0].0[2].1) / 2.0));
        assert_eq!(top[3], (lines[1].0[1].0, (lines[1].0[1].1 + lines[1].0[2].1) / 2.0));
    }

    #[test]
    fn leaves_of_a_part_stand_together() {
        assert_eq!(order(&mark()), [0, 2, 1, 3]);
    }

    #[test]
    fn merges_that_make_no_tree_are_refused() {
        let mut twice = mark();
        twice.merges[2].b = 0;
        assert_eq!(try_draw(&twice).unwrap_err().to_string(), "the parts of merge 3: 1 where 2 are needed");
        let mut short = mark();
        short.merges.pop();
        assert_eq!(try_draw(&short).unwrap_err().to_string(), "the merges of the leaves: 2 where 3 are needed");
    }
}
