//! The rule writer's work in the real console: a harmless alert excepted, a rule edited, tried on history and saved.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::console_pty::Served;
use crate::console_pty::Terminal;

const ENTER: &str = "\r";
const CTRL_B: &str = "\x02";
const CTRL_S: &str = "\x13";
const CTRL_T: &str = "\x14";

/// What the screen says, in the language of the console.
struct Words {
    lang: &'static str,
    size: (u16, u16),
    live: &'static str,
    address: &'static str,
    except: &'static str,
    would_hide: &'static str,
    in_force: &'static str,
    one_rule: &'static str,
    edited: &'static str,
    cases: &'static str,
    matches: &'static str,
    save: &'static str,
    saved: &'static str,
}

const WORDS: [Words; 1] = [Words {
    lang: "en",
    size: (160, 50),
    live: "LIVE",
    address: "203.0.113.8",
    except: "Except from: Visitor signed in",
    would_hide: "would hide 1 of 2 matches in 30 days",
    in_force: "in force until",
    one_rule: "─ Rules 1/1 ",
    edited: "Being edited: own.yml",
    cases: "Cases: ",
    matches: "2 matches",
    save: "(as shadow)",
    saved: ", in shadow",
}];

#[test]
fn an_exception_and_a_rule_take_the_keys_that_are_promised() {
    let served = Served::start();
    // An editor that needs nobody: it adds a line to the rule.
    let editor = served.data().join("editor");
    fs::write(&editor, "#!/bin/sh\necho '# looked at' >> \"$1\"\n").expect("a script");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o755)).expect("a program");
    let editor = editor.to_str().expect("a path of letters");
    ["203.0.113.8", "203.0.113.9"].iter().for_each(|address| served.sign_in("visitor", address));
    served.finds("user.name:visitor", "2");
    for words in &WORDS {
        let environment = [("VISUAL", editor), ("EDITOR", editor)];
        let mut console = Terminal::open_with(&served, &["console", "--lang", words.lang], &environment, words.size);
        console.sees(&[words.address, words.live]);
        // The alert of its own address only.
        console.press("/");
        console.write(words.address);
        console.press(ENTER);
        console.sees(&[words.address, " 1/1 "]);
        except(&mut console, words);
        edit(&mut console, words);
        console.press("q");
        assert!(console.ended().0);
    }
}

/// Two keys and a reason.
fn except(console: &mut Terminal, words: &Words) {
    let reason = "printer";
    console.keys_pressed();
    console.press("x");
    console.sees(&[words.except, words.would_hide, words.address]);
    console.write(reason);
    console.press(ENTER);
    assert_eq!(console.keys_pressed() - reason.len(), 2);
    console.sees(&[words.in_force]);
}

/// Once edited, three keys: tested, tried on 30 days, saved as shadow; what it was for is asked last.
fn edit(console: &mut Terminal, words: &Words) {
    console.press("4");
    console.press("/");
    console.write("visitor-signed-in");
    console.press(ENTER);
    console.sees(&[words.one_rule]);
    console.press("E");
    console.sees(&[words.edited]);
    console.keys_pressed();
    console.press(CTRL_T);
    console.sees(&[words.cases]);
    console.press(CTRL_B);
    console.sees(&[words.matches]);
    console.press(CTRL_S);
    console.sees(&[words.save]);
    assert_eq!(console.keys_pressed(), 3);
    console.write("less noise");
    console.press(ENTER);
    console.sees(&[words.saved]);
}
