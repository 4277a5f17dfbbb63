//! Integration tests: one program, so that it is linked once.

mod canonicalize;
mod charts;
mod compare;
mod dedupe;
mod encode;
mod expressions;
mod files;
mod fitted;
mod flights;
mod formats;
mod hostile;
mod itemsets;
mod language;
mod leakage;
mod ledger;
mod link;
mod oracle;
mod profile;
mod relations;
mod reshape;
mod run;
mod sequences;
mod support;
mod testing;
mod trends;
mod validate;
