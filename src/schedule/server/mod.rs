//! The scheduler at work: one loop that turns time into runs and runs into what follows from them.
