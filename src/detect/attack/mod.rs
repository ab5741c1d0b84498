//! MITRE ATT&CK (Enterprise, version 19) as far as tags of rules name it: tactics, techniques, what became of older ids,
//! and which techniques a set of rules looks for.

mod coverage;
mod table;

pub use coverage::Cell;
pub use coverage::Coverage;
pub use coverage::CoveredRule;
pub use coverage::Figures;
pub use coverage::Mark;
pub use coverage::Sum;
pub use table::TACTICS;
pub use table::VERSION;

/// A tactic: a column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tactic {
    /// As ATT&CK numbers it.
    pub id: &'static str,
    /// As Sigma writes it in tags.
    pub slug: &'static str,
    pub name: &'static str,
    pub name_vi: &'static str,
    letter: char,
}

/// A technique, without its sub-techniques.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Technique {
    /// The digits behind the T.
    pub number: &'static str,
    pub name: &'static str,
    /// The tactics it serves, each by its letter.
    tactics: &'static str,
}

/// The tactic that version 19 split in two.
pub const SPLIT_TACTIC: &str = "defense-evasion";

/// Goes through the techniques, in the order of their numbers.
pub fn techniques() -> impl Iterator<Item = Technique> {
    table::TECHNIQUES.lines().filter_map(|line| {
        let (number, rest) = line.split_once(' ')?;
        let (tactics, name) = rest.split_once(' ')?;
        Some(Technique { number, name, tactics })
    })
}

/// Finds a technique by its four digits.
pub fn technique(number: &str) -> Option<Technique> {
    techniques().find(|technique| technique.number == number)
}

/// Says whether a tag names a tactic.
pub fn is_tactic(slug: &str) -> bool {
    // Sigma has written tactics with underscores, too.
    let slug = slug.replace('_', "-");
    TACTICS.iter().any(|tactic| tactic.slug == slug)
}

/// Returns what took the place of a technique that was revoked, both as `1562.001`; `None` for one that stands.
///
/// A sub-technique of a revoked technique that has no line of its own follows its technique.
pub fn successor(id: &str) -> Option<&'static str> {
    let line = |wanted: &str| table::REVOKED.iter().find(|(old, _)| *old == wanted).map(|(_, new)| *new);
    line(id).or_else(|| {
        let (number, _) = id.split_once('.')?;
        technique(number).is_none().then(|| line(number)).flatten()
    })
}

impl Technique {
    /// Says whether the technique serves a tactic.
    pub fn serves(self, tactic: &Tactic) -> bool {
        self.tactics.contains(tactic.letter)
    }
}

/// Returns the technique a tag names (`attack.t1110.003`): its digits, and those of the sub-technique.
pub fn technique_of_tag(tag: &str) -> Option<(String, Option<String>)> {
    let lower = tag.to_lowercase();
    let rest = lower.strip_prefix("attack.t")?;
    let (number, sub) = match rest.split_once('.') {
        Some((number, sub)) => (number, Some(sub)),
        None => (rest, None),
    };
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_well = digits(number, 4) && sub.is_none_or(|sub| digits(sub, 3));
    is_well.then(|| (number.to_owned(), sub.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_in_order() {
        assert_eq!(techniques().count(), table::TECHNIQUES.lines().count());
        let numbers: Vec<&str> = techniques().map(|technique| technique.number).collect();
        assert!(numbers.is_sorted());
        // What version 19 says of itself.
        assert_eq!((TACTICS.len(), numbers.len()), (15, 222));
        for technique in techniques() {
            assert!(TACTICS.iter().any(|tactic| technique.serves(tactic)), "{technique:?}");
            let known = |letter: char| TACTICS.iter().any(|tactic| tactic.letter == letter);
            assert!(technique.tactics.chars().all(known), "{technique:?}");
        }
        let columns: Vec<usize> =
            TACTICS.iter().map(|tactic| techniques().filter(|technique| technique.serves(tactic)).count()).collect();
        assert_eq!(columns, [12, 9, 11, 20, 22, 13, 30, 18, 17, 34, 9, 17, 18, 9, 15]);
    }

    #[test]
    fn tags_are_read() {
        assert_eq!(technique_of_tag("attack.T1110.003"), Some(("1110".to_owned(), Some("003".to_owned()))));
        assert_eq!(technique_of_tag("attack.t1110"), Some(("1110".to_owned(), None)));
        for tag in ["attack.t11", "attack.execution", "cve.2024-1", "attack.t1110.1"] {
            assert_eq!(technique_of_tag(tag), None, "{tag}");
        }
        assert!(is_tactic("credential_access") && !is_tactic("credentials") && !is_tactic(SPLIT_TACTIC));
    }

    #[test]
    fn what_was_revoked_leads_to_what_stands() {
        for (old, new) in table::REVOKED {
            let (number, _) = new.split_once('.').unwrap_or((new, ""));
            assert!(technique(number).is_some(), "{old} -> {new}");
            assert!(old.contains('.') || technique(old).is_none(), "{old} stands");
        }
        for (id, wanted) in [
            ("1562.001", Some("1685")),
            ("1562", Some("1685")),
            ("1562.099", Some("1685")),
            ("1070.001", Some("1685.005")),
            ("1070.004", None),
            ("1110.003", None),
            ("9999", None),
        ] {
            assert_eq!(successor(id), wanted, "{id}");
        }
    }
}
