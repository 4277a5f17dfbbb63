//! The command line: one file per command, its help text is its documentation.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where the program speaks")]

mod check;
mod clean;
mod completions;
mod environment;
mod explain;
mod functions;
mod init;
mod interrupt;
mod jobs;
mod model;
mod pipeline;
mod predict;
mod profile;
mod progress;
mod render;
mod run;
mod runs;
mod schema;
mod serve;
mod show;
mod stages;
mod summary;
mod test;
mod why;
mod worker;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::diagnostic::{Class, Diagnostic, Findings};
use crate::engine::EngineError;

/// Grinds raw files into insight: a YAML file declares stages, from files to a judged model and a report.
#[derive(Debug, Parser)]
#[command(name = "gristmill", version, propagate_version = true, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  gristmill profile sales.csv                  what a file holds, as a page
  gristmill init data/*.csv > pipeline.yaml    look at files and write a pipeline that reads them
  gristmill check pipeline.yaml                say everything that is wrong, before a row is read
  gristmill run pipeline.yaml --set year=2013  run it; unchanged stages do no work
  gristmill why pipeline.yaml model            what changed since the stage last worked
  gristmill predict out/model new.csv          foretell new rows with a model that was saved
  gristmill serve --dir /srv/jobs              run the jobs of a folder on their schedule

Exit codes: 0 done; 1 a stage failed; 2 the definition or the command line is wrong; 3 the data cannot be read or were
refused; 4 a limit was reached; 5 the process that did the work died; 6 an output or the state could not be written; 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a pipeline: unchanged stages do no work
    Run(run::Run),
    /// Check a pipeline against its files, before a row is read
    Check(check::Check),
    /// Run the tests that stand in a pipeline file
    Test(test::Test),
    /// Explain what a pipeline means: its graph, a relation, SQL, the engine's plan, a column's lineage
    Explain(explain::Explain),
    /// Profile files: what each column holds and means, and what to look at
    Profile(profile::Profile),
    /// Foretell the rows of files with a saved model
    Predict(predict::Predict),
    /// Check a saved model and print its card: what it foretells, how good it is, what it needs
    Model(model::Model),
    /// Look at files and write a commented pipeline that reads them
    Init(init::Init),
    /// Print a pipeline with every default filled in
    Show(show::Show),
    /// Print the reference of the kinds of stages
    Stages(stages::Stages),
    /// Print the reference of the functions of expressions
    Functions(functions::Functions),
    /// Print the JSON Schema of pipeline files, for editors
    Schema(schema::Schema),
    /// List the runs of this folder
    Runs(runs::Runs),
    /// Serve a folder of jobs: run them when they are due, and show them on a web page
    Serve(serve::Serve),
    /// Look at the jobs of a served folder, run them, pause them, fill what is missing
    Jobs(jobs::Jobs),
    /// Tell what changed since a stage last worked
    Why(why::Why),
    /// Remove kept results and old runs
    Clean(clean::Clean),
    /// Print completions for a shell
    Completions(completions::Completions),
}

/// What stops a command.
#[derive(Debug)]
enum Failure {
    /// Findings to show, with the secrets that must not be shown.
    Findings(Findings, Option<crate::definition::Secrets>),
    /// Everything was said already.
    Code(u8),
}

impl From<Diagnostic> for Failure {
    fn from(finding: Diagnostic) -> Self {
        Self::Findings(vec![finding], None)
    }
}

impl From<Findings> for Failure {
    fn from(findings: Findings) -> Self {
        Self::Findings(findings, None)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Diagnostic::from(error).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // Whoever reads our output has seen enough (`gristmill functions | head`).
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Code(0);
        }
        Diagnostic::error(Class::Output, format!("cannot print: {}", crate::staging::reason(&error))).into()
    }
}

/// Runs the program: reads the arguments, does what they say and gives the exit code.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Run(command) => command.execute(),
        Command::Check(command) => command.execute(),
        Command::Test(command) => command.execute(),
        Command::Explain(command) => command.execute(),
        Command::Profile(command) => command.execute(),
        Command::Predict(command) => command.execute(),
        Command::Model(command) => command.execute(),
        Command::Init(command) => command.execute(),
        Command::Show(command) => command.execute(),
        Command::Stages(command) => command.execute(),
        Command::Functions(command) => command.execute(),
        Command::Schema(command) => command.execute(),
        Command::Runs(command) => command.execute(),
        Command::Serve(command) => command.execute(),
        Command::Jobs(command) => command.execute(),
        Command::Why(command) => command.execute(),
        Command::Clean(command) => command.execute(),
        Command::Completions(command) => command.execute(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Code(code)) => ExitCode::from(code),
        Err(Failure::Findings(findings, secrets)) => {
            render::print(&findings, secrets.as_ref());
            ExitCode::from(render::exit_code(&findings))
        }
    }
}
