//! The child that reads the journal: started, read line by line in bounded memory, and ended with its reason told.

use std::path::Path;
use std::process::Stdio;

use tokio::io::AsyncBufReadExt as _;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::BufReader;
use tokio::process;
use tokio::process::ChildStdout;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::ingest::journald::Config;
use crate::ingest::journald::entry::Entry;
use crate::ingest::journald::entry::cursor_of;

/// How much of what the child complains of is told.
const COMPLAINT_BYTES_MAX: u64 = 2_048;
const BUFFER_BYTES: usize = 64 * 1024;

/// A running child. It ends when this is dropped.
pub(super) struct Child {
    process: process::Child,
    lines: Lines<ChildStdout>,
    complaints: JoinHandle<String>,
}

impl Child {
    /// Starts to follow, behind an entry or with the first one.
    pub(super) fn start(config: &Config, after: Option<&str>) -> Result<Child, String> {
        let mut command = command(config);
        command.args(["--follow", "--no-tail"]);
        if let Some(cursor) = after {
            command.arg(format!("--after-cursor={cursor}"));
        }
        let mut process = command.spawn().map_err(|err| not_started(&config.program, &err))?;
        let output = process.stdout.take().ok_or("its output cannot be read")?;
        let complaints = process.stderr.take().ok_or("its errors cannot be read")?;
        // Read all the time, so that the child never waits for somebody to listen.
        let complaints = tokio::spawn(first_complaint(complaints));
        Ok(Child { process, lines: Lines::new(output, config.entry_bytes_max.get()), complaints })
    }

    /// Reads the next entry; `None` when the child has closed its output. Nothing is lost when the call is given up.
    pub(super) async fn next(&mut self) -> Option<Entry> {
        self.lines.next().await.map(|(line, truncated)| Entry::of_line(line, truncated))
    }

    /// Says whether another whole entry has been read already.
    pub(super) fn has_more(&self) -> bool {
        self.lines.has_more()
    }

    /// Waits for the child that has closed its output, and says why it ended.
    pub(super) async fn end(mut self) -> String {
        let complaint = self.complaints.await.unwrap_or_default();
        let status = match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(err) => err.to_string(),
        };
        if complaint.is_empty() { format!("journalctl ended ({status})") } else { complaint }
    }
}

/// Returns the cursor of the newest entry; `None` for an empty journal.
pub(super) async fn newest(config: &Config) -> Result<Option<String>, String> {
    let output = command(config).args(["--lines=1"]).output().await;
    let output = output.map_err(|err| not_started(&config.program, &err))?;
    if !output.status.success() {
        let complaint = first_complaint(output.stderr.as_slice()).await;
        return Err(if complaint.is_empty() { format!("journalctl ended ({})", output.status) } else { complaint });
    }
    Ok(output.stdout.split(|byte| *byte == b'\n').filter_map(cursor_of).next_back())
}

/// What to do about a reason.
pub(super) fn hint(reason: &str) -> &'static str {
    if reason.contains("cannot be started") {
        "is systemd's journalctl installed, and in the PATH of this program?"
    } else if reason.contains("ermission") || reason.contains("No journal files were found") {
        "the user of this program must be in the group systemd-journal"
    } else if reason.contains("cursor") {
        "the position in the folder inputs/ of the data is of another journal"
    } else {
        ""
    }
}

fn command(config: &Config) -> Command {
    let mut command = Command::new(&config.program);
    command.args(["--output=json", "--all", "--no-pager", "--quiet"]);
    if let Some(folder) = &config.folder {
        command.arg("--merge").arg("--directory").arg(folder);
    }
    command.args(config.units.iter().map(|unit| format!("--unit={unit}")));
    // What the program says must be the same in every language; nothing is to be read from our input.
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    command
}

fn not_started(program: &Path, err: &std::io::Error) -> String {
    format!("`{}` cannot be started: {err}", program.display())
}

async fn first_complaint(mut complaints: impl AsyncRead + Unpin) -> String {
    let mut text = Vec::new();
    // What could be read before an error is told; the rest is read past.
    drop((&mut complaints).take(COMPLAINT_BYTES_MAX).read_to_end(&mut text).await);
    drop(tokio::io::copy(&mut complaints, &mut tokio::io::sink()).await);
    let text = String::from_utf8_lossy(&text);
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// Lines of a stream; of a longer one the beginning is kept and the rest read past.
struct Lines<R> {
    reader: BufReader<R>,
    bytes_max: usize,
    pending: Vec<u8>,
    truncated: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(stream: R, bytes_max: usize) -> Lines<R> {
        Lines {
            reader: BufReader::with_capacity(BUFFER_BYTES, stream),
            bytes_max,
            pending: Vec::new(),
            truncated: false,
        }
    }

    fn has_more(&self) -> bool {
        self.reader.buffer().contains(&b'\n')
    }

    /// A last line without its break is none: the child was cut off in it.
    async fn next(&mut self) -> Option<(Vec<u8>, bool)> {
        loop {
            let read = self.reader.fill_buf().await.ok().filter(|read| !read.is_empty())?;
            let end = memchr::memchr(b'\n', read);
            let part = read.get(..end.unwrap_or(read.len())).unwrap_or(read);
            let room = self.bytes_max.saturating_sub(self.pending.len());
            self.truncated |= part.len() > room;
            self.pending.extend_from_slice(part.get(..room).unwrap_or(part));
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                let line = std::mem::take(&mut self.pending);
                let truncated = std::mem::take(&mut self.truncated);
                if !line.is_empty() {
                    return Some((line, truncated));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_lines_are_cut_and_an_unfinished_one_is_left() {
        let text: &[u8] = b"one\n\n123456789\ntwo\nunfinished";
        let mut lines = Lines::new(text, 5);
        let mut got = Vec::new();
        while let Some((line, truncated)) = lines.next().await {
            got.push((String::from_utf8(line).expect("text"), truncated));
        }
        assert_eq!(got, [("one".to_owned(), false), ("12345".to_owned(), true), ("two".to_owned(), false)]);
    }
}
