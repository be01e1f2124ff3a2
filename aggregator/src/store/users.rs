//! People: what they may, which facilities they see, and the Argon2id string of their password.

use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::audit::{Act, append};
use super::db::{At, Json, Kind, Row, Value};
use super::{Store, StoreError};

/// A person.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Who.
    pub id: Uuid,
    /// As he signs in.
    pub name: String,
    /// What he may: viewer, analyst, engineer or admin.
    pub role: String,
    /// Which facilities he sees; `*` is all.
    pub facilities: Vec<String>,
    /// Since when.
    pub created: Timestamp,
    /// Since when he may not come in.
    pub disabled: Option<Timestamp>,
}

/// Who is to be added.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// As he signs in.
    pub name: &'a str,
    /// What he may.
    pub role: &'a str,
    /// Which facilities he sees.
    pub facilities: &'a [String],
    /// An Argon2id string.
    pub password: &'a str,
}

impl Store {
    /// Adds a person; none when there is one of that name.
    pub async fn add_user(
        &self,
        user: &NewUser<'_>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.insert_user(user, actor, now, "user.added", ADD).await
    }

    /// Adds the first person; none when there is one already.
    pub async fn add_first_user(
        &self,
        user: &NewUser<'_>,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.insert_user(user, actor, now, "user.first", ADD_FIRST).await
    }

    async fn insert_user(
        &self,
        user: &NewUser<'_>,
        actor: &str,
        now: Timestamp,
        action: &str,
        sql: &str,
    ) -> Result<Option<User>, StoreError> {
        let mut tx = self.db.begin("add a user").await?;
        // Two who come first at once wait for each other here.
        tx.alone(FIRST).await?;
        let values = vec![
            Uuid::new_v4().into(),
            user.name.into(),
            user.role.into(),
            Json::of(&user.facilities).into(),
            user.password.into(),
            now.into(),
        ];
        let rows = tx.rows("add a user", sql, values).await?;
        let Some(added) = rows.first().map(read).transpose()? else { return Ok(None) };
        let detail = format!("{} {}", user.role, user.facilities.join(","));
        append(&mut tx, Act { at: now, actor, action, object: user.name, detail: &detail }).await?;
        tx.commit("add a user").await?;
        Ok(Some(added))
    }

    /// All of them.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.db.read("read users", LIST, vec![]).await?.iter().map(read).collect()
    }

    /// Whether there is anybody.
    pub async fn has_users(&self) -> Result<bool, StoreError> {
        Ok(!self.db.read("read users", "SELECT id FROM users LIMIT 1", vec![]).await?.is_empty())
    }

    /// A person and his password, by name.
    pub async fn user_named(&self, name: &str) -> Result<Option<(User, String)>, StoreError> {
        let rows =
            self.db.read("read a user", "SELECT * FROM users WHERE name = $1", vec![name.into()]).await?;
        rows.first().map(|row| Ok((read(row)?, row.get("password")?))).transpose()
    }

    /// Takes an issuer's word for who somebody is, and what he may: adds him, or changes him. His name stays his.
    pub async fn vouch(
        &self,
        subject: &str,
        user: &NewUser<'_>,
        now: Timestamp,
    ) -> Result<Vouched, StoreError> {
        let mut tx = self.db.begin("take an issuer's word").await?;
        tx.alone(FIRST).await?;
        let known = tx.rows("read a user", BY_SUBJECT, vec![subject.into()]).await?;
        let known = known.first().map(read).transpose()?;
        if known.as_ref().is_some_and(|known| known.disabled.is_some()) {
            return Ok(Vouched::Disabled);
        }
        let mut values = vec![subject.into(), user.role.into(), Json::of(&user.facilities).into()];
        let (action, sql) = match &known {
            Some(known) if known.role == user.role && known.facilities == user.facilities => {
                return Ok(Vouched::Done(known.clone()));
            }
            Some(_) => ("user.changed", REVOUCH),
            None => {
                let id = Uuid::new_v4();
                values.extend([id.into(), user.name.into(), user.password.into(), now.into()]);
                ("user.added", VOUCH)
            }
        };
        let rows = tx.rows("take an issuer's word", sql, values).await?;
        let Some(done) = rows.first().map(read).transpose()? else { return Ok(Vouched::NameTaken) };
        let was_admin = known.is_some_and(|known| known.role == "admin");
        if was_admin && tx.rows("look for an admin", ADMINS, vec![]).await?.is_empty() {
            return Ok(Vouched::LastAdmin);
        }
        let detail = format!("{} {} by {subject}", user.role, user.facilities.join(","));
        append(&mut tx, Act { at: now, actor: "issuer", action, object: &done.name, detail: &detail })
            .await?;
        tx.commit("take an issuer's word").await?;
        Ok(Vouched::Done(done))
    }

    /// Changes what a person may and sees, or whether he may come in. His sessions end when he may not. None
    /// when there is no such person, or when nobody would be left who may decide over users.
    pub async fn change_user(
        &self,
        id: Uuid,
        change: &UserChange,
        actor: &str,
        now: Timestamp,
    ) -> Result<Changed, StoreError> {
        let mut tx = self.db.begin("change a user").await?;
        tx.alone(FIRST).await?;
        let disabled = match change.disabled {
            Some(true) => At(now).0.into(),
            _ => Value::Null(Kind::At),
        };
        let values = vec![
            id.into(),
            Value::text(change.role.as_deref()),
            change.facilities.as_ref().map_or(Value::Null(Kind::Json), |list| Json::of(list).into()),
            Value::Int(change.disabled.is_some().into()),
            disabled,
            Value::text(change.password.as_deref()),
        ];
        let rows = tx.rows("change a user", CHANGE, values).await?;
        let Some(user) = rows.first().map(read).transpose()? else { return Ok(Changed::Unknown) };
        if tx.rows("look for an admin", ADMINS, vec![]).await?.is_empty() {
            return Ok(Changed::LastAdmin);
        }
        if change.disabled == Some(true) || change.password.is_some() {
            tx.change("end sessions", "DELETE FROM sessions WHERE user_id = $1", vec![id.into()]).await?;
        }
        let detail = change.words();
        append(&mut tx, Act { at: now, actor, action: "user.changed", object: &user.name, detail: &detail })
            .await?;
        tx.commit("change a user").await?;
        Ok(Changed::Done(user))
    }
}

/// What came of an issuer's word.
#[derive(Clone, Debug, PartialEq)]
pub enum Vouched {
    /// He may come in.
    Done(User),
    /// He was disabled here.
    Disabled,
    /// Somebody else has his name.
    NameTaken,
    /// Nobody would be left who may decide over users.
    LastAdmin,
}

/// What is to be changed; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// What he may.
    pub role: Option<String>,
    /// What he sees.
    pub facilities: Option<Vec<String>>,
    /// Whether he may not come in.
    pub disabled: Option<bool>,
    /// An Argon2id string.
    pub password: Option<String>,
}

impl UserChange {
    fn words(&self) -> String {
        let role = self.role.as_ref().map(|role| format!("role {role}"));
        let facilities = self.facilities.as_ref().map(|list| format!("facilities {}", list.join(",")));
        let disabled = self.disabled.map(|yes| if yes { "disabled" } else { "enabled" }.to_owned());
        let password = self.password.as_ref().map(|_| "password".to_owned());
        [role, facilities, disabled, password].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// It is done.
    Done(User),
    /// There is no such person.
    Unknown,
    /// Nobody would be left who may decide over users; nothing was changed.
    LastAdmin,
}

pub(super) fn read(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.get("id")?,
        name: row.get("name")?,
        role: row.get("role")?,
        facilities: facilities(row)?,
        created: row.get::<At>("created")?.0,
        disabled: row.get::<Option<At>>("disabled")?.map(|at| at.0),
    })
}

/// The list in a row; whatever is none of ours is no facility.
pub(super) fn facilities(row: &Row) -> Result<Vec<String>, StoreError> {
    Ok(row.get::<Json>("facilities")?.read().unwrap_or_default())
}

/// The lock of those who add or change users.
const FIRST: i64 = 0x7573_6572_7321;
const ADD: &str = "INSERT INTO users (id, name, role, facilities, password, created)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING RETURNING *";
const ADD_FIRST: &str = "INSERT INTO users (id, name, role, facilities, password, created)
    SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM users) RETURNING *";
const BY_SUBJECT: &str = "SELECT * FROM users WHERE subject = $1";
const REVOUCH: &str = "UPDATE users SET role = $2, facilities = $3 WHERE subject = $1 RETURNING *";
const VOUCH: &str = "INSERT INTO users (id, name, role, facilities, password, created, subject)
    VALUES ($4, $5, $2, $3, $6, $7, $1) ON CONFLICT (name) DO NOTHING RETURNING *";
const LIST: &str = "SELECT * FROM users ORDER BY name";
const ADMINS: &str = "SELECT id FROM users WHERE role = 'admin' AND disabled IS NULL LIMIT 1";
const CHANGE: &str = "UPDATE users SET role = coalesce($2, role), facilities = coalesce($3, facilities),
    disabled = CASE WHEN $4 = 1 THEN $5 ELSE disabled END, password = coalesce($6, password)
    WHERE id = $1 RETURNING *";
