//! Conversions for DuckDB, which rounds floats and reads more texts as numbers than the language does.

use super::{EngineError, refuse, type_name};
use crate::expression::DataType;

/// `value`, already printed, of type `from`, as `to`.
///
/// Errors: pairs of types between which there is no conversion.
pub(super) fn cast(value: &str, from: &DataType, to: &DataType, strict: bool) -> Result<String, EngineError> {
    use DataType as T;
    let verb = if strict { "CAST" } else { "TRY_CAST" };
    let plain = |value: &str| format!("{verb}({value} AS {})", type_name(to));
    Ok(match (from, to) {
        (from, to) if type_name(from) == type_name(to) => value.to_owned(),
        // DuckDB rounds; the language drops the digits after the mark.
        (T::Float32 | T::Float64 | T::Decimal(..), to) if to.is_integer() => plain(&format!("trunc({value})")),
        // DuckDB also reads `5.7`, `1e3`, `0x1F` and spaces around.
        (T::String, to) if to.is_integer() => {
            let digits = format!("regexp_full_match({value}, '[+-]?[0-9]+')");
            let otherwise = if strict { format!(" ELSE error({value} || ' is no integer')") } else { String::new() };
            if strict {
                format!("CASE WHEN {value} IS NULL OR {digits} THEN {}{otherwise} END", plain(value))
            } else {
                format!("CASE WHEN {digits} THEN {} END", plain(value))
            }
        }
        // DuckDB has a time 24:00:00.
        (T::String, T::Time) => {
            let read = plain(value);
            let otherwise = if strict { format!(" ELSE error({value} || ' is no time')") } else { String::new() };
            let null = if strict { format!("{value} IS NULL OR ") } else { String::new() };
            format!("CASE WHEN {null}{read} < TIME '24:00:00' THEN {read}{otherwise} END")
        }
        (T::Array(from, _), T::List(_)) => {
            let list = T::List(from.clone());
            cast(&format!("CAST({value} AS {})", type_name(&list)), &list, to, strict)?
        }
        (T::List(from), T::List(to)) => {
            let element = cast("x", from, to, strict)?;
            if element == format!("{verb}(x AS {})", type_name(to)) {
                plain(value)
            } else {
                format!("list_transform({value}, lambda x: {element})")
            }
        }
        (T::Struct(_), _) | (_, T::Struct(_)) => return Err(refuse(format!("{from} cannot be cast to {to}"))),
        _ => plain(value),
    })
}
