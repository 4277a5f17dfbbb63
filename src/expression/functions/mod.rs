//! The declarations of all functions: what they are called, what they take, what they give, and how they treat nulls.
//!
//! Each function is declared once, in the file of its family. Binding, documentation, completion and tests read these
//! declarations; engines match on [`Function`] and never on names.

mod aggregate;
mod conditional;
mod declaration;
mod hash;
mod list;
mod math;
mod regex;
mod string;
mod temporal;
mod window;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

pub use declaration::{Accepts, Declaration, EXAMPLE_ROWS, Example, Optional, Parameter, Signature, Yields};

use super::{Family, Function};

/// Null when an argument is null.
const NULL_IF_NULL: &str = "Null when an argument is null.";
/// Aggregates that skip nulls and have no value without rows.
const SKIPS_NULLS: &str = "Nulls are skipped; null when no value is left.";

const fn parameter(name: &'static str, accepts: Accepts) -> Parameter {
    Parameter { name, accepts, optional: Optional::No }
}

const fn optional(name: &'static str, accepts: Accepts, optional: Optional) -> Parameter {
    Parameter { name, accepts, optional }
}

const fn fixed(parameters: &'static [Parameter], result: Yields) -> Signature {
    Signature { parameters, variadic: false, result }
}

const fn variadic(parameters: &'static [Parameter], result: Yields) -> Signature {
    Signature { parameters, variadic: true, result }
}

const fn example(sql: &'static str, value: &'static str) -> Example {
    Example { sql, value }
}

/// Ties each function to its declaration; the match is exhaustive, so a function without a declaration does not compile.
macro_rules! declared {
    ($($family:ident { $($function:ident => $declaration:ident,)* })*) => {
        const ALL: &[Function] = &[$($(Function::$function,)*)*];

        impl Function {
            /// What is known about the function: names, signatures, null behaviour, documentation, example.
            pub fn declaration(self) -> &'static Declaration {
                match self {
                    $($(Function::$function => &$family::$declaration,)*)*
                }
            }
        }
    };
}

impl Function {
    /// Every function, family by family.
    pub fn all() -> &'static [Function] {
        ALL
    }

    /// The function of that name, canonical or not; case does not matter.
    pub fn by_name(name: &str) -> Option<Function> {
        ALL.iter()
            .copied()
            .find(|function| function.declaration().names.iter().any(|known| known.eq_ignore_ascii_case(name)))
    }

    /// The family of the function.
    pub fn family(self) -> Family {
        self.declaration().family
    }

    /// The canonical name of the function.
    pub fn name(self) -> &'static str {
        self.declaration().name()
    }
}

declared! {
    math {
        Abs => ABS,
        Ceil => CEIL,
        Floor => FLOOR,
        Round => ROUND,
        Trunc => TRUNC,
        Sign => SIGN,
        Sqrt => SQRT,
        Cbrt => CBRT,
        Exp => EXP,
        Ln => LN,
        Log10 => LOG10,
        Log2 => LOG2,
        Log => LOG,
        Power => POWER,
        IntegerDivide => INTEGER_DIVIDE,
        Sin => SIN,
        Cos => COS,
        Tan => TAN,
        Cot => COT,
        Asin => ASIN,
        Acos => ACOS,
        Atan => ATAN,
        Atan2 => ATAN2,
        Sinh => SINH,
        Cosh => COSH,
        Tanh => TANH,
        Degrees => DEGREES,
        Radians => RADIANS,
        Pi => PI,
        Greatest => GREATEST,
        Least => LEAST,
        IsNan => IS_NAN,
        IsFinite => IS_FINITE,
        IsInfinite => IS_INFINITE,
        Even => EVEN,
        Gcd => GCD,
        Lcm => LCM,
    }
    string {
        Lower => LOWER,
        Upper => UPPER,
        InitCap => INIT_CAP,
        Trim => TRIM,
        TrimStart => TRIM_START,
        TrimEnd => TRIM_END,
        Length => LENGTH,
        ByteLength => BYTE_LENGTH,
        Concat => CONCAT,
        ConcatWs => CONCAT_WS,
        Substring => SUBSTRING,
        Left => LEFT,
        Right => RIGHT,
        Position => POSITION,
        Contains => CONTAINS,
        StartsWith => STARTS_WITH,
        EndsWith => ENDS_WITH,
        Replace => REPLACE,
        Translate => TRANSLATE,
        Reverse => REVERSE,
        Repeat => REPEAT,
        PadStart => PAD_START,
        PadEnd => PAD_END,
        SplitPart => SPLIT_PART,
        Split => SPLIT,
        Normalize => NORMALIZE,
        StripAccents => STRIP_ACCENTS,
        Ascii => ASCII,
        Chr => CHR,
        Levenshtein => LEVENSHTEIN,
        DamerauLevenshtein => DAMERAU_LEVENSHTEIN,
        JaroWinkler => JARO_WINKLER,
        JsonValid => JSON_VALID,
    }
    regex {
        RegexpMatches => REGEXP_MATCHES,
        RegexpFullMatch => REGEXP_FULL_MATCH,
        RegexpExtract => REGEXP_EXTRACT,
        RegexpExtractAll => REGEXP_EXTRACT_ALL,
        RegexpReplace => REGEXP_REPLACE,
        RegexpCount => REGEXP_COUNT,
    }
    temporal {
        Year => YEAR,
        Quarter => QUARTER,
        Month => MONTH,
        Day => DAY,
        Hour => HOUR,
        Minute => MINUTE,
        Second => SECOND,
        Millisecond => MILLISECOND,
        Microsecond => MICROSECOND,
        DayOfWeek => DAY_OF_WEEK,
        IsoDayOfWeek => ISO_DAY_OF_WEEK,
        DayOfYear => DAY_OF_YEAR,
        Week => WEEK,
        IsoYear => ISO_YEAR,
        Epoch => EPOCH,
        DateTrunc => DATE_TRUNC,
        DateDiff => DATE_DIFF,
        DateAdd => DATE_ADD,
        MakeDate => MAKE_DATE,
        MakeTimestamp => MAKE_TIMESTAMP,
        FromEpoch => FROM_EPOCH,
        Strftime => STRFTIME,
        Strptime => STRPTIME,
        TryStrptime => TRY_STRPTIME,
        LastDay => LAST_DAY,
        MonthName => MONTH_NAME,
        DayName => DAY_NAME,
        AtTimeZone => AT_TIME_ZONE,
    }
    conditional {
        Coalesce => COALESCE,
        NullIf => NULL_IF,
        If => IF,
    }
    list {
        ListValue => LIST_VALUE,
        ListLength => LIST_LENGTH,
        ListContains => LIST_CONTAINS,
        ListPosition => LIST_POSITION,
        ListSum => LIST_SUM,
        ListMean => LIST_MEAN,
        ListMin => LIST_MIN,
        ListMax => LIST_MAX,
        ListSort => LIST_SORT,
        ListReverse => LIST_REVERSE,
        ListDistinct => LIST_DISTINCT,
        ListElement => LIST_ELEMENT,
        ListSlice => LIST_SLICE,
        ListConcat => LIST_CONCAT,
        ListJoin => LIST_JOIN,
        Range => RANGE,
    }
    hash {
        Md5 => MD5,
        Sha256 => SHA256,
        Hash => HASH,
    }
    aggregate {
        Count => COUNT,
        CountAll => COUNT_ALL,
        CountIf => COUNT_IF,
        Sum => SUM,
        Mean => MEAN,
        Min => MIN,
        Max => MAX,
        Median => MEDIAN,
        Quantile => QUANTILE,
        QuantileDisc => QUANTILE_DISC,
        StddevSamp => STDDEV_SAMP,
        StddevPop => STDDEV_POP,
        VarSamp => VAR_SAMP,
        VarPop => VAR_POP,
        Skewness => SKEWNESS,
        Kurtosis => KURTOSIS,
        Mode => MODE,
        First => FIRST,
        Last => LAST,
        AnyValue => ANY_VALUE,
        ArgMin => ARG_MIN,
        ArgMax => ARG_MAX,
        List => LIST,
        StringAgg => STRING_AGG,
        BoolAnd => BOOL_AND,
        BoolOr => BOOL_OR,
        ApproxCountDistinct => APPROX_COUNT_DISTINCT,
        Corr => CORR,
        CovarSamp => COVAR_SAMP,
        CovarPop => COVAR_POP,
        Product => PRODUCT,
        GeometricMean => GEOMETRIC_MEAN,
    }
    window {
        RowNumber => ROW_NUMBER,
        Rank => RANK,
        DenseRank => DENSE_RANK,
        PercentRank => PERCENT_RANK,
        CumeDist => CUME_DIST,
        Ntile => NTILE,
        Lag => LAG,
        Lead => LEAD,
        FirstValue => FIRST_VALUE,
        LastValue => LAST_VALUE,
        NthValue => NTH_VALUE,
    }
}
