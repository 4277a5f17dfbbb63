//! A number that a stage measured.

use super::{Condition, Judged};
use crate::run::manifest::{RunRecord, StageRecord};
use crate::schedule::gate::evidence::{EVALUATE, Score, only, same, scores, worked};
use crate::schedule::gate::metrics::kept;
use crate::schedule::gate::number::plain;
use crate::schedule::gate::{Better, Evidence, Margin, Metric, Than};

pub(super) fn judge(asked: &Metric, evidence: &Evidence<'_>) -> Vec<Judged> {
    let found = measured(asked, evidence.record);
    let subject = match &found {
        Ok(Found { stage, score, .. }) => format!("{} of `{stage}`", score.name),
        Err(_) => match &asked.stage {
            Some(stage) => format!("{} of `{}`", asked.name.value, stage.value),
            None => asked.name.value.clone(),
        },
    };
    let mut judged = Vec::new();
    for (bound, word, is_least) in [(&asked.at_least, "at least", true), (&asked.at_most, "at most", false)] {
        let Some(bound) = bound.as_ref().map(|bound| bound.value) else { continue };
        let condition = Condition::new(subject.clone(), format!("{word} {}", plain(bound)));
        judged.push(match &found {
            Ok(Found { value, .. }) => {
                let holds = if is_least { *value >= bound } else { *value <= bound };
                Judged::measured(&condition, holds, format!("is {}", plain(*value)))
            }
            Err(why) => Judged::unknown(&condition, why),
        });
    }
    if let Some(than) = asked.better_than.as_ref().map(|than| than.value) {
        let condition = Condition::new(subject, wanted(than, asked.by.as_ref().map(|by| by.value)));
        judged.push(match &found {
            Ok(found) => compared(&condition, asked, than, found, evidence),
            Err(why) => Judged::unknown(&condition, why),
        });
    }
    judged
}

fn wanted(than: Than, by: Option<Margin>) -> String {
    let other = match than {
        Than::Champion => "the champion",
        Than::Baseline => "the best baseline",
        Than::Last => "the last success",
    };
    let worse = |margin: Margin| match margin {
        Margin::Absolute(value) => (value < 0.0).then_some(Margin::Absolute(-value)),
        Margin::Relative(share) => (share < 0.0).then_some(Margin::Relative(-share)),
    };
    match by {
        None => format!("better than {other}"),
        Some(Margin::Absolute(0.0) | Margin::Relative(0.0)) => format!("as good as {other}"),
        Some(by) => match worse(by) {
            Some(by) => format!("at most {by} worse than {other}"),
            None => format!("better than {other} by {by}"),
        },
    }
}

/// A number of a run.
struct Found {
    stage: String,
    score: Score,
    value: f64,
}

fn stage_of<'a>(asked: &Metric, record: &'a RunRecord) -> Result<&'a StageRecord, String> {
    match &asked.stage {
        Some(id) => worked(record, id),
        None => only(record, &[EVALUATE]),
    }
}

/// Errors: why the run does not tell.
fn measured(asked: &Metric, record: &RunRecord) -> Result<Found, String> {
    let stage = stage_of(asked, record)?;
    let all = scores(stage);
    if all.is_empty() {
        return Err(format!("the record of `{}` tells no metrics; run it once with `--no-cache`", stage.id));
    }
    let of_target = |score: &&Score| asked.target.as_ref().is_none_or(|target| target.value == score.target);
    let named: Vec<&Score> = all.iter().filter(of_target).filter(|score| same(&score.name, &asked.name)).collect();
    let score = match named.as_slice() {
        [] => {
            let names: Vec<&str> = all.iter().filter(of_target).map(|score| score.name.as_str()).take(16).collect();
            let names = if names.is_empty() { "none of that target".to_owned() } else { names.join(", ") };
            return Err(format!("`{}` measures no `{}`; it measures {names}", stage.id, asked.name.value));
        }
        [first, second, ..] if first.target != second.target => {
            return Err(format!("`{}` judges several targets; say which with `target:`", stage.id));
        }
        [first, ..] => (*first).clone(),
    };
    let value = score.value.ok_or_else(|| format!("{} of `{}` is not defined for these rows", score.name, stage.id))?;
    Ok(Found { stage: stage.id.clone(), score, value })
}

/// What the number is compared with.
enum Other {
    /// A number, and what it is of.
    Value(f64, String),
    /// Nothing yet, because of that.
    First(String),
    /// Nobody can tell, because of that.
    Unknown(String),
}

fn compared(condition: &Condition, asked: &Metric, than: Than, found: &Found, evidence: &Evidence<'_>) -> Judged {
    let Found { score, value, .. } = found;
    let Some(better) = asked.better.as_ref().map(|better| better.value).or(score.better) else {
        let why = format!("nobody said which way `{}` is better; say `better: higher` or `better: lower`", score.name);
        return Judged::unknown(condition, &why);
    };
    let other = match than {
        Than::Champion => champion(asked, found, evidence),
        Than::Baseline => baseline(found, better),
        Than::Last => last(asked, found, evidence),
    };
    match other {
        Other::Value(other, of) => {
            let gain = if better == Better::Higher { value - other } else { other - value };
            let holds = match asked.by.as_ref().map(|by| by.value) {
                None => gain > 0.0,
                // 0.91 is better than 0.9 by 0.01, whatever the last digit of the difference.
                Some(by) => gain >= by.beside(other) - 1e-12 * (value.abs() + other.abs()),
            };
            Judged::measured(condition, holds, format!("is {}, that of {of} {}", plain(*value), plain(other)))
        }
        Other::First(why) => Judged::first(condition, &format!("is {}", plain(*value)), &why),
        Other::Unknown(why) => Judged::unknown(condition, &why),
    }
}

fn champion(asked: &Metric, found: &Found, evidence: &Evidence<'_>) -> Other {
    let champions = evidence.champions;
    let none = || Other::First("there is no champion yet".to_owned());
    let metrics = match &asked.of {
        Some(name) => match champions.get(&name.value) {
            Some(metrics) => metrics,
            None => return none(),
        },
        None => match champions.values().collect::<Vec<_>>().as_slice() {
            [] => return none(),
            [metrics] => metrics,
            _ => return Other::Unknown("there are several champions; say which with `of:`".to_owned()),
        },
    };
    match kept(metrics, &found.stage, &found.score.target, &found.score.name) {
        Some(value) => Other::Value(value, "the champion".to_owned()),
        None => Other::First(format!("no {} was kept with the champion", found.score.name)),
    }
}

fn baseline(found: &Found, better: Better) -> Other {
    let best = found.score.baselines.iter().reduce(|best, next| {
        let is_better = if better == Better::Higher { next.1 > best.1 } else { next.1 < best.1 };
        if is_better { next } else { best }
    });
    match best {
        Some((model, value)) => Other::Value(*value, format!("the baseline `{model}`")),
        None => {
            Other::Unknown(format!("`{}` judges no baseline by it; leave `baselines: none` out there", found.stage))
        }
    }
}

fn last(asked: &Metric, found: &Found, evidence: &Evidence<'_>) -> Other {
    let Some(last) = evidence.last_success else { return Other::First("there is no earlier success".to_owned()) };
    // The same stage and target, whatever else the earlier pipeline had.
    let all = worked(last, &found.stage).map(scores).unwrap_or_default();
    let same = all.iter().find(|score| score.target == found.score.target && same(&score.name, &asked.name));
    match same.and_then(|score| score.value) {
        Some(value) => Other::Value(value, "the last success".to_owned()),
        None => Other::First(format!("the last success has no {} of `{}`", found.score.name, found.stage)),
    }
}
