//! Table tests of the headers.

use super::*;

/// Noon of 2026-03-14 in UTC.
const RECEIVED: Timestamp = Timestamp(1_773_489_600_000_000_000);

fn header(text: &str) -> Header<'_> {
    read(text, RECEIVED, 7 * 3600)
}
