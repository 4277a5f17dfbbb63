//! Thrift's compact protocol, as far as Parquet uses it: read without trusting any length in it.
//!
//! Nothing is copied or set aside for later, so a declared length can cost nothing but the bytes that are really there.
//!
//! Source: Apache Thrift, "Thrift Compact protocol encoding" (thrift-compact-protocol.md).

/// What cannot be read; the reader of the file says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Malformed {
    /// The bytes end too early.
    Short,
    /// They are no Thrift, or are nested deeper than any metadata.
    Wrong,
}

/// Types of fields and elements.
pub(super) mod kind {
    pub(in super::super) const TRUE: u8 = 1;
    pub(in super::super) const FALSE: u8 = 2;
    pub(in super::super) const BYTE: u8 = 3;
    pub(in super::super) const I32: u8 = 5;
    pub(in super::super) const I64: u8 = 6;
    pub(in super::super) const DOUBLE: u8 = 7;
    pub(in super::super) const BINARY: u8 = 8;
    pub(in super::super) const LIST: u8 = 9;
    pub(in super::super) const SET: u8 = 10;
    pub(in super::super) const MAP: u8 = 11;
    pub(in super::super) const STRUCT: u8 = 12;
    pub(in super::super) const UUID: u8 = 13;
}

/// Structs within each other that are followed.
const DEEPEST: usize = 32;

/// Reads one value after the other.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes that were not read yet.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(*first)
    }

    fn unsigned(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for place in 0..10 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * place).min(63);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed::Wrong)
    }

    /// A signed number of any width.
    pub(super) fn integer(&mut self) -> Result<i64, Malformed> {
        let zigzag = self.unsigned()?;
        Ok((zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed()))
    }

    fn pass(&mut self, bytes: u64) -> Result<&'a [u8], Malformed> {
        let bytes = usize::try_from(bytes).map_err(|_| Malformed::Short)?;
        let (passed, rest) = self.rest.split_at_checked(bytes).ok_or(Malformed::Short)?;
        self.rest = rest;
        Ok(passed)
    }

    /// A text or other bytes.
    pub(super) fn binary(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.unsigned()?;
        self.pass(length)
    }

    /// The head of a list: the type of its elements and their number, each of which takes a byte at least.
    pub(super) fn list(&mut self) -> Result<(u8, usize), Malformed> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.unsigned()?,
            short => u64::from(short),
        };
        match usize::try_from(length) {
            Ok(length) if length <= self.rest.len() => Ok((head & 0x0f, length)),
            _ => Err(Malformed::Short),
        }
    }

    /// Hands each field of a struct to `visit`, which reads its value and answers `true`, or leaves it and answers `false`.
    pub(super) fn fields(
        &mut self,
        visit: &mut dyn FnMut(i64, u8, &mut Self) -> Result<bool, Malformed>,
    ) -> Result<(), Malformed> {
        let mut last = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            last = match head >> 4 {
                0 => self.integer()?,
                delta => last + i64::from(delta),
            };
            if !visit(last, head & 0x0f, self)? {
                self.skip(head & 0x0f, DEEPEST)?;
            }
        }
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed::Wrong)?;
        match kind {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.byte().map(drop),
            4 | kind::I32 | kind::I64 => self.unsigned().map(drop),
            kind::DOUBLE => self.pass(8).map(drop),
            kind::UUID => self.pass(16).map(drop),
            kind::BINARY => self.binary().map(drop),
            kind::LIST | kind::SET => {
                let (element, length) = self.list()?;
                (0..length).try_for_each(|_| self.element(element, depth))
            }
            kind::MAP => {
                let length = self.unsigned()?;
                if length == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                if length > self.rest.len() as u64 {
                    return Err(Malformed::Short);
                }
                (0..length).try_for_each(|_| {
                    self.element(kinds >> 4, depth)?;
                    self.element(kinds & 0x0f, depth)
                })
            }
            kind::STRUCT => {
                let mut last = 0;
                loop {
                    let head = self.byte()?;
                    if head == 0 {
                        return Ok(());
                    }
                    last = if head >> 4 == 0 { self.integer()? } else { last + i64::from(head >> 4) };
                    self.skip(head & 0x0f, depth)?;
                }
            }
            _ => Err(Malformed::Wrong),
        }
    }

    /// An element of a list; there a truth value takes a byte.
    fn element(&mut self, kind: u8, depth: usize) -> Result<(), Malformed> {
        match kind {
            kind::TRUE | kind::FALSE => self.byte().map(drop),
            kind => self.skip(kind, depth),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_zigzag_and_fields_count_on() {
        // Field 1 (i32) is -3, field 2 (binary) is "ab", field 20 (i64, written in full) is 150.
        let bytes = [0x15, 5, 0x18, 2, b'a', b'b', 0x06, 40, 0xac, 0x02, 0];
        let (mut found, mut text) = (Vec::new(), Vec::new());
        let visit = &mut |field, kind, reader: &mut Reader<'_>| {
            match kind {
                kind::I32 | kind::I64 => found.push((field, reader.integer()?)),
                kind::BINARY => text.extend_from_slice(reader.binary()?),
                _ => return Ok(false),
            }
            Ok(true)
        };
        let mut reader = Reader::new(&bytes);
        reader.fields(visit).unwrap();
        assert_eq!(
            (found.as_slice(), text.as_slice(), reader.left()),
            ([(1, -3), (20, 150)].as_slice(), &b"ab"[..], 0)
        );
    }

    #[test]
    fn lengths_beyond_the_bytes_and_deep_structs_are_refused() {
        // A list of structs that claims 2^28 of them.
        let bytes = [0x19, 0xfc, 0xff, 0xff, 0xff, 0x7f, 0];
        let refused = Reader::new(&bytes).fields(&mut |_, _, _| Ok(false));
        assert_eq!(refused, Err(Malformed::Short));
        let deep = vec![0x1c; 1000];
        assert_eq!(Reader::new(&deep).fields(&mut |_, _, _| Ok(false)), Err(Malformed::Wrong));
        let endless = [0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(Reader::new(&endless).fields(&mut |_, _, _| Ok(false)), Err(Malformed::Wrong));
    }
}
