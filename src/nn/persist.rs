//! A network on disk: its description as JSON, its weights in the safetensors format.
//!
//! The tensors are named by layer and parameter (`layer_1.weight`, `head.bias`), stored as `F32`, row-major,
//! little-endian, as the format's documentation states (<https://github.com/huggingface/safetensors>). Loading believes
//! nothing: names, shapes, types and values are checked against the description, and a damaged file is an error.

use super::error::Error;
use super::graph::NetworkSpec;
use super::network::Network;
use super::plan::Plan;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeSet;

impl Network {
    /// The description as JSON, for [`Network::load`].
    ///
    /// Errors: [`Error::Store`].
    pub fn description(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self.spec()).map_err(|e| Error::Store(e.to_string()))
    }

    /// Refuses a network that is not worth keeping.
    pub(super) fn check_finite(&self) -> Result<(), Error> {
        match self.plan.not_finite(&self.parameters) {
            Some(step) => Err(Error::Store(format!("the weights of {} are not finite", step.title()))),
            None => Ok(()),
        }
    }

    /// The weights as a safetensors file. The same network gives the same bytes.
    ///
    /// Errors: [`Error::Store`], also where a weight is not finite: such a network is not worth keeping.
    pub fn weights(&self) -> Result<Vec<u8>, Error> {
        self.check_finite()?;
        let bytes: Vec<u8> = self.parameters.iter().flat_map(|p| p.to_le_bytes()).collect();
        let mut tensors = Vec::new();
        for place in &self.plan.parameters {
            let data = bytes.get(place.range.start * 4..place.range.end * 4).unwrap_or_default();
            let view = TensorView::new(Dtype::F32, place.shape.clone(), data);
            tensors.push((&place.name, view.map_err(|e| Error::Store(e.to_string()))?));
        }
        safetensors::serialize(tensors, None).map_err(|e| Error::Store(e.to_string()))
    }

    /// The network of a description and its weights, as [`Network::description`] and [`Network::weights`] gave them.
    ///
    /// Errors: [`Error::Load`] where the JSON is not a description, the file is damaged, a tensor is missing or
    /// unknown, has another shape or type, or holds a number that is not finite; [`Error::Layer`] where the description
    /// does not make up a network.
    pub fn load(description: &str, weights: &[u8]) -> Result<Self, Error> {
        let load = |reason: String| Error::Load(reason);
        let spec: NetworkSpec =
            serde_json::from_str(description).map_err(|e| load(format!("its description is damaged: {e}")))?;
        let plan = Plan::new(&spec)?;
        let file = SafeTensors::deserialize(weights).map_err(|e| load(format!("its weights are damaged: {e}")))?;
        // More parameters than bytes is found before any memory is asked for.
        if plan.parameter_count > weights.len() / 4 {
            let (bytes, needed) = (weights.len(), plan.parameter_count);
            return Err(load(format!("its weights have {bytes} bytes, {needed} parameters need four each")));
        }
        let mut unknown: BTreeSet<&str> = file.names().into_iter().collect();
        let mut parameters = Vec::with_capacity(plan.parameter_count);
        for place in &plan.parameters {
            let name = &place.name;
            let tensor = file.tensor(name).map_err(|_| load(format!("its weights lack the tensor `{name}`")))?;
            unknown.remove(name.as_str());
            if tensor.dtype() != Dtype::F32 {
                return Err(load(format!("tensor `{name}` is stored as {:?}, the network needs F32", tensor.dtype())));
            }
            if tensor.shape() != place.shape {
                let (got, expected) = (tensor.shape(), &place.shape);
                return Err(load(format!("tensor `{name}` has the shape {got:?}, the network needs {expected:?}")));
            }
            parameters.extend(tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)));
        }
        if let Some(name) = unknown.first() {
            return Err(load(format!("its weights hold a tensor `{name}` that the network does not have")));
        }
        if let Some(step) = plan.not_finite(&parameters) {
            return Err(load(format!("the weights of {} are not finite", step.title())));
        }
        Ok(Self::with_parameters(spec, plan, parameters))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests;
