//! Encoded blocks become the features of simple models: a matrix for linear models, dense numbers for trees.
//!
//! | block | linear models | trees |
//! |---|---|---|
//! | numbers (tables, pixels, spectra, flat sequences) | as they are | as they are |
//! | codes of a category | one column for each code | the code, which is its rank by frequency |
//! | tokens of a text | a bag of tokens, weighted by tf-idf, of length 1 | nothing |

use ndarray::{Array2, ArrayView2};

use super::{Csr, Error, Matrix};

/// A block of some rows.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// `[n, size]` numbers.
    Numbers(ArrayView2<'a, f32>),
    /// `[n, 1]` codes below `codes`.
    Category {
        /// The codes.
        values: ArrayView2<'a, f32>,
        /// How many there are.
        codes: usize,
    },
    /// `[n, length]` tokens below `tokens`; 0 is padding.
    Text {
        /// The tokens.
        values: ArrayView2<'a, f32>,
        /// How many there are.
        tokens: usize,
    },
}

impl Part<'_> {
    fn rows(&self) -> usize {
        self.values().nrows()
    }

    fn values(&self) -> ArrayView2<'_, f32> {
        match self {
            Self::Numbers(values) | Self::Category { values, .. } | Self::Text { values, .. } => *values,
        }
    }
}

/// The weights of tokens: `tf · (ln((1 + n) / (1 + df)) + 1)` with every row scaled to length 1, as scikit-learn's
/// `TfidfTransformer` has them (Salton & Buckley 1988, smoothed).
#[derive(Debug, Clone, PartialEq)]
pub struct Tfidf {
    weights: Vec<f32>,
}

impl Tfidf {
    /// Learns how many rows have each token.
    pub fn fit(values: ArrayView2<'_, f32>, tokens: usize) -> Self {
        let mut rows_with = vec![0u32; tokens];
        for row in values.rows() {
            for (token, _) in bag(row) {
                if let Some(count) = rows_with.get_mut(token as usize) {
                    *count += 1;
                }
            }
        }
        let rows = values.nrows() as f64;
        let weights = rows_with.into_iter().map(|with| (((1.0 + rows) / (1.0 + f64::from(with))).ln() + 1.0) as f32);
        Self { weights: weights.collect() }
    }

    /// The weighted tokens of a row, by rising token.
    pub fn row(&self, row: ndarray::ArrayView1<'_, f32>) -> Vec<(u32, f32)> {
        let weighted = bag(row).into_iter().filter_map(|(token, count)| {
            let weight = self.weights.get(token as usize)?;
            Some((token, count as f32 * weight))
        });
        let mut weighted: Vec<(u32, f32)> = weighted.collect();
        let length = weighted.iter().map(|(_, value)| f64::from(*value).powi(2)).sum::<f64>().sqrt() as f32;
        weighted.iter_mut().filter(|_| length > 0.0).for_each(|(_, value)| *value /= length);
        weighted
    }
}

/// How often a row has each of its tokens, by rising token, without padding.
fn bag(row: ndarray::ArrayView1<'_, f32>) -> Vec<(u32, u32)> {
    let mut tokens: Vec<u32> = row.iter().filter(|token| **token > 0.0).map(|token| *token as u32).collect();
    tokens.sort_unstable();
    tokens.chunk_by(|a, b| a == b).filter_map(|run| Some((*run.first()?, run.len() as u32))).collect()
}

/// What was learned about the blocks, and their sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    parts: Vec<Learned>,
}

#[derive(Debug, Clone, PartialEq)]
enum Learned {
    Numbers(usize),
    Category(usize),
    Text(Tfidf),
}

impl Design {
    /// Learns from the blocks of the training rows.
    ///
    /// Errors: blocks of different numbers of rows.
    pub fn fit(parts: &[Part<'_>]) -> Result<Self, Error> {
        let rows = parts.first().map_or(0, Part::rows);
        if parts.iter().any(|part| part.rows() != rows) {
            return Err(Error::Shape);
        }
        let learned = parts.iter().map(|part| match part {
            Part::Numbers(values) => Learned::Numbers(values.ncols()),
            Part::Category { codes, .. } => Learned::Category(*codes),
            Part::Text { values, tokens } => Learned::Text(Tfidf::fit(*values, *tokens)),
        });
        Ok(Self { parts: learned.collect() })
    }

    /// Columns of the matrix for linear models.
    pub fn width(&self) -> usize {
        let widths = self.parts.iter().map(|part| match part {
            Learned::Numbers(size) | Learned::Category(size) => *size,
            Learned::Text(tfidf) => tfidf.weights.len(),
        });
        widths.sum()
    }

    /// Columns of the numbers for trees.
    pub fn dense_width(&self) -> usize {
        let widths = self.parts.iter().map(|part| match part {
            Learned::Numbers(size) => *size,
            Learned::Category(_) => 1,
            Learned::Text(_) => 0,
        });
        widths.sum()
    }

    fn check(&self, parts: &[Part<'_>]) -> Result<usize, Error> {
        let rows = parts.first().map_or(0, Part::rows);
        let fits = |(part, learned): (&Part<'_>, &Learned)| {
            part.rows() == rows
                && match (part, learned) {
                    (Part::Numbers(values), Learned::Numbers(size)) => values.ncols() == *size,
                    (Part::Category { codes, .. }, Learned::Category(size)) => codes == size,
                    (Part::Text { tokens, .. }, Learned::Text(tfidf)) => *tokens == tfidf.weights.len(),
                    _ => false,
                }
        };
        if parts.len() == self.parts.len() && parts.iter().zip(&self.parts).all(fits) {
            Ok(rows)
        } else {
            Err(Error::Shape)
        }
    }

    /// How many rows these blocks have.
    pub(super) fn matrix_rows(&self, parts: &[Part<'_>]) -> usize {
        parts.first().map_or(0, Part::rows)
    }

    /// The matrix for linear models: dense where all blocks are numbers.
    ///
    /// Errors: other blocks than those that were learned.
    pub fn matrix(&self, parts: &[Part<'_>]) -> Result<Matrix, Error> {
        let rows = self.check(parts)?;
        if self.parts.iter().all(|part| matches!(part, Learned::Numbers(_))) {
            return self.dense(parts).map(Matrix::Dense);
        }
        let mut matrix = Csr::new(self.width());
        for row in 0..rows {
            let mut cells: Vec<(u32, f32)> = Vec::new();
            let mut offset = 0u32;
            for (part, learned) in parts.iter().zip(&self.parts) {
                let values = part.values();
                let values = values.row(row);
                match learned {
                    Learned::Numbers(size) => {
                        cells.extend((offset..).zip(values.iter().copied()));
                        offset += *size as u32;
                    }
                    Learned::Category(codes) => {
                        cells.extend(values.iter().map(|code| (offset + *code as u32, 1.0)));
                        offset += *codes as u32;
                    }
                    Learned::Text(tfidf) => {
                        cells.extend(tfidf.row(values).into_iter().map(|(token, value)| (offset + token, value)));
                        offset += tfidf.weights.len() as u32;
                    }
                }
            }
            matrix.push(cells);
        }
        Ok(Matrix::Sparse(matrix))
    }

    /// The numbers for trees.
    ///
    /// Errors: other blocks than those that were learned.
    pub fn dense(&self, parts: &[Part<'_>]) -> Result<Array2<f32>, Error> {
        let rows = self.check(parts)?;
        let mut dense = Array2::zeros((rows, self.dense_width()));
        let mut offset = 0;
        for part in parts.iter().filter(|part| !matches!(part, Part::Text { .. })) {
            let values = part.values();
            let end = offset + values.ncols();
            dense.slice_mut(ndarray::s![.., offset..end]).assign(&values);
            offset = end;
        }
        Ok(dense)
    }
}
