//! A neural network that is trained here: dense layers on tables, with everything that decides its numbers in plain
//! sight.
//!
//! ```
//! use gristmill::nn::{Activation, Head, InMemory, LayerSpec, Network, NetworkSpec, Shape, Targets, TrainingOptions, train};
//! use ndarray::array;
//! use std::ops::ControlFlow;
//!
//! // Exclusive or: yes where exactly one of two inputs is 1.
//! let inputs = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
//! let targets = [0.0, 1.0, 1.0, 0.0];
//! let layers = vec![LayerSpec::Dense { units: 16, activation: Activation::Relu }];
//! let network = Network::new(NetworkSpec { input: Shape::features(2), layers, head: Head::Binary }, 1)?;
//!
//! let mut source = InMemory::new(inputs.view(), Targets::Values(&targets), None)?;
//! let mut options = TrainingOptions { epochs: 500, batch_size: 4, ..TrainingOptions::default() };
//! options.optimizer = serde_json::from_str(r#"{"adamw": {"learning_rate": 0.02}}"#)?;
//! let trained = train(network, &mut source, None, &options, &mut |_| ControlFlow::Continue(()))?;
//!
//! let yes = trained.network.predict(inputs.view())?;
//! assert!(yes.iter().zip(targets).all(|(p, t)| (p - t).abs() < 0.1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | where | what |
//! |---|---|
//! | [`layers`] | what each layer computes and how its gradient flows back |
//! | [`loss`] | how wrong an output is |
//! | [`optimizers`] | how a gradient changes the parameters |
//! | `network`, `head` | the description, the parameters, prediction |
//! | `plan`, `workspace` | shapes and places worked out once; the buffers of a pass |
//! | [`training`] | epochs, batches, threads, early stopping |
//! | `persist` | JSON and safetensors |
//!
//! Numbers are `f32`, batches are row-major with the rows first: `[n, features]`. Losses are added up in `f64`.

mod error;
mod head;
mod initialize;
pub mod layers;
pub mod loss;
mod matmul;
mod network;
pub mod optimizers;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod oracle;
mod persist;
mod plan;
mod randomness;
mod shape;
pub mod training;
mod workspace;

pub use error::Error;
pub use head::Head;
pub use initialize::Initial;
pub use layers::{Activation, LayerSpec};
pub use loss::{Loss, Targets};
pub use network::{Network, NetworkSpec, Summary, SummaryRow};
pub use optimizers::OptimizerSpec;
pub use plan::{MAX_PARAMETERS, MAX_ROW};
pub use shape::Shape;
pub use training::{EarlyStopping, InMemory, Trained, TrainingOptions, train};
