//! The texts of a table as sets of shingles with their keys of bands, each text once, in memory or beyond it in a file.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::Int64Type;
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::Xxh3;

use super::{KEY, Search};
use crate::batch;
use crate::diagnostic::{Class, Diagnostic};
use crate::engine::EngineError;
use crate::memory::{DiskBudget, DiskShare, MemoryManager, Reservation};
use crate::relation::{NamedExpr, Relation};
use crate::similarity::lsh::{BandKeys, Sets};
use crate::similarity::minhash::Sketcher;
use crate::similarity::shingles::Shingler;
use crate::stages::work::WorkContext;

/// Sets of a block of keys.
const BLOCK: usize = 1 << 16;
/// Hashes of a block of sets.
const HASHES: usize = 1 << 20;
/// Bytes that a text takes beside its set and its keys: two hash tables, its place, its rows, its cluster.
const OVERHEAD: u64 = 96;
/// Bytes of texts that are kept as examples.
const EXAMPLES: usize = 4 << 20;
/// Characters of an example.
const SHOWN: usize = 240;
/// Rows that one thread takes at a time.
const AT_A_TIME: usize = 512;
const SEED: u64 = 0x6772_6973_746d_696c;

/// The texts of a table.
pub(super) struct Texts {
    /// The hash of each text, in the order in which texts came.
    pub(super) keys: Vec<i64>,
    /// Rows with that text.
    pub(super) rows: Vec<u32>,
    /// The set of each text; [`u32::MAX`] without words.
    pub(super) sets: Vec<u32>,
    /// The sets and their keys.
    pub(super) store: Store,
    /// Examples by text. Similar texts tend to be kept together, because the key of their first band decides.
    pub(super) examples: FxHashMap<u32, String>,
}

/// Distinct sets with their keys.
pub(super) struct Store {
    bands: usize,
    spill: Spill,
    hashes: Vec<Block<u64>>,
    /// Block and offset of each set, and its size.
    places: Vec<(u32, u32, u32)>,
    keys: Vec<Block<u32>>,
    /// Band by band, the keys of the sets that fill no block yet.
    open: Vec<Vec<u32>>,
}

enum Block<T> {
    Memory(Vec<T>),
    /// Offset and length in the file.
    File(u64, usize),
}

/// What one row gives.
struct Made {
    text: u32,
    set: Vec<u64>,
    fingerprint: u128,
    keys: Vec<u32>,
    example: String,
}

impl Texts {
    /// Reads the texts of all rows.
    ///
    /// Errors: of class [`Class::Limit`] when there are more distinct texts than memory for them.
    pub(super) fn read(
        search: &Search,
        rows: &std::sync::Arc<Relation>,
        context: &WorkContext<'_>,
    ) -> Result<Self, Diagnostic> {
        let mut columns = vec![NamedExpr { name: KEY.to_owned(), expr: search.key() }];
        columns
            .extend(search.columns.iter().map(|(name, text, _)| NamedExpr { name: name.clone(), expr: text.clone() }));
        let relation = Relation::Project { input: rows.clone(), columns };
        let budget = context.memory / 4;
        let mut reader = Reader {
            search,
            texts: Self {
                keys: Vec::new(),
                rows: Vec::new(),
                sets: Vec::new(),
                store: Store::new(search.banding.bands, Spill::new(context.scratch, budget)),
                examples: FxHashMap::default(),
            },
            by_key: FxHashMap::default(),
            by_set: FxHashMap::default(),
            kept_bytes: 0,
            kept_below: u32::MAX,
            // Texts themselves take half of the memory at most.
            most: context.memory / 2 / OVERHEAD,
        };
        context.stream(&relation, &mut |batch| {
            reader.add(&batch)?;
            Ok(true)
        })?;
        Ok(reader.texts)
    }
}

struct Reader<'a> {
    search: &'a Search,
    texts: Texts,
    by_key: FxHashMap<i64, u32>,
    by_set: FxHashMap<u128, u32>,
    kept_bytes: usize,
    /// Only texts whose first key is not above this are kept as examples.
    kept_below: u32,
    most: u64,
}

impl Reader<'_> {
    fn add(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        let Some(keys) = batch::column(batch, KEY).and_then(|keys| keys.as_primitive_opt::<Int64Type>()) else {
            return Err(EngineError::new(Class::Stage, "the texts came without their hash"));
        };
        let columns: Vec<(&StringViewArray, u32)> = self
            .search
            .columns
            .iter()
            .filter_map(|(name, _, weight)| Some((batch::column(batch, name)?.as_string_view_opt()?, *weight)))
            .collect();
        let mut new = Vec::new();
        for (row, key) in keys.values().iter().enumerate() {
            if let Some(&text) = self.by_key.get(key) {
                if let Some(rows) = self.texts.rows.get_mut(text as usize) {
                    *rows = rows.saturating_add(1);
                }
                continue;
            }
            let text = u32::try_from(self.texts.keys.len()).unwrap_or(u32::MAX);
            if u64::from(text) >= self.most.min(u64::from(u32::MAX)) {
                let message = format!("more than {text} different texts do not fit the memory of this run");
                let help = "give it more with `--memory`, or leave equal texts out with a `dedupe` before this one";
                return Err(EngineError::new(Class::Limit, message).help(help));
            }
            self.by_key.insert(*key, text);
            self.texts.keys.push(*key);
            self.texts.rows.push(1);
            self.texts.sets.push(u32::MAX);
            new.push((row, text));
        }
        let kept_below = self.kept_below;
        let made: Vec<Vec<Made>> =
            new.par_chunks(AT_A_TIME).map(|rows| make(self.search, rows, &columns, kept_below)).collect();
        for made in made.into_iter().flatten() {
            self.keep(made)?;
        }
        Ok(())
    }

    fn keep(&mut self, made: Made) -> Result<(), EngineError> {
        if made.set.is_empty() {
            return Ok(());
        }
        let set = match self.by_set.get(&made.fingerprint) {
            Some(&set) => set,
            None => {
                let set = self.texts.store.push(&made.set, &made.keys)?;
                self.by_set.insert(made.fingerprint, set);
                set
            }
        };
        if let Some(own) = self.texts.sets.get_mut(made.text as usize) {
            *own = set;
        }
        let key = made.keys.first().copied().unwrap_or(u32::MAX);
        if key <= self.kept_below && !made.example.is_empty() {
            self.kept_bytes += made.example.len();
            self.texts.examples.insert(made.text, made.example);
            while self.kept_bytes > EXAMPLES && self.kept_below > 0 {
                self.kept_below /= 2;
                let (sets, store, below) = (&self.texts.sets, &self.texts.store, self.kept_below);
                let mut failed = None;
                self.texts.examples.retain(|text, _| {
                    let set = sets.get(*text as usize).copied().unwrap_or(u32::MAX);
                    match store.first_key(set) {
                        Ok(key) => key <= below,
                        Err(error) => {
                            failed = Some(error);
                            false
                        }
                    }
                });
                if let Some(error) = failed {
                    return Err(unreadable(&error));
                }
                self.kept_bytes = self.texts.examples.values().map(String::len).sum();
            }
        }
        Ok(())
    }
}

/// Sets and keys of some rows.
fn make(search: &Search, rows: &[(usize, u32)], columns: &[(&StringViewArray, u32)], kept_below: u32) -> Vec<Made> {
    let mut shingler = Shingler::new(search.shingle);
    let mut sketcher = Sketcher::new(search.banding.slots(), SEED);
    let mut sketch = Vec::new();
    let text = |column: &StringViewArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
    rows.iter()
        .map(|&(row, number)| {
            shingler.clear();
            for (field, (column, weight)) in (0..).zip(columns) {
                if column.is_valid(row) {
                    shingler.add(column.value(row), field, *weight);
                }
            }
            let set = shingler.finish();
            let keys: Vec<u32> =
                if sketcher.sketch(set, &mut sketch) { search.banding.keys(&sketch).collect() } else { Vec::new() };
            let kept = keys.first().is_some_and(|key| *key <= kept_below);
            let example = || {
                let texts: Vec<String> = columns.iter().filter_map(|(column, _)| text(column, row)).collect();
                let whole = texts.join(" | ");
                let mut short: String = whole.chars().take(SHOWN).collect();
                if short.len() < whole.len() {
                    short.push('…');
                }
                short
            };
            Made {
                text: number,
                fingerprint: fingerprint(set),
                set: set.to_vec(),
                keys,
                example: if kept { example() } else { String::new() },
            }
        })
        .collect()
}

/// 128 bits by which a set is known: two different sets of a billion share them with probability 10^-21.
fn fingerprint(set: &[u64]) -> u128 {
    let mut hasher = Xxh3::new();
    for hash in set {
        hasher.update(&hash.to_le_bytes());
    }
    hasher.digest128()
}

fn unwritable(error: &io::Error) -> EngineError {
    let class = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Class::Limit,
        _ => Class::Output,
    };
    EngineError::new(class, format!("cannot keep the sets of shingles in a file: {error}"))
}

fn unreadable(error: &io::Error) -> EngineError {
    EngineError::new(Class::Output, format!("cannot read the sets of shingles again: {error}"))
}

impl Store {
    fn new(bands: usize, spill: Spill) -> Self {
        Self { bands, spill, hashes: Vec::new(), places: Vec::new(), keys: Vec::new(), open: vec![Vec::new(); bands] }
    }

    /// Bytes that lie in a file.
    pub(super) fn spilled(&self) -> u64 {
        self.spill.written
    }

    fn push(&mut self, set: &[u64], keys: &[u32]) -> Result<u32, EngineError> {
        let number = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let fits = |block: &Block<u64>| matches!(block, Block::Memory(hashes) if hashes.len() + set.len() <= HASHES);
        if !self.hashes.last().is_some_and(fits) {
            if let Some(full) = self.hashes.last_mut() {
                self.spill.put(full)?;
            }
            self.hashes.push(Block::Memory(Vec::with_capacity(set.len().max(HASHES.min(1 << 14)))));
        }
        let block = u32::try_from(self.hashes.len() - 1).unwrap_or(u32::MAX);
        if let Some(Block::Memory(hashes)) = self.hashes.last_mut() {
            let offset = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
            hashes.extend_from_slice(set);
            self.places.push((block, offset, u32::try_from(set.len()).unwrap_or(u32::MAX)));
        }
        for (band, key) in self.open.iter_mut().zip(keys) {
            band.push(*key);
        }
        if self.open.first().is_some_and(|band| band.len() == BLOCK) {
            let mut block = Block::Memory(self.open.concat());
            self.open.iter_mut().for_each(Vec::clear);
            self.spill.put(&mut block)?;
            self.keys.push(block);
        }
        Ok(number)
    }

    fn first_key(&self, set: u32) -> io::Result<u32> {
        let (block, offset) = (set as usize / BLOCK, set as usize % BLOCK);
        match self.keys.get(block) {
            Some(block) => Ok(self.spill.get(block, offset, 1)?.first().copied().unwrap_or(u32::MAX)),
            None => Ok(self.open.first().and_then(|band| band.get(offset)).copied().unwrap_or(u32::MAX)),
        }
    }
}

impl BandKeys for Store {
    type Error = io::Error;

    fn column(&self, band: usize, keys: &mut Vec<u32>) -> io::Result<()> {
        for block in &self.keys {
            keys.extend_from_slice(&self.spill.get(block, band * BLOCK, BLOCK)?);
        }
        if let Some(open) = self.open.get(band).filter(|_| band < self.bands) {
            keys.extend_from_slice(open);
        }
        Ok(())
    }
}

impl Sets for Store {
    type Error = io::Error;

    fn len(&self) -> usize {
        self.places.len()
    }

    fn size(&self, set: u32) -> usize {
        self.places.get(set as usize).map_or(0, |(.., size)| *size as usize)
    }

    fn get(&self, set: u32) -> io::Result<Cow<'_, [u64]>> {
        let Some(&(block, offset, size)) = self.places.get(set as usize) else { return Ok(Cow::Borrowed(&[])) };
        match self.hashes.get(block as usize) {
            Some(block) => self.spill.get(block, offset as usize, size as usize),
            None => Ok(Cow::Borrowed(&[])),
        }
    }
}

/// Where blocks go when they take more memory than there is for them.
struct Spill {
    folder: std::path::PathBuf,
    file: Option<(File, DiskShare)>,
    written: u64,
    held: u64,
    budget: u64,
    memory: Reservation,
}

/// Whole numbers as bytes.
trait Number: Copy + Default {
    const SIZE: usize;
    fn put(self, bytes: &mut Vec<u8>);
    fn read(bytes: &[u8]) -> Self;
}

impl Number for u32 {
    const SIZE: usize = 4;
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
    fn read(bytes: &[u8]) -> Self {
        bytes.try_into().map(Self::from_le_bytes).unwrap_or_default()
    }
}

impl Number for u64 {
    const SIZE: usize = 8;
    fn put(self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.to_le_bytes());
    }
    fn read(bytes: &[u8]) -> Self {
        bytes.try_into().map(Self::from_le_bytes).unwrap_or_default()
    }
}

impl Spill {
    fn new(folder: &Path, budget: u64) -> Self {
        let memory = MemoryManager::process().reserve("near duplicates");
        Self { folder: folder.to_path_buf(), file: None, written: 0, held: 0, budget, memory }
    }

    /// Counts a block that is full, and moves it to the file when memory is used up.
    fn put<T: Number>(&mut self, block: &mut Block<T>) -> Result<(), EngineError> {
        let Block::Memory(numbers) = block else { return Ok(()) };
        let bytes = (numbers.len() * T::SIZE) as u64;
        if self.held + bytes <= self.budget && self.memory.try_grow(bytes).is_ok() {
            self.held += bytes;
            return Ok(());
        }
        let taken = match &mut self.file {
            Some((_, share)) => share.grow(bytes),
            None => match DiskBudget::process().take("sets of shingles", bytes) {
                Ok(share) => {
                    let file = tempfile::tempfile_in(&self.folder).map_err(|error| unwritable(&error))?;
                    self.file = Some((file, share));
                    Ok(())
                }
                Err(full) => Err(full),
            },
        };
        taken.map_err(|full| {
            let found = Diagnostic::from(full);
            EngineError { class: found.class, message: found.message, help: found.help }
        })?;
        let mut content = Vec::with_capacity(numbers.len() * T::SIZE);
        numbers.iter().for_each(|number| number.put(&mut content));
        if let Some((file, _)) = &self.file {
            write_at(file, &content, self.written).map_err(|error| unwritable(&error))?;
        }
        let length = numbers.len();
        *block = Block::File(self.written, length);
        self.written += bytes;
        Ok(())
    }

    fn get<'a, T: Number>(&self, block: &'a Block<T>, offset: usize, length: usize) -> io::Result<Cow<'a, [T]>>
    where
        [T]: ToOwned<Owned = Vec<T>>,
    {
        match block {
            Block::Memory(numbers) => Ok(Cow::Borrowed(numbers.get(offset..offset + length).unwrap_or_default())),
            Block::File(at, numbers) => {
                let length = length.min(numbers.saturating_sub(offset));
                let mut content = vec![0; length * T::SIZE];
                if let Some((file, _)) = &self.file {
                    read_at(file, &mut content, at + (offset * T::SIZE) as u64)?;
                }
                Ok(Cow::Owned(content.chunks_exact(T::SIZE).map(T::read).collect()))
            }
        }
    }
}

fn write_at(file: &File, content: &[u8], offset: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    file.write_all_at(content, offset)
}

fn read_at(file: &File, content: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    file.read_exact_at(content, offset)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_keys_beyond_the_budget_come_back_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        for budget in [0, 3 << 20, u64::MAX] {
            let mut store = Store::new(3, Spill::new(folder.path(), budget));
            let set = |number: u64| (0..number % 40).map(|i| number * 1000 + i).collect::<Vec<u64>>();
            let keys = |number: u64| [number as u32, number as u32 + 1, number as u32 * 2];
            let count = 150_000;
            for number in 0..count {
                assert_eq!(u64::from(store.push(&set(number), &keys(number)).unwrap()), number);
            }
            assert_eq!(store.spilled() > 0, budget < 10 << 20);
            for number in (0..count).step_by(977) {
                assert_eq!(*store.get(number as u32).unwrap(), *set(number));
                assert_eq!(store.size(number as u32) as u64, number % 40);
                assert_eq!(u64::from(store.first_key(number as u32).unwrap()), number);
            }
            let mut column = Vec::new();
            store.column(2, &mut column).unwrap();
            assert!(column.iter().zip(0..count).all(|(key, number)| u64::from(*key) == number * 2));
            assert_eq!(column.len() as u64, count);
        }
    }
}
