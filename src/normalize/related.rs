//! `related.*`: every address, user, host and hash of an event in one place, each once.

use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;
use crate::normalize::view::View;

const ADDRESSES: [Field; 8] = [
    ecs::SOURCE_IP,
    ecs::DESTINATION_IP,
    ecs::CLIENT_IP,
    ecs::SERVER_IP,
    ecs::HOST_IP,
    ecs::SOURCE_NAT_IP,
    ecs::DESTINATION_NAT_IP,
    ecs::DNS_RESOLVED_IP,
];
const USERS: [Field; 5] =
    [ecs::USER_NAME, ecs::USER_TARGET_NAME, ecs::SOURCE_USER_NAME, ecs::DESTINATION_USER_NAME, ecs::CLIENT_USER_NAME];
const HOSTS: [Field; 6] = [
    ecs::HOST_NAME,
    ecs::HOST_HOSTNAME,
    ecs::SOURCE_DOMAIN,
    ecs::DESTINATION_DOMAIN,
    ecs::CLIENT_DOMAIN,
    ecs::SERVER_DOMAIN,
];
const HASHES: [Field; 7] = [
    ecs::FILE_HASH_MD5,
    ecs::FILE_HASH_SHA1,
    ecs::FILE_HASH_SHA256,
    ecs::PROCESS_HASH_MD5,
    ecs::PROCESS_HASH_SHA1,
    ecs::PROCESS_HASH_SHA256,
    ecs::DLL_HASH_SHA256,
];
/// No list holds more than this.
const ITEMS_MAX: usize = 64;

/// Fills the four lists; a list a pack has begun is completed.
pub(super) fn apply(view: &mut View<'_, '_>) {
    gather(view, ecs::RELATED_IP, &ADDRESSES);
    gather(view, ecs::RELATED_USER, &USERS);
    gather(view, ecs::RELATED_HOSTS, &HOSTS);
    gather(view, ecs::RELATED_HASH, &HASHES);
}

fn gather<'a>(view: &mut View<'_, 'a>, target: Field, sources: &[Field]) {
    if !sources.iter().any(|source| view.has(*source)) {
        return;
    }
    let mut items: Vec<Value<'a>> = match view.get(target) {
        Some(Value::List(items)) => items.clone(),
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![single.clone()],
    };
    for source in sources {
        let Some(value) = view.get(*source) else { continue };
        value.for_each_scalar(|item| {
            let is_something = !matches!(item, Value::Null) && item.as_str() != Some("");
            if is_something && items.len() < ITEMS_MAX && !items.contains(item) {
                items.push(item.clone());
            }
        });
    }
    if !items.is_empty() {
        view.set(target, Value::List(items));
    }
}
