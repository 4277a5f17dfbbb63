//! Rules that are told from the values: what a column holds becomes the rules that read it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::number::{Mark, Number};
use super::rules::{Boolean, Rules};
use crate::batch;
use crate::definition::{self, OneOrMany, Spanned};
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::engine::{Engine, Execution};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::expression::DataType;
use crate::files::prepared_sample;
use crate::notation::{self, Days, Holds, Numbers, Thousands, Undecided, Values, Verdict};
use crate::relation::{Bindings, Relation, ScanSource, keep_columns};

/// Rows at the beginning of the input that are looked at when a pipeline is planned.
pub(crate) const ROWS: u64 = 20_000;

/// The columns of text of a relation, judged by the first rows of its files.
///
/// Every file that the relation reads is cut to its first [`ROWS`] rows, so that no join, sort or aggregate above is dear.
///
/// Errors: the relation names something that only a run learns; the files cannot be read.
pub(crate) fn judge_sample(
    relation: &Relation,
    columns: &[String],
    options: notation::Options,
    engine: &dyn Engine,
    scratch: &std::path::Path,
) -> Result<BTreeMap<String, Verdict>, Diagnostic> {
    let mut bindings = Bindings::default();
    let cut = keep_columns(&relation.without_taps(), columns).replace_scans(&mut |scan| {
        let ScanSource::Files(files) = &scan.source else { return None };
        if let Some(prepared) = prepared_sample(scratch, &files.fingerprint) {
            bindings.files.insert(files.fingerprint.clone(), prepared);
        }
        let mut scan = scan.clone();
        if let ScanSource::Files(files) = &mut scan.source {
            files.rows = Some(files.rows.unwrap_or(ROWS).min(ROWS));
        }
        Some(Relation::Scan(scan).into())
    });
    let bound = cut.bind(&bindings).map_err(|key| {
        Diagnostic::error(
            Class::Definition,
            format!("what the columns hold depends on `{key}`, which only a run learns"),
        )
        .help("put this stage above the one that learns, or paste the rules that `report: true` shows")
    })?;
    let mut values: Vec<Values> = vec![Values::default(); columns.len()];
    engine
        .stream(&bound, &Execution::default(), &mut |rows| {
            add(&mut values, columns, &rows);
            Ok(true)
        })
        .map_err(|error| Diagnostic {
            message: format!("the first rows cannot be read: {}", error.message),
            ..error.into()
        })?;
    Ok(judge(&values, columns, options))
}

/// Takes the rows into account.
pub(super) fn add(values: &mut [Values], columns: &[String], rows: &arrow::array::RecordBatch) {
    for (values, name) in values.iter_mut().zip(columns) {
        let Some(column) = batch::column(rows, name) else { continue };
        match arrow::array::AsArray::as_string_view_opt(column) {
            Some(texts) => texts.iter().for_each(|text| values.add(text)),
            None => batch::texts(column).iter().for_each(|text| values.add(text.as_deref())),
        }
    }
}

pub(super) fn judge(values: &[Values], columns: &[String], options: notation::Options) -> BTreeMap<String, Verdict> {
    columns.iter().zip(values).map(|(name, values)| (name.clone(), notation::judge(values, options))).collect()
}

/// The rules that read what the column holds.
pub(super) fn rules(verdict: &Verdict) -> Rules {
    let mut rules = Rules { trim: verdict.untrimmed > 0, ..Rules::default() };
    let tokens: Vec<&String> =
        verdict.null_tokens.iter().map(|(text, _)| text).filter(|text| !text.is_empty()).collect();
    rules.blanks = verdict.null_tokens.iter().any(|(text, _)| text.is_empty());
    if !tokens.is_empty() {
        rules.null_tokens = Some(OneOrMany(tokens.into_iter().map(|text| Spanned::nowhere(text.clone())).collect()));
    }
    match &verdict.holds {
        Holds::Nothing | Holds::Text => {}
        Holds::Boolean { yes, no } => rules.boolean = Some(words(yes, no)),
        Holds::Numbers(numbers) if numbers.whole => rules.integer = Some(number(numbers)),
        Holds::Numbers(numbers) => rules.number = Some(number(numbers)),
        Holds::Days(days) => set_layouts(&mut rules, days, &days.layouts),
    }
    rules
}

/// The same rules with the other reading of what is asked: day and month exchanged, or the rival marks.
pub(super) fn other_rules(verdict: &Verdict) -> Option<Rules> {
    let mut other = rules(verdict);
    match (&verdict.holds, &verdict.undecided) {
        (Holds::Days(days), _) if !days.exchanged.is_empty() => set_layouts(&mut other, days, &days.exchanged),
        (Holds::Numbers(numbers), Some(Undecided::Marks(marks))) => {
            let rival = Numbers { marks: *marks, whole: false, ..numbers.clone() };
            (other.integer, other.number) = (None, Some(number(&rival)));
        }
        _ => return None,
    }
    Some(other)
}

fn set_layouts(rules: &mut Rules, days: &Days, layouts: &[String]) {
    let layouts = Some(OneOrMany(layouts.iter().map(|layout| Spanned::nowhere(layout.clone())).collect()));
    if days.times { rules.datetime = layouts } else { rules.date = layouts }
}

fn words(yes: &[String], no: &[String]) -> Boolean {
    let usual = Boolean::default();
    let known = yes.iter().all(|word| usual.yes.contains(word)) && no.iter().all(|word| usual.no.contains(word));
    if known { usual } else { Boolean { yes: yes.to_vec(), no: no.to_vec() } }
}

fn number(numbers: &Numbers) -> Number {
    Number {
        decimal: if numbers.marks.decimal_comma { Mark::Comma } else { Mark::Point },
        thousands: numbers.marks.thousands.map(|mark| Spanned::nowhere(Thousands::characters(mark).to_owned())),
        percent: numbers.percent,
        parentheses: numbers.parentheses,
        strict: true,
        trailing_sign: numbers.trailing_sign,
        currency: numbers.currency.map(|sign| Spanned::nowhere(sign.to_owned())),
    }
}

/// The type that the column gets.
pub(crate) fn data_type(verdict: &Verdict) -> DataType {
    match &verdict.holds {
        Holds::Nothing | Holds::Text => DataType::String,
        Holds::Boolean { .. } => DataType::Boolean,
        Holds::Numbers(numbers) if numbers.whole => DataType::Int64,
        Holds::Numbers(_) => DataType::Float64,
        Holds::Days(days) if days.times => DataType::Datetime(None),
        Holds::Days(_) => DataType::Date,
    }
}

/// The rules of a column as one line of YAML that can be pasted, `amount: {number: {strict: true}}`; none when there is nothing to do.
pub(crate) fn line(name: &str, verdict: &Verdict) -> Option<String> {
    let rules = short(serde_json::to_value(rules(verdict)).unwrap_or_default());
    let is_empty = rules.as_object().is_none_or(Map::is_empty);
    let text = definition::to_yaml_line(&json!({ name: rules }));
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(&text);
    // A dollar before a brace would be a parameter.
    (!is_empty).then(|| inner.replace("${", "$${"))
}

/// Rules without what is as it always is.
fn short(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(key, value)| {
                let unused =
                    matches!(key.as_str(), "replace" | "regex") && value.as_object().is_some_and(Map::is_empty);
                let usual = key == "decimal" && value == "point";
                !(unused || usual || value.is_null() || *value == json!(false))
            })
            .map(|(key, value)| (key, short(value)))
            .map(|(key, value)| {
                let is_usual =
                    key == "boolean" && value == short(serde_json::to_value(Boolean::default()).unwrap_or_default());
                (key, if is_usual { json!({}) } else { value })
            })
            .map(|(key, value)| match value {
                Value::Array(mut items) if items.len() == 1 && matches!(key.as_str(), "date" | "datetime") => {
                    (key, items.remove(0))
                }
                value => (key, value),
            })
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

/// What a column holds, in words.
pub(crate) fn words_for(verdict: &Verdict) -> String {
    match &verdict.holds {
        Holds::Nothing => "nothing".to_owned(),
        Holds::Text => "text".to_owned(),
        Holds::Boolean { .. } => "true and false".to_owned(),
        Holds::Numbers(numbers) => {
            let mut words = if numbers.whole { "whole numbers" } else { "numbers" }.to_owned();
            if let Some(currency) = numbers.currency {
                words.push_str(&format!(" in {currency}"));
            }
            if numbers.percent {
                words.push_str(" with a percent sign");
            }
            words
        }
        Holds::Days(days) if days.times => format!("days with times: {}", days.layouts.join(" or ")),
        Holds::Days(days) => format!("days: {}", days.layouts.join(" or ")),
    }
}

/// What a person should look at.
pub(crate) fn remarks(verdict: &Verdict) -> Vec<String> {
    let mut remarks = Vec::new();
    if verdict.undecided.is_some() {
        remarks.push(format!("ASSUMED: {}", verdict.because));
    }
    remarks.extend(verdict.remarks.iter().cloned());
    remarks
}

/// The data-quality table of a set of columns.
pub(super) fn exhibit(title: String, verdicts: &[(&String, &Verdict)], note: String) -> Exhibit {
    // A count, and the texts that make the most of it.
    let counted = |count: u64, texts: &[(String, u64)]| {
        let shown =
            texts.iter().take(4).map(|(text, count)| format!("\u{201c}{text}\u{201d} × {}", digits::whole(*count)));
        let shown: Vec<String> = shown.collect();
        let whole = digits::whole(count);
        Cell::text(if shown.is_empty() { whole } else { format!("{whole}: {}", shown.join(", ")) })
    };
    let rows = verdicts.iter().take(200).map(|(name, verdict)| {
        let mut holds = words_for(verdict);
        if verdict.holds != Holds::Text || verdict.because != "the values are text" {
            holds = format!("{holds}; {}", verdict.because);
        }
        let remarks = remarks(verdict);
        vec![
            Cell::text((*name).clone()),
            Cell::text(holds),
            Cell::count(verdict.fits),
            counted(verdict.nulls, &verdict.null_tokens),
            counted(verdict.misfit, &verdict.misfits),
            Cell::optional((!remarks.is_empty()).then(|| remarks.join("; "))),
            Cell::optional(line(name, verdict)),
        ]
    });
    let columns = vec![
        Column::new("column"),
        Column::new("holds"),
        Column::formatted("values that fit", Format::Integer),
        Column::new("nulls"),
        Column::new("do not fit"),
        Column::new("look at"),
        Column::new("rules to paste"),
    ];
    Exhibit::Table(Table { title, columns, rows: rows.collect(), note: Some(note) })
}
