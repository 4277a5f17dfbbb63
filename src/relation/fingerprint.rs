//! A short name for what a relation means.

use super::Relation;

impl Relation {
    /// 32 hexadecimal digits that two relations share only when they mean the same rows: taps and places are left out, the
    /// state of scanned files is in.
    pub fn fingerprint(&self) -> String {
        let meaning = serde_json::to_vec(&self.without_taps()).unwrap_or_default();
        blake3::hash(&meaning).to_hex().chars().take(32).collect()
    }
}
