//! `select`: which columns stay, under which names, in which order.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema as JsonSchemaOf, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::definition::{ListOr, OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::expression::{DataType, Expr, Field, Schema};
use crate::relation::{NamedExpr, Relation};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};

/// Chooses columns, renames them and puts them in order.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Select(Options);

/// Chooses columns, renames them and puts them in order.
///
/// `keep` and `drop` take names and patterns with `*`; a pattern has to match something. `types` keeps the columns of some
/// types. Then `rename` gives new names, and `first` puts columns in front. A list alone names the columns to keep: `[a, b]`
/// means `{keep: [a, b]}`.
///
/// ```yaml
/// - select: [carrier, flight, "*_delay"]
/// - select: {drop: ["sched_*", year], rename: {dep_delay: departure_delay}, first: [carrier, flight]}
/// ```
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Columns to keep, in this order; all when absent.
    #[serde(default)]
    keep: Option<OneOrMany<Spanned<String>>>,
    /// Columns to leave out.
    #[serde(default)]
    drop: Option<OneOrMany<Spanned<String>>>,
    /// Types of columns to keep.
    #[serde(default)]
    types: Option<OneOrMany<TypeGroup>>,
    /// New names: `old: new`.
    #[serde(default)]
    rename: Option<Ordered<Spanned<String>>>,
    /// Columns, under their new names, to put in front.
    #[serde(default)]
    first: Option<OneOrMany<Spanned<String>>>,
}

impl<'de> Deserialize<'de> for Select {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match ListOr::deserialize(deserializer)? {
            ListOr::List(names) => Self(Options { keep: Some(OneOrMany(names)), ..Options::default() }),
            ListOr::Options(options) => Self(options),
        })
    }
}

impl JsonSchema for Select {
    fn schema_name() -> Cow<'static, str> {
        "Select".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> JsonSchemaOf {
        let mut options = Options::json_schema(generator);
        let description = options.remove("description");
        let names = json_schema!({ "type": "array", "items": { "type": "string" } });
        let mut schema = json_schema!({ "anyOf": [options, names, { "type": "null" }] });
        if let Some(description) = description {
            schema.insert("description".into(), description);
        }
        schema
    }
}

/// Groups of types of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TypeGroup {
    /// Integers, floats and decimals.
    Number,
    /// Integers.
    Integer,
    /// Floats.
    Float,
    /// Text.
    String,
    /// True and false.
    Boolean,
    /// Dates, times and datetimes.
    Temporal,
    /// Lists and structs.
    Nested,
}

impl TypeGroup {
    fn contains(self, data_type: &DataType) -> bool {
        match self {
            Self::Number => data_type.is_numeric(),
            Self::Integer => data_type.is_integer(),
            Self::Float => data_type.is_float(),
            Self::String => *data_type == DataType::String,
            Self::Boolean => *data_type == DataType::Boolean,
            Self::Temporal => data_type.is_temporal(),
            Self::Nested => data_type.is_nested(),
        }
    }
}

impl Stage for Select {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let schema = &table.schema;
        let mut findings = Findings::new();
        let options = &self.0;
        let mut kept = match &options.keep {
            Some(keep) => matching(schema, keep.as_slice(), id, &mut findings),
            None => schema.fields().to_vec(),
        };
        if let Some(drop) = &options.drop {
            let dropped = matching(schema, drop.as_slice(), id, &mut findings);
            kept.retain(|field| !dropped.contains(field));
        }
        if let Some(types) = &options.types {
            kept.retain(|field| types.as_slice().iter().any(|group| group.contains(&field.data_type)));
        }
        let mut columns: Vec<NamedExpr> = kept
            .iter()
            .map(|field| NamedExpr {
                name: field.name.clone(),
                expr: Expr::column(&field.name, field.data_type.clone()),
            })
            .collect();
        options.rename(&mut columns, &kept, id, &mut findings);
        options.put_first(&mut columns, id, &mut findings);
        if columns.is_empty() && findings.is_empty() {
            findings.push(Diagnostic::definition("no column is left"));
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let mut selected = table.derive(Relation::Project { input: table.relation.clone(), columns });
        if let (Some(split), Some(rename)) = (&table.split, &options.rename)
            && let Some((_, new)) = rename.iter().find(|(old, _)| old.value == split.column)
        {
            let column = new.value.clone();
            selected.split = Some(crate::stages::Split { column, ..split.clone() });
        }
        Ok(Planned::relation(selected))
    }
}

impl Options {
    fn rename(&self, columns: &mut [NamedExpr], kept: &[Field], id: &str, findings: &mut Findings) {
        let schema = Schema::new(kept.to_vec()).unwrap_or_default();
        for (old, new) in self.rename.iter().flat_map(|names| names.iter()) {
            match inputs::column(&schema, old, id) {
                Ok(field) => {
                    for column in columns.iter_mut().filter(|column| column.expr.columns() == [field.name.as_str()]) {
                        column.name.clone_from(&new.value);
                    }
                }
                Err(finding) => findings.push(finding),
            }
        }
        for (_, new) in self.rename.iter().flat_map(|names| names.iter()) {
            if columns.iter().filter(|column| column.name == new.value).count() > 1 {
                let message = format!("two columns would be called `{}`", new.value);
                findings.push(Diagnostic::definition(message).at(&new.place));
            }
        }
    }

    fn put_first(&self, columns: &mut [NamedExpr], id: &str, findings: &mut Findings) {
        let schema: Vec<Field> =
            columns.iter().map(|column| Field::new(&column.name, column.expr.data_type.clone())).collect();
        let schema = Schema::new(schema).unwrap_or_default();
        let front = matching(&schema, self.first.as_ref().map_or(&[], |names| names.as_slice()), id, findings);
        let rank = |name: &str| front.iter().position(|field| field.name == name).unwrap_or(usize::MAX);
        columns.sort_by_key(|column| rank(&column.name));
    }
}

/// The columns that names and patterns mean, each once, in the order of the patterns.
fn matching(schema: &Schema, patterns: &[Spanned<String>], id: &str, findings: &mut Findings) -> Vec<Field> {
    let mut found: Vec<Field> = Vec::new();
    for pattern in patterns {
        if schema.contains(&pattern.value) || !pattern.value.contains('*') {
            match inputs::column(schema, pattern, id) {
                Ok(field) if !found.contains(field) => found.push(field.clone()),
                Ok(_) => {}
                Err(finding) => findings.push(finding),
            }
            continue;
        }
        let before = found.len();
        let mut any = false;
        for field in schema.fields().iter().filter(|field| glob(&pattern.value, &field.name)) {
            any = true;
            if !found.get(..before).is_some_and(|found| found.contains(field)) {
                found.push(field.clone());
            }
        }
        if !any {
            let bare = pattern.value.replace('*', "");
            let finding = Diagnostic::definition(format!("no column matches `{}`", pattern.value)).at(&pattern.place);
            findings.push(match nearest(&bare, schema.names()) {
                Some(near) => finding.label(format!("the nearest is `{near}`")),
                None => finding.label(format!("not in stage `{id}`")),
            });
        }
    }
    found
}

/// Whether `name` matches a pattern in which `*` stands for any text. Linear in the length of the name for each `*`.
fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Select, glob};
    use crate::definition::{LoadOptions, parse};
    use crate::diagnostic::Source;

    fn read(options: &str) -> Result<serde_json::Value, Vec<String>> {
        let source = Source::new("p.yaml", format!("name: p\nstages:\n  - select: {options}\n"));
        let pipeline = parse(source, &LoadOptions::default(), std::path::Path::new("")).unwrap();
        let read = pipeline.stages[0].decode::<Select>();
        read.map(|select| serde_json::to_value(select).unwrap())
            .map_err(|findings| findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_list_alone_names_the_columns_to_keep() {
        for (short, full) in [
            ("[a, b_*]", "{keep: [a, b_*]}"),
            ("a", "{keep: a}"),
            ("[]", "{keep: []}"),
            ("\n    - a\n    - b", "{keep: [a, b]}"),
        ] {
            assert_eq!(read(short).unwrap(), read(full).unwrap(), "{short}");
        }
    }

    #[test]
    fn wrong_options_are_named_in_either_form() {
        assert_eq!(
            read("[a, 1]").unwrap_err(),
            ["p.yaml:3:17: expected a text, found the whole number `1`: put it in quotes"]
        );
        assert_eq!(
            read("{kep: [a]}").unwrap_err(),
            [
                "p.yaml:3:14: unknown option `kep`: did you mean `keep`? (the options are `keep`, `drop`, `types`, `rename` and `first`)"
            ]
        );
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, matches) in [
            ("sched_*", "sched_dep_time", true),
            ("sched_*", "dep_time", false),
            ("*_time", "dep_time", true),
            ("*_time", "dep_time_utc", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob(pattern, name), matches, "{pattern} {name}");
        }
    }
}
