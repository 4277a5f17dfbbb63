//! The binary: arguments in, exit code out.

use std::process::ExitCode;

/// Large columns come and go all the time; this allocator gives and takes them faster than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gristmill::cli::main()
}
