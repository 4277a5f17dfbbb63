//! Choices between values.

use super::{Accepts, Declaration, Optional, Yields, example, fixed, optional, parameter, variadic};
use crate::expression::{Family, Function};

pub(super) static COALESCE: Declaration = Declaration {
    function: Function::Coalesce,
    family: Family::Conditional,
    names: &["coalesce", "ifnull", "nvl"],
    signatures: &[variadic(&[parameter("value", Accepts::Common)], Yields::Common)],
    nulls: "Null when all are null.",
    summary: "The first value that is not null.",
    example: example("coalesce(null, 2, 3)", "2"),
    deterministic: true,
};

pub(super) static NULL_IF: Declaration = Declaration {
    function: Function::NullIf,
    family: Family::Conditional,
    names: &["nullif"],
    signatures: &[fixed(&[parameter("a", Accepts::Ordered), parameter("b", Accepts::Ordered)], Yields::Argument(0))],
    nulls: "Null when a is null; a when b is null.",
    summary: "Null when both are equal, else the first.",
    example: example("nullif(1, 1)", "null"),
    deterministic: true,
};

pub(super) static IF: Declaration = Declaration {
    function: Function::If,
    family: Family::Conditional,
    names: &["if", "iff"],
    signatures: &[fixed(
        &[
            parameter("condition", Accepts::Boolean),
            parameter("then", Accepts::Common),
            optional("otherwise", Accepts::Common, Optional::Null),
        ],
        Yields::Common,
    )],
    nulls: "A null condition counts as false.",
    summary: "The second argument when the condition is true, else the third.",
    example: example("if(1 < 2, 'yes', 'no')", "\"yes\""),
    deterministic: true,
};
