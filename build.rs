//! Rebuilds when a file is added to or removed from the folders that are compiled into the binary.

fn main() {
    println!("cargo:rerun-if-changed=parsers");
    println!("cargo:rerun-if-changed=rules");
}
