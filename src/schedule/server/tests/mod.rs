//! The loop with a simulated clock and workers that follow a script.
