//! The matrix on a terminal of 80 columns: a column a tactic, a line a covered technique.
//!
//! ```text
//!  Reco ResD Init Exec …
//!  2    0    6    9
//!  /12  /9   /11  /20
//!  1595#     1190# 1059+
//! ```

use std::io;
use std::io::Write;

use unicode_width::UnicodeWidthStr as _;

use super::coverage::no_server;
use super::facts::Origin;
use crate::cli::output::Language;
use crate::detect::attack::Cell;
use crate::detect::attack::Coverage;
use crate::detect::attack::Figures;
use crate::detect::attack::Mark;
use crate::detect::attack::TACTICS;
use crate::detect::attack::Technique;
use crate::detect::attack::VERSION;
use crate::model::SafeText;
use crate::wire::status::RuleRow;

/// The columns' heads: 15 times 5 cells.
const HEADS: [&str; 15] = [
    "Reco", "ResD", "Init", "Exec", "Pers", "Priv", "Stea", "DefI", "Cred", "Disc", "Late", "Coll", "C2", "Exfi",
    "Impa",
];
/// The width of running text.
const TEXT_WIDTH: usize = 80;

/// Returns the sign of a mark.
pub(super) fn sign(mark: Mark) -> char {
    match mark {
        Mark::Working => '#',
        Mark::Tested => '+',
        Mark::Arriving => '~',
        Mark::Written | Mark::Nothing => ' ',
    }
}

/// Writes the matrix, what it comes to, and what to look at.
pub(super) fn write(
    out: &mut impl Write,
    coverage: &Coverage,
    gaps: bool,
    origin: Origin,
    language: Language,
) -> io::Result<()> {
    let columns = TACTICS.map(|tactic| coverage.column(&tactic));
    let line = |cells: [String; 15]| {
        let line: String = cells.iter().map(|cell| format!("{cell:<5}")).collect();
        format!(" {}", line.trim_end())
    };
    writeln!(out, "{}", line(HEADS.map(str::to_owned)))?;
    let sums = TACTICS.map(|tactic| coverage.sum(Some(&tactic)));
    writeln!(out, "{}", line(sums.map(|sum| sum.covered.to_string())))?;
    writeln!(out, "{}", line(sums.map(|sum| format!("/{}", sum.techniques))))?;
    let is_covered = |(_, figures): &&(Technique, Figures)| figures.rules > 0;
    let height = columns.iter().map(|column| column.iter().filter(is_covered).count()).max().unwrap_or(0);
    for row in 0..height {
        let cell = |column: &Vec<(Technique, Figures)>| match column.get(row).filter(is_covered) {
            Some((technique, figures)) => format!("{}{}", technique.number, sign(figures.mark())),
            None => String::new(),
        };
        writeln!(out, "{}", line(columns.each_ref().map(cell)))?;
    }
    writeln!(out)?;
    write_legend(out, coverage, language)?;
    write_sums(out, coverage, origin, language)?;
    if gaps {
        write_gaps(out, coverage, language)?;
    }
    Ok(())
}

fn write_legend(out: &mut impl Write, coverage: &Coverage, language: Language) -> io::Result<()> {
    let legend = if coverage.knows_arrivals() {
        language.pick(
            "# có ca thử và log đang đến   + có ca thử   ~ log đang đến, chưa có ca thử   trống: chỉ có luật",
            "# tested, and its logs arrive   + tested   ~ its logs arrive, no cases   blank: a rule",
        )
    } else {
        language.pick("+ có ca thử   trống: có luật, chưa có ca thử", "+ tested   blank: a rule without cases")
    };
    wrap(out, legend, "")
}

fn write_sums(out: &mut impl Write, coverage: &Coverage, origin: Origin, language: Language) -> io::Result<()> {
    let (sum, rules) = (coverage.sum(None), coverage.rules);
    let of_known = |vietnamese: &str, english: &str, count: usize| match coverage.knows_arrivals() {
        true => format!(", {count} {}", language.pick(vietnamese, english)),
        false => String::new(),
    };
    let techniques = match language {
        Language::Vietnamese => format!(
            "ATT&CK {VERSION}: {} trên {} kỹ thuật có luật, {} có ca thử",
            sum.covered, sum.techniques, sum.tested
        ),
        Language::English => {
            format!(
                "ATT&CK {VERSION}: {} of {} techniques have a rule, {} a tested one",
                sum.covered, sum.techniques, sum.tested
            )
        }
    };
    let working = of_known("có cả log đang đến", "one whose logs arrive as well", sum.working);
    wrap(out, &format!("{techniques}{working}"), "  ")?;
    let counted = match language {
        Language::Vietnamese => format!("{} luật, {} có ca thử", rules.rules, rules.tested),
        Language::English => format!("{} rules, {} tested", rules.rules, rules.tested),
    };
    let arriving = of_known("có log đang đến", "whose logs arrive", rules.arriving.unwrap_or(0));
    // What names no product, service or category takes every event: nobody can say whether its own arrive.
    let unknown = match rules.unknown {
        0 => String::new(),
        count => {
            of_known("không rõ (?: luật chỉ tả nguồn log bằng lời)", "not known (?: a log source in words only)", count)
        }
    };
    wrap(out, &format!("{counted}{arriving}{unknown}"), "  ")?;
    if origin == Origin::Folder {
        wrap(out, no_server(language), "  ")?;
    }
    if !coverage.untagged.is_empty() {
        let text = language.pick("luật không nêu kỹ thuật nào", "rules name no technique");
        let named = coverage.untagged.iter().map(String::as_str).take(10).collect::<Vec<_>>().join(", ");
        wrap(out, &format!("{} {text}: {named}", coverage.untagged.len()), "  ")?;
    }
    for (tag, (place, rules)) in &coverage.outdated {
        let what = match place {
            Some(place) => {
                let place = if place.starts_with(|c: char| c.is_ascii_digit()) {
                    format!("T{place}")
                } else {
                    (*place).to_owned()
                };
                format!("{} {place}", language.pick("nay là", "is now"))
            }
            None => language.pick("ATT&CK không có", "is not in ATT&CK").to_owned(),
        };
        let count = format!("{} {}", rules.len(), language.pick("luật", "rules"));
        wrap(out, &format!("{tag} {what} ({count})"), "  ")?;
    }
    Ok(())
}

fn write_gaps(out: &mut impl Write, coverage: &Coverage, language: Language) -> io::Result<()> {
    if coverage.sum(None).covered < coverage.sum(None).techniques {
        writeln!(out, "\n{}:", language.pick("Chưa có luật", "Without a rule"))?;
    }
    for tactic in &TACTICS {
        let column = coverage.column(tactic);
        let gaps: Vec<String> = column
            .iter()
            .filter(|(_, figures)| figures.rules == 0)
            .map(|(technique, _)| format!("T{} {}", technique.number, technique.name))
            .collect();
        if !gaps.is_empty() {
            let name = language.pick(tactic.name_vi, tactic.name);
            wrap(out, &format!("{name}: {}", gaps.join(", ")), "  ")?;
        }
    }
    Ok(())
}

/// Writes a technique's rules.
pub(super) fn write_one(
    out: &mut impl Write,
    id: &str,
    technique: Technique,
    cell: &Cell,
    rules: &[&RuleRow],
    language: Language,
) -> io::Result<()> {
    let serving = TACTICS.iter().filter(|tactic| technique.serves(tactic));
    let tactics = serving.map(|tactic| language.pick(tactic.name_vi, tactic.name)).collect::<Vec<_>>().join(", ");
    writeln!(out, "T{id} {} ({tactics})", technique.name)?;
    let knows = rules.iter().any(|row| row.arrives.is_some());
    for row in rules.iter().filter(|row| cell.rules.contains(&row.id)) {
        let title = language.pick(row.title_vi.as_ref().unwrap_or(&row.title), &row.title);
        let arrives = match row.arrives {
            Some(true) => language.pick("log đang đến", "logs arrive"),
            Some(false) => language.pick("chưa có log", "no logs"),
            None if knows => language.pick("không rõ log nào", "logs not known (?)"),
            None => "",
        };
        let cases = format!("{} {}", row.cases, language.pick("ca thử", "cases"));
        let text = format!(
            "  {:<13} {:<34} {title} ({cases}{}{arrives})",
            row.level,
            row.id,
            if arrives.is_empty() { "" } else { ", " }
        );
        writeln!(out, "{}", SafeText::new(&text))?;
    }
    Ok(())
}

/// Writes a text in lines that fit, the later ones indented.
fn wrap(out: &mut impl Write, text: &str, indent: &str) -> io::Result<()> {
    let safe = SafeText::new(text);
    let mut line = String::new();
    for word in safe.as_str().split(' ') {
        if !line.trim().is_empty() && line.width() + 1 + word.width() > TEXT_WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            line = indent.to_owned();
        } else if !line.is_empty() && line != indent {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::attack::CoveredRule;

    #[test]
    fn the_matrix_fits_eighty_columns_in_both_languages() {
        // Every technique there is, each with a rule.
        let tags: Vec<String> =
            crate::detect::attack::techniques().map(|technique| format!("attack.t{}", technique.number)).collect();
        let old = ["attack.t1562.001".to_owned()];
        let rules = |arrives| {
            [
                CoveredRule { id: "all", tags: &tags, tested: true, arrives },
                CoveredRule { id: "old", tags: &old, tested: false, arrives },
            ]
        };
        for (language, arrives) in [(Language::English, Some(true)), (Language::Vietnamese, None)] {
            let origin = if arrives.is_some() { Origin::Server } else { Origin::Folder };
            let mut out = Vec::new();
            write(&mut out, &Coverage::of(rules(arrives)), true, origin, language).expect("written");
            let text = String::from_utf8(out).expect("UTF-8");
            assert!(text.lines().all(|line| line.width() <= TEXT_WIDTH), "{text}");
            let wanted = if arrives.is_some() { "1110#" } else { "1110+" };
            assert!(text.contains(wanted) && text.contains("attack.t1562.001"), "{text}");
            assert_eq!(text.contains(no_server(language).split(',').next().unwrap_or_default()), arrives.is_none());
        }
    }

    #[test]
    fn gaps_are_named() {
        let mut out = Vec::new();
        write(&mut out, &Coverage::default(), true, Origin::Folder, Language::English).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.contains("0 of 222 techniques") && text.contains("T1110 Brute Force"), "{text}");
        assert!(text.lines().all(|line| line.width() <= TEXT_WIDTH), "{text}");
    }
}
