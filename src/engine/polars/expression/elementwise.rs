//! Functions of our own inside Polars' plans.
//!
//! Polars calls them batch by batch, so the streaming engine keeps streaming. Constants arrive as columns of one row; they
//! are widened here, so that a function sees columns of one height only.

use polars::prelude::{self as pl, ChunkedBuilder, Column, IntoColumn, IntoSeries, PolarsResult, Series};

/// Applies `function` row by row to the inputs; `name` shows in the engine's plan.
pub(super) fn elementwise(
    name: &'static str,
    inputs: Vec<pl::Expr>,
    output: pl::DataType,
    function: impl Fn(&Inputs) -> PolarsResult<Series> + Send + Sync + 'static,
) -> pl::Expr {
    let field_type = output.clone();
    let expr = pl::map_multiple(
        move |columns: &mut [Column]| call(columns, &output, &function),
        inputs,
        move |_: &pl::Schema, fields: &[pl::Field]| Ok(pl::Field::new(first_name(fields), field_type.clone())),
    );
    named(expr, name)
}

/// Applies `function` to whole columns; rows may depend on each other.
pub(super) fn columnwise(
    name: &'static str,
    inputs: Vec<pl::Expr>,
    output: pl::DataType,
    function: impl Fn(&Inputs) -> PolarsResult<Series> + Send + Sync + 'static,
) -> pl::Expr {
    let field_type = output.clone();
    let expr = pl::apply_multiple(
        move |columns: &mut [Column]| call(columns, &output, &function),
        inputs,
        move |_: &pl::Schema, fields: &[pl::Field]| Ok(pl::Field::new(first_name(fields), field_type.clone())),
        false,
    );
    named(expr, name)
}

fn first_name(fields: &[pl::Field]) -> pl::PlSmallStr {
    fields.first().map(|field| field.name().clone()).unwrap_or_default()
}

fn named(mut expr: pl::Expr, name: &'static str) -> pl::Expr {
    if let pl::Expr::AnonymousFunction { fmt_str, .. } = &mut expr {
        **fmt_str = name.into();
    }
    expr
}

fn call(
    columns: &mut [Column],
    output: &pl::DataType,
    function: &impl Fn(&Inputs) -> PolarsResult<Series>,
) -> PolarsResult<Column> {
    let inputs = Inputs::new(columns);
    let series = function(&inputs)?.with_name(inputs.name());
    // A function may answer in a narrower or wider physical type than declared; the declared one holds.
    let series = if series.dtype() == output { series } else { series.cast(output)? };
    Ok(series.into_column())
}

/// The inputs of a function: columns of one height.
pub(super) struct Inputs {
    series: Vec<Series>,
    height: usize,
}

impl Inputs {
    fn new(columns: &[Column]) -> Self {
        let constant = |column: &Column| column.len() == 1;
        let height = columns.iter().filter(|column| !constant(column)).map(Column::len).max();
        let height = height.unwrap_or_else(|| usize::from(!columns.is_empty()));
        let series = columns
            .iter()
            .map(|column| {
                if constant(column) && height != 1 {
                    column.new_from_index(0, height).take_materialized_series()
                } else {
                    column.as_materialized_series().clone()
                }
            })
            .collect();
        Self { series, height }
    }

    /// Number of rows.
    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// Number of inputs.
    pub(super) fn len(&self) -> usize {
        self.series.len()
    }

    /// The name of the first input, which the result takes.
    pub(super) fn name(&self) -> pl::PlSmallStr {
        self.series.first().map(|series| series.name().clone()).unwrap_or_default()
    }

    /// Input number `index` as it is.
    pub(super) fn series(&self, index: usize) -> PolarsResult<&Series> {
        self.series.get(index).ok_or_else(|| failure(format!("a function misses its argument {}", index + 1)))
    }

    /// All inputs.
    pub(super) fn all(&self) -> &[Series] {
        &self.series
    }

    /// Input number `index` as text.
    pub(super) fn text(&self, index: usize) -> PolarsResult<pl::StringChunked> {
        Ok(self.cast(index, &pl::DataType::String)?.str()?.clone())
    }

    /// Input number `index` as 64-bit integers.
    pub(super) fn integer(&self, index: usize) -> PolarsResult<pl::Int64Chunked> {
        Ok(self.cast(index, &pl::DataType::Int64)?.i64()?.clone())
    }

    /// Input number `index` as 64-bit floats.
    pub(super) fn float(&self, index: usize) -> PolarsResult<pl::Float64Chunked> {
        Ok(self.cast(index, &pl::DataType::Float64)?.f64()?.clone())
    }

    fn cast(&self, index: usize, data_type: &pl::DataType) -> PolarsResult<Series> {
        let series = self.series(index)?;
        if series.dtype() == data_type { Ok(series.clone()) } else { series.cast(data_type) }
    }
}

/// An error that stops the run: one sentence that names the value.
pub(super) fn failure(message: impl Into<String>) -> pl::PolarsError {
    pl::PolarsError::ComputeError(message.into().into())
}

/// A text column: `row` writes one text and says whether there is one (else null).
pub(super) fn text_rows<T>(
    rows: impl Iterator<Item = T>,
    mut row: impl FnMut(T, &mut String) -> PolarsResult<bool>,
) -> PolarsResult<Series> {
    let mut builder = pl::StringChunkedBuilder::new(pl::PlSmallStr::EMPTY, rows.size_hint().0);
    let mut text = String::new();
    for item in rows {
        text.clear();
        if row(item, &mut text)? {
            builder.append_value(&text);
        } else {
            builder.append_null();
        }
    }
    Ok(builder.finish().into_series())
}

/// An int64 column of what `row` answers.
pub(super) fn integer_rows<T>(
    rows: impl Iterator<Item = T>,
    row: impl FnMut(T) -> PolarsResult<Option<i64>>,
) -> PolarsResult<Series> {
    number_rows::<pl::Int64Type, T>(rows, row)
}

/// A float64 column of what `row` answers.
pub(super) fn float_rows<T>(
    rows: impl Iterator<Item = T>,
    row: impl FnMut(T) -> PolarsResult<Option<f64>>,
) -> PolarsResult<Series> {
    number_rows::<pl::Float64Type, T>(rows, row)
}

/// A column of numbers of that type, of what `row` answers.
pub(super) fn number_rows<N: pl::PolarsNumericType, T>(
    rows: impl Iterator<Item = T>,
    mut row: impl FnMut(T) -> PolarsResult<Option<N::Native>>,
) -> PolarsResult<Series>
where
    pl::ChunkedArray<N>: IntoSeries,
{
    let mut builder = pl::PrimitiveChunkedBuilder::<N>::new(pl::PlSmallStr::EMPTY, rows.size_hint().0);
    for item in rows {
        builder.append_option(row(item)?);
    }
    Ok(builder.finish().into_series())
}

/// A boolean column of what `row` answers.
pub(super) fn boolean_rows<T>(
    rows: impl Iterator<Item = T>,
    row: impl FnMut(T) -> PolarsResult<Option<bool>>,
) -> PolarsResult<Series> {
    let values = rows.map(row).collect::<PolarsResult<Vec<_>>>()?;
    Ok(values.into_iter().collect::<pl::BooleanChunked>().into_series())
}
