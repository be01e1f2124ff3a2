//! The part of the configuration that says whose word counts for who somebody is, and what its groups may.

use std::path::PathBuf;

use fieldward_shared::identity::check_facility;
use serde::Deserialize;

use crate::api::principal::{ALL, Role};
use crate::outward::{ROOTS, is_safe};

/// An issuer of another's, by OpenID Connect; off without `issuer`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct OidcConfig {
    /// As it names itself: `https://sso.example/realms/plants`.
    pub issuer: Option<String>,
    /// As it knows Fieldward.
    pub client_id: String,
    /// A file with the secret that it gave, which nobody else may read; none for a public client.
    pub client_secret: Option<PathBuf>,
    /// Where it sends people back: `https://soc.example/api/auth/oidc/callback`.
    pub redirect: String,
    /// Roots by which its certificate is judged, in PEM.
    pub roots: PathBuf,
    /// The claim with the name to sign in under.
    pub name_claim: String,
    /// The claim with groups.
    pub groups_claim: String,
    /// What groups may: `soc=analyst:*`, `north-team=viewer:north south`. Whoever is in none does not come in.
    pub groups: Vec<String>,
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: String::new(),
            client_secret: None,
            redirect: String::new(),
            roots: ROOTS.into(),
            name_claim: "preferred_username".into(),
            groups_claim: "groups".into(),
            groups: Vec::new(),
        }
    }
}

/// What a group may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its name.
    pub group: String,
    /// Which role.
    pub role: Role,
    /// At which plants; `*` is all.
    pub facilities: Vec<String>,
}

impl OidcConfig {
    /// What is wrong with it: which key, and what.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let Some(issuer) = &self.issuer else { return Ok(()) };
        for (key, url) in [("oidc.issuer", issuer), ("oidc.redirect", &self.redirect)] {
            if !is_safe(url) {
                return Err((key, format!("\"{url}\" is no https:// address")));
            }
        }
        if self.client_id.is_empty() {
            return Err(("oidc.client_id", "there is none".to_owned()));
        }
        match self.grants() {
            Ok(grants) if grants.is_empty() => Err(("oidc.groups", "nobody would come in".to_owned())),
            Ok(_) => Ok(()),
            Err(wrong) => {
                Err(("oidc.groups", format!("\"{wrong}\" is not like soc=analyst:* or x=viewer:north south")))
            }
        }
    }

    /// What groups may, or the first that is not understood.
    pub fn grants(&self) -> Result<Vec<Grant>, String> {
        self.groups.iter().map(|text| grant(text).ok_or_else(|| text.clone())).collect()
    }
}

fn grant(text: &str) -> Option<Grant> {
    // A group's name may hold `=` and `:`; what it may does not.
    let (group, may) = text.rsplit_once('=')?;
    let (role, facilities) = may.split_once(':')?;
    let facilities: Vec<String> = facilities.split_whitespace().map(str::to_owned).collect();
    let known = facilities.iter().all(|one| one == ALL || check_facility(one).is_ok());
    let is_whole = !group.is_empty() && !facilities.is_empty() && known;
    Some(Grant { group: group.to_owned(), role: Role::named(role)?, facilities }).filter(|_| is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_roles_at_plants() {
        let of = |text: &str| grant(text).map(|one| (one.group, one.role, one.facilities.join(" ")));
        let is = |group: &str, role, facilities: &str| Some((group.to_owned(), role, facilities.to_owned()));
        assert_eq!(of("soc=analyst:*"), is("soc", Role::Analyst, "*"));
        assert_eq!(of("cn=a:b=viewer:north south"), is("cn=a:b", Role::Viewer, "north south"));
        for wrong in
            ["", "soc", "soc=analyst", "soc=root:*", "=viewer:*", "soc=viewer:", "soc=viewer:No Plant!"]
        {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
