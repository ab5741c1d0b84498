//! The cover page: what is in the bundle and how to check it, for people, in Vietnamese and English.

use crate::evidence::bundle::About;
use crate::model::SafeText;

/// Returns the pages with their names.
pub(super) fn pages(about: &About) -> Vec<(&'static str, Vec<u8>)> {
    let (vietnamese, english) = (vietnamese(about), english(about));
    vec![
        ("cover.vi.md", markdown(&vietnamese).into_bytes()),
        ("cover.vi.html", html("vi", &vietnamese).into_bytes()),
        ("cover.en.md", markdown(&english).into_bytes()),
        ("cover.en.html", html("en", &english).into_bytes()),
    ]
}

struct Page {
    title: &'static str,
    rows: Vec<(&'static str, String)>,
    paragraphs: Vec<String>,
    command: &'static str,
}

const COMMAND: &str = "longan verify BUNDLE.tar --key LONGAN.vkey";

fn english(about: &About) -> Page {
    let unsealed = match about.unsealed {
        0 => String::new(),
        count => {
            format!(" {count} of the events were not sealed when this was exported: they are included WITHOUT proof.")
        }
    };
    Page {
        title: "Evidence from the log store",
        rows: rows(about, [
            "Query", "From", "Until", "Exported by", "Exported at", "Events found", "Records accounted for", "Log", "Key",
        ]),
        paragraphs: vec![
            format!("Every event is in `records.ndjson` byte for byte as it was received, and in `events.ndjson` and `events.csv` as it was read.{unsealed}"),
            format!(
                "The {} sealed units that the span of time touches hold {} records. Each of them is either in this bundle or committed to by a hash in it: none was left out, added or changed after it was sealed. That the others did not match the query is the statement of the program that searched.",
                about.units, about.records_covered
            ),
            "The proof leads from each record over the unit's Merkle root to the signed checkpoint of the evidence log. It is checked without a network and without the server; compare the key with the one that was noted down when the server was set up:".to_owned(),
        ],
        command: COMMAND,
    }
}

fn vietnamese(about: &About) -> Page {
    let unsealed = match about.unsealed {
        0 => String::new(),
        count => format!(" {count} sự kiện chưa được niêm phong lúc xuất: có trong gói nhưng CHƯA có chứng minh."),
    };
    Page {
        title: "Bằng chứng từ kho nhật ký",
        rows: rows(about, [
            "Truy vấn", "Từ", "Đến", "Người xuất", "Xuất lúc", "Sự kiện tìm thấy", "Bản ghi được tính đến", "Nhật ký", "Khoá",
        ]),
        paragraphs: vec![
            format!("Mỗi sự kiện nằm trong `records.ndjson` đúng từng byte như lúc nhận, và trong `events.ndjson`, `events.csv` như đã được đọc.{unsealed}"),
            format!(
                "{} đơn vị niêm phong chạm khoảng thời gian này giữ {} bản ghi. Mỗi bản ghi hoặc có trong gói, hoặc được cam kết bằng một giá trị băm trong gói: không bản ghi nào bị bỏ, thêm hay sửa sau khi niêm phong. Việc các bản ghi còn lại không khớp truy vấn là lời khẳng định của chương trình đã tìm.",
                about.units, about.records_covered
            ),
            "Chứng minh đi từ từng bản ghi qua gốc Merkle của đơn vị đến điểm kiểm đã ký của nhật ký bằng chứng. Kiểm được không cần mạng, không cần máy chủ; hãy so khoá với khoá đã ghi lại khi dựng máy chủ:".to_owned(),
        ],
        command: COMMAND,
    }
}

fn rows(about: &About, names: [&'static str; 9]) -> Vec<(&'static str, String)> {
    let open = || "-".to_owned();
    let values = [
        if about.query.is_empty() { "*".to_owned() } else { about.query.clone() },
        about.since.clone().unwrap_or_else(open),
        about.until.clone().unwrap_or_else(open),
        format!("{} ({})", about.who, about.role),
        about.exported.clone(),
        about.events.to_string(),
        about.records_covered.to_string(),
        format!("{}, {}", about.origin, about.log_size),
        about.key.clone(),
    ];
    names.into_iter().zip(values).collect()
}

fn markdown(page: &Page) -> String {
    let mut text = format!("# {}\n\n| | |\n|---|---|\n", page.title);
    for (name, value) in &page.rows {
        // Within a code span nothing acts but the backtick, and within a table the bar.
        let value = SafeText::new(value).to_string().replace('`', "'").replace('|', "\\|");
        text.push_str(&format!("| {name} | `{value}` |\n"));
    }
    for paragraph in &page.paragraphs {
        text.push_str(&format!("\n{paragraph}\n"));
    }
    text.push_str(&format!("\n```sh\n{}\n```\n", page.command));
    text
}

fn html(language: &str, page: &Page) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{0}</title></head>\n<body><h1>{0}</h1>\n<table>\n",
        page.title
    );
    for (name, value) in &page.rows {
        text.push_str(&format!("<tr><th align=\"left\">{name}</th><td><code>{}</code></td></tr>\n", escaped(value)));
    }
    text.push_str("</table>\n");
    for paragraph in &page.paragraphs {
        text.push_str(&format!("<p>{}</p>\n", escaped(&paragraph.replace('`', ""))));
    }
    text.push_str(&format!("<pre>{}</pre>\n</body></html>\n", page.command));
    text
}

fn escaped(text: &str) -> String {
    let text = SafeText::new(text).to_string();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
