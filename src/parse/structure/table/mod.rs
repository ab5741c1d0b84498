//! Bodies made of columns.

pub mod csv;
pub mod w3c;
