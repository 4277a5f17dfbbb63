//! Vertical search: each pattern is the bits of the elements at which it may end, and grows by shifts and intersections.

use rayon::prelude::*;

use super::coded::Coded;
use super::options::{Method, SequenceError, SequenceOptions};
use super::patterns::BEGINS;
use super::prefixspan::Growth;
use super::search::{Found, Search};

/// Bytes of bitmaps at most.
const MOST_BYTES: u64 = 1 << 30;
/// Bitmaps are taken when a sequence has on average at least this many frequent events for each different one.
const DENSE: f64 = 1.0;
/// Fewer sequences than this are searched by one thread.
const SPLIT_WORDS: usize = 1024;

/// The method to take, and why.
pub(super) fn choose(coded: &Coded, options: &SequenceOptions) -> Result<(Method, String), SequenceError> {
    let different = coded.names.len();
    let mean = coded.events.len() as f64 / coded.ends.len().max(1) as f64;
    let obstacle = if coded.limits.max_span.is_some() {
        Some("bitmaps do not know where an occurrence begins, so they know no `max_span`".to_owned())
    } else if coded.is_timed() {
        Some("bitmaps count gaps in elements, not in time".to_owned())
    } else {
        let bytes = words(coded).saturating_mul(8 * (different as u64));
        (bytes > MOST_BYTES).then(|| {
            format!(
                "{different} different frequent events need more bitmaps than the {} MiB they may take",
                MOST_BYTES >> 20
            )
        })
    };
    match (options.method, obstacle) {
        (Method::CmSpam, Some(reason)) => Err(SequenceError::Bitmaps { reason }),
        (Method::CmSpam, None) => Ok((Method::CmSpam, "it was asked for".to_owned())),
        (Method::PrefixSpan, _) => Ok((Method::PrefixSpan, "it was asked for".to_owned())),
        (Method::Auto, Some(reason)) => Ok((Method::PrefixSpan, reason)),
        (Method::Auto, None) => {
            let shape =
                format!("{different} different frequent events, of which a sequence holds {mean:.1} on average");
            if mean >= DENSE * different as f64 {
                Ok((Method::CmSpam, format!("{shape}: so few that bitmaps are fast")))
            } else {
                Ok((Method::PrefixSpan, format!("{shape}: too thin for bitmaps")))
            }
        }
    }
}

/// Words of one bitmap over all sequences.
fn words(coded: &Coded) -> u64 {
    (0..coded.ends.len() as u32).map(|sequence| u64::from(length(coded, sequence).div_ceil(64))).sum()
}

/// Elements of a sequence, up to the last that holds a frequent event.
fn length(coded: &Coded, sequence: u32) -> u32 {
    let (start, end) = coded.range(sequence);
    if start == end { 0 } else { coded.elements[end as usize - 1] + 1 }
}

/// The bits of a pattern in the sequences that hold it.
#[derive(Default)]
struct Bits {
    sequences: Vec<u32>,
    words: Vec<u64>,
}

/// Events that may come next: as a further element, as a further event of the last element. Ascending.
#[derive(Clone)]
struct Candidates {
    elements: Vec<u32>,
    events: Vec<u32>,
}

/// Finds all patterns.
pub(super) fn mine(coded: &Coded, search: &Search<'_>) -> Found {
    let spam = Spam::new(coded, search);
    let roots: Vec<(u32, Bits, Candidates)> = (0..coded.names.len() as u32)
        .map(|event| (event | BEGINS, spam.root(event), spam.pairs(event).clone()))
        .collect();
    spam.split(&[], roots)
}

struct Spam<'a, 'o> {
    search: &'a Search<'o>,
    /// Where the words of each sequence begin, and behind the last where they end.
    offsets: Vec<usize>,
    /// One bitmap after the other.
    bitmaps: Vec<u64>,
    /// For each event those that are frequent after it, and together with it.
    pairs: Vec<Candidates>,
    min_gap: u32,
    max_gap: Option<u32>,
}

impl<'a, 'o> Spam<'a, 'o> {
    fn new(coded: &'a Coded, search: &'a Search<'o>) -> Self {
        let mut offsets = vec![0];
        let mut total = 0;
        for sequence in 0..coded.ends.len() as u32 {
            total += length(coded, sequence).div_ceil(64) as usize;
            offsets.push(total);
        }
        let mut bitmaps = vec![0_u64; total * coded.names.len()];
        for sequence in 0..coded.ends.len() as u32 {
            let (start, end) = coded.range(sequence);
            for at in start as usize..end as usize {
                let element = coded.elements[at] as usize;
                let word = coded.events[at] as usize * total + offsets[sequence as usize] + element / 64;
                bitmaps[word] |= 1 << (element % 64);
            }
        }
        let growth = Growth::new(coded, search);
        let number = coded.names.len() as u32;
        let pairs = growth
            .roots()
            .into_par_iter()
            .map(|root| {
                let steps = growth.frequent_alone(&root);
                let cut = steps.partition_point(|step| *step < number);
                let events = steps[cut..].iter().map(|step| step - number).collect();
                Candidates { elements: steps[..cut].to_vec(), events }
            })
            .collect();
        let gap = |gap: i64| u32::try_from(gap).unwrap_or(u32::MAX);
        let min_gap = gap(coded.limits.min_gap.unwrap_or(1).max(1));
        Self { search, offsets, bitmaps, pairs, min_gap, max_gap: coded.limits.max_gap.map(gap) }
    }

    fn pairs(&self, event: u32) -> &Candidates {
        &self.pairs[event as usize]
    }

    /// The words of an event in a sequence.
    fn words(&self, event: u32, sequence: u32) -> &[u64] {
        let total = self.offsets[self.offsets.len() - 1];
        let base = event as usize * total;
        &self.bitmaps[base + self.offsets[sequence as usize]..base + self.offsets[sequence as usize + 1]]
    }

    fn root(&self, event: u32) -> Bits {
        let mut bits = Bits::default();
        for sequence in 0..self.offsets.len() as u32 - 1 {
            let words = self.words(event, sequence);
            if words.iter().any(|word| *word != 0) {
                bits.sequences.push(sequence);
                bits.words.extend_from_slice(words);
            }
        }
        bits
    }

    fn split(&self, prefix: &[u32], children: Vec<(u32, Bits, Candidates)>) -> Found {
        Found::below(self.search, children, |(code, bits, candidates), found| {
            self.grow(&mut prefix.to_vec(), code, &bits, &candidates, found);
        })
    }

    /// Emits `prefix` with one more event and searches what follows among the candidates.
    fn grow(&self, prefix: &mut Vec<u32>, code: u32, bits: &Bits, candidates: &Candidates, found: &mut Found) {
        let support = bits.sequences.len() as u64;
        if support < self.search.minimum() || self.search.is_over() {
            return;
        }
        prefix.push(code);
        found.emit(self.search, prefix, support);
        if self.search.extends(prefix.len()) {
            let children = self.children(bits, candidates);
            if children.len() > 1 && bits.words.len() >= SPLIT_WORDS {
                found.append(self.split(prefix, children));
            } else {
                for (code, bits, candidates) in children {
                    self.grow(prefix, code, &bits, &candidates, found);
                }
            }
        }
        prefix.pop();
    }

    fn children(&self, bits: &Bits, candidates: &Candidates) -> Vec<(u32, Bits, Candidates)> {
        let minimum = self.search.minimum();
        let mut reach = Vec::new();
        if !candidates.elements.is_empty() {
            reach = self.reach(bits);
        }
        let further = |event: &u32, mask: &[u64]| {
            let child = self.meet(bits, mask, *event, minimum)?;
            Some((*event, child))
        };
        let elements: Vec<(u32, Bits)> =
            candidates.elements.iter().filter_map(|event| further(event, &reach)).collect();
        let events: Vec<(u32, Bits)> =
            candidates.events.iter().filter_map(|event| further(event, &bits.words)).collect();
        let numbers = |found: &[(u32, Bits)]| found.iter().map(|(event, _)| *event).collect::<Vec<u32>>();
        let (after, with) = (numbers(&elements), numbers(&events));
        // What does not follow a pattern does not follow a longer one either, unless gaps are limited: then an element between them
        // may bridge the gap, and only the pairs say what cannot be.
        let next = |event: u32| match self.max_gap {
            None => meet_sorted(&after, &self.pairs(event).elements),
            Some(_) => self.pairs(event).elements.clone(),
        };
        let together = |event: u32, among: &[u32]| meet_sorted(among, &self.pairs(event).events);
        let mut children = Vec::with_capacity(elements.len() + events.len());
        for (event, bits) in elements {
            children.push((
                event | BEGINS,
                bits,
                Candidates { elements: next(event), events: together(event, &after) },
            ));
        }
        for (event, bits) in events {
            children.push((event, bits, Candidates { elements: next(event), events: together(event, &with) }));
        }
        children
    }

    /// Where a further element may stand, for each sequence of the pattern.
    fn reach(&self, bits: &Bits) -> Vec<u64> {
        let mut reach = vec![0; bits.words.len()];
        let mut at = 0;
        for sequence in &bits.sequences {
            let number = self.offsets[*sequence as usize + 1] - self.offsets[*sequence as usize];
            let from = &bits.words[at..at + number];
            let into = &mut reach[at..at + number];
            match self.max_gap {
                None => after_first(from, self.min_gap, into),
                Some(most) => between(from, self.min_gap, most, into),
            }
            at += number;
        }
        reach
    }

    /// The bits of the pattern with one more event, unless it is not frequent.
    fn meet(&self, bits: &Bits, mask: &[u64], event: u32, minimum: u64) -> Option<Bits> {
        let mut child = Bits::default();
        let (mut at, mut left) = (0, bits.sequences.len() as u64);
        for sequence in &bits.sequences {
            if child.sequences.len() as u64 + left < minimum {
                return None;
            }
            left -= 1;
            let words = self.words(event, *sequence);
            let start = child.words.len();
            let mut any = 0;
            for (word, mask) in words.iter().zip(&mask[at..at + words.len()]) {
                any |= word & mask;
                child.words.push(word & mask);
            }
            at += words.len();
            if any == 0 {
                child.words.truncate(start);
            } else {
                child.sequences.push(*sequence);
            }
        }
        (child.sequences.len() as u64 >= minimum).then_some(child)
    }
}

/// The numbers in both of two ascending lists.
fn meet_sorted(one: &[u32], other: &[u32]) -> Vec<u32> {
    let (mut a, mut b) = (one.iter().peekable(), other.iter().peekable());
    let mut both = Vec::new();
    while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
        match x.cmp(y) {
            std::cmp::Ordering::Less => _ = a.next(),
            std::cmp::Ordering::Greater => _ = b.next(),
            std::cmp::Ordering::Equal => {
                both.push(**x);
                a.next();
                b.next();
            }
        }
    }
    both
}

/// Sets all bits from `gap` behind the first one on.
fn after_first(from: &[u64], gap: u32, into: &mut [u64]) {
    let Some(word) = from.iter().position(|word| *word != 0) else { return };
    let first = word as u64 * 64 + u64::from(from[word].trailing_zeros()) + u64::from(gap);
    let Ok(start) = usize::try_from(first / 64) else { return };
    for (at, word) in into.iter_mut().enumerate().skip(start) {
        *word = if at == start { u64::MAX << (first % 64) } else { u64::MAX };
    }
}

/// Sets the bits that lie `least` to `most` behind one.
fn between(from: &[u64], least: u32, most: u32, into: &mut [u64]) {
    shifted(from, least, into);
    // Doubling: after each step the bits of `width` distances are there.
    let wanted = u64::from(most - least) + 1;
    let mut width = 1_u64;
    let mut copy = vec![0; into.len()];
    while width < wanted && width < into.len() as u64 * 64 {
        let step = width.min(wanted - width);
        shifted(into, u32::try_from(step).unwrap_or(u32::MAX), &mut copy);
        into.iter_mut().zip(&copy).for_each(|(word, more)| *word |= more);
        width += step;
    }
}

/// Moves bits up.
fn shifted(from: &[u64], by: u32, into: &mut [u64]) {
    let (words, bits) = ((by / 64) as usize, by % 64);
    for at in (0..into.len()).rev() {
        let word = |below: usize| at.checked_sub(words + below).and_then(|at| from.get(at)).copied().unwrap_or(0);
        into[at] = if bits == 0 { word(0) } else { word(0) << bits | word(1) >> (64 - bits) };
    }
}
