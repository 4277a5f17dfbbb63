//! `gristmill completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Failure};

/// Print completions for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gristmill completions bash > ~/.local/share/bash-completion/completions/gristmill")]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn execute(self) -> Result<(), Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "gristmill", &mut text);
        std::io::Write::write_all(&mut std::io::stdout(), &text)?;
        Ok(())
    }
}
