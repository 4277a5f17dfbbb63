//! Rows become blocks of a model's matrix.

use rustc_hash::FxHashMap;

use super::rows::{Column, Complete, mark};
use super::survey::Survey;
use crate::statistics::regression::{BASE, BLOCK_ROWS, Beside, Block, Values};

/// What a term is, once the rows went by.
#[derive(Debug, Clone)]
pub(super) enum Term {
    Number {
        column: usize,
        centre: f64,
    },
    Category {
        first: usize,
        base: String,
        /// The levels that have a column, in their order.
        levels: Vec<String>,
        /// The column of each level from `first` on; the base has [`BASE`].
        codes: FxHashMap<Box<str>, u32>,
    },
}

/// The columns of the model.
#[derive(Debug, Clone)]
pub(super) struct Design {
    pub(super) terms: Vec<Term>,
    /// The feature and level of each column; none of the intercept.
    pub(super) names: Vec<(String, Option<String>)>,
    pub(super) intercept: bool,
    /// By how much each column was moved.
    pub(super) centres: Vec<f64>,
    pub(super) survey: Survey,
}

impl Design {
    /// The rows as blocks with the target, their row numbers, offsets, weights and clusters. Rows with a level that the model does not know are left
    /// out; `None` in their place.
    pub(super) fn blocks(&self, rows: &Complete) -> Vec<Part> {
        let mut codes: Vec<Vec<u32>> = Vec::new();
        let mut known = vec![true; rows.target.len()];
        for (term, column) in self.terms.iter().zip(&rows.features) {
            if let (Term::Category { codes: of, .. }, Column::Texts(texts)) = (term, column) {
                let found: Vec<Option<u32>> = texts.iter().map(|text| of.get(text.as_str()).copied()).collect();
                mark(&mut known, found.iter().map(Option::is_some));
                codes.push(found.into_iter().map(|code| code.unwrap_or(BASE)).collect());
            }
        }
        let chosen: Vec<usize> = (0..rows.target.len()).filter(|row| known.get(*row) == Some(&true)).collect();
        chosen.chunks(BLOCK_ROWS).map(|some| self.part(rows, &codes, some)).collect()
    }

    fn part(&self, rows: &Complete, codes: &[Vec<u32>], some: &[usize]) -> Part {
        let of = |values: &[f64]| some.iter().filter_map(|row| values.get(*row).copied()).collect::<Vec<f64>>();
        let mut terms = Vec::with_capacity(self.terms.len() + 1);
        if self.intercept {
            terms.push((0, Values::One));
        }
        let mut codes = codes.iter();
        for (term, column) in self.terms.iter().zip(&rows.features) {
            match (term, column) {
                (Term::Number { column, centre }, Column::Numbers(values)) => {
                    let moved = of(values).iter().map(|value| value - centre).collect();
                    terms.push((*column, Values::Numbers(moved)));
                }
                (Term::Category { first, .. }, _) => {
                    let codes = codes.next().map_or(&[][..], Vec::as_slice);
                    let levels = some.iter().filter_map(|row| codes.get(*row).copied()).collect();
                    terms.push((*first, Values::Levels(levels)));
                }
                _ => {}
            }
        }
        Part {
            block: Block { terms, target: of(&rows.target) },
            numbers: some.iter().filter_map(|row| rows.numbers.get(*row).copied()).collect(),
            beside: Beside { offsets: of(&rows.beside.offsets), weights: of(&rows.beside.weights) },
            clusters: some.iter().filter_map(|row| rows.clusters.get(*row).cloned()).collect(),
        }
    }
}

/// Some rows of the model.
pub(super) struct Part {
    pub(super) block: Block,
    pub(super) numbers: Vec<u64>,
    pub(super) beside: Beside,
    pub(super) clusters: Vec<String>,
}
