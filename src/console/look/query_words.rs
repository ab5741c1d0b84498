//! What is wrong with a query, in the console's language: the sentences of `query`, each with its Vietnamese.
//!
//! A test reads the sources of `query` and refuses a sentence that is not here. `{}` stands for what is filled in.

use crate::console::look::text::Lang;
use crate::query::QueryError;

/// English as `query` writes it, Vietnamese.
const SENTENCES: &[(&str, &str)] = &[
    ("there is no letter or digit to search for", "không có chữ hay số nào để tìm"),
    ("a word", "một từ"),
    ("signs can be searched with a /regex/", "tìm ký hiệu thì dùng /regex/"),
    ("the phrase has more than {} words", "cụm từ có hơn {} từ"),
    ("`{}` is not a network", "`{}` không phải một mạng"),
    ("an address and its length", "địa chỉ và độ dài"),
    ("write 10.0.0.0/8 or 2001:db8::/32", "viết 10.0.0.0/8 hoặc 2001:db8::/32"),
    ("`{}` is not a time", "`{}` không phải thời điểm"),
    ("a time in UTC", "thời điểm theo UTC"),
    ("did you mean `{}`?", "có phải `{}`?"),
    (
        "write 2026-01-31, 2026-01-31T07:00, 2026-01-31T07:00:00+07:00, now or now-15m",
        "viết 2026-01-31, 2026-01-31T07:00, 2026-01-31T07:00:00+07:00, now hoặc now-15m",
    ),
    ("the query is longer than {} characters", "truy vấn dài hơn {} ký tự"),
    ("`)` without its `(`", "`)` không có `(` đi cùng"),
    ("quote it to search for it: \")\"", "muốn tìm chính nó thì đặt trong ngoặc kép: \")\""),
    ("`{}` is not expected here", "không được có `{}` ở đây"),
    ("more than {} levels of parentheses", "hơn {} tầng ngoặc"),
    ("more than {} negations", "hơn {} lần phủ định"),
    ("more than {} conditions", "hơn {} điều kiện"),
    ("the query ends here", "truy vấn hết ở đây"),
    ("a word, a `field:value` or `(`", "một từ, `trường:giá trị` hoặc `(`"),
    ("nothing stands before `)`", "không có gì trước `)`"),
    ("the filter is not complete before this `|`", "bộ lọc chưa trọn trước dấu `|` này"),
    ("to search for the sign itself, put it in a /regex/", "muốn tìm chính dấu đó thì đặt trong /regex/"),
    ("this `(` is never closed", "`(` này không được đóng"),
    ("`_exists_:` names no field", "`_exists_:` không nêu trường nào"),
    ("a field name", "tên trường"),
    ("`{}:` has no value", "`{}:` không có giá trị"),
    ("a value", "một giá trị"),
    ("`_exists_:{}` finds events that have the field", "`_exists_:{}` tìm sự kiện có trường này"),
    ("`{}` does not begin a word", "`{}` không bắt đầu một từ"),
    ("put text with special characters in quotes", "chữ có ký hiệu đặc biệt thì đặt trong ngoặc kép"),
    ("this quote is never closed", "ngoặc kép này không được đóng"),
    ("the regex cannot be read: {}", "không đọc được regex: {}"),
    ("to search for a path, put it in quotes", "muốn tìm đường dẫn thì đặt trong ngoặc kép"),
    ("a range needs `TO` between its bounds", "khoảng cần `TO` giữa hai đầu"),
    ("for example [1 TO 10]", "ví dụ [1 TO 10]"),
    ("this range is never closed", "khoảng này không được đóng"),
    ("`]` or `}`", "`]` hoặc `}`"),
    ("a bound of this range is missing", "thiếu một đầu của khoảng"),
    ("a value or `*`", "một giá trị hoặc `*`"),
    ("the comparison has no value", "phép so sánh không có giá trị"),
    ("a number, an address, a time or a text", "số, địa chỉ, thời điểm hoặc chữ"),
    ("this is no column name", "đây không phải tên cột"),
    ("give the figure a name with `as`, and use that", "đặt tên cho số liệu bằng `as` rồi dùng tên đó"),
    ("a column name is missing at the end", "thiếu tên cột ở cuối"),
    ("`{}` begins no column name", "`{}` không bắt đầu tên cột"),
    ("a name with other signs stands in `backquotes`", "tên có ký hiệu khác thì đặt trong `dấu huyền`"),
    ("more than {} columns", "hơn {} cột"),
    ("`{}` is out of range", "`{}` ngoài khoảng cho phép"),
    ("1 to {}", "1 đến {}"),
    ("`{}` is no span of time", "`{}` không phải khoảng thời gian"),
    ("a number and ms, s, m, h, d or w", "một số rồi ms, s, m, h, d hoặc w"),
    ("more than {} stages", "hơn {} bước"),
    ("`|` or the end", "`|` hoặc hết"),
    ("a stage is missing after `|`", "thiếu một bước sau `|`"),
    ("no stage is called `{}`", "không có bước nào tên `{}`"),
    ("write the filter before the first `|`, or use `where`", "viết bộ lọc trước dấu `|` đầu tiên, hoặc dùng `where`"),
    ("`fields a, b` keeps columns", "`fields a, b` giữ cột"),
    ("`stats count() by field` counts", "`stats count() by trường` đếm"),
    ("`head 10` keeps the first ten; `sort` turns the order", "`head 10` giữ mười dòng đầu; `sort` đổi thứ tự"),
    ("`sort -n` puts the largest first", "`sort -n` đưa số lớn nhất lên đầu"),
    ("`eval` needs `=` after the name", "`eval` cần `=` sau tên"),
    ("`rename` needs `as` and a new name", "`rename` cần `as` và tên mới"),
    ("more than {} operands", "hơn {} toán hạng"),
    ("more than {} levels of signs and parentheses", "hơn {} tầng dấu và ngoặc"),
    ("`{}` begins no operand", "`{}` không bắt đầu toán hạng"),
    ("a field, a number, a \"text\", a function or `(`", "một trường, một số, một \"chữ\", một hàm hoặc `(`"),
    ("the expression ends here", "biểu thức hết ở đây"),
    ("`{}` is no number", "`{}` không phải số"),
    ("a number", "một số"),
    ("addresses, times and texts stand in quotes", "địa chỉ, thời điểm và chữ đặt trong ngoặc kép"),
    ("`{}` has nothing before it", "trước `{}` không có gì"),
    ("`{}` was given {} arguments", "`{}` nhận {} đối số"),
    ("{} of them", "{} đối số"),
    ("no function is called `{}`", "không có hàm nào tên `{}`"),
    ("one of {}", "một trong {}"),
    ("`{}` needs its values in parentheses", "`{}` cần các giá trị trong ngoặc"),
    ("the values of `{}` go on or end here", "các giá trị của `{}` phải nối tiếp hoặc hết ở đây"),
    ("`,` or `)`", "`,` hoặc `)`"),
    ("a network in quotes", "mạng trong ngoặc kép"),
    ("`like` needs a pattern in quotes", "`like` cần mẫu trong ngoặc kép"),
    ("this `{}(` is never closed", "`{}(` này không được đóng"),
    ("`{}` takes two values", "`{}` cần hai giá trị"),
    ("this regex is never closed", "regex này không được đóng"),
    ("`match` needs a regex", "`match` cần regex"),
    ("`{}` is a figure and a column counted by", "`{}` vừa là số liệu vừa là cột đếm theo"),
    ("give the figure another name with `as`", "đặt tên khác cho số liệu bằng `as`"),
    ("two figures are called `{}`", "hai số liệu cùng tên `{}`"),
    ("give one another name with `as`", "đặt tên khác cho một cái bằng `as`"),
    ("more than {} figures", "hơn {} số liệu"),
    ("`{}` needs a field", "`{}` cần một trường"),
    ("a field in parentheses", "một trường trong ngoặc"),
    ("`{}` is no percentile", "`{}` không phải phân vị"),
    ("a number from 0 to 100", "một số từ 0 đến 100"),
    ("`{}` begins no figure", "`{}` không bắt đầu số liệu"),
    ("no figure is called `{}`", "không có số liệu nào tên `{}`"),
    ("`stats count() by field` counts by a field", "`stats count() by trường` đếm theo một trường"),
    ("only a filter can stand here, without pipes", "ở đây chỉ được có bộ lọc, không có ống"),
    ("the end", "hết"),
    (
        "pipes work in a search, not where events are followed or counted",
        "ống dùng khi tìm, không dùng khi theo dõi hay đếm",
    ),
];

/// Returns what is wrong, with what was expected, and the hint.
pub(crate) fn told(lang: Lang, err: &QueryError) -> (String, Option<String>) {
    let mut text = sentence(lang, &err.message);
    if let Some(expected) = &err.expected {
        let before = match lang {
            Lang::Vi => ", cần ",
            Lang::En => ", expected ",
        };
        text.push_str(before);
        text.push_str(&sentence(lang, expected));
    }
    (text, err.hint.as_deref().map(|hint| sentence(lang, hint)))
}

fn sentence(lang: Lang, text: &str) -> String {
    match lang {
        Lang::En => text.to_owned(),
        // What is code in every language, such as an example, has no entry.
        Lang::Vi => vietnamese(text).unwrap_or_else(|| text.to_owned()),
    }
}

fn vietnamese(text: &str) -> Option<String> {
    translated(SENTENCES, text, |value| value)
}

/// Returns the other language's sentence for a text, each value as `told` has it; `None` when no sentence is like it.
pub(super) fn translated(sentences: &[(&str, &str)], text: &str, told: impl Fn(&str) -> &str) -> Option<String> {
    sentences.iter().find_map(|(english, vietnamese)| {
        let values = filled(english, text)?;
        let values: Vec<&str> = values.iter().map(|value| told(value)).collect();
        Some(crate::console::look::format::fill(vietnamese, &values))
    })
}

/// Returns what stands for each `{}` of a sentence; `None` when the text is another.
fn filled(sentence: &str, text: &str) -> Option<Vec<String>> {
    let mut pieces = sentence.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut values = Vec::new();
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let is_last = pieces.peek().is_none();
        // The last piece ends the text; what is filled in may hold the same letters.
        let at = if is_last { rest.ends_with(piece).then(|| rest.len() - piece.len()) } else { rest.find(piece) }?;
        values.push(rest.get(..at)?.to_owned());
        rest = rest.get(at + piece.len()..)?;
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::path::PathBuf;

    use super::*;
    use crate::model::Timestamp;
    use crate::query::parse_search;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }

    /// The first literal in an argument, its named and plain places for values as `{}`.
    fn literal(argument: &str) -> Option<String> {
        let argument = argument.trim_start().trim_start_matches("format!(").trim_start();
        let mut text = String::new();
        let mut letters = argument.strip_prefix('"')?.chars();
        loop {
            match letters.next()? {
                '"' => return Some(text),
                '\\' => text.push(letters.next()?),
                '{' => {
                    letters.by_ref().find(|c| *c == '}')?;
                    text.push_str("{}");
                }
                c => text.push(c),
            }
        }
    }

    #[test]
    fn every_sentence_about_a_query_has_its_vietnamese() {
        let mut files = Vec::new();
        sources(Path::new("src/query"), &mut files);
        let mut missing = Vec::new();
        let mut seen = 0;
        for path in files.iter().filter(|path| !path.ends_with("tests.rs") && !path.ends_with("oracle.rs")) {
            let text = fs::read_to_string(path).expect("readable");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let calls = ["QueryError::new(", ".error(", "error_at(", ".expected(", ".hint("];
            for call in calls {
                for (at, _) in code.match_indices(call) {
                    let mut arguments = code[at + call.len()..].split('\n').next().unwrap_or_default();
                    if matches!(call, "QueryError::new(" | "error_at(") {
                        arguments = arguments.split_once(", ").map_or("", |(_, rest)| rest);
                    }
                    let Some(sentence) = literal(arguments) else { continue };
                    seen += 1;
                    // Signs and examples are the same in both languages.
                    let is_code = !sentence.contains(' ') || sentence.contains('=') || sentence.contains("source.ip)");
                    let is_example = sentence.starts_with("match(")
                        || sentence.starts_with("like(")
                        || sentence.starts_with("rename source");
                    if !is_code && !is_example && vietnamese(&sentence).is_none() {
                        missing.push(format!("{}: {sentence}", path.display()));
                    }
                }
            }
        }
        assert!(seen > 80, "{seen}");
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn values_are_filled_in_where_they_stood() {
        for (query, vietnamese) in [
            ("user.name:(a", "`(` này không được đóng, cần `)`"),
            ("a | stat count()", "không có bước nào tên `stat`"),
            ("@timestamp:yesterday", "`yesterday` không phải thời điểm, cần thời điểm theo UTC"),
        ] {
            let err = parse_search(query, Timestamp(0)).expect_err("wrong");
            let (text, _) = told(Lang::Vi, &err);
            assert!(text.starts_with(vietnamese), "{query}: {text}");
            assert!(told(Lang::En, &err).0.starts_with(&err.message));
        }
        assert_eq!(
            filled("`{}` is not a time", "`a` is not a time` is not a time"),
            Some(vec!["a` is not a time".to_owned()])
        );
        assert_eq!(filled("a word", "a word, a thing"), None);
    }
}
