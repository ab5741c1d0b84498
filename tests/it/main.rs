//! The one integration binary.

mod manual;
mod tidy;
mod triage;
