//! How a camera was held, as a JPEG says it.
//!
//! Sources: *Exif 2.32* (CIPA DC-008), 4.5 and 4.6.4; *TIFF 6.0*, section 2; *JPEG* (ITU-T T.81), annex B.

/// How the stored pixels become the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation {
    /// Whether rows and columns are exchanged, after all else.
    pub(super) exchanges: bool,
    /// Whether left and right are swapped in what is stored.
    pub(super) mirrors: bool,
    /// Whether top and bottom are swapped in what is stored.
    pub(super) flips: bool,
}

impl Orientation {
    /// What the value of the tag means: which side of the picture the stored first row and first column are. The picture
    /// has at row `y` and column `x` the stored pixel of that row and column after the swaps; exchanged, that of row `x`
    /// and column `y`.
    fn of(value: u16) -> Option<Self> {
        let (exchanges, mirrors, flips) = match value {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => return None,
        };
        Some(Self { exchanges, mirrors, flips })
    }

    /// Whether what is stored is the picture.
    pub(super) fn is_plain(self) -> bool {
        !(self.exchanges || self.mirrors || self.flips)
    }
}

const UPRIGHT: Orientation = Orientation { exchanges: false, mirrors: false, flips: false };
/// Segments that are looked at before the pixels.
const SEGMENTS: usize = 1_000;
/// The tag of the orientation, and the type of its value.
const TAG: u16 = 0x0112;
const SHORT: u16 = 3;

/// The orientation of a JPEG; upright where it says none, or nothing that can be understood.
///
/// Only the lengths of segments and one directory of tags are looked at, so any bytes are harmless. Time: the number of
/// segments and tags.
pub(super) fn orientation(jpeg: &[u8]) -> Orientation {
    exif(jpeg).and_then(tag).and_then(Orientation::of).unwrap_or(UPRIGHT)
}

/// The TIFF within the first Exif segment before the pixels.
fn exif(jpeg: &[u8]) -> Option<&[u8]> {
    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8])?;
    for _ in 0..SEGMENTS {
        // Any number of bytes of 255 may fill the space before a marker.
        let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
        let (marker, after) = rest.get(fill..)?.split_first()?;
        if fill == 0 {
            return None;
        }
        rest = match marker {
            // The pixels, or the end: what comes later tells nothing of the picture.
            0xda | 0xd9 => return None,
            // Markers without a segment.
            0x01 | 0xd0..=0xd7 => after,
            _ => {
                let length = usize::from(short(after, 0, false)?);
                let segment = after.get(2..length)?;
                if *marker == 0xe1
                    && let Some(tiff) = segment.strip_prefix(b"Exif\0\0")
                {
                    return Some(tiff);
                }
                after.get(length..)?
            }
        };
    }
    None
}

/// The value of the orientation in the first directory.
fn tag(tiff: &[u8]) -> Option<u16> {
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    if short(tiff, 2, little)? != 42 {
        return None;
    }
    let directory = usize::try_from(long(tiff, 4, little)?).ok()?;
    let entries = usize::from(short(tiff, directory, little)?);
    let first = directory.checked_add(2)?;
    (0..entries).map_while(|entry| tiff.get(first.checked_add(entry * 12)?..)?.get(..12)).find_map(|entry| {
        let is_it =
            short(entry, 0, little)? == TAG && short(entry, 2, little)? == SHORT && long(entry, 4, little)? == 1;
        if is_it { short(entry, 8, little) } else { None }
    })
}

fn short(bytes: &[u8], at: usize, little: bool) -> Option<u16> {
    let pair = <[u8; 2]>::try_from(bytes.get(at..at.checked_add(2)?)?).ok()?;
    Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
}

fn long(bytes: &[u8], at: usize, little: bool) -> Option<u32> {
    let four = <[u8; 4]>::try_from(bytes.get(at..at.checked_add(4)?)?).ok()?;
    Some(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A JPEG of segments before the pixels; `other` stands before the Exif.
    fn jpeg(little: bool, value: u16, other: &[u8]) -> Vec<u8> {
        let two = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let four = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut tiff = if little { b"II".to_vec() } else { b"MM".to_vec() };
        tiff.extend(two(42));
        tiff.extend(four(10));
        // Two bytes of nothing before the directory, and a tag before ours.
        tiff.extend([0, 0]);
        tiff.extend(two(2));
        for (tag, value) in [(0x0100, 640), (TAG, value)] {
            tiff.extend(two(tag));
            tiff.extend(two(SHORT));
            tiff.extend(four(1));
            tiff.extend(two(value));
            tiff.extend([0, 0]);
        }
        let mut bytes = vec![0xff, 0xd8];
        bytes.extend(other);
        bytes.extend([0xff, 0xff, 0xe1]);
        bytes.extend(u16::try_from(tiff.len() + 8).unwrap_or_default().to_be_bytes());
        bytes.extend(b"Exif\0\0");
        bytes.extend(tiff);
        bytes.extend([0xff, 0xda, 0, 2]);
        bytes
    }

    #[test]
    fn the_tag_is_found_in_either_order_of_bytes_and_behind_other_segments() {
        let comment = [&[0xff, 0xfe, 0, 5][..], b"abc", &[0xff, 0xe1, 0, 6], b"http"].concat();
        for value in 1..=8 {
            for little in [true, false] {
                let expected = Orientation::of(value);
                assert_eq!(Some(orientation(&jpeg(little, value, &[]))), expected);
                assert_eq!(Some(orientation(&jpeg(little, value, &comment))), expected);
            }
        }
        for nonsense in [0, 9, 0xffff] {
            assert!(orientation(&jpeg(true, nonsense, &[])).is_plain());
        }
        // What stands behind the pixels does not count.
        assert!(orientation(&jpeg(true, 6, &[0xff, 0xda, 0, 2])).is_plain());
        assert!(orientation(b"").is_plain() && orientation(b"\xff\xd8").is_plain());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn hostile_bytes_are_harmless(
            little in any::<bool>(),
            changes in prop::collection::vec((0_usize..60, any::<u8>()), 0..8),
            cut in 0_usize..70,
        ) {
            let mut bytes = jpeg(little, 6, &[]);
            for (place, value) in changes {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = value;
                }
            }
            bytes.truncate(cut);
            let found = orientation(&bytes);
            prop_assert!((1..=8).any(|value| Orientation::of(value) == Some(found)));
        }
    }
}
