//! What a first pass finds: levels, means and ranges, and what no model can be made of.

use rustc_hash::FxHashMap;

use super::Family;
use super::design::{Design, Term};
use super::rows::{Column, Complete, Plan};
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::expression::Field;
use crate::stages::inputs;
use crate::statistics::double_sum::DoubleSum;
use crate::statistics::moments::Moments;
use crate::statistics::regression::{self as model, BASE, centre_of};

/// Coefficients that a model may have: their products are held and inverted.
const MOST_COLUMNS: usize = 500;

/// What a first pass finds.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    pub(super) seen: u64,
    pub(super) used: u64,
    /// The sums of weights (1 without), of the target by weight, and of e to the offset by weight.
    weight: DoubleSum,
    target: DoubleSum,
    exposure: DoubleSum,
    /// The sum of the logarithms of weights.
    pub(super) ln_weights: DoubleSum,
    features: Vec<Feature>,
}

/// What is known of a feature.
#[derive(Debug, Clone)]
enum Feature {
    /// Its moments, and its range among rows with a target of 0 and of more.
    Number { moments: Moments, ranges: [(f64, f64); 2] },
    /// Rows and sum of the target of each level.
    Category { levels: FxHashMap<Box<str>, (u64, f64)> },
}

impl Survey {
    pub(super) fn new(plan: &Plan) -> Self {
        let feature = |(_, is_category): &(Field, bool)| {
            if *is_category {
                Feature::Category { levels: FxHashMap::default() }
            } else {
                Feature::Number { moments: Moments::new(), ranges: [(f64::INFINITY, f64::NEG_INFINITY); 2] }
            }
        };
        Self { features: plan.terms.iter().map(feature).collect(), ..Self::default() }
    }

    /// Adds rows.
    ///
    /// Errors: a target that the family does not know, too many levels.
    pub(super) fn add(&mut self, rows: &Complete, plan: &Plan) -> Result<(), Diagnostic> {
        self.used += rows.target.len() as u64;
        let beside = rows.beside.weights().zip(rows.beside.offsets());
        for ((row, &target), (weight, offset)) in rows.target.iter().enumerate().zip(beside) {
            let fits = match plan.family {
                Family::Linear => true,
                #[expect(clippy::float_cmp, reason = "exactly these two numbers are classes")]
                Family::Logistic => target == 0.0 || target == 1.0,
                Family::Poisson => target >= 0.0 && target.fract() == 0.0,
            };
            if !fits {
                let what = if plan.family == Family::Logistic { "0 or 1" } else { "a count" };
                let number = rows.numbers.get(row).map_or(0, |number| number + 1);
                let message = format!(
                    "column `{}` must be {what}, but row {} holds {target}",
                    plan.target.name,
                    digits::whole(number)
                );
                return Err(Diagnostic::error(Class::Data, message));
            }
            self.weight.add(weight);
            self.target.add(weight * target);
            self.exposure.add(weight * offset.exp());
            if weight != 1.0 {
                self.ln_weights.add(weight.ln());
            }
        }
        for ((feature, column), (field, _)) in self.features.iter_mut().zip(&rows.features).zip(&plan.terms) {
            match (feature, column) {
                (Feature::Number { moments, ranges }, Column::Numbers(values)) => {
                    moments.extend(values);
                    for (value, target) in values.iter().zip(&rows.target) {
                        let range = &mut ranges[usize::from(*target > 0.0)];
                        *range = (range.0.min(*value), range.1.max(*value));
                    }
                }
                (Feature::Category { levels }, Column::Texts(texts)) => {
                    for (text, target) in texts.iter().zip(&rows.target) {
                        match levels.get_mut(text.as_str()) {
                            Some(level) => *level = (level.0 + 1, level.1 + target),
                            None => {
                                levels.insert(text.as_str().into(), (1, *target));
                            }
                        }
                    }
                    if levels.len() > plan.most_levels {
                        let message = format!("column `{}` has more than {} levels", field.name, plan.most_levels);
                        let help = "group rare values first (`canonicalize`, `encode`), or raise `most_levels`";
                        return Err(Diagnostic::error(Class::Limit, message).help(help));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The columns of the model.
    ///
    /// Errors: no usable rows, an unknown base, too many columns, a feature that separates the classes.
    pub(super) fn design(self, plan: &Plan) -> Result<Design, Diagnostic> {
        let failed = |message: String| Diagnostic::error(Class::Stage, message);
        if self.used == 0 {
            return Err(failed(format!("none of {} has a value in all columns of the model", digits::rows(self.seen))));
        }
        self.check_target(plan)?;
        let mut names: Vec<(String, Option<String>)> = Vec::new();
        if plan.intercept {
            names.push(("(intercept)".to_owned(), None));
        }
        let mut centres = vec![0.0; names.len()];
        let mut terms = Vec::new();
        for ((feature, (field, _)), base) in self.features.iter().zip(&plan.terms).zip(&plan.base) {
            match feature {
                Feature::Number { moments, .. } => {
                    let centre = if plan.intercept { centre_of(moments.mean().unwrap_or(0.0)) } else { 0.0 };
                    terms.push(Term::Number { column: names.len(), centre });
                    names.push((field.name.clone(), None));
                    centres.push(centre);
                }
                Feature::Category { levels } => {
                    let base = base_of(levels, base.as_deref(), &field.name)?;
                    let mut others: Vec<String> =
                        levels.keys().filter(|level| ***level != *base).map(|level| level.to_string()).collect();
                    others.sort_unstable_by(|a, b| inputs::by_name(a, b));
                    let mut codes: FxHashMap<Box<str>, u32> =
                        others.iter().zip(0..).map(|(level, code)| (level.as_str().into(), code)).collect();
                    codes.insert(base.as_str().into(), BASE);
                    let first = names.len();
                    names.extend(others.iter().map(|level| (field.name.clone(), Some(level.clone()))));
                    centres.resize(names.len(), 0.0);
                    terms.push(Term::Category { first, base, levels: others, codes });
                }
            }
        }
        if names.len() > MOST_COLUMNS {
            let message = format!(
                "the model has {} coefficients; {MOST_COLUMNS} are the most",
                digits::whole(names.len() as u64)
            );
            return Err(
                Diagnostic::error(Class::Limit, message).help("choose fewer features, or group rare values first")
            );
        }
        Ok(Design { terms, names, intercept: plan.intercept, centres, survey: self })
    }

    /// The constant of the model that has nothing else, of a logistic model as if no row had an offset.
    pub(super) fn constant(&self, family: model::Family) -> f64 {
        let spread = if family == model::Family::Poisson { &self.exposure } else { &self.weight };
        family.link(self.target.value() / spread.value())
    }

    /// The standard deviation of the number in that column of the model.
    pub(super) fn deviation(&self, design: &Design, column: usize) -> Option<f64> {
        let is_it = |term: &Term| matches!(term, Term::Number { column: of, .. } if *of == column);
        match self.features.get(design.terms.iter().position(is_it)?)? {
            Feature::Number { moments, .. } => moments.standard_deviation(),
            Feature::Category { .. } => None,
        }
    }

    /// Features that leave a logistic or Poisson model without finite estimates are named before time is spent.
    fn check_target(&self, plan: &Plan) -> Result<(), Diagnostic> {
        if plan.family == Family::Linear {
            return Ok(());
        }
        let separated = |message: String| {
            let help =
                "filter these rows out, group rare values first (`canonicalize`, `encode`), or leave the column out";
            Err(Diagnostic::error(
                Class::Stage,
                format!("{message}: its coefficient has no finite estimate (separation)"),
            )
            .help(help))
        };
        let (total, all) = (self.target.value(), self.weight.value());
        if total <= 0.0 || (plan.family == Family::Logistic && total >= all) {
            let message =
                format!("column `{}` has the same value in all {}", plan.target.name, digits::rows(self.used));
            return Err(Diagnostic::error(Class::Stage, message));
        }
        for (feature, (field, _)) in self.features.iter().zip(&plan.terms) {
            match feature {
                Feature::Category { levels } => {
                    let mut names: Vec<(&str, u64, f64)> =
                        levels.iter().map(|(name, level)| (&**name, level.0, level.1)).collect();
                    names.sort_unstable_by(|a, b| a.0.cmp(b.0));
                    #[expect(clippy::cast_precision_loss, reason = "rows")]
                    let found = names
                        .iter()
                        .find(|level| level.2 <= 0.0 || (plan.family == Family::Logistic && level.2 >= level.1 as f64));
                    if let Some((level, rows, sum)) = found {
                        let value = if *sum <= 0.0 { "0" } else { "1" };
                        let what = digits::rows(*rows);
                        return separated(format!(
                            "`{}` is {value} in all {what} with `{}` = `{level}`",
                            plan.target.name, field.name
                        ));
                    }
                }
                Feature::Number { ranges: [no, yes], .. } if plan.family == Family::Logistic => {
                    let varies = no.0.min(yes.0) < no.1.max(yes.1);
                    if varies && (no.1 <= yes.0 || yes.1 <= no.0) {
                        return separated(format!(
                            "`{}` tells the classes of `{}` apart without an error",
                            field.name, plan.target.name
                        ));
                    }
                }
                Feature::Number { .. } => {}
            }
        }
        Ok(())
    }
}

/// The level that was named, or the most frequent one.
fn base_of(levels: &FxHashMap<Box<str>, (u64, f64)>, wanted: Option<&str>, column: &str) -> Result<String, Diagnostic> {
    if let Some(wanted) = wanted {
        if levels.contains_key(wanted) {
            return Ok(wanted.to_owned());
        }
        let message = format!("no complete row has `{column}` = `{wanted}`, which was to be the base");
        let mut finding = Diagnostic::error(Class::Stage, message);
        if let Some(near) = crate::diagnostic::nearest(wanted, levels.keys().map(|level| &**level)) {
            finding = finding.help(format!("did you mean `{near}`?"));
        }
        return Err(finding);
    }
    let most = levels.iter().max_by(|a, b| a.1.0.cmp(&b.1.0).then_with(|| b.0.cmp(a.0)));
    Ok(most.map_or(String::new(), |(level, _)| level.to_string()))
}
