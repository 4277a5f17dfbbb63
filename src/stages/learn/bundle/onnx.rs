//! What goes into the ONNX file of a network and what comes out, for programs that make its inputs themselves.

use serde_json::{Value, json};

use super::Bundle;
use super::judgement::Judgement;
use crate::nn::Network;
use crate::tensor::{BlockKind, Encoder, Target};

/// The description. The file holds the network from encoded inputs to predictions, and nothing of what is done to a row before; `encoder`
/// says that exactly, and `features` in words.
///
/// Errors: the encoder cannot be written as JSON.
pub(super) fn description(
    bundle: &Bundle,
    encoder: &Encoder,
    network: &Network,
    judgement: Option<&Judgement>,
) -> Result<Value, serde_json::Error> {
    let spec = network.spec();
    let inputs = spec.inputs.iter().zip(encoder.blocks()).enumerate().map(|(place, (input, block))| {
        let mut described = json!({
            "name": input.name,
            "type": if block.tokens.is_some() { "int64" } else { "float32" },
            "shape": std::iter::once(json!("rows")).chain(block.shape.iter().map(|size| json!(size))).collect::<Vec<_>>(),
            "made_of": block.kind,
        });
        if let Some(described) = described.as_object_mut() {
            if let Some(tokens) = block.tokens {
                described.insert("tokens_below".to_owned(), json!(tokens));
            }
            if block.kind == BlockKind::Table {
                described.insert("features".to_owned(), json!(encoder.feature_names(place)));
            }
        }
        described
    });
    let outputs = spec.outputs.iter().zip(encoder.targets()).map(|(output, target)| {
        let mut described = json!({ "name": output.name, "column": target.column() });
        let told = match target {
            Target::Binary(classes) => {
                json!({ "gives": "the probability of the second class", "classes": classes.names })
            }
            Target::Category(classes) => json!({ "gives": "the probability of each class", "classes": classes.names }),
            Target::MultiLabel(labels) => json!({ "gives": "the probability of each label", "labels": labels.names }),
            Target::Number(number) => json!({
                "gives": "a standardized number: multiply by `scale`, add `center`",
                "center": number.center,
                "scale": number.scale,
            }),
            Target::Count(_) => json!({ "gives": "the expected count" }),
        };
        if let (Some(described), Value::Object(told)) = (described.as_object_mut(), told) {
            described.extend(told);
            let temperature = judgement.map_or(1.0, |judgement| judgement.temperature(target.column()));
            if temperature != 1.0 {
                // The file gives what the network says; only `predict` calibrates.
                described.insert("temperature_not_applied".to_owned(), json!(temperature));
            }
            if let Some(threshold) = judgement.and_then(|judgement| judgement.thresholds.get(target.column())) {
                // Of calibrated probabilities, where there is a temperature.
                described.insert("threshold_not_applied".to_owned(), json!(threshold));
            }
        }
        described
    });
    Ok(json!({
        "model": bundle.name,
        "network": super::ONNX,
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
        "features": bundle.features,
        "encoder": serde_json::to_value(encoder)?,
    }))
}
