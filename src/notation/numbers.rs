//! Numbers as people write them: `1,234.50`, `1.234,50 €`, `(12)`, `12-`, `12 %`, `USD 5`.

use std::collections::BTreeMap;
use std::fmt;

/// Signs of currencies.
const SYMBOLS: [&str; 24] = [
    "US$", "HK$", "NZ$", "R$", "A$", "C$", "S$", "$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₴", "₦", "₱", "฿", "₫", "₪",
    "zł", "Kč", "kr",
];

/// Codes of currencies (ISO 4217).
const CODES: [&str; 40] = [
    "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
    "RON", "BGN", "TRY", "RUB", "UAH", "BRL", "MXN", "ARS", "CLP", "COP", "ZAR", "ILS", "SAR", "AED", "EGP", "NGN",
    "KES", "KRW", "TWD", "HKD", "SGD", "THB", "IDR", "MYR",
];

/// More digits than this are an identifier, not a number: float64 would lose the last ones.
const DIGITS: usize = 15;

/// A mark between groups of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thousands {
    /// `1,234`
    Comma,
    /// `1.234`
    Point,
    /// `1 234`, also with a non-breaking, narrow or thin space.
    Space,
    /// `1'234` or `1’234`
    Apostrophe,
    /// `1_234`
    Underscore,
}

impl Thousands {
    /// The mark as text, all forms of it.
    pub fn characters(self) -> &'static str {
        match self {
            Self::Comma => ",",
            Self::Point => ".",
            Self::Space => " \u{a0}\u{202f}\u{2009}",
            Self::Apostrophe => "'\u{2019}",
            Self::Underscore => "_",
        }
    }

    fn is(self, c: char) -> bool {
        self.characters().contains(c)
    }
}

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => "comma",
            Self::Point => "point",
            Self::Space => "space",
            Self::Apostrophe => "apostrophe",
            Self::Underscore => "underscore",
        })
    }
}

/// How the digits of a column are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Marks {
    /// The decimal mark is a comma.
    pub decimal_comma: bool,
    /// The mark between groups of digits.
    pub thousands: Option<Thousands>,
}

/// The readings that are tried, the likelier ones first.
const MARKS: [Marks; 10] = {
    const fn marks(decimal_comma: bool, thousands: Option<Thousands>) -> Marks {
        Marks { decimal_comma, thousands }
    }
    [
        marks(false, None),
        marks(false, Some(Thousands::Comma)),
        marks(true, None),
        marks(true, Some(Thousands::Point)),
        marks(false, Some(Thousands::Space)),
        marks(true, Some(Thousands::Space)),
        marks(false, Some(Thousands::Apostrophe)),
        marks(true, Some(Thousands::Apostrophe)),
        marks(false, Some(Thousands::Underscore)),
        marks(true, Some(Thousands::Underscore)),
    ]
};

/// A currency as it is written.
pub type Currency = &'static str;

/// How the numbers of a column are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// Marks of decimals and thousands.
    pub marks: Marks,
    /// No value has decimals.
    pub whole: bool,
    /// Groups of two digits before the last three occur: `12,34,567`.
    pub indian: bool,
    /// `12%`: every number has the sign.
    pub percent: bool,
    /// `(12)` occurs.
    pub parentheses: bool,
    /// `12-` occurs.
    pub trailing_sign: bool,
    /// The one currency that occurs.
    pub currency: Option<Currency>,
}

/// One number taken apart.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Parts<'a> {
    /// Digits with their marks, perhaps with an exponent.
    pub(super) body: &'a str,
    negative: bool,
    percent: bool,
    parentheses: bool,
    trailing_sign: bool,
    currency: Option<Currency>,
}

/// Takes a text apart that could be a number; `None` when it could not.
pub(super) fn parts(text: &str) -> Option<Parts<'_>> {
    let mut parts = Parts::default();
    let mut rest = text.trim();
    if !rest.bytes().any(|byte| byte.is_ascii_digit()) || rest.len() > 64 {
        return None;
    }
    let mut sign = false;
    loop {
        rest = rest.trim();
        if let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
            if parts.parentheses || sign {
                return None;
            }
            (parts.parentheses, parts.negative, rest) = (true, true, inner);
        } else if let Some(after) = rest.strip_prefix(['-', '\u{2212}', '+']) {
            if sign || parts.parentheses {
                return None;
            }
            sign = true;
            parts.negative = !rest.starts_with('+');
            rest = after;
        } else if let Some(before) = rest.strip_suffix(['-', '\u{2212}', '+']) {
            if sign || parts.parentheses {
                return None;
            }
            (sign, parts.trailing_sign) = (true, true);
            parts.negative = !rest.ends_with('+');
            rest = before;
        } else if let Some(before) = rest.strip_suffix('%') {
            if parts.percent {
                return None;
            }
            (parts.percent, rest) = (true, before);
        } else if let Some((currency, without)) = currency(rest) {
            if parts.currency.is_some() {
                return None;
            }
            (parts.currency, rest) = (Some(currency), without);
        } else {
            break;
        }
    }
    parts.body = rest;
    let starts = rest.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
    let ends = rest.ends_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
    let inner = rest.chars().all(|c| c.is_ascii_digit() || ".,eE+-_'\u{2019} \u{a0}\u{202f}\u{2009}".contains(c));
    (starts && ends && inner).then_some(parts)
}

/// The currency at one end of the text, and the text without it.
fn currency(text: &str) -> Option<(Currency, &str)> {
    SYMBOLS
        .iter()
        .chain(&CODES)
        .find_map(|sign| text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)).map(|rest| (*sign, rest)))
}

/// What a body is under certain marks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    pub(super) value: f64,
    grouped: bool,
    indian: bool,
    decimals: bool,
    /// `00501`, or more digits than a number has.
    identifier: bool,
}

/// Reads digits with these marks: groups have three digits (or two before the last three), the first one to three.
pub(super) fn reading(body: &str, marks: Marks) -> Option<Reading> {
    let decimal = if marks.decimal_comma { ',' } else { '.' };
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (body.get(..at)?, body.get(at + 1..)),
        None => (body, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = match mantissa.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.is_some_and(|fraction| !all_digits(fraction)) || whole.is_empty() && fraction.is_none_or(str::is_empty)
    {
        return None;
    }
    let (mut grouped, mut indian) = (false, false);
    let mut digits = String::with_capacity(body.len());
    if all_digits(whole) {
        digits.push_str(whole);
    } else {
        let mark = marks.thousands?;
        let first = whole.chars().find(|c| mark.is(*c))?;
        // One number is written with one form of the mark.
        let groups: Vec<&str> = whole.split(first).collect();
        let (head, tail) = groups.split_first()?;
        let (last, middle) = tail.split_last()?;
        let western = head.len() <= 3 && middle.iter().all(|group| group.len() == 3);
        let eastern = head.len() <= 2 && !middle.is_empty() && middle.iter().all(|group| group.len() == 2);
        if head.is_empty() || head.starts_with('0') || last.len() != 3 || !(western || eastern) {
            return None;
        }
        if !groups.iter().all(|group| all_digits(group)) {
            return None;
        }
        (grouped, indian) = (true, !western);
        groups.iter().for_each(|group| digits.push_str(group));
    }
    let identifier = digits.len() > 1 && digits.starts_with('0') || digits.len() > DIGITS && exponent.is_none();
    let text = format!("{digits}.{}e{}", fraction.unwrap_or("0"), exponent.unwrap_or("0"));
    let value = text.replace(".e", ".0e").parse().ok()?;
    Some(Reading { value, grouped, indian, decimals: fraction.is_some() || exponent.is_some(), identifier })
}

/// What is known of a column as numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) numbers: Numbers,
    /// Values that are numbers under the chosen marks.
    pub(super) fits: u64,
    /// The other marks that fit as many values and give other numbers; the choice between them is an assumption.
    pub(super) rival: Option<Marks>,
    /// Why these are the marks.
    pub(super) because: String,
    /// Why the column should stay text although its values are numbers.
    pub(super) objection: Option<String>,
}

/// The marks under which most of the values are numbers.
///
/// `values`: distinct texts with their counts. Cost: ten readings of each.
pub(super) fn find(values: &[(&str, u64)]) -> Option<Found> {
    let taken: Vec<(&str, Parts<'_>, u64)> =
        values.iter().filter_map(|(text, count)| Some((*text, parts(text)?, *count))).collect();
    if taken.is_empty() {
        return None;
    }
    let fits = |marks: Marks| -> u64 {
        taken.iter().filter(|(_, parts, _)| reading(parts.body, marks).is_some()).map(|(_, _, count)| count).sum()
    };
    let scores: Vec<(Marks, u64)> = MARKS.iter().map(|marks| (*marks, fits(*marks))).collect();
    let most = scores.iter().map(|(_, fits)| *fits).max().filter(|most| *most > 0)?;
    let best: Vec<Marks> = scores.iter().filter(|(_, fits)| *fits == most).map(|(marks, _)| *marks).collect();
    let differs = |a: Marks, b: Marks| {
        taken.iter().any(|(_, parts, _)| match (reading(parts.body, a), reading(parts.body, b)) {
            (Some(a), Some(b)) => a.value.total_cmp(&b.value).is_ne(),
            _ => false,
        })
    };
    let marks = *best.first()?;
    let rival = best.iter().copied().find(|other| differs(marks, *other));
    let witness =
        |wanted: &dyn Fn(&str) -> bool| taken.iter().find(|(_, parts, _)| wanted(parts.body)).map(|(text, ..)| *text);
    let because = match (rival, marks.thousands) {
        (Some(rival), _) => {
            let mark = if differs_by_comma(marks, rival) { "comma" } else { "point" };
            format!("no value tells whether the {mark} divides thousands or decimals")
        }
        (None, thousands) => {
            let others = |body: &str| {
                MARKS.iter().filter(|other| differs(marks, **other)).all(|other| reading(body, *other).is_none())
            };
            match (witness(&|body: &str| reading(body, marks).is_some() && others(body)), thousands) {
                (Some(text), _) if marks.decimal_comma || thousands.is_some() => {
                    format!("`{text}` decides which marks are meant")
                }
                _ => "the values are numbers".to_owned(),
            }
        }
    };
    let mut numbers = Numbers {
        marks,
        whole: true,
        indian: false,
        percent: false,
        parentheses: false,
        trailing_sign: false,
        currency: None,
    };
    let (mut percents, mut others) = (0, 0);
    let mut currencies: BTreeMap<Currency, u64> = BTreeMap::new();
    let mut identifier = None;
    for (text, parts, count) in &taken {
        let Some(read) = reading(parts.body, marks) else { continue };
        numbers.whole &= !read.decimals;
        numbers.indian |= read.indian;
        numbers.parentheses |= parts.parentheses;
        numbers.trailing_sign |= parts.trailing_sign;
        if parts.percent {
            percents += count;
        } else if read.value != 0.0 {
            others += count;
        }
        if let Some(currency) = parts.currency {
            *currencies.entry(currency).or_default() += count;
        }
        if read.identifier && identifier.is_none() {
            identifier = Some(*text);
        }
    }
    numbers.percent = percents > 0;
    numbers.whole &= !numbers.percent;
    numbers.currency = currencies.keys().next().copied();
    let objection = if let Some(text) = identifier {
        Some(format!("`{text}` looks like an identifier: it has leading zeros or too many digits for a number"))
    } else if currencies.len() > 1 {
        let names: Vec<&str> = currencies.keys().copied().collect();
        Some(format!("the currencies {} stand side by side: numbers alone could not be compared", names.join(", ")))
    } else if percents > 0 && others > 0 {
        Some(format!("{percents} values have a percent sign and {others} have none"))
    } else {
        None
    };
    Some(Found { numbers, fits: most, rival, because, objection })
}

/// Whether two readings disagree about the comma; else they disagree about the point.
fn differs_by_comma(a: Marks, b: Marks) -> bool {
    a.decimal_comma != b.decimal_comma
        && (a.thousands == Some(Thousands::Comma) || b.thousands == Some(Thousands::Comma))
}

impl Numbers {
    /// The number that the text means, if it means one.
    pub fn value(&self, text: &str) -> Option<f64> {
        let parts = parts(text)?;
        let read = reading(parts.body, self.marks)?;
        if parts.percent && !self.percent
            || parts.parentheses && !self.parentheses
            || parts.trailing_sign && !self.trailing_sign
            || parts.currency.is_some() && parts.currency != self.currency
            || read.decimals && self.whole
        {
            return None;
        }
        let value = if parts.negative { -read.value } else { read.value };
        Some(if parts.percent { value / 100.0 } else { value })
    }

    /// Whether plain digits with a decimal point would do, as a CSV reader takes them.
    pub fn is_plain(&self) -> bool {
        self.marks == Marks { decimal_comma: false, thousands: None }
            && !self.percent
            && !self.parentheses
            && !self.trailing_sign
            && self.currency.is_none()
    }
}
