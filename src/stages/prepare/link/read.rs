//! Rows become records.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use rayon::prelude::*;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::columns::{self, Compared, Key, Rule};
use super::{Link, Part, SOURCE};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::expression::{DataType, Expr, Field, Literal};
use crate::memory::{MemoryManager, Reservation};
use crate::relation::{NamedExpr, Relation};
use crate::similarity::linkage::MISSING;
use crate::similarity::linkage::dictionary::Dictionary;
use crate::similarity::linkage::records::{Reader, Records, Side};
use crate::stages::Product;
use crate::stages::work::{Progress, WorkContext};

/// Bytes that each row takes beside its columns and rules.
const PER_ROW: u64 = 44;

/// A table as the work reads it.
pub(super) struct Source {
    pub(super) side: Side,
    /// What the rows of the table are called.
    pub(super) name: String,
    /// The position among the inputs.
    input: Option<usize>,
    /// The rows of a file that no other stage reads.
    file: Option<Arc<Relation>>,
    /// What is compared and looked up, as text, in the order of [`Layout`].
    read: Vec<NamedExpr>,
    /// The columns of the product but the last, which is the entity, and behind them the first text of `read`, by which rows are
    /// known again.
    product: Vec<NamedExpr>,
}

/// Where the columns of the records stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) compared: usize,
    pub(super) id: Option<usize>,
    pub(super) truth: Option<usize>,
    pub(super) entity: Option<usize>,
    source: Option<usize>,
    /// All columns that travel with the records; those of blocking keys stand behind them.
    width: usize,
}

impl Layout {
    pub(super) fn new(options: &Link, compared: usize) -> Self {
        let mut width = compared;
        let mut next = |wanted: bool| {
            width += usize::from(wanted);
            wanted.then(|| width - 1)
        };
        let id = next(options.id.is_some());
        let truth = next(options.truth.is_some());
        let entity = next(options.entities.is_some());
        let source = next(options.with.is_some());
        Self { compared, id, truth, entity, source, width }
    }
}

impl Source {
    pub(super) fn new(
        part: &Part,
        compared: &[Compared],
        rules: &Option<Vec<Rule>>,
        fields: &[Field],
        options: &Link,
    ) -> Result<Self, Diagnostic> {
        let schema = &part.table.schema;
        let column = |name: &str, data_type: &DataType| match schema.data_type(name) {
            Some(found) => Expr::column(name, found.clone()).cast(data_type.clone(), true),
            None => Expr::literal(Literal::Null, data_type.clone()),
        };
        let no_text = || Expr::literal(Literal::Null, DataType::String);
        let text = |name: &str| match schema.field(name) {
            Some(field) => columns::as_text(Expr::column(name, field.data_type.clone())).unwrap_or_else(no_text),
            None => no_text(),
        };
        let is_known = part.side == Side::Known;
        let mut read: Vec<Expr> = compared
            .iter()
            .map(|one| columns::as_text(column(&one.name, &one.data_type)).unwrap_or_else(no_text))
            .collect();
        read.extend(options.id.as_ref().map(|id| text(&id.value)));
        read.extend(options.truth.as_ref().map(|truth| text(&truth.value)));
        read.extend(options.entities.as_ref().map(|_| if is_known { text(&options.column.value) } else { no_text() }));
        let source = || match (is_known, schema.data_type(SOURCE)) {
            (true, Some(DataType::String)) => Expr::column(SOURCE, DataType::String),
            _ => Expr::string(part.name.clone()),
        };
        read.extend(options.with.as_ref().map(|_| source()));
        for key in rules.iter().flatten().flat_map(|rule| &rule.keys) {
            if let Key::Text(written) = key {
                // The options were checked against this schema before.
                read.push(columns::key(schema, written).map_err(|mut findings| {
                    findings.pop().unwrap_or_else(|| Diagnostic::definition("a blocking key cannot be computed"))
                })?);
            }
        }
        let name = |(at, expr)| NamedExpr { name: format!("c{at}"), expr };
        let own = fields.len().saturating_sub(1);
        let mut again = "__again".to_owned();
        while fields.iter().any(|field| field.name == again) {
            again.insert(0, '_');
        }
        let again = NamedExpr { name: again, expr: read.first().cloned().unwrap_or_else(no_text) };
        let product = fields.iter().take(own).map(|field| NamedExpr {
            name: field.name.clone(),
            expr: match options.with.is_some() && field.name == SOURCE {
                true => source(),
                false => column(&field.name, &field.data_type),
            },
        });
        Ok(Self {
            side: part.side,
            name: part.name.clone(),
            input: part.input,
            file: part.input.is_none().then(|| Arc::clone(&part.table.relation)),
            read: read.into_iter().enumerate().map(name).collect(),
            product: product.chain([again]).collect(),
        })
    }

    /// Whether its rows come from a file that no other stage reads.
    pub(super) fn is_file(&self) -> bool {
        self.input.is_none()
    }

    fn rows(&self, products: &[Product], columns: &[NamedExpr]) -> Result<Relation, Diagnostic> {
        let input = match (self.input.and_then(|input| products.get(input)), &self.file) {
            (Some(Product::Table(table)), _) => Arc::clone(&table.relation),
            (_, Some(file)) => Arc::clone(file),
            _ => return Err(Diagnostic::error(Class::Stage, format!("`{}` gives no table", self.name))),
        };
        Ok(Relation::Project { input, columns: columns.to_vec() })
    }

    /// The rows as they are in the product, without their entities.
    pub(super) fn product_rows(&self, products: &[Product]) -> Result<Relation, Diagnostic> {
        self.rows(products, &self.product)
    }
}

/// All rows as records.
pub(super) struct Read {
    pub(super) records: Records,
    /// For each row in the order of reading its record.
    pub(super) places: Vec<u32>,
    /// For each text of a blocking rule the keys of the records.
    pub(super) keys: Vec<Vec<u64>>,
    /// Rows of each source.
    pub(super) rows: Vec<u64>,
    /// The memory that is set aside for all of this.
    _memory: Reservation,
}

/// Reads the rows of all sources.
///
/// Errors: more rows than memory holds, rows without an id, ids that stand twice.
pub(super) fn read(
    options: &Link,
    sources: &[Source],
    layout: Layout,
    rules: usize,
    products: &[Product],
    context: &WorkContext<'_>,
) -> Result<Read, Diagnostic> {
    let mut reader = Reader::new(layout.width, layout.compared);
    let texts = sources.first().map_or(0, |source| source.read.len().saturating_sub(layout.width));
    let mut keys: Vec<Vec<u64>> = vec![Vec::new(); texts];
    let mut rows = Vec::new();
    let mut memory = MemoryManager::process().reserve("link");
    for source in sources {
        let before = reader.len();
        let mut wrong = None;
        let relation = source.rows(products, &source.read)?;
        context.stream(&relation, &mut |batch| {
            wrong = take(&batch, source, layout, &mut reader, &mut keys)
                .and_then(|()| fits(&reader, layout, rules, &mut memory, context))
                .err();
            (context.progress)(Progress {
                done: reader.len() as u64,
                total: None,
                unit: "rows".to_owned(),
                message: "read".to_owned(),
            });
            Ok::<bool, EngineError>(wrong.is_none())
        })?;
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        rows.push((reader.len() - before) as u64);
    }
    let (records, places) = reader.finish();
    if let (Some(at), Some(record)) = (layout.id, records.repeated()) {
        let id = records.value(record, at).unwrap_or_default();
        let source =
            sources.iter().find(|source| source.side == records.side(record)).map_or("", |source| &source.name);
        let name = options.id.as_ref().map_or("", |id| id.value.as_str());
        let message = format!("`{name}` does not name each row of `{source}`: `{id}` stands there more than once");
        let finding = Diagnostic::error(Class::Data, message).help("dedupe the rows first, or leave `id` out");
        return Err(options.id.iter().fold(finding, |finding, id| finding.or_at(&id.place)));
    }
    let keys = keys.into_iter().map(|keys| arranged(&keys, &places)).collect();
    Ok(Read { records, places, keys, rows, _memory: memory })
}

/// Values by row as values by record.
fn arranged(values: &[u64], places: &[u32]) -> Vec<u64> {
    let mut arranged = vec![0; values.len()];
    for (value, place) in values.iter().zip(places) {
        if let Some(slot) = arranged.get_mut(*place as usize) {
            *slot = *value;
        }
    }
    arranged
}

/// Refuses more rows than memory holds, before it is full.
fn fits(
    reader: &Reader,
    layout: Layout,
    rules: usize,
    memory: &mut Reservation,
    context: &WorkContext<'_>,
) -> Result<(), Diagnostic> {
    let columns = layout.width as u64;
    let rows = reader.len() as u64;
    let later = rows * (PER_ROW + 4 * columns + 4 * rules as u64);
    let needed = reader.size() as u64 + later;
    let is_free = needed <= context.memory / 10 * 8 && memory.try_grow(needed.saturating_sub(memory.size())).is_ok();
    if is_free && u32::try_from(rows).is_ok() {
        return Ok(());
    }
    let mebibytes = |bytes: u64| bytes >> 20;
    let message = format!(
        "the first {rows} rows take {} MiB to be linked, which is more than is left of the {} MiB that the run may use",
        mebibytes(needed),
        mebibytes(context.memory)
    );
    let help = "give more with `--memory`, compare fewer columns, or link the rows part by part with `entities`";
    Err(Diagnostic::error(Class::Limit, message).help(help))
}

fn take(
    batch: &RecordBatch,
    source: &Source,
    layout: Layout,
    reader: &mut Reader,
    keys: &mut [Vec<u64>],
) -> Result<(), Diagnostic> {
    let rows = batch.num_rows();
    let arrays = batch.columns();
    let ids = layout.id.and_then(|at| arrays.get(at)).and_then(|array| array.as_string_view_opt());
    let sources = layout.source.and_then(|at| arrays.get(at)).and_then(|array| array.as_string_view_opt());
    let mut named = Vec::new();
    if let Some(ids) = ids {
        if let Some(row) = (0..rows).find(|row| ids.is_null(*row)) {
            let message = format!("row {} of `{}` has no id", reader.len() + row + 1, source.name);
            return Err(Diagnostic::error(Class::Data, message).help("fill the column first, or leave `id` out"));
        }
        named = ids
            .iter()
            .enumerate()
            .map(|(row, id)| {
                let of = sources.filter(|sources| sources.is_valid(row)).map_or("", |sources| sources.value(row));
                xxh3_128(format!("{of}\u{0}{}", id.unwrap_or_default()).as_bytes())
            })
            .collect();
    }
    let mut columns: Vec<(usize, (&mut Dictionary, &mut Vec<u32>))> = reader.columns().enumerate().collect();
    columns.par_iter_mut().for_each(|(at, (values, codes))| {
        let Some(texts) = arrays.get(*at).and_then(|array| array.as_string_view_opt()) else {
            codes.extend(std::iter::repeat_n(MISSING, rows));
            return;
        };
        if layout.id == Some(*at) {
            // Records are told apart by their keys; an id is only shown.
            codes.extend(texts.iter().map(|text| text.map_or(MISSING, |text| values.append(text))));
        } else if *at >= layout.compared {
            values.extend(texts.iter().map(|text| text.map(Cow::Borrowed)), codes);
        } else {
            values.extend(texts.iter().map(|text| text.map(normal).filter(|text| !text.is_empty())), codes);
        }
    });
    for (at, keys) in keys.iter_mut().enumerate() {
        let texts = arrays.get(layout.width + at).and_then(|array| array.as_string_view_opt());
        match texts {
            None => keys.extend(std::iter::repeat_n(0, rows)),
            Some(texts) => keys.extend(texts.iter().map(|text| match text {
                Some(text) if !text.is_empty() => xxh3_64(text.as_bytes()) | 1,
                _ => 0,
            })),
        }
    }
    reader.end_batch(source.side, rows, (!named.is_empty()).then_some(named.as_slice()));
    Ok(())
}

/// A text without spaces around it and in lower case.
pub(super) fn normal(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}
