//! `clean`: brings texts into one form and turns them into numbers, dates and booleans.

pub(crate) mod auto;
mod number;
mod rules;
mod times;
mod work;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind};
use crate::notation::{self, DayOrder, Holds, Verdict};
use crate::relation::{NamedExpr, Relation, Sample, Tap};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape, inputs};
use rules::Rules;
use work::{Asked, CleanWork, Rejecting};

/// Prefix of columns with the text before cleaning; they never leave the stage.
const BEFORE: &str = "__before_";
/// Prefix of columns with what the text would become, when nothing is changed; they never leave the stage either.
const AFTER: &str = "__after_";
/// Examples of changed values that are shown for each column.
const EXAMPLES: usize = 3;

/// Brings texts into one form and turns them into numbers, dates and booleans.
///
/// `all` applies to every column of text, `columns` to single ones (in the place of `all`). The rules of a column are
/// applied in this order: `unicode`, `trim`, `squeeze`, `case`, `replace`, `regex`, `blanks`, `null_tokens`, and then at most
/// one of `number`, `integer`, `boolean`, `date` and `datetime`. A text that cannot be turned becomes null and is counted as
/// unreadable; with `on_error: reject` its row is set aside, and with `fail` it ends the run. The report shows, for each column,
/// how many values changed, with examples before and after.
///
/// ```yaml
/// - clean:
///     all: {trim: true, null_tokens: ["", NA, "-"]}
///     columns:
///       amount: {number: {thousands: ","}}
///       ship_date: {date: ["%Y-%m-%d", "%d/%m/%Y", "%b %d %Y"]}
///       ship_mode: {trim: true, case: lower}
/// ```
///
/// With `auto: true` the rules of all other columns of text are told from their values: numbers with signs, currencies, percent
/// and marks of thousands, some 900 layouts of days and times, booleans, and texts that mean null. `gristmill init` and the report
/// show the same rules as YAML to paste, and why they are these.
///
/// - What a column is, is told from the first 20,000 rows of the files when the pipeline is checked, so that `check` knows the
///   types. A column is of a kind when `at_least` of its values are; the others are unreadable, and counted.
/// - Whether the day or the month comes first is asked of the whole column (of the training rows, below a `split`) when it runs:
///   one value with a number above 12 decides. Where no value does, an assumption is made and named. Where more than one value in
///   twenty (1 - `at_least`) contradicts the others, the run ends, because nobody could say what `01/02/2024` means there; state
///   `day_first`, or the layouts under `columns`. The same is asked of `1,234`, where a comma may divide thousands or decimals.
/// - Two-digit years below 69 are 20.., the others 19...
/// - Numbers with leading zeros or more than 15 digits are identifiers and stay text, and so do amounts in several currencies.
/// - `-999` and its like, seconds since 1970 and days of a spreadsheet are pointed out, never turned.
///
/// With `report: true` every value is looked at and counted, and nothing is changed: rows and columns leave as they came.
///
/// ```yaml
/// - clean: {auto: true, on_error: reject, rejects: out/unreadable.parquet}
/// - clean: {auto: true, report: true}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clean {
    /// Rules for every column of text that `columns` does not name; with `auto`, for those that are told to stay text.
    #[serde(default)]
    all: Option<Rules>,
    /// Rules for single columns.
    #[serde(default)]
    columns: Ordered<Rules>,
    /// Tells the rules of the other columns of text from their values.
    #[serde(default)]
    auto: bool,
    /// With `auto`: the share of the values that must be of one kind.
    #[serde(default = "at_least")]
    at_least: f64,
    /// With `auto`: whether `01/02/2024` is the first of February; asked of each column when absent.
    #[serde(default)]
    day_first: Option<bool>,
    /// Counts what would change, shows what the columns hold, and changes nothing.
    #[serde(default)]
    report: bool,
    /// What becomes of a text that cannot be turned into a number, a date or a boolean.
    #[serde(default)]
    on_error: OnError,
    /// With `on_error: reject`: a file for the rows that are set aside (`.parquet`), as they were before cleaning.
    #[serde(default)]
    rejects: Option<Spanned<String>>,
}

/// What becomes of a text that cannot be turned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// It becomes null and is counted.
    #[default]
    Null,
    /// Its row is set aside and counted.
    Reject,
    /// The stage fails and says how many there are, with examples.
    Fail,
}

fn at_least() -> f64 {
    0.95
}

/// A column to clean.
struct Target {
    name: Spanned<String>,
    rules: Rules,
    /// What was told from its values.
    verdict: Option<Verdict>,
}

impl Stage for Clean {
    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut findings = self.objections(context);
        let verdicts = if self.auto && findings.is_empty() { self.sample(table, context)? } else { BTreeMap::new() };
        let mut columns = inputs::all_columns(&table.schema);
        let mut extra: Vec<NamedExpr> = Vec::new();
        let mut tap = Tap {
            stage: context.id.to_owned(),
            point: "cleaned".to_owned(),
            counters: Vec::new(),
            samples: Vec::new(),
        };
        let mut watched: Vec<String> = Vec::new();
        let mut asked: Vec<Asked> = Vec::new();
        let mut unreadable: Vec<Expr> = Vec::new();
        for target in self.targets(table, id, &verdicts, &mut findings) {
            let name = target.name.value.clone();
            let text = Expr::column(&name, DataType::String);
            let value = match self.value(&target, &text, context, &mut asked) {
                Ok(value) => value,
                Err(mut wrong) => {
                    findings.append(&mut wrong);
                    continue;
                }
            };
            let (old, new) = if self.report {
                let after = format!("{AFTER}{name}");
                let new = Expr::column(&after, value.data_type.clone());
                extra.push(NamedExpr { name: after, expr: value });
                (text, new)
            } else {
                let before = format!("{BEFORE}{name}");
                let new = Expr::column(&name, value.data_type.clone());
                let old = Expr::column(&before, DataType::String);
                extra.push(NamedExpr { name: before, expr: text });
                inputs::set_column(&mut columns, &name, value);
                (old, new)
            };
            let wrong = observe(&mut tap, &name, &old, &new, target.rules.null_expected(old.clone()));
            unreadable.extend(wrong);
            watched.push(name);
        }
        for column in &extra {
            if table.schema.contains(&column.name) {
                findings.push(Diagnostic::definition(format!("column `{}` is in the way", column.name)));
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        let or = |left, right| Expr::binary(BinaryOperator::Or, left, right, DataType::Boolean);
        let bad = unreadable.into_iter().reduce(or).unwrap_or(Expr::boolean(false));
        let rejecting = self.on_error == OnError::Reject && !self.report;
        if rejecting {
            tap.counters.push(NamedExpr { name: "rejected".to_owned(), expr: bad.clone() });
        }
        let names: Vec<(String, DataType)> =
            columns.iter().map(|column| (column.name.clone(), column.expr.data_type.clone())).collect();
        columns.extend(extra);
        let both = Relation::Project { input: table.relation.clone(), columns: columns.clone() };
        let mut relation = Relation::Tap { input: both.into(), tap: tap.into() };
        if rejecting {
            relation = Relation::Filter { input: relation.into(), predicate: bad.clone().not() };
        }
        let kept = names.into_iter().map(|(name, data_type)| NamedExpr { expr: Expr::column(&name, data_type), name });
        let relation = Relation::Project { input: relation.into(), columns: kept.collect() };
        let rejects = self.rejects.as_ref().map(|path| Rejecting {
            path: context.path(&path.value),
            columns: columns.clone(),
            bad: bad.clone(),
            schema: table.schema.clone(),
        });
        let work = CleanWork {
            watched,
            verdicts,
            asked,
            on_error: self.on_error,
            report: self.report,
            texts: text_columns(table),
            options: self.options(),
            rejects,
        };
        let mut planned = Planned::relation(table.derive(relation)).work(work).meaning(self);
        if let Some(path) = &self.rejects {
            planned = planned.target(context.path(&path.value), &path.place);
        }
        Ok(planned)
    }
}

fn text_columns(table: &TableShape) -> Vec<String> {
    let texts = table.schema.fields().iter().filter(|field| field.data_type == DataType::String);
    texts.map(|field| field.name.clone()).collect()
}

impl Clean {
    fn options(&self) -> notation::Options {
        let order = self.day_first.map(|first| if first { DayOrder::DayFirst } else { DayOrder::MonthFirst });
        notation::Options { at_least: self.at_least, order }
    }

    /// Options that do not go together.
    fn objections(&self, context: &PlanContext<'_>) -> Findings {
        let mut findings = Findings::new();
        let mut refuse = |message: &str, help: &str| {
            findings.push(Diagnostic::definition(message).at(context.place).help(help));
        };
        if !(self.at_least > 0.5 && self.at_least <= 1.0) {
            refuse("`at_least` is a share above 0.5, at most 1", "0.95 lets one value in twenty be something else");
        }
        if !self.auto && self.day_first.is_some() {
            refuse("`day_first` belongs to `auto: true`", "with `columns`, name the layout: `date: \"%d/%m/%Y\"`");
        }
        if self.rejects.is_some() && (self.on_error != OnError::Reject || self.report) {
            refuse("`rejects` needs `on_error: reject`, and rows that are not only counted", "leave `rejects` out");
        }
        findings
    }

    /// What the first rows say about the columns that nobody gave rules.
    fn sample(&self, table: &TableShape, context: &PlanContext<'_>) -> Result<BTreeMap<String, Verdict>, Findings> {
        let mut names = text_columns(table);
        names.retain(|name| self.columns.get(name).is_none());
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        auto::judge_sample(&table.relation, &names, self.options(), context.engine, context.scratch)
            .map_err(|error| vec![error.or_at(context.place)])
    }

    /// The value of a column after cleaning; what its layouts leave open is asked when the stage runs.
    fn value(
        &self,
        target: &Target,
        text: &Expr,
        context: &PlanContext<'_>,
        asked: &mut Vec<Asked>,
    ) -> Result<Expr, Findings> {
        let own = target.rules.apply(text.clone(), &target.name)?;
        let Some(verdict) = &target.verdict else { return Ok(own) };
        let Some(rules) = auto::other_rules(verdict).filter(|_| self.day_first.is_none() || !is_days(verdict)) else {
            return Ok(own);
        };
        let other = rules.apply(text.clone(), &target.name)?;
        let name = target.name.value.clone();
        let question =
            Asked { name: name.clone(), key: None, own: own.clone(), other: other.clone(), verdict: verdict.clone() };
        if !is_days(verdict) {
            asked.push(question);
            return Ok(own);
        }
        let key = context.key(&format!("as_in_sample.{name}"));
        asked.push(Asked { key: Some(key.clone()), ..question });
        let data_type = own.data_type.clone();
        let branches = vec![(Expr::fitted(key, DataType::Boolean), own)];
        Ok(Expr::new(ExprKind::Case { branches, otherwise: Some(Box::new(other)) }, data_type))
    }

    /// The columns to clean with their rules.
    fn targets(
        &self,
        table: &TableShape,
        id: &str,
        verdicts: &BTreeMap<String, Verdict>,
        findings: &mut Findings,
    ) -> Vec<Target> {
        let mut targets = Vec::new();
        for (name, of_column) in self.columns.iter() {
            match inputs::column(&table.schema, name, id) {
                Ok(field) if field.data_type == DataType::String => {
                    targets.push(Target { name: name.clone(), rules: of_column.clone(), verdict: None });
                }
                Ok(field) => findings.push(
                    Diagnostic::definition(format!("column `{}` holds {}, not text", field.name, field.data_type))
                        .at(&name.place)
                        .help("read it as text with `types: {column: string}`, or leave it out here"),
                ),
                Err(finding) => findings.push(finding),
            }
        }
        for name in text_columns(table) {
            if self.columns.get(&name).is_some() {
                continue;
            }
            let verdict = verdicts.get(&name).cloned();
            let stays_text = verdict.as_ref().is_none_or(|verdict| auto::data_type(verdict) == DataType::String);
            let rules = match (&self.all, &verdict) {
                (Some(all), _) if stays_text => all.clone(),
                // Text that needs nothing done is left alone.
                (_, Some(verdict)) if auto::line(&name, verdict).is_none() => continue,
                (_, Some(verdict)) => auto::rules(verdict),
                (_, None) => continue,
            };
            targets.push(Target { name: Spanned::nowhere(name), rules, verdict });
        }
        if targets.is_empty() && findings.is_empty() && !self.auto && !self.report {
            findings.push(
                Diagnostic::definition("there is nothing to clean: name `columns`, or rules for `all` texts")
                    .help("`auto: true` tells the rules from the values"),
            );
        }
        targets
    }
}

fn is_days(verdict: &Verdict) -> bool {
    matches!(verdict.holds, Holds::Days(_))
}

/// Counts changed and unreadable values of a column, with examples. Gives the condition that a value is unreadable.
fn observe(tap: &mut Tap, name: &str, old: &Expr, new: &Expr, null_expected: Expr) -> Option<Expr> {
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
    let emptied = old.clone().is_null().not().and(new.clone().is_null());
    tap.counters.push(NamedExpr { name: format!("emptied {name}"), expr: emptied });
    if new.data_type == DataType::String {
        tap.counters.push(NamedExpr { name: format!("changed {name}"), expr: changed.clone() });
        tap.samples.push(example(format!("changed {name}"), changed));
        return None;
    }
    tap.counters.push(NamedExpr { name: format!("unreadable {name}"), expr: unreadable.clone() });
    tap.samples.push(example(format!("unreadable {name}"), unreadable.clone()));
    tap.samples.push(example(format!("changed {name}"), new.clone().is_null().not()));
    Some(unreadable)
}
