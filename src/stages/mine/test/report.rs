//! The table of tests, and what a person looks at.

use super::answer::{Answer, Compared};
use super::question::word;
use super::{Settings, figures, words};
use crate::batch::{self, Values};
use crate::diagnostic::Diagnostic;
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Table, Tone};
use crate::expression::{DataType, Field, Schema};
use crate::stages::work::signed;
use crate::statistics::hypothesis::Measured;

/// Comparisons of groups that the report shows.
const SHOWN: usize = 60;

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
    groups: Option<u64>,
    rows: u64,
    left_out: u64,
    power: Option<f64>,
    rows_needed: Option<u64>,
    verdict: String,
}

const COLUMNS: [(&str, DataType); 24] = [
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
pub(super) fn product(answers: &[Answer], settings: &Settings) -> Result<arrow::array::RecordBatch, Diagnostic> {
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
        integers(&|row| row.groups),
        integers(&|row| Some(row.rows)),
        integers(&|row| Some(row.left_out)),
        floats(&|row| row.power),
        integers(&|row| row.rows_needed),
        texts(&|row| Some(row.verdict.clone())),
    ];
    batch::table(COLUMNS.iter().map(|(name, _)| *name).zip(values).collect())
}

/// Verdicts first, then numbers, then pictures.
pub(super) fn exhibits(answers: &[Answer], settings: &Settings) -> Vec<Exhibit> {
    let mut exhibits: Vec<Exhibit> = Vec::new();
    for answer in answers {
        exhibits.push(Exhibit::note(Tone::Info, story(answer, answers.len() > 1, settings)));
        exhibits.extend(answer.notes.iter().map(|note| Exhibit::note(Tone::Warning, note.clone())));
    }
    exhibits.push(table(answers, settings));
    exhibits.extend(figures::effects(answers, settings));
    for answer in answers {
        exhibits.extend(groups(answer));
        exhibits.extend(figures::spreads(answer));
        exhibits.extend(comparisons(answer));
        exhibits.extend(figures::comparisons(answer, settings));
    }
    exhibits
}

/// The verdict, the test and why it was taken, and what was left out.
fn story(answer: &Answer, several: bool, settings: &Settings) -> String {
    let mut text = if several && answer.result.is_ok() { format!("{}: ", answer.question.name) } else { String::new() };
    text += &words::verdict(answer, settings);
    text += &format!(" By {}", words::with_article(answer.method));
    if let Ok(tested) = &answer.result
        && let Some(how) = &tested.how
    {
        text += &format!(" ({how})");
    }
    if let Some(why) = &answer.why {
        text += &format!(", chosen because {why}");
    }
    text += &format!("; {}", digits::rows(answer.used()));
    if answer.left_out > 0 {
        text += &format!(", {} left out because a value is missing or infinite", digits::rows(answer.left_out));
    }
    text += ".";
    if answer.without_power {
        text += " Power is not computed for this test.";
    }
    if let (Some(power), Some((effect, target))) = (answer.power, settings.power) {
        text += &format!(
            " An effect of {} would be found with a probability of {}",
            words::number(effect),
            words::number_of_percent((power * 1000.0).round() / 1000.0)
        );
        if let Some(needed) = answer.needed {
            text += &format!("; for {} it takes {}", words::number_of_percent(target), digits::rows(needed));
        }
        text += ".";
    }
    text
}

fn table(answers: &[Answer], settings: &Settings) -> Exhibit {
    let several = answers.len() > 1;
    let rows = answers.iter().map(|answer| {
        let tested = answer.result.as_ref().ok();
        let effect = tested.and_then(|tested| tested.effect.as_ref());
        let statistic = tested.map(|tested| {
            let degrees: Vec<String> = tested.degrees.iter().map(|degrees| words::number(*degrees)).collect();
            let inside = if degrees.is_empty() { String::new() } else { format!("({})", degrees.join(", ")) };
            format!("{}{inside} = {}", tested.letter, words::number(tested.statistic))
        });
        let interval = effect.and_then(|effect| effect.interval);
        let interval = interval.map(|(low, high)| format!("{} to {}", words::number(low), words::number(high)));
        let mut cells = vec![
            Cell::text(answer.question.name.clone()),
            Cell::text(words::method(answer.method)),
            Cell::optional(statistic),
            Cell::number(tested.map(|tested| tested.p_value)),
        ];
        if several {
            cells.push(Cell::number(answer.adjusted));
        }
        cells.extend([
            Cell::optional(effect.map(|effect| format!("{} {}", effect.name, words::number(effect.value)))),
            Cell::optional(interval),
            Cell::optional(effect.and_then(words::size)),
            Cell::count(answer.used()),
        ]);
        cells
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    let mut columns: Vec<Column> = ["hypothesis", "test", "statistic"].map(Column::new).to_vec();
    columns.push(Column::formatted("p-value", Format::PValue));
    if several {
        columns.push(Column::formatted("adjusted p", Format::PValue));
    }
    columns.extend([
        Column::new("size of the effect"),
        Column::new(format!("{} interval", words::number_of_percent(settings.confidence))),
        Column::new("in words"),
        Column::formatted("rows", Format::Integer),
    ]);
    let note = several.then(|| format!("Adjusted for {} tests: {}.", answers.len(), settings.correction.name()));
    Exhibit::Table(Table { title: "Tests".to_owned(), columns, rows, note })
}

fn groups(answer: &Answer) -> Option<Exhibit> {
    if answer.groups.len() < 2 {
        return None;
    }
    let rows = answer.groups.iter().take(SHOWN).map(|group| {
        let quantiles = group.sketch.as_ref().map(crate::statistics::quantiles::QuantileSketch::quantiles);
        vec![
            Cell::text(group.name.clone()),
            Cell::count(group.moments.count()),
            Cell::number(group.moments.mean()),
            Cell::number(group.moments.standard_deviation()),
            Cell::number(quantiles.and_then(|quantiles| quantiles.quantile(0.5))),
        ]
    });
    let columns = vec![
        Column::new("group"),
        Column::formatted("rows", Format::Integer),
        Column::new("mean"),
        Column::new("sd"),
        Column::new("median"),
    ];
    let rest = answer.groups.len().saturating_sub(SHOWN);
    let note = (rest > 0).then(|| format!("{rest} more groups are not shown."));
    Some(Exhibit::Table(Table {
        title: format!("Groups: {}", answer.question.name),
        columns,
        rows: rows.collect(),
        note,
    }))
}

fn comparisons(answer: &Answer) -> Option<Exhibit> {
    if answer.comparisons.is_empty() {
        return None;
    }
    let ranks = answer.comparisons.iter().all(|compared| compared.comparison.interval.is_none());
    let mut sorted: Vec<&Compared> = answer.comparisons.iter().collect();
    sorted.sort_by(|a, b| a.comparison.p_value.total_cmp(&b.comparison.p_value));
    let rows = sorted.iter().take(SHOWN).map(|compared| {
        let one = &compared.comparison;
        let interval = one.interval.map(|(low, high)| format!("{} to {}", words::number(low), words::number(high)));
        vec![
            Cell::text(format!("{} - {}", compared.first, compared.second)),
            Cell::number(one.difference),
            Cell::optional(interval),
            Cell::number(one.statistic),
            Cell::number(one.p_value),
        ]
    });
    let difference = if ranks { "difference of mean ranks" } else { "difference of means" };
    let mut columns = ["groups", difference, "interval", if ranks { "z" } else { "t" }].map(Column::new).to_vec();
    columns.push(Column::formatted("adjusted p", Format::PValue));
    let rest = answer.comparisons.len().saturating_sub(SHOWN);
    let note = (rest > 0).then(|| format!("{rest} more comparisons are in the stage's table."));
    let title = format!("{} by pairs ({})", answer.question.name, answer.compared_by);
    Some(Exhibit::Table(Table { title, columns, rows: rows.collect(), note }))
}
