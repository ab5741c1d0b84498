//! What a text must contain for a regex to be found in it: so that most texts need not be looked at by the regex itself.
//!
//! [`Need`] is a necessary condition, never more: what it refuses cannot match; what it admits may. Only [`Literals::is_all`]
//! says that nothing else is asked.

use regex_syntax::hir::Class;
use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;

/// More alternatives than this are not worth looking for one by one.
const ALTERNATIVES_MAX: usize = 16;
/// A class of so many characters may be one letter in its different forms.
const FORMS_MAX: usize = 4;

/// A necessary condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing can be said.
    Anything,
    Text(Needle),
    All(Vec<Need>),
    Any(Vec<Need>),
}

/// A piece of text that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needle {
    /// Not empty; as [`folded`] gives it when case does not matter.
    pub text: String,
    pub ignores_case: bool,
}

/// What is known of a regex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literals {
    pub need: Need,
    /// A text that fulfils the need matches for certain.
    pub is_all: bool,
    /// What surrounds a match does not matter: a match in a piece of a text is one in the text.
    pub is_free_of_context: bool,
}

/// Finds out what a regex needs.
pub fn literals_of(source: &str, ignore_case: bool) -> Literals {
    let parsed = regex_syntax::ParserBuilder::new().case_insensitive(ignore_case).build().parse(source);
    let Ok(hir) = parsed else {
        return Literals { need: Need::Anything, is_all: false, is_free_of_context: false };
    };
    let is_all = matches!(hir.kind(), HirKind::Literal(literal) if std::str::from_utf8(&literal.0).is_ok());
    let is_free_of_context = hir.properties().look_set().is_empty();
    Literals { need: need_of(&hir), is_all, is_free_of_context }
}

/// Returns a text letter by letter in lower case, so that what two texts share regardless of case is shared by these.
pub fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|letter| if letter == 'ſ' { 's' } else { letter }).collect()
}

fn need_of(hir: &Hir) -> Need {
    let mut walk = Walk::default();
    walk.visit(hir);
    walk.finish()
}

#[derive(Default)]
struct Walk {
    /// Letters that stand side by side.
    run: String,
    ignores_case: bool,
    all: Vec<Need>,
}

impl Walk {
    fn visit(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => self.run.push_str(text),
                Err(_) => self.flush(),
            },
            HirKind::Class(class) => match letter_of(class) {
                Some(letter) => {
                    self.run.push(letter);
                    self.ignores_case = true;
                }
                None => self.flush(),
            },
            HirKind::Repetition(repetition) => {
                // What must be there once follows what stands before it; what comes after may follow a later one.
                if repetition.min > 0 {
                    self.visit(&repetition.sub);
                }
                self.flush();
            }
            HirKind::Capture(capture) => self.visit(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.visit(part)),
            HirKind::Alternation(parts) => {
                self.flush();
                let needs: Vec<Need> = parts.iter().take(ALTERNATIVES_MAX + 1).map(need_of).collect();
                if needs.len() <= ALTERNATIVES_MAX && !needs.contains(&Need::Anything) {
                    self.all.push(Need::Any(needs));
                }
            }
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.run);
        let ignores_case = std::mem::take(&mut self.ignores_case);
        if !text.is_empty() {
            let text = if ignores_case { folded(&text) } else { text };
            self.all.push(Need::Text(Needle { text, ignores_case }));
        }
    }

    fn finish(mut self) -> Need {
        self.flush();
        match (self.all.pop(), self.all.is_empty()) {
            (None, _) => Need::Anything,
            (Some(only), true) => only,
            (Some(last), false) => {
                self.all.push(last);
                Need::All(self.all)
            }
        }
    }
}

/// Returns the letter whose forms a class consists of.
fn letter_of(class: &Class) -> Option<char> {
    let mut forms: Vec<char> = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                if range.len() > FORMS_MAX {
                    return None;
                }
                forms.extend(range.start()..=range.end());
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                if range.len() > FORMS_MAX {
                    return None;
                }
                forms.extend((range.start()..=range.end()).map(char::from));
            }
        }
    }
    let mut encoded = [0; 4];
    let mut letters = forms.iter().take(FORMS_MAX + 1).map(|form| {
        let lower = folded(form.encode_utf8(&mut encoded));
        let mut letters = lower.chars();
        letters.next().filter(|_| letters.next().is_none())
    });
    let first = letters.next()??;
    (forms.len() <= FORMS_MAX && letters.all(|letter| letter == Some(first))).then_some(first)
}

impl Need {
    /// Says whether a text fulfils it.
    pub fn admits(&self, text: &str) -> bool {
        match self {
            Need::Anything => true,
            Need::Text(needle) if needle.ignores_case => folded(text).contains(&needle.text),
            Need::Text(needle) => text.contains(&needle.text),
            Need::All(needs) => needs.iter().all(|need| need.admits(text)),
            Need::Any(needs) => needs.iter().any(|need| need.admits(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::RegexBuilder;

    use super::*;

    fn shown(need: &Need) -> String {
        let list = |needs: &[Need], sign: &str| needs.iter().map(shown).collect::<Vec<_>>().join(sign);
        match need {
            Need::Anything => "?".to_owned(),
            Need::Text(needle) => format!("{}{}", needle.text, if needle.ignores_case { "~" } else { "" }),
            Need::All(needs) => format!("({})", list(needs, " & ")),
            Need::Any(needs) => format!("({})", list(needs, " | ")),
        }
    }

    #[test]
    fn a_regex_tells_what_it_needs() {
        let table = [
            ("onnec", false, "onnec"),
            ("from [0-9.]+ port 4[0-9]+", false, "(from  &  port 4)"),
            (r"union\s+select", true, "(union~ & select~)"),
            ("failed|denied", false, "(failed | denied)"),
            ("failed|.*", false, "?"),
            ("ab+c?d", false, "(ab & d)"),
            ("(ab){2}c", false, "(ab & c)"),
            (r"^a\b.$", false, "a"),
            ("[0-9]+", false, "?"),
            ("k", true, "k~"),
            ("[Đđ]ăng", false, "đăng~"),
            ("", false, "?"),
        ];
        for (source, ignore_case, expected) in table {
            assert_eq!(shown(&literals_of(source, ignore_case).need), expected, "{source}");
        }
        let pure = literals_of("a b", false);
        assert!(pure.is_all && pure.is_free_of_context);
        assert!(!literals_of("^a b", false).is_free_of_context);
        assert!(!literals_of("a b", true).is_all);
    }

    proptest! {
        #[test]
        fn what_matches_fulfils_the_need(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["a", "B", "s", "k", "đ", " ", "[ab]", "(a|bk)", "s+", "(k s)?", "[0-9]", "^", "$", r"\b", ".", "b{2}"]),
                1..6,
            ),
            text in "[abkKsSſđĐ 0-9B\u{212a}]{0,12}",
            ignore_case in any::<bool>(),
        ) {
            let source = pieces.concat();
            let regex = RegexBuilder::new(&source).case_insensitive(ignore_case).build();
            if let Ok(regex) = regex {
                let literals = literals_of(&source, ignore_case);
                let is_match = regex.is_match(&text);
                prop_assert!(!is_match || literals.need.admits(&text), "`{}` in `{}`: {:?}", source, text, literals);
                prop_assert!(is_match || !(literals.is_all && literals.need.admits(&text)), "`{}`", source);
            }
        }
    }
}
