//! The table of kinds of stages. A new kind is one line here.

use super::{Family, Stage, ingest, learn, mine, prepare, render};
use crate::definition::{Node, decode};
use crate::diagnostic::Findings;

/// Options that were read, and the same as JSON with every default filled in.
pub(crate) type ReadOptions = Result<(Box<dyn Stage>, serde_json::Value), Findings>;

/// A kind of stage.
#[derive(Debug)]
pub struct Kind {
    /// Its name: the key of a stage in a pipeline file.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// Whether it learns something from rows that later rows are treated with.
    pub learns: bool,
    /// Reads the options; also gives them back with every default filled in.
    pub read: fn(&Node) -> ReadOptions,
    /// The JSON Schema of the options; its description is the documentation page.
    pub schema: fn(schemars::SchemaGenerator) -> schemars::Schema,
}

fn read<T>(node: &Node) -> ReadOptions
where
    T: Stage + serde::de::DeserializeOwned + serde::Serialize + 'static,
{
    let options: T = decode(node)?;
    let canonical = serde_json::to_value(&options).unwrap_or_default();
    Ok((Box::new(options), canonical))
}

macro_rules! kinds {
    ($($family:ident { $($name:literal => $options:ty $(, $learns:ident)?;)* })*) => {
        &[$($(Kind {
            name: $name,
            family: Family::$family,
            learns: kinds!(@learns $($learns)?),
            read: read::<$options>,
            schema: schemars::SchemaGenerator::into_root_schema_for::<$options>,
        },)*)*]
    };
    (@learns learns) => { true };
    (@learns) => { false };
}

static KINDS: &[Kind] = kinds! {
    Ingest {
        "read" => ingest::read::Read;
        "join" => ingest::join::Join;
        "union" => ingest::union::Union;
    }
    Prepare {
        "select" => prepare::select::Select;
        "derive" => prepare::derive::Derive;
        "filter" => prepare::filter::Filter;
        "clean" => prepare::clean::Clean;
        "canonicalize" => prepare::canonicalize::Canonicalize, learns;
        "dedupe" => prepare::dedupe::Dedupe;
        "link" => prepare::link::Link;
        "impute" => prepare::impute::Impute, learns;
        "outliers" => prepare::outliers::Outliers, learns;
        "standardize" => prepare::standardize::Standardize, learns;
        "encode" => prepare::encode::Encode, learns;
        "reshape" => prepare::reshape::Reshape;
        "aggregate" => prepare::aggregate::Aggregate;
        "sort" => prepare::sort::Sort;
        "limit" => prepare::limit::Limit;
        "sample" => prepare::sample::Sample;
        "split" => prepare::split::Split;
        "validate" => prepare::validate::Validate;
    }
    Mine {
        "profile" => mine::profile::Profile;
        "describe" => mine::describe::Describe;
        "correlate" => mine::correlate::Correlate;
        "test" => mine::test::Test;
        "regress" => mine::regress::Regress;
        "compare" => mine::compare::Compare;
        "itemsets" => mine::itemsets::Itemsets, learns;
        "sequences" => mine::sequences::Sequences;
        "cluster" => mine::cluster::Cluster, learns;
        "reduce" => mine::reduce::Reduce, learns;
        "anomalies" => mine::anomalies::Anomalies, learns;
        "trends" => mine::trends::Trends;
    }
    Learn {
        "tensors" => learn::tensors::Tensors, learns;
        "train" => learn::train::Train;
        "tune" => learn::tune::Tune;
        "evaluate" => learn::evaluate::Evaluate;
        "explain" => learn::explain::Explain;
        "predict" => learn::predict::Predict;
    }
    Render {
        "chart" => render::chart::Chart;
        "write" => render::write::Write;
    }
};

/// The kind of tables that a stage makes beside its product. It has no options: `from: <id>.<name>` reads one.
pub static SIDE_TABLE: Kind = Kind {
    name: "side_table",
    family: Family::Prepare,
    learns: false,
    read: |node| {
        Err(vec![crate::diagnostic::Diagnostic::definition("a side table is read with `from`").at(&node.place)])
    },
    schema: schemars::SchemaGenerator::into_root_schema_for::<()>,
};

/// All kinds, in the order in which data meets them.
pub fn kinds() -> &'static [Kind] {
    KINDS
}

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The JSON Schema (2020-12) of pipeline files.
pub fn schema() -> serde_json::Value {
    let described: Vec<(&str, String, schemars::Schema)> =
        KINDS.iter().map(|kind| (kind.name, documentation(kind), root_schema(kind))).collect();
    let borrowed: Vec<(&str, &str, schemars::Schema)> =
        described.iter().map(|(name, text, schema)| (*name, text.as_str(), schema.clone())).collect();
    crate::definition::schema(&borrowed)
}

/// The documentation page of a kind: the doc comment of its options.
pub fn documentation(kind: &Kind) -> String {
    let schema = root_schema(kind);
    schema.get("description").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// The JSON Schema of the options of a kind, with its definitions.
pub fn root_schema(kind: &Kind) -> schemars::Schema {
    (kind.schema)(schemars::generate::SchemaSettings::draft2020_12().into_generator())
}
