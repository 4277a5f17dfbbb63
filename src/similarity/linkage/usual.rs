//! What comparison usually serves a column, told from its name, its type and its values.

use super::comparison::{Comparison, Level, is_date};
use super::dictionary::Dictionary;
use crate::similarity::strings;

/// Distinct values that are looked at.
const LOOKED_AT: usize = 2_000;
/// Distinct values up to which a column names a class rather than a thing.
const FEW: usize = 12;

/// What a column holds before its values are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts, and everything that is not one of the others.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// Dates, with or without a time.
    Date,
    /// True and false.
    Boolean,
}

/// Sorts of values with levels that serve them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Names of people, places, companies.
    Name,
    /// Dates.
    Date,
    /// E-mail addresses.
    Email,
    /// Postcodes of Britain.
    BritishPostcode,
    /// Other postcodes.
    Postcode,
    /// Numbers that name something: of insurances, phones, customers.
    Identifier,
    /// Short numbers that name something: of houses.
    ShortNumber,
    /// Numbers that measure something.
    Measure,
    /// One of a few classes.
    Class,
    /// Longer texts.
    FreeText,
}

impl Sort {
    /// How it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Date => "date",
            Self::Email => "email",
            Self::BritishPostcode | Self::Postcode => "postcode",
            Self::Identifier => "identifier",
            Self::ShortNumber => "short_number",
            Self::Measure => "measure",
            Self::Class => "class",
            Self::FreeText => "text",
        }
    }

    /// The levels that serve it, and whether frequencies of values matter.
    pub fn comparison(self, column: &str) -> Comparison {
        use Level::*;
        let (levels, term_frequency) = match self {
            Self::Name => (vec![Exact, JaroWinkler(0.92), JaroWinkler(0.88), JaroWinkler(0.7)], true),
            Self::Date => (vec![Exact, Damerau(1), DayMonthSwapped, Months(1), Years(1), Years(10)], false),
            Self::Email => (vec![Exact, EmailUser, JaroWinkler(0.88), EmailUserLike(0.88)], false),
            Self::BritishPostcode => (vec![Exact, Damerau(1), PostcodeSector, PostcodeDistrict, PostcodeArea], false),
            Self::Postcode => (vec![Exact, Damerau(1), Prefix(2)], false),
            Self::Identifier => (vec![Exact, Damerau(1), Damerau(2)], false),
            Self::ShortNumber => (vec![Exact, Damerau(1)], false),
            Self::Measure => (vec![Exact, Percent(1.0), Percent(5.0), Percent(20.0)], false),
            Self::Class => (vec![Exact], true),
            Self::FreeText => (vec![Exact, Cosine(0.9), Cosine(0.7), Cosine(0.4)], false),
        };
        Comparison { name: column.to_owned(), levels, term_frequency }
    }
}

/// The sort of values that a column seems to hold.
pub fn sort(column: &str, kind: Kind, values: &Dictionary) -> Sort {
    let looked_at: Vec<&str> = values.iter().take(LOOKED_AT).collect();
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let share = |holds: &dyn Fn(&str) -> bool| {
        looked_at.iter().filter(|text| holds(text)).count() as f64 / looked_at.len().max(1) as f64
    };
    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    let mean = |of: &dyn Fn(&str) -> usize| {
        looked_at.iter().map(|text| of(text)).sum::<usize>() as f64 / looked_at.len().max(1) as f64
    };
    let words = words(column);
    let called = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count() * 10 >= text.len() * 6;
    let compact_dates = called(&["birth", "born", "dob", "birthday", "birthdate", "date"]);
    match kind {
        Kind::Boolean => return Sort::Class,
        Kind::Date => return Sort::Date,
        Kind::Number => return Sort::Measure,
        Kind::Integer | Kind::Text => {}
    }
    let is_written_date = |text: &str| is_date(text) && (compact_dates || text.contains('-'));
    if share(&is_written_date) >= 0.8 {
        return Sort::Date;
    }
    if share(&|text| text.contains('@')) >= 0.7 {
        return Sort::Email;
    }
    if called(&["postcode", "zip", "zipcode", "postal", "plz", "postleitzahl"])
        || (called(&["post"]) && called(&["code"]))
    {
        let british = share(&is_british_postcode) >= 0.5;
        return if british { Sort::BritishPostcode } else { Sort::Postcode };
    }
    if kind == Kind::Integer
        && called(&["age", "year", "price", "amount", "income", "salary", "height", "weight", "size", "quantity"])
    {
        return Sort::Measure;
    }
    if values.len() <= FEW && values.seen() > 4 * values.len() as u64 {
        return Sort::Class;
    }
    if kind == Kind::Integer || share(&digits) >= 0.6 {
        return if mean(&str::len) < 5.0 { Sort::ShortNumber } else { Sort::Identifier };
    }
    if mean(&|text| strings::tokens(text).len()) >= 5.0 || mean(&str::len) >= 40.0 {
        return Sort::FreeText;
    }
    Sort::Name
}

/// The words of a column's name, in lower case: `DateOfBirth` and `date_of_birth` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_lower = false;
    for letter in name.chars() {
        let starts = letter.is_uppercase() && before_lower;
        if !letter.is_alphanumeric() || starts {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before_lower = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_british_postcode(text: &str) -> bool {
    let letters: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let inward = letters.len().checked_sub(3).and_then(|at| letters.get(at..)).unwrap_or_default();
    (5..=7).contains(&letters.len())
        && letters.first().is_some_and(u8::is_ascii_alphabetic)
        && inward.iter().enumerate().all(|(at, byte)| byte.is_ascii_digit() == (at == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(column: &str, kind: Kind, texts: &[&str]) -> Sort {
        let mut values = Dictionary::default();
        for text in texts {
            values.code(text);
        }
        sort(column, kind, &values)
    }

    #[test]
    fn columns_of_people_are_told_apart() {
        assert_eq!(told("given_name", Kind::Text, &["michaela", "courtney"]), Sort::Name);
        assert_eq!(told("date_of_birth", Kind::Integer, &["19151111", "19161214"]), Sort::Date);
        assert_eq!(told("DateOfBirth", Kind::Text, &["19151111", "1916121"]), Sort::Identifier, "half are no dates");
        assert_eq!(told("seen", Kind::Text, &["1915-11-11", "1916-12-14"]), Sort::Date);
        assert_eq!(told("soc_sec_id", Kind::Integer, &["5304218", "4066625"]), Sort::Identifier);
        assert_eq!(told("phone", Kind::Text, &["+49 30 1234567", "030/1234567"]), Sort::Identifier);
        assert_eq!(told("street_number", Kind::Integer, &["8", "12", "130"]), Sort::ShortNumber);
        assert_eq!(told("postcode", Kind::Integer, &["4223", "4560"]), Sort::Postcode);
        assert_eq!(told("post_code", Kind::Text, &["sw1a 1aa", "n1 9gu"]), Sort::BritishPostcode);
        assert_eq!(told("contact", Kind::Text, &["a@x.org", "b@y.org"]), Sort::Email);
        assert_eq!(told("income", Kind::Integer, &["40000", "52000"]), Sort::Measure);
        assert_eq!(told("sex", Kind::Text, &["f", "m", "f", "m", "f", "m", "f", "f", "m"]), Sort::Class);
        assert_eq!(told("note", Kind::Text, &["the customer asked for a second letter"]), Sort::FreeText);
    }
}
