//! What each request passes before a handler sees it.
//!
//! ```text
//! answer <- headers of safety <- is the host ours? <- body in time and within its size <- who is it? <- may they? <- is it forged? <- handler
//! ```

mod body;
mod entrance;
mod headers;
mod hosts;

pub(super) use body::body;
pub(super) use entrance::{address, denied, refuse_strangers};
pub(super) use headers::headers;
pub(super) use hosts::{Hosts, host, own_site};
