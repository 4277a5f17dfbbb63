//! What a stage means, as a short name. Comments, order of keys and spelled-out defaults do not change it.

use crate::stages::{Planned, Shape};

/// The version of the cache's content: raised when a stage's results change for the same meaning.
const CACHE_FORMAT: u32 = 7;

/// 32 hexadecimal digits over the kind, the relation of the product, the further meaning and the inputs' fingerprints.
pub(super) fn stage(kind: &str, planned: &Planned, inputs: &[&str]) -> String {
    let relation = match &planned.product {
        Shape::Table(table) => table.relation.fingerprint(),
        Shape::Tensors(tensors) => tensors.table.relation.fingerprint(),
        Shape::Model(_) | Shape::Nothing => String::new(),
    };
    let meaning = serde_json::json!({
        "format": CACHE_FORMAT,
        "kind": kind,
        "relation": relation,
        "meaning": planned.meaning,
        "inputs": inputs,
    });
    blake3::hash(meaning.to_string().as_bytes()).to_hex().chars().take(32).collect()
}
