#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::super::graph::NodeSpec;
use super::super::layers::*;
use super::*;

fn spec() -> NetworkSpec {
    let layers = vec![LayerSpec::dense(8, Activation::Relu), LayerSpec::dropout(0.5)];
    NetworkSpec::sequential(Shape::features(3), layers, Head::Multiclass { classes: 4 })
}

fn refused(change: impl FnOnce(&mut NetworkSpec)) -> String {
    let mut spec = spec();
    change(&mut spec);
    spec.summary().unwrap_err().to_string()
}

#[test]
fn layers_that_do_not_fit_are_named_with_their_place() {
    let rate = refused(|s| s.nodes[1].layer = LayerSpec::dropout(1.5));
    assert_eq!(rate, "layer_2 (dropout): the rate of dropout lies in [0, 1), it is 1.5");
    let mut wrong = spec();
    wrong.nodes[1].layer = LayerSpec::Conv2d(Conv2d::new(4, [3, 3], Activation::Relu));
    let Error::Layer { index, reason, .. } = wrong.summary().unwrap_err() else { panic!("another error") };
    assert_eq!(index, Some(1));
    assert_eq!(reason, "a conv2d layer reads images [height, width, channels], these rows are [8]");
    let classes = refused(|s| s.outputs[0].head = Head::Multiclass { classes: 1 });
    assert_eq!(classes, "output `target`: a multiclass head needs at least 2 classes, it has 1");
    let width = refused(|s| s.outputs[0].head = Head::Binary);
    assert_eq!(width, "output `target`: its head needs rows of 1 logits, `head` gives [4]");
    let input = refused(|s| s.inputs[0].shape = Shape::features(0));
    assert!(input.starts_with("input: a network reads rows of at least one number"), "{input}");
}

#[test]
fn networks_that_are_too_large_are_refused() {
    let wide = refused(|s| {
        *s = NetworkSpec::sequential(Shape::features(1 << 20), vec![LayerSpec::dropout(0.5); 300], Head::Binary);
    });
    assert_eq!(wide, "layer_256 (dropout): with it a row needs more than 268435456 numbers in all layers");
    for units in [1 << 27, usize::MAX] {
        let large = refused(|s| s.nodes[0].layer = LayerSpec::dense(units, Activation::Relu));
        assert_eq!(large, "layer_1 (dense): with it the network has more than 268435456 parameters");
    }
}

#[test]
fn names_are_checked() {
    let unknown = refused(|s| s.nodes[0].inputs = vec!["head".to_owned()]);
    assert_eq!(unknown, "layer_1 (dense): it reads `head`, which does not stand before it");
    let twice = refused(|s| s.nodes[1].name = "layer_1".to_owned());
    assert_eq!(twice, "layer_1 (dropout): there are two of the name `layer_1`");
    let unused = refused(|s| s.nodes[1].inputs = vec!["input".to_owned()]);
    assert_eq!(unused, "layer_1 (dense): nothing reads what it gives");
    let dot = refused(|s| s.nodes[1].name = "a.b".to_owned());
    assert_eq!(dot, "a.b (dropout): `a.b` is no name for a layer: it is empty or has a dot or a slash");
    let two = refused(|s| s.nodes[1].inputs.push("input".to_owned()));
    assert_eq!(two, "layer_2 (dropout): it reads one input, not 2");
    let nothing = refused(|s| s.outputs[0].from = "layer_9".to_owned());
    assert_eq!(nothing, "output `target`: there is no layer `layer_9`");
}

#[test]
fn tokens_go_to_embeddings_only() {
    let tokens = refused(|s| s.inputs[0].tokens = Some(9));
    assert_eq!(tokens, "layer_1 (dense): it reads numbers, these are tokens; put an embedding before it");
    let embedding = LayerSpec::Embedding(Embedding { tokens: 5, size: 2, padding: true, token_dropout: 0.0 });
    let numbers = refused(|s| s.nodes[0].layer = embedding.clone());
    assert_eq!(numbers, "layer_1 (embedding): it reads tokens, these are numbers");
    let many = refused(|s| {
        s.inputs[0].tokens = Some(9);
        s.nodes[0].layer = embedding;
    });
    assert_eq!(many, "layer_1 (embedding): it knows 5 tokens, the input has 9");
}

#[test]
fn residual_blocks_become_their_layers_with_a_way_around() {
    let block = |layers| LayerSpec::Residual(Residual { layers, activation: Activation::Relu });
    let conv = |filters, stride| {
        let padding = Padding::Same;
        LayerSpec::Conv2d(Conv2d {
            stride: [stride, stride],
            padding,
            ..Conv2d::new(filters, [3, 3], Activation::Linear)
        })
    };
    let layers = vec![
        block(vec![conv(3, 1), LayerSpec::BatchNorm(BatchNorm::default())]),
        block(vec![conv(4, 2)]),
        LayerSpec::GlobalAveragePool(GlobalAveragePool {}),
    ];
    let summary = NetworkSpec::sequential(Shape::image(7, 7, 3), layers, Head::Binary).summary().unwrap();
    let rows: Vec<_> = summary.layers.iter().map(|row| format!("{} {}", row.layer, row.output)).collect();
    assert_eq!(
        rows,
        [
            "layer_1/1 (conv2d) [7, 7, 3]",
            "layer_1/2 (batch_norm) [7, 7, 3]",
            "layer_1/sum (add) [7, 7, 3]",
            "layer_1 (activate) [7, 7, 3]",
            "layer_2/1 (conv2d) [4, 4, 4]",
            "layer_2/around (conv2d) [4, 4, 4]",
            "layer_2/sum (add) [4, 4, 4]",
            "layer_2 (activate) [4, 4, 4]",
            "layer_3 (global_average_pool) [4]",
            "head (dense) [1]",
        ]
    );
}

#[test]
fn tables_stand_behind_all_other_parameters() {
    let input = super::super::graph::InputSpec::tokens("text", 3, 7);
    let bag = LayerSpec::EmbeddingBag(EmbeddingBag { tokens: 7, size: 2, pooling: Pooling::Mean, token_dropout: 0.0 });
    let plan = Plan::new(&NetworkSpec::chain(input, vec![bag], Head::Binary)).unwrap();
    assert_eq!((plan.dense_count, plan.parameter_count), (3, 17));
    let names: Vec<_> = plan.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["head.weight", "head.bias", "layer_1.weight"]);
}

#[test]
fn a_block_of_no_layers_is_refused() {
    let block = LayerSpec::Residual(Residual { layers: vec![], activation: Activation::Relu });
    let error = refused(|s| s.nodes[1] = NodeSpec { layer: block, ..s.nodes[1].clone() });
    assert_eq!(error, "layer_2 (residual): a residual block needs at least one layer");
}

#[test]
fn a_convolution_and_its_pooling_are_one_step_and_shown_as_two() {
    let layers = |more: bool| {
        let mut spec = NetworkSpec::chain(
            super::super::graph::InputSpec::numbers("image", Shape::image(6, 6, 1)),
            vec![],
            Head::Binary,
        );
        spec.nodes.clear();
        spec.push("conv", LayerSpec::Conv2d(Conv2d::new(2, [3, 3], Activation::Relu)), &["image"]);
        spec.push("pool", LayerSpec::MaxPool(MaxPool::default()), &["conv"]);
        spec.push("flat", LayerSpec::Flatten(Flatten {}), &["pool"]);
        let mut last = "flat".to_owned();
        if more {
            spec.push("mean", LayerSpec::GlobalAveragePool(GlobalAveragePool {}), &["conv"]);
            last = spec.push("both", LayerSpec::Concatenate(Concatenate {}), &["flat", "mean"]);
        }
        spec.push("head", LayerSpec::dense(1, Activation::Linear), &[&last]);
        spec
    };
    let plan = Plan::new(&layers(false)).unwrap();
    assert_eq!(plan.steps.iter().map(|step| step.kind).collect::<Vec<_>>(), ["conv2d", "dense"]);
    let shown = layers(false).summary().unwrap();
    let rows: Vec<_> =
        shown.layers.iter().map(|row| format!("{} {} {}", row.layer, row.output, row.parameters)).collect();
    assert_eq!(
        rows,
        ["conv (conv2d) [4, 4, 2] 20", "pool (max_pool) [2, 2, 2] 0", "flat (flatten) [8] 0", "head (dense) [1] 9"]
    );
    // What another layer reads too stays a value of its own.
    let plan = Plan::new(&layers(true)).unwrap();
    let kinds: Vec<_> = plan.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, ["conv2d", "max_pool", "global_average_pool", "concatenate", "dense"]);
}

#[test]
fn a_batch_norm_its_activation_and_its_pooling_are_one_step_and_shown_as_three() {
    let conv = |filters| {
        let linear = Activation::Linear;
        LayerSpec::Conv2d(Conv2d { bias: false, padding: Padding::Same, ..Conv2d::new(filters, [3, 3], linear) })
    };
    let norm = || LayerSpec::BatchNorm(BatchNorm::default());
    let activate = |activation| LayerSpec::Activate(Activate { activation });
    let layers = vec![
        conv(2),
        norm(),
        activate(Activation::Relu),
        LayerSpec::MaxPool(MaxPool::default()),
        conv(3),
        norm(),
        activate(Activation::Relu),
        conv(3),
        norm(),
        activate(Activation::Gelu),
        LayerSpec::Flatten(Flatten {}),
    ];
    let spec = NetworkSpec::sequential(Shape::image(6, 6, 1), layers, Head::Binary);
    let plan = Plan::new(&spec).unwrap();
    let kinds: Vec<_> = plan.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, ["conv2d", "batch_norm", "conv2d", "batch_norm", "conv2d", "batch_norm", "activate", "dense"]);
    let rows: Vec<_> = spec
        .summary()
        .unwrap()
        .layers
        .iter()
        .map(|row| format!("{} {} {}", row.layer, row.output, row.parameters))
        .collect();
    assert_eq!(
        rows[..7],
        [
            "layer_1 (conv2d) [6, 6, 2] 18",
            "layer_2 (batch_norm) [6, 6, 2] 8",
            "layer_3 (activate) [6, 6, 2] 0",
            "layer_4 (max_pool) [3, 3, 2] 0",
            "layer_5 (conv2d) [3, 3, 3] 54",
            "layer_6 (batch_norm) [3, 3, 3] 12",
            "layer_7 (activate) [3, 3, 3] 0",
        ]
    );
    // Parameters have the same names and places with a step for each layer.
    let places = |plan: &Plan| plan.parameters.iter().map(|p| (p.name.clone(), p.range.clone())).collect::<Vec<_>>();
    assert_eq!(places(&plan), places(&Plan::apart(&spec).unwrap()));
}
