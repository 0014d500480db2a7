//! The stored tables: versions and commits.
