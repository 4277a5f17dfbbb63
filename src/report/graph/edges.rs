//! The lines between cards.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::layout::Route;

/// An edge with its head.
pub(crate) fn edge(route: &Route) -> Markup {
    let (class, size) = if route.main { ("edge main", 5.0) } else { ("edge", 4.0) };
    let (x, y) = route.end;
    // The line ends inside of its head, or its corner would show beside the tip.
    html! {
        path class=(class) d=(PreEscaped(line(route))) {}
        path class={ (class) " head" } d={ "M" (coordinate(x)) " " (coordinate(y)) "l-" (size) " -" (size * 1.6) "h" (size * 2.0) "z" } {}
    }
}

/// From card to card through the gaps between layers: bends pass a layer straight down.
fn line(route: &Route) -> String {
    let (x, y) = route.start;
    let mut path = format!("M{} {}", coordinate(x), coordinate(y));
    let mut from = route.start;
    for bend in &route.bends {
        curve(&mut path, from, (bend.x, bend.top));
        let _ = write!(path, "V{}", coordinate(bend.bottom));
        from = (bend.x, bend.bottom);
    }
    curve(&mut path, from, (route.end.0, route.end.1 - 3.0));
    path
}

fn curve(path: &mut String, from: (f64, f64), to: (f64, f64)) {
    if (from.0 - to.0).abs() < 0.05 {
        let _ = write!(path, "V{}", coordinate(to.1));
        return;
    }
    let middle = coordinate(f64::midpoint(from.1, to.1));
    let (x, to_x, to_y) = (coordinate(from.0), coordinate(to.0), coordinate(to.1));
    let _ = write!(path, "C{x} {middle} {to_x} {middle} {to_x} {to_y}");
}

/// A coordinate with at most one decimal.
pub(crate) fn coordinate(value: f64) -> String {
    let digits = format!("{value:.1}");
    digits.strip_suffix(".0").map(str::to_owned).unwrap_or(digits)
}
