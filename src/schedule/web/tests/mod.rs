//! Requests to the server, as programs and browsers send them.
