//! Values as text: the forms that casts to string give.

use std::fmt::Write as _;

use super::calendar::{self, DAY};

/// The shortest digits that name a float64, always with a mark or an exponent: `1.0`, `0.1`, `1e+20`, `1.5e-07`, `nan`.
pub(super) fn float64(value: f64, out: &mut String) {
    float(value.is_nan(), value.is_infinite(), value.is_sign_negative(), &format!("{value:e}"), out);
}

/// As [`float64`] for 32 bits.
pub(super) fn float32(value: f32, out: &mut String) {
    float(value.is_nan(), value.is_infinite(), value.is_sign_negative(), &format!("{value:e}"), out);
}

/// `scientific` is Rust's shortest form, such as `-1.25e-7`.
fn float(nan: bool, infinite: bool, negative: bool, scientific: &str, out: &mut String) {
    if nan {
        return out.push_str("nan");
    }
    if infinite {
        return out.push_str(if negative { "-inf" } else { "inf" });
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    if negative {
        out.push('-');
    }
    if !(-4..16).contains(&exponent) {
        out.push_str(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        // Writing to a string cannot fail.
        let _ = write!(out, "e{sign}{:02}", exponent.abs());
        return;
    }
    match usize::try_from(exponent) {
        Err(_) => {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', usize::try_from(-exponent - 1).unwrap_or_default()));
            out.push_str(&digits);
        }
        Ok(whole) => {
            let whole = whole + 1;
            if digits.len() <= whole {
                out.push_str(&digits);
                out.extend(std::iter::repeat_n('0', whole - digits.len()));
                out.push_str(".0");
            } else {
                let (before, after) = digits.split_at_checked(whole).unwrap_or((&digits, ""));
                let _ = write!(out, "{before}.{after}");
            }
        }
    }
}

/// `2021-03-04`; years before year 1 count down from `0001-12-31 (BC)`.
pub(super) fn date(days: i64, out: &mut String) {
    let (year, month, day) = calendar::civil_from_days(days);
    let _ = if year > 0 {
        write!(out, "{year:04}-{month:02}-{day:02}")
    } else {
        write!(out, "{:04}-{month:02}-{day:02} (BC)", 1 - year)
    };
}

/// `05:06:07`, with as much of a fraction as there is.
pub(super) fn time(microseconds: i64, out: &mut String) {
    let (seconds, fraction) = (microseconds.div_euclid(1_000_000), microseconds.rem_euclid(1_000_000));
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// `2021-03-04 05:06:07`, with as much of a fraction as there is.
pub(super) fn datetime(microseconds: i64, out: &mut String) {
    let (year, month, day) = calendar::civil_from_days(microseconds.div_euclid(DAY));
    let before = year <= 0;
    let shown = if before { 1 - year } else { year };
    let _ = write!(out, "{shown:04}-{month:02}-{day:02}");
    out.push(' ');
    time(microseconds.rem_euclid(DAY), out);
    if before {
        out.push_str(" (BC)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    /// Texts of DuckDB 2.0.1.
    #[test]
    fn floats_read_as_in_duckdb() {
        let cases = [
            (1.0, "1.0"),
            (100.0, "100.0"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-10, "1.5e-10"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, wanted) in cases {
            assert_eq!(text(|out| float64(value, out)), wanted);
        }
        assert_eq!(text(|out| float32(0.1, out)), "0.1");
        assert_eq!(text(|out| float32(123_456.79, out)), "123456.79");
        assert_eq!(text(|out| float32(3.4e38, out)), "3.4e+38");
    }

    #[test]
    fn dates_read_as_in_duckdb() {
        assert_eq!(text(|out| date(calendar::days_from_civil(1, 1, 1), out)), "0001-01-01");
        assert_eq!(text(|out| date(calendar::days_from_civil(-1, 1, 1), out)), "0002-01-01 (BC)");
        assert_eq!(text(|out| datetime(100_000, out)), "1970-01-01 00:00:00.1");
        assert_eq!(text(|out| datetime(-1, out)), "1969-12-31 23:59:59.999999");
    }
}
