//! What the fields of one column have in common: the type that reads them all.

use std::collections::BTreeSet;

use super::error::shown;
use super::plan::{ColumnPlan, Conversion};
use super::temporal::{self, Shape};
use super::value::{Token, token};
use crate::expression::DataType;

/// Different shapes of datetimes that a column keeps; with more there is no common format anyway.
const SHAPES: usize = 64;

/// What was seen of a column.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    seen: u64,
    booleans: u64,
    integers: u64,
    floats: u64,
    words: u64,
    dates: u64,
    datetimes: u64,
    shapes: BTreeSet<Shape>,
    /// The first field that is no number, date or boolean, and its line.
    text: Option<(String, u64)>,
    /// The first field that has another type than the first one, and its line.
    odd_one: Option<(String, u64)>,
    first: Option<Kind>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Boolean,
    Number,
    Date,
    Datetime,
    Text,
}

impl Evidence {
    /// Takes a field that is not null into account.
    pub(super) fn add(&mut self, field: &[u8], decimal_comma: bool, line: u64) {
        self.seen += 1;
        let kind = match token(field, decimal_comma) {
            Token::Boolean => {
                self.booleans += 1;
                Kind::Boolean
            }
            Token::Integer => {
                self.integers += 1;
                Kind::Number
            }
            Token::Float => {
                self.floats += 1;
                Kind::Number
            }
            Token::FloatWord => {
                self.words += 1;
                Kind::Number
            }
            Token::Date => {
                self.dates += 1;
                Kind::Date
            }
            Token::Datetime(shape) => {
                self.datetimes += 1;
                if self.shapes.len() < SHAPES {
                    self.shapes.insert(shape);
                }
                Kind::Datetime
            }
            Token::Text => {
                if self.text.is_none() {
                    self.text = Some((lossy(field), line));
                }
                Kind::Text
            }
        };
        let first = *self.first.get_or_insert(kind);
        if first != kind && self.odd_one.is_none() {
            self.odd_one = Some((lossy(field), line));
        }
    }

    /// The plan for a column whose type nobody declared.
    ///
    /// Whole numbers within int64 are int64, with fractions among them float64; `NaN` and `inf` are numbers only among
    /// numbers. Numbers with leading zeros or beyond int64 are text, and so is a column of nothing but nulls.
    pub(super) fn plan(&self, name: &str) -> ColumnPlan {
        let all = |count: u64| self.seen > 0 && count == self.seen;
        let numbers = self.integers + self.floats;
        if self.seen == 0 {
            ColumnPlan::native(name, DataType::String, "no value was seen")
        } else if all(self.booleans) {
            ColumnPlan::native(name, DataType::Boolean, "every value seen is true or false")
        } else if all(self.integers) {
            ColumnPlan::native(name, DataType::Int64, "every value seen is a whole number")
        } else if all(numbers + self.words) && numbers > 0 {
            ColumnPlan::native(name, DataType::Float64, "every value seen is a number")
        } else if all(self.dates) {
            let conversion = Conversion { format: "%Y-%m-%d".to_owned(), instant: false };
            ColumnPlan::converted(name, DataType::Date, conversion, "every value seen is a day")
        } else if let Some((format, instant)) = all(self.datetimes).then(|| temporal::format_of(&self.shapes)).flatten()
        {
            let zone = instant.then(|| "UTC".to_owned());
            let reason = "every value seen is a day and a time";
            ColumnPlan::converted(name, DataType::Datetime(zone), Conversion { format, instant }, reason)
        } else {
            ColumnPlan::native(name, DataType::String, self.why_text())
        }
    }

    /// The format of a column that is declared to be a date or datetime: that of its fields, else ISO 8601.
    pub(super) fn format(&self, data_type: &DataType) -> Conversion {
        let zone = matches!(data_type, DataType::Datetime(Some(_)));
        if *data_type == DataType::Date || self.dates > 0 && self.dates == self.seen {
            return Conversion { format: "%Y-%m-%d".to_owned(), instant: false };
        }
        let found = if self.datetimes == self.seen { temporal::format_of(&self.shapes) } else { None };
        let (format, instant) = found.unwrap_or_else(|| {
            let format = if zone { "%Y-%m-%dT%H:%M:%S%.f%#z" } else { "%Y-%m-%d %H:%M:%S%.f" };
            (format.to_owned(), zone)
        });
        Conversion { format, instant }
    }

    fn why_text(&self) -> String {
        let numbers = self.integers + self.floats + self.words;
        let others = self.seen - u64::from(self.text.is_some());
        match (&self.text, &self.odd_one) {
            (Some((value, line)), _) if numbers + self.dates + self.datetimes + self.booleans > 0 && others > 0 => {
                format!("`{}` {} is text", shown(value), place(*line))
            }
            (Some(_), _) => "the values are text".to_owned(),
            (None, Some((value, line))) => {
                format!("`{}` {} differs in type from the values before", shown(value), place(*line))
            }
            (None, None) if self.words > 0 => "there are words for numbers, but no numbers".to_owned(),
            (None, None) => "the datetimes have no format in common".to_owned(),
        }
    }
}

/// Lines of probed blocks are not counted; they are 0.
fn place(line: u64) -> String {
    if line == 0 { "further down".to_owned() } else { format!("in line {line}") }
}

fn lossy(field: &[u8]) -> String {
    String::from_utf8_lossy(field.get(..1024).unwrap_or(field)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(fields: &[&str]) -> ColumnPlan {
        let mut evidence = Evidence::default();
        for (i, field) in fields.iter().enumerate() {
            evidence.add(field.as_bytes(), false, i as u64 + 2);
        }
        evidence.plan("x")
    }

    fn data_type(fields: &[&str]) -> DataType {
        plan(fields).data_type
    }

    #[test]
    fn the_type_is_the_narrowest_that_reads_all_fields() {
        assert_eq!(data_type(&["true", "FALSE"]), DataType::Boolean);
        assert_eq!(data_type(&["1", "-2"]), DataType::Int64);
        assert_eq!(data_type(&["1", "2.5"]), DataType::Float64);
        assert_eq!(data_type(&["1.5", "NaN", "-inf"]), DataType::Float64);
        assert_eq!(data_type(&["2013-01-31", "2012-02-29"]), DataType::Date);
        assert_eq!(data_type(&["2013-01-31 10:00:00"]), DataType::Datetime(None));
        assert_eq!(data_type(&["2013-01-31T10:00:00Z"]), DataType::Datetime(Some("UTC".into())));
        assert_eq!(data_type(&["a", "1"]), DataType::String);
    }

    #[test]
    fn what_could_lose_meaning_stays_text() {
        assert_eq!(data_type(&["00501", "12345"]), DataType::String);
        assert_eq!(data_type(&["1", "9223372036854775808"]), DataType::String);
        assert_eq!(data_type(&["NaN", "nan"]), DataType::String);
        assert_eq!(data_type(&[]), DataType::String);
        assert_eq!(data_type(&["true", "1"]), DataType::String);
        assert_eq!(data_type(&["2013-01-31", "2013-01-31 10:00:00"]), DataType::String);
        assert_eq!(data_type(&["2013-01-31T10:00:00Z", "2013-01-31T10:00:00"]), DataType::String);
    }

    #[test]
    fn a_plan_says_why() {
        assert_eq!(plan(&["1", "2", "x"]).reason, "`x` in line 4 is text");
        assert_eq!(plan(&["true", "1"]).reason, "`1` in line 3 differs in type from the values before");
        assert_eq!(plan(&["a"]).reason, "the values are text");
    }

    #[test]
    fn dates_are_read_as_text_and_converted() {
        let plan = plan(&["2013-01-31T10:00:00Z"]);
        assert_eq!(plan.file_type, DataType::String);
        assert_eq!(plan.conversion, Some(Conversion { format: "%Y-%m-%dT%H:%M:%SZ".into(), instant: true }));
    }
}
