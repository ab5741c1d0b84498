//! The local socket: the kernel says which user is at the other end.

use std::collections::BTreeMap;

use nix::unistd::Uid;
use nix::unistd::User;

use crate::auth::Principal;
use crate::auth::Role;
use crate::auth::Via;

/// Which local users are let in, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerPolicy {
    owner: u32,
    roles: BTreeMap<String, Role>,
}

impl PeerPolicy {
    /// Lets in the user this process runs as and root, both as admins, and the users named.
    pub fn of_this_process(roles: impl IntoIterator<Item = (String, Role)>) -> PeerPolicy {
        PeerPolicy { owner: Uid::effective().as_raw(), roles: roles.into_iter().collect() }
    }

    /// Returns who the user is, or `None` when they are not let in. Asks the system's user database, which may block.
    pub fn principal(&self, uid: u32) -> Option<Principal> {
        let name = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        self.principal_named(uid, name)
    }

    fn principal_named(&self, uid: u32, name: Option<String>) -> Option<Principal> {
        let configured = name.as_ref().and_then(|name| self.roles.get(name)).copied();
        let role = if uid == 0 || uid == self.owner { Role::Admin } else { configured? };
        Some(Principal { name: name.unwrap_or_else(|| format!("uid-{uid}")), role, via: Via::LocalSocket })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_anybody_until_configured() {
        let policy = PeerPolicy {
            owner: 990,
            roles: BTreeMap::from([("an".to_owned(), Role::Analyst), ("kiem".to_owned(), Role::Auditor)]),
        };
        let cases = [
            (0, Some("root"), Some(("root", Role::Admin))),
            (990, Some("longan"), Some(("longan", Role::Admin))),
            (990, None, Some(("uid-990", Role::Admin))),
            (1000, Some("an"), Some(("an", Role::Analyst))),
            (1001, Some("kiem"), Some(("kiem", Role::Auditor))),
            (1002, Some("other"), None),
            (1003, None, None),
        ];
        for (uid, name, expected) in cases {
            let principal = policy.principal_named(uid, name.map(str::to_owned));
            let seen = principal.as_ref().map(|principal| (principal.name.as_str(), principal.role));
            assert_eq!(seen, expected, "{uid} {name:?}");
        }
        let ours = PeerPolicy::of_this_process([]);
        assert_eq!(ours.principal(Uid::effective().as_raw()).map(|principal| principal.role), Some(Role::Admin));
    }
}
