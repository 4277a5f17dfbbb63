//! What is refused before a row is read, and where.

use super::*;
use crate::nn::Head;

fn table() -> Vec<Shape> {
    vec![Shape::Table(table_shape())]
}

fn tensors(world: &World) -> Shape {
    world.sound(TENSORS, &table()).product
}

fn model(world: &World, split: Option<Split>) -> Shape {
    let Shape::Tensors(mut tensors) = tensors(world) else { panic!("no tensors") };
    tensors.table.split = split;
    Shape::Model(ModelShape { tensors, stage: "model".to_owned() })
}

#[test]
fn features_that_cannot_be_are_refused_at_their_place() {
    let world = World::new();
    for (yaml, expected) in [
        (
            "tensors: {features: [distanc], target: late}",
            "p.yaml:3:26: unknown column `distanc`: not in stage `above`; did you mean `distance`?",
        ),
        (
            "tensors: {features: [distance, late], target: late}",
            "p.yaml:3:36: `late` is the target and cannot be a feature (take it out of `features`)",
        ),
        (
            "tensors: {features: [distance, part], target: late}",
            "p.yaml:3:36: `part` names the part of each row and cannot be a feature (take it out of `features`)",
        ),
        (
            "tensors: {features: {number: [carrier]}, target: late}",
            "p.yaml:3:35: column `carrier` holds string, not numbers (derive a number from it, or list it under `category`)",
        ),
        (
            "tensors: {features: {category: distance}, target: late}",
            "p.yaml:3:36: column `distance` holds float64, which names nothing (list it under `number`, or derive a text from it)",
        ),
        ("tensors: {features: [], target: late}", "p.yaml:3:5: there is no feature (name columns in `features`)"),
        (
            "tensors: {features: {numbers: [miles]}, target: late}",
            "p.yaml:3:26: unknown option `numbers`: did you mean `number`? (the options are `number`, `category`, `date`, `text`, `image`, `audio` and `sequence`)",
        ),
        (
            "tensors: {features: {category: {carrier: target}, sequence: {columns: miles, order: id, window: 3}}, target: delay}",
            "p.yaml:3:37: `carrier` cannot become the mean of the target beside a `sequence`: without a row the mean still knows the rows before and after it (say `embedding`, `one_hot` or `hash`; or put `encode: {columns: {..: {target: ..}}}` above)",
        ),
        (
            "tensors: {features: 3, target: late}",
            "p.yaml:3:25: expected a list of columns, or columns by kind: `{number: [..], category: [..]}`, found integer `3`",
        ),
        (
            "tensors: {features: [miles], target: late, max_categories: 0}",
            "p.yaml:3:64: `max_categories` is a number from 1 to 65536",
        ),
        (
            "tensors: {features: [miles], target: delay, target_kind: category}",
            "p.yaml:3:42: column `delay` holds float64, which cannot be a category target (derive a column of another type from it)",
        ),
        (
            "tensors: {features: [miles], target: grade, target_kind: number}",
            "p.yaml:3:42: column `grade` holds string, which cannot be foretold as a number (derive a column of another type from it)",
        ),
    ] {
        assert_eq!(world.refused(yaml, &table()), [expected], "{yaml}");
    }
    assert_eq!(
        world.refused(TENSORS, &[Shape::Nothing]),
        ["p.yaml:3:5: needs a table, but `above` gives nothing (name another stage with `from`)"]
    );
}

#[test]
fn types_decide_what_a_plain_list_and_the_target_become() {
    let world = World::new();
    let specification = |yaml: &str| match world.sound(yaml, &table()).product {
        Shape::Tensors(tensors) => tensors.specification,
        _ => panic!("no tensors"),
    };
    let by_type = specification("tensors: {features: [miles, seats, carrier], target: late}");
    assert_eq!(by_type, specification(TENSORS));
    assert_eq!(by_type.kind(), TargetKind::Binary);
    let kind = |target: &str| specification(&format!("tensors: {{features: [miles], target: {target}}}")).kind();
    assert_eq!(
        [kind("late"), kind("grade"), kind("id")],
        [TargetKind::Binary, TargetKind::Category, TargetKind::Number]
    );
    assert_eq!(kind("id, target_kind: category"), TargetKind::Category);
    let planned = |yaml: &str| world.sound(yaml, &table()).meaning;
    assert_eq!(
        planned("tensors: {features: [miles, seats, carrier], target: late, number_scale: zscore}"),
        planned(TENSORS)
    );
}

#[test]
fn a_feature_that_comes_from_the_column_of_the_target_is_a_warning() {
    let world = World::new();
    let planned = world.sound("tensors: {features: [miles, seats], target: distance}", &table());
    let found: Vec<String> = planned.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "p.yaml:3:26: feature `miles` comes from the target `distance` (a model that is given the answer foretells nothing; leave \
          the feature out unless it is known beforehand)"
        ]
    );
    let planned = world.sound("tensors: {features: [seats, distance], target: miles}", &table());
    let found: Vec<&str> = planned.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(found, ["feature `distance` comes from the same column as the target `miles`"]);
    assert!(world.sound(TENSORS, &table()).findings.is_empty());
}

#[test]
fn layers_and_options_that_make_no_sense_are_refused_at_their_place() {
    let world = World::new();
    let inputs = [tensors(&world)];
    for (yaml, expected) in [
        (
            "train: {network: [{dense: 8}, {dropout: 1.5}]}",
            "p.yaml:3:35: layer_2 (dropout): the rate of dropout lies in [0, 1), it is 1.5: rows of [8] reach it",
        ),
        (
            "train: {network: [{dense: {units: 3, activation: rely}}]}",
            "p.yaml:3:54: unknown value `rely`: did you mean `relu`? (it is one of `relu`, `leaky_relu`, `gelu`, `elu`, `selu`, `silu`, \
             `mish`, `tanh`, `sigmoid`, `softmax` and `linear`)",
        ),
        (
            "train: {network: [{dense: many}]}",
            "p.yaml:3:31: expected a number of units, or `{units: 128, activation: relu}`, found string \"many\"",
        ),
        ("train: {network: [{dens: 8}]}", "p.yaml:3:24: unknown key `dens`: did you mean `dense`?"),
        ("train: {epochs: 0}", "p.yaml:3:21: `epochs` must be at least 1"),
        ("train: {clip_norm: -1}", "p.yaml:3:24: `clip_norm` must be a number above 0"),
        (
            "train: {optimizer: {sgd: {learning_rate: 0}}}",
            "p.yaml:3:24: `learning_rate` must be a number above 0, it is 0",
        ),
        (
            "train: {optimizer: adan}",
            "p.yaml:3:24: unknown value `adan`: did you mean `adam`? (it is one of `sgd`, `rmsprop`, `adam` and `adamw`)",
        ),
        ("train: {early_stopping: {patience: 0}}", "p.yaml:3:29: `patience` must be at least 1 epoch"),
        (
            "train: {learning_rate: find, optimizer: {sgd: {learning_rate: 0.1}}}",
            "p.yaml:3:28: the learning rate stands here and in `optimizer` (leave one of them out)",
        ),
        ("train: {learning_rate: 0}", "p.yaml:3:28: `learning_rate` must be a number above 0, it is 0"),
        ("train: {schedule: {cosine: {end: 2}}}", "p.yaml:3:23: `end` must lie between 0 and 1, it is 2"),
        (
            "train: {batch_size: [{epochs: 0, size: 8}]}",
            "p.yaml:3:25: each phase of `batch_size` has at least 1 epoch and a size of at least 1",
        ),
        (
            "train: {loss: mse}",
            "p.yaml:3:19: `mse` does not measure the target `late`, which is one of two classes (`binary_cross_entropy` and \
             `focal` do)",
        ),
        (
            "train: {loss: {focal: {class_weights: {\"true\": -1}}}}",
            "p.yaml:3:44: the weight of class `true` is -1; it must be 0 or a number above",
        ),
        ("train: {weights: mile}", "p.yaml:3:22: unknown column `mile`: not in stage `above`; did you mean `miles`?"),
        ("train: {weights: carrier}", "p.yaml:3:22: column `carrier` holds string, and weights are numbers"),
        ("train: {outputs: {lat: [{dense: 4}]}}", "p.yaml:3:23: `lat` is no target: did you mean `late`?"),
        (
            "train: {fusion: [{dense: 4}]}",
            "p.yaml:3:21: `fusion` needs `inputs`, whose ends it joins (with one kind of input, `network` lists all layers)",
        ),
        ("train: {inputs: {tabel: [{dense: 4}]}}", "p.yaml:3:22: there is no input `tabel`: did you mean `table`?"),
        ("train: {batch_size: 0}", "p.yaml:3:25: `batch_size` must be at least 1"),
        (
            "train: {early_stopping: {metric: mae}}",
            "p.yaml:3:29: the first target is no number and has no error (watch `loss` or `accuracy`)",
        ),
        (
            "train: {preset: tabular, network: [{dense: 4}]}",
            "p.yaml:3:21: the learning rates of `preset: tabular` belong to its own layers (leave out the preset or the layers)",
        ),
        ("train: {clip_value: 0}", "p.yaml:3:25: `clip_value` must be a number above 0"),
        ("train: {checkpoint: {every: 0}}", "p.yaml:3:33: `every` must be at least 1 epoch"),
        ("train: {on_divergence: {factor: 2}}", "p.yaml:3:28: `factor` must lie between 0 and 1, it is 2"),
        ("train: {validate_on: vali}", "p.yaml:3:26: there is no part `vali`: did you mean `valid`?"),
        (
            "train: {validate_on: train}",
            "p.yaml:3:26: the network learns from part `train` (judge the epochs on rows that are not learned)",
        ),
    ] {
        assert_eq!(world.refused(yaml, &inputs), [expected], "{yaml}");
    }
    let units = &world.refused("train: {network: [{dense: 0}]}", &inputs)[0];
    assert!(units.starts_with("p.yaml:3:23: layer_1 (dense): "), "{units}");
    assert_eq!(
        world.refused("train: {}", &table()),
        [
            "p.yaml:3:5: needs tensors, but `above` gives a table (put a `tensors` stage in between: `tensors: {features: [distance, \
          carrier], target: late}`)"
        ]
    );
}

#[test]
fn early_stopping_needs_a_part_to_judge_on() {
    let world = World::new();
    let Shape::Tensors(mut shape) = tensors(&world) else { panic!("no tensors") };
    shape.table.split = None;
    assert_eq!(
        world.refused("train: {early_stopping: {}}", &[Shape::Tensors(shape.clone())]),
        [
            "p.yaml:3:29: `early_stopping` needs a part to judge the epochs on (divide the rows into three parts with `split`, or \
          name one with `validate_on`)"
        ]
    );
    world.sound("train: {early_stopping: {}}", &[tensors(&world)]);
    let warned = world.sound("train: {validate_on: test}", &[tensors(&world)]).findings;
    assert!(warned[0].message.contains("`test`, which `evaluate` judges the model on"), "{warned:?}");
}

#[test]
fn defaults_mean_the_same_written_or_not() {
    let world = World::new();
    let meaning = |yaml: &str| world.sound(yaml, &[tensors(&world)]).meaning;
    let spelled = "train: {network: [{dense: {units: 128}}, {dense: 64}], epochs: 10, batch_size: 256, optimizer: adamw, seed: 0}";
    assert_eq!(meaning("train: {}"), meaning(spelled));
    assert_ne!(meaning("train: {}"), meaning("train: {seed: 1}"));
}

#[test]
fn a_model_is_not_judged_on_what_it_learned_unless_asked() {
    let world = World::new();
    let evaluate = |yaml: &str, split: Option<Split>| world.refused(yaml, &[model(&world, split)]);
    assert_eq!(
        evaluate("evaluate: {on: train}", Some(split())),
        ["p.yaml:3:20: the model learned from part `train` (judge on another part, or say `on_training_rows: true`)"]
    );
    assert_eq!(
        evaluate("evaluate: {on: tset}", Some(split())),
        ["p.yaml:3:20: there is no part `tset`: did you mean `test`?"]
    );
    assert_eq!(
        evaluate("evaluate: {}", None),
        [
            "p.yaml:3:5: there are no rows to judge on that the model did not learn from (divide the rows with `split` above \
          `tensors`, or say `on_training_rows: true`)"
        ]
    );
    assert_eq!(
        evaluate("evaluate: {threshold: 2}", Some(split())),
        ["p.yaml:3:27: `threshold` is a probability from 0 to 1, not 2"]
    );
    assert_eq!(
        world.refused("evaluate: {}", &[tensors(&world)]),
        ["p.yaml:3:5: needs a model, but `above` gives tensors (name a `train` stage)"]
    );
    for (yaml, split, part) in [
        ("evaluate: {}", Some(split()), serde_json::json!("test")),
        ("evaluate: {on: train, on_training_rows: true}", Some(split()), serde_json::json!("train")),
        ("evaluate: {on_training_rows: true}", None, serde_json::json!(null)),
    ] {
        assert_eq!(world.sound(yaml, &[model(&world, split)]).meaning["part"], part, "{yaml}");
    }
}

#[test]
fn rows_that_lack_what_the_model_needs_are_refused() {
    let world = World::new();
    let rows = |fields: &[(&str, DataType)]| {
        let schema = schema(fields);
        Shape::Table(TableShape::new(Relation::clone(&scan(NEW, &schema)), None))
    };
    let predict = "predict: {model: model}";
    let inputs = |fields: &[(&str, DataType)]| [rows(fields), model(&world, Some(split()))];
    assert_eq!(
        world.refused(predict, &inputs(&[("distanc", DataType::Float64), ("carrier", DataType::Int64)])),
        [
            "p.yaml:3:22: the model needs a column `distance` (float64) (there is a column `distanc`)",
            "p.yaml:3:22: the model needs string in column `carrier`, which holds int64 (read it as that type: `types: {carrier: \
             string}`)",
        ]
    );
    let fields = [("distance", DataType::Int64), ("carrier", DataType::String), ("prediction", DataType::Int64)];
    assert_eq!(
        world.refused(predict, &inputs(&fields)),
        [
            "p.yaml:3:22: column `prediction` exists already (say `suffix: _2` or `names: {..}` for other names, or keep \
          fewer `columns`)"
        ]
    );
    let planned = world.sound("predict: {model: model, suffix: _2}", &inputs(&fields));
    let Shape::Table(table) = planned.product else { panic!("no table") };
    let added: Vec<_> = table.schema.fields()[3..].to_vec();
    assert_eq!(added, [Field::new("prediction_2", DataType::Boolean), Field::new("probability_2", DataType::Float64)]);
    assert_eq!(
        world.refused("predict: {model: out/model}", &inputs(&fields)[..1]),
        [format!(
            "p.yaml:3:22: there is no folder `{}` (`train: {{save: out/model}}` saves a model)",
            world.path("out/model").display()
        )]
    );
}

#[test]
fn what_looks_at_other_rows_cannot_be_done_to_new_ones() {
    let world = World::new();
    let Shape::Model(mut shape) = model(&world, None) else { panic!("no model") };
    let input = shape.tensors.table.relation.clone();
    shape.tensors.table.relation = Arc::new(Relation::Union { inputs: vec![input.clone(), input] });
    let rows = Shape::Table(TableShape::new(prepared(), None));
    assert_eq!(
        world.refused("predict: {model: model}", &[rows, Shape::Model(shape)]),
        [
            "p.yaml:3:22: the model of `model` cannot be applied to new rows: the rows come from a union of tables (compute such \
          columns in a stage of their own before `predict`, and train on what that stage gives)"
        ]
    );
}

#[test]
fn the_head_follows_from_the_target() {
    use crate::tensor::{Classes, NumberTarget, Target};
    let classes = |names: &[&str]| Classes {
        column: "y".to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        counts: vec![1; names.len()],
    };
    let head = super::super::bundle::head;
    assert_eq!(head(&Target::Binary(classes(&["false", "true"]))), Head::Binary);
    assert_eq!(head(&Target::Category(classes(&["a", "b", "c"]))), Head::Multiclass { classes: 3 });
    let number = NumberTarget { column: "y".to_owned(), center: 0.0, scale: 1.0 };
    assert_eq!(head(&Target::Number(number)), Head::Regression { outputs: 1 });
}

use crate::tensor::TargetKind;

#[test]
fn options_have_schemas_that_take_what_is_read() {
    let mut generator = schemars::SchemaGenerator::default();
    let documents = [
        generator.root_schema_for::<Tensors>(),
        generator.root_schema_for::<Train>(),
        generator.root_schema_for::<Evaluate>(),
        generator.root_schema_for::<Predict>(),
    ];
    let takes = |kind: usize, options: serde_json::Value| {
        let schema = serde_json::to_value(&documents[kind]).unwrap();
        jsonschema::validator_for(&schema).unwrap().is_valid(&options)
    };
    use serde_json::json;
    assert!(takes(0, json!({"features": ["a"], "target": "y"})));
    assert!(takes(0, json!({"features": {"number": "a", "category": ["b"]}, "target": "y", "target_kind": "auto"})));
    assert!(!takes(0, json!({"features": {"numbers": "a"}, "target": "y"})));
    assert!(takes(
        1,
        json!({"network": [{"dense": 3}, {"dropout": 0.5}, {"dense": {"units": 3, "activation": "tanh"}}]})
    ));
    assert!(takes(1, json!({"optimizer": {"sgd": {"momentum": 0.9}}, "early_stopping": {"patience": 2}})));
    assert!(takes(
        1,
        json!({
            "inputs": {"table": [{"dense": 8}], "photo": [{"conv2d": {"filters": 4, "kernel": [3, 3], "padding": "same"}}, {"max_pool": [2, 2]}]},
            "fusion": [{"residual": [{"dense": 8}]}],
            "outputs": {"late": [{"dense": 4}], "delay": {"layers": [{"dense": 4}], "loss": {"huber": {"delta": 2}}, "weight": 0.5}},
        })
    ));
    assert!(takes(1, json!({"batch_size": "auto", "learning_rate": "find", "schedule": {"step": {"every": 2}}})));
    assert!(takes(
        1,
        json!({"batch_size": [{"epochs": 2, "size": 64}], "learning_rate": 0.1, "loss": {"focal": {"class_weights": "balanced"}}})
    ));
    assert!(
        !takes(1, json!({"batch_size": "large"}))
            && !takes(1, json!({"network": [{"conv2d": {"filters": 4, "kernel": [1, 2, 3]}}]}))
    );
    assert!(!takes(1, json!({"network": [{"dense": {"unit": 3}}]})));
    assert!(takes(2, json!({"on": "test", "threshold": 0.3})));
    assert!(takes(3, json!({"model": "out/model"})) && !takes(3, json!({})));
}
