//! `encode`: categories and dates become numbers.

mod cyclic;
mod lookup;
mod one_hot;
mod target;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::lookup::Lookup;
use super::split::{is_hashable, uniform};
use crate::definition::{Node, OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function};
use crate::relation::{NamedExpr, Relation, Tap};
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};

/// Categories and dates become numbers, for models and programs that want nothing else.
///
/// Each column has a method:
///
/// - `{one_hot: [AA, B6, DL]}`: a column of 0 and 1 for each value that is named, such as `carrier_AA`. The values have to be
///   named, because a pipeline knows all columns before a row is read. A row with another value, or with null, has zeros.
/// - `ordinal`: whole numbers from 0, in the order of the values that the training rows hold.
/// - `{order: [small, medium, large]}`: whole numbers from 0, in this order.
/// - `frequency`: the share of the training rows that hold the value.
/// - `{hash: 64}`: one of 64 buckets, by the value alone: nothing is learned, and new values have a bucket too.
/// - `{target: {column: late, folds: 5, smoothing: 20}}`: the mean of a target column over the rows with the value, drawn
///   towards the mean of all rows as if `smoothing` rows had that mean. A row's own target must not speak in its own
///   feature: training rows take the mean of the other folds, all other rows that of all training rows
///   (Micci-Barreca 2001; out-of-fold as in scikit-learn's `TargetEncoder`).
/// - `{cyclic: [hour, weekday, month]}`: sine and cosine of the time's place in its cycle, so that 23 o'clock is close to 0.
/// - `{period: 24}`: the same for a number with that period.
///
/// What is learned comes from the training rows when the rows are divided by a `split`, else from all rows. A value that
/// was not there has no code: `ordinal`, `order` and `frequency` give null, `target` the mean of all rows. Null stays null,
/// `target` gives it the mean of all rows. The report counts both. The column itself leaves, unless `keep` is set.
///
/// ```yaml
/// - encode:
///     columns:
///       origin: {one_hot: [EWR, JFK, LGA]}
///       carrier: frequency
///       tailnum: {hash: 256}
///       time_hour: {cyclic: [hour, weekday]}
/// ```
///
/// ```yaml
/// - encode: {columns: {dest: {target: {column: late}}}, keep: true}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Encode {
    /// The columns, each with its method.
    columns: Ordered<Method>,
    /// Whether the columns themselves stay too. The new column of `ordinal`, `order`, `frequency`, `hash` and `target`
    /// then has the method's name as its ending: `dest_target`.
    #[serde(default)]
    keep: bool,
}

/// How a column becomes numbers.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A column of 0 and 1 for each of these values.
    OneHot(Vec<Node>),
    /// Whole numbers from 0 in the order of the values.
    Ordinal,
    /// Whole numbers from 0 in this order.
    Order(Vec<Node>),
    /// The share of the rows with the value.
    Frequency,
    /// One of so many buckets.
    Hash(u32),
    /// The mean of a target.
    Target(target::Target),
    /// Sine and cosine of parts of a date or time.
    Cyclic(OneOrMany<cyclic::Part>),
    /// Sine and cosine of a number with this period.
    Period(f64),
}

impl Method {
    fn name(&self) -> &'static str {
        match self {
            Self::OneHot(_) => "one_hot",
            Self::Ordinal => "ordinal",
            Self::Order(_) => "order",
            Self::Frequency => "frequency",
            Self::Hash(_) => "hash",
            Self::Target(_) => "target",
            Self::Cyclic(_) => "cyclic",
            Self::Period(_) => "period",
        }
    }
}

/// A column with what it becomes.
struct Encoded {
    field: Field,
    method: &'static str,
    /// The new columns.
    columns: Vec<NamedExpr>,
    /// A learned table in which the values are looked up.
    lookup: Option<Lookup>,
    /// Whether a row's value has no code, where that can happen.
    unknown: Option<Expr>,
}

impl Stage for Encode {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut findings = Findings::new();
        let mut encoded = Vec::new();
        for (name, method) in self.columns.iter() {
            let field = inputs::column(&table.schema, name, id).map_err(|finding| vec![finding]);
            match field.and_then(|field| self.encode(field, method, name, table, context)) {
                Ok(column) => encoded.push(column),
                Err(wrong) => findings.extend(wrong.into_iter().map(|finding| finding.or_at(&name.place))),
            }
        }
        if encoded.is_empty() && findings.is_empty() {
            findings.push(Diagnostic::definition("`columns` names no column"));
        }
        let columns = self.columns(table, &encoded, &mut findings);
        if !findings.is_empty() {
            return Err(findings);
        }
        let mut input = with_folds(table, &encoded);
        for lookup in encoded.iter().filter_map(|column| column.lookup.as_ref()) {
            input = Arc::new(lookup.join(input));
        }
        let unknown = encoded
            .iter()
            .filter_map(|column| Some(NamedExpr { name: column.field.name.clone(), expr: column.unknown.clone()? }));
        let tap = Tap {
            stage: context.id.to_owned(),
            point: "in".to_owned(),
            counters: unknown.collect(),
            samples: Vec::new(),
        };
        let tapped = Relation::Tap { input, tap: tap.into() };
        let relation = Relation::Project { input: tapped.into(), columns };
        Ok(Planned::relation(table.derive(relation)).work(EncodeWork { encoded }).meaning(self))
    }
}

impl Encode {
    fn encode(
        &self,
        field: &Field,
        method: &Method,
        name: &Spanned<String>,
        table: &TableShape,
        context: &PlanContext<'_>,
    ) -> Result<Encoded, Findings> {
        let refuse = |message: String| vec![Diagnostic::definition(message).at(&name.place)];
        if !matches!(method, Method::Cyclic(_) | Method::Period(_)) && !inputs::is_key(&field.data_type) {
            return Err(refuse(format!("column `{}` holds {}, which has no categories", field.name, field.data_type)));
        }
        let new = if self.keep { format!("{}_{}", field.name, method.name()) } else { field.name.clone() };
        let mut encoded =
            Encoded { field: field.clone(), method: method.name(), columns: Vec::new(), lookup: None, unknown: None };
        let value = Expr::column(&field.name, field.data_type.clone());
        match method {
            Method::OneHot(values) => {
                encoded.columns = one_hot::columns(field, values, name, table, context)?;
                encoded.unknown = Some(one_hot::unlisted(field, values));
            }
            Method::Order(values) => {
                let (code, unknown) = one_hot::order(field, values, name)?;
                encoded.columns = vec![NamedExpr { name: new, expr: code }];
                encoded.unknown = Some(unknown);
            }
            Method::Hash(buckets) => {
                if *buckets < 2 {
                    return Err(refuse("`hash` needs at least two buckets".to_owned()));
                }
                if !is_hashable(&field.data_type) {
                    let message =
                        format!("column `{}` holds {}, which has no stable hash", field.name, field.data_type);
                    return Err(refuse(message));
                }
                encoded.columns = vec![NamedExpr { name: new, expr: bucket(value, *buckets) }];
            }
            Method::Ordinal | Method::Frequency => {
                let lookup = if matches!(method, Method::Ordinal) {
                    Lookup::ordinal(field, context)
                } else {
                    Lookup::frequency(field, context)
                };
                encoded.columns = vec![NamedExpr { name: new, expr: lookup.code() }];
                encoded.unknown = Some(lookup.code().is_null().and(value.is_null().not()));
                encoded.lookup = Some(lookup);
            }
            Method::Target(options) => {
                let lookup = options.lookup(field, table, context)?;
                let prior = Expr::fitted(options.prior(field, context), DataType::Float64);
                let code = Expr::call(Function::Coalesce, vec![lookup.code(), prior], DataType::Float64);
                encoded.columns = vec![NamedExpr { name: new, expr: code }];
                encoded.unknown = Some(lookup.code().is_null().and(value.is_null().not()));
                encoded.lookup = Some(lookup);
            }
            Method::Cyclic(parts) => encoded.columns = cyclic::parts(field, parts.as_slice(), name)?,
            Method::Period(period) => encoded.columns = cyclic::period(field, *period, name)?,
        }
        Ok(encoded)
    }

    /// All columns of the result; the new ones stand where the old one stood.
    fn columns(&self, table: &TableShape, encoded: &[Encoded], findings: &mut Findings) -> Vec<NamedExpr> {
        let mut columns: Vec<NamedExpr> = Vec::new();
        for column in inputs::all_columns(&table.schema) {
            let found = encoded.iter().find(|encoded| encoded.field.name == column.name);
            if found.is_none() || self.keep {
                columns.push(column);
            }
            columns.extend(found.into_iter().flat_map(|found| found.columns.iter().cloned()));
        }
        let mut seen = std::collections::HashSet::new();
        for column in columns.iter().filter(|column| !seen.insert(column.name.as_str())) {
            findings.push(Diagnostic::definition(format!("there would be two columns `{}`", column.name)));
        }
        columns
    }
}

/// A bucket from 0, by the value alone; null stays null.
fn bucket(value: Expr, buckets: u32) -> Expr {
    let place = uniform(vec![value.clone()], "encode");
    let scaled = Expr::binary(BinaryOperator::Multiply, place, Expr::float(f64::from(buckets)), DataType::Float64);
    let bucket = Expr::call(Function::Floor, vec![scaled], DataType::Float64).cast(DataType::Int64, true);
    let branches = vec![(value.is_null().not(), bucket)];
    Expr::new(ExprKind::Case { branches, otherwise: None }, DataType::Int64)
}

/// The rows of the table, with the fold of each row beside it where a target is encoded.
fn with_folds(table: &TableShape, encoded: &[Encoded]) -> Arc<Relation> {
    let folds: Vec<&target::Folds> =
        encoded.iter().filter_map(|column| column.lookup.as_ref()?.folds.as_ref()).collect();
    if folds.is_empty() {
        return table.relation.clone();
    }
    let all = inputs::all_columns(&table.schema);
    let project = |input: Arc<Relation>, fold: &dyn Fn(&target::Folds) -> Expr| {
        let new = folds.iter().map(|folds| NamedExpr { name: folds.column.clone(), expr: fold(folds) });
        Arc::new(Relation::Project { input, columns: all.iter().cloned().chain(new).collect() })
    };
    let rows = project(target::numbered(&table.relation), &|folds| folds.of_row(table.split.as_ref()));
    // A new row is in no fold: nothing was learned from it.
    let replay = project(table.relation.clone(), &|_| Expr::integer(target::NO_FOLD));
    Arc::new(Relation::Learning { rows, replay })
}

struct EncodeWork {
    encoded: Vec<Encoded>,
}

impl EncodeWork {
    fn lookups(&self) -> impl Iterator<Item = (&Encoded, &Lookup)> {
        self.encoded.iter().filter_map(|column| Some((column, column.lookup.as_ref()?)))
    }
}

impl Work for EncodeWork {
    fn passes(&self, _: usize) -> usize {
        self.lookups().map(|(_, lookup)| lookup.passes()).sum()
    }

    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let Some(Product::Table(table)) = products.first() else { return Ok(Outcome::default()) };
        let mut outcome = Outcome::default();
        for (position, (column, lookup)) in self.lookups().enumerate() {
            lookup.learn(&format!("codes-{position}.parquet"), &column.field, table, context, &mut outcome)?;
        }
        Ok(outcome)
    }

    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let rows = self.encoded.iter().map(|column| {
            let names: Vec<&str> = column.columns.iter().map(|new| new.name.as_str()).collect();
            let shown = match names.as_slice() {
                [first, .., last] if names.len() > 4 => format!("{first} .. {last} ({})", names.len()),
                names => names.join(", "),
            };
            let unknown = column.unknown.as_ref().map(|_| counts.counter("in", &column.field.name));
            vec![
                Cell::text(column.field.name.clone()),
                Cell::text(column.method),
                Cell::text(shown),
                unknown.map_or(Cell::Empty, Cell::count),
            ]
        });
        let columns = vec![
            Column::new("column"),
            Column::new("method"),
            Column::new("becomes"),
            Column::formatted("rows with another value", Format::Integer),
        ];
        vec![Exhibit::table("Encoded columns", columns, rows.collect())]
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        let unknown = self.encoded.iter().filter(|column| column.unknown.is_some());
        unknown
            .filter_map(|column| match counts.counter("in", &column.field.name) {
                0 => None,
                rows => {
                    Some(format!("{} with a value of `{}` that has no code", digits::rows(rows), column.field.name))
                }
            })
            .collect()
    }
}
