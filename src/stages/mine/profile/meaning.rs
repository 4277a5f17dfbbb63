//! What the values of a column mean, told from its type, its values and, last, its name.

use super::column::{Column, Held};
use super::document::{ColumnProfile, Meaning, NumberProfile, TextProfile, share};
use crate::expression::DataType;
use crate::notation::{Holds, Verdict};

/// The share of the texts that must have a form before the column is said to have it.
const MOST: f64 = 0.9;
/// Different values of a category at most.
const CATEGORIES: u64 = 100;

/// The meaning of a column, and the reason in a few words.
pub(super) fn of(column: &Column, profile: &ColumnProfile, verdict: Option<&Verdict>) -> (Meaning, String) {
    let say = |meaning: Meaning, because: &str| (meaning, because.to_owned());
    if matches!(column.values, Held::Opaque) && profile.values() > 0 {
        return say(Meaning::Opaque, "its type holds no single values");
    }
    if profile.values() == 0 {
        return say(Meaning::Empty, "it holds nothing but nulls");
    }
    if profile.distinct.exact && profile.distinct.count == 1 && profile.values() > 1 {
        return say(Meaning::Constant, "all values are the same");
    }
    match &column.field.data_type {
        DataType::Boolean => return say(Meaning::Boolean, "its type"),
        DataType::Date => return say(Meaning::Date, "its type"),
        DataType::Datetime(_) => return say(Meaning::Datetime, "its type"),
        DataType::Time => return say(Meaning::Time, "its type"),
        DataType::Duration | DataType::Interval => return say(Meaning::Duration, "its type"),
        _ => {}
    }
    match (&profile.numbers, &profile.texts, verdict) {
        (Some(numbers), ..) => of_numbers(column, profile, numbers),
        (_, Some(texts), Some(verdict)) => of_texts(column, profile, texts, verdict),
        _ => say(Meaning::Opaque, "its type"),
    }
}

/// Whether no value came twice, of those that were compared.
pub(super) fn is_unique(column: &Column) -> bool {
    column.nulls == 0 && column.unique.as_ref().is_some_and(|unique| unique.seen() > 1 && unique.repeated() == 0)
}

/// The words of a name: `userId`, `user_id` and `USER ID` have the words `user` and `id`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in name.chars() {
        let begins = before.is_lowercase() && character.is_uppercase();
        if begins || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if character.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(character.to_lowercase()));
        }
        before = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn of_numbers(column: &Column, profile: &ColumnProfile, numbers: &NumberProfile) -> (Meaning, String) {
    let name = words(&column.field.name);
    let named = |known: &[&str]| name.iter().any(|word| known.contains(&word.as_str()));
    let ends = |known: &[&str]| {
        name.last()
            .is_some_and(|word| known.iter().any(|known| word == known || (known.len() > 2 && word.ends_with(known))))
    };
    let within =
        |low: f64, high: f64| numbers.min.is_some_and(|min| min >= low) && numbers.max.is_some_and(|max| max <= high);
    let whole = column.field.data_type.is_integer();
    if named(&["lat", "latitude"]) && within(-90.0, 90.0) {
        return (Meaning::Latitude, "its name, and all values lie from -90 to 90".to_owned());
    }
    if named(&["lon", "lng", "long", "longitude"]) && within(-180.0, 180.0) {
        return (Meaning::Longitude, "its name, and all values lie from -180 to 180".to_owned());
    }
    if !whole {
        return (Meaning::Number, "its type".to_owned());
    }
    if named(&["year", "yr", "jahr"]) && within(1_000.0, 2_999.0) {
        return (Meaning::Year, "its name, and all values are years".to_owned());
    }
    if is_unique(column)
        && profile.rows >= 20
        && (ends(&["id", "key", "no", "nr", "number", "index"]) || numbers.order.is_some())
    {
        return (Meaning::Id, "no value comes twice".to_owned());
    }
    if ends(&["id", "key"]) && name.len() + column.field.name.len() > 3 {
        return (Meaning::Id, "its name".to_owned());
    }
    let few = profile.distinct.count <= 20 && profile.values() >= 10 * profile.distinct.count;
    if few {
        return (Meaning::Category, format!("{} whole numbers that come often", profile.distinct.count));
    }
    (Meaning::Integer, "its type".to_owned())
}

fn of_texts(column: &Column, profile: &ColumnProfile, texts: &TextProfile, verdict: &Verdict) -> (Meaning, String) {
    let values = profile.values() - texts.classes.blank;
    let of_kind =
        |kind: &str| share(texts.kinds.iter().find(|(known, _)| known == kind).map_or(0, |(_, count)| *count), values);
    let forms = [
        ("email", Meaning::Email),
        ("url", Meaning::Url),
        ("uuid", Meaning::Id),
        ("digest", Meaning::Id),
        ("ip", Meaning::IpAddress),
        ("phone", Meaning::Phone),
        ("json", Meaning::Json),
        ("path", Meaning::Path),
    ];
    if let Some((kind, meaning)) = forms.iter().find(|(kind, _)| of_kind(kind) >= MOST) {
        return (*meaning, format!("{} of the values have the form `{kind}`", percent(of_kind(kind))));
    }
    match &verdict.holds {
        Holds::Numbers(_) => return (Meaning::NumbersAsText, verdict.because.clone()),
        Holds::Days(_) => return (Meaning::DatesAsText, verdict.because.clone()),
        Holds::Boolean { .. } => return (Meaning::BooleansAsText, verdict.because.clone()),
        Holds::Nothing => return (Meaning::Empty, verdict.because.clone()),
        Holds::Text => {}
    }
    let distinct = profile.distinct.count;
    let rare = share(distinct, values);
    if distinct <= CATEGORIES && rare <= 0.2 {
        return (Meaning::Category, format!("{distinct} texts that come often"));
    }
    if is_unique(column) && profile.rows >= 20 && texts.mean_words <= 1.05 && texts.longest <= 64 {
        return (Meaning::Id, "single words of which none comes twice".to_owned());
    }
    if of_kind("code") >= MOST {
        return (Meaning::Code, "short texts of capitals and digits".to_owned());
    }
    if texts.mean_words >= 4.0 && rare > 0.2 {
        return (Meaning::FreeText, format!("{:.1} words on average", texts.mean_words));
    }
    (Meaning::Name, "short texts".to_owned())
}

fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        assert_eq!(words("userId"), ["user", "id"]);
        assert_eq!(words("dep_delay (min)"), ["dep", "delay", "min"]);
        assert_eq!(words("LAT"), ["lat"]);
    }
}
