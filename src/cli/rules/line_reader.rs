//! How a raw line of a case becomes an event: the same way it would take when received.

use super::flat_event;
use crate::detect::cases::Arrival;
use crate::model::Event;
use crate::model::ecs;

/// Reads a line and hands the event on.
///
/// A line that is a JSON object of the form `{"logsource": …, "event": …}` is taken as it stands, so that rules in Sigma's
/// own taxonomy can have cases, too.
pub(super) fn read(arrival: Arrival<'_>, each: &mut dyn FnMut(Event<'_>)) {
    if let Ok(flat) = flat_event::read(arrival.text)
        && flat.logsource_known
    {
        let mut event = flat.event;
        (event.timestamp, event.ingested) = (arrival.received, arrival.received);
        return each(event);
    }
    let mut event = Event::new(arrival.text, arrival.received);
    event.set(ecs::MESSAGE, arrival.text);
    each(event);
}
