use std::cmp::Reverse;

/// Marks an event that begins an element of its pattern.
pub(super) const BEGINS: u32 = 1 << 31;

/// A pattern with its support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pattern<'a> {
    /// Events; the highest bit marks those that begin an element.
    pub(super) code: &'a [u32],
    /// Number of sequences in which it occurs.
    pub count: u64,
}

impl Pattern<'_> {
    /// Number of events.
    #[must_use]
    pub fn length(&self) -> usize {
        self.code.len()
    }

    /// The events of each element.
    #[must_use]
    pub fn elements(&self) -> Vec<Vec<u32>> {
        let mut elements: Vec<Vec<u32>> = Vec::new();
        for event in self.code {
            if event & BEGINS != 0 || elements.is_empty() {
                elements.push(Vec::new());
            }
            if let Some(element) = elements.last_mut() {
                element.push(event & !BEGINS);
            }
        }
        elements
    }
}

/// Patterns with their supports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    codes: Vec<u32>,
    /// Where each pattern ends among the codes, and its support.
    found: Vec<(usize, u64)>,
}

impl Patterns {
    pub(super) fn push(&mut self, code: &[u32], count: u64) {
        self.codes.extend_from_slice(code);
        self.found.push((self.codes.len(), count));
    }

    pub(super) fn append(&mut self, other: Self) {
        let base = self.codes.len();
        self.codes.extend_from_slice(&other.codes);
        self.found.extend(other.found.iter().map(|(end, count)| (base + end, *count)));
    }

    /// Number of patterns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The pattern at that place of the order.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<Pattern<'_>> {
        let (end, count) = *self.found.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.found.get(before)).map_or(0, |(end, _)| *end);
        Some(Pattern { code: self.codes.get(start..end)?, count })
    }

    /// All patterns in order.
    pub fn iter(&self) -> impl Iterator<Item = Pattern<'_>> {
        (0..self.len()).filter_map(|at| self.get(at))
    }

    /// Gives every event the caller's number; within an element events ascend again.
    pub(super) fn rename(&mut self, names: &[u32]) {
        let mut start = 0;
        for at in 0..=self.codes.len() {
            let begins = self.codes.get(at).is_none_or(|event| event & BEGINS != 0);
            if begins && at > start {
                let element = &mut self.codes[start..at];
                for event in element.iter_mut() {
                    *event = names[(*event & !BEGINS) as usize];
                }
                element.sort_unstable();
                element[0] |= BEGINS;
                start = at;
            }
        }
    }

    /// Those for which it is true, in the same order.
    pub(super) fn filtered(&self, keep: impl Fn(usize, Pattern<'_>) -> bool) -> Self {
        let mut kept = Self::default();
        for (_, pattern) in self.iter().enumerate().filter(|(at, pattern)| keep(*at, *pattern)) {
            kept.push(pattern.code, pattern.count);
        }
        kept
    }

    pub(super) fn retain_length(&mut self, least: usize) {
        if self.iter().any(|pattern| pattern.length() < least) {
            *self = self.filtered(|_, pattern| pattern.length() >= least);
        }
    }

    pub(super) fn count_of_length(&self, least: usize) -> usize {
        self.iter().filter(|pattern| pattern.length() >= least).count()
    }

    /// Puts them in order: by falling support, then by length, then by the events.
    pub(super) fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.len()).collect();
        let key = |at: &usize| self.get(*at).map(|pattern| (Reverse(pattern.count), pattern.length(), pattern.code));
        order.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        let mut sorted = Self { codes: Vec::with_capacity(self.codes.len()), found: Vec::with_capacity(self.len()) };
        for pattern in order.iter().filter_map(|at| self.get(*at)) {
            sorted.push(pattern.code, pattern.count);
        }
        *self = sorted;
    }

    pub(super) fn truncate(&mut self, number: usize) {
        self.found.truncate(number);
        self.codes.truncate(self.found.last().map_or(0, |(end, _)| *end));
    }
}
