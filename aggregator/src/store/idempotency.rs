//! Answers to requests that act, for a day: a request that is sent again under its key is answered and not done
//! again.

use fieldward_shared::time::Timestamp;

use super::db::{Json, Kind, Value};
use super::{Store, StoreError};

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its status.
    pub status: u16,
    /// Names and values of headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing: the request is to be done, and nobody else does it meanwhile.
    New,
    /// It was done.
    Done(Kept),
    /// It is under way.
    UnderWay,
    /// The key was used for another request.
    Other,
    /// There are as many keys of this principal as there may be.
    Full,
}

impl Store {
    /// Takes a key for a request of this digest.
    pub async fn claim_key(
        &self,
        principal: &str,
        key: &str,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let mut tx = self.db.begin("take a key").await?;
        let ago = |micros| Timestamp::from_micros(now.as_micros().saturating_sub(micros));
        tx.change("forget keys", FORGET, vec![ago(DAY).into(), PIECE.into()]).await?;
        let values = vec![
            principal.into(),
            key.into(),
            digest.to_vec().into(),
            now.into(),
            MOST.into(),
            ago(DAY).into(),
            ago(GIVEN_UP).into(),
        ];
        // What was begun long ago and has no answer was cut off.
        if tx.change("take a key", TAKE, values).await? == 1 {
            tx.commit("take a key").await?;
            return Ok(Claim::New);
        }
        let rows = tx.rows("read a key", READ, vec![principal.into(), key.into()]).await?;
        tx.commit("take a key").await?;
        let Some(row) = rows.first() else { return Ok(Claim::Full) };
        if row.get::<Vec<u8>>("digest")? != digest {
            return Ok(Claim::Other);
        }
        let Some(status) = row.get::<Option<i64>>("status")? else { return Ok(Claim::UnderWay) };
        let headers = row.get::<Option<Json>>("headers")?.and_then(|headers| headers.read().ok());
        Ok(Claim::Done(Kept {
            status: u16::try_from(status).unwrap_or_default(),
            headers: headers.unwrap_or_default(),
            body: row.get::<Option<Vec<u8>>>("body")?.unwrap_or_default(),
        }))
    }

    /// Keeps the answer to a request, or, when nothing was done, lets its key be used again. `begun` is when the
    /// key was taken: whoever took it over since keeps it.
    pub async fn settle_key(
        &self,
        principal: &str,
        key: &str,
        begun: Timestamp,
        answer: Option<&Kept>,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin("keep an answer").await?;
        let mut values = vec![principal.into(), key.into(), begun.into()];
        match answer {
            Some(kept) => {
                values.push(i64::from(kept.status).into());
                values.push(Json::of(&kept.headers).into());
                values.push(if kept.body.is_empty() {
                    Value::Null(Kind::Bytes)
                } else {
                    kept.body.clone().into()
                });
                tx.change("keep an answer", KEEP, values).await?;
            }
            None => drop(tx.change("forget a key", RELEASE, values).await?),
        }
        tx.commit("keep an answer").await
    }
}

/// Microseconds.
const DAY: u64 = 86_400_000_000;
/// After it a request without an answer was cut off: answers take half of it.
const GIVEN_UP: u64 = 60_000_000;
/// Keys of a principal.
const MOST: i64 = 5000;
/// Rows that are forgotten at once.
const PIECE: i64 = 500;
const FORGET: &str = "DELETE FROM idempotency WHERE (principal, key) IN (
    SELECT principal, key FROM idempotency WHERE created < $1 LIMIT $2)";
const TAKE: &str = "INSERT INTO idempotency (principal, key, digest, created)
    SELECT $1, $2, $3, $4 WHERE (SELECT count(*) FROM idempotency WHERE principal = $1) < $5
        OR EXISTS (SELECT 1 FROM idempotency WHERE principal = $1 AND key = $2)
    ON CONFLICT (principal, key) DO UPDATE SET digest = excluded.digest, created = excluded.created,
        status = NULL, headers = NULL, body = NULL
    WHERE idempotency.created < $6 OR idempotency.status IS NULL AND idempotency.created < $7
        AND idempotency.digest = excluded.digest";
const READ: &str = "SELECT digest, status, headers, body FROM idempotency WHERE principal = $1 AND key = $2";
const KEEP: &str = "UPDATE idempotency SET status = $4, headers = $5, body = $6
    WHERE principal = $1 AND key = $2 AND created = $3";
const RELEASE: &str =
    "DELETE FROM idempotency WHERE principal = $1 AND key = $2 AND created = $3 AND status IS NULL";
