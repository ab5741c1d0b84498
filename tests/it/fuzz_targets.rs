//! Every fuzz target stands in the table of what is fuzzed, and every target named anywhere exists.

use std::collections::BTreeSet;
use std::fs;

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|err| panic!("{path}: {err}"))
}

/// The names in the table of targets.
fn targets() -> BTreeSet<String> {
    let text = read("tests/fuzz/src/targets/mod.rs");
    let table = text.split_once("pub(crate) const ALL").expect("the table of targets").1;
    let rows = table.lines().filter_map(|line| line.trim_start().strip_prefix("(\""));
    rows.filter_map(|row| Some(row.split_once('"')?.0.to_owned())).collect()
}

#[test]
fn every_target_is_in_the_table_of_what_is_fuzzed() {
    let targets = targets();
    assert!(targets.len() > 40, "the source was not understood: {targets:?}");
    let table = read("tests/fuzz/README.md");
    let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit(" | ").next());
    let named: BTreeSet<String> = cells
        .filter(|cell| cell.starts_with('`'))
        .flat_map(|cell| cell.split(", "))
        .map(|name| name.replace('`', ""))
        .collect();
    assert_eq!(named.difference(&targets).collect::<Vec<_>>(), Vec::<&String>::new(), "no such target");
    assert_eq!(targets.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "not in the table");
    let results = read("tests/fuzz/results.tsv");
    let ran: BTreeSet<String> =
        results.lines().skip(1).filter_map(|row| row.split('\t').nth(1)).map(str::to_owned).collect();
    assert_eq!(ran.difference(&targets).collect::<Vec<_>>(), Vec::<&String>::new(), "a target that is gone was run");
}
