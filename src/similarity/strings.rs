//! How alike two texts are.
//!
//! Distances are counted in characters. Texts of ASCII, which most are, are compared as bytes.
//!
//! - Jaro and Winkler: Winkler, "String comparator metrics and enhanced decision rules in the Fellegi-Sunter model", 1990; prefix
//!   weight 0.1 over at most four characters, given from a similarity of 0.7 on.
//! - Levenshtein, and Damerau and Levenshtein without the restriction that a part is changed once (Damerau 1964).
//! - Cosine of the counts of tokens (Salton & McGill 1983).
//!
//! The distances are those of the crate `rapidfuzz`; within one edit, which is what records are asked most, a single pass decides.

use rapidfuzz::distance::{damerau_levenshtein, jaro_winkler as winkler, levenshtein, osa};

/// The similarity of Jaro and Winkler from 0 to 1; two empty texts are equal.
///
/// Cost: O(n m / 64).
///
/// ```
/// use gristmill::similarity::strings::jaro_winkler;
/// assert!((jaro_winkler("martha", "marhta") - 0.9611).abs() < 1e-4);
/// ```
pub fn jaro_winkler(left: &str, right: &str) -> f64 {
    match (left.is_ascii(), right.is_ascii()) {
        (true, true) => jaro_winkler_bytes(left.as_bytes(), right.as_bytes()),
        _ => winkler::similarity(left.chars(), right.chars()),
    }
}

/// [`jaro_winkler`] of texts that are ASCII. Up to 64 characters a word of bits holds
/// the places of a character, and finding the first free one in reach takes a few instructions.
fn jaro_winkler_bytes(left: &[u8], right: &[u8]) -> f64 {
    if left.is_empty() || right.is_empty() {
        return f64::from(left.len() == right.len());
    }
    if left.len() > 64 || right.len() > 64 {
        return winkler::similarity(left.iter().copied(), right.iter().copied());
    }
    let window = (left.len().max(right.len()) / 2).saturating_sub(1);
    // For each character the places where it stands on the left.
    let mut places = [0_u64; 128];
    for (at, byte) in left.iter().enumerate() {
        if let Some(places) = places.get_mut(usize::from(*byte)) {
            *places |= 1 << at;
        }
    }
    // The places that the window reaches grow on one side until it is full, then it moves along.
    let mut reached: u64 = if window >= 63 { u64::MAX } else { (1 << (window + 1)) - 1 };
    let (mut of_left, mut of_right) = (0_u64, 0_u64);
    for (at, byte) in right.iter().enumerate() {
        let free = places.get(usize::from(*byte)).copied().unwrap_or(0) & reached & !of_left;
        of_left |= free & free.wrapping_neg();
        of_right |= u64::from(free != 0) << at;
        reached = if at < window { reached << 1 | 1 } else { reached << 1 };
    }
    let common = of_left.count_ones();
    if common == 0 {
        return 0.0;
    }
    let mut transposed = 0_u32;
    let (mut ours, mut theirs) = (of_left, of_right);
    while ours != 0 {
        let pair = (left.get(ours.trailing_zeros() as usize), right.get(theirs.trailing_zeros() as usize));
        transposed += u32::from(pair.0 != pair.1);
        ours &= ours - 1;
        theirs &= theirs.wrapping_sub(1);
    }
    let common_share = f64::from(common);
    #[expect(clippy::cast_precision_loss, reason = "lengths are at most 64")]
    let lengths = (left.len() as f64, right.len() as f64);
    let in_order = (common_share - f64::from(transposed / 2)) / common_share;
    let jaro = (common_share / lengths.0 + common_share / lengths.1 + in_order) / 3.0;
    if jaro <= 0.7 {
        return jaro;
    }
    let prefix = left.iter().zip(right).take(4).take_while(|(ours, theirs)| ours == theirs).count();
    #[expect(clippy::cast_precision_loss, reason = "at most 4")]
    let prefix = prefix as f64;
    jaro + prefix * 0.1 * (1.0 - jaro)
}

/// Whether at most `most` characters have to be inserted, deleted or replaced to make one text of the other.
///
/// Cost: O(n) for one edit, else O(n m / 64).
pub fn within_levenshtein(left: &str, right: &str, most: u32) -> bool {
    match (left.is_ascii() && right.is_ascii(), most) {
        (true, 0 | 1) => within_one(left.as_bytes(), right.as_bytes(), most, false),
        (true, _) => {
            if left.len().abs_diff(right.len()) > most as usize {
                return false;
            }
            let arguments = levenshtein::Args::default().score_cutoff(most as usize);
            let bytes = (left.bytes(), right.bytes());
            levenshtein::distance_with_args(bytes.0, bytes.1, &arguments).is_some()
        }
        (false, _) => {
            let arguments = levenshtein::Args::default().score_cutoff(most as usize);
            levenshtein::distance_with_args(left.chars(), right.chars(), &arguments).is_some()
        }
    }
}

/// As [`within_levenshtein`], where exchanging two neighbours counts as one edit too.
///
/// Cost: O(n) for one edit, else O(n m).
pub fn within_damerau(left: &str, right: &str, most: u32) -> bool {
    match (left.is_ascii() && right.is_ascii(), most) {
        (true, 0 | 1) => within_one(left.as_bytes(), right.as_bytes(), most, true),
        (true, _) => {
            if left.len().abs_diff(right.len()) > most as usize {
                return false;
            }
            // The restricted distance is at most half as large again: an exchange around k further edits costs k + 1, or k + 2
            // without it. Between the two bounds only the slow way knows.
            let arguments = osa::Args::default().score_cutoff(most as usize + most as usize / 2);
            match osa::distance_with_args(left.bytes(), right.bytes(), &arguments) {
                None => false,
                Some(restricted) if restricted <= most as usize => true,
                Some(_) => {
                    let arguments = damerau_levenshtein::Args::default().score_cutoff(most as usize);
                    damerau_levenshtein::distance_with_args(left.bytes(), right.bytes(), &arguments).is_some()
                }
            }
        }
        (false, _) => {
            let arguments = damerau_levenshtein::Args::default().score_cutoff(most as usize);
            damerau_levenshtein::distance_with_args(left.chars(), right.chars(), &arguments).is_some()
        }
    }
}

/// Whether one edit at most lies between two texts: behind what they begin with alike, the rest must be what they end with.
fn within_one(left: &[u8], right: &[u8], most: u32, exchange: bool) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    if long.len() - short.len() > most as usize {
        return false;
    }
    let alike = short.iter().zip(long).take_while(|(ours, theirs)| ours == theirs).count();
    let (short, long) = (short.get(alike..).unwrap_or_default(), long.get(alike..).unwrap_or_default());
    if long.is_empty() {
        return true;
    }
    if most == 0 {
        return false;
    }
    match (short, long) {
        _ if short.len() < long.len() => long.get(1..) == Some(short),
        ([_, ours @ ..], [_, theirs @ ..]) if ours == theirs => true,
        ([a, b, ours @ ..], [c, d, theirs @ ..]) => exchange && a == d && b == c && ours == theirs,
        _ => false,
    }
}

/// What characters a text has, in a form that bounds its likeness to other texts in a few instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Letters {
    /// For each of 32 classes of characters one bit more for each of its characters, three at most.
    sets: [u32; 3],
    /// Characters.
    length: u16,
    /// Characters that found no bit.
    more: u16,
}

impl Letters {
    /// The characters of a text.
    pub fn of(text: &str) -> Self {
        let mut letters = Self::default();
        for letter in text.chars() {
            letters.length = letters.length.saturating_add(1);
            let class = 1_u32 << (u32::from(letter) & 31);
            match letters.sets.iter_mut().find(|set| **set & class == 0) {
                Some(set) => *set |= class,
                None => letters.more = letters.more.saturating_add(1),
            }
        }
        letters
    }

    /// Characters that both have, at most.
    fn common(self, other: Self) -> u32 {
        let ([a, b, c], [d, e, f]) = (self.sets, other.sets);
        (a & d).count_ones() + (b & e).count_ones() + (c & f).count_ones() + u32::from(self.more.min(other.more))
    }

    /// Edits of any kind between the two texts, at least: each brings the characters in common nearer by one.
    pub fn least_edits(self, other: Self) -> u32 {
        u32::from(self.length.max(other.length)).saturating_sub(self.common(other))
    }

    /// [`jaro_winkler`] of the two texts, at most.
    pub fn most_jaro_winkler(self, other: Self) -> f64 {
        let lengths = (f64::from(self.length), f64::from(other.length));
        if lengths.0 == 0.0 || lengths.1 == 0.0 || self.length == u16::MAX || other.length == u16::MAX {
            return 1.0;
        }
        let common = f64::from(self.common(other)).min(lengths.0).min(lengths.1);
        let jaro = (common / lengths.0 + common / lengths.1 + 1.0) / 3.0;
        if jaro <= 0.7 { jaro } else { jaro + 0.4 * (1.0 - jaro) }
    }
}

/// Counts of the tokens of a text, by a hash of the token, in its order: what [`cosine`] compares. Tokens are runs of letters and
/// digits, without regard to case.
pub fn tokens(text: &str) -> Vec<(u32, u32)> {
    let lower = text.to_lowercase();
    let mut hashes: Vec<u32> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|token| !token.is_empty())
        .map(|token| {
            let hash = xxhash_rust::xxh3::xxh3_64(token.as_bytes());
            u32::try_from(hash >> 32).unwrap_or_default()
        })
        .collect();
    hashes.sort_unstable();
    let mut counted: Vec<(u32, u32)> = Vec::with_capacity(hashes.len());
    for hash in hashes {
        match counted.last_mut() {
            Some((last, count)) if *last == hash => *count += 1,
            _ => counted.push((hash, 1)),
        }
    }
    counted
}

/// The cosine of the angle between two counts of tokens, from 0 to 1; 0 when one of them has no token.
///
/// Cost: O(n + m).
///
/// ```
/// use gristmill::similarity::strings::{cosine, tokens};
/// let (left, right) = (tokens("12 high street"), tokens("High Street 12a"));
/// assert!((cosine(&left, &right) - 2.0 / 3.0).abs() < 1e-12);
/// ```
pub fn cosine(left: &[(u32, u32)], right: &[(u32, u32)]) -> f64 {
    let squares = |counts: &[(u32, u32)]| counts.iter().map(|(_, count)| f64::from(*count).powi(2)).sum::<f64>();
    let (mut ours, mut theirs) = (left.iter().peekable(), right.iter().peekable());
    let mut product = 0.0;
    while let (Some((a, count_a)), Some((b, count_b))) = (ours.peek(), theirs.peek()) {
        match a.cmp(b) {
            std::cmp::Ordering::Less => {
                ours.next();
            }
            std::cmp::Ordering::Greater => {
                theirs.next();
            }
            std::cmp::Ordering::Equal => {
                product += f64::from(*count_a) * f64::from(*count_b);
                ours.next();
                theirs.next();
            }
        }
    }
    // One root of the product of whole numbers, not the product of two roots: two equal texts are then exactly equal.
    let lengths = (squares(left) * squares(right)).sqrt();
    if product <= 0.0 || lengths <= 0.0 { 0.0 } else { (product / lengths).min(1.0) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Levenshtein's recursion as a table, with exchanges of neighbours where asked (the unrestricted distance of Damerau).
    fn slow(left: &str, right: &str, exchange: bool) -> u32 {
        let (a, b): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
        let far = (a.len() + b.len()) as u32;
        let at = |i: usize, j: usize| i * (b.len() + 2) + j;
        let mut table = vec![far; (a.len() + 2) * (b.len() + 2)];
        let mut last_row = std::collections::HashMap::new();
        (0..=a.len()).for_each(|i| table[at(i + 1, 1)] = i as u32);
        (0..=b.len()).for_each(|j| table[at(1, j + 1)] = j as u32);
        for i in 1..=a.len() {
            let mut last_column = 0;
            for j in 1..=b.len() {
                let row = last_row.get(&b[j - 1]).copied().unwrap_or(0);
                let column = last_column;
                let same = a[i - 1] == b[j - 1];
                if same {
                    last_column = j;
                }
                let plain =
                    (table[at(i, j)] + u32::from(!same)).min(table[at(i + 1, j)] + 1).min(table[at(i, j + 1)] + 1);
                let swapped = table[at(row, column)] + (i - row - 1 + 1 + j - column - 1) as u32;
                table[at(i + 1, j + 1)] = if exchange && row > 0 && column > 0 { plain.min(swapped) } else { plain };
            }
            last_row.insert(a[i - 1], i);
        }
        table[at(a.len() + 1, b.len() + 1)]
    }

    #[test]
    fn likeness_is_what_rapidfuzz_jellyfish_and_scikit_learn_say() {
        let text = include_str!("../../tests/data/oracle/linkage.json");
        let oracle: serde_json::Value = serde_json::from_str(text).unwrap();
        let cases = oracle["strings"].as_array().unwrap();
        assert!(cases.len() > 50);
        for case in cases {
            let (left, right) = (case["left"].as_str().unwrap(), case["right"].as_str().unwrap());
            let close = |found: f64, name: &str| {
                let expected = case[name].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-9, "{name} of {left} and {right}: {found} is not {expected}");
            };
            close(jaro_winkler(left, right), "jaro_winkler");
            close(cosine(&tokens(left), &tokens(right)), "cosine");
            for most in 0..10 {
                let within = |name: &str| case[name].as_u64().unwrap() <= u64::from(most);
                assert_eq!(within_levenshtein(left, right, most), within("levenshtein"), "{left} {right} {most}");
                assert_eq!(within_damerau(left, right, most), within("damerau"), "{left} {right} {most}");
            }
        }
    }

    proptest! {
        #[test]
        fn edits_are_counted_as_the_table_counts_them(left in "[abé]{0,7}", right in "[abé]{0,7}", most in 0_u32..4) {
            prop_assert_eq!(within_levenshtein(&left, &right, most), slow(&left, &right, false) <= most);
            prop_assert_eq!(within_damerau(&left, &right, most), slow(&left, &right, true) <= most);
        }

        #[test]
        fn one_edit_of_a_word_is_one_edit(word in "[a-z]{1,12}", at in 0_usize..12, other in "[a-z]") {
            let at = at.min(word.len() - 1);
            let replaced = format!("{}{other}{}", &word[..at], &word[at + 1..]);
            let deleted = format!("{}{}", &word[..at], &word[at + 1..]);
            for changed in [replaced, deleted] {
                prop_assert!(within_levenshtein(&word, &changed, 1) && within_damerau(&changed, &word, 1));
            }
        }

        #[test]
        fn what_letters_say_is_never_too_strict(left in "[a-dpé0-2]{0,12}", right in "[a-dpé0-2]{0,12}") {
            let (ours, theirs) = (Letters::of(&left), Letters::of(&right));
            prop_assert!(ours.least_edits(theirs) <= slow(&left, &right, true));
            prop_assert!(ours.most_jaro_winkler(theirs) >= jaro_winkler(&left, &right) - 1e-12);
        }

        #[test]
        fn short_and_long_ways_to_jaro_and_winkler_agree(left in "[a-e]{0,14}", right in "[a-e]{0,14}") {
            let long = winkler::similarity(left.bytes(), right.bytes());
            prop_assert!((jaro_winkler(&left, &right) - long).abs() < 1e-12, "{} {}", jaro_winkler(&left, &right), long);
        }
    }
}
