//! Log lines that attack whoever reads them: every kind of thing a terminal obeys, in every place of a line that is shown.

use std::fmt::Write as _;

/// A user whose sign-in raises a critical alert begins so; the attack follows.
const USER: &str = "keymaster";

/// What a terminal, or the eye before it, would fall for. Nothing here has a line end: a frame is counted, not ended.
const ATTACKS: &[(&str, &[u8])] = &[
    ("CSI: screen cleared", b"\x1b[2J\x1b[3J\x1b[H"),
    ("CSI: first screen", b"\x1b[?1049l\x1b[?47h"),
    ("CSI: colours", b"\x1b[31;5;7mred\x1b[0m"),
    ("CSI: cursor moved", b"\x1b[1;1H\x1b[99A\x1b[s\x1b[u"),
    ("CSI: modes", b"\x1b[?25l\x1b[?1003h\x1b[?2004l\x1b[4h\x1b[20h"),
    ("CSI: keys", b"\x1b[>4;2m\x1b[>1u\x1b[?1h\x1b="),
    ("CSI: scroll region", b"\x1b[5;6r\x1b[9S\x1b[9T"),
    ("CSI: print", b"\x1b[5i\x1b[4i"),
    ("CSI: window", b"\x1b[8;1;1t\x1b[9;1t\x1b[2t"),
    ("CSI: soft reset", b"\x1b[!p\x1b[61\"p"),
    ("CSI: without an end", b"\x1b[12;34"),
    ("query: device attributes", b"\x1b[c\x1b[>c\x1b[=c\x1bZ"),
    ("query: status and cursor", b"\x1b[5n\x1b[6n\x1b[?6n\x1b[?996n"),
    ("query: version and keyboard", b"\x1b[>q\x1b[?u"),
    ("query: modes", b"\x1b[?2004$p\x1b[4$p"),
    ("query: title and sizes", b"\x1b[21t\x1b[20t\x1b[14t\x1b[18t"),
    ("query: settings", b"\x1bP$qm\x1b\\\x1bP$q\"p\x1b\\"),
    ("query: termcap", b"\x1bP+q544e\x1b\\"),
    ("query: colours", b"\x1b]10;?\x07\x1b]11;?\x1b\\\x1b]4;1;?\x07"),
    ("query: answerback", b"\x05"),
    ("ESC: reset", b"\x1bc"),
    ("ESC: alignment, charsets", b"\x1b#8\x1b(0\x1b)0\x1bN\x1bO\x1bn"),
    ("OSC: title", b"\x1b]0;owned\x07\x1b]2;owned\x1b\\\x1b]1;owned\x07\x1b]lowned\x1b\\"),
    ("OSC: link", b"\x1b]8;;http://198.51.100.6/\x1b\\click\x1b]8;;\x1b\\"),
    ("OSC: clipboard", b"\x1b]52;c;cm0gLXJmIH4K\x07\x1b]52;p;cm0=\x1b\\"),
    ("OSC: clipboard read", b"\x1b]52;c;?\x07"),
    ("OSC: notifications", b"\x1b]9;owned\x07\x1b]777;notify;owned;now\x07\x1b]99;i=1;owned\x1b\\"),
    ("OSC: palette, font", b"\x1b]4;1;red\x07\x1b]50;#1\x07\x1b]104\x07"),
    ("OSC: folder and files", b"\x1b]7;file:///\x07\x1b]1337;File=inline=1:AA==\x07\x1b]1337;RunCommand=x\x07"),
    ("OSC: without an end", b"\x1b]0;never ends"),
    ("DCS: sixel", b"\x1bPq#0;2;0;0;0~~\x1b\\"),
    ("DCS: user keys", b"\x1bP0;1|17/6c730a\x1b\\"),
    ("DCS: through a multiplexer", b"\x1bPtmux;\x1b\x1b[c\x1b\\"),
    ("APC: graphics", b"\x1b_Gi=1,a=q;AAAA\x1b\\"),
    ("PM and SOS", b"\x1b^owned\x1b\\\x1bXowned\x1b\\"),
    ("screen's own title", b"\x1bkowned\x1b\\"),
    ("C1 as UTF-8", b"\xc2\x9b2J\xc2\x9b6n\xc2\x9d0;owned\xc2\x9c\xc2\x90$qm\xc2\x9c\xc2\x9fG\xc2\x9c\xc2\x85\xc2\x9a"),
    ("C1 as bytes", b"\x9b2J\x9b6n\x9d0;owned\x9c\x90$qm\x9c\x9fG\x9c\x85\x9a"),
    ("CR, BS, TAB, NUL, DEL", b"safe\r\x08\x08\x08owned\t\0\x7f"),
    ("VT, FF, SO, SI, CAN, SUB, BEL", b"\x0b\x0c\x0e\x0f\x18\x1a\x07\x07"),
    ("line ends in the middle", b"one\ntwo\r\nthree\xe2\x80\xa8four\xe2\x80\xa9five"),
    ("bidi overrides", "gov\u{202e}nv.exe\u{202d}x\u{202c}\u{202a}y\u{202b}z".as_bytes()),
    ("bidi isolates and marks", "a\u{2066}b\u{2067}c\u{2068}d\u{2069}e\u{200e}f\u{200f}g\u{61c}".as_bytes()),
    ("zero width", "ro\u{200b}ot\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}\u{34f}\u{180e}\u{2062}".as_bytes()),
    ("fillers", "\u{115f}\u{1160}\u{3164}\u{ffa0}\u{17b4}\u{2800}".as_bytes()),
    ("variation and tags", "☠\u{fe0f}\u{fe0e}🏴\u{e0067}\u{e0062}\u{e007f}\u{1d173}\u{fff9}x\u{fffb}".as_bytes()),
    ("joined and wide", "👨\u{200d}👩\u{200d}👧🇻🇳日本ﷺ🏽".as_bytes()),
    ("mark on nothing", "\u{301}\u{20dd}\u{e31}".as_bytes()),
    ("no UTF-8", b"\xff\xfe\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xc0\x9b\xe2\x82"),
    ("pasted", b"\x1b[200~q\x1b[201~:quit\r"),
];

/// Pieces that are made, for they would fill pages.
const MADE: [(&str, &str, usize); 5] = [
    ("flood of marks", "\u{301}", 2_000),
    ("flood of marks of every kind", "\u{300}\u{323}\u{20dd}\u{489}\u{1ab0}\u{fe20}", 300),
    ("64 kB of one letter", "A", 64 << 10),
    ("64 kB of sequences", "\x1b[6n\x1b]0;owned\x07", (64 << 10) / 13),
    ("64 kB of wide letters", "日", (64 << 10) / 3),
];

/// Where in a line the attack stands; `#` is its place, `%` the time, `@` a number.
const PLACES: [(&str, &str); 13] = [
    ("message", "<13>1 % srv-1 app 1 - - it said # and went on"),
    ("host name", "<13>1 % hostile-# app 1 - - it said nothing"),
    (
        "user that raises an alert",
        "<86>1 % srv-2 sshd 411 - - Accepted password for keymaster# from 203.0.113.@ port 4711 ssh2",
    ),
    ("program", "<13>1 % srv-3 app# 1 - - it said nothing"),
    ("process and message id", "<13>1 % srv-4 app # # - it said nothing"),
    ("structured data", "<13>1 % srv-5 app 1 - [id@1 key=\"#\"] it said nothing"),
    ("the whole line", "#"),
    ("behind the priority", "<13>#"),
    ("command", "<86>1 % srv-6 sudo 9 - - an : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/bin/echo #"),
    ("value of a pair", "<13>1 % srv-7 app 1 - - action=login user=\"#\" src=203.0.113.@ note=#"),
    ("host name of an object", "{\"host\": {\"name\": \"hostile-{json}\"}, \"message\": \"#\"}"),
    ("name of a field", "<13>1 % srv-8 app 1 - - {\"{json}\": 1, \"user\": {\"name\": \"{json}\"}}"),
    (
        "request",
        "<13>1 % srv-9 nginx 1 - - 203.0.113.@ - # [24/Nov/2026:09:26:53 +0700] \"GET /# HTTP/1.1\" 404 12 \"#\" \"#\"",
    ),
];

/// The lines, each framed by its length so that it may hold anything.
pub(super) struct HostileLines {
    attacks: Vec<Vec<u8>>,
    next: usize,
}

impl HostileLines {
    pub(super) fn new() -> HostileLines {
        let made = MADE.iter().map(|(_, piece, count)| format!("e{}", piece.repeat(*count)).into_bytes());
        let attacks = ATTACKS.iter().map(|(_, attack)| attack.to_vec()).chain(made).collect();
        HostileLines { attacks, next: 0 }
    }

    /// Returns how many lines it takes until every attack stood in every place.
    pub(super) fn round(&self) -> usize {
        self.attacks.len() * PLACES.len()
    }

    /// Returns a line for each place, with all short attacks one after the other in it.
    pub(super) fn every_place(&mut self) -> Vec<Vec<u8>> {
        let all = self.attacks[..ATTACKS.len()].join(&b"e"[..]);
        PLACES.iter().enumerate().map(|(number, (_, place))| fill(place, &all, number)).collect()
    }

    /// Appends the next line. The first round has every attack in every place; later ones have two attacks side by side,
    /// the short ones only.
    fn append(&mut self, frames: &mut Vec<u8>) {
        let (number, round) = (self.next, self.next / self.round());
        self.next += 1;
        let (_, place) = PLACES[number % PLACES.len()];
        let index = number / PLACES.len() % self.attacks.len();
        let attack = match round {
            0 => self.attacks[index].clone(),
            _ => {
                let short = &self.attacks[..ATTACKS.len()];
                [short[index % short.len()].as_slice(), b"x", &short[(index * 7 + round) % short.len()]].concat()
            }
        };
        let line = fill(place, &attack, number);
        frames.extend_from_slice(format!("{} ", line.len()).as_bytes());
        frames.extend_from_slice(&line);
    }

    /// Returns the next lines as they are sent.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        let mut frames = Vec::new();
        (0..count).for_each(|_| self.append(&mut frames));
        frames
    }
}

fn fill(place: &str, attack: &[u8], number: usize) -> Vec<u8> {
    let mut json = String::new();
    for c in String::from_utf8_lossy(attack).chars() {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().for_each(|unit| {
            write!(json, "\\u{unit:04x}").expect("a string takes everything");
        });
    }
    let now = jiff::Timestamp::now().to_string();
    let place = place.replace('%', &now).replace('@', &(number % 50).to_string()).replace("{json}", &json);
    let mut line = Vec::new();
    for (index, part) in place.split('#').enumerate() {
        if index > 0 {
            line.extend_from_slice(attack);
        }
        line.extend_from_slice(part.as_bytes());
    }
    line
}

#[test]
fn the_lines_hold_every_attack_in_every_place() {
    assert!(PLACES.iter().any(|(_, place)| place.contains(&format!("for {USER}#"))));
    let mut lines = HostileLines::new();
    let round = lines.round();
    let frames = lines.take(round);
    for (name, attack) in ATTACKS {
        let count = frames.windows(attack.len()).filter(|window| window == attack).count();
        assert!(count >= PLACES.len() - 1, "{name}: {count}");
    }
}
