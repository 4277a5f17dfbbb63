//! The pictures of a series: its course, its season, how it goes with itself.

use super::settings::Settings;
use super::tables::Found;
use super::words::{short, signed, titled};
use crate::chart::{Axis, Band, Bar, Figure, Line, Mark, Points, Positions, Reference, Series};
use crate::digits;

/// Positions of a line that are drawn; longer series are drawn as means of several periods.
const DRAWN: usize = 1_200;
/// Changes that are marked.
const MARKED: usize = 12;
/// The colour of outliers: the one after those of value, trend and forecast.
const OUTLIERS: usize = 3;
/// Seasons longer than this are drawn as a line.
const BARS: usize = 12;

/// The finding in one sentence.
fn headline(found: &Found, settings: &Settings) -> String {
    let name = titled(&found.series.name, &settings.measure());
    let (unit, periods) = settings.resampling.every.slope_unit();
    let test = found.analysis.corrected.as_ref().and_then(|test| test.as_ref().ok());
    let (Some(test), Some(slope)) = (test, &found.analysis.slope) else { return name };
    let p = found.adjusted.unwrap_or(test.p_value);
    if p < 1.0 - settings.confidence {
        let verb = if test.score > 0.0 { "rises" } else { "falls" };
        return format!("{name} {verb} by {} a {unit} ({})", short((slope.slope * periods).abs()), digits::p_value(p));
    }
    format!("{name} has no trend beyond chance ({})", digits::p_value(p))
}

/// Means of `step` values each, of what is there.
fn thinned(values: &[Option<f64>], step: usize) -> Vec<Option<f64>> {
    let mean = |part: &[Option<f64>]| {
        let present: Vec<f64> = part.iter().copied().flatten().collect();
        #[expect(clippy::cast_precision_loss, reason = "a handful of values")]
        let count = present.len() as f64;
        (!present.is_empty()).then(|| present.iter().sum::<f64>() / count)
    };
    values.chunks(step.max(1)).map(mean).collect()
}

/// The series with its trend, its jumps, and what is foretold.
pub(super) fn course(found: &Found, settings: &Settings) -> Figure {
    let (series, analysis) = (&found.series, &found.analysis);
    let resampling = &settings.resampling;
    let known = series.values.len();
    let coming: &[_] = analysis.forecast.as_ref().map_or(&[], |forecast| &forecast.coming);
    let all = known + coming.len();
    let step = all.div_ceil(DRAWN).max(1);
    let place = |at: usize| {
        let number = i64::try_from(at).ok().and_then(|at| series.first.checked_add(at))?;
        resampling.every.place(number, &resampling.time.data_type)
    };
    let padded = |values: &mut dyn Iterator<Item = Option<f64>>| {
        let mut values: Vec<Option<f64>> = values.take(all).collect();
        values.resize(all, None);
        thinned(&values, step)
    };
    let ahead = |of: &dyn Fn(usize) -> Option<f64>| {
        let mut values = (0..all).map(|at| at.checked_sub(known).and_then(of));
        padded(&mut values)
    };
    let mut lines = vec![Series::new(resampling.aggregate.name(), padded(&mut analysis.filled.iter().copied()))];
    if !analysis.trend.is_empty() {
        lines.push(Series::new("trend", padded(&mut analysis.trend.iter().copied().map(Some))));
    }
    let mut bands = Vec::new();
    if !coming.is_empty() {
        bands.push(Band {
            series: lines.len(),
            low: ahead(&|at| coming.get(at).map(|next| next.low)),
            high: ahead(&|at| coming.get(at).map(|next| next.high)),
        });
        lines.push(Series::new("forecast", ahead(&|at| coming.get(at).map(|next| next.value))));
    }
    let mut line = Line::new(Positions::Time((0..all).step_by(step).map(place).collect()), lines);
    line.bands = bands;
    let far = &analysis.outliers.at;
    if !far.is_empty() {
        // Each on its own place, also where the line is drawn as means.
        line.points = vec![Points {
            name: "outlier".to_owned(),
            series: OUTLIERS,
            x: Positions::Time(far.iter().map(|at| place(*at)).collect()),
            y: far.iter().map(|at| analysis.filled.get(*at).copied().flatten()).collect(),
        }];
    }
    let mut figure = Figure::new(headline(found, settings), Mark::Line(line));
    let mut parts = vec![match step {
        1 => format!("{}, by {}", settings.measure(), resampling.every.words()),
        _ => format!("{}, by {}, drawn as means of {step} periods", settings.measure(), resampling.every.words()),
    }];
    if let Some(slope) = &analysis.slope {
        let (unit, periods) = resampling.every.slope_unit();
        let percent = short(settings.confidence * 100.0);
        parts.push(format!(
            "Theil-Sen slope {} a {unit} ({percent} % from {} to {})",
            signed(slope.slope * periods),
            signed(slope.low * periods),
            signed(slope.high * periods)
        ));
    }
    figure.subtitle = parts.join("; ");
    figure.y = Axis::labelled(settings.measure());
    let mut largest: Vec<_> = analysis.changes.iter().collect();
    largest.sort_by(|a, b| (b.after - b.before).abs().total_cmp(&(a.after - a.before).abs()));
    #[expect(clippy::cast_precision_loss, reason = "microseconds are exact up to the year 2255")]
    let marks = largest.iter().take(MARKED).filter_map(|change| {
        let label = if analysis.changes.len() <= 5 { signed(change.after - change.before) } else { String::new() };
        Some(Reference::x(place(change.at)? as f64, label))
    });
    figure.references = marks.collect();
    let mut notes = Vec::new();
    if !analysis.changes.is_empty() {
        let shown = analysis.changes.len().min(MARKED);
        let which =
            if shown < analysis.changes.len() { format!("The {shown} largest") } else { "Vertical lines:".to_owned() };
        let s = if analysis.changes.len() == 1 { "a new level begins" } else { "new levels begin" };
        notes.push(match shown < analysis.changes.len() {
            true => format!("{which} of {} changes of the level are marked.", analysis.changes.len()),
            false => format!("{which} {s} (PELT)."),
        });
    }
    if let (Some(factor), false) = (settings.outliers, far.is_empty()) {
        let (number, s) = (digits::whole(far.len() as u64), if far.len() == 1 { "" } else { "s" });
        notes.push(format!("Dots: {number} outlier{s}, {} robust deviations or more away.", short(factor)));
    }
    if !coming.is_empty() {
        notes.push(format!("Band: where {} % of the values should lie.", short(settings.confidence * 100.0)));
    }
    figure.note = notes.join(" ");
    figure
}

/// The mean season by its places; none without a season.
pub(super) fn season(found: &Found, settings: &Settings) -> Option<Figure> {
    let (series, analysis) = (&found.series, &found.analysis);
    let period = analysis.period.filter(|_| !analysis.season.is_empty())?;
    let resampling = &settings.resampling;
    let data_type = &resampling.time.data_type;
    let modulus = i64::try_from(period).ok()?;
    // By place: its order in the calendar, its name, sum and number of values.
    let mut places: Vec<(i64, String, f64, u32)> = vec![(0, String::new(), 0.0, 0); period];
    for (at, value) in analysis.season.iter().enumerate() {
        let number = series.first.checked_add(i64::try_from(at).ok()?)?;
        let turn = usize::try_from(number.rem_euclid(modulus)).ok()?;
        let slot = places.get_mut(turn)?;
        if slot.3 == 0 {
            slot.0 = resampling.every.season_order(number, period, data_type);
            slot.1 = resampling.every.season_place(number, period, data_type);
        }
        slot.2 += value;
        slot.3 += 1;
    }
    places.retain(|place| place.3 > 0);
    places.sort_by_key(|place| place.0);
    let values = places.iter().map(|(_, _, sum, count)| Some(sum / f64::from(*count)));
    let season = vec![Series::new("season", values)];
    let labels = places.iter().map(|place| place.1.clone());
    let mark = match period <= BARS {
        true => Mark::Bar(Bar::new(labels, season)),
        false => Mark::Line(Line::new(Positions::Category(labels.collect()), season)),
    };
    let cycle = resampling.every.season_name(period).map_or(format!("{period} periods"), str::to_owned);
    let mut figure = Figure::new(titled(&found.series.name, &format!("the course of a {cycle}")), mark);
    figure.subtitle = format!(
        "how far {} lies from its trend, mean over all seasons{}",
        settings.measure(),
        analysis.season_strength.map_or(String::new(), |strength| format!("; strength of the season {strength:.2}"))
    );
    figure.y = Axis::labelled("away from the trend");
    Some(figure)
}

/// Autocorrelations with their limits; none for a constant series.
pub(super) fn correlation(found: &Found, settings: &Settings) -> Option<Figure> {
    let lags = &found.analysis.correlations;
    let (_, white) = lags.get(1)?;
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred lags")]
    let x = (1..lags.len()).map(|lag| Some(lag as f64)).collect();
    let of = |of: &dyn Fn(&(f64, f64)) -> f64| -> Vec<Option<f64>> {
        lags.iter().skip(1).map(|lag| Some(of(lag))).collect()
    };
    let mut line = Line::new(Positions::Number(x), vec![Series::new("autocorrelation", of(&|(value, _)| *value))]);
    line.bands = vec![Band { series: 0, low: of(&|(_, limit)| -limit), high: of(&|(_, limit)| *limit) }];
    let words = format!("how {} goes with itself later", settings.measure());
    let mut figure = Figure::new(titled(&found.series.name, &words), Mark::Line(line));
    figure.subtitle = format!(
        "autocorrelation by lag; chance alone stays in the band ({} %, Bartlett; ±{} for white noise)",
        short(settings.confidence * 100.0),
        short(*white)
    );
    figure.x = Axis::labelled(format!("lag, {}", settings.resampling.every.plural()));
    figure.y = Axis { label: "autocorrelation".to_owned(), max: Some(1.0), ..Axis::default() };
    figure.references.push(Reference::y(0.0, ""));
    if let Some(period) = found.analysis.period {
        #[expect(clippy::cast_precision_loss, reason = "periods are far below 2^53")]
        figure.references.push(Reference::x(period as f64, "season"));
    }
    Some(figure)
}
