//! Rows that were expected beside rows that were found: which are missing, which are too many, and which differ in some cells.
//!
//! Plain values in, plain positions out; nothing here knows of files or engines.

/// A cell as it is compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// A number with a fraction, which may be off by the tolerance.
    Number(f64),
    /// Everything else, as a person reads it.
    Text(String),
}

impl Cell {
    /// Whether a found cell is what was expected, up to a tolerance that is absolute for small and relative for large numbers.
    pub fn agrees(&self, found: &Self, tolerance: f64) -> bool {
        match (self, found) {
            (Self::Number(expected), Self::Number(found)) => {
                expected == found
                    || (expected.is_nan() && found.is_nan())
                    || (expected - found).abs() <= tolerance * expected.abs().max(1.0)
            }
            (expected, found) => expected == found,
        }
    }
}

/// A row of cells, in the order of the compared columns.
pub type Row = Vec<Cell>;

/// How found rows differ from expected ones, by positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Expected rows that were not found.
    pub missing: Vec<usize>,
    /// Found rows that were not expected.
    pub extra: Vec<usize>,
    /// Expected and found rows that agree in most cells, with the columns in which they do not.
    pub changed: Vec<(usize, usize, Vec<usize>)>,
}

impl Difference {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.changed.is_empty()
    }
}

/// Compares rows. When their order does not count, equal rows are matched first, then each expected row with the found row that
/// agrees with it in most cells, at least in half of them. When it counts, rows between the longest run of equal rows (Myers 1986
/// calls it a longest common subsequence; found here by the quadratic table) are matched one by one.
///
/// Time: product of the numbers of rows that have no equal on the other side, or of all rows when the order counts.
pub fn compare(expected: &[Row], found: &[Row], ordered: bool, tolerance: f64) -> Difference {
    let equal = |one: &Row, other: &Row| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.agrees(other, tolerance))
    };
    let mut difference = if ordered { aligned(expected, found, &equal) } else { matched(expected, found, &equal) };
    pair_similar(expected, found, tolerance, ordered, &mut difference);
    difference
}

/// Each expected row takes the first equal found row that is left.
fn matched(expected: &[Row], found: &[Row], equal: &dyn Fn(&Row, &Row) -> bool) -> Difference {
    let mut left: Vec<usize> = (0..found.len()).collect();
    let mut missing = Vec::new();
    for (at, row) in expected.iter().enumerate() {
        let twin = left.iter().position(|&other| found.get(other).is_some_and(|other| equal(row, other)));
        match twin {
            Some(twin) => {
                left.remove(twin);
            }
            None => missing.push(at),
        }
    }
    Difference { missing, extra: left, changed: Vec::new() }
}

/// Rows outside of a longest common subsequence.
fn aligned(expected: &[Row], found: &[Row], equal: &dyn Fn(&Row, &Row) -> bool) -> Difference {
    let (rows, columns) = (expected.len(), found.len());
    let at = |i: usize, j: usize| i * (columns + 1) + j;
    let mut lengths = vec![0_u32; (rows + 1) * (columns + 1)];
    let get = |lengths: &[u32], i: usize, j: usize| lengths.get(at(i, j)).copied().unwrap_or(0);
    for (i, one) in expected.iter().enumerate().rev() {
        for (j, other) in found.iter().enumerate().rev() {
            let length = if equal(one, other) {
                get(&lengths, i + 1, j + 1) + 1
            } else {
                get(&lengths, i + 1, j).max(get(&lengths, i, j + 1))
            };
            if let Some(slot) = lengths.get_mut(at(i, j)) {
                *slot = length;
            }
        }
    }
    let mut difference = Difference::default();
    let (mut i, mut j) = (0, 0);
    while let (Some(one), Some(other)) = (expected.get(i), found.get(j)) {
        if equal(one, other) {
            (i, j) = (i + 1, j + 1);
        } else if get(&lengths, i + 1, j) >= get(&lengths, i, j + 1) {
            difference.missing.push(i);
            i += 1;
        } else {
            difference.extra.push(j);
            j += 1;
        }
    }
    difference.missing.extend(i..rows);
    difference.extra.extend(j..columns);
    difference
}

/// Missing and extra rows that agree in at least half of their cells become changed rows, the most similar first.
fn pair_similar(expected: &[Row], found: &[Row], tolerance: f64, ordered: bool, difference: &mut Difference) {
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for &one in &difference.missing {
        for &other in &difference.extra {
            let (Some(wanted), Some(there)) = (expected.get(one), found.get(other)) else { continue };
            let same = wanted.iter().zip(there).filter(|(wanted, there)| wanted.agrees(there, tolerance)).count();
            // A row of equal cells that is still missing stands at another place.
            let moved = ordered && same == wanted.len();
            if !moved && 2 * same >= wanted.len() && same > 0 {
                pairs.push((same, one, other));
            }
        }
    }
    pairs.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| (one.1, one.2).cmp(&(other.1, other.2))));
    for (_, one, other) in pairs {
        let (Some(wanted), Some(there)) = (expected.get(one), found.get(other)) else { continue };
        if !difference.missing.contains(&one) || !difference.extra.contains(&other) {
            continue;
        }
        difference.missing.retain(|&at| at != one);
        difference.extra.retain(|&at| at != other);
        let columns = wanted.iter().zip(there).enumerate();
        let wrong = columns.filter(|(_, (wanted, there))| !wanted.agrees(there, tolerance)).map(|(at, _)| at);
        difference.changed.push((one, other, wrong.collect()));
    }
    difference.changed.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(cells: &[&str]) -> Row {
        cells.iter().map(|text| Cell::Text((*text).to_owned())).collect()
    }

    #[test]
    fn equal_rows_in_another_order_differ_only_when_the_order_counts() {
        let (one, other) = ([row(&["a", "1"]), row(&["b", "2"])], [row(&["b", "2"]), row(&["a", "1"])]);
        assert!(compare(&one, &other, false, 0.0).is_empty());
        let ordered = compare(&one, &other, true, 0.0);
        assert_eq!((ordered.missing.len(), ordered.extra.len()), (1, 1));
    }

    #[test]
    fn a_row_that_agrees_in_half_of_its_cells_is_a_changed_row() {
        let difference = compare(&[row(&["a", "1"])], &[row(&["a", "2"])], false, 0.0);
        assert_eq!(difference.changed, vec![(0, 0, vec![1])]);
        assert!(difference.missing.is_empty() && difference.extra.is_empty());
    }

    #[test]
    fn rows_that_occur_twice_are_matched_twice() {
        let difference = compare(&[row(&["a"]), row(&["a"])], &[row(&["a"])], false, 0.0);
        assert_eq!(difference.missing, vec![1]);
    }

    #[test]
    fn numbers_agree_within_the_tolerance_and_nulls_with_nulls_only() {
        let cell = Cell::Number(1000.0);
        assert!(cell.agrees(&Cell::Number(1000.5), 1e-3) && !cell.agrees(&Cell::Number(1002.0), 1e-3));
        assert!(Cell::Number(f64::NAN).agrees(&Cell::Number(f64::NAN), 0.0));
        assert!(Cell::Null.agrees(&Cell::Null, 0.0) && !Cell::Null.agrees(&Cell::Text(String::new()), 0.0));
    }

    #[test]
    fn an_inserted_row_shifts_nothing() {
        let expected = [row(&["a", "1"]), row(&["b", "2"]), row(&["c", "3"])];
        let found = [row(&["x", "9"]), row(&["a", "1"]), row(&["b", "2"]), row(&["c", "3"])];
        let difference = compare(&expected, &found, true, 0.0);
        assert_eq!(difference, Difference { missing: vec![], extra: vec![0], changed: vec![] });
    }

    proptest! {
        #[test]
        fn every_row_is_matched_or_told_of(
            expected in prop::collection::vec(prop::collection::vec(0_u8..3, 2), 0..8),
            found in prop::collection::vec(prop::collection::vec(0_u8..3, 2), 0..8),
            ordered: bool,
        ) {
            let rows = |numbers: &[Vec<u8>]| -> Vec<Row> {
                numbers.iter().map(|row| row.iter().map(|n| Cell::Text(n.to_string())).collect()).collect()
            };
            let (one, other) = (rows(&expected), rows(&found));
            let difference = compare(&one, &other, ordered, 0.0);
            let told = difference.missing.len() + difference.changed.len();
            let matched = expected.len() - told;
            prop_assert_eq!(found.len(), matched + difference.extra.len() + difference.changed.len());
            prop_assert_eq!(difference.is_empty(), if ordered { expected == found } else {
                let (mut a, mut b) = (expected.clone(), found.clone());
                a.sort();
                b.sort();
                a == b
            });
        }
    }
}
