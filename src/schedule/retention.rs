//! Which runs of the history may go.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is kept of the history of a job.
///
/// A run is kept while it is among the last `runs` of its job or ended no more than `days` days ago, whichever keeps it longer. A run
/// that has not ended and the last one that succeeded are never removed.
///
/// ```yaml
/// keep: {runs: 50, days: 90}
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// The last so many runs of the job; 100 when absent.
    pub runs: u32,
    /// Runs of the last so many days (of 24 hours); 30 when absent.
    pub days: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { runs: 100, days: 30 }
    }
}

/// A run of the history, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its id.
    pub run: String,
    /// Its job.
    pub job: String,
    /// When it was made (submitted).
    pub made: Timestamp,
    /// When it ended; `None` while it waits or runs.
    pub ended: Option<Timestamp>,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// What its artifacts take on the disk, in bytes.
    pub bytes: u64,
}

/// The runs that may be removed, the oldest first.
///
/// `history` are runs of any jobs in any order; `keep` says what is kept of a job. Takes O(n log n).
pub fn expired(history: &[Past], keep: impl Fn(&str) -> Keep, now: Timestamp) -> Vec<String> {
    let mut jobs: BTreeMap<&str, Vec<&Past>> = BTreeMap::new();
    for past in history {
        jobs.entry(&past.job).or_default().push(past);
    }
    let safe = untouchable(history);
    let mut gone: Vec<&Past> = Vec::new();
    for (job, mut runs) in jobs {
        let keep = keep(job);
        runs.sort_by(|a, b| (b.made, &b.run).cmp(&(a.made, &a.run)));
        let since = now.checked_sub(SignedDuration::from_hours(i64::from(keep.days).saturating_mul(24)));
        let since = since.unwrap_or(Timestamp::MIN);
        let last = usize::try_from(keep.runs).unwrap_or(usize::MAX);
        gone.extend(
            runs.into_iter()
                .skip(last)
                .filter(|past| !safe.contains(past.run.as_str()) && past.ended.is_some_and(|ended| ended < since)),
        );
    }
    in_order(gone)
}

/// The runs whose artifacts go, so that those of all runs take no more than `budget` bytes: the oldest first, and no more than
/// needed. The runs stay in the history.
///
/// Where the runs that must be kept take more than the budget, all others go.
pub fn over_budget(history: &[Past], budget: u64) -> Vec<String> {
    let safe = untouchable(history);
    let mut total = history.iter().fold(0_u64, |total, past| total.saturating_add(past.bytes));
    let mut candidates: Vec<&Past> =
        history.iter().filter(|past| past.bytes > 0 && !safe.contains(past.run.as_str())).collect();
    candidates.sort_by(|a, b| (a.made, &a.run).cmp(&(b.made, &b.run)));
    let mut gone = Vec::new();
    for past in candidates {
        if total <= budget {
            break;
        }
        total = total.saturating_sub(past.bytes);
        gone.push(past.run.clone());
    }
    gone
}

/// Runs that have not ended, and the last success of each job.
fn untouchable(history: &[Past]) -> BTreeSet<&str> {
    let mut safe: BTreeSet<&str> =
        history.iter().filter(|past| past.ended.is_none()).map(|past| past.run.as_str()).collect();
    let mut successes: BTreeMap<&str, &Past> = BTreeMap::new();
    for past in history.iter().filter(|past| past.succeeded && past.ended.is_some()) {
        let last = successes.entry(&past.job).or_insert(past);
        if (past.ended, past.made, &past.run) > (last.ended, last.made, &last.run) {
            *last = past;
        }
    }
    safe.extend(successes.values().map(|past| past.run.as_str()));
    safe
}

fn in_order(mut runs: Vec<&Past>) -> Vec<String> {
    runs.sort_by(|a, b| (a.made, &a.run).cmp(&(b.made, &b.run)));
    runs.into_iter().map(|past| past.run.clone()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-31T00:00:00Z".parse().unwrap()
    }

    /// A run that was made and ended so many hours ago.
    fn past(run: &str, job: &str, hours: i64, succeeded: bool) -> Past {
        let made = now() - SignedDuration::from_hours(hours);
        Past { run: run.to_owned(), job: job.to_owned(), made, ended: Some(made), succeeded, bytes: 10 }
    }

    fn default_of(_: &str) -> Keep {
        Keep::default()
    }

    #[test]
    fn a_daily_job_keeps_its_last_hundred_runs() {
        let history: Vec<Past> = (0..130).map(|day| past(&format!("{day:03}"), "daily", day * 24, true)).collect();
        let gone = expired(&history, default_of, now());
        assert_eq!(gone.len(), 30);
        assert_eq!((gone.first().unwrap().as_str(), gone.last().unwrap().as_str()), ("129", "100"));
    }

    #[test]
    fn an_hourly_job_keeps_thirty_days() {
        let history: Vec<Past> = (0..1000).map(|hour| past(&format!("{hour:04}"), "hourly", hour, true)).collect();
        let gone = expired(&history, default_of, now());
        // The run of exactly 30 days ago is one of them.
        assert_eq!(gone.len(), 1000 - 721);
        assert_eq!(gone.last().unwrap(), "0721");
    }

    #[test]
    fn a_run_that_has_not_ended_and_the_last_success_stay() {
        let mut history: Vec<Past> =
            (0..200).map(|day| past(&format!("{day:03}"), "daily", day * 24, day >= 170)).collect();
        history[150].ended = None;
        let gone = expired(&history, default_of, now());
        assert!(!gone.contains(&"150".to_owned()), "not ended");
        assert!(!gone.contains(&"170".to_owned()), "the last success");
        assert!(gone.contains(&"171".to_owned()), "an earlier success");
        assert_eq!(gone.len(), 98);
    }

    #[test]
    fn each_job_is_kept_as_it_says() {
        let mut history: Vec<Past> = (0..10).map(|day| past(&format!("a{day}"), "a", day * 24, true)).collect();
        history.extend((0..10).map(|day| past(&format!("b{day}"), "b", day * 24, true)));
        let keep = |job: &str| if job == "a" { Keep { runs: 3, days: 0 } } else { Keep { runs: 0, days: 5 } };
        assert_eq!(expired(&history, keep, now()), ["a9", "b9", "a8", "b8", "a7", "b7", "a6", "b6", "a5", "a4", "a3"]);
        let keep = |_: &str| Keep { runs: 0, days: 0 };
        assert_eq!(expired(&history, keep, now()).len(), 18, "the last success of each job stays");
    }

    #[test]
    fn a_budget_takes_the_oldest_artifacts_and_no_more_than_needed() {
        let mut history: Vec<Past> = (0..10).map(|day| past(&day.to_string(), "a", day * 24, day == 9)).collect();
        history[8].ended = None;
        assert_eq!(over_budget(&history, 100), Vec::<String>::new());
        assert_eq!(over_budget(&history, 75), ["7", "6", "5"]);
        assert_eq!(over_budget(&history, 0), ["7", "6", "5", "4", "3", "2", "1", "0"]);
    }

    #[test]
    fn no_history_is_no_trouble() {
        assert_eq!(expired(&[], default_of, now()), Vec::<String>::new());
        assert_eq!(over_budget(&[], 0), Vec::<String>::new());
    }

    #[test]
    fn defaults_are_a_hundred_runs_and_thirty_days() {
        assert_eq!(serde_json::from_str::<Keep>("{}").unwrap(), Keep { runs: 100, days: 30 });
        assert_eq!(serde_json::from_str::<Keep>(r#"{"days": 90}"#).unwrap(), Keep { runs: 100, days: 90 });
        assert!(serde_json::from_str::<Keep>(r#"{"day": 90}"#).is_err());
    }

    proptest! {
        /// A slower truth: a run goes when a rule by rule look finds nothing that keeps it.
        #[test]
        fn only_what_nothing_keeps_goes(
            runs in prop::collection::vec((0_i64..2_000, 0_usize..3, any::<bool>(), prop::bool::weighted(0.1)), 0..60),
            keep_runs in 0_u32..10,
            keep_days in 0_u32..60,
        ) {
            let history: Vec<Past> = runs.iter().enumerate().map(|(number, (hours, job, succeeded, running))| {
                let mut past = past(&format!("{number:02}"), &format!("job{job}"), *hours, *succeeded && !running);
                if *running {
                    past.ended = None;
                }
                past
            }).collect();
            let gone = expired(&history, |_| Keep { runs: keep_runs, days: keep_days }, now());
            for past in &history {
                let later = history.iter().filter(|other| other.job == past.job && (other.made, &other.run) > (past.made, &past.run));
                let among_last = later.clone().count() < keep_runs as usize;
                let young = past.made >= now() - SignedDuration::from_hours(i64::from(keep_days) * 24);
                let last_success = past.succeeded && !later.clone().any(|other| other.succeeded);
                let kept = past.ended.is_none() || among_last || young || last_success;
                prop_assert_eq!(!kept, gone.contains(&past.run), "{:?}", past);
            }
        }
    }
}
