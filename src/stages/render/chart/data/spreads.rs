//! Box plots: how the rows of each category are spread, in one pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Chart, Data, Drawing, Order, floats, texts};
use crate::chart::{BoxPlot, Mark as Drawn, Spread};
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::expression::DataType;
use crate::relation::Relation;
use crate::stages::work::WorkContext;
use crate::statistics::moments::Moments;
use crate::statistics::quantiles::QuantileSketch;

/// Categories at most, before some are chosen: each holds a sketch of its values.
const MOST_CATEGORIES: usize = 2_000;
/// Values up to which the quantiles of a category are exact.
const EXACT: usize = 8_192;
/// How far whiskers reach, in interquartile ranges.
const REACH: f64 = 1.5;

struct Group {
    values: QuantileSketch,
    moments: Moments,
}

impl Drawing {
    pub(super) fn spreads(
        &self,
        rows: &Arc<Relation>,
        options: &Chart,
        context: &WorkContext<'_>,
    ) -> Result<Data, Diagnostic> {
        let (mut columns, measured) = self.named();
        columns.push(measured);
        let relation = Relation::Project { input: rows.clone(), columns };
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        context.stream(&relation, &mut |batch| {
            for (label, value) in texts(&batch, "x").into_iter().zip(floats(&batch, "value")) {
                if !value.is_finite() {
                    continue;
                }
                let new = || Group { values: QuantileSketch::new(EXACT), moments: Moments::new() };
                let group = groups.entry(label).or_insert_with(new);
                group.values.push(value);
                group.moments.push(value);
            }
            if groups.len() > MOST_CATEGORIES {
                let message = format!("more than {MOST_CATEGORIES} boxes would be drawn");
                return Err(
                    EngineError::new(Class::Limit, message).help("use a coarser `x`, or `filter` the rows first")
                );
            }
            Ok(true)
        })?;
        let mut spreads: Vec<(String, Spread)> =
            groups.into_iter().filter_map(|(label, group)| Some((label, group.spread()?))).collect();
        let by_value = match options.sort {
            Order::Value => true,
            Order::Name => false,
            Order::Auto => self.x.data_type == DataType::String,
        };
        if by_value {
            spreads.sort_by(|a, b| b.1.median.total_cmp(&a.1.median));
        } else if self.x.data_type.is_numeric() {
            // They came in the order of their texts, in which 10 stands before 9.
            let number = |label: &str| label.parse::<f64>().unwrap_or(f64::INFINITY);
            spreads.sort_by(|a, b| number(&a.0).total_cmp(&number(&b.0)));
        }
        let mut note = String::new();
        if spreads.len() > options.top.value {
            note = format!("{} of {} boxes are shown.", options.top.value, spreads.len());
            spreads.truncate(options.top.value);
        }
        let labelled = spreads.into_iter().map(|(label, spread)| (label, Some(spread)));
        Ok(Data { mark: Drawn::BoxPlot(BoxPlot::new(labelled)), note })
    }
}

impl Group {
    fn spread(&self) -> Option<Spread> {
        let quantiles = self.values.quantiles();
        let [least, q25, median, q75, most] = [0.0, 0.25, 0.5, 0.75, 1.0].map(|at| quantiles.quantile(at));
        let (least, q25, median, q75, most) = (least?, q25?, median?, q75?, most?);
        let reach = REACH * (q75 - q25);
        let (low, high) = quantiles.range_within(q25 - reach, q75 + reach)?;
        let beyond = [least, most].into_iter().filter(|end| *end < low || *end > high).collect();
        Some(Spread { low, q25, median, q75, high, mean: self.moments.mean(), beyond })
    }
}
