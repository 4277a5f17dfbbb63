//! The folder of a model: complete, checked, and with everything that it needs.

use std::fs;

use super::super::bundle::{Bundle, Judgement, Parts, Replay, Saving, Score, Training, save};
use super::*;
use crate::diagnostic::Class;
use crate::relation::{FileFormat, FileScan};

fn copied(world: &World, model: &Trained) -> PathBuf {
    let target = world.path("copy/model");
    save(&model.folder, &Saving::at(&target).unwrap(), 1, None, None).unwrap();
    target
}

#[test]
fn each_damaged_or_missing_file_is_one_clear_error() {
    let world = World::new();
    let model = world.binary_model();
    for name in ["bundle.json", "encoder.json", "network.json", "weights.safetensors"] {
        let error = |change: &dyn Fn(&Path)| {
            let folder = copied(&world, &model);
            change(&folder.join(name));
            Bundle::read(&folder).and_then(|bundle| bundle.load(&folder).map(|_| ())).expect_err(name)
        };
        let gone = error(&|path| fs::remove_file(path).unwrap());
        assert_eq!(gone.class, Class::Data);
        assert!(gone.message.contains(name), "{gone}");
        fs::remove_dir_all(world.path("copy")).unwrap();
        let cut = error(&|path| fs::write(path, &fs::read(path).unwrap()[..20]).unwrap());
        assert_eq!(cut.class, Class::Data);
        assert!(cut.message.contains(name), "{cut}");
    }
    let folder = copied(&world, &model);
    let text = fs::read_to_string(folder.join("bundle.json")).unwrap();
    fs::write(folder.join("bundle.json"), text.replacen("\"format\":4", "\"format\":5", 1)).unwrap();
    let newer = Bundle::read(&folder).unwrap_err();
    assert!(newer.message.ends_with("has format 5, this gristmill reads 4"), "{newer}");
}

/// Changes `bundle.json`.
fn edit(folder: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let path = folder.join("bundle.json");
    let mut list = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut list);
    fs::write(&path, serde_json::to_vec(&list).unwrap()).unwrap();
}

#[test]
fn a_hostile_folder_is_read_no_further_than_it_states() {
    let world = World::new();
    let model = world.binary_model();
    let message = |change: &dyn Fn(&Path)| {
        let folder = copied(&world, &model);
        change(&folder);
        let read = Bundle::read(&folder).and_then(|bundle| bundle.load(&folder).map(|_| ()));
        fs::remove_dir_all(world.path("copy")).unwrap();
        read.expect_err("it is damaged").message
    };
    // More bytes than are stated, and fewer.
    let longer = message(&|folder| {
        let mut weights = fs::read(folder.join("weights.safetensors")).unwrap();
        weights.extend([0; 100]);
        fs::write(folder.join("weights.safetensors"), weights).unwrap();
    });
    assert!(longer.ends_with("weights.safetensors` is not what was saved with the model"), "{longer}");
    let absurd = message(&|folder| edit(folder, |list| list["files"]["encoder.json"]["bytes"] = u64::MAX.into()));
    assert!(absurd.contains("encoder.json` takes 18446744073709551615 bytes"), "{absurd}");
    let pipe = message(&|folder| {
        fs::remove_file(folder.join("network.json")).unwrap();
        std::os::unix::net::UnixListener::bind(folder.join("network.json")).unwrap();
    });
    assert!(pipe.ends_with("network.json`: it is no file"), "{pipe}");
    // A header of safetensors that claims more than there is, under a checksum that is right.
    let header = message(&|folder| {
        let content = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        fs::write(folder.join("weights.safetensors"), &content).unwrap();
        edit(folder, |list| {
            list["files"]["weights.safetensors"]["bytes"] = content.len().into();
            let checksum: String = blake3::hash(&content).to_hex().chars().take(32).collect();
            list["files"]["weights.safetensors"]["checksum"] = checksum.into();
        });
    });
    assert!(header.contains("its weights are damaged"), "{header}");
    let unstated = message(&|folder| {
        edit(folder, |list| {
            list["files"].as_object_mut().unwrap().remove("weights.safetensors");
        })
    });
    assert!(unstated.ends_with("weights.safetensors` is not what was saved with the model"), "{unstated}");
    let escape = message(&|folder| {
        edit(folder, |list| list["files"]["tables/../../secret"] = serde_json::json!({"bytes": 1, "checksum": "0"}));
        let bundle = Bundle::read(folder).unwrap();
        let error = bundle.replay(folder).unwrap_err();
        assert!(error.message.ends_with("a file `tables/../../secret` that does not lie in its folder"), "{error}");
        fs::remove_file(folder.join("bundle.json")).unwrap();
    });
    assert!(escape.ends_with("is no model: it has no `bundle.json`"), "{escape}");
}

#[test]
fn a_judgement_travels_with_a_saved_model_and_stands_on_its_card() {
    let world = World::new();
    let model = world.binary_model();
    let card = fs::read_to_string(model.folder.join("README.md")).unwrap();
    assert!(card.starts_with("# Model `stage`: foretells `late`\n"), "{card}");
    for words in ["Nobody has said", "| `carrier` | string | ", "epochs: 60", "| layer_1 (dense) | "] {
        assert!(card.contains(words), "{words} in {card}");
    }
    let score = Score {
        target: None,
        name: "roc_auc".to_owned(),
        value: Some(0.9),
        interval: Some((0.85, 0.95)),
        baseline: Some(0.5),
    };
    let judgement = Judgement {
        stage: "judged".to_owned(),
        part: Some("test".to_owned()),
        rows: 177,
        scores: vec![score],
        temperatures: [("late".to_owned(), 1.5)].into(),
        ..Judgement::default()
    };
    let target = world.path("judged");
    let written = save(&model.folder, &Saving::at(&target).unwrap(), 1, Some(&judgement), None).unwrap();
    assert_eq!(written.files.len(), 6);
    let bundle = Bundle::read(&target).unwrap();
    assert_eq!(bundle.judgement(&target).unwrap(), Some(judgement));
    assert_eq!(Bundle::read(&model.folder).unwrap().judgement(&model.folder).unwrap(), None);
    let card = fs::read_to_string(target.join("README.md")).unwrap();
    for words in
        ["on the part `test`: 177 rows", "| roc_auc | 0.9000 | 0.8500 to 0.9500 | 0.5000 |", "temperature of 1.5000"]
    {
        assert!(card.contains(words), "{words} in {card}");
    }
    fs::write(target.join("judgement.json"), "{}").unwrap();
    assert!(bundle.judgement(&target).unwrap_err().message.ends_with("is not what was saved with the model"));
}

#[test]
fn a_model_is_saved_with_its_network_as_onnx_and_what_that_reads_when_asked() {
    let world = World::new();
    let model = world.model(
        "tensors: {features: {number: [miles, seats], category: carrier}, target: grade}",
        "train: {network: [{dense: 8}], epochs: 2, save: {path: out/model, onnx: true}}",
    );
    assert_eq!(model.outcome.outputs[0].files.len(), 7);
    let folder = world.path("out/model");
    let described: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("network.onnx.json")).unwrap()).unwrap();
    assert_eq!(described["outputs"][0]["classes"], serde_json::json!(["far", "middle", "near"]));
    let features = described["inputs"][0]["features"].as_array().unwrap().len();
    assert_eq!(described["inputs"][0]["shape"], serde_json::json!(["rows", features]));
    let (_, network) = Bundle::read(&folder).unwrap().load(&folder).unwrap();
    assert_eq!(fs::read(folder.join("network.onnx")).unwrap(), network.to_onnx().unwrap());
    for (wrong, message) in [
        ("train: {save: {path: out/model, onx: true}}", "onx"),
        ("train: {save: 3}", "expected a folder such as `out/model`, or `{path: out/model, onnx: true}`"),
    ] {
        let (shape, _) = world.tensors(TENSORS);
        let found = world.refused(wrong, &[Shape::Tensors(shape)]);
        assert!(found.len() == 1 && found[0].contains(message), "{wrong}: {found:?}");
    }
}

#[test]
fn a_saved_model_replaces_a_model_and_nothing_else() {
    let world = World::new();
    let model = world.binary_model();
    let target = world.path("out/model");
    for _ in 0..2 {
        save(&model.folder, &Saving::at(&target).unwrap(), 1, None, None).unwrap();
        assert!(Bundle::read(&target).is_ok());
        let beside: Vec<_> = fs::read_dir(world.path("out")).unwrap().collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
    }
    fs::create_dir(world.path("mine")).unwrap();
    save(&model.folder, &Saving::at(&world.path("mine")).unwrap(), 1, None, None).unwrap();
    fs::create_dir(world.path("photos")).unwrap();
    fs::write(world.path("photos/cat.jpg"), "cat").unwrap();
    for (place, reason) in [
        ("photos", "is there already and is no model"),
        ("photos/cat.jpg", "is a file, but a model is a folder"),
        ("photos/cat.jpg/model", "is a file, not a folder"),
    ] {
        let error = Saving::at(&world.path(place)).unwrap_err();
        assert_eq!(error.class, Class::Output);
        assert!(error.message.ends_with(reason), "{error}");
    }
    assert!(world.path("photos/cat.jpg").exists());
}

/// A bundle whose relation is given.
fn bundle(world: &World, relation: &Relation, name: &str) -> PathBuf {
    let (_, tensors) = world.tensors("tensors: {features: [miles], target: late}");
    let input = crate::nn::Shape::features(tensors.encoder.width());
    let spec = crate::nn::NetworkSpec::sequential(input, Vec::new(), crate::nn::Head::Binary);
    let folder = world.path(name);
    Bundle::write(
        &folder,
        Parts {
            name: "m",
            network: &crate::nn::Network::new(spec, 0).unwrap(),
            encoder: &tensors.encoder,
            relation: &prepared(),
            replay: Replay::of(relation, &["miles".to_owned()]),
            training: Training {
                rows: 1,
                validated_on: None,
                epoch_chosen_on_validation: false,
                kept_epoch: 1,
                fingerprint: relation.fingerprint(),
                options: serde_json::json!({"epochs": 1}),
                epochs: Vec::new(),
            },
        },
    )
    .unwrap();
    folder
}

#[test]
fn tables_that_stages_made_travel_with_the_model_and_files_of_others_are_named() {
    let world = World::new();
    let learned = world.path("cache-groups.parquet");
    let side = world.path("side.parquet");
    for path in [&learned, &side] {
        crate::batch::write_parquet(path, &world.engine.tables[&CARRIERS]).unwrap();
    }
    let schema = schema(&[("code", DataType::String), ("seats", DataType::Float64)]);
    let file = |path: &Path, fingerprint: &str| {
        let source = ScanSource::Files(FileScan {
            paths: vec![path.to_path_buf()],
            format: FileFormat::Parquet,
            file_schema: schema.clone(),
            filename: None,
            rows: None,
            fingerprint: fingerprint.to_owned(),
        });
        Arc::new(Relation::Scan(Scan { source, schema: schema.clone() }))
    };
    let join = |left: Arc<Relation>, right: Arc<Relation>, name: &str| {
        Arc::new(Relation::Join(Box::new(relation::Join {
            left,
            right,
            kind: JoinKind::Inner,
            on: vec![("carrier".to_owned(), "code".to_owned())],
            take: vec![("seats".to_owned(), name.to_owned())],
            asof: None,
        })))
    };
    let trips = scan(ALL, &trip_schema());
    let joined = join(join(trips, file(&learned, ""), "fill"), file(&side, "as it was"), "seats");
    let product = Expr::binary(
        crate::expression::BinaryOperator::Multiply,
        Expr::column("fill", DataType::Float64),
        Expr::column("seats", DataType::Float64),
        DataType::Float64,
    );
    let columns = vec![NamedExpr { name: "miles".to_owned(), expr: product }];
    let folder = bundle(&world, &Relation::Project { input: joined, columns }, "m");
    fs::remove_file(&learned).unwrap();

    let read = Bundle::read(&folder).unwrap();
    let replay = read.replay(&folder).unwrap();
    assert_eq!(replay.inputs, self::schema(&[("carrier", DataType::String)]));
    let rows = scan(ALL, &trip_schema());
    let applied = replay.over(&rows, &trip_schema(), &["id".to_owned()], &["miles".to_owned()]).unwrap();
    let found = crate::batch::floats(crate::batch::column(&world.engine.rows(&applied.relation), "miles").unwrap());
    // Row 1 is a trip of carrier C with 200 seats.
    assert_eq!((found.len(), found[1]), (TRIPS, 200.0 * 200.0));

    let table = folder.join("tables/0.parquet");
    fs::write(&table, "damaged").unwrap();
    assert!(read.replay(&folder).unwrap_err().message.ends_with("is not what was saved with the model"));
    fs::remove_file(&side).unwrap();
    crate::batch::write_parquet(&table, &world.engine.tables[&CARRIERS]).unwrap();
    assert!(read.replay(&folder).unwrap_err().message.ends_with("side.parquet`, which is gone"));
}

#[test]
fn a_long_pipeline_with_deep_expressions_can_be_read_back() {
    let world = World::new();
    let mut relation = scan(ALL, &trip_schema());
    for _ in 0..60 {
        let doubled = (0..2).fold(Expr::column("distance", DataType::Float64), |value, _| {
            Expr::binary(crate::expression::BinaryOperator::Multiply, value, Expr::float(1.1), DataType::Float64)
        });
        let columns = vec![NamedExpr { name: "distance".to_owned(), expr: doubled }];
        relation = Arc::new(Relation::Project { input: relation, columns });
    }
    let deep = (0..150).fold(Expr::column("distance", DataType::Float64), |value, _| {
        Expr::binary(crate::expression::BinaryOperator::Multiply, value, Expr::float(1.0), DataType::Float64)
    });
    let top = Relation::Project { input: relation, columns: vec![NamedExpr { name: "miles".to_owned(), expr: deep }] };
    let folder = bundle(&world, &top, "deep");
    let replay = Bundle::read(&folder).unwrap().replay(&folder).unwrap();
    assert_eq!(replay, Replay::of(&top, &["miles".to_owned()]).unwrap());
}

#[test]
fn a_row_is_what_the_first_stage_hands_on() {
    let raw = scan(ALL, &schema(&[("id", DataType::Int64), ("distance", DataType::String)]));
    let number = Expr::column("distance", DataType::String).cast(DataType::Float64, false);
    let typed =
        Relation::Project { input: raw, columns: vec![NamedExpr { name: "distance".to_owned(), expr: number }] };
    let tap = |input: Relation, stage: &str, point: &str| {
        let tap = relation::Tap {
            stage: stage.to_owned(),
            point: point.to_owned(),
            counters: Vec::new(),
            samples: Vec::new(),
        };
        Relation::Tap { input: input.into(), tap: tap.into() }
    };
    let read = tap(tap(typed, "read", "in"), "read", "out");
    let doubled = Expr::binary(
        crate::expression::BinaryOperator::Multiply,
        Expr::column("distance", DataType::Float64),
        Expr::float(2.0),
        DataType::Float64,
    );
    let columns = vec![NamedExpr { name: "double".to_owned(), expr: doubled }];
    let derived = tap(Relation::Project { input: read.into(), columns: columns.clone() }, "derive", "out");
    let replay = Replay::of(&derived, &["double".to_owned()]).unwrap();
    let inputs = schema(&[("distance", DataType::Float64)]);
    let input = Relation::Scan(Scan { source: ScanSource::Input, schema: inputs.clone() });
    assert_eq!(replay, Replay { relation: Relation::Project { input: input.into(), columns }, inputs });
}

#[test]
fn a_cross_join_cannot_be_replayed() {
    let carriers = schema(&[("code", DataType::String), ("seats", DataType::Float64)]);
    let cross = Relation::Join(Box::new(relation::Join {
        left: scan(ALL, &trip_schema()),
        right: scan(CARRIERS, &carriers),
        kind: JoinKind::Cross,
        on: Vec::new(),
        take: vec![("seats".to_owned(), "seats".to_owned())],
        asof: None,
    }));
    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(Replay::of(&cross, &columns(&["seats"])).unwrap_err(), "a cross join pairs each row with every row");
    // Where nothing of the other table is needed, the join had no say in the values of a row.
    assert_eq!(Replay::of(&cross, &columns(&["distance"])).unwrap().inputs, schema(&[("distance", DataType::Float64)]));
}
