//! `reduce`: few columns in the place of many.

mod exhibits;
mod linear;
mod map;
mod options;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Spanned};
use crate::diagnostic::Findings;
use crate::expression::{DataType, Expr, Field};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};

/// Adds few columns that say much of what many columns say.
///
/// - `pca`: principal components (Pearson 1901, Hotelling 1933): `components: 3` gives the three directions in which the rows
///   vary most, as columns `pc_1`, `pc_2`, `pc_3`. `components: 0.95` keeps as few as hold 95 % of the variance; how many they
///   are is known only when they are learned, so they stand as a list in one column `pc`. One pass over the rows; at most 2,000
///   columns. The sign of a component is chosen so that its weight of largest size is positive.
/// - `random_projection`: sums of all columns with random weights, `rp_1`, `rp_2`, .., which nearly keep the distances between
///   rows (Johnson and Lindenstrauss 1984) and cost nothing to learn. `weights: gaussian` are normal, of `sparse` ones two
///   thirds are 0 (Achlioptas 2003). The report says what is guaranteed, and what became of the distances of some pairs of
///   rows.
/// - `tsne`: a map of the rows in a plane, `tsne_1` and `tsne_2`, that keeps neighbours together (van der Maaten 2014,
///   Barnes-Hut). It is for looking, not for learning: it holds for these rows only, new rows have no place in it, and a model
///   cannot take it along. Distances between far groups mean little. It needs its rows in memory, at most 100,000; `sample:
///   5000` maps so many, drawn at random.
///
/// With `scale` (the default) each column is divided by its standard deviation first, so that no unit counts more than another.
/// `pca` and `random_projection` learn from the training rows when the rows are divided by a `split`, else from all rows, are
/// applied to new rows and stay in a saved model. Rows in which a value is missing or infinite are not learned from and get
/// nulls; they are counted. The columns stay; `select` drops them.
///
/// ```yaml
/// - reduce: {columns: [temp, dewp, humid, pressure], components: 2}
/// - reduce: {components: 0.95, scale: false, prefix: shape}
/// - reduce: {method: random_projection, components: 16, weights: sparse}
/// - reduce: {method: tsne, perplexity: 40, sample: 5000, seed: 3}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reduce {
    /// The columns of numbers; all of them when absent.
    #[serde(default)]
    columns: Option<OneOrMany<Spanned<String>>>,
    /// How.
    #[serde(default)]
    method: Method,
    /// How many columns, from 1 to 256, or for `pca` the share of the variance that is to be kept, below 1; 2 when absent.
    #[serde(default)]
    components: Option<Spanned<f64>>,
    /// Whether columns are divided by their standard deviations first.
    #[serde(default = "yes")]
    scale: bool,
    /// What the new columns are called before their number: `pc`, `rp` or `tsne` when absent.
    #[serde(default)]
    prefix: Option<Spanned<String>>,
    /// How `random_projection` draws its weights; `gaussian` when absent.
    #[serde(default)]
    weights: Option<Spanned<Weights>>,
    /// Neighbours that a row of `tsne` is to have, from 2 to 200; 30 when absent.
    #[serde(default)]
    perplexity: Option<Spanned<f64>>,
    /// By how much `tsne` enlarges the attraction in its first 250 rounds, from 1 to 100; 12 when absent.
    #[serde(default)]
    early_exaggeration: Option<Spanned<f64>>,
    /// Rounds of `tsne`, from 250 to 10,000; 1,000 when absent.
    #[serde(default)]
    rounds: Option<Spanned<u32>>,
    /// How coarse `tsne` sees far groups, from 0 (exactly, slow) to 1; 0.5 when absent.
    #[serde(default)]
    angle: Option<Spanned<f64>>,
    /// Maps so many rows with `tsne`, drawn at random, from 10 to 100,000; all of them when absent. The others get nulls.
    #[serde(default)]
    sample: Option<Spanned<u32>>,
    /// Another seed draws other weights and other rows.
    #[serde(default)]
    seed: u32,
}

/// How.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Directions in which the rows vary most.
    #[default]
    Pca,
    /// Random directions.
    RandomProjection,
    /// A map of neighbours.
    Tsne,
}

/// How random weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// Normal.
    Gaussian,
    /// Two thirds are 0.
    Sparse,
}

fn yes() -> bool {
    true
}

impl Stage for Reduce {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let fields = inputs::numeric_or_all(&table.schema, self.columns.as_ref(), id)?;
        let settings = self.settings(fields, table, context)?;
        match self.method {
            Method::Pca | Method::RandomProjection => linear::plan(self, settings, table, context),
            Method::Tsne => map::plan(self, settings, table, context),
        }
    }
}

/// `x` in float64.
fn number(field: &Field) -> Expr {
    Expr::column(&field.name, field.data_type.clone()).cast(DataType::Float64, true)
}
