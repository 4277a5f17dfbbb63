//! A column of text becomes several columns.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{call, counted};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format};
use crate::expression::{BinaryOperator, DataType, Expr, Function};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{StageCounts, Work};
use crate::stages::{PlanContext, Planned, TableShape, inputs};

const FEWER: &str = "fewer parts";
const MORE: &str = "more parts";
const UNMATCHED: &str = "no match";

/// A column of text becomes several columns. Parts that a row lacks are null.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The column.
    column: Spanned<String>,
    /// The text at which it is cut.
    #[serde(default)]
    separator: Option<Spanned<String>>,
    /// Instead of a separator, a regular expression whose groups are the parts.
    #[serde(default)]
    pattern: Option<Spanned<String>>,
    /// Names of the new columns, in the order of the parts.
    into: Vec<Spanned<String>>,
    /// What becomes of parts beyond the last name.
    #[serde(default)]
    rest: Rest,
    /// Whether the column itself stays.
    #[serde(default)]
    keep: bool,
}

/// What becomes of parts beyond the last name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rest {
    /// They stay in the last column, separators and all.
    #[default]
    Join,
    /// They are dropped; the report tells how many rows had some.
    Drop,
}

impl Split {
    pub(super) fn plan(&self, table: &TableShape, id: &str, context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let field = inputs::column(&table.schema, &self.column, id).map_err(|finding| vec![finding])?;
        let refuse = |message: String, place| Err(vec![Diagnostic::definition(message).at(place)]);
        if field.data_type != DataType::String {
            return refuse(format!("column `{}` holds {}, not text", field.name, field.data_type), &self.column.place);
        }
        if self.into.is_empty() {
            return refuse("`into` names no column".to_owned(), &self.column.place);
        }
        let text = Expr::column(&field.name, DataType::String);
        let (parts, counters) = match (&self.separator, &self.pattern) {
            (Some(separator), None) if separator.value.is_empty() => {
                return refuse("the separator is empty".to_owned(), &separator.place);
            }
            (Some(separator), None) => self.at_separator(&text, &separator.value)?,
            (None, Some(pattern)) => self.by_pattern(&text, pattern)?,
            (Some(_), Some(pattern)) => {
                return refuse("say either `separator` or `pattern`".to_owned(), &pattern.place);
            }
            (None, None) => {
                return refuse("say where it is cut, with `separator` or `pattern`".to_owned(), &self.column.place);
            }
        };
        let mut columns = Vec::new();
        let mut findings = Findings::new();
        for column in inputs::all_columns(&table.schema) {
            let is_cut = column.name == field.name;
            if !is_cut || self.keep {
                columns.push(column);
            }
            if is_cut {
                let named = self.into.iter().zip(parts.iter().cloned());
                columns.extend(named.map(|(name, expr)| NamedExpr { name: name.value.clone(), expr }));
            }
        }
        for name in &self.into {
            if columns.iter().filter(|column| column.name == name.value).count() > 1 {
                let message = format!("there would be two columns `{}`", name.value);
                findings.push(Diagnostic::definition(message).at(&name.place));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let tapped = counted(table, context, counters);
        let relation = Relation::Project { input: tapped.into(), columns };
        Ok(Planned::relation(table.derive(relation)).work(SplitWork { column: field.name.clone(), rest: self.rest }))
    }

    fn at_separator(&self, text: &Expr, separator: &str) -> Result<(Vec<Expr>, Vec<NamedExpr>), Findings> {
        let all = call(Function::Split, vec![text.clone(), Expr::string(separator)])?;
        let wanted = i64::try_from(self.into.len()).unwrap_or(i64::MAX);
        let mut parts = Vec::new();
        for number in 1..=wanted {
            let part = if number == wanted && self.rest == Rest::Join {
                let rest = call(Function::ListSlice, vec![all.clone(), Expr::integer(number), Expr::integer(-1)])?;
                let joined = call(Function::ListJoin, vec![rest.clone(), Expr::string(separator)])?;
                // Without a part there is nothing to join, and that is null rather than an empty text.
                let some = Expr::binary(
                    BinaryOperator::GreaterOrEqual,
                    call(Function::ListLength, vec![all.clone()])?,
                    Expr::integer(number),
                    DataType::Boolean,
                );
                crate::expression::compose::case(vec![(some, joined)], None).map_err(|error| super::refused(&error))?
            } else {
                call(Function::ListElement, vec![all.clone(), Expr::integer(number)])?
            };
            parts.push(part);
        }
        let length = call(Function::ListLength, vec![all])?;
        let compared = |operator| Expr::binary(operator, length.clone(), Expr::integer(wanted), DataType::Boolean);
        let counters = vec![
            NamedExpr { name: FEWER.to_owned(), expr: compared(BinaryOperator::Less) },
            NamedExpr { name: MORE.to_owned(), expr: compared(BinaryOperator::Greater) },
        ];
        Ok((parts, counters))
    }

    fn by_pattern(&self, text: &Expr, pattern: &Spanned<String>) -> Result<(Vec<Expr>, Vec<NamedExpr>), Findings> {
        let compiled = regex::Regex::new(&pattern.value)
            .map_err(|_| vec![Diagnostic::definition("the pattern is no regular expression").at(&pattern.place)])?;
        let groups = compiled.captures_len() - 1;
        if groups != self.into.len() {
            let message = format!("the pattern has {groups} groups, but `into` names {} columns", self.into.len());
            return Err(vec![
                Diagnostic::definition(message).at(&pattern.place).help("a group stands in brackets: `([0-9]+)`"),
            ]);
        }
        let of = |group: usize| {
            let group = Expr::integer(i64::try_from(group).unwrap_or(i64::MAX));
            let arguments = vec![text.clone(), Expr::string(pattern.value.clone()), group];
            call(Function::RegexpExtract, arguments)
        };
        let parts = (1..=groups).map(of).collect::<Result<Vec<_>, _>>()?;
        let unmatched = of(0)?.is_null().and(text.clone().is_null().not());
        Ok((parts, vec![NamedExpr { name: UNMATCHED.to_owned(), expr: unmatched }]))
    }
}

struct SplitWork {
    column: String,
    rest: Rest,
}

impl Work for SplitWork {
    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let counters = counts.points.get("in").map(|point| point.counters.clone()).unwrap_or_default();
        let rows = counters.into_iter().map(|(what, rows)| vec![Cell::text(what), Cell::count(rows)]).collect();
        let columns = vec![Column::new("rows with"), Column::formatted("rows", Format::Integer)];
        vec![Exhibit::table(format!("Cutting {}", self.column), columns, rows)]
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        let mut remarks = Vec::new();
        let unmatched = counts.counter("in", UNMATCHED);
        if unmatched > 0 {
            remarks
                .push(format!("{unmatched} texts of `{}` do not match the pattern; their parts are null", self.column));
        }
        let more = counts.counter("in", MORE);
        if more > 0 && self.rest == Rest::Drop {
            remarks.push(format!(
                "{more} texts of `{}` have parts beyond the last column, which were dropped",
                self.column
            ));
        }
        remarks
    }
}
