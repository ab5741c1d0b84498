//! Which messages of a listener are pieces of one: names of ready-made rules, programs, and how long to wait.

use toml::Spanned;

use crate::config::check::Checker;
use crate::config::check::milliseconds;
use crate::config::check::one_of;
use crate::config::raw::Raw;
use crate::config::settings::Pieces;
use crate::ingest::joining::StreamRules;

/// How long a message waits for more of its pieces, in milliseconds, unless the operator says otherwise.
const WAIT_MS_DEFAULT: i64 = 1_000;
/// Senders of these put lines together themselves; one message is one document.
const WHOLE: [&str; 4] = ["beats", "beats_tls", "gelf_udp", "gelf_tcp"];

impl<'a> Checker<'a> {
    /// Reads the three keys of an input; `None` joins nothing.
    pub(super) fn pieces(
        &mut self,
        input: &str,
        multiline: impl Fn(&'a Raw) -> Option<&'a Spanned<String>>,
        programs: impl Fn(&'a Raw) -> Option<&'a Spanned<String>>,
        wait: impl Fn(&'a Raw) -> Option<&'a Spanned<i64>>,
    ) -> Option<Pieces> {
        let key = |member: &str| format!("input.{input}.{member}");
        let presets = self.text(&key("multiline"), None, &multiline, presets);
        let programs = self.text(&key("multiline_programs"), None, programs, |text| Ok(names(text)));
        let presets = presets?;
        let wait = self.number(&key("multiline_ms"), WAIT_MS_DEFAULT, 10..=60_000, wait);
        if WHOLE.contains(&input) {
            let place = self.layers.iter().find_map(|layer| Some((layer, multiline(&layer.raw)?)));
            let problem = "each message of this input is whole".to_owned();
            self.refuse(&key("multiline"), place, problem, "let the sender join lines (`multiline` of Filebeat)");
        }
        Some(Pieces { presets, programs: programs.unwrap_or_default(), wait: milliseconds(wait) })
    }
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn presets(text: &str) -> Result<Vec<String>, (String, String)> {
    let names = names(text);
    if names.is_empty() {
        return one_of(text, &StreamRules::PRESETS).map(|name| vec![name]);
    }
    names.iter().map(|name| one_of(name, &StreamRules::PRESETS)).collect()
}
