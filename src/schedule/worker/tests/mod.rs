//! Workers that are small shell scripts.
