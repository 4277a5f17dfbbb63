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
mod tests {
    use super::super::head::Head;
    use super::super::layers::{Activation, LayerSpec};
    use super::super::shape::Shape;
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    fn network() -> Network {
        let layers = vec![LayerSpec::dense(5, Activation::Tanh)];
        Network::new(NetworkSpec::sequential(Shape::features(2), layers, Head::Regression { outputs: 1 }), 1).unwrap()
    }

    fn refusal(description: &str, weights: &[u8]) -> String {
        Network::load(description, weights).unwrap_err().to_string()
    }

    /// Name, type, shape and bytes of a tensor.
    type Part = (&'static str, Dtype, Vec<usize>, Vec<u8>);

    fn file(tensors: &[Part]) -> Vec<u8> {
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
        safetensors::serialize(views, None).unwrap()
    }

    fn parts() -> Vec<Part> {
        vec![
            ("layer_1.weight", Dtype::F32, vec![5, 2], vec![0; 40]),
            ("layer_1.bias", Dtype::F32, vec![5], vec![0; 20]),
            ("head.weight", Dtype::F32, vec![1, 5], vec![0; 20]),
            ("head.bias", Dtype::F32, vec![1], vec![0; 4]),
        ]
    }

    #[test]
    fn a_network_comes_back_bit_for_bit() {
        let before = network();
        let after = Network::load(&before.description().unwrap(), &before.weights().unwrap()).unwrap();
        assert_eq!(before.parameters, after.parameters);
        let x = array![[0.5, -1.0], [2.0, 3.0]];
        assert_eq!(before.predict(x.view()).unwrap(), after.predict(x.view()).unwrap());
        assert_eq!(before.weights().unwrap(), after.weights().unwrap());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let description = network().description().unwrap();
        assert!(Network::load(&description, &file(&parts())).is_ok());
        let with = |change: &dyn Fn(&mut Vec<Part>)| {
            let mut tensors = parts();
            change(&mut tensors);
            refusal(&description, &file(&tensors))
        };
        let start = "cannot load the network: ";
        let padding = || ("other", Dtype::U8, vec![40], vec![0; 40]);
        assert_eq!(with(&|t| t[1] = padding()), format!("{start}its weights lack the tensor `layer_1.bias`"));
        assert_eq!(
            with(&|t| t.push(padding())),
            format!("{start}its weights hold a tensor `other` that the network does not have")
        );
        assert_eq!(
            with(&|t| t[0].2 = vec![2, 5]),
            format!("{start}tensor `layer_1.weight` has the shape [2, 5], the network needs [5, 2]")
        );
        assert_eq!(
            with(&|t| t[3].1 = Dtype::I32),
            format!("{start}tensor `head.bias` is stored as I32, the network needs F32")
        );
        assert_eq!(
            with(&|t| t[2].3[..4].copy_from_slice(&f32::NAN.to_le_bytes())),
            format!("{start}the weights of head (dense) are not finite")
        );
        let wide = description.replace("\"units\": 5", "\"units\": 50000000");
        assert!(refusal(&wide, &file(&parts())).ends_with(" bytes, 200000001 parameters need four each"));
    }

    #[test]
    fn damage_is_an_error() {
        let network = network();
        let (description, weights) = (network.description().unwrap(), network.weights().unwrap());
        assert!(
            refusal("{}", &weights)
                .starts_with("cannot load the network: its description is damaged: missing field `inputs`")
        );
        for damaged in [&[][..], &weights[..weights.len() - 1], &[0xff; 64], b"{\"a\":1}"] {
            assert!(refusal(&description, damaged).starts_with("cannot load the network: its weights are damaged: "));
        }
        let rate = description.replace("\"units\": 5", "\"units\": 0");
        assert!(refusal(&rate, &weights).starts_with("layer_1 (dense): "));
    }

    #[test]
    fn a_network_that_is_not_finite_is_not_stored() {
        let mut network = network();
        network.parameters[16] = f32::INFINITY;
        let error = network.weights().unwrap_err().to_string();
        assert_eq!(error, "cannot store the network: the weights of head (dense) are not finite");
    }

    proptest! {
        #[test]
        fn no_damage_makes_loading_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let network = network();
            let (description, mut weights) = (network.description().unwrap(), network.weights().unwrap());
            let at = at.index(weights.len());
            weights[at] = byte;
            weights.truncate(weights.len() - cut.index(weights.len()) / 4);
            if let Ok(loaded) = Network::load(&description, &weights) {
                prop_assert!(loaded.parameters.iter().all(|p| p.is_finite()));
            }
        }
    }
}
