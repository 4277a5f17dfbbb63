//! Encodings of categories against scikit-learn and hand computations.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray};

use super::*;
use crate::statistics::oracle::cases;

const STORED: &str = include_str!("../../../tests/data/oracle/tensor_encoders.json");

fn array(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(values.iter().collect::<StringViewArray>())
}

fn fitted(encoding: CategoryEncoding, values: &[Option<&str>]) -> Category {
    let mut fit = CategoryFit::new("c", &encoding);
    fit.add(&array(values));
    fit.finish()
}

fn encode(category: &Category, values: &[Option<&str>]) -> (Vec<f32>, Counts) {
    let width = category.width();
    let mut inputs = vec![0.0; values.len() * width];
    let counts = category.encode(&array(values), &mut Part { inputs: &mut inputs, width, offset: 0 });
    (inputs, counts)
}

#[test]
fn buckets_are_those_of_scikit_learn() {
    for case in cases(STORED, "hashes") {
        let buckets = usize::try_from(case.integer("buckets")).unwrap();
        let (bucket, sign) = hash::bucket(&case.text("column"), &case.text("value"), buckets);
        assert_eq!((bucket as u64, f64::from(sign)), (case.integer("bucket"), case.number("sign")));
    }
}

#[test]
fn an_embedded_category_is_a_token_and_zero_is_what_training_had_not() {
    let embedding = CategoryEncoding::Embedding(Embedding { min_count: 2, ..Embedding::default() });
    let category =
        fitted(embedding.clone(), &[Some("a"), Some("b"), Some("a"), Some("b"), Some("a"), Some("rare"), None]);
    // a, b, another, missing, and token 0.
    let block = category.block().unwrap();
    assert_eq!((block.tokens, block.shape.as_slice(), block.kind), (Some(5), &[1][..], BlockKind::Category));
    let (found, counts) = encode(&category, &[Some("a"), Some("b"), Some("new"), None]);
    assert_eq!(found, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!((counts.unknown, counts.missing), (1, 1));
    let names: Vec<Option<&str>> = (0..5).map(|token| category.token(token)).collect();
    assert_eq!(names, [None, Some("a"), Some("b"), Some("another"), Some("missing")]);
    let category = fitted(embedding, &[Some("a"), Some("a"), Some("b"), Some("b")]);
    assert_eq!(encode(&category, &[Some("new"), None, Some("b")]).0, [0.0, 0.0, 2.0]);
    assert_eq!(category.block().unwrap().tokens, Some(3));
}

#[test]
fn the_length_of_a_vector_follows_from_the_number_of_values() {
    // round(1.6 n^0.56), at most 600: 2 values 1.6 * 1.474 = 2.36, 100 values 1.6 * 13.18 = 21.1.
    assert_eq!([2, 100, 10_000_000].map(options::dimension), [2, 21, 600]);
}

#[test]
fn rare_values_share_an_input() {
    let one_hot = CategoryEncoding::OneHot(OneHot { max_categories: None, min_count: 2 });
    let category = fitted(one_hot, &[Some("a"), Some("b"), Some("a"), Some("c")]);
    assert_eq!(category.input_names(), ["c = a", "c is another"]);
    assert_eq!(category.rare(), 2);
    assert_eq!(encode(&category, &[Some("a"), Some("c"), Some("new")]).0, [1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
}

#[test]
fn hashed_columns_have_a_mark_for_missing_values_and_know_no_unknown_ones() {
    let hash = CategoryEncoding::Hash(Hash { buckets: 4, signed: true });
    let category = fitted(hash, &[Some("a"), None]);
    assert_eq!(category.width(), 5);
    let (found, counts) = encode(&category, &[Some("x"), None]);
    assert_eq!(found[..4].iter().map(|value| value.abs()).sum::<f32>(), 1.0);
    assert_eq!(found[5..], [0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!((counts.unknown, counts.missing), (0, 1));
}

#[test]
fn a_damaged_category_is_refused_when_it_is_read() {
    let category = fitted(CategoryEncoding::Hash(Hash::default()), &[Some("a")]);
    let text = serde_json::to_string(&category).unwrap().replace("\"buckets\":64", "\"buckets\":0");
    assert!(serde_json::from_str::<Category>(&text).unwrap_err().to_string().contains("no such buckets"));
}
