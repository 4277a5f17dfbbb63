//! Deep JSON in pieces. Readers of JSON refuse what is nested deeper than 128, to be safe from hostile files; a long
//! pipeline is deeper than that. So what is too deep is kept as a list of pieces: each may point at pieces before it,
//! the last is the whole.

use serde_json::{Map, Value, json};

/// Nesting of one piece at most.
const DEPTH: usize = 64;
/// Nesting of the whole at most when it is read: more than any pipeline needs, less than a stack holds.
const DEEPEST: usize = 900;
/// The key of a pointer to another piece; no relation has it.
const POINTER: &str = "$piece";

/// Cuts a value into pieces.
pub(super) fn split(value: Value) -> Vec<Value> {
    let mut pieces = Vec::new();
    let whole = cut(value, 0, &mut pieces);
    pieces.push(whole);
    pieces
}

fn cut(value: Value, depth: usize, pieces: &mut Vec<Value>) -> Value {
    if depth == DEPTH && matches!(value, Value::Array(_) | Value::Object(_)) {
        let piece = cut(value, 0, pieces);
        pieces.push(piece);
        return json!({ POINTER: pieces.len() - 1 });
    }
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(|item| cut(item, depth + 1, pieces)).collect()),
        Value::Object(entries) => {
            let entries = entries.into_iter().map(|(key, value)| (key, cut(value, depth + 1, pieces)));
            Value::Object(entries.collect())
        }
        scalar => scalar,
    }
}

/// Puts pieces together.
///
/// Errors: in words, when there are none, a pointer leads nowhere, or the whole is nested too deeply.
pub(super) fn join(pieces: Vec<Value>) -> Result<Value, String> {
    // For each piece its value, until it is taken, and how deeply it is nested.
    let mut joined: Vec<(Option<Value>, usize)> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let mut depth = 0;
        let value = put(piece, 0, &mut joined, &mut depth)?;
        joined.push((Some(value), depth));
    }
    joined.pop().and_then(|(whole, _)| whole).ok_or_else(|| "it has no relation".to_owned())
}

fn put(value: Value, at: usize, joined: &mut [(Option<Value>, usize)], deepest: &mut usize) -> Result<Value, String> {
    *deepest = (*deepest).max(at);
    match value {
        Value::Array(items) => {
            items.into_iter().map(|item| put(item, at + 1, joined, deepest)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(entries) => match pointer(&entries) {
            Some(pointer) => {
                let piece = joined.get_mut(pointer).and_then(|(value, depth)| Some((value.take()?, *depth)));
                let (piece, depth) = piece.ok_or("a piece of its relation is missing")?;
                *deepest = (*deepest).max(at + depth);
                if *deepest > DEEPEST { Err("its relation is nested too deeply".to_owned()) } else { Ok(piece) }
            }
            None => {
                let entries = entries.into_iter().map(|(key, value)| Ok((key, put(value, at + 1, joined, deepest)?)));
                entries.collect::<Result<Map<_, _>, String>>().map(Value::Object)
            }
        },
        scalar => Ok(scalar),
    }
}

fn pointer(entries: &Map<String, Value>) -> Option<usize> {
    let place = (entries.len() == 1).then(|| entries.get(POINTER)).flatten()?;
    place.as_u64().and_then(|place| usize::try_from(place).ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!("core"), |value, level| {
            if level % 2 == 0 { json!([level, value]) } else { json!({"a": value, "b": level}) }
        })
    }

    #[test]
    fn what_is_cut_is_put_together_again_and_each_piece_can_be_read() {
        for depth in [0, 1, 63, 64, 65, 130, 500] {
            let pieces = split(nested(depth));
            assert_eq!(pieces.len(), depth.saturating_sub(1) / DEPTH + 1, "{depth}");
            let text = serde_json::to_string(&pieces).unwrap();
            let read: Vec<Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(join(read).unwrap(), nested(depth));
        }
    }

    #[test]
    fn damaged_pieces_are_refused() {
        assert_eq!(join(vec![]).unwrap_err(), "it has no relation");
        let missing = "a piece of its relation is missing";
        assert_eq!(join(vec![json!({"a": {"$piece": 0}})]).unwrap_err(), missing);
        assert_eq!(join(vec![json!(1), json!([{"$piece": 0}, {"$piece": 0}])]).unwrap_err(), missing);
        let chain: Vec<Value> =
            (0..10_000).map(|at| if at == 0 { json!([]) } else { json!([{"$piece": at - 1}]) }).collect();
        assert_eq!(join(chain).unwrap_err(), "its relation is nested too deeply");
    }
}
