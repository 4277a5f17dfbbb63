use super::gram::Gram;

/// The code of the base level of a category, which has no column.
pub const BASE: u32 = u32::MAX;

/// Rows that one block should have at most.
pub const BLOCK_ROWS: usize = 8192;

/// What a term of the model is in each row of a block: at most one number that is not 0.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// The intercept: 1 in each row.
    One,
    /// A number.
    Numbers(Vec<f64>),
    /// A category by the number of its level; [`BASE`] has no column.
    Levels(Vec<u32>),
    /// The same, with something else than 1 in the column of its level.
    ScaledLevels(Vec<u32>, Vec<f64>),
}

/// Some rows of the model's matrix, column by column, and the target beside them.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The terms with the first column of each.
    pub terms: Vec<(usize, Values)>,
    /// The target; its length is the number of rows.
    pub target: Vec<f64>,
}

/// What rows of a block have beside their terms; each is empty where there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beside {
    /// What is added to the sum of the terms with a coefficient of 1.
    pub offsets: Vec<f64>,
    /// Analytic weights above 0: the variance of a row is the model's by its weight, as of a mean of that many values.
    pub weights: Vec<f64>,
}

impl Beside {
    /// The offset of each row, 0 without; more of them than rows.
    pub fn offsets(&self) -> impl Iterator<Item = f64> + '_ {
        self.offsets.iter().copied().chain(std::iter::repeat(0.0))
    }

    /// The weight of each row, 1 without; more of them than rows.
    pub fn weights(&self) -> impl Iterator<Item = f64> + '_ {
        self.weights.iter().copied().chain(std::iter::repeat(1.0))
    }
}

impl Block {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.target.len()
    }

    /// The product of the rows with coefficients, one for each column.
    #[must_use]
    pub fn product(&self, coefficients: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.rows()];
        let of = |column: usize| coefficients.get(column).copied().unwrap_or(0.0);
        for (first, values) in &self.terms {
            match values {
                Values::One => sums.iter_mut().for_each(|sum| *sum += of(*first)),
                Values::Numbers(numbers) => {
                    let slope = of(*first);
                    sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += slope * number);
                }
                Values::Levels(codes) => {
                    let level = |code: u32| if code == BASE { 0.0 } else { of(first + code as usize) };
                    sums.iter_mut().zip(codes).for_each(|(sum, &code)| *sum += level(code));
                }
                Values::ScaledLevels(codes, scales) => {
                    let level = |code: u32| if code == BASE { 0.0 } else { of(first + code as usize) };
                    sums.iter_mut()
                        .zip(codes)
                        .zip(scales)
                        .for_each(|((sum, &code), scale)| *sum += level(code) * scale);
                }
            }
        }
        sums
    }

    /// The rows times a factor for each, with another target.
    #[must_use]
    pub fn scaled(&self, factors: &[f64], target: Vec<f64>) -> Self {
        let times = |numbers: &[f64]| numbers.iter().zip(factors).map(|(number, factor)| number * factor).collect();
        let terms = self.terms.iter().map(|(first, values)| {
            let scaled = match values {
                Values::One => Values::Numbers(factors.to_vec()),
                Values::Numbers(numbers) => Values::Numbers(times(numbers)),
                Values::Levels(codes) => Values::ScaledLevels(codes.clone(), factors.to_vec()),
                Values::ScaledLevels(codes, scales) => Values::ScaledLevels(codes.clone(), times(scales)),
            };
            (*first, scaled)
        });
        Self { terms: terms.collect(), target }
    }

    /// The rows times the roots of their weights, so that least squares weigh them (Aitken 1936); the same when there are no weights.
    #[must_use]
    pub fn weighted(self, weights: &[f64]) -> Self {
        if weights.is_empty() {
            return self;
        }
        let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
        let target = self.target.iter().zip(&roots).map(|(target, root)| target * root).collect();
        self.scaled(&roots, target)
    }

    /// The numbers of a row that are not 0, with their columns.
    pub(super) fn entries(&self, row: usize) -> impl Iterator<Item = (usize, f64)> + Clone + '_ {
        self.terms.iter().filter_map(move |(first, values)| match values {
            Values::One => Some((*first, 1.0)),
            Values::Numbers(numbers) => Some((*first, *numbers.get(row)?)),
            Values::Levels(codes) => {
                codes.get(row).filter(|&&code| code != BASE).map(|&code| (first + code as usize, 1.0))
            }
            Values::ScaledLevels(codes, scales) => {
                let code = codes.get(row).filter(|&&code| code != BASE)?;
                Some((first + *code as usize, *scales.get(row)?))
            }
        })
    }

    /// x' M x for each row x and a symmetric matrix M, row by row.
    pub(super) fn quadratic(&self, matrix: &[f64], size: usize) -> Vec<f64> {
        (0..self.rows())
            .map(|row| {
                let entries = self.entries(row);
                let line = |(i, a): (usize, f64)| {
                    let cell = |(j, b): (usize, f64)| matrix.get(i * size + j).map_or(0.0, |cell| cell * b);
                    a * entries.clone().map(cell).sum::<f64>()
                };
                entries.clone().map(line).sum()
            })
            .collect()
    }

    /// Adds all products of two columns to the sums.
    pub(super) fn add_to(&self, gram: &mut Gram) {
        gram.add(self);
    }
}
