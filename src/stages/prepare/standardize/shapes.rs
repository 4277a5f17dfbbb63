//! Powers and quantiles, which need values in memory to be learned.

use std::sync::Arc;

use super::methods::Keys;
use super::{number, with_note};
use crate::batch;
use crate::diagnostic::Diagnostic;
use crate::exhibit::{Cell, Column, Exhibit};
use crate::expression::{Field, Literal};
use crate::relation::{NamedExpr, Relation};
use crate::stages::work::{Outcome, WorkContext};
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::QuantileSketch;
use crate::statistics::row_function::{MapTo, QuantileMap, RowFunction};
use crate::statistics::sampling::reservoir::Reservoir;
use crate::statistics::yeo_johnson::{best_power, transform};

/// Values from which a power is learned: its error is far below what anybody sees.
const VALUES: usize = 1 << 18;

/// Passes the finite values of each column to `take`, batch by batch.
fn values(
    rows: &Arc<Relation>,
    fields: &[Field],
    context: &WorkContext<'_>,
    mut take: impl FnMut(usize, f64),
) -> Result<(), Diagnostic> {
    let columns = fields.iter().map(|field| NamedExpr { name: field.name.clone(), expr: number(field) }).collect();
    context.stream(&Relation::Project { input: rows.clone(), columns }, &mut |batch| {
        for (at, field) in fields.iter().enumerate() {
            let Some(column) = batch::column(&batch, &field.name) else { continue };
            batch::floats(column).into_iter().filter(|value| value.is_finite()).for_each(|value| take(at, value));
        }
        Ok(true)
    })
}

/// A power for each column, and the center and the scale of what it gives.
pub(super) fn learn_powers(
    rows: &Arc<Relation>,
    fields: &[Field],
    keys: &[Keys],
    title: String,
    context: &WorkContext<'_>,
    outcome: &mut Outcome,
) -> Result<(), Diagnostic> {
    let mut drawn: Vec<Reservoir<f64>> = (0..fields.len()).map(|_| Reservoir::new(VALUES, 0)).collect();
    values(rows, fields, context, |at, value| {
        if let Some(drawn) = drawn.get_mut(at) {
            drawn.offer(|| value);
        }
    })?;
    let mut shown = Vec::new();
    for ((field, keys), drawn) in fields.iter().zip(keys).zip(drawn) {
        let found = best_power(drawn.items());
        // The expression has the limits at 0 and 2 only, and loses digits beside them.
        let near = |power: f64, limit: f64| if (power - limit).abs() < 1e-6 { limit } else { power };
        let power = near(near(found.unwrap_or(1.0), 0.0), 2.0);
        let mut moments = Moments::default();
        drawn.items().iter().for_each(|value| moments.push(transform(*value, power)));
        let center = moments.mean().filter(|center| center.is_finite()).unwrap_or(0.0);
        let deviation = moments.standard_deviation().filter(|scale| scale.is_finite() && *scale > 0.0);
        let scale = deviation.unwrap_or(1.0);
        let remark = match (found, drawn.seen()) {
            (_, 0) => Some("no values to learn from".to_owned()),
            (None, _) => Some("all values are equal".to_owned()),
            (Some(_), seen) if seen > drawn.items().len() as u64 => {
                Some(format!("from {} of {seen} values, drawn at random", drawn.items().len()))
            }
            _ => None,
        };
        shown.push(vec![
            Cell::text(field.name.clone()),
            Cell::number(power),
            Cell::number(center),
            Cell::number(scale),
            Cell::optional(remark),
        ]);
        for (key, value) in [(&keys.power, power), (&keys.center, center), (&keys.scale, scale)] {
            outcome.bindings.literals.insert(key.clone(), Literal::Float(value));
        }
    }
    let columns = ["column", "power", "center", "scale", "remark"].map(Column::new).to_vec();
    let back = "Back, with t = y * scale + center and p = power: `(t * p + 1) ^ (1 / p) - 1` for t from 0 (`exp(t) - 1` \
                when p is 0), else `1 - (1 - (2 - p) * t) ^ (1 / (2 - p))` (`1 - exp(-t)` when p is 2).";
    outcome.exhibits.push(with_note(Exhibit::table(title, columns, shown), back));
    Ok(())
}

/// What quantiles are wanted for.
pub(super) struct Wanted {
    pub(super) quantiles: usize,
    pub(super) to: MapTo,
    pub(super) title: String,
}

/// Quantiles for each column.
pub(super) fn learn_quantiles(
    rows: &Arc<Relation>,
    fields: &[Field],
    keys: &[Keys],
    wanted: &Wanted,
    context: &WorkContext<'_>,
    outcome: &mut Outcome,
) -> Result<(), Diagnostic> {
    let mut sketches = vec![QuantileSketch::default(); fields.len()];
    values(rows, fields, context, |at, value| {
        if let Some(sketch) = sketches.get_mut(at) {
            sketch.push(value);
        }
    })?;
    let mut shown = Vec::new();
    for ((field, keys), sketch) in fields.iter().zip(keys).zip(sketches) {
        let quantiles = sketch.quantiles();
        let map = QuantileMap::learn(&quantiles, wanted.quantiles, wanted.to);
        let at = |share| Cell::number(quantiles.quantile(share));
        let count = map.as_ref().map_or(0, |map| map.quantiles().len());
        let remark = match (&map, sketch.is_exact()) {
            (None, _) => Some("no values to learn from: everything becomes 0"),
            (Some(_), false) => Some("ranks are off by at most 0.13 %"),
            (Some(_), true) => None,
        };
        shown.push(vec![
            Cell::text(field.name.clone()),
            Cell::count(count as u64),
            at(0.0),
            at(0.25),
            at(0.5),
            at(0.75),
            at(1.0),
            Cell::optional(remark),
        ]);
        let map = map.unwrap_or_else(QuantileMap::of_nothing);
        outcome
            .bindings
            .literals
            .insert(keys.quantiles.clone(), Literal::String(RowFunction::Quantiles(map).to_text()));
    }
    let names = ["column", "quantiles", "smallest", "first quarter", "median", "third quarter", "largest", "remark"];
    let columns = names.map(Column::new).to_vec();
    let back = match wanted.to {
        MapTo::Uniform => "Back: the quantile of the share y, interpolated between the learned quantiles.",
        MapTo::Normal => "Back: the quantile of the share that a normal variable has below y.",
    };
    outcome.exhibits.push(with_note(Exhibit::table(wanted.title.clone(), columns, shown), back));
    Ok(())
}
