//! Columns of dates and times: where they stand in the cycles of the calendar, and how late they are.

mod fit;
mod moment;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;

use std::f64::consts::TAU;

use arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};

use super::number::Number;
use super::part::{Counts, Part};

pub(super) use fit::DateFit;
use moment::{Moment, moments};

/// How a column of dates or times becomes inputs.
///
/// Each cycle becomes two inputs, the sine and the cosine of the place in it, so that 23:59 is close to 0:00 and December
/// to January. The position becomes one: the moment itself, by mean and standard deviation of the training rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DateOptions {
    /// The cycles; those that the type allows when absent: the day of a time, week and year of a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles: Option<Vec<Cycle>>,
    /// Whether the moment itself is an input; a time of the day has none.
    pub position: bool,
}

impl Default for DateOptions {
    fn default() -> Self {
        Self { cycles: None, position: true }
    }
}

/// A cycle of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    /// The time of the day.
    Day,
    /// The day of the week and its time, from Monday.
    Week,
    /// The day of the month and its time.
    Month,
    /// The day of the year and its time.
    Year,
}

/// What kind of column it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateKind {
    /// Days.
    Date,
    /// Times of the day.
    Time,
    /// Days with their time.
    Datetime,
}

impl DateKind {
    /// The cycles that make sense.
    pub fn cycles(self) -> &'static [Cycle] {
        match self {
            Self::Date => &[Cycle::Week, Cycle::Year],
            Self::Time => &[Cycle::Day],
            Self::Datetime => &[Cycle::Day, Cycle::Week, Cycle::Year],
        }
    }

    /// Whether a cycle can be found in such a column.
    pub fn has(self, cycle: Cycle) -> bool {
        match self {
            Self::Date => cycle != Cycle::Day,
            Self::Time => cycle == Cycle::Day,
            Self::Datetime => true,
        }
    }
}

impl Cycle {
    /// Its name in the definition.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    fn place(self, moment: &Moment) -> f64 {
        match self {
            Self::Day => moment.of_day,
            Self::Week => moment.of_week,
            Self::Month => moment.of_month,
            Self::Year => moment.of_year,
        }
    }
}

/// A column of dates or times with what was learned about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Date {
    name: String,
    cycles: Vec<Cycle>,
    /// The moment in seconds since 1970, scaled.
    position: Option<Number>,
    /// Training rows without a value.
    missing: u64,
    /// Training rows.
    rows: u64,
}

impl Date {
    /// The column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cycles.
    pub fn cycles(&self) -> &[Cycle] {
        &self.cycles
    }

    /// The moment in seconds since 1970, scaled; none where it is no input.
    pub fn position(&self) -> Option<&Number> {
        self.position.as_ref()
    }

    /// Training rows without a value.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Training rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many inputs the column becomes, with the mark for missing values.
    pub fn width(&self) -> usize {
        2 * self.cycles.len() + usize::from(self.position.is_some()) + usize::from(self.missing > 0)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.position.as_ref().is_none_or(|position| position.is_sound() && position.missing() == 0)
    }

    pub(super) fn input_names(&self) -> Vec<String> {
        let name = &self.name;
        let cycles = self.cycles.iter().flat_map(|cycle| {
            let cycle = cycle.name();
            [format!("{name}, sine of {cycle}"), format!("{name}, cosine of {cycle}")]
        });
        let position = self.position.is_some().then(|| name.clone());
        cycles.chain(position).chain((self.missing > 0).then(|| format!("{name} is missing"))).collect()
    }

    /// Fills the column's part of each row: 0, the middle of each circle, where there is no value.
    pub(super) fn encode(&self, array: &ArrayRef, part: &mut Part<'_>) -> Counts {
        let mut counts = Counts::default();
        let mark = self.width() - usize::from(self.missing > 0);
        for (moment, cells) in moments(array).into_iter().zip(part.rows(self.width())) {
            let Some(moment) = moment else {
                counts.missing += 1;
                if let Some(mark) = cells.get_mut(mark) {
                    *mark = 1.0;
                }
                continue;
            };
            for (cycle, pair) in self.cycles.iter().zip(cells.chunks_exact_mut(2)) {
                let (sine, cosine) = (TAU * cycle.place(&moment)).sin_cos();
                if let [first, second] = pair {
                    (*first, *second) = (sine as f32, cosine as f32);
                }
            }
            let at = 2 * self.cycles.len();
            if let (Some(position), Some(cell)) = (&self.position, cells.get_mut(at..=at)) {
                position.one(moment.seconds, cell);
            }
        }
        counts
    }
}
