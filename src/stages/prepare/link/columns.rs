//! What is compared and how, and by which rules: from the options and the schemas of the tables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Link, Linkage, Part};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{self, DataType, Expr, Schema};
use crate::similarity::linkage::comparison::{Comparison, Level};
use crate::similarity::linkage::dictionary::Dictionary;
use crate::similarity::linkage::records::Side;
use crate::similarity::linkage::usual::{self, Kind, Sort};
use crate::similarity::linkage::{MOST_COMPARISONS, MOST_LEVELS};
use crate::stages::{PlanContext, inputs};

/// How a column is compared.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::stages::prepare) enum How {
    /// As name, type and values suggest.
    Auto,
    /// Names of people, places, companies: equal, three degrees of Jaro-Winkler.
    Name,
    /// Dates: equal, a typing error, day and month swapped, within a month, a year, ten years.
    Date,
    /// Postcodes: equal, a typing error, the same beginning; of Britain also sector, district, area.
    Postcode,
    /// E-mail addresses: equal, the same user, a similar address, a similar user.
    Email,
    /// Numbers that name something: equal, one or two typing errors.
    Identifier,
    /// Short numbers that name something: equal, a typing error.
    ShortNumber,
    /// Numbers that measure something: equal, within 1, 5 or 20 percent.
    Measure,
    /// One of a few classes: equal or not, with the frequency of the class.
    Class,
    /// Longer texts: equal, three degrees of the cosine of their tokens.
    Text,
    /// Equal or not.
    Exact,
    /// Levels of agreement, the closest first; everything else is one more.
    Levels(Vec<Level>),
}

/// A column that is compared.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    pub(super) name: String,
    pub(super) how: How,
    kind: Kind,
    /// The type in which all tables give it.
    pub(super) data_type: DataType,
    /// Whether frequencies of values count; told from the sort when nothing is said.
    term_frequency: Option<bool>,
}

impl Compared {
    /// The comparison, with the distinct values at hand.
    pub(super) fn comparison(&self, values: &Dictionary) -> Comparison {
        let sort = match &self.how {
            How::Auto => usual::sort(&self.name, self.kind, values),
            How::Name => Sort::Name,
            How::Date => Sort::Date,
            How::Postcode => match usual::sort("postcode", Kind::Text, values) {
                Sort::BritishPostcode => Sort::BritishPostcode,
                _ => Sort::Postcode,
            },
            How::Email => Sort::Email,
            How::Identifier => Sort::Identifier,
            How::ShortNumber => Sort::ShortNumber,
            How::Measure => Sort::Measure,
            How::Class => Sort::Class,
            How::Text => Sort::FreeText,
            How::Exact => {
                return Comparison {
                    name: self.name.clone(),
                    levels: vec![Level::Exact],
                    term_frequency: self.term_frequency.unwrap_or(false),
                };
            }
            How::Levels(levels) => {
                return Comparison {
                    name: self.name.clone(),
                    levels: levels.clone(),
                    term_frequency: self.term_frequency.unwrap_or(false),
                };
            }
        };
        let usual = sort.comparison(&self.name);
        Comparison { term_frequency: self.term_frequency.unwrap_or(usual.term_frequency), ..usual }
    }
}

/// A blocking rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// As it was written.
    pub(super) name: String,
    pub(super) keys: Vec<Key>,
    /// The compared columns that it looks at.
    pub(super) looks_at: Vec<usize>,
    /// Other columns that it looks at.
    pub(super) others: Vec<String>,
}

/// A part of a blocking rule.
#[derive(Debug, Clone)]
pub(super) enum Key {
    /// The compared column at that position.
    Compared(usize),
    /// A column or an expression, by its text.
    Text(Spanned<String>),
}

fn kind(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Boolean => Kind::Boolean,
        DataType::Date | DataType::Datetime(_) => Kind::Date,
        kind if kind.is_integer() => Kind::Integer,
        kind if kind.is_numeric() => Kind::Number,
        _ => Kind::Text,
    }
}

impl Link {
    /// The columns that are compared, each in a type that all tables can give.
    pub(super) fn compared(
        &self,
        parts: &[Part],
        model: Option<&Linkage>,
        context: &PlanContext<'_>,
        findings: &mut Findings,
    ) -> Vec<Compared> {
        let auto = self.on.iter().flat_map(|names| names.iter().map(|name| (name.clone(), How::Auto)));
        let mut wanted: Vec<(Spanned<String>, How)> = auto.chain(self.compare.iter().cloned()).collect();
        if let (Some(model), Some(written)) = (model, &self.model) {
            if let Some((name, _)) = wanted.first() {
                let message = "a saved linkage knows what to compare";
                findings.push(Diagnostic::definition(message).at(&name.place).help("leave `on` and `compare` out"));
            }
            let column = |one: &Comparison| {
                (Spanned::new(one.name.clone(), written.place.clone()), How::Levels(one.levels.clone()))
            };
            wanted = model.comparisons.iter().map(column).collect();
        }
        if wanted.is_empty() && self.model.is_none() {
            let message = "nothing is compared: name columns with `on`, or with `compare`";
            findings.push(Diagnostic::definition(message).at(context.place));
        }
        if let Some((name, _)) = wanted.get(MOST_COMPARISONS) {
            let message = format!("at most {MOST_COMPARISONS} columns can be compared");
            findings.push(Diagnostic::definition(message).at(&name.place));
        }
        let mut compared: Vec<Compared> = Vec::new();
        for (name, how) in wanted {
            if compared.iter().any(|known| known.name == name.value) {
                let message = format!("column `{}` is named twice", name.value);
                findings.push(Diagnostic::definition(message).at(&name.place));
                continue;
            }
            if let How::Levels(levels) = &how {
                findings.extend(wrong_levels(levels, &name));
            }
            let Some(data_type) = common_type(parts, &name, context, findings) else { continue };
            let term_frequency =
                self.term_frequency.as_ref().map(|names| names.iter().any(|one| one.value == name.value));
            let term_frequency = match model {
                Some(model) => {
                    model.comparisons.iter().find(|one| one.name == name.value).map(|one| one.term_frequency)
                }
                None => term_frequency,
            };
            compared.push(Compared { kind: kind(&data_type), name: name.value, how, data_type, term_frequency });
        }
        for name in self.term_frequency.iter().flat_map(|names| names.iter()) {
            if !compared.iter().any(|one| one.name == name.value) {
                let message = format!("column `{}` is not compared", name.value);
                findings.push(
                    Diagnostic::definition(message).at(&name.place).help("`term_frequency` names compared columns"),
                );
            }
        }
        compared
    }

    /// The blocking rules that were written or saved.
    pub(super) fn rules(
        &self,
        parts: &[Part],
        compared: &[Compared],
        model: Option<&Linkage>,
        findings: &mut Findings,
    ) -> Option<Vec<Rule>> {
        let saved = model.zip(self.model.as_ref()).map(|(model, written)| {
            let spanned = |text: &String| Spanned::new(text.clone(), written.place.clone());
            model.rules.iter().map(|rule| rule.iter().map(spanned).collect::<Vec<_>>()).collect::<Vec<_>>()
        });
        let block = || Some(self.block.as_ref()?.iter().map(|rule| rule.as_slice().to_vec()).collect());
        let written: Vec<Vec<Spanned<String>>> = saved.or_else(block)?;
        if written.is_empty() || written.iter().any(Vec::is_empty) {
            let message = "a blocking rule names at least one column";
            findings.push(Diagnostic::definition(message).help("leave `block` out to have rules chosen"));
        }
        let mut rules = Vec::new();
        for rule in &written {
            let mut keys = Vec::new();
            let mut looks_at = Vec::new();
            let mut others: Vec<String> = Vec::new();
            for text in rule.iter() {
                if let Some(at) = compared.iter().position(|one| one.name == text.value) {
                    keys.push(Key::Compared(at));
                    looks_at.push(at);
                    continue;
                }
                for part in parts {
                    match key(&part.table.schema, text) {
                        Ok(expr) => {
                            let columns = expr.columns();
                            others.extend(columns.iter().map(|name| (*name).to_owned()));
                            looks_at.extend((0..compared.len()).filter(|at| {
                                compared.get(*at).is_some_and(|one| columns.iter().any(|name| *name == one.name))
                            }));
                        }
                        Err(mut wrong) => findings.append(&mut wrong),
                    }
                }
                keys.push(Key::Text(text.clone()));
            }
            looks_at.sort_unstable();
            looks_at.dedup();
            let name = rule.iter().map(|text| text.value.as_str()).collect::<Vec<_>>().join(" + ");
            rules.push(Rule { name, keys, looks_at, others });
        }
        Some(rules)
    }
}

/// The value of a blocking key as text.
pub(super) fn key(schema: &Schema, text: &Spanned<String>) -> Result<Expr, Findings> {
    let expr = match schema.field(&text.value) {
        Some(field) => Expr::column(&field.name, field.data_type.clone()),
        None => inputs::expression(text, schema)?,
    };
    as_text(expr).ok_or_else(|| {
        let message = format!("`{}` has no short text, so it cannot be a blocking key", text.value);
        vec![Diagnostic::definition(message).at(&text.place)]
    })
}

/// An expression as text; none for types that have no short text.
pub(super) fn as_text(expr: Expr) -> Option<Expr> {
    match &expr.data_type {
        DataType::String => Some(expr),
        DataType::List(_) | DataType::Array(..) | DataType::Struct(_) | DataType::Binary | DataType::Interval => None,
        DataType::Datetime(Some(_)) => {
            let arguments = vec![expr, Expr::string("UTC")];
            let clock = Expr::call(expression::Function::AtTimeZone, arguments, DataType::Datetime(None));
            Some(clock.cast(DataType::String, false))
        }
        DataType::Duration => expression::compose::cast(expr, DataType::String, false).ok(),
        _ => Some(expr.cast(DataType::String, false)),
    }
}

fn common_type(
    parts: &[Part],
    name: &Spanned<String>,
    context: &PlanContext<'_>,
    findings: &mut Findings,
) -> Option<DataType> {
    let mut common: Option<DataType> = None;
    for part in parts {
        let id = part.input.and_then(|input| context.input_ids.get(input)).map_or("entities", String::as_str);
        match inputs::column(&part.table.schema, name, id) {
            Ok(field)
                if field.data_type.is_nested() || matches!(field.data_type, DataType::Binary | DataType::Interval) =>
            {
                let message = format!("column `{}` holds {}, which cannot be compared", field.name, field.data_type);
                findings.push(Diagnostic::definition(message).at(&name.place));
                return None;
            }
            Ok(field) => {
                let found = field.data_type.clone();
                // Without a common type the findings about the product's columns say so.
                common = match common {
                    Some(known) => Some(expression::supertype(&known, &found).unwrap_or(known)),
                    None => Some(found),
                };
            }
            // A known table may lack a column that later tables have; the first table may not.
            Err(_) if part.side == Side::Known => {}
            Err(finding) => {
                findings.push(finding);
                return None;
            }
        }
    }
    common
}

fn wrong_levels(levels: &[Level], name: &Spanned<String>) -> Option<Diagnostic> {
    let wrong = |message: String| Some(Diagnostic::definition(message).at(&name.place));
    if levels.is_empty() {
        return wrong(format!("`{}` has no level", name.value));
    }
    if levels.len() >= MOST_LEVELS {
        return wrong(format!("`{}` has more than {} levels", name.value, MOST_LEVELS - 1));
    }
    let bad = levels.iter().find(|level| match level {
        Level::JaroWinkler(least) | Level::Cosine(least) | Level::EmailUserLike(least) => {
            !(*least > 0.0 && *least <= 1.0)
        }
        Level::Number(most) | Level::Percent(most) => !(*most >= 0.0 && most.is_finite()),
        Level::Prefix(length) => *length == 0,
        _ => false,
    });
    if let Some(level) = bad {
        return wrong(format!("`{}` has a level that nothing or everything reaches: {}", name.value, level.label()));
    }
    let repeated = levels.iter().enumerate().find(|(at, level)| levels.iter().take(*at).any(|other| other == *level));
    repeated.and_then(|(_, level)| wrong(format!("`{}` has the level `{}` twice", name.value, level.label())))
}
