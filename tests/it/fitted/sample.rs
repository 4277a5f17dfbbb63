use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;
use serde_json::Value;

use super::{generator, refusal, run, table};

const TYPES: &str = "{id: bigint, g: string, w: double}";

/// Rows with their number, a stratum of stated size each, mixed, and a weight.
fn rows_of(sizes: &[(&str, usize)]) -> String {
    let mut next = generator(3);
    let mut rows: Vec<&str> = sizes.iter().flat_map(|(name, size)| std::iter::repeat_n(*name, *size)).collect();
    for last in (1..rows.len()).rev() {
        rows.swap(last, next(last as u64 + 1) as usize);
    }
    let mut text = String::from("id,g,w\n");
    for (id, name) in rows.iter().enumerate() {
        writeln!(text, "{id},{name},{}", id % 4).unwrap();
    }
    text
}

fn by_stratum(rows: &[Value]) -> BTreeMap<String, usize> {
    rows.iter().fold(BTreeMap::new(), |mut counts, row| {
        *counts.entry(row["g"].as_str().unwrap_or("null").to_owned()).or_default() += 1;
        counts
    })
}

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.map(|(name, count)| (name.to_owned(), count)).into()
}

/// The numbers of the rows, which have to ascend.
#[track_caller]
fn ids(rows: &[Value], repeated: bool) -> Vec<u64> {
    let ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    let ordered = ids.windows(2).all(|pair| if repeated { pair[0] <= pair[1] } else { pair[0] < pair[1] });
    assert!(ordered, "the order of the rows stays: {ids:?}");
    ids
}

#[test]
fn strata_keep_their_share_to_the_row() {
    let text = rows_of(&[("a", 700), ("b", 203), ("c", 4), ("", 93)]);
    let (rows, manifest) = run(&text, TYPES, "  - id: some\n    sample: {fraction: 0.1, by: g}\n");
    // 20.3 and 9.3 are rounded; 0.4 would be none, but one stays.
    assert_eq!(by_stratum(&rows), counts([("a", 70), ("b", 20), ("c", 1), ("null", 9)]));
    ids(&rows, false);
    assert_eq!(table(&manifest, "some", "Strata")["rows"][0][2], 70.0);

    let (rows, _) = run(&text, TYPES, "  - sample: {rows: 100, by: g}\n");
    // Hamilton's method: 70, 20.3, 0.4 and 9.3 of 100; the row that is left goes to 0.4.
    assert_eq!(by_stratum(&rows), counts([("a", 70), ("b", 20), ("c", 1), ("null", 9)]));
    let (rows, _) = run(&text, TYPES, "  - sample: {rows: 100, by: g, allocate: equal}\n");
    assert_eq!(by_stratum(&rows), counts([("a", 32), ("b", 32), ("c", 4), ("null", 32)]));
}

#[test]
fn balanced_strata_have_equally_many_rows() {
    let text = rows_of(&[("a", 50), ("b", 20), ("", 7)]);
    let (rows, _) = run(&text, TYPES, "  - sample: {by: g, balance: down, seed: 4}\n");
    assert_eq!(by_stratum(&rows), counts([("a", 7), ("b", 7), ("null", 7)]));
    ids(&rows, false);
    let (rows, _) = run(&text, TYPES, "  - sample: {by: g, balance: up, seed: 4}\n");
    assert_eq!(by_stratum(&rows), counts([("a", 50), ("b", 50), ("null", 50)]));
    let repeated = ids(&rows, true).into_iter().fold(BTreeMap::<u64, usize>::new(), |mut times, id| {
        *times.entry(id).or_default() += 1;
        times
    });
    assert_eq!(repeated.len(), 77, "every row is there");
    for row in &rows {
        let times = repeated[&row["id"].as_u64().unwrap()];
        let allowed = match row["g"].as_str() {
            Some("a") => 1..=1,
            Some("b") => 2..=3,
            _ => 7..=8,
        };
        assert!(allowed.contains(&times), "{row} {times}");
    }
}

#[test]
fn only_the_training_part_is_balanced() {
    let text = rows_of(&[("a", 300), ("b", 60)]);
    let split = "  - split: {by: hash, on: id, parts: {train: 0.7, test: 0.3}}\n";
    let (before, _) = run(&text, TYPES, split);
    for (balance, times) in [("down", false), ("up", true)] {
        let (after, _) = run(&text, TYPES, &format!("{split}  - sample: {{by: g, balance: {balance}}}\n"));
        ids(&after, times);
        let part = |rows: &[Value], part: &str| -> Vec<Value> {
            rows.iter().filter(|row| row["part"] == part).cloned().collect()
        };
        assert_eq!(part(&after, "test"), part(&before, "test"));
        let train = by_stratum(&part(&after, "train"));
        assert_eq!(train["a"], train["b"]);
        let known = by_stratum(&part(&before, "train"));
        assert_eq!(train["a"], if times { known["a"] } else { known["b"] });
    }
}

#[test]
fn heavy_rows_are_drawn_more_often() {
    let text = rows_of(&[("a", 4_000)]);
    let mut by_weight = [0_usize; 4];
    for seed in 0..5 {
        let (rows, _) = run(&text, TYPES, &format!("  - sample: {{rows: 100, weight: w, seed: {seed}}}\n"));
        assert_eq!(rows.len(), 100);
        ids(&rows, false);
        rows.iter().for_each(|row| by_weight[row["w"].as_f64().unwrap() as usize] += 1);
    }
    // In proportion 0 : 1 : 2 : 3 of 500, up to five deviations and the little that is drawn away.
    assert_eq!(by_weight[0], 0);
    for (found, expected) in by_weight[1..].iter().zip([83.0, 167.0, 250.0_f64]) {
        assert!((*found as f64 - expected).abs() < 5.0 * (expected * 0.83).sqrt(), "{by_weight:?}");
    }
    let (rows, _) = run(&text, TYPES, "  - sample: {rows: 3500, weight: w}\n");
    assert_eq!(rows.len(), 3_000, "rows without a weight are never drawn");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn exactly_the_wanted_rows_are_kept(size in 0_usize..200, wanted in 0_usize..250, seed in 0_u32..100) {
        let text = rows_of(&[("a", size)]);
        let (rows, _) = run(&text, TYPES, &format!("  - sample: {{rows: {wanted}, seed: {seed}}}\n"));
        prop_assert_eq!(rows.len(), wanted.min(size));
        ids(&rows, false);
    }
}

#[test]
fn contradictions_are_refused() {
    let say = |options: &str| refusal("id,g,w\n1,a,2\n", TYPES, &format!("  - sample: {{{options}}}\n"));
    assert!(say("seed: 1").contains("say how much"));
    assert!(say("balance: down").contains("needs the columns that make strata"));
    assert!(say("balance: down, by: g, rows: 3").contains("says itself how many rows"));
    assert!(say("fraction: 0.1, by: w").contains("whose text differs between engines"));
    assert!(say("rows: 3, allocate: equal").contains("among the strata of `by`"));
    assert!(say("fraction: 0.1, weight: w").contains("belongs to a number of `rows`"));
    assert!(say("rows: 3, weight: w, by: g").contains("exclude each other"));
    assert!(say("rows: 3, weight: g").contains("not numbers"));
    assert!(say("fraction: 1.5").contains("between 0 and 1"));
}
