//! What is known of one column after a pass over its values.

use arrow::array::{Array, ArrayRef, AsArray};

use crate::batch;
use crate::exhibit::Cell;
use crate::expression::{DataType, Field};
use crate::statistics::distinct::DistinctCounter;
use crate::statistics::frequencies::Frequencies;
use crate::statistics::histogram::{Bins, Histogram, Scale};
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::{QuantileSketch, Quantiles};

/// Values up to which quantiles are exact.
const EXACT_QUANTILES: usize = 131_072;
/// Distinct values up to which the most frequent ones are exact.
const EXACT_FREQUENCIES: usize = 10_000;
/// Longer texts are cut before they are counted, so that a column of essays does not fill the memory.
const LONGEST_TEXT: usize = 200;

/// The accumulators of one column.
pub(super) struct Summary {
    pub(super) field: Field,
    pub(super) rows: u64,
    pub(super) nulls: u64,
    pub(super) moments: Moments,
    sketch: QuantileSketch,
    /// The sorted sketch, once all rows went by.
    pub(super) quantiles: Quantiles,
    pub(super) distinct: DistinctCounter,
    pub(super) frequencies: Frequencies<String>,
    smallest: Option<String>,
    largest: Option<String>,
}

impl Summary {
    pub(super) fn new(field: &Field) -> Self {
        Self {
            field: field.clone(),
            rows: 0,
            nulls: 0,
            moments: Moments::new(),
            sketch: QuantileSketch::new(EXACT_QUANTILES),
            quantiles: QuantileSketch::new(1).quantiles(),
            distinct: DistinctCounter::new(),
            frequencies: Frequencies::new(EXACT_FREQUENCIES),
            smallest: None,
            largest: None,
        }
    }

    pub(super) fn is_number(&self) -> bool {
        self.field.data_type.is_numeric()
    }

    /// Adds the values of a batch.
    pub(super) fn add(&mut self, column: &ArrayRef) {
        self.rows += column.len() as u64;
        self.nulls += column.null_count() as u64;
        if self.is_number() {
            self.add_numbers(column);
        } else {
            self.add_texts(column);
        }
    }

    fn add_numbers(&mut self, column: &ArrayRef) {
        let mut values = batch::floats(column);
        if column.null_count() > 0 {
            // Nulls arrive as NaN; they are told from real NaNs by the column's own validity.
            let mut valid = (0..column.len()).map(|row| column.is_valid(row));
            values.retain(|_| valid.next().unwrap_or(false));
        }
        self.moments.extend(&values);
        self.sketch.extend(&values);
        self.distinct.extend(&values);
        for value in values {
            // Integers and short decimals repeat; the key is the shortest text of the number.
            if !self.frequencies.is_exact() {
                break;
            }
            self.frequencies.push(value.to_string().as_str());
        }
    }

    fn add_texts(&mut self, column: &ArrayRef) {
        if let Some(strings) = column.as_string_view_opt() {
            for text in strings.iter().flatten() {
                self.add_text(text);
            }
        } else {
            for text in batch::texts(column).iter().flatten() {
                self.add_text(text);
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        self.distinct.push(text.as_bytes());
        let cut = text.char_indices().nth(LONGEST_TEXT).map_or(text, |(end, _)| text.get(..end).unwrap_or(text));
        self.frequencies.push(cut);
        if self.smallest.as_deref().is_none_or(|smallest| cut < smallest) {
            self.smallest = Some(cut.to_owned());
        }
        if self.largest.as_deref().is_none_or(|largest| cut > largest) {
            self.largest = Some(cut.to_owned());
        }
    }

    /// Sorts what is needed for quantiles, once all rows went by.
    pub(super) fn finish(&mut self) {
        self.quantiles = self.sketch.quantiles();
    }

    pub(super) fn moment(&self, of: impl Fn(&Moments) -> Option<f64>) -> Option<f64> {
        if self.is_number() { of(&self.moments) } else { None }
    }

    pub(super) fn quantile(&self, at: f64) -> Option<f64> {
        if self.is_number() { self.quantiles.quantile(at) } else { None }
    }

    #[expect(clippy::cast_precision_loss, reason = "a share that is shown with one decimal")]
    pub(super) fn null_share(&self) -> f64 {
        self.nulls as f64 / self.rows.max(1) as f64
    }

    pub(super) fn distinct_cell(&self) -> Cell {
        let count = self.distinct.count();
        if self.distinct.is_exact() { Cell::count(count) } else { Cell::text(format!("~{count}")) }
    }

    /// `UA (58,665), B6 (54,635)`
    pub(super) fn top_text(&self, number: usize) -> String {
        let tilde = if self.frequencies.is_exact() { "" } else { "~" };
        let top = self.frequencies.top(number);
        let texts = top.iter().map(|top| format!("{} ({tilde}{})", top.key, top.count));
        texts.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn range_text(&self) -> Option<String> {
        if self.field.data_type == DataType::Boolean {
            return None;
        }
        Some(format!("{} \u{2026} {}", self.smallest.as_deref()?, self.largest.as_deref()?))
    }

    pub(super) fn histogram(&self) -> Histogram {
        let scale = if self.field.data_type.is_integer() { Scale::Integer } else { Scale::Real };
        Histogram::from_quantiles(&self.quantiles, Bins::Auto, scale)
    }
}
