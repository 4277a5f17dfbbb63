//! Pixels as PNG bytes (W3C Portable Network Graphics, third edition), 8-bit RGB.

use std::io::Write;

use flate2::{Compression, Crc, write::ZlibEncoder};

use super::bitmap::Pixels;
use super::error::ChartError;

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
/// Pixels per metre of a screen with one device pixel per CSS pixel: 96 in 0.0254 m.
const PIXELS_PER_METRE: f64 = 96.0 / 0.0254;

/// Encodes pixels. `scale` is the number of device pixels per CSS pixel and is stored as the density.
///
/// Errors: [`ChartError::Encode`]. O(pixels).
pub(super) fn encode(pixels: &Pixels, scale: u32) -> Result<Vec<u8>, ChartError> {
    let failed = |error: std::io::Error| ChartError::Encode(error.to_string());
    let stride = (pixels.width as usize * 3).max(3);
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut line = vec![0_u8; stride + 1];
    let mut above = vec![0_u8; stride];
    for row in pixels.rgb.chunks_exact(stride) {
        // Filter 2 (up): most rows of a figure repeat the one above.
        line.clear();
        line.push(2);
        line.extend(row.iter().zip(&above).map(|(now, before)| now.wrapping_sub(*before)));
        packed.write_all(&line).map_err(failed)?;
        above.clear();
        above.extend_from_slice(row);
    }
    let packed = packed.finish().map_err(failed)?;

    let mut file = SIGNATURE.to_vec();
    let mut header = Vec::with_capacity(13);
    header.extend(pixels.width.to_be_bytes());
    header.extend(pixels.height.to_be_bytes());
    // Bit depth 8, colour type 2 (RGB), deflate, adaptive filters, no interlace.
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut file, *b"IHDR", &header)?;
    let density = (PIXELS_PER_METRE * f64::from(scale)).round() as u32;
    let mut physical = Vec::with_capacity(9);
    physical.extend(density.to_be_bytes());
    physical.extend(density.to_be_bytes());
    physical.push(1);
    chunk(&mut file, *b"pHYs", &physical)?;
    chunk(&mut file, *b"IDAT", &packed)?;
    chunk(&mut file, *b"IEND", &[])?;
    Ok(file)
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) -> Result<(), ChartError> {
    let length = u32::try_from(data.len()).map_err(|error| ChartError::Encode(error.to_string()))?;
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(data);
    file.extend(length.to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(sum.sum().to_be_bytes());
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_pixels_come_back_out_of_the_file() {
        let rgb: Vec<u8> = (0..5 * 4 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let file = encode(&Pixels { width: 5, height: 4, rgb: rgb.clone() }, 2).unwrap();
        assert_eq!(file[..8], SIGNATURE);
        assert_eq!(file[16..26], [0, 0, 0, 5, 0, 0, 0, 4, 8, 2]);
        // The last chunk of every PNG file, its checksum included, is the same twelve bytes.
        assert_eq!(file[file.len() - 12..], [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82]);
        let data = file.windows(4).position(|w| w == b"IDAT").unwrap() + 4;
        let mut lines = Vec::new();
        flate2::read::ZlibDecoder::new(&file[data..]).read_to_end(&mut lines).unwrap();
        let mut decoded = vec![0_u8; 15];
        let mut all = Vec::new();
        for line in lines.chunks_exact(16) {
            assert_eq!(line[0], 2);
            for (value, difference) in decoded.iter_mut().zip(&line[1..]) {
                *value = value.wrapping_add(*difference);
            }
            all.extend_from_slice(&decoded);
        }
        assert_eq!(all, rgb);
    }
}
