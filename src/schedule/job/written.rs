//! A job file as it is written. The comments of the options are the reference.
