//! Runs the samples a pack carries: each line through the whole set, compared with what the pack expects of it.

use crate::diag::Located;
use crate::model::Event;
use crate::model::Value;
use crate::model::time::Civil;
use crate::parse::pack::Hint;
use crate::parse::pack::PackError;
use crate::parse::pack::Packs;
use crate::parse::pack::file::Sample;
use crate::parse::pack::set::compiled::Pack;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;

/// What running the samples gave.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SampleReport {
    pub packs: usize,
    pub samples: usize,
    pub problems: Vec<Located<PackError>>,
}

/// When a sample that names no time is taken to have arrived, so that samples mean the same for ever.
const RECEIVED: Civil = Civil { year: 2026, month: 3, day: 15, hour: 0, minute: 0, second: 0, nanos: 0 };

impl Packs {
    /// Runs all samples; `normalize` is what the caller does to every event before it is compared.
    pub fn run_samples(&self, only: Option<&str>, normalize: &mut dyn FnMut(&mut Event<'_>)) -> SampleReport {
        let mut report = SampleReport::default();
        for pack in self.packs.iter().filter(|pack| only.is_none_or(|name| name == pack.name)) {
            report.packs += 1;
            for (index, sample) in pack.samples.iter().enumerate() {
                report.samples += 1;
                if let Some(difference) = self.difference(pack, sample, normalize) {
                    let error = PackError::SampleDiffers { number: index + 1, difference };
                    report.problems.push(Located {
                        path: pack.path.clone(),
                        position: sample.position,
                        error,
                        hint: None,
                    });
                }
            }
        }
        report
    }

    fn difference(&self, pack: &Pack, sample: &Sample, normalize: &mut dyn FnMut(&mut Event<'_>)) -> Option<String> {
        let default = RECEIVED.to_timestamp(0).unwrap_or_default();
        let context = Context { received: default, zone_offset_seconds: 0 };
        let received = sample.received.as_deref().and_then(|text| timestamp::detect_whole(text, context));
        let received = received.map_or(default, |reading| reading.time);
        let hint = Hint { received, format: None, zone_offset_seconds: 0 };
        let mut event = self.parse(&sample.line, &hint);
        normalize(&mut event);
        compare(pack, sample, &event)
    }
}

fn compare(pack: &Pack, sample: &Sample, event: &Event<'_>) -> Option<String> {
    let is_own = event.parser == Some(sample.read_by.as_deref().unwrap_or(&pack.name));
    if sample.never {
        return is_own.then(|| "the line must not be read by this pack, but was".to_owned());
    }
    if !is_own {
        return Some(format!(
            "the line was read by {}",
            event.parser.map_or("no pack".into(), |name| format!("`{name}`"))
        ));
    }
    let mut differences = Vec::new();
    for (name, expected) in &sample.expect {
        match shown(event, name) {
            Some(got) if got == expected.to_text() => {}
            Some(got) => differences.push(format!("`{name}` is `{got}`, not `{expected}`")),
            None => differences.push(format!("`{name}` is missing (`{expected}` expected)")),
        }
    }
    let present = sample
        .absent
        .iter()
        .filter_map(|name| Some(format!("`{name}` is `{}`, but must be absent", shown(event, name)?)));
    differences.extend(present);
    (!differences.is_empty()).then(|| differences.join("; "))
}

/// Returns the text of a field, or of a member of the event that is shown like one.
fn shown(event: &Event<'_>, name: &str) -> Option<String> {
    match name {
        "@timestamp" => Some(Value::Time(event.timestamp).to_string()),
        "longan.parser" => event.parser.map(str::to_owned),
        "longan.parse.error" => event.failure.map(|failure| failure.as_str().to_owned()),
        "logsource.product" => event.logsource.product.clone(),
        "logsource.service" => Some(event.logsource.service.join(" ")),
        "logsource.category" => Some(event.logsource.category.join(" ")),
        _ => event.get_by_name(name).map(|value| value.to_text().into_owned()),
    }
}
