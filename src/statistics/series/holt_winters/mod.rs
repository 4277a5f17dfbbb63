//! Exponential smoothing: level, trend and season that follow the series, with more weight on what is recent.
//!
//! With `u = level + phi slope` and the season `s` of one period ago, the next value is foretold as `u + s` (additive) or
//! `u s` (multiplicative), and the error `e` of that moves the parts:
//!
//! | part | additive season | multiplicative season |
//! |---|---|---|
//! | level | `u + alpha e` | `u + alpha e / s` |
//! | slope | `phi slope + alpha beta e` | `phi slope + alpha beta e / s` |
//! | season | `s + gamma e` | `s + gamma e / u` |
//!
//! This is the recursion of Holt (1957) and Winters (1960) in the form of errors, damped by `phi` (Gardner & McKenzie 1985).
//! Smoothing parameters and the state before the first value are those with the least sum of squared errors
//! ([`fit`](fit::fit)); of several forms the one with the least AICc is taken ([`choose`](choose::choose)). Source: Hyndman,
//! Koehler, Ord & Snyder (2008), "Forecasting with exponential smoothing". A pass takes O(n). The values must be finite.

pub mod choose;
pub mod fit;
mod gradient;
pub mod intervals;

/// How the level goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trend {
    /// It stays.
    None,
    /// It goes on along its slope.
    Additive,
    /// It goes on along a slope that dies out.
    Damped,
}

/// What comes again with every season.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Season {
    /// Nothing.
    None,
    /// The same amount.
    Additive,
    /// The same share of the level; all values are positive.
    Multiplicative,
}

/// The form of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// How the level goes on.
    pub trend: Trend,
    /// What comes again.
    pub season: Season,
    /// Values of a season; 1 without one.
    pub period: usize,
}

/// Smoothing parameters and the state before the first value.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// How fast the level follows, 0 to 1.
    pub alpha: f64,
    /// How fast the slope follows the level, 0 to 1.
    pub beta: f64,
    /// How fast the season follows, 0 to 1 - alpha.
    pub gamma: f64,
    /// What is left of the slope after each step: 1 when it is not damped.
    pub phi: f64,
    /// The state before the first value.
    pub start: State,
}

/// Level, slope and season at some time.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The level.
    pub level: f64,
    /// What the level gains in a step; 0 without a trend.
    pub slope: f64,
    /// The season of the coming values, the next one first; empty without a season.
    pub season: Vec<f64>,
}

/// What a model says about values that it has seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Filtered {
    /// What was foretold of each value from those before it.
    pub fitted: Vec<f64>,
    /// The sum of squared errors.
    pub squares: f64,
    /// The state after the last value.
    pub end: State,
}

impl Form {
    /// In words: `additive trend, multiplicative season of 12`.
    pub fn describe(&self) -> String {
        let trend = match self.trend {
            Trend::None => "no trend",
            Trend::Additive => "additive trend",
            Trend::Damped => "damped trend",
        };
        match self.season {
            Season::None => format!("{trend}, no season"),
            Season::Additive => format!("{trend}, additive season of {}", self.period),
            Season::Multiplicative => format!("{trend}, multiplicative season of {}", self.period),
        }
    }

    /// Numbers that are chosen by the data: smoothing parameters and the first state (one season less, since the level could
    /// take it over).
    pub fn parameters(&self) -> usize {
        let trend = match self.trend {
            Trend::None => 0,
            Trend::Additive => 2,
            Trend::Damped => 3,
        };
        2 + trend + if self.season == Season::None { 0 } else { self.period }
    }
}

impl State {
    /// The level one step on.
    fn next_level(&self, phi: f64) -> f64 {
        self.level + phi * self.slope
    }

    /// Takes in the error of the value that came. `turn` is the place of its season.
    fn step(&mut self, form: &Form, parameters: &Parameters, turn: usize, error: f64) {
        let level = self.next_level(parameters.phi);
        let now = self.season.get(turn).copied();
        let (scaled, gain) = match (form.season, now) {
            (Season::Multiplicative, Some(now)) => (error / now, error / level),
            _ => (error, error),
        };
        self.level = level + parameters.alpha * scaled;
        self.slope = parameters.phi * self.slope + parameters.alpha * parameters.beta * scaled;
        if let Some(slot) = self.season.get_mut(turn) {
            *slot += parameters.gamma * gain;
        }
    }

    /// What comes next.
    fn foretold(&self, form: &Form, phi: f64, turn: usize) -> f64 {
        let level = self.next_level(phi);
        match (form.season, self.season.get(turn)) {
            (Season::Multiplicative, Some(season)) => level * season,
            (_, season) => level + season.copied().unwrap_or(0.0),
        }
    }
}

/// Runs the model over the values.
pub fn filter(values: &[f64], form: &Form, parameters: &Parameters) -> Filtered {
    let mut state = parameters.start.clone();
    let turns = state.season.len().max(1);
    let mut fitted = Vec::with_capacity(values.len());
    let mut squares = 0.0;
    for (at, value) in values.iter().enumerate() {
        let turn = at % turns;
        let foretold = state.foretold(form, parameters.phi, turn);
        let error = value - foretold;
        fitted.push(foretold);
        squares += error * error;
        state.step(form, parameters, turn, error);
    }
    // The season of the next value comes first.
    let turn = values.len() % turns;
    state.season.rotate_left(turn);
    Filtered { fitted, squares, end: state }
}

/// What comes in the next `horizon` steps after a state.
pub fn forecast(state: &State, form: &Form, phi: f64, horizon: usize) -> Vec<f64> {
    let turns = state.season.len().max(1);
    let mut state = state.clone();
    let mut foretold = Vec::with_capacity(horizon);
    for at in 0..horizon {
        foretold.push(state.foretold(form, phi, at % turns));
        state.level = state.next_level(phi);
        state.slope *= phi;
    }
    foretold
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use crate::statistics::oracle::{Case, assert_close, cases};

    fn form(case: &Case) -> Form {
        let trend = match case.text("trend").as_str() {
            "none" => Trend::None,
            "additive" => Trend::Additive,
            _ => Trend::Damped,
        };
        let season = match case.text("season").as_str() {
            "none" => Season::None,
            "additive" => Season::Additive,
            _ => Season::Multiplicative,
        };
        Form { trend, season, period: case.integer("period") as usize }
    }

    #[test]
    fn given_the_same_parameters_it_agrees_with_statsmodels() {
        for case in cases(include_str!("../../../../tests/data/oracle/series.json"), "holt_winters") {
            let (form, values) = (form(&case), case.list("values"));
            let parameters = Parameters {
                alpha: case.number("alpha"),
                beta: case.number("beta"),
                gamma: case.number("gamma"),
                phi: case.number("phi"),
                start: State { level: case.number("level"), slope: case.number("slope"), season: case.list("seasons") },
            };
            let found = filter(&values, &form, &parameters);
            let name = case.text("name");
            assert_close(found.squares, case.number("squares"), 1e-9, &name);
            for (found, expected) in found.fitted.iter().zip(case.list("fitted")) {
                assert_close(*found, expected, 1e-9, &name);
            }
            let coming = forecast(&found.end, &form, parameters.phi, 15);
            for (found, expected) in coming.iter().zip(case.list("forecast")) {
                assert_close(*found, expected, 1e-9, &format!("{name}, forecast"));
            }
            let aicc = choose::aicc(found.squares, values.len(), &form);
            assert_close(aicc, case.number("aicc"), 1e-9, &format!("{name}, AICc"));
        }
    }

    #[test]
    fn its_least_squares_are_no_worse_than_those_of_statsmodels() {
        for case in cases(include_str!("../../../../tests/data/oracle/series.json"), "holt_winters") {
            let found = fit::fit(&case.list("values"), &form(&case), None).unwrap();
            let (squares, theirs) = (found.filtered.squares, case.number("squares"));
            assert!(
                squares <= theirs * (1.0 + 1e-6),
                "{}: {squares} is worse than {theirs}, {:?}",
                case.text("name"),
                found.parameters
            );
        }
    }
}
