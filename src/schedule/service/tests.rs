//! The service over folders of its own.
