#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

fn verdict(texts: &[&str]) -> Verdict {
    let mut values = Values::default();
    texts.iter().for_each(|text| values.add(Some(text)));
    judge(&values, Options::default())
}

#[track_caller]
fn numbers(texts: &[&str]) -> (Verdict, Numbers) {
    let verdict = verdict(texts);
    match verdict.holds.clone() {
        Holds::Numbers(numbers) => (verdict, numbers),
        other => panic!("{texts:?} are {other:?}: {}", verdict.because),
    }
}

#[track_caller]
fn values(texts: &[&str], expected: &[f64]) {
    let (verdict, numbers) = numbers(texts);
    let read: Vec<Option<f64>> = texts.iter().map(|text| numbers.value(text)).collect();
    let expected: Vec<Option<f64>> = expected.iter().copied().map(Some).collect();
    assert_eq!(read, expected, "{texts:?} {verdict:?}");
}

#[track_caller]
fn days(texts: &[&str]) -> (Verdict, Days) {
    let verdict = verdict(texts);
    match verdict.holds.clone() {
        Holds::Days(days) => (verdict, days),
        other => panic!("{texts:?} are {other:?}: {}", verdict.because),
    }
}

#[test]
fn signs_currencies_and_percent_are_read() {
    values(&["1", "-2", "+3"], &[1.0, -2.0, 3.0]);
    values(&["12-", "5"], &[-12.0, 5.0]);
    values(&["(12)", "5.5"], &[-12.0, 5.5]);
    values(&["($1,234.50)", "$2.00"], &[-1234.5, 2.0]);
    values(&["12%", "7.5 %", "0"], &[0.12, 0.075, 0.0]);
    values(&["USD 5", "7.25 USD"], &[5.0, 7.25]);
    values(&["\u{2212}5", "1e3"], &[-5.0, 1000.0]);
    values(&["1.234,50 €", "2,00 €"], &[1234.5, 2.0]);
}

#[test]
fn marks_are_decided_by_the_whole_column() {
    values(&["1,234", "1,234.5"], &[1234.0, 1234.5]);
    values(&["1.234", "1.234.567"], &[1234.0, 1_234_567.0]);
    values(&["1.234", "0.5"], &[1.234, 0.5]);
    values(&["1,234", "0,5"], &[1.234, 0.5]);
    values(&["0,123", "1,234"], &[0.123, 1.234]);
    values(&["1 234,5", "12 345 678"], &[1234.5, 12_345_678.0]);
    values(&["1\u{a0}234", "5"], &[1234.0, 5.0]);
    values(&["1'234.5", "1\u{2019}000"], &[1234.5, 1000.0]);
    values(&["1_000", "25"], &[1000.0, 25.0]);
    values(&["12,34,567", "1,00,000"], &[1_234_567.0, 100_000.0]);
    values(&["1,5", "2,25"], &[1.5, 2.25]);
}

#[test]
fn what_no_value_decides_is_named_an_assumption() {
    let (verdict, found) = numbers(&["1,234", "5,678"]);
    assert_eq!((found.value("1,234"), found.whole), (Some(1234.0), true));
    assert!(matches!(verdict.undecided, Some(Undecided::Marks(marks)) if marks.decimal_comma));
    assert_eq!(verdict.because, "no value tells whether the comma divides thousands or decimals");
    let (verdict, found) = numbers(&["1.234", "5.678"]);
    assert_eq!(found.value("1.234"), Some(1.234));
    assert!(verdict.undecided.is_some());
    assert!(numbers(&["1.234", "5.67"]).0.undecided.is_none());
}

#[test]
fn what_would_lose_meaning_stays_text_and_says_why() {
    assert!(verdict(&["00501", "12345"]).because.starts_with("`00501` looks like an identifier"));
    assert!(verdict(&["4111111111111111", "4222222222222222"]).because.contains("identifier"));
    assert!(verdict(&["$5", "€4"]).because.contains("side by side"));
    assert!(verdict(&["12%", "5"]).because.contains("percent"));
    for texts in [["1,23,4", "x"], ["12,3456", "1.2.3"], ["1-2", "A1"], ["1,,2", "--5"]] {
        assert_eq!(verdict(&texts).holds, Holds::Text, "{texts:?}");
    }
}

/// Layouts with a text and the day that it is, as Python's `datetime.strptime` reads it (`date.fromisocalendar` for weeks).
const LAYOUTS: [(&str, &str, i64); 40] = [
    ("%Y-%m-%d", "2024-03-12", 19794),
    ("%Y/%m/%d", "2024/03/12", 19794),
    ("%Y.%m.%d", "2024.03.12", 19794),
    ("%Y %m %d", "2024 03 12", 19794),
    ("%Y-%j", "2024-072", 19794),
    ("%G-W%V-%u", "2024-W11-2", 19794),
    ("%GW%V%u", "2024W112", 19794),
    ("%d/%m/%Y", "31/12/2013", 16070),
    ("%m/%d/%Y", "12/31/2013", 16070),
    ("%d-%m-%Y", "31-12-2013", 16070),
    ("%m-%d-%Y", "12-31-2013", 16070),
    ("%d.%m.%Y", "31.12.2013", 16070),
    ("%d/%m/%y", "31/12/68", 36159),
    ("%m/%d/%y", "12/31/69", -1),
    ("%d.%m.%y", "31.12.13", 16070),
    ("%d %b %Y", "12 Mar 2024", 19794),
    ("%d %B %Y", "12 March 2024", 19794),
    ("%d-%b-%Y", "12-Mar-2024", 19794),
    ("%d-%b-%y", "12-mar-24", 19794),
    ("%d%b%Y", "12MAR2024", 19794),
    ("%b %d, %Y", "Mar 12, 2024", 19794),
    ("%B %d, %Y", "March 12, 2024", 19794),
    ("%b %d %Y", "Mar 12 2024", 19794),
    ("%Y-%b-%d", "2024-Mar-12", 19794),
    ("%a, %d %b %Y", "Tue, 12 Mar 2024", 19794),
    ("%A, %B %d, %Y", "Tuesday, March 12, 2024", 19794),
    ("%d. %B %Y", "12. March 2024", 19794),
    ("%Y-%m-%d %H:%M", "2024-03-12 10:05", 19794),
    ("%Y-%m-%d %H:%M:%S", "2024-03-12 10:05:59", 19794),
    ("%Y-%m-%d %H:%M:%S.%f", "2024-03-12 10:05:59.123", 19794),
    ("%Y-%m-%dT%H:%M:%S", "2024-03-12T10:05:59", 19794),
    ("%Y-%m-%dT%H:%M:%SZ", "2024-03-12T10:05:59Z", 19794),
    ("%Y-%m-%dT%H:%M:%S%z", "2024-03-12T10:05:59+01:00", 19794),
    ("%Y-%m-%d %H:%M:%S %z", "2024-03-12 10:05:59 +0100", 19794),
    ("%d/%m/%Y %H:%M", "31/12/2013 23:59", 16070),
    ("%m/%d/%Y %I:%M %p", "12/31/2013 11:59 PM", 16070),
    ("%m/%d/%Y, %I:%M:%S %p", "12/31/2013, 11:59:01 pm", 16070),
    ("%d.%m.%Y %H:%M:%S", "31.12.2013 23:59:00", 16070),
    ("%b %d, %Y %I:%M %p", "Mar 12, 2024 1:05 AM", 19794),
    ("%a, %d %b %Y %H:%M:%S %z", "Tue, 12 Mar 2024 10:05:59 +0000", 19794),
];

#[test]
fn layouts_are_found_and_read() {
    for (layout, text, day) in LAYOUTS {
        let (verdict, found) = days(&[text]);
        assert_eq!(found.layouts, [layout], "{text}: {verdict:?}");
        assert_eq!(found.day(text), Some(day), "{text}");
        assert_eq!(found.times, layout.contains(":%M"), "{text}");
    }
}

#[test]
fn the_order_of_day_and_month_is_asked_of_the_column() {
    let (verdict, found) = days(&["01/02/2024", "03/04/2024", "25/12/2023"]);
    assert_eq!((found.layouts.as_slice(), verdict.undecided), (["%d/%m/%Y".to_owned()].as_slice(), None));
    assert_eq!(verdict.because, "the day comes first: `25/12/2023` makes no sense otherwise");
    let (_, found) = days(&["01/02/2024", "12/25/2023"]);
    assert_eq!(found.layouts, ["%m/%d/%Y"]);
    let (verdict, found) = days(&["01/02/2024", "03/04/2024"]);
    assert_eq!(verdict.undecided, Some(Undecided::Order(DayOrder::DayFirst)));
    assert_eq!((found.layouts, found.exchanged), (vec!["%d/%m/%Y".to_owned()], vec!["%m/%d/%Y".to_owned()]));
    let (verdict, _) = days(&["05/05/2024", "07/07/2024"]);
    assert_eq!(verdict.undecided, None, "both orders mean the same days");
    let (_, found) = days(&["01/02/2024", "3.4.2024 10:00", "25/12/2023"]);
    assert_eq!(found.layouts.first().map(String::as_str), Some("%d/%m/%Y"));
    assert!(found.times && found.day("3.4.2024 10:00").is_some());
}

#[test]
fn columns_that_contradict_themselves_stay_text() {
    let verdict = verdict(&["25/12/2023", "12/26/2023", "01/02/2024"]);
    assert_eq!(verdict.holds, Holds::Text);
    assert_eq!(
        verdict.because,
        "the days contradict each other: the day comes first in 1 values (`25/12/2023`), but the month comes first in 1 (`12/26/2023`)"
    );
    let mixed = self::verdict(&["2024-03-12T10:00:00Z", "2024-03-12T10:00:00"]);
    assert!(mixed.because.contains("offset"), "{mixed:?}");
}

#[test]
fn digits_are_days_only_when_all_of_them_are() {
    assert_eq!(days(&["20240131", "20231231"]).1.layouts, ["%Y%m%d"]);
    assert!(matches!(verdict(&["20240131", "20241399"]).holds, Holds::Numbers(_)));
    assert!(matches!(verdict(&["2024", "2023"]).holds, Holds::Numbers(_)));
    assert!(matches!(verdict(&["12.05", "11.04"]).holds, Holds::Numbers(_)));
}

#[test]
fn booleans_come_in_pairs() {
    assert_eq!(
        verdict(&["Yes", "no", "YES"]).holds,
        Holds::Boolean { yes: vec!["yes".to_owned()], no: vec!["no".to_owned()] }
    );
    for texts in [["y", "n"], ["T", "F"], ["on", "off"], ["ja", "nein"], ["true", "0"], ["oui", "non"]] {
        let holds = verdict(&texts).holds;
        assert!(matches!(holds, Holds::Boolean { .. }) || texts == ["true", "0"], "{texts:?} {holds:?}");
    }
    for texts in [["on", "on"], ["m", "f"], ["yes", "off"]] {
        assert_eq!(verdict(&texts).holds, Holds::Text, "{texts:?}");
    }
    assert!(matches!(verdict(&["0", "1"]).holds, Holds::Numbers(_)));
}

#[test]
fn tokens_for_null_do_not_make_numbers_text() {
    let (verdict, _) = numbers(&["1", "NA", "2", "n/a", "-", "#N/A", "", " 3 "]);
    assert_eq!(verdict.null_tokens.iter().map(|(_, count)| count).sum::<u64>(), 5);
    assert_eq!((verdict.fits, verdict.untrimmed, verdict.misfit), (3, 1, 0));
    let words = self::verdict(&["Namibia", "NA", "N/A", "Peru"]);
    assert_eq!(words.null_tokens, [("N/A".to_owned(), 1)]);
    assert_eq!(words.remarks, ["`NA` (1 times) may mean null"]);
    assert_eq!(self::verdict(&["NA", "-"]).holds, Holds::Nothing);
}

#[test]
fn values_that_do_not_fit_are_counted_with_examples() {
    let mut texts = vec!["1.5"; 40];
    texts.extend(["soon", "2.5x"]);
    let (verdict, _) = numbers(&texts);
    assert_eq!((verdict.fits, verdict.misfit), (40, 2));
    assert_eq!(verdict.misfits, [("2.5x".to_owned(), 1), ("soon".to_owned(), 1)]);
    assert_eq!(self::verdict(&["1", "2", "x"]).holds, Holds::Text, "a third is too much");
}

#[test]
fn numbers_that_could_mean_something_else_are_remarked() {
    let remark = |texts: &[&str]| numbers(texts).0.remarks.join("; ");
    assert!(remark(&["1700000000", "1700003600"]).contains("seconds since 1970"));
    assert!(remark(&["1700000000000", "1700003600000"]).contains("milliseconds"));
    assert!(remark(&["45000", "45001"]).contains("spreadsheet"));
    assert!(remark(&["21.5", "19", "-999", "-999"]).contains("-999 (2 times)"));
    assert_eq!(remark(&["1", "2", "3"]), "");
}

proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(texts in proptest::collection::vec("[-+0-9.,%()$€ /:TZWaMrjn'_]{0,16}|\\PC{0,12}", 1..8)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let verdict = verdict(&texts);
        prop_assert_eq!(verdict.fits + verdict.misfit + verdict.null_tokens.iter().map(|(_, count)| count).sum::<u64>(), texts.len() as u64);
    }

    #[test]
    fn written_numbers_are_read_back_under_every_notation(
        numbers in proptest::collection::vec(-9_999_999_i64..9_999_999, 3..20), style in 0_usize..6,
    ) {
        let (thousands, decimal) = [(',', '.'), ('.', ','), (' ', ','), ('\'', '.'), ('_', '.'), ('\u{202f}', ',')][style];
        let write = |cents: i64| {
            let digits = (cents.abs() / 100).to_string();
            let mut whole = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    whole.push(thousands);
                }
                whole.push(digit);
            }
            format!("{}{whole}{decimal}{:02}", if cents < 0 { "-" } else { "" }, cents.abs() % 100)
        };
        let texts: Vec<String> = numbers.iter().map(|cents| write(*cents)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (_, found) = self::numbers(&texts);
        for (text, cents) in texts.iter().zip(&numbers) {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let expected = *cents as f64 / 100.0;
            prop_assert_eq!(found.value(text), Some(expected));
        }
    }

    #[test]
    fn written_days_are_read_back_once_a_value_tells_the_order(
        dates in proptest::collection::vec((1_i8..=12, 1_i8..=28), 1..20), day_first: bool,
    ) {
        let write = |month: i8, day: i8| if day_first { format!("{day}/{month:02}/2023") } else { format!("{month:02}/{day}/2023") };
        let mut texts: Vec<String> = dates.iter().map(|(month, day)| write(*month, *day)).collect();
        texts.push(write(7, 31));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (_, found) = days(&texts);
        for (text, (month, day)) in texts.iter().zip(&dates) {
            let expected = jiff::civil::date(2023, *month, *day).since(jiff::civil::date(1970, 1, 1)).unwrap().get_days();
            prop_assert_eq!(found.day(text), Some(i64::from(expected)));
        }
    }
}
