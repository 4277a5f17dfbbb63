//! The one input of a layer that has one.

use super::super::shape::Shape;

/// The shape of the only input, or the reason why there is not exactly one.
pub(super) fn only<'a>(inputs: &[&'a Shape], reader: &str) -> Result<&'a Shape, String> {
    match inputs {
        [input] => Ok(input),
        _ => Err(format!("{reader} reads one input, it has {}", inputs.len())),
    }
}
