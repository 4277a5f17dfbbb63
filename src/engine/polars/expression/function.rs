//! Which function is lowered how. The match is exhaustive: a new function does not compile until it stands here.

use polars::prelude as pl;

use super::{EngineError, Lowering, aggregate, refuse};
use crate::expression::{Aggregate, DataType, Expr, Function as F};

impl Lowering {
    /// A scalar call; `result` is the type of its value.
    pub(super) fn call(&self, function: F, arguments: &[Expr], result: &DataType) -> Result<pl::Expr, EngineError> {
        let first = || arguments.first().ok_or_else(|| refuse(format!("{} needs an argument", function.name())));
        match function {
            // Functions of one number.
            F::Sqrt
            | F::Cbrt
            | F::Exp
            | F::Ln
            | F::Log10
            | F::Log2
            | F::Sin
            | F::Cos
            | F::Tan
            | F::Cot
            | F::Asin
            | F::Acos
            | F::Atan
            | F::Sinh
            | F::Cosh
            | F::Tanh
            | F::Degrees
            | F::Radians
            | F::IsNan
            | F::IsFinite
            | F::IsInfinite
            | F::Even => self.float_function(function, first()?),
            F::Abs => self.abs(first()?),
            F::Ceil | F::Floor | F::Trunc | F::Sign => self.to_whole(function, first()?),
            F::Round => self.round(arguments),
            F::Log | F::Power | F::Atan2 => self.float_pair(function, arguments),
            F::IntegerDivide => self.integer_divide(arguments),
            F::Pi => Ok(pl::lit(std::f64::consts::PI)),
            F::Greatest | F::Least => self.extreme(function, arguments),
            F::Gcd | F::Lcm => self.divisors(function, arguments),
            // Text.
            F::Length if first()?.data_type.is_nested() => self.list_length(first()?),
            F::Lower | F::Upper | F::Reverse | F::Length | F::ByteLength | F::StripAccents => {
                self.plain_text(function, first()?)
            }
            F::InitCap => self.init_cap(first()?),
            F::Trim | F::TrimStart | F::TrimEnd => self.trim(function, arguments),
            F::Concat => self.concat(arguments),
            F::ConcatWs => self.concat_ws(arguments),
            F::Substring | F::Left | F::Right => self.run_of_text(function, arguments),
            F::Position => self.position(arguments),
            F::Contains | F::StartsWith | F::EndsWith => self.text_test(function, arguments),
            F::Replace => self.replace(arguments),
            F::Translate => self.translate(arguments),
            F::Repeat => self.repeat(arguments),
            F::PadStart | F::PadEnd => self.pad(function, arguments),
            F::SplitPart => self.split_part(arguments),
            F::Split => self.split(arguments),
            F::Normalize => self.normalize(arguments),
            F::Ascii => self.ascii(first()?),
            F::Chr => self.chr(arguments),
            F::Levenshtein | F::DamerauLevenshtein | F::JaroWinkler => self.text_distance(function, arguments),
            F::JsonValid => self.json_valid(first()?),
            // Regular expressions.
            F::RegexpMatches | F::RegexpFullMatch => self.regexp_test(function, arguments),
            F::RegexpExtract => self.regexp_extract(arguments),
            F::RegexpExtractAll => self.regexp_extract_all(arguments),
            F::RegexpReplace => self.regexp_replace(arguments),
            F::RegexpCount => self.regexp_count(arguments),
            // Dates and times.
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
            | F::IsoYear => self.part(function, first()?),
            F::Epoch => self.epoch(first()?),
            F::DateTrunc => self.date_trunc(arguments, result),
            F::DateDiff => self.date_diff(arguments),
            F::DateAdd => self.date_add(arguments, result),
            F::MakeDate => self.make_date(arguments),
            F::MakeTimestamp => self.make_timestamp(arguments, result),
            F::FromEpoch => self.from_epoch(first()?, result),
            F::Strftime => self.strftime(arguments),
            F::Strptime => self.strptime(arguments, result, true),
            F::TryStrptime => self.strptime(arguments, result, false),
            F::LastDay => self.last_day(first()?),
            F::MonthName | F::DayName => self.name_of(function, first()?),
            F::AtTimeZone => self.at_time_zone(arguments),
            // Choices.
            F::Coalesce => self.coalesce(arguments, result),
            F::NullIf => match arguments {
                [value, other] => self.null_if(value, other),
                _ => Err(refuse("nullif needs two values")),
            },
            F::If => self.if_else(arguments, result),
            // Lists.
            F::ListValue => self.list_value(arguments, result),
            F::ListLength => self.list_length(first()?),
            F::ListContains | F::ListPosition => self.list_search(function, arguments),
            F::ListSum => self.list_sum(arguments, result),
            F::ListMean => self.list_mean(first()?),
            F::ListMin | F::ListMax => self.list_extreme(function, first()?, result),
            F::ListSort | F::ListReverse | F::ListDistinct => self.list_rearranged(function, first()?, result),
            F::ListElement => self.list_element(arguments, result),
            F::ListSlice => self.list_slice(arguments, result),
            F::ListConcat => self.list_concat(arguments, result),
            F::ListJoin => self.list_join(arguments),
            F::Range => self.range(arguments),
            // Hashes.
            F::Md5 | F::Sha256 => self.digest(function, first()?),
            F::Hash => self.hash(arguments),
            // Aggregates stand in nodes of their own; a tree that was not bound may hold one as a call.
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
            | F::GeometricMean => aggregate::lower(
                &Aggregate {
                    function,
                    arguments: arguments.to_vec(),
                    distinct: false,
                    filter: None,
                    order_by: Vec::new(),
                    over: None,
                },
                result,
            ),
            F::RowNumber
            | F::Rank
            | F::DenseRank
            | F::PercentRank
            | F::CumeDist
            | F::Ntile
            | F::Lag
            | F::Lead
            | F::FirstValue
            | F::LastValue
            | F::NthValue => Err(refuse(format!("{} needs `over (..)`", function.name()))),
        }
    }
}
