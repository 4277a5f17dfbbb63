//! What columns become, through the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Outcome, Workshop, stage};

const TRIPS: &str = "id,km,carrier,at,note,tags,late,stops,station\n\
    1,100,AA,2024-01-01 06:00:00,good flight,a;b,true,0,x\n\
    2,200,UA,2024-01-01 12:00:00,bad flight,,false,2,x\n\
    3,,AA,2024-01-02 18:00:00,,b,true,1,x\n\
    4,400,DL,2024-01-03 06:30:00,good food,a,false,0,x\n\
    5,900,AA,,good flight,b,false,1,y\n\
    6,150,UA,2024-02-01 00:00:00,a bad one,a,true,3,y\n";

fn workshop(options: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: trips\nstages:\n  - id: trips\n    read: {{path: trips.csv}}\n  - id: made\n    tensors: {options}\n"
    ));
    workshop.write("trips.csv", TRIPS);
    workshop
}

/// The rows of the exhibit of that title, as text.
fn table(manifest: &Value, title: &str) -> Vec<String> {
    let exhibits = stage(manifest, "made")["exhibits"].as_array().unwrap().clone();
    let found = exhibits.iter().find(|exhibit| exhibit["table"]["title"] == title);
    let rows = found.unwrap_or_else(|| panic!("{exhibits:?}"))["table"]["rows"].as_array().unwrap().clone();
    rows.iter().map(Value::to_string).collect()
}

fn refused(options: &str) -> Outcome {
    let outcome = workshop(options).gristmill(["check", "p.yaml"]);
    assert_ne!(outcome.code, Some(0), "{options}: {}", outcome.stdout);
    outcome
}

#[test]
fn every_kind_of_column_says_what_it_became() {
    let workshop = workshop(
        "{features: {number: {km: {robust: {clip: smooth}}}, category: {carrier: {embedding: {dimension: 3}}}, date: at, \
         text: {note: {length: 4, min_count: 1}}}, target: {late: binary, stops: count, tags: {multi_label: {separator: \";\"}}}}",
    );
    let manifest = workshop.run();
    let inputs = table(&manifest, "Inputs of the network");
    // The distance with its mark, three cycles of two, the moment and its mark.
    assert_eq!(inputs[0], r#"["table","numbers side by side","10",null]"#);
    assert!(inputs[1].starts_with(r#"["carrier","a category","1","#), "{inputs:?}");
    assert!(inputs[2].starts_with(r#"["note","a text","4","#), "{inputs:?}");
    let features = table(&manifest, "Features");
    assert!(features[1].contains("category, a vector of 3"), "{features:?}");
    assert!(features[2].contains("date: day, week, year, moment"), "{features:?}");
    // The second row has no tags: with a missing target it is left out.
    assert_eq!(table(&manifest, "Rows by part"), [r#"["all rows",6.0,0.0,0.0,1.0]"#]);
    assert_eq!(table(&manifest, "Target tags"), [r#"["a",3.0,0.6]"#, r#"["b",3.0,0.6]"#]);
}

#[test]
fn windows_are_counted_before_they_are_cut() {
    let workshop = workshop(
        "{features: {sequence: {columns: [stops], by: station, order: at, window: 2, horizon: 1}}, target: km, target_kind: number}",
    );
    let manifest = workshop.run();
    assert_eq!(table(&manifest, "Inputs of the network"), [r#"["sequence","rows of a window","2 x 1",null]"#]);
    // Station x has four rows with a time: windows end at the second and third. Station y has one.
    assert_eq!(table(&manifest, "Rows by part"), [r#"["all rows",6.0,1.0,2.0,1.0,2.0]"#]);
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_advice() {
    for (options, said) in [
        (
            "{features: {category: {carrier: {target: {folds: 1}}}}, target: late}",
            "`folds` is a number from 2 to 100, not 1",
        ),
        ("{features: {category: {carrier: {target: {smoothing: much}}}}, target: late}", "`auto` or a number of rows"),
        (
            "{features: {category: {carrier: target}, sequence: {columns: [stops], order: at, window: 2}}, target: late}",
            "put `encode:",
        ),
        ("{features: {date: {at: {cycles: [weak]}}}, target: late}", "did you mean `week`?"),
        ("{features: {date: km}, target: late}", "no dates or times"),
        ("{features: {number: {km: {bin: {bins: 1}}}}, target: late}", "`bins` is a number from 2 to 10000, not 1"),
        ("{features: {number: {kn: zscore}}, target: late}", "did you mean `km`?"),
        ("{features: [km], target: {tags: multi_label}}", "what stands between the labels of `tags`?"),
        ("{features: [km], target: [late, late]}", "column `late` is named twice"),
        ("{features: {image: {note: {height: 2, width: 2}}}, target: late}", "relative to which folder?"),
        ("{features: {audio: note}, folder: nowhere, target: late}", "there is no folder `nowhere`"),
        (
            "{features: {sequence: {columns: [km], order: at, window: 0}}, target: km, target_kind: number}",
            "`window` is a number of rows from 1 to 65536",
        ),
        (
            "{features: {sequence: {columns: [km], order: at, window: 2, horizon: 0}}, target: km, target_kind: number}",
            "`km` is the target of the last row of the window",
        ),
    ] {
        let outcome = refused(options);
        assert!(outcome.stderr.contains(said), "{options}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("p.yaml:"), "{options}: {}", outcome.stderr);
    }
}

#[test]
fn a_path_does_not_leave_its_folder_and_what_does_not_decode_is_named_or_counted() {
    let pipeline = |on_error: &str| {
        format!(
            "name: pictures\nstages:\n  - id: list\n    read: {{path: list.csv}}\n  - id: made\n    tensors: \
             {{features: {{image: {{file: {{height: 2, width: 2, channels: 1}}}}}}, folder: pictures, on_error: {on_error}, target: kind}}\n"
        )
    };
    let run = |on_error: &str, rows: &str| {
        let workshop = Workshop::with_pipeline(&pipeline(on_error));
        workshop.write("secret.png", "no picture");
        workshop.write("pictures/broken.png", "no picture");
        workshop.write("list.csv", format!("file,kind\n{rows}"));
        let outcome = workshop.gristmill(["run", "p.yaml"]);
        (workshop, outcome)
    };
    let (_, outcome) = run("error", "../secret.png,a\nbroken.png,b\n");
    assert_ne!(outcome.code, Some(0));
    assert!(outcome.stderr.contains("`../secret.png` is no path inside of the folder"), "{}", outcome.stderr);
    let (_, outcome) = run("error", "broken.png,a\nbroken.png,b\n");
    assert!(outcome.stderr.contains("training row 1 cannot be read: file: "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("on_error: skip"), "{}", outcome.stderr);
    let (workshop, outcome) = run("skip", "broken.png,a\ngone.png,b\n");
    outcome.success();
    let warnings = workshop.manifest()["warnings"].to_string();
    assert!(warnings.contains("`file` cannot be decoded in 2 of 2 rows of training: left out (row 1: "), "{warnings}");
}

#[test]
fn targets_with_nothing_to_learn_are_refused_in_words() {
    for (options, said) in [
        ("{features: [km], target: id, target_kind: binary}", "has more than two values"),
        ("{features: [id], target: carrier, target_kind: count}", "cannot be foretold as a count"),
    ] {
        let outcome = workshop(options).gristmill(["run", "p.yaml"]);
        assert_ne!(outcome.code, Some(0));
        assert!(outcome.stderr.contains(said), "{options}: {}", outcome.stderr);
    }
}

#[test]
fn a_target_does_not_speak_in_the_input_of_its_own_row() {
    // A code for each row, and a target by chance: nothing can be foretold, but a mean over all training rows would give
    // each row its own answer.
    let workshop = Workshop::with_pipeline(
        "name: codes
stages:
  - read: {path: codes.csv}
  - split: {by: hash, on: id, parts: {train: 0.7, valid: 0.3}}
  - id: made
    tensors: {features: {category: {code: target, shop: {target: {smoothing: 2, seed: 7, scale: none}}}}, target: late}
  - id: model
    train: {network: [{dense: 8}], epochs: 30, batch_size: 32, learning_rate: 0.02, schedule: constant}
",
    );
    let mut text = "id,code,shop,late\n".to_owned();
    for id in 0_u32..400 {
        let late = (id.wrapping_mul(2_654_435_761) >> 13) % 2 == 0;
        text += &format!("{id},code {id},{},{late}\n", ["north", "south"][id as usize % 2]);
    }
    workshop.write("codes.csv", text);
    let manifest = workshop.run();
    let features = table(&manifest, "Features");
    assert!(features[0].contains("category: share of late = true, scaled"), "{features:?}");
    assert!(features[1].contains("2 values, smoothed by 2 rows, 5 folds"), "{features:?}");
    let means = table(&manifest, "Means by shop");
    assert_eq!(means.len(), 3, "{means:?}");
    assert!(means[2].starts_with("[\"all rows\","), "{means:?}");
    let exhibits = stage(&manifest, "model")["exhibits"].as_array().unwrap().clone();
    let metrics = exhibits.iter().map(|exhibit| &exhibit["metrics"]).find(|metrics| metrics["title"] == "Training");
    let loss = metrics.unwrap()["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == "training loss");
    let loss = loss.unwrap()["value"].as_f64().unwrap();
    // That of a coin is 0.693.
    assert!(loss > 0.6, "{loss}");
}

/// Eight images of 4 x 4 bytes in lists of one size, with their mean, vectors of three numbers, and a digit.
fn digits() -> Vec<u8> {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, FixedSizeListArray, Int64Array, RecordBatch};
    use arrow::datatypes::{Float32Type, UInt8Type};
    let images = (0..8_u8).map(|row| Some((0..16).map(move |at| Some(row * 16 + at)).collect::<Vec<_>>()));
    let vectors = (0..8_u8).map(|row| {
        let of = |place: u8| (place != 1 || row != 3).then(|| f32::from(row * place));
        (row != 5).then(|| (0..3).map(of).collect::<Vec<_>>())
    });
    let columns: [(&str, ArrayRef); 3] = [
        ("pixels", Arc::new(FixedSizeListArray::from_iter_primitive::<UInt8Type, _, _>(images, 16))),
        ("vector", Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vectors, 3))),
        ("digit", Arc::new(Int64Array::from_iter_values((0..8).map(|row| row % 2)))),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn digits_workshop(features: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: digits
stages:
  - id: digits
    read: {{path: digits.parquet}}
  - id: made
    tensors: {{features: {features}, target: digit, target_kind: category}}
"
    ));
    workshop.write("digits.parquet", digits());
    workshop
}

#[test]
fn lists_of_one_size_are_images_and_vectors() {
    let workshop = digits_workshop(
        "{image: {pixels: {height: 2, width: 2, channels: 1, given: {height: 4, width: 4}, resize: area}}, number: vector}",
    );
    let manifest = workshop.run();
    let inputs = table(&manifest, "Inputs of the network");
    // Each place was missing in some row.
    assert_eq!(inputs[0], r#"["table","numbers side by side","6",null]"#);
    assert_eq!(inputs[1], r#"["pixels","an image","2 x 2 x 1",null]"#);
    let features = table(&manifest, "Features");
    assert!(features[0].contains("list: number, scaled"), "{features:?}");
    assert!(features[0].contains("for each of 3 places"), "{features:?}");
    // A list of one size needs no kind.
    let inputs = table(&digits_workshop("[vector]").run(), "Inputs of the network");
    assert_eq!(inputs, [r#"["table","numbers side by side","6",null]"#]);
}

#[test]
fn a_list_of_one_size_that_is_no_such_image_is_refused_before_a_row_is_read() {
    for (features, said) in [
        (
            "{image: {pixels: {height: 28, width: 28, channels: 1}}}",
            "column `pixels` holds array(uint8, 16), 16 numbers a row, and an image of 28 x 28 x 1 has others",
        ),
        (
            "{image: {pixels: {height: 2, width: 2, channels: 1, given: {height: 5, width: 4}}}}",
            "an image of 5 x 4 x 1 has others",
        ),
        ("{category: pixels}", "which names nothing"),
        ("{text: pixels}", "not texts"),
        ("{audio: pixels}", "no sounds"),
        ("{date: pixels}", "no dates or times"),
    ] {
        let outcome = digits_workshop(features).gristmill(["check", "p.yaml"]);
        assert_ne!(outcome.code, Some(0));
        assert!(outcome.stderr.contains(said), "{features}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("p.yaml:"), "{features}: {}", outcome.stderr);
    }
}

#[test]
fn a_row_that_cannot_be_read_is_named_in_every_part() {
    let pipeline = |on_error: &str| {
        format!(
            "name: pictures
stages:
  - read: {{path: list.csv}}
  - split: {{by: time, on: id, parts: {{train: 0.5, valid: 0.5}}}}
  - id: made
    tensors: {{features: {{image: {{file: {{height: 2, width: 2, channels: 1}}}}}}, folder: pictures, on_error: {on_error}, target: kind}}
  - id: model
    train: {{network: [flatten, {{dense: 2}}], epochs: 1, batch_size: 4, validate_on: valid}}
"
        )
    };
    let run = |on_error: &str| {
        let workshop = Workshop::with_pipeline(&pipeline(on_error));
        let mut list = "id,file,kind\n".to_owned();
        for id in 0..8_u8 {
            let mut png = Vec::new();
            let pixels = [id * 20, 9, 30, 255 - id];
            image::ImageEncoder::write_image(
                image::codecs::png::PngEncoder::new(&mut png),
                &pixels,
                2,
                2,
                image::ColorType::L8,
            )
            .unwrap();
            workshop.write(&format!("pictures/{id}.png"), if id == 6 { b"no picture".to_vec() } else { png });
            list += &format!("{id},{id}.png,{}\n", ["a", "b"][usize::from(id % 2)]);
        }
        workshop.write("list.csv", list);
        let outcome = workshop.gristmill(["run", "p.yaml"]);
        (workshop, outcome)
    };
    // The third of the four rows of `valid`.
    let (_, outcome) = run("error");
    assert_ne!(outcome.code, Some(0));
    let said = "row 3 of the validation rows cannot be read: file: neither PNG nor JPEG";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("on_error: skip"), "{}", outcome.stderr);
    let (workshop, outcome) = run("skip");
    outcome.success();
    let exhibits = stage(&workshop.manifest(), "model")["exhibits"].to_string();
    assert!(
        exhibits.contains("could not be read (first row 3: file: neither PNG nor JPEG), left out: 1."),
        "{exhibits}"
    );
}
