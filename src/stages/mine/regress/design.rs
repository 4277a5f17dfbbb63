//! Rows become blocks of a model's matrix.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use rustc_hash::FxHashMap;

use super::Family;
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::digits;
use crate::expression::{DataType, Expr, Field};
use crate::relation::{NamedExpr, Relation};
use crate::stages::inputs;
use crate::statistics::double_sum::DoubleSum;
use crate::statistics::moments::Moments;
use crate::statistics::regression::{BASE, BLOCK_ROWS, Block, Errors, Values, centre_of};

/// Coefficients that a model may have: their products are held and inverted.
const MOST_COLUMNS: usize = 500;

/// Options that were checked.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) target: Field,
    /// The features, and whether each is a category.
    pub(super) terms: Vec<(Field, bool)>,
    pub(super) family: Family,
    pub(super) positive: Option<String>,
    pub(super) base: Vec<Option<String>>,
    pub(super) most_levels: usize,
    pub(super) intercept: bool,
    pub(super) exposure: Option<Field>,
    pub(super) errors: Errors,
    pub(super) cluster: Option<Field>,
    pub(super) confidence: f64,
    pub(super) seed: u64,
}

impl Plan {
    /// The columns that are read: target, features, exposure, cluster.
    pub(super) fn relation(&self, table: &Arc<Relation>) -> Relation {
        let value = |field: &Field| Expr::column(&field.name, field.data_type.clone());
        let number = |field: &Field| value(field).cast(DataType::Float64, true);
        let text = |field: &Field| match field.data_type {
            DataType::String => value(field),
            _ => inputs::shown(field).unwrap_or_else(|| value(field)),
        };
        let target = if self.target.data_type == DataType::String { text(&self.target) } else { number(&self.target) };
        let features =
            self.terms.iter().map(|(field, is_category)| if *is_category { text(field) } else { number(field) });
        let further = self.exposure.iter().map(number).chain(self.cluster.iter().map(text));
        let expressions = std::iter::once(target).chain(features).chain(further);
        let columns = expressions.enumerate().map(|(at, expr)| NamedExpr { name: format!("c{at}"), expr });
        Relation::Project { input: table.clone(), columns: columns.collect() }
    }
}

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

/// What a first pass finds.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    pub(super) seen: u64,
    pub(super) used: u64,
    /// The sums of the target and of the exposure.
    pub(super) target: DoubleSum,
    pub(super) exposure: DoubleSum,
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

/// The values of a batch in the rows that lack none.
pub(super) struct Complete {
    /// The number of each row in the input.
    pub(super) numbers: Vec<u64>,
    pub(super) target: Vec<f64>,
    features: Vec<Column>,
    /// Logarithms of the exposure; empty without one.
    pub(super) offset: Vec<f64>,
    pub(super) clusters: Vec<String>,
}

enum Column {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

fn texts(array: &ArrayRef) -> Vec<Option<String>> {
    match array.as_string_view_opt() {
        Some(strings) => strings.iter().map(|text| text.map(str::to_owned)).collect(),
        None => batch::texts(array),
    }
}

impl Plan {
    /// The complete rows of a batch. `before` is the number of rows that came before it.
    pub(super) fn complete(&self, batch: &RecordBatch, before: u64) -> Result<Complete, Diagnostic> {
        let arrays = batch.columns();
        let array = |at: usize| arrays.get(at).ok_or_else(|| Diagnostic::error(Class::Stage, "a column is missing"));
        let target: Vec<f64> = match &self.positive {
            Some(positive) => {
                let yes = |text: &Option<String>| {
                    text.as_ref().map_or(f64::NAN, |text| f64::from(u8::from(text == positive)))
                };
                texts(array(0)?).iter().map(yes).collect()
            }
            None => batch::floats(array(0)?),
        };
        let mut keep: Vec<bool> = target.iter().map(|value| value.is_finite()).collect();
        let mut numbers: Vec<Vec<f64>> = Vec::new();
        let mut words: Vec<Vec<Option<String>>> = Vec::new();
        for (at, (_, is_category)) in self.terms.iter().enumerate() {
            if *is_category {
                words.push(texts(array(at + 1)?));
                mark(&mut keep, words.last().into_iter().flatten().map(Option::is_some));
            } else {
                numbers.push(batch::floats(array(at + 1)?));
                mark(&mut keep, numbers.last().into_iter().flatten().map(|value| value.is_finite()));
            }
        }
        let mut next = self.terms.len() + 1;
        let mut exposure = Vec::new();
        if self.exposure.is_some() {
            exposure = batch::floats(array(next)?);
            next += 1;
            mark(&mut keep, exposure.iter().map(|value| value.is_finite() && *value > 0.0));
        }
        let mut clusters = Vec::new();
        if self.cluster.is_some() {
            clusters = texts(array(next)?);
            mark(&mut keep, clusters.iter().map(Option::is_some));
        }
        let chosen = |values: Vec<f64>| {
            values.into_iter().zip(&keep).filter(|(_, keep)| **keep).map(|(value, _)| value).collect::<Vec<f64>>()
        };
        let chosen_texts = |values: Vec<Option<String>>| {
            values
                .into_iter()
                .zip(&keep)
                .filter(|(_, keep)| **keep)
                .filter_map(|(value, _)| value)
                .collect::<Vec<String>>()
        };
        let (mut numbers, mut words) = (numbers.into_iter(), words.into_iter());
        let features = self.terms.iter().map(|(_, is_category)| {
            if *is_category {
                Column::Texts(chosen_texts(words.next().unwrap_or_default()))
            } else {
                Column::Numbers(chosen(numbers.next().unwrap_or_default()))
            }
        });
        let features = features.collect();
        let rows = (before..).zip(&keep).filter(|(_, keep)| **keep).map(|(number, _)| number);
        Ok(Complete {
            numbers: rows.collect(),
            target: chosen(target),
            features,
            offset: chosen(exposure).iter().map(|value| value.ln()).collect(),
            clusters: chosen_texts(clusters),
        })
    }
}

fn mark(keep: &mut [bool], usable: impl Iterator<Item = bool>) {
    keep.iter_mut().zip(usable).for_each(|(keep, usable)| *keep &= usable);
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
        for (row, &target) in rows.target.iter().enumerate() {
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
            self.target.add(target);
        }
        rows.offset.iter().for_each(|offset| self.exposure.add(offset.exp()));
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
                    others.sort_unstable();
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
        #[expect(clippy::cast_precision_loss, reason = "rows")]
        let all = self.used as f64;
        let total = self.target.value();
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

impl Design {
    /// The rows as blocks with the target, their row numbers, offsets and clusters. Rows with a level that the model does not know are left
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
            offset: of(&rows.offset),
            clusters: some.iter().filter_map(|row| rows.clusters.get(*row).cloned()).collect(),
        }
    }
}

/// Some rows of the model.
pub(super) struct Part {
    pub(super) block: Block,
    pub(super) numbers: Vec<u64>,
    pub(super) offset: Vec<f64>,
    pub(super) clusters: Vec<String>,
}
