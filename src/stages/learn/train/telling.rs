//! What people hear while a training goes on.

use std::time::{Duration, Instant};

use crate::nn;
use crate::stages::work::Progress;

/// People are told at most this often how far it is.
const TELL: Duration = Duration::from_millis(200);

/// Hears how far it is.
pub(super) type Listener<'a> = &'a (dyn Fn(Progress) + Sync);

pub(super) fn tell(listener: Listener<'_>, done: usize, total: usize, message: String) {
    listener(Progress { done: done as u64, total: Some(total as u64), unit: "epochs".to_owned(), message });
}

/// Tells people how it goes.
pub(super) struct Telling<'a> {
    listener: Listener<'a>,
    told: Instant,
    began: Instant,
    /// What the last validation found.
    judged: String,
    /// Epochs that were done before it began.
    first: usize,
}

impl<'a> Telling<'a> {
    pub(super) fn new(listener: Listener<'a>, first: usize) -> Self {
        Self { listener, told: Instant::now(), began: Instant::now(), judged: String::new(), first }
    }

    pub(super) fn hear(&mut self, now: &nn::training::Progress<'_>) {
        if let Some(validation) = now.finished.and_then(|epoch| epoch.validation.as_ref()) {
            self.judged =
                format!(", validation {:.4}, {} {:.4}", validation.loss, validation.metric_name, validation.metric);
        }
        if now.finished.is_none() && self.told.elapsed() < TELL {
            return;
        }
        self.told = Instant::now();
        let done = if now.finished.is_some() { now.epoch } else { now.epoch.saturating_sub(1) };
        let left = self.left(now).map(|seconds| format!(", {} left", duration(seconds))).unwrap_or_default();
        let message = format!("loss {:.4}{}, rate {:.2e}{left}", now.loss, self.judged, now.learning_rate);
        tell(self.listener, done, now.epochs, message);
    }

    /// Seconds until all epochs are done, as far as they went alike.
    #[expect(clippy::cast_precision_loss, reason = "a few epochs")]
    fn left(&self, now: &nn::training::Progress<'_>) -> Option<f64> {
        let part = if now.finished.is_some() { 1.0 } else { now.rows_done as f64 / now.rows.max(1) as f64 };
        let done = (now.epoch - 1) as f64 + part - self.first as f64;
        let all = (now.epochs - self.first) as f64;
        (done > 0.0 && done < all).then(|| self.began.elapsed().as_secs_f64() / done * (all - done))
    }
}

/// A few seconds, minutes or hours.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time above 0")]
fn duration(seconds: f64) -> String {
    let seconds = seconds.ceil().max(1.0) as u64;
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_people_would_use() {
        assert_eq!([0.2, 59.1, 61.0, 7260.0].map(duration), ["1 s", "1 min", "2 min", "2 h 1 min"]);
    }
}
