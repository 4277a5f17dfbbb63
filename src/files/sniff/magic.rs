//! Files that are something else: known by their first bytes, refused by name.

use memchr::memmem;

use super::Format;

/// The format of a file that is no text, if it is one that is read, and what it is called.
pub(super) fn container(head: &[u8]) -> Option<(Format, &'static str)> {
    let has = |text: &[u8]| memmem::find(head, text).is_some();
    match head {
        [b'P', b'K', 3, 4, ..] if has(b"word/") || has(b"ppt/") => None,
        [b'P', b'K', 3, 4, ..] if has(b"xl/") || has(b"[Content_Types]") => {
            Some((Format::Workbook, "an Excel workbook"))
        }
        [b'P', b'K', 3, 4, ..] if has(b"opendocument.spreadsheet") => {
            Some((Format::Workbook, "an OpenDocument workbook"))
        }
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, ..] => Some((Format::Workbook, "an Excel workbook before 2007")),
        [b'A', b'R', b'R', b'O', b'W', b'1', 0, 0, ..] => Some((Format::Arrow, "an Arrow IPC file")),
        _ => None,
    }
}

/// What a file is whose first bytes are these, if it is something that is not read, and what to do instead.
pub(super) fn foreign(head: &[u8]) -> Option<(&'static str, &'static str)> {
    Some(match head {
        [b'P', b'K', 3, 4, ..] if memmem::find(head, b"word/").is_some() => {
            ("a Word document", "save its tables as CSV")
        }
        [b'P', b'K', 3, 4, ..] if memmem::find(head, b"ppt/").is_some() => {
            ("a PowerPoint document", "save its tables as CSV")
        }
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => ("a ZIP archive", "unpack it and read the files in it"),
        [b'O', b'b', b'j', 1, ..] => ("an Avro file", "convert it to Parquet"),
        [b'O', b'R', b'C', ..] if is_binary(head) => ("an ORC file", "convert it to Parquet"),
        [b'F', b'E', b'A', b'1', ..] if is_binary(head) => {
            ("a Feather file of version 1", "write it as Feather 2 or Parquet")
        }
        [b'S', b'Q', b'L', b'i', b't', b'e', b' ', ..] if is_binary(head) => {
            ("an SQLite database", "export the table as CSV")
        }
        [0x89, b'H', b'D', b'F', ..] => ("an HDF5 file", "convert it to Parquet"),
        [b'%', b'P', b'D', b'F', b'-', ..] => ("a PDF document", "extract its tables to CSV"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => {
            ("compressed by bzip2", "compress it with gzip or zstd, or not at all")
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => ("compressed by xz", "compress it with gzip or zstd, or not at all"),
        [b'7', b'z', 0xbc, 0xaf, ..] => ("a 7-Zip archive", "unpack it and read the files in it"),
        [0x04, 0x22, 0x4d, 0x18, ..] => ("compressed by lz4", "compress it with gzip or zstd, or not at all"),
        [0x78, 0x9c | 0xda, ..] => ("a zlib stream", "compress it with gzip or zstd, or not at all"),
        _ => return markup(head),
    })
}

/// HTML, XML and JSON arrays.
fn markup(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = head.trim_ascii_start();
    let starts = |wanted: &[u8]| text.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted));
    if starts(b"<!doctype html") || starts(b"<html") || starts(b"<head") || starts(b"<body") {
        return Some(("an HTML page", "the download may have been an error page; open it in a browser"));
    }
    if starts(b"<?xml") {
        return Some(("an XML document", "convert it to CSV or to one JSON object a line"));
    }
    if let [b'[', rest @ ..] = text
        && matches!(rest.trim_ascii_start(), [b'{', ..])
    {
        return Some(("a JSON array", "write one object a line, without the brackets and commas around them"));
    }
    None
}

/// Whether bytes stand there that no text has.
fn is_binary(head: &[u8]) -> bool {
    head.iter().take(4096).any(|byte| *byte < 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_known_by_name_and_text_is_not_mistaken_for_them() {
        let name = |head: &[u8]| foreign(head).map(|(name, _)| name);
        assert_eq!(container(b"PK\x03\x04....xl/workbook.xml").map(|(_, name)| name), Some("an Excel workbook"));
        assert_eq!(name(b"PK\x03\x04....word/document.xml"), Some("a Word document"));
        assert_eq!(name(b"PK\x03\x04....data.csv"), Some("a ZIP archive"));
        assert_eq!(name(b"Obj\x01\x04"), Some("an Avro file"));
        assert_eq!(name(b"ORC\x0a\x03\x00"), Some("an ORC file"));
        assert_eq!(name(b"%PDF-1.7"), Some("a PDF document"));
        assert_eq!(name(b"\n <!DOCTYPE html><html>"), Some("an HTML page"));
        assert_eq!(name(b"[\n  {\"a\": 1}]"), Some("a JSON array"));
        for text in
            [b"ORC,id\n1,2\n".as_slice(), b"<id>,x\n", b"[id],[name]\n", b"{\"a\": 1}\n", b"", b"PK,id\n", b"%PDF,x\n"]
        {
            assert_eq!(name(text), None);
        }
    }
}
