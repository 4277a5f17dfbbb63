//! From stages as written, in the order of the file, to a graph in which each stage stands after its inputs.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::vary::Planning;
use super::{Plan, PlannedStage, Surroundings, fingerprint, leakage};
use crate::definition::{Pipeline, Spanned, StageDefinition};
use crate::diagnostic::{Diagnostic, Findings, nearest};
use crate::relation::{Relation, ScanSource, Tap};
use crate::stages::variant::{Nowhere, Variants};
use crate::stages::{Kind, PlanContext, Planned, SIDE_TABLE, Shape, Stage, TableShape, kind, kinds};

/// Stages in a row at most. Every stage adds to the relation of those below, and engines walk relations recursively.
const DEEPEST_CHAIN: usize = 300;

/// A stage whose options were read, with the names of its inputs.
pub(super) struct Node {
    pub(super) id: String,
    pub(super) kind: &'static Kind,
    pub(super) definition: StageDefinition,
    pub(super) stage: Box<dyn Stage>,
    pub(super) options: serde_json::Value,
    /// Names of the inputs; `None` for the stage above.
    pub(super) inputs: Vec<Input>,
}

pub(super) struct Input {
    id: String,
    written: Option<Spanned<String>>,
}

/// Checks a pipeline and turns it into a plan. Looks at the heads of files, reads no rows beyond.
///
/// Everything that is wrong is in [`Plan::findings`]; a stage whose inputs are wrong is not checked further.
pub fn plan(pipeline: Pipeline, surroundings: &Surroundings<'_>) -> Plan {
    rehearse(pipeline, surroundings, None)
}

/// As [`plan`], with other stages in the place of some, and of the stages only those that are wanted and what they need.
pub fn rehearse(pipeline: Pipeline, surroundings: &Surroundings<'_>, rehearsal: Option<&Rehearsal<'_>>) -> Plan {
    let mut findings = Findings::new();
    let mut nodes = read_options(&pipeline, rehearsal, &mut findings);
    add_side_tables(&mut nodes);
    let positions: HashMap<String, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
    if let Some(rehearsal) = rehearsal {
        keep_wanted(&mut nodes, &positions, &rehearsal.wanted);
    }
    let positions: HashMap<String, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
    let edges = resolve_inputs(&nodes, &positions, &mut findings);
    let order = topological_order(&nodes, &edges, &mut findings);

    let mut stages: Vec<PlannedStage> = Vec::with_capacity(order.len());
    let mut placed: HashMap<usize, usize> = HashMap::new();
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    for at in order {
        let (Some(edges), Some(node)) =
            (edges.get(at).and_then(Option::as_ref), nodes.get_mut(at).and_then(Option::take))
        else {
            continue;
        };
        let Some(inputs) = edges.iter().map(|input| placed.get(input).copied()).collect::<Option<Vec<usize>>>() else {
            continue;
        };
        match plan_stage(node, inputs, &stages, surroundings, &mut findings, false) {
            Ok(stage) => {
                placed.insert(at, stages.len());
                stages.push(stage);
            }
            Err(mut wrong) => findings.append(&mut wrong),
        }
    }
    leakage::check(&stages, &mut findings);
    check_targets(&stages, &mut findings);
    check_depth(&stages, &mut findings);
    findings.extend(pipeline.warnings.iter().cloned());
    findings.sort_by_key(|finding| {
        finding.place.as_ref().map(|place| (place.source().name().to_owned(), place.range().start))
    });
    Plan { pipeline, stages, findings }
}

/// Other stages in the place of those of a pipeline, for a test of it.
pub struct Rehearsal<'a> {
    /// What stands in the place of a stage, by its id and definition.
    pub replace: &'a dyn Fn(&str, &StageDefinition) -> Option<Replacement>,
    /// The stages that are to be run; empty: all.
    pub wanted: Vec<String>,
}

/// A stage in the place of another one.
pub struct Replacement {
    /// What stands there.
    pub stage: Box<dyn Stage>,
    /// Whether it reads what the other one reads.
    pub reads: bool,
}

/// The ids of the stages of a pipeline, given or generated, in the order of the file.
pub fn ids(pipeline: &Pipeline) -> Vec<String> {
    pipeline.ids()
}

/// A stage for each table beside a product (`checked.quarantine`) that another stage reads.
fn add_side_tables(nodes: &mut Vec<Node>) {
    let known: HashMap<&str, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
    let mut added: Vec<Node> = Vec::new();
    for name in nodes.iter().flat_map(|node| &node.inputs).filter_map(|input| input.written.as_ref()) {
        let is_new = !known.contains_key(name.value.as_str()) && !added.iter().any(|node| node.id == name.value);
        let Some((owner, table)) = name.value.rsplit_once('.').filter(|_| is_new) else { continue };
        let Some(owner) = known.get(owner).and_then(|&at| nodes.get(at)) else { continue };
        let Some(stage) = owner.stage.side_table(table) else { continue };
        let mut definition = owner.definition.clone();
        definition.description = Some(format!("What `{}` sets aside.", owner.id));
        definition.kind = Spanned::new(SIDE_TABLE.name.to_owned(), owner.definition.kind.place.clone());
        added.push(Node {
            id: name.value.clone(),
            kind: &SIDE_TABLE,
            definition,
            stage,
            options: serde_json::Value::Null,
            inputs: vec![Input { id: owner.id.clone(), written: None }],
        });
    }
    nodes.append(&mut added);
}

/// Leaves out the nodes that the wanted ones do not need.
fn keep_wanted(nodes: &mut Vec<Node>, positions: &HashMap<String, usize>, wanted: &[String]) {
    if wanted.is_empty() {
        return;
    }
    let mut kept = vec![false; nodes.len()];
    let mut open: Vec<usize> = wanted.iter().filter_map(|id| positions.get(id).copied()).collect();
    while let Some(at) = open.pop() {
        let Some(flag) = kept.get_mut(at).filter(|flag| !**flag) else { continue };
        *flag = true;
        let inputs = nodes.get(at).map_or(&[][..], |node| &node.inputs);
        open.extend(inputs.iter().filter_map(|input| positions.get(&input.id).copied()));
    }
    let mut kept = kept.into_iter();
    nodes.retain(|_| kept.next().unwrap_or(false));
}

fn read_options(pipeline: &Pipeline, rehearsal: Option<&Rehearsal<'_>>, findings: &mut Findings) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut used: HashMap<String, usize> = HashMap::new();
    for (at, definition) in pipeline.stages.iter().enumerate() {
        let Some(kind) = kind(&definition.kind.value) else {
            findings.push(unknown_kind(definition));
            continue;
        };
        let id = match &definition.id {
            Some(id) => id.value.clone(),
            None => pipeline.generated_id(kind.name, &|id| used.contains_key(id)),
        };
        used.insert(id.clone(), at);
        let replacement = rehearsal.and_then(|rehearsal| (rehearsal.replace)(&id, definition));
        if let Some(Replacement { stage, reads: false }) = replacement {
            let options = serde_json::Value::Null;
            nodes.push(Node { id, kind, definition: definition.clone(), stage, options, inputs: Vec::new() });
            continue;
        }
        let read = match replacement {
            Some(Replacement { stage, .. }) => Ok((stage, serde_json::Value::Null)),
            None => (kind.read)(&definition.options),
        };
        let (stage, options) = match read {
            Ok(read) => read,
            Err(mut wrong) => {
                findings.append(&mut definition.note_inclusions(std::mem::take(&mut wrong)));
                continue;
            }
        };
        let above = nodes_above(pipeline, at, &used);
        let mut inputs = match (&definition.from, stage.arity()) {
            (Some(from), _) => from.iter().map(Input::written).collect(),
            (None, (_, 0)) => Vec::new(),
            (None, _) => above.map(|id| Input { id, written: None }).into_iter().collect::<Vec<_>>(),
        };
        let (least, most) = stage.arity();
        if inputs.len() < least || inputs.len() > most {
            findings.push(wrong_arity(definition, kind, inputs.len(), least, most));
            continue;
        }
        inputs.extend(stage.named_inputs().iter().map(Input::written));
        nodes.push(Node { id, kind, definition: definition.clone(), stage, options, inputs });
    }
    nodes
}

impl Input {
    fn written(name: &Spanned<String>) -> Self {
        Self { id: name.value.clone(), written: Some(name.clone()) }
    }
}

/// The id of the stage above position `at`, if there is one.
fn nodes_above(pipeline: &Pipeline, at: usize, used: &HashMap<String, usize>) -> Option<String> {
    let above = at.checked_sub(1)?;
    pipeline.stages.get(above)?;
    used.iter().find(|(_, position)| **position == above).map(|(id, _)| id.clone())
}

/// The kind's name, with a number when it is taken by another stage of the file.
fn unknown_kind(definition: &StageDefinition) -> Diagnostic {
    let name = &definition.kind.value;
    let finding = Diagnostic::definition(format!("unknown kind of stage `{name}`")).at(&definition.kind.place);
    match nearest(name, kinds().iter().map(|kind| kind.name)) {
        Some(near) => finding.label(format!("did you mean `{near}`?")),
        None => finding.help("`gristmill stages` lists the kinds"),
    }
}

fn wrong_arity(definition: &StageDefinition, kind: &Kind, found: usize, least: usize, most: usize) -> Diagnostic {
    let message = match (least, most) {
        (_, 0) => format!("`{}` reads no other stage, but `from` names {found}", kind.name),
        (1, 1) if found == 0 => format!("`{}` has no input: there is no stage above it", kind.name),
        _ if found < least => format!("`{}` needs at least {least} inputs, but `from` names {found}", kind.name),
        _ => format!("`{}` takes at most {most} input, but `from` names {found}", kind.name),
    };
    let help = match kind.name {
        "join" | "union" if found > most => Some("name the other tables with `with`"),
        _ => None,
    };
    let place =
        definition.from.as_ref().and_then(|from| from.first()).map_or(&definition.kind.place, |from| &from.place);
    Diagnostic { help: help.map(str::to_owned), ..Diagnostic::definition(message).at(place) }
}

/// For each node the positions of its inputs; none when one is missing.
fn resolve_inputs(
    nodes: &[Node],
    positions: &HashMap<String, usize>,
    findings: &mut Findings,
) -> Vec<Option<Vec<usize>>> {
    nodes
        .iter()
        .map(|node| {
            let mut resolved = Vec::with_capacity(node.inputs.len());
            for input in &node.inputs {
                match (positions.get(&input.id), &input.written) {
                    (Some(&at), _) => resolved.push(at),
                    (None, Some(written)) => {
                        findings.push(unknown_stage(written, positions));
                        return None;
                    }
                    // The stage above is wrong itself and has its own finding.
                    (None, None) => return None,
                }
            }
            Some(resolved)
        })
        .collect()
}

fn unknown_stage(written: &Spanned<String>, positions: &HashMap<String, usize>) -> Diagnostic {
    let finding = Diagnostic::definition(format!("there is no stage `{}`", written.value)).at(&written.place);
    let mut names: Vec<&str> = positions.keys().map(String::as_str).collect();
    names.sort_unstable();
    match nearest(&written.value, names.iter().copied()) {
        Some(near) => finding.label(format!("did you mean `{near}`?")),
        None => finding.help(format!("the stages are {}", names.join(", "))),
    }
}

/// Kahn's algorithm, taking the first ready stage of the file each time, so that a file in order keeps its order.
fn topological_order(nodes: &[Node], edges: &[Option<Vec<usize>>], findings: &mut Findings) -> Vec<usize> {
    let mut order = Vec::with_capacity(nodes.len());
    let mut done = vec![false; nodes.len()];
    let inputs = |at: usize| edges.get(at).and_then(Option::as_ref).map_or(&[][..], Vec::as_slice);
    while let Some(next) = (0..nodes.len()).find(|&at| {
        !done.get(at).copied().unwrap_or(true) && inputs(at).iter().all(|&input| done.get(input) == Some(&true))
    }) {
        if let Some(flag) = done.get_mut(next) {
            *flag = true;
        }
        order.push(next);
    }
    let stuck: Vec<&Node> = nodes.iter().zip(&done).filter(|(_, done)| !**done).map(|(node, _)| node).collect();
    if let Some(first) = stuck.first() {
        let names: Vec<String> = stuck.iter().map(|node| format!("`{}`", node.id)).collect();
        let finding = Diagnostic::definition(format!("stages read each other in a circle: {}", names.join(", ")))
            .at(&first.definition.place)
            .help("a stage can only read stages that do not depend on it");
        findings.push(finding);
    }
    order
}

/// Plans a stage whose inputs are planned. A stage of a variant cannot ask for variants itself.
pub(super) fn plan_stage(
    node: Node,
    inputs: Vec<usize>,
    stages: &[PlannedStage],
    surroundings: &Surroundings<'_>,
    findings: &mut Findings,
    is_variant: bool,
) -> Result<PlannedStage, Findings> {
    let sources: Vec<&PlannedStage> = inputs.iter().filter_map(|&at| stages.get(at)).collect();
    let shapes: Vec<Shape> = sources.iter().map(|source| source.planned.product.clone()).collect();
    let input_ids: Vec<String> = sources.iter().map(|source| source.id.clone()).collect();
    let planning = Planning { stages, surroundings };
    let variants: &dyn Variants = if is_variant { &Nowhere } else { &planning };
    let context = PlanContext {
        id: &node.id,
        place: &node.definition.place,
        engine: surroundings.engine,
        base: surroundings.base,
        scratch: surroundings.scratch,
        input_ids: &input_ids,
        variants,
    };
    let kind_place = &node.definition.kind.place;
    let placed = |found: Findings| {
        let found = found.into_iter().map(|finding| finding.or_at(kind_place)).collect();
        node.definition.note_inclusions(found)
    };
    let mut planned = node.stage.plan(&shapes, &context).map_err(placed)?;
    findings.append(&mut placed(std::mem::take(&mut planned.findings)));
    tap_product(&node.id, &mut planned);
    let files = scanned_files(&planned, &shapes);
    let input_fingerprints: Vec<&str> = sources.iter().map(|source| source.fingerprint.as_str()).collect();
    let fingerprint = fingerprint::stage(node.kind.name, &planned, &input_fingerprints);
    let from = inputs.len().saturating_sub(node.stage.named_inputs().len());
    let Node { id, kind, definition, options, .. } = node;
    Ok(PlannedStage { id, kind, definition, inputs, from, planned, fingerprint, options, files })
}

/// Counts the rows that leave the stage: every table passes a tap `out` of the stage that made it.
fn tap_product(id: &str, planned: &mut Planned) {
    if let Shape::Table(table) = &mut planned.product {
        let tap = Tap { stage: id.to_owned(), point: "out".to_owned(), counters: Vec::new(), samples: Vec::new() };
        let relation = Relation::Tap { input: table.relation.clone(), tap: tap.into() };
        *table = TableShape { relation: relation.into(), schema: table.schema.clone(), split: table.split.clone() };
    }
}

/// The files that the stage itself scans, with their state.
fn scanned_files(planned: &Planned, inputs: &[Shape]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    if let (Shape::Table(table), true) = (&planned.product, inputs.is_empty()) {
        table.relation.visit(&mut |relation| {
            if let Relation::Scan(scan) = relation
                && let ScanSource::Files(scan) = &scan.source
            {
                for path in &scan.paths {
                    files.insert(path.display().to_string(), scan.fingerprint.clone());
                }
            }
        });
    }
    files
}

/// Refuses files that two stages write, files that one stage reads and another one writes, and folders that may not be written to.
fn check_targets(stages: &[PlannedStage], findings: &mut Findings) {
    let mut written: HashMap<&Path, &str> = HashMap::new();
    let read: HashMap<&Path, &str> = stages
        .iter()
        .flat_map(|stage| stage.files.keys().map(|file| (Path::new(file.as_str()), stage.id.as_str())))
        .collect();
    for stage in stages {
        for (path, place) in &stage.planned.targets {
            let clash = match (written.insert(path, &stage.id), read.get(path.as_path())) {
                (Some(other), _) => Some(format!("`{other}` writes `{}` too", path.display())),
                (None, Some(reader)) => {
                    Some(format!("`{reader}` reads `{}`, which would be overwritten", path.display()))
                }
                (None, None) => None,
            };
            if let Some(message) = clash {
                findings.push(Diagnostic::definition(message).at(place).help("choose another path"));
            }
            findings.extend(crate::staging::check_writable(path).err().map(|finding| finding.at(place)));
        }
    }
}

/// Refuses chains of stages that are too long to be executed as one relation.
fn check_depth(stages: &[PlannedStage], findings: &mut Findings) {
    let mut depths: Vec<usize> = Vec::with_capacity(stages.len());
    for stage in stages {
        let above = stage.inputs.iter().filter_map(|&input| depths.get(input)).max().copied().unwrap_or(0);
        depths.push(above + 1);
        if above == DEEPEST_CHAIN {
            let message = format!("`{}` is the end of a chain of more than {DEEPEST_CHAIN} stages", stage.id);
            let finding = Diagnostic::error(crate::diagnostic::Class::Limit, message).at(&stage.definition.kind.place);
            findings.push(finding.help("write an intermediate file, and read it in a second pipeline"));
        }
    }
}
