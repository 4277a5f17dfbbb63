//! Forecasts judged on the past, in a table and in sentences.

use super::settings::Settings;
use super::sheets::{ROWS, sheet};
use super::tables::{Found, tried};
use super::words::{capital, short};
use crate::exhibit::{Cell, Column, Exhibit, Format, Tone};
use crate::statistics::series::forecasting::BETTER;

/// Series that a sentence names.
const NAMED: usize = 5;

/// Whether the model beats the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Better,
    Alike,
    Worse,
    /// Nothing lies behind the first origin.
    Unknown,
}

impl Verdict {
    /// The verdict on a series with a forecast, and the mean absolute errors of model and baseline.
    fn of(found: &Found) -> Option<(Self, Option<(f64, f64)>)> {
        let forecast = found.analysis.forecast.as_ref()?;
        let (Some(model), Some(naive)) = (&forecast.errors, &forecast.baseline) else {
            return Some((Self::Unknown, None));
        };
        let verdict = if model.mae < BETTER * naive.mae {
            Self::Better
        } else if model.mae * BETTER <= naive.mae {
            Self::Alike
        } else {
            Self::Worse
        };
        Some((verdict, Some((model.mae, naive.mae))))
    }

    fn words(self) -> &'static str {
        match self {
            Self::Better => "exponential smoothing beats the naive forecast",
            Self::Alike => "exponential smoothing does no better than the naive forecast",
            Self::Worse => "exponential smoothing does worse than the naive forecast",
            Self::Unknown => "the forecast could not be judged on the past",
        }
    }
}

/// Each verdict once, with the series that it concerns.
fn sentences(found: &[Found]) -> Vec<Exhibit> {
    let mut groups: Vec<((Verdict, bool), Vec<String>)> = Vec::new();
    for one in found {
        let Some((verdict, errors)) = Verdict::of(one) else { continue };
        let by_model = one.analysis.forecast.as_ref().is_some_and(|forecast| forecast.by_model);
        let errors = match errors {
            Some((model, naive)) if verdict == Verdict::Better => {
                let gain = short(100.0 * (1.0 - model / naive));
                format!(" ({gain} % better: {} against {})", short(model), short(naive))
            }
            Some((model, naive)) => format!(" ({} against {})", short(model), short(naive)),
            None => String::new(),
        };
        let text = format!("{}{errors}", one.series.name);
        match groups.iter_mut().find(|(key, _)| *key == (verdict, by_model)) {
            Some((_, names)) => names.push(text),
            None => groups.push(((verdict, by_model), vec![text])),
        }
    }
    let sentence = |((verdict, by_model), names): ((Verdict, bool), Vec<String>)| {
        let tone = if verdict == Verdict::Better { Tone::Good } else { Tone::Warning };
        let more = names.len().saturating_sub(NAMED);
        let mut list = names.iter().take(NAMED).map(|name| name.trim()).collect::<Vec<_>>().join(", ");
        if more > 0 {
            list += &format!(" and {more} more");
        }
        let measure = if verdict == Verdict::Unknown { "" } else { " by mean absolute error" };
        let taken = if by_model { "exponential smoothing" } else { "the naive forecast" };
        // The one series without `by` has no name.
        let unnamed = found.iter().all(|one| one.series.name.is_empty());
        let text = match unnamed {
            true if list.is_empty() => format!("{}; {taken} is shown.", capital(verdict.words())),
            true => format!("{}{measure} {list}; {taken} is shown.", capital(verdict.words())),
            false => format!("{list}: {}{measure}; {taken} is shown.", verdict.words()),
        };
        Exhibit::note(tone, text)
    };
    groups.into_iter().map(sentence).collect()
}

/// How the forecasts did in the past, and what that says.
pub(super) fn backtests(settings: &Settings, found: &[Found]) -> Vec<Exhibit> {
    let mut rows = Vec::new();
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
    let mut exhibits = vec![sheet(settings, "Forecasts judged on the past", columns, rows, Some(note.to_owned()))];
    exhibits.extend(sentences(found));
    exhibits
}
