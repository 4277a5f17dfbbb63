//! What may be asked of the scheduler: one set of operations for the command line and the web, with and without a server.
