//! The definition of a pipeline: YAML becomes a typed [`Pipeline`] in which every value knows its place.
//!
//! ```text
//! text --yaml--> nodes --scope--> nodes with parameters filled in --include, stage--> Pipeline --decode--> options of a stage
//! ```
//!
//! The language is YAML 1.2 with the core schema: `true` and `false` are the only booleans, and `no`, `on` and dates are texts.
//! A key that is a number or a boolean is its spelling as a text. Whole numbers beyond 64 bits are refused. Tags are refused.
//! `${name}` stands for a parameter, `${env:NAME}` for an environment variable, which makes the text a secret, and `$${` for `${`
//! itself. A text that is exactly `${name}` takes the type of the parameter.

mod align;
mod canonical;
mod decode;
mod file;
mod include;
mod list_or;
mod node;
mod number_or;
mod one_or_many;
mod ordered;
mod parameter;
mod pipeline;
mod put;
mod scalar;
mod schema;
mod scope;
mod secret;
mod session;
mod spanned;
mod stage;
mod syntax;
mod template;
mod test;
#[cfg(test)]
mod tests;
mod text;
mod write;
mod yaml;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::canonical::{canonical, canonical_with};
pub use self::decode::decode;
pub use self::include::{MAX_INCLUDE_DEPTH, MAX_INCLUDES};
pub use self::list_or::ListOr;
pub use self::node::{Entry, Node, Value};
pub use self::number_or::{NumberOr, Word};
pub use self::one_or_many::OneOrMany;
pub use self::ordered::Ordered;
pub use self::parameter::{Param, ParamType};
pub use self::pipeline::{Pipeline, Report, TOP_KEYS};
pub use self::put::{Step, find, put, without};
pub use self::schema::schema;
pub use self::secret::Secrets;
pub use self::spanned::Spanned;
pub use self::stage::{COMMON_KEYS, StageDefinition};
pub use self::test::{Compared, Expected, Failure, Given, RowSource, Rows, Test};
pub use self::text::Text;
pub use self::write::{to_yaml, to_yaml_line};
pub use self::yaml::{MAX_ALIASES, MAX_BYTES, MAX_DEPTH, MAX_NODES};
use crate::diagnostic::{Findings, Source};

/// How the values of environment variables are found; `None`: it is not set.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a pipeline is loaded with.
pub struct LoadOptions {
    /// Values of parameters from the command line; the last of a name wins.
    pub overrides: Vec<(String, String)>,
    /// Where `${env:NAME}` looks.
    pub environment: Environment,
    /// The kinds of stages there are; empty: every name is one.
    pub kinds: &'static [&'static str],
    /// Which options name other stages, as kind and option (`("join", "with")`; a path is written with dots, leads into every item
    /// of a list, and is empty for the whole value), so that an include with a prefix can rename them. A list of names is one too.
    pub references: &'static [(&'static str, &'static str)],
    /// The folder that no included file may be outside of, wherever links lead; `None`: files anywhere may be included.
    pub within: Option<PathBuf>,
}

impl Default for LoadOptions {
    /// No overrides, the environment of the process, and every name a kind.
    fn default() -> Self {
        let environment = Box::new(|name: &str| std::env::var(name).ok());
        Self { overrides: Vec::new(), environment, kinds: &[], references: &[], within: None }
    }
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.overrides.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("LoadOptions").field("overrides", &names).field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

/// Loads a pipeline from a file.
///
/// Errors: everything that is wrong with it as far as it can be told without knowing the options of the kinds; warnings stand in
/// [`Pipeline::warnings`], or among the errors when there are some.
pub fn load(path: &Path, options: &LoadOptions) -> Result<Pipeline, Findings> {
    let source = file::read(path).map_err(|found| vec![found])?;
    let folder = path.parent().unwrap_or(Path::new(""));
    pipeline::read(source, options, folder, Some(path))
}

/// Reads a pipeline from a text; includes are relative to `base_dir`. Errors: as [`load`].
pub fn parse(source: Arc<Source>, options: &LoadOptions, base_dir: &Path) -> Result<Pipeline, Findings> {
    pipeline::read(source, options, base_dir, None)
}

/// Reads a text as YAML within the same budgets as a pipeline, with nothing put in: `${name}` stays as it is written.
///
/// Errors: everything that is wrong with it as YAML.
pub fn read(source: &Arc<Source>) -> Result<Node, Findings> {
    yaml::read(&file::without_mark(Arc::clone(source)))
}
