//! The compiled set: packs as they are used, the way from a line to its packs, and the loading of their files.

mod advice;
pub(super) mod compiled;
pub(super) mod glob;
pub(super) mod index;
mod library;
