//! The rules by which a text is cleaned, as expressions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::{OneOrMany, Ordered, Spanned};
use crate::diagnostic::{Diagnostic, Findings};
use crate::expression::{DataType, Expr, ExprKind, Function, Literal, compose};

use super::number::Number;
use super::times::parse_times;

/// How the texts of a column are cleaned.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    /// Unicode normalization: NFKC makes look-alikes equal (full-width letters, ligatures, non-breaking spaces).
    #[serde(default)]
    pub(super) unicode: Option<Unicode>,
    /// Removes white space at both ends.
    #[serde(default)]
    pub(super) trim: bool,
    /// Makes one space of each run of white space.
    #[serde(default)]
    pub(super) squeeze: bool,
    /// Upper, lower or title case.
    #[serde(default)]
    pub(super) case: Option<Case>,
    /// Whole values with what they become: `{old: new}`.
    #[serde(default)]
    pub(super) replace: Ordered<Spanned<String>>,
    /// Regular expressions with what each match becomes, in order; `\1` is the first group.
    #[serde(default)]
    pub(super) regex: Ordered<Spanned<String>>,
    /// Texts of nothing but white space become null.
    #[serde(default)]
    pub(super) blanks: bool,
    /// Texts that mean null, compared after the rules above.
    #[serde(default)]
    pub(super) null_tokens: Option<OneOrMany<Spanned<String>>>,
    /// Becomes a float64: signs of currencies, spaces and marks of thousands are ignored.
    #[serde(default)]
    pub(super) number: Option<Number>,
    /// Becomes an int64, read as a number without decimals.
    #[serde(default)]
    pub(super) integer: Option<Number>,
    /// Becomes true or false; the words are compared in lower case.
    #[serde(default)]
    pub(super) boolean: Option<Boolean>,
    /// Becomes a date: the first layout that fits, such as `%d/%m/%Y`. A year of `%Y` has four digits, so that `1/2/13` is not the
    /// year 13. `%G-W%V-%u` and `%GW%V%u` are weeks of ISO 8601.
    #[serde(default)]
    pub(super) date: Option<OneOrMany<Spanned<String>>>,
    /// Becomes a datetime: the first layout that fits, such as `%Y-%m-%d %H:%M`.
    #[serde(default)]
    pub(super) datetime: Option<OneOrMany<Spanned<String>>>,
}

/// Forms of Unicode normalization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unicode {
    /// Canonical composition.
    Nfc,
    /// Compatibility composition: look-alikes become equal.
    Nfkc,
}

/// Upper and lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Case {
    /// all small
    Lower,
    /// ALL LARGE
    Upper,
    /// Each Word
    Title,
}

/// The words for true and false.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Boolean {
    /// Words for true, in lower case.
    #[serde(default = "yes")]
    pub(super) yes: Vec<String>,
    /// Words for false, in lower case.
    #[serde(default = "no")]
    pub(super) no: Vec<String>,
}

impl Default for Boolean {
    fn default() -> Self {
        Self { yes: yes(), no: no() }
    }
}

fn yes() -> Vec<String> {
    ["true", "t", "yes", "y", "1", "on"].map(str::to_owned).to_vec()
}

fn no() -> Vec<String> {
    ["false", "f", "no", "n", "0", "off"].map(str::to_owned).to_vec()
}

impl Rules {
    /// The cleaned value of a text.
    ///
    /// Errors: more than one type to turn into, layouts and patterns that make no sense.
    pub(super) fn apply(&self, text: Expr, name: &Spanned<String>) -> Result<Expr, Findings> {
        let targets = [
            self.number.is_some(),
            self.integer.is_some(),
            self.boolean.is_some(),
            self.date.is_some(),
            self.datetime.is_some(),
        ];
        if targets.iter().filter(|target| **target).count() > 1 {
            let message = format!(
                "column `{}` can become a number, an integer, a boolean, a date or a datetime, but one only",
                name.value
            );
            return Err(vec![Diagnostic::definition(message).at(&name.place)]);
        }
        let text = self.nulls(self.text(text)?);
        if let Some(objection) = self.number.iter().chain(&self.integer).find_map(Number::objection) {
            return Err(vec![Diagnostic::definition(objection).at(&name.place)]);
        }
        if let Some(number) = &self.number {
            return Ok(number.parse(text, false));
        }
        if let Some(number) = &self.integer {
            return Ok(number.parse(text, true).cast(DataType::Int64, false));
        }
        if let Some(boolean) = &self.boolean {
            return Ok(boolean.parse(text));
        }
        if let Some(layouts) = &self.date {
            return parse_times(&text, layouts.as_slice(), name, &DataType::Date);
        }
        match &self.datetime {
            Some(layouts) => parse_times(&text, layouts.as_slice(), name, &DataType::Datetime(None)),
            None => Ok(text),
        }
    }

    /// Whether the text is one that is meant to become null.
    pub(super) fn null_expected(&self, text: Expr) -> Expr {
        self.text(text).map_or(Expr::boolean(false), |text| self.is_null_token(text).unwrap_or(Expr::boolean(false)))
    }

    /// The rules that keep it a text.
    fn text(&self, mut text: Expr) -> Result<Expr, Findings> {
        if let Some(form) = self.unicode {
            let form = if form == Unicode::Nfc { "NFC" } else { "NFKC" };
            text = call(Function::Normalize, vec![text, Expr::string(form)])?;
        }
        if self.trim {
            text = call(Function::Trim, vec![text])?;
        }
        if self.squeeze {
            text = call(Function::RegexpReplace, vec![text, Expr::string(r"\s+"), Expr::string(" ")])?;
        }
        text = match self.case {
            Some(Case::Lower) => call(Function::Lower, vec![text])?,
            Some(Case::Upper) => call(Function::Upper, vec![text])?,
            Some(Case::Title) => call(Function::InitCap, vec![text])?,
            None => text,
        };
        if !self.replace.is_empty() {
            let branches = self
                .replace
                .iter()
                .map(|(old, new)| (equal(text.clone(), Expr::string(&old.value)), Expr::string(&new.value)));
            let kind = ExprKind::Case { branches: branches.collect(), otherwise: Some(Box::new(text.clone())) };
            text = Expr::new(kind, DataType::String);
        }
        for (pattern, with) in self.regex.iter() {
            let arguments = vec![text, Expr::string(&pattern.value), Expr::string(&with.value)];
            text = call(Function::RegexpReplace, arguments)
                .map_err(|wrong| wrong.into_iter().map(|finding| finding.at(&pattern.place)).collect::<Findings>())?;
        }
        Ok(text)
    }

    fn nulls(&self, text: Expr) -> Expr {
        let Some(is_null) = self.is_null_token(text.clone()) else { return text };
        let null = Expr::literal(Literal::Null, DataType::String);
        let kind = ExprKind::Case { branches: vec![(is_null, null)], otherwise: Some(Box::new(text)) };
        Expr::new(kind, DataType::String)
    }

    fn is_null_token(&self, text: Expr) -> Option<Expr> {
        let mut conditions = Vec::new();
        if self.blanks {
            // Trimming what was trimmed before changes nothing, and it always makes sense for a text.
            conditions.extend(call(Function::Trim, vec![text.clone()]).map(|trimmed| equal(trimmed, Expr::string(""))));
        }
        let tokens: Vec<Expr> =
            self.null_tokens.iter().flat_map(|tokens| tokens.iter()).map(|token| Expr::string(&token.value)).collect();
        if !tokens.is_empty() {
            conditions.push(Expr::new(ExprKind::InList(Box::new(text), tokens), DataType::Boolean));
        }
        conditions
            .into_iter()
            .reduce(|left, right| Expr::binary(crate::expression::BinaryOperator::Or, left, right, DataType::Boolean))
    }
}

/// A call with the defaults of its optional arguments filled in.
fn call(function: Function, arguments: Vec<Expr>) -> Result<Expr, Findings> {
    compose::function(function, arguments).map_err(|error| {
        vec![Diagnostic { label: error.label, help: error.help, ..Diagnostic::definition(error.message) }]
    })
}

fn equal(left: Expr, right: Expr) -> Expr {
    Expr::binary(crate::expression::BinaryOperator::Equal, left, right, DataType::Boolean)
}

impl Boolean {
    fn parse(&self, text: Expr) -> Expr {
        let lower = Expr::call(Function::Lower, vec![text], DataType::String);
        let any = |words: &[String]| {
            let words = words.iter().map(Expr::string).collect();
            Expr::new(ExprKind::InList(Box::new(lower.clone()), words), DataType::Boolean)
        };
        let branches = vec![(any(&self.yes), Expr::boolean(true)), (any(&self.no), Expr::boolean(false))];
        Expr::new(ExprKind::Case { branches, otherwise: None }, DataType::Boolean)
    }
}
