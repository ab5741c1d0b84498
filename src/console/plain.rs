//! `--plain`: the open alerts printed line by line, then every change as it comes; for screen readers and pipes.

use std::io;
use std::io::Write as _;

use crate::client::Client;
use crate::client::ClientError;
use crate::console::look::format::fill;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::runtime::ConsoleError;
use crate::model::SafeText;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertStatus;
use crate::wire::stream::StreamMessage;

/// Prints until the server ends the stream or the reader closes the pipe.
pub(super) async fn print(client: &Client, lang: Lang) -> Result<(), ConsoleError> {
    let server = |err: ClientError| ConsoleError::Server(SafeText::new(&err.to_string()).into_string());
    let window = client.alerts(&AlertFilter::default()).await.map_err(server)?;
    let count = window.total.to_string();
    let mut lines = vec![format!("{}: {count}", Text::FigureOpen.in_lang(lang))];
    lines.extend(window.rows.iter().map(|row| line_of(row, lang)));
    if !write(&lines)? {
        return Ok(());
    }
    let mut changes = client.changes(window.revision).await.map_err(server)?;
    while let Some(message) = changes.next().await {
        let line = match message.map_err(server)? {
            StreamMessage::Alert { row, .. } => line_of(&row, lang),
            StreamMessage::Incident { id, .. } => fill(Text::DoneIncident.in_lang(lang), &[&format!("INC-{id}")]),
            StreamMessage::Hello { .. } | StreamMessage::Presence { .. } | StreamMessage::Pulse { .. } => continue,
        };
        if !write(&[line])? {
            break;
        }
    }
    Ok(())
}

/// Writes an alert as one line of words: nothing is told by place or colour alone.
fn line_of(row: &AlertRow, lang: Lang) -> String {
    let status = match row.status {
        AlertStatus::New => Text::StatusNew,
        AlertStatus::Taken => Text::StatusTaken,
        AlertStatus::Escalated => Text::StatusEscalated,
        AlertStatus::Closed => Text::StatusClosed,
    };
    let title = lang.choose(&row.title, row.title_vi.as_deref());
    let owner = row.owner.as_deref().unwrap_or("-");
    let line = format!(
        "ALR-{} {} {} {title} {} x{} {} {owner}",
        row.id,
        row.level,
        row.risk,
        row.entity,
        row.count,
        status.in_lang(lang)
    );
    SafeText::new(&line).into_string()
}

/// Writes lines; `false` when the reader has gone.
fn write(lines: &[String]) -> Result<bool, ConsoleError> {
    let mut out = io::stdout().lock();
    for line in lines {
        match writeln!(out, "{line}") {
            Ok(()) => {}
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            Err(err) => return Err(ConsoleError::Terminal(err)),
        }
    }
    Ok(true)
}
