//! `trends`: how values go along time.

mod analysis;
mod every;
mod exhibits;
mod figures;
mod options;
mod resample;
mod settings;
mod sheets;
mod side;
mod tables;
mod verdicts;
mod words;
mod work;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{Node, OneOrMany, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::{PlanContext, Planned, Shape, Stage, TableShape};
use crate::statistics::multiplicity::Correction;
use options::{Aggregate, ChangePoints, Filling, Forecasting, Season};
use tables::Tables;
use work::TrendsWork;

/// Groups at most; each is a series.
const MOST_SERIES: usize = 10_000;
/// Periods of a series at most.
const MOST_PERIODS: usize = 1_000_000;
/// Periods of all series at most.
const MOST_POINTS: u64 = 5_000_000;

/// Says how values go along time: what is missing, the season, the trend, jumps of the level, and what comes next.
///
/// The rows become a series with one value for each period (`every`), for each group (`by`): a mean, a sum, a count. Rows may come
/// in any order, several in a period, none in another; those without a time or a finite value are left out and counted.
/// Periods of seconds, minutes and hours count elapsed time from midnight UTC, so that a change of clocks neither doubles nor
/// skips one; days and longer ones are days on the clock of `zone`, or of the column's own time zone (of the column as it is, when it has none).
/// Weeks begin on Monday.
///
/// Missing periods lie between the first and the last that has a value. They are counted and listed, and filled as `fill` says:
/// by 0 where a sum or a count is asked for, else by the straight line between the neighbours. With `fill: none` a series with
/// gaps gets only what needs no equal distances: the trend test, without a season.
///
/// - **Season.** `period: auto` looks at what the calendar suggests (a day of hours, a week of days, a year of months) and at the
///   strongest peak of the periodogram. A season must come twice, explain at least 10 % of the variance that is faster than it, and
///   values a season apart must go together beyond chance; the shortest that explains as much as any other (within 5 points) is taken.
///   The report lists all that were looked at. `period: 24` takes 24 periods, `period: none` no season.
/// - **Decomposition.** With a season by STL (Cleveland et al. 1990), robust unless `season: {robust: false}`; without one the trend is
///   a robust loess curve. The strengths of trend and season (Hyndman) lie between 0 and 1.
/// - **Trend.** The slope of Theil and Sen with its interval, and the Mann-Kendall test with ties; both allow for autocorrelation
///   by Hamed and Rao's correction (lags up to 10 log10 n), on the series without its season. The plain test, and the seasonal one of
///   Hirsch and Slack, stand beside it. With groups the p-values are adjusted by `correction`.
/// - **Change points.** Jumps of the level (or of level and spread) by PELT (Killick et al. 2012), on the series without its season. The
///   penalty `bic` is 2 ln n (3 ln n with spread) times the variance of the noise, and times (1 + r) / (1 - r) for its
///   autocorrelation r, both told from differences. A slow wander is also cut into levels.
/// - **Outliers.** With `outliers: 4`, values that lie so many robust deviations from what trend and season let expect: marked in the
///   picture and in the rows, the farthest in a table.
/// - **Forecast.** Exponential smoothing (Holt and Winters): no, additive or damped trend, no, additive or multiplicative season,
///   chosen by AICc on what lies before the backtest. From several origins in the past it competes with the naive forecast
///   that repeats the last season; it is taken when its mean absolute error is at least 1 % smaller, and the report says so. A series is
///   not foretold further than it is long. Models see the last 2,000 periods.
///
/// What a series is too short for is said, and is no error. At most 10,000 groups, 1,000,000 periods of a series and 5,000,000
/// in all; beyond them the stage ends with exit code 4. The periods are in memory, 160 bytes each. Resampling streams, so the rows may be larger than memory.
///
/// The product has a row for each period and each foretold one: the columns of `by`, `time` (its begin), `value`, `rows`, `filled`,
/// `trend`, `season`, `remainder`, `change_point` (a new level begins here), `forecast`, `low`, `high`, and with `outliers` also
/// `outlier`. Further tables are read with `from: <id>.tests`, `<id>.backtest`, `<id>.change_points` and `<id>.gaps`.
///
/// ```yaml
/// - id: warmth
///   trends: {time: time_hour, zone: America/New_York, value: temp, by: origin, every: day, aggregate: mean, forecast: {horizon: 14}}
/// - trends: {time: time, value: value, by: origin, every: month, period: none, change_points: {penalty: 50}}
/// ```
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trends {
    /// The column with the time of each row: a date or a datetime.
    time: Spanned<String>,
    /// The column with the values; not needed where rows are counted.
    #[serde(default)]
    value: Option<Spanned<String>>,
    /// The columns whose values make a series each.
    #[serde(default)]
    by: Option<OneOrMany<Spanned<String>>>,
    /// The time zone on whose clock days and longer periods are counted and times are shown, such as `America/New_York`; for
    /// columns that hold instants. The zone of the column when absent.
    #[serde(default)]
    zone: Option<Spanned<String>>,
    /// The length of a period: `second`, `minute`, `hour`, `day`, `week`, `month`, `quarter` or `year`, or several: `6 hours`.
    every: Spanned<String>,
    /// What becomes of the values of a period: `mean` when absent, `count` when there is no `value`.
    #[serde(default)]
    aggregate: Option<Spanned<Aggregate>>,
    /// What is put in the place of missing periods: `zero` for `sum` and `count` when absent, else `linear`.
    #[serde(default)]
    fill: Option<Filling>,
    /// Periods of a season: `auto`, `none` or a number.
    #[serde(default)]
    period: Option<Node>,
    /// How the season is taken out.
    #[serde(default)]
    season: Season,
    /// How jumps of the level are found.
    #[serde(default)]
    change_points: ChangePoints,
    /// What is foretold; nothing when absent.
    #[serde(default)]
    forecast: Option<Forecasting>,
    /// Remainders so many robust deviations from their median are outliers; not looked for when absent. 4 is usual. The deviation is
    /// 1.4826 times the median absolute deviation, or where most remainders are equal 1.2533 times the mean one.
    #[serde(default)]
    outliers: Option<Spanned<f64>>,
    /// The confidence of all intervals.
    #[serde(default = "confidence")]
    confidence: Spanned<f64>,
    /// How the p-values of several series are adjusted.
    #[serde(default)]
    correction: Correction,
    /// Another seed simulates other intervals for multiplicative models.
    #[serde(default)]
    seed: u64,
}

fn confidence() -> Spanned<f64> {
    Spanned::nowhere(0.95)
}

impl Stage for Trends {
    fn side_table(&self, name: &str) -> Option<Box<dyn Stage>> {
        let groups = self.by.as_ref().map_or(0, |by| by.as_slice().len());
        side::Side::named(name, groups).map(|side| Box::new(side) as Box<dyn Stage>)
    }

    fn plan(&self, shapes: &[Shape], context: &PlanContext<'_>) -> Result<Planned, Findings> {
        let (table, settings) = self.settings(shapes, context)?;
        settings.resampling.relation(&table.relation, &table.schema)?;
        let schema = Tables::new(&settings).product();
        if let Some(name) = schema.as_ref().err() {
            let place = self.by.iter().flat_map(|by| by.iter()).find(|by| by.value == *name).map(|by| &by.place);
            let message = format!("column `{name}` would stand twice in the table that `trends` makes");
            let finding = Diagnostic::definition(message).help("rename it first: `select: {rename: {..}}`");
            return Err(vec![place.map_or(finding.clone(), |place| finding.at(place))]);
        }
        let key = context.key("table");
        let scan = Scan { source: ScanSource::Artifact(key.clone()), schema: schema.unwrap_or_default() };
        let work = TrendsWork { id: context.id.to_owned(), key, settings };
        let meaning = serde_json::json!({ "options": self, "columns": table.schema });
        Ok(Planned::relation(TableShape::new(Relation::Scan(scan), None)).work(work).meaning(meaning))
    }
}
