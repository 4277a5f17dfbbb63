//! Window functions: a value per row, over a window only.

use super::{Accepts, Declaration, Optional, Yields, example, fixed, optional, parameter};
use crate::expression::{Family, Function};

pub(super) static ROW_NUMBER: Declaration = Declaration {
    function: Function::RowNumber,
    family: Family::Window,
    names: &["row_number"],
    signatures: &[fixed(&[], Yields::Int64)],
    nulls: "Never null.",
    summary: "The number of the row, from 1; ties keep the order of the rows.",
    example: example("row_number() over (order by y)", "[2, 1, 3, 4, 5]"),
    deterministic: true,
};

pub(super) static RANK: Declaration = Declaration {
    function: Function::Rank,
    family: Family::Window,
    names: &["rank"],
    signatures: &[fixed(&[], Yields::Int64)],
    nulls: "Never null.",
    summary: "1 plus the number of rows before; equal rows share it and leave gaps.",
    example: example("rank() over (order by x)", "[4, 1, 5, 2, 2]"),
    deterministic: true,
};

pub(super) static DENSE_RANK: Declaration = Declaration {
    function: Function::DenseRank,
    family: Family::Window,
    names: &["dense_rank"],
    signatures: &[fixed(&[], Yields::Int64)],
    nulls: "Never null.",
    summary: "As `rank`, without gaps.",
    example: example("dense_rank() over (order by x)", "[3, 1, 4, 2, 2]"),
    deterministic: true,
};

pub(super) static PERCENT_RANK: Declaration = Declaration {
    function: Function::PercentRank,
    family: Family::Window,
    names: &["percent_rank"],
    signatures: &[fixed(&[], Yields::Float64)],
    nulls: "Never null.",
    summary: "(rank - 1) / (rows - 1); 0 for a single row.",
    example: example("percent_rank() over (order by x)", "[0.75, 0.0, 1.0, 0.25, 0.25]"),
    deterministic: true,
};

pub(super) static CUME_DIST: Declaration = Declaration {
    function: Function::CumeDist,
    family: Family::Window,
    names: &["cume_dist"],
    signatures: &[fixed(&[], Yields::Float64)],
    nulls: "Never null.",
    summary: "Share of the rows that come no later than this one.",
    example: example("cume_dist() over (order by x)", "[0.8, 0.2, 1.0, 0.6, 0.6]"),
    deterministic: true,
};

pub(super) static NTILE: Declaration = Declaration {
    function: Function::Ntile,
    family: Family::Window,
    names: &["ntile"],
    signatures: &[fixed(&[parameter("buckets", Accepts::PositiveCount)], Yields::Int64)],
    nulls: "Never null.",
    summary: "The bucket, from 1, when the rows are dealt into that many equal parts; the first ones are larger by one.",
    example: example("ntile(2) over (order by y)", "[1, 1, 1, 2, 2]"),
    deterministic: true,
};

pub(super) static LAG: Declaration = Declaration {
    function: Function::Lag,
    family: Family::Window,
    names: &["lag"],
    signatures: &[fixed(
        &[
            parameter("value", Accepts::Any),
            optional("offset", Accepts::Count, Optional::Integer(1)),
            optional("default", Accepts::LikeFirst, Optional::Null),
        ],
        Yields::Argument(0),
    )],
    nulls: "A null in that row stays null.",
    summary: "The value that many rows before; the default where there is none.",
    example: example("lag(x) over (order by y)", "[1, null, 3, null, 2]"),
    deterministic: true,
};

pub(super) static LEAD: Declaration = Declaration {
    function: Function::Lead,
    family: Family::Window,
    names: &["lead"],
    signatures: &[fixed(
        &[
            parameter("value", Accepts::Any),
            optional("offset", Accepts::Count, Optional::Integer(1)),
            optional("default", Accepts::LikeFirst, Optional::Null),
        ],
        Yields::Argument(0),
    )],
    nulls: "A null in that row stays null.",
    summary: "The value that many rows after; the default where there is none.",
    example: example("lead(x, 1, 0) over (order by y)", "[null, 3, 2, 2, 0]"),
    deterministic: true,
};

pub(super) static FIRST_VALUE: Declaration = Declaration {
    function: Function::FirstValue,
    family: Family::Window,
    names: &["first_value"],
    signatures: &[fixed(&[parameter("value", Accepts::Any)], Yields::Argument(0))],
    nulls: "A null is a value.",
    summary: "The value of the first row of the frame.",
    example: example("first_value(x) over (order by y)", "[1, 1, 1, 1, 1]"),
    deterministic: true,
};

pub(super) static LAST_VALUE: Declaration = Declaration {
    function: Function::LastValue,
    family: Family::Window,
    names: &["last_value"],
    signatures: &[fixed(&[parameter("value", Accepts::Any)], Yields::Argument(0))],
    nulls: "A null is a value.",
    summary: "The value of the last row of the frame, which with `order by` is the current row unless the frame says otherwise.",
    example: example(
        "last_value(x) over (order by y rows between unbounded preceding and unbounded following)",
        "[2, 2, 2, 2, 2]",
    ),
    deterministic: true,
};

pub(super) static NTH_VALUE: Declaration = Declaration {
    function: Function::NthValue,
    family: Family::Window,
    names: &["nth_value"],
    signatures: &[fixed(
        &[parameter("value", Accepts::Any), parameter("n", Accepts::PositiveCount)],
        Yields::Argument(0),
    )],
    nulls: "A null is a value; null when the frame has fewer rows.",
    summary: "The value of the row of the frame with that number, from 1.",
    example: example("nth_value(x, 2) over (order by y)", "[3, null, 3, 3, 3]"),
    deterministic: true,
};
