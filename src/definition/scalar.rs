//! What an unquoted scalar means: the core schema of YAML 1.2.
//!
//! Only `true`, `false`, `null`, `~`, nothing, decimal, `0x` and `0o` whole numbers, and numbers with a point or an exponent
//! (`.inf` and `.nan` among them) are more than texts. `yes`, `no`, `on`, `off` and dates stay texts.

/// The meaning of an unquoted scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text,
    /// A whole number that does not fit 64 bits, or a float beyond the largest. It is refused: a rounded or infinite number
    /// would silently be another one.
    TooLarge,
}

/// Reads a scalar that stands without quotes.
pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Boolean(true),
        "false" | "False" | "FALSE" => Scalar::Boolean(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        _ => number(text),
    }
}

fn number(text: &str) -> Scalar {
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && !digits.is_empty()
            && digits.chars().all(|digit| digit.is_digit(radix))
        {
            return i64::from_str_radix(digits, radix).map_or(Scalar::TooLarge, Scalar::Integer);
        }
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_or(Scalar::TooLarge, Scalar::Integer);
    }
    match text.parse::<f64>() {
        Ok(value) if is_float(unsigned) && value.is_finite() => Scalar::Float(value),
        Ok(_) if is_float(unsigned) => Scalar::TooLarge,
        _ => Scalar::Text,
    }
}

/// `[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?` or the same with digits only after the point.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of <https://yaml.org/spec/1.2.2/#103-core-schema>, and what YAML 1.1 read differently.
    #[test]
    fn scalars_follow_the_core_schema() {
        for (text, expected) in [
            ("", Scalar::Null),
            ("~", Scalar::Null),
            ("null", Scalar::Null),
            ("true", Scalar::Boolean(true)),
            ("False", Scalar::Boolean(false)),
            ("0", Scalar::Integer(0)),
            ("0o7", Scalar::Integer(7)),
            ("0x3A", Scalar::Integer(58)),
            ("-19", Scalar::Integer(-19)),
            ("+12", Scalar::Integer(12)),
            ("007", Scalar::Integer(7)),
            ("0.", Scalar::Float(0.0)),
            ("-0.0", Scalar::Float(-0.0)),
            (".5", Scalar::Float(0.5)),
            ("+12e03", Scalar::Float(12000.0)),
            ("-2E+05", Scalar::Float(-200_000.0)),
            (".inf", Scalar::Float(f64::INFINITY)),
            ("-.Inf", Scalar::Float(f64::NEG_INFINITY)),
            ("9223372036854775807", Scalar::Integer(i64::MAX)),
            ("-9223372036854775808", Scalar::Integer(i64::MIN)),
            ("9223372036854775808", Scalar::TooLarge),
            ("0xFFFFFFFFFFFFFFFF", Scalar::TooLarge),
            ("1e999", Scalar::TooLarge),
        ] {
            assert_eq!(resolve(text), expected, "{text}");
        }
        assert!(matches!(resolve(".NaN"), Scalar::Float(value) if value.is_nan()));
    }

    #[test]
    fn everything_else_is_a_text() {
        for text in [
            "yes",
            "no",
            "NO",
            "on",
            "Off",
            "y",
            "n",
            "2013-01-01",
            "12:30",
            "1_000",
            "0b101",
            "0x",
            "0o8",
            "-0x1",
            ".",
            "-",
            "+",
            "e5",
            "1e",
            "1e+",
            "..5",
            "1.2.3",
            "tRUE",
            "nan",
            "inf",
            "Infinity",
            "١",
        ] {
            assert_eq!(resolve(text), Scalar::Text, "{text}");
        }
    }
}
