//! Who asks, what he may, and which facilities he sees.

use std::collections::BTreeSet;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::error::ApiError;

/// What somebody may; each may all that those before him may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look.
    Viewer,
    /// Say what was done about alerts.
    Analyst,
    /// Change how plants are watched.
    Engineer,
    /// Decide over users and keys.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Analyst, Self::Engineer, Self::Admin];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Engineer => "engineer",
            Self::Admin => "admin",
        }
    }

    /// The role that is written so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Which facilities somebody sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All there are, and all that will be.
    All,
    /// These.
    Some(BTreeSet<String>),
}

impl Scope {
    /// As it is written: `*` stands for all.
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::All => vec![ALL.to_owned()],
            Self::Some(some) => some.iter().cloned().collect(),
        }
    }

    /// Of such a list.
    pub fn of(list: &[String]) -> Self {
        if list.iter().any(|one| one == ALL) { Self::All } else { Self::Some(list.iter().cloned().collect()) }
    }

    /// Whether a facility is in it.
    pub fn holds(&self, facility: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(some) => some.contains(facility),
        }
    }
}

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// He signed in; the session.
    Session(Uuid),
    /// A key for programs.
    Key,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Of the user or the key.
    pub id: Uuid,
    /// As people know it.
    pub name: String,
    /// By what.
    pub via: Via,
    /// What he may.
    pub role: Role,
    /// What he sees.
    pub scope: Scope,
}

impl Principal {
    /// Whether he sees all facilities.
    pub fn sees_all(&self) -> bool {
        self.scope == Scope::All
    }

    /// What he does not see does not exist for him.
    pub fn may_see(&self, facility: &str, what: &str) -> Result<(), ApiError> {
        if self.scope.holds(facility) { Ok(()) } else { Err(ApiError::not_found(what)) }
    }

    /// Which of the facilities that he asks for (all, when he names none) he sees. None: not one, so there is
    /// nothing to look for. An empty list: all there are.
    pub fn narrow(&self, asked: Vec<String>) -> Option<Vec<String>> {
        match &self.scope {
            Scope::All => Some(asked),
            Scope::Some(some) => {
                let seen: Vec<String> = if asked.is_empty() {
                    some.iter().cloned().collect()
                } else {
                    asked.into_iter().filter(|one| some.contains(one)).collect()
                };
                (!seen.is_empty()).then_some(seen)
            }
        }
    }

    /// For the audit trail.
    pub fn actor(&self) -> String {
        match self.via {
            Via::Session(_) => format!("user {}", self.name),
            Via::Key => format!("key {}", self.name),
        }
    }

    /// What his requests are counted under.
    pub fn key(&self) -> (Uuid, bool) {
        (self.id, self.via == Via::Key)
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // Only a public route has none, and asks for none.
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| ApiError::internal("a route without a principal"))
    }
}

/// How "all facilities" is written; no facility may be called so.
pub const ALL: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    fn someone(scope: Scope) -> Principal {
        Principal { id: Uuid::nil(), name: "ann".into(), via: Via::Key, role: Role::Viewer, scope }
    }

    #[test]
    fn what_is_out_of_scope_is_not_there() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let some = someone(Scope::of(&list(&["north", "south"])));
        assert!(some.may_see("north", "facility").is_ok() && some.may_see("east", "facility").is_err());
        assert_eq!(some.narrow(list(&[])), Some(list(&["north", "south"])));
        assert_eq!(some.narrow(list(&["south", "east"])), Some(list(&["south"])));
        assert_eq!(some.narrow(list(&["east"])), None);
        assert_eq!(someone(Scope::of(&[])).narrow(list(&[])), None, "an empty scope is not all");
        let all = someone(Scope::of(&list(&["*"])));
        assert_eq!(all.narrow(list(&["east"])), Some(list(&["east"])));
        assert_eq!(all.narrow(Vec::new()), Some(Vec::new()));
        assert_eq!(Scope::of(&all.scope.list()), Scope::All);
    }

    #[test]
    fn roles_are_ordered() {
        assert!(Role::ALL.is_sorted());
        assert!(Role::ALL.into_iter().all(|role| Role::named(role.name()) == Some(role)));
        assert_eq!(Role::named("root"), None);
    }
}
