//! `clean`: brings texts into one form and turns them into numbers, dates and booleans.

mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::expression::{BinaryOperator, DataType, Expr};
use crate::relation::{NamedExpr, Relation, Sample, Tap};
use crate::stages::work::{Change, StageCounts, Work};
use crate::stages::{PlanContext, Planned, Shape, Stage, inputs};
use rules::Rules;

/// Prefix of columns with the text before cleaning; they never leave the stage.
const BEFORE: &str = "__before_";
/// Examples of changed values that are shown for each column.
const EXAMPLES: usize = 3;

/// Brings texts into one form and turns them into numbers, dates and booleans.
///
/// `all` applies to every column of text, `columns` to single ones (in the place of `all`). The rules of a column are
/// applied in this order: `unicode`, `trim`, `squeeze`, `case`, `replace`, `regex`, `blanks`, `null_tokens`, and then at most
/// one of `number`, `integer`, `boolean`, `date` and `datetime`. A text that cannot be turned becomes null and is counted as
/// unreadable; with `on_error: fail` it ends the run instead. The report shows, for each column, how many values changed,
/// with examples before and after.
///
/// ```yaml
/// - clean:
///     all: {trim: true, null_tokens: ["", NA, "-"]}
///     columns:
///       amount: {number: {thousands: ","}}
///       ship_date: {date: ["%Y-%m-%d", "%d/%m/%Y", "%b %d %Y"]}
///       ship_mode: {trim: true, case: lower}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clean {
    /// Rules for every column of text that `columns` does not name.
    #[serde(default)]
    all: Option<Rules>,
    /// Rules for single columns.
    #[serde(default)]
    columns: Ordered<Rules>,
    /// What becomes of a text that cannot be turned into a number, a date or a boolean.
    #[serde(default)]
    on_error: OnError,
}

/// What becomes of a text that cannot be turned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It becomes null and is counted.
    #[default]
    Null,
    /// The stage fails and says how many there are, with examples.
    Fail,
}

impl Stage for Clean {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut findings = Findings::new();
        let mut columns = inputs::all_columns(&table.schema);
        let mut before: Vec<NamedExpr> = Vec::new();
        let mut tap = Tap {
            stage: context.id.to_owned(),
            point: "cleaned".to_owned(),
            counters: Vec::new(),
            samples: Vec::new(),
        };
        let mut cleaned: Vec<String> = Vec::new();
        for (name, rules) in self.rules(table, id, &mut findings) {
            let text = Expr::column(&name.value, DataType::String);
            match rules.apply(text.clone(), &name) {
                Ok(value) => {
                    let old = Expr::column(format!("{BEFORE}{}", name.value), DataType::String);
                    let new = Expr::column(&name.value, value.data_type.clone());
                    observe(&mut tap, &name.value, &old, &new, rules.null_expected(old.clone()));
                    before.push(NamedExpr { name: format!("{BEFORE}{}", name.value), expr: text });
                    inputs::set_column(&mut columns, &name.value, value);
                    cleaned.push(name.value.clone());
                }
                Err(mut wrong) => findings.append(&mut wrong),
            }
        }
        for column in &before {
            if table.schema.contains(&column.name) {
                findings.push(Diagnostic::definition(format!("column `{}` is in the way", column.name)));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let names: Vec<(String, DataType)> =
            columns.iter().map(|column| (column.name.clone(), column.expr.data_type.clone())).collect();
        columns.extend(before);
        let both = Relation::Project { input: table.relation.clone(), columns };
        let tapped = Relation::Tap { input: both.into(), tap: tap.into() };
        let kept = names.into_iter().map(|(name, data_type)| NamedExpr { expr: Expr::column(&name, data_type), name });
        let relation = Relation::Project { input: tapped.into(), columns: kept.collect() };
        let work = CleanWork { columns: cleaned, on_error: self.on_error };
        Ok(Planned::relation(table.derive(relation)).work(work).meaning(self.on_error))
    }
}

impl Clean {
    /// The columns to clean with their rules.
    fn rules(
        &self,
        table: &crate::stages::TableShape,
        id: &str,
        findings: &mut Findings,
    ) -> Vec<(Spanned<String>, Rules)> {
        let mut rules = Vec::new();
        for (name, of_column) in self.columns.iter() {
            match inputs::column(&table.schema, name, id) {
                Ok(field) if field.data_type == DataType::String => rules.push((name.clone(), of_column.clone())),
                Ok(field) => findings.push(
                    Diagnostic::definition(format!("column `{}` holds {}, not text", field.name, field.data_type))
                        .at(&name.place)
                        .help("read it as text with `types: {column: string}`, or leave it out here"),
                ),
                Err(finding) => findings.push(finding),
            }
        }
        if let Some(all) = &self.all {
            for field in table.schema.fields() {
                let is_free = self.columns.get(&field.name).is_none();
                if field.data_type == DataType::String && is_free {
                    rules.push((Spanned::nowhere(field.name.clone()), all.clone()));
                }
            }
        }
        if rules.is_empty() && findings.is_empty() {
            findings
                .push(Diagnostic::definition("there is nothing to clean: name `columns`, or rules for `all` texts"));
        }
        rules
    }
}

/// Counts changed and unreadable values of a column, with examples.
fn observe(tap: &mut Tap, name: &str, old: &Expr, new: &Expr, null_expected: Expr) {
    let unreadable = old.clone().is_null().not().and(new.clone().is_null()).and(null_expected.not());
    let shown = new.clone().cast(DataType::String, false);
    let changed = Expr::binary(BinaryOperator::IsDistinctFrom, old.clone(), shown.clone(), DataType::Boolean);
    let example = |name: String, when: Expr| Sample {
        name,
        when,
        columns: vec![
            NamedExpr { name: "before".to_owned(), expr: old.clone() },
            NamedExpr { name: "after".to_owned(), expr: shown.clone() },
        ],
        rows: EXAMPLES,
    };
    if new.data_type == DataType::String {
        tap.counters.push(NamedExpr { name: format!("changed {name}"), expr: changed.clone() });
        tap.samples.push(example(format!("changed {name}"), changed));
    } else {
        tap.counters.push(NamedExpr { name: format!("unreadable {name}"), expr: unreadable.clone() });
        tap.samples.push(example(format!("unreadable {name}"), unreadable));
        tap.samples.push(example(format!("changed {name}"), new.clone().is_null().not()));
    }
    let emptied = old.clone().is_null().not().and(new.clone().is_null());
    tap.counters.push(NamedExpr { name: format!("emptied {name}"), expr: emptied });
}

struct CleanWork {
    columns: Vec<String>,
    on_error: OnError,
}

impl CleanWork {
    fn unreadable(&self, counts: &StageCounts) -> u64 {
        self.columns.iter().map(|name| counts.counter("cleaned", &format!("unreadable {name}"))).sum()
    }
}

impl Work for CleanWork {
    fn changes(&self, _: &StageCounts) -> Vec<Change> {
        Vec::new()
    }

    fn is_gate(&self) -> bool {
        self.on_error == OnError::Fail
    }

    fn remarks(&self, counts: &StageCounts) -> Vec<String> {
        let unreadable = self.unreadable(counts);
        (unreadable > 0).then(|| format!("{unreadable} values could not be read and became null")).into_iter().collect()
    }

    fn judge(&self, counts: &StageCounts) -> Option<Diagnostic> {
        let unreadable = self.unreadable(counts);
        if self.on_error != OnError::Fail || unreadable == 0 {
            return None;
        }
        let examples: Vec<String> = self
            .columns
            .iter()
            .flat_map(|name| {
                let sample = counts.sample("cleaned", &format!("unreadable {name}"));
                sample.iter().filter_map(move |row| Some(format!("{name} = `{}`", row.first()?.as_deref()?)))
            })
            .take(EXAMPLES)
            .collect();
        let message = format!("{unreadable} values cannot be read, for example {}", examples.join(", "));
        let help = "add a layout or a null token, or count them with `on_error: \"null\"`";
        Some(Diagnostic::error(crate::diagnostic::Class::Data, message).help(help))
    }

    fn show(&self, counts: &StageCounts) -> Vec<Exhibit> {
        let count = |what: &str, name: &str| counts.counter("cleaned", &format!("{what} {name}"));
        let rows = self.columns.iter().map(|name| {
            let example = counts
                .sample("cleaned", &format!("unreadable {name}"))
                .first()
                .or_else(|| counts.sample("cleaned", &format!("changed {name}")).first());
            let text = |at: usize| {
                example.and_then(|row| row.get(at)).map(|value| match value {
                    Some(value) => format!("\u{201c}{value}\u{201d}"),
                    None => "null".to_owned(),
                })
            };
            vec![
                Cell::text(name.clone()),
                Cell::count(count("changed", name)),
                Cell::count(count("emptied", name)),
                Cell::count(count("unreadable", name)),
                Cell::optional(text(0)),
                Cell::optional(text(1)),
            ]
        });
        let columns = vec![
            Column::new("column"),
            Column::formatted("changed", Format::Integer),
            Column::formatted("became null", Format::Integer),
            Column::formatted("unreadable", Format::Integer),
            Column::new("before"),
            Column::new("after"),
        ];
        let note = Some(
            "Changed counts texts that stay texts; values that became numbers or dates are not counted there."
                .to_owned(),
        );
        vec![Exhibit::Table(Table { title: "Cleaned values".to_owned(), columns, rows: rows.collect(), note })]
    }
}
