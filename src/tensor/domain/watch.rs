//! New rows beside what training rows held.

use arrow::array::{Array, ArrayRef, RecordBatch};
use rustc_hash::FxHashMap;

use super::{ColumnDomain, Domain, Held, numbers};
use crate::statistics::drift::{BEYOND_CHANCE, homogeneity};
use crate::statistics::stability::stability_index;
use crate::tensor::TensorError;
use crate::tensor::category::visit_texts;

/// A stability index from which a column counts as shifted (Siddiqi 2006, *Credit Risk Scorecards*, chapter 8).
pub const SHIFTED: f64 = 0.25;

/// Something about a row that training rows did not have.
#[derive(Debug, Clone, PartialEq)]
pub struct Strange {
    /// The row of the batch, from 0.
    pub row: usize,
    /// The place of the column in the domain.
    pub column: usize,
    /// What it is.
    pub what: What,
}

/// What is strange about a value.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// It is smaller than every value of training.
    Below(f64),
    /// It is larger than every value of training.
    Above(f64),
    /// No training row had it.
    Unseen(String),
    /// It is not among the most frequent values of training, of which alone it is known that they were there.
    Rare(String),
    /// There is none, and every training row had one.
    Missing,
}

/// Counts of new rows beside a domain.
#[derive(Debug)]
pub struct Watch<'a> {
    domain: &'a Domain,
    /// For each column the places of its values.
    places: Vec<FxHashMap<&'a str, usize>>,
    pub(super) seen: Vec<Seen>,
    rows: u64,
    strange_rows: u64,
}

/// What new rows held in a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    missing: u64,
    below: u64,
    above: u64,
    /// By bin, or by value.
    pub(super) counts: Vec<u64>,
    /// Values that are not listed.
    other: u64,
}

/// How a column of new rows stands to the same column of training.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift<'a> {
    /// What training held.
    pub column: &'a ColumnDomain,
    /// New rows without a value.
    pub missing: u64,
    /// New rows with a value below the range of training.
    pub below: u64,
    /// New rows with a value above it.
    pub above: u64,
    /// New rows with a value that is not among the values of training, as far as they are known.
    pub other: u64,
    /// The population stability index over bins or values, the missing ones among them; none where a side has no rows.
    pub index: Option<f64>,
    /// Whether the index is above [`SHIFTED`], and the difference is no chance of few rows.
    pub is_shifted: bool,
}

impl<'a> Watch<'a> {
    /// No rows yet.
    pub fn new(domain: &'a Domain) -> Self {
        let places = domain.columns.iter().map(|column| match &column.held {
            Held::Values(values) => values.counts.iter().enumerate().map(|(at, (value, _))| (&**value, at)).collect(),
            Held::Range(_) | Held::Presence => FxHashMap::default(),
        });
        let seen = domain.columns.iter().map(|column| {
            let counts = match &column.held {
                Held::Values(values) => values.counts.len(),
                Held::Range(range) => range.edges.len() + 1,
                Held::Presence => 0,
            };
            Seen { counts: vec![0; counts], ..Seen::default() }
        });
        Self { domain, places: places.collect(), seen: seen.collect(), rows: 0, strange_rows: 0 }
    }

    /// Counts the rows of a batch with the columns of the domain, and says what is strange about them, by row.
    ///
    /// Time: linear in the values; a hash for each category. Errors: a column is missing.
    pub fn look(&mut self, batch: &RecordBatch) -> Result<Vec<Strange>, TensorError> {
        let mut found = Vec::new();
        for (at, column) in self.domain.columns.iter().enumerate() {
            let name = &column.column;
            let array = batch.column_by_name(name).ok_or_else(|| TensorError::MissingColumn(name.clone()))?;
            let (Some(seen), Some(places)) = (self.seen.get_mut(at), self.places.get(at)) else { continue };
            let known_missing = column.missing > 0;
            look_at(column, array, places, seen, &mut |row, what| {
                if !(known_missing && what == What::Missing) {
                    found.push(Strange { row, column: at, what });
                }
            });
        }
        found.sort_by_key(|strange| (strange.row, strange.column));
        self.rows += batch.num_rows() as u64;
        let mut before = None;
        for strange in &found {
            self.strange_rows += u64::from(before != Some(strange.row));
            before = Some(strange.row);
        }
        Ok(found)
    }

    /// Rows that were looked at.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows about which something was strange.
    pub fn strange_rows(&self) -> u64 {
        self.strange_rows
    }

    /// How each column stands to training.
    pub fn drift(&self) -> Vec<Drift<'a>> {
        self.domain
            .columns
            .iter()
            .zip(&self.seen)
            .map(|(column, seen)| seen.drift(column, self.domain.rows, self.rows))
            .collect()
    }
}

impl Seen {
    fn drift<'a>(&self, column: &'a ColumnDomain, trained: u64, rows: u64) -> Drift<'a> {
        let mut counts = vec![(column.missing, self.missing)];
        match &column.held {
            Held::Range(range) => {
                counts.extend(range.counts.iter().copied().zip(self.counts.iter().copied()));
                counts.extend([(0, self.below), (0, self.above)]);
            }
            Held::Values(values) => {
                counts.extend(values.counts.iter().map(|(_, count)| *count).zip(self.counts.iter().copied()));
                counts.push((values.rest, self.other));
            }
            Held::Presence => {
                counts.push((trained.saturating_sub(column.missing), rows.saturating_sub(self.missing)));
            }
        }
        counts.retain(|(before, now)| before + now > 0);
        let index = stability_index(&counts);
        let is_shifted = index.is_some_and(|index| index > SHIFTED)
            && homogeneity(&counts).is_some_and(|test| test.p_value < BEYOND_CHANCE);
        let &Self { missing, below, above, other, .. } = self;
        Drift { column, missing, below, above, other, index, is_shifted }
    }
}

fn look_at(
    column: &ColumnDomain,
    array: &ArrayRef,
    places: &FxHashMap<&str, usize>,
    seen: &mut Seen,
    found: &mut dyn FnMut(usize, What),
) {
    match &column.held {
        Held::Presence => {
            for row in (0..array.len()).filter(|row| array.is_null(*row)) {
                seen.missing += 1;
                found(row, What::Missing);
            }
        }
        Held::Values(values) => visit_texts(array, |row, text| match text.map(|text| (text, places.get(text))) {
            None => {
                seen.missing += 1;
                found(row, What::Missing);
            }
            Some((_, Some(place))) => {
                if let Some(count) = seen.counts.get_mut(*place) {
                    *count += 1;
                }
            }
            Some((text, None)) => {
                seen.other += 1;
                let text = text.to_owned();
                found(row, if values.rest > 0 { What::Rare(text) } else { What::Unseen(text) });
            }
        }),
        Held::Range(range) => {
            for (row, value) in numbers(array).0.into_iter().enumerate() {
                if value.is_nan() {
                    seen.missing += 1;
                    found(row, What::Missing);
                } else if value < range.min {
                    seen.below += 1;
                    found(row, What::Below(value));
                } else if value > range.max {
                    seen.above += 1;
                    found(row, What::Above(value));
                } else if let Some(count) = seen.counts.get_mut(range.bin(value)) {
                    *count += 1;
                }
            }
        }
    }
}

impl What {
    /// In words, such as `distance 5000 is above 4983, the largest in training`.
    pub fn text(&self, column: &ColumnDomain) -> String {
        /// Characters of a value that are shown.
        const SHOWN: usize = 60;
        let name = &column.column;
        let range = match &column.held {
            Held::Range(range) => Some(range),
            Held::Values(_) | Held::Presence => None,
        };
        let short = |value: &str| match value.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
            None => value.to_owned(),
        };
        match (self, range) {
            (Self::Below(value), Some(range)) => {
                format!("{name} {} is below {}, the smallest in training", range.text(*value), range.text(range.min))
            }
            (Self::Above(value), Some(range)) => {
                format!("{name} {} is above {}, the largest in training", range.text(*value), range.text(range.max))
            }
            (Self::Below(value) | Self::Above(value), None) => format!("{name} {value} was not in training"),
            (Self::Unseen(value), _) => format!("{name} '{}' was not in training", short(value)),
            (Self::Rare(value), _) => format!("{name} '{}' was rare or absent in training", short(value)),
            (Self::Missing, _) => format!("{name} is missing, which it never was in training"),
        }
    }
}
