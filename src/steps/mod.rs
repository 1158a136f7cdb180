//! Floor 3, steps: one file a command, its arguments and how they become a plan. Pure.
