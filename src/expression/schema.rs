//! The columns of a table.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DataType, Field};

/// The columns of a table in order. Names are unique.
///
/// A copy costs nothing: copies share their columns. A name is found by its hash, so the width of a table does not matter.
#[derive(Clone, Default)]
pub struct Schema {
    columns: Arc<Columns>,
}

#[derive(Default)]
struct Columns {
    fields: Vec<Field>,
    places: Places,
}

impl Schema {
    /// A schema of these columns.
    ///
    /// Errors: the first name that occurs twice.
    pub fn new(fields: Vec<Field>) -> Result<Self, String> {
        let (places, twice) = Places::of(&fields);
        match twice.first().and_then(|at| fields.get(*at)) {
            Some(field) => Err(field.name.clone()),
            None => Ok(Self { columns: Arc::new(Columns { fields, places }) }),
        }
    }

    /// A schema of these columns; of those of one name it has the first.
    pub fn of_first(mut fields: Vec<Field>) -> Self {
        let (mut places, twice) = Places::of(&fields);
        if !twice.is_empty() {
            let mut twice = twice.into_iter().peekable();
            let mut at = 0;
            fields.retain(|_| {
                let again = twice.next_if_eq(&at).is_some();
                at += 1;
                !again
            });
            (places, _) = Places::of(&fields);
        }
        Self { columns: Arc::new(Columns { fields, places }) }
    }

    /// The columns in order.
    pub fn fields(&self) -> &[Field] {
        &self.columns.fields
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields().iter().map(|field| field.name.as_str())
    }

    /// The column of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields().get(self.position(name)?)
    }

    /// The place of the column of that name, from 0.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.places.find(name, self.fields())
    }

    /// The type of the column of that name.
    pub fn data_type(&self, name: &str) -> Option<&DataType> {
        self.field(name).map(|field| &field.data_type)
    }

    /// Whether a column has that name.
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.fields().len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.columns, &other.columns) || self.fields() == other.fields()
    }
}

impl Eq for Schema {}

impl Hash for Schema {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fields().hash(state);
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("fields", &self.fields()).finish()
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?)
            .map_err(|name| serde::de::Error::custom(format!("two columns are named `{name}`")))
    }
}

/// Columns up to which a name is sooner compared with all than hashed.
const FEW: usize = 8;

/// Where a name stands, by the hash of the name: of few columns nothing is kept. Names come from files, so the hash is keyed.
#[derive(Default)]
struct Places {
    by_hash: HashMap<u64, usize, BuildHasherDefault<AsItIs>>,
    /// Two names have one hash, so that a name may stand elsewhere than its hash says.
    clash: bool,
}

static HASH: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Places {
    /// The places of the fields, and of the fields whose name another has before them.
    fn of(fields: &[Field]) -> (Self, Vec<usize>) {
        let mut places = Self::default();
        let mut twice = Vec::new();
        let before = |at: usize, name: &str| fields.iter().take(at).any(|field| field.name == name);
        if fields.len() <= FEW {
            twice.extend(fields.iter().enumerate().filter(|(at, field)| before(*at, &field.name)).map(|(at, _)| at));
            return (places, twice);
        }
        places.by_hash.reserve(fields.len());
        for (at, field) in fields.iter().enumerate() {
            let first = *places.by_hash.entry(HASH.hash_one(field.name.as_str())).or_insert(at);
            if first == at {
                continue;
            }
            let clash = fields.get(first).is_none_or(|first| first.name != field.name);
            places.clash |= clash;
            if !clash || before(at, &field.name) {
                twice.push(at);
            }
        }
        (places, twice)
    }

    fn find(&self, name: &str, fields: &[Field]) -> Option<usize> {
        let one_by_one = || fields.iter().position(|field| field.name == name);
        if fields.len() <= FEW {
            return one_by_one();
        }
        let at = *self.by_hash.get(&HASH.hash_one(name))?;
        match fields.get(at) {
            Some(field) if field.name == name => Some(at),
            _ if self.clash => one_by_one(),
            _ => None,
        }
    }
}

/// What is hashed is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fields(names: &[&str]) -> Vec<Field> {
        names.iter().map(|name| Field::new(*name, DataType::Int64)).collect()
    }

    #[test]
    fn names_are_found_in_narrow_and_in_wide_tables() {
        for width in [0, 1, FEW, FEW + 1, 1000] {
            let names: Vec<String> = (0..width).map(|at| format!("c{at}")).collect();
            let schema = Schema::new(names.iter().map(|name| Field::new(name, DataType::Int64)).collect()).unwrap();
            for (at, name) in names.iter().enumerate() {
                assert_eq!(schema.position(name), Some(at));
            }
            assert!(!schema.contains("x") && !schema.contains(""));
            assert_eq!(schema.len(), width);
        }
    }

    #[test]
    fn the_first_name_that_comes_again_is_told_or_left_out() {
        let narrow = ["a", "b", "a", "c", "b"];
        let wide = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "c", "a", "c", "j"];
        assert_eq!(Schema::new(fields(&narrow)).unwrap_err(), "a");
        assert_eq!(Schema::new(fields(&wide)).unwrap_err(), "c");
        assert_eq!(Schema::of_first(fields(&narrow)).names().collect::<Vec<_>>(), ["a", "b", "c"]);
        let first = Schema::of_first(fields(&wide));
        assert_eq!(first.names().collect::<Vec<_>>(), ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]);
        assert_eq!(first.position("j"), Some(9));
    }

    #[test]
    fn a_name_is_found_though_another_has_its_hash() {
        let fields = fields(&["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
        let (mut places, _) = Places::of(&fields);
        // As if `b` had the hash of `i`.
        places.by_hash.insert(HASH.hash_one("i"), 1);
        places.clash = true;
        assert_eq!(places.find("i", &fields), Some(8));
        assert_eq!(places.find("b", &fields), Some(1));
        assert_eq!(places.find("x", &fields), None);
    }

    #[test]
    fn a_schema_is_read_as_it_was_written_and_not_with_a_name_twice() {
        let schema = Schema::new(fields(&["a", "b"])).unwrap();
        let text = serde_json::to_string(&schema).unwrap();
        assert_eq!(text, r#"[{"name":"a","data_type":"int64"},{"name":"b","data_type":"int64"}]"#);
        assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
        assert!(serde_json::from_str::<Schema>(&text.replace("\"b\"", "\"a\"")).is_err());
    }
}
