//! Promise 1: nothing that is learned sees the rows on which it will be judged.

use super::PlannedStage;
use crate::diagnostic::{Diagnostic, Findings};
use crate::stages::Shape;

/// Warns of stages that learn from all rows although a stage below divides them for a model.
///
/// Below a split, stages learn from the training part by construction ([`crate::stages::TableShape::training`]).
pub(super) fn check(stages: &[PlannedStage], findings: &mut Findings) {
    for (at, stage) in stages.iter().enumerate() {
        if !stage.kind.learns || divided(stage, stages) {
            continue;
        }
        let below = descendants(at, stages);
        let split = below.iter().filter_map(|&at| stages.get(at)).find(|below| below.kind.name == "split");
        let model = below.iter().filter_map(|&at| stages.get(at)).any(|below| matches!(below.shape(), Shape::Model(_)));
        if let (Some(split), true) = (split, model) {
            findings.push(
                Diagnostic::warning(format!(
                    "`{}` learns from all rows before `{}` divides them: the model's test rows leak into it",
                    stage.id, split.id
                ))
                .at(&stage.definition.kind.place)
                .help(format!("move it below `{}`, where it learns from the training rows alone", split.id)),
            );
        }
    }
}

fn divided(stage: &PlannedStage, stages: &[PlannedStage]) -> bool {
    stage.inputs.iter().filter_map(|&at| stages.get(at)).any(|input| match input.shape() {
        Shape::Table(table) => table.split.is_some(),
        _ => false,
    })
}

fn descendants(root: usize, stages: &[PlannedStage]) -> Vec<usize> {
    let mut found = vec![root];
    for (at, stage) in stages.iter().enumerate().skip(root + 1) {
        if stage.inputs.iter().any(|input| found.contains(input)) {
            found.push(at);
        }
    }
    found
}
