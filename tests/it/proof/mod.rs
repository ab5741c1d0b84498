//! The console proven in a real terminal: against hostile logs, signals, sizes, input methods; and how it looks.

mod hostile;
mod hostile_lines;
mod life;
mod looks;
mod output;
mod typing;
