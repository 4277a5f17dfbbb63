//! How small the keys of drawn rows are.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};

use super::{Allocate, Balance, INDEX, LUCK, STRATUM as ROW_STRATUM, uniform_hash};
use crate::batch::{self, Values};
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Expr, Field, Function, Schema};
use crate::relation::{NamedExpr, Relation, keep_columns};
use crate::stages::inputs;
use crate::stages::work::WorkContext;
use crate::statistics::sampling::allocation;
use crate::statistics::sampling::smallest::{Entry, Missed, Smallest};

/// The columns of the tables.
pub(super) const STRATUM: &str = "stratum";
pub(super) const LIMIT: &str = "limit";
pub(super) const LIMIT_ROW: &str = "limit_row";
pub(super) const COPIES: &str = "copies";
pub(super) const STRATA_FILE: &str = "strata.parquet";
pub(super) const COPIES_FILE: &str = "copies.parquet";
/// Strata at most.
const MOST_STRATA: usize = 100_000;
/// Up to so many drawn rows their keys are held, so that one pass is enough.
const HELD: u64 = 1 << 20;
/// Within how many standard deviations a threshold is looked for first, and where it is not found there.
const REACH: [f64; 2] = [8.0, 1e9];
/// Repeated rows of one row at most.
const MOST_COPIES: u64 = 1_000_000;

/// How many rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    Fraction(f64),
    Rows(u64, Allocate),
    Balance(Balance),
}

impl Wanted {
    pub(super) fn is_balanced(self) -> bool {
        matches!(self, Self::Balance(_))
    }

    /// Whether keys of so many rows are not held, so that the rows have to be counted first.
    pub(super) fn is_large(self) -> bool {
        matches!(self, Self::Rows(rows, _) if rows > HELD)
    }

    /// The rows of each stratum in the sample.
    fn of(self, sizes: &[u64]) -> Vec<u64> {
        #[expect(clippy::cast_precision_loss, reason = "rows beyond 2^53 do not occur")]
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a number of rows")]
        let share = |size: &u64, fraction: f64| ((*size as f64 * fraction).round() as u64).clamp(1, *size);
        match self {
            Self::Fraction(fraction) if fraction <= 0.0 => vec![0; sizes.len()],
            Self::Fraction(fraction) => sizes.iter().map(|size| share(size, fraction)).collect(),
            Self::Rows(rows, Allocate::Proportional) => allocation::proportional(sizes, rows),
            Self::Rows(rows, Allocate::Equal) => allocation::equal(sizes, rows),
            Self::Balance(Balance::Down) => vec![sizes.iter().min().copied().unwrap_or(0); sizes.len()],
            Self::Balance(Balance::Up) => vec![sizes.iter().max().copied().unwrap_or(0); sizes.len()],
        }
    }
}

pub(super) fn strata_schema() -> Schema {
    let fields = vec![
        Field::new(STRATUM, DataType::Int64),
        Field::new(LIMIT, DataType::Float64),
        Field::new(LIMIT_ROW, DataType::Int64),
        Field::new(COPIES, DataType::Int64),
    ];
    Schema::new(fields).unwrap_or_default()
}

pub(super) fn copies_schema() -> Schema {
    Schema::new(vec![Field::new(COPIES, DataType::Int64)]).unwrap_or_default()
}

/// The threshold of all rows as one stratum.
///
/// Errors: the rows cannot be computed, or memory does not hold the keys.
pub(super) fn of_all(
    rows: &Arc<Relation>,
    wanted: Wanted,
    is_weighted: bool,
    context: &WorkContext<'_>,
) -> Result<Option<Entry>, Diagnostic> {
    let Wanted::Rows(wanted, _) = wanted else { return Ok(None) };
    if wanted <= HELD || is_weighted {
        // Twice as many keys as are wanted are held, with the numbers of their rows.
        if wanted.saturating_mul(32) > context.memory / 4 {
            let message = format!("{wanted} rows are too many to draw by weight in the memory that is there");
            return Err(Diagnostic::error(Class::Limit, message).help("draw fewer, or give more `--memory`"));
        }
        let mut smallest = Smallest::new(usize::try_from(wanted).unwrap_or(usize::MAX));
        read(rows, false, context, |_, entry| smallest.push(entry))?;
        return smallest.threshold().map_err(|Missed| missed());
    }
    let count = context.count(rows)?;
    if wanted >= count {
        return Ok(Some((f64::INFINITY, i64::MAX)));
    }
    for reach in REACH {
        let mut smallest = Smallest::uniform(usize::try_from(wanted).unwrap_or(usize::MAX), count, reach);
        read(rows, false, context, |_, entry| smallest.push(entry))?;
        if let Ok(found) = smallest.threshold() {
            return Ok(found);
        }
    }
    Err(missed())
}

/// A stratum with what is drawn from it.
#[derive(Debug, Clone)]
pub(super) struct Stratum {
    pub(super) names: Vec<Option<String>>,
    pub(super) size: u64,
    pub(super) wanted: u64,
    hash: i64,
    limit: Option<Entry>,
}

/// All strata, the largest first.
#[derive(Debug, Clone)]
pub(super) struct Strata {
    pub(super) strata: Vec<Stratum>,
}

/// The thresholds of all strata.
///
/// Errors: the rows cannot be computed, or there are too many strata.
pub(super) fn of_strata(
    rows: &Arc<Relation>,
    by: &[Field],
    wanted: Wanted,
    context: &WorkContext<'_>,
) -> Result<Strata, Diagnostic> {
    let mut strata = sizes(rows, by, context)?;
    let counts: Vec<u64> = strata.iter().map(|stratum| stratum.size).collect();
    for (stratum, wanted) in strata.iter_mut().zip(wanted.of(&counts)) {
        stratum.wanted = wanted;
    }
    // Of repeated rows only those that stand there once more are drawn.
    let drawn = |stratum: &Stratum| if stratum.size == 0 { 0 } else { stratum.wanted % stratum.size };
    let all = |stratum: &Stratum| stratum.wanted >= stratum.size && wanted != Wanted::Balance(Balance::Up);
    for stratum in &mut strata {
        if all(stratum) {
            stratum.limit = Some((f64::INFINITY, i64::MAX));
        }
    }
    let total: u64 = strata.iter().filter(|stratum| !all(stratum)).map(drawn).sum();
    let places: BTreeMap<i64, usize> = strata.iter().enumerate().map(|(at, stratum)| (stratum.hash, at)).collect();
    let attempts = if total <= HELD { &[f64::INFINITY][..] } else { &REACH[..] };
    for reach in attempts {
        let mut smallest: Vec<Smallest> = strata
            .iter()
            .map(|stratum| {
                let drawn = if all(stratum) { 0 } else { usize::try_from(drawn(stratum)).unwrap_or(usize::MAX) };
                if reach.is_finite() && drawn > 0 {
                    Smallest::uniform(drawn, stratum.size, *reach)
                } else {
                    Smallest::new(drawn)
                }
            })
            .collect();
        if total > 0 {
            read(rows, true, context, |stratum, entry| {
                if let Some(smallest) = places.get(&stratum).and_then(|at| smallest.get_mut(*at)) {
                    smallest.push(entry);
                }
            })?;
        }
        let found: Result<Vec<Option<Entry>>, Missed> = smallest.into_iter().map(Smallest::threshold).collect();
        if let Ok(found) = found {
            for (stratum, found) in strata.iter_mut().zip(found) {
                stratum.limit = stratum.limit.or(found);
            }
            return Ok(Strata { strata });
        }
    }
    Err(missed())
}

/// The strata with their numbers of rows.
fn sizes(rows: &Arc<Relation>, by: &[Field], context: &WorkContext<'_>) -> Result<Vec<Stratum>, Diagnostic> {
    let value = |field: &Field| Expr::column(&field.name, field.data_type.clone());
    let keys = by.iter().map(|field| NamedExpr { name: field.name.clone(), expr: value(field) }).collect();
    let size = Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64);
    let aggregates = vec![NamedExpr { name: LUCK.to_owned(), expr: size }];
    let counted = Relation::Aggregate { input: rows.clone(), keys, aggregates };
    let shown = by.iter().enumerate().map(|(at, field)| NamedExpr {
        name: format!("name {at}"),
        expr: inputs::shown(field).unwrap_or_else(|| Expr::string("")),
    });
    let mut columns: Vec<NamedExpr> = shown.collect();
    columns.push(NamedExpr { name: LUCK.to_owned(), expr: Expr::column(LUCK, DataType::Int64) });
    let hash = uniform_hash(by.iter().map(value).collect());
    columns.push(NamedExpr { name: ROW_STRATUM.to_owned(), expr: hash });
    let mut strata = Vec::new();
    context.stream(&Relation::Project { input: counted.into(), columns }, &mut |batch| {
        let names: Vec<Vec<Option<String>>> = (0..by.len())
            .map(|at| batch::column(&batch, &format!("name {at}")).map(batch::texts).unwrap_or_default())
            .collect();
        let integers = |name: &str| batch::column(&batch, name)?.as_primitive_opt::<Int64Type>();
        if let (Some(sizes), Some(hashes)) = (integers(LUCK), integers(ROW_STRATUM)) {
            for (row, (size, hash)) in sizes.iter().zip(hashes).enumerate() {
                let names = names.iter().map(|names| names.get(row).cloned().flatten()).collect();
                let size = size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
                strata.push(Stratum { names, size, wanted: 0, hash: hash.unwrap_or(0), limit: None });
            }
        }
        Ok(strata.len() <= MOST_STRATA)
    })?;
    if strata.len() > MOST_STRATA {
        let message = format!("`by` makes more than {MOST_STRATA} strata");
        return Err(Diagnostic::error(Class::Limit, message).help("name columns with fewer different values"));
    }
    // Whatever the order in which the engine gives groups: the largest first, among equals by name.
    strata.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.names.cmp(&b.names)).then(a.hash.cmp(&b.hash)));
    Ok(strata)
}

/// Passes stratum and entry of each row to `take`; rows without a key are passed over.
fn read(
    rows: &Arc<Relation>,
    has_strata: bool,
    context: &WorkContext<'_>,
    mut take: impl FnMut(i64, Entry),
) -> Result<(), Diagnostic> {
    let mut names = vec![INDEX.to_owned(), LUCK.to_owned()];
    if has_strata {
        names.push(ROW_STRATUM.to_owned());
    }
    context.stream(&keep_columns(rows, &names), &mut |batch| {
        let integers = |name: &str| batch::column(&batch, name)?.as_primitive_opt::<Int64Type>();
        let keys = batch::column(&batch, LUCK).and_then(|keys| keys.as_primitive_opt::<Float64Type>());
        let strata = integers(ROW_STRATUM);
        if let (Some(keys), Some(index)) = (keys, integers(INDEX)) {
            for row in (0..batch.num_rows()).filter(|row| keys.is_valid(*row) && index.is_valid(*row)) {
                let stratum = strata.filter(|strata| strata.is_valid(row)).map_or(0, |strata| strata.value(row));
                take(stratum, (keys.value(row), index.value(row)));
            }
        }
        Ok(true)
    })
}

impl Strata {
    /// Writes the tables in which rows look up what becomes of them.
    ///
    /// Errors: a file cannot be written, or rows would be repeated too often.
    pub(super) fn write(&self, context: &WorkContext<'_>) -> Result<(), Diagnostic> {
        let base = |stratum: &Stratum| stratum.wanted / stratum.size.max(1);
        if let Some(rare) = self.strata.iter().find(|stratum| base(stratum) > MOST_COPIES) {
            let names: Vec<&str> = rare.names.iter().map(|name| name.as_deref().unwrap_or("null")).collect();
            let message = format!(
                "each of the {} rows of `{}` would stand there {} times",
                rare.size,
                names.join(", "),
                base(rare)
            );
            let help = "leave such strata out with `filter`, or balance `down`";
            return Err(Diagnostic::error(Class::Limit, message).help(help));
        }
        let integers =
            |value: &dyn Fn(&Stratum) -> Option<i64>| Values::Integers(self.strata.iter().map(value).collect());
        let whole = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
        // Infinity has no place in the table; a key is never larger than this.
        let limit = |stratum: &Stratum| stratum.limit.map(|(key, _)| key.min(f64::MAX));
        let table = batch::table(vec![
            (STRATUM, integers(&|stratum| Some(stratum.hash))),
            (LIMIT, Values::Floats(self.strata.iter().map(limit).collect())),
            (LIMIT_ROW, integers(&|stratum| stratum.limit.map(|(_, row)| row))),
            (COPIES, integers(&|stratum| Some(whole(base(stratum))))),
        ])?;
        batch::write_parquet(&context.artifacts.join(STRATA_FILE), &table)?;
        let mut numbers: Vec<u64> =
            self.strata.iter().flat_map(|stratum| [base(stratum), base(stratum) + 1]).chain([1]).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let repeated = numbers
            .iter()
            .flat_map(|number| std::iter::repeat_n(Some(whole(*number)), usize::try_from(*number).unwrap_or_default()));
        let table = batch::table(vec![(COPIES, Values::Integers(repeated.collect()))])?;
        batch::write_parquet(&context.artifacts.join(COPIES_FILE), &table)
    }
}

fn missed() -> Diagnostic {
    Diagnostic::error(Class::Stage, "the random numbers of the rows are not evenly spread").help("try another `seed`")
}
