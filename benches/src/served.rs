//! The real server: started on a folder, asked where it listens, fed over TCP, told to stop.

use std::fs;
use std::io::BufWriter;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;

/// Between two looks at a process outside.
pub const POLL: Duration = Duration::from_millis(100);

/// A running server; killed when anything goes wrong.
#[derive(Debug)]
pub struct Served {
    process: Child,
    data: PathBuf,
    patience: Instant,
}

impl Drop for Served {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            drop(self.process.kill());
            drop(self.process.wait());
        }
    }
}

impl Served {
    /// Starts the program on a folder, with syslog over TCP as its only input unless `arguments` say otherwise.
    ///
    /// # Errors
    /// When there is no such program.
    pub fn start(program: &Path, data: &Path, arguments: &[String], patience: Instant) -> anyhow::Result<Served> {
        let process = Command::new(program)
            .args(["start", "--headless", "--syslog-tcp", "127.0.0.1:0"])
            .args(["--syslog-udp", "off", "--relp", "off", "--http", "off", "--data"])
            .arg(data)
            .args(arguments)
            .env("LONGAN_LOG", "error")
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("no program `{}`; build it with `cargo build --release`", program.display()))?;
        Ok(Served { process, data: data.to_owned(), patience })
    }

    /// Returns the process' id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Returns the data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Waits for the server to say where it listens for syslog over TCP.
    ///
    /// # Errors
    /// When it does not start.
    pub fn address(&mut self) -> anyhow::Result<String> {
        let path = self.data.join("endpoints.json");
        loop {
            if let Ok(text) = fs::read_to_string(&path) {
                let endpoints: serde_json::Value = serde_json::from_str(&text).context("endpoints.json")?;
                let address = endpoints.get("syslog_tcp").and_then(serde_json::Value::as_str);
                return address.map(str::to_owned).context("no `syslog_tcp` in endpoints.json");
            }
            if let Some(status) = self.process.try_wait()? {
                anyhow::bail!("the server ended at once: {status}");
            }
            anyhow::ensure!(Instant::now() < self.patience, "the server did not start in time");
            thread::sleep(POLL);
        }
    }

    /// Stops the server as an operator would and waits for it to end well.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.process.id()).context("a process id")?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM)?;
        loop {
            if let Some(status) = self.process.try_wait()? {
                anyhow::ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < self.patience, "the server did not stop in time");
            thread::sleep(POLL);
        }
    }
}

/// Sends every line octet counted, at most so many a second; 0 is as fast as the server reads.
///
/// # Errors
/// When the server takes no more.
pub fn send(address: &str, lines: &[String], per_second: usize) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    let mut stream = BufWriter::with_capacity(1 << 16, stream);
    let started = Instant::now();
    for (number, line) in lines.iter().enumerate() {
        write!(stream, "{} {line}", line.len())?;
        if per_second > 0 && number % 100 == 99 {
            stream.flush()?;
            let due = Duration::from_secs_f64((number + 1) as f64 / per_second as f64);
            thread::sleep(due.saturating_sub(started.elapsed()));
        }
    }
    stream.flush().context("sending")
}
