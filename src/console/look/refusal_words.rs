//! Why something was not done, in the console's language: the server's sentences about alerts and incidents, each with its
//! Vietnamese.
//!
//! A test reads where the server says them and refuses a sentence that is not here.

use crate::console::look::query_words::translated;
use crate::console::look::text::Lang;

/// English as the server writes it, Vietnamese.
const SENTENCES: &[(&str, &str)] = &[
    ("`{}` holds it", "`{}` đang giữ"),
    ("it is closed", "mục này đã đóng"),
    ("it is not closed", "mục này chưa đóng"),
    ("nobody holds it", "chưa ai giữ"),
    ("it belongs to `{}` already", "cảnh báo đã thuộc `{}`"),
    ("closing an alert of level `{}` needs a note", "đóng cảnh báo mức `{}` phải kèm ghi chú"),
    ("the note is empty", "ghi chú trống"),
    ("the note is longer than {} bytes", "ghi chú dài hơn {} byte"),
    ("there is no action of `{}` to undo", "không có thao tác nào của `{}` để hoàn tác"),
    ("it has no step {}", "không có bước {}"),
    ("step {} was done by `{}` already", "bước {} đã do `{}` làm"),
    ("step {} is not done", "bước {} chưa làm"),
    ("it has changed since revision {}", "đã thay đổi từ lúc bạn xem; đã tải lại"),
    ("it is in that phase already", "đã ở giai đoạn này"),
    ("closing an incident, and opening it again, needs a note", "đóng hoặc mở lại sự cố phải kèm ghi chú"),
    ("it has no clock `{}`", "sự cố không có thời hạn `{}`"),
    ("the clock `{}` was met already", "thời hạn `{}` đã xong"),
    ("it has no task {}", "sự cố không có việc {}"),
    ("task {} is done already", "việc {} đã xong"),
    ("{} is `{}` by now, not `{}`: it was not made `{}`", "{} nay là `{}`, không còn là `{}`: chưa đổi thành `{}`"),
    ("{} is empty", "{} trống"),
    ("{} is longer than {} bytes", "{} dài hơn {} byte"),
    ("it has {} {} already", "đã có {} {}"),
    ("it went into {}", "đã gộp vào {}"),
    ("the shift was handed over at {}, after this was drafted", "ca đã được bàn giao lúc {}, sau khi bản này được lập"),
    ("it cannot go into itself", "không thể gộp vào chính nó"),
    ("`{}` is no {}", "`{}` không phải {}"),
    ("no such incident `{}`", "không có sự cố `{}`"),
    ("no such alert `{}`", "không có cảnh báo `{}`"),
    ("{} alerts at once are more than {}", "{} cảnh báo một lượt là quá {}"),
    (
        "the filter admits {} alerts, not {}",
        "bộ lọc nay chọn {} cảnh báo, không phải {}: Esc, F5 để xem dòng mới, rồi chọn lại",
    ),
];

/// What the sentences are about.
const THINGS: &[(&str, &str)] = &[
    ("the title", "tên sự cố"),
    ("the level", "mức"),
    ("the correction", "nội dung sửa"),
    ("the task", "việc"),
    ("the name", "tên"),
    ("the kind", "loại"),
    ("the value", "giá trị"),
    ("the query", "truy vấn"),
    ("the reason", "lý do"),
    ("the clock's name", "tên thời hạn"),
    ("the handover", "bản bàn giao"),
    ("tasks", "việc"),
    ("observables", "dấu hiệu"),
    ("clocks", "thời hạn"),
    ("bundles", "gói bằng chứng"),
    ("kind of observable", "loại dấu hiệu (chữ, số, `_` và `-`)"),
    ("address or network", "địa chỉ hay mạng"),
    ("domain", "tên miền"),
    ("URL", "URL"),
    ("hash", "giá trị băm (MD5, SHA-1, SHA-256 hay SHA-512, dạng hex)"),
    ("host", "tên máy"),
    ("mail address", "địa chỉ thư"),
];

/// Returns a sentence of the server as it is told.
pub(crate) fn told(lang: Lang, text: &str) -> String {
    match lang {
        Lang::En => text.to_owned(),
        Lang::Vi => translated(SENTENCES, text, thing).unwrap_or_else(|| text.to_owned()),
    }
}

fn thing(value: &str) -> &str {
    THINGS.iter().find(|(english, _)| *english == value).map_or(value, |(_, vietnamese)| vietnamese)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Every sentence of the refusals in a source, values as `{}`.
    fn sentences(path: &str) -> Vec<String> {
        let text = fs::read_to_string(path).expect("readable");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let mut found = Vec::new();
        for (at, begin) in code.match_indices("#[error(\"") {
            let sentence = code[at + begin.len()..].split("\")]").next().unwrap_or_default();
            let mut plain = String::new();
            let mut letters = sentence.chars();
            while let Some(c) = letters.next() {
                plain.push(c);
                if c == '{' {
                    letters.by_ref().find(|c| *c == '}');
                    plain.push('}');
                }
            }
            found.push(plain);
        }
        found
    }

    #[test]
    fn every_refusal_has_its_vietnamese() {
        let mut missing = Vec::new();
        let mut seen = 0;
        for path in ["src/alert/state.rs", "src/incident/phase.rs", "src/incident/store.rs"] {
            for sentence in sentences(path).into_iter().filter(|sentence| sentence != "{}") {
                seen += 1;
                let is_known = SENTENCES.iter().any(|(english, _)| *english == sentence);
                if !is_known {
                    missing.push(format!("{path}: {sentence}"));
                }
            }
        }
        assert!(seen > 30, "{seen}");
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn what_it_is_about_is_told_in_the_same_language() {
        for (english, vietnamese) in [
            ("the title is longer than 512 bytes", "tên sự cố dài hơn 512 byte"),
            ("`x y` is no address or network", "`x y` không phải địa chỉ hay mạng"),
            ("it belongs to `INC-1` already", "cảnh báo đã thuộc `INC-1`"),
            ("something else", "something else"),
        ] {
            assert_eq!(told(Lang::Vi, english), vietnamese);
            assert_eq!(told(Lang::En, english), english);
        }
    }
}
