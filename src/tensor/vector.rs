//! Columns of lists of one size: each place of the list is a number of its own.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::number::{Number, NumberFit, NumberScale, finite};
use super::part::{Counts, Part};

/// The most numbers of a list.
pub const LONGEST_VECTOR: usize = 65_536;
/// Numbers that are looked at together.
const TOGETHER: usize = 1 << 20;

/// A column of lists of numbers with what was learned about each place.
///
/// A null within a list is a missing number of its place, a null in the place of a list is one of all places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    name: String,
    numbers: Vec<Number>,
    /// Training rows without a list.
    missing: u64,
    /// Training rows.
    rows: u64,
}

/// Learns about a column of lists.
///
/// Memory: that of a column of numbers for each place.
#[derive(Debug)]
pub(super) struct VectorFit {
    pub(super) name: String,
    fits: Vec<NumberFit>,
    missing: u64,
    rows: u64,
}

impl VectorFit {
    pub(super) fn new(name: &str, scale: &NumberScale, length: usize) -> Self {
        let fits = (1..=length).map(|place| NumberFit::new(&format!("{name}[{place}]"), scale)).collect();
        Self { name: name.to_owned(), fits, missing: 0, rows: 0 }
    }

    pub(super) fn add(&mut self, array: &ArrayRef) {
        self.missing += array.null_count() as u64;
        self.rows += array.len() as u64;
        let length = self.fits.len().max(1);
        // Some rows at a time: a batch of long lists is large.
        let step = (TOGETHER / length).clamp(1, 4_096);
        let mut values = Vec::with_capacity(step * length);
        for from in (0..array.len()).step_by(step) {
            values.clear();
            for row in from..array.len().min(from + step) {
                extend(&mut values, array, row, length);
            }
            for (place, fit) in self.fits.iter_mut().enumerate() {
                let column: Vec<f64> = values.iter().skip(place).step_by(length).copied().collect();
                fit.extend(&column);
            }
        }
    }

    pub(super) fn finish(self) -> Vector {
        let numbers = self.fits.into_iter().map(NumberFit::finish).collect();
        Vector { name: self.name, numbers, missing: self.missing, rows: self.rows }
    }
}

impl Vector {
    /// The column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was learned of each place.
    pub fn numbers(&self) -> &[Number] {
        &self.numbers
    }

    /// Training rows without a list.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Training rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many inputs the column becomes.
    pub fn width(&self) -> usize {
        self.numbers.iter().map(Number::width).sum()
    }

    pub(super) fn is_sound(&self) -> bool {
        (1..=LONGEST_VECTOR).contains(&self.numbers.len()) && self.numbers.iter().all(Number::is_sound)
    }

    pub(super) fn input_names(&self) -> Vec<String> {
        self.numbers.iter().flat_map(Number::input_names).collect()
    }

    /// Fills the column's part of each row.
    pub(super) fn encode(&self, array: &ArrayRef, part: &mut Part<'_>) -> Counts {
        let counts = Counts { missing: array.null_count() as u64, ..Counts::default() };
        let mut values = Vec::with_capacity(self.numbers.len());
        for (row, cells) in part.rows(self.width()).enumerate().take(array.len()) {
            values.clear();
            extend(&mut values, array, row, self.numbers.len());
            let mut from = 0;
            for (number, value) in self.numbers.iter().zip(&values) {
                if let Some(cells) = cells.get_mut(from..from + number.width()) {
                    number.one(*value, cells);
                }
                from += number.width();
            }
        }
        counts
    }
}

/// Adds the numbers of the list of a row: NaN for what is missing, no number or not finite, and for all of a list of
/// another size.
fn extend(values: &mut Vec<f64>, array: &ArrayRef, row: usize, length: usize) {
    let end = values.len() + length;
    if let Some(list) = elements(array, row) {
        let numbers = finite(&list);
        if numbers.len() == length {
            values.extend(numbers);
        }
    }
    values.resize(end, f64::NAN);
}

/// The elements of the list of a row, those of lists in lists one after the other, of which a null list has none; none
/// for null and for what is no list.
fn elements(array: &ArrayRef, row: usize) -> Option<ArrayRef> {
    if array.is_null(row) {
        return None;
    }
    let list = match array.data_type() {
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        _ => return None,
    };
    match list.data_type() {
        DataType::FixedSizeList(..) => {
            let rows: Vec<ArrayRef> = (0..list.len()).filter_map(|row| elements(&list, row)).collect();
            let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
            arrow::compute::concat(&rows).ok()
        }
        _ => Some(list),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::sync::Arc;

    use arrow::array::FixedSizeListArray;
    use arrow::datatypes::Float64Type;

    use super::*;

    #[test]
    fn each_place_of_a_list_is_scaled_by_itself_and_nulls_are_missing() {
        let rows =
            [Some(vec![Some(1.0), Some(10.0)]), Some(vec![Some(3.0), None]), None, Some(vec![Some(2.0), Some(30.0)])];
        let array: ArrayRef = Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(rows, 2));
        let mut fit = VectorFit::new("v", &NumberScale::Minmax, 2);
        fit.add(&array);
        let vector = fit.finish();
        // Minimum and range: 1 and 2, 10 and 20; the means are 2 and 20. Each place was missing once or twice.
        assert_eq!(vector.input_names(), ["v[1]", "v[1] is missing", "v[2]", "v[2] is missing"]);
        assert_eq!((vector.missing(), vector.rows(), vector.is_sound()), (1, 4, true));
        let mut inputs = vec![0.0; 16];
        let counts = vector.encode(&array, &mut Part { inputs: &mut inputs, width: 4, offset: 0 });
        assert_eq!(counts.missing, 1);
        let expected = [[0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.5, 1.0], [0.5, 1.0, 0.5, 1.0], [0.5, 0.0, 1.0, 0.0]];
        assert_eq!(inputs, expected.concat());
    }
}
