//! How an expectation is judged: thresholds, what happens to failing rows, and in which words it is told.

use serde::{Deserialize, Serialize};

use super::catalogue::{Check, NAMES};
use super::scope::{Measure, Scope, refuse, surely};
use super::{Dimension, Severity};
use crate::definition::{Node, Value};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{Expr, Field};
use crate::stages::inputs;

/// Failing rows that are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) enum Allowed {
    /// So many.
    Rows(u64),
    /// This share of the rows that are looked at.
    Share(f64),
}

impl Allowed {
    /// A number of rows, or a share such as `1%` or `0.01`.
    fn read(node: &Node) -> Result<Self, Findings> {
        if let Value::Integer(rows) = node.value {
            return u64::try_from(rows)
                .map(Self::Rows)
                .map_err(|_| refuse("a number of rows cannot be negative", &node.place));
        }
        match super::scope::share(node)? {
            share if share <= 1.0 => Ok(Self::Share(share)),
            _ => Err(vec![
                Diagnostic::definition("a share of rows is at most 1")
                    .at(&node.place)
                    .help("write a number of rows without a point, or a share such as `1%`"),
            ]),
        }
    }

    /// Whether so many failing rows are too many.
    #[expect(clippy::cast_precision_loss, reason = "a share of fewer than 2^53 rows")]
    pub(super) fn is_exceeded(self, failing: u64, of: u64) -> bool {
        match self {
            Self::Rows(rows) => failing > rows,
            Self::Share(share) => failing as f64 > share * of as f64,
        }
    }

    /// In words.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Rows(rows) => rows.to_string(),
            Self::Share(share) => format!("{}%", trimmed(share * 100.0)),
        }
    }
}

/// A number without needless digits.
pub(super) fn trimmed(value: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-4 || value.abs() >= 1e15) {
        return format!("{value:e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What became of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Grade {
    /// It holds.
    Holds,
    /// It holds but for as many rows as are allowed.
    Tolerated,
    /// There is no earlier run to compare with.
    First,
    /// Failing rows went to the side table.
    Diverts,
    /// It does not hold; that is reported.
    Warns,
    /// It does not hold; the rows are refused.
    Fails,
}

impl Grade {
    /// In a word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Tolerated => "tolerated",
            Self::First => "nothing to compare with",
            Self::Diverts => "diverted",
            Self::Warns => "warns",
            Self::Fails => "fails",
        }
    }
}

/// A planned expectation.
pub(super) struct Verdict {
    /// What must hold, in words.
    pub(super) name: String,
    /// Which expectation it is.
    pub(super) kind: &'static str,
    /// The dimension of quality that it counts for.
    pub(super) dimension: Dimension,
    /// How much it counts.
    pub(super) weight: f64,
    /// Failing rows above which it warns.
    pub(super) warn: Option<Allowed>,
    /// Failing rows above which the rows are refused.
    pub(super) fail: Option<Allowed>,
    /// Whether failing rows go to the side table.
    pub(super) diverts: bool,
    /// Rows that it looks at; never null.
    pub(super) only: Option<Expr>,
    /// Columns that make groups.
    pub(super) by: Vec<Field>,
    /// The columns that it looks at.
    pub(super) columns: Vec<String>,
    /// How it is measured.
    pub(super) measure: Measure,
}

impl Verdict {
    /// The rows that fail; none for an expectation that is not measured row by row.
    pub(super) fn failing(&self) -> Option<Expr> {
        let Measure::Rows(failing) = &self.measure else { return None };
        Some(match &self.only {
            Some(only) => only.clone().and(failing.clone()),
            None => failing.clone(),
        })
    }

    /// What becomes of it with so many failing rows.
    pub(super) fn grade_rows(&self, failing: u64, of: u64) -> Grade {
        let exceeded = |allowed: Option<Allowed>| allowed.is_some_and(|allowed| allowed.is_exceeded(failing, of));
        match failing {
            0 => Grade::Holds,
            _ if exceeded(self.fail) => Grade::Fails,
            _ if exceeded(self.warn) => Grade::Warns,
            _ if self.diverts => Grade::Diverts,
            _ => Grade::Tolerated,
        }
    }

    /// What becomes of it when it holds or not as a whole.
    pub(super) fn grade_whole(&self, holds: bool) -> Grade {
        match (holds, self.fail) {
            (true, _) => Grade::Holds,
            (false, Some(_)) => Grade::Fails,
            (false, None) => Grade::Warns,
        }
    }
}

impl Check {
    /// Errors: unknown columns, wrong types, no or several things to check, options that do not go together.
    pub(super) fn plan(
        &self,
        scope: &mut Scope<'_>,
        severity: Severity,
        divert: bool,
    ) -> Result<Vec<Verdict>, Findings> {
        match self.given().as_slice() {
            [_] => {}
            [] => {
                let finding = Diagnostic::definition("a check says nothing");
                return Err(vec![finding.help(format!("it says one of {}", NAMES.join(", ").replace("r#", "")))]);
            }
            several => {
                let message = format!("a check says one thing, this one says {}", several.join(" and "));
                return Err(vec![
                    Diagnostic::definition(message).help("make each an item of its own, with a `-` in front"),
                ]);
            }
        }
        let one = |finding: Diagnostic| vec![finding];
        scope.only = match &self.r#where {
            Some(text) => {
                let only = inputs::predicate(text, scope.schema)?;
                if only.has_window() {
                    return Err(refuse("`where` looks at one row; a window function looks at others", &text.place));
                }
                Some(surely(only))
            }
            None => None,
        };
        scope.by = scope.columns(self.by.as_ref().map_or(&[], |by| by.as_slice()))?;
        let weight = self.weight.as_ref().map_or(1.0, |weight| weight.value);
        if let Some(weight) = self.weight.as_ref().filter(|weight| !(weight.value.is_finite() && weight.value > 0.0)) {
            return Err(refuse("`weight` must be larger than 0", &weight.place));
        }
        let (warn, fail) = self.levels(severity)?;
        let moments = scope.moments.len();
        let mut verdicts = Vec::new();
        let mut findings = Findings::new();
        for (kind, dimension, drafts) in self.drafts(scope) {
            let drafts = match drafts {
                Ok(drafts) => drafts,
                Err(mut wrong) => {
                    findings.append(&mut wrong);
                    continue;
                }
            };
            for draft in drafts {
                if let Some(wrong) = self.misfit(kind, &draft.measure) {
                    findings.push(wrong);
                    continue;
                }
                let is_rows = matches!(draft.measure, Measure::Rows(_));
                let diverts = divert && is_rows && (fail.is_some() || self.is_graded());
                // What is diverted does not end the run, unless a limit is stated.
                let fail = if diverts && self.fail.is_none() { None } else { fail };
                verdicts.push(Verdict {
                    name: self.name(draft.name, &scope.by),
                    kind,
                    dimension: self.dimension.unwrap_or(dimension),
                    weight,
                    warn,
                    fail,
                    diverts,
                    only: scope.only.clone(),
                    by: scope.by.clone(),
                    columns: draft.columns,
                    measure: draft.measure,
                });
            }
        }
        let clock = scope.moments.len() > moments;
        if clock && verdicts.iter().any(|verdict| verdict.diverts) {
            let finding = Diagnostic::definition("rows would be diverted by the clock of the run");
            findings.extend(one(finding.help("say `now: ..`, so that a later run treats the same rows alike")));
        }
        if findings.is_empty() { Ok(verdicts) } else { Err(findings) }
    }

    /// What must hold, of which rows and of which groups, in words.
    fn name(&self, draft: String, by: &[Field]) -> String {
        if let Some(description) = &self.description {
            return description.clone();
        }
        let mut name = draft;
        if let Some(text) = &self.r#where {
            name.push_str(&format!(", where {}", text.value));
        }
        if !by.is_empty() {
            let groups: Vec<&str> = by.iter().map(|field| field.name.as_str()).collect();
            name.push_str(&format!(", by {}", groups.join(", ")));
        }
        name
    }

    fn is_graded(&self) -> bool {
        self.warn.is_some() || self.fail.is_some()
    }

    fn levels(&self, severity: Severity) -> Result<(Option<Allowed>, Option<Allowed>), Findings> {
        let (warn, fail) =
            (self.warn.as_ref().map(Allowed::read).transpose()?, self.fail.as_ref().map(Allowed::read).transpose()?);
        if let (Some(node), Some(_)) = (self.warn.as_ref().or(self.fail.as_ref()), self.severity) {
            let finding = Diagnostic::definition("`severity` and a threshold say two things").at(&node.place);
            return Err(vec![finding.help("keep `warn` and `fail`, and leave `severity` out")]);
        }
        if warn.is_some() || fail.is_some() {
            return Ok((warn, fail));
        }
        Ok(match self.severity.unwrap_or(severity) {
            Severity::Fail => (None, Some(Allowed::Rows(0))),
            Severity::Warn => (Some(Allowed::Rows(0)), None),
        })
    }

    /// Why an option does not go with how the expectation is measured.
    fn misfit(&self, kind: &str, measure: &Measure) -> Option<Diagnostic> {
        let refused = |what: &str, why: &str, place: Option<&crate::diagnostic::Place>| {
            let finding = Diagnostic::definition(format!("{what} does not go with `{kind}`, which {why}"));
            Some(match place {
                Some(place) => finding.at(place),
                None => finding,
            })
        };
        let graded = self.warn.as_ref().or(self.fail.as_ref()).map(|node| &node.place);
        let by = self.by.as_ref().and_then(|by| by.first()).map(|name| &name.place);
        let only = self.r#where.as_ref().map(|text| &text.place);
        match measure {
            Measure::Rows(_) | Measure::Order { .. } => None,
            Measure::Values { .. } if graded.is_some() => {
                refused("a threshold", "has no failing rows; use `severity`", graded)
            }
            Measure::Values { .. } => None,
            _ if graded.is_some() => refused("a threshold", "has no failing rows; use `severity`", graded),
            Measure::Against { .. } | Measure::Drift(_) if by.is_some() => {
                refused("`by`", "looks at the whole table", by)
            }
            Measure::Known { .. } if by.is_some() => refused("`by`", "looks at columns, not at rows", by),
            Measure::Known { .. } if only.is_some() => refused("`where`", "looks at columns, not at rows", only),
            _ => None,
        }
    }
}
