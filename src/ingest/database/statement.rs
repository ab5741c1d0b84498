//! Checks that a statement an operator wrote only reads.
//!
//! The session is read-only as well, so this is the second lock: it tells the mistake when the configuration is checked, before
//! anything is connected. It reads words outside quotes and comments and knows nothing more of SQL.

/// Why a statement is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    #[error("a query begins with `SELECT` or `WITH`, not with `{0}`")]
    NoSelect(String),
    #[error("`{0}` has no place in a query that only reads")]
    Writes(String),
    #[error("one query only, without `;`")]
    Many,
    #[error("a quote or comment is not closed")]
    Open,
    #[error("executable comments (`/*! … */`) are not taken")]
    ExecutableComment,
}

/// Words that change something, lock something or leave the result set. As names of columns they must be quoted.
const WRITING: [&str; 25] = [
    "insert", "update", "delete", "merge", "replace", "upsert", "truncate", "drop", "alter", "create", "grant",
    "revoke", "call", "do", "execute", "prepare", "copy", "load", "into", "lock", "vacuum", "set", "begin", "commit",
    "handler",
];

/// Checks a statement.
///
/// # Errors
/// The first reason why it is not taken.
pub fn check_select(text: &str) -> Result<(), StatementError> {
    let words = words(text)?;
    let first = words.first().map(String::as_str).unwrap_or_default();
    if !matches!(first, "select" | "with") {
        return Err(StatementError::NoSelect(first.to_owned()));
    }
    for (index, word) in words.iter().enumerate() {
        // `replace(text, …)` is a function of every database.
        let is_function = word == "replace" && words.get(index + 1).is_some_and(|next| next == "(");
        if WRITING.contains(&word.as_str()) && !is_function {
            return Err(StatementError::Writes(word.to_ascii_uppercase()));
        }
        if word == "for"
            && words.get(index + 1).is_some_and(|next| matches!(next.as_str(), "update" | "share" | "no" | "key"))
        {
            return Err(StatementError::Writes("FOR UPDATE".to_owned()));
        }
    }
    Ok(())
}

/// Cuts a statement into lower-case words and signs, without what stands in quotes and comments.
fn words(text: &str) -> Result<Vec<String>, StatementError> {
    let mut words = Vec::new();
    let mut rest = text.trim().trim_end_matches(';').trim_end();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("--") || first == '#' && !rest.starts_with("#>") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*!") || rest.starts_with("/*M!") {
            return Err(StatementError::ExecutableComment);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").ok_or(StatementError::Open)?.1;
        } else if matches!(first, '\'' | '"' | '`') {
            rest = after_quote(rest, first)?;
        } else if first == '$' {
            // Dollar quotes hide text from this reader; nothing that only reads a table needs them.
            return Err(StatementError::Writes("$".to_owned()));
        } else if first == ';' {
            return Err(StatementError::Many);
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|sign: char| !(sign.is_alphanumeric() || sign == '_')).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            words.push(word.to_lowercase());
            rest = after;
        } else {
            if !first.is_whitespace() {
                words.push(first.to_string());
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    Ok(words)
}

/// Skips a quoted text; a doubled quote stays inside. A backslash before the quote is refused: the databases disagree on it.
fn after_quote(text: &str, quote: char) -> Result<&str, StatementError> {
    let mut rest = text.get(1..).unwrap_or_default();
    loop {
        let (inside, after) = rest.split_once(quote).ok_or(StatementError::Open)?;
        if inside.ends_with('\\') {
            return Err(StatementError::Open);
        }
        match after.strip_prefix(quote) {
            Some(more) => rest = more,
            None => return Ok(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_read_pass() {
        for text in [
            "SELECT id, at FROM log",
            "select l.*, u.screenname from opencps_dossierlog l join user_ u on u.userid = l.userid",
            "WITH recent AS (SELECT * FROM log) SELECT * FROM recent;",
            "SELECT id, 'delete; drop' AS text, \"update\" FROM log -- insert\n",
            "SELECT id, replace(name, 'a', 'b') AS name, updated_at, deleted FROM log /* set */",
            "SELECT id, 'it''s' FROM log WHERE kind IN ('create', 'drop')",
        ] {
            assert_eq!(check_select(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        use StatementError::*;
        let writes = |word: &str| Writes(word.to_owned());
        for (text, why) in [
            ("DELETE FROM log", NoSelect("delete".to_owned())),
            ("", NoSelect(String::new())),
            ("SELECT 1; DROP TABLE log", Many),
            ("WITH gone AS (DELETE FROM log RETURNING *) SELECT * FROM gone", writes("DELETE")),
            ("SELECT * INTO copy_of FROM log", writes("INTO")),
            ("SELECT * FROM log INTO OUTFILE '/tmp/x'", writes("INTO")),
            ("SELECT * FROM log FOR UPDATE", writes("FOR UPDATE")),
            ("SELECT * FROM log FOR SHARE", writes("FOR UPDATE")),
            ("SELECT /*!50000 1 INTO OUTFILE 'x' */ 2", ExecutableComment),
            ("SELECT 'open FROM log", Open),
            ("SELECT 'a\\' , '; drop table log'", Open),
            ("SELECT $$;$$", writes("$")),
            ("SELECT id FROM log; ;", Many),
        ] {
            assert_eq!(check_select(text), Err(why), "{text}");
        }
    }
}
