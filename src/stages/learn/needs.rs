//! What stages of this family ask of their inputs.

use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::stages::{ModelShape, Product, Shape, TensorsProduct, TensorsShape};

/// The first input as tensors.
///
/// Errors: it is something else.
pub(super) fn tensors<'a>(inputs: &'a [Shape], ids: &[String]) -> Result<&'a TensorsShape, Findings> {
    let help = "put a `tensors` stage in between: `tensors: {features: [distance, carrier], target: late}`";
    match inputs.first() {
        Some(Shape::Tensors(tensors)) => Ok(tensors),
        other => Err(vec![wrong("tensors", other, 0, ids).help(help)]),
    }
}

/// The input at `position` as a model.
///
/// Errors: it is something else.
pub(super) fn model<'a>(inputs: &'a [Shape], position: usize, ids: &[String]) -> Result<&'a ModelShape, Findings> {
    match inputs.get(position) {
        Some(Shape::Model(model)) => Ok(model),
        other => Err(vec![wrong("a model", other, position, ids).help("name a `train` stage")]),
    }
}

fn wrong(needed: &str, found: Option<&Shape>, position: usize, ids: &[String]) -> Diagnostic {
    let id = ids.get(position).map_or("the input", String::as_str);
    Diagnostic::definition(match found {
        Some(found) => format!("needs {needed}, but `{id}` gives {}", found.noun()),
        None => format!("needs {needed}, but there is no stage above it"),
    })
}

/// The first product as tensors.
pub(super) fn tensors_product(products: &[Product]) -> Result<&TensorsProduct, Diagnostic> {
    match products.first() {
        Some(Product::Tensors(tensors)) => Ok(tensors),
        _ => Err(Diagnostic::error(Class::Stage, "the stage was given no tensors")),
    }
}
