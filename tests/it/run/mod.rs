//! The program on a small pipeline, over and over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod cache;
mod commands;
mod memory;
mod output;
mod selection;
mod served;
mod stopping;
mod survival;

use crate::support::{Workshop, statuses};

const PEOPLE: &str = "id,name,price,town\n1,ann,2.5,x\n2,bob,,y\n3,cid,4.5,x\n4,dan,8.5,y\n";

const PIPELINE: &str = "\
name: play
stages:
  - id: people
    read: {path: people.csv}
  - id: few
    filter: \"price > 2\"
  - id: filled
    impute: {columns: {price: mean}}
  - id: file
    write: {path: out/people.csv}
  - id: towns
    from: people
    tags: [side]
    aggregate: {by: town, compute: {n: count(*)}}
  - id: towns_file
    tags: [side]
    write: {path: out/towns.csv}
";

fn workshop(pipeline: &str) -> Workshop {
    let workshop = Workshop::with_pipeline(pipeline);
    workshop.write("people.csv", PEOPLE);
    workshop
}

/// The statuses of the stages of another run with that text.
fn rerun(workshop: &Workshop, pipeline: &str) -> String {
    workshop.write("p.yaml", pipeline);
    statuses(&workshop.run())
}

const FAILING: &str = "\
name: failing
stages:
  - id: people
    read: {path: people.csv}
  - id: bad
    derive: {n: \"cast(name as int)\"}
  - id: bad_file
    write: {path: out/bad.csv}
  - id: good
    from: people
    filter: \"price > 2\"
  - id: good_file
    write: {path: out/good.csv}
";

const ALL_DONE: &str = "people done, few done, filled done, file done, towns done, towns_file done";
const ALL_CACHED: &str = "people cached, few cached, filled cached, file cached, towns cached, towns_file cached";
