//! What a field of a CSV file says: what it looks like, and whether it is a value of a type.

use std::collections::HashSet;

use super::temporal::{self, Shape};
use crate::expression::DataType;

/// What a field looks like on its own.
///
/// It is stricter than [`Expected::accepts`]: `00501` could be read as a number, but whoever wrote it meant a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// `true` or `false` in any case.
    Boolean,
    /// Decimal digits, perhaps with a minus, without a leading zero, within int64.
    Integer,
    /// With a mark or an exponent.
    Float,
    /// `NaN`, `inf` and their like: numbers only where the other fields are.
    FloatWord,
    /// A day.
    Date,
    /// A wall clock or an instant.
    Datetime(Shape),
    /// Anything else.
    Text,
}

/// Tells what a field looks like. Numbers may stand behind blanks, as the engine's reader allows.
pub(super) fn token(field: &[u8], decimal_comma: bool) -> Token {
    let Some(first) = field.first() else { return Token::Text };
    match first {
        b't' | b'T' | b'f' | b'F' if is_boolean(field) => Token::Boolean,
        b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | b' ' | b'\t' | b'n' | b'N' | b'i' | b'I' => {
            let number = skip_blanks(field);
            if is_plain_integer(number) {
                return if integer(number).is_some() { Token::Integer } else { Token::Text };
            }
            if is_plain_float(number, decimal_comma) {
                Token::Float
            } else if is_float_word(number) {
                Token::FloatWord
            } else if temporal::is_date(field) {
                Token::Date
            } else {
                temporal::datetime(field).map_or(Token::Text, Token::Datetime)
            }
        }
        _ => Token::Text,
    }
}

fn is_boolean(field: &[u8]) -> bool {
    field.eq_ignore_ascii_case(b"true") || field.eq_ignore_ascii_case(b"false")
}

fn skip_blanks(field: &[u8]) -> &[u8] {
    let blanks = field.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    field.get(blanks..).unwrap_or_default()
}

/// Digits as a person writes a number: `0`, `12`, `-12`, not `007` nor `+12`.
fn is_plain_integer(text: &[u8]) -> bool {
    match text.strip_prefix(b"-").unwrap_or(text) {
        [] => false,
        [b'0', _, ..] => false,
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

/// The value, within int64.
fn integer(text: &[u8]) -> Option<i64> {
    short_integer(text).or_else(|| std::str::from_utf8(text).ok()?.parse().ok())
}

/// The value of at most 18 digits, which cannot overflow.
fn short_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -value } else { value })
}

/// `1.5`, `-.5`, `1.`, `1e5`, `+1.5E-3`, not `007.5`.
fn is_plain_float(text: &[u8], decimal_comma: bool) -> bool {
    let mark = if decimal_comma { b',' } else { b'.' };
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let whole = count_digits(unsigned);
    let mut rest = unsigned.get(whole..).unwrap_or_default();
    let mut fraction = 0;
    let mut special = false;
    if let Some(after) = rest.strip_prefix(&[mark]) {
        special = true;
        fraction = count_digits(after);
        rest = after.get(fraction..).unwrap_or_default();
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        special = true;
        let digits = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
        if digits.is_empty() || count_digits(digits) != digits.len() {
            return false;
        }
        rest = &[];
    }
    let leading_zero = whole > 1 && unsigned.first() == Some(&b'0');
    special && rest.is_empty() && whole + fraction > 0 && !leading_zero
}

fn count_digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn is_float_word(text: &[u8]) -> bool {
    let word = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    [b"nan".as_slice(), b"inf", b"infinity"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// The texts that mean null, besides the empty one.
#[derive(Debug, Clone)]
pub(super) struct Nulls {
    texts: HashSet<Vec<u8>>,
    /// First bytes of the texts: most fields differ from all of them in the first byte.
    first: [bool; 256],
}

impl Nulls {
    pub(super) fn new(texts: &[String]) -> Self {
        let texts: HashSet<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let mut first = [false; 256];
        for (byte, starts) in (0..=u8::MAX).zip(&mut first) {
            *starts = texts.iter().any(|text| text.first() == Some(&byte));
        }
        Self { texts, first }
    }

    /// Whether the field is empty or one of the texts.
    pub(super) fn contains(&self, field: &[u8]) -> bool {
        match field.first() {
            None => true,
            Some(first) => self.first.get(usize::from(*first)) == Some(&true) && self.texts.contains(field),
        }
    }
}

/// What the fields of a column must be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expected {
    /// Anything.
    Text,
    /// `true` or `false` in any case.
    Boolean,
    /// A whole number within these bounds.
    Integer { least: i128, most: i128 },
    /// A number.
    Float { decimal_comma: bool },
    /// A number with at most so many digits before and after the mark.
    Decimal { whole: usize, fraction: usize, decimal_comma: bool },
    /// A day or datetime of this format.
    Temporal { format: String },
}

impl Expected {
    /// What the fields of a column of this type must be; `None` when text cannot be read as the type.
    pub(super) fn of(data_type: &DataType, format: Option<&str>, decimal_comma: bool) -> Option<Self> {
        let integer = |least: i128, most: i128| Self::Integer { least, most };
        Some(match data_type {
            DataType::String => Self::Text,
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => integer(i8::MIN.into(), i8::MAX.into()),
            DataType::Int16 => integer(i16::MIN.into(), i16::MAX.into()),
            DataType::Int32 => integer(i32::MIN.into(), i32::MAX.into()),
            DataType::Int64 => integer(i64::MIN.into(), i64::MAX.into()),
            DataType::UInt8 => integer(0, u8::MAX.into()),
            DataType::UInt16 => integer(0, u16::MAX.into()),
            DataType::UInt32 => integer(0, u32::MAX.into()),
            DataType::UInt64 => integer(0, u64::MAX.into()),
            DataType::Float32 | DataType::Float64 => Self::Float { decimal_comma },
            DataType::Decimal(precision, scale) => Self::Decimal {
                whole: usize::from(precision.saturating_sub(*scale)),
                fraction: usize::from(*scale),
                decimal_comma,
            },
            DataType::Date => Self::Temporal { format: format.unwrap_or("%Y-%m-%d").to_owned() },
            DataType::Datetime(_) => Self::Temporal { format: format?.to_owned() },
            DataType::Null
            | DataType::Binary
            | DataType::Time
            | DataType::Duration
            | DataType::Interval
            | DataType::List(_)
            | DataType::Array(..)
            | DataType::Struct(_) => return None,
        })
    }

    /// Whether a field that is not empty is such a value, or blanks that the engine reads as a missing number.
    pub(super) fn accepts(&self, field: &[u8]) -> bool {
        match self {
            Self::Text => true,
            Self::Boolean => is_boolean(field),
            Self::Temporal { format } => temporal::matches(format, field),
            Self::Integer { .. } | Self::Float { .. } | Self::Decimal { .. } => {
                let number = skip_blanks(field);
                number.is_empty() || self.accepts_number(number)
            }
        }
    }

    fn accepts_number(&self, number: &[u8]) -> bool {
        match self {
            Self::Integer { least, most } => {
                let signed = *least < 0 || !number.starts_with(b"-");
                let value = short_integer(number)
                    .map(i128::from)
                    .or_else(|| std::str::from_utf8(number).ok()?.parse::<i128>().ok());
                signed && value.is_some_and(|value| (*least..=*most).contains(&value))
            }
            Self::Float { decimal_comma } => is_float(number, *decimal_comma),
            Self::Decimal { whole, fraction, decimal_comma } => is_decimal(number, *whole, *fraction, *decimal_comma),
            Self::Text | Self::Boolean | Self::Temporal { .. } => false,
        }
    }
}

fn is_float(text: &[u8], decimal_comma: bool) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if !decimal_comma {
        return text.parse::<f64>().is_ok();
    }
    // A point could be a mark of thousands: `1.234` would silently become a thousandth of itself.
    !text.contains('.') && text.replace(',', ".").parse::<f64>().is_ok()
}

fn is_decimal(text: &[u8], whole: usize, fraction: usize, decimal_comma: bool) -> bool {
    let mark = if decimal_comma { b',' } else { b'.' };
    let unsigned = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let before = count_digits(unsigned);
    let zeros = unsigned.iter().take_while(|byte| **byte == b'0').count().min(before);
    let after = match unsigned.get(before..).unwrap_or_default() {
        [] => &[],
        [first, digits @ ..] if *first == mark => digits,
        _ => return false,
    };
    count_digits(after) == after.len() && before + after.len() > 0 && before - zeros <= whole && after.len() <= fraction
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn looks(text: &str) -> Token {
        token(text.as_bytes(), false)
    }

    #[test]
    fn fields_look_like_what_a_person_takes_them_for() {
        for text in ["0", "-1", "9223372036854775807", "-9223372036854775808", " 5"] {
            assert_eq!(looks(text), Token::Integer, "{text}");
        }
        for text in ["1.5", "-.5", "1.", "1e5", "+1.5E-3", "0.0", "-0.0"] {
            assert_eq!(looks(text), Token::Float, "{text}");
        }
        for text in ["NaN", "nan", "-inf", "Infinity"] {
            assert_eq!(looks(text), Token::FloatWord, "{text}");
        }
        for text in [
            "00501",
            "007.5",
            "+49301234",
            "9223372036854775808",
            "1_000",
            "0x1F",
            "5 ",
            ".",
            "-",
            "e5",
            "1e",
            "1,5",
            "N/A",
            "in",
            "",
            "1.2.3",
        ] {
            assert_eq!(looks(text), Token::Text, "{text}");
        }
        assert_eq!(looks("TRUE"), Token::Boolean);
        assert_eq!(looks("t"), Token::Text);
        assert_eq!(looks("2013-01-31"), Token::Date);
        assert!(matches!(looks("2013-01-31T10:00:00Z"), Token::Datetime(_)));
    }

    #[test]
    fn with_a_decimal_comma_a_point_is_no_mark() {
        assert_eq!(token(b"1,5", true), Token::Float);
        assert_eq!(token(b"1.234", true), Token::Text);
        let expected = Expected::of(&DataType::Float64, None, true).unwrap();
        assert!(expected.accepts(b"1,5") && expected.accepts(b"15"));
        assert!(!expected.accepts(b"1.234") && !expected.accepts(b"1.234,5"));
    }

    #[test]
    fn bounds_of_integers_hold() {
        let byte = Expected::of(&DataType::Int8, None, false).unwrap();
        assert!(byte.accepts(b"127") && byte.accepts(b"-128") && byte.accepts(b"+7") && byte.accepts(b"007"));
        assert!(!byte.accepts(b"128") && !byte.accepts(b"1.0") && !byte.accepts(b"-") && !byte.accepts(b"5 "));
        assert!(byte.accepts(b"  "), "the engine reads blanks as a missing number");
        let unsigned = Expected::of(&DataType::UInt64, None, false).unwrap();
        assert!(unsigned.accepts(b"18446744073709551615") && !unsigned.accepts(b"-1") && !unsigned.accepts(b"-0"));
    }

    #[test]
    fn decimals_have_their_digits() {
        let price = Expected::of(&DataType::Decimal(5, 2), None, false).unwrap();
        assert!(price.accepts(b"123.45") && price.accepts(b"-0.5") && price.accepts(b"00123"));
        assert!(
            !price.accepts(b"1234.5") && !price.accepts(b"1.234") && !price.accepts(b".") && !price.accepts(b"1e2")
        );
    }

    #[test]
    fn lists_cannot_be_read_from_text() {
        assert_eq!(Expected::of(&DataType::List(Box::new(DataType::String)), None, false), None);
    }

    proptest! {
        #[test]
        fn what_looks_like_a_type_is_accepted_as_that_type(field in "[-+ .,:TZ0-9eEnNaAiIfFtrulse]{0,12}", comma: bool) {
            let bytes = field.as_bytes();
            let data_type = match token(bytes, comma) {
                Token::Boolean => DataType::Boolean,
                Token::Integer => DataType::Int64,
                Token::Float | Token::FloatWord => DataType::Float64,
                Token::Date => DataType::Date,
                Token::Datetime(_) | Token::Text => DataType::String,
            };
            prop_assert!(Expected::of(&data_type, None, comma).unwrap().accepts(bytes));
        }

        #[test]
        fn the_type_of_a_written_number_is_found(integer: i64, float in proptest::num::f64::NORMAL) {
            prop_assert_eq!(token(integer.to_string().as_bytes(), false), Token::Integer);
            prop_assert_eq!(token(format!("{float:e}").as_bytes(), false), Token::Float);
        }
    }
}
