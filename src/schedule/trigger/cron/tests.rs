use proptest::prelude::*;

use super::*;

fn days(pattern: &str, from: &str, count: usize) -> Vec<String> {
    let pattern = Pattern::parse(pattern).unwrap();
    let mut at: DateTime = from.parse().unwrap();
    let mut found = Vec::new();
    for _ in 0..count {
        at = pattern.at_or_after(at, None).unwrap();
        found.push(at.to_string());
        at = at.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
    }
    found
}

// The dates are read from a calendar of 2026 (1 January is a Thursday).
#[test]
fn last_days_nearest_weekdays_and_nth_weekdays_are_those_of_the_calendar() {
    for (pattern, expected) in [
        ("0 6 L * *", ["2026-01-31T06:00:00", "2026-02-28T06:00:00", "2026-03-31T06:00:00"]),
        ("0 6 LW * *", ["2026-01-30T06:00:00", "2026-02-27T06:00:00", "2026-03-31T06:00:00"]),
        // 15 February and 15 March are Sundays.
        ("0 6 15W * *", ["2026-01-15T06:00:00", "2026-02-16T06:00:00", "2026-03-16T06:00:00"]),
        // 1 February and 1 March are Sundays, 1 August is a Saturday: never out of the month.
        ("0 6 1W 2,3,8 *", ["2026-02-02T06:00:00", "2026-03-02T06:00:00", "2026-08-03T06:00:00"]),
        ("0 6 * * MON#2", ["2026-01-12T06:00:00", "2026-02-09T06:00:00", "2026-03-09T06:00:00"]),
        ("0 6 * * fri#5", ["2026-01-30T06:00:00", "2026-05-29T06:00:00", "2026-07-31T06:00:00"]),
        ("0 6 * * FRIL", ["2026-01-30T06:00:00", "2026-02-27T06:00:00", "2026-03-27T06:00:00"]),
        ("0 6 * * 7L", ["2026-01-25T06:00:00", "2026-02-22T06:00:00", "2026-03-29T06:00:00"]),
        ("0 6 * jun-aug sat-sun", ["2026-06-06T06:00:00", "2026-06-07T06:00:00", "2026-06-13T06:00:00"]),
        // One of the two is enough, unless there is a `+`.
        ("0 6 13 * FRI", ["2026-01-02T06:00:00", "2026-01-09T06:00:00", "2026-01-13T06:00:00"]),
        ("0 6 13 * +FRI", ["2026-02-13T06:00:00", "2026-03-13T06:00:00", "2026-11-13T06:00:00"]),
        ("@weekly", ["2026-01-04T00:00:00", "2026-01-11T00:00:00", "2026-01-18T00:00:00"]),
        ("@Yearly", ["2026-01-01T00:00:00", "2027-01-01T00:00:00", "2028-01-01T00:00:00"]),
        ("@midnight", ["2026-01-01T00:00:00", "2026-01-02T00:00:00", "2026-01-03T00:00:00"]),
        ("15,45 30 2 ? * ?", ["2026-01-01T02:30:15", "2026-01-01T02:30:45", "2026-01-02T02:30:15"]),
        ("0 0 29 2 *", ["2028-02-29T00:00:00", "2032-02-29T00:00:00", "2036-02-29T00:00:00"]),
        // Four decades: 2100 is no leap year.
        ("0 0 29 2 +TUE", ["2028-02-29T00:00:00", "2056-02-29T00:00:00", "2084-02-29T00:00:00"]),
    ] {
        assert_eq!(days(pattern, "2026-01-01T00:00:00", 3), expected, "{pattern}");
    }
    assert_eq!(days("0 0 29 2 +TUE", "2084-03-01T00:00:00", 1), ["2124-02-29T00:00:00"]);
}

#[test]
fn wildcard_means_a_star_or_a_step_in_minute_or_hour() {
    for (pattern, wildcard) in [
        ("* * * * *", true),
        ("*/15 * * * *", true),
        ("0 * * * *", true),
        ("*/30 2 * * *", true),
        ("0 0-23/4 * * *", true),
        ("0-30/10 2 * * *", true),
        ("@hourly", true),
        ("30 2 * * *", false),
        ("0,30 2,14 * * *", false),
        ("0 8-18 * * MON-FRI", false),
        ("*/10 30 2 * * *", false),
        ("0 0 */2 * *", false),
        ("@daily", false),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().is_wildcard(), wildcard, "{pattern}");
    }
}

#[test]
fn a_pattern_that_never_comes_is_refused_with_the_reason() {
    assert_eq!(
        Pattern::parse("0 0 30 2 *").unwrap_err().to_string(),
        "`0 0 30 2 *` never comes: February has at most 29 days, day 30 is beyond; `L` is the last day of a month"
    );
    assert_eq!(
        Pattern::parse("0 0 31 4,6,9,11 *").unwrap_err().to_string(),
        "`0 0 31 4,6,9,11 *` never comes: April, June, September, November have at most 30 days, day 31 is beyond; `L` is \
         the last day of a month"
    );
    assert!(matches!(Pattern::parse("0 0 31W 6 *"), Err(CronError::Never { .. })));
    let error = Pattern::parse("0 0 20 * +MON#1").unwrap_err().to_string();
    assert!(error.contains("no day of the calendar") && error.contains('+'), "{error}");
    // The weekday alone is enough here.
    assert!(Pattern::parse("0 0 30 2 MON").is_ok());
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_field_and_what_to_write() {
    for (pattern, said) in [
        ("", "has no field"),
        ("0 2 * *", "has 4 fields where a cron pattern has five"),
        ("0 0 0 1 1 * 2027", "has 7 fields"),
        ("@reboot", "@hourly, @daily"),
        ("61 2 * * *", "`61` in the pattern `61 2 * * *` is no minute: 61 is out of range, it goes from 0 to 59"),
        ("0 24 * * *", "is no hour: 24 is out of range, it goes from 0 to 23"),
        ("0 0 0 * *", "is no day of the month: 0 is out of range, it goes from 1 to 31"),
        ("0 0 * 13 *", "is no month: 13 is out of range"),
        ("0 0 * * 8", "is no weekday: 8 is out of range"),
        ("MON 2 * * *", "is no minute: `MON` should be a number from 0 to 59"),
        ("0 2 * JANUARY *", "is no month: `JANUARY` should be a number from 1 to 12, or JAN to DEC"),
        ("0 2 * * MONDAY", "or SUN to SAT"),
        ("0,,5 2 * * *", "take the comma away"),
        (", 2 * * *", "take the comma away"),
        ("*,5 2 * * *", "it is all of them already"),
        ("5/15 * * * *", "write `*/15`, or `5-59/15` to begin at it"),
        ("/15 * * * *", "write `*/15`"),
        ("*/0 * * * *", "never moves"),
        ("*/90 * * * *", "write `every:`"),
        ("*/+5 * * * *", "longer than the field"),
        ("*/x * * * *", "should be a whole number"),
        ("30-10 * * * *", "runs backwards"),
        ("0 2 * * SAT-MON", "runs backwards"),
        ("0 2 * * L", "`FRIL` is the last Friday"),
        ("0 2 L,LW * *", "only one would count"),
        ("0 2 15W3 * *", "`15W3` should be a number"),
        ("0 2 * * MON#6", "`#1` to `#5`"),
        ("0 2 * * 1-5#2", "`1-5` should be a number"),
        ("0 2 L-3 * *", "`L` should be a number"),
        ("-5 * * * *", "should be a number"),
        ("99999 * * * *", "out of range"),
        ("？ * * * *", "should be a number"),
        ("0 2 +1 * *", "should be a number"),
    ] {
        let error = Pattern::parse(pattern).unwrap_err().to_string();
        assert!(error.contains(said), "{pattern}: {error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-0-9*/,#LW?+ @A-Za-z]{0,40}") {
        let _ = Pattern::parse(&text);
    }

    #[test]
    fn no_five_words_make_it_panic(words in proptest::collection::vec("([0-9]{1,2}|\\*|\\*/[0-9]|[0-9]-[0-9]|L|W|MON#[0-9]|1W)", 5..=6)) {
        if let Ok(pattern) = Pattern::parse(&words.join(" ")) {
            prop_assert!(pattern.at_or_after(jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0), None).is_some());
        }
    }
}
