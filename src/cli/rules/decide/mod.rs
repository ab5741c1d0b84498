//! `longan rules state`, `except`, `exceptions` and `history`: what people decide about the rules of a running server.

use std::io::Write as _;

use anyhow::bail;

use crate::cli::Exit;
use crate::cli::output::Language;
use crate::cli::output::local;
use crate::cli::place;
use crate::cli::rules::Format;
use crate::client::ClientError;
use crate::client::blocking::BlockingClient;
use crate::diag::closest;
use crate::model::SafeText;
use crate::model::ecs::Field;
use crate::model::write_safe_json;
use crate::wire::rule::ExceptionCondition;
use crate::wire::rule::ExceptionFilter;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::ExceptionRequest;
use crate::wire::rule::ExceptionRow;
use crate::wire::rule::RevokeRequest;
use crate::wire::rule::StateRequest;

/// Show or change the state of a rule: draft, shadow, live, retired
#[derive(Debug, clap::Args)]
pub(super) struct StateArgs {
    /// The rule's id
    rule: String,
    /// The state to put it in; without it, the state is shown, and who did what to the rule
    state: Option<String>,
    /// Why; kept in the rule's history
    #[arg(long, default_value = "", value_name = "TEXT")]
    reason: String,
    /// Show what changed in the rule's text from version to version
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    place: place::Place,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Keep a rule quiet about something harmless, for a reason and for a time
#[derive(Debug, clap::Args)]
pub(super) struct ExceptArgs {
    /// The rule's id
    rule: String,
    /// What must hold, all of it: FIELD=VALUE, FIELD~PART, FIELD@NETWORK; may be given several times
    #[arg(long = "where", value_name = "CONDITION", required = true)]
    conditions: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// How long
    #[arg(long = "for", value_name = "SPAN", default_value = "7d")]
    lasts: String,
    /// Put it in force; without it, only what it would have hidden is shown
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    place: place::Place,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// List exceptions, or revoke one
#[derive(Debug, clap::Args)]
pub(super) struct ExceptionsArgs {
    /// Only those of this rule
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// End this one before its time
    #[arg(long, value_name = "ID", requires = "reason")]
    revoke: Option<String>,
    /// Why it is revoked
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    place: place::Place,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn told<T>(result: Result<T, ClientError>) -> anyhow::Result<T> {
    result.map_err(anyhow::Error::from)
}

pub(super) fn state(args: &StateArgs) -> anyhow::Result<Exit> {
    done(show_state(args))
}

pub(super) fn except(args: &ExceptArgs) -> anyhow::Result<Exit> {
    done(try_except(args))
}

pub(super) fn exceptions(args: &ExceptionsArgs) -> anyhow::Result<Exit> {
    done(list(args))
}

fn done(result: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    result.or_else(place::exit_of)
}

fn show_state(args: &StateArgs) -> anyhow::Result<Exit> {
    let client = args.place.server()?;
    let detail = match &args.state {
        Some(state) => {
            let request = StateRequest { state: state.clone(), reason: args.reason.clone() };
            told(client.call(async |client| client.set_rule_state(&args.rule, &request).await))?
        }
        None => told(client.call(async |client| client.rule(&args.rule).await))?,
    };
    let mut out = std::io::stdout().lock();
    if args.format == Format::Json {
        write_safe_json(&mut out, &detail)?;
        writeln!(out)?;
        return Ok(Exit::Fine);
    }
    let is = Language::of_environment().pick("đang ở trạng thái", "is");
    writeln!(out, "{} {is} {}", SafeText::new(&detail.id), detail.state)?;
    for change in &detail.history {
        let text = change.text.as_deref().unwrap_or_default();
        writeln!(
            out,
            "  {}  {:<9} {}  {}",
            local(&change.at),
            change.action,
            SafeText::new(&change.who),
            SafeText::new(text)
        )?;
    }
    if args.diff {
        for pair in detail.versions.windows(2) {
            let [newer, older] = pair else { continue };
            writeln!(out, "\n{} -> {} ({})", older.hash, newer.hash, newer.seen)?;
            for line in difference(&older.text, &newer.text) {
                writeln!(out, "{}", SafeText::new(&line))?;
            }
        }
    }
    Ok(Exit::Fine)
}

/// Lines compared at most: a longer rule is shown as replaced.
const LINES_MAX: usize = 2_000;

/// The lines that went and came, each with its sign: the longest common subsequence stays.
fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if old.len() > LINES_MAX || new.len() > LINES_MAX {
        return vec!["(too long to be compared)".to_owned()];
    }
    let width = new.len() + 1;
    let mut common = vec![0_u32; (old.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    for row in (0..old.len()).rev() {
        for column in (0..new.len()).rev() {
            common[at(row, column)] = if old[row] == new[column] {
                common[at(row + 1, column + 1)] + 1
            } else {
                common[at(row + 1, column)].max(common[at(row, column + 1)])
            };
        }
    }
    let mut lines = Vec::new();
    let (mut row, mut column) = (0, 0);
    while row < old.len() || column < new.len() {
        if row < old.len() && column < new.len() && old[row] == new[column] {
            (row, column) = (row + 1, column + 1);
        } else if column == new.len() || (row < old.len() && common[at(row + 1, column)] >= common[at(row, column + 1)])
        {
            lines.push(format!("- {}", old[row]));
            row += 1;
        } else {
            lines.push(format!("+ {}", new[column]));
            column += 1;
        }
    }
    lines
}

fn condition(text: &str) -> anyhow::Result<ExceptionCondition> {
    let place = text.find(['=', '~', '@']).filter(|place| *place > 0);
    // `@timestamp` begins with a sign of its own.
    let Some(place) = place else { bail!("`{text}` is no condition: write FIELD=VALUE, FIELD~PART or FIELD@NETWORK") };
    let (field, rest) = text.split_at(place);
    let comparison = match rest.chars().next() {
        Some('~') => "contains",
        Some('@') => "cidr",
        _ => "is",
    };
    let value = rest.get(1..).unwrap_or_default();
    Ok(ExceptionCondition { field: field.to_owned(), comparison: comparison.to_owned(), value: value.to_owned() })
}

fn try_except(args: &ExceptArgs) -> anyhow::Result<Exit> {
    let conditions = match args.conditions.iter().map(|text| condition(text)).collect::<anyhow::Result<Vec<_>>>() {
        Ok(conditions) => conditions,
        Err(err) => {
            eprintln!("longan: {}", SafeText::new(&err.to_string()));
            return Ok(Exit::BadInput);
        }
    };
    for condition in &conditions {
        if let Some(hint) = unknown_field(&condition.field) {
            eprintln!("longan: {}", SafeText::new(&hint));
        }
    }
    let request = ExceptionRequest {
        rule: args.rule.clone(),
        conditions,
        reason: args.reason.clone(),
        lasts: Some(args.lasts.clone()),
    };
    let client = args.place.server()?;
    let preview = told(client.call(async |client| client.preview_exception(&request).await))?;
    let language = Language::of_environment();
    eprintln!("{}", sentence(&preview, language));
    if !args.yes {
        let told = language.pick(
            "chưa đổi gì; thêm `--yes` và `--reason` để có hiệu lực",
            "nothing was changed; `--yes` and a `--reason` put it in force",
        );
        eprintln!("{told}");
        return Ok(Exit::Fine);
    }
    let row = told(client.call(async |client| client.except(&request).await))?;
    print(std::slice::from_ref(&row), args.format)?;
    Ok(Exit::Fine)
}

/// Says which known field is meant by one that looks like a slip of it; such an exception hides nothing.
fn unknown_field(name: &str) -> Option<String> {
    if Field::from_name(name).is_some() {
        return None;
    }
    let near = closest(name, Field::all().map(Field::name))?;
    Some(format!("`{name}` is no field known of ECS; did you mean `{near}`?"))
}

/// Says what an exception would have hidden.
fn sentence(preview: &ExceptionPreview, language: Language) -> String {
    let ExceptionPreview { hidden, matches, days, .. } = preview;
    let true_positives = preview.alerts.true_positive;
    let mut text = match language {
        Language::Vietnamese => {
            format!("sẽ giấu {hidden} trên {matches} lần khớp trong {days} ngày, {true_positives} cảnh báo đúng")
        }
        Language::English => {
            format!("would hide {hidden} of {matches} matches in {days} days, {true_positives} true positives")
        }
    };
    if preview.alerts.open > 0 {
        let open = language.pick("cảnh báo chưa ai đóng", "alerts nobody has closed yet");
        text.push_str(&format!(", {} {open}", preview.alerts.open));
    }
    if let Some(reason) = &preview.cost.partial {
        let early = language.pick("ít nhất: dừng tìm sớm", "at least: looking ended early");
        text.push_str(&format!(" ({early}, {reason})"));
    }
    text
}

fn list(args: &ExceptionsArgs) -> anyhow::Result<Exit> {
    let client: BlockingClient = args.place.server()?;
    if let (Some(id), Some(reason)) = (&args.revoke, &args.reason) {
        let Ok(id) = id.trim_start_matches("EXC-").parse::<u64>() else {
            eprintln!("longan: `{}` is no exception", SafeText::new(id));
            return Ok(Exit::BadInput);
        };
        let request = RevokeRequest { reason: reason.clone() };
        let row = told(client.call(async |client| client.revoke_exception(id, &request).await))?;
        print(std::slice::from_ref(&row), args.format)?;
        return Ok(Exit::Fine);
    }
    let filter = ExceptionFilter { rule: args.rule.clone() };
    let found = told(client.call(async |client| client.exceptions(&filter).await))?;
    print(&found.exceptions, args.format)?;
    Ok(if found.exceptions.is_empty() { Exit::Findings } else { Exit::Fine })
}

fn print(rows: &[ExceptionRow], format: Format) -> anyhow::Result<()> {
    let language = Language::of_environment();
    let mut out = std::io::stdout().lock();
    for row in rows {
        if format == Format::Json {
            write_safe_json(&mut out, row)?;
            writeln!(out)?;
            continue;
        }
        let conditions: Vec<String> = row
            .conditions
            .iter()
            .map(|condition| format!("{} {} '{}'", condition.field, condition.comparison, condition.value))
            .collect();
        let until = match (&row.revoked, row.is_in_force) {
            (Some(revoked), _) => {
                let by = row.revoked_by.as_deref().unwrap_or("-");
                let (was, who) = language.pick(("đã thu hồi", "bởi"), ("revoked", "by"));
                let why = row.revoked_why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("{was} {} {who} {by}{why}", local(revoked))
            }
            (None, true) => format!("{} {}", language.pick("đến", "until"), local(&row.expires)),
            (None, false) => format!("{} {}", language.pick("hết hạn", "expired"), local(&row.expires)),
        };
        let hid = language.pick("đã giấu", "hid");
        writeln!(out, "EXC-{}  {}  {}  {hid} {}", row.id, SafeText::new(&row.rule), SafeText::new(&until), row.hidden)?;
        let (where_, and) = language.pick(("khi", " và "), ("where", " and "));
        writeln!(out, "    {where_} {}", SafeText::new(&conditions.join(and)))?;
        writeln!(out, "    {}: {}", SafeText::new(&row.author), SafeText::new(&row.reason))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        for (text, want) in [
            ("user.name=backup", Some(("user.name", "is", "backup"))),
            ("url.path~/api?x=1", Some(("url.path", "contains", "/api?x=1"))),
            ("source.ip@10.0.0.0/8", Some(("source.ip", "cidr", "10.0.0.0/8"))),
            ("nothing", None),
            ("=x", None),
        ] {
            let read = condition(text).ok();
            let read = read.as_ref().map(|read| (read.field.as_str(), read.comparison.as_str(), read.value.as_str()));
            assert_eq!(read, want, "{text}");
        }
    }

    #[test]
    fn a_slip_in_a_field_is_told() {
        assert!(unknown_field("user.nam").is_some_and(|told| told.ends_with("did you mean `user.name`?")));
        assert_eq!((unknown_field("user.name"), unknown_field("vpnd.session")), (None, None));
    }

    #[test]
    fn a_difference_shows_what_went_and_came() {
        assert_eq!(difference("a\nb\nc", "a\nx\nc\nd"), ["- b", "+ x", "+ d"]);
        assert_eq!(difference("a", "a"), [] as [&str; 0]);
    }

    #[test]
    fn a_preview_is_one_sentence() {
        let preview = ExceptionPreview { days: 30, matches: 50, hidden: 41, ..ExceptionPreview::default() };
        assert_eq!(sentence(&preview, Language::English), "would hide 41 of 50 matches in 30 days, 0 true positives");
        assert_eq!(
            sentence(&preview, Language::Vietnamese),
            "sẽ giấu 41 trên 50 lần khớp trong 30 ngày, 0 cảnh báo đúng"
        );
    }
}
