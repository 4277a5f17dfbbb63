//! Clusters of rows, through the program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;

use crate::support::{Workshop, stage, unexplained};

/// Three heaps of 60, 30 and 10 rows, a row that lacks a value, and one far from all.
fn heaps() -> String {
    let mut text = String::from("id,x,y,kind\n");
    let mut id = 0;
    for (count, x, y, kind) in [(10, 50.0, 0.0, "c"), (60, 0.0, 0.0, "a"), (30, 0.0, 500.0, "b")] {
        for at in 0..count {
            // Evenly spread over a field of 1 by 10, without a pattern.
            let (dx, dy) = ((f64::from(at) * 0.7549).fract(), (f64::from(at) * 0.5698).fract() * 10.0);
            text += &format!("{id},{},{},{kind}\n", x + dx, y + dy);
            id += 1;
        }
    }
    text + "100,,3,a\n101,25,2000,d\n"
}

fn workshop(options: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(&format!(
        "name: heaps\nstages:\n  - read: {{path: rows.csv}}\n  - id: groups\n    cluster: {options}\n  - write: {{path: out.ndjson}}\n"
    ));
    workshop.write("rows.csv", heaps());
    workshop
}

/// Sizes of the clusters 1, 2, .. by `kind`, and how many rows have none.
fn sizes(workshop: &Workshop) -> (Vec<(String, usize)>, usize) {
    let rows = workshop.read_ndjson("out.ndjson");
    let none = rows.iter().filter(|row| row["cluster"].is_null()).count();
    let most = rows.iter().filter_map(|row| row["cluster"].as_u64()).max().unwrap_or(0);
    let of = |cluster: u64| {
        let own: Vec<&Value> = rows.iter().filter(|row| row["cluster"].as_u64() == Some(cluster)).collect();
        let mut kinds: Vec<&str> = own.iter().map(|row| row["kind"].as_str().unwrap()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        (kinds.join("+"), own.len())
    };
    ((1..=most).map(of).collect(), none)
}

fn expected(sizes: &[(&str, usize)]) -> Vec<(String, usize)> {
    sizes.iter().map(|(kind, size)| ((*kind).to_owned(), *size)).collect()
}

#[test]
fn every_method_finds_the_heaps_the_largest_first() {
    for (options, noise) in [
        ("{columns: [x, y], k: 4, distance: far, profile: kind}", 1),
        ("{method: mini_batch, columns: [x, y], k: 4, batch: 16, passes: 3}", 1),
        ("{method: agglomerative, columns: [x, y], k: 4}", 1),
        ("{method: agglomerative, columns: [x, y], k: 4, linkage: average, scale: robust}", 1),
        ("{method: dbscan, columns: [x, y], radius: 0.3, min_points: 4}", 2),
        ("{method: hdbscan, columns: [x, y], min_cluster_size: 8, min_samples: 3}", 2),
    ] {
        let workshop = workshop(options);
        let manifest = workshop.run();
        assert_eq!(unexplained(stage(&manifest, "groups")), Some(0), "{options}");
        let (found, none) = sizes(&workshop);
        let mut heaps = expected(&[("a", 60), ("b", 30), ("c", 10)]);
        if noise == 1 {
            heaps.push(("d".to_owned(), 1));
        }
        assert_eq!((found, none), (heaps, noise), "{options}");
        let remarks = manifest["warnings"].to_string();
        assert!(remarks.contains("1 row has no cluster, because a value is missing"), "{options}: {remarks}");
    }
}

#[test]
fn the_number_of_clusters_is_chosen_and_a_mixture_says_how_sure_it_is() {
    let workshop = workshop("{columns: [x, y], k: auto, k_range: [2, 6]}");
    workshop.run();
    let (found, _) = sizes(&workshop);
    assert!((3..=4).contains(&found.len()), "{found:?}");
    let workshop = self::workshop("{method: mixture, columns: [x, y], k: 3, covariance: diag, probability: sure}");
    workshop.run();
    for row in workshop.read_ndjson("out.ndjson") {
        let sure = row["sure"].as_f64();
        assert_eq!(sure.is_none(), row["cluster"].is_null());
        assert!(sure.is_none_or(|sure| (1.0 / 3.0..=1.0).contains(&sure)), "{row}");
    }
}

#[test]
fn strength_says_how_firmly_a_row_belongs() {
    let workshop = workshop("{method: hdbscan, columns: [x, y], min_cluster_size: 8, min_samples: 3, strength: firm}");
    workshop.run();
    let rows = workshop.read_ndjson("out.ndjson");
    let firm = |id: u64| rows.iter().find(|row| row["id"] == id).unwrap()["firm"].as_f64();
    assert_eq!((firm(100), firm(101)), (None, Some(0.0)), "a row that lacks a value, and noise");
    // Of scikit-learn 1.9 on the same standardized rows: the least of `probabilities_` in each cluster, the largest cluster first.
    for (cluster, expected) in [(1, 0.709_594_235_825_855_6), (2, 1.0), (3, 0.920_607_816_435_468_9)] {
        let own = rows.iter().filter(|row| row["cluster"] == cluster).map(|row| row["firm"].as_f64().unwrap());
        let (least, most) = own.fold((2.0, 0.0), |(least, most), firm| (f64::min(least, firm), f64::max(most, firm)));
        assert!((least - expected).abs() < 1e-9 && (most - 1.0).abs() < 1e-9, "{cluster}: {least} {most}");
    }
}

#[test]
fn merging_shows_its_last_merges() {
    let workshop = workshop("{method: agglomerative, columns: [x, y], k: 4}");
    let manifest = workshop.run();
    let text = stage(&manifest, "groups")["exhibits"].to_string();
    assert!(text.contains("The last 29 merges") && text.contains("cluster 4: 1 row\""), "{text}");
}

#[test]
fn clusters_are_learned_from_the_training_rows_and_told_of_all() {
    let options = "{columns: [x, y], k: 2}";
    let workshop = Workshop::with_pipeline(&format!(
        "name: heaps\nstages:\n  - read: {{path: rows.csv}}\n  - split: {{by: hash, on: id, parts: {{train: 0.7, test: 0.3}}}}\n  - id: groups\n    cluster: {options}\n  - write: {{path: out.ndjson}}\n"
    ));
    // Poison: without the split, this heap far away would be a cluster of its own.
    let mut rows = String::from("id,x,y\n");
    for id in 0..400 {
        rows += &format!("{id},{},{}\n", id % 2 * 100 + id % 7, id % 5);
    }
    workshop.write("rows.csv", &rows);
    workshop.run();
    let before: Vec<(bool, Value)> = told(&workshop);
    let poisoned: String = rows
        .lines()
        .enumerate()
        .map(|(at, line)| {
            let is_test = at > 0 && before[at - 1].0;
            if is_test { format!("{},1e6,1e6\n", line.split(',').next().unwrap()) } else { format!("{line}\n") }
        })
        .collect();
    workshop.write("rows.csv", poisoned);
    workshop.run();
    let after = told(&workshop);
    let train = |told: &[(bool, Value)]| told.iter().filter(|(test, _)| !test).cloned().collect::<Vec<_>>();
    assert_eq!(train(&before), train(&after));
    assert!(after.iter().all(|(_, cluster)| cluster.is_u64()));
}

/// Whether each row is a test row, and its cluster.
fn told(workshop: &Workshop) -> Vec<(bool, Value)> {
    let rows = workshop.read_ndjson("out.ndjson");
    let part = |row: &Value| row.as_object().unwrap().values().any(|value| value == "test");
    rows.iter().map(|row| (part(row), row["cluster"].clone())).collect()
}

#[test]
fn what_makes_no_sense_is_refused_at_its_place() {
    for (options, message) in [
        ("{method: dbscan, columns: [x, y]}", "needs a `radius`"),
        ("{method: dbscan, columns: [x, y], radius: 1, k: 3}", "`k` has no meaning for `method: dbscan`"),
        ("{columns: [x, z]}", "unknown column `z`"),
        ("{columns: [x, kind]}", "column `kind` holds"),
        ("{columns: [x], k: 0}", "`k` is a whole number from 1 to 10000, or `auto`"),
        ("{columns: [x], k: many}", "or `auto`"),
        ("{columns: [x], k: auto, k_range: [5, 2]}", "`k_range` goes from"),
        ("{columns: [x], probability: p}", "`probability` has no meaning for `method: kmeans`"),
        ("{columns: [x], strength: s}", "`strength` has no meaning for `method: kmeans`: it belongs to `hdbscan`"),
        ("{columns: [x], name: kind}", "column `kind` exists already"),
        ("{columns: [x], distance: cluster}", "the name of two new columns"),
        ("{method: agglomerative, columns: [x], k: 2, height: 3}", "exclude each other"),
    ] {
        let found = workshop(options).gristmill(["check", "p.yaml"]);
        assert_eq!(found.code, Some(2), "{options}: {}", found.stderr);
        let text = found.stdout + &found.stderr;
        let flat = text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(flat.contains(message), "{options}: {text}");
    }
}

#[test]
fn too_few_rows_too_large_numbers_and_too_little_memory_end_the_stage() {
    let run = |rows: &str, options: &str, more: &[&str]| {
        let workshop = workshop(options);
        workshop.write("rows.csv", rows);
        let found = workshop.gristmill(["run", "p.yaml", "--quiet"].iter().chain(more));
        (found.code, found.stdout + &found.stderr)
    };
    let (code, text) = run("x,y\n1,2\n3,4\n", "{columns: [x, y], k: 3}", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("3 clusters cannot be made of 2 rows"), "{text}");
    let (code, text) = run("x,y\n1,\n,4\n", "{columns: [x, y], k: 1}", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("no rows with a value in every column"), "{text}");
    let (code, text) = run("x,y\n1e300,1\n-1e300,2\n5.5,3\n", "{columns: [x, y], k: 2}", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("column `x` holds numbers too large"), "{text}");
    let (code, text) = run("x,y\n1,2\n", "{method: hdbscan, columns: [x, y]}", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("5 nearest rows are asked how dense a place is, and there are 1 in all"), "{text}");
    let many: String = (0..20_000).map(|at| format!("{},{}\n", at % 977, at % 1009)).collect();
    let options = "{method: agglomerative, columns: [x, y], k: 3, linkage: complete}";
    let (code, text) = run(&format!("x,y\n{many}"), options, &["--memory", "256MiB"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("mini_batch") && text.contains("sample"), "{text}");
    for method in ["kmeans", "mini_batch", "mixture", "agglomerative"] {
        let (code, text) =
            run("x,y\n1,1\n1,1\n1,1\n2,2\n", &format!("{{method: {method}, columns: [x, y], k: 4}}"), &[]);
        assert_eq!(code, Some(0), "{method}: {text}");
    }
    for options in
        ["{columns: [x, y], k: 1}", "{method: hdbscan, columns: [x, y], min_cluster_size: 2, min_samples: 1}"]
    {
        let (code, text) = run("x,y\n1,1\n", options, &[]);
        assert_eq!(code, Some(0), "{options}: {text}");
    }
}

#[test]
fn a_model_gives_new_rows_the_clusters_of_its_preparation() {
    for options in
        ["{columns: [x, y], k: 3, distance: far}", "{method: dbscan, columns: [x, y], radius: 0.3, min_points: 4}"]
    {
        let workshop = Workshop::with_pipeline(&format!(
            "name: teach
stages:
  - read: {{path: rows.csv}}
  - derive: {{late: \"kind = 'a'\"}}
  - id: groups
    cluster: {options}
  - filter: \"cluster is not null\"
  - tensors: {{features: {{number: [cluster, x]}}, target: late}}
  - id: model
    train: {{network: [{{dense: 4}}], epochs: 2, batch_size: 32, seed: 5, save: out/model}}
"
        ));
        workshop.write("rows.csv", heaps());
        workshop.run();
        workshop.write("new.csv", "id,x,y,kind\n1,0.5,502,b\n2,50.5,3,c\n");
        workshop.write(
            "q.yaml",
            "name: ask\nstages:\n  - read: {path: new.csv}\n  - predict: {model: out/model}\n  - write: {path: out.ndjson}\n",
        );
        workshop.gristmill(["run", "q.yaml", "--quiet"]).success();
        assert_eq!(workshop.read_ndjson("out.ndjson").len(), 2, "{options}");
    }
}
