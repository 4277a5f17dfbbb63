//! What a person sees of the series: the numbers of all, pictures of the first few.

use super::options::Aggregate;
use super::resample::Resampled;
use super::settings::Settings;
use super::tables::Found;
use super::words::{capital, short};
use super::{figures, sheets, verdicts};
use crate::chart::{Axis, Figure, Interval, Mark, Reference};
use crate::digits;
use crate::exhibit::{Exhibit, Format, Metric, Tone};
use crate::expression::DataType;

/// Series that are drawn.
const DRAWN: usize = 4;

/// All exhibits.
pub(super) fn show(settings: &Settings, resampled: &Resampled, found: &[Found]) -> Vec<Exhibit> {
    let mut exhibits = vec![summary(settings, resampled, found), how(settings)];
    if found.is_empty() {
        exhibits.push(Exhibit::note(Tone::Info, "There is no series: no row has both a time and a finite value."));
        return exhibits;
    }
    exhibits.push(sheets::extents(settings, found));
    exhibits.push(sheets::trends(settings, found));
    exhibits.extend(slopes(settings, found));
    for one in found.iter().take(DRAWN) {
        let figures =
            [Some(figures::course(one, settings)), figures::season(one, settings), figures::correlation(one, settings)];
        exhibits.extend(figures.into_iter().flatten().map(|figure| Exhibit::Figure(Box::new(figure))));
    }
    if found.len() > DRAWN {
        let text = format!("The first {DRAWN} of {} series are drawn; all are in the stage's tables.", found.len());
        exhibits.push(Exhibit::note(Tone::Info, text));
    }
    exhibits.extend(verdicts::backtests(settings, found));
    exhibits.extend(sheets::seasons(settings, found));
    exhibits.extend(sheets::changes(settings, found));
    exhibits.extend(sheets::outliers(settings, found));
    exhibits.extend(sheets::gaps(settings, found));
    exhibits.extend(remarked(found));
    exhibits
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn summary(settings: &Settings, resampled: &Resampled, found: &[Found]) -> Exhibit {
    let periods: usize = found.iter().map(|one| one.series.values.len()).sum();
    let missing: usize = found.iter().map(sheets::missing).sum();
    let used = resampled.seen - resampled.timeless - resampled.valueless;
    let whole = |name: &str, number: u64| Metric::new(name, number as f64, Format::Integer);
    let mut metrics = vec![
        whole("series", found.len() as u64),
        whole("periods", periods as u64),
        whole("missing periods", missing as u64).note(settings.fill.words()),
        whole("rows used", used).note(format!("of {}", digits::whole(resampled.seen))),
    ];
    if settings.outliers.is_some() {
        metrics.push(whole("outliers", found.iter().map(|one| one.analysis.outliers.at.len() as u64).sum()));
    }
    if resampled.timeless > 0 {
        metrics.push(whole("rows without a time", resampled.timeless).note("left out"));
    }
    if resampled.valueless > 0 {
        metrics.push(whole("rows without a finite value", resampled.valueless).note("left out"));
    }
    if resampled.empty > 0 {
        metrics.push(whole("groups without a usable row", resampled.empty).note("no series"));
    }
    Exhibit::Metrics { title: "Series".to_owned(), metrics }
}

/// What a value is, and whose clock counts.
fn how(settings: &Settings) -> Exhibit {
    let resampling = &settings.resampling;
    let clock = match (&resampling.time.data_type, resampling.every.unit.is_of_days()) {
        (DataType::Datetime(Some(zone)), true) => format!(" Days are those of {zone}."),
        (DataType::Datetime(Some(zone)), false) => format!(
            " Periods count elapsed time, so changes of clocks leave no gap; they are shown on the clock of {zone}."
        ),
        (DataType::Datetime(None), _) => " The times have no zone and are taken as they are.".to_owned(),
        _ => String::new(),
    };
    let by: Vec<&str> = resampling.by.iter().map(|field| field.name.as_str()).collect();
    let by = if by.is_empty() { String::new() } else { format!(", for each {}", by.join(" and ")) };
    let (measure, every) = (settings.measure(), resampling.every.words());
    Exhibit::note(Tone::Info, format!("Each value is the {measure} for each {every}{by}.{clock}"))
}

/// The slopes of several series side by side.
fn slopes(settings: &Settings, found: &[Found]) -> Option<Exhibit> {
    let (unit, per) = settings.resampling.every.slope_unit();
    let shown: Vec<_> = found
        .iter()
        .filter_map(|one| {
            let slope = one.analysis.slope.as_ref()?;
            Some((one.series.name.clone(), Some(slope.slope * per), Some(slope.low * per), Some(slope.high * per)))
        })
        .take(30)
        .collect();
    if shown.len() < 2 {
        return None;
    }
    let mut figure =
        Figure::new(format!("Slope of {} a {unit}", settings.measure()), Mark::Interval(Interval::new(shown)));
    figure.subtitle = format!(
        "Theil-Sen with {} % interval; an interval that holds 0 shows no trend",
        short(settings.confidence * 100.0)
    );
    figure.y = Axis::labelled(format!("{} a {unit}", settings.measure()));
    figure.references = vec![Reference::y(0.0, "")];
    Some(Exhibit::Figure(Box::new(figure)))
}

/// What was not done, each reason once with the series that it concerns.
fn remarked(found: &[Found]) -> Vec<Exhibit> {
    reasons(found).into_iter().take(10).map(|reason| Exhibit::note(Tone::Info, reason)).collect()
}

fn reasons(found: &[Found]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in found {
        for remark in &one.analysis.remarks {
            match reasons.iter_mut().find(|(reason, _)| reason == remark) {
                Some((_, names)) => names.push(&one.series.name),
                None => reasons.push((remark, vec![&one.series.name])),
            }
        }
    }
    let worded = |(reason, names): (&str, Vec<&str>)| {
        let shown: Vec<&str> = names.iter().copied().filter(|name| !name.is_empty()).take(5).collect();
        let more = names.len().saturating_sub(5);
        match (shown.is_empty(), more) {
            (true, _) => format!("{}.", capital(reason)),
            (false, 0) => format!("{}: {reason}.", shown.join("; ")),
            (false, more) => format!("{} and {more} more: {reason}.", shown.join("; ")),
        }
    };
    reasons.into_iter().map(worded).collect()
}

/// What a person should hear of without looking at the report.
pub(super) fn remarks(settings: &Settings, resampled: &Resampled, found: &[Found]) -> Vec<String> {
    let mut remarks = Vec::new();
    if found.is_empty() {
        remarks.push("no row has both a time and a finite value, so there is no series".to_owned());
    }
    if resampled.timeless > 0 {
        let verb = if resampled.timeless == 1 { "was" } else { "were" };
        remarks.push(format!("{} without a time {verb} left out", digits::rows(resampled.timeless)));
    }
    // A sum or a count of half a period looks like a fall.
    if matches!(settings.resampling.aggregate, Aggregate::Sum | Aggregate::Count) {
        remarks.extend(found.iter().filter_map(|one| incomplete(settings, one)).take(5));
    }
    remarks
}

fn incomplete(settings: &Settings, found: &Found) -> Option<String> {
    let rows = &found.series.rows;
    let last = rows.last().copied()?;
    let mut sorted: Vec<u32> = rows.iter().copied().filter(|rows| *rows > 0).collect();
    sorted.sort_unstable();
    let usual = sorted.get(sorted.len() / 2).copied()?;
    let short = sorted.len() >= 8 && f64::from(last) < 0.5 * f64::from(usual);
    let every = &settings.resampling.every;
    let number = found.series.first.saturating_add(i64::try_from(rows.len().saturating_sub(1)).ok()?);
    let name = if found.series.name.is_empty() { String::new() } else { format!(" of {}", found.series.name) };
    short.then(|| {
        format!(
            "the last {}{name}, {}, has {} where {usual} are usual: it may be incomplete and drag the end down",
            every.words(),
            every.label(number, &settings.resampling.time.data_type),
            digits::rows(u64::from(last)),
        )
    })
}
