//! A strict reader of what came out of a program: our own sequences and harmless text, or a finding.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use longan::model::SafeText;
use unicode_width::UnicodeWidthChar as _;

/// What a program may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The console: text on the other screen only, no line ends.
    Screen,
    /// Commands: lines of text, no sequences at all.
    Lines,
}

/// What was in a program's output besides text.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// What was put into the clipboard.
    pub(super) copied: Vec<String>,
    /// What the terminal was asked to notify of.
    pub(super) notified: Vec<String>,
    /// The colours set, as their numbers in the palette of 256.
    pub(super) colours: BTreeSet<u16>,
    /// The characters that were printed.
    pub(super) printed: BTreeSet<char>,
}

/// The private modes the console sets and resets: the other screen, the cursor, paste, the mouse.
const MODES: [&str; 8] = ["?1049", "?25", "?2004", "?1000", "?1002", "?1003", "?1006", "?1015"];
/// Marks on one letter; more would climb over the rows above.
const MARKS_MAX: usize = 4;

/// Reads all a program wrote; the finding says where, with what stood around it.
pub(super) fn read(bytes: &[u8], kind: Kind) -> Result<Output, String> {
    let text = std::str::from_utf8(bytes).map_err(|err| format!("no UTF-8: {err}"))?;
    let mut reader = Reader { rest: text, output: Output::default(), is_on_other_screen: false, marks: None };
    while !reader.rest.is_empty() {
        let place = text.len() - reader.rest.len();
        reader.step(kind).map_err(|what| {
            let start = (0..=place.saturating_sub(40)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let around: String = text[start..].chars().take(120).collect();
            format!("{what} at byte {place}: {around:?}")
        })?;
    }
    Ok(reader.output)
}

struct Reader<'t> {
    rest: &'t str,
    output: Output,
    is_on_other_screen: bool,
    /// Marks on the last letter; `None` where there is no letter to sit on.
    marks: Option<usize>,
}

impl Reader<'_> {
    fn step(&mut self, kind: Kind) -> Result<(), String> {
        let Some(c) = self.rest.chars().next() else { return Ok(()) };
        if kind == Kind::Lines && matches!(c, '\n' | '\r') {
            self.rest = &self.rest[1..];
            self.marks = None;
            return Ok(());
        }
        if kind == Kind::Screen {
            if let Some(rest) = self.rest.strip_prefix("\x1b[") {
                return self.control(rest);
            }
            if let Some(rest) = self.rest.strip_prefix("\x1b]52;c;") {
                return self.copied(rest);
            }
            // The bell rings only with the notification it is for.
            if let Some(rest) = self.rest.strip_prefix("\x07\x1b]9;") {
                return self.notified(rest);
            }
            if !self.is_on_other_screen {
                return Err("text outside the console's own screen".to_owned());
            }
        }
        self.letter(c)
    }

    fn letter(&mut self, c: char) -> Result<(), String> {
        // A mark is harmless on a letter only.
        harmless(&format!("x{c}"))?;
        match (c.width(), &mut self.marks) {
            (Some(0), None) => return Err(format!("a mark {c:?} without a letter")),
            (Some(0), Some(marks)) => {
                *marks += 1;
                if *marks > MARKS_MAX {
                    return Err("too many marks on a letter".to_owned());
                }
            }
            (None, _) => return Err(format!("{c:?} has no width")),
            (Some(_), marks) => *marks = Some(0),
        }
        self.output.printed.insert(c);
        self.rest = &self.rest[c.len_utf8()..];
        Ok(())
    }

    fn control(&mut self, rest: &str) -> Result<(), String> {
        let end = rest.find(|c: char| !matches!(c, '0'..='?')).ok_or("an unfinished sequence")?;
        let (parameters, last) = (&rest[..end], &rest[end..end + rest[end..].chars().next().map_or(0, char::len_utf8)]);
        let is_numbers = |allowed: usize| {
            let parts: Vec<&str> = parameters.split(';').collect();
            parts.len() <= allowed
                && parts.iter().all(|part| part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()))
        };
        match last {
            "m" if is_numbers(16) => {
                let mut numbers = parameters.split(';').map(|number| number.parse::<u16>().unwrap_or(0));
                while let Some(number) = numbers.next() {
                    match number {
                        // A colour of the palette of 256, or one of red, green and blue.
                        38 | 48 | 58 => {
                            let rest = numbers.next().into_iter().chain(numbers.next());
                            self.output.colours.extend(rest.skip(1));
                        }
                        30..=37 | 40..=47 => self.output.colours.extend([number % 10]),
                        90..=97 | 100..=107 => self.output.colours.extend([number % 10 + 8]),
                        _ => {}
                    }
                }
            }
            "H" if is_numbers(2) => self.marks = None,
            "J" if parameters == "2" => {}
            "h" | "l" if MODES.contains(&parameters) => {
                if parameters == "?1049" {
                    self.is_on_other_screen = last == "h";
                }
            }
            _ => return Err(format!("a sequence that is not ours: {parameters:?} {last:?}")),
        }
        self.rest = &self.rest[2 + end + last.len()..];
        Ok(())
    }

    fn copied(&mut self, rest: &str) -> Result<(), String> {
        let (encoded, after) = rest.split_once('\x07').ok_or("a clipboard without an end")?;
        let decoded = STANDARD.decode(encoded).map_err(|err| format!("the clipboard: {err}"))?;
        let text = String::from_utf8(decoded).map_err(|err| format!("the clipboard: {err}"))?;
        harmless(&text)?;
        self.output.copied.push(text);
        self.rest = &self.rest[self.rest.len() - after.len()..];
        Ok(())
    }

    fn notified(&mut self, rest: &str) -> Result<(), String> {
        let (text, after) = rest.split_once('\x07').ok_or("a notification without an end")?;
        harmless(text)?;
        self.output.notified.push(text.to_owned());
        self.rest = &self.rest[self.rest.len() - after.len()..];
        Ok(())
    }
}

/// Says whether a text has nothing in it that acts, hides or turns.
fn harmless(text: &str) -> Result<(), String> {
    let safe = SafeText::new(text);
    // Written down once more, not taken from what is tested.
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}')
            || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}')
            || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}')
            || matches!(c, '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
    };
    match text.chars().find(|c| acts(*c)) {
        Some(c) => Err(format!("{c:?} reached the terminal")),
        None if safe.as_str() != text => Err(format!("{text:?} is not safe")),
        None => Ok(()),
    }
}

#[test]
fn the_reader_lets_nothing_foreign_through() {
    let screen = |text: &str| read(format!("\x1b[?1049h{text}").as_bytes(), Kind::Screen);
    for fine in ["a\x1b[1;1H\x1b[38;5;240mộ", "\x07\x1b]9;alert\x07x", "\x1b]52;c;xJHDog==\x07", "e\u{323}\u{302}"] {
        assert!(screen(fine).is_ok(), "{fine:?}: {:?}", screen(fine));
    }
    for foreign in [
        "\x1b]0;title\x07",
        "\x1b[6n",
        "\x1b[c",
        "\x1b[3J",
        "\x1bc",
        "\x1bP$q\x1b\\",
        "\x1b]52;c;?\x07",
        "\x1b]52;p;YQ==\x07",
        "\x1b]52;c;G1syag==\x07",
        "\x1b[?12h",
        "\x1b[1;1",
        "\u{9b}2J",
        "\u{202e}",
        "a\u{200d}b",
        "\u{7}",
        "\n",
        "\x1b[1;1H\u{301}",
        "a\u{301}\u{301}\u{301}\u{301}\u{301}",
        "\u{7f}",
    ] {
        assert!(screen(foreign).is_err(), "{foreign:?}");
    }
    assert!(read(b"before", Kind::Screen).is_err() && read(b"\xff", Kind::Lines).is_err());
    assert!(read("dòng\r\n".as_bytes(), Kind::Lines).is_ok() && read(b"\x1b[1m", Kind::Lines).is_err());
}
