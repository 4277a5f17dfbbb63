//! How dense points lie: hexagonal cells, darker (on dark paper brighter) where there are more.
//!
//! Hexagons have the least distance from centre to corner of the shapes that tile a plane, so they show fewer artefacts than squares (Carr, Littlefield,
//! Nicholson, Littlefield 1987, "Scatterplot matrix techniques for large N").

use std::collections::BTreeMap;

use crate::chart::figure::{Figure, LegendShow};
use crate::chart::frame::Frame;
use crate::chart::key::Key;
use crate::chart::number;
use crate::chart::scene::{Area, Point, Shape};
use crate::chart::theme::{Ink, SEQUENTIAL_STEPS};

/// From the centre of a cell to its corners, in CSS pixels; cells of larger figures are larger so that there are not too many.
const RADIUS: f64 = 6.0;
const MOST_CELLS: f64 = 5_000.0;
/// The lowest step of the scale is the paper's neighbour: cells begin at the one after it.
const FIRST_STEP: usize = 1;

/// How many points fall into each cell.
pub(super) struct Cells {
    /// By row and column of the hexagonal grid.
    counts: BTreeMap<(i64, i64), usize>,
    radius: f64,
    origin: Point,
}

impl Cells {
    /// Counts points, given as places in the figure. O(points log cells).
    pub(super) fn count(points: &[Point], area: Area) -> Cells {
        // A hexagon has the area of 1.5 sqrt(3) times the square of its radius.
        let least = (area.width() * area.height() / MOST_CELLS / (1.5 * 3_f64.sqrt())).sqrt();
        let radius = RADIUS.max(least);
        let mut cells = Cells { counts: BTreeMap::new(), radius, origin: (area.left, area.top) };
        for point in points {
            *cells.counts.entry(cells.cell(*point)).or_default() += 1;
        }
        cells
    }

    /// The cell whose centre is nearest: the nearest row of either parity, and of those two the nearer centre.
    fn cell(&self, (x, y): Point) -> (i64, i64) {
        let row = (y - self.origin.1) / (1.5 * self.radius);
        let nearest = |row: i64| {
            let shift = if row.rem_euclid(2) == 1 { 0.5 } else { 0.0 };
            let column = ((x - self.origin.0) / self.width() - shift).round() as i64;
            let (cx, cy) = self.centre((row, column));
            ((row, column), (cx - x).hypot(cy - y))
        };
        let (low, high) = (nearest(row.floor() as i64), nearest(row.floor() as i64 + 1));
        if low.1 <= high.1 { low.0 } else { high.0 }
    }

    fn width(&self) -> f64 {
        3_f64.sqrt() * self.radius
    }

    fn centre(&self, (row, column): (i64, i64)) -> Point {
        let shift = if row.rem_euclid(2) == 1 { 0.5 } else { 0.0 };
        (self.origin.0 + (column as f64 + shift) * self.width(), self.origin.1 + row as f64 * 1.5 * self.radius)
    }

    fn densest(&self) -> usize {
        self.counts.values().copied().max().unwrap_or(0)
    }

    /// The key of the colours.
    pub(super) fn key(&self, figure: &Figure) -> Key {
        if figure.legend.show == LegendShow::Never {
            return Key::None;
        }
        ramp("1".to_string(), number::count(self.densest()))
    }

    /// Draws the cells into the area of a frame, in steps of the logarithm of their counts.
    pub(super) fn draw(&self, frame: &mut Frame) {
        let steps = SEQUENTIAL_STEPS - 1 - FIRST_STEP;
        let most = (self.densest() as f64).ln();
        let mut rings: BTreeMap<Ink, Vec<Vec<Point>>> = BTreeMap::new();
        let Area { left, top, right, bottom } = frame.area;
        for (cell, count) in &self.counts {
            let share = if most > 0.0 { (*count as f64).ln() / most } else { 1.0 };
            let ink = Ink::Sequential(FIRST_STEP + (share * steps as f64).round() as usize);
            let (x, y) = self.centre(*cell);
            // A hair larger than the cell, so that no paper shines through between neighbours.
            let (half, radius) = (self.width() / 2.0 + 0.15, self.radius + 0.15);
            let corners = [
                (x, y - radius),
                (x + half, y - radius / 2.0),
                (x + half, y + radius / 2.0),
                (x, y + radius),
                (x - half, y + radius / 2.0),
                (x - half, y - radius / 2.0),
            ];
            let inside = corners.map(|(x, y)| (x.clamp(left, right), y.clamp(top, bottom)));
            rings.entry(ink).or_default().push(inside.to_vec());
        }
        for (fill, rings) in rings {
            frame.push(Shape::Polygons { rings, fill, opacity: 1.0, tooltip: None });
        }
    }
}

/// A key of the same height, for the first layout.
pub(super) fn placeholder(points: usize) -> Key {
    ramp("1".to_string(), number::count(points))
}

fn ramp(low: String, high: String) -> Key {
    let inks = (FIRST_STEP..SEQUENTIAL_STEPS).map(Ink::Sequential).collect();
    Key::Ramp { title: "Points in a cell".to_string(), inks, low, high }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AREA: Area = Area { left: 10.0, top: 20.0, right: 310.0, bottom: 220.0 };

    #[test]
    fn all_points_are_counted() {
        let points: Vec<Point> =
            (0..1_000).map(|i| (10.0 + f64::from(i * 37 % 300), 20.0 + f64::from(i * 91 % 200))).collect();
        let cells = Cells::count(&points, AREA);
        assert_eq!(cells.counts.values().sum::<usize>(), 1_000);
    }

    proptest! {
        #[test]
        fn a_point_falls_into_the_cell_with_the_nearest_centre(x in 10.0..310.0_f64, y in 20.0..220.0_f64) {
            let cells = Cells::count(&[], AREA);
            let distance = |cell| { let (cx, cy) = cells.centre(cell); (cx - x).hypot(cy - y) };
            let found = distance(cells.cell((x, y)));
            let nearest = (-1..40).flat_map(|row| (-1..40).map(move |column| (row, column))).map(distance).fold(f64::INFINITY, f64::min);
            prop_assert!((found - nearest).abs() < 1e-9, "{found} {nearest}");
        }
    }
}
