//! Files that nobody means well with: reading them ends, says something, and hides nothing.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::definition;
use crate::diagnostic::{Severity, Source};
use crate::schedule::job::{parameters, recall, schema};

/// Every option once, right.
const LINES: [&str; 20] = [
    "pipeline: p.yaml",
    "description: d",
    "parameters: {a: \"${partition.key} ${run.id}\", b: [1, {c: \"${schedule.time}\"}]}",
    "schedule: {cron: \"0 2 * * *\", zone: Europe/Berlin}",
    "files: {path: \"in/**/*.csv\", settled: 30s}",
    "after: [load, clean]",
    "http: true",
    "partitions: {days: {from: 2026-01-01, to: 2026-12-31, zone: UTC}}",
    "catchup: all",
    "overlap: queue",
    "retries: 3",
    "timeout: 2h",
    "stage_timeout: 30m",
    "priority: 5",
    "runs: 2",
    "memory: 4GiB",
    "cores: 2",
    "keep: {runs: 10, days: 5}",
    "promote: {a: out/a.csv}",
    "paused: false",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    /// Characters put in and taken out anywhere, lines lost and doubled: there is a definition or an error, each in the text, and the
    /// schema takes what the reader takes.
    #[test]
    fn a_damaged_file_is_read_or_refused_with_a_place(
        lines in prop::collection::vec(0..LINES.len(), 1..24),
        damage in prop::collection::vec((0.0_f64..1.0, prop::option::of(prop::sample::select(vec!["\"", "{", "}", "[", ":", " ", "\n", "#", "$", "${", "..", "/", "0", "-", "é", "\u{0}", "\t", "&a", "*a", "!"]))), 0..4),
    ) {
        let mut text: String = lines.iter().flat_map(|line| [LINES[*line], "\n"]).collect();
        for (at, put) in damage {
            let mut at = (at * text.len() as f64) as usize;
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match put {
                Some(put) => text.insert_str(at, put),
                None => _ = text[at..].chars().next().map(|_| text.remove(at)),
            }
        }
        let source = Source::new("jobs/job.yaml", text.as_str());
        match recall("job", &source) {
            Ok(job) => {
                prop_assert!(job.warnings.iter().all(|found| found.severity == Severity::Warning));
                let data = parameters::json(&definition::read(&source).unwrap());
                prop_assert!(validator().is_valid(&data), "{}", text);
            }
            Err(findings) => {
                prop_assert!(findings.iter().any(|found| found.severity == Severity::Error));
                prop_assert!(findings.iter().all(|found| !found.message.is_empty()));
                prop_assert!(findings.iter().filter_map(|found| found.place.as_ref()).all(|place| place.range().end <= text.len()));
            }
        }
    }

    #[test]
    fn any_text_is_read_in_no_time(text in "\\PC{0,400}") {
        let _ = recall("job", &Source::new("jobs/job.yaml", text));
    }
}

fn validator() -> &'static jsonschema::Validator {
    static VALIDATOR: std::sync::LazyLock<jsonschema::Validator> =
        std::sync::LazyLock::new(|| jsonschema::draft202012::new(&schema()).unwrap());
    &VALIDATOR
}

#[test]
fn large_files_take_no_long_time() {
    let many = (0..1_000).map(|number| format!("k{number}: x\n")).collect::<String>();
    let deep = format!("pipeline: p.yaml\nparameters: {{a: {}{}}}\n", "[".repeat(31), "]".repeat(31));
    let long = format!("pipeline: p.yaml\nparameters: {{a: \"{}\"}}\n", "${run.id}".repeat(10_000));
    let wrong = format!("pipeline: p.yaml\nparameters: {{a: \"{}\"}}\n", "${run.i}".repeat(10_000));
    let dollars = format!("pipeline: p.yaml\nparameters: {{a: \"{}\"}}\n", "$".repeat(90_000));
    let jobs =
        format!("pipeline: p.yaml\nafter: [{}]\n", (0..3_000).map(|number| format!("j{number}, ")).collect::<String>());
    let anchors = format!(
        "pipeline: p.yaml\nparameters: {{a: &a [x, x], {}}}\n",
        (0..90).map(|number| format!("b{number}: *a, ")).collect::<String>()
    );
    for text in [many, deep, long, wrong, dollars, jobs, anchors] {
        let began = Instant::now();
        let read = recall("job", &Source::new("jobs/job.yaml", text.as_str()));
        let findings = read.err().unwrap_or_default();
        assert!(findings.len() <= 200, "{}: {}", text.chars().take(40).collect::<String>(), findings.len());
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}: {:?}",
            text.chars().take(40).collect::<String>(),
            began.elapsed()
        );
    }
}
