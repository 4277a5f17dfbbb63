//! A lower rate when nothing gets better.

use serde::{Deserialize, Serialize};

/// Multiplies the rate by `factor` when the validation loss has not fallen for more than `patience` epochs, as PyTorch's
/// `ReduceLROnPlateau` does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plateau {
    /// In `(0, 1)`. Default 0.1.
    pub factor: f64,
    /// How many epochs without an improvement are let pass. Default 10.
    pub patience: usize,
    /// The share of the best loss by which a loss must be below it to be an improvement. Default 0.0001.
    pub threshold: f64,
    /// The factor never falls below this. Default 0.
    pub minimum: f64,
}

impl Default for Plateau {
    fn default() -> Self {
        Self { factor: 0.1, patience: 10, threshold: 1e-4, minimum: 0.0 }
    }
}

/// What a [`Plateau`] has heard so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// By what the learning rate is multiplied now.
    pub factor: f64,
    /// The best loss; none before the first.
    best: Option<f64>,
    /// Epochs since then.
    waited: usize,
}

impl Default for PlateauState {
    fn default() -> Self {
        Self { factor: 1.0, best: None, waited: 0 }
    }
}

impl Plateau {
    /// Errors: the option and what would be right.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let refuse = |option, value: f64| Err((option, format!("must lie between 0 and 1, it is {value}")));
        if !(self.factor > 0.0 && self.factor < 1.0) {
            return refuse("factor", self.factor);
        }
        if !(0.0..1.0).contains(&self.threshold) {
            return refuse("threshold", self.threshold);
        }
        if !(0.0..=1.0).contains(&self.minimum) {
            return refuse("minimum", self.minimum);
        }
        Ok(())
    }

    /// Hears the validation loss of an epoch.
    pub fn observe(&self, state: &mut PlateauState, loss: f64) {
        if state.best.is_none_or(|best| loss < best * (1.0 - self.threshold * best.signum())) {
            (state.best, state.waited) = (Some(loss), 0);
            return;
        }
        state.waited += 1;
        if state.waited > self.patience {
            state.factor = (state.factor * self.factor).max(self.minimum);
            state.waited = 0;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::oracle::training_of;
    use super::*;

    #[test]
    fn rates_are_those_of_pytorch() {
        for case in training_of("plateaus") {
            let plateau: Plateau = serde_json::from_value(case["options"].clone()).unwrap();
            let mut state = PlateauState::default();
            let losses = case["losses"].as_array().unwrap().iter().map(|loss| loss.as_f64().unwrap());
            for (loss, expected) in losses.zip(case["factors"].as_array().unwrap()) {
                plateau.observe(&mut state, loss);
                assert!((state.factor - expected.as_f64().unwrap()).abs() < 1e-9, "{case} {state:?}");
            }
        }
    }
}
