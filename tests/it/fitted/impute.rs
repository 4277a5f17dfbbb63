use super::{assert_close, column, csv, generator, numbers, oracle, refusal, run, table};

#[test]
fn regressions_fill_what_scikit_learn_fills() {
    for case in oracle("regressions") {
        let columns: Vec<_> = case["columns"].as_array().unwrap().iter().map(numbers).collect();
        let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
        let methods: Vec<String> = names.iter().map(|name| format!("{name}: regression")).collect();
        let types: Vec<String> = names.iter().map(|name| format!("{name}: double")).collect();
        let stages = format!("  - id: filled\n    impute: {{columns: {{{}}}}}\n", methods.join(", "));
        let (rows, manifest) = run(&csv(&columns), &format!("{{{}}}", types.join(", ")), &stages);
        for (at, name) in names.iter().enumerate() {
            assert_close(&column(&rows, name), &numbers(&case["filled"][at]), 1e-6);
        }
        assert_eq!(table(&manifest, "filled", "Learned coefficients")["rows"].as_array().unwrap().len(), columns.len());
    }
}

#[test]
fn similar_rows_fill_numbers_and_texts() {
    // Two kinds of things: small red ones that weigh about 1, large blue ones that weigh about 10.
    let mut text = String::from("size,colour,weight\n");
    for i in 0..30 {
        text += &format!("{},red,{}\n{},blue,{}\n", f64::from(i % 5) / 10.0, 1.0, 100.0 + f64::from(i % 7), 10.0);
    }
    text += "0.2,,\n103,,\n,red,\n,,5\n";
    let types = "{size: double, colour: string, weight: double}";
    let stages = "  - id: filled\n    impute: {columns: {colour: nearest, weight: nearest}, nearest: {from: size, neighbours: 3}, indicator: _missing}\n";
    let (rows, manifest) = run(&text, types, stages);
    let last = &rows[60..];
    assert_eq!(column(last, "weight"), [Some(1.0), Some(10.0), Some(1.0), Some(5.0)]);
    let colours: Vec<_> = last.iter().map(|row| row["colour"].as_str().unwrap()).collect();
    assert_eq!(colours[..3], ["red", "blue", "red"]);
    let missing: Vec<_> = last.iter().map(|row| row["weight_missing"].as_bool().unwrap()).collect();
    assert_eq!(missing, [true, true, true, false]);
    let shown = table(&manifest, "filled", "Filled values");
    assert_eq!(shown["rows"][0][1].as_f64(), Some(3.0));
}

#[test]
fn similar_rows_are_sought_among_a_stated_number_of_donors() {
    let mut next = generator(5);
    let mut text = String::from("x,y\n");
    for _ in 0..5_000 {
        let x = next(1_000);
        let y = if next(10) == 0 { String::new() } else { (3 * x).to_string() };
        text += &format!("{x},{y}\n");
    }
    let stages = "  - id: filled\n    impute: {columns: {y: nearest}, nearest: {from: x, neighbours: 2, donors: 500, weights: distance}}\n";
    let (rows, manifest) = run(&text, "{x: double, y: double}", stages);
    let furthest = rows.iter().map(|row| (row["y"].as_f64().unwrap() - 3.0 * row["x"].as_f64().unwrap()).abs());
    // 500 donors lie 2 apart on average; ten times that would be chance.
    assert!(furthest.fold(0.0, f64::max) < 60.0);
    let donors = table(&manifest, "filled", "From the 2")["rows"][0][2].as_str().unwrap().to_owned();
    assert!(donors.starts_with("500 of 4"), "{donors}");
    let again = run(&text, "{x: double, y: double}", stages).0;
    assert_eq!(rows, again, "a seed gives the same donors");
}

#[test]
fn what_cannot_be_filled_so_is_refused() {
    let say = |options: &str| {
        refusal(
            "g,x,y,d\na,1,2,2001-01-01\n",
            "{g: string, x: double, y: bigint, d: date}",
            &format!("  - impute: {{{options}}}\n"),
        )
    };
    assert!(say("columns: {x: nearest}").contains("nothing to compare rows in"));
    assert!(say("columns: {x: regression}").contains("nothing to tell `x` from"));
    assert!(say("columns: {g: regression}").contains("is no number"));
    assert!(say("columns: {d: nearest}").contains("similar rows do not fill"));
    assert!(say("columns: {x: regression}, regression: {from: g}").contains("not numbers or booleans"));
    assert!(say("columns: {x: nearest}, nearest: {from: d}").contains("not numbers, booleans or texts"));
    assert!(say("columns: {x: nearest}, nearest: {from: yy}").contains("did you mean `y`"));
    assert!(say("columns: {x: nearest}, nearest: {from: y, neighbours: 0}").contains("from 1 to 100"));
    assert!(say("columns: {x: mean}, nearest: {from: y}").contains("no column is filled by `nearest`"));
    assert!(say("columns: {x: nearest}, by: g, nearest: {from: y}").contains("`by` has no meaning"));
}
