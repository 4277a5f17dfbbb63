//! Wide registers for plain loops.
//!
//! The program is compiled for any x86-64 processor, whose registers hold four `f32`. A loop that is compiled once more
//! for AVX2 works on eight, and the compiler does that by itself when it may. No sum changes its order and no product is
//! fused with a sum, so that both versions give the same bits; only the time differs.
#![allow(
    unsafe_code,
    reason = "a function for AVX2 may be called only where the processor has it, which is checked here"
)]

/// Runs `work` compiled for AVX2 where the processor has it. The loops must be inlined into `work`: write them as
/// functions marked `#[inline(always)]`.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn wide<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        // SAFETY: the processor has AVX2, as was found just above; nothing else makes the call unsafe.
        return unsafe { wide(work) };
    }
    work()
}

/// The inner product of two slices of one length, in sixteen running sums that are added in a fixed order.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a_wide, a_rest) = a.as_chunks::<16>();
    let (b_wide, b_rest) = b.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (a, b) in a_wide.iter().zip(b_wide) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    total(&sums) + rest
}

/// The sum of a slice, in sixteen running sums that are added in a fixed order.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f32 {
    let (wide, rest) = values.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for values in wide {
        sums.iter_mut().zip(values).for_each(|(sum, v)| *sum += v);
    }
    total(&sums) + rest.iter().sum::<f32>()
}

#[inline(always)]
fn total(sums: &[f32; 16]) -> f32 {
    let mut eight = [0.0f32; 8];
    for (i, e) in eight.iter_mut().enumerate() {
        *e = sums[i] + sums[i + 8];
    }
    ((eight[0] + eight[4]) + (eight[2] + eight[6])) + ((eight[1] + eight[5]) + (eight[3] + eight[7]))
}

/// `sum += addend`, number by number.
#[inline(always)]
pub(crate) fn add(sum: &mut [f32], addend: &[f32]) {
    sum.iter_mut().zip(addend).for_each(|(sum, a)| *sum += a);
}

/// `sum += factor * addend`, number by number.
#[inline(always)]
pub(crate) fn add_scaled(sum: &mut [f32], factor: f32, addend: &[f32]) {
    sum.iter_mut().zip(addend).for_each(|(sum, a)| *sum += factor * a);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_and_narrow_registers_give_the_same_bits() {
        let a: Vec<f32> = (0..1003).map(|i| ((i * 37 % 101) as f32 - 50.0) / 7.0).collect();
        let b: Vec<f32> = (0..1003).map(|i| ((i * 53 % 97) as f32 - 40.0) / 3.0).collect();
        assert_eq!(
            vectorized(
                #[inline(always)]
                || dot(&a, &b)
            )
            .to_bits(),
            dot(&a, &b).to_bits()
        );
        assert_eq!(
            vectorized(
                #[inline(always)]
                || sum(&a)
            )
            .to_bits(),
            sum(&a).to_bits()
        );
    }

    #[test]
    fn sums_are_those_of_whole_numbers() {
        let a: Vec<f32> = (1..=100).map(|i| i as f32).collect();
        assert_eq!((sum(&a), dot(&a, &a)), (5050.0, 338_350.0));
    }
}
