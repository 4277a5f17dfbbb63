//! What a model that is saved keeps of its judgement.

use super::models::{CALIBRATED, NETWORK};
use super::verdict::Verdict;
use crate::exhibit::Exhibit;
use crate::stages::learn::bundle::{Judgement, Score};

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

/// Adds the scores of the network, as it will foretell: calibrated, where it is. `target` is its column, where there are several.
pub(super) fn add(judgement: &mut Judgement, target: Option<&str>, verdict: &Verdict) {
    let of = |model: &str| verdict.scored.iter().find(|scored| scored.model == model);
    let Some(network) = of(CALIBRATED).or_else(|| of(NETWORK)) else { return };
    let baseline = verdict.comparison.as_ref().and_then(|comparison| of(&comparison.baseline));
    let scores = network.metrics.iter().zip(&network.values).map(|(metric, value)| Score {
        target: target.map(str::to_owned),
        name: metric.name.clone(),
        value: *value,
        interval: network.interval(&metric.name),
        baseline: baseline.and_then(|baseline| baseline.value(&metric.name)),
    });
    judgement.scores.extend(scores);
}
