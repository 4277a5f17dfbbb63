//! Texts become tokens: whole numbers that an embedding looks up.
//!
//! ```text
//! text --units--> words or characters --n-grams--> vocabulary or bucket --cut and pad--> [length] tokens
//! ```
//!
//! Token 0 is the padding and token 1 stands for what the vocabulary does not have. The words of the vocabulary follow,
//! the most frequent first, and then the buckets of hashed n-grams. The same row serves as a sequence for `embedding`,
//! which looks at the order, and as a bag for `embedding_bag`, which does not: fastText (Joulin, Grave, Bojanowski &
//! Mikolov 2016, *Bag of tricks for efficient text classification*) is words and hashed pairs of words in a bag.
//!
//! | where | what |
//! |---|---|
//! | `specification` | the options |
//! | `units` | words and characters |
//! | `vocabulary` | counts within bounded memory |
//! | `encoder` | what is learned, and a text as tokens |

mod encoder;
mod specification;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;
mod units;
mod vocabulary;

pub use encoder::{Piece, Text, TextCounts, TextFacts, TextFit};
pub use specification::{Ngrams, Side, TextOptions, TextUnit};
pub use vocabulary::{Vocabulary, VocabularyFit, Word};
