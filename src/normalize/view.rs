//! An event under normalization: where its interesting fields stand, so that a look at one is an index, not a search.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::LazyLock;

use crate::model::Event;
use crate::model::Field;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;

/// The fields normalization reads or fills in.
const INTERESTING: [Field; 74] = [
    ecs::CLIENT_ADDRESS,
    ecs::CLIENT_DOMAIN,
    ecs::CLIENT_IP,
    ecs::CLIENT_PORT,
    ecs::CLIENT_USER_NAME,
    ecs::DESTINATION_ADDRESS,
    ecs::DESTINATION_DOMAIN,
    ecs::DESTINATION_IP,
    ecs::DESTINATION_NAT_IP,
    ecs::DESTINATION_PORT,
    ecs::DESTINATION_USER_DOMAIN,
    ecs::DESTINATION_USER_NAME,
    ecs::DLL_HASH_SHA256,
    ecs::DLL_NAME,
    ecs::DLL_PATH,
    ecs::DNS_QUESTION_NAME,
    ecs::DNS_RESOLVED_IP,
    ecs::EVENT_KIND,
    ecs::EVENT_OUTCOME,
    ecs::FILE_DIRECTORY,
    ecs::FILE_EXTENSION,
    ecs::FILE_HASH_MD5,
    ecs::FILE_HASH_SHA1,
    ecs::FILE_HASH_SHA256,
    ecs::FILE_NAME,
    ecs::FILE_PATH,
    ecs::HOST_HOSTNAME,
    ecs::HOST_IP,
    ecs::HOST_NAME,
    ecs::HTTP_REQUEST_METHOD,
    ecs::LOG_LEVEL,
    ecs::LOG_SYSLOG_SEVERITY_CODE,
    ecs::NETWORK_DIRECTION,
    ecs::NETWORK_IANA_NUMBER,
    ecs::NETWORK_PROTOCOL,
    ecs::NETWORK_TRANSPORT,
    ecs::NETWORK_TYPE,
    ecs::PROCESS_EXECUTABLE,
    ecs::PROCESS_HASH_MD5,
    ecs::PROCESS_HASH_SHA1,
    ecs::PROCESS_HASH_SHA256,
    ecs::PROCESS_NAME,
    ecs::PROCESS_PARENT_EXECUTABLE,
    ecs::PROCESS_PARENT_NAME,
    ecs::RELATED_HASH,
    ecs::RELATED_HOSTS,
    ecs::RELATED_IP,
    ecs::RELATED_USER,
    ecs::SERVER_ADDRESS,
    ecs::SERVER_DOMAIN,
    ecs::SERVER_IP,
    ecs::SERVER_PORT,
    ecs::SOURCE_ADDRESS,
    ecs::SOURCE_DOMAIN,
    ecs::SOURCE_IP,
    ecs::SOURCE_NAT_IP,
    ecs::SOURCE_PORT,
    ecs::SOURCE_USER_DOMAIN,
    ecs::SOURCE_USER_NAME,
    ecs::TLS_CLIENT_SERVER_NAME,
    ecs::URL_DOMAIN,
    ecs::URL_EXTENSION,
    ecs::URL_FRAGMENT,
    ecs::URL_FULL,
    ecs::URL_ORIGINAL,
    ecs::URL_PATH,
    ecs::URL_PORT,
    ecs::URL_QUERY,
    ecs::URL_SCHEME,
    ecs::URL_USERNAME,
    ecs::USER_DOMAIN,
    ecs::USER_NAME,
    ecs::USER_TARGET_DOMAIN,
    ecs::USER_TARGET_NAME,
];

/// No slot, or nothing in it.
const NOWHERE: u16 = u16::MAX;

/// From the index of a field to its slot.
static SLOTS: LazyLock<Box<[u16]>> = LazyLock::new(|| {
    let mut slots = vec![NOWHERE; Field::count()];
    for (slot, field) in (0u16..).zip(INTERESTING) {
        if let Some(place) = slots.get_mut(field.index()) {
            *place = slot;
        }
    }
    slots.into()
});

/// An event and where its interesting fields stand.
pub(super) struct View<'e, 'a> {
    pub(super) event: &'e mut Event<'a>,
    slots: &'static [u16],
    places: [u16; INTERESTING.len()],
}

impl<'e, 'a> View<'e, 'a> {
    /// Looks through the fields once. Of a name that occurs twice the last one counts.
    pub(super) fn new(event: &'e mut Event<'a>) -> View<'e, 'a> {
        let mut view = View { event, slots: &SLOTS, places: [NOWHERE; INTERESTING.len()] };
        for place in 0..view.event.fields.len() {
            if let Some((Name::Known(field), _)) = view.event.fields.get(place) {
                let field = *field;
                view.note(field, place);
            }
        }
        view
    }

    fn note(&mut self, field: Field, place: usize) {
        let slot = self.slots.get(field.index()).copied().unwrap_or(NOWHERE);
        if let Some(noted) = self.places.get_mut(usize::from(slot)) {
            *noted = u16::try_from(place).unwrap_or(NOWHERE);
        }
    }

    fn place(&self, field: Field) -> Option<usize> {
        let slot = self.slots.get(field.index()).copied().unwrap_or(NOWHERE);
        debug_assert!(slot != NOWHERE, "{field} is missing from the interesting fields");
        self.places.get(usize::from(slot)).copied().filter(|place| *place != NOWHERE).map(usize::from)
    }

    /// Returns the value of an interesting field.
    pub(super) fn get(&self, field: Field) -> Option<&Value<'a>> {
        self.event.fields.get(self.place(field)?).map(|(_, value)| value)
    }

    /// Says whether an interesting field has a value.
    pub(super) fn has(&self, field: Field) -> bool {
        self.place(field).is_some()
    }

    /// Returns the text of an interesting field.
    pub(super) fn text(&self, field: Field) -> Option<&Cow<'a, str>> {
        match self.get(field)? {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// Returns the address of an interesting field; of a list the first.
    pub(super) fn ip(&self, field: Field) -> Option<IpAddr> {
        match self.get(field)? {
            Value::Ip(address) => Some(*address),
            Value::List(items) => items.iter().find_map(|item| match item {
                Value::Ip(address) => Some(*address),
                _ => None,
            }),
            _ => None,
        }
    }

    /// Sets a field, replacing an earlier value.
    pub(super) fn set(&mut self, field: Field, value: Value<'a>) {
        match self.place(field).and_then(|place| self.event.fields.get_mut(place)) {
            Some((_, old)) => *old = value,
            None => {
                self.note(field, self.event.fields.len());
                self.event.fields.push((Name::Known(field), value));
            }
        }
    }

    /// Sets a field unless it has a value.
    pub(super) fn fill(&mut self, field: Field, value: Value<'a>) {
        if !self.has(field) {
            self.set(field, value);
        }
    }
}

/// Returns a part of a text, borrowed when the text is.
pub(super) fn part<'a>(text: &Cow<'a, str>, start: usize, end: usize) -> Option<Cow<'a, str>> {
    match text {
        Cow::Borrowed(text) => text.get(start..end).map(Cow::Borrowed),
        Cow::Owned(text) => text.get(start..end).map(|part| Cow::Owned(part.to_owned())),
    }
}
