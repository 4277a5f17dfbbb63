//! Where bytes stand in a word of 64, as the bits of an integer.
//!
//! The loops are shaped so that the compiler turns them into vector instructions of any width (Lemire and Langdale 2019 build
//! a JSON parser on the same idea).

/// Bytes of a word.
pub(super) const WORD: usize = 64;

/// The places of `wanted`: bit `i` is set when byte `i` is it.
#[inline]
pub(super) fn places(word: &[u8; WORD], wanted: u8) -> u64 {
    let mut flags = [0u8; WORD];
    for (i, (flag, byte)) in flags.iter_mut().zip(word).enumerate() {
        *flag = if *byte == wanted { 1 << (i % 8) } else { 0 };
    }
    let (groups, _) = flags.as_chunks::<8>();
    let mut mask = 0;
    for (i, group) in groups.iter().enumerate() {
        // Each of the eight bytes has its own bit, so their sum in the highest byte is their union.
        let bits = u64::from_le_bytes(*group).wrapping_mul(0x0101_0101_0101_0101) >> 56;
        mask |= bits << (8 * i);
    }
    mask
}

/// Bit `i` of the result is the parity of the bits 0 to `i`.
#[inline]
pub(super) fn prefix_parity(mask: u64) -> u64 {
    let mut parity = mask;
    for shift in [1, 2, 4, 8, 16, 32] {
        parity ^= parity << shift;
    }
    parity
}

/// The bits below bit `place`.
#[inline]
pub(super) fn below(place: u32) -> u64 {
    (1u64 << place) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_and_parities_are_what_a_loop_finds(bytes in proptest::collection::vec(0u8..4, WORD)) {
            let mut word = [0u8; WORD];
            word.copy_from_slice(&bytes);
            let mut mask = 0u64;
            let mut parity = 0u64;
            let mut odd = false;
            for (i, byte) in word.iter().enumerate() {
                if *byte == 3 {
                    mask |= 1 << i;
                    odd = !odd;
                }
                parity |= u64::from(odd) << i;
            }
            prop_assert_eq!(places(&word, 3), mask);
            prop_assert_eq!(prefix_parity(mask), parity);
        }
    }
}
