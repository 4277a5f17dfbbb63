//! Frames as bytes: Arrow IPC, compressed with LZ4 as one block.
//!
//! The format can compress by itself, but does so buffer by buffer, each with a table and a checksum of its own: of frames as small
//! as the blocks of a sort that took more time than the rest. The bytes never leave the process, so they need no checksum.

use std::io::Cursor;

use polars::io::SerReader;
use polars::io::SerWriter;
use polars::io::ipc::{IpcReader, IpcWriter};
use polars::prelude as pl;

use super::super::error::guard;
use crate::engine::EngineError;

/// The frame as bytes. Texts are written without what their buffers hold besides.
pub(in crate::engine::polars) fn encode(frame: &mut pl::DataFrame) -> Result<Vec<u8>, EngineError> {
    guard("", || {
        let mut bytes = Vec::with_capacity(frame.estimated_size());
        IpcWriter::new(&mut bytes)
            .with_compression(None)
            .with_compat_level(pl::CompatLevel::newest())
            .with_parallel(false)
            .finish(frame)?;
        if bytes.len() > MOST_AT_ONCE {
            bytes.push(PLAIN);
            return Ok(bytes);
        }
        let mut packed = lz4::block::compress(&bytes, None, true)?;
        packed.push(PACKED);
        Ok(packed)
    })
}

/// The last byte says how the others are to be read.
const PLAIN: u8 = 0;
const PACKED: u8 = 1;

/// Bytes that are compressed at once; LZ4 takes no more than some 2 GiB, and whoever has values that large has no little memory.
const MOST_AT_ONCE: usize = 1 << 30;

/// The frame of these bytes.
pub(in crate::engine::polars) fn decode(bytes: &[u8]) -> Result<pl::DataFrame, EngineError> {
    guard("", || match bytes.split_last() {
        Some((&PACKED, packed)) => IpcReader::new(Cursor::new(lz4::block::decompress(packed, None)?)).finish(),
        Some((_, plain)) => IpcReader::new(Cursor::new(plain)).finish(),
        None => Ok(pl::DataFrame::default()),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use polars::df;
    use polars::prelude::{ChunkCompareEq, NamedFrom};

    use super::*;

    #[test]
    fn a_frame_survives() {
        let lists =
            pl::Series::new("l".into(), [pl::Series::new("".into(), [1_i64, 2]), pl::Series::new("".into(), [3_i64])]);
        let mut frame = df!["n" => [Some(1_i64), None], "s" => ["a", "a text that is longer than twelve bytes"], "x" => [0.5, f64::NAN]].unwrap();
        frame.with_column(lists.into()).unwrap();
        let pairs = [pl::Series::new("".into(), [Some(1_u8), None]), pl::Series::new("".into(), [Some(3_u8), Some(4)])];
        let pairs =
            pl::Series::new("a".into(), pairs).cast(&pl::DataType::Array(pl::DataType::UInt8.into(), 2)).unwrap();
        frame.with_column(pairs.into()).unwrap();
        let back = decode(&encode(&mut frame).unwrap()).unwrap();
        assert!(back.equals_missing(&frame));
        assert_eq!(back.schema(), frame.schema());
    }

    #[test]
    fn a_few_texts_out_of_many_take_little_room() {
        let many: Vec<String> =
            (0..20_000).map(|i| format!("a text that is longer than twelve bytes {}", i * 7919)).collect();
        let frame = df!["s" => many].unwrap();
        let mask = frame.column("s").unwrap().str().unwrap().equal("a text that is longer than twelve bytes 7919");
        let mut few = frame.filter(&mask).unwrap();
        assert!(encode(&mut few).unwrap().len() < 4096);
    }
}
