//! Pages of mapped files: they count as resident memory of the process, although the system can take them back at any time.
//!
//! The engine maps Parquet and CSV files. A scan of a file of 100 GB would look like a process of 100 GB. Pages of shared,
//! read-only mappings hold nothing that is not in the file, so they can be dropped: the next access reads them again.
#![allow(unsafe_code, reason = "advice about a range of addresses that the system has just named")]

use std::fs;

/// Mappings smaller than this are left alone: libraries, fonts, time zones.
const SMALLEST: usize = 4 << 20;

/// Gives the pages of all large shared read-only mappings of files back to the system.
pub(super) fn release() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for (start, length) in maps.lines().filter_map(shared_mapping) {
        // SAFETY: `MADV_PAGEOUT` asks the system to take pages back. It never loses anything: pages of a file are read again from
        // the file, and should other memory have come in place of the mapping since the system named it, its pages stay or
        // go to swap. (`MADV_DONTNEED` would empty such memory.)
        let outcome =
            unsafe { rustix::mm::madvise(start as *mut core::ffi::c_void, length, rustix::mm::Advice::LinuxPageOut) };
        // Advice that is refused changes nothing.
        let _ = outcome;
    }
}

/// Address and length of a line of `/proc/self/maps` that names a large shared read-only mapping of a file.
fn shared_mapping(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (range, rights) = (fields.next()?, fields.next()?);
    let path = fields.nth(3)?;
    if rights != "r--s" || !path.starts_with('/') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let length = usize::from_str_radix(end, 16).ok()?.checked_sub(start)?;
    (length >= SMALLEST).then_some((start, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_large_shared_read_only_mappings_of_files_are_touched() {
        let line =
            |rights: &str, path: &str| format!("7f0000000000-7f0001000000 {rights} 00000000 fe:00 1234   {path}");
        assert_eq!(shared_mapping(&line("r--s", "/data/a file.parquet")), Some((0x7f00_0000_0000, 16 << 20)));
        assert_eq!(shared_mapping(&line("r--p", "/usr/lib/libc.so.6")), None);
        assert_eq!(shared_mapping(&line("rw-s", "/data/a.db")), None);
        assert_eq!(shared_mapping(&line("r--s", "")), None);
        assert_eq!(shared_mapping("7f0000000000-7f0000001000 r--s 00000000 fe:00 1234   /small"), None);
    }
}
