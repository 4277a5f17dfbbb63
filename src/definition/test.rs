//! The `test` section: small inputs given in the file, and what must come of them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::decode::decode;
use super::node::{Node, Value};
use super::one_or_many::OneOrMany;
use super::ordered::Ordered;
use super::session::Session;
use super::spanned::Spanned;
use super::stage::take;
use crate::diagnostic::{Diagnostic, Findings, Place};

/// A test of the pipeline: what is put in the place of stages, and what must come out of others.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// What is tested, in a few words; `gristmill test --only` takes it.
    name: Spanned<String>,
    /// More about it.
    #[serde(default)]
    description: Option<String>,
    /// Values of parameters for this test.
    #[serde(default)]
    params: Ordered<Node>,
    /// Rows in the place of stages, by their ids.
    #[serde(default)]
    given: Ordered<GivenNode>,
    /// Rows that must come out of stages, by their ids.
    #[serde(default)]
    expect: Ordered<ExpectedNode>,
    /// The failure that must happen.
    #[serde(default)]
    fails: Option<Failure>,
    /// Words of warnings that must be given.
    #[serde(default)]
    warns: Option<OneOrMany<Spanned<String>>>,
}

/// The failure of a stage.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The stage that fails; any when absent. A definition that is wrong fails at the stage that is wrong.
    #[serde(default)]
    pub stage: Option<Spanned<String>>,
    /// Words of the message.
    #[serde(default)]
    pub says: Option<OneOrMany<Spanned<String>>>,
    /// The exit code that the run would have.
    #[serde(default)]
    pub exit: Option<Spanned<u8>>,
}

/// Rows in the place of a stage.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GivenOptions {
    /// The rows: mappings of columns to values, or lists in the order of `header`. Columns that are left out are null.
    #[serde(default)]
    rows: Option<Vec<Node>>,
    /// The rows as CSV with a header.
    #[serde(default)]
    csv: Option<Spanned<String>>,
    /// The columns of rows that are lists; those of the stage when absent.
    #[serde(default)]
    header: Option<Vec<Spanned<String>>>,
    /// Types of columns, such as `{day: date}`. Those of the stage when absent; when its files are not there, told from the values.
    #[serde(default)]
    types: Ordered<Spanned<String>>,
}

/// Rows that must come out of a stage.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExpectedOptions {
    /// The rows: mappings of columns to values, or lists in the order of `header`.
    #[serde(default)]
    rows: Option<Vec<Node>>,
    /// The rows as CSV with a header.
    #[serde(default)]
    csv: Option<Spanned<String>>,
    /// The columns of rows that are lists; those of the stage when absent.
    #[serde(default)]
    header: Option<Vec<Spanned<String>>>,
    /// How many rows there must be.
    #[serde(default)]
    count: Option<Spanned<u64>>,
    /// Whether the order of rows counts.
    #[serde(default)]
    ordered: bool,
    /// Which columns are compared.
    #[serde(default)]
    columns: Compared,
    /// How far numbers with a fraction may be off, absolutely or as a share of the expected value.
    #[serde(default = "tolerance")]
    tolerance: Spanned<f64>,
}

fn tolerance() -> Spanned<f64> {
    Spanned::nowhere(1e-9)
}

/// Which columns of a stage are compared with expected rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// Those that the expected rows name.
    #[default]
    Subset,
    /// All: the expected rows must name every column.
    All,
}

/// A list of rows, CSV, or a mapping with options.
macro_rules! rows_node {
    ($name:ident, $options:ty, $text:literal) => {
        #[derive(Debug, Clone, Deserialize, Serialize)]
        #[serde(transparent)]
        struct $name(Node);

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let options = generator.subschema_for::<$options>();
                json_schema!({
                    "description": $text,
                    "anyOf": [
                        { "type": "array", "items": { "type": ["object", "array"] } },
                        { "type": "string" },
                        options,
                    ],
                })
            }
        }
    };
}

rows_node!(GivenNode, GivenOptions, "Rows as a list, as CSV, or with options.");
rows_node!(ExpectedNode, ExpectedOptions, "Rows as a list, as CSV, or with options.");

/// A test of the pipeline.
#[derive(Debug, Clone)]
pub struct Test {
    /// What is tested.
    pub name: Spanned<String>,
    /// Values of parameters, as they would stand after `--set name=`.
    pub params: Vec<(Spanned<String>, String)>,
    /// Rows in the place of stages.
    pub given: Vec<(Spanned<String>, Given)>,
    /// Rows that must come out of stages.
    pub expect: Vec<(Spanned<String>, Expected)>,
    /// The failure that must happen.
    pub fails: Option<Failure>,
    /// Words of warnings that must be given.
    pub warns: Vec<Spanned<String>>,
}

/// Rows as they stand in the file.
#[derive(Debug, Clone)]
pub struct Rows {
    /// What holds them.
    pub source: RowSource,
    /// The columns of rows that are lists.
    pub header: Option<Vec<Spanned<String>>>,
    /// Where they stand.
    pub place: Place,
}

/// How rows are written.
#[derive(Debug, Clone)]
pub enum RowSource {
    /// As mappings and lists.
    Items(Vec<Node>),
    /// As CSV with a header.
    Csv(Spanned<String>),
}

/// Rows in the place of a stage.
#[derive(Debug, Clone)]
pub struct Given {
    /// The rows.
    pub rows: Rows,
    /// Declared types of columns.
    pub types: Vec<(Spanned<String>, Spanned<String>)>,
}

/// What must come out of a stage.
#[derive(Debug, Clone)]
pub struct Expected {
    /// The rows; none: only their number counts.
    pub rows: Option<Rows>,
    /// How many rows there must be.
    pub count: Option<u64>,
    /// Whether the order of rows counts.
    pub ordered: bool,
    /// Which columns are compared.
    pub columns: Compared,
    /// How far numbers with a fraction may be off.
    pub tolerance: f64,
}

/// Reads the section; what is wrong is reported.
pub(super) fn read(node: &Node, session: &mut Session<'_>) -> Vec<Test> {
    let Some(written) = take::<Vec<Written>>(node, session) else { return Vec::new() };
    let mut tests: Vec<Test> = Vec::with_capacity(written.len());
    for test in written {
        if tests.iter().any(|earlier| earlier.name.value == test.name.value) {
            let found = Diagnostic::definition(format!("two tests have the name `{}`", test.name));
            session.report(found.at(&test.name.place));
        }
        match Test::new(test) {
            Ok(test) => tests.push(test),
            Err(findings) => session.report_all(findings),
        }
    }
    tests
}

impl Test {
    fn new(written: Written) -> Result<Self, Findings> {
        let Written { name, params, given, expect, fails, warns, .. } = written;
        let mut findings = Findings::new();
        let mut values = Vec::new();
        for (param, node) in params.0 {
            match node.spelling() {
                Some(value) => values.push((param, value)),
                None => findings.push(
                    Diagnostic::definition(format!("the parameter is {}, not a value", node.describe()))
                        .at(&node.place),
                ),
            }
        }
        let mut inputs = Vec::new();
        for (stage, node) in given.0 {
            match Given::new(&node.0) {
                Ok(rows) => inputs.push((stage, rows)),
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        let mut outputs = Vec::new();
        for (stage, node) in expect.0 {
            match Expected::new(&node.0) {
                Ok(rows) => outputs.push((stage, rows)),
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        let warns = warns.map_or_else(Vec::new, |warns| warns.0);
        if outputs.is_empty() && fails.is_none() && warns.is_empty() && findings.is_empty() {
            let found = Diagnostic::definition(format!("the test `{name}` expects nothing")).at(&name.place);
            findings.push(found.help("say what must come out with `expect`, `fails` or `warns`"));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(Self { name, params: values, given: inputs, expect: outputs, fails, warns })
    }
}

impl Given {
    fn new(node: &Node) -> Result<Self, Findings> {
        if let Some(rows) = Rows::bare(node) {
            return Ok(Self { rows, types: Vec::new() });
        }
        let GivenOptions { rows, csv, header, types } = decode(node)?;
        let Some(rows) = Rows::new(rows, csv, header, node)? else {
            return Err(vec![Diagnostic::definition("it needs `rows` or `csv`").at(&node.place)]);
        };
        Ok(Self { rows, types: types.0 })
    }
}

impl Expected {
    fn new(node: &Node) -> Result<Self, Findings> {
        if let Some(rows) = Rows::bare(node) {
            let tolerance = tolerance().value;
            return Ok(Self { rows: Some(rows), count: None, ordered: false, columns: Compared::Subset, tolerance });
        }
        let ExpectedOptions { rows, csv, header, count, ordered, columns, tolerance } = decode(node)?;
        if !(tolerance.value.is_finite() && tolerance.value >= 0.0) {
            return Err(vec![Diagnostic::definition("`tolerance` must be 0 or larger").at(&tolerance.place)]);
        }
        let rows = Rows::new(rows, csv, header, node)?;
        if rows.is_none() && count.is_none() {
            return Err(vec![Diagnostic::definition("it needs `rows`, `csv` or `count`").at(&node.place)]);
        }
        let count = count.map(|count| count.value);
        Ok(Self { rows, count, ordered, columns, tolerance: tolerance.value })
    }
}

impl Rows {
    /// A bare list of rows, or a bare text.
    fn bare(node: &Node) -> Option<Self> {
        let source = match &node.value {
            Value::Sequence(items) => RowSource::Items(items.clone()),
            Value::Text(text) => RowSource::Csv(Spanned::from(text)),
            _ => return None,
        };
        Some(Self { source, header: None, place: node.place.clone() })
    }

    fn new(
        rows: Option<Vec<Node>>,
        csv: Option<Spanned<String>>,
        header: Option<Vec<Spanned<String>>>,
        node: &Node,
    ) -> Result<Option<Self>, Findings> {
        let source = match (rows, csv) {
            (Some(_), Some(_)) => {
                return Err(vec![
                    Diagnostic::definition("`rows` and `csv` are two ways to say one thing").at(&node.place),
                ]);
            }
            (Some(items), None) => RowSource::Items(items),
            (None, Some(text)) => RowSource::Csv(text),
            (None, None) => return Ok(None),
        };
        Ok(Some(Self { source, header, place: node.place.clone() }))
    }
}
