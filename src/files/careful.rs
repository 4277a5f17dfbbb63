//! Readers of others that panic on damaged files instead of answering with an error.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::error::FileError;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs a reader on this thread; a panic in it is an error about the file, and is not reported on standard error.
pub(super) fn carefully<T>(name: &str, read: impl FnOnce() -> Result<T, FileError>) -> Result<T, FileError> {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.with(Cell::get) {
                before(panic);
            }
        }));
    });
    let was = QUIET.with(|quiet| quiet.replace(true));
    let outcome = catch_unwind(AssertUnwindSafe(read));
    QUIET.with(|quiet| quiet.set(was));
    outcome.unwrap_or_else(|_| {
        Err(FileError::data(format!("`{name}` cannot be read: the reader gave up on it"))
            .help("the file may be damaged; open it in another program and save it again"))
    })
}
