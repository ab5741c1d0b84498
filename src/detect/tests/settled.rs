//! Questions on which others answer differently, each with what the Sigma specification says.
//!
//! They came up where recorded expectations or another engine disagreed with this one over the community's rules. What is
//! kept here is the question in its smallest form: rules and events are our own.

use super::*;

struct Settled {
    /// What the specification says, and so who is right.
    because: &'static str,
    detection: &'static str,
    must: &'static [&'static str],
    must_not: &'static [&'static str],
}

const SETTLED: [Settled; 6] = [
    Settled {
        because: "a condition is judged for one event at a time: that a recording has an event which satisfies both \
                  searches says nothing of the parent process and the helper recorded beside it",
        detection: "  image:\n    - Image|endswith: ['\\seek.exe', '\\seekstr.exe']\n    - OriginalFileName: 'SEEK.EXE'\n\
                    \x20 line:\n    CommandLine|endswith: [' shield', ' shield\"']\n  condition: all of them\n",
        must: &[r#"{"Image": "C:\\bin\\seekstr.exe", "CommandLine": "seekstr  shield\""}"#],
        must_not: &[
            r#"{"Image": "C:\\bin\\shell.exe", "CommandLine": "shell /c \"jobs | seekstr shield\""}"#,
            r#"{"Image": "C:\\bin\\jobs.exe", "CommandLine": "jobs  ", "ParentCommandLine": "shell /c \"jobs | seekstr shield\""}"#,
        ],
    },
    Settled {
        because: "`all of` and `and` want every search met, so that the right parent alone is not enough",
        detection: "  parent: {ParentImage|endswith: '\\dot.exe'}\n  child_a:\n    Image|endswith: '\\cake.exe'\n    \
                    CommandLine|contains: 'cake_oven.js'\n  condition: parent and 1 of child_*\n",
        must: &[r#"{"ParentImage": "C:\\dot.exe", "Image": "C:\\cake.exe", "CommandLine": "cake cake_oven.js"}"#],
        must_not: &[r#"{"ParentImage": "C:\\dot.exe", "Image": "C:\\shell.exe", "CommandLine": "dot cake_setup.js"}"#],
    },
    Settled {
        because: "`endswith` puts a wildcard before the value and none behind it: the value is the end of the field, so \
                  that the name of an alternate data stream behind the file name is one character too many",
        detection: "  a: {TargetFilename|endswith: ['\\dumper.exe', '\\dumper64.exe']}\n  condition: a\n",
        must: &[r#"{"TargetFilename": "C:\\Users\\an\\Dumper64.exe"}"#],
        must_not: &[r#"{"TargetFilename": "C:\\Users\\an\\dumper64.exe:Zone.Identifier"}"#],
    },
    Settled {
        because: "wildcards in a value keep their meaning under `contains`, `startswith` and `endswith`, which only add \
                  more of them: `8???` as an ending is an 8 and any three characters, not three question marks",
        detection: "  new: {NewValue|endswith: ['8???', 'A???']}\n  old: {OldValue|endswith: ['8???', 'A???']}\n  \
                    condition: new and not old\n",
        must: &[r#"{"OldValue": "0x210", "NewValue": "0x8210"}"#, r#"{"OldValue": "-", "NewValue": "0xA???"}"#],
        must_not: &[
            r#"{"OldValue": "0x8000", "NewValue": "0x8210"}"#,
            r#"{"OldValue": "0x210", "NewValue": "0x4210"}"#,
        ],
    },
    Settled {
        because: "`?` is exactly one character, whatever its length in bytes, and never none",
        detection: "  a: {F: 'a?c'}\n  condition: a\n",
        must: &[r#"{"F": "abc"}"#, r#"{"F": "aĐc"}"#, r#"{"F": "a?c"}"#],
        must_not: &[r#"{"F": "ac"}"#, r#"{"F": "abbc"}"#],
    },
    Settled {
        because: "values are compared without letter case unless `cased` is said; of a regular expression the opposite holds",
        detection: "  a: {F: 'Cmd.EXE'}\n  b: {F|re: 'Cmd\\.EXE'}\n  c: {F|cased: 'Cmd.EXE'}\n  condition: a and not (b and c)\n",
        must: &[r#"{"F": "cmd.exe"}"#, r#"{"F": "CMD.EXE"}"#],
        must_not: &[r#"{"F": "Cmd.EXE"}"#],
    },
];

#[test]
fn what_the_specification_settles_stays_settled() {
    for Settled { because, detection, must, must_not } in SETTLED {
        for json in must {
            assert!(matches(detection, json), "must match {json}: {because}\n{detection}");
        }
        for json in must_not {
            assert!(!matches(detection, json), "must not match {json}: {because}\n{detection}");
        }
    }
}
