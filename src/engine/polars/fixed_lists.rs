//! Lists of a fixed length as a Parquet file declares them, before its reader believes it.
//!
//! Parquet knows lists of any length only. That all have the same one stands in a note of the writer's, the Arrow schema, and the
//! reader fills the rows that are null up to it: a few bytes can make it set aside any amount of memory, and a length of 0 ends it.

use parquet::file::metadata::ParquetMetaData;

use super::file_schema::refused;
use super::spill::value_bytes_with;
use crate::diagnostic::Class;
use crate::digits;
use crate::engine::EngineError;
use crate::expression::{DataType, Schema};

/// Elements of one value, lists within lists multiplied: four pictures of 2,048 by 2,048 points.
const LONGEST: u64 = 1 << 24;

/// Checks that no list has a length that cannot be read, and that the lists of one row group fit the memory, which the reader
/// holds at once.
///
/// Errors: of [`Class::Data`] for a length, of [`Class::Limit`] for the memory. Cost: the number of columns; where some are lists
/// of a fixed length, times the number of row groups.
pub(super) fn check(shown: &str, schema: &Schema, metadata: &ParquetMetaData, memory: u64) -> Result<(), EngineError> {
    for field in schema.fields().iter().filter(|field| holds(&field.data_type)) {
        let longest = longest(&field.data_type).filter(|elements| *elements <= LONGEST);
        if longest.is_none() {
            let known = refused(shown, &field.name, &field.data_type.to_string());
            return Err(known.help(format!(
                "lists of a fixed length have 1 to {} elements; convert the column with another program, or leave it out",
                digits::whole(LONGEST)
            )));
        }
        let row = value_bytes_with(&field.data_type, 0);
        for (at, group) in metadata.row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            let bytes = rows.saturating_mul(row);
            if bytes > memory {
                let message = format!(
                    "{shown}: column `{}` of type {} takes {} in row group {}, which is read at once",
                    field.name,
                    field.data_type,
                    digits::bytes(bytes),
                    at + 1
                );
                return Err(EngineError::new(Class::Limit, message)
                    .help("write the file with smaller row groups, or raise `--memory`"));
            }
        }
    }
    Ok(())
}

fn holds(data_type: &DataType) -> bool {
    match data_type {
        DataType::Array(..) => true,
        DataType::List(element) => holds(element),
        DataType::Struct(fields) => fields.iter().any(|field| holds(&field.data_type)),
        _ => false,
    }
}

/// Elements of the longest list of a fixed length within the type; none where one has no element, or more than can be counted.
fn longest(data_type: &DataType) -> Option<u64> {
    match data_type {
        DataType::Array(_, 0) => None,
        DataType::Array(element, size) => longest(element)?.checked_mul(u64::from(*size)),
        DataType::List(element) => longest(element),
        DataType::Struct(fields) => {
            fields.iter().try_fold(1, |most: u64, field| Some(most.max(longest(&field.data_type)?)))
        }
        _ => Some(1),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::expression::Field;

    fn array(element: DataType, size: u32) -> DataType {
        DataType::Array(Box::new(element), size)
    }

    #[test]
    fn lengths_multiply_where_lists_stand_in_lists() {
        let matrix = array(array(DataType::UInt8, 28), 28);
        assert_eq!(longest(&matrix), Some(784));
        assert_eq!(longest(&DataType::List(Box::new(matrix.clone()))), Some(784));
        let both = DataType::Struct(vec![Field::new("a", matrix), Field::new("b", array(DataType::String, 1000))]);
        assert_eq!(longest(&both), Some(1000));
    }

    #[test]
    fn a_length_of_nothing_or_beyond_counting_has_no_longest() {
        assert_eq!(longest(&array(DataType::UInt8, 0)), None);
        assert_eq!(longest(&array(array(DataType::UInt8, 0), 3)), None);
        let deep = array(array(array(DataType::UInt8, u32::MAX), u32::MAX), u32::MAX);
        assert_eq!(longest(&deep), None);
    }
}
