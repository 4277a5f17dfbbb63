//! What preparation has learned travels with a model.

use serde_json::Value;

use super::generator;
use crate::support::Workshop;

fn text(rows: usize) -> String {
    let mut next = generator(77);
    let mut text = String::from("id,kind,size,weight,price,late\n");
    for id in 0..rows {
        let size = next(1_000) as f64 / 10.0;
        let kind = if size > 50.0 { "large" } else { "small" };
        let kind = if next(8) == 0 { "" } else { kind };
        let weight = if next(6) == 0 { String::new() } else { format!("{}", size * 2.0 + next(10) as f64) };
        let price = if next(6) == 0 { String::new() } else { format!("{}", size * 3.0 - next(20) as f64) };
        text += &format!("{id},{kind},{size},{weight},{price},{}\n", size > 40.0);
    }
    text
}

const STAGES: &str = "
  - impute: {columns: {kind: nearest, weight: nearest}, nearest: {from: [size, price], donors: 100}}
  - impute: {columns: {price: regression}, regression: {from: [size, weight]}}
  - outliers: {columns: [size, weight, price], method: isolation_forest, score: how_far}
  - outliers: {columns: price, method: mad, by: kind, action: clip}
  - standardize: {columns: [weight], method: yeo_johnson}
  - standardize: {columns: [price], method: quantile, output: normal}
  - standardize: {columns: [size], by: kind, suffix: _by_kind}
";

const TYPES: &str = "{id: bigint, kind: string, size: double, weight: double, price: double, late: boolean}";

#[test]
fn predict_prepares_new_rows_as_training_prepared_its_own() {
    let workshop = Workshop::with_pipeline(&format!(
        "name: teach
stages:
  - read: {{path: rows.csv, types: {TYPES}}}
  - split: {{by: hash, on: id, folds: 4}}
{STAGES}
  - id: prepared
    sample: {{by: late, balance: down}}
  - tensors:
      features: {{number: [weight, price, size_by_kind, how_far], category: [kind]}}
      target: late
  - id: model
    train: {{network: [{{dense: 8}}], epochs: 100, batch_size: 32, seed: 5, save: out/model}}
  - id: judged
    from: model
    evaluate: {{}}
"
    ));
    workshop.write("rows.csv", text(400));
    workshop.run();
    // The same rows, each alone in its file, have to be foretold as all together are.
    let predict = |rows: &str| -> Vec<Value> {
        workshop.write(
            "q.yaml",
            format!("name: ask\nstages:\n  - read: {{path: new.csv, types: {TYPES}}}\n  - predict: {{model: out/model}}\n  - write: {{path: out.ndjson}}\n"),
        );
        workshop.write("new.csv", rows);
        workshop.gristmill(["run", "q.yaml", "--quiet"]).success();
        workshop.read_ndjson("out.ndjson")
    };
    let all = predict(&text(400));
    assert_eq!(all.len(), 400);
    assert!(all.iter().all(|row| row["probability"].as_f64().is_some_and(f64::is_finite)));
    let right = all.iter().filter(|row| row["prediction"] == row["late"]).count();
    assert!(right > 320, "{right} of 400 are right");
    let lines: Vec<String> = text(400).lines().map(str::to_owned).collect();
    for row in [0, 17, 200, 399] {
        let alone = predict(&format!("{}\n{}\n", lines[0], lines[row + 1]));
        let probability = |row: &Value| row["probability"].as_f64().unwrap();
        assert!((probability(&alone[0]) - probability(&all[row])).abs() < 1e-5, "row {row}: {alone:?} {}", all[row]);
    }
    let bundle: Value = serde_json::from_str(&workshop.read("out/model/bundle.json")).unwrap();
    assert!(bundle["replay"].to_string().contains("neighbours"), "donors travel with the model");
}
