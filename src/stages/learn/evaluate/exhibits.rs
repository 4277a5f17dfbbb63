//! What people see first: the metrics with their intervals beside the best simple model, and all models side by side.

use super::intervals::{Measured, RESAMPLES};
use super::models::{Learned, NETWORK};
use super::slices::{self, Group};
use super::truth::Truth;
use super::verdict::{Comparison, Rules, Scored, Verdict};
use crate::chart::{Axis, Figure, Interval, Mark, Reference};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::statistics::evaluation::judge::{Metric as Judged, Unit};

/// Metrics that stand at the top, and in the table of models.
const HEADLINE: usize = 9;
const COMPARED: usize = 7;
/// The same for numbers, whose metrics have long names.
const COMPARED_NUMBERS: usize = 5;
/// Groups that are named at most.
const NAMED: usize = 5;

pub(super) fn format(metric: &Judged) -> Format {
    if metric.unit == Unit::Share { Format::Percent } else { Format::Number }
}

/// A number as people read it.
pub(super) fn written(value: f64, format: Format) -> String {
    if format == Format::Percent { format!("{:.1} %", value * 100.0) } else { four_digits(value) }
}

/// Four significant digits.
fn four_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
    let digits = (3.0 - magnitude).max(0.0) as usize;
    format!("{value:.digits$}")
}

fn range((low, high): (f64, f64), format: Format) -> String {
    format!("{} to {}", written(low, format), written(high, format))
}

/// The metrics of the network, each with its interval and the value of the best simple model.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
pub(super) fn headline(title: String, verdict: &Verdict, rows: usize) -> Option<Exhibit> {
    let network = verdict.scored.first()?;
    let baseline = verdict.comparison.as_ref().map(|comparison| comparison.baseline.as_str());
    let baseline = baseline.and_then(|name| verdict.scored.iter().find(|scored| scored.model == name));
    let metrics = network.metrics.iter().zip(&network.values).take(HEADLINE).map(|(metric, value)| {
        let format = format(metric);
        let interval = network.interval(&metric.name).map(|interval| range(interval, format));
        let beside = baseline
            .and_then(|scored| Some(format!("{} {}", scored.model, written(scored.value(&metric.name)?, format))));
        let note = interval.into_iter().chain(beside).collect::<Vec<_>>().join("; ");
        let shown = Metric::new(metric.name.clone(), *value, format);
        if note.is_empty() { shown } else { shown.note(note) }
    });
    let rows = Metric::new("rows judged", rows as f64, Format::Integer);
    Some(Exhibit::Metrics { title, metrics: metrics.chain([rows]).collect() })
}

/// A sentence on the network and the best simple model.
pub(super) fn sentence(comparison: &Comparison) -> Exhibit {
    let Comparison { baseline, metric, network, of_baseline, .. } = comparison;
    let format = format(metric);
    let numbers = format!("{} {} against {}", metric.name, written(*network, format), written(*of_baseline, format));
    let mut details = Vec::new();
    if let Some((low, high)) = comparison.interval {
        details.push(format!(
            "difference {}, 95 % interval {}",
            written(network - of_baseline, format),
            range((low, high), format)
        ));
    }
    if let Some((test, p)) = comparison.test {
        details.push(format!("{test} {}", digits::p_value(p)));
    }
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join("; ")) };
    let (tone, text) = match (comparison.is_beyond_chance(), comparison.gain() > 0.0) {
        (true, true) => (
            Tone::Good,
            format!("The network is better than every baseline; the best is {baseline}: {numbers}{details}."),
        ),
        (true, false) => (
            Tone::Warning,
            format!(
                "The baseline {baseline} is better than the network: {numbers}{details}. Use the simpler model, or find out why."
            ),
        ),
        (false, _) => (
            Tone::Warning,
            format!(
                "The baseline {baseline} is as good as the network, as far as these rows can tell: {numbers}{details}. The simpler model may do."
            ),
        ),
    };
    Exhibit::note(tone, text)
}

/// All models side by side.
pub(super) fn models(verdict: &Verdict, learned: &Learned, is_binary: bool) -> Option<Exhibit> {
    let network = verdict.scored.first()?;
    let has_unit = network.metrics.iter().any(|metric| metric.unit == Unit::Target);
    let compared = if has_unit { COMPARED_NUMBERS } else { COMPARED };
    let mut columns = vec![Column::new("model")];
    columns.extend(network.metrics.iter().take(compared).map(|metric| Column::formatted(&metric.name, format(metric))));
    if is_binary {
        columns.push(Column::new("threshold"));
    }
    let row = |(place, scored): (usize, &Scored)| {
        let mut row = vec![Cell::text(scored.model.clone())];
        row.extend(network.metrics.iter().take(compared).map(|metric| Cell::number(scored.value(&metric.name))));
        if is_binary {
            row.push(Cell::number(verdict.thresholds.get(place).copied()));
        }
        row
    };
    let rows = verdict.scored.iter().enumerate().map(row).collect();
    let note = (learned.rows > 0).then(|| {
        let of = if (learned.rows as u64) < learned.of {
            format!(", a random part of {}", digits::whole(learned.of))
        } else {
            String::new()
        };
        format!("Baselines learned from {}{of}.", digits::rows(learned.rows as u64))
    });
    Some(Exhibit::Table(Table { title: "Models side by side".to_owned(), columns, rows, note }))
}

/// The first metric of all models with its interval.
pub(super) fn intervals(verdict: &Verdict) -> Option<Exhibit> {
    // A model that says the same of all rows has no spread, and would squeeze the others into a corner.
    let with: Vec<&Scored> = verdict
        .scored
        .iter()
        .filter(|scored| scored.interval(verdict.primary).is_some_and(|(low, high)| low < high))
        .collect();
    if with.len() < 2 {
        return None;
    }
    let estimates = with.into_iter().map(|scored| {
        let (low, high) = scored.interval(verdict.primary).unzip();
        (scored.model.clone(), scored.value(verdict.primary), low, high)
    });
    let metric = verdict.scored.first().and_then(|network| network.metrics.get(network.place(verdict.primary)?))?;
    let mut figure =
        Figure::new(format!("{} by model", capital(&metric.name)), Mark::Interval(Interval::new(estimates)));
    figure.subtitle = "95 % intervals over resampled rows; the same rows for all models".to_owned();
    figure.y = Axis::labelled(&metric.name);
    if metric.unit == Unit::Share {
        figure.y.format = crate::chart::NumberFormat::Percent;
    }
    Some(Exhibit::Figure(Box::new(figure)))
}

/// A text whose first letter is large.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Groups with their intervals, and a sentence on those that are worse.
pub(super) fn groups(groups: &[Group], truth: &Truth, overall: Option<f64>) -> Vec<Exhibit> {
    let (measure, is_share) = slices::measure(truth);
    let format = if is_share { Format::Percent } else { Format::Number };
    let mut exhibits = Vec::new();
    let mut columns: Vec<&str> = groups.iter().map(|group| group.column.as_str()).collect();
    columns.dedup();
    for column in columns {
        let of_column: Vec<&Group> = groups.iter().filter(|group| group.column == column).collect();
        let estimates = of_column.iter().map(|group| {
            let (low, high) = group.interval.unzip();
            (format!("{} (n = {})", group.value, digits::whole(group.rows as u64)), group.score, low, high)
        });
        let mut figure =
            Figure::new(format!("{} by {column}", capital(measure)), Mark::Interval(Interval::new(estimates)));
        figure.subtitle = "of the network, with 95 % intervals".to_owned();
        figure.x = Axis::labelled(column);
        figure.y = Axis::labelled(measure);
        if is_share {
            figure.y.format = crate::chart::NumberFormat::Percent;
        }
        figure.references.extend(overall.map(|overall| Reference::y(overall, "all rows")));
        exhibits.push(Exhibit::Figure(Box::new(figure)));
    }
    if groups.is_empty() {
        return exhibits;
    }
    let worst = slices::worst(groups, truth);
    let told = groups.iter().filter(|group| group.p_value.is_some()).count();
    let named = worst.iter().take(NAMED).filter_map(|group| {
        let (score, elsewhere) = (written(group.score?, format), written(group.elsewhere?, format));
        Some(format!(
            "{}: {score} against {elsewhere} elsewhere (n = {}, {})",
            group.name(),
            digits::whole(group.rows as u64),
            digits::p_value(group.p_value?)
        ))
    });
    let named: Vec<String> = named.collect();
    exhibits.insert(0, if named.is_empty() {
        Exhibit::note(Tone::Info, format!("By {measure} the network is worse in none of {told} groups than elsewhere, beyond chance."))
    } else {
        let more = worst.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(", and in {more} more") } else { String::new() };
        let text = format!("By {measure} the network is worse than elsewhere, beyond chance, in {}{more}; p-values are adjusted for {told} groups (Holm).", named.join("; "));
        Exhibit::note(Tone::Warning, text)
    });
    exhibits
}

/// The main metrics of all groups with their intervals.
pub(super) fn by_group(groups: &[Group], truth: &Truth, rules: &Rules) -> Option<Exhibit> {
    let shown = slices::shown(truth);
    let known = groups.first()?;
    let mut columns = vec![Column::new("group"), Column::formatted("rows", Format::Integer)];
    columns.extend(shown.iter().map(|name| Column::new(*name)));
    columns.push(Column::formatted("against elsewhere", Format::PValue));
    let row = |group: &Group| {
        let mut row = vec![Cell::text(group.name()), Cell::count(group.rows as u64)];
        row.extend(shown.iter().map(|name| {
            let measured = group.metrics.iter().find(|measured| measured.metric.name == *name);
            measured.and_then(with_interval).map_or(Cell::Empty, Cell::text)
        }));
        row.push(Cell::number(group.p_value));
        row
    };
    let has_shares =
        known.metrics.iter().any(|measured| measured.metric.unit == Unit::Share && measured.interval.is_some());
    let of_shares = if has_shares && !matches!(truth, Truth::Numbers(_)) { "Wilson's for shares of rows" } else { "" };
    let of_others = match rules.bootstrap {
        Some(options) => format!("from {} resamples for the others", options.resamples.min(RESAMPLES)),
        None => String::new(),
    };
    let how = [of_shares, &of_others].into_iter().filter(|how| !how.is_empty()).collect::<Vec<_>>().join(", ");
    let how = if how.is_empty() { String::new() } else { format!("In brackets 95 % intervals: {how}. ") };
    let note =
        format!("{how}Last column: p-values of no difference to all other rows, adjusted for the number of groups.");
    let rows = groups.iter().map(row).collect();
    Some(Exhibit::Table(Table { title: "By group".to_owned(), columns, rows, note: Some(note) }))
}

/// `77.1 % (75.0 to 79.2)`.
fn with_interval(measured: &Measured) -> Option<String> {
    let format = format(&measured.metric);
    let value = written(measured.value?, format);
    let Some((low, high)) = measured.interval else { return Some(value) };
    let end = |end: f64| match format {
        Format::Percent => format!("{:.1}", end * 100.0),
        _ => written(end, format),
    };
    Some(format!("{value} ({} to {})", end(low), end(high)))
}

/// Whether a model is the network, as it is or calibrated.
pub(super) fn is_network(model: &str) -> bool {
    model.starts_with(NETWORK)
}

#[cfg(test)]
mod tests {
    use super::super::verdict::Comparison;
    use super::{Judged, four_digits, sentence};
    use crate::exhibit::Exhibit;
    use crate::statistics::evaluation::judge::{Better, Unit};

    #[test]
    fn a_p_value_is_named_once() {
        let metric = Judged { name: "ROC AUC".to_owned(), better: Better::Higher, unit: Unit::Number };
        let comparison = Comparison {
            baseline: "forest".to_owned(),
            metric,
            network: 0.8,
            of_baseline: 0.75,
            interval: Some((0.0, 0.1)),
            test: Some(("DeLong", 0.0499)),
        };
        let Exhibit::Note { text, .. } = sentence(&comparison) else { panic!("no sentence") };
        assert!(text.ends_with("(difference 0.05000, 95 % interval 0 to 0.1000; DeLong p = 0.050)."), "{text}");
    }

    #[test]
    fn numbers_have_four_significant_digits() {
        let written = [0.0, 0.123_456, 1.0, 12.345_67, 99_999.0, -0.001_234_56, 1.5e9, 2.5e-7].map(four_digits);
        assert_eq!(written, ["0", "0.1235", "1.000", "12.35", "99999", "-0.001235", "1.500e9", "2.500e-7"]);
    }
}
