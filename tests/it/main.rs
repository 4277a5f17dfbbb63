//! Integration tests: one program, so that it is linked once.

mod flights;
