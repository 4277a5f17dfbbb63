//! The loop with a simulated clock and workers that follow a script.

mod clock;
mod ends;
mod fake;
mod faults;
mod flow;
mod gates;
mod messages;
mod processes;
mod recovery;
mod room;
mod world;

use fake::{Fake, Script};
use world::{World, at};
