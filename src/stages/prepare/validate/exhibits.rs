//! What a person looks at: the health by dimension, each expectation with its counts, groups and rows that fail.

use super::earlier::Before;
use super::measure::{Judged, Measured};
use super::score::{FORMULA, Score};
use super::verdict::{Grade, Verdict};
use super::work::Plan;
use crate::chart::{Axis, Bar, Figure, Mark, NumberFormat, Series};
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};

/// All exhibits, the most important first.
pub(super) fn all(
    plan: &Plan,
    measured: &Measured,
    score: &Score,
    before: &Before,
    examples: Vec<Exhibit>,
) -> Vec<Exhibit> {
    let mut exhibits = vec![health(plan, measured, score, before)];
    exhibits.extend((score.dimensions.len() > 1).then(|| dimensions(score, before)));
    exhibits.push(expectations(plan, measured, before));
    if measured.judged.iter().any(|judged| judged.grade == Grade::First) {
        let text = "Checks against the last good run have nothing to compare with yet; what they need is kept now.";
        exhibits.push(Exhibit::note(Tone::Info, text));
    }
    exhibits.extend(plan.verdicts.iter().zip(&measured.judged).filter_map(|(verdict, judged)| groups(verdict, judged)));
    exhibits.extend(examples);
    exhibits
}

fn percent(value: f64) -> String {
    format!("{:.1}%", value * 100.0)
}

fn health(plan: &Plan, measured: &Measured, score: &Score, before: &Before) -> Exhibit {
    let mut health = Metric::new("health", score.health, Format::Percent);
    if let Some(earlier) = before.health() {
        health = health.note(format!("{} in the run before", percent(earlier)));
    }
    let number = |grades: &[Grade]| {
        let count = measured.judged.iter().filter(|judged| grades.contains(&judged.grade)).count();
        u32::try_from(count).map_or(f64::NAN, f64::from)
    };
    let holding = number(&[Grade::Holds, Grade::Tolerated, Grade::First]);
    let mut metrics = vec![health, Metric::new("checks that hold", holding, Format::Integer)];
    metrics.extend(
        [(Grade::Fails, "fail"), (Grade::Warns, "warn"), (Grade::Diverts, "divert rows")].into_iter().filter_map(
            |(grade, name)| {
                let count = number(&[grade]);
                (count > 0.0).then(|| Metric::new(name, count, Format::Integer))
            },
        ),
    );
    let title = match &plan.divert {
        Some(name) => format!("Health (failing rows go to {}.{name})", plan.stage),
        None => "Health".to_owned(),
    };
    Exhibit::Metrics { title, metrics }
}

fn dimensions(score: &Score, before: &Before) -> Exhibit {
    let names: Vec<&str> = score.dimensions.keys().map(|dimension| dimension.name()).collect();
    let mut series = vec![Series::new("this run", score.dimensions.values().map(|value| Some(*value)))];
    if before.is_there() {
        series.push(Series::new("the run before", names.iter().map(|name| before.dimension(name))));
    }
    let mut figure = Figure::new("Health by dimension", Mark::Bar(Bar::new(names, series)));
    figure.y =
        Axis { format: NumberFormat::Percent, min: Some(0.0), max: Some(1.0), ..Axis::labelled("share that passes") };
    figure.note = FORMULA.to_owned();
    Exhibit::Figure(Box::new(figure))
}

#[expect(clippy::cast_precision_loss, reason = "a share that is shown with one decimal")]
fn expectations(plan: &Plan, measured: &Measured, before: &Before) -> Exhibit {
    let mut columns = vec![
        Column::new("check"),
        Column::new("dimension"),
        Column::new("result"),
        Column::formatted("failing rows", Format::Integer),
        Column::formatted("of", Format::Integer),
        Column::formatted("share", Format::Percent),
        Column::new("allowed"),
        Column::new("found"),
    ];
    if before.is_there() {
        columns.push(Column::formatted("failing before", Format::Integer));
    }
    let rows = plan.verdicts.iter().zip(&measured.judged).map(|(verdict, judged)| {
        let share = judged.failing.zip(judged.of).filter(|(_, of)| *of > 0);
        let found = match (&judged.found, &judged.groups) {
            (Some(found), _) => Some(found.clone()),
            (None, Some(groups)) => Some(format!("{} of {} groups", groups.failing, groups.of)),
            (None, None) => None,
        };
        let mut row = vec![
            Cell::text(verdict.name.clone()),
            Cell::text(verdict.dimension.name()),
            Cell::text(judged.grade.word()),
            judged.failing.map_or(Cell::Empty, Cell::count),
            judged.of.map_or(Cell::Empty, Cell::count),
            Cell::number(share.map(|(failing, of)| failing as f64 / of as f64)),
            Cell::optional(allowed(verdict)),
            Cell::optional(found.filter(|found| !found.is_empty())),
        ];
        if before.is_there() {
            row.push(before.failing(&verdict.name).map_or(Cell::Empty, Cell::count));
        }
        row
    });
    Exhibit::Table(Table { title: "Checks".to_owned(), columns, rows: rows.collect(), note: None })
}

/// The thresholds, where they are not simply none.
fn allowed(verdict: &Verdict) -> Option<String> {
    verdict.failing().as_ref()?;
    let level = |word: &str, allowed: Option<super::verdict::Allowed>| {
        allowed
            .filter(|allowed| *allowed != super::verdict::Allowed::Rows(0))
            .map(|allowed| format!("{word} above {}", allowed.shown()))
    };
    let words: Vec<String> = level("warns", verdict.warn).into_iter().chain(level("fails", verdict.fail)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn groups(verdict: &Verdict, judged: &Judged) -> Option<Exhibit> {
    let groups = judged.groups.as_ref().filter(|groups| !groups.worst.is_empty())?;
    let rows = groups.worst.iter().map(|(group, found, _)| vec![Cell::text(group.clone()), Cell::text(found.clone())]);
    let shown = groups.worst.len() as u64;
    let note = (groups.failing > shown).then(|| format!("The worst {shown} of {}.", groups.failing));
    Some(Exhibit::Table(Table {
        title: format!("Groups that fail: {}", verdict.name),
        columns: vec![Column::new("group"), Column::new("found")],
        rows: rows.collect(),
        note,
    }))
}
