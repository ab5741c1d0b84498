//! The one integration binary.

mod manual;
mod sources;
mod tidy;
mod triage;
