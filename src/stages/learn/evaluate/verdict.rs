//! Scores of a model beside those of the baseline.

use arrow::array::RecordBatch;

use crate::batch::{self, Values};
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Exhibit, Format, Metric};

/// A score.
pub(super) struct Score {
    pub(super) name: &'static str,
    pub(super) value: Option<f64>,
    pub(super) baseline: Option<f64>,
    pub(super) format: Format,
}

impl Score {
    /// A share, written as percent.
    pub(super) fn share(name: &'static str, value: Option<f64>, baseline: Option<f64>) -> Self {
        Self { name, value, baseline, format: Format::Percent }
    }

    /// A plain number.
    pub(super) fn number(name: &'static str, value: Option<f64>, baseline: Option<f64>) -> Self {
        Self { name, value, baseline, format: Format::Number }
    }
}

/// All scores in order of importance, and what else there is to see.
pub(super) struct Verdict {
    pub(super) scores: Vec<Score>,
    pub(super) exhibits: Vec<Exhibit>,
}

/// The scores side by side.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
pub(super) fn headline(title: String, scores: &[Score], rows: usize) -> Exhibit {
    let metrics = scores.iter().map(|score| {
        let metric = Metric::new(score.name, score.value, score.format);
        match score.baseline.filter(|baseline| baseline.is_finite()) {
            Some(baseline) => metric.note(format!("baseline {}", written(baseline, score.format))),
            None => metric,
        }
    });
    let rows = Metric::new("rows judged", rows as f64, Format::Integer);
    Exhibit::Metrics { title, metrics: metrics.chain([rows]).collect() }
}

fn written(value: f64, format: Format) -> String {
    if format == Format::Percent { format!("{:.1} %", value * 100.0) } else { four_digits(value) }
}

/// Four significant digits.
fn four_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
    let digits = (3.0 - magnitude).max(0.0) as usize;
    format!("{value:.digits$}")
}

/// One row for each score, for stages below.
pub(super) fn table(scores: &[Score]) -> Result<RecordBatch, Diagnostic> {
    batch::table(vec![
        ("metric", Values::Texts(scores.iter().map(|score| Some(score.name.to_owned())).collect())),
        ("value", Values::Floats(scores.iter().map(|score| score.value).collect())),
        ("baseline", Values::Floats(scores.iter().map(|score| score.baseline).collect())),
    ])
}

#[cfg(test)]
mod tests {
    use super::four_digits;

    #[test]
    fn numbers_have_four_significant_digits() {
        let written = [0.0, 0.123_456, 1.0, 12.345_67, 99_999.0, -0.001_234_56, 1.5e9, 2.5e-7].map(four_digits);
        assert_eq!(written, ["0", "0.1235", "1.000", "12.35", "99999", "-0.001235", "1.500e9", "2.500e-7"]);
    }
}
