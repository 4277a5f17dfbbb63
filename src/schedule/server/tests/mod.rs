//! The loop with a simulated clock and workers that follow a script.

mod clock;
mod ends;
mod faults;
mod flow;
mod recovery;
mod world;

use world::{Script, World, at};
