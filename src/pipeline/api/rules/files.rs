//! Rule files for the API: found by a rule's id, checked, tested, and written into the operator's folder.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::Digest as _;
use sha2::Sha256;

use crate::detect::Content;
use crate::detect::RuleFile;
use crate::detect::cases;
use crate::detect::cases::CaseFile;
use crate::detect::inspect::Inspector;
use crate::detect::inspect::lay_over;
use crate::detect::lint_all;
use crate::pipeline::trial::LineReader;
use crate::pipeline::trial::ZONE_OFFSET_SECONDS;
use crate::wire::problem::Problem;
use crate::wire::rule::CaseOutcome;
use crate::wire::rule::CheckReport;
use crate::wire::rule::RuleProblem;
use crate::wire::rule::RuleSaveRequest;
use crate::wire::rule::RuleSource;
use crate::wire::rule::TestReport;
use crate::wire::rule::TestRequest;

/// The name a text without a place is checked under.
const UNPLACED: &str = "rule.yml";
/// Folders one inside the other, as deep as rules are read.
const DEPTH_MAX: usize = 16;

pub(super) fn refused(status: u16, kind: &str, detail: String) -> Problem {
    Problem { status, kind: kind.to_owned(), detail, hint: None, column: None, owner: None }
}

/// Returns what stands for a text: the same text, the same version.
fn version_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ids(file: &RuleFile) -> Vec<String> {
    let one = Content { rules: vec![file.clone()], ..Content::default() };
    Inspector::new(&one, 0).metas().map(|meta| meta.id.clone()).collect()
}

/// Returns the place of a file below the folder of rules: that of the program's own, or the operator's.
fn place_of(path: &Path, folder: Option<&Path>) -> (PathBuf, bool) {
    match folder.and_then(|folder| path.strip_prefix(folder).ok()) {
        Some(place) => (place.to_owned(), true),
        None => (path.strip_prefix("rules").unwrap_or(path).to_owned(), false),
    }
}

/// Finds the file a rule stands in.
pub(super) fn source(content: &Content, folder: Option<&Path>, rule: &str) -> Result<RuleSource, Problem> {
    // Reading a file as YAML is slow; looking for a word in it is not.
    let found =
        content.rules.iter().filter(|file| file.text.contains(rule)).find(|file| ids(file).iter().any(|id| id == rule));
    let Some(file) = found else { return Err(refused(404, "not_found", format!("no rule `{rule}`"))) };
    let (place, is_own) = place_of(&file.path, folder);
    Ok(RuleSource {
        id: rule.to_owned(),
        path: place.display().to_string(),
        text: file.text.clone(),
        version: version_of(&file.text),
        is_own,
        quieted: Vec::new(),
    })
}

/// Checks a text as `rules check` does, with everything else there is.
pub(super) fn check(content: &Content, text: &str) -> CheckReport {
    let mut content = content.clone();
    let errors = lay_over(&mut content, Path::new(UNPLACED), text);
    let file = RuleFile { path: PathBuf::from(UNPLACED), text: text.to_owned() };
    let rules = ids(&file);
    let mut problems: Vec<RuleProblem> = errors
        .iter()
        .map(|problem| RuleProblem {
            line: problem.position.line,
            column: problem.position.column,
            severity: "error".to_owned(),
            code: None,
            text: problem.error.to_string(),
            hint: problem.hint.clone(),
        })
        .collect();
    // The linter looks at this file alone: what is said of the others was said before.
    content.rules = vec![file];
    problems.extend(lint_all(&content).into_iter().filter(|finding| finding.path == Path::new(UNPLACED)).map(
        |finding| RuleProblem {
            line: finding.position.line,
            column: finding.position.column,
            severity: finding.error.severity.to_string(),
            code: Some(finding.error.code.to_owned()),
            text: finding.error.text,
            hint: finding.hint,
        },
    ));
    if rules.is_empty() && problems.is_empty() {
        problems.push(RuleProblem {
            line: 1,
            column: 1,
            severity: "error".to_owned(),
            text: "there is no rule in it".to_owned(),
            ..RuleProblem::default()
        });
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let is_right = errors.is_empty() && !rules.is_empty();
    CheckReport { rules, problems, is_right }
}

/// Runs the cases of a rule.
pub(super) fn test(mut content: Content, parsers: Option<&Path>, request: &TestRequest) -> Result<TestReport, Problem> {
    if let Some(text) = &request.text {
        let mut with_text = content.clone();
        let problems = lay_over(&mut with_text, Path::new(UNPLACED), text);
        if !problems.is_empty() {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(refused(400, "invalid", lines.join("\n")));
        }
        // The cases know the rule by its file: the text takes the place of the file that has it.
        let own = ids(&RuleFile { path: PathBuf::from(UNPLACED), text: text.clone() });
        match content.rules.iter_mut().find(|file| ids(file).iter().any(|id| own.contains(id))) {
            Some(file) => file.text.clone_from(text),
            None => content = with_text,
        }
    }
    let (set, _) = content.compile(ZONE_OFFSET_SECONDS);
    let set = Arc::new(set);
    let Some(rule) = set.rules().find(|meta| meta.id == request.rule || meta.name.as_ref() == Some(&request.rule))
    else {
        return Err(refused(404, "not_found", format!("no rule `{}`", request.rule)));
    };
    let (reader, _) = LineReader::load(parsers);
    let mut report = TestReport { rule: rule.id.clone(), cases: Vec::new() };
    for file in content.cases.iter().filter_map(|file| CaseFile::read(&file.path, &file.text).ok()) {
        if !file.rules(&set).contains(&rule.id) {
            continue;
        }
        for case in &file.cases {
            let outcome = cases::run(&set, &rule.id, case, &|arrival, each| reader.read(arrival, each));
            report.cases.push(CaseOutcome {
                name: case.name.clone(),
                line: case.at.line,
                must_match: case.must_match,
                passed: outcome.passed,
                detections: outcome.detections as u64,
                parser: outcome.parser,
            });
        }
    }
    Ok(report)
}

/// Returns a place below the folder when it is one: plain names, a rule file.
fn checked_place(path: &str) -> Result<PathBuf, Problem> {
    let wrong = |why: &str| Err(refused(400, "invalid", format!("`{path}` is no place for a rule: {why}")));
    let place = Path::new(path);
    let is_plain = |component: Component<'_>| match component {
        Component::Normal(name) => {
            name.to_str().is_some_and(|name| !name.starts_with('.') && !name.contains(char::is_control))
        }
        _ => false,
    };
    if !place.components().all(is_plain) || place.components().count() > DEPTH_MAX || path.len() > 512 {
        return wrong("write a path below the folder of rules");
    }
    if !place.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
        return wrong("it must end with `.yml`");
    }
    Ok(place.to_owned())
}

/// Writes a rule file, when it is right and nobody changed it meanwhile.
pub(super) fn save(content: &Content, folder: &Path, request: &RuleSaveRequest) -> Result<RuleSource, Problem> {
    let place = checked_place(&request.path)?;
    let present = content.rules.iter().find(|file| place_of(&file.path, Some(folder)).0 == place);
    let present_version = present.map(|file| version_of(&file.text));
    if present_version != request.version {
        let mut problem = refused(409, "conflict", format!("`{}` was changed meanwhile", request.path));
        problem.hint = Some("read it again, then change it again".to_owned());
        return Err(problem);
    }
    let report = check(content, &request.text);
    if !report.is_right {
        let lines: Vec<String> = report
            .problems
            .iter()
            .filter(|problem| problem.severity == "error")
            .map(|problem| format!("{}:{}:{}: {}", request.path, problem.line, problem.column, problem.text))
            .collect();
        return Err(refused(400, "invalid", lines.join("\n")));
    }
    let path = folder.join(&place);
    write(folder, &path, &request.text).map_err(|err| {
        tracing::error!(error = %err, path = %path.display(), "a rule file could not be written");
        refused(500, "internal", format!("`{}` cannot be written: {err}", request.path))
    })?;
    Ok(RuleSource {
        id: report.rules.into_iter().next().unwrap_or_default(),
        path: request.path.clone(),
        text: request.text.clone(),
        version: version_of(&request.text),
        is_own: true,
        quieted: Vec::new(),
    })
}

/// Writes a file whole or not at all, and nowhere but below the folder.
fn write(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent)?;
    // A link inside the folder must not lead out of it.
    if !parent.canonicalize()?.starts_with(folder.canonicalize()?) {
        return Err(std::io::Error::other("its folder lies outside"));
    }
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o640))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|err| err.error)?;
    fs::File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "title: Own rule of the test\nid: own-rule\nlogsource: {product: linux}\ndetection:\n    s:\n        user.name: x\n    condition: s\n";

    fn asked(path: &str, text: &str, version: Option<String>) -> RuleSaveRequest {
        RuleSaveRequest { path: path.to_owned(), text: text.to_owned(), version, ..RuleSaveRequest::default() }
    }

    #[test]
    fn a_file_is_written_once_for_each_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let content = || Content::load(Some(folder.path())).0;
        let saved = save(&content(), folder.path(), &asked("own/a.yml", RULE, None)).expect("saved");
        assert_eq!(saved.id, "own-rule");
        let again = save(&content(), folder.path(), &asked("own/a.yml", RULE, None)).expect_err("it is there now");
        assert_eq!(again.status, 409);
        let read = source(&content(), Some(folder.path()), "own-rule").expect("found");
        assert_eq!((read.path.as_str(), &read.version, read.is_own), ("own/a.yml", &saved.version, true));
        let changed = RULE.replace("user.name: x", "user.name: y");
        save(&content(), folder.path(), &asked("own/a.yml", &changed, Some(read.version.clone()))).expect("saved");
        let late = save(&content(), folder.path(), &asked("own/a.yml", RULE, Some(read.version))).expect_err("late");
        assert_eq!(late.status, 409);
        // A file of the program's own is laid over.
        let ours = source(&content(), Some(folder.path()), "ssh-brute-force").expect("found");
        assert!(!ours.is_own && ours.path.starts_with("linux/"), "{}", ours.path);
        let text = format!("{}\n# changed\n", ours.text.trim_end());
        save(&content(), folder.path(), &asked(&ours.path, &text, Some(ours.version))).expect("saved");
        assert!(source(&content(), Some(folder.path()), "ssh-brute-force").expect("found").is_own);
    }

    #[test]
    fn what_is_wrong_or_outside_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let content = Content::load(Some(folder.path())).0;
        for path in ["../x.yml", "/etc/x.yml", "x.txt", ".hidden.yml", "a/../../x.yml", ""] {
            assert_eq!(save(&content, folder.path(), &asked(path, RULE, None)).expect_err(path).status, 400, "{path}");
        }
        let broken = RULE.replace("condition: s", "condition: t");
        let err = save(&content, folder.path(), &asked("x.yml", &broken, None)).expect_err("broken");
        assert!(err.detail.starts_with("x.yml:"), "{}", err.detail);
        let elsewhere = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("out")).expect("linked");
        assert_eq!(save(&content, folder.path(), &asked("out/x.yml", RULE, None)).expect_err("outside").status, 500);
        assert_eq!(fs::read_dir(elsewhere.path()).expect("readable").count(), 0);
    }

    #[test]
    fn problems_have_their_places_and_cases_run_with_a_changed_text() {
        let content = Content::builtin();
        let report = check(&content, &RULE.replace("linux", "Linux"));
        assert!(report.is_right);
        assert!(
            report
                .problems
                .iter()
                .any(|problem| problem.code.as_deref() == Some("logsource-case") && problem.line == 3)
        );
        assert!(!check(&content, "").is_right && !check(&content, "title: [").is_right);
        let request = TestRequest { rule: "ssh-brute-force".to_owned(), text: None };
        let report = test(content.clone(), None, &request).expect("run");
        assert!(report.cases.len() >= 6 && report.cases.iter().all(|case| case.passed), "{report:?}");
        let ours = source(&content, None, "ssh-brute-force").expect("found");
        let text = Some(ours.text.replace("gte: 20", "gte: 2000"));
        let report = test(content.clone(), None, &TestRequest { text, ..request.clone() }).expect("run");
        assert!(report.cases.iter().any(|case| !case.passed), "a threshold nobody reaches fails its cases");
        assert!(test(content, None, &TestRequest { rule: "none".to_owned(), text: None }).is_err());
    }
}
