//! Functions for DuckDB. The match is exhaustive: a new function does not compile until it stands here.

use super::{DuckDb, EngineError, cast_to, refuse, text};
use crate::expression::{DataType, Expr, ExprKind, Function as F, Literal};

impl DuckDb {
    /// A scalar call; `result` is the type of its value.
    pub(super) fn call(&self, function: F, arguments: &[Expr], result: &DataType) -> Result<String, EngineError> {
        let printed = self.all(arguments)?;
        let argument = |index: usize| {
            printed
                .get(index)
                .map(String::as_str)
                .ok_or_else(|| refuse(format!("{} misses an argument", function.name())))
        };
        let same = |name: &str| format!("{name}({})", printed.join(", "));
        let first_is_integer = arguments.first().is_some_and(|first| first.data_type.is_integer());
        Ok(match function {
            // The same name and meaning in DuckDB.
            F::Sqrt
            | F::Cbrt
            | F::Exp
            | F::Ln
            | F::Log10
            | F::Log2
            | F::Log
            | F::Power
            | F::Asin
            | F::Acos
            | F::Atan
            | F::Atan2
            | F::Sinh
            | F::Cosh
            | F::Tanh
            | F::Degrees
            | F::Radians
            | F::Pi
            | F::Greatest
            | F::Least
            | F::IsNan
            | F::IsFinite
            | F::IsInfinite
            | F::Even
            | F::Gcd
            | F::Lcm
            | F::Abs
            | F::Lower
            | F::Trim
            | F::TrimStart
            | F::TrimEnd
            | F::ByteLength
            | F::ConcatWs
            | F::Substring
            | F::Left
            | F::Right
            | F::Position
            | F::Contains
            | F::StartsWith
            | F::EndsWith
            | F::Replace
            | F::Translate
            | F::Reverse
            | F::Repeat
            | F::SplitPart
            | F::StripAccents
            | F::Levenshtein
            | F::DamerauLevenshtein
            | F::JaroWinkler
            | F::JsonValid
            | F::RegexpMatches
            | F::RegexpFullMatch
            | F::Coalesce
            | F::NullIf
            | F::ListMean
            | F::ListMin
            | F::ListMax
            | F::ListReverse
            | F::ListElement
            | F::ListSlice
            | F::Md5
            | F::Sha256 => same(function.name()),
            // DuckDB has a capital sharp s; Unicode's rule for whole texts is SS.
            F::Upper => format!("upper(replace({}, 'ß', 'SS'))", argument(0)?),
            F::Length => same("length"),
            F::ListLength => same("len"),
            // Integers stay what they are; DuckDB would make them double.
            F::Ceil | F::Floor | F::Trunc if first_is_integer => argument(0)?.to_owned(),
            F::Ceil | F::Floor | F::Trunc => same(function.name()),
            F::Round => format!("round({}, CAST({} AS INTEGER))", argument(0)?, argument(1)?),
            // DuckDB gives tinyint, and 0 for NaN.
            F::Sign if first_is_integer => cast_to(&same("sign"), result),
            F::Sign => {
                format!("CASE WHEN isnan({0}) THEN {0} ELSE {1} END", argument(0)?, cast_to(&same("sign"), result))
            }
            // DuckDB has an error for infinities.
            F::Sin | F::Cos | F::Tan | F::Cot => {
                format!("CASE WHEN isinf({0}) THEN 'nan'::DOUBLE ELSE {1}({0}) END", argument(0)?, function.name())
            }
            F::IntegerDivide => match arguments {
                [x, y] => format!("{} // {}", self.operand(x)?, self.divisor(y)?),
                _ => return Err(refuse("div needs two numbers")),
            },
            // `concat` of DuckDB skips nulls, the operator does not.
            F::Concat => self.operands(arguments)?.join(" || "),
            F::InitCap => {
                let words = format!(r"regexp_extract_all({}, '[\p{{L}}\p{{N}}]+|[^\p{{L}}\p{{N}}]+')", argument(0)?);
                let word = "lambda w: upper(left(w, 1)) || lower(substring(w, 2))";
                format!(
                    "CASE WHEN {} IS NOT NULL THEN array_to_string(list_transform({words}, {word}), '') END",
                    argument(0)?
                )
            }
            F::PadStart | F::PadEnd => {
                format!("{}({}, CAST({} AS INTEGER), {})", function.name(), argument(0)?, argument(1)?, argument(2)?)
            }
            // DuckDB takes a null separator for one that does not occur.
            F::Split => self.unless_null(arguments.get(1..).unwrap_or_default(), same("string_split"))?,
            F::Normalize => match arguments.get(1).map(|form| &form.kind) {
                Some(ExprKind::Literal(Literal::String(form))) if form == "NFC" => {
                    format!("nfc_normalize({})", argument(0)?)
                }
                _ => return Err(refuse("DuckDB has no other Unicode normal form than NFC")),
            },
            F::Ascii => cast_to(&same("ascii"), result),
            F::Chr => format!("chr(CAST({} AS INTEGER))", argument(0)?),
            // DuckDB gives empty text when nothing matches.
            F::RegexpExtract => format!(
                "CASE WHEN regexp_matches({0}, {1}) THEN regexp_extract({0}, {1}, {2}) END",
                argument(0)?,
                argument(1)?,
                self.group(arguments)?
            ),
            F::RegexpExtractAll => {
                format!("regexp_extract_all({}, {}, {})", argument(0)?, argument(1)?, self.group(arguments)?)
            }
            F::RegexpReplace => {
                format!("regexp_replace({}, {}, {}, 'g')", argument(0)?, argument(1)?, argument(2)?)
            }
            F::RegexpCount => format!("len(regexp_extract_all({}, {}))", argument(0)?, argument(1)?),
            F::Year
            | F::Quarter
            | F::Month
            | F::Day
            | F::Hour
            | F::Minute
            | F::Second
            | F::Millisecond
            | F::Microsecond
            | F::DayOfWeek
            | F::IsoDayOfWeek
            | F::DayOfYear
            | F::Week
            | F::IsoYear
            | F::Epoch
            | F::DateTrunc
            | F::DateDiff
            | F::DateAdd
            | F::MakeDate
            | F::MakeTimestamp
            | F::FromEpoch
            | F::Strftime
            | F::Strptime
            | F::TryStrptime
            | F::LastDay
            | F::MonthName
            | F::DayName
            | F::AtTimeZone => self.temporal(function, arguments, result)?,
            F::If => match printed.as_slice() {
                [condition, then] => format!("CASE WHEN {condition} THEN {then} END"),
                [condition, then, otherwise, ..] => format!("CASE WHEN {condition} THEN {then} ELSE {otherwise} END"),
                _ => return Err(refuse("if needs a condition and a value")),
            },
            F::ListValue if arguments.is_empty() => cast_to("[]", result),
            F::ListValue => cast_to(&same("list_value"), result),
            // DuckDB finds nulls.
            F::ListContains | F::ListPosition => {
                self.unless_null(arguments.get(1..).unwrap_or_default(), cast_to(&same(function.name()), result))?
            }
            F::ListSum => cast_to(&same("list_sum"), result),
            F::ListSort => format!("list_sort({}, 'ASC', 'NULLS LAST')", argument(0)?),
            F::ListDistinct => format!("list_sort(list_distinct({}))", argument(0)?),
            // DuckDB passes over null lists.
            F::ListConcat => self.unless_null(arguments, same("list_concat"))?,
            // DuckDB has null for a list of nulls, and takes a null separator for an empty one.
            F::ListJoin => self.unless_null(arguments, format!("coalesce({}, '')", same("array_to_string")))?,
            // DuckDB has an empty list for a step of zero.
            F::Range => match arguments.last().map(|step| &step.kind) {
                Some(ExprKind::Literal(Literal::Integer(step))) if *step != 0 => same("range"),
                _ if arguments.len() < 3 => same("range"),
                _ => format!(
                    "CASE WHEN {} = 0 THEN error('the step of a range is zero') ELSE {} END",
                    argument(2)?,
                    same("range")
                ),
            },
            F::Hash => {
                let texts: Vec<String> =
                    printed.iter().map(|value| format!("coalesce(CAST({value} AS VARCHAR), chr(0))")).collect();
                format!("CAST('0x' || left(md5({}), 15) AS BIGINT)", texts.join(" || chr(31) || "))
            }
            F::Count
            | F::CountAll
            | F::CountIf
            | F::Sum
            | F::Mean
            | F::Min
            | F::Max
            | F::Median
            | F::Quantile
            | F::QuantileDisc
            | F::StddevSamp
            | F::StddevPop
            | F::VarSamp
            | F::VarPop
            | F::Skewness
            | F::Kurtosis
            | F::Mode
            | F::First
            | F::Last
            | F::AnyValue
            | F::ArgMin
            | F::ArgMax
            | F::List
            | F::StringAgg
            | F::BoolAnd
            | F::BoolOr
            | F::ApproxCountDistinct
            | F::Corr
            | F::CovarSamp
            | F::CovarPop
            | F::Product
            | F::GeometricMean
            | F::RowNumber
            | F::Rank
            | F::DenseRank
            | F::PercentRank
            | F::CumeDist
            | F::Ntile
            | F::Lag
            | F::Lead
            | F::FirstValue
            | F::LastValue
            | F::NthValue => {
                return Err(refuse(format!("{} stands in a node of its own, not in a call", function.name())));
            }
        })
    }

    /// Null when one of the arguments is null, where DuckDB has a value.
    fn unless_null(&self, arguments: &[Expr], value: String) -> Result<String, EngineError> {
        let constant = |argument: &&Expr| match &argument.kind {
            ExprKind::Literal(literal) => *literal != Literal::Null,
            _ => false,
        };
        let known = arguments
            .iter()
            .filter(|argument| !constant(argument))
            .map(|argument| Ok(format!("{} IS NOT NULL", self.operand(argument)?)))
            .collect::<Result<Vec<_>, EngineError>>()?;
        if known.is_empty() { Ok(value) } else { Ok(format!("CASE WHEN {} THEN {value} END", known.join(" AND "))) }
    }

    /// The number of a group, which DuckDB wants as a bare integer.
    fn group(&self, arguments: &[Expr]) -> Result<String, EngineError> {
        match arguments.get(2).map(|group| &group.kind) {
            None => Ok("0".to_owned()),
            Some(ExprKind::Literal(Literal::Integer(group))) => Ok(group.to_string()),
            Some(_) => Err(refuse("the group has to be an integer constant")),
        }
    }
}

/// A separator or pattern that has to be a constant.
pub(super) fn constant_text(arguments: &[Expr], index: usize) -> Result<String, EngineError> {
    match arguments.get(index).map(|argument| &argument.kind) {
        Some(ExprKind::Literal(Literal::String(value))) => Ok(text(value)),
        _ => Err(refuse("an argument has to be a text constant")),
    }
}
