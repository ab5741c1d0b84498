//! The database inputs of a configuration, checked.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;

use crate::config::check::Checker;
use crate::config::check::one_of;
use crate::config::check::path;
use crate::config::check::plain;
use crate::config::check::seconds;
use crate::config::check::size;
use crate::config::check::zone_text;
use crate::config::raw::Raw;
use crate::config::raw::RawDatabase;
use crate::config::settings::DatabaseInput;
use crate::config::settings::Secret;
use crate::ingest::database::Config;
use crate::ingest::database::Kind;
use crate::ingest::database::Order;
use crate::ingest::database::Password;
use crate::ingest::database::Source;
use crate::ingest::database::Tls;
use crate::ingest::database::check_select;

const OVERLAP_IDS: i64 = 1_000;
const LATENESS_SECONDS: i64 = 300;
const NAME_LENGTH_MAX: usize = 60;

type Text<'a> = Option<&'a Spanned<String>>;

/// One `[[input.database]]` while it is checked.
struct Section<'c, 'a> {
    checker: &'c mut Checker<'a>,
    index: usize,
}

impl<'a> Checker<'a> {
    /// Databases come from the topmost layer that names any.
    pub(super) fn databases(&mut self, zone: i32) -> Vec<DatabaseInput> {
        let count =
            self.layers.iter().map(|layer| layer.raw.input.database.len()).find(|count| *count > 0).unwrap_or(0);
        let mut inputs: Vec<DatabaseInput> = Vec::new();
        for index in 0..count {
            let mut section = Section { checker: &mut *self, index };
            let Some(input) = section.input(zone) else { continue };
            if inputs.iter().any(|other| other.config.name == input.config.name) {
                section.refuse(
                    "name",
                    "another database input has this name".to_owned(),
                    "its position is kept under it",
                );
            }
            inputs.push(input);
        }
        inputs
    }
}

impl<'a> Section<'_, 'a> {
    fn key(&self, member: &str) -> String {
        format!("input.database.{}.{member}", self.index + 1)
    }

    fn refuse(&mut self, member: &str, problem: String, hint: &str) {
        let (key, index) = (self.key(member), self.index);
        let name = |raw: &'a Raw| raw.input.database.get(index)?.name.as_ref();
        // Where the member itself is missing, the section's name shows which one is meant.
        let place = self.checker.layers.iter().find_map(|layer| Some((layer, name(&layer.raw)?)));
        self.checker.refuse(&key, place, problem, hint);
    }

    fn text<V>(
        &mut self,
        member: &str,
        default: Option<&str>,
        get: fn(&RawDatabase) -> Text<'_>,
        read: impl Fn(&str) -> Result<V, (String, String)>,
    ) -> Option<V> {
        let (key, index) = (self.key(member), self.index);
        self.checker.text(&key, default, move |raw| get(raw.input.database.get(index)?), read)
    }

    /// A text that must be there.
    fn needed<V>(
        &mut self,
        member: &str,
        get: fn(&RawDatabase) -> Text<'_>,
        read: impl Fn(&str) -> Result<V, (String, String)>,
    ) -> Option<V> {
        let before = self.checker.problems.len();
        let value = self.text(member, None, get, read);
        if value.is_none() && self.checker.problems.len() == before {
            self.refuse(member, format!("a database input needs `{member}`"), "");
        }
        value
    }

    fn number(
        &mut self,
        member: &str,
        default: i64,
        bounds: std::ops::RangeInclusive<i64>,
        get: fn(&RawDatabase) -> Option<&Spanned<i64>>,
    ) -> i64 {
        let (key, index) = (self.key(member), self.index);
        self.checker.number(&key, default, bounds, move |raw| get(raw.input.database.get(index)?))
    }

    fn truth(&mut self, member: &str, default: bool, get: fn(&RawDatabase) -> Option<&Spanned<bool>>) -> bool {
        let (key, index) = (self.key(member), self.index);
        let (value, _) = self.checker.pick(&key, Some(default), move |raw| get(raw.input.database.get(index)?));
        value.unwrap_or(default)
    }

    fn input(&mut self, zone: i32) -> Option<DatabaseInput> {
        let before = self.checker.problems.len();
        let name = self.needed("name", |raw| raw.name.as_ref(), name);
        let kind = self.needed("kind", |raw| raw.kind.as_ref(), kind);
        let host = self.text("host", Some("127.0.0.1"), |raw| raw.host.as_ref(), plain).unwrap_or_default();
        let port = if kind == Some(Kind::Mysql) { 3_306 } else { 5_432 };
        let port = self.number("port", port, 1..=65_535, |raw| raw.port.as_ref());
        let database = self.needed("database", |raw| raw.database.as_ref(), plain).unwrap_or_default();
        let user = self.needed("user", |raw| raw.user.as_ref(), plain).unwrap_or_default();
        let password = self.password();
        let tls = self.tls(&host);
        let source = self.source();
        let order = self.order();
        let is_from_beginning = self.truth("from_beginning", true, |raw| raw.from_beginning.as_ref());
        let poll = self.number("poll_seconds", 10, 1..=86_400, |raw| raw.poll_seconds.as_ref());
        let page_rows = self.number("page_rows", 1_000, 1..=100_000, |raw| raw.page_rows.as_ref());
        let row_bytes_max = self.number("row_bytes_max", 65_536, 1_024..=1024 * 1024, |raw| raw.row_bytes_max.as_ref());
        let statement = self.number("statement_seconds", 30, 1..=3_600, |raw| raw.statement_seconds.as_ref());
        let format = self.text("format", None, |raw| raw.format.as_ref(), plain);
        let zone = self.text("zone", None, |raw| raw.zone.as_ref(), zone_text).unwrap_or(zone);
        if self.checker.problems.len() > before {
            return None;
        }
        let config = Config {
            name: format!("database:{}", name?),
            kind: kind?,
            host,
            port: u16::try_from(port).unwrap_or(0),
            database,
            user,
            password: Password::default(),
            tls,
            source: source?,
            order: order?,
            is_from_beginning,
            poll: seconds(poll),
            page_rows: size(page_rows),
            row_bytes_max: NonZeroUsize::new(usize::try_from(row_bytes_max).unwrap_or(0)).unwrap_or(NonZeroUsize::MIN),
            statement_timeout: seconds(statement),
            zone_offset_seconds: zone,
            folder: PathBuf::new(),
        };
        Some(DatabaseInput { config, password, format })
    }

    fn password(&mut self) -> Option<Secret> {
        let file = self.text("password_file", None, |raw| raw.password_file.as_ref(), path);
        let variable = self.text("password_env", None, |raw| raw.password_env.as_ref(), variable);
        match (file, variable) {
            (Some(_), Some(_)) => {
                self.refuse("password_file", "`password_file` and `password_env` exclude each other".to_owned(), "");
                None
            }
            (file, variable) => file.map(Secret::File).or(variable.map(Secret::Environment)),
        }
    }

    /// On another machine the connection is protected unless the operator says that it need not be.
    fn tls(&mut self, host: &str) -> Tls {
        let is_local = host.starts_with('/')
            || host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let is_tls = self.truth("tls", !is_local, |raw| raw.tls.as_ref());
        let authorities = self.text("tls_ca", None, |raw| raw.tls_ca.as_ref(), path);
        if is_tls { Tls::Verified(authorities) } else { Tls::Off }
    }

    fn source(&mut self) -> Option<Source> {
        let table = self.text("table", None, |raw| raw.table.as_ref(), plain);
        let columns = self.text("columns", None, |raw| raw.columns.as_ref(), columns).unwrap_or_default();
        let query = self.text("query", None, |raw| raw.query.as_ref(), select);
        match (table, query) {
            (Some(name), None) => Some(Source::Table { name, columns }),
            (None, Some(text)) if columns.is_empty() => Some(Source::Select(text)),
            (None, Some(_)) => {
                self.refuse("columns", "a `query` names its columns itself".to_owned(), "");
                None
            }
            (Some(_), Some(_)) => {
                self.refuse("table", "`table` and `query` exclude each other".to_owned(), "");
                None
            }
            (None, None) => {
                self.refuse("table", "a database input needs a `table` or a `query`".to_owned(), "");
                None
            }
        }
    }

    fn order(&mut self) -> Option<Order> {
        let id = self.needed("id_column", |raw| raw.id_column.as_ref(), plain);
        let time = self.text("time_column", None, |raw| raw.time_column.as_ref(), plain);
        let overlap = self.number("overlap_ids", OVERLAP_IDS, 0..=20_000, |raw| raw.overlap_ids.as_ref());
        let lateness =
            self.number("lateness_seconds", LATENESS_SECONDS, 0..=86_400, |raw| raw.lateness_seconds.as_ref());
        Some(match time {
            None => Order::Id { column: id?, overlap: u64::try_from(overlap).unwrap_or(0) },
            Some(column) => {
                Order::Time { column, id: id?, lateness: Duration::from_secs(u64::try_from(lateness).unwrap_or(0)) }
            }
        })
    }
}

type Read<V> = Result<V, (String, String)>;

fn name(text: &str) -> Read<String> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'));
    if text.is_empty() || text.len() > NAME_LENGTH_MAX || !is_plain {
        let hint = format!("at most {NAME_LENGTH_MAX} of `a` to `z`, digits, `_` and `-`");
        return Err((format!("`{text}` cannot be a name"), hint));
    }
    Ok(text.to_owned())
}

fn kind(text: &str) -> Read<Kind> {
    let word = one_of(text, &["postgresql", "mysql", "mariadb"])?;
    Ok(if word == "postgresql" { Kind::Postgresql } else { Kind::Mysql })
}

fn variable(text: &str) -> Read<String> {
    if text.starts_with("LONGAN_") {
        return Err((
            format!("`{text}` would be read as a key of the configuration"),
            "choose a name that does not begin with `LONGAN_`".to_owned(),
        ));
    }
    plain(text)
}

fn columns(text: &str) -> Read<Vec<String>> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        return Err((format!("`{text}` is no list of columns"), "names with commas between them".to_owned()));
    }
    Ok(names)
}

fn select(text: &str) -> Read<String> {
    check_select(text).map(|()| text.to_owned()).map_err(|err| {
        (err.to_string(), "one `SELECT` that only reads; the input adds the condition and the order itself".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::ConfigError;
    use crate::config::Flags;
    use crate::config::Settings;
    use crate::config::load;

    fn loaded(text: &str) -> Result<Settings, Vec<String>> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("longan.toml");
        fs::write(&path, text).expect("written");
        load(Some(&path), [], &Flags::default()).map_err(|err| match err {
            ConfigError::Invalid(problems) => problems
                .iter()
                .map(|problem| format!("{}:{} {}", problem.position.line, problem.position.column, problem.error))
                .collect(),
            other => vec![other.to_string()],
        })
    }

    const GOOD: &str = "[[input.database]]\nname = \"opencps\"\nkind = \"mariadb\"\nhost = \"db.test\"\ndatabase = \"opencps\"\n\
        user = \"soc\"\npassword_file = \"/etc/longan/db.secret\"\ntable = \"opencps_dossierlog\"\nid_column = \"dossierLogId\"\n";

    #[test]
    fn a_table_by_id_is_all_defaults() {
        let settings = loaded(GOOD).expect("it is right");
        let DatabaseInput { config, password, .. } = &settings.databases[0];
        assert_eq!((config.name.as_str(), config.kind, config.port), ("database:opencps", Kind::Mysql, 3_306));
        assert_eq!(config.tls, Tls::Verified(None), "another host is spoken to over TLS");
        assert_eq!(config.order, Order::Id { column: "dossierLogId".to_owned(), overlap: 1_000 });
        assert_eq!(password, &Some(Secret::File("/etc/longan/db.secret".into())));
    }

    #[test]
    fn a_query_by_time_on_this_host() {
        let text = "[[input.database]]\nname = \"a\"\nkind = \"postgresql\"\nhost = \"::1\"\ndatabase = \"d\"\nuser = \"u\"\n\
            password_env = \"DB\"\nquery = \"SELECT id, at FROM log\"\nid_column = \"id\"\ntime_column = \"at\"\nlateness_seconds = 60\n";
        let settings = loaded(text).expect("it is right");
        let config = &settings.databases[0].config;
        assert_eq!(config.tls, Tls::Off);
        assert!(matches!(&config.order, Order::Time { lateness, .. } if lateness.as_secs() == 60));
        assert!(matches!(&config.source, Source::Select(text) if text.starts_with("SELECT")));
    }

    #[test]
    fn every_mistake_of_a_section_is_told() {
        let text = "[[input.database]]\nname = \"A b\"\nkind = \"oracle\"\nuser = \"u\"\nquery = \"DELETE FROM log\"\npage_rows = 0\n\
            password_env = \"LONGAN_DB\"\n";
        let found = loaded(text).expect_err("wrong");
        let expected = ["2:8", "3:8", "`database`", "7:16", "5:9", "`id_column`", "6:13"];
        assert!(found.len() >= expected.len(), "{found:#?}");
        for part in expected {
            assert!(found.iter().any(|problem| problem.contains(part)), "{part}: {found:#?}");
        }
    }

    #[test]
    fn two_inputs_have_two_names() {
        let found = loaded(&format!("{GOOD}{GOOD}")).expect_err("the same name twice");
        assert!(found[0].contains("another database input has this name"), "{found:?}");
    }
}
