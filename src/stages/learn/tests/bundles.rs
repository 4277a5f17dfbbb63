//! The folder of a model: complete, checked, and with everything that it needs.

use std::fs;

use super::super::bundle::{Bundle, Parts, Replay, Training, check_target, save};
use super::*;
use crate::diagnostic::Class;
use crate::relation::{FileFormat, FileScan};

fn copied(world: &World, model: &Trained) -> PathBuf {
    let target = world.path("copy/model");
    save(&model.folder, &target, 1).unwrap();
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
    fs::write(folder.join("bundle.json"), text.replacen("\"format\":2", "\"format\":3", 1)).unwrap();
    let newer = Bundle::read(&folder).unwrap_err();
    assert!(newer.message.ends_with("has format 3, this gristmill reads 2"), "{newer}");
}

#[test]
fn a_saved_model_replaces_a_model_and_nothing_else() {
    let world = World::new();
    let model = world.binary_model();
    let target = world.path("out/model");
    for _ in 0..2 {
        save(&model.folder, &target, 1).unwrap();
        assert!(Bundle::read(&target).is_ok());
        let beside: Vec<_> = fs::read_dir(world.path("out")).unwrap().collect();
        assert_eq!(beside.len(), 1, "{beside:?}");
    }
    fs::create_dir(world.path("mine")).unwrap();
    save(&model.folder, &world.path("mine"), 1).unwrap();
    fs::create_dir(world.path("photos")).unwrap();
    fs::write(world.path("photos/cat.jpg"), "cat").unwrap();
    for (place, reason) in [
        ("photos", "is there already and is no model"),
        ("photos/cat.jpg", "is a file, but a model is a folder"),
        ("photos/cat.jpg/model", "is a file, not a folder"),
    ] {
        let error = check_target(&world.path(place)).unwrap_err();
        assert_eq!(error.class, Class::Output);
        assert!(error.message.ends_with(reason), "{error}");
        assert!(save(&model.folder, &world.path(place), 1).is_err());
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
            schema: &prepared().schema(),
            replay: Replay::of(relation, &["miles".to_owned()]),
            training: Training {
                rows: 1,
                validated_on: None,
                epoch_chosen_on_validation: false,
                kept_epoch: 1,
                fingerprint: relation.fingerprint(),
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
    let applied = replay.over(&rows, &trip_schema(), &["miles".to_owned()]).unwrap();
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
