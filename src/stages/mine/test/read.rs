//! Reads what a question is about: moments of groups while rows stream by, values in memory, or counts of categories.

use rustc_hash::FxHashMap;

use super::question::Subject;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::expression::{DataType, Expr, Field};
use crate::memory::{MemoryManager, Reservation};
use crate::relation::{NamedExpr, Relation};
use crate::stages::inputs;
use crate::stages::work::{Holding, WorkContext};
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::QuantileSketch;

/// Groups or categories at most.
pub(super) const MOST_GROUPS: usize = 1000;
/// Groups whose spread is kept for a picture.
const PICTURED: usize = 40;
/// Values up to which quantiles of a group are exact.
const EXACT_QUANTILES: usize = 16_384;
/// Memory that a value takes while ranks are made of it: itself, with its position, its rank, and what sorting takes.
const BYTES_A_VALUE: u64 = 64;

/// One group.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) moments: Moments,
    pub(super) sketch: Option<QuantileSketch>,
    /// The values, where they were asked for.
    pub(super) values: Vec<f64>,
}

/// What was read.
pub(super) struct Gathered {
    pub(super) groups: Vec<Group>,
    pub(super) rows: u64,
    /// Rows that were left out because a value or the group is missing or infinite.
    pub(super) left_out: u64,
    _reservation: Reservation,
}

/// Reads numbers by group; with their values when `keep`.
///
/// Errors: too many groups; the values do not fit (exit code 4).
pub(super) fn numbers(
    subject: &Subject,
    keep: bool,
    table: &Relation,
    context: &WorkContext<'_>,
) -> Result<Gathered, Diagnostic> {
    let (fields, by): (Vec<&Field>, Option<&Field>) = match subject {
        Subject::Groups { value, by } => (vec![value], Some(by)),
        Subject::Columns(fields) => (fields.iter().collect(), None),
        Subject::Paired { a, b } => (vec![a, b], None),
        Subject::Mean { value, .. } | Subject::Share { value, .. } | Subject::Distribution { value, .. } => {
            (vec![value], None)
        }
        Subject::Cross { .. } | Subject::Fit { .. } => (Vec::new(), None),
    };
    let paired = matches!(subject, Subject::Paired { .. });
    let mut columns: Vec<NamedExpr> = fields.iter().enumerate().map(|(at, field)| as_float(field, at)).collect();
    columns.extend(by.map(|field| NamedExpr { name: "group".to_owned(), expr: column(field) }));
    let relation = Relation::Project { input: table.clone().into(), columns };
    let mut gathering = Gathering::new(keep);
    if by.is_none() {
        let names: Vec<&str> =
            if paired { vec!["difference"] } else { fields.iter().map(|field| field.name.as_str()).collect() };
        names.into_iter().for_each(|name| gathering.add_group(name.to_owned()));
    }
    context
        .stream(&relation, &mut |batch| {
            let numbers: Vec<Vec<f64>> = batch.columns().iter().take(fields.len()).map(batch::floats).collect();
            gathering.rows += batch.num_rows() as u64;
            match (numbers.as_slice(), batch.column_by_name("group")) {
                ([values], Some(groups)) => gathering.by_group(values, &batch::texts(groups))?,
                ([a, b], None) if paired => {
                    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
                    gathering.column(0, &differences)?;
                }
                (columns, _) => {
                    for (at, values) in columns.iter().enumerate() {
                        gathering.column(at, values)?;
                    }
                }
            }
            Ok(true)
        })
        .map_err(advise)?;
    let mut groups = gathering.groups;
    if by.is_some() {
        groups.sort_by(|a, b| inputs::by_name(&a.name, &b.name));
    }
    let (rows, left_out) = (gathering.rows, gathering.left_out);
    Ok(Gathered { groups, rows, left_out, _reservation: gathering.reservation })
}

fn as_float(field: &Field, at: usize) -> NamedExpr {
    NamedExpr { name: format!("value{at}"), expr: column(field).cast(DataType::Float64, true) }
}

fn column(field: &Field) -> Expr {
    Expr::column(&field.name, field.data_type.clone())
}

/// What to do when values do not fit.
const HELP: &str = "test means with `method: welch` or `welch_anova`, put a `sample` stage in front, or give the run more with `--memory`";

/// What a test by ranks holds of that many rows.
pub(super) fn holds(rows: u64) -> Holding {
    let bytes = rows.saturating_mul(BYTES_A_VALUE);
    Holding { purpose: "a test by ranks".to_owned(), bytes, most_rows: None, help: HELP.to_owned() }
}

fn advise(error: Diagnostic) -> Diagnostic {
    if error.class != Class::Limit {
        return error;
    }
    let message = format!("tests by ranks need their values in memory: {}", error.message);
    Diagnostic { message, ..error }.help(HELP)
}

struct Gathering {
    groups: Vec<Group>,
    positions: FxHashMap<String, usize>,
    /// The values of each group in the batch at hand.
    waiting: Vec<Vec<f64>>,
    keep: bool,
    rows: u64,
    left_out: u64,
    kept: u64,
    reserved: u64,
    reservation: Reservation,
}

impl Gathering {
    fn new(keep: bool) -> Self {
        let reservation = MemoryManager::process().reserve("test");
        Self {
            groups: Vec::new(),
            positions: FxHashMap::default(),
            waiting: Vec::new(),
            keep,
            rows: 0,
            left_out: 0,
            kept: 0,
            reserved: 0,
            reservation,
        }
    }

    fn add_group(&mut self, name: String) {
        let sketch = (self.groups.len() < PICTURED).then(|| QuantileSketch::new(EXACT_QUANTILES));
        self.groups.push(Group { name, moments: Moments::new(), sketch, values: Vec::new() });
        self.waiting.push(Vec::new());
    }

    fn by_group(&mut self, values: &[f64], groups: &[Option<String>]) -> Result<(), EngineError> {
        for (value, group) in values.iter().zip(groups) {
            let Some(name) = group.as_ref().filter(|_| value.is_finite()) else {
                self.left_out += 1;
                continue;
            };
            let at = match self.positions.get(name) {
                Some(at) => *at,
                None => {
                    let at = self.groups.len();
                    if at == MOST_GROUPS {
                        return Err(too_many("the groups"));
                    }
                    self.positions.insert(name.clone(), at);
                    self.add_group(name.clone());
                    at
                }
            };
            if let Some(waiting) = self.waiting.get_mut(at) {
                waiting.push(*value);
            }
        }
        self.flush()
    }

    fn column(&mut self, at: usize, values: &[f64]) -> Result<(), EngineError> {
        if let Some(waiting) = self.waiting.get_mut(at) {
            waiting.extend(values.iter().filter(|value| value.is_finite()));
            self.left_out += (values.len() - waiting.len()) as u64;
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        let coming: u64 = self.waiting.iter().map(|values| values.len() as u64).sum();
        if self.keep {
            self.kept += coming;
            let needed = self.kept * BYTES_A_VALUE;
            if needed > self.reserved {
                let step = (needed - self.reserved).max(self.reserved / 4).max(1 << 20);
                self.reservation.try_grow(step)?;
                self.reserved += step;
            }
        }
        for (group, waiting) in self.groups.iter_mut().zip(&mut self.waiting) {
            group.moments.extend(waiting);
            if let Some(sketch) = &mut group.sketch {
                sketch.extend(waiting);
            }
            if self.keep {
                group.values.extend_from_slice(waiting);
            }
            waiting.clear();
        }
        Ok(())
    }
}

fn too_many(what: &str) -> EngineError {
    let message = format!("{what} are more than {MOST_GROUPS}, so comparing them tells nothing");
    let help = "choose a column with fewer values, or bring them together with `derive` first";
    EngineError::new(Class::Stage, message).help(help)
}

/// How often each pair of categories occurs, row by row.
pub(super) struct Counted {
    pub(super) rows_named: Vec<String>,
    pub(super) columns_named: Vec<String>,
    pub(super) counts: Vec<f64>,
    /// The counts that were expected of each row, where shares were given.
    pub(super) expected: Option<Vec<f64>>,
    pub(super) rows: u64,
    pub(super) left_out: u64,
}

/// Counts categories, or pairs of them when there is a second column.
///
/// Errors: too many categories.
pub(super) fn categories(
    a: &Field,
    b: Option<&Field>,
    table: &Relation,
    context: &WorkContext<'_>,
) -> Result<Counted, Diagnostic> {
    let mut columns = vec![NamedExpr { name: "a".to_owned(), expr: column(a) }];
    columns.extend(b.map(|field| NamedExpr { name: "b".to_owned(), expr: column(field) }));
    let relation = Relation::Project { input: table.clone().into(), columns };
    let mut found: FxHashMap<String, FxHashMap<String, u64>> = FxHashMap::default();
    let (mut rows, mut left_out, mut pairs) = (0_u64, 0_u64, 0_usize);
    context
        .stream(&relation, &mut |batch| {
            let texts: Vec<Vec<Option<String>>> = batch.columns().iter().map(batch::texts).collect();
            rows += batch.num_rows() as u64;
            for at in 0..batch.num_rows() {
                let text = |column: usize| texts.get(column)?.get(at)?.as_deref();
                let second = if b.is_some() { text(1) } else { Some("") };
                let (Some(first), Some(second)) = (text(0), second) else {
                    left_out += 1;
                    continue;
                };
                let row = match found.get_mut(first) {
                    Some(row) => row,
                    None => found.entry(first.to_owned()).or_default(),
                };
                match row.get_mut(second) {
                    Some(count) => *count += 1,
                    None => {
                        row.insert(second.to_owned(), 1);
                        pairs += 1;
                    }
                }
            }
            if pairs > MOST_GROUPS * 20 {
                return Err(too_many("the categories"));
            }
            Ok(true)
        })
        .map_err(advise)?;
    let sorted = |mut names: Vec<String>| {
        names.sort_by(|a, b| inputs::by_name(a, b));
        names.dedup();
        names
    };
    let rows_named = sorted(found.keys().cloned().collect());
    let columns_named = sorted(found.values().flat_map(|row| row.keys().cloned()).collect());
    if rows_named.len() > MOST_GROUPS || columns_named.len() > MOST_GROUPS {
        return Err(advise(Diagnostic::from(too_many("the categories"))));
    }
    let count = |row: &String, column: &String| found.get(row)?.get(column).copied();
    let counts = rows_named
        .iter()
        .flat_map(|row| columns_named.iter().map(move |column| count(row, column).unwrap_or(0) as f64))
        .collect();
    Ok(Counted { rows_named, columns_named, counts, expected: None, rows, left_out })
}
