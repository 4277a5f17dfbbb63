//! Order statistics of values that do not fit into memory: one radix digit a pass.
//!
//! A pass counts the values that agree with what is known of the wanted one by their next 16 bits; the counts tell the next
//! digit. After four passes a value of 64 bits is known, often sooner: as soon as few values agree, the next pass collects them.
//! Passes at most 4, memory 512 KiB a rank (Munro and Paterson, "Selection and Sorting with Limited Storage", 1980, for the idea
//! of selecting in passes).

/// The value of one rank, on its way to be known.
pub(super) struct Rank {
    /// Place among the values that agree with `prefix`, from 0.
    place: u64,
    /// The high bits that are known.
    prefix: u64,
    /// How many they are.
    known: u32,
    state: State,
}

enum State {
    Counting(Vec<u64>),
    Collecting(Vec<u64>),
    Found(u64),
}

const DIGIT: u32 = 16;

/// So many values that agree are collected rather than counted again.
const FEW: u64 = 1 << 20;

impl Rank {
    /// The rank `place`, from 0, of values that a first pass will show; of few values that pass collects all.
    pub(super) fn new(place: u64, are_few: bool) -> Self {
        let state = if are_few { State::Collecting(Vec::new()) } else { State::Counting(vec![0; 1 << DIGIT]) };
        Self { place, prefix: 0, known: 0, state }
    }

    /// The value, once it is known.
    pub(super) fn found(&self) -> Option<u64> {
        if let State::Found(value) = self.state { Some(value) } else { None }
    }

    /// Sees a value of the pass.
    pub(super) fn see(&mut self, value: u64) {
        let (known, prefix) = (self.known, self.prefix);
        if known > 0 && value >> (64 - known) != prefix {
            return;
        }
        match &mut self.state {
            State::Counting(counts) => {
                #[expect(clippy::cast_possible_truncation, reason = "one digit")]
                let digit = (value >> (64 - known - DIGIT)) as usize & ((1 << DIGIT) - 1);
                if let Some(count) = counts.get_mut(digit) {
                    *count += 1;
                }
            }
            State::Collecting(values) => values.push(value),
            State::Found(_) => {}
        }
    }

    /// Ends a pass. A rank beyond the last value becomes the last.
    pub(super) fn end_pass(&mut self) {
        match &mut self.state {
            State::Counting(counts) => {
                let last = counts.iter().rposition(|&count| count > 0).unwrap_or(0);
                let mut chosen = (last, counts.get(last).copied().unwrap_or(0));
                for (digit, &count) in counts.iter().enumerate() {
                    if self.place < count {
                        chosen = (digit, count);
                        break;
                    }
                    if digit == last {
                        self.place = count.saturating_sub(1);
                        break;
                    }
                    self.place -= count;
                }
                self.prefix = (self.prefix << DIGIT) | chosen.0 as u64;
                self.known += DIGIT;
                self.state = if self.known == 64 {
                    State::Found(self.prefix)
                } else if chosen.1 <= FEW {
                    State::Collecting(Vec::new())
                } else {
                    State::Counting(vec![0; 1 << DIGIT])
                };
            }
            State::Collecting(values) => {
                let place = usize::try_from(self.place).unwrap_or(usize::MAX).min(values.len().saturating_sub(1));
                let found = if values.is_empty() { 0 } else { *values.select_nth_unstable(place).1 };
                self.state = State::Found(found);
            }
            State::Found(_) => {}
        }
    }
}

/// Numbers that compare as the floats do: zeros are one, NaN is the largest.
pub(super) fn rank_of_float(value: f64) -> u64 {
    const SIGN: u64 = 1 << 63;
    let bits = if value.is_nan() { f64::NAN.to_bits() & !SIGN } else { (value + 0.0).to_bits() };
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The float of a number made by [`rank_of_float`].
pub(super) fn float_of_rank(rank: u64) -> f64 {
    const SIGN: u64 = 1 << 63;
    f64::from_bits(if rank & SIGN == 0 { !rank } else { rank & !SIGN })
}

/// Numbers that compare as the integers do.
pub(super) fn rank_of_integer(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

/// The integer of a number made by [`rank_of_integer`].
pub(super) fn integer_of_rank(rank: u64) -> i64 {
    (rank ^ (1 << 63)).cast_signed()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn select(values: &[u64], place: u64) -> u64 {
        let found = select_from(values, Rank::new(place, false));
        assert_eq!(select_from(values, Rank::new(place, true)), found);
        found
    }

    fn select_from(values: &[u64], mut rank: Rank) -> u64 {
        for _ in 0..4 {
            values.iter().for_each(|&value| rank.see(value));
            rank.end_pass();
            if let Some(found) = rank.found() {
                return found;
            }
        }
        panic!("not found after four passes");
    }

    #[test]
    fn many_equal_values_take_all_four_digits() {
        let mut values = vec![0x1234_5678_9abc_def0; (FEW + 1) as usize];
        values.extend([1, u64::MAX]);
        assert_eq!(select(&values, 0), 1);
        assert_eq!(select(&values, 1), 0x1234_5678_9abc_def0);
        assert_eq!(select(&values, FEW + 1), 0x1234_5678_9abc_def0);
        assert_eq!(select(&values, FEW + 2), u64::MAX);
    }

    #[test]
    fn floats_keep_their_order_and_their_value() {
        let floats = [f64::NEG_INFINITY, -1.5, -1e-300, 0.0, 1e-300, 2.0, f64::INFINITY];
        for pair in floats.windows(2) {
            assert!(rank_of_float(pair[0]) < rank_of_float(pair[1]));
        }
        for value in floats {
            assert_eq!(float_of_rank(rank_of_float(value)), value);
        }
        assert_eq!(rank_of_float(-0.0), rank_of_float(0.0));
        assert!(rank_of_float(-f64::NAN) > rank_of_float(f64::INFINITY));
        assert!(float_of_rank(rank_of_float(f64::NAN)).is_nan());
    }

    proptest! {
        #[test]
        fn each_rank_is_the_value_at_its_place_of_the_sorted_values(
            mut values in prop::collection::vec(any::<i64>(), 1..200), place in 0_usize..200,
        ) {
            let place = place.min(values.len() - 1);
            let ranks: Vec<u64> = values.iter().map(|&value| rank_of_integer(value)).collect();
            values.sort_unstable();
            prop_assert_eq!(integer_of_rank(select(&ranks, place as u64)), values[place]);
        }
    }
}
