//! Colours, borders, and no screen at all: each way to look, in the real program.

use crate::console_pty::Served;
use crate::console_pty::Terminal;
use crate::proof::output::Kind;
use crate::proof::output::Output;
use crate::proof::output::read;

/// Walks over the screens and returns what was written meanwhile.
fn walk(served: &Served, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let arguments: Vec<&str> = ["console", "--lang", "en"].iter().chain(arguments).copied().collect();
    let mut console = Terminal::open_with(served, &arguments, environment, (100, 30));
    console.sees(&["Keymaster signed in", "Visitor signed in", "LIVE"]);
    for key in ["\r", "r", "\x1b", "c", "\x1b", "2", "4", "5", "6", "7", "1", "?"] {
        console.press(key);
        console.settles();
    }
    console.press("\x03");
    let (is_fine, bytes) = console.ended();
    assert!(is_fine);
    read(&bytes, Kind::Screen).expect("our own sequences only")
}

#[test]
fn every_theme_uses_its_own_colours_only() {
    let served = Served::start();
    served.sign_in("keymaster", "203.0.113.90");
    served.sign_in("visitor", "203.0.113.91");
    served.finds("user.name:visitor", "1");
    for (theme, allowed) in [
        ("16", (0..16).collect::<Vec<u16>>()),
        ("high-contrast", (0..16).collect()),
        // Blue, grey and yellow: nothing red or green.
        ("deuteranopia", vec![67, 74, 117, 178, 227, 236, 240, 245]),
    ] {
        let used = walk(&served, &["--theme", theme], &[]).colours;
        assert!(used.len() > 3, "{theme}: {used:?}");
        assert!(used.iter().all(|number| allowed.contains(number)), "{theme}: {used:?}");
    }
    for (arguments, environment) in [(&["--theme", "mono"][..], &[][..]), (&[], &[("NO_COLOR", "1")])] {
        let output = walk(&served, arguments, environment);
        assert!(output.colours.is_empty(), "{arguments:?} {environment:?}: {:?}", output.colours);
    }
    // A theme that was asked for wins over the environment; an empty variable asks for nothing.
    for (arguments, environment) in
        [(&["--theme", "default"][..], &[("NO_COLOR", "1")][..]), (&[], &[("NO_COLOR", "")])]
    {
        assert!(!walk(&served, arguments, environment).colours.is_empty(), "{arguments:?} {environment:?}");
    }
    let plain = walk(&served, &["--ascii"], &[]);
    let drawn: Vec<char> = plain.printed.into_iter().filter(|c| !c.is_ascii()).collect();
    assert!(drawn.is_empty(), "{drawn:?}");
    assert!(walk(&served, &[], &[]).printed.contains(&'│'));
}

#[test]
fn plain_prints_lines_and_goes_on_printing() {
    let mut served = Served::start();
    served.sign_in("keymaster\x1b[2J\u{202e}x", "203.0.113.92");
    served.finds("source.ip:203.0.113.92", "1");
    let console = Terminal::open_with(&served, &["console", "--plain", "--lang", "vi"], &[("NO_COLOR", "1")], (80, 24));
    console.sees(&["cảnh báo mở: 1", "ALR-1 critical", "Chủ khóa đăng nhập", "203.0.113.92"]);
    served.sign_in("visitor", "203.0.113.93");
    console.sees(&["ALR-2 medium", "203.0.113.93"]);
    served.run(&["alerts", "take", "2"]);
    console.sees(&["đang xử lý"]);
    served.kill();
    let (is_fine, bytes) = console.ended();
    assert!(!is_fine, "a script is told that the server has gone");
    let output = read(&bytes, Kind::Lines).expect("lines only");
    assert!(output.colours.is_empty());
}
