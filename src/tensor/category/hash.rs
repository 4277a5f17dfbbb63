//! Buckets by hash.

/// The 32-bit hash of MurmurHash3 (Appleby, public domain), seed 0, as scikit-learn's `FeatureHasher` uses it.
///
/// Complexity: one pass over the bytes.
pub(super) fn murmur3(bytes: &[u8]) -> u32 {
    let scramble = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let mut hash: u32 = 0;
    let (blocks, rest) = bytes.as_chunks::<4>();
    for block in blocks {
        hash = (hash ^ scramble(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !rest.is_empty() {
        let last = rest.iter().rev().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        hash ^= scramble(last);
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// The bucket of a value of a column, and its sign: the hash of `column=value` as a signed number, its size modulo the
/// buckets. The column is in it, so that columns that share buckets do not meet in the same ones.
pub(super) fn bucket(column: &str, value: &str, buckets: usize) -> (usize, f32) {
    let mut text = Vec::with_capacity(column.len() + value.len() + 1);
    text.extend_from_slice(column.as_bytes());
    text.push(b'=');
    text.extend_from_slice(value.as_bytes());
    let hash = murmur3(&text).cast_signed();
    let size = hash.unsigned_abs() as usize;
    (size % buckets.max(1), if hash >= 0 { 1.0 } else { -1.0 })
}
