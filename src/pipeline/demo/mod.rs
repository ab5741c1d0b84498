//! The demo: plays realistic traffic of a province's systems, with attacks in it, into the program's own sockets and files.
//!
//! It is a sender like any other: it knows addresses and paths, nothing of the inside. What it plays is data, in
//! `scenes.toml`; how fast is bounded, and it stops with the program.

mod everyday;
mod player;
mod scenes;
mod template;
mod transport;

#[cfg(test)]
mod tests;

/// The folder, within the data folder, of the files the demo appends to.
pub const FOLDER: &str = "demo";

pub use everyday::Everyday;
pub use player::play;
pub use scenes::followed_files;
pub use transport::Places;
