//! Rows become baskets of item numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};

use super::book::{Book, MOST_ITEMS};
use super::source::Source;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::expression::{Aggregate, DataType, Expr, ExprKind, Field, Function, SortKey};
use crate::memory::{MemoryManager, Reservation};
use crate::mining::itemsets::Transactions;
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Holding, Progress, WorkContext};
use crate::stages::{fit, inputs};

/// Whole numbers with more different values than this are binned as numbers with a fraction are.
pub(super) const MOST_VALUES: f64 = 32.0;

/// Different items of columns at most; more means that a column of identifiers was named.
const MOST_VALUES_OF_COLUMNS: usize = 1_000_000;

/// Rows that are gathered before identical ones are merged for the first time.
const MERGE_AT: usize = 1 << 17;

/// What to do when baskets do not fit.
const HELP: &str = "name fewer columns, put a `sample` stage in front, or give the run more with `--memory`";

/// What the baskets of that many rows hold. Baskets of columns are no more than there are different rows, mostly few, so that nothing
/// is known of them before; of lists one item each is counted.
pub(super) fn holds(source: &Source, rows: u64) -> Option<Holding> {
    let (baskets, items) = match source {
        Source::Columns(_) => return None,
        Source::List(_) => (rows, rows),
        Source::Long { .. } => (0, rows),
    };
    // Merging identical baskets holds them twice.
    let bytes = baskets.saturating_mul(16).saturating_add(items.saturating_mul(4)).saturating_mul(2);
    Some(Holding { purpose: "itemsets".to_owned(), bytes, most_rows: None, help: HELP.to_owned() })
}

/// How rows are read.
pub(super) struct Reader {
    source: Source,
    /// For each column of [`Source::Columns`] the inner edges of its bins, ascending; none where values are not binned.
    edges: Vec<Option<Vec<f64>>>,
    pub(super) book: Book,
}

/// Baskets in memory.
pub(super) struct Baskets {
    pub(super) transactions: Transactions,
    /// Rows of a long table that name no basket.
    pub(super) keyless: u64,
    /// Holds the memory as long as the baskets.
    _reservation: Reservation,
}

impl Reader {
    /// Learns the bins.
    pub(super) fn new(
        source: Source,
        rows: &Arc<Relation>,
        bins: usize,
        context: &WorkContext<'_>,
    ) -> Result<Self, Diagnostic> {
        let fields = match &source {
            Source::Columns(fields) => fields.as_slice(),
            Source::List(_) | Source::Long { .. } => &[],
        };
        let edges = edges(rows, fields, bins, context)?;
        let book = Book::new(fields.iter().map(|field| field.name.clone()).collect());
        Ok(Self { source, edges, book })
    }

    /// Reads all baskets into memory; identical ones are merged while they come.
    pub(super) fn read(&mut self, rows: &Arc<Relation>, context: &WorkContext<'_>) -> Result<Baskets, Diagnostic> {
        let mut reservation = MemoryManager::process().reserve("itemsets");
        let mut transactions = Transactions::new();
        let mut merge_at = MERGE_AT;
        let mut reserved = 0_u64;
        let columns = matches!(self.source, Source::Columns(_));
        let mut keyless = 0;
        let mut too_many = false;
        let read = self.stream(rows, context, &mut keyless, &mut |basket, book| {
            if basket.is_none_or(|_| transactions.len() >= merge_at) {
                if transactions.len() >= merge_at {
                    transactions = transactions.merge_identical();
                    merge_at = (transactions.len() * 2).max(MERGE_AT);
                }
                // Merging holds the rows twice.
                let bytes = (transactions.bytes() * 2 + book.bytes()) as u64;
                if bytes > reserved {
                    reservation.try_grow(bytes - reserved)?;
                } else {
                    reservation.shrink(reserved - bytes);
                }
                reserved = bytes;
                too_many = book.len() >= if columns { MOST_VALUES_OF_COLUMNS } else { MOST_ITEMS };
                if too_many {
                    let message =
                        if columns { "more than a million different items" } else { "too many different items" };
                    return Err(EngineError::new(Class::Limit, message));
                }
            }
            if let Some(basket) = basket {
                transactions.push(basket);
            }
            Ok(())
        });
        read.map_err(|error| match (too_many, error.class) {
            (true, _) => {
                error.help("name columns with fewer different values, or group the values with `derive` first")
            }
            (false, Class::Limit) => {
                let message = format!("itemsets needs its baskets in memory: {}", error.message);
                Diagnostic { message, ..error }.help(HELP)
            }
            _ => error,
        })?;
        let numbers = self.book.close();
        let transactions = transactions
            .renumbered(&numbers)
            .map_err(|item| Diagnostic::error(Class::Stage, format!("item {item} of the baskets has no name")))?;
        Ok(Baskets { transactions, keyless, _reservation: reservation })
    }

    /// Gives the baskets one by one, and nothing after each batch of rows.
    pub(super) fn stream(
        &mut self,
        rows: &Arc<Relation>,
        context: &WorkContext<'_>,
        keyless: &mut u64,
        sink: &mut Sink<'_>,
    ) -> Result<(), Diagnostic> {
        let relation = self.relation(rows);
        let mut open: Option<(Vec<String>, Vec<u32>)> = None;
        let mut done = 0_u64;
        let (source, edges, book) = (&self.source, &self.edges, &mut self.book);
        context.stream(&relation, &mut |batch| {
            match source {
                Source::Columns(_) => {
                    let columns: Vec<Vec<Option<u32>>> = batch
                        .columns()
                        .iter()
                        .zip(edges)
                        .enumerate()
                        .map(|(place, (array, edges))| codes(array, place, edges.as_deref(), book))
                        .collect();
                    let mut row = Vec::with_capacity(columns.len());
                    for at in 0..batch.num_rows() {
                        row.clear();
                        row.extend(columns.iter().filter_map(|column| column.get(at).copied().flatten()));
                        sink(Some(&row), book)?;
                    }
                }
                Source::List(_) => lists(&batch, book, sink)?,
                Source::Long { basket, .. } => {
                    let arrays: Vec<Texts<'_>> = batch.columns().iter().map(Texts::new).collect();
                    let (keys, items) = arrays.split_at(basket.len());
                    let mut key: Vec<&str> = Vec::with_capacity(keys.len());
                    for at in 0..batch.num_rows() {
                        key.clear();
                        key.extend(keys.iter().filter_map(|key| key.get(at)));
                        if key.len() < keys.len() {
                            *keyless += 1;
                            continue;
                        }
                        let text = items.first().and_then(|items| items.get(at));
                        let item = text.and_then(|text| book.number(0, text, || None));
                        match &mut open {
                            Some((last, basket)) if *last == key => basket.extend(item),
                            _ => {
                                if let Some((_, basket)) = open.take() {
                                    sink(Some(&basket), book)?;
                                }
                                let key = key.iter().map(|part| (*part).to_owned()).collect();
                                open = Some((key, item.into_iter().collect()));
                            }
                        }
                    }
                }
            }
            done += batch.num_rows() as u64;
            let message = "reading baskets".to_owned();
            (context.progress)(Progress { done, total: None, unit: "rows".to_owned(), message });
            sink(None, book)?;
            Ok(true)
        })?;
        if let Some((_, basket)) = open {
            sink(Some(&basket), &self.book)?;
        }
        Ok(())
    }

    /// The columns that items are made of; rows of a basket one behind the other.
    fn relation(&self, rows: &Arc<Relation>) -> Relation {
        let shown = |field: &Field| {
            let expr = inputs::shown(field).unwrap_or(Expr::column(&field.name, field.data_type.clone()));
            NamedExpr { name: field.name.clone(), expr }
        };
        let project = |columns| Relation::Project { input: Arc::clone(rows), columns };
        match &self.source {
            Source::Columns(fields) => project(
                fields
                    .iter()
                    .zip(&self.edges)
                    .map(|(field, edges)| match edges {
                        Some(_) => NamedExpr { name: field.name.clone(), expr: number(field) },
                        None => shown(field),
                    })
                    .collect(),
            ),
            Source::List(field) => {
                let expr = Expr::column(&field.name, field.data_type.clone());
                project(vec![NamedExpr { name: field.name.clone(), expr }])
            }
            Source::Long { basket, item } => {
                let mut columns: Vec<NamedExpr> = basket.iter().map(shown).collect();
                columns.push(shown(item));
                let key = |field: &Field| SortKey {
                    expr: Expr::column(&field.name, DataType::String),
                    descending: false,
                    nulls_first: false,
                };
                Relation::Sort { input: project(columns).into(), keys: basket.iter().map(key).collect() }
            }
        }
    }
}

/// The column in float64. Each number has such a value, so that the cast need not be strict: a strict one in a long conjunction
/// would carry all conditions before it as its guard.
pub(super) fn number(field: &Field) -> Expr {
    Expr::column(&field.name, field.data_type.clone()).cast(DataType::Float64, false)
}

/// The items of a column.
fn codes(array: &ArrayRef, place: usize, edges: Option<&[f64]>, book: &mut Book) -> Vec<Option<u32>> {
    if let Some(edges) = edges {
        let mut bins: Vec<Option<u32>> = vec![None; edges.len() + 1];
        let mut code = |value: f64| {
            if value.is_nan() {
                return None;
            }
            let at = edges.partition_point(|edge| *edge < value);
            let slot = bins.get_mut(at)?;
            if slot.is_none() {
                let bounds = (at.checked_sub(1).and_then(|below| edges.get(below)).copied(), edges.get(at).copied());
                *slot = book.number(place, &bin_name(bounds), || Some(bounds));
            }
            *slot
        };
        return batch::floats(array).into_iter().map(&mut code).collect();
    }
    let texts = Texts::new(array);
    (0..array.len()).map(|at| texts.get(at).and_then(|text| book.number(place, text, || None))).collect()
}

/// Values as texts: those of the engine where they are texts already, since there are as many as items in all baskets.
enum Texts<'a> {
    Views(&'a StringViewArray),
    Made(Vec<Option<String>>),
}

impl<'a> Texts<'a> {
    fn new(array: &'a ArrayRef) -> Self {
        match array.as_string_view_opt() {
            Some(views) => Self::Views(views),
            None => Self::Made(batch::texts(array)),
        }
    }

    /// The text at a place; none for a null and beyond the end.
    fn get(&self, at: usize) -> Option<&str> {
        match self {
            Self::Views(views) => (at < views.len() && views.is_valid(at)).then(|| views.value(at)),
            Self::Made(texts) => texts.get(at).and_then(Option::as_deref),
        }
    }
}

/// `<=2.5`, `2.5..7`, `>7`
fn bin_name(bounds: (Option<f64>, Option<f64>)) -> String {
    match bounds {
        (None, Some(high)) => format!("<={high}"),
        (Some(low), Some(high)) => format!("{low}..{high}"),
        (Some(low), None) => format!(">{low}"),
        (None, None) => "any".to_owned(),
    }
}

/// Takes a basket, or nothing at the end of each batch of rows.
type Sink<'a> = dyn FnMut(Option<&[u32]>, &Book) -> Result<(), EngineError> + 'a;

fn lists(batch: &RecordBatch, book: &mut Book, sink: &mut Sink<'_>) -> Result<(), EngineError> {
    let Some(array) = batch.columns().first() else { return Ok(()) };
    // Values of all lists at once are texts much sooner than those of each list.
    let values = match array.as_list_opt::<i64>() {
        Some(lists) => Some((Texts::new(lists.values()), lists.value_offsets().to_vec())),
        None => array.as_list_opt::<i32>().map(|lists| {
            (Texts::new(lists.values()), lists.value_offsets().iter().map(|offset| i64::from(*offset)).collect())
        }),
    };
    let mut basket = Vec::new();
    for row in 0..array.len() {
        basket.clear();
        if let (Some((texts, offsets)), true) = (&values, array.is_valid(row)) {
            let place = |at: usize| offsets.get(at).and_then(|offset| usize::try_from(*offset).ok()).unwrap_or(0);
            let texts = (place(row)..place(row + 1)).filter_map(|at| texts.get(at));
            basket.extend(texts.filter_map(|text| book.number(0, text, || None)));
        }
        sink(Some(&basket), book)?;
    }
    Ok(())
}

/// The inner edges of the bins of numbers; none for columns that are not binned.
fn edges(
    rows: &Arc<Relation>,
    fields: &[Field],
    bins: usize,
    context: &WorkContext<'_>,
) -> Result<Vec<Option<Vec<f64>>>, Diagnostic> {
    let key = |field: &Field, bin: usize| format!("{} {bin}", field.name);
    let mut aggregates = Vec::new();
    for field in fields.iter().filter(|field| field.data_type.is_numeric()) {
        #[expect(clippy::cast_precision_loss, reason = "at most 100 bins")]
        aggregates.extend((1..bins).map(|bin| {
            let at = Expr::float(bin as f64 / bins as f64);
            let expr = fit::float_aggregate(Function::Quantile, &field.name, &field.data_type, vec![at]);
            NamedExpr { name: key(field, bin), expr }
        }));
        if field.data_type.is_integer() {
            let distinct = Aggregate {
                function: Function::Count,
                arguments: vec![Expr::column(&field.name, field.data_type.clone())],
                distinct: true,
                filter: None,
                order_by: Vec::new(),
                over: None,
            };
            let expr = Expr::new(ExprKind::Aggregate(Box::new(distinct)), DataType::Int64);
            aggregates.push(NamedExpr { name: key(field, 0), expr });
        }
    }
    let learned = fit::constants(rows, aggregates, context)?;
    let of_field = |field: &Field| {
        let few = field.data_type.is_integer()
            && fit::number(learned.get(&key(field, 0))).is_none_or(|values| values <= MOST_VALUES);
        if !field.data_type.is_numeric() || few {
            return None;
        }
        let mut edges: Vec<f64> = (1..bins).filter_map(|bin| fit::number(learned.get(&key(field, bin)))).collect();
        edges.dedup();
        Some(edges)
    };
    Ok(fields.iter().map(of_field).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_an_edge_belongs_to_the_bin_below() {
        let values: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![
            Some(0.0),
            Some(1.0),
            Some(1.1),
            Some(2.5),
            Some(9.0),
            None,
            Some(f64::NAN),
        ]));
        let mut book = Book::new(vec!["x".to_owned()]);
        let codes = codes(&values, 0, Some(&[1.0, 2.5]), &mut book);
        let names: Vec<String> = codes.iter().map(|code| code.map_or(String::new(), |code| book.name(code))).collect();
        assert_eq!(names, ["x=<=1", "x=<=1", "x=1..2.5", "x=1..2.5", "x=>2.5", "", ""]);
        assert_eq!(bin_name((None, None)), "any");
    }

    #[test]
    fn items_are_numbered_by_column_and_text_and_no_new_ones_are_taken_then() {
        let mut book = Book::new(vec!["a".to_owned(), "b".to_owned()]);
        let met: Vec<u32> =
            [(1, "x"), (0, "y"), (0, "b")].iter().filter_map(|(c, t)| book.number(*c, t, || None)).collect();
        let numbers = book.close();
        let names: Vec<String> = met.iter().map(|old| book.name(numbers[*old as usize])).collect();
        assert_eq!(names, ["b=x", "a=y", "a=b"]);
        assert_eq!(
            (book.names(&[0, 1, 2]), book.number(0, "new", || None)),
            (vec!["a=b".into(), "a=y".into(), "b=x".into()], None)
        );
        assert_eq!((book.number(0, "y", || None), book.meant("a"), book.meant("b=x")), (Some(1), vec![0, 1], vec![2]));
    }
}
