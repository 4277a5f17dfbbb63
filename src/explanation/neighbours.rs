//! Counterfactual neighbours: the known rows that are most like a row and of which the model says something else.
//!
//! Real rows, so that what they show is possible (Wexler et al. 2020, *The What-If Tool*; Keane & Smyth 2020). Likeness
//! is the distance of Gower 1971, *A general coefficient of similarity and some of its properties*: the mean over the
//! columns of the difference of numbers as a share of their range, and of 0 or 1 for equal or different categories. A
//! value that one of both rows lacks differs by 1, one that both lack by 0.
//!
//! Time: `O(known rows * columns)` for each row.

use super::error::{Error, expect};

/// A column of the known rows, or of the rows in question.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers; NaN where there is none.
    Numbers(Vec<f64>),
    /// Categories by their number; none where there is none.
    Categories(Vec<Option<u32>>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Categories(values) => values.len(),
        }
    }
}

/// A known row of which the model says something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// Its number among the known rows.
    pub row: usize,
    /// How far it is, from 0 to 1.
    pub distance: f64,
    /// The columns that differ, the one that adds most to the distance first.
    pub differs: Vec<usize>,
}

/// Finds for each row in question its `wanted` nearest known rows of which the model says something else: nearest
/// first, of equally near ones the first. `other(row, known)` says whether it does.
///
/// Errors: no column, columns that do not fit each other.
pub fn counterfactual_neighbours(
    rows: &[Column],
    known: &[Column],
    wanted: usize,
    other: &dyn Fn(usize, usize) -> bool,
) -> Result<Vec<Vec<Neighbour>>, Error> {
    expect("the known rows", known.len(), rows.len())?;
    let (Some(n), Some(candidates)) = (rows.first().map(Column::len), known.first().map(Column::len)) else {
        return Err(Error::Option("there is no column by which rows could be compared".to_owned()));
    };
    rows.iter().try_for_each(|column| expect("a column", column.len(), n))?;
    known.iter().try_for_each(|column| expect("a column of the known rows", column.len(), candidates))?;
    let ranges: Vec<f64> = known.iter().map(range).collect();
    let difference = |column: usize, row: usize, candidate: usize| -> f64 {
        match (rows.get(column), known.get(column)) {
            (Some(Column::Numbers(a)), Some(Column::Numbers(b))) => {
                numbers(a.get(row), b.get(candidate), ranges.get(column).copied().unwrap_or(0.0))
            }
            (Some(Column::Categories(a)), Some(Column::Categories(b))) => {
                f64::from(u8::from(a.get(row) != b.get(candidate)))
            }
            _ => 1.0,
        }
    };
    let find = |row: usize| {
        let others = (0..candidates).filter(|candidate| other(row, *candidate));
        let mut near: Vec<(f64, usize)> = others
            .map(|candidate| {
                let sum: f64 = (0..rows.len()).map(|column| difference(column, row, candidate)).sum();
                (sum / rows.len() as f64, candidate)
            })
            .collect();
        near.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.truncate(wanted);
        let neighbours = near.into_iter().map(|(distance, candidate)| {
            let parts = (0..rows.len()).map(|column| (difference(column, row, candidate), column));
            let mut differs: Vec<(f64, usize)> = parts.filter(|(part, _)| *part > 0.0).collect();
            differs.sort_by(|a, b| b.0.total_cmp(&a.0));
            Neighbour { row: candidate, distance, differs: differs.into_iter().map(|(_, column)| column).collect() }
        });
        neighbours.collect()
    };
    Ok((0..n).map(find).collect())
}

/// The range of the finite numbers of a column.
fn range(column: &Column) -> f64 {
    match column {
        Column::Numbers(values) => {
            let finite = values.iter().filter(|value| value.is_finite());
            let ends = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
            // Halves, so that the range of the largest numbers is finite.
            if ends.0 <= ends.1 { ends.1 / 2.0 - ends.0 / 2.0 } else { 0.0 }
        }
        Column::Categories(_) => 0.0,
    }
}

/// The difference of two numbers as a share of a range, of which half is given; at most 1.
fn numbers(a: Option<&f64>, b: Option<&f64>, half_range: f64) -> f64 {
    match (a.filter(|a| a.is_finite()), b.filter(|b| b.is_finite())) {
        (None, None) => 0.0,
        (Some(a), Some(b)) if a == b => 0.0,
        (Some(a), Some(b)) if half_range > 0.0 => ((a / 2.0 - b / 2.0).abs() / half_range).min(1.0),
        _ => 1.0,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::explanation::oracle::cases;

    #[test]
    fn distances_are_those_of_gower() {
        for case in cases("gower") {
            let codes = |name: &str| case.list(name).iter().map(|v| Some(*v as u32)).collect::<Vec<_>>();
            let rows =
                [Column::Numbers(case.list("a")), Column::Numbers(case.list("b")), Column::Categories(codes("c"))];
            let found = counterfactual_neighbours(&rows, &rows, usize::MAX, &|_, _| true).unwrap();
            let expected = case.list("distances");
            let n = case.list("a").len();
            for (row, neighbours) in found.iter().enumerate() {
                assert_eq!(neighbours.len(), n);
                for near in neighbours {
                    assert!((near.distance - expected[row * n + near.row]).abs() < 1e-6);
                }
                assert!(neighbours.windows(2).all(|pair| pair[0].distance <= pair[1].distance));
            }
        }
    }

    #[test]
    fn only_rows_with_another_prediction_are_neighbours() {
        let said = [0, 0, 1, 1];
        let known =
            [Column::Numbers(vec![0.0, 1.0, 4.0, 10.0]), Column::Categories(vec![Some(0), None, Some(1), Some(0)])];
        let rows = [Column::Numbers(vec![0.0]), Column::Categories(vec![Some(0)])];
        let found = counterfactual_neighbours(&rows, &known, 1, &|_, candidate| said[candidate] != 0).unwrap();
        // Row 2: (0.4 + 1) / 2; row 3: (1 + 0) / 2.
        assert_eq!(found, [vec![Neighbour { row: 3, distance: 0.5, differs: vec![0] }]]);
        let none = counterfactual_neighbours(&rows, &known, 1, &|_, _| false).unwrap();
        assert_eq!(none, [vec![]]);
    }

    #[test]
    fn missing_and_huge_numbers_have_a_distance() {
        let known = [Column::Numbers(vec![f64::NAN, -1e308, 1e308, f64::INFINITY])];
        let rows = [Column::Numbers(vec![f64::NAN, 1e308])];
        let found = counterfactual_neighbours(&rows, &known, 9, &|_, _| true).unwrap();
        let distances = |row: usize| found[row].iter().map(|near| (near.row, near.distance)).collect::<Vec<_>>();
        assert_eq!(distances(0), [(0, 0.0), (3, 0.0), (1, 1.0), (2, 1.0)]);
        assert_eq!(distances(1), [(2, 0.0), (0, 1.0), (1, 1.0), (3, 1.0)]);
        assert!(counterfactual_neighbours(&[], &[], 1, &|_, _| true).is_err());
    }
}
