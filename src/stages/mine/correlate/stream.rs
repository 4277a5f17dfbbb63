//! The measures that are counted and summed while rows stream by.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::CorrelateWork;
use super::pairs::{Measure, Pair, PairPlan, Role};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::expression::{DataType, Expr, Field};
use crate::memory::MemoryManager;
use crate::relation::{NamedExpr, Relation};
use crate::stages::inputs;
use crate::stages::work::{Outcome, WorkContext};
use crate::statistics::association::{Contingency, GroupedMoments, MISSING};
use crate::statistics::correlation::{CorrelationError, PearsonMatrix};
use crate::statistics::quantiles::QuantileSketch;

/// Values up to which the edges of bins are exact.
const EXACT_QUANTILES: usize = 131_072;
/// About what a counted cell takes in a hash table.
const CELL_BYTES: u64 = 40;

const CONSTANT: &str = "not defined: one of the two is constant, or too few rows have both";
const ONE_CATEGORY: &str = "not defined: one of the two has a single category";

impl CorrelateWork {
    pub(super) fn in_passes(
        &self,
        table: &Arc<Relation>,
        context: &WorkContext<'_>,
        outcome: &mut Outcome,
    ) -> Result<Vec<Pair>, Diagnostic> {
        let mut readers: Vec<Reader> = (0..self.fields.len()).map(|at| self.reader(at)).collect();
        let columns =
            readers.iter().map(|reader| NamedExpr { name: reader.name.clone(), expr: reader.expression.clone() });
        let relation = Relation::Project { input: table.clone(), columns: columns.collect() };
        if readers.iter().any(|reader| reader.is_binned) {
            self.find_edges(&relation, &mut readers, context)?;
        }
        let mut accumulators = self.accumulators();
        let whole = (self.options.with.is_none() && self.pairs.iter().any(|pair| pair.measure == Measure::Pearson))
            .then(|| self.roles.iter().map(|role| *role != Role::Category).collect::<Vec<bool>>());
        let mut matrix = whole.as_ref().map(|whole| PearsonMatrix::new(whole.iter().filter(|number| **number).count()));
        let mut reservation = MemoryManager::process().reserve("tables of counts");
        let mut counted = 0;
        let mut wrong: Option<CorrelationError> = None;
        context.stream(&relation, &mut |batch| {
            let read: Vec<Read> = readers
                .par_iter_mut()
                .zip(batch.columns())
                .map(|(reader, array)| reader.read(array, self.settings.most_categories))
                .collect();
            let numbers = |at: usize| read.get(at).map_or(&[][..], |read| read.numbers.as_slice());
            let codes = |at: usize| read.get(at).map_or(&[][..], |read| read.codes.as_slice());
            if let (Some(matrix), Some(whole)) = (&mut matrix, &whole) {
                let slices: Vec<&[f64]> =
                    whole.iter().enumerate().filter(|(_, number)| **number).map(|(at, _)| numbers(at)).collect();
                wrong = matrix.extend(&slices).err();
            }
            let failed =
                accumulators.par_iter_mut().zip(&self.pairs).find_map_any(|(accumulator, plan)| match accumulator {
                    Accumulator::Matrix => None,
                    Accumulator::Pair(pair) => pair.extend(&[numbers(plan.a), numbers(plan.b)]).err(),
                    Accumulator::Table(table) => {
                        table.extend(codes(plan.a), codes(plan.b));
                        None
                    }
                    Accumulator::Moments { moments, number_first } => {
                        let (number, category) = if *number_first { (plan.a, plan.b) } else { (plan.b, plan.a) };
                        moments.extend(codes(category), numbers(number));
                        None
                    }
                });
            wrong = wrong.take().or(failed);
            self.drop_full(&readers, &mut accumulators);
            let cells: u64 = accumulators.iter().map(Accumulator::cells).sum();
            if cells > counted {
                reservation.try_grow((cells - counted) * CELL_BYTES)?;
                counted = cells;
            }
            Ok(wrong.is_none())
        })?;
        if let Some(error) = wrong {
            return Err(Diagnostic::error(Class::Stage, error.to_string()));
        }
        self.judge_full(&readers, outcome)?;
        let at_in_matrix = |column: usize| whole.iter().flatten().take(column).filter(|number| **number).count();
        let table = matrix.map(|matrix| matrix.table());
        let level = self.settings.confidence;
        let result = |(accumulator, plan): (&Accumulator, &PairPlan)| {
            if let Some(full) = [plan.a, plan.b].iter().filter_map(|at| readers.get(*at)).find(|reader| reader.is_full)
                && plan.measure != Measure::Pearson
            {
                return self.start(plan, &format!("left out: {}", self.too_many(full)));
            }
            match accumulator {
                Accumulator::Matrix => {
                    let found = table.as_ref().and_then(|table| table.get(at_in_matrix(plan.a), at_in_matrix(plan.b)));
                    found.map_or_else(
                        || self.start(plan, CONSTANT),
                        |found| self.start(plan, "").with_correlation(&found, level),
                    )
                }
                Accumulator::Pair(pair) => match pair.table().get(0, 1) {
                    Some(found) => self.start(plan, "").with_correlation(&found, level),
                    None => self.start(plan, CONSTANT),
                },
                Accumulator::Table(counts) => {
                    let mut pair = self.start(plan, ONE_CATEGORY);
                    pair.rows = counts.count();
                    match plan.measure {
                        Measure::MutualInformation => match counts.mutual_information() {
                            Some(found) => pair.with_information(&found, level),
                            None => pair,
                        },
                        _ => match counts.cramers_v() {
                            Some(found) => pair.with_cramers_v(&found, level),
                            None => pair,
                        },
                    }
                }
                Accumulator::Moments { moments, .. } => match moments.correlation_ratio() {
                    Some(found) => self.start(plan, "").with_ratio(&found, level),
                    None => self.start(plan, CONSTANT),
                },
            }
        };
        Ok(accumulators.par_iter().zip(&self.pairs).map(result).collect())
    }

    fn reader(&self, at: usize) -> Reader {
        let field = self.fields.get(at).cloned().unwrap_or_else(|| Field::new("", DataType::Null));
        let uses = self.pairs.iter().filter(|pair| pair.a == at || pair.b == at);
        let (mut as_number, mut as_category) = (false, false);
        for pair in uses {
            match pair.measure {
                Measure::CramersV | Measure::MutualInformation => as_category = true,
                Measure::CorrelationRatio { number_first } if number_first != (pair.a == at) => as_category = true,
                _ => as_number = true,
            }
        }
        let is_binned = as_category && self.roles.get(at) == Some(&Role::Number);
        let value = Expr::column(&field.name, field.data_type.clone());
        let is_number = self.roles.get(at) == Some(&Role::Number);
        let expression = if is_number {
            value.cast(DataType::Float64, true)
        } else if matches!(field.data_type, DataType::Boolean | DataType::String) {
            value
        } else {
            inputs::shown(&field).unwrap_or(value)
        };
        Reader {
            name: field.name,
            expression,
            as_number,
            as_category,
            is_binned,
            edges: Vec::new(),
            codes: FxHashMap::default(),
            is_full: false,
        }
    }

    fn accumulators(&self) -> Vec<Accumulator> {
        let of = |pair: &PairPlan| match pair.measure {
            Measure::CramersV | Measure::MutualInformation => Accumulator::Table(Contingency::new()),
            Measure::CorrelationRatio { number_first } => {
                Accumulator::Moments { moments: GroupedMoments::new(), number_first }
            }
            _ if self.options.with.is_some() => Accumulator::Pair(PearsonMatrix::new(2)),
            _ => Accumulator::Matrix,
        };
        self.pairs.iter().map(of).collect()
    }

    /// A first pass that finds where numbers are cut.
    fn find_edges(
        &self,
        relation: &Relation,
        readers: &mut [Reader],
        context: &WorkContext<'_>,
    ) -> Result<(), Diagnostic> {
        let mut sketches: Vec<Option<QuantileSketch>> =
            readers.iter().map(|reader| reader.is_binned.then(|| QuantileSketch::new(EXACT_QUANTILES))).collect();
        context.stream(relation, &mut |batch: RecordBatch| {
            sketches.par_iter_mut().zip(batch.columns()).for_each(|(sketch, array)| {
                if let Some(sketch) = sketch {
                    let values: Vec<f64> = batch::floats(array).into_iter().filter(|value| !value.is_nan()).collect();
                    sketch.extend(&values);
                }
            });
            Ok(true)
        })?;
        for (reader, sketch) in readers.iter_mut().zip(&mut sketches) {
            let Some(sketch) = sketch else { continue };
            let quantiles = sketch.quantiles();
            let bins = self.settings.bins;
            let edges = (1..bins).filter_map(|part| quantiles.quantile(f64::from(part) / f64::from(bins)));
            reader.edges = edges.collect();
            reader.edges.dedup();
        }
        Ok(())
    }

    /// Forgets the counts of columns that have too many categories.
    fn drop_full(&self, readers: &[Reader], accumulators: &mut [Accumulator]) {
        for (accumulator, plan) in accumulators.iter_mut().zip(&self.pairs) {
            if [plan.a, plan.b].iter().filter_map(|at| readers.get(*at)).any(|reader| reader.is_full) {
                match accumulator {
                    Accumulator::Table(table) if table.cells() > 0 => *table = Contingency::new(),
                    Accumulator::Moments { moments, .. } => *moments = GroupedMoments::new(),
                    _ => {}
                }
            }
        }
    }

    fn too_many(&self, reader: &Reader) -> String {
        let most = digits::whole(self.settings.most_categories as u64);
        format!("column `{}` has more than {most} categories", reader.name)
    }

    /// A column of too many categories is an error when it was named, and a remark otherwise.
    fn judge_full(&self, readers: &[Reader], outcome: &mut Outcome) -> Result<(), Diagnostic> {
        for reader in readers.iter().filter(|reader| reader.is_full) {
            let message = self.too_many(reader);
            if self.named
                && (self.options.columns.is_some()
                    || self.options.with.as_ref().is_some_and(|with| with.value == reader.name))
            {
                let help = "leave the column out, group its values first (`encode`, `canonicalize`), or raise `most_categories`";
                return Err(Diagnostic::error(Class::Limit, message).help(help));
            }
            outcome.remarks.push(format!("{message} and was left out"));
        }
        Ok(())
    }
}

/// What a pair gathers.
enum Accumulator {
    /// Part of the matrix of all numbers.
    Matrix,
    Pair(PearsonMatrix),
    Table(Contingency),
    Moments {
        moments: GroupedMoments,
        number_first: bool,
    },
}

impl Accumulator {
    fn cells(&self) -> u64 {
        match self {
            Self::Table(table) => table.cells() as u64,
            _ => 0,
        }
    }
}

/// How a column is read: as numbers, as numbers of categories, or both.
struct Reader {
    name: String,
    expression: Expr,
    as_number: bool,
    as_category: bool,
    /// Whether its categories are bins of numbers.
    is_binned: bool,
    edges: Vec<f64>,
    codes: FxHashMap<Box<str>, u32>,
    /// Whether there were too many categories.
    is_full: bool,
}

/// The values of a column in a batch.
struct Read {
    numbers: Vec<f64>,
    codes: Vec<u32>,
}

impl Reader {
    fn read(&mut self, array: &ArrayRef, most: usize) -> Read {
        let numbers = if self.as_number || self.is_binned { batch::floats(array) } else { Vec::new() };
        let codes = if self.is_binned {
            let bin = |value: &f64| {
                let bin = self.edges.partition_point(|edge| edge < value);
                if value.is_nan() { MISSING } else { u32::try_from(bin).unwrap_or(MISSING) }
            };
            numbers.iter().map(bin).collect()
        } else if self.as_category {
            self.read_codes(array, most)
        } else {
            Vec::new()
        };
        Read { numbers, codes }
    }

    fn read_codes(&mut self, array: &ArrayRef, most: usize) -> Vec<u32> {
        if self.is_full {
            return vec![MISSING; array.len()];
        }
        if let Some(strings) = array.as_string_view_opt() {
            return strings.iter().map(|text| text.map_or(MISSING, |text| self.code(text, most))).collect();
        }
        let texts = batch::texts(array);
        texts.iter().map(|text| text.as_deref().map_or(MISSING, |text| self.code(text, most))).collect()
    }

    fn code(&mut self, text: &str, most: usize) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        if self.is_full || self.codes.len() >= most {
            self.is_full = true;
            self.codes = FxHashMap::default();
            return MISSING;
        }
        let code = u32::try_from(self.codes.len()).unwrap_or(MISSING);
        self.codes.insert(text.into(), code);
        code
    }
}
