//! `longan export`: what a search finds, as a bundle that proves itself. Asks the server, or works on a folder without one.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use crate::auth::PeerPolicy;
use crate::auth::Principal;
use crate::auth::Role;
use crate::auth::Via;
use crate::cli::Exit;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::client::ClientError;
use crate::client::EndpointError;
use crate::evidence::audit::AuditLog;
use crate::evidence::audit::Deed;
use crate::evidence::bundle;
use crate::model::SafeText;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::pipeline::api::Exporter;
use crate::server::ExportService as _;
use crate::wire::export::ExportRequest;

/// A search without a server is ended after so long.
const DEADLINE: Duration = Duration::from_secs(600);

/// The arguments of `longan export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to look for
    query: String,
    /// From here on: a span back from now such as `24h`, or a time
    #[arg(long)]
    since: Option<String>,
    /// Up to here
    #[arg(long)]
    until: Option<String>,
    /// Where the bundle is written; must not be there yet
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    place: Place,
}

/// Runs the command.
///
/// # Errors
/// When the arguments or the output are at fault; a server that is away is an exit code.
pub fn run(args: Args) -> anyhow::Result<Exit> {
    export(&args).or_else(exit_of)
}

fn export(args: &Args) -> anyhow::Result<Exit> {
    let request = ExportRequest { q: args.query.clone(), since: args.since.clone(), until: args.until.clone() };
    let shown = || format!("cannot write the bundle to `{}`", args.output.display());
    // Made first: who cannot keep the bundle need not have it made.
    let mut file = File::options().write(true).create_new(true).open(&args.output).with_context(shown)?;
    let archive = match archive(args, &request) {
        Ok(archive) => archive,
        Err(err) => {
            drop(std::fs::remove_file(&args.output));
            return Err(err);
        }
    };
    file.write_all(&archive).and_then(|()| file.sync_all()).with_context(shown)?;
    // What was written is read as its reader will.
    let report = bundle::check(&archive, None);
    anyhow::ensure!(report.is_right(), "the bundle does not prove itself: {:?}", report.findings);
    let output = args.output.display().to_string();
    eprintln!("longan: {} events, {} units in {}", report.records, report.units, SafeText::new(&output));
    if report.unsealed > 0 {
        eprintln!("longan: {} of them are not sealed yet and have no proof; export again later", report.unsealed);
    }
    if let Some(log) = report.logs.first() {
        eprintln!("longan: longan verify {} --key {}", SafeText::new(&output), log.key);
    }
    Ok(if report.records == 0 { Exit::Findings } else { Exit::Fine })
}

fn archive(args: &Args, request: &ExportRequest) -> anyhow::Result<Vec<u8>> {
    let asked = match args.place.server() {
        Ok(client) => client.call(async |client| client.export(request).await),
        Err(err) if err.downcast_ref().is_some_and(|err| matches!(err, EndpointError::NotRunning(_))) => {
            return of_folder(args, request);
        }
        Err(err) => return Err(err),
    };
    match asked {
        Ok(archive) => Ok(archive.into()),
        Err(ClientError::Away { .. }) if !args.place.is_remote() => of_folder(args, request),
        Err(err) => Err(err.into()),
    }
}

fn of_folder(args: &Args, request: &ExportRequest) -> anyhow::Result<Vec<u8>> {
    let data = args.place.data();
    anyhow::ensure!(data.join("store").is_dir(), "no store in the data folder `{}`", data.display());
    let caller = ourselves();
    let audit = AuditLog::open(data).context("nothing is exported that is not written down")?;
    audit.record(Deed {
        at: SystemClock.now().to_string(),
        who: caller.name.clone(),
        role: caller.role.as_str().to_owned(),
        via: "folder".to_owned(),
        action: "export".to_owned(),
        detail: serde_json::to_string(request)?,
    })?;
    audit.sign()?;
    let exporter = Exporter::of_folder(data, Arc::new(SystemClock), DEADLINE)?;
    exporter.export(request, &caller).map_err(|problem| ClientError::Refused(Box::new(problem)).into())
}

/// Whoever can read the data folder, by their name on this system.
fn ourselves() -> Principal {
    let policy = PeerPolicy::of_this_process([]);
    let uid = nix::unistd::Uid::effective().as_raw();
    let unnamed = || Principal { name: format!("uid-{uid}"), role: Role::Admin, via: Via::LocalSocket };
    policy.principal(uid).unwrap_or_else(unnamed)
}
