//! The tables of a search: the best options, what became of each target, the values of lists, the best trials.

use super::super::space::Dimension;
use super::Shown;
use crate::definition::{find, to_yaml_line};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::tuning::Attempt;

/// Trials that are listed.
const LISTED: usize = 15;

/// To be copied into the pipeline file.
pub(super) fn best(shown: &Shown<'_>) -> Exhibit {
    let rows = shown.dimensions.iter().zip(&shown.best.point).map(|(dimension, value)| {
        let written = shown.work.search.written.get(&dimension.stage);
        let written = written.and_then(|node| find(node, &dimension.steps));
        let written = written.map(|node| to_yaml_line(&serde_json::to_value(node).unwrap_or_default()));
        vec![Cell::text(dimension.path.clone()), Cell::text(dimension.text(*value)), Cell::optional(written)]
    });
    let columns = vec![Column::new("option"), Column::new("best"), Column::new("as written")];
    let note = Some("Values are as a pipeline file has them. An empty cell: the default.".to_owned());
    Exhibit::Table(Table { title: "Best options".to_owned(), columns, rows: rows.collect(), note })
}

/// Where several targets are judged together: what became of each.
pub(super) fn by_target(shown: &Shown<'_>) -> Option<Exhibit> {
    let judge = &shown.work.judge;
    let rows = judge.judged.iter().enumerate().map(|(at, judged)| {
        vec![
            Cell::text(judged.target.clone()),
            Cell::text(judged.metric.name()),
            Cell::number(shown.written.and_then(|written| written.get(at).copied())),
            Cell::number(shown.best.values.get(at).copied()),
        ]
    });
    let columns =
        vec![Column::new("target"), Column::new("metric"), Column::new("as written"), Column::new("best trial")];
    let note = "The value of a trial is the mean over the targets of its loss divided by that of the options as they are written (of a gain, \
                what is missing to 1 takes the place of the loss): below 1 is better than as written.";
    judge.is_joint().then(|| {
        Exhibit::Table(Table {
            title: "The best trial by target".to_owned(),
            columns,
            rows: rows.collect(),
            note: Some(note.to_owned()),
        })
    })
}

/// How good each value of a list was.
pub(super) fn by_choice(shown: &Shown<'_>, dimension: &Dimension, tried: &[(f64, &Attempt)]) -> Exhibit {
    let judge = &shown.work.judge;
    let rows = dimension.ends().into_iter().map(|choice| {
        let of_choice = tried.iter().filter(|(value, _)| *value == choice);
        let mut losses: Vec<f64> = of_choice.filter_map(|(_, attempt)| attempt.loss).collect();
        losses.sort_by(f64::total_cmp);
        let at = |place: usize| losses.get(place).copied();
        let (lower, upper) = (at(losses.len().saturating_sub(1) / 2), at(losses.len() / 2));
        let median = lower.zip(upper).map(|(lower, upper)| judge.turned((lower + upper) / 2.0));
        vec![
            Cell::text(dimension.text(choice)),
            Cell::count(losses.len() as u64),
            Cell::number(at(0).map(|loss| judge.turned(loss))),
            Cell::number(median),
        ]
    });
    let columns = vec![
        Column::new("value"),
        Column::formatted("trials", Format::Integer),
        Column::new(format!("best {}", shown.metric())),
        Column::new("median"),
    ];
    Exhibit::table(dimension.name(), columns, rows.collect())
}

/// The best trials.
#[expect(clippy::cast_precision_loss, reason = "counts of trials")]
pub(super) fn trials(shown: &Shown<'_>) -> Exhibit {
    let mut attempts: Vec<&Attempt> = shown.comparable();
    let count = attempts.len();
    let judge = &shown.work.judge;
    let of_targets = if judge.is_joint() { judge.judged.as_slice() } else { &[] };
    attempts.sort_by(|a, b| a.loss.unwrap_or(f64::INFINITY).total_cmp(&b.loss.unwrap_or(f64::INFINITY)));
    let rows = attempts.into_iter().take(LISTED).map(|attempt| {
        let mut row = vec![
            Cell::number((attempt.configuration + 1) as f64),
            match &attempt.failure {
                Some(failure) => Cell::text(format!("failed: {failure}")),
                None => Cell::number(shown.value(attempt)),
            },
            Cell::number(attempt.seconds),
        ];
        row.extend((0..of_targets.len()).map(|at| Cell::number(attempt.values.get(at).copied())));
        row.extend(
            shown.dimensions.iter().zip(&attempt.point).map(|(dimension, value)| Cell::text(dimension.text(*value))),
        );
        row
    });
    let mut columns = vec![
        Column::formatted("trial", Format::Integer),
        Column::new(shown.metric()),
        Column::formatted("time", Format::Seconds),
    ];
    columns
        .extend(of_targets.iter().map(|judged| Column::new(format!("{} of {}", judged.metric.name(), judged.target))));
    columns.extend(shown.dimensions.iter().map(|dimension| Column::new(dimension.name())));
    let note = format!("`from: {}.trials` reads all of them.", shown.work.id);
    let note = if count > LISTED { format!("{LISTED} of {count}. {note}") } else { note };
    Exhibit::Table(Table { title: "Best trials".to_owned(), columns, rows: rows.collect(), note: Some(note) })
}
