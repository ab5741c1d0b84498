//! Asking the columns of a chunk: which rows match, and what their fields are, with as few events put together as possible.

mod cells;
pub(super) mod find;
mod needle;
mod rows;

pub(in crate::store) use rows::Pick;
pub(in crate::store) use rows::Watch;
