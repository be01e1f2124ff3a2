//! Certificates that were issued, to whom, and which of them are revoked.

use fieldward_shared::identity::{AgentName, Leaf, Pin, Serial};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::audit::{Act, append};
use super::db::{At, Row, Tx};
use super::{Store, StoreError};

/// A certificate as it is kept.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// Its number.
    pub serial: String,
    /// Whose it is.
    pub name: AgentName,
    /// Fingerprint of its key.
    pub key: Pin,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it begins.
    pub not_before: Timestamp,
    /// When it ends.
    pub not_after: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// `pending`, `active` or `revoked`: the agent.
    pub agent_status: String,
    /// `agent` or `simulator`.
    pub kind: String,
}

/// What is known of a certificate that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Issued to this agent, which may go on.
    Good(AgentName),
    /// It, or its agent, was revoked.
    Revoked,
    /// Never issued, or not in this form.
    Unknown,
}

/// What nothing lets in any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevokedRows {
    /// Numbers of certificates.
    pub serials: Vec<String>,
    /// Agents.
    pub agents: Vec<AgentName>,
}

impl Store {
    /// Begins to write at a door.
    pub async fn at_door(&self) -> Result<Tx, StoreError> {
        self.db.begin("serve at the door").await
    }

    /// What is revoked and could still be shown: certificates that ended before `since` are left out.
    pub async fn revoked(&self, since: Timestamp) -> Result<RevokedRows, StoreError> {
        let serials = self.db.read("read revocations", REVOKED, vec![since.into()]).await?;
        let agents = self.db.read("read revocations", REVOKED_AGENTS, Vec::new()).await?;
        Ok(RevokedRows {
            serials: serials.iter().map(|row| row.get("serial")).collect::<Result<_, _>>()?,
            agents: agents
                .iter()
                .map(|row| Ok(AgentName { facility: row.get("facility_id")?, agent: row.get("id")? }))
                .collect::<Result<_, StoreError>>()?,
        })
    }

    /// The newest certificate of each agent, or all of them; of one plant, or of all.
    pub async fn certificates(&self, all: bool) -> Result<Vec<Certificate>, StoreError> {
        let sql =
            if all { LIST.to_owned() } else { format!("{LIST_NEWEST} ORDER BY facility_id, not_after") };
        self.db.read("read certificates", &sql, Vec::new()).await?.iter().map(certificate).collect()
    }

    /// Revokes an agent with all its certificates; whether it was there and not revoked before.
    pub async fn revoke_agent(
        &self,
        agent: Uuid,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("revoke an agent").await?;
        let changed = tx.change("revoke an agent", REVOKE_AGENT, vec![agent.into()]).await?;
        let values = vec![agent.into(), now.into(), reason.into()];
        tx.change("revoke certificates", REVOKE_OF_AGENT, values).await?;
        if changed > 0 {
            audit(&mut tx, now, by, "agent.revoked", &agent.to_string(), reason).await?;
        }
        tx.commit("revoke an agent").await?;
        Ok(changed > 0)
    }

    /// Revokes one certificate; whether it was there and not revoked before.
    pub async fn revoke_certificate(
        &self,
        serial: &Serial,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("revoke a certificate").await?;
        let text = serial.to_string();
        let values = vec![text.as_str().into(), now.into(), reason.into()];
        let changed = tx.change("revoke a certificate", REVOKE, values).await?;
        if changed > 0 {
            audit(&mut tx, now, by, "certificate.revoked", &text, reason).await?;
        }
        tx.commit("revoke a certificate").await?;
        Ok(changed > 0)
    }

    /// Forgets certificates that ended before `until`: nothing lets them in any more.
    pub async fn forget_certificates(&self, until: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.db.begin("forget certificates").await?;
        let gone = tx.change("forget certificates", FORGET, vec![until.into()]).await?;
        tx.commit("forget certificates").await?;
        Ok(gone)
    }
}

/// Keeps what was issued.
pub async fn record(
    tx: &mut Tx,
    name: &AgentName,
    leaf: &Leaf,
    digest: [u8; 32],
    now: Timestamp,
) -> Result<(), StoreError> {
    let at = |seconds: u64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    let values = vec![
        leaf.serial.to_string().as_str().into(),
        name.agent.into(),
        leaf.key.0.to_vec().into(),
        digest.to_vec().into(),
        now.into(),
        at(leaf.not_before).into(),
        at(leaf.not_after).into(),
    ];
    tx.change("keep a certificate", ADD, values).await.map(drop)
}

/// Whether a certificate that is shown was issued, in this very form, and may go on.
pub async fn known(tx: &mut Tx, serial: &Serial, digest: [u8; 32]) -> Result<Known, StoreError> {
    let find =
        format!("{FIND}{}", if tx.for_update().is_empty() { "" } else { " FOR UPDATE OF certificates" });
    let rows = tx.rows("read a certificate", &find, vec![serial.to_string().as_str().into()]).await?;
    let Some(row) = rows.first() else { return Ok(Known::Unknown) };
    if row.get::<Vec<u8>>("digest")? != digest {
        return Ok(Known::Unknown);
    }
    let status: String = row.get("agent_status")?;
    if row.get::<Option<At>>("revoked")?.is_some() || status != "active" {
        return Ok(Known::Revoked);
    }
    Ok(Known::Good(AgentName { facility: row.get("facility_id")?, agent: row.get("agent_id")? }))
}

/// Notes who did what, in the same transaction.
pub async fn audit(
    tx: &mut Tx,
    now: Timestamp,
    actor: &str,
    action: &str,
    object: &str,
    detail: &str,
) -> Result<(), StoreError> {
    append(tx, Act { at: now, actor, action, object, detail }).await.map(drop)
}

fn certificate(row: &Row) -> Result<Certificate, StoreError> {
    let key: Vec<u8> = row.get("key")?;
    let at = |column| row.get::<At>(column).map(|at| at.0);
    Ok(Certificate {
        serial: row.get("serial")?,
        name: AgentName { facility: row.get("facility_id")?, agent: row.get("agent_id")? },
        key: Pin(key.try_into().unwrap_or_default()),
        issued: at("issued")?,
        not_before: at("not_before")?,
        not_after: at("not_after")?,
        revoked: row.get::<Option<At>>("revoked")?.map(|at| at.0),
        agent_status: row.get("agent_status")?,
        kind: row.get("kind")?,
    })
}

pub(super) const ADD: &str =
    "INSERT INTO certificates (serial, agent_id, key, digest, issued, not_before, not_after)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";
const FIND: &str = "SELECT certificates.*, agents.facility_id, agents.status AS agent_status
    FROM certificates JOIN agents ON agents.id = certificates.agent_id WHERE serial = $1";
const LIST: &str = "SELECT certificates.*, agents.facility_id, agents.kind, agents.status AS agent_status
    FROM certificates JOIN agents ON agents.id = certificates.agent_id ORDER BY facility_id, not_after";
const LIST_NEWEST: &str =
    "SELECT certificates.*, agents.facility_id, agents.kind, agents.status AS agent_status
    FROM certificates JOIN agents ON agents.id = certificates.agent_id
    WHERE NOT EXISTS (SELECT 1 FROM certificates AS later
        WHERE later.agent_id = certificates.agent_id AND (later.not_after > certificates.not_after
            OR later.not_after = certificates.not_after AND later.serial > certificates.serial))";
const REVOKED: &str = "SELECT serial FROM certificates WHERE revoked IS NOT NULL AND not_after >= $1";
const REVOKED_AGENTS: &str = "SELECT id, facility_id FROM agents WHERE status = 'revoked'";
pub(super) const REVOKE: &str =
    "UPDATE certificates SET revoked = $2, reason = $3 WHERE serial = $1 AND revoked IS NULL";
pub(super) const REVOKE_AGENT: &str =
    "UPDATE agents SET status = 'revoked' WHERE id = $1 AND status <> 'revoked'";
pub(super) const REVOKE_OF_AGENT: &str =
    "UPDATE certificates SET revoked = $2, reason = $3 WHERE agent_id = $1 AND revoked IS NULL";
const FORGET: &str = "DELETE FROM certificates WHERE not_after < $1";
