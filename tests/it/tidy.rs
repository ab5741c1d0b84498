//! What no other tool checks about the source: module docs, direction of dependencies, sizes, forgotten test files.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// The modules from the ground up; a module may name only those before it.
const LAYERS: [&str; 21] = [
    "model",
    "diag",
    "telemetry",
    "auth",
    "ingest",
    "parse",
    "normalize",
    "wal",
    "query",
    "store",
    "evidence",
    "detect",
    "alert",
    "incident",
    "wire",
    "server",
    "client",
    "console",
    "config",
    "pipeline",
    "cli",
];

/// A file without its tests should have fewer lines than this; the exceptions only shrink.
const LINES_MAX: usize = 600;
const LONG_FILES: [(&str, &str); 0] = [];

/// `parse` stands beside `ingest`, and the console is a client: it must not see what the server sees.
const FORBIDDEN: [(&str, &str); 4] =
    [("client", "server"), ("console", "server"), ("console", "store"), ("parse", "ingest")];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("readable folder") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn names(code: &str, module: &str) -> Option<usize> {
    let needle = format!("crate::{module}");
    code.lines().position(|line| {
        line.match_indices(&needle).any(|(at, _)| {
            let next = line[at + needle.len()..].chars().next();
            !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    })
}

#[test]
fn the_source_is_tidy() {
    let mut findings = Vec::new();
    for path in rust_files(Path::new("src")) {
        let relative = path.strip_prefix("src").expect("below src").display().to_string();
        let text = fs::read_to_string(&path).expect("UTF-8 source");
        let code = text.split("#[cfg(test)]\nmod tests").next().expect("split gives one part");
        if !text.starts_with("//!") {
            findings.push(format!("src/{relative}: no module doc"));
        }
        let lines = code.lines().count();
        if lines > LINES_MAX && !LONG_FILES.iter().any(|(long, _)| *long == relative) {
            findings.push(format!("src/{relative}: {lines} lines; is it one idea?"));
        }
        if code.contains("crate::{") {
            findings.push(format!("src/{relative}: one `crate::` path per `use`"));
        }
        let module = relative.split('/').next().expect("split gives one part").trim_end_matches(".rs");
        let Some(own) = LAYERS.iter().position(|layer| *layer == module) else { continue };
        let forbidden = FORBIDDEN.iter().filter(|(from, _)| *from == module).map(|(_, to)| *to);
        for upper in LAYERS[own + 1..].iter().copied().chain(forbidden) {
            if let Some(line) = names(code, upper) {
                findings.push(format!("src/{relative}:{}: {module} may not name {upper}", line + 1));
            }
        }
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn no_test_file_is_forgotten() {
    let main = fs::read_to_string("tests/it/main.rs").expect("readable");
    for path in rust_files(Path::new("tests/it")) {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| *stem != "main") else {
            continue;
        };
        if path.parent() == Some(Path::new("tests/it")) {
            assert!(main.contains(&format!("mod {stem};")), "tests/it/main.rs does not name {}", path.display());
        }
    }
}
