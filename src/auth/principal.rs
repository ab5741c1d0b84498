//! Principals, roles, and the table of what each role may do.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::Serialize;

/// What somebody is here for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Triages alerts and works on incidents.
    Analyst,
    /// Runs the place; may do everything.
    Admin,
    /// Sees everything, changes nothing.
    Auditor,
}

/// A word that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown role `{0}`")]
pub struct UnknownRole(pub String);

/// Something that is allowed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See alerts and incidents.
    ReadAlerts,
    /// Act on alerts and incidents.
    Triage,
    /// Search the stored events.
    SearchEvents,
    /// See the state of the server, its inputs and rules.
    ReadStatus,
    /// Read the metrics of the process.
    ReadMetrics,
    /// Read the audit log, and check the store against its evidence.
    ReadAudit,
    /// Act on what others hold, manage users and tokens.
    Administer,
}

impl Permission {
    /// All of them.
    pub const ALL: [Permission; 7] = [
        Permission::ReadAlerts,
        Permission::Triage,
        Permission::SearchEvents,
        Permission::ReadStatus,
        Permission::ReadMetrics,
        Permission::ReadAudit,
        Permission::Administer,
    ];
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 3] = [Role::Analyst, Role::Admin, Role::Auditor];

    /// Returns the word for the role.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Analyst => "analyst",
            Role::Admin => "admin",
            Role::Auditor => "auditor",
        }
    }

    /// The table: whether the role has the permission. Exhaustive, so that a new permission must be answered here.
    pub fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::ReadAlerts | Permission::SearchEvents | Permission::ReadStatus => true,
            Permission::Triage => matches!(self, Role::Analyst | Role::Admin),
            Permission::ReadAudit => matches!(self, Role::Auditor | Role::Admin),
            Permission::ReadMetrics | Permission::Administer => self == Role::Admin,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Role, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// The kernel told their user id at the other end of the local socket.
    LocalSocket,
    /// They showed a token.
    Token,
}

/// Somebody known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    pub name: String,
    pub role: Role,
    pub via: Via,
}

impl Principal {
    /// Says whether they may do something. Whoever is let in on the local socket may also read the metrics: they
    /// could read them from `/proc` of the same host.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission) || (permission == Permission::ReadMetrics && self.via == Via::LocalSocket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_roles() {
        use Permission::*;
        let expected = [
            (Role::Analyst, vec![ReadAlerts, Triage, SearchEvents, ReadStatus]),
            (Role::Admin, Permission::ALL.to_vec()),
            (Role::Auditor, vec![ReadAlerts, SearchEvents, ReadStatus, ReadAudit]),
        ];
        for (role, permissions) in expected {
            let has: Vec<Permission> = Permission::ALL.into_iter().filter(|one| role.may(*one)).collect();
            assert_eq!(has, permissions, "{role}");
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("Admin".parse::<Role>().is_err());
    }

    #[test]
    fn metrics_are_for_admins_and_for_those_on_the_host() {
        for (via, may) in [(Via::LocalSocket, true), (Via::Token, false)] {
            let auditor = Principal { name: "kiem".to_owned(), role: Role::Auditor, via };
            assert_eq!(auditor.may(Permission::ReadMetrics), may);
            assert!(!auditor.may(Permission::Triage));
        }
    }
}
