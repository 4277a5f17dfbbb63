//! Codes that are learned: a table of values with their codes, in which rows look theirs up.

use std::sync::Arc;

use super::target::{self, Folds};
use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::engine::{Compression, Target, TargetFormat};
use crate::exhibit::{Cell, Column, Exhibit, Table};
use crate::expression::{BinaryOperator, DataType, Expr, Field, Function, Literal, Schema, SortKey};
use crate::relation::{self, Bindings, JoinKind, NamedExpr, Relation, Scan, ScanSource};
use crate::stages::work::{Outcome, WorkContext};
use crate::stages::{PlanContext, TableProduct, fit};

/// The column of the values in a learned table.
pub(super) const VALUE: &str = "value";
/// The column of the codes in a learned table.
pub(super) const CODE: &str = "code";
/// The column of the fold for which a code holds.
pub(super) const FOLD: &str = "fold";
/// Codes that the report shows of a column.
const SHOWN: u64 = 15;

/// A learned table of codes.
pub(super) struct Lookup {
    /// The key under which the table is bound.
    key: String,
    /// The column that it encodes.
    column: String,
    schema: Schema,
    kind: Kind,
    /// For a target: which fold a row is in.
    pub(super) folds: Option<Folds>,
}

enum Kind {
    Ordinal,
    Frequency,
    Target(target::Learning),
}

impl Lookup {
    pub(super) fn ordinal(field: &Field, context: &PlanContext<'_>) -> Self {
        Self::new(field, DataType::Int64, Kind::Ordinal, context)
    }

    pub(super) fn frequency(field: &Field, context: &PlanContext<'_>) -> Self {
        Self::new(field, DataType::Float64, Kind::Frequency, context)
    }

    pub(super) fn target(field: &Field, learning: target::Learning, folds: Folds, context: &PlanContext<'_>) -> Self {
        let mut lookup = Self::new(field, DataType::Float64, Kind::Target(learning), context);
        let fields = lookup.schema.fields().iter().cloned().chain([Field::new(FOLD, DataType::Int64)]);
        lookup.schema = Schema::new(fields.collect()).unwrap_or_default();
        lookup.folds = Some(folds);
        lookup
    }

    fn new(field: &Field, code: DataType, kind: Kind, context: &PlanContext<'_>) -> Self {
        let fields = vec![Field::new(VALUE, field.data_type.clone()), Field::new(CODE, code)];
        Self {
            key: context.key(&format!("codes.{}", field.name)),
            column: field.name.clone(),
            schema: Schema::new(fields).unwrap_or_default(),
            kind,
            folds: None,
        }
    }

    fn joined(&self) -> String {
        format!("__code_{}", self.column)
    }

    /// The code of a row, once the table is joined; null where it has none.
    pub(super) fn code(&self) -> Expr {
        let data_type = self.schema.data_type(CODE).cloned().unwrap_or(DataType::Float64);
        Expr::column(self.joined(), data_type)
    }

    /// The rows with their codes beside them.
    pub(super) fn join(&self, input: Arc<Relation>) -> Relation {
        let right =
            Relation::Scan(Scan { source: ScanSource::Artifact(self.key.clone()), schema: self.schema.clone() });
        let mut on = vec![(self.column.clone(), VALUE.to_owned())];
        on.extend(self.folds.as_ref().map(|folds| (folds.column.clone(), FOLD.to_owned())));
        Relation::Join(Box::new(relation::Join {
            left: input,
            right: right.into(),
            kind: JoinKind::Left,
            on,
            take: vec![(CODE.to_owned(), self.joined())],
            asof: None,
        }))
    }

    /// How often the rows are read to learn it.
    pub(super) fn passes(&self) -> usize {
        match self.kind {
            Kind::Ordinal | Kind::Frequency => 1,
            Kind::Target(_) => 2,
        }
    }

    /// Learns the table and binds it, with the first codes as an exhibit.
    pub(super) fn learn(
        &self,
        file: &str,
        field: &Field,
        table: &TableProduct,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Diagnostic> {
        let codes = match &self.kind {
            Kind::Ordinal => ordinal(&table.training(), field),
            Kind::Frequency => frequency(&table.training(), field),
            Kind::Target(learning) => {
                let prior = fit::constants(&table.training(), vec![learning.prior()], context)?;
                let mean = fit::number(prior.get(&learning.prior().name)).unwrap_or(0.0);
                outcome.bindings.literals.insert(learning.prior().name, Literal::Float(mean));
                match &self.folds {
                    Some(folds) => learning.codes(table, field, folds).map_err(internal)?,
                    None => return Ok(()),
                }
            }
        };
        let path = context.artifacts.join(file);
        let target = Target {
            path: path.clone(),
            format: TargetFormat::Parquet { compression: Compression::Zstd, row_group_size: None },
            partition_by: Vec::new(),
        };
        let written = context.write(&codes, &target)?;
        outcome.bindings.artifacts.insert(self.key.clone(), file.into());
        outcome.exhibits.push(self.exhibit(&path, written.rows, context)?);
        Ok(())
    }

    fn exhibit(&self, path: &std::path::Path, rows: u64, context: &WorkContext<'_>) -> Result<Exhibit, Diagnostic> {
        let scan = Relation::Scan(Scan { source: ScanSource::Artifact(self.key.clone()), schema: self.schema.clone() });
        let mut bindings = Bindings::default();
        bindings.artifacts.insert(self.key.clone(), path.to_owned());
        let scan = scan.bind(&bindings).map_err(internal)?;
        let mut codes = Relation::clone(&scan);
        let mut values = rows;
        if self.folds.is_some() {
            // The codes of new rows; those of the folds are many and say the same.
            let is_new = Expr::binary(
                BinaryOperator::Equal,
                Expr::column(FOLD, DataType::Int64),
                Expr::integer(target::NO_FOLD),
                DataType::Boolean,
            );
            codes = Relation::Filter { input: codes.into(), predicate: is_new };
            values = context.count(&codes)?;
        }
        let first = Relation::Limit { input: codes.into(), offset: 0, rows: SHOWN };
        let mut cells = Vec::new();
        for batch in context.collect(&first)? {
            let columns = (batch::column(&batch, VALUE), batch::column(&batch, CODE));
            if let (Some(value), Some(code)) = columns {
                for row in 0..batch.num_rows() {
                    let code = batch::literal(code, row);
                    cells.push(vec![
                        Cell::text(batch::literal_text(&batch::literal(value, row))),
                        Cell::number(fit::number(Some(&code))),
                    ]);
                }
            }
        }
        let note = (values > SHOWN).then(|| format!("The first of {values} values."));
        let columns = vec![Column::new(self.column.clone()), Column::new("code")];
        Ok(Exhibit::Table(Table { title: format!("Codes of {}", self.column), columns, rows: cells, note }))
    }
}

fn internal(message: String) -> Diagnostic {
    Diagnostic::error(crate::diagnostic::Class::Stage, message)
}

/// The values of a column with their counts `n`, without null, in order.
fn counted(rows: &Arc<Relation>, field: &Field) -> Relation {
    let value = Expr::column(&field.name, field.data_type.clone());
    let known = Relation::Filter { input: rows.clone(), predicate: value.clone().is_null().not() };
    let keys = vec![NamedExpr { name: VALUE.to_owned(), expr: value }];
    let count = Expr::aggregate(Function::CountAll, Vec::new(), DataType::Int64);
    let aggregates = vec![NamedExpr { name: "n".to_owned(), expr: count }];
    let groups = Relation::Aggregate { input: known.into(), keys, aggregates };
    Relation::Sort { input: groups.into(), keys: vec![ascending(Expr::column(VALUE, field.data_type.clone()))] }
}

pub(super) fn ascending(expr: Expr) -> SortKey {
    SortKey { expr, descending: false, nulls_first: false }
}

fn ordinal(rows: &Arc<Relation>, field: &Field) -> Relation {
    let numbered = Relation::RowIndex { input: counted(rows, field).into(), name: CODE.to_owned() };
    let columns = vec![
        NamedExpr { name: VALUE.to_owned(), expr: Expr::column(VALUE, field.data_type.clone()) },
        NamedExpr { name: CODE.to_owned(), expr: Expr::column(CODE, DataType::Int64) },
    ];
    Relation::Project { input: numbered.into(), columns }
}

/// The share of the rows that hold a value at all.
fn frequency(rows: &Arc<Relation>, field: &Field) -> Relation {
    let n = Expr::column("n", DataType::Int64);
    let all = Expr::new(
        crate::expression::ExprKind::Aggregate(Box::new(crate::expression::Aggregate {
            function: Function::Sum,
            arguments: vec![n.clone()],
            distinct: false,
            filter: None,
            order_by: Vec::new(),
            over: Some(crate::expression::Window::default()),
        })),
        DataType::Int64,
    );
    let float = |expr: Expr| expr.cast(DataType::Float64, true);
    let share = Expr::binary(BinaryOperator::Divide, float(n), float(all), DataType::Float64);
    let columns = vec![
        NamedExpr { name: VALUE.to_owned(), expr: Expr::column(VALUE, field.data_type.clone()) },
        NamedExpr { name: CODE.to_owned(), expr: share },
    ];
    Relation::Project { input: counted(rows, field).into(), columns }
}
