//! What the benches share: CPU time, a table to print, and things to measure on that need nothing but this repository.

pub mod cpu;
pub mod events;
pub mod generate;
pub mod lines;
pub mod table;
pub mod traffic;
