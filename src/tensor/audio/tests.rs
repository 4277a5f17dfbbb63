//! Sounds against librosa's numbers, and what must hold for any bytes.

use std::f32::consts::PI;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn oracle(section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../../../tests/data/oracle/media_audio.json")).unwrap();
    let cases = all[section].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn bytes(case: &Value) -> Vec<u8> {
    let text = case["wav"].as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn numbers(case: &Value, name: &str) -> Vec<f32> {
    case[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

fn wav(rate: u32, samples: &[f32]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut cursor = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut cursor, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
    cursor.into_inner()
}

fn encoded(options: &AudioOptions, bytes: &[u8]) -> Vec<f32> {
    options.check().unwrap();
    let mut out = vec![9.0; options.size()];
    Audio::new(options).encode(bytes, &mut out).unwrap();
    assert_eq!(options.shape().iter().product::<usize>(), out.len());
    out
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let within = tolerance * expected.abs().max(1.0);
        assert!((found - expected).abs() <= within, "{what}, number {at}: {found}, expected {expected}");
    }
}

fn wave(rate: u32, seconds: f64) -> AudioOptions {
    AudioOptions { kind: AudioKind::Wave, rate, seconds, normalize: Normalize::None, ..AudioOptions::default() }
}

#[test]
fn spectra_bands_and_coefficients_are_those_of_librosa() {
    for case in oracle("features") {
        let number = |name: &str| case[name].as_f64().unwrap();
        // The sound has 1800 samples at 8000 a second.
        let options = AudioOptions {
            rate: 8000,
            seconds: 0.225,
            window: number("window"),
            hop: number("hop"),
            mels: number("mels") as usize,
            mel_scale: serde_json::from_value(case["mel_scale"].clone()).unwrap(),
            low: number("low"),
            high: Some(number("high")),
            pre_emphasis: number("pre_emphasis"),
            coefficients: 10,
            normalize: Normalize::None,
            ..AudioOptions::default()
        };
        let of = |kind, level| encoded(&AudioOptions { kind, level, ..options.clone() }, &bytes(&case));
        let mel = of(AudioKind::Mel, Level::Decibel);
        assert_eq!(mel.len(), numbers(&case, "mel").len());
        // In single precision, against numbers with four decimals.
        assert_close(&mel, &numbers(&case, "mel"), 2e-4, "mel");
        let coefficients = of(AudioKind::Mfcc, Level::Decibel);
        assert_eq!(coefficients.len(), numbers(&case, "mfcc").len());
        assert_close(&coefficients, &numbers(&case, "mfcc"), 2e-3, "mfcc");
        assert_close(&of(AudioKind::Spectrogram, Level::Power), &numbers(&case, "spectrogram"), 1e-5, "spectrogram");
        assert_close(&of(AudioKind::Mel, Level::Log), &numbers(&case, "log"), 1e-4, "log");
    }
}

#[test]
fn samples_of_every_format_are_read() {
    for case in oracle("formats") {
        let expected = numbers(&case, "samples");
        let found = encoded(&wave(8000, 0.01), &bytes(&case));
        assert_close(&found, &expected, case["within"].as_f64().unwrap() as f32, case["name"].as_str().unwrap());
        assert!(found[expected.len()..].iter().all(|sample| *sample == 0.0));
    }
}

#[test]
fn a_tone_keeps_its_pitch_and_loudness_at_another_rate() {
    for (from, to) in [(44_100, 16_000), (8_000, 16_000), (22_050, 8_000), (11_025, 48_000)] {
        let tone = |seconds: f64| 0.5 * (std::f64::consts::TAU * 440.0 * seconds).sin() as f32;
        let samples: Vec<f32> = (0..from as usize / 2).map(|n| tone(n as f64 / f64::from(from))).collect();
        let found = encoded(&wave(to, 0.5), &wav(from, &samples));
        // Away from the ends, where the tone begins and stops; half a sample early where the filter has an even length.
        let far = |early: f64| {
            let expected = |n: usize| tone(n as f64 / f64::from(to) + early / f64::from(from));
            let inner = found.len() / 5..found.len() * 4 / 5;
            inner.map(|n| (found[n] - expected(n)).abs()).fold(0.0, f32::max)
        };
        let apart = far(0.0).min(far(0.5));
        assert!(apart < 2e-3, "{from} to {to}: {apart}");
    }
}

#[test]
fn a_tone_above_the_highest_pitch_of_the_new_rate_is_gone() {
    let samples: Vec<f32> = (0..22_050).map(|n| (2.0 * PI * 7_000.0 * n as f32 / 44_100.0).sin()).collect();
    let found = encoded(&wave(8_000, 0.5), &wav(44_100, &samples));
    assert!(found[800..3200].iter().all(|sample| sample.abs() < 2e-3));
}

#[test]
fn longer_sounds_are_cut_and_shorter_ones_padded_with_silence() {
    let sound = wav(1000, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    assert_eq!(encoded(&wave(1000, 0.002), &sound), [0.1, 0.2]);
    assert_eq!(encoded(&AudioOptions { centre: true, ..wave(1000, 0.002) }, &sound).len(), 2);
    assert_eq!(encoded(&wave(1000, 0.008), &sound)[4..], [0.5, 0.6, 0.0, 0.0]);
    let centred = encoded(&AudioOptions { centre: true, ..wave(1000, 0.008) }, &sound);
    assert_eq!(centred, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.0]);
    let middle = encoded(
        &AudioOptions { centre: true, ..wave(1000, 0.003) },
        &wav(1000, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
    );
    assert_eq!(middle, [3.0, 4.0, 5.0]);
    // Silence is as far below the loudest as a level can be.
    let options = AudioOptions { rate: 8000, seconds: 0.1, normalize: Normalize::None, ..AudioOptions::default() };
    let tone: Vec<f32> = (0..200).map(|n| (n as f32 * 0.5).sin()).collect();
    let found = encoded(&options, &wav(8000, &tone));
    let loudest = found.iter().copied().fold(f32::MIN, f32::max);
    assert!(found[9 * 40..].iter().all(|level| (level - (loudest - 80.0)).abs() < 1e-3));
}

#[test]
fn numbers_are_scaled_by_the_sound_its_bands_or_the_training_rows() {
    let tone = |pitch: f32, loud: f32| -> Vec<u8> {
        wav(8000, &(0..800).map(|n| loud * (n as f32 * pitch).sin()).collect::<Vec<_>>())
    };
    let options = |normalize| AudioOptions { rate: 8000, seconds: 0.1, mels: 8, normalize, ..AudioOptions::default() };
    let moments = |values: &[f32]| {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt())
    };
    let clip = encoded(&options(Normalize::Clip), &tone(0.3, 0.5));
    let (mean, deviation) = moments(&clip);
    assert!(mean.abs() < 1e-4 && (deviation - 1.0).abs() < 1e-4);
    // How loud a sound is does not matter then.
    assert_close(&encoded(&options(Normalize::Clip), &tone(0.3, 0.05)), &clip, 1e-2, "quiet");
    let bands = encoded(&options(Normalize::Bands), &tone(0.3, 0.5));
    let third: Vec<f32> = bands.chunks(8).map(|frame| frame[2]).collect();
    assert!(moments(&third).0.abs() < 1e-4 && (moments(&third).1 - 1.0).abs() < 1e-3);
    let mut fit = AudioFit::new(&options(Normalize::Learned));
    let sounds = [tone(0.3, 0.5), tone(0.9, 0.2)];
    sounds.iter().for_each(|sound| fit.add(sound).unwrap());
    let audio = fit.finish();
    let mut all = Vec::new();
    for sound in &sounds {
        let mut out = vec![0.0; 88];
        audio.encode(sound, &mut out).unwrap();
        all.extend(out.chunks(8).map(|frame| frame[5]));
    }
    assert!(moments(&all).0.abs() < 1e-3 && (moments(&all).1 - 1.0).abs() < 1e-3);
    let again: Audio = serde_json::from_str(&serde_json::to_string(&audio).unwrap()).unwrap();
    assert_eq!(again, audio);
}

#[test]
fn a_silent_sound_becomes_finite_numbers() {
    for normalize in [Normalize::Clip, Normalize::Bands, Normalize::None] {
        let options = AudioOptions { rate: 8000, seconds: 0.1, normalize, ..AudioOptions::default() };
        let found = encoded(&options, &wav(8000, &[0.0; 100]));
        assert!(found.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn what_is_no_sound_is_refused_with_the_reason() {
    let refused = |bytes: &[u8]| {
        let options = wave(8000, 0.01);
        Audio::new(&options).encode(bytes, &mut vec![0.0; options.size()]).unwrap_err()
    };
    assert_eq!(refused(b""), "no bytes");
    assert!(refused(b"ID3 an mp3 by its first bytes").starts_with("no WAV: "));
    assert_eq!(refused(&wav(8000, &[])), "a sound of length zero");
    let good = wav(8000, &[0.5; 100]);
    assert_eq!(refused(&good[..good.len() - 7]), "a WAV that ends before its header says");
    let mut endless = good.clone();
    let data = endless.windows(4).position(|word| word == b"data").unwrap();
    endless[data + 4..data + 8].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    assert_eq!(refused(&endless), "a WAV that ends before its header says");
    assert_eq!(refused(&wav(7, &[0.5; 100])), "a WAV with 7 samples a second");
    assert_eq!(refused(&wav(8000, &[f32::NAN])), "a WAV with a sample that is no number of sound");
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let refused = |options: AudioOptions| options.check().unwrap_err().0;
    let good = AudioOptions::default;
    assert_eq!(refused(AudioOptions { rate: 1, ..good() }), "rate");
    assert_eq!(refused(AudioOptions { seconds: f64::NAN, ..good() }), "seconds");
    assert_eq!(refused(AudioOptions { window: 0.0, ..good() }), "window");
    assert_eq!(refused(AudioOptions { hop: 1e9, ..good() }), "hop");
    assert_eq!(refused(AudioOptions { mels: 0, ..good() }), "mels");
    assert_eq!(refused(AudioOptions { high: Some(9000.0), ..good() }), "high");
    assert_eq!(refused(AudioOptions { low: -1.0, ..good() }), "low");
    assert_eq!(refused(AudioOptions { kind: AudioKind::Mfcc, coefficients: 41, ..good() }), "coefficients");
    assert_eq!(refused(AudioOptions { kind: AudioKind::Wave, rate: 384_000, seconds: 600.0, ..good() }), "seconds");
}

fn varied(options: &AudioOptions, row: &[f32], draw: u64) -> Vec<f32> {
    options.check().unwrap();
    let audio = Audio::new(options);
    assert_eq!(audio.augments(), options.augment != AudioAugment::default());
    let mut found = row.to_vec();
    audio.augment(&mut found, draw);
    found
}

/// Twenty frames of ten bands, each number another one.
fn frames(augment: AudioAugment) -> (AudioOptions, Vec<f32>) {
    let options = AudioOptions { rate: 8000, seconds: 0.19, mels: 10, augment, ..AudioOptions::default() };
    assert_eq!((options.frames(), options.bands()), (20, 10));
    (options, (0..200_u8).map(|at| f32::from(at) - 99.5).collect())
}

#[test]
fn a_sound_is_varied_by_its_draw_alone_and_each_kind_by_itself() {
    let all = AudioAugment { shift: 0.2, noise: 0.1, time_masks: 2, frequency_masks: 1, ..AudioAugment::default() };
    let (options, row) = frames(all);
    assert_eq!(varied(&options, &row, 5), varied(&options, &row, 5));
    assert_ne!(varied(&options, &row, 5), varied(&options, &row, 6));
    assert_eq!(varied(&frames(AudioAugment::default()).0, &row, 5), row);
    // Masks are the same whether there is noise below them or not.
    let hidden = |row: &[f32]| row.iter().map(|value| *value == 0.0).collect::<Vec<_>>();
    let masks = AudioAugment { shift: 0.0, noise: 0.0, ..all };
    let noisy = AudioAugment { shift: 0.0, ..all };
    for draw in 0..50 {
        assert_eq!(hidden(&varied(&frames(masks).0, &row, draw)), hidden(&varied(&frames(noisy).0, &row, draw)));
    }
}

#[test]
fn a_shift_moves_whole_frames_to_either_side_and_no_farther_than_asked() {
    let (options, row) = frames(AudioAugment { shift: 0.25, ..AudioAugment::default() });
    let mut seen = std::collections::BTreeSet::new();
    for draw in 0..300 {
        let found = varied(&options, &row, draw);
        // The tenth frame tells how far.
        let by = (0..20_i32).find(|at| found[100..110] == row[10 * *at as usize..10 * *at as usize + 10]).unwrap() - 10;
        seen.insert(by);
        for frame in 0..20_i32 {
            let from = 10 * (frame + by).clamp(0, 19) as usize;
            assert_eq!(found[10 * frame as usize..10 * frame as usize + 10], row[from..from + 10]);
        }
    }
    assert_eq!(seen, (-5..=5).collect());
    let options = AudioOptions { augment: options.augment, ..wave(1000, 0.008) };
    let row = [1.0; 8];
    // A wave is silent where it has not begun.
    assert!((0..50).any(|draw| varied(&options, &row, draw)[..2] == [0.0; 2]));
    assert!((0..50).any(|draw| varied(&options, &row, draw)[6..] == [0.0; 2]));
}

#[test]
fn masks_hide_stretches_of_every_width_up_to_the_longest() {
    let masks = AudioAugment { time_masks: 1, time_mask: 0.2, ..AudioAugment::default() };
    let (options, row) = frames(masks);
    let mut widths = std::collections::BTreeMap::new();
    for draw in 0..2000 {
        let found = varied(&options, &row, draw);
        let hidden: Vec<usize> = (0..20).filter(|frame| found[10 * frame..10 * frame + 10] == [0.0; 10]).collect();
        assert!(hidden.windows(2).all(|pair| pair[1] == pair[0] + 1));
        assert!((0..200).all(|at| hidden.contains(&(at / 10)) || found[at] == row[at]));
        *widths.entry(hidden.len()).or_insert(0_u32) += 1;
    }
    // Widths 0 to 4 evenly: 400 each with a deviation of 18.
    assert!(widths.len() == 5 && widths.values().all(|count| count.abs_diff(400) < 90), "{widths:?}");
    let masks = AudioAugment { frequency_masks: 1, frequency_mask: 0.5, ..AudioAugment::default() };
    let options = AudioOptions { normalize: Normalize::None, ..frames(masks).0 };
    // Numbers that are not scaled become the mean of their band: of 20 numbers from `band` on in steps of ten.
    let found = (0..50).map(|draw| varied(&options, &row, draw)).find(|found| *found != row).unwrap();
    for (at, (found, before)) in found.iter().zip(&row).enumerate() {
        let mean = (at % 10) as f32 - 99.5 + 95.0;
        assert!(found == before || (found - mean).abs() < 1e-4);
    }
}

#[test]
fn noise_is_as_large_as_asked() {
    let (options, row) = frames(AudioAugment { noise: 0.5, ..AudioAugment::default() });
    let deviation = (row.iter().map(|value| value * value).sum::<f32>() / 200.0).sqrt();
    let noise: Vec<f64> = (0..50)
        .flat_map(|draw| {
            let found = varied(&options, &row, draw);
            found.iter().zip(&row).map(|(found, before)| f64::from((found - before) / deviation)).collect::<Vec<_>>()
        })
        .collect();
    let mean = noise.iter().sum::<f64>() / 1e4;
    let size = (noise.iter().map(|value| value * value).sum::<f64>() / 1e4).sqrt();
    // Deviations of 0.005 and 0.0035.
    assert!(mean.abs() < 0.02 && (size - 0.5).abs() < 0.015, "{mean} {size}");
}

#[test]
fn a_gain_is_that_of_a_louder_sound() {
    // Loud in all bands, so that nothing is near silence.
    let noise = |n: u64| 0.1 * crate::tensor::draw::either(n, 1);
    let samples: Vec<f32> = (0..1600).map(|n| 0.2 * (n as f32 * 0.3).sin() + noise(n)).collect();
    for (kind, level) in [
        (AudioKind::Wave, Level::Decibel),
        (AudioKind::Mel, Level::Decibel),
        (AudioKind::Mel, Level::Log),
        (AudioKind::Spectrogram, Level::Power),
        (AudioKind::Mfcc, Level::Decibel),
    ] {
        let options = AudioOptions {
            rate: 8000,
            seconds: 0.2,
            mels: 10,
            coefficients: 4,
            kind,
            level,
            normalize: Normalize::Learned,
            augment: AudioAugment { gain: 6.0, ..AudioAugment::default() },
            ..AudioOptions::default()
        };
        let mut fit = AudioFit::new(&options);
        fit.add(&wav(8000, &samples)).unwrap();
        let audio = fit.finish();
        let encoded = |factor: f32| {
            let mut out = vec![0.0; options.size()];
            let louder: Vec<f32> = samples.iter().map(|sample| sample * factor).collect();
            audio.encode(&wav(8000, &louder), &mut out).unwrap();
            out
        };
        let plain = encoded(1.0);
        for draw in 0..5 {
            let mut found = plain.clone();
            audio.augment(&mut found, draw);
            let decibels = 6.0 * crate::tensor::draw::either(draw, 2);
            let expected = encoded(10.0_f32.powf(decibels / 20.0));
            // In standard deviations; the logarithm adds 1e-6 to power, which a gain does not.
            let tolerance = if level == Level::Log { 2e-2 } else { 2e-3 };
            assert_close(&found, &expected, tolerance, &format!("{kind:?} {level:?}"));
        }
    }
}

#[test]
fn variations_that_change_nothing_or_too_much_are_refused() {
    let refused = |augment: AudioAugment, kind: AudioKind, normalize: Normalize| {
        AudioOptions { augment, kind, normalize, ..AudioOptions::default() }.check().unwrap_err()
    };
    let none = AudioAugment::default();
    let loud = AudioAugment { gain: 6.0, ..none };
    for normalize in [Normalize::Clip, Normalize::Bands] {
        let (option, reason) = refused(loud, AudioKind::Mel, normalize);
        assert!(option == "augment" && reason.contains("`normalize: learned`"), "{reason}");
    }
    let bands = AudioAugment { frequency_masks: 1, ..none };
    assert!(refused(bands, AudioKind::Wave, Normalize::None).1.contains("a wave has none"));
    assert!(refused(AudioAugment { shift: 1.5, ..none }, AudioKind::Mel, Normalize::Clip).1.contains("`shift`"));
    assert!(refused(AudioAugment { noise: f64::NAN, ..none }, AudioKind::Mel, Normalize::Clip).1.contains("`noise`"));
    assert!(
        refused(AudioAugment { time_mask: -0.1, ..none }, AudioKind::Mel, Normalize::Clip).1.contains("`time_mask`")
    );
}

#[test]
fn frames_and_bands_say_what_they_are() {
    let audio = Audio::new(&AudioOptions { rate: 8000, mels: 3, ..AudioOptions::default() });
    assert!((audio.seconds(5) - 0.05).abs() < 1e-9);
    // librosa.mel_frequencies(n_mels=5, fmin=0, fmax=4000) without its ends.
    let expected = MEL_FREQUENCIES;
    assert!(
        audio.hertz().iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 0.01),
        "{:?}",
        audio.hertz()
    );
}
const MEL_FREQUENCIES: [f64; 3] = [586.0627, 1194.2386, 2185.6245];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_files_are_refused_or_give_numbers_but_never_harm(
        which in 0_usize..6,
        changes in prop::collection::vec((0_usize..48, any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        kind in prop::sample::select(vec![AudioKind::Wave, AudioKind::Mel, AudioKind::Mfcc]),
    ) {
        let mut file = bytes(&oracle("formats")[which]);
        for (place, value) in changes {
            file[place] = value;
        }
        file.truncate(1 + cut.index(file.len()).max(40));
        let options = AudioOptions { kind, seconds: 0.02, ..AudioOptions::default() };
        let mut out = vec![0.0; options.size()];
        if Audio::new(&options).encode(&file, &mut out).is_ok() {
            prop_assert!(out.iter().all(|value| value.is_finite()));
        }
    }
}
