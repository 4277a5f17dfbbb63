//! The table of tests.

use super::answer::Answer;
use super::pairs::Compared;
use super::question::word;
use super::{Settings, words};
use crate::batch::{self, Values};
use crate::diagnostic::Diagnostic;
use crate::digits;
use crate::expression::{DataType, Field, Schema};
use crate::stages::work::signed;
use crate::statistics::hypothesis::Measured;

/// A row of the product.
#[derive(Default)]
struct Row {
    hypothesis: String,
    comparison: Option<String>,
    method: String,
    why: Option<String>,
    statistic_name: Option<String>,
    statistic: Option<f64>,
    degrees: Option<f64>,
    degrees_below: Option<f64>,
    p_value: Option<f64>,
    p_adjusted: Option<f64>,
    estimate_name: Option<String>,
    estimate: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    effect_name: Option<String>,
    effect: Option<f64>,
    effect_low: Option<f64>,
    effect_high: Option<f64>,
    omega_squared: Option<f64>,
    odds_ratio: Option<Measured>,
    risk_ratio: Option<Measured>,
    wilson: Option<(f64, f64)>,
    groups: Option<u64>,
    rows: u64,
    left_out: u64,
    power: Option<f64>,
    rows_needed: Option<u64>,
    verdict: String,
}

const COLUMNS: [(&str, DataType); 33] = [
    ("hypothesis", DataType::String),
    ("comparison", DataType::String),
    ("method", DataType::String),
    ("why", DataType::String),
    ("statistic_name", DataType::String),
    ("statistic", DataType::Float64),
    ("degrees", DataType::Float64),
    ("degrees_below", DataType::Float64),
    ("p_value", DataType::Float64),
    ("p_adjusted", DataType::Float64),
    ("estimate_name", DataType::String),
    ("estimate", DataType::Float64),
    ("low", DataType::Float64),
    ("high", DataType::Float64),
    ("effect_name", DataType::String),
    ("effect", DataType::Float64),
    ("effect_low", DataType::Float64),
    ("effect_high", DataType::Float64),
    ("omega_squared", DataType::Float64),
    ("odds_ratio", DataType::Float64),
    ("odds_ratio_low", DataType::Float64),
    ("odds_ratio_high", DataType::Float64),
    ("risk_ratio", DataType::Float64),
    ("risk_ratio_low", DataType::Float64),
    ("risk_ratio_high", DataType::Float64),
    ("wilson_low", DataType::Float64),
    ("wilson_high", DataType::Float64),
    ("groups", DataType::Int64),
    ("rows", DataType::Int64),
    ("left_out", DataType::Int64),
    ("power", DataType::Float64),
    ("rows_needed", DataType::Int64),
    ("verdict", DataType::String),
];

pub(super) fn schema() -> Schema {
    Schema::new(COLUMNS.into_iter().map(|(name, kind)| Field::new(name, kind)).collect()).unwrap_or_default()
}

fn rows_of(answer: &Answer, settings: &Settings) -> Vec<Row> {
    let mut row = Row {
        hypothesis: answer.question.name.clone(),
        method: word(answer.method),
        why: answer.why.clone(),
        groups: answer.counted.is_none().then_some(answer.groups.len() as u64),
        rows: answer.used(),
        left_out: answer.left_out,
        p_adjusted: answer.adjusted,
        power: answer.power,
        rows_needed: answer.needed,
        verdict: words::verdict(answer, settings),
        ..Row::default()
    };
    if let Ok(tested) = &answer.result {
        row.statistic_name = Some(tested.letter.to_owned());
        row.statistic = Some(tested.statistic);
        row.degrees = tested.degrees.first().copied();
        row.degrees_below = tested.degrees.get(1).copied();
        row.p_value = Some(tested.p_value);
        let parts = |measured: Option<&Measured>| {
            let interval = measured.and_then(|measured| measured.interval);
            (
                measured.map(|measured| measured.name.to_owned()),
                measured.map(|measured| measured.value),
                interval.map(|interval| interval.0),
                interval.map(|interval| interval.1),
            )
        };
        (row.estimate_name, row.estimate, row.low, row.high) = parts(tested.estimate.as_ref());
        (row.effect_name, row.effect, row.effect_low, row.effect_high) = parts(tested.effect.as_ref());
        let named =
            |name: &str| tested.also.iter().chain(&tested.effect).find(|measured| measured.name == name).copied();
        row.omega_squared = named("omega squared").map(|omega| omega.value);
        (row.odds_ratio, row.risk_ratio) = (named("odds ratio"), named("risk ratio"));
        row.wilson = named("share (Wilson)").and_then(|share| share.interval);
    }
    let mut rows = vec![row];
    rows.extend(answer.comparisons.iter().map(|compared| comparison_row(answer, compared, settings)));
    rows
}

fn comparison_row(answer: &Answer, compared: &Compared, settings: &Settings) -> Row {
    let one = &compared.comparison;
    let count =
        |name: &String| answer.groups.iter().find(|group| group.name == *name).map_or(0, |group| group.moments.count());
    let ranks = one.interval.is_none();
    let found = one.p_value < settings.alpha();
    let (first, second) = (&compared.first, &compared.second);
    let p = digits::p_value(one.p_value);
    Row {
        hypothesis: answer.question.name.clone(),
        comparison: Some(format!("{first} - {second}")),
        method: answer.compared_by.to_lowercase().replace('-', "_"),
        statistic_name: Some(if ranks { "z" } else { "t" }.to_owned()),
        statistic: Some(one.statistic),
        p_adjusted: Some(one.p_value),
        estimate_name: Some(if ranks { "difference of mean ranks" } else { "difference of means" }.to_owned()),
        estimate: Some(one.difference),
        low: one.interval.map(|interval| interval.0),
        high: one.interval.map(|interval| interval.1),
        groups: Some(2),
        rows: count(first) + count(second),
        verdict: if found {
            format!("{first} and {second} differ ({p})")
        } else {
            format!("no evidence that {first} and {second} differ ({p})")
        },
        ..Row::default()
    }
}

/// A row for each test and each comparison.
pub(super) fn of(answers: &[Answer], settings: &Settings) -> Result<arrow::array::RecordBatch, Diagnostic> {
    let rows: Vec<Row> = answers.iter().flat_map(|answer| rows_of(answer, settings)).collect();
    let texts = |of: &dyn Fn(&Row) -> Option<String>| Values::Texts(rows.iter().map(of).collect());
    let floats = |of: &dyn Fn(&Row) -> Option<f64>| Values::Floats(rows.iter().map(of).collect());
    let integers =
        |of: &dyn Fn(&Row) -> Option<u64>| Values::Integers(rows.iter().map(|row| of(row).map(signed)).collect());
    let values = [
        texts(&|row| Some(row.hypothesis.clone())),
        texts(&|row| row.comparison.clone()),
        texts(&|row| Some(row.method.clone())),
        texts(&|row| row.why.clone()),
        texts(&|row| row.statistic_name.clone()),
        floats(&|row| row.statistic),
        floats(&|row| row.degrees),
        floats(&|row| row.degrees_below),
        floats(&|row| row.p_value),
        floats(&|row| row.p_adjusted),
        texts(&|row| row.estimate_name.clone()),
        floats(&|row| row.estimate),
        floats(&|row| row.low),
        floats(&|row| row.high),
        texts(&|row| row.effect_name.clone()),
        floats(&|row| row.effect),
        floats(&|row| row.effect_low),
        floats(&|row| row.effect_high),
        floats(&|row| row.omega_squared),
        floats(&|row| row.odds_ratio.map(|ratio| ratio.value)),
        floats(&|row| Some(row.odds_ratio?.interval?.0)),
        floats(&|row| Some(row.odds_ratio?.interval?.1)),
        floats(&|row| row.risk_ratio.map(|ratio| ratio.value)),
        floats(&|row| Some(row.risk_ratio?.interval?.0)),
        floats(&|row| Some(row.risk_ratio?.interval?.1)),
        floats(&|row| row.wilson.map(|interval| interval.0)),
        floats(&|row| row.wilson.map(|interval| interval.1)),
        integers(&|row| row.groups),
        integers(&|row| Some(row.rows)),
        integers(&|row| Some(row.left_out)),
        floats(&|row| row.power),
        integers(&|row| row.rows_needed),
        texts(&|row| Some(row.verdict.clone())),
    ];
    batch::table(COLUMNS.iter().map(|(name, _)| *name).zip(values).collect())
}
