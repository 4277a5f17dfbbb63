//! Locality-sensitive hashing of sketches: which sets are worth comparing.
//!
//! A sketch is cut into `bands` bands of `rows` slots (Indyk & Motwani 1998; Leskovec, Rajaraman & Ullman, "Mining of Massive
//! Datasets", chapter 3). Two sets with Jaccard similarity s agree in some band with probability 1 - (1 - s^rows)^bands. Sets
//! that agree in a band are compared exactly, so nothing is found that is not similar; what is missed follows that curve.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;

use super::clusters::Clusters;
use super::shingles::{fold, jaccard_at_least};

/// How sketches are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banding {
    /// Number of bands.
    pub bands: usize,
    /// Slots of a band.
    pub rows: usize,
}

impl Banding {
    /// The most selective banding with at most `slots` slots that finds pairs at the threshold with probability `recall`; it
    /// has no more bands than that needs. None: no banding with so many slots does.
    pub fn for_threshold(threshold: f64, recall: f64, slots: usize) -> Option<Self> {
        let fitting = |rows: usize| {
            let agree = power(threshold, rows);
            let bands = if agree >= 1.0 { 1.0 } else { ((1.0 - recall).ln() / (-agree).ln_1p()).ceil().max(1.0) };
            #[expect(clippy::cast_precision_loss, reason = "a number of slots")]
            let fits = bands.is_finite() && bands * rows as f64 <= slots as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the number of slots")]
            fits.then_some(Self { bands: bands as usize, rows })
        };
        (1..=slots.min(64)).rev().find_map(fitting)
    }

    /// Slots of a sketch.
    pub fn slots(self) -> usize {
        self.bands * self.rows
    }

    /// The probability that a pair with that similarity is compared.
    pub fn probability(self, similarity: f64) -> f64 {
        let agree = power(similarity.clamp(0.0, 1.0), self.rows);
        1.0 - power(1.0 - agree, self.bands)
    }

    /// One key for each band of a sketch: sketches that agree in a band have the same key there, others hardly ever.
    pub fn keys(self, sketch: &[u32]) -> impl Iterator<Item = u32> + '_ {
        sketch.chunks_exact(self.rows.max(1)).take(self.bands).map(|slots| {
            let seed = 0x51_7c_c1_b7_27_22_0a_95;
            let hash = slots
                .iter()
                .fold(seed, |hash: u64, &slot| fold(hash.rotate_left(29) ^ u64::from(slot), 0x9e37_79b9_7f4a_7c15));
            (hash >> 32) as u32
        })
    }
}

fn power(base: f64, exponent: usize) -> f64 {
    base.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
}

/// The keys of all sets, band by band.
pub trait BandKeys: Sync {
    /// What reading them can come to.
    type Error: Send;

    /// Appends the keys of all sets in that band, in the order of the sets.
    ///
    /// Errors: they cannot be read.
    fn column(&self, band: usize, keys: &mut Vec<u32>) -> Result<(), Self::Error>;
}

/// The sets themselves.
pub trait Sets: Sync {
    /// What reading them can come to.
    type Error: Send;

    /// Number of sets.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of a set.
    fn size(&self, set: u32) -> usize;

    /// The sorted hashes of a set.
    ///
    /// Errors: they cannot be read.
    fn get(&self, set: u32) -> Result<Cow<'_, [u64]>, Self::Error>;
}

/// Two similar sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The earlier set.
    pub one: u32,
    /// The later set.
    pub other: u32,
    /// Their exact Jaccard similarity.
    pub similarity: f64,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effort {
    /// Pairs of sets with a key in common, each band counted.
    pub candidates: u64,
    /// Pairs that were compared exactly.
    pub compared: u64,
}

/// Why a search ended early.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SearchError<E> {
    /// More pairs have a key in common than may be looked at.
    #[error("more than {0} pairs of texts have to be looked at")]
    TooManyCandidates(u64),
    /// More pairs are similar than may be kept.
    #[error("more than {0} pairs of texts are similar")]
    TooManyPairs(u64),
    /// The search was told to stop.
    #[error("interrupted")]
    Interrupted,
    /// The sets or keys could not be read.
    #[error("the sets cannot be read")]
    Read(E),
}

/// What a search may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// Pairs with a key in common that are looked at, at most.
    pub candidates: u64,
    /// Similar pairs that are kept, at most.
    pub pairs: u64,
    /// Set when the search is to stop.
    pub cancelled: &'a AtomicBool,
}

/// Finds similar sets among those with a key in common.
///
/// With `connected` pairs are left out that others connect already: enough for connected components, and a group of n sets
/// costs n instead of n² comparisons. Otherwise every similar pair with a key in common is given. Pairs are in order and
/// distinct. Time O(bands n log n) and the comparisons; memory 16 bytes a set beside keys and sets.
///
/// Errors: a limit is reached, or the sets cannot be read.
pub fn similar_pairs<K, S>(
    keys: &K,
    sets: &S,
    banding: Banding,
    threshold: f64,
    connected: bool,
    limits: Limits<'_>,
) -> Result<(Vec<Pair>, Effort), SearchError<S::Error>>
where
    K: BandKeys<Error = S::Error>,
    S: Sets,
{
    let search =
        Search { sets, threshold, connected, limits, candidates: AtomicU64::new(0), compared: AtomicU64::new(0) };
    let mut pairs: Vec<Pair> = Vec::new();
    let mut clusters = Clusters::new(u32::try_from(if connected { sets.len() } else { 0 }).unwrap_or(u32::MAX));
    let (mut column, mut order) = (Vec::new(), Vec::new());
    for band in 0..banding.bands {
        column.clear();
        keys.column(band, &mut column).map_err(SearchError::Read)?;
        order.clear();
        order.par_extend(column.par_iter().enumerate().map(|(set, &key)| (u64::from(key) << 32) | set as u64));
        order.par_sort_unstable();
        // Which sets the earlier bands have connected.
        let known = roots(&mut clusters);
        let buckets: Vec<&[u64]> =
            order.chunk_by(|one, other| one >> 32 == other >> 32).filter(|bucket| bucket.len() > 1).collect();
        let found = buckets.par_iter().with_min_len(16).map(|bucket| search.bucket(bucket, &known));
        let found: Vec<Vec<Pair>> = found.collect::<Result<_, _>>()?;
        for pair in found.into_iter().flatten() {
            if !connected || clusters.join(pair.one, pair.other) {
                pairs.push(pair);
            }
        }
        if !connected {
            // The same pair may agree in several bands.
            pairs.par_sort_unstable_by_key(|pair| (pair.one, pair.other));
            pairs.dedup_by_key(|pair| (pair.one, pair.other));
        }
        if pairs.len() as u64 > limits.pairs {
            return Err(SearchError::TooManyPairs(limits.pairs));
        }
    }
    pairs.par_sort_unstable_by_key(|pair| (pair.one, pair.other));
    let effort = Effort { candidates: search.candidates.into_inner(), compared: search.compared.into_inner() };
    Ok((pairs, effort))
}

struct Search<'a, S> {
    sets: &'a S,
    threshold: f64,
    connected: bool,
    limits: Limits<'a>,
    candidates: AtomicU64,
    compared: AtomicU64,
}

impl<S: Sets> Search<'_, S> {
    /// The similar pairs of a bucket, in which sets are in order.
    fn bucket(&self, bucket: &[u64], known: &[u32]) -> Result<Vec<Pair>, SearchError<S::Error>> {
        let members = bucket.iter().map(|entry| u32::try_from(entry & u64::from(u32::MAX)).unwrap_or_default());
        let members: Vec<u32> = members.collect();
        // Which members are connected: by earlier bands at first, then by what is found here.
        let root = |set: &u32| if self.connected { known.get(*set as usize).copied() } else { None };
        let mut roots: Vec<u32> = members.iter().filter_map(root).collect();
        if self.connected && roots.windows(2).all(|pair| pair.first() == pair.last()) {
            return Ok(Vec::new());
        }
        let mut pairs = Vec::new();
        let mut compared = 0;
        for (later, &other) in members.iter().enumerate().skip(1) {
            self.spend(later as u64)?;
            let mut other_set = None;
            for (earlier, &one) in members.iter().enumerate().take(later) {
                if self.connected && roots.get(earlier) == roots.get(later) {
                    continue;
                }
                if !within(self.sets.size(one), self.sets.size(other), self.threshold) {
                    continue;
                }
                compared += 1;
                let set = self.sets.get(one).map_err(SearchError::Read)?;
                let other_set = match &other_set {
                    Some(read) => read,
                    None => other_set.insert(self.sets.get(other).map_err(SearchError::Read)?),
                };
                let Some(similarity) = jaccard_at_least(&set, other_set, self.threshold) else { continue };
                pairs.push(Pair { one, other, similarity });
                if let (true, Some(&from), Some(&to)) = (self.connected, roots.get(earlier), roots.get(later)) {
                    roots.iter_mut().filter(|root| **root == to).for_each(|root| *root = from);
                }
            }
            if pairs.len() as u64 > self.limits.pairs {
                return Err(SearchError::TooManyPairs(self.limits.pairs));
            }
        }
        self.compared.fetch_add(compared, Ordering::Relaxed);
        Ok(pairs)
    }

    fn spend(&self, candidates: u64) -> Result<(), SearchError<S::Error>> {
        if self.limits.cancelled.load(Ordering::Relaxed) {
            return Err(SearchError::Interrupted);
        }
        if self.candidates.fetch_add(candidates, Ordering::Relaxed) > self.limits.candidates {
            return Err(SearchError::TooManyCandidates(self.limits.candidates));
        }
        Ok(())
    }
}

/// Whether sets of such sizes can be that similar at all.
#[expect(clippy::cast_precision_loss, reason = "sizes of sets")]
fn within(one: usize, other: usize, threshold: f64) -> bool {
    let (small, large) = (one.min(other), one.max(other));
    // A little slack, because the exact comparison decides.
    small as f64 >= threshold * large as f64 - 1e-9 * large as f64
}

/// Connected components: for each member the smallest one of its component.
pub fn components(members: usize, pairs: &[Pair]) -> Vec<u32> {
    let mut clusters = Clusters::new(u32::try_from(members).unwrap_or(u32::MAX));
    for pair in pairs {
        clusters.join(pair.one, pair.other);
    }
    roots(&mut clusters)
}

fn roots(clusters: &mut Clusters) -> Vec<u32> {
    (0..u32::try_from(clusters.len()).unwrap_or(u32::MAX)).map(|member| clusters.root(member)).collect()
}

/// Stars: the member with the most similar ones becomes a center and takes those that are still free, and so on; of equals the
/// earliest (Aslam, Pelekhov & Rus 2004). Every member is similar to its center, so that nothing is chained. For each member
/// its center. Needs every similar pair. Time O((n + p) log n).
pub fn stars(members: usize, pairs: &[Pair]) -> Vec<u32> {
    let mut neighbours: Vec<Vec<u32>> = vec![Vec::new(); members];
    for pair in pairs {
        for (from, to) in [(pair.one, pair.other), (pair.other, pair.one)] {
            if let Some(list) = neighbours.get_mut(from as usize) {
                list.push(to);
            }
        }
    }
    let mut order: Vec<u32> = (0..members).map(|member| u32::try_from(member).unwrap_or(u32::MAX)).collect();
    let degree = |member: u32| neighbours.get(member as usize).map_or(0, Vec::len);
    order.sort_by_key(|&member| (std::cmp::Reverse(degree(member)), member));
    let mut centers: Vec<Option<u32>> = vec![None; members];
    for &center in &order {
        if centers.get(center as usize).is_some_and(Option::is_some) {
            continue;
        }
        for &member in neighbours.get(center as usize).into_iter().flatten().chain([&center]) {
            if let Some(free) = centers.get_mut(member as usize).filter(|free| free.is_none()) {
                *free = Some(center);
            }
        }
    }
    centers.into_iter().zip(0..).map(|(center, member)| center.unwrap_or(member)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use std::convert::Infallible;

    use super::super::minhash::Sketcher;
    use super::super::shingles::overlap;
    use super::*;

    struct Memory {
        sets: Vec<Vec<u64>>,
        keys: Vec<Vec<u32>>,
    }

    impl Memory {
        fn new(sets: Vec<Vec<u64>>, banding: Banding, seed: u64) -> Self {
            let mut sketcher = Sketcher::new(banding.slots(), seed);
            let mut keys = vec![Vec::new(); banding.bands];
            let mut sketch = Vec::new();
            for set in &sets {
                sketcher.sketch(set, &mut sketch);
                for (band, key) in banding.keys(&sketch).enumerate() {
                    keys[band].push(key);
                }
            }
            Self { sets, keys }
        }
    }

    impl BandKeys for Memory {
        type Error = Infallible;
        fn column(&self, band: usize, keys: &mut Vec<u32>) -> Result<(), Infallible> {
            keys.extend(&self.keys[band]);
            Ok(())
        }
    }

    impl Sets for Memory {
        type Error = Infallible;
        fn len(&self) -> usize {
            self.sets.len()
        }
        fn size(&self, set: u32) -> usize {
            self.sets[set as usize].len()
        }
        fn get(&self, set: u32) -> Result<Cow<'_, [u64]>, Infallible> {
            Ok(Cow::Borrowed(&self.sets[set as usize]))
        }
    }

    static GO_ON: AtomicBool = AtomicBool::new(false);

    fn limits() -> Limits<'static> {
        Limits { candidates: u64::MAX, pairs: u64::MAX, cancelled: &GO_ON }
    }

    fn hash(number: u64) -> u64 {
        xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes())
    }

    fn sorted(numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut set: Vec<u64> = numbers.into_iter().map(hash).collect();
        set.sort_unstable();
        set.dedup();
        set
    }

    #[test]
    fn the_curve_is_the_one_of_the_book() {
        // Leskovec, Rajaraman & Ullman, figure 3.8: b = 20, r = 5.
        let banding = Banding { bands: 20, rows: 5 };
        for (similarity, probability) in
            [(0.2, 0.006), (0.3, 0.047), (0.4, 0.186), (0.5, 0.470), (0.6, 0.802), (0.7, 0.975), (0.8, 0.9996)]
        {
            assert!((banding.probability(similarity) - probability).abs() < 6e-4, "{similarity}");
        }
    }

    #[test]
    fn a_banding_reaches_the_recall_it_was_chosen_for() {
        for threshold in [0.3, 0.5, 0.7, 0.8, 0.9, 0.95] {
            for recall in [0.9, 0.99, 0.999] {
                let banding = Banding::for_threshold(threshold, recall, 256).unwrap();
                assert!(banding.probability(threshold) >= recall - 1e-12);
                assert!(banding.slots() <= 256);
                let fewer = Banding { bands: banding.bands - 1, ..banding };
                assert!(banding.bands == 1 || fewer.probability(threshold) < recall);
            }
        }
        assert_eq!(Banding::for_threshold(0.8, 0.99, 128), Some(Banding { bands: 16, rows: 6 }));
        assert_eq!(Banding::for_threshold(0.01, 0.99, 128), None);
        assert_eq!(Banding::for_threshold(1.0, 0.99, 128), Some(Banding { bands: 1, rows: 64 }));
    }

    #[test]
    fn pairs_are_found_as_often_as_the_curve_says() {
        let banding = Banding { bands: 8, rows: 4 };
        for (shared, own) in [(60, 20), (50, 25), (70, 15)] {
            let similarity = shared as f64 / (shared + 2 * own) as f64;
            let pairs = 1500;
            let sets = (0..pairs).flat_map(|pair: u64| {
                let base = pair * 1000;
                let common = base..base + shared;
                [
                    sorted(common.clone().chain(base + 200..base + 200 + own)),
                    sorted(common.chain(base + 400..base + 400 + own)),
                ]
            });
            let memory = Memory::new(sets.collect(), banding, 11);
            let (found, _) = similar_pairs(&memory, &memory, banding, 0.1, false, limits()).unwrap();
            let expected = banding.probability(similarity);
            let share = found.len() as f64 / pairs as f64;
            // Four standard errors; slots of one sketch are not independent, but not positively correlated either.
            let error = (expected * (1.0 - expected) / pairs as f64).sqrt();
            assert!((share - expected).abs() < 4.0 * error + 0.002, "{share} against {expected} at {similarity}");
        }
    }

    #[test]
    fn stars_do_not_chain() {
        let pair = |one, other| Pair { one, other, similarity: 0.9 };
        let chain = [pair(0, 1), pair(1, 2), pair(2, 3), pair(3, 4)];
        assert_eq!(components(6, &chain), [0, 0, 0, 0, 0, 5]);
        assert_eq!(stars(6, &chain), [1, 1, 1, 3, 3, 5]);
        assert_eq!(stars(0, &[]), Vec::<u32>::new());
    }

    #[test]
    fn limits_end_the_search() {
        let banding = Banding { bands: 2, rows: 2 };
        let memory = Memory::new(vec![sorted(0..10); 50], banding, 1);
        let few = |candidates, pairs| Limits { candidates, pairs, ..limits() };
        let search =
            |limits| similar_pairs(&memory, &memory, banding, 0.5, false, limits).map(|(pairs, _)| pairs.len());
        assert_eq!(search(few(100, u64::MAX)), Err(SearchError::TooManyCandidates(100)));
        assert_eq!(search(few(u64::MAX, 100)), Err(SearchError::TooManyPairs(100)));
        assert_eq!(search(limits()), Ok(50 * 49 / 2));
    }

    proptest! {
        #[test]
        fn nothing_is_found_that_is_not_similar_and_components_do_not_need_every_pair(
            sets in prop::collection::vec(prop::collection::btree_set(0_u64..12, 1..9), 2..40),
            threshold in prop::sample::select(vec![0.4, 0.5, 0.75, 1.0]),
        ) {
            let sets: Vec<Vec<u64>> = sets.into_iter().map(sorted).collect();
            // Bands of one row find nearly everything, so that the truth is the brute force itself.
            let banding = Banding { bands: 64, rows: 1 };
            let memory = Memory::new(sets.clone(), banding, 5);
            let (found, _) = similar_pairs(&memory, &memory, banding, threshold, false, limits()).unwrap();
            let mut truth = Vec::new();
            for other in 0..sets.len() {
                for one in 0..other {
                    let (shared, all) = overlap(&sets[one], &sets[other]);
                    let similarity = shared as f64 / all as f64;
                    if similarity >= threshold {
                        truth.push((one as u32, other as u32));
                    }
                }
            }
            truth.sort_unstable();
            let pairs: Vec<(u32, u32)> = found.iter().map(|pair| (pair.one, pair.other)).collect();
            // A pair at 0.4 is missed with probability 0.6^64 = 6e-15.
            prop_assert_eq!(&pairs, &truth);
            let (enough, _) = similar_pairs(&memory, &memory, banding, threshold, true, limits()).unwrap();
            prop_assert_eq!(components(sets.len(), &enough), components(sets.len(), &found));
            prop_assert!(enough.iter().all(|pair| found.contains(pair)));
            for (member, &center) in stars(sets.len(), &found).iter().enumerate() {
                let (a, b) = ((member as u32).min(center), (member as u32).max(center));
                prop_assert!(a == b || truth.contains(&(a, b)));
            }
        }
    }
}
