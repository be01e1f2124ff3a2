//! Who did what: a chain of rows in which each holds the hash of the one before, so that a row that was
//! changed, taken out or put in shows. What was cut off at the end shows only against a head that is kept
//! elsewhere.

use fieldward_shared::time::Timestamp;
use sha2::{Digest as _, Sha256};

use super::db::{At, Db, Row, Tx};
use super::{Store, StoreError};

/// A row to be.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: &'a str,
    /// What was done.
    pub action: &'a str,
    /// To what.
    pub object: &'a str,
    /// What else is to be known.
    pub detail: &'a str,
}

/// The end of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the last row; 0 when there is none.
    pub id: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Store {
    /// Writes down an act that has no transaction of its own.
    pub async fn audit(&self, act: Act<'_>) -> Result<Head, StoreError> {
        let mut tx = self.db.begin("write the audit trail").await?;
        let head = append(&mut tx, act).await?;
        tx.commit("write the audit trail").await?;
        Ok(head)
    }

    /// The end of the chain.
    pub async fn audit_head(&self) -> Result<Head, StoreError> {
        let rows = self.db.read("read the audit trail", HEAD, vec![]).await?;
        rows.first().map_or(Ok(Head::default()), head)
    }

    /// Reads the whole chain. Gives its end, or says which row does not fit.
    pub async fn verify_audit(&self) -> Result<Head, StoreError> {
        verify(&self.db).await
    }
}

/// Reads the whole chain, a page at a time.
pub async fn verify(db: &Db) -> Result<Head, StoreError> {
    let mut last = Head::default();
    loop {
        let rows = db.read("read the audit trail", PAGE, vec![last.id.into()]).await?;
        if rows.is_empty() {
            return Ok(last);
        }
        last = rows.iter().try_fold(last, follow)?;
    }
}

/// The same as a transaction sees it.
pub async fn verify_in(tx: &mut Tx) -> Result<Head, StoreError> {
    let mut last = Head::default();
    loop {
        let rows = tx.rows("read the audit trail", PAGE, vec![last.id.into()]).await?;
        if rows.is_empty() {
            return Ok(last);
        }
        last = rows.iter().try_fold(last, follow)?;
    }
}

/// Writes down an act in the transaction in which it is done: there is never one without the other.
pub async fn append(tx: &mut Tx, act: Act<'_>) -> Result<Head, StoreError> {
    tx.alone(CHAIN).await?;
    let rows = tx.rows("read the audit trail", HEAD, vec![]).await?;
    let last = rows.first().map_or(Ok(Head::default()), head)?;
    // As it will be read: PostgreSQL holds no NUL.
    let [actor, action, object, detail] =
        [act.actor, act.action, act.object, act.detail].map(super::db::text);
    let id = last.id.saturating_add(1);
    let hash = hash(id, act.at, [&actor, &action, &object, &detail], &last.hash);
    let values = vec![
        id.into(),
        act.at.into(),
        actor.as_str().into(),
        action.as_str().into(),
        object.as_str().into(),
        detail.as_str().into(),
        last.hash.to_vec().into(),
        hash.to_vec().into(),
    ];
    tx.change("write the audit trail", APPEND, values).await?;
    Ok(Head { id, hash })
}

fn follow(last: Head, row: &Row) -> Result<Head, StoreError> {
    let Head { id, hash: said } = head(row)?;
    let [actor, action, object, detail]: [String; 4] =
        [row.get("actor")?, row.get("action")?, row.get("object")?, row.get("detail")?];
    let before: Vec<u8> = row.get("prev_hash")?;
    let at = row.get::<At>("timestamp")?.0;
    let made = hash(id, at, [&actor, &action, &object, &detail], &last.hash);
    if id == last.id.saturating_add(1) && before == last.hash && said == made {
        return Ok(Head { id, hash: made });
    }
    Err(StoreError::Damaged {
        what: "the audit trail",
        detail: format!("row {id} does not follow row {}", last.id),
    })
}

fn head(row: &Row) -> Result<Head, StoreError> {
    let hash: Vec<u8> = row.get("hash")?;
    Ok(Head { id: row.get("id")?, hash: hash.try_into().unwrap_or_default() })
}

/// Lengths stand before the fields, so that no two rows read the same.
fn hash(id: i64, at: Timestamp, fields: [&str; 4], before: &[u8; 32]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(id.to_be_bytes());
    hash.update(at.as_micros().to_be_bytes());
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.update(before);
    hash.finalize().into()
}

/// The lock of those who append.
const CHAIN: i64 = 0x6175_6469_7421;
const HEAD: &str = "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1";
const PAGE: &str = "SELECT * FROM audit WHERE id > $1 ORDER BY id LIMIT 1000";
const APPEND: &str = "INSERT INTO audit (id, timestamp, actor, action, object, detail, prev_hash, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
