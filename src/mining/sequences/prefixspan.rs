//! Pattern growth by pseudo-projection: a projection is the events at which a pattern may end.

use std::sync::{Mutex, PoisonError};

use super::coded::Coded;
use super::patterns::BEGINS;
use super::search::{Found, Search};

/// Projections with fewer ends than this are searched by one thread.
const SPLIT_ENDS: usize = 2048;

/// The ends of the occurrences of a pattern.
#[derive(Default)]
pub(super) struct Projection {
    /// Events at which it may end: of each sequence all, or the first where that suffices; ascending.
    pub(super) ends: Vec<u32>,
    /// For each end the latest event at which an occurrence that ends there begins; only where the span is limited.
    starts: Vec<u32>,
    /// Sequences that hold it, each with the number of ends up to and with its own.
    groups: Vec<(u32, u32)>,
}

impl Projection {
    pub(super) fn support(&self) -> u64 {
        self.groups.len() as u64
    }

    fn push(&mut self, sequence: u32, end: u32, start: Option<u32>) {
        self.ends.push(end);
        self.starts.extend(start);
        match self.groups.last_mut() {
            Some((last, until)) if *last == sequence => *until += 1,
            _ => self.groups.push((sequence, self.ends.len() as u32)),
        }
    }
}

/// What a thread needs beside the projections; used again and again.
pub(super) struct Workspace {
    /// Supports of the next events: as a further element, then as a further event of the last element.
    counts: Vec<u32>,
    /// The sequence that was counted last, by its tick.
    seen: Vec<u64>,
    tick: u64,
    touched: Vec<u32>,
    /// Ends in reach of an event, by falling start.
    window: std::collections::VecDeque<u32>,
}

impl Workspace {
    fn new(coded: &Coded) -> Self {
        let number = coded.names.len() * if coded.sets { 2 } else { 1 };
        Self {
            counts: vec![0; number],
            seen: vec![0; number],
            tick: 0,
            touched: Vec::new(),
            window: std::collections::VecDeque::new(),
        }
    }
}

/// Finds all patterns.
pub(super) fn mine(coded: &Coded, search: &Search<'_>) -> Found {
    let growth = Growth::new(coded, search);
    let roots: Vec<(u32, Projection)> = (0..).zip(growth.roots()).collect();
    growth.split(&[], roots)
}

/// One search: what its tasks share.
pub(super) struct Growth<'a, 'o> {
    coded: &'a Coded,
    search: &'a Search<'o>,
    first_only: bool,
    spanned: bool,
    workspaces: Mutex<Vec<Workspace>>,
}

impl<'a, 'o> Growth<'a, 'o> {
    pub(super) fn new(coded: &'a Coded, search: &'a Search<'o>) -> Self {
        Self {
            coded,
            search,
            first_only: coded.first_end_suffices(),
            spanned: coded.limits.max_span.is_some(),
            workspaces: Mutex::new(Vec::new()),
        }
    }

    /// The projection of each event.
    pub(super) fn roots(&self) -> Vec<Projection> {
        let mut roots: Vec<Projection> = Vec::new();
        roots.resize_with(self.coded.names.len(), Projection::default);
        for sequence in 0..self.coded.ends.len() as u32 {
            let (start, end) = self.coded.range(sequence);
            for at in start..end {
                let root = &mut roots[self.coded.events[at as usize] as usize];
                let again = root.groups.last().is_some_and(|(last, _)| *last == sequence);
                if !(again && self.first_only) {
                    root.push(sequence, at, self.spanned.then_some(at));
                }
            }
        }
        roots
    }

    fn same_element(&self, one: u32, other: u32) -> bool {
        self.coded.elements[one as usize] == self.coded.elements[other as usize]
    }

    fn with_workspace<T>(&self, work: impl FnOnce(&mut Workspace) -> T) -> T {
        let kept = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = kept.unwrap_or_else(|| Workspace::new(self.coded));
        let result = work(&mut workspace);
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        result
    }

    /// Searches the children of a pattern by several threads.
    fn split(&self, prefix: &[u32], children: Vec<(u32, Projection)>) -> Found {
        Found::below(self.search, children, |(step, projection), found| {
            let mut prefix = prefix.to_vec();
            self.with_workspace(|workspace| self.grow(&mut prefix, step, projection, workspace, found));
        })
    }

    /// Emits `prefix` with one more event and searches what follows.
    fn grow(
        &self,
        prefix: &mut Vec<u32>,
        step: u32,
        projection: Projection,
        workspace: &mut Workspace,
        found: &mut Found,
    ) {
        let support = projection.support();
        if support < self.search.minimum() || self.search.is_over() {
            return;
        }
        let number = self.coded.names.len() as u32;
        prefix.push(if step < number { step | BEGINS } else { step - number });
        found.emit(self.search, prefix, support);
        if self.search.extends(prefix.len()) {
            let steps = self.frequent(&projection, workspace);
            let children = self.project(&projection, &steps, workspace);
            let large = children.len() > 1 && projection.ends.len() >= SPLIT_ENDS;
            drop(projection);
            if large {
                found.append(self.split(prefix, children));
            } else {
                for (step, child) in children {
                    self.grow(prefix, step, child, workspace, found);
                }
            }
        }
        prefix.pop();
    }

    /// The next events that are frequent: an event as a further element, or beyond the number of events as one of the last
    /// element. Ascending.
    fn frequent(&self, projection: &Projection, workspace: &mut Workspace) -> Vec<u32> {
        let Workspace { counts, seen, tick, touched, window } = workspace;
        touched.clear();
        self.visit(projection, window, |group, step, _, _| {
            let mark = *tick + group + 1;
            let place = step as usize;
            if seen[place] != mark {
                seen[place] = mark;
                if counts[place] == 0 {
                    touched.push(step);
                }
                counts[place] += 1;
            }
        });
        *tick += projection.groups.len() as u64;
        let minimum = self.search.minimum();
        let mut steps: Vec<u32> = Vec::new();
        for step in touched.iter() {
            if u64::from(counts[*step as usize]) >= minimum {
                steps.push(*step);
            }
            counts[*step as usize] = 0;
        }
        steps.sort_unstable();
        steps
    }

    /// The same, with a workspace of its own.
    pub(super) fn frequent_alone(&self, projection: &Projection) -> Vec<u32> {
        self.with_workspace(|workspace| self.frequent(projection, workspace))
    }

    /// The projections of some children, which need not be frequent; with a workspace of its own.
    pub(super) fn children(&self, projection: &Projection, steps: &[u32]) -> Vec<(u32, Projection)> {
        // Where no element holds several events, there is nowhere to count one more of them.
        let number = self.coded.names.len() * if self.coded.sets { 2 } else { 1 };
        let steps: Vec<u32> = steps.iter().copied().filter(|step| (*step as usize) < number).collect();
        self.with_workspace(|workspace| self.project(projection, &steps, workspace))
    }

    /// The projections of the children.
    fn project(&self, projection: &Projection, steps: &[u32], workspace: &mut Workspace) -> Vec<(u32, Projection)> {
        if steps.is_empty() {
            return Vec::new();
        }
        let Workspace { counts, seen, tick, window, .. } = workspace;
        let mut children: Vec<(u32, Projection)> = steps.iter().map(|step| (*step, Projection::default())).collect();
        for (slot, step) in (1..).zip(steps) {
            counts[*step as usize] = slot;
        }
        self.visit(projection, window, |group, step, end, start| {
            let place = step as usize;
            let slot = counts[place];
            if slot == 0 {
                return;
            }
            let mark = *tick + group + 1;
            if !self.first_only || seen[place] != mark {
                seen[place] = mark;
                let (sequence, _) = projection.groups[group as usize];
                children[slot as usize - 1].1.push(sequence, end, self.spanned.then_some(start));
            }
        });
        *tick += projection.groups.len() as u64;
        steps.iter().for_each(|step| counts[*step as usize] = 0);
        children
    }

    /// Calls `visit` with each next event in reach: (the group, the step, the event, the latest start).
    fn visit(
        &self,
        projection: &Projection,
        window: &mut std::collections::VecDeque<u32>,
        mut visit: impl FnMut(u64, u32, u32, u32),
    ) {
        let mut from = 0;
        for (group, (sequence, until)) in (0_u64..).zip(&projection.groups) {
            let range = from as usize..*until as usize;
            from = *until;
            let ends = &projection.ends[range.clone()];
            let (_, last) = self.coded.range(*sequence);
            let starts = if self.spanned { &projection.starts[range] } else { &[] };
            self.further_elements(ends, starts, last, window, |end, start| {
                visit(group, self.coded.events[end as usize], end, start);
            });
            if self.coded.sets {
                self.further_events(ends, starts, last, |end, start| {
                    let step = self.coded.events[end as usize] + self.coded.names.len() as u32;
                    visit(group, step, end, start);
                });
            }
        }
    }

    fn further_events(&self, ends: &[u32], starts: &[u32], last: u32, mut visit: impl FnMut(u32, u32)) {
        for (at, end) in ends.iter().enumerate() {
            let start = starts.get(at).copied().unwrap_or(*end);
            let mut next = end + 1;
            while next < last && self.same_element(*end, next) {
                visit(next, start);
                next += 1;
            }
        }
    }

    fn further_elements(
        &self,
        ends: &[u32],
        starts: &[u32],
        last: u32,
        window: &mut std::collections::VecDeque<u32>,
        mut visit: impl FnMut(u32, u32),
    ) {
        let coded = self.coded;
        let limits = &coded.limits;
        let min_gap = limits.min_gap.unwrap_or(0);
        let reaches = |end: u32, next: u32| !self.same_element(end, next) && coded.distance(end, next) >= min_gap;
        if limits.max_gap.is_none() && !self.spanned {
            let Some(&end) = ends.first() else { return };
            let mut next = end + 1;
            while next < last && !reaches(end, next) {
                next += 1;
            }
            (next..last).for_each(|next| visit(next, end));
            return;
        }
        // The ends in reach of an event are a window that moves on with it. Of their starts the latest counts; the window
        // keeps only those ends that are later or start later than all behind them.
        window.clear();
        let max_gap = limits.max_gap.unwrap_or(i64::MAX);
        let start = |at: u32| starts.get(at as usize).copied().unwrap_or(0);
        let (mut entering, mut next) = (0_u32, 0);
        loop {
            if window.is_empty() {
                let Some(&end) = ends.get(entering as usize) else { return };
                next = next.max(end + 1);
            }
            if next >= last {
                return;
            }
            while ends.get(entering as usize).is_some_and(|&end| end < next && reaches(end, next)) {
                while window.back().is_some_and(|back| start(*back) <= start(entering)) {
                    window.pop_back();
                }
                window.push_back(entering);
                entering += 1;
            }
            while window.front().is_some_and(|front| coded.distance(ends[*front as usize], next) > max_gap) {
                window.pop_front();
            }
            if let Some(front) = window.front() {
                let start = start(*front);
                let spans = |span| coded.distance(start, next) <= span;
                if limits.max_span.is_none_or(spans) {
                    visit(next, start);
                }
            }
            next += 1;
        }
    }
}
