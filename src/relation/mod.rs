//! Relations: what rows a stage means, as a small logical plan that knows its schema, lineage and fingerprint without any engine.

mod fingerprint;
mod lineage;
mod rewrite;
mod schema;

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::expression::{Expr, Schema, SortKey};

pub use lineage::Lineage;
pub use rewrite::{Bindings, PreparedFiles, keep_columns};

/// A logical plan. Trees share their parts; a relation is cheap to clone behind [`Arc`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Rows from outside.
    Scan(Scan),
    /// Exactly these columns, computed from the input's; window functions are allowed, aggregates are not.
    Project {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// The columns in order; names are unique.
        columns: Vec<NamedExpr>,
    },
    /// The rows for which the predicate is true.
    Filter {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// A boolean expression; null counts as false.
        predicate: Expr,
    },
    /// Rows of two relations side by side.
    Join(Box<Join>),
    /// All rows of the first input, then of the second, .. All inputs have the same schema.
    Union {
        /// At least one.
        inputs: Vec<Arc<Relation>>,
    },
    /// One row for each combination of keys (nulls are one key), in no stated order; without keys exactly one row.
    Aggregate {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// What is grouped by.
        keys: Vec<NamedExpr>,
        /// Expressions over aggregates.
        aggregates: Vec<NamedExpr>,
    },
    /// One row of each group of rows with equal keys (nulls are equal), in the order of the input.
    Deduplicate {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// The columns that make a duplicate.
        keys: Vec<String>,
        /// Which row stays.
        keep: Keep,
        /// What first and last mean; empty: the order of the input. Ties keep the order of the input.
        order_by: Vec<SortKey>,
    },
    /// The rows in order; ties keep the order of the input.
    Sort {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// At least one key.
        keys: Vec<SortKey>,
    },
    /// `rows` rows after the first `offset`.
    Limit {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// Rows left out before.
        offset: u64,
        /// Rows at most.
        rows: u64,
    },
    /// The input with one more column in front: the number of the row, int64 from 0, in the order of the input.
    RowIndex {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// Name of the new column.
        name: String,
    },
    /// One row for each element of the lists in `columns`, side by side; the other columns are repeated.
    Explode {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// At least one column of lists; within a row all of them are equally long, or the rows cannot be computed.
        columns: Vec<String>,
        /// Whether a row with empty lists or none stays, with nulls in their place.
        keep_empty: bool,
    },
    /// Rows that are made in one way where a model learns from them (an out-of-fold encoding looks at other rows), and in
    /// another where a saved model is applied to new rows. Both have the same columns; engines execute the first.
    Learning {
        /// The rows as they are.
        rows: Arc<Relation>,
        /// What a saved model does to a new row in their place.
        replay: Arc<Relation>,
    },
    /// Passes its input on and counts while the rows go by. It is no part of the meaning: fingerprints skip it.
    Tap {
        /// Where the rows come from.
        input: Arc<Relation>,
        /// What is counted.
        tap: Arc<Tap>,
    },
}

/// A column computed by an expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedExpr {
    /// Its name.
    pub name: String,
    /// Its value.
    pub expr: Expr,
}

/// Rows from outside of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// Where they are.
    pub source: ScanSource,
    /// Their columns.
    pub schema: Schema,
}

/// Where the rows of a scan are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanSource {
    /// Files with one layout, read in this order.
    Files(FileScan),
    /// A table that a stage makes when it runs (rows of rejects, rules, statistics), named `stage.what`;
    /// replaced by files before an engine sees it.
    Artifact(String),
    /// A table that the engine holds after `Engine::pin`.
    Pinned(u64),
    /// The rows on which a saved model is applied.
    Input,
}

/// Files that are read together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileScan {
    /// The files, already expanded from patterns, sorted by name.
    pub paths: Vec<PathBuf>,
    /// How to read them.
    pub format: FileFormat,
    /// The schema within the files; the scan's schema has a subset of its columns, and `filename` when asked for.
    pub file_schema: Schema,
    /// A further text column with the path of the file of each row.
    pub filename: Option<String>,
    /// At most this many rows, counted over all files.
    pub rows: Option<u64>,
    /// What the files held when they were looked at (sizes, times, footers), so that a change changes the fingerprint.
    pub fingerprint: String,
}

/// How files are read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// Text with a delimiter.
    Csv(CsvFormat),
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
}

/// The layout of a CSV file in UTF-8 (other encodings are converted before), plain, gzip or zstd.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CsvFormat {
    /// One ASCII byte between fields.
    pub delimiter: u8,
    /// One ASCII byte around fields, if any.
    pub quote: Option<u8>,
    /// Whether the first line (after `skip_rows`) names the columns.
    pub header: bool,
    /// Lines left out before the header.
    pub skip_rows: u64,
    /// Texts that mean null; an unquoted empty field always does.
    pub null_values: Vec<String>,
    /// `1,5` is one and a half.
    pub decimal_comma: bool,
}

/// Two relations side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Join {
    /// The rows that a left join keeps.
    pub left: Arc<Relation>,
    /// The other rows.
    pub right: Arc<Relation>,
    /// What is kept.
    pub kind: JoinKind,
    /// Pairs of key columns (left, right) of equal types; null keys match nothing. Empty for cross joins.
    pub on: Vec<(String, String)>,
    /// Columns of the result that come from the right: (name there, name in the result). Never clash with the left's.
    pub take: Vec<(String, String)>,
    /// For a full join, key columns are coalesced into the left's name.
    pub asof: Option<Asof>,
}

/// Which rows a join keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JoinKind {
    /// Pairs that match.
    Inner,
    /// All left rows.
    Left,
    /// All right rows (key columns take the right's values).
    Right,
    /// All rows of both.
    Full,
    /// Left rows with a match.
    Semi,
    /// Left rows without a match.
    Anti,
    /// Every pair.
    Cross,
    /// All left rows with the nearest right row in an order.
    Asof,
}

/// The order of an asof join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asof {
    /// Column compared on the left.
    pub left: String,
    /// Column compared on the right.
    pub right: String,
    /// Which side of the left value the right value may lie on.
    pub direction: AsofDirection,
}

/// On which side an asof join looks; equal values always match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsofDirection {
    /// The last right value at or before the left one.
    Backward,
    /// The first right value at or after the left one.
    Forward,
    /// The nearest one.
    Nearest,
}

/// Which of several rows with equal keys stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The first in order.
    First,
    /// The last in order.
    Last,
    /// Whichever is cheapest; the first in fact.
    Any,
    /// None of them: only rows without a twin stay.
    None,
}

/// What is counted while rows go by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tap {
    /// The stage that counts.
    pub stage: String,
    /// Which of the stage's taps it is: `out` counts the rows that the stage hands on.
    pub point: String,
    /// Rows for which these are true are counted apart, each under its name.
    pub counters: Vec<NamedExpr>,
    /// Rows kept as examples.
    pub samples: Vec<Sample>,
}

impl Tap {
    /// The point of a tap over an aggregate that merges rows which mean the same thing: each column is made of the rows' values
    /// of that column, so that the golden record of a single row is the row itself.
    pub const GOLDEN: &str = "golden";
}

/// A request for example rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Name of the sample, unique in its tap.
    pub name: String,
    /// Rows for which this is true.
    pub when: Expr,
    /// What is kept of such a row.
    pub columns: Vec<NamedExpr>,
    /// Rows at most; the first ones in the order of the input, as far as the engine keeps it.
    pub rows: usize,
}
