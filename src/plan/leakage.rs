//! Promise 1: nothing that is learned sees the rows on which it will be judged.

use super::PlannedStage;
use crate::diagnostic::{Diagnostic, Findings};
use crate::stages::Shape;

/// Warns of stages that learn from all rows although a stage below divides them for a model.
///
/// Below a split, stages learn from the training part by construction ([`crate::stages::TableShape::training`]).
pub(super) fn check(stages: &[PlannedStage], findings: &mut Findings) {
    check_rows_that_belong_together(stages, findings);
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

/// Warns of divisions that put copies of a row, or rows of one entity, on both sides although a stage above knows them.
fn check_rows_that_belong_together(stages: &[PlannedStage], findings: &mut Findings) {
    for (at, split) in stages.iter().enumerate().filter(|(_, stage)| stage.kind.name == "split") {
        if !descendants(at, stages)
            .iter()
            .any(|&at| matches!(stages.get(at).map(PlannedStage::shape), Some(Shape::Model(_))))
        {
            continue;
        }
        let above = ancestors(at, stages);
        for stage in above.iter().filter_map(|&at| stages.get(at)) {
            if stage.kind.name == "sample" && stage.options["balance"] == "up" && !keeps_values_together(split) {
                findings.push(
                    Diagnostic::warning(format!(
                        "`{}` repeats rows before `{}` divides them: copies of one row come into several parts",
                        stage.id, split.id
                    ))
                    .at(&stage.definition.kind.place)
                    .help(format!("move it below `{}`, where it repeats rows of the training part alone", split.id)),
                );
            }
            let Some(column) = group_column(stage) else { continue };
            let is_there = matches!(split.shape(), Shape::Table(table) if table.schema.contains(&column));
            if is_there && !decides_by(split, &column) {
                findings.push(
                    Diagnostic::warning(format!(
                        "rows of one `{column}` of `{}` can come into several parts of `{}`: the model is judged on rows that it nearly knows",
                        stage.id, split.id
                    ))
                    .at(&split.definition.kind.place)
                    .help(format!("keep them together: `split: {{by: group, on: {column}}}`")),
                );
            }
        }
    }
}

/// The column in which a stage names rows that belong together: the entities of `link`, the clusters of near duplicates.
fn group_column(stage: &PlannedStage) -> Option<String> {
    let option = match stage.kind.name {
        "link" => stage.options.get("entity_id"),
        "dedupe" => stage.options.get("near").and_then(|near| near.get("mark")),
        _ => None,
    };
    option.and_then(serde_json::Value::as_str).map(str::to_owned)
}

fn keeps_values_together(split: &PlannedStage) -> bool {
    matches!(split.options["by"].as_str(), Some("hash" | "group"))
}

/// Whether the division looks at that column alone, so that equal values stay together.
fn decides_by(split: &PlannedStage, column: &str) -> bool {
    let on = &split.options["on"];
    let only = on.as_str().or_else(|| match on.as_array().map(Vec::as_slice) {
        Some([only]) => only.as_str(),
        _ => None,
    });
    keeps_values_together(split) && only == Some(column)
}

fn ancestors(leaf: usize, stages: &[PlannedStage]) -> Vec<usize> {
    let mut found: Vec<usize> = stages.get(leaf).map(|stage| stage.inputs.clone()).unwrap_or_default();
    let mut next = 0;
    while let Some(&at) = found.get(next) {
        next += 1;
        for &input in stages.get(at).map_or(&[][..], |stage| &stage.inputs) {
            if !found.contains(&input) {
                found.push(input);
            }
        }
    }
    found
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
