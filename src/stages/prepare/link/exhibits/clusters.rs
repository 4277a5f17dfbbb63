//! The entities: how large they are, and some of them with their rows.

use std::collections::BTreeMap;

use super::float;
use crate::chart::{Axis, Bar, Figure, Mark, Series};
use crate::exhibit::{Cell, Column, Exhibit, Format, Table};
use crate::stages::prepare::link::work::Linked;

/// Entities that are shown.
const SHOWN: usize = 8;
/// Rows of an entity that are shown.
const MEMBERS: usize = 5;

/// The entities by their first record.
pub(super) struct Clusters {
    /// For each size how many entities have it.
    pub(super) sizes: BTreeMap<u64, u64>,
    /// The largest entities: size and first record.
    pub(super) largest: Vec<(u64, u32)>,
    /// A few of the smaller entities of more than one row.
    typical: Vec<(u64, u32)>,
}

impl Clusters {
    pub(super) fn new(linked: &Linked<'_>) -> Self {
        let mut counts = vec![0_u32; linked.records.len()];
        for (root, replaced) in linked.entities.roots().iter().zip(linked.replaced) {
            if let Some(count) = counts.get_mut(*root as usize).filter(|_| !replaced) {
                *count += 1;
            }
        }
        let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
        let mut largest: Vec<(u64, u32)> = Vec::new();
        let mut typical = Vec::new();
        for (count, root) in counts.iter().map(|count| u64::from(*count)).zip(0_u32..).filter(|(count, _)| *count > 0) {
            *sizes.entry(count).or_default() += 1;
            if largest.len() < SHOWN || largest.last().is_some_and(|least| least.0 < count) {
                largest.push((count, root));
                largest.sort_by_key(|(count, root)| (std::cmp::Reverse(*count), *root));
                largest.truncate(SHOWN);
            }
            if count > 1 && typical.len() < SHOWN {
                typical.push((count, root));
            }
        }
        largest.retain(|(count, _)| *count > 1);
        Self { sizes, largest, typical }
    }

    pub(super) fn entities(&self) -> u64 {
        self.sizes.values().sum()
    }

    pub(super) fn sizes(&self) -> Option<Exhibit> {
        if self.sizes.keys().all(|size| *size == 1) {
            return None;
        }
        let mut shown: Vec<(String, f64)> = Vec::new();
        let mut more = 0;
        for (size, count) in &self.sizes {
            match size {
                1..=9 => shown.push((size.to_string(), float(*count))),
                _ => more += count,
            }
        }
        if more > 0 {
            shown.push(("10 or more".to_owned(), float(more)));
        }
        let (names, counts): (Vec<_>, Vec<_>) = shown.into_iter().unzip();
        let bar = Bar::new(names, vec![Series::new("", counts.into_iter().map(Some))]);
        let mut figure = Figure::new("How many rows entities have", Mark::Bar(bar));
        figure.x = Axis::labelled("Rows of the entity");
        figure.y = Axis::labelled("Entities");
        Some(Exhibit::Figure(Box::new(figure)))
    }

    /// Tables of single entities with their rows.
    pub(super) fn examples(&self, linked: &Linked<'_>) -> Vec<Exhibit> {
        let wanted: Vec<(&str, &[(u64, u32)])> = match self.largest.first() {
            Some((3.., _)) => vec![("Largest entities", &self.largest), ("Examples of entities", &self.typical)],
            _ => vec![("Examples of entities", &self.typical)],
        };
        // One pass over the records finds the members of all entities that are shown.
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (_, root) in wanted.iter().flat_map(|(_, entities)| entities.iter()) {
            members.insert(*root, Vec::new());
        }
        for ((root, replaced), record) in linked.entities.roots().iter().zip(linked.replaced).zip(0_u32..) {
            if let Some(members) = members.get_mut(root).filter(|members| members.len() < MEMBERS && !replaced) {
                members.push(record);
            }
        }
        wanted
            .into_iter()
            .filter(|(_, entities)| !entities.is_empty())
            .map(|(title, entities)| {
                let mut columns = vec![Column::new("entity"), Column::formatted("rows", Format::Integer)];
                columns.extend(linked.layout.id.map(|_| Column::new("id")));
                columns.extend(linked.comparisons.iter().map(|one| Column::new(one.name.clone())));
                let mut rows = Vec::new();
                for (count, root) in entities {
                    let name = linked.entities.name(*root, linked.records, linked.names);
                    for (at, record) in members.get(root).into_iter().flatten().enumerate() {
                        let mut row = match at {
                            0 => vec![Cell::text(name.clone()), Cell::count(*count)],
                            _ => vec![Cell::Empty, Cell::Empty],
                        };
                        let value = |column: usize| Cell::optional(linked.records.value(*record, column));
                        row.extend(linked.layout.id.map(value));
                        row.extend((0..linked.comparisons.len()).map(value));
                        rows.push(row);
                    }
                }
                let cut = entities.iter().any(|(count, _)| *count > MEMBERS as u64);
                let note = cut.then(|| format!("At most {MEMBERS} rows of each are shown."));
                Exhibit::Table(Table { title: title.to_owned(), columns, rows, note })
            })
            .collect()
    }
}
