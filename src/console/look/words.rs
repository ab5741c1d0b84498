//! Words of the server in the console's language: levels, what was done, deadlines, ATT&CK tags.
//!
//! A word that is not known here is shown as the server wrote it: a newer server may say more.

use crate::console::look::text::Lang;

/// Word of the server, Vietnamese, English.
const WORDS: &[(&str, &str, &str)] = &[
    ("critical", "nghiêm trọng", "critical"),
    ("high", "cao", "high"),
    ("medium", "trung bình", "medium"),
    ("low", "thấp", "low"),
    ("informational", "thông tin", "informational"),
    ("error", "lỗi", "error"),
    ("warning", "nên sửa", "warning"),
    ("info", "gợi ý", "note"),
    ("raised", "phát hiện", "raised"),
    ("level_raised", "nâng mức", "level raised"),
    ("taken", "nhận", "took it"),
    ("released", "trả lại", "released it"),
    ("closed", "đóng", "closed"),
    ("reopened", "mở lại", "reopened"),
    ("noted", "ghi chú", "noted"),
    ("escalated", "leo thang", "escalated"),
    ("undone", "hoàn tác", "undid"),
    ("declared", "lập sự cố", "declared"),
    ("joined", "thêm cảnh báo", "alert joined"),
    ("phase", "chuyển giai đoạn", "phase"),
    ("clock_met", "xong hạn", "deadline met"),
    ("clock_set", "đặt hạn", "deadline set"),
    ("clock_waived", "hạn không áp dụng", "deadline does not apply"),
    ("assigned", "giao cho", "given to"),
    ("edited", "sửa", "corrected"),
    ("task_added", "giao việc", "task"),
    ("task_done", "xong việc", "task done"),
    ("observable_added", "ghi dấu hiệu", "observable"),
    ("evidence_added", "kèm bằng chứng", "evidence"),
    ("step_done", "xong bước", "step done"),
    ("step_open", "bỏ đánh dấu bước", "step not done"),
    ("merged", "gộp từ", "merged from"),
    ("merged_into", "gộp vào", "merged into"),
    ("note", "ghi chú", "noted"),
    ("loaded", "nạp", "loaded"),
    ("changed", "đổi nội dung", "changed"),
    ("excepted", "miễn trừ", "excepted"),
    ("revoked", "thu hồi", "revoked"),
    ("draft", "nháp", "draft"),
    ("shadow", "chạy ngầm", "shadow"),
    ("live", "đang chạy", "live"),
    ("retired", "đã thôi", "retired"),
    ("immediate", "báo ngay", "report at once"),
    ("first_notice", "thông báo ban đầu", "first notice"),
    ("cause_and_fix", "nguyên nhân, khắc phục", "cause and fix"),
    ("personal_data", "lộ dữ liệu cá nhân", "personal data"),
    ("longan.asset.unit", "đơn vị", "unit"),
    ("longan.asset.unit_parent", "cấp trên", "above it"),
    ("longan.asset.system", "hệ thống", "system"),
    ("longan.asset.criticality", "trọng yếu", "criticality"),
    ("longan.asset.owner", "phụ trách", "in charge"),
    ("longan.threat.lists", "danh sách", "lists"),
    ("longan.threat.field", "trường khớp", "field"),
    ("threat.indicator.name", "dấu hiệu", "indicator"),
    ("threat.indicator.confidence", "độ tin", "confidence"),
    ("threat.indicator.description", "mô tả", "note"),
    ("source.geo.country_name", "nguồn từ", "source from"),
    ("source.geo.city_name", "thành phố nguồn", "source city"),
    ("source.as.organization.name", "mạng nguồn", "source network"),
    ("destination.geo.country_name", "đích ở", "destination in"),
    ("destination.geo.city_name", "thành phố đích", "dest. city"),
    ("destination.as.organization.name", "mạng đích", "dest. network"),
    ("network.direction", "chiều", "direction"),
    ("list", "d.sách TI", "TI list"),
    ("host", "máy", "host"),
    ("user", "người", "user"),
    ("process", "t.trình", "process"),
    ("file", "tệp", "file"),
    ("detect", "phát hiện", "detect"),
    ("analysis", "phân tích", "analysis"),
    ("containment", "ngăn chặn", "containment"),
    ("eradication", "loại bỏ", "eradication"),
    ("recover", "khôi phục", "recover"),
    ("false_positive", "báo động giả", "false positive"),
    ("benign_positive", "lành tính", "benign positive"),
    ("true_positive", "đúng, đã xử lý", "true positive"),
    ("duplicate", "trùng", "duplicate"),
    ("test", "thử nghiệm", "test"),
    ("login", "đăng nhập", "login"),
    ("refused", "từ chối", "refused"),
    ("search", "tìm kiếm", "search"),
    ("view", "xem", "view"),
    ("alert", "cảnh báo", "alert"),
    ("incident", "sự cố", "incident"),
    ("rule", "luật", "rule"),
    ("change", "thay đổi", "change"),
    ("verify", "kiểm tra", "verify"),
    ("export", "xuất", "export"),
    ("audit", "đọc k.toán", "audit"),
    ("config", "cấu hình", "config"),
    ("delete", "xoá", "delete"),
    ("start", "khởi động", "start"),
    ("stop", "dừng", "stop"),
];

/// Returns a word of the server in a language.
pub(crate) fn word(lang: Lang, word: &str) -> &str {
    match WORDS.iter().find(|(known, _, _)| *known == word) {
        Some((_, vietnamese, english)) => match lang {
            Lang::Vi => vietnamese,
            Lang::En => english,
        },
        None => word,
    }
}

/// Actions whose text is the server's own; the text of others is what somebody typed, and stays as it is.
const TELLING: [&str; 6] = ["phase", "closed", "raised", "level_raised", "undone", "clock_met"];

/// Returns what is told of an action in a language.
pub(crate) fn told(lang: Lang, action: &str, text: &str) -> String {
    if TELLING.contains(&action) { sentence(lang, text) } else { text.to_owned() }
}

/// Puts the words of the server that a text is made of into a language: `detect -> analysis`, `closed: note`.
///
/// Only the words before the first colon are the server's; what follows is what somebody typed.
fn sentence(lang: Lang, text: &str) -> String {
    let (own, typed) = text.split_once(": ").map_or((text, None), |(own, typed)| (own, Some(typed)));
    let own = own.split(' ').map(|part| word(lang, part)).collect::<Vec<_>>().join(" ");
    match typed {
        Some(typed) => format!("{own}: {typed}"),
        None => own,
    }
}

/// Writes ATT&CK tags as people read them: techniques first, then tactics.
pub(crate) fn attack(tags: &[String]) -> String {
    let names = tags.iter().filter_map(|tag| tag.strip_prefix("attack."));
    let is_technique = |name: &&str| {
        let mut letters = name.chars();
        letters.next() == Some('t') && letters.next().is_some_and(|c| c.is_ascii_digit())
    };
    let (techniques, tactics): (Vec<&str>, Vec<&str>) = names.partition(is_technique);
    let techniques = techniques.join(" ").to_uppercase();
    let tactics = tactics.join(", ");
    match (techniques.is_empty(), tactics.is_empty()) {
        (true, _) => tactics,
        (false, true) => techniques,
        (false, false) => format!("{techniques}  {tactics}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_words_are_translated_and_what_was_typed_is_not() {
        for (text, vietnamese) in [
            ("detect -> analysis", "phát hiện -> phân tích"),
            ("false_positive: closed high", "báo động giả: closed high"),
            ("ALR-21", "ALR-21"),
            ("a newer word", "a newer word"),
            ("", ""),
        ] {
            assert_eq!(sentence(Lang::Vi, text), vietnamese);
        }
        assert_eq!(word(Lang::En, "taken"), "took it");
    }

    #[test]
    fn techniques_stand_before_tactics() {
        let tags = ["attack.credential-access", "attack.t1110.001", "attack.tools", "cve.2021"].map(str::to_owned);
        assert_eq!(attack(&tags), "T1110.001  credential-access, tools");
        assert_eq!(attack(&[]), "");
    }
}
