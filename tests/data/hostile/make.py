"""Makes the small hostile files beside it. Standard library only: python3 make.py"""

import gzip
import io
import pathlib
import struct
import zipfile

here = pathlib.Path(__file__).parent


def write(name: str, content: bytes) -> None:
    (here / name).write_bytes(content)


def pack(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


rows = b"".join(b"%d,name %d,%d.5\n" % (i, i, i) for i in range(1000))
table = b"id,name,price\n"
names = "id,name,city\n1,Jos\u00e9,K\u00f6ln\n2,Zo\u00eb,Malm\u00f6\n"

write("empty.csv", b"")
write("only_blank_lines.csv", b"\n\r\n\n")
write("header_only.csv", table)
write("truncated.csv.gz", pack(table + rows)[:-1000])
packed = pack(table + rows)
write("corrupt.csv.gz", packed[:2000] + bytes(byte ^ 0xFF for byte in packed[2000:2100]) + packed[2100:])
write("not_gzip.csv.gz", table + b"1,a,2.5\n")
write("ragged_short.csv", table + b"1,a,2.5\n2,b\n3,c,4.5\n")
write("ragged_long.csv", table + b"1,a,2.5\n2,b,3.5,x\n3,c,4.5\n")
write("unterminated_quote.csv", table + b'1,a,2.5\n2,"b,3.5\n3,c,4.5\n4,d,5.5\n')
write("text_after_quote.csv", table + b'1,a,2.5\n2,"b"c,3.5\n3,d,4.5\n')
write("quotes_within_fields.csv", table + b'1,5" pipe,2.5\n2,7" pipe,3.5\n3,6\' 2" man,4.5\n')
write("nul.csv", table + b"1,a,2.5\n2,b\0c,3.5\n")
write("invalid_utf8.csv", table + b"1,a,2.5\n2,caf\xe9,3.5\n")
write("utf16le.csv", names.encode("utf-16-le"))
write("utf16le_bom.csv", b"\xff\xfe" + names.encode("utf-16-le"))
write("utf16be_bom.csv", b"\xfe\xff" + names.encode("utf-16-be"))
write("utf16_cut.csv", b"\xff\xfe" + names.encode("utf-16-le")[:-1])
write("utf32.csv", b"\xff\xfe\0\0" + names.encode("utf-32-le"))
write("latin1.csv", names.encode("latin-1"))
write("bom.csv", b"\xef\xbb\xbf" + names.encode())
write("crlf.csv", b"id,name,price\r\n1,a,2.5\r\n2,b,3.5\r\n")
write("carriage_returns.csv", b"id,name,price\r1,a,2.5\r2,b,3.5\r")
write("blank_lines.csv", table + b"1,a,2.5\n\n2,b,3.5\n\n\n")
write("one_column.csv", b"name\na\n\nb\n")
write("duplicate_headers.csv", b"id,name,id\n1,a,2\n")
write("odd_headers.csv", b"id, name ,,price\n1,a,x,2.5\n")
write("semicolon_decimal_comma.csv", b"id;name;price\n1;a;2,5\n2;b;13,25\n")
write("tabs.tsv", b"id\tname\tprice\n1\ta, b\t2.5\n2\tc\t3.5\n")
write("no_header.csv", b"1,a,2.5\n2,b,3.5\n")
write("looks_like_zlib.csv", b"x^2,y\n1,2\n3,4\n")
late = table + b"".join(b"%d,name %d,%d.5\n" % (i, i, i) for i in range(30000)) + b"30000,late,twelve\n"
write("late_type_change.csv.gz", pack(late))
write("markup.csv", b'"</script><img src=x onerror=alert(1)>",b\n1,2\n')
write("lines.ndjson", b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n')
write("array.json", b'[\n  {"id": 1},\n  {"id": 2}\n]\n')
write("page.csv", b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n")
write("workbook.csv", b"PK\x03\x04\x14\0\x06\0" + b"\0" * 18 + b"\x13\0\0\0[Content_Types].xml")
write("cut.parquet", b"PAR1" + b"\x15\x04" * 40)
write("encrypted.parquet", b"PAR1" + b"\x15\x04" * 40 + b"PARE")
write("x[1].csv", table + b"1,a,2.5\n")


# Files that claim more than they are. A zstd frame of raw blocks and of blocks that repeat one byte.
def block(kind: int, size: int, content: bytes, last: bool = False) -> bytes:
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + content


raw = lambda content, last=False: block(0, len(content), content, last)  # noqa: E731
long_line = block(1, 100_000, b"1") + raw(b"\n")
write("bomb.csv.zst", b"\x28\xb5\x2f\xfd\x00\x38" + raw(b"a\n") + long_line * 3000 + raw(b"2\n", last=True))
write("wide.csv.gz", pack(b"," * 100_000 + b"\n" + b"," * 100_000 + b"\n"))
write("long_field.csv.gz", pack(b"a,b\n1," + b"x" * (17 << 20) + b"\n"))
write("deep.ndjson", b'{"a": 1}\n{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}\n")


# Parquet by hand, in Thrift's compact protocol: numbers are zigzag varints, a field is (distance << 4 | type).
def varint(value: int) -> bytes:
    value = value << 1 if value >= 0 else (-value << 1) - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def leaf(name: bytes) -> bytes:
    return b"\x15" + varint(2) + b"\x25\x00\x18" + bytes([len(name)]) + name + b"\x00"


def group(name: bytes, children: int) -> bytes:
    return b"\x35\x00\x18" + bytes([len(name)]) + name + b"\x15" + varint(children) + b"\x00"


def elements(items: list[bytes]) -> bytes:
    count = len(items)
    head = bytes([count << 4 | 12]) if count < 15 else b"\xfc" + bytes([count & 0x7F | 0x80, count >> 7])
    return head + b"".join(items)


def parquet(schema: list[bytes], rows: int = 0, groups: bytes = b"\x0c", data: bytes = b"") -> bytes:
    footer = b"\x15" + varint(1) + b"\x19" + elements(schema) + b"\x16" + varint(rows) + b"\x19" + groups + b"\x00"
    return b"PAR1" + data + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def one_group(values: int, packed: int, unpacked: int, codec: int) -> bytes:
    column = b"\x15" + varint(2) + b"\x19\x15\x00\x19\x18\x01n\x15" + varint(codec) + b"\x16" + varint(values)
    column += b"\x16" + varint(unpacked) + b"\x16" + varint(packed) + b"\x26" + varint(4) + b"\x00"
    chunk = b"\x26" + varint(4) + b"\x1c" + column + b"\x00"
    return elements([b"\x19" + elements([chunk]) + b"\x16" + varint(unpacked) + b"\x16" + varint(values) + b"\x00"])


def page(values: int, packed: bytes, unpacked: int) -> bytes:
    head = b"\x15\x00\x15" + varint(unpacked) + b"\x15" + varint(len(packed))
    return head + b"\x2c\x15" + varint(values) + b"\x15\x00\x15" + varint(3) + b"\x15" + varint(3) + b"\x00\x00" + packed


one = [group(b"schema", 1), leaf(b"n")]
write("deep.parquet", parquet([group(b"g", 1)] * 1000 + [leaf(b"n")]))
write("footer_beyond.parquet", parquet(one)[:-8] + b"\xff\xff\xff\x7fPAR1")
write("chunk_beyond.parquet", parquet(one, 100, one_group(100, 1 << 40, 1 << 40, 0), page(100, b"\0" * 800, 800)))
bomb = page(100, b"\0" * 100, 2_000_000_000)
write("page_bomb.parquet", parquet(one, 100, one_group(100, len(bomb), 2_000_000_100, 6), bomb))
many = page(10**10, b"\0" * 100, 100)
write("rows_bomb.parquet", parquet(one, 10**10, one_group(10**10, len(many), 1000, 0), many))
def archive(parts: dict) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            # The type of an OpenDocument file stands at its beginning, not packed.
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            book.writestr(zipfile.ZipInfo(name), text, how)
    return packed.getvalue()


def declared(content: bytes, part: str, size: int) -> bytes:
    """The archive with another size declared for a part in its directory."""
    content = bytearray(content)
    at = content.rindex(part.encode()) - 46
    assert content[at : at + 4] == b"PK\1\2"
    struct.pack_into("<I", content, at + 24, size)
    return bytes(content)


relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def workbook(sheet: str, texts: str = "<sst uniqueCount=\"1\"><si><t>id</t></si></sst>") -> bytes:
    return archive(
        {
            "[Content_Types].xml": "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>",
            "_rels/.rels": f"<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"{relation}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
            "xl/workbook.xml": f"<workbook xmlns=\"{main}\" xmlns:r=\"{relation}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f"<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" Type=\"{relation}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
            "xl/sharedStrings.xml": texts,
            "xl/worksheets/sheet1.xml": f"<worksheet xmlns=\"{main}\"><sheetData>{sheet}</sheetData></worksheet>",
        }
    )


cells = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c></row><row r=\"2\"><c r=\"A2\"><v>7</v></c></row>"
write("small.xlsx", workbook(cells))
write("declared_huge.xlsx", declared(declared(workbook(cells), "xl/sharedStrings.xml", 0xF0000000), "xl/worksheets/sheet1.xml", 0xF0000000))
write("declared_small.xlsx", declared(workbook(cells), "xl/worksheets/sheet1.xml", 10))
write("promised_texts.xlsx", workbook(cells, "<sst uniqueCount=\"99999999999999999999\"><si><t>id</t></si></sst>"))
write("far_cells.xlsx", workbook("<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>2</v></c></row>"))
write("text_out_of_place.xlsx", workbook("<row r=\"1\"><c r=\"A1\" t=\"s\"><v>99</v></c></row>"))
write("cut.xlsx", workbook(cells)[:-200])
office = "urn:oasis:names:tc:opendocument:xmlns"
write(
    "repeated.ods",
    archive(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f"<manifest:manifest xmlns:manifest=\"{office}:manifest:1.0\"/>",
            "content.xml": f"<office:document-content xmlns:office=\"{office}:office:1.0\" xmlns:table=\"{office}:table:1.0\" xmlns:text=\"{office}:text:1.0\"><office:body><office:spreadsheet><table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"1048576\"><table:table-cell office:value-type=\"float\" office:value=\"1\" table:number-columns-repeated=\"16384\"/></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>",
        }
    ),
)
write("cut.arrow", b"ARROW1\0\0" + b"\xff" * 60)
write("long_description.arrow", b"ARROW1\0\0" + b"\0" * 60 + struct.pack("<i", 0x7FFFFFFF) + b"ARROW1")
