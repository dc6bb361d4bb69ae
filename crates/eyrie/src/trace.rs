//! The conversations with docks, kept for `/docks/{sn}/trace` and `doctor --sn`.
