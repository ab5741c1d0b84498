//! The table of checks: code, severity, and what each is about. The manual's table is made from it.

use super::Severity;
use super::Severity::Error;
use super::Severity::Info;
use super::Severity::Warning;

/// One check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    pub code: &'static str,
    pub severity: Severity,
    /// What it finds, in a phrase.
    pub finds: &'static str,
}

const fn check(code: &'static str, severity: Severity, finds: &'static str) -> Check {
    Check { code, severity, finds }
}

/// Every check, in the order of the manual.
pub const CHECKS: [Check; 93] = [
    check("no-id", Warning, "no `id`: alerts, exceptions and correlations refer to a rule by it"),
    check("odd-id", Warning, "an `id` that is neither a UUID nor a lower-case word"),
    check("no-level", Warning, "no `level`: it counts as medium"),
    check("no-status", Warning, "no `status`: it counts as experimental"),
    check("retired", Warning, "a deprecated or unsupported rule"),
    check("untried-critical", Info, "level critical, though the status is experimental"),
    check("no-description", Warning, "no `description`"),
    check("short-description", Info, "a description of fewer than 16 characters"),
    check("description-is-title", Info, "a description that only repeats the title"),
    check("no-falsepositives", Warning, "no `falsepositives`"),
    check("empty-falsepositives", Warning, "`falsepositives` that are empty or say only `None`"),
    check("no-tags", Warning, "no `tags`: the rule is missing from the ATT&CK matrix"),
    check("odd-tag", Warning, "a tag without a namespace, of an unknown one, or ill-formed"),
    check("tag-case", Warning, "a tag with capitals"),
    check("unknown-tactic", Warning, "an ATT&CK tag that is no tactic, technique, group or software"),
    check("unknown-technique", Warning, "a technique ATT&CK does not have"),
    check("outdated-attack", Info, "a technique or tactic that ATT&CK has replaced"),
    check("no-technique", Info, "an ATT&CK tactic, but no technique"),
    check("repeated-tag", Warning, "a tag twice"),
    check("no-author", Warning, "no `author`"),
    check("no-date", Info, "no `date`"),
    check("bad-date", Warning, "a `date` or `modified` that is not `YYYY-MM-DD`"),
    check("modified-before-date", Warning, "`modified` lies before `date`"),
    check("bad-reference", Warning, "a reference that is no URL"),
    check("repeated-reference", Info, "a reference twice"),
    check("not-a-list", Warning, "`tags`, `references` or `falsepositives` that are no list"),
    check("unknown-key", Warning, "a key that is nearly one Sigma knows"),
    check("long-title", Warning, "a title of more than 110 characters"),
    check("short-title", Info, "a title of fewer than 8 characters"),
    check("title-full-stop", Warning, "a title that ends with a full stop"),
    check("title-blanks", Warning, "a title with blanks at an end or doubled"),
    check("half-translated", Warning, "only one of title and description, or steps in one language only"),
    check("no-response", Info, "a rule of ours of level high or critical without response steps"),
    check("open-logsource", Warning, "a log source that names nothing"),
    check("logsource-case", Warning, "a log source with capitals"),
    check("unknown-logsource-key", Warning, "a key in `logsource` that Sigma does not know"),
    check("empty-logsource", Warning, "a `product`, `service` or `category` without a value"),
    check("unused-search", Warning, "a search the condition does not use"),
    check("same-search", Warning, "two searches that look for the same"),
    check("reserved-search", Error, "a search called `rules` or `timeframe`, which is ignored"),
    check("timeframe", Warning, "`timeframe` of Sigma 1, which is ignored: write a correlation"),
    check("repeated-value", Warning, "a value twice"),
    check("case-duplicate", Warning, "two values that differ only in letter case"),
    check("shadowed-value", Warning, "a value another one of the list covers"),
    check("only-wildcards", Warning, "a comparison with wildcards only"),
    check("many-wildcards", Warning, "more wildcards than anyone can read"),
    check("redundant-wildcard", Warning, "`*` where `contains`, `startswith` or `endswith` has it already"),
    check("escaped-wildcard", Warning, "`\\*` or `\\?`, which is the character itself, in a path"),
    check("blank-value", Warning, "a value with blanks at an end"),
    check("null-in-list", Warning, "`null` among other values"),
    check("huge-list", Info, "more than 500 values: a placeholder list is easier to keep"),
    check("number-as-text", Info, "a number in quotes to be compared by size"),
    check("short-keyword", Warning, "a keyword of one or two characters"),
    check("all-one-value", Warning, "`|all` with one value"),
    check("modifier-repeated", Warning, "a modifier twice"),
    check("modifier-contradiction", Warning, "more than one of `contains`, `startswith`, `endswith`"),
    check("cased-useless", Info, "`|cased` on values without letters"),
    check("double-base64", Warning, "`base64` twice, or of what is encoded already"),
    check("base64-whole", Warning, "`base64offset` without `contains`"),
    check("wide-alone", Warning, "UTF-16 without `base64` or `base64offset`"),
    check("windash-no-dash", Warning, "`|windash` on values without a dash"),
    check("ip-prefix", Warning, "the beginning of an address as text: `|cidr` says what is meant"),
    check("single-address", Info, "a network of one address"),
    check("whole-internet", Warning, "a network of every address"),
    check("no-list", Error, "a placeholder that has no list"),
    check("odd-field-name", Warning, "a field name with blanks"),
    check("unknown-field", Warning, "a dotted name that is no ECS field but nearly one"),
    check("unmapped-field", Warning, "a field without a mapping for the log source"),
    check("bad-type", Warning, "a value that a field of this type never has"),
    check("loose-regex", Warning, "`.*` at an end of an expression, which changes nothing"),
    check("plain-regex", Warning, "an expression that is plain text"),
    check("costly-regex", Warning, "repetitions within repetitions, or very many of them"),
    check("regex-no-literal", Info, "an expression without three letters in a row: it is tried on every value"),
    check("no-trigger", Warning, "a condition that can hold with nothing met"),
    check("weak-trigger", Warning, "nothing looked for is rare"),
    check("never-matches", Error, "a condition that wants and forbids the same"),
    check("two-values", Warning, "a field that must be two values at once"),
    check("one-of-one", Info, "`1 of` or `all of` that means one search"),
    check("them-with-filter", Warning, "`of them` though a search is called filter"),
    check("double-not", Warning, "`not not`"),
    check("mixed-operators", Info, "`and` and `or` without parentheses"),
    check("no-group-by", Warning, "a correlation that counts everything together"),
    check("group-by-unknown", Warning, "a group-by name that is neither an ECS field nor an alias nor mapped"),
    check("long-timespan", Info, "a time span of more than two days: its state is large"),
    check("threshold-one", Warning, "a count that one match reaches"),
    check("temporal-one-rule", Warning, "a temporal correlation of one rule"),
    check("counts-its-group", Warning, "`value_count` of a field it groups by: always 1"),
    check("repeated-rule", Warning, "a correlation that names a rule twice"),
    check("unused-alias", Warning, "an alias `group-by` does not name"),
    check("wide-filter", Warning, "a filter for any rule of any log source"),
    check("duplicate-title", Warning, "two rules of the same title"),
    check("duplicate-detection", Warning, "two rules that look for the same"),
    check("ignore", Warning, "an ignored finding without a reason, of an unknown code, or that is not there"),
];

/// Finds a check by its code.
pub(super) fn find(code: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.code == code)
}
