//! `longan rules import`: rules of others, such as a SigmaHQ checkout, into the operator's own folder; new ones start in shadow.

pub(in crate::cli::rules) mod gather;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use anyhow::bail;
use hashbrown::HashMap;
use hashbrown::HashSet;
use serde::Serialize;

use crate::alert::rulebook;
use crate::alert::rulebook::RuleBook;
use crate::alert::rulebook::RuleState;
use crate::cli::Exit;
use crate::cli::output::Language;
use crate::cli::output::counted;
use crate::cli::place::Place;
use crate::cli::place::exit_of;
use crate::cli::rules::Format;
use crate::cli::rules::import::gather::Found;
use crate::detect::Content;
use crate::detect::RuleFile;
use crate::detect::cases::CaseFile;
use crate::detect::inspect::Inspector;
use crate::diag::Located;
use crate::model::SafeText;
use crate::model::time::SystemClock;
use crate::wire::rule::StatesRequest;

/// Rules put into a state with one request.
const STATES_AT_ONCE: usize = 10_000;

/// Import rules from a folder or archive, such as a checkout of SigmaHQ
#[derive(Debug, clap::Args)]
pub(in crate::cli::rules) struct Args {
    /// A folder, a rule file, a .zip or a .tar.gz
    #[arg(value_name = "PATH")]
    from: PathBuf,
    /// The folder of your own rules; the configuration's, else `rules` in the data folder
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// The folder below it that the rules go into
    #[arg(long, value_name = "NAME", default_value = "imported")]
    below: String,
    /// The state new rules start in: draft, shadow, live
    #[arg(long, default_value = "shadow")]
    state: String,
    /// Why; kept in each rule's history
    #[arg(long, value_name = "TEXT", default_value = "imported")]
    reason: String,
    /// Say what would be done and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Outcome {
    New,
    Changed,
    Same,
    /// A rule of the id is there already, elsewhere.
    Duplicate {
        why: String,
    },
    Refused {
        why: Vec<String>,
    },
}

/// A file with what becomes of it.
#[derive(Debug, Serialize)]
struct Row {
    path: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What an import comes to, before anything is written.
struct Plan {
    rows: Vec<Row>,
    /// Where each file that is written goes, and its text.
    writes: Vec<(PathBuf, String)>,
    /// The ids of rules that were not there before.
    new_rules: Vec<String>,
    /// Of what is written, the files of cases.
    case_files: usize,
}

pub(in crate::cli::rules) fn run(args: &Args) -> anyhow::Result<Exit> {
    import(args).or_else(exit_of)
}

fn import(args: &Args) -> anyhow::Result<Exit> {
    if args.place.is_remote() {
        bail!("rules are imported on the machine of the server: its folder of rules is written");
    }
    let state: RuleState = match args.state.parse() {
        Ok(state) => state,
        Err(err) => {
            eprintln!("longan: {err}");
            return Ok(Exit::BadInput);
        }
    };
    if Path::new(&args.below).components().count() != 1 || args.below.starts_with('.') {
        bail!("`--below` is the name of one folder");
    }
    let folder = own_folder(args)?;
    let gathered = gather::gather(&args.from)?;
    let mut plan = plan(&folder, &args.below, &args.from, gathered.files)?;
    for (path, why) in gathered.left_out {
        plan.rows.push(Row { path, outcome: Outcome::Refused { why: vec![why] } });
    }
    if !args.dry_run {
        // In shadow first: a server that sees the files at once must not raise alerts with them.
        put_into_state(args, &plan.new_rules, state)?;
        for (place, text) in &plan.writes {
            write(place, text)?;
        }
    }
    print(args, &plan, &folder)?;
    let is_refused = plan.rows.iter().any(|row| matches!(row.outcome, Outcome::Refused { .. }));
    Ok(if is_refused { Exit::Findings } else { Exit::Fine })
}

/// The folder of the operator's own rules.
fn own_folder(args: &Args) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &args.into {
        return Ok(folder.clone());
    }
    let configured = args.place.settings()?.rules.folder;
    Ok(configured.unwrap_or_else(|| args.place.data().join("rules")))
}

/// Decides what becomes of each file: all are compiled together, so that correlations find their rules.
fn plan(folder: &Path, below: &str, from: &Path, files: Vec<Found>) -> anyhow::Result<Plan> {
    let root = folder.join(below);
    let (cases, files): (Vec<Found>, Vec<Found>) = files.into_iter().partition(|found| gather::is_cases(&found.place));
    let (existing, _) = Content::load(Some(folder));
    let known = ids_by_path(&existing);
    let builtin = Content::builtin();
    let rules = files.iter().map(|found| RuleFile { path: root.join(&found.place), text: found.text.clone() });
    let content = Content { rules: rules.collect(), cases: Vec::new(), ..builtin };
    let (_, problems) = content.compile(0);
    let mut refused: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    for problem in &problems {
        // Where it was read, not where it would have gone.
        let place = problem.path.strip_prefix(&root).unwrap_or(&problem.path);
        let read = if from.is_dir() { from.join(place) } else { place.to_owned() };
        let told = Located { path: read, ..problem.clone() };
        refused.entry(problem.path.clone()).or_default().push(told.to_string());
    }
    let mut plan = Plan { rows: Vec::new(), writes: Vec::new(), new_rules: Vec::new(), case_files: 0 };
    let mut seen: HashSet<String> = HashSet::new();
    for file in content.rules {
        let path = file.path.strip_prefix(&root).unwrap_or(&file.path).display().to_string();
        let own = ids(&file);
        let elsewhere = own.iter().find_map(|id| known.get(id).filter(|at| **at != file.path).map(|at| (id, at)));
        let outcome = if let Some(why) = refused.remove(&file.path) {
            Outcome::Refused { why }
        } else if own.is_empty() {
            Outcome::Refused { why: vec!["no rule in it".to_owned()] }
        } else if let Some((id, at)) = elsewhere {
            Outcome::Duplicate { why: format!("`{id}` is in {} already", at.display()) }
        } else if let Some(id) = own.iter().find(|id| seen.contains(*id)) {
            Outcome::Duplicate { why: format!("`{id}` came before") }
        } else {
            match fs::read_to_string(&file.path) {
                Ok(text) if text == file.text => Outcome::Same,
                Ok(_) => Outcome::Changed,
                Err(_) => Outcome::New,
            }
        };
        if matches!(outcome, Outcome::New | Outcome::Changed) {
            plan.new_rules.extend(own.iter().filter(|id| !known.contains_key(*id)).cloned());
            plan.writes.push((file.path.clone(), file.text));
        }
        let stays = matches!(outcome, Outcome::New | Outcome::Changed | Outcome::Same);
        if let Some(found) = cases.iter().find(|found| stays && root.join(found.rule_place()) == file.path) {
            plan.add_cases(&root, from, found);
        }
        seen.extend(own);
        plan.rows.push(Row { path, outcome });
    }
    Ok(plan)
}

impl Plan {
    /// Takes the cases of a rule along when they are well-formed and not there yet.
    fn add_cases(&mut self, root: &Path, from: &Path, found: &Found) {
        let read = if from.is_dir() { from.join(&found.place) } else { found.place.clone() };
        let target = root.join(&found.place);
        if let Err(problems) = CaseFile::read(&read, &found.text) {
            let why = problems.iter().map(ToString::to_string).collect();
            self.rows.push(Row { path: found.place.display().to_string(), outcome: Outcome::Refused { why } });
        } else if fs::read_to_string(&target).ok().as_ref() != Some(&found.text) {
            self.writes.push((target, found.text.clone()));
            self.case_files += 1;
        }
    }
}

fn ids(file: &RuleFile) -> Vec<String> {
    let one = Content { rules: vec![file.clone()], ..Content::default() };
    Inspector::new(&one, 0).metas().map(|meta| meta.id.clone()).collect()
}

fn ids_by_path(content: &Content) -> HashMap<String, PathBuf> {
    let of_file = |file: &RuleFile| ids(file).into_iter().map(|id| (id, file.path.clone())).collect::<Vec<_>>();
    content.rules.iter().flat_map(of_file).collect()
}

/// Puts the new rules into their state: through the server when one runs, else in the data folder.
fn put_into_state(args: &Args, rules: &[String], state: RuleState) -> anyhow::Result<()> {
    if rules.is_empty() {
        return Ok(());
    }
    if let Some(client) = args.place.running()? {
        for part in rules.chunks(STATES_AT_ONCE) {
            let request =
                StatesRequest { rules: part.to_vec(), state: state.as_str().to_owned(), reason: args.reason.clone() };
            client.call(async |client| client.set_rule_states(&request).await)?;
        }
        return Ok(());
    }
    fs::create_dir_all(args.place.data())?;
    let path = args.place.data().join(rulebook::FILE_NAME);
    let book = RuleBook::open(&path, Arc::new(SystemClock)).context("opening the rule book")?;
    let who = std::env::var("USER").unwrap_or_else(|_| "longan".to_owned());
    book.set_states(rules, state, &who, &args.reason).context("putting the rules into their state")
}

/// Writes a file whole or not at all.
fn write(place: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write `{}`", place.display());
    let folder = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o640)).with_context(failed)?;
    file.persist(place).with_context(failed)?;
    Ok(())
}

fn print(args: &Args, plan: &Plan, folder: &Path) -> anyhow::Result<()> {
    let language = Language::of_environment();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for row in &plan.rows {
        if args.format == Format::Json {
            serde_json::to_writer(&mut out, row)?;
            out.write_all(b"\n")?;
            continue;
        }
        match &row.outcome {
            Outcome::Refused { why } => {
                writeln!(out, "{}: {}", language.pick("từ chối", "refused"), SafeText::new(&row.path))?;
                for line in why.iter().flat_map(|why| why.lines()) {
                    writeln!(out, "    {}", SafeText::new(line))?;
                }
            }
            Outcome::Duplicate { why } => {
                let word = language.pick("trùng", "duplicate");
                writeln!(out, "{word}: {}: {}", SafeText::new(&row.path), SafeText::new(why))?;
            }
            Outcome::New | Outcome::Changed | Outcome::Same => {}
        }
    }
    out.flush()?;
    let count = |is: fn(&Outcome) -> bool| plan.rows.iter().filter(|row| is(&row.outcome)).count();
    let (new, changed) = (count(|one| *one == Outcome::New), count(|one| *one == Outcome::Changed));
    let same = count(|one| *one == Outcome::Same);
    let duplicates = count(|one| matches!(one, Outcome::Duplicate { .. }));
    let refused = count(|one| matches!(one, Outcome::Refused { .. }));
    let (rules, state) = (plan.new_rules.len(), &args.state);
    match language {
        Language::Vietnamese => eprintln!(
            "{new} tệp mới, {changed} đổi, {same} như cũ, {duplicates} trùng, {refused} bị từ chối; {rules} luật mới vào trạng thái {state}; {} tệp ca thử",
            plan.case_files
        ),
        Language::English => eprintln!(
            "{} new, {changed} changed, {same} as before, {}, {refused} refused; {} as {state}; {} with cases",
            counted(new, "file"),
            counted(duplicates, "duplicate"),
            if rules == 1 { "1 new rule starts".to_owned() } else { format!("{rules} new rules start") },
            counted(plan.case_files, "file"),
        ),
    }
    let told = if args.dry_run {
        language.pick("chưa ghi gì (--dry-run)", "nothing was written (--dry-run)").to_owned()
    } else {
        format!("{} {}", language.pick("vào", "into"), folder.join(&args.below).display())
    };
    eprintln!("{}", SafeText::new(&told));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: &str, value: &str) -> String {
        format!(
            "title: A rule called {id}\nid: {id}\nlogsource: {{product: linux}}\ndetection:\n    s:\n        user.name: {value}\n    condition: s\n"
        )
    }

    fn outcomes(plan: &Plan) -> Vec<(&str, &str)> {
        let word = |outcome: &Outcome| match outcome {
            Outcome::New => "new",
            Outcome::Changed => "changed",
            Outcome::Same => "same",
            Outcome::Duplicate { .. } => "duplicate",
            Outcome::Refused { .. } => "refused",
        };
        plan.rows.iter().map(|row| (row.path.as_str(), word(&row.outcome))).collect()
    }

    #[test]
    fn each_file_has_its_outcome_and_what_is_new_is_new_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let found = |place: &str, text: String| Found { place: PathBuf::from(place), text };
        let files = || {
            vec![
                found("w/a.yml", rule("imp-a", "x")),
                found("w/b.yml", rule("imp-a", "y")),
                found("w/broken.yml", rule("imp-c", "x").replace("condition: s", "condition: t")),
                found("w/ours.yml", rule("ssh-brute-force", "x")),
                found("w/a.cases.toml", "[[match]]\nline = 'x'\n".to_owned()),
                found("w/broken.cases.toml", "[[match]]\nline = 'x'\n".to_owned()),
            ]
        };
        let from = Path::new("their.zip");
        let first = plan(folder.path(), "sigma", from, files()).expect("planned");
        let told = outcomes(&first);
        assert_eq!(told[0], ("w/a.yml", "new"));
        assert!(matches!(told[1].1, "duplicate" | "refused"), "{told:?}");
        assert_eq!((told[2].1, told[3].1), ("refused", "duplicate"));
        assert_eq!(first.new_rules, ["imp-a"]);
        // Named is what was read, not where it would have gone.
        assert!(
            matches!(&first.rows[2].outcome, Outcome::Refused { why } if why[0].starts_with("w/broken.yml:")),
            "{:?}",
            first.rows[2]
        );
        assert_eq!((first.case_files, first.writes.len()), (1, 2), "the cases of what is taken come along");
        for (place, text) in &first.writes {
            write(place, text).expect("written");
        }
        let mut again = files();
        assert_eq!(outcomes(&plan(folder.path(), "sigma", from, again.clone()).expect("planned"))[0].1, "same");
        again[0].text = rule("imp-a", "z");
        let changed = plan(folder.path(), "sigma", from, again).expect("planned");
        assert_eq!(outcomes(&changed)[0].1, "changed");
        assert!(changed.new_rules.is_empty(), "a changed rule keeps its state");
    }
}
