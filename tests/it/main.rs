//! Integration tests: one program, so that it is linked once.

mod encode;
mod expressions;
mod files;
mod flights;
mod hostile;
mod language;
mod leakage;
mod ledger;
mod oracle;
mod relations;
mod reshape;
mod run;
mod support;
mod testing;
mod validate;
