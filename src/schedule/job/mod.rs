//! Job files: what is to be run, when, with which parameters, and what becomes of the end.
