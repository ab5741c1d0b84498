//! The inputs of a configuration: all bound first, so that a wrong one is told before anything is accepted; then run.

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use regex::bytes::Regex;

use crate::config::DatabaseInput;
use crate::config::FileInput;
use crate::config::HttpInput;
use crate::config::Pieces;
use crate::config::Secret;
use crate::config::Settings;
use crate::config::StreamInput;
use crate::ingest::connections::ConnectionLimits;
use crate::ingest::database;
use crate::ingest::file;
use crate::ingest::file::Glob;
use crate::ingest::file::GlobError;
use crate::ingest::file::Joining;
use crate::ingest::file::Multiline;
use crate::ingest::file::Start;
use crate::ingest::gelf;
use crate::ingest::http;
use crate::ingest::http::access::Tokens;
use crate::ingest::intake;
use crate::ingest::joining::LINES_MAX;
use crate::ingest::joining::StreamRules;
use crate::ingest::journald;
use crate::ingest::listener::BindError;
use crate::ingest::listener::BoundTcp;
use crate::ingest::listener::BoundUdp;
use crate::ingest::listener::Context;
use crate::ingest::listener::Place;
use crate::ingest::listener::bind_tcp;
use crate::ingest::listener::bind_udp;
use crate::ingest::lumberjack;
use crate::ingest::relp;
use crate::ingest::stream;
use crate::ingest::syslog;
use crate::ingest::tls;
use crate::ingest::tls::Security;
use crate::pipeline::endpoints::Endpoints;
use crate::pipeline::stages::Stages;
use crate::wire::source::InputRow;

/// A body that makes no progress for so long is given up.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Where, below the data folder, inputs without a file or socket keep how far they got.
const POSITIONS: &str = "inputs";
const HTTP_CONNECTIONS: usize = 1_024;
const HTTP_IDLE: Duration = Duration::from_secs(300);

/// An input that is bound or checked and only needs to be run.
enum Prepared {
    Udp(BoundUdp, syslog::udp::Config),
    Tcp(BoundTcp, Security, stream::Config),
    Relp(BoundTcp, Security, stream::Config),
    Beats(BoundTcp, Security, stream::Config),
    GelfUdp(BoundUdp, gelf::udp::Config),
    GelfTcp(BoundTcp, Security, stream::Config),
    Http(BoundTcp, Security, http::Config),
    File(Box<file::Config>),
    Database(Box<database::Config>),
    Journald(Box<journald::Config>),
}

/// All inputs, ready to run.
#[derive(Default)]
pub(super) struct Inputs {
    prepared: Vec<(String, Prepared)>,
    rows: Vec<InputRow>,
}

impl Inputs {
    /// Binds every listener and checks every file input.
    ///
    /// # Errors
    /// The first that cannot be had, with what to do about it.
    pub(super) fn bind(settings: &Settings) -> anyhow::Result<Inputs> {
        let mut inputs = Inputs::default();
        let tls = settings.tls.as_ref().map(tls_config);
        let set_by = |input: &str, flag: &str| set_by(settings, input, flag);
        if let Some(input) = &settings.syslog_udp {
            inputs.bind_udp(input, &set_by("syslog_udp", "--syslog-udp"))?;
        }
        let secured = || -> anyhow::Result<Security> { Ok(Security::load(tls.as_ref())?) };
        if let Some(input) = &settings.syslog_tcp {
            inputs.bind_stream(
                "syslog_tcp",
                &set_by("syslog_tcp", "--syslog-tcp"),
                input,
                Security::Plain,
                Prepared::Tcp,
            )?;
        }
        if let Some(input) = &settings.syslog_tls {
            inputs.bind_stream(
                "syslog_tls",
                &set_by("syslog_tls", "--syslog-tls"),
                input,
                secured()?,
                Prepared::Tcp,
            )?;
        }
        if let Some(input) = &settings.relp {
            inputs.bind_stream("relp", &set_by("relp", "--relp"), input, Security::Plain, Prepared::Relp)?;
        }
        if let Some(input) = &settings.relp_tls {
            inputs.bind_stream("relp_tls", &set_by("relp_tls", "--relp-tls"), input, secured()?, Prepared::Relp)?;
        }
        if let Some(input) = &settings.beats {
            inputs.bind_stream(
                "beats",
                &set_by("beats", "input.beats.address"),
                input,
                Security::Plain,
                Prepared::Beats,
            )?;
        }
        if let Some(input) = &settings.beats_tls {
            inputs.bind_stream(
                "beats_tls",
                &set_by("beats_tls", "input.beats_tls.address"),
                input,
                secured()?,
                Prepared::Beats,
            )?;
        }
        if let Some(input) = &settings.gelf_udp {
            inputs.bind_gelf_udp(input, &set_by("gelf_udp", "input.gelf_udp.address"))?;
        }
        if let Some(input) = &settings.gelf_tcp {
            inputs.bind_stream(
                "gelf_tcp",
                &set_by("gelf_tcp", "input.gelf_tcp.address"),
                input,
                Security::Plain,
                Prepared::GelfTcp,
            )?;
        }
        if let Some(input) = &settings.http {
            inputs.bind_http(input, tls.as_ref(), &set_by("http", "--http"))?;
        }
        for input in &settings.files {
            inputs.add_file(input)?;
        }
        if let Some(input) = &settings.journald {
            inputs.add_journald(&input.config, &settings.data);
        }
        for input in &settings.databases {
            inputs.add_database(input, &settings.data)?;
        }
        Ok(inputs)
    }

    fn bind_udp(&mut self, input: &StreamInput, set_by: &str) -> anyhow::Result<()> {
        let bound = bind_udp(place("syslog_udp", set_by, input)).map_err(with_hint)?;
        let config = syslog::udp::Config {
            name: "syslog_udp".to_owned(),
            frame_bytes_max: input.frame_bytes_max,
            receive_buffer_bytes: input.receive_buffer_bytes,
            joining: joining_of(input.pieces.as_ref(), input.frame_bytes_max),
        };
        self.add("syslog_udp", "syslog_udp", bound.address.to_string(), false, Prepared::Udp(bound, config));
        Ok(())
    }

    fn bind_gelf_udp(&mut self, input: &StreamInput, set_by: &str) -> anyhow::Result<()> {
        let bound = bind_udp(place("gelf_udp", set_by, input)).map_err(with_hint)?;
        let config = gelf::udp::Config {
            name: "gelf_udp".to_owned(),
            frame_bytes_max: input.frame_bytes_max,
            receive_buffer_bytes: input.receive_buffer_bytes,
        };
        self.add("gelf_udp", "gelf_udp", bound.address.to_string(), false, Prepared::GelfUdp(bound, config));
        Ok(())
    }

    fn bind_stream(
        &mut self,
        name: &'static str,
        flag: &str,
        input: &StreamInput,
        security: Security,
        prepared: fn(BoundTcp, Security, stream::Config) -> Prepared,
    ) -> anyhow::Result<()> {
        let bound = bind_tcp(place(name, flag, input)).map_err(with_hint)?;
        let limits = ConnectionLimits { connections_max: input.connections_max, idle_timeout: input.idle };
        let joining = joining_of(input.pieces.as_ref(), input.frame_bytes_max);
        let config = stream::Config { name: name.to_owned(), frame_bytes_max: input.frame_bytes_max, limits, joining };
        let kind = if matches!(name, "relp_tls" | "beats_tls") { name.trim_end_matches("_tls") } else { name };
        let address = bound.address.to_string();
        self.add(
            name,
            kind,
            address,
            name.starts_with("relp") || name.starts_with("beats"),
            prepared(bound, security, config),
        );
        Ok(())
    }

    fn bind_http(&mut self, input: &HttpInput, tls: Option<&tls::Config>, set_by: &str) -> anyhow::Result<()> {
        let tls = tls.filter(|_| input.is_tls);
        let config = http::Config {
            name: "http".to_owned(),
            frame_bytes_max: syslog::FRAME_BYTES_MAX,
            body_bytes_max: input.body_bytes_max,
            memory_bytes_max: at_least_one(http::Config::MEMORY_BYTES_DEFAULT).max(input.body_bytes_max),
            requests_max: input.requests_max,
            body_timeout: BODY_TIMEOUT,
            tokens: input.token_file.as_deref().map_or_else(|| Ok(Tokens::default()), tokens_of)?,
            limits: ConnectionLimits { connections_max: at_least_one(HTTP_CONNECTIONS), idle_timeout: HTTP_IDLE },
            joining: joining_of(input.pieces.as_ref(), syslog::FRAME_BYTES_DEFAULT),
        };
        http::check_access(&config, input.address.ip(), tls)?;
        let place = Place { input: "http", setting: set_by, address: input.address };
        let bound = bind_tcp(place).map_err(with_hint)?;
        let security = Security::load(tls)?;
        let address = bound.address.to_string();
        self.add("http", "http", address, true, Prepared::Http(bound, security, config));
        Ok(())
    }

    fn add_file(&mut self, input: &FileInput) -> anyhow::Result<()> {
        let mut config = file::Config::new(vec![glob_of(&input.path)?]);
        config.start = if input.is_from_beginning { Start::Beginning } else { Start::End };
        config.history = input.reads_history;
        config.frame_bytes_max = input.line_bytes_max;
        if let Some(start) = &input.multiline_start {
            let start = Regex::new(start).with_context(|| format!("`multiline_start` of `{}`", input.path))?;
            config.multiline = Some(Multiline { joining: Joining::Start(start), lines_max: LINES_MAX });
        }
        if let Some(joining) = input.multiline.as_deref().and_then(Joining::preset) {
            config.multiline = Some(Multiline { joining, lines_max: LINES_MAX });
        }
        let name = format!("file:{}", input.path);
        self.add(&name, "file", input.path.clone(), true, Prepared::File(Box::new(config)));
        Ok(())
    }

    fn add_database(&mut self, input: &DatabaseInput, data: &Path) -> anyhow::Result<()> {
        let mut config = input.config.clone();
        config.folder = data.join(POSITIONS);
        if let Some(secret) = &input.password {
            config.password =
                database::Password(secret_of(secret).with_context(|| format!("the input `{}`", config.name))?);
        }
        let place = format!("{} {}:{}/{}", config.kind.word(), config.host, config.port, config.database);
        let name = config.name.clone();
        self.add(&name, "database", place, true, Prepared::Database(Box::new(config)));
        Ok(())
    }

    fn add_journald(&mut self, config: &journald::Config, data: &Path) {
        let config = journald::Config { positions: data.join(POSITIONS), ..config.clone() };
        let place = config.folder.as_ref().map_or_else(|| "journal".to_owned(), |folder| folder.display().to_string());
        let name = config.name.clone();
        self.add(&name, "journald", place, true, Prepared::Journald(Box::new(config)));
    }

    fn add(&mut self, name: &str, kind: &str, place: String, acknowledges: bool, prepared: Prepared) {
        self.rows.push(InputRow {
            name: name.to_owned(),
            kind: kind.to_owned(),
            place,
            received: 0,
            stored: 0,
            rejected: 0,
            dropped: 0,
            truncated: 0,
            bytes: 0,
            connections: 0,
            acknowledges,
        });
        self.prepared.push((name.to_owned(), prepared));
    }

    /// Returns the inputs without their figures, for the API.
    pub(super) fn rows(&self) -> Vec<InputRow> {
        self.rows.clone()
    }

    /// Returns where an input listens.
    pub(super) fn address(&self, wanted: &str) -> Option<SocketAddr> {
        let (_, prepared) = self.prepared.iter().find(|(name, _)| name == wanted)?;
        match prepared {
            Prepared::Udp(bound, _) | Prepared::GelfUdp(bound, _) => Some(bound.address),
            Prepared::Tcp(bound, ..)
            | Prepared::Relp(bound, ..)
            | Prepared::Beats(bound, ..)
            | Prepared::GelfTcp(bound, ..)
            | Prepared::Http(bound, ..) => Some(bound.address),
            Prepared::File(_) | Prepared::Database(_) | Prepared::Journald(_) => None,
        }
    }

    /// Adds the addresses that were bound.
    pub(super) fn list(&self, endpoints: &mut Endpoints) {
        for (name, prepared) in &self.prepared {
            if let Some(address) = self.address(name) {
                endpoints.add(name, address);
            }
            if matches!(prepared, Prepared::Http(_, Security::Tls(_), _)) {
                endpoints.http_is_tls();
            }
        }
    }

    /// Runs all of them. `places` is how far each followed file had been read.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn run(self, stages: &mut Stages, context: &Context, places: &[intake::Place]) -> anyhow::Result<()> {
        for (name, prepared) in self.prepared {
            let context = context.clone();
            match prepared {
                Prepared::Udp(bound, config) => {
                    stages.spawn_thread(name, move || Ok(syslog::udp::run(&context, &bound, &config)?))?;
                }
                Prepared::Tcp(bound, security, config) => {
                    stages.spawn(name, async { Ok(syslog::tcp::run(context, bound, security, config).await?) });
                }
                Prepared::Relp(bound, security, config) => {
                    stages.spawn(name, async { Ok(relp::run(context, bound, security, config).await?) });
                }
                Prepared::Beats(bound, security, config) => {
                    stages.spawn(name, async { Ok(lumberjack::run(context, bound, security, config).await?) });
                }
                Prepared::GelfUdp(bound, config) => {
                    stages.spawn(name, async { Ok(gelf::udp::run(context, bound, config).await?) });
                }
                Prepared::GelfTcp(bound, security, config) => {
                    stages.spawn(name, async { Ok(gelf::tcp::run(context, bound, security, config).await?) });
                }
                Prepared::Http(bound, security, config) => {
                    stages.spawn(name, async { Ok(http::run(context, bound, security, config).await?) });
                }
                Prepared::Database(config) => {
                    let places = places.to_vec();
                    stages.spawn(name, async move { Ok(database::run(*config, &places, context).await?) });
                }
                Prepared::Journald(config) => {
                    let places = places.to_vec();
                    stages.spawn(name, async move { Ok(journald::run(*config, &places, context).await?) });
                }
                Prepared::File(config) => {
                    let places = places.to_vec();
                    let Context { intake, registry, clock, cancel } = context;
                    stages.spawn(name, async move {
                        Ok(file::run(*config, places, intake, registry, clock, cancel).await?)
                    });
                }
            }
        }
        Ok(())
    }
}

/// Makes the rules by which pieces are joined, where any are.
fn joining_of(pieces: Option<&Pieces>, bytes_max: NonZeroUsize) -> Option<Arc<StreamRules>> {
    let Pieces { presets, programs, wait } = pieces?;
    Some(Arc::new(StreamRules::of_presets(presets, programs, bytes_max, *wait)))
}

/// Reads the pattern of a file input; a relative one starts in the working folder.
pub(super) fn glob_of(pattern: &str) -> Result<Glob, GlobError> {
    let absolute = std::path::absolute(pattern).unwrap_or_else(|_| PathBuf::from(pattern));
    absolute.to_string_lossy().parse()
}

/// Says where the address of an input is set; a default by what would set it.
fn set_by(settings: &Settings, input: &str, flag: &str) -> String {
    let key = format!("input.{input}.address");
    match settings.origin(&key) {
        None | Some("default") => flag.to_owned(),
        Some(origin) => match origin.split_once(' ') {
            Some(("flag" | "environment", name)) => name.to_owned(),
            _ => format!("{key} in {origin}"),
        },
    }
}

fn place<'a>(input: &'a str, setting: &'a str, from: &StreamInput) -> Place<'a> {
    Place { input, setting, address: from.address }
}

fn with_hint(err: BindError) -> anyhow::Error {
    let hint = err.hint();
    let err = anyhow::Error::from(err);
    match hint {
        Some(hint) => anyhow::anyhow!("{err:#}\n  hint: {hint}"),
        None => err,
    }
}

pub(super) fn tls_config(settings: &crate::config::Tls) -> tls::Config {
    let mut config = tls::Config::new(settings.certificate.clone(), settings.key.clone());
    config.client_ca = settings.client_ca.clone();
    config
}

/// Reads a secret: the first line of its file, or the variable.
fn secret_of(secret: &Secret) -> anyhow::Result<String> {
    match secret {
        Secret::File(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("the password file `{}`", path.display()))?;
            Ok(text.lines().next().unwrap_or_default().to_owned())
        }
        Secret::Environment(name) => {
            std::env::var(name).with_context(|| format!("the variable `{name}` that holds the password"))
        }
    }
}

/// One token a line, `name:secret` or the secret alone; empty lines and those that begin with `#` are skipped.
pub(super) fn tokens_of(path: &Path) -> anyhow::Result<Tokens> {
    let text = fs::read_to_string(path).with_context(|| format!("the token file `{}`", path.display()))?;
    let mut tokens = Tokens::default();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for (number, line) in lines.enumerate() {
        match line.split_once(':') {
            Some((name, secret)) => tokens.add(name.trim(), secret.trim()),
            None => tokens.add(format!("token {}", number + 1), line),
        }
    }
    anyhow::ensure!(!tokens.is_empty(), "the token file `{}` holds no token", path.display());
    Ok(tokens)
}

fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}
