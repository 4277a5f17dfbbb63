//! Numbers as they are written, as expressions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::definition::Spanned;
use crate::expression::{BinaryOperator, DataType, Expr, ExprKind, Function};

/// Signs that a number may carry without meaning: currencies and spaces that group digits.
const SIGNS: &str = "$€£¥₹₽₩ \u{a0}\u{202f}";

/// How numbers are written.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Number {
    /// The decimal mark.
    #[serde(default)]
    pub(super) decimal: Mark,
    /// The mark between thousands; the comma when the decimal mark is a point, and the other way round.
    #[serde(default)]
    pub(super) thousands: Option<Spanned<String>>,
    /// `12%` is 0.12.
    #[serde(default)]
    pub(super) percent: bool,
    /// `(12)` is -12.
    #[serde(default)]
    pub(super) parentheses: bool,
    /// Only what is written with care is a number: marks stand between groups of three digits (or, before the last three, of two
    /// as in India), there is at most one `currency`, and nothing else. Without it marks and signs are left out wherever they
    /// stand, and `1,2,3` is 123. `thousands` has to be named then.
    #[serde(default)]
    pub(super) strict: bool,
    /// `12-` is -12. Needs `strict`.
    #[serde(default)]
    pub(super) trailing_sign: bool,
    /// The currency that may stand before or behind, such as `EUR` or `€`. Needs `strict`.
    #[serde(default)]
    pub(super) currency: Option<Spanned<String>>,
}

/// The decimal mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    /// `1.5`
    #[default]
    Point,
    /// `1,5`
    Comma,
}

impl Number {
    /// What is wrong with the options together.
    pub(super) fn objection(&self) -> Option<&'static str> {
        (!self.strict && (self.trailing_sign || self.currency.is_some()))
            .then_some("`trailing_sign` and `currency` need `strict: true`")
    }

    /// The number that a text means; null when it means none. A whole number has no decimals.
    pub(super) fn parse(&self, text: Expr, whole: bool) -> Expr {
        if self.strict { self.parse_strictly(text, whole) } else { self.parse_leniently(text) }
    }

    fn parse_leniently(&self, text: Expr) -> Expr {
        let call = |function, arguments| Expr::call(function, arguments, DataType::String);
        let mut ignored = SIGNS.to_owned();
        match (&self.thousands, self.decimal) {
            (Some(mark), _) => ignored.push_str(&mark.value),
            (None, Mark::Point) => ignored.push(','),
            (None, Mark::Comma) => ignored.push('.'),
        }
        let (mut from, mut to) = (String::new(), String::new());
        // `translate` moves the characters that stand first and drops those beyond the second list.
        if self.decimal == Mark::Comma {
            from.push(',');
            to.push('.');
            ignored.retain(|sign| sign != ',');
        }
        if self.parentheses {
            from.push('(');
            to.push('-');
            ignored.push(')');
        }
        if self.percent {
            ignored.push('%');
        }
        let bare = call(Function::Translate, vec![text.clone(), Expr::string(from + &ignored), Expr::string(to)]);
        let number = bare.cast(DataType::Float64, false);
        if self.percent { divide_percent(&text, number) } else { number }
    }

    fn parse_strictly(&self, text: Expr, whole: bool) -> Expr {
        let trimmed = Expr::call(Function::Trim, vec![text, Expr::string(" \t\u{a0}\u{202f}")], DataType::String);
        let matches = |pattern: &str, function| {
            Expr::call(function, vec![trimmed.clone(), Expr::string(pattern)], DataType::Boolean)
        };
        let marks = self.thousands.as_ref().map_or("", |marks| marks.value.as_str());
        let body = format!("[0-9.,][0-9.,{}]*(?:[eE][-+]?[0-9]+)?", regex::escape(marks));
        let arguments = vec![trimmed.clone(), Expr::string(body), Expr::integer(0)];
        let body = Expr::call(Function::RegexpExtract, arguments, DataType::String);
        let (mut from, mut to) = (String::new(), String::new());
        if self.decimal == Mark::Comma {
            from.push(',');
            to.push('.');
        }
        from.extend(marks.chars().filter(|mark| !(self.decimal == Mark::Comma && *mark == ',')));
        let plain = Expr::call(
            Function::Translate,
            vec![body, Expr::string(from), Expr::string(std::mem::take(&mut to))],
            DataType::String,
        );
        let size = plain.cast(DataType::Float64, false);
        let negated = Expr::binary(BinaryOperator::Subtract, Expr::float(0.0), size.clone(), DataType::Float64);
        let is_negative = matches(r"^[^0-9]*[-\x{2212}(]|[-\x{2212}]$", Function::RegexpMatches);
        let signed = choose(is_negative, negated, Some(size));
        let signed = if self.percent { divide_percent(&trimmed, signed) } else { signed };
        choose(matches(&self.pattern(whole), Function::RegexpFullMatch), signed, None)
    }

    /// What a number that is written with care looks like.
    fn pattern(&self, whole: bool) -> String {
        let mark = self.thousands.as_ref().map(|marks| format!("[{}]", regex::escape(&marks.value)));
        let digits = match mark {
            Some(mark) => format!(
                "(?:[0-9]+|[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|[1-9][0-9]?(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}})"
            ),
            None => "[0-9]+".to_owned(),
        };
        let decimal = if self.decimal == Mark::Comma { "," } else { r"\." };
        let body = if whole {
            digits
        } else {
            format!("(?:{digits}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][-+]?[0-9]{{1,3}})?")
        };
        let currency = self.currency.as_ref().map(|sign| regex::escape(&sign.value));
        let before = currency.as_ref().map_or_else(String::new, |sign| format!(r"(?:{sign}\s*)?"));
        let mut after = String::new();
        if self.percent {
            after.push_str(r"(?:\s*%)?");
        }
        if let Some(sign) = &currency {
            after.push_str(&format!(r"(?:\s*{sign})?"));
        }
        let sign = r"[-+\x{2212}]";
        let mut forms = vec![format!(r"(?:{sign}\s*)?{before}{body}{after}")];
        if currency.is_some() {
            forms.push(format!(r"{before}{sign}\s*{body}{after}"));
        }
        if self.parentheses {
            forms.push(format!(r"{before}\(\s*{before}{body}{after}\s*\){after}"));
        }
        if self.trailing_sign {
            forms.push(format!(r"{before}{body}{after}\s*{sign}"));
        }
        format!("(?:{})", forms.join("|"))
    }
}

/// `12%` is 0.12; a text without the sign is what it is.
fn divide_percent(text: &Expr, number: Expr) -> Expr {
    let arguments = vec![text.clone(), Expr::string("%")];
    let is_percent = Expr::call(Function::Contains, arguments, DataType::Boolean);
    let share = Expr::binary(BinaryOperator::Divide, number.clone(), Expr::float(100.0), DataType::Float64);
    choose(is_percent, share, Some(number))
}

fn choose(when: Expr, then: Expr, otherwise: Option<Expr>) -> Expr {
    let kind = ExprKind::Case { branches: vec![(when, then)], otherwise: otherwise.map(Box::new) };
    Expr::new(kind, DataType::Float64)
}
