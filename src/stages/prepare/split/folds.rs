//! Folds for cross-validation, plain and nested.

use super::{INDEX, INNER, Method, Split, by_time, hashable, is_hashable, place, uniform};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Field, Function, Literal};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::StageCounts;

const FOLD: &str = "fold";
const INNER_FOLD: &str = "inner_fold";

/// A division into folds, of which one is held out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folds {
    count: u32,
    held_out: u32,
    /// The number of inner folds, and which of them is the part `valid`.
    inner: Option<(u32, u32)>,
    in_time: bool,
}

/// The folds that were asked for; none when the rows are divided by shares.
///
/// Errors: numbers out of range, and options that do not go together.
pub(super) fn read(split: &Split) -> Result<Option<Folds>, Findings> {
    let mut findings = Findings::new();
    let mut refuse = |message: String, written: &Spanned<u32>| {
        findings.push(Diagnostic::definition(message).at(&written.place));
    };
    let Some(folds) = &split.folds else {
        let alone = [("fold", &split.fold), ("inner_folds", &split.inner_folds), ("inner_fold", &split.inner_fold)];
        for (name, written) in alone {
            if let Some(written) = written {
                refuse(format!("`{name}` needs the number of `folds`"), written);
            }
        }
        return if findings.is_empty() { Ok(None) } else { Err(findings) };
    };
    let in_time = split.by == Method::Time;
    let count = |written: &Spanned<u32>, name: &str, refuse: &mut dyn FnMut(String, &Spanned<u32>)| {
        if !(2..=100).contains(&written.value) {
            refuse(format!("`{name}` must lie from 2 to 100, not {}", written.value), written);
        }
    };
    count(folds, "folds", &mut refuse);
    let held_out = match &split.fold {
        Some(fold) if in_time && fold.value == 1 => {
            refuse("there is nothing to learn from before the first fold in time".to_owned(), fold);
            1
        }
        Some(fold) if !(1..=folds.value).contains(&fold.value) => {
            refuse(format!("there is no fold {}: they are numbered from 1 to {}", fold.value, folds.value), fold);
            1
        }
        Some(fold) => fold.value,
        None if in_time => folds.value,
        None => 1,
    };
    let inner = match (&split.inner_folds, &split.inner_fold) {
        (Some(inner), chosen) => {
            count(inner, "inner_folds", &mut refuse);
            if in_time {
                refuse("folds in time cannot be nested".to_owned(), inner);
            }
            match chosen {
                Some(chosen) if !(1..=inner.value).contains(&chosen.value) => {
                    let message =
                        format!("there is no inner fold {}: they are numbered from 1 to {}", chosen.value, inner.value);
                    refuse(message, chosen);
                }
                _ => {}
            }
            Some((inner.value, chosen.as_ref().map_or(1, |chosen| chosen.value)))
        }
        (None, Some(chosen)) => {
            refuse("`inner_fold` needs the number of `inner_folds`".to_owned(), chosen);
            None
        }
        (None, None) => None,
    };
    if let Some(parts) = &split.parts {
        let message = "`parts` and `folds` exclude each other: the parts of folds are `train`, `valid` and `test`";
        findings.push(Diagnostic::definition(message).at(&parts.place));
    }
    if findings.is_empty() { Ok(Some(Folds { count: folds.value, held_out, inner, in_time })) } else { Err(findings) }
}

impl Folds {
    /// The new columns beside that of the parts.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(FOLD).chain(self.inner.map(|_| INNER_FOLD))
    }

    /// The parts with the shares that even folds give.
    pub(super) fn shares(&self) -> Vec<(String, f64)> {
        let (count, held_out) = (f64::from(self.count), f64::from(self.held_out));
        let test = 1.0 / count;
        let rest = if self.in_time { (held_out - 1.0) / count } else { 1.0 - test };
        let part = |name: &str, share: f64| (name.to_owned(), share);
        match self.inner {
            Some((inner, _)) => {
                let valid = rest / f64::from(inner);
                vec![part("train", rest - valid), part("valid", valid), part("test", test)]
            }
            None => vec![part("train", rest), part("test", test)],
        }
    }

    /// The rows with their folds and their part.
    pub(super) fn relation(
        &self,
        split: &Split,
        on: &[Field],
        indexed: Relation,
        mut columns: Vec<NamedExpr>,
    ) -> Result<Relation, Findings> {
        let mut numbered = columns.clone();
        let salt = format!("split {}", split.seed);
        let fold = number(split, on, &salt, self.count)?;
        numbered.push(NamedExpr { name: FOLD.to_owned(), expr: fold });
        if let Some((inner, _)) = self.inner {
            let fold = number(split, on, &format!("{INNER}{salt}"), inner)?;
            numbered.push(NamedExpr { name: INNER_FOLD.to_owned(), expr: fold });
        }
        let numbered = Relation::Project { input: indexed.into(), columns: numbered };
        columns.push(NamedExpr { name: split.column.clone(), expr: self.part() });
        columns.extend(self.columns().map(|name| NamedExpr { name: name.to_owned(), expr: column(name) }));
        Ok(Relation::Project { input: numbered.into(), columns })
    }

    fn part(&self) -> Expr {
        let held_out = || Expr::integer(i64::from(self.held_out));
        let compare = |operator| Expr::binary(operator, column(FOLD), held_out(), DataType::Boolean);
        let mut branches = vec![(compare(BinaryOperator::Equal), Expr::string("test"))];
        if self.in_time {
            branches.push((compare(BinaryOperator::Greater), Expr::literal(Literal::Null, DataType::String)));
        }
        if let Some((_, chosen)) = self.inner {
            let chosen = Expr::integer(i64::from(chosen));
            let is_valid = Expr::binary(BinaryOperator::Equal, column(INNER_FOLD), chosen, DataType::Boolean);
            branches.push((is_valid, Expr::string("valid")));
        }
        let kind = ExprKind::Case { branches, otherwise: Some(Box::new(Expr::string("train"))) };
        Expr::new(kind, DataType::String)
    }

    /// Counts the rows of each fold.
    pub(super) fn counters(&self) -> Vec<NamedExpr> {
        let is = |name: &str, number: u32| NamedExpr {
            name: format!("{name} {number}"),
            expr: Expr::binary(
                BinaryOperator::Equal,
                column(name),
                Expr::integer(i64::from(number)),
                DataType::Boolean,
            ),
        };
        let inner = self.inner.map_or(0, |(count, _)| count);
        (1..=self.count).map(|fold| is(FOLD, fold)).chain((1..=inner).map(|fold| is(INNER_FOLD, fold))).collect()
    }

    pub(super) fn exhibit(&self, counts: &StageCounts) -> Exhibit {
        #[expect(clippy::cast_precision_loss, reason = "a share that is shown with one decimal")]
        let row = |name: &str, number: u32, part: &str| {
            let rows = counts.counter("parts", &format!("{name} {number}"));
            let share = rows as f64 / counts.out.max(1) as f64;
            let name = format!("{} {number}", name.replace('_', " "));
            vec![Cell::text(name), Cell::count(rows), Cell::number(share), Cell::text(part)]
        };
        let part = |fold: u32| match fold.cmp(&self.held_out) {
            std::cmp::Ordering::Equal => "test",
            std::cmp::Ordering::Greater if self.in_time => "none: later than the test",
            _ if self.inner.is_some() => "train and valid",
            _ => "train",
        };
        let mut rows: Vec<Vec<Cell>> = (1..=self.count).map(|fold| row(FOLD, fold, part(fold))).collect();
        if let Some((inner, chosen)) = self.inner {
            let part = |fold| if fold == chosen { "valid, outside of the test" } else { "train, outside of the test" };
            rows.extend((1..=inner).map(|fold| row(INNER_FOLD, fold, part(fold))));
        }
        let columns = vec![
            Column::new("fold"),
            Column::formatted("rows", Format::Integer),
            Column::formatted("share", Format::Percent),
            Column::new("part"),
        ];
        let names = self.shares();
        let parts: Vec<String> =
            names.iter().map(|(name, _)| format!("{name} {}", counts.counter("parts", name))).collect();
        let note = Some(format!("Rows by part: {}.", parts.join(", ")));
        Exhibit::Table(Table { title: "Folds".to_owned(), columns, rows, note })
    }
}

fn column(name: &str) -> Expr {
    Expr::column(name, DataType::Int64)
}

/// The fold of each row, from 1.
pub(super) fn number(split: &Split, on: &[Field], salt: &str, count: u32) -> Result<Expr, Findings> {
    let index = || column(INDEX);
    let folds = || Expr::integer(i64::from(count));
    let integer = |operator, left, right| Expr::binary(operator, left, right, DataType::Int64);
    // From a number that is 0 to below 1.
    let at = |position: Expr| {
        let scaled = Expr::binary(BinaryOperator::Multiply, position, Expr::float(f64::from(count)), DataType::Float64);
        let floor = Expr::call(Function::Floor, vec![scaled], DataType::Float64).cast(DataType::Int64, true);
        // A hash of all ones would round up to 1.
        Expr::call(Function::Least, vec![floor, Expr::integer(i64::from(count) - 1)], DataType::Int64)
    };
    let turned = |place: Expr, turn: Expr| {
        integer(BinaryOperator::Remainder, integer(BinaryOperator::Add, place, at(turn)), folds())
    };
    let zero_based = match split.by {
        Method::Hash | Method::Group => at(split.by_values(on, salt)?),
        Method::Time => at(by_time(on)?),
        Method::Random => {
            // Of each run of as many rows as there are folds one row goes to each, from a fold on that chance names: the folds are
            // even to the row, and no row has to know how many there are.
            let run = Expr::call(Function::IntegerDivide, vec![index(), folds()], DataType::Int64);
            turned(index(), uniform(vec![run], salt))
        }
        Method::Stratified => {
            let strata: Vec<Expr> = on.iter().map(|field| Expr::column(&field.name, field.data_type.clone())).collect();
            let place = place(&strata, uniform(vec![index()], salt), Function::RowNumber);
            // Small strata must not all begin with the first fold.
            let turn = match on.iter().all(|field| is_hashable(&field.data_type)) {
                true => uniform(hashable(strata), salt),
                false => Expr::float(0.0),
            };
            turned(place, turn)
        }
    };
    Ok(integer(BinaryOperator::Add, zero_based, Expr::integer(1)))
}
