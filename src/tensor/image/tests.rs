//! Images against Pillow's and PyTorch's, and what must hold for any bytes.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn oracle(section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../../tests/data/oracle/media_image.json")).unwrap();
    let cases = all[section].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    let text = case[name].as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn numbers(case: &Value, name: &str) -> Vec<f32> {
    case[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

fn size(case: &Value, name: &str) -> usize {
    case[name].as_u64().unwrap() as usize
}

fn decoded(options: &ImageOptions, bytes: &[u8]) -> Vec<f32> {
    options.check().unwrap();
    let mut out = vec![9.0; options.size()];
    Image::new(options).decode(bytes, &mut out).unwrap();
    out
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{what}, number {at}: {found}, expected {expected}");
    }
}

/// A PNG, for images that no script has made.
fn png(width: u32, height: u32, kind: ::image::ColorType, data: &[u8]) -> Vec<u8> {
    use ::image::ImageEncoder;
    let mut bytes = Vec::new();
    ::image::codecs::png::PngEncoder::new(&mut bytes).write_image(data, width, height, kind).unwrap();
    bytes
}

#[test]
fn images_are_resized_as_pytorch_and_the_integral_of_their_pixels_say() {
    for case in oracle("resize") {
        let of = |resize| ImageOptions {
            resize,
            ..ImageOptions::new(size(&case, "height"), size(&case, "width"), size(&case, "channels"))
        };
        let png = bytes(&case, "png");
        assert_close(&decoded(&of(Resize::Bilinear), &png), &numbers(&case, "bilinear"), 2e-6, "bilinear");
        assert_close(&decoded(&of(Resize::Area), &png), &numbers(&case, "area"), 2e-6, "area");
    }
}

#[test]
fn images_are_decoded_as_by_pillow() {
    for case in oracle("decode") {
        let name = case["name"].as_str().unwrap();
        let of = |channels, background| {
            let options = ImageOptions::new(size(&case, "height"), size(&case, "width"), channels);
            decoded(&ImageOptions { background, ..options }, &bytes(&case, "bytes"))
        };
        // Decoders of JPEG may differ by a level or two; Pillow rounds what it mixes to whole levels.
        let level = if name.contains("jpeg") { 3.0 } else { 1.0 } / 255.0 + 1e-4;
        assert_close(&of(1, 1.0), &numbers(&case, "grey"), level, name);
        assert_close(&of(3, 1.0), &numbers(&case, "colour"), level, name);
        assert_close(&of(4, 0.0), &numbers(&case, "opacity"), level, name);
    }
    for case in oracle("sixteen") {
        let found = decoded(&ImageOptions::new(3, 4, 1), &bytes(&case, "bytes"));
        assert_close(&found, &numbers(&case, "unit"), 1e-6, "16 bits");
    }
}

#[test]
fn other_proportions_are_distorted_padded_or_cropped() {
    // Two columns of black, two of white.
    let wide = png(4, 2, ::image::ColorType::L8, &[0, 0, 255, 255, 0, 0, 255, 255]);
    let at = |aspect| {
        let options = ImageOptions { aspect, background: 0.5, ..ImageOptions::new(4, 4, 1) };
        decoded(&ImageOptions { resize: Resize::Area, ..options }, &wide)
    };
    assert_eq!(at(Aspect::Stretch), [0.0, 0.0, 1.0, 1.0].repeat(4));
    assert_eq!(at(Aspect::Pad), [&[0.5; 4][..], &[0.0, 0.0, 1.0, 1.0].repeat(2), &[0.5; 4]].concat());
    // The middle 2 x 2 pixels, each twice as large.
    assert_eq!(at(Aspect::Crop), [0.0, 0.0, 1.0, 1.0].repeat(4));
    let square = ImageOptions { aspect: Aspect::Crop, resize: Resize::Area, ..ImageOptions::new(1, 2, 1) };
    assert_eq!(decoded(&square, &png(2, 3, ::image::ColorType::L8, &[1, 1, 51, 255, 1, 1])), [0.2, 1.0]);
}

#[test]
fn lists_become_images_in_either_order() {
    let image = |order| Image::new(&ImageOptions { order, largest: 10.0, ..ImageOptions::new(1, 2, 3) });
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 10.0];
    let mut out = [0.0; 6];
    image(ChannelOrder::ChannelsLast).numbers(&values, &mut out).unwrap();
    assert_eq!(out, [0.1, 0.2, 0.3, 0.4, 0.5, 1.0]);
    image(ChannelOrder::ChannelsFirst).numbers(&values, &mut out).unwrap();
    assert_eq!(out, [0.1, 0.3, 0.5, 0.2, 0.4, 1.0]);
}

#[test]
fn means_and_deviations_are_those_of_all_pixels() {
    let options = ImageOptions { scale: ImageScale::Standard, ..ImageOptions::new(1, 2, 1) };
    let mut fit = ImageFit::new(&options);
    fit.add_numbers(&[0.0, 51.0]).unwrap();
    fit.add_numbers(&[102.0, 255.0]).unwrap();
    let image = fit.finish();
    // 0, 0.2, 0.4, 1: mean 0.4, variance (0.16 + 0.04 + 0 + 0.36) / 4 = 0.14.
    let scale = image.scales()[0];
    assert!((scale.mean - 0.4).abs() < 1e-6 && (scale.deviation - 0.14_f32.sqrt()).abs() < 1e-6);
    let mut out = [0.0; 2];
    image.numbers(&[0.0, 255.0], &mut out).unwrap();
    assert_close(&out, &[-0.4 / 0.14_f32.sqrt(), 0.6 / 0.14_f32.sqrt()], 1e-6, "scaled");
    let again: Image = serde_json::from_str(&serde_json::to_string(&image).unwrap()).unwrap();
    assert_eq!(again, image);
    // A channel that never changes is only moved.
    let mut fit = ImageFit::new(&options);
    fit.add_numbers(&[51.0, 51.0]).unwrap();
    let constant = fit.finish();
    constant.numbers(&[51.0, 102.0], &mut out).unwrap();
    assert_close(&out, &[0.0, 0.2], 1e-6, "constant");
}

#[test]
fn what_is_no_image_is_refused_with_the_reason() {
    let options = ImageOptions::new(2, 2, 1);
    let refused = |bytes: &[u8]| Image::new(&options).decode(bytes, &mut [0.0; 4]).unwrap_err();
    assert_eq!(refused(b""), "no bytes");
    assert_eq!(refused(b"GIF89a......"), "neither PNG nor JPEG");
    let good = png(40, 40, ::image::ColorType::L8, &[7; 1600]);
    assert!(refused(&good[..good.len() / 2]).starts_with("a damaged PNG: "));
    let numbers = |values: &[f32]| Image::new(&options).numbers(values, &mut [0.0; 4]).unwrap_err();
    assert_eq!(numbers(&[1.0; 3]), "3 numbers instead of 2 x 2 x 1");
    assert_eq!(numbers(&[1.0, f32::NAN, 1.0, 1.0]), "a pixel that is missing or not a finite number");
}

#[test]
fn an_image_that_claims_to_be_huge_is_refused_before_it_is_decoded() {
    // The header of a PNG with 60,000 x 60,000 pixels and a valid checksum (CRC-32 by Python's zlib), and no more.
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bomb.extend([0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 2, 0, 0, 0]);
    bomb.extend(BOMB_CHECKSUM.to_be_bytes());
    bomb.extend(b"\0\0\0\x04IDAT\0\0\0\0\0\0\0\0");
    let error = Image::new(&ImageOptions::new(2, 2, 1)).decode(&bomb, &mut [0.0; 4]).unwrap_err();
    assert_eq!(error, "60000 x 60000 pixels, more than `most_pixels`");
}
const BOMB_CHECKSUM: u32 = 263_250_453;

fn varied(augment: Augment, scale: ImageScale, values: &[f32], side: usize, draw: u64) -> Vec<f32> {
    let mut fit = ImageFit::new(&ImageOptions { augment, scale, largest: 1.0, ..ImageOptions::new(side, side, 1) });
    fit.add_numbers(values).unwrap();
    let image = fit.finish();
    let mut out = vec![0.0; values.len()];
    image.numbers(values, &mut out).unwrap();
    image.augment(&mut out, draw);
    let scale = image.scales().first().map_or((0.0, 1.0), |scale| (scale.mean, scale.deviation));
    out.iter().map(|value| value * scale.1 + scale.0).collect()
}

#[test]
fn a_flip_swaps_left_and_right_of_about_half_of_the_images() {
    let augment = Augment { flip: true, ..Augment::default() };
    let flips = (0..1000).filter(|draw| {
        let found = varied(augment, ImageScale::Unit, &[0.1, 0.2, 0.3, 0.4], 2, *draw);
        assert!(found == [0.1, 0.2, 0.3, 0.4] || found == [0.2, 0.1, 0.4, 0.3], "{found:?}");
        found[0] == 0.2
    });
    // Five standard deviations of a thousand throws of a coin.
    assert!(flips.count().abs_diff(500) < 80);
}

#[test]
fn movements_stay_within_their_bounds() {
    let side = 21;
    let mut dot = vec![0.0; side * side];
    dot[10 * side + 10] = 1.0;
    let mass = |image: &[f32]| {
        let total: f32 = image.iter().sum();
        let at = |axis: fn(usize) -> f32| image.iter().enumerate().map(|(i, v)| axis(i) * v).sum::<f32>() / total;
        (total, at(|i| (i % 21) as f32 - 10.0), at(|i| (i / 21) as f32 - 10.0))
    };
    let mut farthest: f32 = 0.0;
    for draw in 0..300 {
        let shift = Augment { shift: 0.2, ..Augment::default() };
        let (total, x, y) = mass(&varied(shift, ImageScale::Unit, &dot, side, draw));
        assert!((total - 1.0).abs() < 1e-5 && x.abs() <= 4.2001 && y.abs() <= 4.2001, "{total} {x} {y}");
        farthest = farthest.max(x.abs());
        // Rotation leaves the middle where it is, and brightness multiplies it.
        let turn = Augment { rotate: 30.0, ..Augment::default() };
        let turned = varied(turn, ImageScale::Standard, &dot, side, draw);
        let (_, x, y) = mass(&turned);
        assert!((turned[220] - 1.0).abs() < 1e-4 && x.abs() < 0.01 && y.abs() < 0.01, "{x} {y}");
        let bright = Augment { brightness: 0.25, ..Augment::default() };
        let bright = varied(bright, ImageScale::Standard, &dot, side, draw);
        assert!((0.7499..1.2501).contains(&bright[220]) && bright[0].abs() < 1e-6, "{}", bright[220]);
        // A crop never looks beyond the image.
        let crop = Augment { crop: 0.5, ..Augment::default() };
        let grey = varied(crop, ImageScale::Unit, &vec![0.5; side * side], side, draw);
        let inner = grey.iter().filter(|value| (**value - 0.5).abs() < 1e-5).count();
        assert!(inner == side * side, "{inner}");
    }
    assert!(farthest > 3.5);
}

#[test]
fn a_shift_alone_goes_by_whole_pixels_to_each_side_as_often() {
    let side = 28;
    let mut dot = vec![0.0; side * side];
    dot[14 * side + 14] = 1.0;
    // 5 % of 28 pixels are 1.4: one pixel to either side, or none.
    let augment = Augment { shift: 0.05, ..Augment::default() };
    let mut found = [[0_i32; 3]; 3];
    for draw in 0..1800 {
        let image = varied(augment, ImageScale::Unit, &dot, side, draw);
        let at = image.iter().position(|value| *value == 1.0).expect("the dot is as bright as it was");
        assert_eq!(image.iter().filter(|value| **value != 0.0).count(), 1);
        found[at / side - 13][at % side - 13] += 1;
    }
    // 200 each; five standard deviations of that are 67.
    assert!(found.iter().flatten().all(|count| count.abs_diff(200) < 67), "{found:?}");
}

#[test]
fn a_quarter_turn_moves_the_top_to_a_side() {
    // With an angle of up to 180 degrees some draw is close to a quarter turn.
    let mut bar = vec![0.0; 25];
    bar[2] = 1.0;
    let augment = Augment { rotate: 180.0, ..Augment::default() };
    let turned = (0..2000).map(|draw| varied(augment, ImageScale::Unit, &bar, 5, draw));
    let best = turned.map(|image| image[10].max(image[14])).fold(0.0, f32::max);
    assert!(best > 0.95, "{best}");
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let refused = |options: ImageOptions| options.check().unwrap_err().0;
    let good = || ImageOptions::new(8, 8, 1);
    assert_eq!(refused(ImageOptions { height: 0, ..good() }), "height");
    assert_eq!(refused(ImageOptions { channels: 2, ..good() }), "channels");
    assert_eq!(refused(ImageOptions { width: 4096, height: 4096, channels: 3, ..good() }), "height");
    assert_eq!(refused(ImageOptions { largest: 0.0, ..good() }), "largest");
    assert_eq!(refused(ImageOptions { background: f64::NAN, ..good() }), "background");
    assert_eq!(refused(ImageOptions { augment: Augment { crop: 0.0, ..Augment::default() }, ..good() }), "augment");
}

fn any_augment() -> impl Strategy<Value = Augment> {
    (any::<[bool; 2]>(), 0.0..1.0_f64, 0.0..180.0_f64, 0.05..1.0_f64, 0.0..1.0_f64).prop_map(
        |([flip, flip_vertical], shift, rotate, crop, brightness)| Augment {
            flip,
            flip_vertical,
            shift,
            rotate,
            crop,
            brightness,
        },
    )
}

#[test]
fn photographs_are_turned_upright_as_by_pillow() {
    let all: Value = serde_json::from_str(include_str!("../../../tests/data/oracle/media_orientation.json")).unwrap();
    for case in all["orientations"].as_array().unwrap() {
        let options = ImageOptions::new(size(case, "height"), size(case, "width"), 1);
        let found = decoded(&options, &bytes(case, "jpeg"));
        // Decoders of JPEG differ by a few levels.
        assert_close(&found, &numbers(case, "pixels"), 0.012, &case["orientation"].to_string());
    }
}

#[test]
fn lists_of_another_size_are_resized_as_files_are() {
    for case in oracle("resize") {
        let file = ::image::load_from_memory(&bytes(&case, "png")).unwrap();
        let channels = size(&case, "channels");
        let values: Vec<f32> = file.as_bytes().iter().map(|value| f32::from(*value)).collect();
        let given = Given { height: file.height() as usize, width: file.width() as usize, channels: None };
        let of = |resize, order, values: &[f32]| {
            let options = ImageOptions {
                given: Some(given),
                resize,
                order,
                ..ImageOptions::new(size(&case, "height"), size(&case, "width"), channels)
            };
            options.check().unwrap();
            let mut out = vec![9.0; options.size()];
            Image::new(&options).numbers(values, &mut out).unwrap();
            out
        };
        let last = ChannelOrder::ChannelsLast;
        assert_close(&of(Resize::Bilinear, last, &values), &numbers(&case, "bilinear"), 2e-6, "bilinear");
        assert_close(&of(Resize::Area, last, &values), &numbers(&case, "area"), 2e-6, "area");
        let planes: Vec<f32> =
            (0..channels).flat_map(|channel| values.iter().skip(channel).step_by(channels).copied()).collect();
        let found = of(Resize::Area, ChannelOrder::ChannelsFirst, &planes);
        assert_close(&found, &numbers(&case, "area"), 2e-6, "planes");
    }
}

#[test]
fn lists_of_another_size_change_their_channels_and_are_refused_where_they_are_no_image() {
    let given = Some(Given { height: 1, width: 2, channels: Some(3) });
    let options = ImageOptions { given, aspect: Aspect::Pad, largest: 1.0, ..ImageOptions::new(2, 2, 1) };
    let image = Image::new(&options);
    let mut out = vec![9.0; 4];
    // Red weighs 0.299 and blue 0.114; above is nothing, because (2 - 1) / 2 rows are 0.
    image.numbers(&[1.0, 0.0, 0.0, 0.0, 0.0, 1.0], &mut out).unwrap();
    assert_close(&out, &[0.299, 0.114, 0.0, 0.0], 1e-6, "grey");
    let refused = |values: &[f32], out: &mut [f32]| image.numbers(values, out).unwrap_err();
    assert_eq!(refused(&[1.0; 4], &mut out), "4 numbers instead of 1 x 2 x 3");
    assert_eq!(refused(&[f32::NAN; 6], &mut out), "a pixel that is missing or not a finite number");
    let wrong = ImageOptions { given: Some(Given { height: 0, width: 2, channels: None }), ..options.clone() };
    assert_eq!(wrong.check().unwrap_err().0, "given");
    let wrong = ImageOptions { given: Some(Given { height: 1, width: 2, channels: Some(5) }), ..options };
    assert_eq!(wrong.check().unwrap_err().0, "given");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn weights_add_up_to_one_within_the_image(
        pixels in 1_usize..40, length in 1_usize..40, cut in 0.0..0.45_f64, area in any::<bool>(),
    ) {
        let range = (pixels as f64 * cut, pixels as f64 * (1.0 - cut));
        let filter = if area { Resize::Area } else { Resize::Bilinear };
        let all = super::resize::weights(pixels, range, length, filter);
        prop_assert_eq!(all.len(), length);
        for weights in all {
            let total: f32 = weights.weights.iter().sum();
            prop_assert!((total - 1.0).abs() < 1e-5 && weights.first + weights.weights.len() <= pixels);
        }
    }

    #[test]
    fn the_same_draw_gives_the_same_finite_image(
        augment in any_augment(), draw in any::<u64>(), values in prop::collection::vec(0.0..1.0_f32, 16),
    ) {
        let first = varied(augment, ImageScale::Standard, &values, 4, draw);
        prop_assert!(first.iter().all(|value| value.is_finite()));
        prop_assert_eq!(varied(augment, ImageScale::Standard, &values, 4, draw), first);
    }

    #[test]
    fn damaged_files_are_refused_or_give_an_image_but_never_harm(
        which in 0_usize..6, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(),
    ) {
        let mut file = bytes(&oracle("decode")[which], "bytes");
        for (place, value) in changes {
            let place = place.index(file.len());
            file[place] = value;
        }
        file.truncate(1 + cut.index(file.len()).max(file.len() / 2));
        let mut out = [0.0; 12];
        let options = ImageOptions { most_pixels: 1 << 16, ..ImageOptions::new(2, 2, 3) };
        if Image::new(&options).decode(&file, &mut out).is_ok() {
            prop_assert!(out.iter().all(|value| (-1e-5..=1.00001).contains(value)));
        }
    }
}
