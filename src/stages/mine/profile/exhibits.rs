//! A profile as a person looks at it.

mod compared;

use super::alerts::{Alert, Severity};
use super::document::{ColumnProfile, Meaning, PairCorrelation, TableProfile, share};
use crate::chart::{Axis, ColourScale, Figure, Heatmap, Histogram, Mark, Scale};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table};

/// Histograms that are drawn at most.
pub(crate) const FIGURES: usize = 24;
/// Columns of the correlation heatmap.
const HEATMAP: usize = 20;

/// Everything to look at in a pipeline's report.
pub(super) fn of(table: &TableProfile, figures: bool) -> Vec<Exhibit> {
    let mut exhibits = vec![overview(table)];
    exhibits.extend(alerts(&table.alerts));
    exhibits.push(columns(table));
    exhibits.extend(rest(table));
    if figures {
        exhibits.extend(
            table.columns.iter().filter_map(figure).take(FIGURES).map(|figure| Exhibit::Figure(Box::new(figure))),
        );
    }
    exhibits
}

/// What stands below the columns: null patterns, correlations, keys and dependencies, the comparison.
pub(crate) fn rest(table: &TableProfile) -> Vec<Exhibit> {
    let mut exhibits: Vec<Exhibit> =
        table.comparison.iter().flat_map(|other| compared::exhibits(other, table)).collect();
    exhibits.extend(null_patterns(table));
    exhibits.extend(heatmap(table).map(|figure| Exhibit::Figure(Box::new(figure))));
    exhibits.extend(correlations(table));
    exhibits.extend(structure(table));
    exhibits
}

/// The numbers that matter.
pub(crate) fn overview(table: &TableProfile) -> Exhibit {
    #[expect(clippy::cast_precision_loss, reason = "counts that are shown")]
    let count = |count: u64| count as f64;
    let cells = table.rows * table.columns.len() as u64;
    let duplicates = Metric::new("duplicate rows", count(table.duplicates.rows), Format::Integer);
    let duplicates = if table.duplicates.exact {
        duplicates
    } else {
        duplicates.note(format!("estimated, ± {:.2} % of the rows", table.duplicates.standard_error * 100.0))
    };
    let of = |severity: Severity| table.alerts.iter().filter(|alert| alert.severity == severity).count() as u64;
    let grave = of(Severity::Bad) + of(Severity::Warning);
    let metrics = vec![
        Metric::new("rows", count(table.rows), Format::Integer),
        Metric::new("columns", count(table.columns.len() as u64), Format::Integer),
        Metric::new("null cells", share(table.nulls.cells, cells), Format::Percent),
        Metric::new("complete rows", share(table.nulls.complete_rows, table.rows), Format::Percent),
        duplicates,
        Metric::new("to look at", count(grave), Format::Integer)
            .note(format!("and {} good to know", digits::whole(of(Severity::Info)))),
    ];
    Exhibit::Metrics { title: String::new(), metrics }
}

/// `amount: 3 NaN and 0 infinite values`
pub(super) fn sentence(alert: &Alert) -> String {
    if alert.columns.is_empty() {
        alert.message.clone()
    } else {
        format!("{}: {}", alert.columns.join(", "), alert.message)
    }
}

fn alerts(alerts: &[Alert]) -> Option<Exhibit> {
    let word = |severity: Severity| match severity {
        Severity::Bad => "bad",
        Severity::Warning => "warning",
        Severity::Info => "good to know",
    };
    let rows = alerts.iter().take(200).map(|alert| {
        vec![
            Cell::text(word(alert.severity)),
            Cell::text(alert.columns.join(", ")),
            Cell::text(alert.message.clone()),
            Cell::text(alert.why.clone()),
            Cell::optional(
                alert.mend.as_ref().map(|yaml| if yaml.contains('`') { yaml.clone() } else { format!("`{yaml}`") }),
            ),
        ]
    });
    let columns = ["", "columns", "what", "why it matters", "stage to paste"].map(Column::new).to_vec();
    (!alerts.is_empty()).then(|| Exhibit::table("To look at", columns, rows.collect()))
}

/// A row for each column.
fn columns(table: &TableProfile) -> Exhibit {
    let rows = table.columns.iter().map(|column| {
        vec![
            Cell::text(column.name.clone()),
            Cell::text(column.r#type.clone()),
            Cell::text(column.meaning.words()),
            Cell::number(column.null_share()),
            distinct(column),
            Cell::text(range(column)),
            Cell::text(frequent(column, 3)),
        ]
    });
    let headings = vec![
        Column::new("column"),
        Column::new("type"),
        Column::new("meaning"),
        Column::formatted("null", Format::Percent),
        Column::formatted("distinct", Format::Integer),
        Column::new("range"),
        Column::new("most frequent"),
    ];
    Exhibit::Table(Table {
        title: "Columns".to_owned(),
        columns: headings,
        rows: rows.collect(),
        note: Some(precision(table)),
    })
}

/// What is exact and what is not.
pub(crate) fn precision(table: &TableProfile) -> String {
    let estimated = table.columns.iter().filter(|column| !column.distinct.exact).count();
    let sketched = table
        .columns
        .iter()
        .filter_map(|column| column.numbers.as_ref())
        .filter(|numbers| numbers.rank_error > 0.0)
        .count();
    let mut words = Vec::new();
    if estimated > 0 {
        words.push(format!(
            "distinct values of {estimated} columns are estimates with a standard error of 0.8 %, marked with a tilde"
        ));
    }
    if sketched > 0 {
        words.push(format!(
            "quantiles of {sketched} columns are off by at most 0.13 % of the ranks (with 99 % confidence)"
        ));
    }
    if words.is_empty() {
        "All numbers are exact.".to_owned()
    } else {
        format!("Means and deviations are exact; {}.", words.join("; "))
    }
}

pub(crate) fn distinct(column: &ColumnProfile) -> Cell {
    if column.distinct.exact {
        Cell::count(column.distinct.count)
    } else {
        Cell::text(format!("~{}", digits::whole(column.distinct.count)))
    }
}

/// `1 … 12`
pub(crate) fn range(column: &ColumnProfile) -> String {
    if let Some(times) = &column.times {
        return format!("{} … {}", times.first, times.last);
    }
    if let Some(numbers) = &column.numbers {
        let told = |value: Option<f64>| value.map_or("–".to_owned(), plain);
        return format!("{} … {}", told(numbers.min), told(numbers.max));
    }
    column.texts.as_ref().map_or_else(String::new, |texts| {
        if texts.shortest == texts.longest {
            format!("{} characters", texts.longest)
        } else {
            format!("{} … {} characters", texts.shortest, texts.longest)
        }
    })
}

/// A number with at most four significant decimals.
pub(crate) fn plain(value: f64) -> String {
    // Years and times of day such as 1545 have no separators.
    if value.fract() == 0.0 && value.abs() < 1e4 {
        return format!("{value}");
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return digits::fixed(value, 0);
    }
    if !(1e-4..1e15).contains(&value.abs()) {
        return format!("{value:.3e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few decimals")]
    let places = (3.0 - value.abs().log10().floor()).clamp(0.0, 8.0) as usize;
    digits::fixed(value, places)
}

/// `UA (58,665), B6 (54,635)`
pub(crate) fn frequent(column: &ColumnProfile, number: usize) -> String {
    let top = column.top.iter().filter(|top| top.count - top.error > 1).take(number);
    let words = top.map(|top| {
        format!(
            "{} ({}{})",
            crate::files::shown(&top.value),
            if top.error > 0 { "≤ " } else { "" },
            digits::whole(top.count)
        )
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The distribution of a column of numbers, or of the lengths of its texts.
pub(crate) fn figure(column: &ColumnProfile) -> Option<Figure> {
    let numbers = column.numbers.as_ref().filter(|numbers| numbers.counts.len() > 1 && column.distinct.count > 1)?;
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
    let counts = numbers.counts.iter().map(|&count| Some(count as f64));
    // Times are drawn in microseconds.
    let (factor, scale) = match (&column.times, column.meaning) {
        (None, _) => (1.0, Scale::Linear),
        (Some(_), Meaning::Date) => (86_400e6, Scale::Time),
        (Some(_), _) => (1e6, Scale::Time),
    };
    let edges = numbers.edges.iter().map(|edge| edge * factor).collect();
    let mut figure = Figure::new(&column.name, Mark::Histogram(Histogram::new(edges, counts)));
    figure.x = Axis { scale, ..Axis::default() };
    figure.y = Axis::labelled("rows");
    figure.height = Some(200);
    figure.width = 400;
    Some(figure)
}

fn heatmap(table: &TableProfile) -> Option<Figure> {
    let names: Vec<&String> = table
        .correlated
        .iter()
        .filter(|name| table.correlations.iter().any(|pair| pair.left == **name || pair.right == **name))
        .take(HEATMAP)
        .collect();
    if names.len() < 3 {
        return None;
    }
    let between = |a: &String, b: &String| {
        if a == b {
            return Some(1.0);
        }
        let is =
            |pair: &&PairCorrelation| (&pair.left == a && &pair.right == b) || (&pair.left == b && &pair.right == a);
        // Two decimals are what a cell can hold.
        table.correlations.iter().find(is).map(|pair| (pair.coefficient * 100.0).round() / 100.0)
    };
    let values = names.iter().map(|a| names.iter().map(|b| between(a, b)).collect()).collect();
    let labels: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
    let map = Heatmap::new(labels.clone(), labels, values, ColourScale::Diverging { bound: Some(1.0) });
    let mut figure = Figure::new("Pearson's correlation of columns of numbers", Mark::Heatmap(map));
    figure.subtitle = "rows in which both have a value".to_owned();
    Some(figure)
}

fn correlations(table: &TableProfile) -> Option<Exhibit> {
    let strong: Vec<_> = table.correlations.iter().filter(|pair| pair.coefficient.abs() >= 0.5).take(20).collect();
    let rows = strong.iter().map(|pair| {
        vec![
            Cell::text(pair.left.clone()),
            Cell::text(pair.right.clone()),
            Cell::number(pair.coefficient),
            Cell::count(pair.count),
        ]
    });
    let columns =
        vec![Column::new("column"), Column::new("and"), Column::new("r"), Column::formatted("rows", Format::Integer)];
    (!strong.is_empty()).then(|| Exhibit::table("Strongest correlations", columns, rows.collect()))
}

fn null_patterns(table: &TableProfile) -> Option<Exhibit> {
    let patterns = &table.nulls.patterns;
    let rows = patterns.iter().take(12).map(|(columns, rows)| {
        vec![Cell::text(named(columns)), Cell::count(*rows), Cell::number(share(*rows, table.rows))]
    });
    let columns = vec![
        Column::new("null in"),
        Column::formatted("rows", Format::Integer),
        Column::formatted("of all rows", Format::Percent),
    ];
    let shown: u64 = patterns.iter().take(12).map(|(_, rows)| rows).sum();
    let others = table.rows - table.nulls.complete_rows - shown.min(table.rows - table.nulls.complete_rows);
    let note = format!(
        "{} have no null.{}",
        digits::rows(table.nulls.complete_rows),
        if others > 0 { format!(" {} have other sets of nulls.", digits::rows(others)) } else { String::new() }
    );
    (!patterns.is_empty()).then(|| {
        Exhibit::Table(Table {
            title: "Columns that are null together".to_owned(),
            columns,
            rows: rows.collect(),
            note: Some(note),
        })
    })
}

fn named(columns: &[String]) -> String {
    match columns.get(..8) {
        Some(first) if columns.len() > 9 => format!("{} and {} more", first.join(", "), columns.len() - 8),
        _ => columns.join(", "),
    }
}

fn structure(table: &TableProfile) -> Vec<Exhibit> {
    let mut exhibits = Vec::new();
    if !table.keys.is_empty() {
        let rows = table.keys.iter().take(20).map(|key| {
            vec![
                Cell::text(key.columns.join(", ")),
                Cell::text(if key.exact { "all rows" } else { "a sample" }),
                Cell::count(key.compared),
            ]
        });
        let columns = vec![
            Column::new("columns"),
            Column::new("tested on"),
            Column::formatted("values compared", Format::Integer),
        ];
        exhibits.push(Exhibit::table("Possible keys", columns, rows.collect()));
    }
    if !table.dependencies.is_empty() {
        let rows = table.dependencies.iter().take(30).map(|dependency| {
            vec![
                Cell::text(dependency.from.clone()),
                Cell::text(dependency.to.clone()),
                Cell::number(dependency.violations),
                Cell::text(if dependency.exact { "all rows" } else { "a sample of the values" }),
            ]
        });
        let columns = vec![
            Column::new("column"),
            Column::new("determines"),
            Column::formatted("rows that break it", Format::Percent),
            Column::new("tested on"),
        ];
        let note = "Proposed by the first 16,384 rows among the first 40 columns; the share is the least part of rows that have to go so that it holds (g3).";
        exhibits.push(Exhibit::Table(Table {
            title: "Columns that say what another one says".to_owned(),
            columns,
            rows: rows.collect(),
            note: Some(note.to_owned()),
        }));
    }
    exhibits
}
