//! Functions of numbers.

use super::{Accepts, Declaration, NULL_IF_NULL, Optional, Yields, example, fixed, optional, parameter, variadic};
use crate::expression::{Family, Function};

pub(super) static ABS: Declaration = Declaration {
    function: Function::Abs,
    family: Family::Math,
    names: &["abs"],
    signatures: &[fixed(&[parameter("x", Accepts::Number)], Yields::Argument(0))],
    nulls: NULL_IF_NULL,
    summary: "Absolute value. The smallest int64 has none: an error.",
    example: example("abs(-3)", "3"),
    deterministic: true,
};

pub(super) static CEIL: Declaration = Declaration {
    function: Function::Ceil,
    family: Family::Math,
    names: &["ceil", "ceiling"],
    signatures: &[fixed(&[parameter("x", Accepts::Number)], Yields::Argument(0))],
    nulls: NULL_IF_NULL,
    summary: "The smallest whole number that is not less.",
    example: example("ceil(2.1)", "3.0"),
    deterministic: true,
};

pub(super) static FLOOR: Declaration = Declaration {
    function: Function::Floor,
    family: Family::Math,
    names: &["floor"],
    signatures: &[fixed(&[parameter("x", Accepts::Number)], Yields::Argument(0))],
    nulls: NULL_IF_NULL,
    summary: "The largest whole number that is not greater.",
    example: example("floor(-2.1)", "-3.0"),
    deterministic: true,
};

pub(super) static ROUND: Declaration = Declaration {
    function: Function::Round,
    family: Family::Math,
    names: &["round"],
    signatures: &[fixed(
        &[parameter("x", Accepts::Number), optional("digits", Accepts::Integer, Optional::Integer(0))],
        Yields::Argument(0),
    )],
    nulls: NULL_IF_NULL,
    summary: "Rounds to that many digits after the mark, halves away from zero. Negative digits round before the mark.",
    example: example("round(2.5)", "3.0"),
    deterministic: true,
};

pub(super) static TRUNC: Declaration = Declaration {
    function: Function::Trunc,
    family: Family::Math,
    names: &["trunc", "truncate"],
    signatures: &[fixed(&[parameter("x", Accepts::Number)], Yields::Argument(0))],
    nulls: NULL_IF_NULL,
    summary: "Drops the digits after the mark.",
    example: example("trunc(-2.9)", "-2.0"),
    deterministic: true,
};

pub(super) static SIGN: Declaration = Declaration {
    function: Function::Sign,
    family: Family::Math,
    names: &["sign", "signum", "sgn"],
    signatures: &[fixed(&[parameter("x", Accepts::Number)], Yields::Argument(0))],
    nulls: NULL_IF_NULL,
    summary: "-1, 0 or 1 by the sign; NaN stays NaN.",
    example: example("sign(-2.5)", "-1.0"),
    deterministic: true,
};

pub(super) static SQRT: Declaration = Declaration {
    function: Function::Sqrt,
    family: Family::Math,
    names: &["sqrt"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Square root; NaN for negative numbers.",
    example: example("sqrt(16)", "4.0"),
    deterministic: true,
};

pub(super) static CBRT: Declaration = Declaration {
    function: Function::Cbrt,
    family: Family::Math,
    names: &["cbrt"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Cube root.",
    example: example("round(cbrt(-27), 6)", "-3.0"),
    deterministic: true,
};

pub(super) static EXP: Declaration = Declaration {
    function: Function::Exp,
    family: Family::Math,
    names: &["exp"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "e raised to x.",
    example: example("exp(0)", "1.0"),
    deterministic: true,
};

pub(super) static LN: Declaration = Declaration {
    function: Function::Ln,
    family: Family::Math,
    names: &["ln"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Natural logarithm; minus infinity for zero, NaN for negative numbers.",
    example: example("ln(1)", "0.0"),
    deterministic: true,
};

pub(super) static LOG10: Declaration = Declaration {
    function: Function::Log10,
    family: Family::Math,
    names: &["log10"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Logarithm to base 10; minus infinity for zero, NaN for negative numbers.",
    example: example("log10(1000)", "3.0"),
    deterministic: true,
};

pub(super) static LOG2: Declaration = Declaration {
    function: Function::Log2,
    family: Family::Math,
    names: &["log2"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Logarithm to base 2; minus infinity for zero, NaN for negative numbers.",
    example: example("log2(8)", "3.0"),
    deterministic: true,
};

pub(super) static LOG: Declaration = Declaration {
    function: Function::Log,
    family: Family::Math,
    names: &["log"],
    signatures: &[fixed(&[parameter("base", Accepts::Float), parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Logarithm to a base. With one argument it is `log10`.",
    example: example("log(2, 32)", "5.0"),
    deterministic: true,
};

pub(super) static POWER: Declaration = Declaration {
    function: Function::Power,
    family: Family::Math,
    names: &["power", "pow"],
    signatures: &[fixed(&[parameter("x", Accepts::Float), parameter("y", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "x raised to y, in float64; NaN where there is no real value.",
    example: example("power(2, 10)", "1024.0"),
    deterministic: true,
};

pub(super) static INTEGER_DIVIDE: Declaration = Declaration {
    function: Function::IntegerDivide,
    family: Family::Math,
    names: &["div", "int_divide"],
    signatures: &[fixed(&[parameter("x", Accepts::Integer), parameter("y", Accepts::Integer)], Yields::Argument(0))],
    nulls: "Null when an argument is null, and when y is zero.",
    summary: "Integer division that drops the remainder; also written `x // y`.",
    example: example("div(-7, 2)", "-3"),
    deterministic: true,
};

pub(super) static SIN: Declaration = Declaration {
    function: Function::Sin,
    family: Family::Math,
    names: &["sin"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Sine of an angle in radians; NaN for infinities.",
    example: example("sin(0)", "0.0"),
    deterministic: true,
};

pub(super) static COS: Declaration = Declaration {
    function: Function::Cos,
    family: Family::Math,
    names: &["cos"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Cosine of an angle in radians; NaN for infinities.",
    example: example("cos(0)", "1.0"),
    deterministic: true,
};

pub(super) static TAN: Declaration = Declaration {
    function: Function::Tan,
    family: Family::Math,
    names: &["tan"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Tangent of an angle in radians; NaN for infinities.",
    example: example("tan(0)", "0.0"),
    deterministic: true,
};

pub(super) static COT: Declaration = Declaration {
    function: Function::Cot,
    family: Family::Math,
    names: &["cot"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Cotangent of an angle in radians; infinite for zero.",
    example: example("round(cot(0.5), 6)", "1.830488"),
    deterministic: true,
};

pub(super) static ASIN: Declaration = Declaration {
    function: Function::Asin,
    family: Family::Math,
    names: &["asin"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Arc sine in radians; NaN outside of -1 to 1.",
    example: example("asin(0)", "0.0"),
    deterministic: true,
};

pub(super) static ACOS: Declaration = Declaration {
    function: Function::Acos,
    family: Family::Math,
    names: &["acos"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Arc cosine in radians; NaN outside of -1 to 1.",
    example: example("acos(1)", "0.0"),
    deterministic: true,
};

pub(super) static ATAN: Declaration = Declaration {
    function: Function::Atan,
    family: Family::Math,
    names: &["atan"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Arc tangent in radians.",
    example: example("atan(0)", "0.0"),
    deterministic: true,
};

pub(super) static ATAN2: Declaration = Declaration {
    function: Function::Atan2,
    family: Family::Math,
    names: &["atan2"],
    signatures: &[fixed(&[parameter("y", Accepts::Float), parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Angle in radians of the point (x, y) from the positive x axis.",
    example: example("atan2(0, 1)", "0.0"),
    deterministic: true,
};

pub(super) static SINH: Declaration = Declaration {
    function: Function::Sinh,
    family: Family::Math,
    names: &["sinh"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Hyperbolic sine.",
    example: example("sinh(0)", "0.0"),
    deterministic: true,
};

pub(super) static COSH: Declaration = Declaration {
    function: Function::Cosh,
    family: Family::Math,
    names: &["cosh"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Hyperbolic cosine.",
    example: example("cosh(0)", "1.0"),
    deterministic: true,
};

pub(super) static TANH: Declaration = Declaration {
    function: Function::Tanh,
    family: Family::Math,
    names: &["tanh"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Hyperbolic tangent.",
    example: example("tanh(0)", "0.0"),
    deterministic: true,
};

pub(super) static DEGREES: Declaration = Declaration {
    function: Function::Degrees,
    family: Family::Math,
    names: &["degrees"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Radians to degrees.",
    example: example("degrees(pi())", "180.0"),
    deterministic: true,
};

pub(super) static RADIANS: Declaration = Declaration {
    function: Function::Radians,
    family: Family::Math,
    names: &["radians"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "Degrees to radians.",
    example: example("round(radians(180), 6)", "3.141593"),
    deterministic: true,
};

pub(super) static PI: Declaration = Declaration {
    function: Function::Pi,
    family: Family::Math,
    names: &["pi"],
    signatures: &[fixed(&[], Yields::Float64)],
    nulls: "Never null.",
    summary: "The ratio of a circle's circumference to its diameter.",
    example: example("round(pi(), 6)", "3.141593"),
    deterministic: true,
};

pub(super) static GREATEST: Declaration = Declaration {
    function: Function::Greatest,
    family: Family::Math,
    names: &["greatest"],
    signatures: &[variadic(&[parameter("value", Accepts::Ordered)], Yields::Common)],
    nulls: "Nulls are skipped; null when all are null.",
    summary: "The largest of the values; NaN is larger than every number.",
    example: example("greatest(1, null, 3)", "3"),
    deterministic: true,
};

pub(super) static LEAST: Declaration = Declaration {
    function: Function::Least,
    family: Family::Math,
    names: &["least"],
    signatures: &[variadic(&[parameter("value", Accepts::Ordered)], Yields::Common)],
    nulls: "Nulls are skipped; null when all are null.",
    summary: "The smallest of the values; NaN is larger than every number.",
    example: example("least(1, null, 3)", "1"),
    deterministic: true,
};

pub(super) static IS_NAN: Declaration = Declaration {
    function: Function::IsNan,
    family: Family::Math,
    names: &["isnan", "is_nan"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Boolean)],
    nulls: NULL_IF_NULL,
    summary: "Whether x is NaN.",
    example: example("isnan(sqrt(-1))", "true"),
    deterministic: true,
};

pub(super) static IS_FINITE: Declaration = Declaration {
    function: Function::IsFinite,
    family: Family::Math,
    names: &["isfinite", "is_finite"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Boolean)],
    nulls: NULL_IF_NULL,
    summary: "Whether x is neither infinite nor NaN.",
    example: example("isfinite(1.5)", "true"),
    deterministic: true,
};

pub(super) static IS_INFINITE: Declaration = Declaration {
    function: Function::IsInfinite,
    family: Family::Math,
    names: &["isinf", "is_infinite"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Boolean)],
    nulls: NULL_IF_NULL,
    summary: "Whether x is infinite, with either sign.",
    example: example("isinf(ln(0))", "true"),
    deterministic: true,
};

pub(super) static EVEN: Declaration = Declaration {
    function: Function::Even,
    family: Family::Math,
    names: &["even"],
    signatures: &[fixed(&[parameter("x", Accepts::Float)], Yields::Float64)],
    nulls: NULL_IF_NULL,
    summary: "The next even whole number away from zero.",
    example: example("even(2.1)", "4.0"),
    deterministic: true,
};

pub(super) static GCD: Declaration = Declaration {
    function: Function::Gcd,
    family: Family::Math,
    names: &["gcd", "greatest_common_divisor"],
    signatures: &[fixed(&[parameter("x", Accepts::Integer), parameter("y", Accepts::Integer)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "Greatest common divisor, never negative; gcd(0, 0) is 0.",
    example: example("gcd(42, 57)", "3"),
    deterministic: true,
};

pub(super) static LCM: Declaration = Declaration {
    function: Function::Lcm,
    family: Family::Math,
    names: &["lcm", "least_common_multiple"],
    signatures: &[fixed(&[parameter("x", Accepts::Integer), parameter("y", Accepts::Integer)], Yields::Int64)],
    nulls: NULL_IF_NULL,
    summary: "Least common multiple, never negative; 0 when an argument is 0. Overflow is an error.",
    example: example("lcm(4, 6)", "12"),
    deterministic: true,
};
