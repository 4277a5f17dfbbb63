//! Errors with their places.

use super::*;

#[test]
fn errors_name_the_types_and_the_place() {
    for (sql, message, place) in [
        ("1 + (i > '5')", "int64 cannot be compared with string", "i > '5'"),
        ("s + s", "`+` does not work on string and string", "s + s"),
        ("b + 1", "`+` does not work on boolean and int64", "b + 1"),
        ("i and b", "`and` needs a boolean, not int64", "i"),
        ("not s", "`not` needs a boolean, not string", "s"),
        ("z > t", "datetime(UTC) cannot be compared with datetime", "z > t"),
        ("l = l", "lists cannot be compared", "l"),
        ("d > '2013-02-30'", "'2013-02-30' is no date: write it as '2013-01-31'", "'2013-02-30'"),
        ("coalesce(i, 'a')", "int64 and string do not go together", "'a'"),
        ("s in ('a', 5)", "string and int64 do not go together", "5"),
        ("lower(i)", "`text` of `lower` must be string, not int64", "i"),
        ("lower(s, s)", "`lower` does not take 2 arguments", "lower(s, s)"),
        ("1 + lowr(s)", "unknown function `lowr`", "lowr"),
        ("cast(l as int)", "list(int64) cannot be cast to int32", "l"),
        ("cast(z as date)", "datetime(UTC) cannot be cast to date", "z"),
        ("cast(i as datte)", "unknown type `datte`", "cast(i as datte)"),
        ("s like s", "the pattern of `like` must be a literal", "s"),
        ("s like 'a!' escape '!'", "the pattern ends with its escape character", "'a!'"),
        ("s ~ '('", "not a regular expression: unclosed group", "'('"),
        ("regexp_extract(s, 'a(b)', 2)", "the pattern has no group 2", "2"),
        ("regexp_replace(s, 'a', '\\1')", "the replacement names group 1, but the pattern has 0", "'\\1'"),
        ("date_trunc('mnth', d)", "unknown date part `mnth`", "'mnth'"),
        ("date_trunc(s, d)", "`part` of `date_trunc` must be a literal", "s"),
        ("extract(yaer from d)", "unknown date part `yaer`", "extract(yaer from d)"),
        ("t at time zone 'Europe/Berln'", "unknown time zone `Europe/Berln`", "'Europe/Berln'"),
        ("strftime(d, '%Q')", "the layout has `%Q`, which is not known", "'%Q'"),
        ("strptime(s, '%Y-%m')", "the layout does not give a whole date", "'%Y-%m'"),
        ("strftime(t, '%z')", "`%z` needs a datetime with a zone", "'%z'"),
        ("quantile_cont(f, 1.5)", "`fraction` of `quantile_cont` lies between 0 and 1", "1.5"),
        ("interval '3 dys'", "unknown unit `dys` in an interval", "'3 dys'"),
        ("d + interval i day", "the length of an interval must be a literal", "i"),
        ("interval '1 month'", "an interval with months has no fixed length, so it is no duration", "'1 month'"),
        (
            "9223372036854775808",
            "9223372036854775808 does not fit int64; write 9223372036854775808.0 for a float64",
            "9223372036854775808",
        ),
        ("decimal '1'", "a literal of this type cannot be used in an expression", "'1'"),
        ("now()", "`now` gives another value each time, so no run could be repeated", "now"),
        ("lag(i)", "`lag` needs `over (..)`", "lag(i)"),
        ("rank() over ()", "`rank` needs an order", "rank()"),
        ("median(f) over (order by d)", "`median` cannot run along an order", "median(f)"),
        ("sum(sum(i))", "`sum` stands inside `sum`", "sum(i)"),
        ("sum(i order by d)", "`sum` takes no `order by`: its value does not depend on the order", "sum(i order by d)"),
        ("corr(distinct f, f)", "`corr` takes no `distinct`", "corr(distinct f, f)"),
        ("lower(distinct s)", "`lower` looks at one row, so it takes no `distinct`", "lower(distinct s)"),
        ("lower(s) over ()", "`lower` looks at one row, so it takes no `over`", "lower(s)"),
        ("d + 5", "`+` does not work on date and int64", "d + 5"),
    ] {
        assert_eq!(error(sql), (message.to_owned(), place.to_owned()), "{sql}");
    }
}

#[test]
fn what_is_no_part_of_the_language_is_refused_by_name() {
    for (sql, what) in [
        ("(select 1)", "a subquery"),
        ("exists (select 1)", "a subquery"),
        ("i in (select 1)", "a subquery"),
        ("i = any(l)", "`any`"),
        ("sum(*)", "`*` outside"),
        ("round(x := 1)", "a named argument"),
        ("i = ?", "a placeholder"),
        ("(1, 2)", "a row of values"),
        ("{'a': 1}", "a struct"),
        ("s collate nocase", "`collate`"),
        ("i & 1", "the operator `&`"),
        ("~i", "the operator `~`"),
        ("i ^ 2", "the operator `^`"),
        ("sum(i) over w", "a named window"),
        ("sum(i) over (order by d rows 3 preceding)", "this frame of `sum`"),
        ("overlay(s placing 'a' from 1)", "`overlay`"),
        ("l[1:2:3]", "a step in a slice"),
        ("x'00'", "this kind of literal"),
    ] {
        let errors = compile(sql, &schema()).unwrap_err();
        assert!(
            errors.iter().any(|error| error.message.starts_with(what)) || what.starts_with("`*`"),
            "{sql}: {errors:?}"
        );
    }
}

#[test]
fn all_findings_are_reported_in_the_order_of_the_text() {
    let sql = "carier = 'AA' and lower(i) = 'x' or foo(nope)";
    let places: Vec<&str> = compile(sql, &schema()).unwrap_err().iter().map(|error| &sql[error.span.clone()]).collect();
    assert_eq!(
        places,
        ["carier", "i", "foo", "nope"].iter().filter(|p| places.contains(p)).copied().collect::<Vec<_>>()
    );
    assert!(places.len() >= 3, "{places:?}");
}
