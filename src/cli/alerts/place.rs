//! Where alerts and incidents are: behind a running server, or in the files of a data folder nobody serves.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::alert::AlertReader;
use crate::alert::store::FILE_NAME;
use crate::cli::Exit;
use crate::client::ClientError;
use crate::client::Endpoint;
use crate::client::EndpointError;
use crate::client::RemoteOptions;
use crate::client::blocking::BlockingClient;

/// Which server to speak to.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct Place {
    /// The data folder; the server that runs on it is found by its endpoints.json
    #[arg(long, env = "LONGAN_DATA", default_value = "longan-data", value_name = "FOLDER", global = true)]
    data: PathBuf,
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
pub(in crate::cli) enum Source {
    Server(BlockingClient),
    /// No server runs; the files can be read.
    Files(AlertReader),
}

impl Place {
    /// Connects to the server.
    pub(in crate::cli) fn server(&self) -> anyhow::Result<BlockingClient> {
        Ok(BlockingClient::new(self.endpoint()?)?)
    }

    /// Finds the server, or opens the files when none runs on the data folder.
    pub(in crate::cli) fn source(&self) -> anyhow::Result<Source> {
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
        let path = self.data.join(FILE_NAME);
        let reader = AlertReader::open(&path).with_context(|| format!("no server runs on `{}`", self.data.display()));
        Ok(Source::Files(reader?))
    }

    fn endpoint(&self) -> Result<Endpoint, EndpointError> {
        let remote = self.server.as_ref().zip(self.ca.as_ref()).zip(self.token_file.as_ref());
        match remote {
            Some(((server, ca), token)) => {
                Endpoint::remote(&RemoteOptions { server: server.clone(), ca_file: ca.clone(), token_file: token.clone() })
            }
            None => Endpoint::in_data_folder(&self.data),
        }
    }
}

/// Turns a failure into its exit code, told on standard error; what has none of its own is the caller's.
pub(in crate::cli) fn exit_of(err: anyhow::Error) -> anyhow::Result<Exit> {
    let is_servers = err.is::<ClientError>() || matches!(err.downcast_ref(), Some(EndpointError::NotRunning(_)));
    if !is_servers {
        return Err(err);
    }
    let text = format!("{err:#}");
    eprintln!("longan: {}", crate::model::SafeText::new(&text));
    if let Some(problem) = err.downcast_ref::<ClientError>().and_then(ClientError::problem) {
        if let Some(hint) = &problem.hint {
            eprintln!("  hint: {}", crate::model::SafeText::new(hint));
        }
    }
    Ok(Exit::NoServer)
}
