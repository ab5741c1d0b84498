//! Why an alert was raised: the rule's condition as a tree, each node with what came of it.
//!
//! ```text
//! │  + failed: all of                                           │
//! │    + event.action is 'ssh_login'  = ssh_login               │
//! │    - user.name is 'root'  = an  (the value is another)      │
//! ```

use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::model::Model;
use crate::console::view::canvas::Line;
use crate::console::view::canvas::piece;
use crate::wire::why::RuleWhy;
use crate::wire::why::WhyCorrelation;
use crate::wire::why::WhyNode;
use crate::wire::why::WhyTest;

/// Columns a level is further in, and the levels beyond which all stand alike: a narrow pane must keep room for words.
const INDENT: usize = 2;
const LEVELS_MAX: usize = 12;

/// Returns the lines of what a rule says of an event.
pub(super) fn lines(model: &Model, why: &RuleWhy, theme: &Theme) -> Vec<Line> {
    let mut lines = Vec::new();
    rule(model, why, 1, theme, &mut lines);
    lines
}

fn start(level: usize, holds: bool, theme: &Theme) -> Line {
    let indent = " ".repeat(level.min(LEVELS_MAX) * INDENT);
    let (sign, style) = if holds { ("+ ", theme.good) } else { ("- ", theme.dim) };
    vec![piece(indent, theme.text), piece(sign, style)]
}

fn rule(model: &Model, why: &RuleWhy, level: usize, theme: &Theme, lines: &mut Vec<Line>) {
    for mismatch in &why.mismatches {
        let mut line = start(level, false, theme);
        line.push(piece(mismatch.as_str(), theme.warning));
        lines.push(line);
    }
    if let Some(condition) = &why.condition {
        node(model, condition, level, theme, lines);
    }
    if let Some(of) = &why.correlation {
        correlation(model, of, level, theme, lines);
    }
}

fn correlation(model: &Model, of: &WhyCorrelation, level: usize, theme: &Theme, lines: &mut Vec<Line>) {
    let indent = " ".repeat(level * INDENT);
    let span = of.timespan_seconds.to_string();
    let head = fill(model.text(Text::WhyWithin), &[&of.kind, &span, &of.bounds]);
    lines.push(vec![piece(indent, theme.text), piece(head, theme.text)]);
    for group in &of.group_by {
        let mut line = start(level + 1, group.value.is_some(), theme);
        let value = group.value.as_deref().unwrap_or(model.text(Text::WhyNotCounted));
        line.push(piece(fill(model.text(Text::WhyGrouped), &[&group.field]), theme.text));
        line.push(piece(value, theme.matched));
        lines.push(line);
    }
    for name in &of.unknown {
        let mut line = start(level + 1, false, theme);
        line.push(piece(fill(model.text(Text::WhyNoRule), &[name]), theme.warning));
        lines.push(line);
    }
    for counted in &of.rules {
        let mut line = start(level + 1, counted.matches, theme);
        line.push(piece(counted.title.as_str(), theme.text));
        line.push(piece(format!("  {}", counted.id), theme.dim));
        lines.push(line);
        // Of several rules, those that did not match say so and no more.
        if counted.matches || of.rules.len() == 1 {
            rule(model, counted, level + 2, theme, lines);
        }
    }
}

fn node(model: &Model, of: &WhyNode, level: usize, theme: &Theme, lines: &mut Vec<Line>) {
    let mut line = start(level, of.holds, theme);
    if let Some(name) = &of.name {
        line.push(piece(format!("{name}: "), theme.focus));
    }
    match (&of.test, of.join.as_str()) {
        (Some(test), _) => line.extend(tested(test, of.holds, theme)),
        (None, "all") => line.push(piece(model.text(Text::WhyAll), theme.dim)),
        (None, "not") => line.push(piece(model.text(Text::WhyNot), theme.dim)),
        (None, _) => {
            let count = (of.parts.len() as u64).saturating_add(of.more).to_string();
            line.push(piece(fill(model.text(Text::WhyAny), &[&count]), theme.dim));
        }
    }
    lines.push(line);
    for part in &of.parts {
        node(model, part, level + 1, theme, lines);
    }
    if of.more > 0 {
        let indent = " ".repeat((level + 1).min(LEVELS_MAX) * INDENT);
        lines.push(vec![piece(indent + &fill(model.text(Text::WhyMore), &[&of.more.to_string()]), theme.dim)]);
    }
}

fn tested(test: &WhyTest, holds: bool, theme: &Theme) -> Line {
    let field = test.field.as_deref().unwrap_or("*");
    let mut line = vec![piece(format!("{field} {}", test.wants), theme.text)];
    if let Some(value) = &test.value {
        line.push(piece("  = ", theme.dim));
        line.push(piece(value.as_str(), if holds { theme.matched } else { theme.dim }));
    }
    if let Some(why) = test.why.as_ref().filter(|_| !holds) {
        line.push(piece(format!("  ({why})"), theme.dim));
    }
    line
}
