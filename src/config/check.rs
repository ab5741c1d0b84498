//! From the raw layers to checked settings: every problem is found, none stops the search for others.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use crate::config::Setting;
use crate::config::layers::Layer;
use crate::config::raw::Raw;
use crate::config::raw::RawFileInput;
use crate::config::raw::RawHttp;
use crate::config::raw::RawListener;
use crate::config::settings::Api;
use crate::config::settings::Content;
use crate::config::settings::Enrich;
use crate::config::settings::FileInput;
use crate::config::settings::HttpInput;
use crate::config::settings::Limits;
use crate::config::settings::Settings;
use crate::config::settings::Sources;
use crate::config::settings::Store;
use crate::config::settings::StreamInput;
use crate::config::settings::Tls;
use crate::diag::Located;
use crate::diag::closest;

/// Indochina Time: what devices of the province mean when they write no zone.
const DEFAULT_ZONE: &str = "+07:00";
const CHARSETS: [&str; 5] = ["utf-8", "windows-1258", "tcvn3", "viscii", "vni"];
const ROLES: [&str; 3] = ["analyst", "admin", "auditor"];
const MIB: i64 = 1024 * 1024;
/// Stands where an address could not be read; no input is made with it.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// Checks all layers, the topmost first.
pub(super) fn check(layers: &[Layer]) -> Result<Settings, Vec<Located<String>>> {
    let mut checker = Checker { layers, problems: Vec::new(), explained: Vec::new() };
    let settings = checker.settings();
    if checker.problems.is_empty() {
        Ok(Settings { explained: checker.explained, ..settings })
    } else {
        Err(checker.problems)
    }
}

pub(super) struct Checker<'a> {
    pub(super) layers: &'a [Layer],
    pub(super) problems: Vec<Located<String>>,
    pub(super) explained: Vec<Setting>,
}

impl<'a> Checker<'a> {
    /// Returns the topmost value of a key and where it stands; notes it for `config explain`.
    pub(super) fn pick<T: Clone + Display>(
        &mut self,
        key: &str,
        default: Option<T>,
        get: impl Fn(&'a Raw) -> Option<&'a Spanned<T>>,
    ) -> (Option<T>, Option<(&'a Layer, &'a Spanned<T>)>) {
        let found = self.layers.iter().find_map(|layer| Some((layer, get(&layer.raw)?)));
        let value = found.map(|(_, spanned)| spanned.get_ref().clone()).or(default);
        if let Some(value) = &value {
            let origin = found.map_or_else(|| "default".to_owned(), |(layer, spanned)| layer.origin(spanned));
            self.explained.push(Setting { key: key.to_owned(), value: value.to_string(), origin });
        }
        (value, found)
    }

    /// Notes a problem at the value's place, or at the default, which must be right.
    pub(super) fn refuse<T>(
        &mut self,
        key: &str,
        place: Option<(&'a Layer, &'a Spanned<T>)>,
        problem: String,
        hint: &str,
    ) {
        let located = match place {
            Some((layer, value)) => layer.problem(value, format!("`{key}`: {problem}")),
            None => Located::unplaced("configuration", format!("`{key}`: {problem}")),
        };
        self.problems.push(if hint.is_empty() { located } else { located.with_hint(hint) });
    }

    /// A text that `read` turns into something, or a problem.
    pub(super) fn text<V>(
        &mut self,
        key: &str,
        default: Option<&str>,
        get: impl Fn(&'a Raw) -> Option<&'a Spanned<String>>,
        read: impl Fn(&str) -> Result<V, (String, String)>,
    ) -> Option<V> {
        let (value, place) = self.pick(key, default.map(str::to_owned), get);
        match read(&value?) {
            Ok(value) => Some(value),
            Err((problem, hint)) => {
                self.refuse(key, place, problem, &hint);
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &mut self,
        key: &str,
        default: i64,
        bounds: std::ops::RangeInclusive<i64>,
        get: impl Fn(&'a Raw) -> Option<&'a Spanned<i64>>,
    ) -> i64 {
        let (value, place) = self.pick(key, Some(default), get);
        let value = value.unwrap_or(default);
        if !bounds.contains(&value) {
            let problem = format!("{value} is not between {} and {}", bounds.start(), bounds.end());
            self.refuse(key, place, problem, "");
            return default;
        }
        value
    }

    fn settings(&mut self) -> Settings {
        let zone_offset_seconds = self.zone("zone", DEFAULT_ZONE, |raw| raw.zone.as_ref());
        let tls = self.tls();
        let store = self.store();
        let settings = Settings {
            data: self.text("data", Some("longan-data"), |raw| raw.data.as_ref(), path).unwrap_or_default(),
            zone_offset_seconds,
            language: self.text("language", None, |raw| raw.language.as_ref(), |text| one_of(text, &["vi", "en"])),
            syslog_udp: self
                .listener("syslog_udp", Some("127.0.0.1:5514"), zone_offset_seconds, |raw| &raw.input.syslog_udp),
            syslog_tcp: self
                .listener("syslog_tcp", Some("127.0.0.1:5514"), zone_offset_seconds, |raw| &raw.input.syslog_tcp),
            syslog_tls: self.listener("syslog_tls", None, zone_offset_seconds, |raw| &raw.input.syslog_tls),
            relp: self.listener("relp", Some("127.0.0.1:2514"), zone_offset_seconds, |raw| &raw.input.relp),
            relp_tls: self.listener("relp_tls", None, zone_offset_seconds, |raw| &raw.input.relp_tls),
            beats: self.listener("beats", None, zone_offset_seconds, |raw| &raw.input.beats),
            beats_tls: self.listener("beats_tls", None, zone_offset_seconds, |raw| &raw.input.beats_tls),
            gelf_udp: self.listener("gelf_udp", None, zone_offset_seconds, |raw| &raw.input.gelf_udp),
            gelf_tcp: self.listener("gelf_tcp", None, zone_offset_seconds, |raw| &raw.input.gelf_tcp),
            http: self.http(zone_offset_seconds, |raw| &raw.input.http),
            files: self.files(zone_offset_seconds),
            journald: self.journald(),
            databases: self.databases(zone_offset_seconds),
            api: self.api(),
            classes: self.classes((store.retention_days, store.archive_days)),
            store,
            rules: Content { folder: self.text("rules.folder", None, |raw| raw.rules.folder.as_ref(), path) },
            parsers: Content { folder: self.text("parsers.folder", None, |raw| raw.parsers.folder.as_ref(), path) },
            assets: self.text("assets.file", None, |raw| raw.assets.file.as_ref(), path),
            incidents: Content {
                folder: self.text("incidents.folder", None, |raw| raw.incidents.folder.as_ref(), path),
            },
            enrich: Enrich {
                threats: self.text("enrich.threats_folder", None, |raw| raw.enrich.threats_folder.as_ref(), path),
                units: self.text("enrich.units_file", None, |raw| raw.enrich.units_file.as_ref(), path),
                places: self.text("enrich.places_file", None, |raw| raw.enrich.places_file.as_ref(), path),
                operators: self.text("enrich.operators_file", None, |raw| raw.enrich.operators_file.as_ref(), path),
            },
            sources: self.sources(),
            maintenance: self.maintenance(),
            push: self.push(),
            sla: self.sla(),
            limits: self.limits(),
            explained: Vec::new(),
            tls,
        };
        self.tls_is_there(&settings);
        self.clashes(&settings);
        settings
    }

    fn zone(&mut self, key: &str, default: &str, get: impl Fn(&'a Raw) -> Option<&'a Spanned<String>>) -> i32 {
        self.text(key, Some(default), get, |text| {
            offset_seconds(text).ok_or_else(|| {
                (format!("`{text}` is not an offset from UTC"), "write it like `+07:00` or `Z`".to_owned())
            })
        })
        .unwrap_or(0)
    }

    fn listener(
        &mut self,
        name: &str,
        default: Option<&str>,
        zone: i32,
        get: impl Fn(&'a Raw) -> &'a RawListener + Copy,
    ) -> Option<StreamInput> {
        let key = |member: &str| format!("input.{name}.{member}");
        let address = self.text(&key("address"), default, |raw| get(raw).address.as_ref(), optional_address).flatten();
        // The rest is checked in any case, and told only of a listener that is on.
        let explained = self.explained.len();
        let input = StreamInput {
            address: address.unwrap_or(NOWHERE),
            charset: self.charset(&key("charset"), |raw| get(raw).charset.as_ref()),
            format: self.text(&key("format"), None, |raw| get(raw).format.as_ref(), plain),
            zone_offset_seconds: self.text(&key("zone"), None, |raw| get(raw).zone.as_ref(), zone_text).unwrap_or(zone),
            frame_bytes_max: size(
                self.number(&key("frame_bytes_max"), 64 * 1024, 480..=MIB, |raw| get(raw).frame_bytes_max.as_ref()),
            ),
            connections_max: size(
                self.number(&key("connections_max"), 8_192, 1..=65_536, |raw| get(raw).connections_max.as_ref()),
            ),
            idle: seconds(self.number(&key("idle_seconds"), 3_600, 1..=86_400, |raw| get(raw).idle_seconds.as_ref())),
            receive_buffer_bytes: size(self.number(
                &key("receive_buffer_bytes"),
                16 * MIB,
                4_096..=1024 * MIB,
                |raw| get(raw).receive_buffer_bytes.as_ref(),
            )),
            pieces: self.pieces(
                name,
                |raw| get(raw).multiline.as_ref(),
                |raw| get(raw).multiline_programs.as_ref(),
                |raw| get(raw).multiline_ms.as_ref(),
            ),
        };
        self.when_on(address, explained, input)
    }

    fn when_on<V>(&mut self, address: Option<SocketAddr>, explained: usize, input: V) -> Option<V> {
        if address.is_none() {
            self.explained.truncate(explained);
        }
        address.map(|_| input)
    }

    fn http(&mut self, zone: i32, get: impl Fn(&'a Raw) -> &'a RawHttp + Copy) -> Option<HttpInput> {
        let key = |member: &str| format!("input.http.{member}");
        let address = self
            .text(&key("address"), Some("127.0.0.1:8514"), |raw| get(raw).address.as_ref(), optional_address)
            .flatten();
        let explained = self.explained.len();
        let token_file = self.text(&key("token_file"), None, |raw| get(raw).token_file.as_ref(), path);
        if let Some(address) = address.filter(|address| !address.ip().is_loopback() && token_file.is_none()) {
            let (_, place) = self.pick(&key("address"), None, |raw| get(raw).address.as_ref());
            self.explained.pop();
            let problem = format!("{address} is reachable by others, so a token is needed");
            self.refuse(&key("address"), place, problem, "set `input.http.token_file`");
        }
        let (is_tls, _) = self.pick(&key("tls"), Some(false), |raw| get(raw).tls.as_ref());
        let input = HttpInput {
            address: address.unwrap_or(NOWHERE),
            token_file,
            is_tls: is_tls.unwrap_or(false),
            body_bytes_max: size(
                self.number(&key("body_bytes_max"), 32 * MIB, 1_024..=1024 * MIB, |raw| {
                    get(raw).body_bytes_max.as_ref()
                }),
            ),
            requests_max: size(
                self.number(&key("requests_max"), 256, 1..=10_000, |raw| get(raw).requests_max.as_ref()),
            ),
            format: self.text(&key("format"), None, |raw| get(raw).format.as_ref(), plain),
            zone_offset_seconds: self.text(&key("zone"), None, |raw| get(raw).zone.as_ref(), zone_text).unwrap_or(zone),
            pieces: self.pieces(
                "http",
                |raw| get(raw).multiline.as_ref(),
                |raw| get(raw).multiline_programs.as_ref(),
                |raw| get(raw).multiline_ms.as_ref(),
            ),
        };
        self.when_on(address, explained, input)
    }

    /// Files come from the topmost layer that names any.
    fn files(&mut self, zone: i32) -> Vec<FileInput> {
        let Some(count) = self.layers.iter().map(|layer| layer.raw.input.file.len()).find(|count| *count > 0) else {
            return Vec::new();
        };
        (0..count).filter_map(|index| self.file(index, zone)).collect()
    }

    fn file(&mut self, index: usize, zone: i32) -> Option<FileInput> {
        let key = |member: &str| format!("input.file.{}.{member}", index + 1);
        let get = move |raw: &'a Raw| raw.input.file.get(index);
        let member = |pick: fn(&'a RawFileInput) -> Option<&'a Spanned<String>>| move |raw: &'a Raw| pick(get(raw)?);
        let before = self.problems.len();
        let path = self.text(&key("path"), None, member(|file| file.path.as_ref()), plain);
        if path.is_none() && self.problems.len() == before {
            self.refuse::<String>(&key("path"), None, "a file input needs a `path`".to_owned(), "");
        }
        let (is_from_beginning, _) =
            self.pick(&key("from_beginning"), Some(true), move |raw| get(raw)?.from_beginning.as_ref());
        let (reads_history, _) = self.pick(&key("history"), Some(false), move |raw| get(raw)?.history.as_ref());
        let input = FileInput {
            path: path.clone().unwrap_or_default(),
            charset: self.charset(&key("charset"), member(|file| file.charset.as_ref())),
            format: self.text(&key("format"), None, member(|file| file.format.as_ref()), plain),
            zone_offset_seconds: self
                .text(&key("zone"), None, member(|file| file.zone.as_ref()), zone_text)
                .unwrap_or(zone),
            multiline: self.text(&key("multiline"), None, member(|file| file.multiline.as_ref()), |text| {
                one_of(text, &crate::ingest::file::Joining::PRESETS)
            }),
            multiline_start: self.text(
                &key("multiline_start"),
                None,
                member(|file| file.multiline_start.as_ref()),
                pattern,
            ),
            is_from_beginning: is_from_beginning.unwrap_or(true),
            reads_history: reads_history.unwrap_or(false),
            line_bytes_max: size(
                self.number(&key("line_bytes_max"), 64 * 1024, 480..=MIB, move |raw| get(raw)?.line_bytes_max.as_ref()),
            ),
        };
        if input.multiline.is_some() && input.multiline_start.is_some() {
            let problem = "`multiline` and `multiline_start` exclude each other".to_owned();
            self.refuse::<String>(&key("multiline"), None, problem, "");
        }
        path.map(|_| input)
    }

    fn charset(&mut self, key: &str, get: impl Fn(&'a Raw) -> Option<&'a Spanned<String>>) -> String {
        self.text(key, Some("utf-8"), get, |text| one_of(text, &CHARSETS)).unwrap_or_default()
    }

    fn tls(&mut self) -> Option<Tls> {
        let certificate = self.text("tls.certificate", None, |raw| raw.tls.certificate.as_ref(), path);
        let key = self.text("tls.key", None, |raw| raw.tls.key.as_ref(), path);
        let client_ca = self.text("tls.client_ca", None, |raw| raw.tls.client_ca.as_ref(), path);
        let has_ca = client_ca.is_some();
        let (required, place) = self
            .pick("tls.require_client_certificate", Some(has_ca), |raw| raw.tls.require_client_certificate.as_ref());
        let requires_client_certificate = required.unwrap_or(has_ca);
        if requires_client_certificate && !has_ca {
            let problem = "client certificates cannot be required without an authority to trust".to_owned();
            self.refuse("tls.require_client_certificate", place, problem, "set `tls.client_ca`");
        }
        match (certificate, key) {
            (Some(certificate), Some(key)) => Some(Tls { certificate, key, client_ca, requires_client_certificate }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let problem = "`tls.certificate` and `tls.key` belong together".to_owned();
                self.refuse::<String>("tls", None, problem, "");
                None
            }
        }
    }

    fn tls_is_there(&mut self, settings: &Settings) {
        let wanting = [
            ("input.syslog_tls", settings.syslog_tls.is_some()),
            ("input.relp_tls", settings.relp_tls.is_some()),
            ("input.beats_tls", settings.beats_tls.is_some()),
            ("input.http.tls", settings.http.as_ref().is_some_and(|http| http.is_tls)),
        ];
        for (key, _) in wanting.iter().filter(|(_, is_wanted)| *is_wanted && settings.tls.is_none()) {
            let problem = "TLS needs a certificate and its key".to_owned();
            self.refuse::<String>(key, None, problem, "set `tls.certificate` and `tls.key`");
        }
    }

    fn api(&mut self) -> Api {
        let address = self.text("api.address", None, |raw| raw.api.address.as_ref(), optional_address).flatten();
        let certificate = self.text("api.certificate", None, |raw| raw.api.certificate.as_ref(), path);
        let key = self.text("api.key", None, |raw| raw.api.key.as_ref(), path);
        let remote = match (address, certificate, key) {
            (None, _, _) => None,
            (Some(address), Some(certificate), Some(key)) => Some((address, certificate, key)),
            (Some(_), _, _) => {
                let problem = "the remote API is served over TLS only".to_owned();
                self.refuse::<String>("api.address", None, problem, "set `api.certificate` and `api.key`");
                None
            }
        };
        Api { remote, users: self.users() }
    }

    fn users(&mut self) -> BTreeMap<String, String> {
        let mut users = BTreeMap::new();
        // The lowest layer first, so that a higher one has the last word.
        for layer in self.layers.iter().rev() {
            for (name, role) in &layer.raw.api.users {
                let key = format!("api.users.{name}");
                self.explained.retain(|setting| setting.key != key);
                self.explained.push(Setting {
                    key: key.clone(),
                    value: role.get_ref().clone(),
                    origin: layer.origin(role),
                });
                match one_of(role.get_ref(), &ROLES) {
                    Ok(role) => drop(users.insert(name.clone(), role)),
                    Err((problem, hint)) => self.refuse(&key, Some((layer, role)), problem, &hint),
                }
            }
        }
        users
    }

    fn store(&mut self) -> Store {
        // Twelve months searchable; the law asks for three at level 3, the default of a province's systems.
        let numbers = |raw: &'a Raw| {
            let store = &raw.store;
            [store.level.as_ref(), store.retention_days.as_ref(), store.archive_days.as_ref()]
        };
        let kept = self.kept("store", (365, 3), numbers, ["level", "retention_days"]);
        let full_warning_days =
            self.number("store.full_warning_days", 30, 0..=3_650, |raw| raw.store.full_warning_days.as_ref());
        let clock_jump_days =
            self.number("store.clock_jump_days", 7, 1..=36_500, |raw| raw.store.clock_jump_days.as_ref());
        let reserve_bytes =
            self.number("store.reserve_bytes", 1024 * MIB, 0..=i64::MAX, |raw| raw.store.reserve_bytes.as_ref());
        let visible_ms = self.number("store.visible_ms", 400, 50..=10_000, |raw| raw.store.visible_ms.as_ref());
        let hot_events_max =
            self.number("store.hot_events_max", 200_000, 1_000..=5_000_000, |raw| raw.store.hot_events_max.as_ref());
        let seal_seconds = self.number("store.seal_seconds", 600, 1..=86_400, |raw| raw.store.seal_seconds.as_ref());
        let search_seconds =
            self.number("store.search_seconds_max", 30, 1..=3_600, |raw| raw.store.search_seconds_max.as_ref());
        Store {
            level: kept.level,
            retention_days: kept.days,
            archive_days: kept.archive_days,
            full_warning_days: u32::try_from(full_warning_days).unwrap_or(30),
            clock_jump_days: u32::try_from(clock_jump_days).unwrap_or(7),
            reserve_bytes: u64::try_from(reserve_bytes).unwrap_or(0),
            visible: Duration::from_millis(u64::try_from(visible_ms).unwrap_or(400)),
            hot_events_max: size(hot_events_max),
            seal: seconds(seal_seconds),
            search_deadline: seconds(search_seconds),
        }
    }

    fn sources(&mut self) -> Sources {
        let clock = self.number("sources.clock_seconds", 120, 1..=86_400, |raw| raw.sources.clock_seconds.as_ref());
        let unparsed =
            self.number("sources.unparsed_percent", 20, 1..=100, |raw| raw.sources.unparsed_percent.as_ref());
        let surge = self.number("sources.surge_factor", 5, 0..=1_000, |raw| raw.sources.surge_factor.as_ref());
        let tracked = self.number("sources.tracked_max", 10_000, 100..=100_000, |raw| raw.sources.tracked_max.as_ref());
        Sources {
            tracked_max: size(tracked),
            clock_seconds: clock,
            unparsed_percent: u8::try_from(unparsed).unwrap_or(100),
            surge_factor: u32::try_from(surge).unwrap_or(0),
        }
    }

    fn limits(&mut self) -> Limits {
        let queue =
            self.number("limits.queue_submissions", 256, 1..=100_000, |raw| raw.limits.queue_submissions.as_ref());
        let segment = self.number("limits.wal_segment_bytes", 64 * MIB, MIB..=4096 * MIB, |raw| {
            raw.limits.wal_segment_bytes.as_ref()
        });
        let shutdown =
            self.number("limits.shutdown_seconds", 30, 1..=3_600, |raw| raw.limits.shutdown_seconds.as_ref());
        Limits {
            queue_submissions: size(queue),
            wal_segment_bytes: u64::try_from(segment).unwrap_or(0),
            shutdown: seconds(shutdown),
        }
    }
}

pub(super) fn size(number: i64) -> NonZeroUsize {
    usize::try_from(number).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN)
}

pub(super) fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}

pub(super) fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(u64::try_from(number).unwrap_or(0))
}

pub(super) type Read<V> = Result<V, (String, String)>;

pub(super) fn plain(text: &str) -> Read<String> {
    if text.is_empty() { Err(("the value is empty".to_owned(), String::new())) } else { Ok(text.to_owned()) }
}

pub(super) fn path(text: &str) -> Read<PathBuf> {
    plain(text).map(PathBuf::from)
}

fn pattern(text: &str) -> Read<String> {
    regex::Regex::new(text)
        .map(|_| text.to_owned())
        .map_err(|err| (format!("`{text}` is not a regular expression"), err.to_string()))
}

pub(super) fn one_of(text: &str, known: &[&str]) -> Read<String> {
    let lower = text.to_ascii_lowercase();
    if known.contains(&lower.as_str()) {
        return Ok(lower);
    }
    let hint = match closest(&lower, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of: {}", known.join(", ")),
    };
    Err((format!("unknown value `{text}`"), hint))
}

/// `off` disables a listener.
fn optional_address(text: &str) -> Read<Option<SocketAddr>> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        let hint = "an address and a port, such as `0.0.0.0:514` or `[::]:514`, or `off`".to_owned();
        (format!("`{text}` is not an address to listen on"), hint)
    })
}

pub(super) fn zone_text(text: &str) -> Read<i32> {
    offset_seconds(text)
        .ok_or_else(|| (format!("`{text}` is not an offset from UTC"), "write it like `+07:00` or `Z`".to_owned()))
}

/// Reads `Z`, `+07:00`, `-0330` or `+7`.
fn offset_seconds(text: &str) -> Option<i32> {
    if matches!(text, "Z" | "z" | "UTC") {
        return Some(0);
    }
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let compact = digits.replacen(':', "", 1);
    let (hours, minutes) = match compact.len() {
        1 | 2 => (compact.as_str(), "0"),
        4 => compact.split_at_checked(2)?,
        _ => return None,
    };
    let all_digits = compact.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (all_digits && hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Flags;
    use crate::config::load;

    fn problems(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("longan.toml");
        fs::write(&path, text).expect("written");
        match load(Some(&path), [], &Flags::default()) {
            Ok(_) => Vec::new(),
            Err(crate::config::ConfigError::Invalid(problems)) => problems
                .iter()
                .map(|problem| {
                    let place = format!("{}:{}", problem.position.line, problem.position.column);
                    let hint = problem.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                    format!("{place} {}{hint}", problem.error)
                })
                .collect(),
            Err(other) => vec![other.to_string()],
        }
    }

    #[test]
    fn the_default_listens_on_loopback_only() {
        let settings = load(None, [], &Flags::default()).expect("the default is right");
        for input in [&settings.syslog_udp, &settings.syslog_tcp, &settings.relp] {
            assert!(input.as_ref().expect("on").address.ip().is_loopback());
        }
        assert!(settings.http.expect("on").address.ip().is_loopback());
        assert_eq!((settings.api.remote, settings.syslog_tls), (None, None));
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let text = "zone = \"+25:00\"\n[input.syslog_udp]\naddress = \"here\"\ncharset = \"utf8\"\n\
                    [store]\nretention_days = 3\n[api.users]\nan = \"root\"\n";
        assert_eq!(
            problems(text),
            [
                "1:8 `zone`: `+25:00` is not an offset from UTC (write it like `+07:00` or `Z`)",
                "6:18 `store.retention_days`: 3 days are fewer than the 90 that level 3 demands (TCVN 11930:2017 \
                 and TCVN 14423:2026, as reported: logs of a system of level 3 are kept three months at least; check \
                 the text in force)",
                "3:11 `input.syslog_udp.address`: `here` is not an address to listen on \
                 (an address and a port, such as `0.0.0.0:514` or `[::]:514`, or `off`)",
                "4:11 `input.syslog_udp.charset`: unknown value `utf8` (did you mean `utf-8`?)",
                "8:6 `api.users.an`: unknown value `root` (one of: analyst, admin, auditor)",
            ]
        );
    }

    #[test]
    fn a_key_that_cannot_be_read_hides_no_wrong_value() {
        let found = problems("data = 5\nzon = \"Z\"\n[store]\nretention_days = 3\n");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("1:8 invalid type"), "{found:?}");
        assert!(found[1].starts_with("2:1 unknown field `zon`"), "{found:?}");
        assert!(found[2].starts_with("4:18 `store.retention_days`"), "{found:?}");
    }

    #[test]
    fn an_offset_without_quotes_is_told_so() {
        let found = problems("data = \"x\"\nzone = +07:00\n");
        assert!(found.len() == 1 && found[0].ends_with("(put it in quotes: `zone = \"+07:00\"`)"), "{found:?}");
    }

    #[test]
    fn two_listeners_of_one_port_are_told_with_both_places() {
        let found =
            problems("[input.relp]\naddress = \"127.0.0.1:8514\"\n[input.syslog_udp]\naddress = \"[::]:8514\"\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("port 8514 is the one of `input.relp.address`"), "{found:?}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_a_hint() {
        assert_eq!(problems("[stor]\n").len(), 1);
        let found = problems("[input.syslog_udp]\nadress = \"127.0.0.1:1\"\n");
        assert!(found[0].starts_with("2:1 unknown field `adress`"), "{found:?}");
        assert!(found[0].ends_with("(did you mean `address`?)"), "{found:?}");
    }

    #[test]
    fn remote_inputs_need_protection() {
        let open = problems("[input.http]\naddress = \"0.0.0.0:8514\"\n");
        assert_eq!(open.len(), 1, "{open:?}");
        assert!(open[0].contains("token"), "{open:?}");
        let bare = problems("[input.syslog_tls]\naddress = \"0.0.0.0:6514\"\n");
        assert!(bare[0].contains("TLS needs a certificate"), "{bare:?}");
    }

    #[test]
    fn a_flag_beats_the_environment_beats_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("longan.toml");
        fs::write(&path, "data = \"file\"\n[input.relp]\naddress = \"127.0.0.1:1\"\n[input.http]\naddress = \"off\"\n")
            .expect("written");
        let environment = [
            ("LONGAN_DATA".to_owned(), "environment".to_owned()),
            ("LONGAN_INPUT__RELP__ADDRESS".to_owned(), "127.0.0.1:2".to_owned()),
            ("LONGAN_LOG".to_owned(), "debug".to_owned()),
            ("HOME".to_owned(), "/".to_owned()),
        ];
        let mut flags = Flags::default();
        flags.set("data", Some("flag"));
        let settings = load(Some(&path), environment, &flags).expect("all is right");
        assert_eq!(settings.data, PathBuf::from("flag"));
        assert_eq!(settings.relp.expect("on").address.port(), 2);
        assert_eq!(settings.http, None);
        let origin = |key: &str| {
            settings.explained.iter().find(|setting| setting.key == key).map(|setting| setting.origin.clone())
        };
        assert_eq!(origin("data").as_deref(), Some("flag --data"));
        assert_eq!(origin("input.relp.address").as_deref(), Some("environment LONGAN_INPUT__RELP__ADDRESS"));
        assert_eq!(origin("input.http.address"), Some(format!("{}:5", path.display())));
        assert_eq!(origin("zone").as_deref(), Some("default"));
    }

    #[test]
    fn offsets_are_read_in_every_spelling() {
        for (text, seconds) in [("Z", 0), ("+07:00", 25_200), ("-0330", -12_600), ("+7", 25_200)] {
            assert_eq!(offset_seconds(text), Some(seconds), "{text}");
        }
        for text in ["", "7", "+15:00", "+07:60", "+a7:00", "+é7"] {
            assert_eq!(offset_seconds(text), None, "{text}");
        }
    }
}
