//! What the last good run left, and how the rows of this one compare with it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::measure::Judged;
use super::scope::{Drift, Limit};
use super::verdict::{Grade, Verdict, trimmed};
use super::work::Plan;
use crate::statistics::stability::stability_index;

/// What the last good run left.
pub(super) struct Before(Option<Value>);

impl Before {
    /// The statistics that the same stage left.
    pub(super) fn read(statistics: Option<Value>) -> Self {
        Self(statistics.filter(Value::is_object))
    }

    /// Whether there was a run.
    pub(super) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    fn part(&self, part: &str, key: &str) -> Option<&Value> {
        self.0.as_ref()?.get(part)?.get(key)
    }

    fn numbers(&self, key: &str) -> Option<Vec<Option<f64>>> {
        Some(self.part("numbers", key)?.as_array()?.iter().map(Value::as_f64).collect())
    }

    fn shares(&self, key: &str) -> Option<BTreeMap<String, u64>> {
        let counts = self.part("shares", key)?.as_object()?;
        Some(counts.iter().filter_map(|(value, count)| Some((value.clone(), count.as_u64()?))).collect())
    }

    fn columns(&self) -> Option<Vec<(String, String)>> {
        let columns = self.0.as_ref()?.get("columns")?.as_array()?;
        let text = |column: &Value, at: usize| Some(column.get(at)?.as_str()?.to_owned());
        Some(columns.iter().filter_map(|column| Some((text(column, 0)?, text(column, 1)?))).collect())
    }

    /// The health before.
    pub(super) fn health(&self) -> Option<f64> {
        self.0.as_ref()?.get("health")?.as_f64()
    }

    /// The score of a dimension before.
    pub(super) fn dimension(&self, name: &str) -> Option<f64> {
        self.part("dimensions", name)?.as_f64()
    }

    /// Failing rows of a check before.
    pub(super) fn failing(&self, name: &str) -> Option<u64> {
        self.part("checks", name)?.get("failing")?.as_u64()
    }
}

/// Compares with the last good run.
pub(super) fn drifted(
    plan: &Plan,
    verdict: &Verdict,
    drift: &Drift,
    numbers: &[Option<f64>],
    shares: Option<&BTreeMap<String, u64>>,
    before: &Before,
) -> Judged {
    let first = || Judged::whole(Grade::First, Some("there is no earlier run".to_owned()));
    let judged = |holds: bool, found: String| Judged::whole(verdict.grade_whole(holds), Some(found));
    let now = numbers.first().copied().flatten();
    match &drift.limit {
        Limit::Columns { order, additions } => {
            let Some(earlier) = before.columns() else { return first() };
            let columns: Vec<(String, String)> =
                plan.schema.fields().iter().map(|field| (field.name.clone(), field.data_type.to_string())).collect();
            let found = moved_columns(&earlier, &columns, *order, *additions);
            judged(found.is_empty(), if found.is_empty() { "unchanged".to_owned() } else { found.join("; ") })
        }
        Limit::Stability(limit) => {
            let (Some(earlier), Some(shares)) = (before.shares(&drift.key), shares) else { return first() };
            let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
            earlier.iter().for_each(|(value, count)| counts.entry(value).or_default().0 = *count);
            shares.iter().for_each(|(value, count)| counts.entry(value).or_default().1 = *count);
            let pairs: Vec<(u64, u64)> = counts.into_values().collect();
            match stability_index(&pairs) {
                Some(index) => judged(index <= *limit, format!("index {}", trimmed(index))),
                None => judged(earlier.is_empty() == shares.is_empty(), "one of the two runs had no rows".to_owned()),
            }
        }
        limit => {
            let Some(earlier) = before.numbers(&drift.key) else { return first() };
            let (Some(was), Some(now)) = (earlier.first().copied().flatten(), now) else {
                let same = earlier.first().copied().flatten().is_none() && now.is_none();
                return judged(same, "one of the two runs had no value".to_owned());
            };
            let change = now - was;
            let found = format!("{} before, {} now", trimmed(was), trimmed(now));
            match limit {
                Limit::Relative { drop, rise } => {
                    let share = if change == 0.0 { 0.0 } else { change / was.abs() };
                    judged(share >= -drop && share <= *rise, format!("{found} ({}%)", trimmed(share * 100.0)))
                }
                Limit::Deviations(limit) => {
                    let deviation = earlier.get(1).copied().flatten().unwrap_or(0.0);
                    judged(change.abs() <= limit * deviation, format!("{found}, deviation {}", trimmed(deviation)))
                }
                Limit::Absolute(limit) => judged(change.abs() <= *limit, found),
                Limit::Columns { .. } | Limit::Stability(_) => first(),
            }
        }
    }
}

fn moved_columns(earlier: &[(String, String)], now: &[(String, String)], order: bool, additions: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, data_type) in earlier {
        match now.iter().find(|(other, _)| other == name) {
            Some((_, other)) if other != data_type => found.push(format!("{name} was {data_type} and is {other}")),
            Some(_) => {}
            None => found.push(format!("{name} is gone")),
        }
    }
    if !additions {
        let new = now.iter().filter(|(name, _)| !earlier.iter().any(|(other, _)| other == name));
        found.extend(new.map(|(name, _)| format!("{name} is new")));
    }
    if order && found.is_empty() && earlier != now {
        found.push("the order has changed".to_owned());
    }
    found
}
