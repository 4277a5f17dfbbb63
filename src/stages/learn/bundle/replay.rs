//! What was done to a row, as a relation that can be applied to other rows.

use std::sync::Arc;

use crate::diagnostic::nearest;
use crate::expression::{DataType, Expr, Field, Schema, compose};
use crate::relation::{Join, JoinKind, Keep, NamedExpr, Relation, Scan, ScanSource};

/// From a raw row to the features: each row of [`ScanSource::Input`] gives exactly one row.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::stages::learn) struct Replay {
    /// Projections and look-ups over [`ScanSource::Input`].
    pub(in crate::stages::learn) relation: Relation,
    /// The columns that a row must have.
    pub(in crate::stages::learn) inputs: Schema,
}

/// A replay over given rows: the rows' own columns, each under the prefix, and then the features.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::stages::learn) struct Applied {
    pub(in crate::stages::learn) relation: Relation,
    /// How many of the columns are the rows' own.
    pub(in crate::stages::learn) own: usize,
}

impl Replay {
    /// What `relation` does to one row of its leftmost table to give `columns`. A row is as the stage that reads it hands
    /// it on, with its types, not as it lies in a file.
    ///
    /// Errors: in words, what needs other rows.
    pub(in crate::stages::learn) fn of(relation: &Relation, columns: &[String]) -> Result<Self, String> {
        let mut inputs = Schema::default();
        let from_rows = from_rows(relation);
        let relation = from_rows.as_ref().unwrap_or(relation);
        let relation = on_input(&*relation.per_row(columns)?, &mut inputs)?;
        Ok(Self { relation, inputs })
    }

    /// What is wrong with rows of that schema: columns that are missing or hold something else, one sentence each.
    pub(in crate::stages::learn) fn refuses(&self, schema: &Schema) -> Vec<(String, Option<String>)> {
        let mut wrong = Vec::new();
        for needed in self.inputs.fields() {
            match schema.data_type(&needed.name) {
                Some(found) if is_convertible(found, &needed.data_type) => {}
                Some(found) => {
                    let message = format!(
                        "the model needs {} in column `{}`, which holds {found}",
                        needed.data_type, needed.name
                    );
                    let help = format!("read it as that type: `types: {{{}: {}}}`", needed.name, needed.data_type);
                    wrong.push((message, Some(help)));
                }
                None => {
                    let help = nearest(&needed.name, schema.names()).map(|near| format!("there is a column `{near}`"));
                    wrong.push((format!("the model needs a column `{}` ({})", needed.name, needed.data_type), help));
                }
            }
        }
        wrong
    }

    /// The columns that rows of that schema have, but of a type that is not that which they need, with the one that is.
    pub(in crate::stages::learn) fn misfits(&self, schema: &Schema) -> Vec<Field> {
        let misfit = |needed: &&Field| {
            schema.data_type(&needed.name).is_some_and(|found| !is_convertible(found, &needed.data_type))
        };
        self.inputs.fields().iter().filter(misfit).cloned().collect()
    }

    /// The replay over `rows`, which have the columns that it needs. Those of the rows' own columns that are `kept` travel beside it, in
    /// that order, so that each prediction stands beside its row whatever the engine does to their order.
    ///
    /// Errors: in words, when the relation is not one that [`Replay::of`] makes.
    pub(in crate::stages::learn) fn over(
        &self,
        rows: &Arc<Relation>,
        schema: &Schema,
        kept: &[String],
        features: &[String],
    ) -> Result<Applied, String> {
        let mut names: Vec<String> = Vec::new();
        self.relation.visit(&mut |relation| names.extend(relation.schema().names().map(str::to_owned)));
        let mut prefix = "__row_".to_owned();
        while names.iter().any(|name| name.starts_with(&prefix)) {
            prefix.insert(0, '_');
        }
        let own = kept.iter().map(|name| {
            let data_type = schema.data_type(name).ok_or_else(|| format!("a column `{name}` is missing"))?;
            Ok(NamedExpr { name: format!("{prefix}{name}"), expr: Expr::column(name, data_type.clone()) })
        });
        let own = own.collect::<Result<Vec<_>, String>>()?;
        let carried: Vec<NamedExpr> = own
            .iter()
            .map(|column| NamedExpr {
                name: column.name.clone(),
                expr: Expr::column(&column.name, column.expr.data_type.clone()),
            })
            .collect();
        let carrying = carry(&self.relation, rows, schema, &own, &carried)?;
        let found = carrying.schema();
        let features = features.iter().map(|name| {
            let data_type = found.data_type(name).ok_or_else(|| format!("it does not give the feature `{name}`"))?;
            Ok(NamedExpr { name: name.clone(), expr: Expr::column(name, data_type.clone()) })
        });
        let features = features.collect::<Result<Vec<_>, String>>()?;
        let columns = carried.iter().cloned().chain(features).collect();
        Ok(Applied { relation: Relation::Project { input: carrying.into(), columns }, own: own.len() })
    }
}

/// The relation with [`ScanSource::Input`] in the place of the first stage on the way from the leftmost scan; none when
/// no stage has marked its rows.
fn from_rows(relation: &Relation) -> Option<Relation> {
    let mut copy = relation.clone();
    match &mut copy {
        Relation::Tap { input, tap } => match from_rows(input) {
            Some(below) => *input = below.into(),
            None if tap.point == "out" => {
                return Some(Relation::Scan(Scan { source: ScanSource::Input, schema: input.schema() }));
            }
            None => return None,
        },
        Relation::Project { input, .. }
        | Relation::Filter { input, .. }
        | Relation::Aggregate { input, .. }
        | Relation::Deduplicate { input, .. }
        | Relation::Sort { input, .. }
        | Relation::Limit { input, .. }
        | Relation::RowIndex { input, .. }
        | Relation::Explode { input, .. }
        | Relation::Learning { replay: input, .. } => *input = from_rows(input)?.into(),
        Relation::Join(join) => join.left = from_rows(&join.left)?.into(),
        Relation::Scan(_) | Relation::Union { .. } => return None,
    }
    Some(copy)
}

/// The relation over [`ScanSource::Input`] in the place of the leftmost scan, whose columns go to `inputs`.
fn on_input(relation: &Relation, inputs: &mut Schema) -> Result<Relation, String> {
    match relation {
        Relation::Scan(scan) => {
            *inputs = scan.schema.clone();
            Ok(Relation::Scan(Scan { source: ScanSource::Input, schema: scan.schema.clone() }))
        }
        Relation::Project { input, columns } => {
            Ok(Relation::Project { input: on_input(input, inputs)?.into(), columns: columns.clone() })
        }
        Relation::Join(join) if join.kind != JoinKind::Asof && join.on.is_empty() => {
            Err("a cross join pairs each row with every row".to_owned())
        }
        Relation::Join(join) => {
            let left = Arc::new(on_input(&join.left, inputs)?);
            // A row must stay one row: of several matches the first counts.
            let right = if join.kind == JoinKind::Asof {
                join.right.clone()
            } else {
                let mut keys: Vec<String> = join.on.iter().map(|(_, theirs)| theirs.clone()).collect();
                keys.sort();
                keys.dedup();
                Relation::Deduplicate { input: join.right.clone(), keys, keep: Keep::First, order_by: Vec::new() }
                    .into()
            };
            Ok(Relation::Join(Box::new(Join { left, right, ..Join::clone(join) })))
        }
        _ => Err(UNKNOWN.to_owned()),
    }
}

const UNKNOWN: &str = "it does more to its rows than to compute columns and to look them up";

/// The relation over `rows` with the columns `carried` passed through every node.
fn carry(
    relation: &Relation,
    rows: &Arc<Relation>,
    schema: &Schema,
    own: &[NamedExpr],
    carried: &[NamedExpr],
) -> Result<Relation, String> {
    match relation {
        Relation::Scan(Scan { source: ScanSource::Input, schema: needed }) => {
            let needed = needed.fields().iter().map(|field| {
                let found =
                    schema.data_type(&field.name).ok_or_else(|| format!("a column `{}` is missing", field.name))?;
                let expr = Expr::column(&field.name, found.clone()).cast(field.data_type.clone(), true);
                Ok(NamedExpr { name: field.name.clone(), expr })
            });
            let columns = needed.chain(own.iter().cloned().map(Ok)).collect::<Result<_, String>>()?;
            Ok(Relation::Project { input: Arc::clone(rows), columns })
        }
        Relation::Project { input, columns } => {
            let input = carry(input, rows, schema, own, carried)?.into();
            let columns = columns.iter().chain(carried).cloned().collect();
            Ok(Relation::Project { input, columns })
        }
        Relation::Join(join) if matches!(join.kind, JoinKind::Left | JoinKind::Asof) => {
            let left = carry(&join.left, rows, schema, own, carried)?.into();
            Ok(Relation::Join(Box::new(Join { left, ..Join::clone(join) })))
        }
        _ => Err(UNKNOWN.to_owned()),
    }
}

/// Whether a column of one type can stand for one of the other: wider numbers for narrower ones, if each value fits.
fn is_convertible(found: &DataType, needed: &DataType) -> bool {
    found == needed
        || compose::widens(found, needed)
        || (found.is_integer() && needed.is_integer())
        || (found.is_float() && needed.is_float())
}
