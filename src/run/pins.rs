//! Which tables are worth keeping while a run lasts: those that are read more than once and dear to compute again.

use std::collections::BTreeSet;

use crate::plan::{Plan, PlannedStage};
use crate::relation::{Relation, Scan, ScanSource};
use crate::stages::Shape;

/// For each stage whether its rows are to be kept.
///
/// A table is kept when it is read at least twice by what is still to be done, when dear work (parsing, joining, sorting)
/// lies between it and the last kept table, and when keeping the next table instead would not serve as well: a stage whose
/// only reader is another relational stage leaves it to that one. Gates are always kept, since their rows have to be judged
/// before anything below starts.
pub(super) fn choose(plan: &Plan, to_do: &BTreeSet<usize>) -> Vec<bool> {
    let reads = reads(plan, to_do);
    let mut kept = vec![false; plan.stages.len()];
    let mut dear = vec![false; plan.stages.len()];
    for (at, stage) in plan.stages.iter().enumerate() {
        if !matches!(stage.shape(), Shape::Table(_)) {
            continue;
        }
        let above = stage.inputs.iter().any(|&input| get(&dear, input) && !get(&kept, input));
        let is_dear = above || stage.planned.work.is_costly();
        let consumers = plan.consumers(at);
        let leaves_it = matches!(consumers.as_slice(), [only] if plan.stages.get(*only).is_some_and(|consumer| {
            passes_over(consumer, at) == 0 && matches!(consumer.shape(), Shape::Table(_))
        }));
        let gate = stage.planned.work.is_gate() && consumers.iter().any(|consumer| to_do.contains(consumer));
        let keep = gate || (is_dear && !leaves_it && reads.get(at).copied().unwrap_or(0) >= 2);
        if let (Some(kept), Some(dear)) = (kept.get_mut(at), dear.get_mut(at)) {
            *kept = keep;
            *dear = is_dear && !keep;
        }
    }
    kept
}

/// How often the work of a stage reads the rows of the stage at `input`.
fn passes_over(stage: &PlannedStage, input: usize) -> usize {
    let positions = stage.inputs.iter().enumerate().filter(|(_, at)| **at == input);
    positions.map(|(position, _)| stage.planned.work.passes(position)).sum()
}

fn get(flags: &[bool], at: usize) -> bool {
    flags.get(at).copied().unwrap_or(false)
}

/// How often the rows of each stage are read when nothing is kept.
fn reads(plan: &Plan, to_do: &BTreeSet<usize>) -> Vec<usize> {
    let mut reads = vec![0_usize; plan.stages.len()];
    for (at, stage) in plan.stages.iter().enumerate().rev() {
        // A table that nobody reads is still counted once, unless it is the input that the work has just read.
        let below = match (stage.shape(), reads.get(at).copied().unwrap_or(0)) {
            (Shape::Table(_), 0) if to_do.contains(&at) && !stage.planned.work.hands_input_on() => 1,
            // Tensors and models are read together with the table that they were made of.
            (_, reads) => reads,
        };
        let below = if is_made(stage.shape()) { 0 } else { below };
        for (position, &input) in stage.inputs.iter().enumerate() {
            let own = if to_do.contains(&at) { stage.planned.work.passes(position) } else { 0 };
            if let Some(count) = reads.get_mut(input) {
                *count = count.saturating_add(own).saturating_add(below);
            }
        }
    }
    reads
}

/// Whether the rows are a table that the work of the stage has made: whoever asks for them does not read its inputs again.
fn is_made(shape: &Shape) -> bool {
    let Shape::Table(table) = shape else { return false };
    let mut relation = table.relation.as_ref();
    while let Relation::Tap { input, .. } = relation {
        relation = input;
    }
    matches!(relation, Relation::Scan(Scan { source: ScanSource::Artifact(_), .. }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::definition::{self, LoadOptions};
    use crate::diagnostic::Source;
    use crate::engine::polars::{PolarsEngine, PolarsOptions};
    use crate::plan::{self, Surroundings};

    /// The stages whose rows are kept when everything is to be done, of a pipeline that reads `t.csv` first.
    fn kept(stages: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t.csv"), "k,x\na,1\nb,2\n").unwrap();
        let text = format!("name: p\nstages:\n  - id: t\n    read: {{path: t.csv}}\n{stages}");
        let pipeline = definition::parse(Source::new("p.yaml", text), &LoadOptions::default(), folder.path()).unwrap();
        let engine = PolarsEngine::new(PolarsOptions::default());
        let plan = plan::plan(pipeline, &Surroundings { engine: &engine, base: folder.path(), scratch: folder.path() });
        assert!(plan.is_runnable(), "{:?}", plan.findings);
        let kept = choose(&plan, &(0..plan.stages.len()).collect());
        let stages = plan.stages.iter().zip(kept);
        stages.filter(|(_, kept)| *kept).map(|(stage, _)| stage.id.clone()).collect()
    }

    #[test]
    fn a_table_that_is_read_once_streams() {
        assert!(kept("  - id: s\n    sort: {by: x}\n  - write: {path: o.csv}\n").is_empty());
    }

    #[test]
    fn the_last_table_that_a_writer_reads_is_not_kept_for_its_count() {
        // The written file hands on the rows that it has read, so nothing asks for them again.
        assert!(kept("  - id: s\n    sort: {by: x}\n  - id: w\n    write: {path: o.csv}\n").is_empty());
    }

    #[test]
    fn a_dear_table_that_is_read_twice_is_kept() {
        let stages =
            "  - id: s\n    sort: {by: x}\n  - write: {path: o.csv}\n  - from: s\n    write: {path: o.parquet}\n";
        assert_eq!(kept(stages), ["s"]);
    }

    #[test]
    fn a_dear_table_below_which_another_one_is_made_is_read_once() {
        // The table of sets is a file; writing it does not ask for the sorted rows again.
        let made = "  - id: s\n    sort: {by: x}\n  - itemsets: {items: [k]}\n  - write: {path: o.parquet}\n";
        assert!(kept(made).is_empty());
        let also_written = format!("{made}  - from: s\n    write: {{path: o.csv}}\n");
        assert_eq!(kept(&also_written), ["s"]);
    }

    #[test]
    fn of_relational_stages_in_a_row_the_last_is_kept() {
        let stages = "  - id: s\n    sort: {by: x}\n  - id: f\n    filter: x > 1\n  - write: {path: o.csv}\n  - from: f\n    write: {path: o.parquet}\n";
        assert_eq!(kept(stages), ["f"]);
    }

    #[test]
    fn the_rows_behind_a_gate_are_kept() {
        let stages = "  - id: c\n    clean: {columns: {k: {trim: true}}, on_error: fail}\n  - write: {path: o.csv}\n";
        assert_eq!(kept(stages), ["c"]);
    }
}
