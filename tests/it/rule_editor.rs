//! The editor of rules as its users have it: typed with an input method, checked as it is typed, tried, saved with the keys
//! that are promised.

use std::fs;

use crate::console_pty::Served;
use crate::console_pty::Terminal;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
const BACKSPACE: &str = "\x7f";
const END: &str = "\x1b[F";
const DOWN: &str = "\x1b[B";
const CTRL_B: &str = "\x02";
const CTRL_S: &str = "\x13";
const CTRL_T: &str = "\x14";
const CTRL_Z: &str = "\x1a";
const F8: &str = "\x1b[19~";

const RULE: &str = "title: Door of the test\r\nid: door-test\r\nstatus: test\r\nlogsource:\r\n    product: linux\r\n\
                    detection:\r\n    door:\r\n        user.name: visitor\r\n    condition: door\r\nlevel: low\r\n";

/// What the screen says, in the language of the console.
struct Words {
    lang: &'static str,
    editor: &'static str,
    unsaved: &'static str,
    wrong: &'static str,
    cases: &'static str,
    matches: &'static str,
    saved: &'static str,
    asked: &'static str,
    dropped: &'static str,
}

const LANGUAGES: [(Words, (u16, u16)); 2] = [
    (
        Words {
            lang: "vi",
            editor: "Bản đang sửa: more.yml",
            unsaved: "chưa lưu",
            wrong: "lỗi: ",
            cases: "luật này không có ca thử",
            matches: "1 lần khớp",
            saved: "Đã lưu more.yml, chạy ngầm",
            asked: "Luật đã sửa mà chưa lưu",
            dropped: "Đã bỏ bản sửa của door-test",
        },
        (80, 24),
    ),
    (
        Words {
            lang: "en",
            editor: "Being edited: more.yml",
            unsaved: "unsaved",
            wrong: "error: ",
            cases: "this rule has no cases",
            matches: "1 matches",
            saved: "Saved more.yml, in shadow",
            asked: "The rule was changed and not saved",
            dropped: "Dropped what was changed of door-test",
        },
        (160, 50),
    ),
];

#[test]
fn a_rule_is_edited_tried_and_saved_with_the_keys_that_are_promised() {
    let mut said = RULE.to_owned();
    let served = Served::start_with(&said);
    served.sign_in("visitor", "203.0.113.7");
    served.finds("user.name:visitor", "1");
    // It is being tried: it raises nothing yet.
    served.run(&["rules", "state", "door-test", "shadow", "--reason", "new"]);
    for (words, (columns, rows)) in LANGUAGES {
        let mut console = Terminal::open(&served, words.lang, columns, rows);
        console.press("4");
        console.sees(&["Door of the test"]);
        console.press("/");
        console.write("door-test");
        console.sees(&["door-test"]);
        console.press(ENTER);
        console.sees(&[">L"]);
        console.press("e");
        console.sees(&[words.editor, "id: door-test"]);
        // A letter of an input method, and no letter acts.
        console.press(END);
        console.write(" q1d");
        console.press(BACKSPACE);
        console.press("đ");
        console.sees(&["Door of the test q1đ", words.unsaved]);
        // Checked without being asked to, and led to what is wrong.
        for _ in 0..8 {
            console.press(DOWN);
        }
        console.press(END);
        console.press("x");
        console.sees(&[words.wrong, "doorx"]);
        console.press(F8);
        console.press(CTRL_Z);
        console.loses("doorx");
        console.keys_pressed();

        console.press(CTRL_T);
        console.sees(&[words.cases]);
        console.press(CTRL_B);
        console.sees(&[words.matches]);
        console.press(CTRL_S);
        console.sees(&[words.saved]);
        assert_eq!(console.keys_pressed(), 3);
        said = expected(&said, &served);

        // What was changed and not saved is asked about.
        console.press("e");
        console.sees(&[words.editor]);
        console.press("z");
        console.sees(&[words.unsaved]);
        console.press(ESC);
        console.sees(&[words.asked]);
        console.press("2");
        console.sees(&[words.dropped]);
        console.press("q");
        assert!(console.ended().0);
    }
    assert_eq!(said.lines().next(), Some("title: Door of the test q1đ q1đ"));
    assert_eq!(said.matches("\r\n").count(), said.lines().count(), "the line ends stay as they were");
}

/// Returns what the file says now; all but its first line is as before.
fn expected(before: &str, served: &Served) -> String {
    let path = served.data().parent().expect("a folder").join("rules/more.yml");
    let now = fs::read_to_string(path).expect("the rule's file");
    assert_eq!(now.lines().skip(1).collect::<Vec<_>>(), before.lines().skip(1).collect::<Vec<_>>());
    now
}
