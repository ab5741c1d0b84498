//! `endpoints.json` in the data folder: how every other command finds the running server. There whole, or not at all.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Map;
use serde_json::Value;

const FILE_NAME: &str = "endpoints.json";

/// The addresses a server listens on, by the input's name.
#[derive(Debug, Clone, Default)]
pub(super) struct Endpoints(Map<String, Value>);

impl Endpoints {
    pub(super) fn new(socket: &Path) -> Endpoints {
        let mut members = Map::new();
        members.insert("pid".to_owned(), std::process::id().into());
        members.insert("socket".to_owned(), socket.to_string_lossy().into_owned().into());
        Endpoints(members)
    }

    pub(super) fn add(&mut self, name: &str, address: SocketAddr) {
        self.0.insert(name.to_owned(), address.to_string().into());
    }

    /// Notes that the HTTP input speaks TLS.
    pub(super) fn http_is_tls(&mut self) {
        self.0.insert("http_scheme".to_owned(), "https".into());
    }

    /// Writes the file beside its place and renames it there. It goes with the announcement returned.
    pub(super) fn announce(self, data: &Path) -> io::Result<Announcement> {
        let path = data.join(FILE_NAME);
        let unfinished = data.join(".endpoints.json.new");
        fs::write(&unfinished, Value::Object(self.0).to_string() + "\n")?;
        fs::rename(&unfinished, &path)?;
        Ok(Announcement(path))
    }
}

/// Removes what a server that was killed left behind.
pub(super) fn clear(data: &Path) -> io::Result<()> {
    match fs::remove_file(data.join(FILE_NAME)) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    }
}

/// The announced endpoints; dropping it takes them back.
#[derive(Debug)]
pub(super) struct Announcement(PathBuf);

impl Drop for Announcement {
    fn drop(&mut self) {
        // Whoever finds it all the same finds nobody at the socket.
        drop(fs::remove_file(&self.0));
    }
}
