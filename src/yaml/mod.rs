//! Floor 0, text: reads, edits and proves YAML. It knows nothing of Helm or Git.
