//! The numbers that stay with a promoted version.

use serde_json::{Value, json};

use super::Require;
use super::evidence::{EVALUATE, Score, VALIDATE, health, rows, same, scores};
use crate::run::manifest::{RunRecord, StageStatus};
use crate::schedule::store::Object;

/// Numbers that stay at most.
const MOST: usize = 256;
/// The longest name of a stage, target or metric that stays, in bytes.
const LONGEST: usize = 200;

/// What of a run stays with the version that it promotes, for the comparison with later ones and for people: at most 256 numbers.
///
/// `{"seconds": 12.5, "health": {STAGE: 0.98}, "rows": {STAGE: 800}, "scores": {STAGE: {TARGET: {METRIC: 0.91}}}}`: the health
/// of each `validate` stage, the rows of each stage that wrote files, the metrics of each `evaluate` stage, and of other stages
/// the numbers that a condition asks for (with an empty target). Those that conditions ask for come first, so that they stay whatever the
/// number of others.
pub fn metrics(require: &[Require], record: &RunRecord) -> Object {
    let mut kept = Kept { object: Object::new(), left: MOST };
    kept.put(&["seconds"], record.seconds);
    for require in require {
        if let Require::Metric(asked) = require {
            let of = |stage: &str| asked.stage.as_ref().is_none_or(|id| id.value == stage);
            for stage in record.stages.iter().filter(|stage| of(&stage.id)) {
                if asked.stage.is_none() && stage.kind != EVALUATE {
                    continue;
                }
                kept.scores(&stage.id, scores(stage).into_iter().filter(|score| same(&score.name, &asked.name)));
            }
        }
    }
    let worked = record.stages.iter().filter(|stage| matches!(stage.status, StageStatus::Done | StageStatus::Cached));
    for stage in worked {
        if stage.kind == VALIDATE
            && let Some(health) = health(stage).and_then(|found| found.health)
        {
            kept.put(&["health", &stage.id], health);
        }
        if let Some(rows) = rows(stage).filter(|_| !stage.outputs.is_empty()) {
            #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 rows do not occur")]
            kept.put(&["rows", &stage.id], rows as f64);
        }
        if stage.kind == EVALUATE {
            kept.scores(&stage.id, scores(stage).into_iter());
        }
    }
    kept.object
}

/// The number of a champion: of that stage, or, when the stage has another name by now, of the only one that has it.
pub(super) fn kept(metrics: &Object, stage: &str, target: &str, name: &str) -> Option<f64> {
    let stages = metrics.get("scores")?.as_object()?;
    let of = |scores: &Value| {
        let named = scores.get(target)?.as_object()?;
        named.iter().find(|(other, _)| same(other, name)).and_then(|(_, value)| value.as_f64())
    };
    if let Some(value) = stages.get(stage).and_then(of) {
        return Some(value);
    }
    let mut others = stages.values().filter_map(of);
    others.next().filter(|_| others.next().is_none())
}

struct Kept {
    object: Object,
    left: usize,
}

impl Kept {
    fn scores(&mut self, stage: &str, scores: impl Iterator<Item = Score>) {
        for score in scores {
            if let Some(value) = score.value {
                self.put(&["scores", stage, &score.target, &score.name], value);
            }
        }
    }

    /// Keeps a number under a path; the first of a path stays.
    fn put(&mut self, path: &[&str], value: f64) {
        let Some((last, above)) = path.split_last() else { return };
        if self.left == 0 || !value.is_finite() || path.iter().any(|part| part.len() > LONGEST) {
            return;
        }
        let mut at = &mut self.object;
        for part in above {
            let next = at.entry((*part).to_owned()).or_insert_with(|| json!({}));
            match next.as_object_mut() {
                Some(next) => at = next,
                None => return,
            }
        }
        if !at.contains_key(*last) {
            at.insert((*last).to_owned(), json!(value));
            self.left -= 1;
        }
    }
}
