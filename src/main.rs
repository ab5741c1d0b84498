//! The `longan` program: parses arguments, starts the runtime, turns the result into an exit code.

fn main() {}
