//! Pipes: what is done with the events that a filter lets through, stage after stage.
//!
//! A pipeline takes rows and gives rows. The first rows are events, their fields being the columns; `stats`, `top`, `rare`,
//! `timechart` and `fieldsummary` make a table of them, and every stage after that works on a table. Pure: no I/O, no clock.

pub mod cell;
pub mod expr;
mod parse;
pub mod run;
pub mod stage;

pub(in crate::query) use parse::parse;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
