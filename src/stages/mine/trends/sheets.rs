//! The small tables of the report.

use super::resample::Resampling;
use super::settings::Settings;
use super::tables::Found;
use super::words::{short, signed};
use crate::digits;
use crate::exhibit::{Cell, Column, Exhibit, Format, Table, Tone};
use crate::statistics::series::period::{Candidate, Refusal};

/// Rows of a table.
pub(super) const ROWS: usize = 40;
/// Outliers of which each is shown.
const FARTHEST: usize = 25;

/// A table whose first column names the series. Without `by` there is one series and no name, so the column goes.
pub(super) fn sheet(
    settings: &Settings,
    title: &str,
    mut columns: Vec<Column>,
    mut rows: Vec<Vec<Cell>>,
    note: Option<String>,
) -> Exhibit {
    if settings.resampling.by.is_empty() {
        columns.drain(..columns.len().min(1));
        rows.iter_mut().for_each(|row| drop(row.drain(..row.len().min(1))));
    }
    Exhibit::Table(Table { title: title.to_owned(), columns, rows, note })
}

/// When the period at a position begins.
fn begin(settings: &Settings, one: &Found, at: usize) -> Cell {
    let Resampling { every, time, .. } = &settings.resampling;
    let number = one.series.first.saturating_add(i64::try_from(at).unwrap_or(0));
    Cell::text(every.label(number, &time.data_type))
}

/// Periods without a value.
pub(super) fn missing(one: &Found) -> usize {
    one.analysis.gaps.iter().map(|gap| gap.length).sum()
}

/// From when to when each series goes, and its season.
pub(super) fn extents(settings: &Settings, found: &[Found]) -> Exhibit {
    let every = &settings.resampling.every;
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
        vec![
            Cell::text(one.series.name.clone()),
            begin(settings, one, 0),
            begin(settings, one, one.series.values.len().saturating_sub(1)),
            Cell::count(one.series.values.len() as u64),
            Cell::count(missing(one) as u64),
            Cell::text(analysis.period.map_or("none".to_owned(), |period| every.times(period))),
            Cell::number(analysis.season_strength),
            Cell::number(analysis.trend_strength),
        ]
    };
    let note = left_out(found).or(Some("Strengths lie between 0 and 1 (Hyndman).".to_owned()));
    let rows = found.iter().take(ROWS).map(row).collect();
    let title =
        if settings.resampling.by.is_empty() { "Length and season" } else { "Length and season of each series" };
    sheet(settings, title, columns, rows, note)
}

fn left_out(found: &[Found]) -> Option<String> {
    let more = found.len().saturating_sub(ROWS);
    (more > 0).then(|| format!("{} more series are in the table `tests`.", digits::whole(more as u64)))
}

/// The trend of each series with its test.
pub(super) fn trends(settings: &Settings, found: &[Found]) -> Exhibit {
    let (unit, per) = settings.resampling.every.slope_unit();
    let percent = short(settings.confidence * 100.0);
    let several = found.len() > 1;
    let mut columns = vec![
        Column::new("series"),
        Column::new(format!("slope a {unit}")),
        Column::new(format!("{percent} % from")),
        Column::new("to"),
        Column::new("tau"),
        Column::formatted("p-value", Format::PValue),
    ];
    // A single p-value is adjusted for nothing.
    columns.extend(several.then(|| Column::formatted("adjusted p", Format::PValue)));
    columns.push(Column::formatted("jumps", Format::Integer));
    let row = |one: &Found| {
        let analysis = &one.analysis;
        let slope = |of: fn(&crate::statistics::series::theil_sen::Slope) -> f64| {
            Cell::number(analysis.slope.as_ref().map(|slope| of(slope) * per))
        };
        let test = analysis.corrected.as_ref().and_then(|test| test.as_ref().ok());
        let mut cells = vec![
            Cell::text(one.series.name.clone()),
            slope(|slope| slope.slope),
            slope(|slope| slope.low),
            slope(|slope| slope.high),
            Cell::number(test.map(|test| test.tau)),
            Cell::number(test.map(|test| test.p_value)),
        ];
        cells.extend(several.then(|| Cell::number(one.adjusted)));
        cells.push(Cell::count(analysis.changes.len() as u64));
        cells
    };
    let mut note =
        "Slope: Theil-Sen; p-value: Mann-Kendall; both allow for autocorrelation (Hamed-Rao), on the series without its season."
            .to_owned();
    if found.len() > 1 {
        note += &format!(" The p-values of several series are adjusted by {}.", settings.correction.name());
    }
    if let Some(more) = left_out(found) {
        note += " ";
        note += &more;
    }
    let rows = found.iter().take(ROWS).map(row).collect();
    sheet(settings, if several { "Trend of each series" } else { "Trend" }, columns, rows, Some(note))
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

/// What was looked at for a season, and what became of it.
pub(super) fn seasons(settings: &Settings, found: &[Found]) -> Option<Exhibit> {
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
    let title = "What was looked at for a season";
    (!rows.is_empty()).then(|| sheet(settings, title, columns, rows, Some(note.to_owned())))
}

/// The jumps of the level.
pub(super) fn changes(settings: &Settings, found: &[Found]) -> Option<Exhibit> {
    let all: Vec<_> =
        found.iter().flat_map(|one| one.analysis.changes.iter().map(move |change| (one, change))).collect();
    let rows = all.iter().take(ROWS).map(|(one, change)| {
        vec![
            Cell::text(one.series.name.clone()),
            begin(settings, one, change.at),
            Cell::number(change.before),
            Cell::number(change.after),
            Cell::text(signed(change.after - change.before)),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let columns = ["series", "new level from", "level before", "level after", "jump"].map(Column::new).to_vec();
    let more = all.len().saturating_sub(ROWS);
    let note = (more > 0).then(|| format!("{} more are in the table `change_points`.", digits::whole(more as u64)));
    (!rows.is_empty()).then(|| sheet(settings, "Jumps of the level", columns, rows, note))
}

/// The values that lie farthest from what was to be expected; nothing when they were not looked for.
pub(super) fn outliers(settings: &Settings, found: &[Found]) -> Option<Exhibit> {
    let factor = short(settings.outliers?);
    let mut all: Vec<(&Found, usize, f64, f64)> = Vec::new();
    for one in found {
        let outliers = &one.analysis.outliers;
        for at in &outliers.at {
            let Some(rest) = one.analysis.remainder.get(*at).copied() else { continue };
            all.push((one, *at, rest, (rest - outliers.middle) / outliers.deviation));
        }
    }
    if all.is_empty() {
        let defined = found.iter().any(|one| one.analysis.outliers.deviation > 0.0);
        let text = format!(
            "There is no outlier: no value lies {factor} robust deviations or more from what was to be expected."
        );
        return defined.then(|| Exhibit::note(Tone::Info, text));
    }
    // The farthest ones, in the order of the series and their times.
    all.sort_by(|a, b| b.3.abs().total_cmp(&a.3.abs()));
    let total = all.len();
    all.truncate(FARTHEST);
    let order = |one: &Found| found.iter().position(|other| std::ptr::eq(other, one));
    all.sort_by_key(|(one, at, ..)| (order(one), *at));
    let rows = all.iter().map(|(one, at, rest, deviations)| {
        let value = one.analysis.filled.get(*at).copied().flatten();
        vec![
            Cell::text(one.series.name.clone()),
            begin(settings, one, *at),
            Cell::number(value),
            Cell::number(value.map(|value| value - rest)),
            Cell::text(signed(*rest)),
            Cell::text(signed(*deviations)),
        ]
    });
    let rows = rows.collect();
    let columns = ["series", "time", "value", "expected", "away", "robust deviations"].map(Column::new).to_vec();
    let mut note =
        format!("Expected: trend and season. Values {factor} robust deviations of the remainders or more away.");
    if total > FARTHEST {
        let (shown, total) = (digits::whole(FARTHEST as u64), digits::whole(total as u64));
        note += &format!(" The {shown} farthest of {total}; the column `outlier` marks all.");
    }
    Some(sheet(settings, "Outliers", columns, rows, Some(note)))
}

/// The longest gaps.
pub(super) fn gaps(settings: &Settings, found: &[Found]) -> Option<Exhibit> {
    let mut all: Vec<_> = found.iter().flat_map(|one| one.analysis.gaps.iter().map(move |gap| (one, gap))).collect();
    let total = all.len();
    all.sort_by_key(|(_, gap)| std::cmp::Reverse(gap.length));
    let rows: Vec<_> = all
        .iter()
        .take(10)
        .map(|(one, gap)| {
            let last = gap.start + gap.length.saturating_sub(1);
            let name = Cell::text(one.series.name.clone());
            vec![name, begin(settings, one, gap.start), begin(settings, one, last), Cell::count(gap.length as u64)]
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
    (!rows.is_empty()).then(|| sheet(settings, "Longest gaps", columns, rows, note))
}
