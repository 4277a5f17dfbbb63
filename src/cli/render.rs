//! Findings as people read them: message, line of the file with the place underlined, remark and advice.

use std::fmt;
use std::io::IsTerminal;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::definition::Secrets;
use crate::diagnostic::{Diagnostic, Severity};

/// Prints findings to the error stream.
pub(super) fn print(findings: &[Diagnostic], secrets: Option<&Secrets>) {
    for finding in findings {
        let text = text(finding, is_coloured());
        match secrets {
            Some(secrets) => eprintln!("{}", secrets.mask(text.trim_end())),
            None => eprintln!("{}", text.trim_end()),
        }
    }
}

/// The exit code for findings: that of the first error.
pub(super) fn exit_code(findings: &[Diagnostic]) -> u8 {
    let first = findings.iter().find(|finding| finding.severity == Severity::Error);
    first.map_or(0, |finding| finding.class.exit_code())
}

/// Whether colours make sense on the error stream.
pub(super) fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

fn text(finding: &Diagnostic, coloured: bool) -> String {
    let theme = if coloured { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(120);
    let shown = Shown::new(finding);
    let mut text = String::new();
    match handler.render_report(&mut text, &shown) {
        Ok(()) => text,
        Err(_) => format!("{finding}"),
    }
}

/// A finding in the form in which miette draws it.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Diagnostic,
    source: Option<NamedSource<String>>,
}

impl<'a> Shown<'a> {
    fn new(finding: &'a Diagnostic) -> Self {
        let source = finding
            .place
            .as_ref()
            .filter(|place| !is_long(place))
            .map(|place| NamedSource::new(place.source().name(), place.source().text().to_owned()));
        Self { finding, source }
    }
}

/// Whether the lines around the place are longer than anybody reads.
fn is_long(place: &crate::diagnostic::Place) -> bool {
    let line = place.line();
    let around = place.source().text().lines().skip(line.saturating_sub(2)).take(3);
    around.map(str::len).max().is_some_and(|longest| longest > 500) || place.text().len() > 2000
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.finding.severity == Severity::Error { "error" } else { "warning" };
        write!(f, "{word}: {}", self.finding.message)?;
        match &self.finding.place {
            // The line is too long to be shown, so its place has to do.
            Some(place) if self.source.is_none() => write!(f, " [{place}]"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.finding.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        let range = self.finding.place.as_ref()?.range();
        let label = LabeledSpan::new_with_span(self.finding.label.clone().or(Some(String::new())), range);
        Some(Box::new(std::iter::once(label)))
    }
}
