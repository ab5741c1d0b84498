//! Where alerts and incidents are: behind a running server, or in the files of a data folder nobody serves.

use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::alert::AlertReader;
use crate::alert::StoreError;
use crate::alert::store::FILE_NAME;
use crate::cli::Exit;
use crate::cli::configured::Configured;
use crate::client::ClientError;
use crate::client::Endpoint;
use crate::client::EndpointError;
use crate::client::RemoteOptions;
use crate::client::blocking::BlockingClient;
use crate::config::Settings;
use crate::incident::IncidentError;
use crate::model::SafeText;
use crate::wire::problem::Problem;

/// Where data is kept when nothing says otherwise.
const DATA_DEFAULT: &str = "longan-data";

/// Which server to speak to.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Place {
    /// The data folder; the server that runs on it is found by its endpoints.json [default: the configuration's, else longan-data]
    #[arg(long, env = "LONGAN_DATA", value_name = "FOLDER", global = true)]
    data: Option<PathBuf>,
    #[command(flatten)]
    configured: Configured,
    #[arg(skip)]
    resolved: OnceLock<PathBuf>,
    /// A server elsewhere, as https://HOST:PORT
    #[arg(long, value_name = "URL", requires = "ca", requires = "token_file", global = true)]
    server: Option<String>,
    /// The certificates to trust, PEM
    #[arg(long, value_name = "FILE", global = true)]
    ca: Option<PathBuf>,
    /// A file with the token for the server
    #[arg(long, value_name = "FILE", global = true)]
    token_file: Option<PathBuf>,
}

/// What was found there.
pub(super) enum Source {
    Server(BlockingClient),
    /// No server runs; the files can be read.
    Files(AlertReader),
}

impl Place {
    /// The one of a data folder.
    pub(super) fn on(data: &Path) -> Place {
        let (configured, resolved) = (Configured::default(), OnceLock::new());
        Place { data: Some(data.to_owned()), configured, resolved, server: None, ca: None, token_file: None }
    }

    /// Connects to the server.
    pub(super) fn server(&self) -> anyhow::Result<BlockingClient> {
        Ok(BlockingClient::new(self.endpoint()?)?)
    }

    /// Connects to the server if one runs; a server elsewhere that was named must.
    ///
    /// # Errors
    /// When a named one cannot be used.
    pub(super) fn running(&self) -> anyhow::Result<Option<BlockingClient>> {
        if self.is_remote() {
            return Ok(Some(self.server()?));
        }
        let Ok(client) = self.server() else { return Ok(None) };
        // An announcement may be left from a server that was killed.
        let answer = client.call(async |client| client.whoami().await);
        Ok((!answer.is_err_and(|err| err.is_away())).then_some(client))
    }

    /// Finds the server, or opens the files when none runs on the data folder.
    pub(super) fn source(&self) -> anyhow::Result<Source> {
        let endpoint = match self.endpoint() {
            Ok(endpoint) => endpoint,
            Err(EndpointError::NotRunning(_)) if self.server.is_none() => return self.files(),
            Err(err) => return Err(err.into()),
        };
        let client = BlockingClient::new(endpoint)?;
        // An announcement may be left from a server that was killed.
        match client.call(async |client| client.whoami().await) {
            Err(err) if err.is_away() && self.server.is_none() => self.files(),
            Err(err) => Err(err.into()),
            Ok(_) => Ok(Source::Server(client)),
        }
    }

    fn files(&self) -> anyhow::Result<Source> {
        let file = self.data().join(FILE_NAME);
        if !file.try_exists().unwrap_or(true) {
            let nobody = anyhow::Error::new(EndpointError::NotRunning(self.data().to_owned()));
            return Err(nobody.context("no alerts are kept there"));
        }
        let opened = AlertReader::open(&file);
        let nobody =
            || format!("no server runs on `{}`, and it holds no alerts that can be read", self.data().display());
        Ok(Source::Files(opened.map_err(|err| anyhow::Error::new(err).context(nobody()))?))
    }

    /// Returns the data folder, whether or not it is asked: the one named, the configuration's, `longan-data`.
    pub(super) fn data(&self) -> &Path {
        self.resolved.get_or_init(|| {
            if let Some(data) = &self.data {
                return data.clone();
            }
            if !self.configured.is_named() {
                return PathBuf::from(DATA_DEFAULT);
            }
            match self.configured.settings(None) {
                Ok(settings) => settings.data,
                Err(err) => {
                    let text = format!("{err:#}; the data folder is taken to be `{DATA_DEFAULT}`");
                    eprintln!("longan: {}", SafeText::new(&text));
                    PathBuf::from(DATA_DEFAULT)
                }
            }
        })
    }

    /// Reads the configuration that goes with the data folder.
    ///
    /// # Errors
    /// When it is wrong.
    pub(super) fn settings(&self) -> anyhow::Result<Settings> {
        self.configured.settings(self.data.as_deref())
    }

    /// Says whether a server elsewhere was named.
    pub(super) fn is_remote(&self) -> bool {
        self.server.is_some()
    }

    /// Returns where the server is.
    pub(super) fn endpoint(&self) -> Result<Endpoint, EndpointError> {
        let remote = self.server.as_ref().zip(self.ca.as_ref()).zip(self.token_file.as_ref());
        let Some(((server, ca), token)) = remote else { return Endpoint::in_data_folder(self.data()) };
        let options = RemoteOptions { server: server.clone(), ca_file: ca.clone(), token_file: token.clone() };
        Endpoint::remote(&options)
    }
}

/// Turns a failure into its exit code, told on standard error; what has none of its own is the caller's.
pub(super) fn exit_of(err: anyhow::Error) -> anyhow::Result<Exit> {
    let Some(exit) = code_of(&err) else { return Err(err) };
    let text = format!("{err:#}");
    eprintln!("longan: {}", SafeText::new(&text));
    let problem = err.downcast_ref::<ClientError>().and_then(ClientError::problem);
    if let Some(hint) = problem.and_then(|problem| problem.hint.as_deref()) {
        eprintln!("  hint: {}", SafeText::new(hint));
    }
    if let Some(EndpointError::NotRunning(data)) = err.downcast_ref() {
        let data = data.display().to_string();
        eprintln!("  hint: start one with `longan start --data {}`", SafeText::new(&data));
    }
    Ok(exit)
}

/// The exit code of a failure that scripts tell apart.
fn code_of(err: &anyhow::Error) -> Option<Exit> {
    if let Some(err) = err.downcast_ref::<ClientError>() {
        return Some(err.problem().map_or(Exit::NoServer, code_of_problem));
    }
    if let Some(IncidentError::NoSuchIncident(_)) = err.downcast_ref() {
        return Some(Exit::Findings);
    }
    match (err.downcast_ref(), err.downcast_ref()) {
        (Some(EndpointError::NotRunning(_)), _) => Some(Exit::NoServer),
        (_, Some(StoreError::NoSuchAlert(_))) => Some(Exit::Findings),
        (_, Some(StoreError::Open { .. } | StoreError::NewerSchema { .. })) => Some(Exit::NoServer),
        _ => None,
    }
}

/// The exit code of what a server refused: nothing found, a mistake of the caller, or the server's own no.
pub(super) fn code_of_problem(problem: &Problem) -> Exit {
    match problem.status {
        404 => Exit::Findings,
        400 | 413 | 422 => Exit::BadInput,
        _ => Exit::NoServer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::IncidentId;
    use crate::model::AlertId;

    fn refused(status: u16) -> anyhow::Error {
        let problem =
            Problem { status, kind: String::new(), detail: String::new(), hint: None, column: None, owner: None };
        ClientError::Refused(Box::new(problem)).into()
    }

    #[test]
    fn a_folder_without_alerts_is_told_by_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().to_owned();
        let place = Place::on(&data);
        let Err(err) = place.source() else { panic!("there is nothing to read") };
        assert!(err.to_string().contains("no alerts are kept there"), "{err:#}");
        assert_eq!(code_of(&err), Some(Exit::NoServer));
    }

    #[test]
    fn each_failure_has_its_exit_code() {
        let missing = anyhow::Error::new(StoreError::NoSuchAlert(AlertId(9))).context("reading");
        let cases = [
            (refused(404), Some(Exit::Findings)),
            (refused(400), Some(Exit::BadInput)),
            (refused(409), Some(Exit::NoServer)),
            (refused(403), Some(Exit::NoServer)),
            (refused(503), Some(Exit::NoServer)),
            (missing, Some(Exit::Findings)),
            (IncidentError::NoSuchIncident(IncidentId(1)).into(), Some(Exit::Findings)),
            (EndpointError::NotRunning(PathBuf::from("d")).into(), Some(Exit::NoServer)),
            (EndpointError::BadAddress("x".to_owned()).into(), None),
            (anyhow::anyhow!("anything else"), None),
        ];
        for (err, exit) in cases {
            assert_eq!(code_of(&err), exit, "{err:#}");
        }
    }
}
