//! Lineage: from which columns of which scans a column comes, and through which stages.

use std::collections::{BTreeMap, BTreeSet};

use super::{Relation, ScanSource};

/// Where a column comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lineage {
    /// Columns of scans: (file or table, column). Empty for constants and counts of rows.
    pub origins: BTreeSet<(String, String)>,
    /// The stages that made or changed it, nearest to the scans first.
    pub stages: Vec<String>,
}

impl Relation {
    /// The lineage of one column; none when the relation has no such column.
    ///
    /// Rows that were chosen by other columns (filters, keys of joins) are no part of it: it tells where values come from.
    pub fn lineage(&self, column: &str) -> Option<Lineage> {
        self.schema().contains(column).then(|| self.traced(column))
    }

    /// The lineages of the first columns of the relation, at most so many.
    pub fn first_lineages(&self, most: usize) -> BTreeMap<String, Lineage> {
        self.schema().names().take(most).map(|column| (column.to_owned(), self.traced(column))).collect()
    }

    fn traced(&self, column: &str) -> Lineage {
        let mut lineage = Lineage::default();
        self.trace(column, None, &mut lineage);
        lineage.stages.reverse();
        let mut seen = BTreeSet::new();
        lineage.stages.retain(|stage| seen.insert(stage.clone()));
        lineage
    }

    /// `stage` is the stage whose tap was passed last: the nodes below it up to the next tap are its work.
    fn trace(&self, column: &str, stage: Option<&str>, lineage: &mut Lineage) {
        let mut note = || lineage.stages.extend(stage.map(str::to_owned));
        match self {
            Self::Scan(scan) => {
                note();
                lineage.origins.insert((scan.source.describe(), column.to_owned()));
            }
            Self::Tap { input, tap } => input.trace(column, Some(&tap.stage), lineage),
            Self::Project { input, columns } => {
                let Some(found) = columns.iter().find(|named| named.name == column) else { return };
                let passed_on = matches!(&found.expr.kind, crate::expression::ExprKind::Column(name) if name == column);
                if !passed_on {
                    note();
                }
                for name in found.expr.columns() {
                    input.trace(name, stage, lineage);
                }
            }
            Self::Aggregate { input, keys, aggregates } => {
                let Some(found) = keys.iter().chain(aggregates).find(|named| named.name == column) else { return };
                note();
                for name in found.expr.columns() {
                    input.trace(name, stage, lineage);
                }
            }
            Self::Join(join) => match join.take.iter().find(|(_, ours)| ours == column) {
                Some((theirs, _)) => {
                    note();
                    join.right.trace(theirs, stage, lineage);
                }
                None => join.left.trace(column, stage, lineage),
            },
            Self::Explode { input, columns, .. } => {
                if columns.iter().any(|name| name == column) {
                    note();
                }
                input.trace(column, stage, lineage);
            }
            Self::Learning { rows, .. } => rows.trace(column, stage, lineage),
            Self::RowIndex { name, .. } if name == column => note(),
            Self::RowIndex { input, .. }
            | Self::Filter { input, .. }
            | Self::Deduplicate { input, .. }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. } => input.trace(column, stage, lineage),
            Self::Union { inputs } => inputs.iter().for_each(|input| input.trace(column, stage, lineage)),
        }
    }
}

impl ScanSource {
    /// What people call the place the rows come from.
    pub fn describe(&self) -> String {
        match self {
            Self::Files(files) => match files.paths.as_slice() {
                [only] => only.display().to_string(),
                [first, ..] => format!("{} and {} more", first.display(), files.paths.len() - 1),
                [] => "no file".to_owned(),
            },
            Self::Artifact(key) => format!("made by {key}"),
            Self::Pinned(id) => format!("table {id}"),
            Self::Input => "input".to_owned(),
        }
    }
}
