//! Why a database could not be read, and what to do about it.

use std::error::Error;
use std::time::Duration;

use crate::diag::closest;
use crate::ingest::database::Config;
use crate::ingest::database::Kind;
use crate::ingest::database::Source;

/// Why a database could not be read. The input goes on trying.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    #[error("the database cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    #[error("the connection was lost")]
    Lost(#[source] Box<dyn Error + Send + Sync>),
    /// The server's own words, with its code.
    #[error("the database refused: {message} ({code})")]
    Refused { code: String, message: String },
    #[error("there is no column `{column}`")]
    NoColumn { column: String, known: Vec<String> },
    #[error("column `{column}` is of type `{found}`, not {wanted}")]
    WrongType { column: String, found: String, wanted: &'static str },
    #[error("no answer in {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("a row cannot be read: {0}")]
    BadRow(String),
    #[error("the certificates to verify the server with cannot be used")]
    Certificates(#[source] Box<dyn Error + Send + Sync>),
}

impl DatabaseError {
    /// Says what to do about it.
    pub fn hint(&self, config: &Config) -> Option<String> {
        match self {
            DatabaseError::Refused { code, .. } => refused_hint(code, config),
            DatabaseError::NoColumn { column, known } => {
                Some(match closest(column, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", known.join(", ")),
                })
            }
            DatabaseError::WrongType { .. } => Some(
                "`id_column` needs a number that grows; with another kind of id name a `time_column` as well"
                    .to_owned(),
            ),
            DatabaseError::TooSlow(_) => {
                Some("an index on the order's columns makes it quick; or raise `statement_seconds`".to_owned())
            }
            DatabaseError::Unreachable(_) => Some(format!(
                "is `{}` port {} right, and does the server accept {}?",
                config.host,
                config.port,
                if config.tls == crate::ingest::database::Tls::Off {
                    "connections without TLS"
                } else {
                    "TLS with a certificate of that name"
                }
            )),
            _ => None,
        }
    }
}

fn refused_hint(code: &str, config: &Config) -> Option<String> {
    let user = &config.user;
    let object = match &config.source {
        Source::Table { name, .. } => name.clone(),
        Source::Select(_) => "every table of the query".to_owned(),
    };
    Some(match (config.kind, code) {
        (Kind::Postgresql, "42501") => format!("GRANT SELECT ON {object} TO {user}"),
        (Kind::Mysql, "1044" | "1142" | "1143") => format!("GRANT SELECT ON {}.{object} TO '{user}'@'%'", config.database),
        (Kind::Postgresql, "28P01" | "28000") | (Kind::Mysql, "1045" | "1698") => {
            format!("look at `user`, `password_file` and at what the server allows `{user}` from this host")
        }
        (Kind::Postgresql, "42P01") => {
            "names are written as in the server's list: PostgreSQL's are lower case, with `schema.` when it is not in the search path".to_owned()
        }
        (Kind::Mysql, "1146") => "upper and lower case of table names matter on most servers".to_owned(),
        (Kind::Postgresql, "42703") | (Kind::Mysql, "1054") => "look at `columns`, `id_column` and `time_column`".to_owned(),
        (Kind::Postgresql, "3D000") | (Kind::Mysql, "1049") => "look at `database`".to_owned(),
        (Kind::Postgresql, "57014") | (Kind::Mysql, "1969" | "3024") => {
            "an index on the order's columns makes it quick; or raise `statement_seconds`".to_owned()
        }
        (Kind::Postgresql, "25006") | (Kind::Mysql, "1792") => "the query tries to write; only reading is done here".to_owned(),
        (Kind::Postgresql, "53300") | (Kind::Mysql, "1040") => "the server has no connection left; it is tried again".to_owned(),
        _ => return None,
    })
}
