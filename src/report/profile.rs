//! The page of `gristmill profile`: one file for one or more tables.

use maud::{Markup, html};

use super::budget::Budget;
use super::{exhibit, format, page, text};
use crate::exhibit::Cell;
use crate::stages::mine::profile::alerts::{Alert, Severity};
use crate::stages::mine::profile::document::{ColumnProfile, Document, TableProfile};
use crate::stages::mine::profile::exhibits;

/// Alerts that are written out for a table.
const ALERTS: usize = 150;
/// Columns with a figure and all of their numbers, for a table.
const DETAILED: usize = exhibits::FIGURES;
/// Columns with a row in the list, for a table.
const LISTED: usize = 2_000;
/// Bars of a small picture.
const BARS: usize = 24;
/// Frequent values of a column that are shown.
const VALUES: usize = 10;

/// Writes the page of the tables. It is at most 2 MB for a table of 1,000 columns: the first columns have figures and all of
/// their numbers, all have a row with a small picture.
pub fn profile(document: &Document, title: &str) -> String {
    let mut budget = Budget::new();
    let parts: Vec<(String, String, Markup)> = document
        .tables
        .iter()
        .enumerate()
        .flat_map(|(at, table)| parts(table, at, document.tables.len() > 1, &mut budget))
        .collect();
    let contents = html! {
        nav.contents aria-label="Contents" {
            ol { @for (anchor, heading, _) in &parts { li { a href={ "#" (anchor) } { (text::line(heading, 80)) } } } }
        }
    };
    let body = html! {
        header.head {
            p.eyebrow { "Profile of " span.path { (text::line(title, 300)) } }
            div.title { h1 { (text::line(title.rsplit('/').next().unwrap_or(title), 200)) } }
        }
        @for (anchor, heading, body) in &parts {
            section.part id=(anchor) aria-labelledby={ (anchor) "-heading" } {
                h2 id={ (anchor) "-heading" } { (text::line(heading, 200)) }
                (body)
            }
        }
        footer { p { "gristmill " (env!("CARGO_PKG_VERSION")) } }
    };
    page::shell(title, env!("CARGO_PKG_VERSION"), contents, body).into_string()
}

/// The parts of one table: anchor, heading, content.
fn parts(table: &TableProfile, at: usize, several: bool, budget: &mut Budget) -> Vec<(String, String, Markup)> {
    let mut parts = Vec::new();
    let mut add = |anchor: &str, heading: &str, body: Option<Markup>| {
        let heading = if several { format!("{}: {heading}", table.name) } else { heading.to_owned() };
        parts.extend(body.map(|body| (format!("{anchor}-{at}"), heading, body)));
    };
    let overview = exhibit::exhibits(&[exhibits::overview(table)], "", None, budget);
    add(
        "table",
        "The table",
        Some(html! { (overview) p.remark { (exhibits::precision(table)) } (read_as_null(table)) }),
    );
    add(
        "alerts",
        "What to look at",
        (!table.alerts.is_empty()).then(|| alerts(&table.alerts)).and_then(|part| budget.take("alerts", part)),
    );
    add("columns", "Columns", budget.take("lists of columns", list(table)));
    let rest = exhibits::rest(table);
    add("rows", "Between columns", (!rest.is_empty()).then(|| exhibit::exhibits(&rest, "", None, budget)));
    let details: Vec<Markup> = table
        .columns
        .iter()
        .take(DETAILED)
        .filter_map(|column| {
            let part = detail(column, budget);
            budget.take("details of columns", part)
        })
        .collect();
    let shown = details.len();
    add(
        "details",
        "Column by column",
        Some(html! {
            @for part in details { (part) }
            @if shown < table.columns.len() {
                p.remark { "The first " (format::count(shown)) " of " (format::count(table.columns.len())) " columns are written out; `--json` has them all." }
            }
        }),
    );
    parts
}

fn read_as_null(table: &TableProfile) -> Markup {
    html! {
        @if !table.read_as_null.is_empty() {
            p.remark {
                "Read as null: "
                @for (at, word) in table.read_as_null.iter().enumerate() { @if at > 0 { ", " } code { (text::line(word, 40)) } }
                "."
            }
        }
    }
}

fn alerts(alerts: &[Alert]) -> Markup {
    let groups = [
        (Severity::Bad, "bad", "Will make results wrong"),
        (Severity::Warning, "warning", "May make results wrong"),
        (Severity::Info, "info", "Good to know"),
    ];
    html! {
        @for (severity, class, heading) in groups {
            @let of: Vec<&Alert> = alerts.iter().take(ALERTS).filter(|alert| alert.severity == severity).collect();
            @if !of.is_empty() {
                h3 { (heading) " " span.quiet { "(" (format::count(of.len())) ")" } }
                @for alert in of { (entry(alert, class)) }
            }
        }
        @if alerts.len() > ALERTS { p.remark { "The gravest " (format::count(ALERTS)) " of " (format::count(alerts.len())) " are shown." } }
    }
}

fn entry(alert: &Alert, class: &str) -> Markup {
    html! {
        details class={ "alert " (class) } {
            summary {
                @if !alert.columns.is_empty() { strong { (text::line(&alert.columns.join(", "), 160)) } " " }
                (text::prose(&alert.message, 400))
            }
            p { (text::prose(&alert.why, 400)) }
            @if let Some(yaml) = &alert.mend { pre.options tabindex="0" { code { (text::block(yaml, 1_000)) } } }
        }
    }
}

/// A row for each column, with a small picture of its values.
fn list(table: &TableProfile) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Columns" {
            table.profile {
                thead { tr {
                    @for heading in ["column", "type", "meaning", "values", "null", "distinct", "range", "most frequent"] { th scope="col" { (heading) } }
                } }
                tbody {
                    @for column in table.columns.iter().take(LISTED) {
                        tr {
                            td { span.id { (text::line(&column.name, 60)) } }
                            td.quiet { (text::line(&column.r#type, 40)) }
                            td title=(text::line(&column.because, 120)) { (column.meaning.words()) }
                            td { (picture(column)) }
                            td.n { (nulls(column)) }
                            td.n { (distinct(column)) }
                            td { (text::line(&exhibits::range(column), 60)) }
                            td { (text::line(&exhibits::frequent(column, 2), 60)) }
                        }
                    }
                }
            }
        }
        @if table.columns.len() > LISTED { p.remark { "The first " (format::count(LISTED)) " of " (format::count(table.columns.len())) " columns are shown." } }
    }
}

fn nulls(column: &ColumnProfile) -> String {
    if column.nulls == 0 { "0".to_owned() } else { format::value(column.null_share(), crate::exhibit::Format::Percent) }
}

fn distinct(column: &ColumnProfile) -> String {
    match exhibits::distinct(column) {
        Cell::Number(count) => format::value(count, crate::exhibit::Format::Integer),
        Cell::Text(text) => text,
        Cell::Empty => format::NOTHING.to_owned(),
    }
}

/// A histogram of numbers or lengths, or the shares of the most frequent values, as one path.
fn picture(column: &ColumnProfile) -> Markup {
    let frequent = || column.top.iter().map(|top| top.count).collect::<Vec<u64>>();
    let counts = match (&column.numbers, &column.texts) {
        _ if column.distinct.count <= 1 => Vec::new(),
        (Some(numbers), _) if column.distinct.count > 10 => gathered(&numbers.counts),
        (_, Some(texts)) if column.distinct.count > 50 => gathered(&texts.counts),
        _ => frequent(),
    };
    let most = counts.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return html! {};
    }
    #[expect(clippy::cast_precision_loss, reason = "a bar of 18 pixels")]
    let height = |count: u64| if count == 0 { 0 } else { ((count as f64 / most as f64 * 18.0).round() as u64).max(1) };
    let width = (72 / counts.len().max(1)).clamp(2, 8);
    let mut path = String::new();
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        path.push_str(&format!("M{} 18v-{}h{}V18z", at * width, height(*count), width - 1));
    }
    html! { svg.spark width=(counts.len() * width) height="18" aria-hidden="true" { path d=(path) {} } }
}

/// At most [`BARS`] bins of neighbours taken together.
fn gathered(counts: &[u64]) -> Vec<u64> {
    counts.chunks(counts.len().div_ceil(BARS).max(1)).map(|bins| bins.iter().sum()).collect()
}

/// Everything about a column.
fn detail(column: &ColumnProfile, budget: &mut Budget) -> Markup {
    let figure = exhibits::figure(column).filter(|_| budget.take_figure());
    html! {
        section.stage {
            header {
                h3 { span.name { (text::line(&column.name, 120)) } }
                p.facts { span { (text::line(&column.r#type, 60)) } span { (column.meaning.words()) ": " (text::line(&column.because, 160)) } }
            }
            div.columns-2 {
                dl.facts-list { @for (name, value) in facts(column) { div { dt { (name) } dd { (text::line(&value, 160)) } } } }
                @if let Some(figure) = &figure { (exhibit::figure(figure)) } @else { (frequent(column)) }
            }
            @if figure.is_some() && column.distinct.count <= 1_000 && column.texts.is_none() { details { summary { "Most frequent values" } (frequent(column)) } }
        }
    }
}

/// The most frequent values with bars.
fn frequent(column: &ColumnProfile) -> Markup {
    let most = column.top.first().map_or(1, |top| top.count.max(1));
    html! {
        @if !column.top.is_empty() {
            table.frequent {
                tbody {
                    @for top in column.top.iter().take(VALUES) {
                        tr {
                            td { @if top.value.is_empty() { span.quiet { "(empty)" } } @else { (text::line(&top.value, 50)) } }
                            td.n { @if top.error > 0 { "≤ " } (format::rows(top.count)) }
                            td {
                                svg.spark width="80" height="10" aria-hidden="true" {
                                    rect height="10" width=(bar(top.count, most)) {}
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn bar(count: u64, most: u64) -> u64 {
    (count.saturating_mul(80) / most.max(1)).max(1)
}

/// The numbers of a column, by name.
fn facts(column: &ColumnProfile) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("values", format::rows(column.values())),
        (
            "null",
            if column.nulls == 0 {
                "none".to_owned()
            } else {
                format!("{} ({})", format::rows(column.nulls), nulls(column))
            },
        ),
        ("distinct", distinct(column)),
    ];
    if let Some(times) = &column.times {
        facts.push(("first", times.first.clone()));
        facts.push(("last", times.last.clone()));
        facts.extend(times.days.map(|days| ("different days", format::rows(days))));
        facts.extend(times.missing_days.map(|days| ("days without a value", format::rows(days))));
        facts.extend(
            times
                .gaps
                .first()
                .map(|(from, to)| ("longest gap", if from == to { from.clone() } else { format!("{from} to {to}") })),
        );
    } else if let Some(numbers) = &column.numbers {
        let mut number = |name, value: Option<f64>| facts.extend(value.map(|value| (name, exhibits::plain(value))));
        number("mean", numbers.mean);
        number("standard deviation", numbers.sd);
        number("min", numbers.min);
        number("5 %", numbers.quantile(0.05));
        number("25 %", numbers.quantile(0.25));
        number("median", numbers.quantile(0.5));
        number("75 %", numbers.quantile(0.75));
        number("95 %", numbers.quantile(0.95));
        number("max", numbers.max);
        number("skewness", numbers.skewness);
        let mut count = |name, count: u64| facts.extend((count > 0).then(|| (name, format::rows(count))));
        count("zeros", numbers.zeros);
        count("negative", numbers.negative);
        count("NaN", numbers.nan);
        count("infinite", numbers.infinite);
        count("beyond 1.5 IQR", numbers.outliers);
        count("beyond 3 IQR", numbers.far_outliers);
        facts.extend(numbers.order.clone().map(|order| ("order", order)));
    }
    if let Some(texts) = &column.texts {
        facts.push((
            "characters",
            format!("{} to {}, {:.1} on average", texts.shortest, texts.longest, texts.mean_length),
        ));
        facts.push(("words", format!("{:.1} on average", texts.mean_words)));
        let mut count = |name, count: u64| facts.extend((count > 0).then(|| (name, format::rows(count))));
        count("blank", texts.classes.blank);
        count("white space at an end", texts.classes.untrimmed);
        count("digits only", texts.classes.digits_only);
        count("letters only", texts.classes.letters_only);
        count("beyond ASCII", texts.classes.beyond_ascii);
        count("control characters", texts.classes.control);
        if let Some((kind, rows)) = texts.kinds.first() {
            facts.push(("form", format!("{kind} ({})", format::rows(*rows))));
        }
        facts.extend(texts.holds.clone().map(|holds| ("holds", holds)));
        let shapes: Vec<String> = texts
            .shapes
            .iter()
            .take(3)
            .map(|shape| format!("{} ({})", shape.value, format::rows(shape.count)))
            .collect();
        facts.push(("shapes", shapes.join(", ")));
    }
    facts
}
