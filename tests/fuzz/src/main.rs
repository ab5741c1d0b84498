//! One fuzzer, many targets: `FUZZ_TARGET` names the one that runs. `tests/fuzz/run` builds it, seeds it and keeps count.
//!
//! A target takes any bytes and panics when a promise is broken. One program for all of them is linked once, and
//! every target can read every other's finds.

#![no_main]

mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

use crate::targets::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = targets::ALL.iter().find(|(have, _)| *have == name);
    let names = || targets::ALL.map(|(name, _)| name).join(", ");
    found.unwrap_or_else(|| panic!("FUZZ_TARGET=`{name}` is none of {}", names())).1
}

fuzz_target!(|data: &[u8]| {
    TARGET.get_or_init(chosen)(data);
});
