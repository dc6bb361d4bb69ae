//! What every dock last said, in memory.
