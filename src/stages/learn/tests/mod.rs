//! The family end to end, over a plain engine in memory: what is refused before a row is read, what is learned, what is
//! kept.

mod bundles;
mod engine;
mod judging;
mod learning;
mod planning;
mod predicting;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringViewArray};
use tempfile::TempDir;

use super::evaluate::Evaluate;
use super::predict::Predict;
use super::tensors::Tensors;
use super::train::Train;
use crate::definition::{LoadOptions, parse};
use crate::diagnostic::{Diagnostic, Findings, Place, Source};
use crate::expression::{DataType, Expr, Field, Schema};
use crate::relation::{self, JoinKind, NamedExpr, Relation, Scan, ScanSource};
use crate::stages::work::{Outcome, Progress, WorkContext};
use crate::stages::{
    ModelShape, PlanContext, Planned, Product, Shape, Split, Stage, TableProduct, TableShape, TensorsProduct,
    TensorsShape,
};
use engine::Tables;

/// Rows of the trips.
const TRIPS: usize = 900;
/// Numbers of the tables: the trips, the carriers, rows to be foretold.
const ALL: u64 = 0;
const CARRIERS: u64 = 1;
const NEW: u64 = 2;

/// A little world: tables, folders, and what happened.
struct World {
    engine: Tables,
    folder: TempDir,
    memory: u64,
    cancelled: Arc<AtomicBool>,
    told: Mutex<Vec<Progress>>,
}

/// Trips by row number: a length that is sometimes missing, a carrier, whether it was late (long trips of carrier `A`
/// are), how late in minutes, a grade of three, and the part.
#[derive(Clone)]
struct Trips {
    id: Vec<i64>,
    distance: Vec<Option<f64>>,
    carrier: Vec<Option<&'static str>>,
    late: Vec<Option<bool>>,
    delay: Vec<Option<f64>>,
    grade: Vec<Option<&'static str>>,
    part: Vec<&'static str>,
}

impl Trips {
    fn new(rows: usize) -> Self {
        let mut trips = Self {
            id: Vec::new(),
            distance: Vec::new(),
            carrier: Vec::new(),
            late: Vec::new(),
            delay: Vec::new(),
            grade: Vec::new(),
            part: Vec::new(),
        };
        for row in 0..rows {
            // Steps that have no common divisor with the number of values visit them all, evenly mixed.
            let distance = ((row * 37) % 100) as f64 * 10.0;
            let carrier = ["A", "B", "C"][(row * 7 / 3) % 3];
            trips.id.push(row as i64);
            trips.distance.push((row % 50 != 0).then_some(distance));
            trips.carrier.push((row % 45 != 0).then_some(carrier));
            trips.late.push((row % 60 != 0).then_some(distance > if carrier == "A" { 300.0 } else { 700.0 }));
            trips.delay.push(Some(distance * 0.1 + if carrier == "A" { 30.0 } else { 0.0 }));
            trips.grade.push(Some(if distance > 600.0 {
                "far"
            } else if distance > 300.0 {
                "middle"
            } else {
                "near"
            }));
            trips.part.push(["train", "train", "train", "valid", "test"][row % 5]);
        }
        trips
    }

    fn batch(&self) -> RecordBatch {
        let texts = |values: &[Option<&str>]| Arc::new(values.iter().collect::<StringViewArray>()) as ArrayRef;
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(Int64Array::from(self.id.clone()))),
            ("distance", Arc::new(Float64Array::from(self.distance.clone()))),
            ("carrier", texts(&self.carrier)),
            ("late", Arc::new(BooleanArray::from(self.late.clone()))),
            ("delay", Arc::new(Float64Array::from(self.delay.clone()))),
            ("grade", texts(&self.grade)),
            ("part", texts(&self.part.iter().map(|part| Some(*part)).collect::<Vec<_>>())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
    }
}

fn schema(fields: &[(&str, DataType)]) -> Schema {
    Schema::new(fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone())).collect()).unwrap()
}

fn trip_schema() -> Schema {
    use DataType::{Boolean, Float64, Int64, String};
    schema(&[
        ("id", Int64),
        ("distance", Float64),
        ("carrier", String),
        ("late", Boolean),
        ("delay", Float64),
        ("grade", String),
        ("part", String),
    ])
}

fn scan(table: u64, schema: &Schema) -> Arc<Relation> {
    Arc::new(Relation::Scan(Scan { source: ScanSource::Pinned(table), schema: schema.clone() }))
}

fn column(name: &str, data_type: DataType) -> NamedExpr {
    NamedExpr { name: name.to_owned(), expr: Expr::column(name, data_type) }
}

/// The trips with the seats of the carrier looked up and the length in miles.
fn prepared() -> Relation {
    let trips = scan(ALL, &trip_schema());
    let carriers = schema(&[("code", DataType::String), ("seats", DataType::Float64)]);
    let joined = Relation::Join(Box::new(relation::Join {
        left: trips,
        right: scan(CARRIERS, &carriers),
        kind: JoinKind::Left,
        on: vec![("carrier".to_owned(), "code".to_owned())],
        take: vec![("seats".to_owned(), "seats".to_owned())],
        asof: None,
    }));
    let mut columns: Vec<NamedExpr> =
        joined.schema().fields().iter().map(|field| column(&field.name, field.data_type.clone())).collect();
    let miles = Expr::binary(
        crate::expression::BinaryOperator::Multiply,
        Expr::column("distance", DataType::Float64),
        Expr::float(0.621_371),
        DataType::Float64,
    );
    columns.push(NamedExpr { name: "miles".to_owned(), expr: miles });
    Relation::Project { input: joined.into(), columns }
}

fn split() -> Split {
    Split {
        stage: "ready".to_owned(),
        column: "part".to_owned(),
        parts: ["train", "valid", "test"].map(str::to_owned).to_vec(),
    }
}

fn table_shape() -> TableShape {
    TableShape::new(prepared(), Some(split()))
}

impl World {
    fn new() -> Self {
        Self::of(&Trips::new(TRIPS))
    }

    fn of(trips: &Trips) -> Self {
        let mut engine = Tables::default();
        engine.tables.insert(ALL, trips.batch());
        let carriers: Vec<(&str, ArrayRef)> = vec![
            ("code", Arc::new(["A", "B", "C"].map(Some).into_iter().collect::<StringViewArray>())),
            ("seats", Arc::new(Float64Array::from(vec![100.0, 150.0, 200.0]))),
        ];
        let carriers =
            RecordBatch::try_from_iter_with_nullable(carriers.into_iter().map(|(name, array)| (name, array, true)));
        engine.tables.insert(CARRIERS, carriers.unwrap());
        Self {
            engine,
            folder: tempfile::tempdir().unwrap(),
            memory: 1 << 30,
            cancelled: Arc::default(),
            told: Mutex::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Checks a stage that is written in YAML under the id `stage`.
    fn plan(&self, yaml: &str, shapes: &[Shape]) -> Result<Planned, Findings> {
        let source = Source::new("p.yaml", format!("name: p\nstages:\n  - {yaml}\n"));
        let pipeline = parse(source, &LoadOptions::default(), Path::new(""))?;
        let definition = &pipeline.stages[0];
        let stage: Box<dyn Stage> = match definition.kind.value.as_str() {
            "tensors" => Box::new(definition.decode::<Tensors>()?),
            "train" => Box::new(definition.decode::<Train>()?),
            "evaluate" => Box::new(definition.decode::<Evaluate>()?),
            "predict" => Box::new(definition.decode::<Predict>()?),
            other => panic!("{other}"),
        };
        let ids = ["above".to_owned(), "other".to_owned()];
        let context = PlanContext {
            id: "stage",
            place: &definition.place,
            engine: &self.engine,
            base: self.folder.path(),
            scratch: self.folder.path(),
            input_ids: &ids,
            variants: &crate::stages::variant::Nowhere,
        };
        let kind_place: Place = definition.kind.place.clone();
        stage.plan(shapes, &context).map_err(|wrong| wrong.into_iter().map(|f| f.or_at(&kind_place)).collect())
    }

    fn sound(&self, yaml: &str, shapes: &[Shape]) -> Planned {
        self.plan(yaml, shapes).unwrap_or_else(|wrong| panic!("{yaml}: {wrong:#?}"))
    }

    /// What is found wrong: `file:line:column: message: label (help)`.
    fn refused(&self, yaml: &str, shapes: &[Shape]) -> Vec<String> {
        match self.plan(yaml, shapes) {
            Ok(_) => panic!("nothing is found wrong in {yaml}"),
            Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
        }
    }

    /// Does the work of a stage in a folder of its own, which is given back.
    fn run(&self, planned: &Planned, products: &[Product]) -> Result<(Outcome, PathBuf), Diagnostic> {
        let artifacts = tempfile::Builder::new().disable_cleanup(true).tempdir_in(self.folder.path()).unwrap();
        let artifacts = artifacts.path().to_path_buf();
        let previous = || None;
        let context = WorkContext {
            id: "stage",
            fingerprint: "00000000000000000000000000000000",
            engine: &self.engine,
            artifacts: &artifacts,
            scratch: self.folder.path(),
            base: self.folder.path(),
            memory: self.memory,
            cancelled: Arc::clone(&self.cancelled),
            adopt: &|_, _| {},
            untapped: &Relation::clone,
            previous: &previous,
            progress: &|progress| self.told.lock().unwrap().push(progress),
            trials: &crate::stages::variant::Nowhere,
        };
        planned.work.run(products, &context).map(|outcome| (outcome, artifacts))
    }

    fn table(&self) -> TableProduct {
        let relation = Arc::new(prepared());
        TableProduct { relation: relation.clone(), meaning: relation, split: Some(split()) }
    }

    /// Tensors of the prepared trips, as they come out of the cache.
    fn tensors(&self, yaml: &str) -> (TensorsShape, TensorsProduct) {
        let planned = self.sound(yaml, &[Shape::Table(table_shape())]);
        let (outcome, _) = self.run(&planned, &[Product::Table(self.table())]).unwrap();
        let Shape::Tensors(shape) = planned.product else { panic!("no tensors") };
        let text = serde_json::to_string(&outcome.document).unwrap();
        let encoder = Arc::new(serde_json::from_str(&text).unwrap());
        (shape, TensorsProduct { table: self.table(), encoder })
    }

    /// A model of the prepared trips.
    fn model(&self, tensors: &str, train: &str) -> Trained {
        let (shape, product) = self.tensors(tensors);
        let planned = self.sound(train, &[Shape::Tensors(shape.clone())]);
        let (outcome, artifacts) = self.run(&planned, &[Product::Tensors(product.clone())]).unwrap();
        let folder = artifacts.join(outcome.model.as_ref().unwrap());
        Trained {
            shape: Shape::Model(ModelShape { tensors: shape, stage: "stage".to_owned() }),
            product: Product::Model { folder: folder.clone(), tensors: product },
            folder,
            outcome,
        }
    }

    fn binary_model(&self) -> Trained {
        self.model(TENSORS, TRAIN)
    }
}

const TENSORS: &str = "tensors: {features: {number: [miles, seats], category: carrier}, target: late}";
const TRAIN: &str =
    "train: {network: [{dense: 16}], epochs: 60, batch_size: 32, optimizer: {adamw: {learning_rate: 0.01}}}";

struct Trained {
    shape: Shape,
    product: Product,
    folder: PathBuf,
    outcome: Outcome,
}
