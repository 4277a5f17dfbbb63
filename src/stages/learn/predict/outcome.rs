//! What the network says, as columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray};
use ndarray::Array2;

use crate::expression::DataType;
use crate::stages::learn::evaluate::largest;
use crate::tensor::{Classes, Target, TargetKind};

/// The type of the column `prediction`: that of the target for classes, float64 for numbers.
pub(super) fn data_type(kind: TargetKind, target: &DataType) -> DataType {
    match (kind, target) {
        (TargetKind::Number | TargetKind::Count, _) => DataType::Float64,
        (_, DataType::Boolean) => DataType::Boolean,
        // Every class of these fits.
        (_, target) if target.is_integer() && *target != DataType::UInt64 => DataType::Int64,
        _ => DataType::String,
    }
}

/// Predictions of some rows.
pub(super) struct Columns {
    /// `prediction`, and `probability` for classes.
    pub(super) arrays: Vec<ArrayRef>,
    /// For each row its class, or its number.
    pub(super) values: Values,
}

/// Predictions as numbers.
pub(super) enum Values {
    /// The numbers of the classes.
    Classes(Vec<u32>),
    /// Numbers in the unit of the target.
    Numbers(Vec<f64>),
}

/// The columns for the outputs `[n, width]` of a network; `data_type` is that of the column `prediction`.
pub(super) fn columns(outputs: &Array2<f32>, target: &Target, threshold: f64, data_type: &DataType) -> Columns {
    let (classes, names, probabilities): (Vec<u32>, &Classes, Vec<f64>) = match target {
        Target::Number(number) => {
            let values: Vec<f64> = outputs.iter().map(|value| number.restore(*value)).collect();
            let array: ArrayRef = Arc::new(Float64Array::from(values.clone()));
            return Columns { arrays: vec![array], values: Values::Numbers(values) };
        }
        // The head of counts gives their expectation; labels have no column yet, and no stage makes such targets.
        Target::Count(_) | Target::MultiLabel(_) => {
            let values: Vec<f64> = outputs.iter().map(|value| f64::from(*value)).collect();
            let array: ArrayRef = Arc::new(Float64Array::from(values.clone()));
            return Columns { arrays: vec![array], values: Values::Numbers(values) };
        }
        Target::Binary(names) => {
            let probabilities: Vec<f64> = outputs.iter().map(|p| f64::from(*p)).collect();
            (probabilities.iter().map(|p| u32::from(*p >= threshold)).collect(), names, probabilities)
        }
        Target::Category(names) => {
            let chosen = outputs.rows().into_iter().map(|row| {
                let class = largest(row.iter().copied());
                (class, row.get(class as usize).map_or(f64::NAN, |p| f64::from(*p)))
            });
            let (classes, probabilities) = chosen.unzip();
            (classes, names, probabilities)
        }
    };
    let chosen = classes.iter().map(|class| names.names.get(*class as usize).map(String::as_str));
    let prediction: ArrayRef = match data_type {
        DataType::Boolean => Arc::new(chosen.map(|name| name.map(|name| name == "true")).collect::<BooleanArray>()),
        DataType::Int64 => Arc::new(chosen.map(|name| name.and_then(|name| name.parse().ok())).collect::<Int64Array>()),
        _ => Arc::new(chosen.collect::<StringViewArray>()),
    };
    let probability: ArrayRef = Arc::new(Float64Array::from(probabilities));
    Columns { arrays: vec![prediction, probability], values: Values::Classes(classes) }
}
