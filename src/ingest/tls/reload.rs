//! Takes up changed certificate files while running: a renewed certificate needs no restart.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use rustls::ServerConfig;
use tracing::info;
use tracing::warn;

use crate::ingest::tls::Config;
use crate::ingest::tls::TlsError;
use crate::ingest::tls::server_config;

/// The files are looked at when a connection comes and the last look is older than this.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// What tells one state of a file from another.
type Mark = Vec<Option<(SystemTime, u64)>>;

/// A server configuration with the files it was read from.
pub(super) struct Watched {
    config: Config,
    look_interval: Duration,
    state: Mutex<State>,
}

struct State {
    current: Arc<ServerConfig>,
    mark: Mark,
    looked: Instant,
}

impl Watched {
    pub(super) fn load(config: &Config) -> Result<Watched, TlsError> {
        let mark = mark(config);
        let current = Arc::new(server_config(config)?);
        let state = Mutex::new(State { current, mark, looked: Instant::now() });
        Ok(Watched { config: config.clone(), look_interval: LOOK_INTERVAL, state })
    }

    /// Returns the configuration for the next connection. Files that cannot be used leave the one before in place.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= self.look_interval {
            state.looked = Instant::now();
            let mark = mark(&self.config);
            if mark != state.mark {
                // Remembered even when it fails, so that a broken file is reported once and not every five seconds.
                state.mark = mark;
                match server_config(&self.config) {
                    Ok(config) => {
                        info!(certificate = %self.config.certificate.display(), "certificate taken up");
                        state.current = Arc::new(config);
                    }
                    Err(err) => warn!(error = %err, "changed certificate not usable, the one before stays"),
                }
            }
        }
        Arc::clone(&state.current)
    }
}

fn mark(config: &Config) -> Mark {
    let look = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [Some(&config.certificate), Some(&config.key), config.client_ca.as_ref()]
        .into_iter()
        .flatten()
        .map(|path| look(path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::tls::issue;

    #[test]
    fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().expect("folder");
        let files = issue::write(folder.path(), "client.test").expect("issued");
        let config = Config::new(files.server_certificate.clone(), files.server_key.clone());
        let mut watched = Watched::load(&config).expect("loaded");
        watched.look_interval = Duration::ZERO;
        let first = watched.current();
        assert!(Arc::ptr_eq(&first, &watched.current()), "unchanged files give the same configuration");

        fs::write(&files.server_certificate, "broken").expect("written");
        assert!(Arc::ptr_eq(&first, &watched.current()), "a broken file leaves it in place");

        let again = issue::write(folder.path(), "client.test").expect("issued");
        assert_eq!(again.server_key, files.server_key);
        assert!(!Arc::ptr_eq(&first, &watched.current()), "a new certificate is taken up");
    }
}
