//! What is asked, checked against the columns that there are.

use super::{Bounds, Distribution, Hypothesis, Method, PostHoc};
use crate::definition::Spanned;
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Field, Schema};
use crate::stages::inputs;
use crate::statistics::hypothesis::Alternative;

/// A question that makes sense.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) name: String,
    pub(super) subject: Subject,
    pub(super) method: Spanned<Method>,
    pub(super) alternative: Alternative,
    pub(super) equivalence: Option<Bounds>,
    pub(super) post_hoc: PostHoc,
    pub(super) yates: bool,
}

/// What it is about.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// Does the value differ between groups?
    Groups { value: Field, by: Field },
    /// Do columns differ?
    Columns(Vec<Field>),
    /// Do pairs differ?
    Paired { a: Field, b: Field },
    /// Is the mean another one?
    Mean { value: Field, mean: f64 },
    /// Is the share of true values another one?
    Share { value: Field, share: f64 },
    /// Do values follow a distribution?
    Distribution { value: Field, distribution: Distribution },
    /// Do two categories go together?
    Cross { a: Field, b: Field },
    /// Do categories have given shares (equal ones when absent)?
    Fit { column: Field, shares: Option<Vec<(String, f64)>> },
}

use Method as M;

impl Subject {
    /// The methods that answer such a question.
    fn methods(&self) -> &'static [Method] {
        match self {
            Self::Groups { value, .. } if value.data_type == DataType::Boolean => &[M::Proportions, M::ChiSquare],
            Self::Groups { .. } => &[
                M::T,
                M::Welch,
                M::MannWhitney,
                M::KolmogorovSmirnov,
                M::Anova,
                M::WelchAnova,
                M::KruskalWallis,
                M::AndersonDarling,
                M::Levene,
                M::BrownForsythe,
                M::Proportions,
            ],
            Self::Columns(_) => &[
                M::T,
                M::Welch,
                M::MannWhitney,
                M::KolmogorovSmirnov,
                M::Anova,
                M::WelchAnova,
                M::KruskalWallis,
                M::AndersonDarling,
                M::Levene,
                M::BrownForsythe,
            ],
            Self::Paired { .. } | Self::Mean { .. } => &[M::T, M::Wilcoxon],
            Self::Share { .. } => &[M::Binomial],
            Self::Distribution { distribution: Distribution::Normal, .. } => &[M::ShapiroWilk, M::AndersonDarling],
            Self::Distribution { .. } => &[M::KolmogorovSmirnov],
            Self::Cross { .. } => &[M::ChiSquare, M::Fisher],
            Self::Fit { .. } => &[M::ChiSquare],
        }
    }

    /// What it is called.
    fn title(&self) -> String {
        match self {
            Self::Groups { value, by } => format!("{} by {}", value.name, by.name),
            Self::Columns(fields) => fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>().join(", "),
            Self::Paired { a, b } => format!("{} - {}", a.name, b.name),
            Self::Mean { value, mean } => format!("{} against {mean}", value.name),
            Self::Share { value, share } => format!("{} against {share}", value.name),
            Self::Distribution { value, .. } => value.name.clone(),
            Self::Cross { a, b } => format!("{} and {}", a.name, b.name),
            Self::Fit { column, .. } => column.name.clone(),
        }
    }
}

impl Question {
    pub(super) fn of(written: &Hypothesis, schema: &Schema, id: &str) -> Result<Self, Findings> {
        let subject = subject(written, schema, id)?;
        let method = written.method.value;
        let fitting = subject.methods();
        if method != Method::Auto && !fitting.contains(&method) {
            let names: Vec<String> = fitting.iter().map(|method| format!("`{}`", word(*method))).collect();
            let message = format!("`{}` does not answer this question", word(method));
            let help = format!("methods that do: {}, or `auto`", names.join(", "));
            return Err(vec![Diagnostic::definition(message).at(&written.method.place).help(help)]);
        }
        if let Some(bounds) = written.equivalence {
            let about_means = matches!(
                subject,
                Subject::Groups { .. } | Subject::Columns(_) | Subject::Paired { .. } | Subject::Mean { .. }
            );
            if !about_means || !matches!(method, M::Auto | M::T | M::Welch) {
                let message =
                    "`equivalence` is a question about means: two groups, pairs or one column, by `welch` or `t`";
                return Err(vec![Diagnostic::definition(message).at(&written.method.place)]);
            }
            if !(bounds.low < bounds.high && bounds.low.is_finite() && bounds.high.is_finite()) {
                return Err(vec![Diagnostic::definition("`equivalence` needs a `low` that is below its `high`")]);
            }
        }
        if written.alternative != Alternative::TwoSided && !has_sides(method) {
            let message = format!("`{}` has no sides, so `alternative` cannot be chosen", word(method));
            return Err(vec![Diagnostic::definition(message).at(&written.method.place)]);
        }
        Ok(Self {
            name: written.name.clone().unwrap_or_else(|| subject.title()),
            subject,
            method: written.method.clone(),
            alternative: written.alternative,
            equivalence: written.equivalence,
            post_hoc: written.post_hoc,
            yates: written.yates,
        })
    }
}

/// Whether a test knows less and greater.
pub(super) fn has_sides(method: Method) -> bool {
    matches!(
        method,
        M::Auto | M::T | M::Welch | M::MannWhitney | M::Wilcoxon | M::Fisher | M::Binomial | M::Proportions
    )
}

/// The method as it is written in a pipeline.
pub(super) fn word(method: Method) -> String {
    serde_json::to_value(method).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn subject(written: &Hypothesis, schema: &Schema, id: &str) -> Result<Subject, Findings> {
    let refuse = |message: &str| Err(vec![Diagnostic::definition(message)]);
    if let Some(columns) = &written.columns {
        if written.value.is_some() || written.by.is_some() || written.mean.is_some() || written.paired {
            return refuse("`columns` asks about categories, `value` about numbers: take one of them");
        }
        return categories(written, inputs::columns(schema, columns.as_slice(), id)?);
    }
    let Some(values) = &written.value else {
        return refuse("say what is tested: `value: arr_delay, by: origin` or `columns: [origin, late]`");
    };
    let fields = numbers(schema, values.as_slice(), id)?;
    let by = match &written.by {
        Some(by) => Some(inputs::column(schema, by, id).map_err(|finding| vec![finding])?.clone()),
        None => None,
    };
    if let (Some(field), Some(name)) = (&by, &written.by)
        && !inputs::is_key(&field.data_type)
    {
        let message = format!("column `{}` holds {}, which cannot make groups", field.name, field.data_type);
        return Err(vec![Diagnostic::definition(message).at(&name.place)]);
    }
    match (fields.as_slice(), by) {
        ([value], Some(by)) => Ok(Subject::Groups { value: value.clone(), by }),
        (_, Some(_)) => refuse("`by` goes with one `value`; use `hypotheses` for several"),
        ([a, b], None) if written.paired => Ok(Subject::Paired { a: a.clone(), b: b.clone() }),
        (_, None) if written.paired => refuse("`paired` needs two columns of values: `value: [before, after]`"),
        ([value], None) => alone(written, value),
        (_, None) => Ok(Subject::Columns(fields)),
    }
}

fn alone(written: &Hypothesis, value: &Field) -> Result<Subject, Findings> {
    let value = value.clone();
    if let Some(share) = &written.share {
        if !(share.value > 0.0 && share.value < 1.0) {
            return Err(vec![Diagnostic::definition("`share` must be between 0 and 1").at(&share.place)]);
        }
        return Ok(Subject::Share { value, share: share.value });
    }
    if let Some(distribution) = written.distribution {
        return Ok(Subject::Distribution { value, distribution });
    }
    match (written.mean, written.method.value) {
        (Some(mean), _) if mean.is_finite() => Ok(Subject::Mean { value, mean }),
        (None, Method::ShapiroWilk | Method::AndersonDarling) => {
            Ok(Subject::Distribution { value, distribution: Distribution::Normal })
        }
        (None, _) if written.equivalence.is_some() => Ok(Subject::Mean { value, mean: 0.0 }),
        _ => {
            let message = format!("with what is `{}` compared?", value.name);
            let help = "add `by` (groups), `mean` (a number), `share`, `distribution`, or a second column";
            Err(vec![Diagnostic::definition(message).help(help)])
        }
    }
}

fn categories(written: &Hypothesis, fields: Vec<Field>) -> Result<Subject, Findings> {
    if let Some(field) = fields.iter().find(|field| !inputs::is_key(&field.data_type)) {
        let message = format!("column `{}` holds {}, which has no categories", field.name, field.data_type);
        return Err(vec![Diagnostic::definition(message)]);
    }
    match fields.as_slice() {
        [column] => {
            let shares: Option<Vec<(String, f64)>> = written
                .shares
                .as_ref()
                .map(|shares| shares.iter().map(|(name, share)| (name.value.clone(), *share)).collect());
            let wrong = |shares: &Vec<(String, f64)>| {
                shares.len() < 2 || shares.iter().any(|(_, share)| !(share.is_finite() && *share > 0.0))
            };
            if shares.as_ref().is_some_and(wrong) {
                return Err(vec![Diagnostic::definition("`shares` needs two categories or more with shares above 0")]);
            }
            Ok(Subject::Fit { column: column.clone(), shares })
        }
        [a, b] => Ok(Subject::Cross { a: a.clone(), b: b.clone() }),
        _ => Err(vec![Diagnostic::definition("`columns` needs one or two columns; use `hypotheses` for more")]),
    }
}

/// Columns of numbers or of true and false.
fn numbers(schema: &Schema, names: &[Spanned<String>], id: &str) -> Result<Vec<Field>, Findings> {
    let fields = inputs::columns(schema, names, id)?;
    if fields.is_empty() {
        return Err(vec![Diagnostic::definition("`value` names no column")]);
    }
    let wrong: Findings = fields
        .iter()
        .zip(names)
        .filter(|(field, _)| !field.data_type.is_numeric() && field.data_type != DataType::Boolean)
        .map(|(field, name)| {
            let message = format!("column `{}` holds {}, not numbers", field.name, field.data_type);
            let help = "ask about categories with `columns: [a, b]`";
            Diagnostic::definition(message).at(&name.place).help(help)
        })
        .collect();
    if wrong.is_empty() { Ok(fields) } else { Err(wrong) }
}

impl Question {
    /// The names of the two columns of categories.
    pub(super) fn crossed(&self) -> Option<(&str, &str)> {
        match &self.subject {
            Subject::Cross { a, b } => Some((&a.name, &b.name)),
            _ => None,
        }
    }

    /// What is measured, as an axis is labelled.
    pub(super) fn measured(&self) -> String {
        match &self.subject {
            Subject::Groups { value, .. }
            | Subject::Mean { value, .. }
            | Subject::Share { value, .. }
            | Subject::Distribution { value, .. } => value.name.clone(),
            Subject::Paired { a, b } => format!("{} − {}", a.name, b.name),
            Subject::Columns(_) | Subject::Cross { .. } | Subject::Fit { .. } => String::new(),
        }
    }

    /// What the question is about, inside of a sentence.
    pub(super) fn subject_in_words(&self) -> String {
        match &self.subject {
            Subject::Groups { value, by } => format!("mean {} between the groups of {}", value.name, by.name),
            Subject::Mean { value, mean } => format!("{} from {mean}", value.name),
            Subject::Paired { a, b } => format!("{} and {}", a.name, b.name),
            subject => format!("the means of {}", subject.title()),
        }
    }
}
