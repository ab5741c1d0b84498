//! Retention classes: what belongs to them, how long they are kept, and that the law asks for no more.
//!
//! The levels are those of information systems; the months are those reported of TCVN 11930:2017 and of TCVN 14423:2026 after it.
//! None of it was checked against the official texts: `docs/store.md` says what is known. A month counts as 30 days, twelve as 365.

use toml::Spanned;

use crate::config::check::Checker;
use crate::config::check::Read;
use crate::config::check::plain;
use crate::config::raw::Raw;
use crate::config::raw::RawClass;
use crate::config::settings::Class;
use crate::diag::closest;

/// Days that logs of a system of a level are kept at least, and in words.
const LEVELS: [(u8, i64, &str); 4] =
    [(2, 30, "one month"), (3, 90, "three months"), (4, 180, "six months"), (5, 365, "twelve months")];
/// What a province's one-stop and public-service systems are.
const LEVEL_DEFAULT: i64 = 3;
const DAYS_MAX: i64 = 36_500;
/// Each class has partitions of its own for each day, so there are few.
const CLASSES_MAX: usize = 16;
const NAME_LENGTH_MAX: usize = 32;
/// The class of everything that no other claims.
const STANDARD: &str = "standard";
const INPUTS: [&str; 11] = [
    "syslog_udp",
    "syslog_tcp",
    "syslog_tls",
    "relp",
    "relp_tls",
    "beats",
    "beats_tls",
    "gelf_udp",
    "gelf_tcp",
    "http",
    "longan",
];

/// What a section says of how long something is kept.
pub(super) struct Kept {
    pub(super) level: u8,
    pub(super) days: u32,
    pub(super) archive_days: u32,
}

impl<'a> Checker<'a> {
    /// Reads a level and the days kept, which must be no fewer than the level demands.
    pub(super) fn kept(
        &mut self,
        prefix: &str,
        defaults: (u32, u32),
        get: impl Fn(&'a Raw) -> [Option<&'a Spanned<i64>>; 3] + Copy,
        names: [&str; 2],
    ) -> Kept {
        let key = |member: &str| format!("{prefix}.{member}");
        let [level_name, days_name] = names;
        let level = self.number(&key(level_name), LEVEL_DEFAULT, 2..=5, move |raw| {
            let [level, ..] = get(raw);
            level
        });
        let (least, words) = LEVELS
            .iter()
            .find(|(known, ..)| i64::from(*known) == level)
            .map_or((DAYS_MAX, ""), |(_, days, words)| (*days, *words));
        let days_of = move |raw: &'a Raw| {
            let [_, days, _] = get(raw);
            days
        };
        let days = self.number(&key(days_name), i64::from(defaults.0).max(least), 1..=DAYS_MAX, days_of);
        if days < least {
            let place = self.layers.iter().find_map(|layer| Some((layer, days_of(&layer.raw)?)));
            let problem = format!("{days} days are fewer than the {least} that level {level} demands");
            let hint = format!(
                "TCVN 11930:2017 and TCVN 14423:2026, as reported: logs of a system of level {level} are kept {words} at least; check the text in force"
            );
            self.refuse(&key(days_name), place, problem, &hint);
        }
        let archive_days = self.number(&key("archive_days"), i64::from(defaults.1), 0..=DAYS_MAX, move |raw| {
            let [_, _, archive] = get(raw);
            archive
        });
        let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        Kept { level: u8::try_from(level).unwrap_or(5), days: small(days), archive_days: small(archive_days) }
    }

    /// Classes come from the topmost layer that names any.
    pub(super) fn classes(&mut self, defaults: (u32, u32)) -> Vec<Class> {
        let count =
            self.layers.iter().map(|layer| layer.raw.retention.class.len()).find(|count| *count > 0).unwrap_or(0);
        let mut classes: Vec<Class> = Vec::new();
        for index in 0..count {
            let before = self.problems.len();
            let Some(class) = self.class(index, defaults) else { continue };
            let problem = if classes.iter().any(|other| other.name == class.name) {
                "another class has this name"
            } else if index >= CLASSES_MAX {
                "there are more than 16 classes"
            } else {
                ""
            };
            if !problem.is_empty() && self.problems.len() == before {
                self.refuse_class(index, "name", problem.to_owned(), "");
            }
            classes.push(class);
        }
        classes
    }

    fn class(&mut self, index: usize, defaults: (u32, u32)) -> Option<Class> {
        let prefix = format!("retention.class.{}", index + 1);
        let get = move |raw: &'a Raw| raw.retention.class.get(index);
        let text = |pick: fn(&'a RawClass) -> Option<&'a Spanned<String>>| move |raw: &'a Raw| pick(get(raw)?);
        let before = self.problems.len();
        let name = self.text(&format!("{prefix}.name"), None, text(|raw| raw.name.as_ref()), name);
        let numbers = move |raw: &'a Raw| match get(raw) {
            Some(raw) => [raw.level.as_ref(), raw.days.as_ref(), raw.archive_days.as_ref()],
            None => [None; 3],
        };
        let Kept { level, days, archive_days } = self.kept(&prefix, defaults, numbers, ["level", "days"]);
        let inputs = self.text(&format!("{prefix}.inputs"), None, text(|raw| raw.inputs.as_ref()), inputs);
        let systems = self.text(&format!("{prefix}.systems"), None, text(|raw| raw.systems.as_ref()), list);
        let is_sound = self.problems.len() == before;
        if name.is_none() && is_sound {
            self.refuse_class(index, "name", "a retention class needs a `name`".to_owned(), "");
        }
        let (inputs, systems) = (inputs.unwrap_or_default(), systems.unwrap_or_default());
        if is_sound && inputs.is_empty() && systems.is_empty() {
            let hint = "name its `inputs`, or `systems` of the assets file";
            self.refuse_class(index, "inputs", "nothing belongs to this class".to_owned(), hint);
        }
        Some(Class { name: name?, level, days, archive_days, inputs, systems })
    }

    /// Refuses a member that is missing: the section's name shows which one is meant.
    fn refuse_class(&mut self, index: usize, member: &str, problem: String, hint: &str) {
        let name = |raw: &'a Raw| raw.retention.class.get(index)?.name.as_ref();
        let place = self.layers.iter().find_map(|layer| Some((layer, name(&layer.raw)?)));
        self.refuse(&format!("retention.class.{}.{member}", index + 1), place, problem, hint);
    }
}

fn name(text: &str) -> Read<String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text.is_empty() || text.len() > NAME_LENGTH_MAX || !text.bytes().all(fits) {
        let hint = format!("`a` to `z`, digits and `_`, at most {NAME_LENGTH_MAX}: it is part of folder names");
        return Err((format!("`{text}` is no name of a class"), hint));
    }
    if text == STANDARD {
        let hint = "how long it is kept stands in `store.retention_days`, its level in `store.level`".to_owned();
        return Err((format!("`{STANDARD}` is what no other class claims"), hint));
    }
    Ok(text.to_owned())
}

fn list(text: &str) -> Read<Vec<String>> {
    plain(text)?;
    Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

fn inputs(text: &str) -> Read<Vec<String>> {
    let inputs = list(text)?;
    let is_known = |input: &String| {
        INPUTS.contains(&input.as_str())
            || input.contains('*')
            || input.starts_with("file:/")
            || input.strip_prefix("database:").is_some_and(|name| !name.is_empty())
    };
    match inputs.iter().find(|input| !is_known(input)) {
        None => Ok(inputs),
        Some(unknown) => {
            let near = closest(unknown, INPUTS).map(|near| format!("did you mean `{near}`?"));
            let hint = near.unwrap_or_else(|| {
                format!("one of {}, `database:NAME`, or `file:/PATH`; `*` stands for anything", INPUTS.join(", "))
            });
            Err((format!("no input `{unknown}`"), hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::ConfigError;
    use crate::config::Flags;
    use crate::config::Settings;
    use crate::config::load;

    fn read(text: &str) -> Result<Settings, ConfigError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("longan.toml");
        std::fs::write(&path, text).expect("written");
        load(Some(&path), [], &Flags::default())
    }

    fn problems(text: &str) -> Vec<String> {
        let Err(ConfigError::Invalid(problems)) = read(text) else { return Vec::new() };
        let told = problems.iter().map(|problem| {
            let place = format!("{}:{}", problem.position.line, problem.position.column);
            let hint = problem.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("{place} {}{hint}", problem.error)
        });
        told.collect()
    }

    #[test]
    fn a_class_is_read_with_its_defaults() {
        let settings = read(
            "[store]\nretention_days = 400\n[[retention.class]]\nname = \"mot_cua\"\nlevel = 4\ndays = 200\n\
             inputs = \"relp_tls, database:opencps,file:/var/log/x/*\"\nsystems = \"Một cửa\"\n\
             [[retention.class]]\nname = \"ha_tang\"\nlevel = 2\ninputs = \"syslog_udp\"\narchive_days = 30\n",
        )
        .expect("all is right");
        let [first, second] = settings.classes.as_slice() else { panic!("two classes") };
        assert_eq!((first.name.as_str(), first.level, first.days, first.archive_days), ("mot_cua", 4, 200, 3));
        assert_eq!(first.inputs, ["relp_tls", "database:opencps", "file:/var/log/x/*"]);
        assert_eq!(first.systems, ["Một cửa"]);
        assert_eq!((second.level, second.days, second.archive_days), (2, 400, 30));
    }

    #[test]
    fn fewer_days_than_the_level_demands_are_refused_with_the_law() {
        for (level, days, least) in [(2, 29, 30), (3, 89, 90), (4, 179, 180), (5, 364, 365)] {
            let class = |days| {
                format!("[[retention.class]]\nname = \"a\"\ninputs = \"relp\"\nlevel = {level}\ndays = {days}\n")
            };
            let found = problems(&class(days));
            assert_eq!(found.len(), 1, "{found:?}");
            let start =
                format!("5:8 `retention.class.1.days`: {days} days are fewer than the {least} that level {level}");
            assert!(found[0].starts_with(&start), "{found:?}");
            assert!(found[0].contains("TCVN 11930:2017"), "{found:?}");
            assert!(problems(&class(least)).is_empty());
        }
        let found = problems("[store]\nlevel = 5\nretention_days = 200\n");
        assert!(found[0].starts_with("3:18 `store.retention_days`: 200 days are fewer than the 365"), "{found:?}");
        assert!(problems("[store]\nlevel = 5\n").is_empty(), "the default is long enough");
    }

    #[test]
    fn every_mistake_of_a_class_is_told() {
        for (text, told) in [
            ("inputs = \"relp\"", "`retention.class.1.name`: a retention class needs a `name`"),
            ("name = \"Một\"\ninputs = \"relp\"", "2:8 `retention.class.1.name`: `Một` is no name of a class"),
            ("name = \"standard\"\ninputs = \"relp\"", "`standard` is what no other class claims"),
            ("name = \"a\"", "2:8 `retention.class.1.inputs`: nothing belongs to this class"),
            (
                "name = \"a\"\ninputs = \"rlp\"",
                "3:10 `retention.class.1.inputs`: no input `rlp` (did you mean `relp`?)",
            ),
            ("name = \"a\"\ninputs = \"relp\"\nlevel = 1", "`retention.class.1.level`: 1 is not between 2 and 5"),
            (
                "name = \"a\"\ninputs = \"relp\"\n[[retention.class]]\nname = \"a\"\ninputs = \"http\"",
                "5:8 `retention.class.2.name`: another class",
            ),
        ] {
            let found = problems(&format!("[[retention.class]]\n{text}\n"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(told), "{found:?} has not {told}");
        }
    }
}
