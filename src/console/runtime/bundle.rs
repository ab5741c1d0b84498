//! Files that the console writes on the analyst's machine.

use std::fs::File;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::client::Client;
use crate::console::msg::Answer;
use crate::console::msg::Failure;
use crate::console::runtime::effects::failure;
use crate::wire::export::ExportRequest;

/// A file that goes away again unless it was written whole.
struct NewFile {
    path: PathBuf,
    is_whole: bool,
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_whole {
            // Nothing of use is in it; that it stays behind empty is no more than untidy.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// Has a bundle made and writes it to a file that must not be there yet, readable by its owner only.
pub(super) async fn export(client: &Client, request: &ExportRequest, path: &str) -> Result<Answer, Failure> {
    let path = absolute(path);
    let cannot = |err: io::Error| Failure {
        is_away: false,
        is_conflict: false,
        text: format!("{}: {err}", path.display()),
        hint: None,
        column: None,
        owner: None,
    };
    // Made first: who cannot keep the bundle need not have it made.
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(cannot)?;
    let mut new = NewFile { path: path.clone(), is_whole: false };
    let archive = client.export(request).await.map_err(failure)?;
    let bytes = archive.len() as u64;
    let write = tokio::task::spawn_blocking(move || file.write_all(&archive).and_then(|()| file.sync_all()));
    write.await.unwrap_or_else(|err| Err(io::Error::other(err))).map_err(cannot)?;
    new.is_whole = true;
    Ok(Answer::Exported { path: path.display().to_string(), bytes })
}

/// Reads a path as a shell would read its beginning.
fn absolute(path: &str) -> PathBuf {
    let home = path.strip_prefix("~/").zip(std::env::var_os("HOME"));
    let path = home.map_or_else(|| PathBuf::from(path), |(rest, home)| Path::new(&home).join(rest));
    std::path::absolute(&path).unwrap_or(path)
}
