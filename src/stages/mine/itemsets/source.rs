//! Where items come from: columns, a column of lists, or rows that name a basket and an item.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema as JsonSchemaOf, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::definition::{Node, OneOrMany, Spanned, Value, decode};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::expression::{DataType, Field, Schema};
use crate::stages::inputs;

/// Columns, or a mapping that says what a basket is.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Items(Node);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Items {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Items".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> JsonSchemaOf {
        let baskets = generator.subschema_for::<Baskets>();
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }, baskets] })
    }
}

/// What a basket is, where it is not a row with an item in each column.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Baskets {
    /// A column of lists: each row is a basket, its list holds the items.
    #[serde(default)]
    list: Option<Spanned<String>>,
    /// The columns that say which basket a row belongs to; rows of a basket may stand anywhere.
    #[serde(default)]
    basket: Option<OneOrMany<Spanned<String>>>,
    /// The column with the item of a row.
    #[serde(default)]
    item: Option<Spanned<String>>,
}

/// Where items come from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// Each row is a basket, each column gives one item `column=value`.
    Columns(Vec<Field>),
    /// Each row is a basket, its list holds the items.
    List(Field),
    /// Each row names its basket and an item.
    Long { basket: Vec<Field>, item: Field },
}

impl Items {
    /// Errors: an unknown column, one that gives no items, a mapping that says too little or too much.
    pub(super) fn source(&self, schema: &Schema, id: &str) -> Result<Source, Findings> {
        if !matches!(self.0.value, Value::Mapping(_)) {
            let names: OneOrMany<Spanned<String>> = decode(&self.0)?;
            if names.is_empty() {
                return Err(vec![Diagnostic::definition("`items` names no column").at(&self.0.place)]);
            }
            let fields = inputs::columns(schema, names.as_slice(), id)?;
            for (field, name) in fields.iter().zip(names.iter()) {
                flat(field, name).map_err(|finding| match &field.data_type {
                    DataType::List(_) => vec![finding.help(format!("say `items: {{list: {}}}`", field.name))],
                    _ => vec![finding],
                })?;
            }
            return Ok(Source::Columns(fields));
        }
        let baskets: Baskets = decode(&self.0)?;
        let one = |name: &Spanned<String>| inputs::column(schema, name, id).cloned().map_err(|finding| vec![finding]);
        match (&baskets.list, &baskets.basket, &baskets.item) {
            (Some(list), None, None) => {
                let field = one(list)?;
                match &field.data_type {
                    DataType::List(element) if inputs::is_key(element) => Ok(Source::List(field)),
                    other => Err(vec![
                        Diagnostic::definition(format!("column `{}` holds {other}, not lists of items", field.name))
                            .at(&list.place)
                            .help("make a list of a text first: `derive: {items: \"split(text, ',')\"}`"),
                    ]),
                }
            }
            (None, Some(basket), Some(item)) => {
                let fields = inputs::columns(schema, basket.as_slice(), id)?;
                for (field, name) in fields.iter().zip(basket.iter()) {
                    flat(field, name).map_err(|finding| vec![finding])?;
                }
                let field = one(item)?;
                flat(&field, item).map_err(|finding| vec![finding])?;
                if fields.is_empty() || fields.contains(&field) {
                    let message = "`basket` and `item` must be different columns";
                    return Err(vec![Diagnostic::definition(message).at(&item.place)]);
                }
                Ok(Source::Long { basket: fields, item: field })
            }
            _ => Err(vec![
                Diagnostic::definition("`items` names columns, or a `list`, or a `basket` and an `item`")
                    .at(&self.0.place)
                    .help(
                        "`items: [carrier, origin]`, `items: {list: tags}` or `items: {basket: order, item: product}`",
                    ),
            ]),
        }
    }
}

fn flat(field: &Field, name: &Spanned<String>) -> Result<(), Diagnostic> {
    if field.data_type.is_nested() || inputs::shown(field).is_none() {
        let message = format!("column `{}` holds {}, which gives no items", field.name, field.data_type);
        return Err(Diagnostic::definition(message).at(&name.place));
    }
    Ok(())
}

impl Source {
    /// Refuses a name that no item can have: a column, or `column=value`. Items of lists and of long tables have any name.
    pub(super) fn check_name(&self, name: &Spanned<String>) -> Result<(), Diagnostic> {
        let Self::Columns(fields) = self else { return Ok(()) };
        let column = name.value.split_once('=').map_or(name.value.as_str(), |(column, _)| column);
        let names = || fields.iter().map(|field| field.name.as_str());
        if names().any(|field| field == column || field == name.value || name.value.starts_with(&format!("{field}="))) {
            return Ok(());
        }
        let finding = Diagnostic::definition(format!("`{column}` is no column of `items`")).at(&name.place);
        Err(match nearest(column, names()) {
            Some(near) => finding.label(format!("did you mean `{near}`?")),
            None => finding.help("name a column of `items`, or one of its items: `carrier=UA`"),
        })
    }

    /// What a basket is called.
    pub(super) fn baskets(&self) -> &'static str {
        if matches!(self, Self::Columns(_)) { "rows" } else { "baskets" }
    }
}
