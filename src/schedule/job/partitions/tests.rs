//! Days, months and files, against a calendar that is counted by hand and a clock that is looked at every quarter of an hour.

use std::fs;
use std::path::Path;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

use super::*;
use crate::schedule::zone;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn nowhere() -> &'static Path {
    Path::new("/nowhere")
}

fn span(unit: Unit, from: &str, to: Option<&str>, zone_name: &str) -> Partitions {
    let to = to.map(|to| unit.read(to).unwrap());
    Partitions::Spans(Span { unit, from: unit.read(from).unwrap(), to, zone: zone::named(zone_name).unwrap() })
}

fn days(from: &str, to: Option<&str>, zone_name: &str) -> Partitions {
    span(Unit::Day, from, to, zone_name)
}

fn months(from: &str, to: Option<&str>) -> Partitions {
    span(Unit::Month, from, to, "UTC")
}

fn keys(found: Result<Vec<Partition>, PartitionError>) -> Vec<String> {
    found.unwrap().into_iter().map(|partition| partition.key).collect()
}

fn meant(partitions: &Partitions, scheduled: &str) -> Option<String> {
    match partitions.meant(at(scheduled), nowhere()).unwrap() {
        Meant::One(partition) => Some(partition.key),
        Meant::Nothing => None,
        Meant::EachMissing(_) => panic!("days and months are one at a time"),
    }
}

#[test]
fn a_day_is_run_when_it_has_ended_on_the_clock_of_its_zone() {
    let berlin = days("2026-01-01", None, "Europe/Berlin");
    for (now, all) in [
        ("2025-12-31T23:00:00Z", &[][..]),
        ("2026-01-01T22:59:59.999Z", &[]),
        ("2026-01-01T23:00:00Z", &["2026-01-01"]),
        ("2026-01-03T12:00:00Z", &["2026-01-01", "2026-01-02"]),
    ] {
        assert_eq!(keys(berlin.all(at(now), nowhere())), all, "{now}");
    }
    let ended = days("2026-01-01", Some("2026-01-02"), "UTC");
    assert_eq!(keys(ended.all(at("2026-06-01T00:00:00Z"), nowhere())), ["2026-01-01", "2026-01-02"]);
}

#[test]
fn a_partition_is_its_first_day_and_the_day_behind_its_last() {
    let february = months("2024-02", None).one("2024-02", at("2024-03-01T00:00:00Z"), nowhere()).unwrap();
    assert_eq!((february.start, february.end), (Some(date(2024, 2, 1)), Some(date(2024, 3, 1))));
    let leap = days("2024-01-01", None, "UTC").one("2024-02-29", at("2024-03-01T00:00:00Z"), nowhere()).unwrap();
    assert_eq!((leap.start, leap.end), (Some(date(2024, 2, 29)), Some(date(2024, 3, 1))));
}

#[test]
fn a_scheduled_time_means_the_day_or_month_that_ended_last() {
    let berlin = days("2026-01-01", None, "Europe/Berlin");
    // Two in the night, midnight itself, a second before it.
    assert_eq!(meant(&berlin, "2026-05-03T00:00:00Z").as_deref(), Some("2026-05-02"));
    assert_eq!(meant(&berlin, "2026-05-02T22:00:00Z").as_deref(), Some("2026-05-02"));
    assert_eq!(meant(&berlin, "2026-05-02T21:59:59Z").as_deref(), Some("2026-05-01"));
    // In the nights in which the clock is changed.
    assert_eq!(meant(&berlin, "2026-03-29T01:00:00Z").as_deref(), Some("2026-03-28"));
    assert_eq!(meant(&berlin, "2026-10-25T00:30:00Z").as_deref(), Some("2026-10-24"));
    // Nothing has ended; the last has ended before yesterday.
    assert_eq!(meant(&berlin, "2026-01-01T12:00:00Z"), None);
    let ended = days("2026-01-01", Some("2026-01-02"), "UTC");
    assert_eq!(meant(&ended, "2026-01-03T02:00:00Z").as_deref(), Some("2026-01-02"));
    assert_eq!(meant(&ended, "2026-01-04T02:00:00Z"), None);
    let monthly = months("2026-01", None);
    assert_eq!(meant(&monthly, "2026-05-01T00:00:00Z").as_deref(), Some("2026-04"));
    assert_eq!(meant(&monthly, "2026-05-31T23:59:59Z").as_deref(), Some("2026-04"));
    assert_eq!(meant(&monthly, "2026-01-31T23:59:59Z"), None);
}

#[test]
fn midnights_that_are_skipped_or_come_twice_end_a_day_once() {
    // Cairo goes from 24:00 on 23 April 2026 to 01:00, Havana from 01:00 on 3 November 2024 back to 00:00, St. John's went from 00:01
    // on 29 October 2006 back to 23:01, Toronto from 23:30 on 30 March 1919 to 00:30. Samoa had no 30 December 2011.
    for (zone_name, day, ends) in [
        ("Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00Z"),
        ("America/Havana", "2024-11-02", "2024-11-03T04:00:00Z"),
        ("America/Havana", "2024-11-03", "2024-11-04T05:00:00Z"),
        ("America/St_Johns", "2006-10-28", "2006-10-29T02:30:00Z"),
        ("America/Toronto", "1919-03-30", "1919-03-31T04:30:00Z"),
        ("Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),
    ] {
        let Partitions::Spans(span) = days("1900-01-01", None, zone_name) else { panic!() };
        assert_eq!(span.ends(day.parse().unwrap()), Some(at(ends)), "{zone_name} {day}");
    }
    // The second pass of the last hour of 28 October: the day had ended before.
    let st_johns = days("2006-01-01", None, "America/St_Johns");
    assert_eq!(meant(&st_johns, "2006-10-29T03:00:00Z").as_deref(), Some("2006-10-28"));
    assert_eq!(meant(&days("2011-01-01", None, "Pacific/Apia"), "2011-12-30T10:00:00Z").as_deref(), Some("2011-12-30"));
}

#[test]
fn a_range_holds_both_its_ends_across_months_and_leap_days() {
    let daily = days("2024-01-01", None, "UTC");
    let now = at("2026-01-01T00:00:00Z");
    assert_eq!(
        keys(daily.range("2024-02-27", "2024-03-02", now, nowhere())),
        ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
    );
    assert_eq!(keys(daily.range("2024-02-29", "2024-02-29", now, nowhere())), ["2024-02-29"]);
    assert_eq!(
        keys(months("2024-01", None).range("2024-11", "2025-02", now, nowhere())),
        ["2024-11", "2024-12", "2025-01", "2025-02"]
    );
    assert_eq!(daily.range("2024-01-01", "2025-12-31", now, nowhere()).unwrap().len(), 366 + 365);
}

#[test]
fn what_is_no_partition_is_refused_and_says_which_there_are() {
    let now = at("2026-05-03T12:00:00Z");
    let daily = days("2026-05-01", Some("2026-05-31"), "UTC");
    for (key, said) in [
        ("2026-05-1", "`2026-05-1` is no day; a day is written such as `2026-01-31`"),
        ("20260501", "`20260501` is no day; a day is written such as `2026-01-31`"),
        ("2026-02-30", "`2026-02-30` is no day; a day is written such as `2026-01-31`"),
        ("2026-05-01T00:00", "`2026-05-01T00:00` is no day; a day is written such as `2026-01-31`"),
        ("2026-05", "`2026-05` is no day; a day is written such as `2026-01-31`"),
        ("", "`` is no day; a day is written such as `2026-01-31`"),
        ("1899-12-31", "`1899-12-31` is too far away; partitions lie in the years 1900 to 2199"),
        ("2026-04-30", "`2026-04-30` is before the job's first day, `2026-05-01`"),
        ("2026-06-01", "`2026-06-01` is after the job's last day, `2026-05-31`"),
        ("2026-05-03", "the day `2026-05-03` has not ended yet; the last that has is `2026-05-02`"),
    ] {
        assert_eq!(daily.one(key, now, nowhere()), Err(PartitionError(said.to_owned())), "{key}");
        assert_eq!(daily.range(key, key, now, nowhere()), Err(PartitionError(said.to_owned())), "{key}");
    }
    let early = at("2026-05-01T12:00:00Z");
    assert_eq!(
        daily.one("2026-05-01", early, nowhere()).unwrap_err().to_string(),
        "the day `2026-05-01` has not ended yet, and none before it has"
    );
    assert_eq!(
        months("2026-01", None).one("2026-13", now, nowhere()).unwrap_err().to_string(),
        "`2026-13` is no month; a month is written such as `2026-01`"
    );
    assert_eq!(
        daily.range("2026-05-02", "2026-05-01", now, nowhere()).unwrap_err().to_string(),
        "the range from `2026-05-02` to `2026-05-01` goes backwards; exchange the two"
    );
}

#[test]
fn files_are_partitions_by_their_paths() {
    let base = tempfile::tempdir().unwrap();
    fs::create_dir(base.path().join("in")).unwrap();
    for name in ["b.csv", "a.csv", "c.csv", "c.txt"] {
        fs::write(base.path().join("in").join(name), "x").unwrap();
    }
    let partitions = Partitions::Files(Pattern::new("in/*.csv").unwrap());
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(keys(partitions.all(now, base.path())), ["in/a.csv", "in/b.csv", "in/c.csv"]);
    assert_eq!(keys(partitions.range("in/b", "in/c.csv", now, base.path())), ["in/b.csv", "in/c.csv"]);
    assert_eq!(
        partitions.range("x", "y", now, base.path()).unwrap_err().to_string(),
        "nothing lies between `x` and `y`"
    );
    let one = partitions.one("in/a.csv", now, base.path()).unwrap();
    assert_eq!(one, Partition { key: "in/a.csv".to_owned(), start: None, end: None });
    for key in ["in/c.txt", "in/d.csv", "../in/a.csv", "in/../in/a.csv", ""] {
        assert_eq!(
            partitions.one(key, now, base.path()).unwrap_err().to_string(),
            format!("no file `{key}` fits `in/*.csv`")
        );
    }
    assert!(matches!(partitions.meant(now, base.path()), Ok(Meant::EachMissing(files)) if files.len() == 3));
    assert_eq!((partitions.kind(), months("2026-01", None).kind()), ("file", "month"));
}

#[test]
fn three_centuries_of_days_are_counted_in_no_time() {
    let daily = days("1900-01-01", Some("2199-12-31"), "Europe/Berlin");
    // Of 300 years, 73 are leap years: each fourth, less 1900 and 2100.
    assert_eq!(daily.all(at("2300-01-01T00:00:00Z"), nowhere()).unwrap().len(), 300 * 365 + 73);
}

/// The days behind one another, by the rules of the calendar as they are taught.
fn next_by_hand((year, month, day): (i16, i8, i8)) -> (i16, i8, i8) {
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    match (day < length, month < 12) {
        (true, _) => (year, month, day + 1),
        (false, true) => (year, month + 1, 1),
        (false, false) => (year + 1, 1, 1),
    }
}

/// The first moment at which the clock of a zone shows a day or a later one, looked for by quarters of an hour: in the zones and
/// years of these tests all offsets are whole quarters.
fn first_quarter(zone: &TimeZone, day: Date) -> Timestamp {
    let from = TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap() - SignedDuration::from_hours(27);
    (0..54 * 4)
        .map(|quarter| from + SignedDuration::from_mins(15 * quarter))
        .find(|moment| zone.to_datetime(*moment).date() >= day)
        .unwrap()
}

const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn days_are_those_of_the_calendar_that_the_clock_has_passed(
        zone_name in prop::sample::select(ZONES.to_vec()),
        year in 1990_i16..2030,
        day_of_year in 1_i16..=365,
        length in 0_usize..12,
        minutes in 0_i64..16 * 1440,
    ) {
        let zone = zone::named(zone_name).unwrap();
        let first = date(year, 1, 1).checked_add(i64::from(day_of_year - 1).days()).unwrap();
        let mut calendar = vec![(first.year(), first.month(), first.day())];
        for _ in 0..length {
            calendar.push(next_by_hand(*calendar.last().unwrap()));
        }
        let key = |(year, month, day): &(i16, i8, i8)| format!("{year:04}-{month:02}-{day:02}");
        let now = first_quarter(&zone, first) + SignedDuration::from_mins(minutes) - SignedDuration::from_hours(48);
        let ended: Vec<&(i16, i8, i8)> = calendar
            .iter()
            .filter(|day| {
                let (year, month, day) = next_by_hand(**day);
                first_quarter(&zone, date(year, month, day)) <= now
            })
            .collect();
        let partitions = days(&key(&calendar[0]), Some(&key(calendar.last().unwrap())), zone_name);
        let all = keys(partitions.all(now, nowhere()));
        prop_assert_eq!(&all, &ended.iter().map(|day| key(day)).collect::<Vec<_>>());
        for day in &calendar {
            prop_assert_eq!(partitions.one(&key(day), now, nowhere()).is_ok(), ended.contains(&day));
        }
        // The one that is meant is the last that has ended, unless the one behind the job's last has ended too.
        let (year, month, day) = next_by_hand(next_by_hand(*calendar.last().unwrap()));
        let over = first_quarter(&zone, date(year, month, day)) <= now;
        let expected = if over { None } else { all.last().cloned() };
        prop_assert_eq!(meant(&partitions, &now.to_string()), expected);
        if let (Some(from), Some(to)) = (all.first(), all.last()) {
            prop_assert_eq!(keys(partitions.range(from, to, now, nowhere())), all);
        }
    }

    #[test]
    fn months_are_those_of_the_calendar_that_the_clock_has_passed(
        zone_name in prop::sample::select(ZONES.to_vec()),
        year in 1990_i16..2030,
        month in 1_i8..=12,
        length in 0_usize..30,
        days_later in 0_i64..1200,
    ) {
        let zone = zone::named(zone_name).unwrap();
        let next = |(year, month): (i16, i8)| if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let mut calendar = vec![(year, month)];
        for _ in 0..length {
            calendar.push(next(*calendar.last().unwrap()));
        }
        let key = |(year, month): &(i16, i8)| format!("{year:04}-{month:02}");
        let now = first_quarter(&zone, date(year, month, 1)) + SignedDuration::from_hours(24 * days_later);
        let ended: Vec<String> = calendar
            .iter()
            .filter(|one| {
                let (year, month) = next(**one);
                first_quarter(&zone, date(year, month, 1)) <= now
            })
            .map(key)
            .collect();
        let partitions = span(Unit::Month, &key(&calendar[0]), Some(&key(calendar.last().unwrap())), zone_name);
        prop_assert_eq!(keys(partitions.all(now, nowhere())), ended);
    }

    #[test]
    fn keys_sort_by_time(days in prop::collection::vec(0_i64..100_000, 2..20)) {
        let mut dates: Vec<Date> = days.iter().map(|day| date(1900, 1, 1).checked_add(day.days()).unwrap()).collect();
        dates.sort();
        for unit in [Unit::Day, Unit::Month] {
            let keys: Vec<String> = dates.iter().map(|day| unit.key(*day)).collect();
            prop_assert!(keys.is_sorted());
        }
    }
}
