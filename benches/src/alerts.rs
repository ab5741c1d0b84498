//! A million alerts as a busy province would have them, put into a real alert store the way the pipeline does.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use longan::alert::AlertStore;
use longan::alert::Criticality;
use longan::alert::Entity;
use longan::alert::MatchedPart;
use longan::alert::NewDetection;
use longan::alert::Policy;
use longan::model::EventId;
use longan::model::RuleLevel;
use longan::model::Timestamp;
use longan::model::time::Clock as _;
use longan::model::time::SystemClock;

/// The rules whose alerts the pushes are about: no rule may raise more than 5,000 detections a minute, and the pushes are
/// 300,000.
pub const PUSHED_RULES: usize = 80;

/// Returns the id of the rule that a pushed number is of.
pub fn pushed_rule(number: usize) -> String {
    format!("visitor-{}-signed-in", visitor(number))
}

/// Returns the visitor that a pushed number is of; each has a rule.
pub fn visitor(number: usize) -> usize {
    number / 4 % PUSHED_RULES
}

/// Writes rules that turn every sign-in of a visitor into an alert about its address.
pub fn rules() -> String {
    let rule = |visitor: usize| {
        format!(
            "title: Visitor {visitor} signed in
id: {}
status: test
description: A visitor signed in.
logsource:
    product: linux
detection:
    visitor:
        user.name: visitor{visitor}
    condition: visitor
level: medium
longan:
    title_vi: Khách {visitor} đăng nhập
    entity: source.ip
",
            pushed_rule(visitor * 4)
        )
    };
    (0..PUSHED_RULES).map(rule).collect::<Vec<_>>().join("---\n")
}

/// Alerts committed at once.
const BATCH: usize = 10_000;

/// What rules of every level are called.
const TITLES: [(&str, &str, RuleLevel); 6] = [
    ("Login outside working hours", "Đăng nhập ngoài giờ", RuleLevel::Medium),
    ("Scan of internal ports", "Quét cổng nội bộ", RuleLevel::High),
    ("File share read in bulk", "Đọc hàng loạt từ thư mục chia sẻ", RuleLevel::Medium),
    ("Certificate is about to expire", "Chứng thư sắp hết hạn", RuleLevel::Low),
    ("Passwords guessed, then success", "Dò mật khẩu rồi thành công", RuleLevel::Critical),
    ("Printer speaks to the internet", "Máy in nói chuyện với internet", RuleLevel::Low),
];

/// Returns the address of a number: the same in the store and in what is pushed.
pub fn address(number: usize) -> String {
    let [_, a, b, c] = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
    format!("10.{a}.{b}.{c}")
}

/// Fills the store at `path` with open alerts, each a group of its own, every fourth of a pushed rule.
///
/// # Errors
/// When the store cannot be written.
pub fn fill(path: &Path, count: usize) -> anyhow::Result<()> {
    let store = AlertStore::open(path, Policy::DEFAULT, Arc::new(SystemClock)).context("an alert store")?;
    let now = SystemClock.now();
    let mut number = 0;
    while number < count {
        let end = (number + BATCH).min(count);
        let batch: Vec<NewDetection> = (number..end).map(|number| detection(number, now)).collect();
        // Position 0: the log that the server begins is empty.
        store.commit(&batch, EventId(0), None).context("committing alerts")?;
        number = end;
    }
    Ok(())
}

fn detection(number: usize, now: Timestamp) -> NewDetection {
    // Rare levels are rare: two of a hundred are high, one of a thousand is critical.
    let kind = match number % 1000 {
        0 => 4,
        place if place % 50 == 1 => 1,
        place => [0, 2, 3, 5][place % 4],
    };
    let (title, title_vi, level) = TITLES[kind];
    let is_pushed = number % 4 == 2;
    let entity = address(number);
    let raw = format!("<86>1 2026-11-24T00:00:00Z srv-{} sshd 411 - - signed in from {entity} port 4711", number % 300);
    NewDetection {
        rule_id: if is_pushed { pushed_rule(number) } else { format!("bench-{kind}-{}", number % 40) },
        title: if is_pushed { format!("Visitor {} signed in", visitor(number)) } else { title.to_owned() },
        title_vi: Some(if is_pushed {
            format!("Khách {} đăng nhập", visitor(number))
        } else {
            title_vi.to_owned()
        }),
        level: if is_pushed { RuleLevel::Medium } else { level },
        tags: vec!["attack.t1078".to_owned()],
        description: "Somebody did what is seldom done.".to_owned(),
        response: vec!["Ask the owner of the account.".to_owned()],
        entity_field: "source.ip".to_owned(),
        entities: vec![
            Entity { kind: "ip".to_owned(), field: "source.ip".to_owned(), value: entity.clone() },
            Entity { kind: "user".to_owned(), field: "user.name".to_owned(), value: "visitor".to_owned() },
        ],
        criticality: if number.is_multiple_of(20) { Criticality::High } else { Criticality::Normal },
        host: Some(format!("srv-{}", number % 300)),
        event_ids: vec![EventId(0)],
        event_time: Timestamp(now.0.saturating_sub(i64::try_from(number).unwrap_or(0).saturating_mul(1_000_000))),
        parts: vec![MatchedPart {
            field: "source.ip".to_owned(),
            value: entity.clone(),
            predicate: "is seldom seen".to_owned(),
            raw_span: raw
                .find(&entity)
                .and_then(|at| Some((at.try_into().ok()?, (at + entity.len()).try_into().ok()?))),
        }],
        entity,
        raw,
        ..NewDetection::default()
    }
}
