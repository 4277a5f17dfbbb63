//! Relations as lazy frames.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use polars::prelude as pl;

use super::deduplicate::{Bitmap, deduplicate, large};
use super::estimate::estimate;
use super::expression;
use super::external::order_matters_below;
use super::join::join;
use super::pin::Pins;
use super::scan::{scan_files, subject, taken};
use super::sort::sort;
use super::spill::Spilling;
use super::stream::stream_frames;
use super::tap::{Counts, watch};
use crate::diagnostic::Class;
use crate::engine::{EngineError, Execution};
use crate::expression::{Schema, SortKey};
use crate::relation::{JoinKind, Keep, NamedExpr, Relation, Scan, ScanSource};

/// A relation that is ready to run.
pub(super) struct Lowered {
    /// The query.
    pub(super) frame: pl::LazyFrame,
    /// What its taps count.
    pub(super) counts: Counts,
    /// The files that it reads, for messages.
    pub(super) subject: String,
}

/// What a relation is lowered for.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) pins: &'a Pins,
    pub(super) spilling: &'a Spilling,
    pub(super) execution: &'a Execution,
    /// Whether it will run; else nothing is computed beforehand.
    pub(super) runs: bool,
}

/// The relation as a query whose columns are exactly the relation's, in their order.
///
/// The keys of a deduplication whose rows need not fit into memory are read here already, see `deduplicate/large.rs`.
///
/// Errors: something unresolved is left in the relation, a pinned table is gone, or a file cannot be opened.
pub(super) fn lower(relation: &Relation, surroundings: &Surroundings<'_>) -> Result<Lowered, EngineError> {
    let mut uses = HashMap::new();
    count_uses(relation, &mut uses);
    let mut lowering = Lowering {
        pins: surroundings.pins,
        cancelled: &surroundings.execution.cancelled,
        spilling: surroundings.spilling,
        surroundings: *surroundings,
        counts: Counts::default(),
        files: Vec::new(),
        uses,
        shared: HashMap::new(),
        ordered: true,
        ordered_below: true,
    };
    let frame = lowering.lower(relation, &None)?;
    let columns: Vec<pl::Expr> = relation.schema().names().map(pl::col).collect();
    // Polars knows no frame without columns but with rows.
    let frame = if columns.is_empty() { frame } else { frame.select(columns) };
    // Polars would compute two parts that look alike once, and takes taps of different stages for alike: the second stage
    // would not be counted. What a relation shares is shared here.
    let optimizations = frame.get_current_optimizations().difference(pl::OptFlags::COMM_SUBPLAN_ELIM);
    let frame = frame.with_optimizations(optimizations);
    let mut files = lowering.files;
    files.dedup();
    Ok(Lowered { frame, counts: lowering.counts, subject: files.join(", ") })
}

/// The columns that somebody above reads; none: all of them. A lowered frame has at least these.
pub(super) type Needed = Option<BTreeSet<String>>;

pub(super) struct Lowering<'a> {
    pub(super) pins: &'a Pins,
    pub(super) cancelled: &'a Arc<AtomicBool>,
    pub(super) spilling: &'a Spilling,
    pub(super) surroundings: Surroundings<'a>,
    counts: Counts,
    files: Vec<String>,
    /// How often each shared part occurs, by address.
    uses: HashMap<*const Relation, usize>,
    shared: HashMap<*const Relation, pl::LazyFrame>,
    /// Whether the order of the rows of the node that is being lowered matters, and that of its inputs' rows.
    ordered: bool,
    ordered_below: bool,
}

fn count_uses(relation: &Relation, uses: &mut HashMap<*const Relation, usize>) {
    for input in relation.inputs() {
        let seen = uses.entry(std::ptr::from_ref(input)).or_default();
        *seen += 1;
        if *seen == 1 {
            count_uses(input, uses);
        }
    }
}

impl Lowering<'_> {
    /// A part that occurs several times is computed once, with all its columns. When none of its columns is needed, its rows
    /// still are: then all columns come.
    pub(super) fn lower(&mut self, relation: &Relation, needed: &Needed) -> Result<pl::LazyFrame, EngineError> {
        let needed = if relation.schema().names().any(|name| is_needed(needed, name)) { needed } else { &None };
        let address = std::ptr::from_ref(relation);
        let is_shared = self.uses.get(&address).is_some_and(|uses| *uses > 1) && !matches!(relation, Relation::Scan(_));
        let before = (self.ordered, self.ordered_below);
        // Those who share a part may differ in whether its order matters.
        self.ordered = before.1 || is_shared;
        self.ordered_below = order_matters_below(relation, self.ordered);
        let frame = self.lower_once(relation, needed, is_shared);
        (self.ordered, self.ordered_below) = before;
        frame
    }

    /// Whether the order of the rows of the node that is being lowered matters.
    pub(super) fn is_ordered(&self) -> bool {
        self.ordered
    }

    fn lower_once(
        &mut self,
        relation: &Relation,
        needed: &Needed,
        is_shared: bool,
    ) -> Result<pl::LazyFrame, EngineError> {
        if !is_shared {
            return self.lower_node(relation, needed);
        }
        let address = std::ptr::from_ref(relation);
        if let Some(frame) = self.shared.get(&address) {
            return Ok(frame.clone());
        }
        let frame = self.lower_node(relation, &None)?.cache();
        self.shared.insert(address, frame.clone());
        Ok(frame)
    }

    fn lower_node(&mut self, relation: &Relation, needed: &Needed) -> Result<pl::LazyFrame, EngineError> {
        Ok(match relation {
            Relation::Scan(scan) => self.scan(scan, None)?,
            Relation::Project { input, columns } => {
                let wanted = |column: &&NamedExpr| needed.as_ref().is_none_or(|needed| needed.contains(&column.name));
                let mut kept: Vec<&NamedExpr> = columns.iter().filter(wanted).collect();
                if kept.is_empty() {
                    kept = columns.iter().collect();
                }
                let read: BTreeSet<String> =
                    kept.iter().flat_map(|column| column.expr.columns()).map(str::to_owned).collect();
                let below = Some(read).filter(|read| !read.is_empty());
                if let Some(frame) = self.windows_by_partitions(input, &kept, &below)? {
                    return Ok(frame);
                }
                let Some(read) = below else {
                    // Constants have a row for each row of the input, which a frame without columns cannot tell.
                    let names: Vec<pl::Expr> = kept.iter().map(|column| pl::col(column.name.as_str())).collect();
                    return Ok(self.lower(input, &None)?.with_columns(named(kept)?).select(names));
                };
                self.lower(input, &Some(read))?.select(named(kept)?)
            }
            Relation::Filter { input, predicate } => {
                let below = and_read(needed, predicate.columns());
                self.lower(input, &below)?.filter(expression::lower(predicate)?)
            }
            Relation::Join(node) => {
                let left_needed = and_read(
                    needed,
                    node.on
                        .iter()
                        .map(|(ours, _)| ours.as_str())
                        .chain(node.asof.iter().map(|asof| asof.left.as_str())),
                );
                let right_needed = node
                    .on
                    .iter()
                    .map(|(_, theirs)| theirs)
                    .chain(node.asof.iter().map(|asof| &asof.right))
                    .chain(node.take.iter().map(|(theirs, _)| theirs))
                    .cloned()
                    .collect::<BTreeSet<_>>();
                // A cross join that takes nothing still repeats the left rows.
                let right_needed = (node.kind != JoinKind::Cross || !right_needed.is_empty()).then_some(right_needed);
                if let Some(frame) = self.join_by_partitions(node, needed, &left_needed, &right_needed)? {
                    return Ok(frame);
                }
                let (left_schema, right_schema) = (node.left.schema(), node.right.schema());
                let left = self.lower(&node.left, &left_needed)?;
                let right = self.lower(&node.right, &right_needed)?;
                join(node, (left, &left_schema), (right, &right_schema), &left_needed)?
            }
            Relation::Union { inputs } => {
                // Parts may come with more columns than are needed, or in another order.
                let inputs = inputs
                    .iter()
                    .map(|input| Ok(cut(self.lower(input, needed)?, input, needed)))
                    .collect::<Result<Vec<_>, EngineError>>()?;
                let arguments =
                    pl::UnionArgs { maintain_order: true, to_supertypes: false, ..pl::UnionArgs::default() };
                pl::concat(inputs, arguments).map_err(|error| {
                    EngineError::new(Class::Stage, format!("cannot put tables under each other: {error}"))
                })?
            }
            Relation::Aggregate { input, keys, aggregates } => {
                let read = keys.iter().chain(aggregates).flat_map(|column| column.expr.columns());
                let below = Some(read.map(str::to_owned).collect::<BTreeSet<_>>()).filter(|read| !read.is_empty());
                if let Some(frame) = self.aggregate_by_partitions(input, keys, aggregates, &below)? {
                    return Ok(frame);
                }
                let frame = self.lower(input, &below)?;
                let aggregates = named(aggregates)?;
                if keys.is_empty() { frame.select(aggregates) } else { frame.group_by(named(keys)?).agg(aggregates) }
            }
            Relation::Deduplicate { input, keys, keep, order_by } => {
                if let Some(survivors) = self.survivors(input, needed, keys, *keep, order_by)? {
                    let frame = self.lower(input, needed)?;
                    return Ok(large::pick(cut(frame, input, needed), survivors));
                }
                let order_columns = order_by.iter().flat_map(|key| key.expr.columns());
                let below = and_read(needed, keys.iter().map(String::as_str).chain(order_columns));
                let is_large = self.is_large(input, &below);
                let frame = self.lower(input, &below)?;
                let frame = cut(frame, input, &below);
                if is_large {
                    return large::spill_rows(self, frame, &narrow(input, &below), keys, *keep, order_by);
                }
                deduplicate(frame, keys, *keep, order_by)?
            }
            Relation::Sort { input, keys } => {
                let below = and_read(needed, keys.iter().flat_map(|key| key.expr.columns()));
                let frame = self.lower(input, &below)?;
                if self.is_large(input, &below) {
                    return sort(self, cut(frame, input, &below), &narrow(input, &below), keys);
                }
                sorted(frame, keys)?
            }
            Relation::Limit { input, offset, rows } => {
                let frame = match &**input {
                    Relation::Scan(scan) => return self.scan(scan, Some((*offset, *rows))),
                    // Polars holds no more rows than are wanted.
                    Relation::Sort { input, keys } if offset.saturating_add(*rows) <= FEW => {
                        let below = and_read(needed, keys.iter().flat_map(|key| key.expr.columns()));
                        sorted(self.lower(input, &below)?, keys)?
                    }
                    _ => self.lower(input, needed)?,
                };
                taken(frame, Some((*offset, *rows)))
            }
            Relation::RowIndex { input, name } => {
                let mut below = needed.clone();
                if let Some(below) = &mut below {
                    below.remove(name);
                }
                self.lower(input, &below)?
                    .with_row_index(name.as_str(), None)
                    .with_columns([pl::col(name.as_str()).cast(pl::DataType::Int64)])
            }
            Relation::Explode { input, columns, keep_empty } => {
                // Without the lists nobody knows how many rows there are.
                let below = and_read(needed, columns.iter().map(String::as_str));
                let lists = pl::by_name(columns.iter().map(String::as_str), true, false);
                let options = pl::ExplodeOptions { empty_as_null: *keep_empty, keep_nulls: *keep_empty };
                self.lower(input, &below)?.explode(lists, options)
            }
            Relation::Learning { rows, .. } => self.lower(rows, needed)?,
            Relation::Tap { input, tap } => {
                let counted = tap.counters.iter().map(|counter| &counter.expr);
                let sampled = tap
                    .samples
                    .iter()
                    .flat_map(|sample| sample.columns.iter().map(|column| &column.expr).chain([&sample.when]));
                let below = and_read(needed, counted.chain(sampled).flat_map(|expr| expr.columns()));
                let mut frame = self.lower(input, &below)?;
                if !(tap.counters.is_empty() && tap.samples.is_empty()) {
                    frame = cut(frame, input, &below);
                }
                self.counts.tap(frame, tap, self.cancelled)?
            }
        })
    }

    /// The rows of the input that a deduplication lets pass, when the input is large and can be read twice.
    fn survivors(
        &self,
        input: &Relation,
        needed: &Needed,
        keys: &[String],
        keep: Keep,
        order_by: &[SortKey],
    ) -> Result<Option<Arc<Bitmap>>, EngineError> {
        let read = and_read(needed, keys.iter().map(String::as_str));
        if !self.is_large(input, &read) || !large::is_cheap(input) {
            return Ok(None);
        }
        large::survivors(&self.surroundings, input, keys, keep, order_by).map(Some)
    }

    /// Whether an operator over these columns of the input is to be prepared for more rows than memory holds.
    pub(super) fn is_large(&self, input: &Relation, needed: &Needed) -> bool {
        let bytes = || estimate(input, self.pins).map(|found| found.bytes(&input.schema(), needed));
        self.surroundings.runs && self.spilling.memory.limit() != u64::MAX && !self.spilling.is_small(bytes())
    }

    /// Whether Polars may cut the rows into several pieces that its pipelines work on side by side.
    pub(super) fn in_several_parts(&self, input: &Relation) -> bool {
        /// Fewer than the rows of a piece.
        const SURELY_ONE: u64 = 2_000;
        self.surroundings.runs && estimate(input, self.pins).is_none_or(|found| found.rows > SURELY_ONE)
    }

    /// Runs a part of the query now, and gives its frames in the order of its rows.
    pub(super) fn consume(
        &self,
        frame: pl::LazyFrame,
        take: &mut dyn FnMut(pl::DataFrame) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let execution = self.surroundings.execution;
        stream_frames(frame, &self.files.join(", "), execution, &mut |frame| take(frame).map(|()| true))?;
        self.counts.close();
        Ok(())
    }

    fn scan(&mut self, scan: &Scan, part: Option<(u64, u64)>) -> Result<pl::LazyFrame, EngineError> {
        match &scan.source {
            ScanSource::Files(files) => {
                self.files.push(subject(files));
                Ok(watch(scan_files(files, &scan.schema, part)?, self.cancelled))
            }
            ScanSource::Pinned(id) => Ok(watch(taken(self.pins.frame(*id, &scan.schema)?, part), self.cancelled)),
            ScanSource::Artifact(name) => {
                Err(EngineError::new(Class::Stage, format!("the table `{name}` was not made before it was read")))
            }
            ScanSource::Input => {
                Err(EngineError::new(Class::Stage, "the rows that the model is applied on are missing"))
            }
        }
    }
}

/// The columns that [`cut`] leaves.
fn narrow(relation: &Relation, needed: &Needed) -> Schema {
    let schema = relation.schema();
    let fields: Vec<_> = schema.fields().iter().filter(|field| is_needed(needed, &field.name)).cloned().collect();
    if fields.is_empty() { schema } else { Schema::new(fields).unwrap_or_default() }
}

/// The frame without the columns that nobody reads, for nodes through which Polars passes no projection.
fn cut(frame: pl::LazyFrame, relation: &Relation, needed: &Needed) -> pl::LazyFrame {
    let schema = relation.schema();
    let mut columns: Vec<pl::Expr> = schema.names().filter(|name| is_needed(needed, name)).map(pl::col).collect();
    if columns.is_empty() {
        columns = schema.names().map(pl::col).collect();
    }
    frame.select(columns)
}

/// Whether somebody above reads the column.
pub(super) fn is_needed(needed: &Needed, name: &str) -> bool {
    needed.as_ref().is_none_or(|needed| needed.contains(name))
}

fn and_read<'n>(needed: &Needed, names: impl IntoIterator<Item = &'n str>) -> Needed {
    let mut needed = needed.clone()?;
    needed.extend(names.into_iter().map(str::to_owned));
    Some(needed)
}

fn named<'c>(columns: impl IntoIterator<Item = &'c NamedExpr>) -> Result<Vec<pl::Expr>, EngineError> {
    let columns: Vec<&NamedExpr> = columns.into_iter().collect();
    let values = expression::lower_all(columns.iter().map(|column| &column.expr))?;
    Ok(values.into_iter().zip(columns).map(|(value, column)| value.alias(column.name.as_str())).collect())
}

/// Rows of a sorted table that are taken without sorting all of it.
const FEW: u64 = 1 << 20;

fn sorted(frame: pl::LazyFrame, keys: &[SortKey]) -> Result<pl::LazyFrame, EngineError> {
    Ok(frame.sort_by_exprs(sort_expressions(keys)?, sort_options(keys)))
}

fn sort_expressions(keys: &[SortKey]) -> Result<Vec<pl::Expr>, EngineError> {
    keys.iter().map(|key| expression::lower(&key.expr)).collect()
}

fn sort_options(keys: &[SortKey]) -> pl::SortMultipleOptions {
    pl::SortMultipleOptions::default()
        .with_order_descending_multi(keys.iter().map(|key| key.descending).collect::<Vec<_>>())
        .with_nulls_last_multi(keys.iter().map(|key| !key.nulls_first).collect::<Vec<_>>())
        .with_maintain_order(true)
}
