//! What the benches share: CPU time, a table to print, and things to measure on that need nothing but this repository.

pub mod alerts;
pub mod cpu;
pub mod events;
pub mod generate;
pub mod lines;
pub mod memory;
pub mod served;
pub mod table;
pub mod terminal;
pub mod traffic;
