//! How the errors of a model move with its parameters: the recursion, differentiated step by step.

use super::{Form, Parameters, Season, Trend};

/// The slope of the damping of a trend between these is searched.
pub(super) const DAMPING: (f64, f64) = (0.8, 0.995);
/// The smallest and largest weight of a new value.
const ALPHA: (f64, f64) = (1e-6, 1.0 - 1e-6);

/// Where the numbers that are searched stand in the vector of unknowns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) form: Form,
    /// Whether the state before the first value is searched too.
    pub(super) free_start: bool,
}

/// Smoothing parameters with their derivatives by the unknowns behind them.
struct Smoothing {
    alpha: f64,
    d_alpha: f64,
    /// alpha beta.
    kappa: f64,
    /// By the unknown of alpha and by that of beta.
    d_kappa: (f64, f64),
    gamma: f64,
    /// By the unknown of alpha and by that of gamma.
    d_gamma: (f64, f64),
    phi: f64,
    d_phi: f64,
    beta: f64,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-9, 1.0 - 1e-9);
    (p / (1.0 - p)).ln()
}

impl Layout {
    fn has_slope(&self) -> bool {
        self.form.trend != Trend::None
    }

    fn seasons(&self) -> usize {
        if self.form.season == Season::None { 0 } else { self.form.period }
    }

    /// Places of the unknowns: alpha is the first.
    fn beta(&self) -> Option<usize> {
        self.has_slope().then_some(1)
    }

    fn phi(&self) -> Option<usize> {
        (self.form.trend == Trend::Damped).then_some(2)
    }

    fn gamma(&self) -> Option<usize> {
        (self.seasons() > 0).then_some(1 + usize::from(self.has_slope()) + usize::from(self.phi().is_some()))
    }

    fn smoothing_unknowns(&self) -> usize {
        1 + usize::from(self.has_slope()) + usize::from(self.phi().is_some()) + usize::from(self.seasons() > 0)
    }

    /// How many of the unknowns, at the end, are the state before the first value.
    pub(super) fn start_unknowns(&self) -> usize {
        self.unknowns() - self.smoothing_unknowns()
    }

    /// How many unknowns there are.
    pub(super) fn unknowns(&self) -> usize {
        let start = if self.free_start { 1 + usize::from(self.has_slope()) + self.seasons() } else { 0 };
        self.smoothing_unknowns() + start
    }

    /// The unknowns behind parameters.
    pub(super) fn pack(&self, parameters: &Parameters) -> Vec<f64> {
        let mut unknowns = vec![logit((parameters.alpha - ALPHA.0) / (ALPHA.1 - ALPHA.0))];
        if self.has_slope() {
            unknowns.push(logit(parameters.beta));
        }
        if self.phi().is_some() {
            unknowns.push(logit((parameters.phi - DAMPING.0) / (DAMPING.1 - DAMPING.0)));
        }
        if self.seasons() > 0 {
            unknowns.push(logit(parameters.gamma / (1.0 - parameters.alpha).max(1e-12)));
        }
        if self.free_start {
            unknowns.push(parameters.start.level);
            if self.has_slope() {
                unknowns.push(parameters.start.slope);
            }
            unknowns.extend(&parameters.start.season);
        }
        unknowns
    }

    fn smoothing(&self, unknowns: &[f64]) -> Smoothing {
        let at = |place: Option<usize>| place.and_then(|place| unknowns.get(place)).map(|x| sigmoid(*x));
        let share = at(Some(0)).unwrap_or(0.5);
        let (width, slope) = (ALPHA.1 - ALPHA.0, share * (1.0 - share));
        let (alpha, d_alpha) = (ALPHA.0 + width * share, width * slope);
        let beta = at(self.beta());
        let d_beta = beta.map_or(0.0, |beta| beta * (1.0 - beta));
        let beta = beta.unwrap_or(0.0);
        let damping = at(self.phi());
        let span = DAMPING.1 - DAMPING.0;
        let phi = damping.map_or(1.0, |share| DAMPING.0 + span * share);
        let d_phi = damping.map_or(0.0, |share| span * share * (1.0 - share));
        let share = at(self.gamma());
        let d_share = share.map_or(0.0, |share| share * (1.0 - share));
        let share = share.unwrap_or(0.0);
        Smoothing {
            alpha,
            d_alpha,
            kappa: alpha * beta,
            d_kappa: (d_alpha * beta, alpha * d_beta),
            gamma: (1.0 - alpha) * share,
            d_gamma: (-d_alpha * share, (1.0 - alpha) * d_share),
            phi,
            d_phi,
            beta,
        }
    }

    /// The parameters that unknowns mean; `start` gives the state where it is not searched.
    pub(super) fn unpack(&self, unknowns: &[f64], start: &Parameters) -> Parameters {
        let smoothing = self.smoothing(unknowns);
        let mut state = start.start.clone();
        if self.free_start {
            let mut rest = unknowns.iter().skip(self.smoothing_unknowns()).copied();
            state.level = rest.next().unwrap_or(state.level);
            if self.has_slope() {
                state.slope = rest.next().unwrap_or(state.slope);
            }
            state.season = rest.collect();
        }
        Parameters {
            alpha: smoothing.alpha,
            beta: smoothing.beta,
            gamma: smoothing.gamma,
            phi: smoothing.phi,
            start: state,
        }
    }

    /// Runs the model over the values and calls `each` with every error and its derivatives by the unknowns. Answers false
    /// when the model leaves the numbers (a level or season that is not positive in a multiplicative model).
    #[expect(
        clippy::indexing_slicing,
        reason = "places come from the layout that made the vectors; this is the inner loop"
    )]
    pub(super) fn run(
        &self,
        values: &[f64],
        unknowns: &[f64],
        start: &Parameters,
        each: &mut impl FnMut(f64, &[f64]),
    ) -> bool {
        let p = self.unknowns();
        let smoothing = self.smoothing(unknowns);
        let Smoothing { alpha, kappa, gamma, phi, .. } = smoothing;
        let mut state = self.unpack(unknowns, start).start;
        let turns = state.season.len();
        let multiplicative = self.form.season == Season::Multiplicative && turns > 0;
        let (mut d_level, mut d_slope, mut d_season) = (vec![0.0; p], vec![0.0; p], vec![0.0; turns * p]);
        if self.free_start {
            let mut place = self.smoothing_unknowns();
            d_level[place] = 1.0;
            place += 1;
            if self.has_slope() {
                d_slope[place] = 1.0;
                place += 1;
            }
            (0..turns).for_each(|turn| d_season[turn * p + place + turn] = 1.0);
        }
        let none = vec![0.0; p];
        let (mut d_error, mut d_next) = (vec![0.0; p], vec![0.0; p]);
        for (at, value) in values.iter().enumerate() {
            let turn = if turns > 0 { at % turns } else { 0 };
            let level = state.level + phi * state.slope;
            for ((next, d_level), d_slope) in d_next.iter_mut().zip(&d_level).zip(&d_slope) {
                *next = d_level + phi * d_slope;
            }
            if let Some(place) = self.phi() {
                d_next[place] += smoothing.d_phi * state.slope;
            }
            let season = if turns > 0 { state.season[turn] } else { 0.0 };
            let d_now: &[f64] = if turns > 0 { &d_season[turn * p..(turn + 1) * p] } else { &none };
            let foretold = if multiplicative { level * season } else { level + season };
            let error = value - foretold;
            if !error.is_finite() || (multiplicative && (level <= 0.0 || season <= 0.0)) {
                return false;
            }
            // Scaled errors move level and slope, gains move the season.
            let (scaled, gain) = if multiplicative { (error / season, error / level) } else { (error, error) };
            for ((slot, next), now) in d_error.iter_mut().zip(&d_next).zip(d_now) {
                *slot = if multiplicative { -(next * season + level * now) } else { -(next + now) };
            }
            each(error, &d_error);
            for k in 0..p {
                let (now, next) = (d_now[k], d_next[k]);
                let (d_scaled, d_gain) = match multiplicative {
                    true => ((d_error[k] - scaled * now) / season, (d_error[k] - gain * next) / level),
                    false => (d_error[k], d_error[k]),
                };
                d_level[k] = next + alpha * d_scaled;
                d_slope[k] = phi * d_slope[k] + kappa * d_scaled;
                // The season is written last, below, because it is still read here.
                d_error[k] = now + gamma * d_gain;
            }
            d_level[0] += smoothing.d_alpha * scaled;
            d_slope[0] += smoothing.d_kappa.0 * scaled;
            if let Some(place) = self.beta() {
                d_slope[place] += smoothing.d_kappa.1 * scaled;
            }
            if let Some(place) = self.phi() {
                d_slope[place] += smoothing.d_phi * state.slope;
            }
            if let Some(place) = self.gamma() {
                d_error[0] += smoothing.d_gamma.0 * gain;
                d_error[place] += smoothing.d_gamma.1 * gain;
                d_season[turn * p..(turn + 1) * p].copy_from_slice(&d_error);
                state.season[turn] = season + gamma * gain;
            }
            state.slope = phi * state.slope + kappa * scaled;
            state.level = level + alpha * scaled;
        }
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::{State, filter};
    use super::*;

    #[test]
    fn derivatives_agree_with_differences() {
        let values: Vec<f64> =
            (0..30).map(|t| 20.0 + f64::from(t) * 0.4 + f64::from(t % 4) * 2.0 + f64::from(t * t % 7) * 0.3).collect();
        for trend in [Trend::None, Trend::Additive, Trend::Damped] {
            for season in [Season::None, Season::Additive, Season::Multiplicative] {
                let form = Form { trend, season, period: 4 };
                let layout = Layout { form, free_start: true };
                let seasons = match season {
                    Season::None => vec![],
                    Season::Additive => vec![-3.0, -1.0, 1.5, 2.5],
                    Season::Multiplicative => vec![0.9, 0.95, 1.05, 1.1],
                };
                let slope = if trend == Trend::None { 0.0 } else { 0.3 };
                let phi = if trend == Trend::Damped { 0.9 } else { 1.0 };
                let beta = if trend == Trend::None { 0.0 } else { 0.2 };
                let gamma = if season == Season::None { 0.0 } else { 0.15 };
                let start =
                    Parameters { alpha: 0.3, beta, gamma, phi, start: State { level: 19.0, slope, season: seasons } };
                let unknowns = layout.pack(&start);
                assert_eq!(unknowns.len(), layout.unknowns());
                let errors = |unknowns: &[f64]| {
                    let parameters = layout.unpack(unknowns, &start);
                    let fitted = filter(&values, &form, &parameters).fitted;
                    values.iter().zip(fitted).map(|(value, fit)| value - fit).collect::<Vec<f64>>()
                };
                let mut rows: Vec<Vec<f64>> = Vec::new();
                let mut found = Vec::new();
                assert!(layout.run(&values, &unknowns, &start, &mut |error, slopes| {
                    found.push(error);
                    rows.push(slopes.to_vec());
                }));
                assert!(found.iter().zip(errors(&unknowns)).all(|(a, b)| (a - b).abs() < 1e-10));
                for k in 0..unknowns.len() {
                    let step = 1e-5;
                    let (mut up, mut down) = (unknowns.clone(), unknowns.clone());
                    up[k] += step;
                    down[k] -= step;
                    for (t, (high, low)) in errors(&up).into_iter().zip(errors(&down)).enumerate() {
                        let numeric = (high - low) / (2.0 * step);
                        let close = (rows[t][k] - numeric).abs() < 1e-6 * (1.0 + numeric.abs());
                        assert!(close, "{form:?}: unknown {k} at {t}: {} is not {numeric}", rows[t][k]);
                    }
                }
            }
        }
    }
}
