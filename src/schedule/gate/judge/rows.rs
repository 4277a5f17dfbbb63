//! How many rows come out of a stage.

use super::{Condition, Judged};
use crate::digits;
use crate::schedule::gate::evidence::{rows, worked};
use crate::schedule::gate::number::percent;
use crate::schedule::gate::{Evidence, Rows, Share};

pub(super) fn judge(asked: &Rows, evidence: &Evidence<'_>) -> Vec<Judged> {
    let id = asked.stage.value.as_str();
    let subject = format!("the number of rows of `{id}`");
    let bounds = [
        asked.at_least.as_ref().map(|least| (format!("at least {}", digits::whole(least.value)), least.value, true)),
        asked.at_most.as_ref().map(|most| (format!("at most {}", digits::whole(most.value)), most.value, false)),
    ];
    let change = asked.change_at_most.as_ref().map(|most| most.value);
    let of_change =
        change.map(|most| Condition::new(subject.clone(), format!("within {most} of that of the last success")));
    let found = worked(evidence.record, id)
        .and_then(|stage| rows(stage).ok_or_else(|| format!("the record of `{id}` tells no number of rows")));
    let conditions = bounds
        .into_iter()
        .flatten()
        .map(|(wanted, bound, is_least)| (Condition::new(subject.clone(), wanted), bound, is_least));
    match found {
        Ok(now) => {
            let mut judged: Vec<Judged> = conditions
                .map(|(condition, bound, is_least)| {
                    let holds = if is_least { now >= bound } else { now <= bound };
                    Judged::measured(&condition, holds, format!("is {}", digits::whole(now)))
                })
                .collect();
            judged.extend(of_change.zip(change).map(|(condition, most)| changed(&condition, most, id, now, evidence)));
            judged
        }
        Err(why) => {
            let conditions = conditions.map(|(condition, ..)| condition).chain(of_change);
            conditions.map(|condition| Judged::unknown(&condition, &why)).collect()
        }
    }
}

/// Against the last success.
#[expect(clippy::cast_precision_loss, reason = "a share of fewer than 2^53 rows")]
fn changed(condition: &Condition, most: Share, id: &str, now: u64, evidence: &Evidence<'_>) -> Judged {
    let found = format!("is {}", digits::whole(now));
    let Some(last) = evidence.last_success else {
        return Judged::first(condition, &found, "there is no earlier success");
    };
    let Some(before) = worked(last, id).ok().and_then(rows) else {
        return Judged::first(condition, &found, &format!("the last success has no number of rows of `{id}`"));
    };
    if before == 0 && now > 0 {
        return Judged::first(condition, &found, "the last success had no rows");
    }
    let change = if before == 0 { 0.0 } else { (now as f64 - before as f64) / before as f64 };
    let sign = if change > 0.0 { "+" } else { "" };
    let found = format!("is {} after {} ({sign}{})", digits::whole(now), digits::whole(before), percent(change));
    // 80 after 100 is a change of 20%, whatever the last digit of the division.
    Judged::measured(condition, change.abs() <= most.0 + 1e-12, found)
}
