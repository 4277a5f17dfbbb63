//! Levels of agreement, and which one two values reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::MISSING;
use super::dictionary::Dictionary;
use crate::similarity::strings;

/// A level of agreement of two values.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Both are equal.
    Exact,
    /// Their similarity after Jaro and Winkler is at least this.
    JaroWinkler(f64),
    /// At most this many characters are inserted, deleted or replaced.
    Levenshtein(u32),
    /// At most this many characters are inserted, deleted, replaced, or exchanged with their neighbour.
    Damerau(u32),
    /// The cosine of their counts of tokens is at least this.
    Cosine(f64),
    /// They begin with the same characters, this many.
    Prefix(u32),
    /// The numbers differ by at most this.
    Number(f64),
    /// The numbers differ by at most this share of the larger one.
    Percent(f64),
    /// The dates lie at most this many days apart.
    Days(u32),
    /// The dates lie at most this many months apart.
    Months(u32),
    /// The dates lie at most this many years apart.
    Years(u32),
    /// The dates are the same with day and month exchanged.
    DayMonthSwapped,
    /// The parts before the @ are equal.
    EmailUser,
    /// The similarity of the parts before the @ after Jaro and Winkler is at least this.
    EmailUserLike(f64),
    /// The postcodes name the same sector, such as `SW1A 1` of `SW1A 1AA`.
    PostcodeSector,
    /// The postcodes name the same district, such as `SW1A`.
    PostcodeDistrict,
    /// The postcodes name the same area, such as `SW`.
    PostcodeArea,
}

impl Level {
    /// How it is called in charts.
    pub fn label(self) -> String {
        match self {
            Self::Exact => "equal".to_owned(),
            Self::JaroWinkler(least) => format!("Jaro-Winkler ≥ {least}"),
            Self::Levenshtein(1) => "1 edit".to_owned(),
            Self::Levenshtein(most) => format!("≤ {most} edits"),
            Self::Damerau(1) => "1 typing error".to_owned(),
            Self::Damerau(most) => format!("≤ {most} typing errors"),
            Self::Cosine(least) => format!("cosine ≥ {least}"),
            Self::Prefix(length) => format!("same first {length}"),
            Self::Number(most) => format!("≤ {most} apart"),
            Self::Percent(most) => format!("≤ {most} % apart"),
            Self::Days(1) => "≤ 1 day".to_owned(),
            Self::Days(most) => format!("≤ {most} days"),
            Self::Months(1) => "≤ 1 month".to_owned(),
            Self::Months(most) => format!("≤ {most} months"),
            Self::Years(1) => "≤ 1 year".to_owned(),
            Self::Years(most) => format!("≤ {most} years"),
            Self::DayMonthSwapped => "day and month swapped".to_owned(),
            Self::EmailUser => "same user".to_owned(),
            Self::EmailUserLike(least) => format!("user ≥ {least}"),
            Self::PostcodeSector => "same sector".to_owned(),
            Self::PostcodeDistrict => "same district".to_owned(),
            Self::PostcodeArea => "same area".to_owned(),
        }
    }

    fn is_date(self) -> bool {
        matches!(self, Self::Days(_) | Self::Months(_) | Self::Years(_) | Self::DayMonthSwapped)
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Number(_) | Self::Percent(_))
    }

    fn is_postcode(self) -> bool {
        matches!(self, Self::PostcodeSector | Self::PostcodeDistrict | Self::PostcodeArea)
    }

    /// Whether it asks how alike the letters of two texts are.
    fn is_likeness(self) -> bool {
        matches!(self, Self::JaroWinkler(_) | Self::Damerau(_) | Self::Levenshtein(_))
    }

    /// Whether to find it takes so long that a found answer is worth remembering.
    fn is_slow(self) -> bool {
        matches!(
            self,
            Self::JaroWinkler(_)
                | Self::EmailUserLike(_)
                | Self::Cosine(_)
                | Self::Damerau(2..)
                | Self::Levenshtein(2..)
        )
    }
}

/// How the values of one column are compared: the first level that holds counts, and after all of them everything else is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The column.
    pub name: String,
    /// The levels, the closest first; everything else is one more level.
    pub levels: Vec<Level>,
    /// Whether agreement in a rare value says more than in a frequent one.
    pub term_frequency: bool,
}

impl Comparison {
    /// How many levels there are, everything else included.
    pub fn len(&self) -> usize {
        self.levels.len() + 1
    }

    /// There is always the level of everything else.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// How a level is called, counted from 1; level 0 is that of missing values.
    pub fn label(&self, level: usize) -> String {
        match level.checked_sub(1) {
            None => "missing".to_owned(),
            Some(at) => self.levels.get(at).map_or_else(|| "different".to_owned(), |level| level.label()),
        }
    }

    /// The level of equal values, counted from 1, where there is one.
    pub fn exact(&self) -> Option<usize> {
        self.levels.iter().position(|level| *level == Level::Exact).map(|at| at + 1)
    }
}

/// A comparison with everything prepared that depends on one value alone.
#[derive(Debug)]
pub struct Prepared<'a> {
    levels: &'a [Level],
    values: &'a Dictionary,
    exact: Option<u8>,
    /// The level of everything else.
    otherwise: u8,
    /// What bounds the likeness of texts; empty where no level asks for it.
    letters: Vec<strings::Letters>,
    /// Where all levels ask for the likeness of letters: the least similarity and the most edits that any of them allows.
    likeness: Option<(f64, u32)>,
    numbers: Vec<f64>,
    days: Vec<Day>,
    tokens: Vec<Box<[(u32, u32)]>>,
    postcodes: Vec<[u32; 3]>,
    slow: bool,
}

/// The least similarity and the most edits that levels allow, when they all ask for the likeness of letters.
fn likeness(levels: &[Level]) -> Option<(f64, u32)> {
    let mut bounds = (f64::INFINITY, 0);
    for level in levels {
        match *level {
            Level::Exact => {}
            Level::JaroWinkler(least) => bounds.0 = bounds.0.min(least),
            Level::Levenshtein(most) | Level::Damerau(most) => bounds.1 = bounds.1.max(most),
            _ => return None,
        }
    }
    Some(bounds)
}

/// A date as its day since 1970 and its parts; year 0 for what is no date.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Day {
    number: i32,
    year: i16,
    month: u8,
    day: u8,
}

impl<'a> Prepared<'a> {
    /// Prepares the distinct values of a column.
    pub fn new(comparison: &'a Comparison, values: &'a Dictionary) -> Self {
        let levels = comparison.levels.as_slice();
        let asks = |what: fn(Level) -> bool| levels.iter().any(|level| what(*level));
        fn all<T>(wanted: bool, values: &Dictionary, of: impl Fn(&str) -> T) -> Vec<T> {
            if wanted { values.iter().map(of).collect() } else { Vec::new() }
        }
        let code = |level: usize| u8::try_from(level).unwrap_or(15);
        Self {
            levels,
            values,
            exact: comparison.exact().map(code),
            otherwise: code(comparison.len()),
            likeness: likeness(levels),
            letters: all(asks(Level::is_likeness), values, strings::Letters::of),
            numbers: all(asks(Level::is_number), values, |text| number(text).unwrap_or(f64::NAN)),
            days: all(asks(Level::is_date), values, |text| day(text).unwrap_or_default()),
            tokens: all(asks(|level| matches!(level, Level::Cosine(_))), values, |text| {
                strings::tokens(text).into_boxed_slice()
            }),
            postcodes: all(asks(Level::is_postcode), values, postcode),
            slow: asks(Level::is_slow),
        }
    }

    /// Whether a found level is worth remembering.
    pub fn is_slow(&self) -> bool {
        self.slow
    }

    /// Bytes that the preparation takes.
    pub fn bytes(&self) -> usize {
        let tokens: usize = self.tokens.iter().map(|tokens| 16 + 8 * tokens.len()).sum();
        16 * self.letters.len() + 8 * self.numbers.len() + 8 * self.days.len() + 12 * self.postcodes.len() + tokens
    }

    /// The level that two values reach: 0 when one is missing.
    pub fn level(&self, left: u32, right: u32) -> u8 {
        self.level_with(left, right, &mut [])
    }

    /// As [`Prepared::level`]; levels that take long to find are remembered by the pair of values.
    pub fn level_with(&self, left: u32, right: u32, remembered: &mut [(u64, u8)]) -> u8 {
        if left == MISSING || right == MISSING {
            return 0;
        }
        if left == right
            && let Some(exact) = self.exact
        {
            return exact;
        }
        if let Some((least, most)) = self.likeness
            && let Some((ours, theirs)) = self.pair(&self.letters, left, right)
            && ours.least_edits(*theirs) > most
            && ours.most_jaro_winkler(*theirs) < least
        {
            return self.otherwise;
        }
        let key = u64::from(left.min(right)) << 32 | u64::from(left.max(right));
        let slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % remembered.len().max(1);
        match remembered.get_mut(slot) {
            None => self.level_of_unequal(left, right),
            Some(known) => {
                if known.0 != key {
                    *known = (key, self.level_of_unequal(left, right));
                }
                known.1
            }
        }
    }

    /// The level of two values that are there; equality of codes has been looked at already.
    fn level_of_unequal(&self, left: u32, right: u32) -> u8 {
        let letters = self.pair(&self.letters, left, right);
        let (least_edits, most_winkler) = match letters {
            Some((ours, theirs)) => (ours.least_edits(*theirs), ours.most_jaro_winkler(*theirs)),
            None => (0, 1.0),
        };
        let texts = || (self.values.get(left), self.values.get(right));
        // The same similarity is often asked with several bounds.
        let mut winkler: Option<f64> = None;
        for (at, level) in self.levels.iter().enumerate() {
            let holds = match *level {
                Level::Exact => left == right,
                Level::JaroWinkler(least) => {
                    let found = || {
                        let (a, b) = texts();
                        strings::jaro_winkler(a, b)
                    };
                    most_winkler >= least && *winkler.get_or_insert_with(found) >= least
                }
                Level::Levenshtein(most) => {
                    let (a, b) = texts();
                    least_edits <= most && strings::within_levenshtein(a, b, most)
                }
                Level::Damerau(most) => {
                    let (a, b) = texts();
                    least_edits <= most && strings::within_damerau(a, b, most)
                }
                Level::Cosine(least) => {
                    self.pair(&self.tokens, left, right).is_some_and(|(a, b)| strings::cosine(a, b) >= least)
                }
                Level::Prefix(length) => {
                    let (a, b) = texts();
                    same_prefix(a, b, length as usize)
                }
                Level::Number(most) => self.difference(left, right).is_some_and(|(apart, _)| apart <= most),
                Level::Percent(most) => {
                    self.difference(left, right).is_some_and(|(apart, larger)| apart * 100.0 <= most * larger)
                }
                Level::Days(most) => self.dates(left, right).is_some_and(|(a, b)| apart(a, b) <= most),
                Level::Months(most) => self.dates(left, right).is_some_and(|(a, b)| within_months(a, b, most)),
                Level::Years(most) => {
                    self.dates(left, right).is_some_and(|(a, b)| within_months(a, b, most.saturating_mul(12)))
                }
                Level::DayMonthSwapped => self
                    .dates(left, right)
                    .is_some_and(|(a, b)| a.year == b.year && a.month == b.day && a.day == b.month),
                Level::EmailUser => users(texts()).is_some_and(|(a, b)| a == b),
                Level::EmailUserLike(least) => {
                    users(texts()).is_some_and(|(a, b)| strings::jaro_winkler(a, b) >= least)
                }
                Level::PostcodeSector => self.same_postcode(left, right, 0),
                Level::PostcodeDistrict => self.same_postcode(left, right, 1),
                Level::PostcodeArea => self.same_postcode(left, right, 2),
            };
            if holds {
                return u8::try_from(at + 1).unwrap_or(self.otherwise);
            }
        }
        self.otherwise
    }

    fn pair<'b, T>(&self, of: &'b [T], left: u32, right: u32) -> Option<(&'b T, &'b T)> {
        of.get(left as usize).zip(of.get(right as usize))
    }

    /// How far two numbers are apart, and the larger one without its sign.
    fn difference(&self, left: u32, right: u32) -> Option<(f64, f64)> {
        let (a, b) = self.pair(&self.numbers, left, right)?;
        let apart = (a - b).abs();
        apart.is_finite().then(|| (apart, a.abs().max(b.abs())))
    }

    fn dates(&self, left: u32, right: u32) -> Option<(Day, Day)> {
        let (a, b) = self.pair(&self.days, left, right)?;
        (a.year != 0 && b.year != 0).then_some((*a, *b))
    }

    fn same_postcode(&self, left: u32, right: u32, part: usize) -> bool {
        let parts = self.pair(&self.postcodes, left, right);
        parts.is_some_and(|(a, b)| a.get(part) == b.get(part) && a.get(part) != Some(&0))
    }
}

/// The first number of a text; none when there is something else in it.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|value| value.is_finite())
}

/// The day of a date written as `1979-03-12`, with any time behind it, or as `19790312`.
fn day(text: &str) -> Option<Day> {
    let digits = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let is_compact = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, month, day) = if is_compact {
        (digits(0, 4)?, digits(4, 6)?, digits(6, 8)?)
    } else {
        let dashes = (text.as_bytes().get(4), text.as_bytes().get(7));
        if dashes != (Some(&b'-'), Some(&b'-')) || text.as_bytes().get(10).is_some_and(u8::is_ascii_digit) {
            return None;
        }
        (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?)
    };
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970 in the calendar that goes on in both directions (Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = i32::from(year) - i32::from(month <= 2);
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((i32::from(month) + 9) % 12) + 2) / 5 + i32::from(day) - 1;
    let number = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(Day {
        number,
        year: i16::try_from(year).ok()?,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
    })
}

/// Whether a text is a date that [`Level::Days`] and its kin can read.
pub fn is_date(text: &str) -> bool {
    day(text).is_some()
}

fn apart(a: Day, b: Day) -> u32 {
    a.number.abs_diff(b.number)
}

/// Whether the later date is at most so many months after the earlier one, counted on the calendar.
fn within_months(a: Day, b: Day, most: u32) -> bool {
    let (early, late) = if a.number <= b.number { (a, b) } else { (b, a) };
    let month = |day: Day| i64::from(day.year) * 12 + i64::from(day.month);
    let months = month(late) - month(early);
    months < i64::from(most) || (months == i64::from(most) && late.day <= early.day)
}

/// The parts of two e-mail addresses before the @.
fn users<'a>((a, b): (&'a str, &'a str)) -> Option<(&'a str, &'a str)> {
    let user = |text: &'a str| text.split_once('@').map(|(user, _)| user).filter(|user| !user.is_empty());
    user(a).zip(user(b))
}

fn same_prefix(a: &str, b: &str, length: usize) -> bool {
    let mut pairs = a.chars().zip(b.chars()).take(length);
    a.chars().nth(length.saturating_sub(1)).is_some()
        && pairs.all(|(a, b)| a == b)
        && b.chars().nth(length.saturating_sub(1)).is_some()
}

/// Hashes of sector, district and area of a British postcode; 0 for what is none.
fn postcode(text: &str) -> [u32; 3] {
    let letters: String = text.chars().filter(|c| c.is_ascii_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect();
    let hash = |part: &str| {
        let hash = xxhash_rust::xxh3::xxh3_64(part.as_bytes());
        u32::try_from(hash >> 32).unwrap_or_default().max(1)
    };
    let Some(at) = letters.len().checked_sub(3).filter(|at| (2..=4).contains(at)) else { return [0; 3] };
    let (outward, inward) = letters.split_at(at);
    let is_inward = inward.bytes().enumerate().all(|(at, byte)| byte.is_ascii_digit() == (at == 0));
    let area: String = outward.chars().take_while(char::is_ascii_alphabetic).collect();
    if !is_inward || area.is_empty() || area.len() == outward.len() {
        return [0; 3];
    }
    let sector: String = letters.chars().take(at + 1).collect();
    [hash(&sector), hash(outward), hash(&area)]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn level(levels: &[Level], left: &str, right: &str) -> usize {
        let mut values = Dictionary::default();
        let codes = (values.code(left), values.code(right));
        let comparison = Comparison { name: "x".to_owned(), levels: levels.to_vec(), term_frequency: false };
        usize::from(Prepared::new(&comparison, &values).level(codes.0, codes.1))
    }

    #[test]
    fn the_first_level_that_holds_counts_and_everything_else_is_the_last() {
        let levels = [Level::Exact, Level::JaroWinkler(0.92), Level::JaroWinkler(0.7)];
        assert_eq!(level(&levels, "smith", "smith"), 1);
        assert_eq!(level(&levels, "smith", "smyth"), 3);
        assert_eq!(level(&levels, "martha", "marhta"), 2);
        assert_eq!(level(&levels, "smith", "jones"), 4);
    }

    #[test]
    fn dates_are_compared_on_the_calendar() {
        let levels = [Level::Exact, Level::Days(1), Level::Months(1), Level::Years(1), Level::DayMonthSwapped];
        assert_eq!(level(&levels, "1999-12-31", "2000-01-01"), 2);
        assert_eq!(level(&levels, "19991231", "2000-01-01 10:00:00"), 2);
        assert_eq!(level(&levels, "2000-01-31", "2000-02-29"), 3);
        assert_eq!(level(&levels, "2000-01-15", "2000-02-16"), 4);
        assert_eq!(level(&levels, "1980-02-05", "1980-05-02"), 4);
        assert_eq!(level(&[Level::Exact, Level::DayMonthSwapped], "1980-02-05", "1980-05-02"), 2);
        assert_eq!(level(&levels, "2000-13-01", "2000-01-01"), 6);
        assert_eq!(day("1970-01-01").unwrap().number, 0);
        assert_eq!(day("20000229").unwrap().number, 11_016);
        assert_eq!(day("1900-03-01").unwrap().number, -25_508);
    }

    #[test]
    fn numbers_are_compared_by_difference_and_by_share() {
        let levels = [Level::Number(1.0), Level::Percent(10.0)];
        assert_eq!(level(&levels, "100", "101"), 1);
        assert_eq!(level(&levels, "100", "110.5"), 2);
        assert_eq!(level(&levels, "100", "120"), 3);
        assert_eq!(level(&levels, "100", "many"), 3);
    }

    #[test]
    fn parts_of_addresses_and_postcodes_are_compared() {
        let levels = [Level::Exact, Level::EmailUser, Level::EmailUserLike(0.88)];
        assert_eq!(level(&levels, "ann@x.org", "ann@y.org"), 2);
        assert_eq!(level(&levels, "annette@x.org", "anette@y.org"), 3);
        assert_eq!(level(&levels, "ann", "ann@y.org"), 4);
        let levels = [Level::PostcodeSector, Level::PostcodeDistrict, Level::PostcodeArea, Level::Prefix(2)];
        assert_eq!(level(&levels, "SW1A 1AA", "sw1a1zz"), 1);
        assert_eq!(level(&levels, "SW1A 1AA", "SW1A 2AA"), 2);
        assert_eq!(level(&levels, "SW1A 1AA", "SW9 2AA"), 3);
        assert_eq!(level(&levels, "2001", "2099"), 4);
        assert_eq!(level(&levels, "2001", "3001"), 5);
    }

    #[test]
    fn a_missing_value_reaches_no_level() {
        let mut values = Dictionary::default();
        let code = values.code("a");
        let comparison = Comparison { name: "x".to_owned(), levels: vec![Level::Exact], term_frequency: false };
        let prepared = Prepared::new(&comparison, &values);
        assert_eq!(prepared.level(code, MISSING), 0);
        assert_eq!(prepared.level(MISSING, MISSING), 0);
    }
}
