//! Vietnamese as input methods send it, typed into every field of the console: the text is right and nothing is triggered.

use crate::console_pty::Served;
use crate::console_pty::Terminal;
use crate::proof::output::Kind;
use crate::proof::output::read;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const F12: &str = "\x1b[24~";
/// Clears a line of text up to its cursor.
const CLEAR: &str = "\x15";

/// What arrives for a word, `<` being Backspace, and the word.
const WORDS: &[(&str, &str, &str)] = &[
    // Keys come one by one; the input method takes letters back and sends the composed ones.
    ("Telex, letter by letter", "d<đo<ôi<<ội", "đội"),
    ("Telex, the word anew with each mark", "truowng<<<<<ường<<<<ường", "trường"),
    ("Telex, a mark at the end", "vieetj<<<<<iệt", "việt"),
    ("Telex, taken back by a third key", "to<ô<oo", "too"),
    ("VNI, digits never arrive", "d<đu<ưo<<ươ<<ươ<ờng", "đường"),
    ("VNI, all marks at the end", "nguyen<<<<uyên<<<yễn", "nguyễn"),
    ("capitals", "D<ĐA<Ă<Ắ", "ĐẮ"),
    // Some send a narrow blank first, so that a program's own completion goes away, and take it back.
    ("a blank to beat completion", "a\u{202f}<<â", "â"),
    ("Ctrl-H for Backspace", "a\u{8}ă", "ă"),
    // A word at once, as from a window of the input method's own.
    ("committed whole", "kiểm toán", "kiểm toán"),
    ("combining marks", "kie\u{302}\u{309}m tra", "kiểm tra"),
    ("combining marks in the other order", "Vie\u{302}\u{323}t", "Việt"),
    ("a letter, then its mark alone", "o<o\u{31b}\u{300}", "ờ"),
    ("pasted", "\x1b[200~máy chủ\x1b[201~", "máy chủ"),
    ("pasted with combining marks", "\x1b[200~ma\u{301}y chu\u{309}\x1b[201~", "máy chủ"),
    ("pasted with line ends", "\x1b[200~một\rhai\nq\x1b[201~", "một hai q"),
    ("the cursor moves between", "ab\x1b[Dâ\x1b[C", "aâb"),
    ("more Backspaces than letters", "a<<<<<<ồn", "ồn"),
];

/// A field: how it is reached from the alerts, and what is pressed to leave it again.
struct Field {
    name: &'static str,
    open: &'static [&'static str],
    close: &'static [&'static str],
    /// What is seen when it is open, and only then.
    sign: &'static str,
}

/// Every field of the console where text is typed. A new one belongs here and into the list beside the model
/// (`src/console/tests/typing.rs`), which does not compile without it.
const FIELDS: &[Field] = &[
    Field { name: "filter of the alerts", open: &["/"], close: &[ESC], sign: "Filter alerts" },
    Field { name: "palette", open: &[":"], close: &[ESC], sign: ":>" },
    Field { name: "help", open: &["?"], close: &[ESC], sign: "?>" },
    Field { name: "note", open: &["n"], close: &[ESC], sign: "Add a note" },
    Field { name: "note of closing", open: &["c", "1"], close: &[ESC], sign: "Note (" },
    Field { name: "title of an escalation", open: &["e", CLEAR], close: &[ESC], sign: "to an incident" },
    Field { name: "note of reopening", open: &["o"], close: &[ESC], sign: "Reopen" },
    Field { name: "note of an incident", open: &["2", "n"], close: &[ESC, "1"], sign: "Add a note" },
    Field { name: "task", open: &["2", "t"], close: &[ESC, "1"], sign: "New task" },
    Field { name: "observable", open: &["2", "o"], close: &[ESC, "1"], sign: "New observable" },
    Field { name: "title of an incident", open: &["2", "e", CLEAR], close: &[ESC, "1"], sign: "Correct the title" },
    Field { name: "incident to merge into", open: &["2", "M"], close: &[ESC, "1"], sign: "Merge into" },
    Field { name: "query", open: &["3"], close: &[CLEAR, ESC, "1"], sign: "Query>" },
    Field { name: "filter of the rules", open: &["4", "/"], close: &[ESC, "1"], sign: "Filter the list" },
    Field { name: "filter of the sources", open: &["5", "/"], close: &[ESC, "1"], sign: "Filter the list" },
    Field { name: "reason of muting", open: &["5", "m"], close: &[ESC, "1"], sign: "How long" },
    Field { name: "note of a handover", open: &[F12, "n"], close: &[ESC, ESC], sign: "Note:" },
];

#[test]
fn every_field_takes_what_input_methods_send() {
    let served = Served::start();
    served.sign_in("visitor", "203.0.113.80");
    served.sign_in("visitor", "203.0.113.81");
    let mut console = Terminal::open(&served, "en", 160, 50);
    console.sees(&["203.0.113.80", "203.0.113.81", "LIVE"]);
    console.press("e");
    console.press(ENTER);
    console.sees(&["Escalated ALR-"]);
    let before = state_of(&served);
    for field in FIELDS {
        type_words(&mut console, field);
    }
    assert_eq!(state_of(&served), before, "typing changed something");
    console.press("q");
    let (is_fine, bytes) = console.ended();
    assert!(is_fine);
    assert_eq!(read(&bytes, Kind::Screen).err(), None);
}

fn type_words(console: &mut Terminal, field: &Field) {
    for key in field.open {
        console.press(key);
        console.settles();
    }
    console.sees(&[field.sign]);
    for (what, sent, word) in WORDS {
        eprintln!("{}: {what}", field.name);
        // Something around it, so that a word left over from before is not taken for the new one.
        console.write_at_once(&format!("[{}]", sent.replace('<', "\x7f")));
        match *what {
            // The bracket before is among what is taken back.
            "more Backspaces than letters" => console.sees(&[&format!("{word}]")]),
            _ => console.sees(&[&format!("[{word}]")]),
        }
        console.press(CLEAR);
        console.loses(&format!("{word}]"));
    }
    console.sees(&[field.sign]);
    for key in field.close {
        console.press(key);
        console.settles();
    }
    console.sees(&[">1 Alerts"]);
}

/// Returns what the server knows: alerts with their history, incidents.
fn state_of(served: &Served) -> Vec<String> {
    [
        &["alerts", "list", "--format", "json"][..],
        &["alerts", "show", "1", "--format", "json"],
        &["alerts", "show", "2", "--format", "json"],
        &["incidents", "show", "1", "--format", "json"],
    ]
    .into_iter()
    .map(|arguments| String::from_utf8(served.run(arguments)).expect("UTF-8"))
    .collect()
}
