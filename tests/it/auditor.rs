//! The auditor's work in the real console: having the evidence checked, reading who did what, exporting with proofs.

use std::fs;
use std::process::Command;

use crate::console_pty::Served;
use crate::console_pty::Terminal;
use crate::console_pty::wait;

const ENTER: &str = "\r";
const ESC: &str = "\x1b";

#[test]
fn an_auditor_checks_reads_and_exports_with_the_keys_that_are_promised() {
    let served = Served::start();
    served.sign_in("visitor", "203.0.113.7");
    served.finds("user.name:visitor", "1");
    for (lang, size, words) in [
        ("vi", (80, 24), ["NGUYÊN VẸN", "tìm kiếm", "KiB", "Từ: 30d", "chưa lần nào"]),
        ("en", (160, 50), ["INTACT", "search", "KiB written", "Since: 30d", "INTACT"]),
    ] {
        let [intact, searched, written, since, before] = words;
        let mut console = Terminal::open(&served, lang, size.0, size.1);
        console.press("6");
        console.sees(&[before, "longan-"]);
        console.press("v");
        console.sees(&[intact]);
        // What was just done is in the log: the check, and this reading of it.
        console.press("\x1b[15~");
        console.sees(&["POST /v1/verify", "GET /v1/audit"]);

        console.press("3");
        console.keys_pressed();
        console.press("/");
        let query = "user.name:visitor";
        console.write(query);
        console.press(ENTER);
        console.sees(&["203.0.113.7"]);
        console.write("t3");
        console.sees(&[since, "203.0.113.7"]);
        console.press("x");
        console.press(ENTER);
        assert_eq!(console.keys_pressed() - query.len(), 6);
        console.sees(&[written, "longan verify"]);
        let bundle = wait("the bundle", || newest_bundle(&served), || console.text());
        let checked = Command::new(env!("CARGO_BIN_EXE_longan")).arg("verify").arg(&bundle).output();
        let checked = checked.expect("the program runs");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        fs::remove_file(&bundle).expect("the bundle is ours");
        console.press(ESC);
        console.loses("longan verify");

        console.press("6");
        console.press("/");
        console.write("what:search visitor");
        console.press(ENTER);
        console.sees(&[": what:search visitor"]);
        console.loses("GET /v1/audit");
        console.sees(&[searched, "q=user.n"]);
        console.press(ENTER);
        console.sees(&["\"action\":\"search\"", "SHA-256"]);
        console.press("q");
        assert!(console.ended().0);
    }
}

fn newest_bundle(served: &Served) -> Option<std::path::PathBuf> {
    let entries = fs::read_dir(served.data()).ok()?.filter_map(Result::ok);
    entries.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|ending| ending == "tar"))
}
