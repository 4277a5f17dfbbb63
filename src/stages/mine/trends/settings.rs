//! What the options of `trends` mean once they were checked.

use super::Trends;
use super::every::Every;
use super::options::{Aggregate, Filling, Jump, Model};
use super::resample::Resampling;
use crate::definition::{Spanned, Value};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field};
use crate::stages::fit::groups;
use crate::stages::{PlanContext, Shape, TableShape, inputs};
use crate::statistics::multiplicity::Correction;

/// How long a season is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    /// It is looked for.
    Auto,
    /// There is none.
    None,
    /// So many periods.
    Periods(usize),
}

/// What a jump must be worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Penalty {
    Bic,
    Aic,
    Value(f64),
    /// Jumps are not looked for.
    Off,
}

/// The options once they were checked.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) resampling: Resampling,
    pub(super) fill: Filling,
    pub(super) period: Period,
    pub(super) season_window: usize,
    pub(super) robust: bool,
    pub(super) penalty: Penalty,
    pub(super) jump: Jump,
    pub(super) shortest: Option<usize>,
    pub(super) forecast: Option<(usize, usize, Model)>,
    pub(super) outliers: Option<f64>,
    pub(super) confidence: f64,
    pub(super) correction: Correction,
    pub(super) seed: u64,
}

impl Settings {
    /// What the values are called: `mean of temp`, `number of rows`.
    pub(super) fn measure(&self) -> String {
        match &self.resampling.value {
            Some(field) => format!("{} of {}", self.resampling.aggregate.name(), field.name),
            None => "number of rows".to_owned(),
        }
    }
}

/// The most periods that are foretold.
const LONGEST_HORIZON: usize = 100_000;

impl Trends {
    /// Checks the options against the columns.
    pub(super) fn settings<'a>(
        &self,
        shapes: &'a [Shape],
        context: &PlanContext<'_>,
    ) -> Result<(&'a TableShape, Settings), Findings> {
        let table = inputs::table(shapes, 0, context.input_ids)?;
        let id = context.input_ids.first().map_or("", String::as_str);
        let mut findings = Findings::new();
        let mut keep = |found: Result<Option<Field>, Diagnostic>| match found {
            Ok(field) => field,
            Err(finding) => {
                findings.push(finding);
                None
            }
        };
        let time = keep(inputs::column(&table.schema, &self.time, id).map(|field| Some(field.clone())));
        let value = keep(self.value.as_ref().map(|name| self.numbers(table, name, id)).transpose());
        let by = groups::keys(&table.schema, self.by.as_ref(), id).unwrap_or_else(|mut wrong| {
            findings.append(&mut wrong);
            Vec::new()
        });
        let every = Every::parse(&self.every.value);
        if every.is_none() {
            let message = format!("`{}` is no length of a period", self.every.value);
            let help = "write `hour`, `day`, `week`, `month`, .., or several: `15 minutes`, `6 hours`";
            findings.push(Diagnostic::definition(message).at(&self.every.place).help(help));
        }
        findings.extend(time.as_ref().and_then(|time| self.wrong_time(time, every)));
        findings.extend(time.as_ref().and_then(|time| self.wrong_zone(time)));
        let aggregate = match (&self.aggregate, &self.value) {
            (Some(aggregate), None) if aggregate.value != Aggregate::Count => {
                let message = format!("`aggregate: {}` needs a `value`", aggregate.value.name());
                findings.push(Diagnostic::definition(message).at(&aggregate.place));
                Aggregate::Count
            }
            (Some(aggregate), _) => aggregate.value,
            (None, None) => Aggregate::Count,
            (None, Some(_)) => Aggregate::Mean,
        };
        let (period, penalty) = (self.season_length(&mut findings), self.worth(&mut findings));
        self.check_numbers(&mut findings);
        let time = time.map(|time| match &self.zone {
            Some(zone) => Field::new(time.name, DataType::Datetime(Some(zone.value.clone()))),
            None => time,
        });
        let (Some(time), Some(every), true) = (time, every, findings.is_empty()) else { return Err(findings) };
        let fill = self.fill.unwrap_or(match aggregate {
            Aggregate::Sum | Aggregate::Count => Filling::Zero,
            _ => Filling::Linear,
        });
        let settings = Settings {
            resampling: Resampling { by, time, value, every, aggregate },
            fill,
            period,
            season_window: self.season.window.value,
            robust: self.season.robust,
            penalty,
            jump: self.change_points.cost,
            shortest: self.change_points.shortest.as_ref().map(|shortest| shortest.value),
            forecast: self.forecast.as_ref().map(|one| (one.horizon.value, one.folds.value, one.model)),
            outliers: self.outliers.as_ref().map(|factor| factor.value),
            confidence: self.confidence.value,
            correction: self.correction,
            seed: self.seed,
        };
        Ok((table, settings))
    }

    /// The column of values; a count may be of any column.
    fn numbers(&self, table: &TableShape, name: &Spanned<String>, id: &str) -> Result<Field, Diagnostic> {
        let field = inputs::column(&table.schema, name, id)?;
        if field.data_type.is_numeric() || field.data_type == DataType::Boolean {
            return Ok(field.clone());
        }
        let message = format!("column `{}` holds {}, not numbers", field.name, field.data_type);
        let help = "to count rows, leave `value` out; else cast it first: `derive: {x: \"try_cast(x as double)\"}`";
        Err(Diagnostic::definition(message).at(&name.place).help(help))
    }

    fn wrong_time(&self, time: &Field, every: Option<Every>) -> Option<Diagnostic> {
        let refuse =
            |message: String, help: &str| Some(Diagnostic::definition(message).at(&self.time.place).help(help));
        match &time.data_type {
            DataType::Datetime(_) => None,
            DataType::Date => {
                let every = every.filter(|every| !every.unit.is_of_days())?;
                let message = format!("column `{}` holds dates, which do not tell a {}", time.name, every.unit.name());
                Some(Diagnostic::definition(message).at(&self.every.place).help("choose `every: day` or longer"))
            }
            DataType::String => refuse(
                format!("column `{}` holds text, not times", time.name),
                "read it as a time first: `derive: {t: \"strptime(t, '%Y-%m-%d %H:%M')\"}`",
            ),
            kind if kind.is_numeric() => refuse(
                format!("column `{}` holds {kind}, not times", time.name),
                "seconds since 1970 become times by `derive: {t: \"to_timestamp(t)\"}`",
            ),
            kind => refuse(format!("column `{}` holds {kind}, not times", time.name), "name a date or a datetime"),
        }
    }

    fn wrong_zone(&self, time: &Field) -> Option<Diagnostic> {
        let zone = self.zone.as_ref()?;
        if jiff::tz::TimeZone::get(&zone.value).is_err() {
            let message = format!("unknown time zone `{}`", zone.value);
            let help = "zones are named as in `Europe/Berlin` or `America/New_York`";
            return Some(Diagnostic::definition(message).at(&zone.place).help(help));
        }
        let instants = matches!(time.data_type, DataType::Datetime(Some(_)));
        let message =
            format!("column `{}` holds {}, which are no instants: `zone` has no meaning", time.name, time.data_type);
        let help = "leave `zone` out; the times are taken as they are";
        (!instants && time.data_type.is_temporal()).then(|| Diagnostic::definition(message).at(&zone.place).help(help))
    }

    fn season_length(&self, findings: &mut Findings) -> Period {
        let Some(node) = &self.period else { return Period::Auto };
        match &node.value {
            Value::Text(text) if text.value() == "auto" => return Period::Auto,
            Value::Text(text) if text.value() == "none" => return Period::None,
            Value::Null => return Period::Auto,
            Value::Integer(periods) => {
                if let Some(periods) =
                    usize::try_from(*periods).ok().filter(|at| (2..=super::MOST_PERIODS).contains(at))
                {
                    return Period::Periods(periods);
                }
            }
            _ => {}
        }
        let finding =
            Diagnostic::definition("`period` must be `auto`, `none` or a whole number from 2").at(&node.place);
        findings.push(finding);
        Period::Auto
    }

    fn worth(&self, findings: &mut Findings) -> Penalty {
        let Some(node) = &self.change_points.penalty else { return Penalty::Bic };
        #[expect(clippy::cast_precision_loss, reason = "a penalty of 2^53 is no different from its neighbour")]
        let number = match &node.value {
            Value::Null => return Penalty::Bic,
            Value::Text(text) => match text.value() {
                "bic" => return Penalty::Bic,
                "aic" => return Penalty::Aic,
                "none" => return Penalty::Off,
                _ => None,
            },
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        };
        if let Some(number) = number.filter(|number| *number > 0.0 && number.is_finite()) {
            return Penalty::Value(number);
        }
        let message = "`penalty` must be `bic`, `aic`, `none` or a number above 0";
        findings.push(Diagnostic::definition(message).at(&node.place));
        Penalty::Bic
    }

    fn check_numbers(&self, findings: &mut Findings) {
        let mut refuse = |wrong: bool, message: &str, place: &crate::diagnostic::Place| {
            if wrong {
                findings.push(Diagnostic::definition(message).at(place));
            }
        };
        let confidence = &self.confidence;
        let inside = confidence.value > 0.0 && confidence.value < 1.0;
        refuse(!inside, "`confidence` must lie between 0 and 1", &confidence.place);
        let window = &self.season.window;
        let odd = window.value >= 3 && window.value % 2 == 1 && window.value <= 100_001;
        refuse(!odd, "`window` must be odd, from 3 to 100,001", &window.place);
        if let Some(shortest) = &self.change_points.shortest {
            refuse(shortest.value == 0, "`shortest` must be at least 1", &shortest.place);
        }
        if let Some(outliers) = &self.outliers {
            let right = outliers.value > 0.0 && outliers.value.is_finite();
            refuse(!right, "`outliers` must be above 0", &outliers.place);
        }
        if let Some(forecast) = &self.forecast {
            let horizon = &forecast.horizon;
            let right = (1..=LONGEST_HORIZON).contains(&horizon.value);
            refuse(!right, "`horizon` must be from 1 to 100,000 periods", &horizon.place);
            let right = (1..=50).contains(&forecast.folds.value);
            refuse(!right, "`folds` must be from 1 to 50", &forecast.folds.place);
        }
    }
}
