//! What a word of a query may go on as: names of fields, and values of one.

/// Candidates offered at once.
pub(crate) const CANDIDATES_MAX: usize = 50;

/// The word before the cursor, as far as it says what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word<'q> {
    /// Where in the query it begins, in bytes; a sign before it is not part of it.
    pub start: usize,
    /// Set when a value is typed: the field it is of.
    pub field: Option<&'q str>,
    /// What is there of the name or value, without an opening quote.
    pub typed: &'q str,
    /// Whether it stands behind a pipe, where a name has no colon after it.
    pub is_piped: bool,
}

/// Finds the word that ends at the end of `text`.
pub(crate) fn word_of(text: &str) -> Word<'_> {
    let (mut start, mut is_quoted, mut is_piped, mut is_escaped) = (0, false, false, false);
    for (at, c) in text.char_indices() {
        if std::mem::take(&mut is_escaped) {
            continue;
        }
        match c {
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '|' => (start, is_piped) = (at + 1, true),
            c if c.is_whitespace() || matches!(c, '(' | ')' | ',') => start = at + c.len_utf8(),
            _ => {}
        }
    }
    let word = text.get(start..).unwrap_or_default();
    let bare = word.trim_start_matches(['-', '!', '`']);
    start += word.len() - bare.len();
    match bare.split_once(':').filter(|_| !is_piped) {
        Some((field, value)) if !field.is_empty() => {
            Word { start, field: Some(field), typed: value.strip_prefix('"').unwrap_or(value), is_piped }
        }
        _ => Word { start, field: None, typed: bare, is_piped },
    }
}

/// Offers to go on with a word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Completion {
    /// Where in the query the word begins.
    pub start: usize,
    pub candidates: Vec<String>,
    /// The one that stands in the query; none while only their common beginning does.
    pub chosen: Option<usize>,
    /// Values are on their way.
    pub is_waiting: bool,
}

impl Completion {
    /// Returns what stands in place of the word after another press of the key: first what all have in common, then each.
    pub(crate) fn step(&mut self, typed: &str) -> Option<String> {
        let common = common_start(&self.candidates);
        if self.chosen.is_none() && self.candidates.len() > 1 && common.len() > typed.len() {
            return Some(common);
        }
        let next = self.chosen.map_or(0, |chosen| (chosen + 1) % self.candidates.len().max(1));
        let text = self.candidates.get(next)?.clone();
        self.chosen = Some(next);
        Some(text)
    }
}

fn common_start(words: &[String]) -> String {
    let Some((first, rest)) = words.split_first() else { return String::new() };
    let shared = |word: &String| first.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
    let count = rest.iter().map(shared).min().unwrap_or_else(|| first.chars().count());
    first.chars().take(count).collect()
}

/// Writes a condition as one would type it: quotes only where they are needed.
pub(crate) fn typed_condition(field: &str, value: &str) -> String {
    let is_plain = value.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '@'));
    if is_plain && !value.is_empty() {
        format!("{field}:{value}")
    } else {
        crate::console::look::format::condition(field, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_before_the_cursor_is_found() {
        for (text, start, field, typed, is_piped) in [
            ("", 0, None, "", false),
            ("user.na", 0, None, "user.na", false),
            ("a AND -host.name:web", 7, Some("host.name"), "web", false),
            ("(user.name:\"an ng", 1, Some("user.name"), "an ng", false),
            ("\"a b:c\" us", 8, None, "us", false),
            ("x | stats count() by `source.i", 22, None, "source.i", true),
            ("x | where a:b", 10, None, "a:b", true),
            ("đ user.name:đ", 3, Some("user.name"), "đ", false),
            (":x", 0, None, ":x", false),
        ] {
            assert_eq!(word_of(text), Word { start, field, typed, is_piped }, "{text}");
        }
    }

    #[test]
    fn what_all_have_in_common_comes_first_and_then_each() {
        let candidates = ["user.name:", "user.id:"].map(str::to_owned).to_vec();
        let mut completion = Completion { candidates, ..Completion::default() };
        assert_eq!(completion.step("us"), Some("user.".to_owned()));
        assert_eq!(completion.step("user."), Some("user.name:".to_owned()));
        assert_eq!(completion.step("user.name:"), Some("user.id:".to_owned()));
        assert_eq!(completion.step("user.id:"), Some("user.name:".to_owned()));
        assert_eq!(Completion::default().step(""), None);
    }

    #[test]
    fn a_value_is_quoted_where_it_must_be() {
        assert_eq!(typed_condition("user.name", "an.nguyen"), "user.name:an.nguyen");
        assert_eq!(typed_condition("file.path", "C:\\a b"), "file.path:\"C:\\\\a b\"");
        assert_eq!(typed_condition("user.name", "*"), "user.name:\"*\"");
    }
}
