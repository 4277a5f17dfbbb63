//! Integration tests: one program, so that it is linked once.

mod expressions;
mod flights;
mod language;
mod oracle;
mod relations;
