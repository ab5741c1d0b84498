//! Colours: four palettes and none at all. Nothing is told by colour alone.

use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;

use crate::model::RuleLevel;

/// Which palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    #[default]
    Default,
    HighContrast,
    /// No pair of colours that a red-green weakness confuses.
    Deuteranopia,
    /// The sixteen colours every terminal has.
    Sixteen,
    /// Bold, dim and reverse only; what `NO_COLOR` asks for.
    Mono,
}

/// The styles by their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub name: ThemeName,
    pub text: Style,
    pub dim: Style,
    pub border: Style,
    pub focus: Style,
    pub selected: Style,
    pub header: Style,
    pub matched: Style,
    pub good: Style,
    pub warning: Style,
    pub danger: Style,
    levels: [Style; 5],
}

impl Theme {
    /// Every name, as `--theme` takes it.
    pub const NAMES: [(&'static str, ThemeName); 5] = [
        ("default", ThemeName::Default),
        ("high-contrast", ThemeName::HighContrast),
        ("deuteranopia", ThemeName::Deuteranopia),
        ("16", ThemeName::Sixteen),
        ("mono", ThemeName::Mono),
    ];

    /// Builds a palette.
    pub fn new(name: ThemeName) -> Theme {
        use Color::Indexed;
        match name {
            ThemeName::Default => Theme::colours(
                name,
                [Indexed(245), Indexed(240), Indexed(75), Indexed(236)],
                [Indexed(78), Indexed(214), Indexed(203)],
                [Indexed(245), Indexed(110), Indexed(222), Indexed(208), Indexed(203)],
            ),
            ThemeName::HighContrast => Theme::colours(
                name,
                [Color::White, Color::White, Color::LightYellow, Color::Blue],
                [Color::LightGreen, Color::LightYellow, Color::LightRed],
                [Color::White, Color::LightCyan, Color::LightYellow, Color::LightMagenta, Color::LightRed],
            ),
            // Blue to yellow, lightness rising with the level (after Okabe and Ito).
            ThemeName::Deuteranopia => Theme::colours(
                name,
                [Indexed(245), Indexed(240), Indexed(74), Indexed(236)],
                [Indexed(74), Indexed(178), Indexed(227)],
                [Indexed(245), Indexed(67), Indexed(117), Indexed(178), Indexed(227)],
            ),
            ThemeName::Sixteen => Theme::colours(
                name,
                [Color::Gray, Color::DarkGray, Color::Cyan, Color::DarkGray],
                [Color::Green, Color::Yellow, Color::Red],
                [Color::Gray, Color::Cyan, Color::Yellow, Color::Magenta, Color::Red],
            ),
            ThemeName::Mono => Theme::mono(),
        }
    }

    fn colours(name: ThemeName, base: [Color; 4], states: [Color; 3], levels: [Color; 5]) -> Theme {
        let [dim, border, focus, selected] = base;
        let [good, warning, danger] = states.map(|colour| Style::new().fg(colour));
        Theme {
            name,
            text: Style::new(),
            dim: Style::new().fg(dim),
            border: Style::new().fg(border),
            focus: Style::new().fg(focus).add_modifier(Modifier::BOLD),
            selected: Style::new().bg(selected).add_modifier(Modifier::BOLD),
            header: Style::new().add_modifier(Modifier::REVERSED),
            matched: Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED).patch(warning),
            good,
            warning,
            danger: danger.add_modifier(Modifier::BOLD),
            levels: levels.map(|colour| Style::new().fg(colour).add_modifier(Modifier::BOLD)),
        }
    }

    fn mono() -> Theme {
        let (plain, bold) = (Style::new(), Style::new().add_modifier(Modifier::BOLD));
        Theme {
            name: ThemeName::Mono,
            text: plain,
            dim: plain.add_modifier(Modifier::DIM),
            border: plain,
            focus: bold,
            selected: plain.add_modifier(Modifier::REVERSED),
            header: plain.add_modifier(Modifier::REVERSED),
            matched: bold.add_modifier(Modifier::UNDERLINED),
            good: plain,
            warning: bold,
            danger: bold.add_modifier(Modifier::REVERSED),
            levels: [plain, plain, plain, bold, bold],
        }
    }

    /// Returns the style of a level.
    pub fn level(&self, level: RuleLevel) -> Style {
        self.levels[level as usize]
    }
}
