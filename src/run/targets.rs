//! Files that stages are to write and that must not be there: found before anything is computed for them.

use std::collections::BTreeSet;

use super::cache::Cache;
use crate::diagnostic::Findings;
use crate::plan::Plan;
use crate::stages::render::write::is_there;

/// Findings about targets that are there already, of stages that are to work. A stage that wrote such a file itself and has
/// nothing to do is none.
pub fn in_the_way(plan: &Plan, chosen: &BTreeSet<usize>, cache: Option<&Cache>) -> Findings {
    let stages = chosen.iter().filter_map(|&at| plan.stages.get(at));
    let to_do = stages.filter(|stage| {
        stage.planned.work.only_new() && cache.is_none_or(|cache| cache.load(&stage.fingerprint).is_none())
    });
    let targets = to_do.flat_map(|stage| &stage.planned.targets);
    targets.filter(|(path, _)| path.exists()).map(|(path, place)| is_there(path).at(place)).collect()
}
