use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::database::Sequences;
use super::options::{Limits, SequenceError};

/// The frequent events of all sequences, renumbered by falling support.
pub(super) struct Coded {
    /// Events by sequence, element and number.
    pub(super) events: Vec<u32>,
    /// For each event the number of its element in its sequence; infrequent events count as elements too.
    pub(super) elements: Vec<u32>,
    times: Option<Vec<i64>>,
    /// Where each sequence ends among the events; sequences without frequent events are left out.
    pub(super) ends: Vec<u32>,
    /// The caller's number of each event.
    pub(super) names: Vec<u32>,
    /// Whether some element holds several events.
    pub(super) sets: bool,
    pub(super) limits: Limits,
}

impl Coded {
    pub(super) fn new(sequences: &Sequences, minimum: u64, limits: &Limits) -> Result<Self, SequenceError> {
        if u32::try_from(sequences.events()).is_err() {
            return Err(SequenceError::TooManyEvents { events: sequences.events() });
        }
        let mut supports: FxHashMap<u32, (u64, usize)> = FxHashMap::default();
        for (number, range) in sequences.ranges().enumerate() {
            for event in &sequences.events[range] {
                let (support, last) = supports.entry(*event).or_insert((0, usize::MAX));
                if *last != number {
                    *support += 1;
                    *last = number;
                }
            }
        }
        let mut ranked: Vec<(u32, u64)> = supports
            .into_iter()
            .filter(|(_, (support, _))| *support >= minimum)
            .map(|(event, (support, _))| (event, support))
            .collect();
        ranked.sort_unstable_by_key(|&(event, support)| (Reverse(support), event));
        let ranks: FxHashMap<u32, u32> = ranked.iter().map(|(event, _)| *event).zip(0..).collect();
        let names = ranked.into_iter().map(|(event, _)| event).collect();
        let mut coded = Self {
            events: Vec::new(),
            elements: Vec::new(),
            times: sequences.times.is_some().then(Vec::new),
            ends: Vec::new(),
            names,
            sets: false,
            limits: *limits,
        };
        for range in sequences.ranges() {
            coded.add(sequences, range, &ranks);
        }
        Ok(coded)
    }

    fn add(&mut self, sequences: &Sequences, range: std::ops::Range<usize>, ranks: &FxHashMap<u32, u32>) {
        let start = self.events.len();
        let mut element_start = start;
        for at in range {
            let Some(rank) = ranks.get(&sequences.events[at]) else { continue };
            let element = sequences.elements[at];
            if self.elements.len() > start && self.elements.last() == Some(&element) {
                self.sets = true;
            } else {
                self.events[element_start..].sort_unstable();
                element_start = self.events.len();
            }
            self.events.push(*rank);
            self.elements.push(element);
            if let (Some(times), Some(all)) = (&mut self.times, &sequences.times) {
                times.push(all[at]);
            }
        }
        self.events[element_start..].sort_unstable();
        // The caller may not have closed the last element of all, so an event can stand twice in it.
        let last = self.events.split_off(element_start);
        for event in last {
            if self.events.len() == element_start || self.events.last() != Some(&event) {
                self.events.push(event);
            }
        }
        self.elements.truncate(self.events.len());
        if let Some(times) = &mut self.times {
            times.truncate(self.events.len());
        }
        if self.events.len() > start {
            self.ends.push(self.events.len() as u32);
        }
    }

    /// How far one event stands behind another, in the unit of the limits; what is too far to count is as far as can be counted.
    pub(super) fn distance(&self, from: u32, to: u32) -> i64 {
        self.coordinate(to).saturating_sub(self.coordinate(from))
    }

    /// Where an event stands, in the unit of the limits.
    fn coordinate(&self, event: u32) -> i64 {
        match &self.times {
            Some(times) => times[event as usize],
            None => i64::from(self.elements[event as usize]),
        }
    }

    /// The bounds of a sequence among the events.
    pub(super) fn range(&self, sequence: u32) -> (u32, u32) {
        let start = if sequence == 0 { 0 } else { self.ends[sequence as usize - 1] };
        (start, self.ends[sequence as usize])
    }

    /// Whether distances are counted in times.
    pub(super) fn is_timed(&self) -> bool {
        self.times.is_some()
    }

    /// Whether the first end of a pattern in a sequence reaches all that any other end reaches.
    pub(super) fn first_end_suffices(&self) -> bool {
        !self.sets && self.limits.max_gap.is_none() && self.limits.max_span.is_none()
    }
}
