//! Numbers by chance that follow from where they stand, whoever asks first.

/// The finalizer of SplitMix64 (Steele, Lea & Flood 2014, *Fast splittable pseudorandom number generators*).
pub(super) fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A draw of its own for each kind of change.
fn of_kind(draw: u64, kind: u64) -> u64 {
    mix(draw ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A number from -1 to below 1.
pub(super) fn either(draw: u64, kind: u64) -> f32 {
    (of_kind(draw, kind) >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
}

/// A number from 0 to below 1.
pub(super) fn share(draw: u64, kind: u64) -> f64 {
    (of_kind(draw, kind) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A whole number below `end`, or 0; its bias is below 2^-32 for what a row can have.
pub(super) fn below(draw: u64, kind: u64, end: usize) -> usize {
    // The product of two numbers below 2^64 fits, and its upper half is below `end`.
    ((u128::from(of_kind(draw, kind)) * end as u128) >> 64) as usize
}

/// Two independent numbers of the standard normal distribution (Box & Muller 1958).
pub(super) fn normals(draw: u64, kind: u64) -> (f32, f32) {
    // Above 0, so that the logarithm is finite.
    let radius = (-2.0 * (1.0 - share(draw, kind)).ln()).sqrt();
    let (sine, cosine) = (std::f64::consts::TAU * share(draw, kind ^ (1 << 63))).sin_cos();
    ((radius * cosine) as f32, (radius * sine) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_chance_are_spread_as_they_should_be() {
        let draws = 0..20_000_u64;
        let uniform: Vec<f64> = draws.clone().map(|draw| share(draw, 1)).collect();
        let mean = uniform.iter().sum::<f64>() / 2e4;
        // Deviation of the mean: 1 / sqrt(12 * 20,000) = 0.002.
        assert!((mean - 0.5).abs() < 0.008, "{mean}");
        let normal: Vec<f64> =
            draws.clone().flat_map(|draw| <[f32; 2]>::from(normals(draw, 2))).map(f64::from).collect();
        let mean = normal.iter().sum::<f64>() / 4e4;
        let variance = normal.iter().map(|x| x * x).sum::<f64>() / 4e4;
        // 1 / sqrt(40,000) = 0.005; the variance has a deviation of sqrt(2 / 40,000) = 0.007.
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
        let mut counts = [0_u32; 7];
        draws.for_each(|draw| counts[below(draw, 3, 7)] += 1);
        // 2,857 each, with a deviation of 49.
        assert!(counts.iter().all(|count| count.abs_diff(2857) < 220), "{counts:?}");
        assert_eq!(below(5, 3, 0), 0);
    }
}
