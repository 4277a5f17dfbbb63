//! What a linkage leaves: all rows with their entities, the pairs with their weights, and known entities that were merged.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, mpsc};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray, StringViewBuilder,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use rayon::prelude::*;

use super::read::{Read, Source, normal};
use super::work::Linked;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::{Written, arrow_schema};
use crate::expression::Schema;
use crate::similarity::linkage::estimate;
use crate::similarity::linkage::records::Side;
use crate::similarity::linkage::score::Scored;
use crate::stages::Product;
use crate::stages::work::WorkContext;
use crate::staging::failure;

/// The files in the stage's artifacts.
pub(super) const ROWS: &str = "rows.parquet";
pub(super) const PAIRS: &str = "pairs.parquet";
pub(super) const KEPT: &str = "entities.parquet";
pub(super) const MERGERS: &str = "mergers.parquet";
/// Rows of a row group: what a writer holds in memory.
const ROW_GROUP: usize = 131_072;
/// Pairs that are turned into columns together.
const TOGETHER: usize = 16_384;
/// Batches that wait for the writer at most.
const WAITING: usize = 2;

struct Output<'a> {
    path: &'a Path,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
    /// A second file with some of the columns.
    kept: Option<(Vec<usize>, Box<Output<'a>>)>,
}

impl<'a> Output<'a> {
    fn create(path: &'a Path, schema: SchemaRef) -> Result<Self, Diagnostic> {
        let file = File::create(path).map_err(|error| failure("cannot write", path, &error))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::LZ4_RAW)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            // Names and ids repeat little: a dictionary of them takes longer than all else, and is thrown away when it is full.
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))
            .map_err(|error| unwritable(path, &error))?;
        Ok(Self { path, schema, writer, kept: None })
    }

    fn batch(&self, columns: Vec<ArrayRef>) -> Result<RecordBatch, Diagnostic> {
        batch(&self.schema, columns)
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), Diagnostic> {
        if let Some((columns, kept)) = &mut self.kept {
            let columns = columns.iter().filter_map(|at| batch.columns().get(*at).cloned()).collect();
            let rows = kept.batch(columns)?;
            kept.write(&rows)?;
        }
        self.writer.write(batch).map_err(|error| unwritable(self.path, &error))
    }

    fn finish(self) -> Result<(), Diagnostic> {
        if let Some((_, kept)) = self.kept {
            kept.finish()?;
        }
        self.writer.close().map(|_| ()).map_err(|error| unwritable(self.path, &error))
    }
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch, Diagnostic> {
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|error| Diagnostic::error(Class::Stage, format!("the linked rows make no table: {error}")))
}

fn unwritable(path: &Path, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Class::Output, format!("cannot write `{}`: {error}", path.display()))
}

/// Which rows and columns are written.
pub(super) struct RowsOf<'a> {
    /// The columns of the product.
    pub(super) schema: &'a Schema,
    /// Whether known rows are left out.
    pub(super) only_new: bool,
    /// Positions of the columns that a saved linkage keeps of all rows; none when nothing is saved.
    pub(super) kept: &'a [usize],
}

/// Reads all rows again and writes them with their entities. Memory: a batch and a row group.
///
/// Errors: a file cannot be written, or the rows come in another order than the first time.
pub(super) fn write_rows(
    linked: &Linked<'_>,
    read: &Read,
    sources: &[Source],
    rows_of: &RowsOf<'_>,
    products: &[Product],
    context: &WorkContext<'_>,
) -> Result<(), Diagnostic> {
    let path = context.artifacts.join(ROWS);
    let kept_path = context.artifacts.join(KEPT);
    let mut output = Output::create(&path, arrow_schema(rows_of.schema))?;
    if !rows_of.kept.is_empty() {
        let fields = rows_of.kept.iter().filter_map(|at| rows_of.schema.fields().get(*at).cloned()).collect();
        let schema = Schema::new(fields).unwrap_or_default();
        output.kept = Some((rows_of.kept.to_vec(), Box::new(Output::create(&kept_path, arrow_schema(&schema))?)));
    }
    let own = rows_of.schema.len().saturating_sub(1);
    let schema = Arc::clone(&output.schema);
    // One thread packs and writes rows while the others read and name the next.
    std::thread::scope(|scope| {
        let (hand_on, named) = mpsc::sync_channel::<RecordBatch>(WAITING);
        let writer = scope.spawn(move || {
            named.iter().try_for_each(|rows| output.write(&rows))?;
            output.finish()
        });
        let (mut row, mut has_failed) = (0, false);
        for (source, rows) in sources.iter().zip(&read.rows) {
            let end = row + usize::try_from(*rows).unwrap_or(usize::MAX);
            if rows_of.only_new && source.side == Side::Known {
                row = end;
                continue;
            }
            let mut wrong = None;
            let relation = source.product_rows(products)?;
            context.stream(&relation, &mut |batch| {
                let rows = with_entities(linked, read, &batch, own, row, end, &schema);
                row += batch.num_rows();
                match rows {
                    Ok(rows) => {
                        has_failed = hand_on.send(rows).is_err();
                        Ok(!has_failed)
                    }
                    Err(finding) => {
                        wrong = Some(finding);
                        Ok(false)
                    }
                }
            })?;
            if has_failed {
                // The writer says why when it is joined.
                break;
            }
            if wrong.is_none() && row != end {
                wrong = Some(moved());
            }
            if let Some(wrong) = wrong {
                return Err(wrong);
            }
        }
        drop(hand_on);
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn moved() -> Diagnostic {
    let message = "the rows came in another order when they were read again";
    Diagnostic::error(Class::Stage, message)
        .help("`sort` them before they are linked, or write them to a file and read that")
}

/// The rows of a batch with the names of their entities, without those that were replaced.
fn with_entities(
    linked: &Linked<'_>,
    read: &Read,
    batch: &RecordBatch,
    own: usize,
    first: usize,
    end: usize,
    schema: &SchemaRef,
) -> Result<RecordBatch, Diagnostic> {
    let places = read.places.get(first..first + batch.num_rows()).filter(|_| first + batch.num_rows() <= end);
    let places = places.ok_or_else(moved)?;
    let again = batch.columns().get(own).and_then(|array| array.as_string_view_opt()).ok_or_else(moved)?;
    // Each record lies somewhere else in memory than the one before.
    let named = (0..again.len()).into_par_iter().zip(places).with_min_len(1 << 10).map(|(at, record)| {
        let text = again.is_valid(at).then(|| normal(again.value(at))).filter(|text| !text.is_empty());
        if text.as_deref() != linked.records.value(*record, 0) {
            return Err(moved());
        }
        let root = linked.entities.roots().get(*record as usize).copied().unwrap_or(*record);
        let kept = !linked.replaced.get(*record as usize).copied().unwrap_or(false);
        Ok((linked.entities.name(root, linked.records, linked.names), kept))
    });
    let named: Vec<(String, bool)> = named.collect::<Result<_, Diagnostic>>()?;
    let mut names = StringViewBuilder::with_capacity(places.len());
    named.iter().for_each(|(name, _)| names.append_value(name));
    let kept: Vec<bool> = named.iter().map(|(_, kept)| *kept).collect();
    let names: ArrayRef = Arc::new(names.finish());
    let columns = batch.columns().iter().take(own).cloned().chain([names]).collect();
    let rows = self::batch(schema, columns)?;
    if kept.iter().all(|kept| *kept) {
        return Ok(rows);
    }
    filter_record_batch(&rows, &BooleanArray::from(kept))
        .map_err(|error| Diagnostic::error(Class::Stage, error.to_string()))
}

/// Writes the pairs from `least` on, the heaviest first, with the weight and the level of each comparison.
///
/// A record is named by its id, or without one by its row in its table, counted from 1.
pub(super) fn write_pairs(
    linked: &Linked<'_>,
    read: &Read,
    sources: &[Source],
    with_ids: bool,
    least: f64,
    context: &WorkContext<'_>,
) -> Result<(), Diagnostic> {
    let rows = Rows::new(read, sources);
    let text = |name: &str| Field::new(name, DataType::Utf8View, true);
    let name = |name: &str| if with_ids { text(name) } else { Field::new(name, DataType::Int64, true) };
    let number = |name: &str| Field::new(name, DataType::Float64, true);
    let mut fields = vec![name("left"), name("right")];
    if sources.len() > 1 {
        fields.extend([text("left_source"), text("right_source")]);
    }
    fields.extend([
        number("match_weight"),
        number("match_probability"),
        Field::new("linked", DataType::Boolean, true),
        text("rule"),
    ]);
    for comparison in linked.comparisons {
        fields.extend([text(&format!("level_{}", comparison.name)), number(&format!("weight_{}", comparison.name))]);
    }
    let path = context.artifacts.join(PAIRS);
    let mut output = Output::create(&path, Arc::new(ArrowSchema::new(fields)))?;
    let count = linked.pairs.partition_point(|pair| pair.weight >= least);
    let pairs = linked.pairs.get(..count).unwrap_or_default();
    let labels: Vec<Vec<String>> = linked
        .comparisons
        .iter()
        .map(|comparison| (0..=comparison.len()).map(|level| comparison.label(level)).collect())
        .collect();
    let told = Pairs { linked, rows: &rows, with_sources: sources.len() > 1, labels: &labels };
    let parts: Vec<_> = pairs.chunks(TOGETHER).zip(linked.linked.chunks(TOGETHER)).collect();
    let schema = Arc::clone(&output.schema);
    for wave in parts.chunks(rayon::current_num_threads().max(1)) {
        let made = wave.par_iter().map(|(pairs, flags)| batch(&schema, told.columns(pairs, flags)));
        for batch in made.collect::<Result<Vec<_>, Diagnostic>>()? {
            output.write(&batch)?;
        }
    }
    output.finish()
}

/// What is written of pairs.
struct Pairs<'a> {
    linked: &'a Linked<'a>,
    rows: &'a Rows<'a>,
    with_sources: bool,
    /// The words for each level of each comparison.
    labels: &'a [Vec<String>],
}

impl Pairs<'_> {
    /// The columns for some pairs, of which `flags` tells whether they are linked.
    fn columns(&self, pairs: &[Scored], flags: &[bool]) -> Vec<ArrayRef> {
        let linked = self.linked;
        fn texts<'t>(texts: impl Iterator<Item = Option<&'t str>>) -> ArrayRef {
            Arc::new(texts.collect::<StringViewArray>())
        }
        let numbers = |of: &dyn Fn(&Scored) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(pairs.iter().map(of)))
        };
        let named = |of: fn(&Scored) -> u32| -> ArrayRef {
            match linked.layout.id {
                Some(at) => texts(pairs.iter().map(|pair| linked.records.value(of(pair), at))),
                None => Arc::new(pairs.iter().map(|pair| Some(self.rows.number(of(pair)))).collect::<Int64Array>()),
            }
        };
        let mut columns = vec![named(|pair| pair.left), named(|pair| pair.right)];
        if self.with_sources {
            columns.push(texts(pairs.iter().map(|pair| Some(self.rows.source(linked, pair.left)))));
            columns.push(texts(pairs.iter().map(|pair| Some(self.rows.source(linked, pair.right)))));
        }
        columns.push(numbers(&|pair| pair.weight));
        columns.push(numbers(&|pair| estimate::probability(pair.weight)));
        columns.push(Arc::new(flags.iter().take(pairs.len()).map(|flag| Some(*flag)).collect::<BooleanArray>()));
        let rule = |pair: &Scored| linked.rules.get(usize::from(pair.rule)).map(|rule| rule.name.as_str());
        columns.push(texts(pairs.iter().map(rule)));
        for (at, labels) in self.labels.iter().enumerate() {
            let label = |pair: &Scored| labels.get(pair.pattern.level(at)).map(String::as_str);
            columns.push(texts(pairs.iter().map(label)));
            columns.push(numbers(&|pair| {
                let (weight, rare) = linked.scorer.part(at, pair.left, pair.right, pair.pattern);
                weight + rare
            }));
        }
        columns
    }
}

/// For each record the row that it was read from.
struct Rows<'a> {
    rows: Vec<u32>,
    /// Rows before those of each source.
    before: Vec<(u32, &'a Source)>,
}

impl<'a> Rows<'a> {
    fn new(read: &Read, sources: &'a [Source]) -> Self {
        let mut rows = vec![0_u32; read.places.len()];
        for (record, row) in read.places.iter().zip(0_u32..) {
            if let Some(slot) = rows.get_mut(*record as usize) {
                *slot = row;
            }
        }
        let mut sum = 0;
        let before = sources.iter().zip(&read.rows).map(|(source, rows)| {
            let begin = sum;
            sum += u32::try_from(*rows).unwrap_or(0);
            (begin, source)
        });
        Self { before: before.collect(), rows }
    }

    fn find(&self, record: u32) -> Option<(u32, &'a Source)> {
        let row = self.rows.get(record as usize)?;
        let (begin, source) = self.before.iter().rev().find(|(begin, _)| begin <= row)?;
        Some((row - begin + 1, source))
    }

    /// The row in its table, counted from 1.
    fn number(&self, record: u32) -> i64 {
        self.find(record).map_or(0, |(row, _)| i64::from(row))
    }

    fn source(&self, linked: &Linked<'_>, record: u32) -> &'a str {
        let side = linked.records.side(record);
        self.before.iter().find(|(_, source)| source.side == side).map_or("", |(_, source)| source.name.as_str())
    }
}

/// Writes which known entities were merged into which.
pub(super) fn write_mergers(linked: &Linked<'_>, context: &WorkContext<'_>) -> Result<(), Diagnostic> {
    use crate::batch::{self, Values};
    let mergers = linked.entities.mergers();
    let texts = |of: &dyn Fn(usize) -> u32| {
        Values::Texts((0..mergers.len()).map(|at| Some(linked.names.get(of(at)).to_owned())).collect())
    };
    let of = |at: usize| mergers.get(at);
    let table = batch::table(vec![
        ("entity_id", texts(&|at| of(at).map_or(0, |merger| merger.from))),
        ("merged_into", texts(&|at| of(at).map_or(0, |merger| merger.into))),
        ("rows", Values::Integers(mergers.iter().map(|merger| i64::try_from(merger.records).ok()).collect())),
    ])?;
    batch::write_parquet(&context.artifacts.join(MERGERS), &table)
}

/// Copies a table to where the user wants it; it appears complete or not at all.
pub(super) fn copy(from: &Path, to: &Path) -> Result<Written, Diagnostic> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let failed = |error: &std::io::Error| failure("cannot write", to, error);
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    let staging = tempfile::Builder::new().prefix(".gristmill-").tempdir_in(folder).map_err(|error| failed(&error))?;
    let _unfinished = crate::staging::Unfinished::new(staging.path());
    let beside = staging.path().join("table.parquet");
    let bytes = std::fs::copy(from, &beside).map_err(|error| failed(&error))?;
    File::open(&beside)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&beside, to))
        .map_err(|error| failed(&error))?;
    let rows = File::open(to)
        .ok()
        .and_then(|file| SerializedFileReader::new(file).ok())
        .and_then(|reader| u64::try_from(reader.metadata().file_metadata().num_rows()).ok());
    Ok(Written { rows: rows.unwrap_or(0), files: vec![(to.to_path_buf(), bytes)] })
}
