//! Reads the audit trail for people: the newest first. [`super::audit`] writes it.

use fieldward_shared::time::Timestamp;

use super::db::At;
use super::{Store, StoreError};

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its place in the chain.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub object: String,
    /// What else is to be known.
    pub detail: String,
    /// Over this row and the hash of the one before.
    pub hash: Vec<u8>,
}

impl Store {
    /// What was done before a place in the chain, the newest first.
    pub async fn acts(&self, before: i64, most: u32) -> Result<Vec<Written>, StoreError> {
        let values = vec![before.into(), i64::from(most).into()];
        let rows = self.db.read("read the audit trail", LIST, values).await?;
        let written = rows.iter().map(|row| {
            Ok(Written {
                id: row.get("id")?,
                at: row.get::<At>("timestamp")?.0,
                actor: row.get("actor")?,
                action: row.get("action")?,
                object: row.get("object")?,
                detail: row.get("detail")?,
                hash: row.get("hash")?,
            })
        });
        written.collect()
    }
}

const LIST: &str = "SELECT * FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2";
