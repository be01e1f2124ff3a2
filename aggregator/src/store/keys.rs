//! Keys by which programs ask: shown once, kept as a digest, with an end.

use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::audit::{Act, append};
use super::db::{At, Json, Row};
use super::{Store, StoreError, users};

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Which; a part of what is shown.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// What it may.
    pub role: String,
    /// What it sees; `*` is all.
    pub facilities: Vec<String>,
    /// Since when.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was used, to a minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Store {
    /// Keeps a key, under the SHA-256 of its secret. False when there are as many as there may be.
    pub async fn add_key(&self, key: &Key, digest: [u8; 32], now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("add a key").await?;
        let values = vec![
            key.id.into(),
            key.name.as_str().into(),
            key.role.as_str().into(),
            Json::of(&key.facilities).into(),
            digest.to_vec().into(),
            key.created.into(),
            key.created_by.as_str().into(),
            key.expires.into(),
            MOST.into(),
        ];
        if tx.change("add a key", ADD, values).await? == 0 {
            return Ok(false);
        }
        let (object, detail) =
            (key.id.to_string(), format!("{} {} {}", key.name, key.role, key.facilities.join(",")));
        let act =
            Act { at: now, actor: &key.created_by, action: "key.added", object: &object, detail: &detail };
        append(&mut tx, act).await?;
        tx.commit("add a key").await?;
        Ok(true)
    }

    /// All of them, the newest first.
    pub async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let sql = "SELECT * FROM api_keys ORDER BY created DESC, id";
        self.db.read("read keys", sql, vec![]).await?.iter().map(read).collect()
    }

    /// A key and the digest of its secret.
    pub async fn key(&self, id: Uuid) -> Result<Option<(Key, Vec<u8>)>, StoreError> {
        let rows =
            self.db.read("read a key", "SELECT * FROM api_keys WHERE id = $1", vec![id.into()]).await?;
        rows.first().map(|row| Ok((read(row)?, row.get("digest")?))).transpose()
    }

    /// Notes that a key was used.
    pub async fn key_used(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.db.begin("note a key").await?;
        tx.change(
            "note a key",
            "UPDATE api_keys SET last_used = $2 WHERE id = $1",
            vec![id.into(), now.into()],
        )
        .await?;
        tx.commit("note a key").await
    }

    /// Revokes a key; whether it was there and not revoked before.
    pub async fn revoke_key(&self, id: Uuid, actor: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("revoke a key").await?;
        let revoked = tx.change("revoke a key", REVOKE, vec![id.into(), now.into()]).await? > 0;
        if revoked {
            let object = id.to_string();
            append(&mut tx, Act { at: now, actor, action: "key.revoked", object: &object, detail: "" })
                .await?;
        }
        tx.commit("revoke a key").await?;
        Ok(revoked)
    }
}

fn read(row: &Row) -> Result<Key, StoreError> {
    let at = |column| row.get::<Option<At>>(column).map(|at| at.map(|at| at.0));
    Ok(Key {
        id: row.get("id")?,
        name: row.get("name")?,
        role: row.get("role")?,
        facilities: users::facilities(row)?,
        created: row.get::<At>("created")?.0,
        created_by: row.get("created_by")?,
        expires: row.get::<At>("expires")?.0,
        last_used: at("last_used")?,
        revoked: at("revoked")?,
    })
}

/// Keys that may be there, revoked ones too.
const MOST: i64 = 10_000;
const ADD: &str = "INSERT INTO api_keys (id, name, role, facilities, digest, created, created_by, expires)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE (SELECT count(*) FROM api_keys) < $9";
const REVOKE: &str = "UPDATE api_keys SET revoked = $2 WHERE id = $1 AND revoked IS NULL";
