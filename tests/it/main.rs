//! Integration tests: one program, so that it is linked once.

mod expressions;
mod files;
mod flights;
mod hostile;
mod language;
mod leakage;
mod ledger;
mod oracle;
mod relations;
mod run;
mod support;
mod testing;
mod validate;
