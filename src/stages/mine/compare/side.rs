//! One side of a comparison: what is known of its columns after one pass, and what is kept of it for the next run.

use arrow::array::{Array, ArrayRef, AsArray};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::expression::{DataType, Expr, Field};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::WorkContext;
use crate::statistics::drift::Empirical;
use crate::statistics::frequencies::Frequencies;
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::{QuantileSketch, Quantiles};

/// Values up to which a distribution is exact.
const EXACT_VALUES: usize = 131_072;
/// Different texts up to which they are compared.
const MOST_TEXTS: usize = 10_000;
/// Longer texts are cut before they are counted.
const LONGEST_TEXT: usize = 200;
/// Points of a distribution that are kept for the next run: a rank error of 1 / 500.
const KEPT: usize = 500;
const MICROSECONDS_OF_A_DAY: f64 = 86_400e6;

/// The columns of one side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Side {
    /// Rows in all.
    pub(super) rows: u64,
    /// What is known of each column.
    pub(super) columns: Vec<Column>,
}

/// A column of one side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its type, as people read it.
    pub(super) data_type: String,
    pub(super) kind: Kind,
    pub(super) brief: Brief,
    pub(super) values: Known,
}

/// A few numbers of a column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Brief {
    pub(super) rows: u64,
    /// Nulls; NaN and infinities count as such.
    pub(super) nulls: u64,
    pub(super) mean: Option<f64>,
    pub(super) deviation: Option<f64>,
}

impl Brief {
    /// Values that are there.
    pub(super) fn values(&self) -> u64 {
        self.rows.saturating_sub(self.nulls)
    }

    /// Nulls as a share of the rows.
    pub(super) fn null_share(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.nulls as f64 / self.rows as f64)
    }
}

/// The values of a column.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Known {
    /// Numbers, or times as days.
    Numbers(Empirical),
    /// Texts with their counts, the most frequent first, and how many values have another text.
    Texts {
        /// The texts.
        counts: Vec<(String, u64)>,
        /// Values with another text.
        others: u64,
    },
    /// The lengths of texts in characters, where there are too many different ones to count each.
    Lengths(Empirical),
    /// Values of a type that cannot be compared, such as lists; only nulls are counted.
    Uncounted,
}

impl Known {
    /// The lengths of texts, where all of them are known.
    pub(super) fn lengths(&self) -> Option<Empirical> {
        match self {
            Self::Lengths(lengths) => Some(lengths.clone()),
            Self::Texts { counts, others: 0 } => {
                let lengths = counts.iter().map(|(text, count)| (length(text), *count));
                Some(Empirical::of_quantiles(&Quantiles::of_counts(lengths)))
            }
            _ => None,
        }
    }
}

/// In characters.
fn length(text: &str) -> f64 {
    text.chars().count() as f64
}

impl Side {
    /// Reads the columns in one pass.
    ///
    /// Errors: the rows cannot be computed.
    pub(super) fn read(table: &Relation, fields: &[Field], context: &WorkContext<'_>) -> Result<Self, Diagnostic> {
        let mut gathered: Vec<Gathered> = fields.iter().map(Gathered::new).collect();
        let columns = fields.iter().map(|field| {
            let value = Expr::column(&field.name, field.data_type.clone());
            let expr = match Kind::of(&field.data_type) {
                Kind::Number => value.cast(DataType::Float64, true),
                _ => value,
            };
            NamedExpr { name: field.name.clone(), expr }
        });
        let relation = Relation::Project { input: table.clone().into(), columns: columns.collect() };
        let mut rows = 0;
        context.stream(&relation, &mut |batch| {
            rows += batch.num_rows() as u64;
            gathered.par_iter_mut().for_each(|gathered| {
                if let Some(column) = batch::column(&batch, &gathered.name) {
                    gathered.add(column);
                }
            });
            Ok(true)
        })?;
        Ok(Self { rows, columns: gathered.into_par_iter().map(|gathered| gathered.finish(rows)).collect() })
    }

    /// The column of that name.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// What the next run compares with: a few hundred points of each distribution.
    pub(super) fn keep(&self) -> serde_json::Value {
        let thinned = |column: &Column| {
            let values = match &column.values {
                Known::Numbers(values) => Known::Numbers(values.thinned(KEPT)),
                Known::Lengths(values) => Known::Lengths(values.thinned(KEPT)),
                Known::Texts { counts, others } => {
                    let rest: u64 = counts.iter().skip(KEPT).map(|(_, count)| count).sum();
                    Known::Texts { counts: counts.iter().take(KEPT).cloned().collect(), others: others + rest }
                }
                Known::Uncounted => Known::Uncounted,
            };
            Column { values, ..column.clone() }
        };
        let kept = Self { rows: self.rows, columns: self.columns.iter().map(thinned).collect() };
        serde_json::to_value(kept).unwrap_or_default()
    }

    /// What an earlier run has kept; none when it kept something else.
    pub(super) fn restore(kept: &serde_json::Value) -> Option<Self> {
        serde_json::from_value(kept.clone()).ok()
    }
}

/// The accumulators of one column.
struct Gathered {
    name: String,
    data_type: DataType,
    kind: Kind,
    present: u64,
    moments: Moments,
    /// Numbers, or the lengths of texts once there are too many different ones.
    sketch: QuantileSketch,
    texts: Frequencies<String>,
    too_many: bool,
}

impl Gathered {
    fn new(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            data_type: field.data_type.clone(),
            kind: Kind::of(&field.data_type),
            present: 0,
            moments: Moments::new(),
            sketch: QuantileSketch::new(EXACT_VALUES),
            // One more than are compared, so that the counts are exact when there are too many.
            texts: Frequencies::new(MOST_TEXTS + 1),
            too_many: false,
        }
    }

    fn add(&mut self, column: &ArrayRef) {
        match self.kind {
            Kind::Number => self.add_numbers(batch::floats(column)),
            Kind::Time => self.add_numbers(days(column)),
            Kind::Other => self.present += (column.len() - column.null_count()) as u64,
            Kind::Category | Kind::Length => {
                if let Some(strings) = column.as_string_view_opt() {
                    strings.iter().flatten().for_each(|text| self.add_text(text));
                } else {
                    batch::texts(column).iter().flatten().for_each(|text| self.add_text(text));
                }
            }
        }
    }

    fn add_numbers(&mut self, mut values: Vec<f64>) {
        values.retain(|value| value.is_finite());
        self.present += values.len() as u64;
        self.moments.extend(&values);
        self.sketch.extend(&values);
    }

    fn add_text(&mut self, text: &str) {
        self.present += 1;
        let cut = text.char_indices().nth(LONGEST_TEXT).map_or(text, |(end, _)| text.get(..end).unwrap_or(text));
        if self.too_many {
            return self.sketch.push(length(cut));
        }
        self.texts.push(cut);
        if self.texts.distinct().is_some_and(|distinct| distinct > MOST_TEXTS as u64) {
            self.too_many = true;
            for counted in std::mem::replace(&mut self.texts, Frequencies::new(0)).top(MOST_TEXTS + 1) {
                self.sketch.push_times(length(&counted.key), counted.count);
            }
        }
    }

    fn finish(self, rows: u64) -> Column {
        let values = match self.kind {
            Kind::Other => Known::Uncounted,
            Kind::Category | Kind::Length if self.too_many => {
                Known::Lengths(Empirical::of_quantiles(&self.sketch.quantiles()))
            }
            Kind::Category | Kind::Length => {
                let counts = self.texts.top(MOST_TEXTS).into_iter().map(|top| (top.key, top.count)).collect();
                Known::Texts { counts, others: 0 }
            }
            Kind::Number | Kind::Time => Known::Numbers(Empirical::of_quantiles(&self.sketch.quantiles())),
        };
        let counts = matches!(self.kind, Kind::Number | Kind::Time);
        let number = |value: Option<f64>| value.filter(|value| counts && value.is_finite());
        let brief = Brief {
            rows,
            nulls: rows.saturating_sub(self.present),
            mean: number(self.moments.mean()),
            deviation: number(self.moments.standard_deviation()),
        };
        Column { name: self.name, data_type: self.data_type.to_string(), kind: self.kind, brief, values }
    }
}

/// Dates and instants as days since 1970-01-01; null as NaN.
fn days(column: &ArrayRef) -> Vec<f64> {
    use arrow::datatypes::{DataType as ArrowType, TimeUnit};
    let micros = ArrowType::Timestamp(TimeUnit::Microsecond, None);
    let cast = arrow::compute::cast(column, &micros).and_then(|at| arrow::compute::cast(&at, &ArrowType::Int64));
    let Ok(cast) = cast else { return vec![f64::NAN; column.len()] };
    batch::floats(&cast).into_iter().map(|micros| micros / MICROSECONDS_OF_A_DAY).collect()
}
