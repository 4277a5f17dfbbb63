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
    let views =
        tensors.iter().map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
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

/// A file of a header, as it is written, and data.
fn raw(header: &str, data: &[u8]) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// A header in which the four tensors lie where they should, after a change of its text.
fn header(change: impl Fn(String) -> String) -> String {
    let tensor = |name: &str, shape: &str, from: usize, to: usize| {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{from},{to}]}}"#)
    };
    let tensors = [
        tensor("layer_1.weight", "[5,2]", 0, 40),
        tensor("layer_1.bias", "[5]", 40, 60),
        tensor("head.weight", "[1,5]", 60, 80),
        tensor("head.bias", "[1]", 80, 84),
    ];
    change(format!("{{{}}}", tensors.join(",")))
}

#[test]
fn hostile_files_are_refused_with_the_reason() {
    let description = network().description().unwrap();
    let data = [0u8; 84];
    assert!(Network::load(&description, &raw(&header(|h| h), &data)).is_ok());
    let refused = |file: &[u8], reason: &str| {
        let error = refusal(&description, file);
        assert!(error.starts_with("cannot load the network: ") && error.contains(reason), "{reason}: {error}");
    };
    let changed = |from: &str, to: &str| raw(&header(|h| h.replace(from, to)), &data);
    // Tensors over each other, a gap between them, one that ends before it begins, one beyond the end.
    refused(&changed("[40,60]", "[20,40]"), "layer_1.bias");
    refused(&changed("[80,84]", "[84,88]"), "head.bias");
    refused(&changed("[40,60]", "[60,40]"), "layer_1.bias");
    refused(&raw(&header(|h| h), &data[..80]), "damaged");
    // More data than the tensors hold.
    refused(&raw(&header(|h| h), &[0; 100]), "damaged");
    // Shapes that their bytes do not hold, and that cannot be counted.
    refused(&changed("[5,2]", "[5,3]"), "damaged");
    refused(&changed("[5,2]", "[4611686018427387904,16]"), "damaged");
    refused(&changed("[5,2]", "[-5,-2]"), "damaged");
    // Headers that are longer than the file, than any, or none.
    let long = |length: u64| [&length.to_le_bytes()[..], &raw(&header(|h| h), &data)[8..]].concat();
    for length in [u64::MAX, 1 << 62, 1 << 40, 10_000, 0] {
        refused(&long(length), "damaged");
    }
    // Brackets without end must not exhaust the stack.
    refused(&raw(&"[".repeat(200_000), &data), "damaged");
    refused(&raw(&format!(r#"{{"a":{}"#, r#"{"a":"#.repeat(200_000)), &data), "damaged");
    // Another type of the same size, and a name twice.
    refused(&changed(r#""F32","shape":[5]"#, r#""I32","shape":[5]"#), "tensor `layer_1.bias` is stored as I32");
    refused(&changed("head.bias", "layer_1.bias"), "");
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut data = data;
        data[44..48].copy_from_slice(&value.to_le_bytes());
        refused(&raw(&header(|h| h), &data), "the weights of layer_1 (dense) are not finite");
    }
}

#[test]
fn hostile_descriptions_are_refused_before_memory_is_asked_for() {
    let network = network();
    let (description, weights) = (network.description().unwrap(), network.weights().unwrap());
    let compact = serde_json::to_string(network.spec()).unwrap();
    let with = |from: &str, to: &str| {
        assert!(compact.contains(from), "{compact}");
        refusal(&compact.replace(from, to), &weights)
    };
    let error = with(r#""units":5"#, r#""units":18446744073709551615"#);
    assert!(error.starts_with("layer_1 (dense): with it the network has more than"), "{error}");
    assert!(with(r#""units":5"#, r#""units":-1"#).contains("its description is damaged"));
    assert!(with(r#""units":5"#, r#""unit":5"#).contains("its description is damaged: unknown field `unit`"));
    let block = r#"{"residual":{"layers":["#;
    let deep = with(r#"{"dense":{"units":5"#, &format!(r#"{}{{"dense":{{"units":5"#, block.repeat(100_000)));
    assert!(deep.contains("its description is damaged: recursion limit exceeded"), "{deep}");
    assert!(refusal(&description[..description.len() / 2], &weights).contains("its description is damaged: EOF"));
}
