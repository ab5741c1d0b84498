//! Screen 6: what audit can truthfully say today.

use crate::console::look::layout::Layout;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::view::canvas::Canvas;
use crate::console::view::canvas::piece;
use crate::console::view::canvas::wrap;

/// Draws screen 6.
pub(super) fn draw_audit(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let inside = canvas.frame(layout.body, model.text(Text::ScreenAudit), true);
    let lines = wrap(&[piece(model.text(Text::AuditNote), canvas.theme.text)], inside.width);
    canvas.put_lines(inside, &lines, 0);
}
