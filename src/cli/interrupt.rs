//! Ctrl-C and SIGTERM in the worker: the run stops between batches; if it has not ended after a moment, the process does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Failure;
use crate::diagnostic::{Class, Diagnostic};

/// How long the run may take to end by itself.
pub(super) const PATIENCE: Duration = Duration::from_millis(800);

/// Sets `cancelled` at the first signal. Output files are staged, so a process that ends hard leaves none half-written under
/// its name; what was staged is removed here.
///
/// One Ctrl-C arrives twice, from the terminal and from the supervisor, so further signals change nothing: the end is near
/// anyway.
pub(super) fn watch(cancelled: &Arc<AtomicBool>) -> Result<(), Failure> {
    let cancelled = Arc::clone(cancelled);
    let handler = move || {
        if cancelled.swap(true, Ordering::Relaxed) {
            return;
        }
        std::thread::spawn(|| {
            std::thread::sleep(PATIENCE);
            end();
        });
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Diagnostic::error(Class::Stage, format!("cannot watch for Ctrl-C: {error}")).into())
}

fn end() {
    crate::staging::remove_unfinished();
    std::process::exit(i32::from(Class::Interrupted.exit_code()));
}
