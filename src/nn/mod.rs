//! A neural network that is trained here, with everything that decides its numbers in plain sight.
//!
//! ```
//! use gristmill::nn::{Activation, Head, InMemory, LayerSpec, Network, NetworkSpec, Shape, Targets, TrainingOptions, train};
//! use ndarray::array;
//! use std::ops::ControlFlow;
//!
//! // Exclusive or: yes where exactly one of two inputs is 1.
//! let inputs = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
//! let targets = [0.0, 1.0, 1.0, 0.0];
//! let layers = vec![LayerSpec::dense(16, Activation::Relu)];
//! let network = Network::new(NetworkSpec::sequential(Shape::features(2), layers, Head::Binary), 1)?;
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
//! | [`NetworkSpec`], `graph` | the description: inputs, nodes that read what stands before them, outputs |
//! | [`layers`] | what each layer computes and how its gradient flows back |
//! | [`loss`] | how wrong an output is |
//! | [`optimizer`], [`schedule`] | how a gradient changes the parameters, and how fast |
//! | [`init`] | how parameters start |
//! | `network`, `head` | the parameters, prediction |
//! | `inside` | what nodes give, and derivatives by it |
//! | `plan`, `workspace` | shapes, places and memory worked out once; one pass over the rows of a shard |
//! | [`presets`] | networks and trainings that are good without tuning |
//! | [`training`] | epochs, batches, threads, early stopping |
//! | `matmul`, `simd`, `math`, `randomness` | products, wide registers, exponentials, random numbers |
//! | `persist`, `onnx` | JSON and safetensors, and a file that other programs run |
//!
//! Numbers are `f32`, batches are row-major with the rows first; see [`Shape`]. Losses are added up in `f64`.

mod error;
mod graph;
mod head;
pub mod init;
mod inside;
pub mod layers;
pub mod loss;
mod math;
mod matmul;
mod network;
mod onnx;
pub mod optimizer;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod oracle;
mod persist;
mod plan;
pub mod presets;
mod randomness;
pub mod schedule;
mod shape;
mod simd;
pub mod training;
mod workspace;

pub use error::Error;
pub use graph::{InputSpec, NetworkSpec, NodeSpec, OutputSpec};
pub use head::Head;
pub use init::{Initial, Start};
pub use inside::{Inside, Question};
pub use layers::{Activation, LayerSpec};
pub use loss::{Loss, LossKind, LossSpec, Targets};
pub use network::{Network, Summary, SummaryRow};
pub use optimizer::{GroupRule, OptimizerSpec};
pub use plan::{MAX_PARAMETERS, MAX_ROW};
pub use randomness::Draws;
pub use schedule::{Plateau, ScheduleKind, ScheduleSpec};
pub use shape::Shape;
pub use training::{EarlyStopping, InMemory, Trained, TrainingOptions, train};
