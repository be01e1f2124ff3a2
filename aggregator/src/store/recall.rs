//! What a database that was set back is told of the certificates and revocations since.

use std::collections::HashSet;

use fieldward_shared::identity::{AgentName, Kind};
use fieldward_shared::time::Timestamp;

use super::certificates::{ADD, REVOKE, REVOKE_AGENT, REVOKE_OF_AGENT, audit};
use super::db::{Tx, Value};
use super::positions::ADD_FACILITIES;
use super::{Store, StoreError};

/// A certificate that was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Its number.
    pub serial: String,
    /// What its holder is.
    pub kind: Kind,
    /// Whose it is.
    pub name: AgentName,
    /// SHA-256 of its key.
    pub key: Vec<u8>,
    /// SHA-256 of it.
    pub digest: Vec<u8>,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// SHA-256 of the token that was used for it.
    pub token: Option<Vec<u8>>,
}

/// What was done, whether the database knows it or not.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Certificates that were issued.
    pub issued: Vec<Issued>,
    /// Agents that were revoked.
    pub agents: Vec<AgentName>,
    /// Numbers of certificates that were revoked.
    pub serials: Vec<String>,
}

/// How much of it the database did not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recalled {
    /// Certificates.
    pub issued: u64,
    /// Agents and certificates that were revoked.
    pub revoked: u64,
}

impl Store {
    /// Writes what it does not know yet, in one transaction with a line of the audit trail.
    pub async fn recall(&self, done: &Done, now: Timestamp) -> Result<Recalled, StoreError> {
        let mut tx = self.db.begin(WHAT).await?;
        let rows = tx.rows(WHAT, "SELECT serial FROM certificates", Vec::new()).await?;
        let known: HashSet<String> = rows.iter().map(|row| row.get("serial")).collect::<Result<_, _>>()?;
        let mut recalled = Recalled::default();
        for one in done.issued.iter().filter(|one| !known.contains(&one.serial)) {
            add(&mut tx, one).await?;
            recalled.issued += 1;
        }
        for name in &done.agents {
            add_agent(&mut tx, (Kind::Agent, name), now).await?;
            let id: Value = name.agent.into();
            recalled.revoked += tx.change(WHAT, REVOKE_AGENT, vec![id.clone()]).await?;
            tx.change(WHAT, REVOKE_OF_AGENT, vec![id, now.into(), REASON.into()]).await?;
        }
        for serial in &done.serials {
            let values = vec![serial.as_str().into(), now.into(), REASON.into()];
            recalled.revoked += tx.change(WHAT, REVOKE, values).await?;
        }
        if recalled != Recalled::default() {
            let detail = format!("{} certificates, {} revocations", recalled.issued, recalled.revoked);
            audit(&mut tx, now, "authority", "authority.recalled", "certificates", &detail).await?;
        }
        tx.commit(WHAT).await?;
        Ok(recalled)
    }
}

async fn add(tx: &mut Tx, one: &Issued) -> Result<(), StoreError> {
    add_agent(tx, (one.kind, &one.name), one.issued).await?;
    let values = vec![
        one.serial.as_str().into(),
        one.name.agent.into(),
        one.key.clone().into(),
        one.digest.clone().into(),
        one.issued.into(),
        one.not_before.into(),
        one.not_after.into(),
    ];
    tx.change(WHAT, ADD, values).await?;
    if let Some(token) = &one.token {
        tx.change(WHAT, USE, vec![token.clone().into(), one.issued.into()]).await?;
    }
    Ok(())
}

/// One that waited for approval in the backup was approved since.
async fn add_agent(tx: &mut Tx, (kind, name): (Kind, &AgentName), at: Timestamp) -> Result<(), StoreError> {
    let facility: Value = name.facility.as_str().into();
    tx.table(WHAT, ADD_FACILITIES, vec![vec![facility.clone(), facility.clone(), at.into()]]).await?;
    tx.change(WHAT, ADD_AGENT, vec![name.agent.into(), facility, at.into(), kind.name().into()])
        .await
        .map(drop)
}

const WHAT: &str = "recall certificates";
const REASON: &str = "revoked before the database was set back";
const ADD_AGENT: &str =
    "INSERT INTO agents (id, facility_id, created, status, kind) VALUES ($1, $2, $3, 'active', $4)
    ON CONFLICT (id) DO UPDATE SET status = 'active' WHERE agents.status = 'pending'";
const USE: &str = "UPDATE tokens SET used = $2 WHERE hash = $1 AND used IS NULL";
