//! The options of expectations, by their form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Node, OneOrMany, Ordered, Spanned};

/// One column or several.
pub(super) type Columns = OneOrMany<Spanned<String>>;

/// Bounds of the values of a column.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The smallest allowed value; dates are written as text.
    #[serde(default)]
    pub(super) min: Option<Node>,
    /// The largest allowed value.
    #[serde(default)]
    pub(super) max: Option<Node>,
    /// Values must be larger than this.
    #[serde(default)]
    pub(super) above: Option<Node>,
    /// Values must be smaller than this.
    #[serde(default)]
    pub(super) below: Option<Node>,
}

/// Values of a column.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InSet {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The values.
    pub(super) values: Vec<Node>,
}

/// Values of several columns that belong together.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PairSet {
    /// The columns.
    pub(super) columns: Columns,
    /// The values, one list for each allowed combination, in the order of the columns.
    pub(super) values: Vec<Vec<Node>>,
}

/// A pattern of a column of text.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pattern {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The pattern; anchor a regular expression with `^` and `$` to match the whole text.
    pub(super) pattern: Spanned<String>,
}

/// Bounds of the number of characters.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Length {
    /// The column.
    pub(super) column: Spanned<String>,
    /// At least so many characters.
    #[serde(default)]
    pub(super) min: Option<u32>,
    /// At most so many characters.
    #[serde(default)]
    pub(super) max: Option<u32>,
}

/// A column with a type.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The type as in `cast`: `bigint`, `double`, `date`, `timestamp`, ..
    pub(super) r#type: Spanned<String>,
}

/// A column with a layout of dates or times.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Layout {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The layout as in `strptime`: `%d.%m.%Y`.
    pub(super) format: Spanned<String>,
}

/// A column that is compared.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Against {
    /// The column.
    pub(super) column: Spanned<String>,
    /// A value, or `{column: name}` for another column.
    pub(super) than: Node,
}

/// A column that is compared for equality.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    /// The column.
    pub(super) column: Spanned<String>,
    /// A value, or `{column: name}` for another column.
    pub(super) to: Node,
}

/// A column of multiples.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The number of which the values are multiples.
    pub(super) of: Spanned<f64>,
}

/// Numbers that add up.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Total {
    /// The columns that are added; a null makes the row pass.
    pub(super) columns: Columns,
    /// The sum: a number, or `{column: name}` for another column.
    pub(super) equals: Node,
    /// How far the sum may be off.
    #[serde(default = "cent")]
    pub(super) tolerance: f64,
}

fn cent() -> f64 {
    1e-9
}

/// A column in order.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// The column; nulls are passed over.
    pub(super) column: Spanned<String>,
    /// Whether equal neighbours fail too.
    #[serde(default)]
    pub(super) strict: bool,
}

/// Values of another stage.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    /// The columns of this stage.
    pub(super) columns: Columns,
    /// The other stage.
    pub(super) stage: Spanned<String>,
    /// Its columns in the same order; those of the same names when absent.
    #[serde(default)]
    pub(super) to: Option<Columns>,
}

/// Another stage to compare rows with.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SameRows {
    /// The other stage.
    pub(super) stage: Spanned<String>,
}

/// A sum of another stage.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SameTotal {
    /// The column of this stage.
    pub(super) column: Spanned<String>,
    /// The other stage.
    pub(super) stage: Spanned<String>,
    /// Its column; that of the same name when absent.
    #[serde(default)]
    pub(super) to: Option<Spanned<String>>,
    /// How far the sums may be apart.
    #[serde(default = "cent")]
    pub(super) tolerance: f64,
}

/// Bounds of the number of rows.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RowCount {
    /// At least so many.
    #[serde(default)]
    pub(super) min: Option<u64>,
    /// At most so many.
    #[serde(default)]
    pub(super) max: Option<u64>,
    /// Exactly so many.
    #[serde(default)]
    pub(super) exactly: Option<u64>,
}

/// Bounds of a number that is told of a column.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Bounded {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The smallest allowed value.
    #[serde(default)]
    pub(super) min: Option<Node>,
    /// The largest allowed value.
    #[serde(default)]
    pub(super) max: Option<Node>,
}

/// Bounds of a quantile.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BoundedQuantile {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The share of values below it, from 0 to 1.
    pub(super) q: Spanned<f64>,
    /// The smallest allowed value.
    #[serde(default)]
    pub(super) min: Option<Node>,
    /// The largest allowed value.
    #[serde(default)]
    pub(super) max: Option<Node>,
}

/// Bounds of a correlation.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Correlated {
    /// The two columns.
    pub(super) columns: Columns,
    /// The smallest allowed value.
    #[serde(default)]
    pub(super) min: Option<Node>,
    /// The largest allowed value.
    #[serde(default)]
    pub(super) max: Option<Node>,
}

/// Bounds of a share of rows.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShareOf {
    /// A condition in SQL.
    pub(super) of: Spanned<String>,
    /// The smallest allowed share, from 0 to 1.
    #[serde(default)]
    pub(super) min: Option<Node>,
    /// The largest allowed share.
    #[serde(default)]
    pub(super) max: Option<Node>,
}

/// The columns of a table.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// Their names.
    pub(super) columns: Columns,
    /// Whether their order counts.
    #[serde(default)]
    pub(super) ordered: bool,
}

/// Names of types by column: `{id: bigint, day: date}`.
pub(super) type ColumnTypes = Ordered<Spanned<String>>;

/// Bounds of the number of columns.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Counted {
    /// At least so many.
    #[serde(default)]
    pub(super) min: Option<usize>,
    /// At most so many.
    #[serde(default)]
    pub(super) max: Option<usize>,
    /// Exactly so many.
    #[serde(default)]
    pub(super) exactly: Option<usize>,
}

/// The age of a column of dates or times.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Age {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The age: a number and `minutes`, `hours`, `days` or `weeks`.
    pub(super) age: Spanned<String>,
}

/// How far the number of rows may move.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SteadyRows {
    /// The largest change in either direction, as a share of the rows before: `20%`.
    #[serde(default)]
    pub(super) at_most: Option<Node>,
    /// The largest loss, as a share of the rows before.
    #[serde(default)]
    pub(super) drop: Option<Node>,
    /// The largest gain, as a share of the rows before.
    #[serde(default)]
    pub(super) rise: Option<Node>,
}

/// How far a number of a column may move.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Steady {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The largest change.
    pub(super) at_most: Node,
}

/// How far a mean may move.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SteadyMean {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The largest change, as a share of the mean before: `10%`.
    #[serde(default)]
    pub(super) at_most: Option<Node>,
    /// The largest change in standard deviations of the column before.
    #[serde(default)]
    pub(super) deviations: Option<Spanned<f64>>,
}

/// How far a quantile may move.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SteadyQuantile {
    /// The column.
    pub(super) column: Spanned<String>,
    /// The share of values below it, from 0 to 1.
    pub(super) q: Spanned<f64>,
    /// The largest change, as a share of the quantile before.
    pub(super) at_most: Node,
}

/// How strictly columns are compared with those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// Names and types, in any order.
    Columns,
    /// Names, types and order.
    Order,
    /// No column is lost and none changes its type; new ones may come.
    Additions,
}
