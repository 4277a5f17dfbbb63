//! Rows of a pipeline file as a table: each value becomes one of its column's type, or a finding at its place.

use std::sync::Arc;

use arrow::array::{ArrayRef, LargeListArray, RecordBatch, RecordBatchOptions, StringArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::CastOptions;

use crate::definition::{Node, RowSource, Rows, Spanned, Text, Value};
use crate::diagnostic::{Diagnostic, Findings, Place, nearest};
use crate::engine::{arrow_schema, arrow_type};
use crate::expression::{self, DataType, Field, Schema};

/// Rows as they are written, each value under its column.
pub(super) struct Written {
    /// The columns that are named, in the order in which they are.
    pub(super) columns: Vec<Spanned<String>>,
    /// For each row a value for each column, and where the row stands.
    pub(super) rows: Vec<(Vec<Option<Node>>, Place)>,
    /// Whether the values are texts of CSV, which may stand for anything.
    is_csv: bool,
}

impl Written {
    /// Reads rows. `order` are the columns that lists are in when the rows have no header.
    pub(super) fn read(rows: &Rows, order: Option<&Schema>) -> Result<Self, Findings> {
        match &rows.source {
            RowSource::Csv(text) => Self::csv(text),
            RowSource::Items(items) => Self::items(items, rows, order),
        }
    }

    fn items(items: &[Node], rows: &Rows, order: Option<&Schema>) -> Result<Self, Findings> {
        let mut found = Self { columns: Vec::new(), rows: Vec::new(), is_csv: false };
        let mut findings = Findings::new();
        let header = || -> Option<Vec<Spanned<String>>> {
            rows.header.clone().or_else(|| {
                let names = order?.names().map(|name| Spanned::new(name.to_owned(), rows.place.clone()));
                Some(names.collect())
            })
        };
        if let Some(header) = &rows.header {
            found.columns.clone_from(header);
        }
        for item in items {
            match &item.value {
                Value::Mapping(entries) => {
                    let mut row: Vec<Option<Node>> = vec![None; found.columns.len()];
                    for entry in entries {
                        let at = found.position(&entry.key, &entry.key_place);
                        if row.len() <= at {
                            row.resize(at + 1, None);
                        }
                        if let Some(cell) = row.get_mut(at) {
                            *cell = Some(entry.value.clone());
                        }
                    }
                    found.rows.push((row, item.place.clone()));
                }
                Value::Sequence(values) => {
                    let Some(header) = header() else {
                        let finding = Diagnostic::definition("the columns of this row are not known").at(&item.place);
                        findings.push(finding.help("name them with `header: [a, b]`, or write rows as mappings"));
                        break;
                    };
                    if values.len() != header.len() {
                        let message =
                            format!("the row has {} values, but there are {} columns", values.len(), header.len());
                        findings.push(Diagnostic::definition(message).at(&item.place));
                        continue;
                    }
                    let mut row: Vec<Option<Node>> = Vec::new();
                    for (name, value) in header.iter().zip(values) {
                        let at = found.position(&name.value, &name.place);
                        if row.len() <= at {
                            row.resize(at + 1, None);
                        }
                        if let Some(cell) = row.get_mut(at) {
                            *cell = Some(value.clone());
                        }
                    }
                    found.rows.push((row, item.place.clone()));
                }
                _ => {
                    let message = format!("expected a row, found {}", item.describe());
                    let finding = Diagnostic::definition(message).at(&item.place);
                    findings.push(finding.help("a row is a mapping `{a: 1, b: x}` or a list `[1, x]`"));
                }
            }
        }
        let width = found.columns.len();
        found.rows.iter_mut().for_each(|(row, _)| row.resize(width, None));
        if findings.is_empty() { Ok(found) } else { Err(findings) }
    }

    /// The position of a column, which is added when it is new.
    fn position(&mut self, name: &str, place: &Place) -> usize {
        self.columns.iter().position(|column| column.value == name).unwrap_or_else(|| {
            self.columns.push(Spanned::new(name.to_owned(), place.clone()));
            self.columns.len() - 1
        })
    }

    fn csv(text: &Spanned<String>) -> Result<Self, Findings> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::Headers).from_reader(text.value.as_bytes());
        let mut found = Self { columns: Vec::new(), rows: Vec::new(), is_csv: true };
        for (number, record) in reader.records().enumerate() {
            let record = record.map_err(|error| {
                vec![Diagnostic::definition(format!("the rows are no CSV: {error}")).at(&text.place)]
            })?;
            let start = record.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
            let end =
                text.value.get(start..).and_then(|rest| rest.find('\n')).map_or(text.value.len(), |end| start + end);
            let place = text.within(start..end);
            if number == 0 {
                found.columns = record.iter().map(|name| Spanned::new(name.to_owned(), place.clone())).collect();
                continue;
            }
            let cell = |field: &str| {
                let value = Value::Text(Text::new(field, place.clone()));
                (!field.is_empty()).then(|| Node::new(value, place.clone()))
            };
            found.rows.push((record.iter().map(cell).collect(), place.clone()));
        }
        Ok(found)
    }

    /// The types of the columns: declared, those of the stage, or told from the values.
    pub(super) fn schema(
        &self,
        stage: &str,
        declared: &[(Spanned<String>, Spanned<String>)],
        known: Option<&Schema>,
    ) -> Result<Schema, Findings> {
        let mut findings = Findings::new();
        let mut types = Vec::new();
        for (column, written) in declared {
            match named_type(&written.value) {
                Some(data_type) => types.push((column, data_type)),
                None => findings
                    .push(Diagnostic::definition(format!("there is no type `{}`", written.value)).at(&written.place)),
            }
        }
        let declared_type =
            |name: &str| types.iter().find(|(column, _)| column.value == name).map(|(_, data_type)| data_type.clone());
        let mut fields: Vec<Field> = match known {
            Some(schema) => schema
                .fields()
                .iter()
                .map(|field| Field::new(&field.name, declared_type(&field.name).unwrap_or(field.data_type.clone())))
                .collect(),
            None => Vec::new(),
        };
        for (at, column) in self.columns.iter().enumerate() {
            if fields.iter().any(|field| field.name == column.value) {
                continue;
            }
            match (declared_type(&column.value), known) {
                (Some(data_type), _) => fields.push(Field::new(&column.value, data_type)),
                (None, None) => fields.push(Field::new(&column.value, self.told_type(at))),
                (None, Some(schema)) => findings.push(unknown_column(column, schema, stage)),
            }
        }
        for (column, data_type) in &types {
            if !fields.iter().any(|field| field.name == column.value) {
                fields.push(Field::new(&column.value, data_type.clone()));
            }
        }
        match Schema::new(fields) {
            Ok(schema) if findings.is_empty() => Ok(schema),
            Ok(_) => Err(findings),
            Err(twin) => Err(vec![Diagnostic::definition(format!("the column `{twin}` is given twice"))]),
        }
    }

    /// The type that all values of a column fit.
    fn told_type(&self, at: usize) -> DataType {
        let mut told: Option<DataType> = None;
        for cell in self.rows.iter().filter_map(|(row, _)| row.get(at).and_then(Option::as_ref)) {
            let own = match &cell.value {
                Value::Null => continue,
                Value::Boolean(_) => DataType::Boolean,
                Value::Integer(_) => DataType::Int64,
                Value::Float(_) => DataType::Float64,
                Value::Text(text) if self.is_csv => told_from_text(text.value()),
                Value::Sequence(_) => DataType::List(Box::new(DataType::String)),
                Value::Text(_) | Value::Mapping(_) => DataType::String,
            };
            told = Some(match (told, own) {
                (None, own) => own,
                (Some(one), other) if one == other => one,
                (Some(DataType::Int64 | DataType::Float64), DataType::Int64 | DataType::Float64) => DataType::Float64,
                _ => DataType::String,
            });
        }
        told.unwrap_or(DataType::String)
    }

    /// The rows as a table with the columns of `schema`; columns that are not named are null.
    pub(super) fn table(&self, schema: &Schema, stage: &str) -> Result<RecordBatch, Findings> {
        let mut findings = Findings::new();
        let mut arrays = Vec::with_capacity(schema.len());
        for field in schema.fields() {
            let at = self.columns.iter().position(|column| column.value == field.name);
            let cells: Vec<Option<&Node>> = self
                .rows
                .iter()
                .map(|(row, _)| {
                    let cell = at.and_then(|at| row.get(at)).and_then(Option::as_ref);
                    cell.filter(|node| node.value != Value::Null)
                })
                .collect();
            match self.array(&cells, &field.data_type) {
                Ok(array) => arrays.push(array),
                Err(wrong) => findings.extend(wrong.into_iter().map(|(message, place)| {
                    Diagnostic::definition(format!("{message}, in column `{}` of `{stage}`", field.name)).at(&place)
                })),
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        RecordBatch::try_new_with_options(arrow_schema(schema), arrays, &options)
            .map_err(|error| vec![Diagnostic::definition(format!("the rows of `{stage}` make no table: {error}"))])
    }

    fn array(&self, cells: &[Option<&Node>], data_type: &DataType) -> Result<ArrayRef, Vec<(String, Place)>> {
        match data_type {
            DataType::List(element) => self.lists(cells, element, data_type),
            DataType::Array(element, size) => self.arrays(cells, element, *size, data_type),
            DataType::Struct(fields) => self.structs(cells, fields, data_type),
            _ => self.scalars(cells, data_type),
        }
    }

    fn scalars(&self, cells: &[Option<&Node>], data_type: &DataType) -> Result<ArrayRef, Vec<(String, Place)>> {
        let mut wrong = Vec::new();
        let mut texts: Vec<Option<String>> = Vec::with_capacity(cells.len());
        for cell in cells {
            let Some(node) = cell else {
                texts.push(None);
                continue;
            };
            let unquoted =
                |node: &Node| (format!("{} is no text; put it in quotes", node.describe()), node.place.clone());
            match &node.value {
                Value::Float(number) if *data_type != DataType::String => texts.push(Some(number.to_string())),
                Value::Text(text) => texts.push(Some(text.value().to_owned())),
                Value::Boolean(_) | Value::Integer(_) | Value::Float(_) if *data_type == DataType::String => {
                    wrong.push(unquoted(node));
                    texts.push(None);
                }
                _ => match node.spelling() {
                    Some(text) => texts.push(Some(text)),
                    None => {
                        wrong.push((format!("{} is no {data_type}", node.describe()), node.place.clone()));
                        texts.push(None);
                    }
                },
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let target = arrow_type(data_type);
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let whole: ArrayRef = Arc::new(StringArray::from(texts.clone()));
        let failed = match arrow::compute::cast_with_options(&whole, &target, &options) {
            Ok(array) => return Ok(array),
            Err(failed) => failed,
        };
        // The engine of casts names no row, so each value is tried alone.
        for (cell, text) in cells.iter().zip(&texts) {
            let (Some(node), Some(text)) = (cell, text) else { continue };
            let one: ArrayRef = Arc::new(StringArray::from(vec![Some(text.as_str())]));
            if arrow::compute::cast_with_options(&one, &target, &options).is_err() {
                wrong.push((format!("{} is no {data_type}", node.describe()), node.place.clone()));
            }
        }
        if wrong.is_empty() {
            let place =
                cells.iter().flatten().next().map_or_else(|| Spanned::nowhere(()).place, |node| node.place.clone());
            wrong.push((format!("values of {data_type} cannot be written in a test: {failed}"), place));
        }
        Err(wrong)
    }

    fn lists(
        &self,
        cells: &[Option<&Node>],
        element: &DataType,
        data_type: &DataType,
    ) -> Result<ArrayRef, Vec<(String, Place)>> {
        let mut wrong = Vec::new();
        let mut flat: Vec<Option<&Node>> = Vec::new();
        let mut lengths = Vec::with_capacity(cells.len());
        for cell in cells {
            match cell.map(|node| (node, &node.value)) {
                Some((_, Value::Sequence(items))) => {
                    flat.extend(items.iter().map(|item| Some(item).filter(|item| item.value != Value::Null)));
                    lengths.push(items.len());
                }
                Some((node, _)) => wrong.push((format!("{} is no {data_type}", node.describe()), node.place.clone())),
                None => lengths.push(0),
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let values = self.array(&flat, element)?;
        let nulls = NullBuffer::from(cells.iter().map(Option::is_some).collect::<Vec<_>>());
        let arrow::datatypes::DataType::LargeList(field) = arrow_type(data_type) else {
            return Err(Vec::new());
        };
        let offsets = OffsetBuffer::from_lengths(lengths);
        LargeListArray::try_new(field, offsets, values, Some(nulls))
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|_| Vec::new())
    }

    fn arrays(
        &self,
        cells: &[Option<&Node>],
        element: &DataType,
        size: u32,
        data_type: &DataType,
    ) -> Result<ArrayRef, Vec<(String, Place)>> {
        let length = |node: &Node| match &node.value {
            Value::Sequence(items) => items.len(),
            _ => 0,
        };
        let other = |node: &&&Node| u32::try_from(length(node)) != Ok(size);
        let wrong: Vec<_> = cells.iter().flatten().filter(other).collect();
        if !wrong.is_empty() {
            let told = |node: &&&Node| (format!("{} is no {data_type}", node.describe()), node.place.clone());
            return Err(wrong.iter().map(told).collect());
        }
        let lists = self.lists(cells, element, &DataType::List(Box::new(element.clone())))?;
        arrow::compute::cast(&lists, &arrow_type(data_type)).map_err(|_| Vec::new())
    }

    fn structs(
        &self,
        cells: &[Option<&Node>],
        fields: &[Field],
        data_type: &DataType,
    ) -> Result<ArrayRef, Vec<(String, Place)>> {
        let wrong: Vec<(String, Place)> = cells
            .iter()
            .flatten()
            .filter(|node| !matches!(node.value, Value::Mapping(_)))
            .map(|node| (format!("{} is no {data_type}", node.describe()), node.place.clone()))
            .collect();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut arrays = Vec::with_capacity(fields.len());
        for field in fields {
            let part = |cell: &Option<&'_ Node>| -> Option<Node> {
                cell.and_then(|node| node.get(&field.name)).filter(|node| node.value != Value::Null).cloned()
            };
            let parts: Vec<Option<Node>> = cells.iter().map(part).collect();
            let parts: Vec<Option<&Node>> = parts.iter().map(Option::as_ref).collect();
            arrays.push(self.array(&parts, &field.data_type)?);
        }
        let nulls = NullBuffer::from(cells.iter().map(Option::is_some).collect::<Vec<_>>());
        let arrow::datatypes::DataType::Struct(fields) = arrow_type(data_type) else { return Err(Vec::new()) };
        StructArray::try_new(fields, arrays, Some(nulls))
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|_| Vec::new())
    }
}

fn told_from_text(text: &str) -> DataType {
    match text {
        "true" | "false" => DataType::Boolean,
        _ if text.parse::<i64>().is_ok() => DataType::Int64,
        _ if text.parse::<f64>().is_ok() => DataType::Float64,
        _ => DataType::String,
    }
}

/// A column that the stage does not have.
pub(super) fn unknown_column(column: &Spanned<String>, schema: &Schema, stage: &str) -> Diagnostic {
    let finding = Diagnostic::definition(format!("unknown column `{}`", column.value)).at(&column.place);
    match nearest(&column.value, schema.names()) {
        Some(near) => finding.label(format!("not in stage `{stage}`; did you mean `{near}`?")),
        None => {
            let names: Vec<&str> = schema.names().take(30).collect();
            finding.label(format!("not in stage `{stage}`")).help(format!("its columns are {}", names.join(", ")))
        }
    }
}

/// A type by its name in the language of expressions.
fn named_type(name: &str) -> Option<DataType> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || " _(),'/+-".contains(c));
    let expr = plain.then(|| expression::compile(&format!("cast(null as {name})"), &Schema::default()))?;
    expr.ok().map(|expr| expr.data_type)
}
