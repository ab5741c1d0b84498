//! The screens that are one or two plain lists: sources and rules.

use crate::console::look::format::fold;
use crate::console::look::layout::Pane;
use crate::console::look::layout::Scroll;
use crate::wire::source::InputRow;
use crate::wire::source::SourceRow;
use crate::wire::status::RuleRow;

/// The sources screen: inputs above, sources below.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub inputs: Vec<InputRow>,
    /// Silent ones first, then the loudest.
    pub sources: Vec<SourceRow>,
    pub is_loaded: bool,
    pub filter: String,
    /// Places in `sources` that the filter admits.
    pub shown: Vec<usize>,
    /// `List` is the sources, `Detail` the inputs.
    pub focus: Pane,
    pub scroll: Scroll,
    pub inputs_scroll: Scroll,
}

/// The rules screen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub rows: Vec<RuleRow>,
    pub is_loaded: bool,
    pub filter: String,
    /// Places in `rows` that the filter admits.
    pub shown: Vec<usize>,
    pub scroll: Scroll,
}

impl Sources {
    /// Sorts and filters anew.
    pub(crate) fn arrange(&mut self) {
        self.sources.sort_by(|a, b| {
            let order = |source: &SourceRow| (!source.is_silent, std::cmp::Reverse(source.events));
            order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name))
        });
        let wanted = fold(&self.filter);
        let admits = |source: &SourceRow| {
            fold(&source.name).contains(&wanted)
                || fold(&source.input).contains(&wanted)
                || source.parsers.iter().any(|parser| fold(parser).contains(&wanted))
        };
        self.shown = (0..self.sources.len()).filter(|index| admits(&self.sources[*index])).collect();
    }
}

impl Rules {
    /// Filters anew.
    pub(crate) fn arrange(&mut self) {
        let wanted = fold(&self.filter);
        let admits = |rule: &RuleRow| {
            [&rule.id, &rule.title, &rule.level, &rule.status, &rule.path]
                .into_iter()
                .chain(&rule.tags)
                .chain(&rule.title_vi)
                .any(|text| fold(text).contains(&wanted))
        };
        self.shown = (0..self.rows.len()).filter(|index| admits(&self.rows[*index])).collect();
    }
}
