//! What the files of one pipeline share while it is loaded: findings, secrets and budgets.

use std::sync::Arc;

use super::LoadOptions;
use super::secret::Secrets;
use crate::diagnostic::{Diagnostic, Findings, Place, Severity, Source};

/// The most values of a pipeline after its parameters and includes are put in.
const MAX_NODES: usize = 100_000;
/// The most bytes that are written while texts are filled.
const MAX_BYTES: usize = 16 << 20;

pub(super) struct Session<'a> {
    pub(super) options: &'a LoadOptions,
    pub(super) secrets: Secrets,
    pub(super) findings: Findings,
    /// The included files.
    pub(super) sources: Vec<Arc<Source>>,
    nodes: usize,
    bytes: usize,
}

impl<'a> Session<'a> {
    pub(super) fn new(options: &'a LoadOptions) -> Self {
        Self { options, secrets: Secrets::default(), findings: Vec::new(), sources: Vec::new(), nodes: 0, bytes: 0 }
    }

    pub(super) fn report(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    pub(super) fn report_all(&mut self, findings: Findings) {
        self.findings.extend(findings);
    }

    pub(super) fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }

    /// Whether a budget was exceeded; what is filled from then on is not complete.
    pub(super) fn is_exhausted(&self) -> bool {
        self.nodes > MAX_NODES || self.bytes > MAX_BYTES
    }

    /// Whether `nodes` more values fit the budget; the first that does not is reported.
    pub(super) fn spend_nodes(&mut self, nodes: usize, place: &Place) -> bool {
        let was_exhausted = self.nodes > MAX_NODES;
        self.nodes = self.nodes.saturating_add(nodes);
        let fits = self.nodes <= MAX_NODES;
        if !fits && !was_exhausted {
            let found = Diagnostic::definition("the pipeline has more than 100,000 values").at(place);
            self.report(found.help("parameters and includes count as often as they are used"));
        }
        fits
    }

    /// Whether `bytes` more of filled text fit the budget; the first that does not is reported.
    pub(super) fn spend_bytes(&mut self, bytes: usize, place: &Place) -> bool {
        let was_exhausted = self.bytes > MAX_BYTES;
        self.bytes = self.bytes.saturating_add(bytes);
        let fits = self.bytes <= MAX_BYTES;
        if !fits && !was_exhausted {
            self.report(Diagnostic::definition("the parameters make the texts longer than 16 MiB").at(place));
        }
        fits
    }
}
