//! Keys, what they do, and lines and texts typed with them.

mod history;
pub(super) mod input;
pub(super) mod key;
pub(super) mod keymap;
pub(super) mod text_area;
