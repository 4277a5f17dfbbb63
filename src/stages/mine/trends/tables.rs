//! The tables that `trends` makes: the series themselves, and what was tested, tried and found in them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray, UInt32Array,
};

use super::analysis::Analysis;
use super::resample::Series;
use super::settings::Settings;
use super::side::Side;
use crate::diagnostic::{Class, Diagnostic};
use crate::expression::{DataType, Field, Schema};
use crate::statistics::series::backtest::Errors;
use crate::statistics::series::mann_kendall::MannKendall;

/// A series with what was found in it, and the adjusted p-value of its trend.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) series: Series,
    pub(super) analysis: Analysis,
    pub(super) adjusted: Option<f64>,
}

/// A row of the table of tests.
pub(super) struct Test {
    pub(super) name: &'static str,
    pub(super) estimate: Option<f64>,
    pub(super) interval: Option<(f64, f64)>,
    pub(super) statistic: Option<f64>,
    pub(super) p_value: Option<f64>,
    pub(super) adjusted: Option<f64>,
    pub(super) remark: String,
}

impl Test {
    fn estimate(name: &'static str, estimate: impl Into<Option<f64>>, remark: impl Into<String>) -> Self {
        let estimate = estimate.into();
        Self { name, estimate, interval: None, statistic: None, p_value: None, adjusted: None, remark: remark.into() }
    }

    fn trend(name: &'static str, test: &Result<MannKendall, String>, remark: impl Fn(&MannKendall) -> String) -> Self {
        match test {
            Ok(test) => Self {
                statistic: Some(test.z),
                p_value: Some(test.p_value),
                ..Self::estimate(name, test.tau, remark(test))
            },
            Err(reason) => Self::estimate(name, None, format!("not defined: {reason}")),
        }
    }
}

/// What makes the tables.
pub(super) struct Tables<'a> {
    settings: &'a Settings,
}

/// Arrays under their names.
type Columns = Vec<(String, ArrayRef)>;

impl<'a> Tables<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { settings }
    }

    /// The type of the column `time`.
    fn time_type(&self) -> DataType {
        match self.settings.resampling.every.unit.is_of_days() {
            true => DataType::Date,
            false => self.settings.resampling.time.data_type.clone(),
        }
    }

    /// The columns of the product.
    ///
    /// Errors: the name that would stand twice.
    pub(super) fn product(&self) -> Result<Schema, String> {
        let mut fields = self.settings.resampling.by.clone();
        fields.push(Field::new("time", self.time_type()));
        fields.push(Field::new("value", DataType::Float64));
        fields.push(Field::new("rows", DataType::Int64));
        fields.push(Field::new("filled", DataType::Boolean));
        let floats = |names: &[&str]| names.iter().map(|name| Field::new(*name, DataType::Float64)).collect::<Vec<_>>();
        fields.extend(floats(&["trend", "season", "remainder"]));
        fields.push(Field::new("change_point", DataType::Boolean));
        if self.settings.outliers.is_some() {
            fields.push(Field::new("outlier", DataType::Boolean));
        }
        fields.extend(floats(&["forecast", "low", "high"]));
        let sides = Side::ALL.iter().flat_map(|side| side.columns(DataType::Date));
        let by = &self.settings.resampling.by;
        if let Some(clash) = sides.into_iter().find(|field| by.iter().any(|by| by.name == field.name)) {
            return Err(clash.name);
        }
        Schema::new(fields)
    }

    /// The product.
    pub(super) fn series(&self, found: &[Found]) -> Result<RecordBatch, Diagnostic> {
        let lengths: Vec<usize> = found.iter().map(|one| one.series.values.len() + horizon(one)).collect();
        let mut columns = self.keys(found, &lengths)?;
        let periods = found.iter().zip(&lengths).flat_map(|(one, length)| {
            (0..*length).map(|at| i64::try_from(at).ok().and_then(|at| one.series.first.checked_add(at)))
        });
        columns.push(("time".to_owned(), self.times(periods)));
        // One value for each known period, then one for each foretold.
        let spread = |of: &dyn Fn(&Found, usize) -> Option<f64>| {
            let values = found.iter().zip(&lengths).flat_map(|(one, length)| (0..*length).map(move |at| of(one, at)));
            floats(values)
        };
        let flags = |of: &dyn Fn(&Found, usize) -> bool| -> ArrayRef {
            let values = found.iter().flat_map(|one| {
                let known = one.series.values.len();
                (0..known + horizon(one)).map(move |at| (at < known).then(|| of(one, at)))
            });
            Arc::new(values.collect::<BooleanArray>())
        };
        columns.push(("value".to_owned(), spread(&|one, at| one.analysis.filled.get(at).copied().flatten())));
        let rows = found
            .iter()
            .zip(&lengths)
            .flat_map(|(one, length)| (0..*length).map(|at| one.series.rows.get(at).copied().map(i64::from)));
        columns.push(("rows".to_owned(), Arc::new(rows.collect::<Int64Array>())));
        columns.push((
            "filled".to_owned(),
            flags(&|one, at| {
                let missing = one.series.values.get(at).is_some_and(Option::is_none);
                missing && one.analysis.filled.get(at).is_some_and(Option::is_some)
            }),
        ));
        columns.push(("trend".to_owned(), spread(&|one, at| one.analysis.trend.get(at).copied())));
        columns.push(("season".to_owned(), spread(&|one, at| one.analysis.season.get(at).copied())));
        columns.push(("remainder".to_owned(), spread(&|one, at| one.analysis.remainder.get(at).copied())));
        let jumps = |one: &Found, at: usize| one.analysis.changes.binary_search_by(|change| change.at.cmp(&at)).is_ok();
        columns.push(("change_point".to_owned(), flags(&jumps)));
        if self.settings.outliers.is_some() {
            columns.push(("outlier".to_owned(), flags(&|one, at| one.analysis.outliers.at.binary_search(&at).is_ok())));
        }
        let coming = |one: &Found, at: usize| {
            let step = at.checked_sub(one.series.values.len())?;
            one.analysis.forecast.as_ref()?.coming.get(step).copied()
        };
        columns.push(("forecast".to_owned(), spread(&|one, at| coming(one, at).map(|next| next.value))));
        columns.push(("low".to_owned(), spread(&|one, at| coming(one, at).map(|next| next.low))));
        columns.push(("high".to_owned(), spread(&|one, at| coming(one, at).map(|next| next.high))));
        batch(columns)
    }

    /// A side table.
    pub(super) fn side(&self, side: Side, found: &[Found]) -> Result<RecordBatch, Diagnostic> {
        match side {
            Side::Tests => self.tests(found),
            Side::Backtest => self.backtest(found),
            Side::ChangePoints => self.change_points(found),
            Side::Gaps => self.gaps(found),
        }
    }

    fn tests(&self, found: &[Found]) -> Result<RecordBatch, Diagnostic> {
        let tests: Vec<Vec<Test>> = found.iter().map(|one| self.tests_of(one)).collect();
        let mut columns = self.keys(found, &tests.iter().map(Vec::len).collect::<Vec<_>>())?;
        let all = || tests.iter().flatten();
        let column = |of: fn(&Test) -> Option<f64>| floats(all().map(of));
        columns.push(("test".to_owned(), texts(all().map(|test| Some(test.name.to_owned())))));
        columns.push(("estimate".to_owned(), column(|test| test.estimate)));
        columns.push(("low".to_owned(), column(|test| test.interval.map(|(low, _)| low))));
        columns.push(("high".to_owned(), column(|test| test.interval.map(|(_, high)| high))));
        columns.push(("statistic".to_owned(), column(|test| test.statistic)));
        columns.push(("p_value".to_owned(), column(|test| test.p_value)));
        columns.push(("p_adjusted".to_owned(), column(|test| test.adjusted)));
        columns.push((
            "remark".to_owned(),
            texts(all().map(|test| Some(test.remark.clone()).filter(|it| !it.is_empty()))),
        ));
        batch(columns)
    }

    /// Everything that has a number, in rows.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub(super) fn tests_of(&self, found: &Found) -> Vec<Test> {
        let (analysis, every) = (&found.analysis, &self.settings.resampling.every);
        let mut tests = vec![
            Test::estimate("periods", found.series.values.len() as f64, ""),
            Test::estimate(
                "missing_periods",
                analysis.gaps.iter().map(|gap| gap.length).sum::<usize>() as f64,
                self.settings.fill.words(),
            ),
            Test::estimate("season", analysis.period.map(|period| period as f64), "periods"),
            Test::estimate("season_strength", analysis.season_strength, "0 to 1"),
            Test::estimate("trend_strength", analysis.trend_strength, "0 to 1"),
        ];
        if let Some((first, limit)) = analysis.correlations.get(1) {
            let interval = Some((-limit, *limit));
            tests.push(Test { interval, ..Test::estimate("autocorrelation", *first, "lag 1; limits around 0") });
        }
        if let Some(fisher) = &analysis.fisher {
            tests.push(Test {
                statistic: Some(fisher.g),
                p_value: Some(fisher.p_value),
                ..Test::estimate("fisher_g", fisher.period, "strongest period; against white noise")
            });
        }
        if let Some(slope) = &analysis.slope {
            let (unit, periods) = every.slope_unit();
            tests.push(Test {
                interval: Some((slope.low * periods, slope.high * periods)),
                ..Test::estimate("theil_sen", slope.slope * periods, format!("a {unit}"))
            });
        }
        if let Some(plain) = &analysis.plain {
            tests.push(Test::trend("mann_kendall", plain, |_| "tau; for independent values".to_owned()));
        }
        if let Some(corrected) = &analysis.corrected {
            let remark = |test: &MannKendall| {
                format!("tau; variance times {:.3} for autocorrelation (Hamed-Rao)", test.correction)
            };
            tests.push(Test {
                adjusted: found.adjusted,
                ..Test::trend("mann_kendall_autocorrelated", corrected, remark)
            });
        }
        if let Some(seasonal) = &analysis.seasonal {
            tests
                .push(Test::trend("mann_kendall_seasonal", seasonal, |_| "tau within places of the season".to_owned()));
        }
        if let Some(noise) = &analysis.noise {
            tests.push(Test::estimate("noise_variance", noise.variance, "around the level, from differences"));
            tests.push(Test::estimate("noise_correlation", noise.correlation, "lag 1, from differences"));
        }
        if analysis.noise.is_some() {
            let remark = analysis.penalty.map_or(String::new(), |penalty| format!("penalty {penalty:.4}"));
            tests.push(Test::estimate("change_points", analysis.changes.len() as f64, remark));
        }
        tests.extend(analysis.remarks.iter().map(|remark| Test::estimate("remark", None, remark.clone())));
        tests
    }

    fn backtest(&self, found: &[Found]) -> Result<RecordBatch, Diagnostic> {
        let rows: Vec<Vec<Tried>> = found.iter().map(|one| tried(&one.analysis)).collect();
        let mut columns = self.keys(found, &rows.iter().map(Vec::len).collect::<Vec<_>>())?;
        let all = || rows.iter().flatten();
        let column = |of: fn(&Errors) -> Option<f64>| floats(all().map(move |row| row.errors.as_ref().and_then(of)));
        columns.push(("model".to_owned(), texts(all().map(|row| Some(row.model.clone())))));
        columns.push(("taken".to_owned(), Arc::new(all().map(|row| Some(row.taken)).collect::<BooleanArray>())));
        let count = |of: fn(&Tried) -> usize| -> ArrayRef {
            Arc::new(all().map(|row| i64::try_from(of(row)).ok()).collect::<Int64Array>())
        };
        columns.push(("origins".to_owned(), count(|row| row.origins)));
        columns.push(("values".to_owned(), count(|row| row.errors.map_or(0, |errors| errors.values))));
        columns.push(("mae".to_owned(), column(|errors| Some(errors.mae))));
        columns.push(("rmse".to_owned(), column(|errors| Some(errors.rmse))));
        columns.push(("mase".to_owned(), column(|errors| errors.mase)));
        columns.push(("smape".to_owned(), column(|errors| Some(errors.smape))));
        columns.push(("coverage".to_owned(), column(|errors| Some(errors.coverage))));
        columns.push(("aicc".to_owned(), floats(all().map(|row| row.aicc))));
        batch(columns)
    }

    fn change_points(&self, found: &[Found]) -> Result<RecordBatch, Diagnostic> {
        let lengths: Vec<usize> = found.iter().map(|one| one.analysis.changes.len()).collect();
        let mut columns = self.keys(found, &lengths)?;
        let all = || found.iter().flat_map(|one| one.analysis.changes.iter().map(move |change| (one, change)));
        columns.push(("time".to_owned(), self.times(all().map(|(one, change)| period(one, change.at)))));
        columns.push(("level_before".to_owned(), floats(all().map(|(_, change)| Some(change.before)))));
        columns.push(("level_after".to_owned(), floats(all().map(|(_, change)| Some(change.after)))));
        batch(columns)
    }

    fn gaps(&self, found: &[Found]) -> Result<RecordBatch, Diagnostic> {
        let lengths: Vec<usize> = found.iter().map(|one| one.analysis.gaps.len()).collect();
        let mut columns = self.keys(found, &lengths)?;
        let all = || found.iter().flat_map(|one| one.analysis.gaps.iter().map(move |gap| (one, gap)));
        columns.push(("first".to_owned(), self.times(all().map(|(one, gap)| period(one, gap.start)))));
        let last = all().map(|(one, gap)| period(one, gap.start + gap.length.saturating_sub(1)));
        columns.push(("last".to_owned(), self.times(last)));
        let lengths = all().map(|(_, gap)| i64::try_from(gap.length).ok());
        columns.push(("periods".to_owned(), Arc::new(lengths.collect::<Int64Array>())));
        batch(columns)
    }

    /// The columns of the groups, the values of each series as often as it has rows.
    fn keys(&self, found: &[Found], lengths: &[usize]) -> Result<Columns, Diagnostic> {
        let failed = |error: arrow::error::ArrowError| Diagnostic::error(Class::Stage, error.to_string());
        let mut columns = Vec::new();
        for (at, field) in self.settings.resampling.by.iter().enumerate() {
            let parts = found.iter().zip(lengths).filter_map(|(one, length)| {
                let key = one.series.key.get(at)?;
                Some(arrow::compute::take(key, &UInt32Array::from(vec![0; *length]), None))
            });
            let parts: Vec<ArrayRef> = parts.collect::<Result<_, _>>().map_err(failed)?;
            let whole = match parts.is_empty() {
                // Without a series nothing says how the engine holds the type; a column of nulls becomes any type.
                true => arrow::array::new_null_array(&arrow::datatypes::DataType::Null, 0),
                false => {
                    arrow::compute::concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>()).map_err(failed)?
                }
            };
            columns.push((field.name.clone(), whole));
        }
        Ok(columns)
    }

    /// The begins of periods.
    fn times(&self, periods: impl Iterator<Item = Option<i64>>) -> ArrayRef {
        let every = self.settings.resampling.every;
        match self.time_type() {
            DataType::Datetime(zone) => {
                let micros = periods.map(|period| every.begin(period?));
                let times = micros.collect::<TimestampMicrosecondArray>();
                match zone {
                    Some(zone) => Arc::new(times.with_timezone(zone)),
                    None => Arc::new(times),
                }
            }
            _ => Arc::new(periods.map(|period| every.first_day(period?)).collect::<Date32Array>()),
        }
    }
}

/// How one model did in the backtest.
pub(super) struct Tried {
    pub(super) model: String,
    pub(super) taken: bool,
    pub(super) origins: usize,
    pub(super) errors: Option<Errors>,
    pub(super) aicc: Option<f64>,
}

/// The model and the naive forecast, side by side; nothing without a forecast.
pub(super) fn tried(analysis: &Analysis) -> Vec<Tried> {
    let Some(forecast) = &analysis.forecast else { return Vec::new() };
    let origins = forecast.origins.len();
    let naive = match analysis.period {
        Some(period) => format!("naive: the last season of {period} again"),
        None => "naive: the last value again".to_owned(),
    };
    let mut rows = Vec::new();
    if let Ok(fit) = &forecast.model {
        let aicc = forecast.candidates.iter().find(|candidate| candidate.form == fit.form);
        rows.push(Tried {
            model: format!("exponential smoothing: {}", fit.form.describe()),
            taken: forecast.by_model,
            origins,
            errors: forecast.errors,
            aicc: aicc.and_then(|candidate| candidate.aicc.ok()),
        });
    }
    rows.push(Tried { model: naive, taken: !forecast.by_model, origins, errors: forecast.baseline, aicc: None });
    rows
}

/// The number of a period of a series.
fn period(found: &Found, at: usize) -> Option<i64> {
    i64::try_from(at).ok().and_then(|at| found.series.first.checked_add(at))
}

fn horizon(found: &Found) -> usize {
    found.analysis.forecast.as_ref().map_or(0, |forecast| forecast.coming.len())
}

fn floats(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.map(|value| value.filter(|value| value.is_finite())).collect::<Float64Array>())
}

fn texts(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringViewArray>())
}

fn batch(columns: Columns) -> Result<RecordBatch, Diagnostic> {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| Diagnostic::error(Class::Stage, error.to_string()))
}
