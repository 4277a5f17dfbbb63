//! Tokens that are dropped while training.

use super::super::randomness::{Draws, draw};

/// While training, each token is dropped with the probability `rate`, as if it did not stand in its text; in prediction
/// all tokens stand. So no text is learned by heart by one word of it.
///
/// Source: Iyyer, Manjunatha, Boyd-Graber & Daumé III 2015, *Deep unordered composition rivals syntactic methods for text
/// classification* (word dropout), for means of vectors, which are then means over the tokens that are left. Where
/// vectors are added or stand by themselves, those that are left are multiplied by `1 / (1 - rate)`, which keeps their
/// expected value, as Gal & Ghahramani 2016, *A theoretically grounded application of dropout in recurrent neural
/// networks*, do with the rows of an embedding; here each place is drawn by itself.
///
/// What is dropped is told from the place of a token alone and drawn once more on the way back. Time is `O(1)` by token.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenDropout {
    /// A draw of 32 bits below this drops a token.
    threshold: u32,
    scale: f32,
}

/// The tokens of one row that are left.
#[derive(Clone, Copy)]
pub(super) struct Left {
    key: u32,
    threshold: u32,
    /// What keeps the expected value where vectors are not averaged.
    pub(super) scale: f32,
}

impl TokenDropout {
    /// Errors: a rate outside of `[0, 1)`.
    pub(super) fn new(rate: f64) -> Result<Self, String> {
        if !(0.0..1.0).contains(&rate) {
            return Err(format!("token_dropout lies in [0, 1), it is {rate}"));
        }
        // The conversion saturates, so a rate just below 1 stays a threshold.
        let threshold = (rate * f64::from(u32::MAX)).round() as u32;
        Ok(Self { threshold, scale: (1.0 / (1.0 - rate)) as f32 })
    }

    /// What is left of a row; all of it where nothing is being trained.
    #[inline(always)]
    pub(super) fn of_row(self, training: Option<Draws>, row: usize) -> Left {
        match training.filter(|_| self.threshold > 0) {
            Some(draws) => Left { key: draws.row(row), threshold: self.threshold, scale: self.scale },
            None => Left { key: 0, threshold: 0, scale: 1.0 },
        }
    }
}

impl Left {
    /// Whether the token at a place of the row is left.
    #[inline(always)]
    pub(super) fn has(self, place: usize) -> bool {
        self.threshold == 0 || draw(self.key, place as u32) >= self.threshold
    }
}

/// Whether nothing is dropped: the rate is then not written, so that descriptions stay what they were.
pub(super) fn none(rate: &f64) -> bool {
    *rate == 0.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::super::super::shape::Shape;
    use super::super::numeric_gradient;
    use super::super::{Describe, Embedding, EmbeddingBag, Forward, Layer, Pooling};
    use super::*;
    use proptest::prelude::*;

    const TOKENS: usize = 50;

    fn bag(pooling: Pooling, token_dropout: f64) -> EmbeddingBag {
        EmbeddingBag { tokens: TOKENS, size: TOKENS, pooling, token_dropout }
    }

    /// What comes of one row with vectors that tell each token from the others: that of token `t` is 1 at `t`, else 0.
    fn forward(layer: &dyn Layer, input: &[f32], training: Option<Draws>) -> Vec<f32> {
        let parameters: Vec<f32> =
            (0..TOKENS * TOKENS).map(|i| if i / TOKENS == i % TOKENS { 1.0 } else { 0.0 }).collect();
        let mut output = vec![f32::NAN; layer.output().size().unwrap()];
        layer.forward(Forward {
            rows: 1,
            port: 0,
            parameters: &parameters,
            input,
            output: &mut output,
            kept: &mut [],
            scratch: &mut [],
            mask: &[],
            statistics: &[],
            training,
        });
        output
    }

    #[test]
    fn a_mean_is_that_of_the_tokens_that_are_left() {
        // Each token once, with padding behind.
        let tokens: Vec<f32> = (1..TOKENS).map(|t| t as f32).chain([0.0; 3]).collect();
        let shape = Shape::features(tokens.len());
        let layer = bag(Pooling::Mean, 0.4).build(&[&shape]).unwrap();
        let output = forward(&*layer, &tokens, Some(Draws::new(3, 0)));
        let left: Vec<f32> = tokens.iter().map(|&t| if output[t as usize] > 0.0 { t } else { 0.0 }).collect();
        let count = left.iter().filter(|t| **t > 0.0).count();
        assert!(count > 15 && count < 45, "{count}");
        // The same as a text of those tokens alone, which is tested against PyTorch.
        assert_eq!(output, forward(&*bag(Pooling::Mean, 0.0).build(&[&shape]).unwrap(), &left, None));
        let other = forward(&*layer, &tokens, Some(Draws::new(3, 1)));
        assert_ne!(output, other, "each step drops others");
    }

    #[test]
    fn the_stated_share_is_dropped_and_sums_keep_their_expected_value() {
        let tokens = vec![7.0; 100_000];
        let layer = bag(Pooling::Sum, 0.25).build(&[&Shape::features(tokens.len())]).unwrap();
        let sum = forward(&*layer, &tokens, Some(Draws::new(5, 0)))[7];
        assert!((sum / 1e5 - 1.0).abs() < 0.01, "{sum}");
        let layer = Embedding { tokens: TOKENS, size: TOKENS, padding: true, token_dropout: 0.25 };
        let layer = layer.build(&[&Shape::features(4000)]).unwrap();
        let vectors = forward(&*layer, &tokens[..4000], Some(Draws::new(5, 0)));
        let silent = vectors.chunks_exact(TOKENS).filter(|vector| vector.iter().all(|v| *v == 0.0)).count();
        assert!((silent as f64 / 4e3 - 0.25).abs() < 0.03, "{silent}");
        assert!(vectors.iter().all(|v| *v == 0.0 || (*v - 4.0 / 3.0).abs() < 1e-6));
    }

    #[test]
    fn prediction_reads_all_tokens_and_a_text_may_lose_all_in_training() {
        let shape = Shape::features(3);
        let layer = bag(Pooling::Mean, 0.999_999).build(&[&shape]).unwrap();
        let whole = forward(&*bag(Pooling::Mean, 0.0).build(&[&shape]).unwrap(), &[1.0, 2.0, 0.0], None);
        assert_eq!(forward(&*layer, &[1.0, 2.0, 0.0], None), whole);
        assert_eq!(forward(&*layer, &[1.0, 2.0, 0.0], Some(Draws::new(1, 0))), [0.0; TOKENS]);
    }

    #[test]
    fn a_rate_outside_its_range_is_refused() {
        for rate in [1.0, -0.1, f64::NAN] {
            let error = bag(Pooling::Mean, rate).build(&[&Shape::features(1)]).unwrap_err();
            assert_eq!(error, format!("token_dropout lies in [0, 1), it is {rate}"));
        }
    }

    #[test]
    fn a_description_without_it_is_what_it_was() {
        let written = serde_json::to_string(&bag(Pooling::Sum, 0.0)).unwrap();
        assert_eq!(written, r#"{"tokens":50,"size":50,"pooling":"sum"}"#);
        let read: EmbeddingBag = serde_json::from_str(&written).unwrap();
        assert_eq!(read, bag(Pooling::Sum, 0.0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn gradients_agree_with_central_differences(
            length in 1usize..7, rows in 1usize..5, rate in 0.0..0.9, seed in any::<u64>(), kind in 0usize..3
        ) {
            let (tokens, size, token_dropout) = (6, 2, rate);
            let shape = Shape::features(length);
            let layer = match kind {
                0 => EmbeddingBag { tokens, size, pooling: Pooling::Mean, token_dropout }.build(&[&shape]),
                1 => EmbeddingBag { tokens, size, pooling: Pooling::Sum, token_dropout }.build(&[&shape]),
                _ => Embedding { tokens, size, padding: true, token_dropout }.build(&[&shape]),
            };
            numeric_gradient::check_table(&*layer.unwrap(), tokens, (rows, length), seed);
        }
    }
}
