//! Floor 5, command: the command line, the pipeline and what comes out.
