//! Occlusion: what the model says when a part of a row is not there.
//!
//! Zeiler & Fergus 2014, *Visualizing and understanding convolutional networks*, for patches of images; Li, Monroe &
//! Jurafsky 2016, *Understanding neural networks through representation erasure*, for words. What a part contributes is
//! the prediction with it minus the prediction without it. Two words that say the same thing hide each other.
//!
//! Time: one prediction for each part.

use super::error::Error;
use super::model::Predictor;
use super::rows::{Place, Rows, predict_made};

/// What the model says about one row, with and without each of its parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Occlusion {
    /// The prediction for the whole row.
    pub output: f64,
    /// For each part the prediction with it minus the prediction without it.
    pub parts: Vec<f64>,
}

/// What stands in the place of a part that is taken away.
#[derive(Debug, Clone, Copy)]
pub enum Instead<'a> {
    /// A number: 0 is padding in texts and black in images.
    Number(f32),
    /// The numbers at the same places of the first of these rows, such as the mean of known ones.
    Row(&'a Rows),
}

/// Takes away each part of a row.
///
/// Errors: there is no such row or output, and those of the model.
pub fn occlusion(
    model: &dyn Predictor,
    rows: &Rows,
    row: usize,
    parts: &[Vec<Place>],
    instead: Instead<'_>,
    output: usize,
) -> Result<Occlusion, Error> {
    if row >= rows.len() {
        return Err(Error::NoRows);
    }
    let said = predict_made(model, rows, parts.len() + 1, |made, at, i| {
        made.copy_row(at, rows, row);
        for place in i.checked_sub(1).and_then(|part| parts.get(part)).into_iter().flatten() {
            let value = match instead {
                Instead::Number(number) => Some(number),
                Instead::Row(rows) => {
                    rows.blocks().get(place.block).and_then(|block| block.get((0, place.at))).copied()
                }
            };
            let cell = made.blocks_mut().get_mut(place.block).and_then(|block| block.get_mut((at, place.at)));
            if let (Some(cell), Some(value)) = (cell, value) {
                *cell = value;
            }
        }
    })?;
    if output >= said.ncols() {
        return Err(Error::Option(format!("the model has no output {output}")));
    }
    let mut said = said.column(output).to_vec().into_iter();
    let whole = said.next().unwrap_or_default();
    Ok(Occlusion { output: whole, parts: said.map(|without| whole - without).collect() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::explanation::oracle::{Function, cases};
    use ndarray::array;

    #[test]
    fn contributions_are_those_of_captum() {
        for case in cases("occlusion") {
            let (model, rows) = (Function::of(&case), case.rows("x"));
            let d = rows.width();
            let parts: Vec<Vec<Place>> = (0..d).map(|at| vec![Place { block: 0, at }]).collect();
            let expected = case.list("values");
            for row in 0..rows.len() {
                let found = occlusion(&model, &rows, row, &parts, Instead::Number(0.0), 0).unwrap();
                for (found, expected) in found.parts.iter().zip(&expected[row * d..]) {
                    assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
                }
            }
        }
    }

    #[test]
    fn a_part_may_be_several_numbers() {
        let model = Function::new(|row| f64::from(row[0] + row[1] * row[2]));
        let rows = Rows::new(vec![array![[1.0, 2.0, 3.0]]]).unwrap();
        let place = |at| Place { block: 0, at };
        let parts = [vec![place(0)], vec![place(1), place(2)]];
        let found = occlusion(&model, &rows, 0, &parts, Instead::Number(0.0), 0).unwrap();
        assert_eq!(found, Occlusion { output: 7.0, parts: vec![1.0, 6.0] });
        assert_eq!(occlusion(&model, &rows, 1, &[], Instead::Number(0.0), 0), Err(Error::NoRows));
    }

    #[test]
    fn a_mean_row_may_take_the_place_of_a_part() {
        let model = Function::new(|row| f64::from(row[0] + row[1] * row[2]));
        let rows = Rows::new(vec![array![[1.0, 2.0, 3.0]]]).unwrap();
        let mean = Rows::new(vec![array![[0.0, 1.0, 0.0], [4.0, 1.0, 1.0]]]).unwrap().mean();
        let parts = [vec![Place { block: 0, at: 0 }], vec![Place { block: 0, at: 1 }, Place { block: 0, at: 2 }]];
        let found = occlusion(&model, &rows, 0, &parts, Instead::Row(&mean), 0).unwrap();
        // 7 less 2 + 6, and 7 less 1 + 1 * 0.5.
        assert_eq!(found, Occlusion { output: 7.0, parts: vec![-1.0, 5.5] });
    }
}
