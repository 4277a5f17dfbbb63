//! Conditions on a run that ended well, and what becomes current when they hold.
