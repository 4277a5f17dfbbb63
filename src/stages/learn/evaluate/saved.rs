//! What a model that is saved keeps of its judgement.

use serde_json::{Map, Value, json};

use super::models::{CALIBRATED, NETWORK};
use super::verdict::{Scored, Verdict};
use crate::exhibit::Exhibit;
use crate::stages::learn::bundle::{Baseline, Judgement, Score};
use crate::statistics::evaluation::judge::Better;
use crate::tensor::Target;

/// A judgement without scores. `notes` are remarks about the rows.
pub(super) fn judgement(
    stage: &str,
    part: Option<&str>,
    rows: usize,
    on_training_rows: bool,
    notes: &[Exhibit],
) -> Judgement {
    let notes = notes.iter().filter_map(|note| match note {
        Exhibit::Note { text, .. } => Some(text.clone()),
        _ => None,
    });
    Judgement {
        stage: stage.to_owned(),
        part: part.map(str::to_owned),
        rows: rows as u64,
        on_training_rows,
        notes: notes.collect(),
        ..Judgement::default()
    }
}

/// Adds the scores of the network, as it will foretell: calibrated, where it is; those of the simple models; and the threshold by which
/// was decided, where that is not 0.5. `name` is the column of the target, where there are several.
pub(super) fn add(judgement: &mut Judgement, name: Option<&str>, target: &Target, verdict: &Verdict) {
    let place = |model: &str| verdict.scored.iter().position(|scored| scored.model == model);
    let Some(place) = place(CALIBRATED).or_else(|| place(NETWORK)) else { return };
    let Some(network) = verdict.scored.get(place) else { return };
    let of = |model: &str| verdict.scored.iter().find(|scored| scored.model == model);
    let baseline = verdict.comparison.as_ref().and_then(|comparison| of(&comparison.baseline));
    let scores = network.metrics.iter().zip(&network.values).map(|(metric, value)| Score {
        target: name.map(str::to_owned),
        name: metric.name.clone(),
        value: *value,
        interval: network.interval(&metric.name),
        baseline: baseline.and_then(|baseline| baseline.value(&metric.name)),
    });
    judgement.scores.extend(scores);
    let simple = verdict.scored.iter().filter(|scored| scored.model != NETWORK && scored.model != CALIBRATED);
    judgement.baselines.extend(simple.map(|scored| Baseline {
        target: name.map(str::to_owned),
        model: scored.model.clone(),
        scores: scored.metrics.iter().map(|metric| metric.name.clone()).zip(scored.values.iter().copied()).collect(),
    }));
    let is_decided = matches!(target, Target::Binary(_) | Target::MultiLabel(_));
    let threshold = verdict.thresholds.get(place).copied().filter(|threshold| *threshold != 0.5 && !threshold.is_nan());
    if let Some(threshold) = threshold.filter(|_| is_decided) {
        // JSON has no infinity: a threshold that no probability reaches is any number above 1.
        judgement.thresholds.insert(target.column().to_owned(), threshold.min(2.0));
    }
}

/// What the conditions of a job read of a target: each metric of the network as it will foretell (calibrated, where it is), which way it is
/// better, and its values of the simple models.
pub(super) fn told(target: &Target, verdict: &Verdict) -> Value {
    let of = |model: &str| verdict.scored.iter().find(|scored| scored.model == model);
    let simple: Vec<&Scored> =
        verdict.scored.iter().filter(|scored| scored.model != NETWORK && scored.model != CALIBRATED).collect();
    let metrics = of(CALIBRATED).or_else(|| of(NETWORK)).into_iter().flat_map(|network| {
        network.metrics.iter().zip(&network.values).map(|(metric, value)| {
            let baselines: Map<String, Value> =
                simple.iter().map(|scored| (scored.model.clone(), json!(scored.value(&metric.name)))).collect();
            json!({
                "name": metric.name,
                "value": value,
                "better": if metric.better == Better::Higher { "higher" } else { "lower" },
                "baselines": baselines,
            })
        })
    });
    json!({ "target": target.column(), "metrics": metrics.collect::<Vec<Value>>() })
}
