//! What a person sees of a comparison: the verdict in words, a row for each column, and the columns that moved most.

use std::collections::BTreeMap;

use super::Limits;
use super::column::{Compared, Verdict};
use super::side::{Column as Known, Known as Values, Side};
use crate::chart::{Axis, Bar, Figure, Histogram, Mark, NumberFormat, Scale, Series};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::statistics::drift::Empirical;
use crate::statistics::histogram;

/// Columns in the table of the report at most.
const SHOWN: usize = 50;
/// Columns that are drawn at most.
const DRAWN: usize = 6;
/// Bins of a drawn column.
const BINS: usize = 30;
/// Values of a drawn column of texts.
const VALUES: usize = 12;
/// The share of values on either end that is not drawn, so that a few far values do not flatten the rest.
const END: f64 = 0.005;
const MICROSECONDS_OF_A_DAY: f64 = 86_400e6;

/// What is said in the first run.
pub(super) fn first_run() -> Exhibit {
    let text = "There is no earlier good run of this pipeline: the next one is compared with this one.";
    Exhibit::note(Tone::Info, text)
}

pub(super) fn all(
    compared: &[Compared],
    before: &Side,
    now: &Side,
    earlier: Option<&str>,
    limits: &Limits,
) -> Vec<Exhibit> {
    let mut exhibits = vec![verdict(compared, earlier), metrics(compared, before, now), table(compared, limits)];
    let moved = compared.iter().filter(|column| matches!(column.verdict, Verdict::Drifted | Verdict::Moved));
    let figures = moved.filter_map(|column| {
        let figure = figure(before.column(&column.name)?, now.column(&column.name)?)?;
        Some(Exhibit::Figure(Box::new(Figure { note: column.reason.clone(), ..figure })))
    });
    exhibits.extend(figures.take(DRAWN));
    exhibits
}

fn number(compared: &[Compared], verdict: Verdict) -> usize {
    compared.iter().filter(|column| column.verdict == verdict).count()
}

/// In a sentence.
fn verdict(compared: &[Compared], earlier: Option<&str>) -> Exhibit {
    let with = match earlier {
        Some(stage) => format!("stage `{stage}`"),
        None => "the last good run".to_owned(),
    };
    let serious: Vec<&Compared> = compared.iter().filter(|column| column.verdict.is_serious()).collect();
    let moved = number(compared, Verdict::Moved);
    if serious.is_empty() {
        let columns = if compared.len() == 1 { "column has" } else { "columns have" };
        let mut text = format!("None of {} {columns} drifted from {with}.", compared.len());
        if moved > 0 {
            let moved_columns = if moved == 1 { "column has" } else { "columns have" };
            text += &format!(" {moved} {moved_columns} moved, but less than the thresholds.");
        }
        return Exhibit::note(Tone::Good, text);
    }
    let names: Vec<String> = serious.iter().take(5).map(|column| format!("`{}`", column.name)).collect();
    let more = serious.len().saturating_sub(5);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let text = format!(
        "{} of {} columns are not what they were in {with}: {}{more}.",
        serious.len(),
        compared.len(),
        names.join(", ")
    );
    // Each of them is a warning of its own already.
    Exhibit::note(Tone::Info, text)
}

fn metrics(compared: &[Compared], before: &Side, now: &Side) -> Exhibit {
    let count = |verdict| number(compared, verdict) as f64;
    Exhibit::Metrics {
        title: "Compared".to_owned(),
        metrics: vec![
            Metric::new("rows", now.rows as f64, Format::Integer)
                .note(format!("{} before", digits::whole(before.rows))),
            Metric::new("columns", compared.len() as f64, Format::Integer),
            Metric::new("drifted", count(Verdict::Drifted), Format::Integer),
            Metric::new("moved a little", count(Verdict::Moved), Format::Integer),
            Metric::new("stable", count(Verdict::Stable), Format::Integer),
            Metric::new("gone", count(Verdict::Gone), Format::Integer),
            Metric::new("new", count(Verdict::New), Format::Integer),
        ],
    }
}

fn table(compared: &[Compared], limits: &Limits) -> Exhibit {
    let rows = compared.iter().take(SHOWN).map(|column| {
        vec![
            Cell::text(column.name.clone()),
            Cell::text(told(column)),
            Cell::number(column.psi),
            Cell::number(column.jensen_shannon),
            Cell::number(column.ks),
            Cell::number(column.wasserstein),
            Cell::number(column.p_adjusted),
            Cell::number(column.before.and_then(|brief| brief.null_share())),
            Cell::number(column.now.and_then(|brief| brief.null_share())),
            Cell::number(column.before.and_then(|brief| brief.mean)),
            Cell::number(column.now.and_then(|brief| brief.mean)),
        ]
    });
    let mut columns: Vec<Column> =
        ["column", "verdict", "psi", "Jensen-Shannon", "KS", "Wasserstein"].map(Column::new).to_vec();
    columns.push(Column::formatted("adjusted p", Format::PValue));
    columns.push(Column::formatted("nulls before", Format::Percent));
    columns.push(Column::formatted("nulls", Format::Percent));
    columns.extend(["mean before", "mean"].map(Column::new));
    let left_out = compared.len().saturating_sub(SHOWN);
    let mut note = format!(
        "A column has drifted when its population stability index is above {} or its share of nulls has moved by more than {} \
         percentage points, or when it passes another threshold of the stage. p-values tell whether something differs, \
         distances how much.",
        limits.psi,
        limits.nulls * 100.0
    );
    if left_out > 0 {
        note += &format!(" {left_out} more columns are in the stage's table.");
    }
    let title = "Columns, the most serious first".to_owned();
    Exhibit::Table(Table { title, columns, rows: rows.collect(), note: Some(note) })
}

/// The verdict, with its reason where the numbers beside it do not give it.
fn told(column: &Compared) -> String {
    match column.verdict {
        Verdict::TypeChanged | Verdict::NotCompared => format!("{}: {}", column.verdict.name(), column.reason),
        verdict => verdict.name().to_owned(),
    }
}

/// Both sides of a column as shares of their values.
fn figure(before: &Known, now: &Known) -> Option<Figure> {
    match (&before.values, &now.values) {
        (Values::Numbers(earlier), Values::Numbers(later)) => {
            let is_time = now.kind == super::Kind::Time;
            numbers(&now.name, earlier, later, is_time)
        }
        (Values::Texts { counts: earlier, .. }, Values::Texts { counts: later, .. }) => {
            Some(texts(&now.name, (earlier, before), (later, now)))
        }
        _ => None,
    }
}

fn numbers(name: &str, before: &Empirical, now: &Empirical, is_time: bool) -> Option<Figure> {
    let low = at_share(before, END)?.min(at_share(now, END)?);
    let high = at_share(before, 1.0 - END)?.max(at_share(now, 1.0 - END)?);
    let edges = histogram::nice_edges(low, high, BINS, histogram::Scale::Real);
    let shares = |values: &Empirical| {
        let (all, mut counts) = (values.count() as f64, vec![0_u64; edges.len().saturating_sub(1)]);
        for (value, weight) in values.iter() {
            let place = edges.partition_point(|edge| *edge <= value).checked_sub(1);
            // The last bin holds its upper edge too.
            let place = place.map(|at| if edges.last() == Some(&value) { at.saturating_sub(1) } else { at });
            if let Some(count) = place.and_then(|at| counts.get_mut(at)) {
                *count += weight;
            }
        }
        counts.into_iter().map(move |count| Some(count as f64 / all)).collect::<Vec<_>>()
    };
    let series = vec![Series::new("before", shares(before)), Series::new("now", shares(now))];
    let scale = if is_time { MICROSECONDS_OF_A_DAY } else { 1.0 };
    let edges: Vec<f64> = edges.iter().map(|edge| edge * scale).collect();
    let mut figure = Figure::new(name, Mark::Histogram(Histogram { edges, series, stacked: false }));
    figure.subtitle = "share of the values of each side; the outermost 0.5 % may lie beyond".to_owned();
    figure.x = Axis { scale: if is_time { Scale::Time } else { Scale::Linear }, ..Axis::labelled(name) };
    figure.y = Axis { format: NumberFormat::Percent, ..Axis::labelled("share of values") };
    Some(figure)
}

/// The smallest value at or below which at least that share of the values lies.
fn at_share(values: &Empirical, share: f64) -> Option<f64> {
    let wanted = values.count() as f64 * share;
    let mut up_to = 0;
    let mut found = None;
    for (value, weight) in values.iter() {
        up_to += weight;
        found = Some(value);
        if up_to as f64 >= wanted {
            break;
        }
    }
    found
}

fn texts(name: &str, before: (&[(String, u64)], &Known), now: (&[(String, u64)], &Known)) -> Figure {
    let mut shares: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
    for (at, (counts, column)) in [before, now].into_iter().enumerate() {
        let present = column.brief.rows.saturating_sub(column.brief.nulls).max(1) as f64;
        for (text, count) in counts {
            if let Some(share) = shares.entry(text).or_default().get_mut(at) {
                *share = *count as f64 / present;
            }
        }
    }
    let mut sorted: Vec<(&str, [f64; 2])> = shares.into_iter().collect();
    sorted.sort_by(|a, b| b.1[0].max(b.1[1]).total_cmp(&a.1[0].max(a.1[1])).then(a.0.cmp(b.0)));
    let left_out = sorted.len().saturating_sub(VALUES);
    sorted.truncate(VALUES);
    let side = |at: usize| sorted.iter().map(move |(_, shares)| shares.get(at).copied());
    let series = vec![Series::new("before", side(0)), Series::new("now", side(1))];
    let mut figure = Figure::new(name, Mark::Bar(Bar::new(sorted.iter().map(|(text, _)| *text), series)));
    figure.subtitle = match left_out {
        0 => "share of the values of each side".to_owned(),
        more => format!("share of the values of each side; {more} rarer values are not drawn"),
    };
    figure.y = Axis { format: NumberFormat::Percent, ..Axis::labelled("share of values") };
    figure
}
