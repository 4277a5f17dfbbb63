//! What stages hand on: its shape, known before a run, and the product itself.

use std::path::PathBuf;
use std::sync::Arc;

use crate::expression::{DataType, Expr, Schema};
use crate::relation::Relation;
use crate::tensor;

/// What comes out of a stage, before a row is read.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A table.
    Table(TableShape),
    /// Tensors made of a table.
    Tensors(TensorsShape),
    /// A trained model.
    Model(ModelShape),
    /// Nothing that a stage could go on with.
    Nothing,
}

/// A table before a row is read.
#[derive(Debug, Clone)]
pub struct TableShape {
    /// What rows it means; learned constants are still open.
    pub relation: Arc<Relation>,
    /// Its columns.
    pub schema: Schema,
    /// How its rows are divided for learning.
    pub split: Option<Split>,
}

/// A division of rows for learning: a text column that names the part of each row.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Split {
    /// The stage that divided.
    pub stage: String,
    /// The column that names the part.
    pub column: String,
    /// The parts in order; the first is what is learned from.
    pub parts: Vec<String>,
}

/// Tensors before a row is read.
#[derive(Debug, Clone)]
pub struct TensorsShape {
    /// The table from which they are made.
    pub table: TableShape,
    /// Which columns become what.
    pub specification: tensor::Specification,
}

/// A model before it is trained.
#[derive(Debug, Clone)]
pub struct ModelShape {
    /// The tensors from which it learns.
    pub tensors: TensorsShape,
    /// The stage that trains it.
    pub stage: String,
}

/// What came out of a stage.
#[derive(Debug, Clone)]
pub enum Product {
    /// A table.
    Table(TableProduct),
    /// Tensors, made when they are read.
    Tensors(TensorsProduct),
    /// A trained model in its folder, with the table on which it was trained.
    Model {
        /// The folder.
        folder: PathBuf,
        /// What it was trained on.
        tensors: TensorsProduct,
    },
    /// Nothing that a stage could go on with.
    Nothing,
}

/// A table: what rows it means, with everything learned filled in.
#[derive(Debug, Clone)]
pub struct TableProduct {
    /// The relation to execute; reads pinned or cached rows where there are some.
    pub relation: Arc<Relation>,
    /// The same without regard to pins: what a model bundle keeps.
    pub meaning: Arc<Relation>,
    /// How its rows are divided for learning.
    pub split: Option<Split>,
}

/// Fitted encoders with the table that they encode.
#[derive(Debug, Clone)]
pub struct TensorsProduct {
    /// The table.
    pub table: TableProduct,
    /// The encoders, fitted on the training rows.
    pub encoder: Arc<tensor::Encoder>,
}

impl TableShape {
    /// A table of these rows, divided as `split` says.
    pub fn new(relation: Relation, split: Option<Split>) -> Self {
        let schema = relation.schema();
        Self { relation: Arc::new(relation), schema, split }
    }

    /// Other rows made of these, divided as before as long as the column that names the part is still there.
    pub fn derive(&self, relation: Relation) -> Self {
        let mut derived = Self::new(relation, self.split.clone());
        derived.split = derived.split.filter(|split| derived.schema.contains(&split.column));
        derived
    }

    /// The rows from which a stage may learn: the training part when the rows are divided, all rows otherwise.
    pub fn training(&self) -> Arc<Relation> {
        training_rows(&self.relation, self.split.as_ref())
    }
}

impl TableProduct {
    /// The rows from which a stage may learn.
    pub fn training(&self) -> Arc<Relation> {
        training_rows(&self.relation, self.split.as_ref())
    }

    /// The rows of one part.
    pub fn part(&self, part: &str) -> Arc<Relation> {
        match &self.split {
            Some(split) => part_rows(&self.relation, split, part),
            None => Arc::clone(&self.relation),
        }
    }
}

fn training_rows(relation: &Arc<Relation>, split: Option<&Split>) -> Arc<Relation> {
    match split.and_then(|split| split.parts.first().map(|part| (split, part))) {
        Some((split, part)) => part_rows(relation, split, part),
        None => Arc::clone(relation),
    }
}

fn part_rows(relation: &Arc<Relation>, split: &Split, part: &str) -> Arc<Relation> {
    let predicate = Expr::binary(
        crate::expression::BinaryOperator::Equal,
        Expr::column(&split.column, DataType::String),
        Expr::string(part),
        DataType::Boolean,
    );
    Arc::new(Relation::Filter { input: Arc::clone(relation), predicate })
}

impl ModelShape {
    /// The key under which a stage leaves the rows of a model, with their parts, where they were prepared otherwise than its tensors say:
    /// the best of several ways is known only when the stage has worked.
    pub fn rows_key(stage: &str) -> String {
        format!("{stage}.rows")
    }
}

impl Shape {
    /// What it is, in a word with its article.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::Tensors(_) => "tensors",
            Self::Model(_) => "a model",
            Self::Nothing => "nothing",
        }
    }
}
