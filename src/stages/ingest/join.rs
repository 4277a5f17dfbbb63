//! `join`: puts the rows of another table beside the rows of this one.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Spanned;
use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::exhibit::{Exhibit, Format, Metric};
use crate::expression::{BinaryOperator, DataType, Expr, Function, supertype};
use crate::relation::{self, AsofDirection, JoinKind, NamedExpr, Relation, Tap};
use crate::stages::renames::Renames;
use crate::stages::work::{Change, Outcome, StageCounts, Work, WorkContext, signed};
use crate::stages::{PlanContext, Planned, Product, Shape, Stage, TableShape, inputs};

/// Columns that mark rows of either side; they never leave the stage.
const LEFT: &str = "__left";
const RIGHT: &str = "__right";

/// Puts the rows of another table beside the rows of this one.
///
/// `how: left` (the default) keeps every row of this table and looks the other's columns up. Null keys match nothing. The
/// ledger tells rows without a match and rows that matched more than once; `validate: many_to_one` makes the latter an error
/// before anything is joined. Without `take`, all columns of the other table but its keys are taken; a name that exists on
/// both sides is refused: give it another one with `take: {year: plane_year}`.
///
/// `how: asof` takes the nearest row in an order, such as the last weather report before each departure; rows also have to
/// agree in the columns of `on`, if there are any.
///
/// ```yaml
/// - join: {with: planes, on: tailnum, take: {year: plane_year, seats: seats}, validate: many_to_one}
/// - join: {with: weather, on: origin, how: asof, asof: {left: departure, right: time_hour}, take: [temp, visib]}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The stage with the other table.
    with: Spanned<String>,
    /// The key columns: a name, a list of names, or `{this: other}` where they differ.
    #[serde(default)]
    on: Renames,
    /// Which rows are kept.
    #[serde(default = "left")]
    how: JoinKind,
    /// Columns to take from the other table: names, or `{name: new_name}`; all but its keys when absent.
    #[serde(default)]
    take: Option<Renames>,
    /// What must hold of the keys, before anything is joined.
    #[serde(default)]
    validate: Option<Multiplicity>,
    /// The order of an asof join.
    #[serde(default)]
    asof: Option<AsofOrder>,
}

/// The order in which an asof join looks for the nearest row.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AsofOrder {
    /// The column compared in this table.
    left: Spanned<String>,
    /// The column compared in the other table; the same name when absent.
    #[serde(default)]
    right: Option<Spanned<String>>,
    /// On which side of this table's value the other's may lie; equal values always match.
    #[serde(default = "backward")]
    direction: AsofDirection,
}

/// How many rows with the same key there may be: of this table, of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Multiplicity {
    /// Keys are unique in both.
    OneToOne,
    /// Keys are unique in the other table.
    ManyToOne,
    /// Keys are unique in this table.
    OneToMany,
    /// Keys may repeat in both; the same as no `validate`.
    ManyToMany,
}

fn left() -> JoinKind {
    JoinKind::Left
}

fn backward() -> AsofDirection {
    AsofDirection::Backward
}

impl Stage for Join {
    fn named_inputs(&self) -> Vec<Spanned<String>> {
        vec![self.with.clone()]
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let this = inputs::table(shapes, 0, context.input_ids)?;
        let other = inputs::table(shapes, 1, context.input_ids)?;
        self.check_combination()?;
        let on = self.keys(this, other, context)?;
        let asof = self.asof_order(this, other, context)?;
        let take = self.taken(this, other, &on, context)?;
        for table in [this, other] {
            for name in [LEFT, RIGHT] {
                inputs::new_name(&table.schema, name, context.place).map_err(|finding| vec![finding])?;
            }
        }
        let work = JoinWork {
            how: self.how,
            other: self.with.value.clone(),
            keys: on.clone(),
            unique_left: matches!(self.validate, Some(Multiplicity::OneToOne | Multiplicity::OneToMany)),
            unique_right: matches!(self.validate, Some(Multiplicity::OneToOne | Multiplicity::ManyToOne)),
        };
        let relation = self.relation(this, other, on, take, asof, context.id);
        Ok(Planned::relation(this.derive(relation)).work(work).meaning(self.validate))
    }
}

impl Join {
    fn check_combination(&self) -> Result<(), Findings> {
        let place = &self.with.place;
        let refuse = |message: &str| Err(vec![Diagnostic::definition(message).at(place)]);
        match (self.how, self.on.0.is_empty(), self.asof.is_some()) {
            (JoinKind::Cross, false, _) => {
                refuse("a cross join pairs every row with every row; `on` has no place there")
            }
            (JoinKind::Asof, _, false) => refuse("an asof join needs `asof: {left: .., right: ..}`"),
            (JoinKind::Asof | JoinKind::Cross, ..) if self.validate.is_some() => {
                refuse("`validate` has no meaning for this kind of join")
            }
            (JoinKind::Semi | JoinKind::Anti, ..) if self.take.is_some() => {
                refuse("semi and anti joins only choose rows; `take` has no place there")
            }
            (JoinKind::Asof, ..) => Ok(()),
            (_, _, true) => refuse("`asof` belongs to `how: asof`"),
            (JoinKind::Cross, ..) => Ok(()),
            (_, true, _) => refuse("`on` must name the key columns"),
            _ => Ok(()),
        }
    }

    fn keys(
        &self,
        this: &TableShape,
        other: &TableShape,
        context: &PlanContext<'_>,
    ) -> Result<Vec<(String, String)>, Findings> {
        let mut findings = Findings::new();
        let mut keys = Vec::new();
        for (ours, theirs) in &self.on.0 {
            match (self.side(this, ours, 0, context), self.side(other, theirs, 1, context)) {
                (Ok(left), Ok(right)) => match comparable(&left, &right) {
                    true => keys.push((ours.value.clone(), theirs.value.clone())),
                    false => findings.push(
                        Diagnostic::definition(format!(
                            "keys differ in type: `{ours}` holds {left}, `{theirs}` holds {right}"
                        ))
                        .at(&theirs.place)
                        .help("cast one of them with `derive` first"),
                    ),
                },
                (left, right) => findings.extend([left.err(), right.err()].into_iter().flatten()),
            }
        }
        if findings.is_empty() { Ok(keys) } else { Err(findings) }
    }

    fn side(
        &self,
        table: &TableShape,
        name: &Spanned<String>,
        input: usize,
        context: &PlanContext<'_>,
    ) -> Result<DataType, Diagnostic> {
        let id = context.input_ids.get(input).map_or("", String::as_str);
        let field = inputs::column(&table.schema, name, id)?;
        if inputs::is_key(&field.data_type) {
            return Ok(field.data_type.clone());
        }
        let message = format!("column `{}` holds {}, which cannot be a key", field.name, field.data_type);
        Err(Diagnostic::definition(message).at(&name.place))
    }

    fn asof_order(
        &self,
        this: &TableShape,
        other: &TableShape,
        context: &PlanContext<'_>,
    ) -> Result<Option<relation::Asof>, Findings> {
        let Some(order) = &self.asof else { return Ok(None) };
        let right = order.right.as_ref().unwrap_or(&order.left);
        let types = (self.side(this, &order.left, 0, context), self.side(other, right, 1, context));
        match types {
            (Ok(ours), Ok(theirs)) if ours == theirs && (ours.is_temporal() || ours.is_numeric()) => {
                Ok(Some(relation::Asof {
                    left: order.left.value.clone(),
                    right: right.value.clone(),
                    direction: order.direction,
                }))
            }
            (Ok(ours), Ok(theirs)) => {
                let message = format!("an asof join compares numbers or times of one type, not {ours} with {theirs}");
                Err(vec![Diagnostic::definition(message).at(&right.place)])
            }
            (ours, theirs) => Err([ours.err(), theirs.err()].into_iter().flatten().collect()),
        }
    }

    /// Columns taken from the other table with their new names.
    fn taken(
        &self,
        this: &TableShape,
        other: &TableShape,
        on: &[(String, String)],
        context: &PlanContext<'_>,
    ) -> Result<Vec<(String, String)>, Findings> {
        if matches!(self.how, JoinKind::Semi | JoinKind::Anti) {
            return Ok(Vec::new());
        }
        let id = context.input_ids.get(1).map_or("", String::as_str);
        let mut findings = Findings::new();
        let mut taken: Vec<(String, String)> = Vec::new();
        let all = || {
            let keys: Vec<&String> = on.iter().map(|(_, theirs)| theirs).collect();
            let names = other.schema.names().filter(|name| !keys.iter().any(|key| key == name));
            Renames(
                names
                    .map(|name| {
                        let name = Spanned::new(name.to_owned(), self.with.place.clone());
                        (name.clone(), name)
                    })
                    .collect(),
            )
        };
        for (theirs, ours) in &self.take.clone().unwrap_or_else(all).0 {
            if let Err(finding) = inputs::column(&other.schema, theirs, id) {
                findings.push(finding);
            } else if this.schema.contains(&ours.value) || taken.iter().any(|(_, name)| *name == ours.value) {
                let help = format!(
                    "give the other table's column a new name: `take: {{{}: {}_{}}}`",
                    theirs.value, self.with.value, theirs.value
                );
                let message = format!("column `{}` exists on both sides", ours.value);
                findings.push(Diagnostic::definition(message).at(&ours.place).help(help));
            } else {
                taken.push((theirs.value.clone(), ours.value.clone()));
            }
        }
        if findings.is_empty() { Ok(taken) } else { Err(findings) }
    }

    fn relation(
        &self,
        this: &TableShape,
        other: &TableShape,
        on: Vec<(String, String)>,
        take: Vec<(String, String)>,
        asof: Option<relation::Asof>,
        id: &str,
    ) -> Relation {
        let join = |left: Arc<Relation>, right: Arc<Relation>, kind, take| {
            let (on, asof) = (on.clone(), asof.clone());
            Relation::Join(Box::new(relation::Join { left, right, kind, on, take, asof }))
        };
        let right = with_keys_like(other, this, &on);
        if matches!(self.how, JoinKind::Semi | JoinKind::Anti | JoinKind::Cross) {
            return join(this.relation.clone(), right, self.how, take);
        }
        // The marks tell which rows have no partner, so that the ledger can count them; inner and right joins are made from
        // the join that keeps the unmatched rows too, because rows that are never made cannot be counted.
        let kind = match self.how {
            JoinKind::Inner => JoinKind::Left,
            JoinKind::Right => JoinKind::Full,
            other => other,
        };
        let mut columns: Vec<NamedExpr> = inputs::all_columns(&this.schema);
        let left = marked(&this.relation, LEFT);
        let mut marked_take = take.clone();
        marked_take.push((RIGHT.to_owned(), RIGHT.to_owned()));
        let joined = join(left, marked(&right, RIGHT), kind, marked_take);
        let unmatched = |mark: &str| Expr::column(mark, DataType::Boolean).is_null();
        let counters = vec![
            NamedExpr { name: "only left".to_owned(), expr: unmatched(RIGHT) },
            NamedExpr { name: "only right".to_owned(), expr: unmatched(LEFT) },
        ];
        let tap = Tap { stage: id.to_owned(), point: "joined".to_owned(), counters, samples: Vec::new() };
        let mut relation = Relation::Tap { input: joined.into(), tap: tap.into() };
        if matches!(self.how, JoinKind::Inner | JoinKind::Right) {
            relation = Relation::Filter { input: relation.into(), predicate: unmatched(RIGHT).not() };
        }
        columns.extend(take.iter().filter_map(|(theirs, ours)| {
            let data_type = other.schema.data_type(theirs)?.clone();
            Some(NamedExpr { name: ours.clone(), expr: Expr::column(ours, data_type) })
        }));
        Relation::Project { input: relation.into(), columns }
    }
}

/// Whether the other side's key can be brought to this side's type without loss.
fn comparable(ours: &DataType, theirs: &DataType) -> bool {
    ours == theirs || supertype(ours, theirs).as_ref() == Some(ours)
}

/// The other table with its keys in the types of this one's.
fn with_keys_like(other: &TableShape, this: &TableShape, on: &[(String, String)]) -> Arc<Relation> {
    let mut columns = inputs::all_columns(&other.schema);
    let mut changed = false;
    for (ours, theirs) in on {
        let types = this.schema.data_type(ours).zip(other.schema.data_type(theirs));
        if let Some((wanted, found)) = types.filter(|(wanted, found)| wanted != found) {
            let expr = Expr::column(theirs, found.clone()).cast(wanted.clone(), true);
            inputs::set_column(&mut columns, theirs, expr);
            changed = true;
        }
    }
    if !changed {
        return other.relation.clone();
    }
    Arc::new(Relation::Project { input: other.relation.clone(), columns })
}

fn marked(input: &Arc<Relation>, mark: &str) -> Arc<Relation> {
    let mut columns = inputs::all_columns(&input.schema());
    columns.push(NamedExpr { name: mark.to_owned(), expr: Expr::boolean(true) });
    Arc::new(Relation::Project { input: input.clone(), columns })
}

struct JoinWork {
    how: JoinKind,
    other: String,
    keys: Vec<(String, String)>,
    unique_left: bool,
    unique_right: bool,
}

impl Work for JoinWork {
    fn run(&self, products: &[Product], context: &WorkContext<'_>) -> Result<Outcome, Diagnostic> {
        let sides = [(self.unique_left, 0), (self.unique_right, 1)];
        for (wanted, side) in sides {
            if let (true, Some(Product::Table(table))) = (wanted, products.get(side)) {
                let keys: Vec<&str> =
                    self.keys.iter().map(|(ours, theirs)| if side == 0 { ours.as_str() } else { theirs }).collect();
                let name = if side == 0 { "this table" } else { self.other.as_str() };
                refuse_repeated_keys(&table.relation, &keys, name, context)?;
            }
        }
        Ok(Outcome::default())
    }

    fn passes(&self, input: usize) -> usize {
        usize::from(if input == 0 { self.unique_left } else { self.unique_right })
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn changes(&self, counts: &StageCounts) -> Vec<Change> {
        let (only_left, only_right) = (counts.counter("joined", "only left"), counts.counter("joined", "only right"));
        let joined = counts.points.get("joined").map_or(counts.out, |point| point.rows);
        let no_match = Change::minus(format!("no match in {}", self.other), only_left);
        let added = Change::plus(format!("only in {}", self.other), only_right);
        let input = signed(counts.first_input());
        let repeated = Change::new("matched more than once", signed(joined) - signed(only_right) - input);
        match self.how {
            JoinKind::Left | JoinKind::Asof => vec![repeated],
            JoinKind::Inner => vec![no_match, repeated],
            JoinKind::Right => vec![no_match, repeated, added],
            JoinKind::Full => vec![repeated, added],
            JoinKind::Semi => vec![Change::new(format!("no match in {}", self.other), counts.difference())],
            JoinKind::Anti => vec![Change::new(format!("match in {}", self.other), counts.difference())],
            JoinKind::Cross => vec![Change::new("every row with every row", counts.difference())],
        }
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let Some(joined) = counts.points.get("joined") else { return Vec::new() };
        let only_left = counts.counter("joined", "only left");
        #[expect(clippy::cast_precision_loss, reason = "a share that is shown with one decimal")]
        let share = 1.0 - only_left as f64 / counts.first_input().max(1) as f64;
        #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
        let count = |rows: u64| rows as f64;
        vec![Exhibit::Metrics {
            title: format!("Match with {}", self.other),
            metrics: vec![
                Metric::new("rows with a match", share, Format::Percent),
                Metric::new("without a match", count(only_left), Format::Integer),
                Metric::new(
                    "pairs",
                    count(joined.rows - only_left - counts.counter("joined", "only right")),
                    Format::Integer,
                ),
            ],
        }]
    }
}

/// Refuses a table in which a key occurs more than once, naming one such key.
fn refuse_repeated_keys(
    table: &Arc<Relation>,
    keys: &[&str],
    name: &str,
    context: &WorkContext<'_>,
) -> Result<(), Diagnostic> {
    const ROWS: &str = "__rows";
    let schema = table.schema();
    let fields: Vec<NamedExpr> =
        inputs::all_columns(&schema).into_iter().filter(|column| keys.contains(&column.name.as_str())).collect();
    // Null keys match nothing, so they may repeat.
    let known = fields.iter().map(|field| field.expr.clone().is_null().not()).reduce(Expr::and);
    let mut relation = table.clone();
    if let Some(predicate) = known {
        relation = Relation::Filter { input: relation, predicate }.into();
    }
    let count = Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64);
    let aggregates = vec![NamedExpr { name: ROWS.to_owned(), expr: count }];
    let groups = Relation::Aggregate { input: relation, keys: fields, aggregates };
    let more =
        Expr::binary(BinaryOperator::Greater, Expr::column(ROWS, DataType::Int64), Expr::integer(1), DataType::Boolean);
    let repeated: Arc<Relation> = Relation::Filter { input: groups.into(), predicate: more }.into();
    let number = context.count(&repeated)?;
    if number == 0 {
        return Ok(());
    }
    let first = Relation::Limit { input: repeated, offset: 0, rows: 1 };
    let example = context.collect(&first)?;
    let values: Vec<String> = example
        .iter()
        .filter(|batch| batch.num_rows() > 0)
        .flat_map(|batch| {
            batch
                .columns()
                .iter()
                .zip(batch.schema().fields().clone().iter())
                .map(|(column, field)| {
                    let value = crate::batch::display(column, 0).unwrap_or_else(|| "null".to_owned());
                    format!("{} = {value}", if field.name() == ROWS { "rows" } else { field.name() })
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let message = format!("{number} keys occur more than once in {name}, for example {}", values.join(", "));
    Err(Diagnostic::error(Class::Data, message).help("dedupe that table first, or change `validate`"))
}
