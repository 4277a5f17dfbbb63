//! What can go wrong in building, training and loading a network.

use super::shape::Shape;
use thiserror::Error;

/// An error of the neural network. Rows, epochs, batches and layers are counted from 1 in the messages.
#[derive(Debug, Error)]
pub enum Error {
    /// The network as described cannot be built.
    #[error("{layer}: {reason}")]
    Layer {
        /// The layer's name, as in [`Network::summary`](super::Network::summary).
        layer: String,
        /// Its place among the nodes of the description, from 0; `None` where it is about an input or an output.
        index: Option<usize>,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// An option of the training has a value that makes no sense.
    #[error("training option `{option}`: {reason}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// Rows of one width were given to a network that reads another.
    #[error("{what} has rows of shape {got}, the network reads {expected}")]
    InputShape {
        /// Which data.
        what: String,
        /// The shape of a row that the network was built for.
        expected: Shape,
        /// The shape of a row of the data.
        got: Shape,
    },
    /// The data do not fit the network: another number of inputs or outputs, rows that do not belong together, targets
    /// out of range.
    #[error("{what}: {reason}")]
    Targets {
        /// Which data.
        what: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// There is no node of a name.
    #[error("the network has no node `{name}`, it has {}", .names.join(", "))]
    Node {
        /// The name that was asked for.
        name: String,
        /// Those that there are.
        names: Vec<String>,
    },
    /// There are no rows to learn from, or none to validate on.
    #[error("{0} has no rows")]
    Empty(&'static str),
    /// An input of the network is NaN or infinite.
    #[error("row {row}, feature {feature} of the input is {value}; a network needs finite numbers")]
    NotFiniteInput {
        /// The row, from 1; within the batch while training.
        row: usize,
        /// The position in the row, from 1.
        feature: usize,
        /// The value that was found.
        value: f32,
    },
    /// An input that should be a token is none.
    #[error("row {row}, place {place} of the input is {value}; it must be a whole number from 0 to below {tokens}")]
    NotAToken {
        /// The row, from 1; within the batch while training.
        row: usize,
        /// The position in the row, from 1.
        place: usize,
        /// The value that was found.
        value: f32,
        /// How many tokens there are.
        tokens: usize,
    },
    /// Training left the finite numbers.
    #[error(
        "training diverged in epoch {epoch}, batch {batch}: {place}; a lower learning rate or `clip_norm` may help"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch, from 1.
        batch: usize,
        /// The first thing that was not finite: a layer's output, its gradient, its weights, or the loss.
        place: String,
    },
    /// The source of batches failed.
    #[error("cannot read the next batch of {what}")]
    Source {
        /// Which data.
        what: &'static str,
        /// What the source said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Stored weights or a stored description do not make up a network.
    #[error("cannot load the network: {0}")]
    Load(String),
    /// The state of a training does not belong to this network and these options.
    #[error("cannot resume the training: {0}")]
    Resume(String),
    /// The network could not be written.
    #[error("cannot store the network: {0}")]
    Store(String),
}
