//! Where things stand at each size; used by the views to draw and by the update to know how many rows a page has.

use ratatui::layout::Rect;

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Below 40x10: a line that sums up.
    Summary,
    /// Below 80x24: one pane at a time.
    OnePane,
    /// The list above, its detail below.
    Stacked,
    /// The list at the left, its detail at the right, events around it below.
    Wide,
}

/// The frame of every screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub shape: Shape,
    pub header: Rect,
    pub filter: Rect,
    pub body: Rect,
    pub hints: Rect,
}

/// The panes of a list screen; a pane without room is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panes {
    pub list: Rect,
    pub detail: Rect,
    pub around: Rect,
}

/// Which pane has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Pane {
    #[default]
    List,
    Detail,
    Around,
}

impl Layout {
    /// Divides a terminal of this size.
    pub(crate) fn of(width: u16, height: u16) -> Layout {
        let shape = match (width, height) {
            (..40, _) | (_, ..10) => Shape::Summary,
            (..80, _) | (_, ..24) => Shape::OnePane,
            (140.., 36..) => Shape::Wide,
            _ => Shape::Stacked,
        };
        let hint_rows = if shape == Shape::OnePane { 1 } else { 2 };
        let body_rows = height.saturating_sub(2 + hint_rows);
        let row = |y: u16, rows: u16| Rect::new(0, y.min(height), width, rows.min(height.saturating_sub(y)));
        Layout {
            shape,
            header: row(0, 1),
            filter: row(1, 1),
            body: row(2, body_rows),
            hints: row(2 + body_rows, hint_rows),
        }
    }

    /// Divides the body for a list with a detail; `focus` wins where there is room for one pane only.
    pub(crate) fn panes(&self, focus: Pane) -> Panes {
        let body = self.body;
        let nothing = Rect::new(body.x, body.y, 0, 0);
        match self.shape {
            Shape::Wide => {
                let upper = body.height * 2 / 3;
                let left = body.width * 13 / 20;
                Panes {
                    list: Rect::new(body.x, body.y, left, upper),
                    detail: Rect::new(body.x + left, body.y, body.width - left, upper),
                    around: Rect::new(body.x, body.y + upper, body.width, body.height - upper),
                }
            }
            Shape::Stacked if focus == Pane::Around => Panes { list: nothing, detail: nothing, around: body },
            Shape::Stacked if focus == Pane::Detail => Panes { list: nothing, detail: body, around: nothing },
            Shape::Stacked => {
                let upper = body.height.div_ceil(2);
                Panes {
                    list: Rect::new(body.x, body.y, body.width, upper),
                    detail: Rect::new(body.x, body.y + upper, body.width, body.height - upper),
                    around: nothing,
                }
            }
            Shape::OnePane | Shape::Summary => Panes {
                list: if focus == Pane::List { body } else { nothing },
                detail: if focus == Pane::Detail { body } else { nothing },
                around: if focus == Pane::Around { body } else { nothing },
            },
        }
    }
}

/// Returns the rows inside a pane's border, less its `head` rows.
pub(crate) fn rows_in(pane: Rect, head: u16) -> usize {
    usize::from(pane.height.saturating_sub(2 + head))
}

/// A place in a list and the first row shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scroll {
    pub cursor: usize,
    pub top: usize,
}

impl Scroll {
    /// Moves the cursor, held within the list.
    pub(crate) fn move_by(&mut self, rows: isize, len: usize) {
        self.cursor = self.cursor.saturating_add_signed(rows).min(len.saturating_sub(1));
    }

    /// Scrolls just so far that the cursor is visible.
    pub(crate) fn follow(&mut self, len: usize, height: usize) {
        self.cursor = self.cursor.min(len.saturating_sub(1));
        let height = height.max(1);
        self.top = self.top.clamp((self.cursor + 1).saturating_sub(height), self.cursor).min(len.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_divides_within_itself() {
        for width in 0..200 {
            for height in 0..70 {
                let layout = Layout::of(width, height);
                for focus in [Pane::List, Pane::Detail, Pane::Around] {
                    let panes = layout.panes(focus);
                    for area in [layout.header, layout.filter, layout.hints, panes.list, panes.detail, panes.around] {
                        assert!(area.right() <= width && area.bottom() <= height, "{width}x{height}: {area:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn sizes_have_their_shapes() {
        for (size, shape) in [
            ((39, 50), Shape::Summary),
            ((100, 9), Shape::Summary),
            ((79, 24), Shape::OnePane),
            ((80, 24), Shape::Stacked),
            ((160, 50), Shape::Wide),
            ((300, 100), Shape::Wide),
        ] {
            assert_eq!(Layout::of(size.0, size.1).shape, shape, "{size:?}");
        }
    }

    #[test]
    fn the_cursor_stays_visible_and_in_the_list() {
        let mut scroll = Scroll::default();
        scroll.move_by(50, 100);
        scroll.follow(100, 10);
        assert_eq!((scroll.cursor, scroll.top), (50, 41));
        scroll.move_by(-5, 100);
        scroll.follow(100, 10);
        assert_eq!((scroll.cursor, scroll.top), (45, 41));
        scroll.follow(3, 10);
        assert_eq!((scroll.cursor, scroll.top), (2, 2));
        scroll.follow(0, 0);
        assert_eq!((scroll.cursor, scroll.top), (0, 0));
    }
}
