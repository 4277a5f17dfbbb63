//! Reads the values that `tests/oracle/explanation.py` has stored, and computes the small models that they are of.

use ndarray::{Array2, ArrayView2};
use serde_json::Value;

use super::error::Error;
use super::model::{Differentiable, Predictor};
use super::rows::Rows;

/// One case: named inputs and expected values.
pub(super) struct Case(Value);

/// All cases of a section.
pub(super) fn cases(section: &str) -> Vec<Case> {
    let all: Value = serde_json::from_str(include_str!("../../tests/data/oracle/explanation.json")).unwrap();
    let cases = all[section].as_array().unwrap_or_else(|| panic!("no section {section}"));
    assert!(!cases.is_empty(), "{section} has no cases");
    cases.iter().cloned().map(Case).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))],
    }
}

/// An expected line of dependence: column, values, means, lines of rows.
type Expected = (usize, Vec<f64>, Vec<f64>, Vec<f64>);

impl Case {
    pub(super) fn number(&self, name: &str) -> f64 {
        self.0[name].as_f64().unwrap_or_else(|| panic!("no number {name}"))
    }

    pub(super) fn list(&self, name: &str) -> Vec<f64> {
        numbers(&self.0[name])
    }

    pub(super) fn rows(&self, name: &str) -> Rows {
        let rows = self.0[name].as_array().unwrap();
        let values: Vec<f32> = numbers(&self.0[name]).iter().map(|v| *v as f32).collect();
        Rows::new(vec![Array2::from_shape_vec((rows.len(), values.len() / rows.len()), values).unwrap()]).unwrap()
    }

    /// For each column the orders of its repeats with the expected drop.
    pub(super) fn orders(&self) -> Vec<Vec<(Vec<usize>, f64)>> {
        let columns = self.0["columns"].as_array().unwrap();
        let order = |value: &Value| numbers(value).iter().map(|v| *v as usize).collect();
        let repeats = |column: &Value| {
            let drops = numbers(&column["drops"]);
            column["orders"].as_array().unwrap().iter().map(order).zip(drops).collect()
        };
        columns.iter().map(repeats).collect()
    }

    pub(super) fn dependences(&self) -> Vec<Expected> {
        let lists = |line: &Value, name: &str| numbers(&line[name]);
        let line = |line: &Value| {
            let column = line["column"].as_u64().unwrap() as usize;
            (column, lists(line, "grid"), lists(line, "average"), lists(line, "individual"))
        };
        self.0["lines"].as_array().unwrap().iter().map(line).collect()
    }
}

/// A model of one output.
pub(super) enum Function {
    /// Any function of a row.
    Plain(fn(&[f32]) -> f64),
    /// A hidden layer of tanh units, or none: `w2 tanh(w1 x + b1) + b2`.
    Network { w1: Array2<f64>, b1: Vec<f64>, w2: Vec<f64>, b2: f64 },
    /// `w x + c`.
    Linear { w: Vec<f64>, c: f64 },
}

impl Function {
    pub(super) fn new(function: fn(&[f32]) -> f64) -> Self {
        Self::Plain(function)
    }

    /// The model that the case is of.
    pub(super) fn of(case: &Case) -> Self {
        if case.0.get("w").is_some() {
            return Self::Linear { w: case.list("w"), c: case.number("c") };
        }
        let (w1, b1) = (case.list("w1"), case.list("b1"));
        let w1 = Array2::from_shape_vec((b1.len(), w1.len() / b1.len()), w1).unwrap();
        Self::Network { w1, b1, w2: case.list("w2"), b2: case.number("b2") }
    }

    fn output(&self, row: &[f32]) -> f64 {
        match self {
            Self::Plain(function) => function(row),
            Self::Network { b1, w2, b2, .. } => {
                let hidden = (0..b1.len()).map(|unit| self.hidden(unit, row));
                hidden.zip(w2).map(|(h, w)| h * w).sum::<f64>() + b2
            }
            Self::Linear { w, c } => w.iter().zip(row).map(|(w, x)| w * f64::from(*x)).sum::<f64>() + c,
        }
    }

    fn hidden(&self, unit: usize, row: &[f32]) -> f64 {
        let Self::Network { w1, b1, .. } = self else { return 0.0 };
        (w1.row(unit).iter().zip(row).map(|(w, x)| w * f64::from(*x)).sum::<f64>() + b1[unit]).tanh()
    }

    fn slope(&self, row: &[f32], at: usize) -> f64 {
        match self {
            Self::Plain(_) => panic!("has no derivatives"),
            Self::Network { w1, w2, .. } => {
                (0..w2.len()).map(|unit| w2[unit] * (1.0 - self.hidden(unit, row).powi(2)) * w1[[unit, at]]).sum()
            }
            Self::Linear { w, .. } => w[at],
        }
    }
}

impl Predictor for Function {
    fn predict(&self, rows: &[ArrayView2<'_, f32>]) -> Result<Array2<f64>, Error> {
        let rows = rows[0].rows().into_iter().map(|row| self.output(&row.to_vec())).collect::<Vec<_>>();
        Ok(Array2::from_shape_vec((rows.len(), 1), rows).unwrap())
    }
}

impl Differentiable for Function {
    fn gradients(&self, rows: &[ArrayView2<'_, f32>], _: usize) -> Result<Vec<Array2<f32>>, Error> {
        let slope = |(row, at): (usize, usize)| self.slope(&rows[0].row(row).to_vec(), at) as f32;
        Ok(vec![Array2::from_shape_fn(rows[0].dim(), slope)])
    }
}
