//! The console's tests: messages in, model and commands out; models in, cells out.

mod cases;
mod fixtures;
mod hostile;
mod keys;
mod link;
mod presence;
mod rules;
mod screens;
mod triage;
