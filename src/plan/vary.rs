//! Variants of a part of a plan: what is changed, and what stands below it, is planned again; everything else is shared.

use std::collections::HashMap;

use super::graph::{Node, plan_stage};
use super::{PlannedStage, Surroundings};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::stages::variant::{THEN, Variant, VariantStage, Variants};
use crate::stages::{SIDE_TABLE, Stage, kind};

/// The stages planned so far, for a stage that asks for variants of them.
pub(super) struct Planning<'a> {
    pub(super) stages: &'a [PlannedStage],
    pub(super) surroundings: &'a Surroundings<'a>,
}

impl Variants for Planning<'_> {
    fn plan(&self, variant: &Variant) -> Result<Vec<VariantStage>, Findings> {
        let stages = vary(self.stages, variant, self.surroundings)?;
        let ids: Vec<String> = stages.iter().map(|stage| stage.id.clone()).collect();
        let told = stages.into_iter().map(|stage| VariantStage {
            inputs: stage.inputs.iter().filter_map(|&input| ids.get(input).cloned()).collect(),
            id: stage.id,
            kind: stage.kind.name,
            written: stage.definition.options,
            options: stage.options,
            product: stage.planned.product,
            fingerprint: stage.fingerprint,
        });
        Ok(told.collect())
    }
}

/// The wanted stage of a variant and everything above it, each stage after its inputs.
///
/// Errors: there is no such stage, or everything that is wrong with what was changed.
pub fn vary(
    stages: &[PlannedStage],
    variant: &Variant,
    surroundings: &Surroundings<'_>,
) -> Result<Vec<PlannedStage>, Findings> {
    let Some(wanted) = stages.iter().position(|stage| stage.id == variant.wanted) else {
        return Err(vec![Diagnostic::definition(format!("there is no stage `{}`", variant.wanted))]);
    };
    let mut varied: Vec<PlannedStage> = Vec::new();
    let mut changed: Vec<bool> = Vec::new();
    let mut placed: HashMap<usize, usize> = HashMap::new();
    for at in above(stages, wanted) {
        let Some(stage) = stages.get(at) else { continue };
        let Some(inputs) = stage.inputs.iter().map(|input| placed.get(input).copied()).collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let own = variant.options.contains_key(&stage.id) || variant.around.contains_key(&stage.id);
        let is_changed = own || inputs.iter().any(|input| changed.get(*input).copied().unwrap_or(false));
        let planned = if is_changed {
            again(stage, stages, inputs, &varied, variant, surroundings)?
        } else {
            PlannedStage { inputs, ..stage.clone() }
        };
        placed.insert(at, varied.len());
        varied.push(planned);
        changed.push(is_changed);
    }
    if let (Some((name, options)), Some(last)) = (&variant.then, varied.last()) {
        let Some(kind) = kind(name) else {
            return Err(vec![Diagnostic::definition(format!("unknown kind of stage `{name}`"))]);
        };
        let (stage, read) = (kind.read)(options)?;
        let mut definition = last.definition.clone();
        definition.options = options.clone();
        definition.kind = Spanned::new(kind.name.to_owned(), definition.kind.place.clone());
        let node = Node { id: THEN.to_owned(), kind, definition, stage, options: read, inputs: Vec::new() };
        let inputs = vec![varied.len() - 1];
        varied.push(plan_stage(node, inputs, &varied, surroundings, &mut Findings::new(), true)?);
    }
    Ok(varied)
}

/// Positions of a stage and of all above it, in order.
fn above(stages: &[PlannedStage], wanted: usize) -> Vec<usize> {
    let mut needed = vec![false; stages.len()];
    // Inputs stand before the stages that read them.
    for at in (0..=wanted).rev() {
        let is_needed = at == wanted || needed.get(at).copied().unwrap_or(false);
        if let (true, Some(stage)) = (is_needed, stages.get(at)) {
            for &input in stage.inputs.iter().chain([&at]) {
                if let Some(flag) = needed.get_mut(input) {
                    *flag = true;
                }
            }
        }
    }
    (0..stages.len()).filter(|at| needed.get(*at).copied().unwrap_or(false)).collect()
}

/// Plans a stage again.
fn again(
    stage: &PlannedStage,
    stages: &[PlannedStage],
    inputs: Vec<usize>,
    varied: &[PlannedStage],
    variant: &Variant,
    surroundings: &Surroundings<'_>,
) -> Result<PlannedStage, Findings> {
    let mut definition = stage.definition.clone();
    let of_owner = stage.inputs.first().and_then(|&owner| stages.get(owner));
    let (mut read, options): (Box<dyn Stage>, _) = match (stage.kind.name, of_owner) {
        (name, Some(owner)) if name == SIDE_TABLE.name => {
            let written = variant.options.get(&owner.id).unwrap_or(&owner.definition.options);
            let table = stage.id.rsplit_once('.').map_or("", |(_, table)| table);
            let side = (owner.kind.read)(written)?.0.side_table(table);
            let missing = || vec![Diagnostic::definition(format!("`{}` sets nothing aside as `{table}`", owner.id))];
            (side.ok_or_else(missing)?, serde_json::Value::Null)
        }
        _ => {
            if let Some(options) = variant.options.get(&stage.id) {
                definition.options = options.clone();
            }
            (stage.kind.read)(&definition.options).map_err(|wrong| definition.note_inclusions(wrong))?
        }
    };
    if let Some(around) = variant.around.get(&stage.id) {
        read = around(read);
    }
    let named = read.named_inputs();
    let known = stage.inputs.iter().skip(stage.from).filter_map(|&input| stages.get(input));
    if !named.iter().map(|name| name.value.as_str()).eq(known.map(|input| input.id.as_str())) {
        let message = format!("`{}` would read other stages: what is read cannot be varied", stage.id);
        return Err(vec![Diagnostic::definition(message)]);
    }
    let node = Node { id: stage.id.clone(), kind: stage.kind, definition, stage: read, options, inputs: Vec::new() };
    // Warnings of a variant are those of the plan, or too many to be heard.
    let planned = plan_stage(node, inputs, varied, surroundings, &mut Findings::new(), true)?;
    // What is tried must leave no traces; whoever asks for the wanted stage knows what it writes.
    if planned.planned.targets.is_empty() || stage.id == variant.wanted {
        return Ok(planned);
    }
    let message = format!("`{}` writes files, and stands between what is varied and `{}`", stage.id, variant.wanted);
    let help = format!("let the stages below read from the one above `{}`", stage.id);
    Err(vec![Diagnostic::definition(message).at(&stage.definition.kind.place).help(help)])
}
