//! The page: its head with the policy that keeps scripts and the network out, the contents, and the parts in order.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::budget::Budget;
use super::document::{Document, LONGEST_NAME, family};
use super::flow::main_flow;
use super::{environment, format, graph, ledger, lineage, listing, outputs, problems, stage, summary, text, timeline};
use crate::chart::Theme;

/// The most stages with a section of their own.
const MOST_SECTIONS: usize = 1_000;
/// The most stages in the contents.
const MOST_CONTENTS: usize = 300;
/// A mill wheel in the colour of the report.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='6' fill='none' \
stroke='%233358cb' stroke-width='2.5'/%3E%3Cpath d='M8 2v12M2 8h12' stroke='%233358cb' stroke-width='1.5'/%3E%3C/svg%3E";

/// A part of the page below the head.
struct Part {
    anchor: &'static str,
    heading: &'static str,
    body: Markup,
}

/// The whole page.
pub(super) fn page(document: &Document<'_>) -> Markup {
    let mut budget = Budget::new();
    let parts = parts(document, &mut budget);
    let body = html! {
        (summary::head(document))
        (budget.remark())
        @for part in &parts {
            section.part id=(part.anchor) aria-labelledby={ (part.anchor) "-heading" } {
                h2 id={ (part.anchor) "-heading" } { (part.heading) }
                (part.body)
            }
        }
        (footer(document))
    };
    shell(&document.record.title, &document.record.version, contents(document, &parts), body)
}

/// What every page has around its contents and body: the head with the policy, the style sheet, the frame.
pub(super) fn shell(title: &str, version: &str, contents: Markup, body: Markup) -> Markup {
    let style = style();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(&style));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "gristmill " (text::line(version, 60)) };
                title { (text::line(title, 200)) }
                link rel="icon" href=(ICON);
                style { (PreEscaped(&style)) }
            }
            body {
                a.skip href="#main" { "Skip to the report" }
                div.page {
                    (contents)
                    main id="main" { (body) }
                }
            }
        }
    }
}

/// Parts as they come, as long as there is space.
struct Parts<'a> {
    budget: &'a mut Budget,
    parts: Vec<Part>,
}

impl Parts<'_> {
    fn add(&mut self, anchor: &'static str, heading: &'static str, body: Option<Markup>) {
        if let Some(body) = body.and_then(|body| self.budget.take("parts", body)) {
            self.parts.push(Part { anchor, heading, body });
        }
    }
}

/// The parts of the page in order. They are made in the order of their weight: the sections of stages share what the others leave.
fn parts(document: &Document<'_>, budget: &mut Budget) -> Vec<Part> {
    let record = document.record;
    let flow = main_flow(record);
    let main = flow.as_ref().map_or(&[][..], |flow| &flow.stages);

    let mut page = Parts { budget, parts: Vec::new() };
    page.add("summary", "Summary", Some(summary::tiles(document)));
    page.add("problems", problems::heading(record), problems::problems(document));
    page.add("rows", "Where the rows went", ledger::ledger(document, flow.as_ref()));
    page.add("graph", "How it ran", Some(html! { (graph::graph(document, main)) (timeline::timeline(document)) }));
    let before_stages = page.parts.len();
    page.add("lineage", "Where columns come from", lineage::lineage(document));
    page.add("outputs", "Files written", outputs::outputs(document));
    page.add("pipeline", "The pipeline", listing::listing(record));
    page.add("environment", "Program and parameters", Some(environment::environment(document)));

    let Parts { budget, mut parts } = page;
    if let Some(body) = sections(document, budget) {
        parts.insert(before_stages, Part { anchor: "stages", heading: "Stage by stage", body });
    }
    parts
}

fn sections(document: &Document<'_>, budget: &mut Budget) -> Option<Markup> {
    let stages = &document.record.stages;
    let shown = stages.iter().take(MOST_SECTIONS).enumerate();
    let sections: Vec<Markup> = shown.filter_map(|(at, record)| stage::section(document, at, record, budget)).collect();
    budget.leave_out("sections of stages", stages.len().saturating_sub(MOST_SECTIONS));
    (!sections.is_empty()).then(|| html! { @for section in sections { (section) } })
}

fn contents(document: &Document<'_>, parts: &[Part]) -> Markup {
    let stages = &document.record.stages;
    html! {
        nav.contents aria-label="Contents" {
            ol {
                @for part in parts {
                    li {
                        a href={ "#" (part.anchor) } { (part.heading) }
                        @if part.anchor == "stages" {
                            ol {
                                @for (at, stage) in stages.iter().take(MOST_CONTENTS).enumerate() {
                                    li { a href={ "#" (document.anchor(at)) } {
                                        span class={ "dot " (family(stage.family)) } {} (text::line(&stage.id, LONGEST_NAME))
                                    } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn footer(document: &Document<'_>) -> Markup {
    let record = document.record;
    html! {
        footer {
            p {
                "gristmill " (text::line(&record.version, 60)) " · run " span.path { (text::line(&record.id, 100)) }
                " · " (format::moment(&record.started))
            }
        }
    }
}

/// The style sheet with the colours of charts, in the light and the dark scheme.
fn style() -> String {
    let sheet = include_str!("style.css").replace('\r', "");
    format!(
        "{sheet}:root{{{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n",
        Theme::Light.css_variables(),
        Theme::Dark.css_variables()
    )
}

/// Nothing is allowed but this style sheet and pictures that stand in the file itself: no script, no request, no form, no other base.
fn policy(style: &str) -> String {
    let hash = base64(&Sha256::digest(style.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'")
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let number = group.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let digit = (number >> (18 - 6 * at)) & 63;
            let letter = usize::try_from(digit).ok().and_then(|digit| ALPHABET.get(digit)).copied().unwrap_or(b'=');
            out.push(if at > group.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (bytes, text) in cases {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_style_sheet_ends_nothing_early_and_asks_for_nothing() {
        let style = style();
        for refused in ["</", "<!--", "@import", "url(", "http"] {
            assert!(!style.contains(refused), "{refused}");
        }
    }
}
