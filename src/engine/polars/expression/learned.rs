//! Functions of one row that a stage has learned.

use polars::prelude::{self as pl, IntoSeries, ListBuilderTrait};

use super::elementwise::{elementwise, failure};
use super::{EngineError, Lowering, refuse};
use crate::engine::polars::data_type::polars_type;
use crate::expression::{DataType, Expr, ExprKind, Literal};
use crate::statistics::imputation::neighbours::Filled;
use crate::statistics::row_function::{Column, RowFunction};

impl Lowering {
    /// The function is read from its text once; batches are passed to it as they come.
    pub(super) fn learned(
        &self,
        state: &Expr,
        arguments: &[Expr],
        data_type: &DataType,
    ) -> Result<pl::Expr, EngineError> {
        let function = match &state.kind {
            ExprKind::Literal(Literal::String(text)) => {
                RowFunction::from_text(text).map_err(|error| refuse(format!("what was learned is damaged: {error}")))?
            }
            ExprKind::Fitted(key) => return Err(refuse(format!("`{key}` is not known before its stage has run"))),
            _ => return Err(refuse("what was learned is no text")),
        };
        if function.arguments() != arguments.len() {
            return Err(refuse("what was learned does not fit the columns that it is applied to"));
        }
        let texts: Vec<bool> = arguments.iter().map(|argument| argument.data_type == DataType::String).collect();
        let inputs = self.all(arguments)?;
        Ok(elementwise("learned", inputs, polars_type(data_type), move |inputs| {
            let numbers = (0..inputs.len()).map(|i| if is_text(&texts, i) { None } else { Some(inputs.float(i)) });
            let numbers = numbers.map(Option::transpose).collect::<pl::PolarsResult<Vec<_>>>()?;
            let strings = (0..inputs.len()).map(|i| if is_text(&texts, i) { Some(inputs.text(i)) } else { None });
            let strings = strings.map(Option::transpose).collect::<pl::PolarsResult<Vec<_>>>()?;
            let columns: Vec<Column<'_>> = numbers
                .iter()
                .zip(&strings)
                .map(|pair| match pair {
                    (Some(numbers), _) => Column::Numbers(numbers.iter().collect()),
                    (None, Some(strings)) => Column::Texts(strings.iter().collect()),
                    (None, None) => Column::Numbers(Vec::new()),
                })
                .collect();
            if columns.iter().any(|column| column.len() != inputs.height()) {
                return Err(failure("the columns that something learned is applied to differ in length"));
            }
            Ok(match function.apply(&columns) {
                Filled::Numbers(values) => values.into_iter().collect::<pl::Float64Chunked>().into_series(),
                Filled::Texts(values) => values.into_iter().collect::<pl::StringChunked>().into_series(),
                Filled::Words(values) => values.into_iter().collect::<pl::StringChunked>().into_series(),
                Filled::Lists(values) => lists(&values),
            })
        }))
    }
}

fn lists(values: &[Option<Vec<f64>>]) -> pl::Series {
    let numbers = values.iter().flatten().map(Vec::len).sum();
    let mut builder = pl::ListPrimitiveChunkedBuilder::<pl::Float64Type>::new(
        pl::PlSmallStr::EMPTY,
        values.len(),
        numbers,
        pl::DataType::Float64,
    );
    for list in values {
        match list {
            Some(list) => builder.append_slice(list),
            None => builder.append_null(),
        }
    }
    builder.finish().into_series()
}

fn is_text(texts: &[bool], argument: usize) -> bool {
    texts.get(argument).copied().unwrap_or(false)
}
