//! What a person sees of the series: the numbers of all, pictures of the first few.

use super::analysis::Analysis;
use super::figures;
use super::options::{Aggregate, Settings};
use super::resample::Resampled;
use super::tables::{Found, tried};
use super::words::{short, signed};
use crate::chart::{Axis, Figure, Interval, Mark, Reference};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Metric, Table, Tone};
use crate::expression::DataType;
use crate::statistics::series::forecasting::BETTER;
use crate::statistics::series::period::{Candidate, Refusal};

/// Series that are drawn.
const DRAWN: usize = 4;
/// Rows of a table.
const ROWS: usize = 40;

/// All exhibits.
pub(super) fn show(settings: &Settings, resampled: &Resampled, found: &[Found]) -> Vec<Exhibit> {
    let mut exhibits = vec![summary(settings, resampled, found), how(settings)];
    if found.is_empty() {
        exhibits.push(Exhibit::note(Tone::Info, "There is no series: no row has both a time and a finite value."));
        return exhibits;
    }
    exhibits.push(extents(settings, found));
    exhibits.push(trends(settings, found));
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
    exhibits.extend(backtests(found));
    exhibits.extend(seasons(settings, found));
    exhibits.extend(changes(settings, found));
    exhibits.extend(gaps(settings, found));
    exhibits.extend(remarked(found));
    exhibits
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn summary(settings: &Settings, resampled: &Resampled, found: &[Found]) -> Exhibit {
    let periods: usize = found.iter().map(|one| one.series.values.len()).sum();
    let missing: usize = found.iter().map(|one| missing(&one.analysis)).sum();
    let used = resampled.seen - resampled.timeless - resampled.valueless;
    let whole = |name: &str, number: u64| Metric::new(name, number as f64, Format::Integer);
    let mut metrics = vec![
        whole("series", found.len() as u64),
        whole("periods", periods as u64),
        whole("missing periods", missing as u64).note(settings.fill.words()),
        whole("rows used", used).note(format!("of {}", digits::whole(resampled.seen))),
    ];
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

fn missing(analysis: &Analysis) -> usize {
    analysis.gaps.iter().map(|gap| gap.length).sum()
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

fn named(settings: &Settings, found: &Found) -> Cell {
    Cell::text(if found.series.name.is_empty() { settings.measure() } else { found.series.name.clone() })
}

/// From when to when each series goes, and its season.
fn extents(settings: &Settings, found: &[Found]) -> Exhibit {
    let (every, data_type) = (&settings.resampling.every, &settings.resampling.time.data_type);
    let columns = vec![
        Column::new("series"),
        Column::new("from"),
        Column::new("to"),
        Column::formatted("periods", Format::Integer),
        Column::formatted("missing", Format::Integer),
        Column::new("season"),
        Column::new("strength of season"),
        Column::new("of trend"),
    ];
    let row = |one: &Found| {
        let analysis = &one.analysis;
        let last = i64::try_from(one.series.values.len().saturating_sub(1)).unwrap_or(0);
        let last = one.series.first.saturating_add(last);
        vec![
            named(settings, one),
            Cell::text(every.label(one.series.first, data_type)),
            Cell::text(every.label(last, data_type)),
            Cell::count(one.series.values.len() as u64),
            Cell::count(missing(analysis) as u64),
            Cell::text(analysis.period.map_or("none".to_owned(), |period| every.times(period))),
            Cell::number(analysis.season_strength),
            Cell::number(analysis.trend_strength),
        ]
    };
    let note = left_out(found).or(Some("Strengths lie between 0 and 1 (Hyndman).".to_owned()));
    let rows = found.iter().take(ROWS).map(row).collect();
    Exhibit::Table(Table { title: "Length and season of each series".to_owned(), columns, rows, note })
}

fn left_out(found: &[Found]) -> Option<String> {
    let more = found.len().saturating_sub(ROWS);
    (more > 0).then(|| format!("{} more series are in the table `tests`.", digits::whole(more as u64)))
}

/// The trend of each series with its test.
fn trends(settings: &Settings, found: &[Found]) -> Exhibit {
    let (unit, per) = settings.resampling.every.slope_unit();
    let percent = short(settings.confidence * 100.0);
    let columns = vec![
        Column::new("series"),
        Column::new(format!("slope a {unit}")),
        Column::new(format!("{percent} % from")),
        Column::new("to"),
        Column::new("tau"),
        Column::formatted("p-value", Format::PValue),
        Column::formatted("adjusted p", Format::PValue),
        Column::formatted("jumps", Format::Integer),
    ];
    let row = |one: &Found| {
        let analysis = &one.analysis;
        let slope = |of: fn(&crate::statistics::series::theil_sen::Slope) -> f64| {
            Cell::number(analysis.slope.as_ref().map(|slope| of(slope) * per))
        };
        let test = analysis.corrected.as_ref().and_then(|test| test.as_ref().ok());
        vec![
            named(settings, one),
            slope(|slope| slope.slope),
            slope(|slope| slope.low),
            slope(|slope| slope.high),
            Cell::number(test.map(|test| test.tau)),
            Cell::number(test.map(|test| test.p_value)),
            Cell::number(one.adjusted),
            Cell::count(analysis.changes.len() as u64),
        ]
    };
    let mut note = format!(
        "Slope: Theil-Sen; p-value: Mann-Kendall; both allow for autocorrelation (Hamed-Rao), on the series without its season. \
         p-values of several series are adjusted by {}.",
        settings.correction.name()
    );
    if let Some(more) = left_out(found) {
        note += " ";
        note += &more;
    }
    let rows = found.iter().take(ROWS).map(row).collect();
    Exhibit::Table(Table { title: "Trend of each series".to_owned(), columns, rows, note: Some(note) })
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

fn backtests(found: &[Found]) -> Vec<Exhibit> {
    let mut rows = Vec::new();
    let mut verdicts = Vec::new();
    for one in found.iter().filter(|one| one.analysis.forecast.is_some()).take(ROWS / 2) {
        for tried in tried(&one.analysis) {
            let errors = tried.errors;
            rows.push(vec![
                Cell::text(one.series.name.clone()),
                Cell::text(tried.model),
                Cell::text(if tried.taken { "taken" } else { "" }),
                Cell::count(tried.origins as u64),
                Cell::number(errors.map(|errors| errors.mae)),
                Cell::number(errors.map(|errors| errors.rmse)),
                Cell::number(errors.and_then(|errors| errors.mase)),
                Cell::number(errors.map(|errors| errors.smape)),
                Cell::number(errors.map(|errors| errors.coverage)),
            ]);
        }
        verdicts.extend(verdict(one));
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::new("series"),
        Column::new("forecast"),
        Column::new(""),
        Column::formatted("origins", Format::Integer),
        Column::new("MAE"),
        Column::new("RMSE"),
        Column::new("MASE"),
        Column::formatted("sMAPE", Format::Percent),
        Column::formatted("inside interval", Format::Percent),
    ];
    let note = "Errors of forecasts from origins in the past, a horizon apart, each with what was known then. MASE: as a multiple of \
                the naive forecast's error one step ahead.";
    let table = Table { title: "Forecasts judged on the past".to_owned(), columns, rows, note: Some(note.to_owned()) };
    let mut exhibits = vec![Exhibit::Table(table)];
    exhibits.extend(verdicts.into_iter().map(|(tone, text)| Exhibit::note(tone, text)));
    exhibits
}

/// Whether the model beats the baseline, in a sentence.
fn verdict(found: &Found) -> Option<(Tone, String)> {
    let forecast = found.analysis.forecast.as_ref()?;
    let name = match found.series.name.as_str() {
        "" => String::new(),
        name => format!("{name}: "),
    };
    let (Some(model), Some(naive)) = (&forecast.errors, &forecast.baseline) else {
        return Some((Tone::Warning, format!("{name}the forecast could not be judged on the past.")));
    };
    let taken = if forecast.by_model { "exponential smoothing" } else { "the naive forecast" };
    let errors = format!("mean absolute error {} against {}", short(model.mae), short(naive.mae));
    let (tone, verdict) = if model.mae < BETTER * naive.mae {
        let gain = short(100.0 * (1.0 - model.mae / naive.mae));
        (Tone::Good, format!("exponential smoothing beats the naive forecast by {gain} %"))
    } else if model.mae * BETTER <= naive.mae {
        (Tone::Warning, "exponential smoothing does no better than the naive forecast".to_owned())
    } else {
        (Tone::Warning, "exponential smoothing does worse than the naive forecast".to_owned())
    };
    Some((tone, format!("{name}{verdict} ({errors}); {taken} is shown.")))
}

fn why(candidate: &Candidate, taken: bool) -> &'static str {
    match candidate.refused {
        _ if taken => "taken",
        Some(Refusal::Short) => "comes less than twice",
        Some(Refusal::Weak) => "explains too little",
        Some(Refusal::Uncorrelated) => "values a season apart do not go together",
        None => "explains no more than a shorter one",
    }
}

fn seasons(settings: &Settings, found: &[Found]) -> Option<Exhibit> {
    let every = &settings.resampling.every;
    let mut rows = Vec::new();
    for one in found {
        for candidate in &one.analysis.candidates {
            let taken = one.analysis.period == Some(candidate.period);
            rows.push(vec![
                Cell::text(one.series.name.clone()),
                Cell::text(every.times(candidate.period)),
                Cell::number(candidate.share),
                Cell::number(candidate.correlation.map(|(correlation, _)| correlation)),
                Cell::number(candidate.correlation.map(|(_, limit)| limit)),
                Cell::text(why(candidate, taken)),
            ]);
        }
        let peaks = one.analysis.peaks.iter().take(3).map(|peak| short(peak.period)).collect::<Vec<_>>().join(", ");
        if let Some(fisher) = &one.analysis.fisher {
            rows.push(vec![
                Cell::text(one.series.name.clone()),
                Cell::text(format!("peaks of the periodogram: {peaks}")),
                Cell::Empty,
                Cell::Empty,
                Cell::Empty,
                Cell::text(format!(
                    "Fisher's g {} at {}, {}",
                    short(fisher.g),
                    short(fisher.period),
                    digits::p_value(fisher.p_value)
                )),
            ]);
        }
        if rows.len() >= ROWS {
            break;
        }
    }
    rows.truncate(ROWS);
    let columns = vec![
        Column::new("series"),
        Column::new("season"),
        Column::formatted("explains", Format::Percent),
        Column::new("autocorrelation a season later"),
        Column::new("limit"),
        Column::new("finding"),
    ];
    let note = "Explains: the share of the variance faster than the season that the means of its places explain, adjusted for their \
                number; 10 % are needed. Fisher's test is against white noise.";
    let title = "What was looked at for a season".to_owned();
    (!rows.is_empty()).then(|| Exhibit::Table(Table { title, columns, rows, note: Some(note.to_owned()) }))
}

fn changes(settings: &Settings, found: &[Found]) -> Option<Exhibit> {
    let (every, data_type) = (&settings.resampling.every, &settings.resampling.time.data_type);
    let all: Vec<_> =
        found.iter().flat_map(|one| one.analysis.changes.iter().map(move |change| (one, change))).collect();
    let rows = all.iter().take(ROWS).map(|(one, change)| {
        let number = one.series.first.saturating_add(i64::try_from(change.at).unwrap_or(0));
        vec![
            Cell::text(one.series.name.clone()),
            Cell::text(every.label(number, data_type)),
            Cell::number(change.before),
            Cell::number(change.after),
            Cell::text(signed(change.after - change.before)),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let columns = ["series", "new level from", "level before", "level after", "jump"].map(Column::new).to_vec();
    let more = all.len().saturating_sub(ROWS);
    let note = (more > 0).then(|| format!("{} more are in the table `change_points`.", digits::whole(more as u64)));
    (!rows.is_empty()).then(|| Exhibit::Table(Table { title: "Jumps of the level".to_owned(), columns, rows, note }))
}

fn gaps(settings: &Settings, found: &[Found]) -> Option<Exhibit> {
    let (every, data_type) = (&settings.resampling.every, &settings.resampling.time.data_type);
    let mut all: Vec<_> = found.iter().flat_map(|one| one.analysis.gaps.iter().map(move |gap| (one, gap))).collect();
    let total = all.len();
    all.sort_by_key(|(_, gap)| std::cmp::Reverse(gap.length));
    let label = |one: &Found, at: usize| {
        Cell::text(every.label(one.series.first.saturating_add(i64::try_from(at).unwrap_or(0)), data_type))
    };
    let rows: Vec<_> = all
        .iter()
        .take(10)
        .map(|(one, gap)| {
            let last = gap.start + gap.length.saturating_sub(1);
            let name = Cell::text(one.series.name.clone());
            vec![name, label(one, gap.start), label(one, last), Cell::count(gap.length as u64)]
        })
        .collect();
    let columns = vec![
        Column::new("series"),
        Column::new("first missing"),
        Column::new("last missing"),
        Column::formatted("periods", Format::Integer),
    ];
    let more = total.saturating_sub(10);
    let note = (more > 0).then(|| format!("{} more are in the table `gaps`.", digits::whole(more as u64)));
    (!rows.is_empty()).then(|| Exhibit::Table(Table { title: "Longest gaps".to_owned(), columns, rows, note }))
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
            (true, _) => capital(reason),
            (false, 0) => format!("{}: {reason}.", shown.join("; ")),
            (false, more) => format!("{} and {more} more: {reason}.", shown.join("; ")),
        }
    };
    reasons.into_iter().map(worded).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// What a person should hear of without looking at the report.
pub(super) fn remarks(settings: &Settings, resampled: &Resampled, found: &[Found]) -> Vec<String> {
    let mut remarks = Vec::new();
    if found.is_empty() {
        remarks.push("no row has both a time and a finite value, so there is no series".to_owned());
    }
    if resampled.timeless > 0 {
        remarks.push(format!("{} without a time were left out", digits::rows(resampled.timeless)));
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
