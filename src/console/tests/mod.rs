//! The console's tests: messages in, model and commands out; models in, cells out.

mod auditor;
mod cases;
mod checklist;
mod editor;
mod fixtures;
mod hostile;
mod keys;
mod link;
mod palette;
mod presence;
mod rules;
mod screens;
mod searching;
mod triage;
mod typing;
mod why;
