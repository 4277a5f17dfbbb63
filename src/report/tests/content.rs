//! What a reader finds.

use super::markup::elements;
use super::sample::{full, run, stage};
use crate::exhibit::Exhibit;
use crate::report::render;
use crate::run::manifest::{RunStatus, StageError, StageStatus};
use crate::stages::Family;

fn text(page: &str) -> String {
    let (_, body) = page.split_once("</style>").unwrap();
    let mut out = String::new();
    let mut within = false;
    for character in body.chars() {
        match character {
            '<' => within = true,
            '>' => {
                within = false;
                out.push(' ');
            }
            other if !within => out.push(other),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_report_is_one_page_that_asks_for_nothing() {
    let page = render(&full(), None);
    let names = elements(&page);
    for refused in ["script", "iframe", "object", "embed", "img", "form", "base", "foreignObject"] {
        assert!(!names.iter().any(|name| name == refused), "{refused}");
    }
    assert_eq!(names.iter().filter(|name| *name == "style").count(), 1);
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
    for refused in [" style=\"", " onload", "javascript:", "src=\"", "url(", "@import"] {
        assert!(!page.contains(refused), "{refused}");
    }
    let links = page.split("href=\"").skip(1).filter(|link| !link.starts_with('#')).count();
    assert_eq!(links, 1, "only the icon stands in no part of the page");
}

#[test]
fn every_link_leads_somewhere() {
    let page = render(&full(), None);
    for anchor in page.split("href=\"#").skip(1).filter_map(|part| part.split('"').next()) {
        assert!(page.contains(&format!(" id=\"{anchor}\"")), "{anchor}");
    }
}

#[test]
fn the_same_records_give_the_same_report() {
    assert_eq!(render(&full(), Some(&full())), render(&full(), Some(&full())));
}

#[test]
fn the_summary_has_the_numbers_that_matter() {
    let text = text(&render(&full(), None));
    for expected in [
        "Started 4 November 2026, 08:03 UTC Took 12.5 s Peak memory 512 MiB",
        "Rows read 1,000 from files",
        "Rows written 800 to out/sales.parquet",
        "Stages 4 of 4 0 cached, 0 failed",
        "Warnings 1 see below",
        "Accuracy 87.5% baseline 61.0%",
        "F1 0.8123",
        "AUC –",
    ] {
        assert!(text.contains(expected), "{expected}\nin\n{text}");
    }
}

#[test]
fn the_ledger_tells_every_change_and_adds_up() {
    let text = text(&render(&full(), None));
    for expected in [
        "800 of 1,000 rows of sales reach out",
        "sales: rejected",
        "−196",
        "sales – +1,000 read 996 ✓ adds up −4 rejected",
        "dear 996 −196 condition false 800 ✓ adds up",
        "Every row is accounted for",
    ] {
        assert!(text.contains(expected), "{expected}\nin\n{text}");
    }
}

#[test]
fn a_ledger_that_does_not_add_up_is_called_that() {
    let mut record = full();
    record.stages[1].ledger.as_mut().unwrap().out = 700;
    let text = text(&render(&record, None));
    assert!(text.contains("At 1 stage rows are not accounted for."), "{text}");
    assert!(text.contains("−100 no reason recorded") && text.contains("✗ does not add up"), "{text}");
}

#[test]
fn a_stage_shows_its_exhibits_options_columns_and_lineage() {
    let page = render(&full(), None);
    let text = text(&page);
    for expected in [
        "path: sales.csv null_values: [NA]",
        "3 columns , 1 new or changed",
        "vat string new",
        "Only what costs something.",
        "cheap 1,234 dear – Two classes.",
        "Few rows of class dear .",
        "vat price of sales.csv sales → dear",
        "1 file read sales.csv 12 bytes",
        "year 2026",
    ] {
        assert!(text.contains(expected), "{expected}\nin\n{text}");
    }
    assert!(page.contains("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\""));
}

#[test]
fn failures_come_first_with_place_and_help() {
    let mut record = full();
    record.status = RunStatus::Failed;
    record.stages[1].status = StageStatus::Failed;
    record.stages[1].error = Some(StageError {
        class: crate::diagnostic::Class::Stage,
        message: "division by `zero`".to_owned(),
        place: Some("pipelines/sales.yaml:4:7".to_owned()),
        bytes: None,
        help: Some("use nullif".to_owned()),
    });
    record.stages[2].status = StageStatus::Skipped;
    let text = text(&render(&record, None));
    let problem =
        "What went wrong filter dear failed division by zero at pipelines/sales.yaml:4:7 What to do: use nullif";
    let (_, after) = text.split_once(problem).unwrap();
    assert!(after.starts_with(" 1 stage was not started: judge ."), "{after}");
    assert!(after.contains("Where the rows went"), "problems stand above the ledger: {after}");
}

#[test]
fn numbers_are_compared_with_the_run_before() {
    let mut before = full();
    before.started = "2026-11-03T08:00:00Z".to_owned();
    let read = before.stages[0].ledger.as_mut().unwrap();
    read.changes[0].rows -= 200;
    read.out -= 200;
    if let Exhibit::Metrics { metrics, .. } = &mut before.stages[2].exhibits[0] {
        metrics[0].value = Some(0.9);
    }
    let text = text(&render(&full(), Some(&before)));
    for expected in
        ["Rows read 1,000 ▲\u{a0}200", "87.5% ▼\u{a0}2.5 points", "compare with the run of 3 November 2026, 08:00 UTC"]
    {
        assert!(text.contains(&expected.replace('\u{a0}', " ")), "{expected}\nin\n{text}");
    }
}

#[test]
fn a_figure_that_cannot_be_drawn_is_a_note() {
    let mut record = full();
    if let Exhibit::Figure(figure) = &mut record.stages[2].exhibits[2] {
        figure.width = 1;
    }
    let text = text(&render(&record, None));
    assert!(text.contains("The figure “Lengths of names” cannot be drawn: "), "{text}");
}

#[test]
fn a_run_without_stages_and_a_run_that_did_not_end_have_reports() {
    let mut record = run(Vec::new());
    record.status = RunStatus::Running;
    record.text = String::new();
    let page = render(&record, None);
    elements(&page);
    assert!(text(&page).contains("This run has not ended"));
}

#[test]
fn stages_that_do_not_fit_into_links_have_anchors_too() {
    let names = ["a b", "ü", "", "same", "same", "\"x\""];
    let page = render(&run(names.map(|id| stage(id, "derive", Family::Prepare, &[])).to_vec()), None);
    elements(&page);
    assert!(page.contains("id=\"stage-same\"") && page.contains("id=\"stage.5\""));
}
