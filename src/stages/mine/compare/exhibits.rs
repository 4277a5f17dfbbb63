//! What a person sees of a comparison: the verdict in words, a row for each column, and the columns that moved most.

use std::collections::BTreeMap;

use super::column::{Compared, Verdict};
use super::side::{Brief, Column as Known, Known as Values, Side};
use super::{Earlier, Kind, Limits};
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
    earlier: &Earlier<'_>,
    limits: &Limits,
) -> Vec<Exhibit> {
    // A side without rows is a warning of its own already, and leaves nothing to count.
    if before.rows == 0 || now.rows == 0 {
        return vec![table(compared, limits)];
    }
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
fn verdict(compared: &[Compared], earlier: &Earlier<'_>) -> Exhibit {
    let with = earlier.name();
    let serious: Vec<&Compared> = compared.iter().filter(|column| column.verdict.is_serious()).collect();
    if serious.is_empty() {
        let have = |count: usize| if count == 1 { "column has" } else { "columns have" };
        let known = compared.len() - number(compared, Verdict::NotCompared);
        let mut text = format!("None of {known} {} drifted from {with}.", have(known));
        for (verdict, told) in [
            (Verdict::Moved, "moved, but less than the thresholds"),
            (Verdict::Unclear, "too few rows to tell drift from chance"),
            (Verdict::NotCompared, "values that cannot be compared"),
        ] {
            let count = number(compared, verdict);
            if count > 0 {
                text += &format!(" {count} {} {told}.", have(count));
            }
        }
        let is_good = known > number(compared, Verdict::Unclear);
        return Exhibit::note(if is_good { Tone::Good } else { Tone::Info }, text);
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
    let rows = Metric::new("rows", now.rows as f64, Format::Integer);
    let mut metrics = vec![
        rows.note(format!("{} before", digits::whole(before.rows))),
        Metric::new("columns", compared.len() as f64, Format::Integer),
    ];
    for (verdict, name) in [
        (Verdict::Drifted, "drifted"),
        (Verdict::Moved, "moved a little"),
        (Verdict::Stable, "stable"),
        (Verdict::Gone, "gone"),
        (Verdict::New, "new"),
        (Verdict::TypeChanged, "type changed"),
        (Verdict::Unclear, "unclear"),
        (Verdict::NotCompared, "not compared"),
    ] {
        let count = number(compared, verdict);
        if count > 0 || matches!(verdict, Verdict::Drifted | Verdict::Moved | Verdict::Stable) {
            metrics.push(Metric::new(name, count as f64, Format::Integer));
        }
    }
    Exhibit::Metrics { title: "Compared".to_owned(), metrics }
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
            mean(column, column.before),
            mean(column, column.now),
        ]
    });
    let mut columns: Vec<Column> =
        ["column", "verdict", "PSI", "Jensen-Shannon", "KS", "Wasserstein"].map(Column::new).to_vec();
    columns.push(Column::formatted("adjusted p", Format::PValue));
    columns.push(Column::formatted("nulls before", Format::Percent));
    columns.push(Column::formatted("nulls", Format::Percent));
    columns.extend(["mean before", "mean"].map(Column::new));
    let left_out = compared.len().saturating_sub(SHOWN);
    let mut note = format!(
        "A column has drifted when its population stability index is above {} or its share of nulls has moved by more than {} \
         percentage points, or when it passes another threshold of the stage. PSI is the population stability index; \
         Wasserstein says how far values have moved on average, in the unit of the column, or in days. p-values tell whether \
         something differs, distances how much.",
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
        Verdict::TypeChanged | Verdict::Unclear | Verdict::NotCompared => {
            format!("{}: {}", column.verdict.name(), column.reason)
        }
        verdict => verdict.name().to_owned(),
    }
}

/// The mean; of times as a day.
fn mean(column: &Compared, of: Option<Brief>) -> Cell {
    let mean = of.and_then(|brief| brief.mean);
    if column.kind != Kind::Time {
        return Cell::number(mean);
    }
    let instant = mean.and_then(|days| jiff::Timestamp::from_second((days * 86_400.0).round() as i64).ok());
    // Spaces that do not break keep the day on one line.
    instant.map_or(Cell::Empty, |instant| Cell::text(instant.strftime("%-d\u{a0}%b\u{a0}%Y").to_string()))
}

/// Both sides of a column as shares of their values.
fn figure(before: &Known, now: &Known) -> Option<Figure> {
    match (&before.values, &now.values) {
        (Values::Numbers(earlier), Values::Numbers(later)) => {
            let is_time = now.kind == Kind::Time;
            numbers(&now.name, earlier, later, is_time)
        }
        (Values::Texts { counts: earlier, .. }, Values::Texts { counts: later, .. }) => {
            Some(texts(&now.name, (earlier, before), (later, now)))
        }
        _ => {
            let name = format!("{} (characters)", now.name);
            numbers(&name, &before.values.lengths()?, &now.values.lengths()?, false)
        }
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
        more => {
            format!("share of the values of each side; {} rarer values are not drawn", digits::whole(more as u64))
        }
    };
    figure.y = Axis { format: NumberFormat::Percent, ..Axis::labelled("share of values") };
    figure
}
