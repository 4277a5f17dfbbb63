//! What `validate` found.

use super::{Condition, Judged};
use crate::run::manifest::StageRecord;
use crate::schedule::gate::evidence::{VALIDATE, health, worked};
use crate::schedule::gate::number::percent;
use crate::schedule::gate::{Checks, Evidence, Grade};

/// Checks that a reason names.
const NAMED: usize = 3;

pub(super) fn judge(checks: &Checks, evidence: &Evidence<'_>) -> Vec<Judged> {
    let record = evidence.record;
    let ids: Vec<&str> = match &checks.stage {
        Some(stage) => vec![stage.value.as_str()],
        None => record.stages.iter().filter(|stage| stage.kind == VALIDATE).map(|stage| stage.id.as_str()).collect(),
    };
    if ids.is_empty() {
        let condition = Condition::new(number(checks.warnings), "0");
        return vec![Judged::unknown(&condition, "the run has no stage of kind `validate`")];
    }
    let of_stage = |id: &str| match worked(record, id) {
        Ok(stage) => of_stage(checks, stage),
        Err(why) => vec![Judged::unknown(&of(id, checks.warnings), &why)],
    };
    ids.into_iter().flat_map(of_stage).collect()
}

fn of(id: &str, warnings: Grade) -> Condition {
    Condition::new(format!("{} of `{id}`", number(warnings)), "0")
}

fn number(warnings: Grade) -> &'static str {
    match warnings {
        Grade::Allowed => "the number of failing checks",
        Grade::None => "the number of failing or warning checks",
    }
}

fn of_stage(checks: &Checks, stage: &StageRecord) -> Vec<Judged> {
    let condition = of(&stage.id, checks.warnings);
    let of_health = checks.health_at_least.as_ref().map(|least| {
        (Condition::new(format!("the health of `{}`", stage.id), format!("at least {}", least.value)), least.value.0)
    });
    let Some(found) = health(stage) else {
        let why =
            format!("the record of `{}` does not tell how its checks ended; run it once with `--no-cache`", stage.id);
        let conditions = std::iter::once(condition).chain(of_health.map(|(condition, _)| condition));
        return conditions.map(|condition| Judged::unknown(&condition, &why)).collect();
    };
    let grades = &found.grades;
    let (mut bad, mut names) = (grades.fail, grades.failing.clone());
    if checks.warnings == Grade::None {
        bad += grades.warn;
        names.extend(grades.warning.iter().cloned());
    }
    names.truncate(NAMED);
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join("; ")) };
    let mut judged = vec![Judged::measured(&condition, bad == 0, format!("is {bad} of {}{names}", grades.checks))];
    judged.extend(of_health.map(|(condition, least)| match found.health {
        Some(health) => Judged::measured(&condition, health >= least, format!("is {}", percent(health))),
        None => Judged::unknown(&condition, "no check gave a score"),
    }));
    judged
}
