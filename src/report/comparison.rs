//! The run before: what its numbers were, and by how much they changed.

use std::collections::HashMap;

use maud::{Markup, html};

use super::format;
use crate::exhibit::{Exhibit, Format};
use crate::run::manifest::RunRecord;

/// The run before, by what is compared.
pub(super) struct Previous<'a> {
    /// Its record.
    pub(super) record: &'a RunRecord,
    rows: HashMap<&'a str, u64>,
    metrics: HashMap<(&'a str, &'a str, &'a str), f64>,
}

impl<'a> Previous<'a> {
    /// Looks through the record once. O(stages and metrics).
    pub(super) fn new(record: &'a RunRecord) -> Self {
        let mut rows = HashMap::new();
        let mut metrics = HashMap::new();
        for stage in &record.stages {
            if let Some(entry) = &stage.ledger {
                rows.entry(stage.id.as_str()).or_insert(entry.out);
            }
            for exhibit in &stage.exhibits {
                let Exhibit::Metrics { title, metrics: found } = exhibit else { continue };
                for metric in found {
                    if let Some(value) = metric.value {
                        metrics.entry((stage.id.as_str(), title.as_str(), metric.name.as_str())).or_insert(value);
                    }
                }
            }
        }
        Self { record, rows, metrics }
    }

    /// Rows that came out of a stage.
    pub(super) fn rows(&self, stage: &str) -> Option<u64> {
        self.rows.get(stage).copied()
    }

    /// A metric of an exhibit of a stage.
    pub(super) fn metric(&self, stage: &str, title: &str, name: &str) -> Option<f64> {
        self.metrics.get(&(stage, title, name)).copied()
    }
}

/// How a count of rows changed.
pub(super) fn rows(now: u64, before: Option<u64>) -> Markup {
    change(format::float(now), before.map(format::float), Format::Integer)
}

/// How a number changed: an arrow and the size of the change. Nothing when that is written the same, or when there is nothing to compare with.
pub(super) fn change(now: f64, before: Option<f64>, how: Format) -> Markup {
    let seen = before.filter(|before| format::value(now, how) != format::value(*before, how));
    let difference = seen.map(|before| now - before).filter(|difference| difference.is_finite());
    html! {
        @if let Some(difference) = difference {
            @let size = size(difference.abs(), how);
            @let (arrow, words) = if difference > 0.0 { ("▲", "more") } else { ("▼", "less") };
            span.change title={ (words) " than in the run before" } {
                (arrow) (nbsp()) (size) span.unseen { " " (words) " than in the run before" }
            }
        }
    }
}

/// The difference of two shares is not a share of anything: it has points.
fn size(difference: f64, how: Format) -> String {
    match how {
        Format::Percent => {
            let points = difference * 100.0;
            let text = if points >= 0.05 { format!("{points:.1}") } else { format::value(points, Format::Number) };
            format!("{text} points")
        }
        other => format::value(difference, other),
    }
}

fn nbsp() -> char {
    '\u{a0}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(now: f64, before: f64, how: Format) -> String {
        change(now, Some(before), how).into_string()
    }

    #[test]
    fn a_change_has_an_arrow_and_a_size() {
        assert!(shown(1_200.0, 1_000.0, Format::Integer).contains("▲\u{a0}200<"));
        assert!(shown(0.71, 0.75, Format::Percent).contains("▼\u{a0}4.0 points<"));
        assert!(shown(0.8126, 0.8042, Format::Number).contains("▲\u{a0}0.0084<"));
    }

    #[test]
    fn what_did_not_change_is_quiet() {
        assert_eq!(shown(3.0, 3.0, Format::Number), "");
        assert_eq!(shown(0.5, 0.500_000_000_1, Format::Percent), "");
        assert_eq!(change(3.0, None, Format::Number).into_string(), "");
        assert_eq!(shown(3.0, f64::NAN, Format::Number), "");
    }
}
