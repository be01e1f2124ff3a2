//! Sessions of people. A session is renewed by a secret that works once; one that comes again was copied, and
//! ends the session.

use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::audit::{Act, append};
use super::db::{At, Tx};
use super::users::{self, User};
use super::{Store, StoreError};

/// A session to be.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// Whose.
    pub user: &'a User,
    /// SHA-256 of the secret that renews it.
    pub digest: [u8; 32],
    /// From where.
    pub address: &'a str,
    /// When it ends, whatever is done.
    pub expires: Timestamp,
}

/// What came of a renewal.
#[derive(Clone, Debug, PartialEq)]
pub enum Renewed {
    /// It goes on: which, and whose.
    Done(Uuid, User),
    /// The secret was used a moment ago: two of one person's pages asked at once.
    Raced,
    /// The secret was used long ago: somebody has a copy. The session has ended.
    Stolen(String),
    /// There is no such session, or it has ended.
    Unknown,
}

impl Store {
    /// Begins a session, and writes it down. Gives its id.
    pub async fn begin_session(&self, new: &NewSession<'_>, now: Timestamp) -> Result<Uuid, StoreError> {
        let mut tx = self.db.begin("begin a session").await?;
        let id = Uuid::new_v4();
        // Each may have so many; the oldest give way.
        tx.change("forget sessions", FORGET, vec![now.into()]).await?;
        tx.change("forget sessions", CROWD, vec![new.user.id.into(), MOST.into()]).await?;
        let values = vec![id.into(), new.user.id.into(), now.into(), new.expires.into(), new.address.into()];
        tx.change("begin a session", BEGIN, values).await?;
        remember(&mut tx, id, new.digest, now).await?;
        let actor = format!("user {}", new.user.name);
        let act = Act {
            at: now,
            actor: &actor,
            action: "session.begun",
            object: &id.to_string(),
            detail: new.address,
        };
        append(&mut tx, act).await?;
        tx.commit("begin a session").await?;
        Ok(id)
    }

    /// Whose a session is that has not ended; none when he may not come in any more.
    pub async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<User>, StoreError> {
        let rows = self.db.read("read a session", OWNER, vec![id.into(), now.into()]).await?;
        rows.first().map(users::read).transpose()
    }

    /// Gives a session another secret in the place of the one that is shown.
    pub async fn renew_session(
        &self,
        shown: [u8; 32],
        next: [u8; 32],
        now: Timestamp,
    ) -> Result<Renewed, StoreError> {
        let mut tx = self.db.begin("renew a session").await?;
        let sql = format!("SELECT session_id, used FROM renewals WHERE digest = $1{}", tx.for_update());
        let rows = tx.rows("renew a session", &sql, vec![shown.to_vec().into()]).await?;
        let Some(row) = rows.first() else { return Ok(Renewed::Unknown) };
        let id: Uuid = row.get("session_id")?;
        let used = row.get::<Option<At>>("used")?.map(|at| at.0);
        let rows = tx.rows("read a session", OWNER, vec![id.into(), now.into()]).await?;
        let Some(user) = rows.first().map(users::read).transpose()? else { return Ok(Renewed::Unknown) };
        if let Some(used) = used {
            if now.since(used) < RACE {
                return Ok(Renewed::Raced);
            }
            tx.change("end a session", END, vec![id.into()]).await?;
            let actor = format!("user {}", user.name);
            let detail = "a secret that was used before came again";
            let act =
                Act { at: now, actor: &actor, action: "session.stolen", object: &id.to_string(), detail };
            append(&mut tx, act).await?;
            tx.commit("end a session").await?;
            return Ok(Renewed::Stolen(user.name));
        }
        tx.change("renew a session", USED, vec![shown.to_vec().into(), now.into()]).await?;
        remember(&mut tx, id, next, now).await?;
        tx.commit("renew a session").await?;
        Ok(Renewed::Done(id, user))
    }

    /// Ends a session; whether there was one.
    pub async fn end_session(&self, id: Uuid, actor: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.db.begin("end a session").await?;
        let was_there = tx.change("end a session", END, vec![id.into()]).await? > 0;
        if was_there {
            let act = Act { at: now, actor, action: "session.ended", object: &id.to_string(), detail: "" };
            append(&mut tx, act).await?;
        }
        tx.commit("end a session").await?;
        Ok(was_there)
    }
}

async fn remember(tx: &mut Tx, id: Uuid, digest: [u8; 32], now: Timestamp) -> Result<(), StoreError> {
    // Old secrets are kept for as long as somebody may have a copy, the newest of them.
    let values = vec![id.into(), KEPT.into()];
    tx.change("forget secrets", FORGET_SECRETS, values).await?;
    tx.change("keep a secret", REMEMBER, vec![digest.to_vec().into(), id.into(), now.into()]).await.map(drop)
}

/// Microseconds within which the same secret may come twice.
const RACE: u64 = 10_000_000;
/// Sessions of a person.
const MOST: i64 = 20;
/// Used secrets of a session that are remembered.
const KEPT: i64 = 200;
const BEGIN: &str =
    "INSERT INTO sessions (id, user_id, created, expires, address) VALUES ($1, $2, $3, $4, $5)";
const OWNER: &str = "SELECT users.* FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE sessions.id = $1 AND sessions.expires > $2 AND users.disabled IS NULL";
const END: &str = "DELETE FROM sessions WHERE id = $1";
const FORGET: &str = "DELETE FROM sessions WHERE expires <= $1";
const CROWD: &str = "DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE user_id = $1 ORDER BY created DESC, id LIMIT 1000 OFFSET $2)";
const USED: &str = "UPDATE renewals SET used = $2 WHERE digest = $1";
const REMEMBER: &str = "INSERT INTO renewals (digest, session_id, created) VALUES ($1, $2, $3)";
const FORGET_SECRETS: &str = "DELETE FROM renewals WHERE digest IN (
    SELECT digest FROM renewals WHERE session_id = $1 ORDER BY created DESC, digest LIMIT 1000 OFFSET $2)";
