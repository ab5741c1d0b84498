//! Keys, what they do, and lines of text typed with them.

pub(super) mod input;
pub(super) mod key;
pub(super) mod keymap;
