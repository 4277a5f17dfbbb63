//! From the gradients of the shards to the next parameters.
//!
//! The gradients are added up, and the optimizer sweeps over the sum, block by block, while a block is in the cache. A
//! table has gradients only for the rows that a batch has read; they are collected row by row, and only those rows
//! change.

use super::super::optimizer::{BLOCK, Clip, Group, Memory, Sweep, clip_factor, square_sum};
use super::super::plan::{Place, Plan};
use super::super::simd::{add, add_scaled, vectorized};
use super::shards::Found;

/// The memory of a step.
#[derive(Debug)]
pub(super) struct Updater {
    /// `[dense parameters]`
    gradient: Vec<f32>,
    tables: Vec<TableGradient>,
    groups: Vec<Group>,
}

/// The gradient by a table: 0 but for the rows that were read.
#[derive(Debug)]
struct TableGradient {
    place: Place,
    group: Group,
    /// The length of a row.
    row: usize,
    gradient: Vec<f32>,
    read: Vec<u32>,
    is_read: Vec<bool>,
    /// Whether its gradient was finite in the last step.
    is_finite: bool,
}

/// What a sweep needs in each of its blocks.
#[derive(Clone, Copy)]
struct Blocks<'a, I> {
    gradients: I,
    groups: &'a [Group],
    /// `None` where gradients are only added up.
    sweep: Option<Sweep>,
    /// Whether the gradients of the shards are still to be added up.
    add_up: bool,
    factor: f32,
    clip: Clip,
}

impl Updater {
    pub(super) fn new(plan: &Plan, groups: Vec<Group>) -> Self {
        let table = |place: &Place| {
            let row = place.table?;
            let group = groups.iter().find(|group| group.range.contains(&place.range.start))?.clone();
            let (place, size) = (place.clone(), place.range.len());
            let (read, is_read) = (Vec::new(), vec![false; size / row.max(1)]);
            Some(TableGradient { place, group, row, gradient: vec![0.0; size], read, is_read, is_finite: true })
        };
        Self {
            gradient: vec![0.0; plan.dense_count],
            tables: plan.parameters.iter().filter_map(table).collect(),
            groups,
        }
    }

    /// One step along the gradients that the shards have found. Returns false where a gradient is not finite; the
    /// parameters are then worth nothing.
    pub(super) fn step(
        &mut self,
        found: &Found<'_>,
        sweep: Sweep,
        clip: Clip,
        parameters: &mut [f32],
        memory: &mut Memory,
    ) -> bool {
        for table in &mut self.tables {
            table.collect(found);
        }
        let gradients = found.gradients();
        let mut blocks =
            Blocks { gradients, groups: &self.groups, sweep: Some(sweep), add_up: true, factor: 1.0, clip };
        if let Some(limit) = clip.norm {
            let only_add = Blocks { sweep: None, ..blocks.clone() };
            only_add.run(0, &mut [], &mut self.gradient, &mut [], &mut []);
            // Block by block, so that the sum does not depend on how long a run of it is.
            let dense: f64 = self.gradient.chunks(BLOCK).map(square_sum).sum();
            let norm = dense + self.tables.iter().map(TableGradient::square_sum).sum::<f64>();
            blocks = Blocks { add_up: false, factor: clip_factor(norm.sqrt(), limit), ..blocks };
        }
        let factor = blocks.factor;
        let dense = self.gradient.len();
        let (own, tables) = parameters.split_at_mut(dense);
        let (first, first_tables) = split(&mut memory.first, dense);
        let (second, second_tables) = split(&mut memory.second, dense);
        let mut finite = blocks.run(0, own, &mut self.gradient, first, second);
        for table in &mut self.tables {
            table.step((sweep, factor, clip), dense, tables, first_tables, second_tables);
            finite &= table.is_finite;
        }
        finite
    }

    /// The parameter where the last step left the finite numbers first: that of the last layer, for the way back begins
    /// there.
    pub(super) fn not_finite<'a>(&'a self, plan: &'a Plan) -> Option<&'a str> {
        let bad = |values: &[f32]| values.iter().any(|g| !g.is_finite());
        let dense = plan.parameters.iter().filter(|place| self.gradient.get(place.range.clone()).is_some_and(bad));
        let tables = self.tables.iter().filter(|table| !table.is_finite).map(|table| &table.place);
        dense.chain(tables).max_by_key(|place| place.step).map(|place| &*place.name)
    }
}

/// The part of a memory for the dense parameters and that for the tables; both are empty where there is none.
fn split(memory: &mut [f32], dense: usize) -> (&mut [f32], &mut [f32]) {
    memory.split_at_mut(dense.min(memory.len()))
}

impl<'a, I: Iterator<Item = &'a [f32]> + Clone + Send> Blocks<'a, I> {
    /// Sweeps over the numbers from `start` on, halves on two threads where they are many. Memories may be empty.
    fn run(&self, start: usize, p: &mut [f32], g: &mut [f32], first: &mut [f32], second: &mut [f32]) -> bool
    where
        I: Sync,
    {
        if g.len() <= BLOCK {
            return self.block(start, p, g, first, second);
        }
        let middle = (g.len() / 2).next_multiple_of(BLOCK);
        let ((p, p2), (g, g2)) = (split(p, middle), split(g, middle));
        let ((first, first2), (second, second2)) = (split(first, middle), split(second, middle));
        let (a, b) = if g.len() < 4 * BLOCK {
            // Waking a thread would take longer than the sweep.
            (self.run(start, p, g, first, second), self.run(start + middle, p2, g2, first2, second2))
        } else {
            rayon::join(|| self.run(start, p, g, first, second), || self.run(start + middle, p2, g2, first2, second2))
        };
        a && b
    }

    fn block(&self, start: usize, p: &mut [f32], g: &mut [f32], first: &mut [f32], second: &mut [f32]) -> bool {
        let end = start + g.len();
        let mut finite = true;
        vectorized(
            #[inline(always)]
            || {
                if self.add_up {
                    for (i, own) in self.gradients.clone().enumerate() {
                        let own = &own[start..end];
                        if i == 0 { g.copy_from_slice(own) } else { add(g, own) }
                    }
                }
                if self.factor != 1.0 {
                    g.iter_mut().for_each(|g| *g *= self.factor);
                }
                finite = all_finite(g);
                // What is not finite is left to be found.
                if finite {
                    self.clip.each(g);
                }
            },
        );
        if let Some(sweep) = self.sweep {
            let from = self.groups.partition_point(|group| group.range.end <= start);
            for group in self.groups[from..].iter().take_while(|group| group.range.start < end) {
                let part = group.range.start.max(start) - start..group.range.end.min(end) - start;
                sweep.apply(
                    group,
                    &mut p[part.clone()],
                    &g[part.clone()],
                    first.get_mut(part.clone()).unwrap_or_default(),
                    second.get_mut(part).unwrap_or_default(),
                );
            }
        }
        finite
    }
}

/// Whether all numbers are finite, without a branch for each.
#[inline(always)]
fn all_finite(values: &[f32]) -> bool {
    let mut largest = [0u32; 16];
    let (wide, rest) = values.as_chunks::<16>();
    for values in wide {
        largest.iter_mut().zip(values).for_each(|(m, v)| *m = (*m).max(v.to_bits() & 0x7fff_ffff));
    }
    let infinity = f32::INFINITY.to_bits();
    largest.iter().all(|m| *m < infinity) && rest.iter().all(|v| v.is_finite())
}

impl TableGradient {
    /// Collects what the shards have found, in the order of the batch.
    fn collect(&mut self, found: &Found<'_>) {
        let Self { row: width, gradient, read, is_read, .. } = self;
        found.visit_table(self.place.step, &mut |row, factor, own| {
            if !is_read[row] {
                is_read[row] = true;
                read.push(row as u32);
            }
            let sum = &mut gradient[row * *width..(row + 1) * *width];
            vectorized(
                #[inline(always)]
                || add_scaled(sum, factor, own),
            );
        });
    }

    fn square_sum(&self) -> f64 {
        self.read.iter().map(|&row| square_sum(&self.gradient[row as usize * self.row..][..self.row])).sum()
    }

    /// Changes the rows that were read, and forgets their gradients. `dense` is where the tables' numbers begin.
    fn step(
        &mut self,
        (sweep, factor, clip): (Sweep, f32, Clip),
        dense: usize,
        p: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        self.is_finite = true;
        for &row in &self.read {
            let row = row as usize;
            self.is_read[row] = false;
            let gradient = &mut self.gradient[row * self.row..(row + 1) * self.row];
            if factor != 1.0 {
                gradient.iter_mut().for_each(|g| *g *= factor);
            }
            self.is_finite &= all_finite(gradient);
            if self.is_finite {
                clip.each(gradient);
            }
            let start = self.place.range.start - dense + row * self.row;
            let part = start..start + self.row;
            sweep.apply(
                &self.group,
                &mut p[part.clone()],
                gradient,
                first.get_mut(part.clone()).unwrap_or_default(),
                second.get_mut(part).unwrap_or_default(),
            );
            gradient.fill(0.0);
        }
        self.read.clear();
    }
}
