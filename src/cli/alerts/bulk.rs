//! Which alerts an action is for: those named, or all that a filter admits.

use crate::cli::Exit;
use crate::cli::output::Format;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::client::blocking::BlockingClient;
use crate::model::AlertId;
use crate::model::SafeText;
use crate::server::alert_filter;
use crate::wire::alert::AlertAction;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::BulkCommand;
use crate::wire::alert::BulkResult;

/// What narrows a list.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Narrowing {
    /// all, open (not closed), new, taken, escalated or closed
    #[arg(long)]
    pub(super) status: Option<String>,
    /// The lowest level: informational, low, medium, high or critical
    #[arg(long)]
    level: Option<String>,
    /// Part of the title, rule or entity; case and accents do not matter
    #[arg(long)]
    text: Option<String>,
    /// Who holds them
    #[arg(long)]
    owner: Option<String>,
    /// The id of the rule
    #[arg(long)]
    rule: Option<String>,
    /// The entity, whole
    #[arg(long)]
    entity: Option<String>,
}

impl Narrowing {
    /// Returns the filter, its words checked before anything is asked of anybody.
    pub(super) fn filter(&self, status: &str) -> anyhow::Result<AlertFilter> {
        let filter = AlertFilter {
            status: Some(self.status.clone().unwrap_or_else(|| status.to_owned())),
            level_min: self.level.clone(),
            text: self.text.clone(),
            owner: self.owner.clone(),
            rule: self.rule.clone(),
            entity: self.entity.clone(),
            ..AlertFilter::default()
        };
        match alert_filter(&filter) {
            Ok(_) => Ok(filter),
            Err(unknown) => {
                let hint = unknown.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
                anyhow::bail!("{unknown}{hint}")
            }
        }
    }
}

/// The alerts an action is for.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Targets {
    /// Alerts, as ALR-12 or 12
    #[arg(value_name = "ID", required_unless_present = "expected", conflicts_with = "expected")]
    pub(super) ids: Vec<AlertId>,
    #[command(flatten)]
    narrowing: Narrowing,
    /// Act on all alerts the filter admits (open ones unless --status says otherwise), if they are no more than this
    #[arg(long, value_name = "COUNT")]
    expected: Option<u64>,
}

impl Targets {
    /// Returns the bulk command, when a filter says which alerts are meant.
    pub(super) fn bulk(&self, action: &AlertAction) -> anyhow::Result<Option<BulkCommand>> {
        if self.expected.is_none() {
            return Ok(None);
        }
        let filter = Some(self.narrowing.filter("open")?);
        Ok(Some(BulkCommand { action: action.clone(), ids: Vec::new(), filter, expected: self.expected }))
    }
}

/// Acts on all that a filter admits; what was refused is told and makes the exit code.
pub(super) fn act(client: &BlockingClient, command: &BulkCommand, format: Format) -> anyhow::Result<Exit> {
    let result: BulkResult = client.call(async |client| client.act_on_alerts(command).await)?;
    for (id, reason) in &result.refused {
        eprintln!("longan: {}: {}", AlertId(*id), SafeText::new(reason));
    }
    to_stdout(|out| {
        use std::io::Write as _;
        match format {
            Format::Json => write_json(out, &result)?,
            Format::Table => writeln!(out, "{} / {}", result.done.len(), result.done.len() + result.refused.len())?,
        }
        Ok(())
    })?;
    Ok(if result.refused.is_empty() { Exit::Fine } else { Exit::NoServer })
}
