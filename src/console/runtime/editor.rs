//! The user's own editor on a text: `$VISUAL`, `$EDITOR`, or `vi`. The text lies in a file nobody else may read meanwhile.

use std::io::Write as _;
use std::process::Command;

/// The longest text taken back: a rule file is never longer.
const BYTES_MAX: u64 = 1 << 20;

/// Opens the editor and waits until it ends; returns the text as it is then.
pub(super) fn edit(text: &str) -> Result<String, String> {
    let failed = |err: std::io::Error| err.to_string();
    let mut file = tempfile::Builder::new().prefix("longan-rule-").suffix(".yml").tempfile().map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.flush().map_err(failed)?;
    let command = command();
    // A variable may hold options, too: `code --wait`.
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(file.path()).status();
    let status = status.map_err(|err| format!("{program}: {err}"))?;
    if !status.success() {
        return Err(format!("{program}: {status}"));
    }
    // Editors put a new file in the old one's place: read by name.
    let length = std::fs::metadata(file.path()).map_err(failed)?.len();
    if length > BYTES_MAX {
        return Err(format!("{length} bytes, {BYTES_MAX} at most"));
    }
    std::fs::read_to_string(file.path()).map_err(failed)
}

fn command() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned())
}
