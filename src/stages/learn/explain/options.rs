//! Methods, and which rows are explained one by one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema as JsonSchemaOf, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::definition::{Node, Spanned, Value, decode};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{Expr, Schema};
use crate::stages::inputs;

/// How a model is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    /// How much worse the model gets when a column is shuffled.
    Permutation,
    /// By how much each column moves predictions.
    Shap,
    /// What the model says along the values of a column.
    Dependence,
    /// The training rows most like a row of which the model says something else.
    Counterfactuals,
    /// What each word of a text or step of a sequence contributes: the prediction without it.
    Occlusion,
    /// What each word contributes: derivatives on the way from an empty text.
    IntegratedGradients,
    /// Where the model looks: derivatives by each number.
    Saliency,
    /// Where the model looks: the last layer that has places.
    GradCam,
}

impl Method {
    /// All, in the order in which they are shown.
    pub(super) const ALL: [Self; 8] = [
        Self::Permutation,
        Self::Shap,
        Self::Dependence,
        Self::Counterfactuals,
        Self::Occlusion,
        Self::IntegratedGradients,
        Self::Saliency,
        Self::GradCam,
    ];

    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Permutation => "permutation",
            Self::Shap => "shap",
            Self::Dependence => "dependence",
            Self::Counterfactuals => "counterfactuals",
            Self::Occlusion => "occlusion",
            Self::IntegratedGradients => "integrated_gradients",
            Self::Saliency => "saliency",
            Self::GradCam => "grad_cam",
        }
    }
}

/// How the lines of single rows are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ice {
    /// Where they are: pale behind the mean.
    #[default]
    Lines,
    /// Each from 0 at the first value, so that lines that go different ways show which rows the column moves otherwise.
    Centred,
}

/// The rows that are explained one by one, as they are written.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Chosen(Node);

impl<'de> Deserialize<'de> for Chosen {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Chosen {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Chosen".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> JsonSchemaOf {
        let drawn = generator.subschema_for::<Drawn>();
        json_schema!({ "anyOf": [{ "type": "string" }, drawn] })
    }
}

/// Rows without a condition: one of both.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Drawn {
    /// So many rows of which the model is most wrong.
    #[serde(default)]
    worst: Option<Spanned<usize>>,
    /// So many rows drawn at random.
    #[serde(default)]
    sample: Option<Spanned<usize>>,
    /// The target of which the model is `worst`; the sum over all targets when absent.
    #[serde(default)]
    target: Option<Spanned<String>>,
}

/// The rows that are explained one by one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rows {
    /// The first rows for which it holds.
    Where(Box<Expr>),
    /// Those of which the model is most wrong, and about which target; all when there is none.
    Worst(usize, Option<Spanned<String>>),
    /// Drawn at random.
    Sample(usize),
}

impl Default for Rows {
    fn default() -> Self {
        Self::Sample(3)
    }
}

/// The most rows that are explained one by one.
pub(super) const MOST_CHOSEN: usize = 20;
/// The most of those for which a condition holds.
pub(super) const MOST_WHERE: usize = 10;

impl Chosen {
    /// Errors: a condition that cannot be read, a number out of bounds, a mapping that says too little or too much.
    pub(super) fn read(&self, schema: &Schema) -> Result<Rows, Findings> {
        if !matches!(self.0.value, Value::Mapping(_)) {
            let text: Spanned<String> = decode(&self.0)?;
            return Ok(Rows::Where(Box::new(inputs::predicate(&text, schema)?)));
        }
        let drawn: Drawn = decode(&self.0)?;
        let few = |count: &Spanned<usize>| {
            if count.value <= MOST_CHOSEN {
                return Ok(count.value);
            }
            let message = format!("at most {MOST_CHOSEN} rows are explained one by one");
            Err(vec![Diagnostic::definition(message).at(&count.place)])
        };
        match (&drawn.worst, &drawn.sample, &drawn.target) {
            (Some(count), None, target) => Ok(Rows::Worst(few(count)?, target.clone())),
            (None, Some(_), Some(target)) => {
                let message = "`target` belongs to `worst`: rows drawn at random are those of no target";
                Err(vec![Diagnostic::definition(message).at(&target.place)])
            }
            (None, Some(count), None) => Ok(Rows::Sample(few(count)?)),
            _ => {
                let message = "`rows` is a condition, `{worst: 5}` or `{sample: 5}`";
                Err(vec![Diagnostic::definition(message).at(&self.0.place)])
            }
        }
    }
}
