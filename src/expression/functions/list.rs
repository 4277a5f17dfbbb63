//! Functions of lists.

use super::{Accepts, Declaration, NULL_IF_NULL, Optional, Yields, example, fixed, optional, parameter, variadic};
use crate::expression::{Family, Function};

pub(super) static LIST_VALUE: Declaration = Declaration {
    function: Function::ListValue,
    family: Family::List,
    names: &["list_value", "list_pack", "make_array"],
    signatures: &[variadic(&[parameter("element", Accepts::Common)], Yields::ListOfCommon)],
    nulls: "Nulls become elements.",
    summary: "A list of these elements; also written `[a, b]`.",
    example: example("list_value(1, 2, 3)", "[1, 2, 3]"),
    deterministic: true,
};

pub(super) static LIST_LENGTH: Declaration = Declaration {
    function: Function::ListLength,
    family: Family::List,
    names: &["list_length", "array_length", "cardinality"],
    signatures: &[fixed(&[parameter("list", Accepts::List)], Yields::Int64)],
    nulls: "Null when the list is null; null elements count.",
    summary: "Number of elements.",
    example: example("list_length([1, null, 3])", "3"),
    deterministic: true,
};

pub(super) static LIST_CONTAINS: Declaration = Declaration {
    function: Function::ListContains,
    family: Family::List,
    names: &["list_contains", "array_contains", "list_has", "array_has"],
    signatures: &[fixed(&[parameter("list", Accepts::List), parameter("element", Accepts::Element)], Yields::Boolean)],
    nulls: "Null when the list or the element is null.",
    summary: "Whether an element equals this one.",
    example: example("list_contains([1, 2], 2)", "true"),
    deterministic: true,
};

pub(super) static LIST_POSITION: Declaration = Declaration {
    function: Function::ListPosition,
    family: Family::List,
    names: &["list_position", "array_position", "list_indexof"],
    signatures: &[fixed(&[parameter("list", Accepts::List), parameter("element", Accepts::Element)], Yields::Int64)],
    nulls: "Null when the list or the element is null, and when there is no such element.",
    summary: "Position of the first element that equals this one, from 1.",
    example: example("list_position(['a', 'b'], 'b')", "2"),
    deterministic: true,
};

pub(super) static LIST_SUM: Declaration = Declaration {
    function: Function::ListSum,
    family: Family::List,
    names: &["list_sum", "array_sum"],
    signatures: &[fixed(&[parameter("list", Accepts::NumberList)], Yields::ElementOf(0))],
    nulls: "Null elements are skipped; null when none is left.",
    summary: "Sum of the elements; int64 overflow is an error.",
    example: example("list_sum([1, 2, null])", "3"),
    deterministic: true,
};

pub(super) static LIST_MEAN: Declaration = Declaration {
    function: Function::ListMean,
    family: Family::List,
    names: &["list_avg", "list_mean", "array_avg"],
    signatures: &[fixed(&[parameter("list", Accepts::NumberList)], Yields::Float64)],
    nulls: "Null elements are skipped; null when none is left.",
    summary: "Mean of the elements.",
    example: example("list_avg([1, 2, null])", "1.5"),
    deterministic: true,
};

pub(super) static LIST_MIN: Declaration = Declaration {
    function: Function::ListMin,
    family: Family::List,
    names: &["list_min", "array_min"],
    signatures: &[fixed(&[parameter("list", Accepts::List)], Yields::ElementOf(0))],
    nulls: "Null elements are skipped; null when none is left.",
    summary: "The smallest element.",
    example: example("list_min([3, 1, 2])", "1"),
    deterministic: true,
};

pub(super) static LIST_MAX: Declaration = Declaration {
    function: Function::ListMax,
    family: Family::List,
    names: &["list_max", "array_max"],
    signatures: &[fixed(&[parameter("list", Accepts::List)], Yields::ElementOf(0))],
    nulls: "Null elements are skipped; null when none is left.",
    summary: "The largest element.",
    example: example("list_max([3, 1, 2])", "3"),
    deterministic: true,
};

pub(super) static LIST_SORT: Declaration = Declaration {
    function: Function::ListSort,
    family: Family::List,
    names: &["list_sort", "array_sort"],
    signatures: &[fixed(&[parameter("list", Accepts::List)], Yields::Argument(0))],
    nulls: "Null when the list is null; null elements come last.",
    summary: "The elements in ascending order.",
    example: example("list_sort([3, null, 1])", "[1, 3, null]"),
    deterministic: true,
};

pub(super) static LIST_REVERSE: Declaration = Declaration {
    function: Function::ListReverse,
    family: Family::List,
    names: &["list_reverse", "array_reverse"],
    signatures: &[fixed(&[parameter("list", Accepts::List)], Yields::Argument(0))],
    nulls: "Null when the list is null.",
    summary: "The elements in reverse order.",
    example: example("list_reverse([1, 2, 3])", "[3, 2, 1]"),
    deterministic: true,
};

pub(super) static LIST_DISTINCT: Declaration = Declaration {
    function: Function::ListDistinct,
    family: Family::List,
    names: &["list_distinct", "array_distinct", "list_unique_values"],
    signatures: &[fixed(&[parameter("list", Accepts::List)], Yields::Argument(0))],
    nulls: "Null when the list is null; null elements are dropped.",
    summary: "Each element once, in ascending order.",
    example: example("list_distinct([2, 1, 2, null])", "[1, 2]"),
    deterministic: true,
};

pub(super) static LIST_ELEMENT: Declaration = Declaration {
    function: Function::ListElement,
    family: Family::List,
    names: &["list_extract", "list_element", "array_extract", "element_at"],
    signatures: &[fixed(
        &[parameter("list", Accepts::List), parameter("index", Accepts::Integer)],
        Yields::ElementOf(0),
    )],
    nulls: "Null when an argument is null, and when there is no such element.",
    summary: "The element with that number, from 1 or from -1 at the end; also written `list[1]`.",
    example: example("list_extract([4, 5, 6], -1)", "6"),
    deterministic: true,
};

pub(super) static LIST_SLICE: Declaration = Declaration {
    function: Function::ListSlice,
    family: Family::List,
    names: &["list_slice", "array_slice"],
    signatures: &[fixed(
        &[parameter("list", Accepts::List), parameter("start", Accepts::Integer), parameter("end", Accepts::Integer)],
        Yields::Argument(0),
    )],
    nulls: NULL_IF_NULL,
    summary: "The elements from `start` to `end`, both included, counted from 1 or from -1 at the end; also written `list[2:3]`.",
    example: example("list_slice([4, 5, 6], 2, 3)", "[5, 6]"),
    deterministic: true,
};

pub(super) static LIST_CONCAT: Declaration = Declaration {
    function: Function::ListConcat,
    family: Family::List,
    names: &["list_concat", "list_cat", "array_concat", "array_cat"],
    signatures: &[variadic(&[parameter("list", Accepts::Common)], Yields::Common)],
    nulls: NULL_IF_NULL,
    summary: "The elements of all lists in order; also written `a || b`.",
    example: example("list_concat([1], [2, 3])", "[1, 2, 3]"),
    deterministic: true,
};

pub(super) static LIST_JOIN: Declaration = Declaration {
    function: Function::ListJoin,
    family: Family::List,
    names: &["array_to_string", "list_join", "array_join"],
    signatures: &[fixed(
        &[parameter("list", Accepts::StringList), optional("separator", Accepts::String, Optional::Text(","))],
        Yields::String,
    )],
    nulls: "Null when an argument is null; null elements are skipped.",
    summary: "The texts joined with a separator.",
    example: example("array_to_string(['a', null, 'b'], '-')", "\"a-b\""),
    deterministic: true,
};

pub(super) static RANGE: Declaration = Declaration {
    function: Function::Range,
    family: Family::List,
    names: &["range"],
    signatures: &[
        fixed(&[parameter("end", Accepts::Integer)], Yields::IntegerList),
        fixed(
            &[
                parameter("start", Accepts::Integer),
                parameter("end", Accepts::Integer),
                optional("step", Accepts::Integer, Optional::Integer(1)),
            ],
            Yields::IntegerList,
        ),
    ],
    nulls: NULL_IF_NULL,
    summary: "The integers from `start` (0) up to `end`, which is left out, by `step`; a step of zero is an error.",
    example: example("range(1, 7, 2)", "[1, 3, 5]"),
    deterministic: true,
};
