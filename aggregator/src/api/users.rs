//! Users and keys for programs: who may come in. All of it is for administrators who see all facilities.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use fieldward_shared::identity::check_facility;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::auth::{passwords, tokens};
use super::error::ApiError;
use super::extract::{Json, Path};
use super::principal::{ALL, Principal, Role};
use super::route::{Policy, Routes};
use super::time::Time;
use crate::store::keys::Key;
use crate::store::now;
use crate::store::users::{Changed, NewUser, User, UserChange};

/// The resource.
pub fn routes() -> Routes {
    let admin = Policy::Whole(Role::Admin);
    Routes::of("users", "Who may come in: people and programs")
        .add(admin, routes!(list, add))
        .add(admin, routes!(change))
        .add(admin, routes!(list_keys, add_key))
        .add(admin, routes!(revoke_key))
}

/// A user.
#[derive(Serialize, ToSchema)]
pub struct UserBody {
    /// Which.
    id: Uuid,
    /// As he signs in.
    #[schema(example = "ann")]
    name: String,
    /// What he may.
    #[schema(value_type = Role)]
    role: String,
    /// What he sees; `*` is all.
    #[schema(example = json!(["north"]))]
    facilities: Vec<String>,
    /// Since when.
    created: Time,
    /// Since when he may not come in; null: he may.
    disabled: Option<Time>,
}

impl From<User> for UserBody {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            role: user.role,
            facilities: user.facilities,
            created: Time(user.created),
            disabled: user.disabled.map(Time),
        }
    }
}

/// Users.
#[derive(Serialize, ToSchema)]
struct UserList {
    /// In the order of their names.
    users: Vec<UserBody>,
}

/// A user to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddUser {
    /// As he signs in: small letters, digits, `.`, `_`, `-`, `@`.
    #[schema(example = "kim", pattern = "^[a-z0-9._@-]{1,64}$")]
    name: String,
    /// At least twelve characters.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    password: String,
    /// What he may.
    role: Role,
    /// What he sees; `["*"]` is all, an empty list is nothing.
    #[schema(example = json!(["north"]), value_type = Vec<Seen>, max_items = 1000)]
    facilities: Vec<String>,
}

/// A plant, or all.
#[derive(ToSchema)]
#[schema(pattern = "^([*]|[a-z0-9_-]{1,64})$", example = "north")]
struct Seen(#[expect(dead_code, reason = "it is there for the document")] String);

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeUser {
    /// What he may.
    role: Option<Role>,
    /// What he sees.
    #[schema(value_type = Option<Vec<Seen>>, max_items = 1000)]
    facilities: Option<Vec<String>>,
    /// True: he may not come in, and his sessions end.
    disabled: Option<bool>,
    /// A new password; his sessions end.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    password: Option<String>,
}

/// List users
#[utoipa::path(get, path = "/api/users", operation_id = "list_users", responses((status = 200, body = UserList)))]
async fn list(State(api): State<Arc<Api>>) -> Result<axum::Json<UserList>, ApiError> {
    let users = api.store.users().await?.into_iter().map(UserBody::from).collect();
    Ok(axum::Json(UserList { users }))
}

/// Add a user
#[utoipa::path(post, path = "/api/users", operation_id = "add_user", request_body = AddUser,
    responses((status = 201, body = UserBody), (status = 409, description = "there is one of that name")))]
async fn add(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Json(new): Json<AddUser>,
) -> Result<Response, ApiError> {
    check_name(&new.name, "#/name")?;
    check_password(&new.password)?;
    check_facilities(&new.facilities)?;
    let password = api.auth.passwords.make(&new.password).await?;
    let user =
        NewUser { name: &new.name, role: new.role.name(), facilities: &new.facilities, password: &password };
    match api.store.add_user(&user, &principal.actor(), now()).await? {
        Some(user) => Ok((StatusCode::CREATED, axum::Json(UserBody::from(user))).into_response()),
        None => Err(ApiError::new(StatusCode::CONFLICT, "name_taken", "there is a user of that name")),
    }
}

/// Change a user
#[utoipa::path(patch, path = "/api/users/{user_id}", operation_id = "change_user", request_body = ChangeUser,
    params(("user_id" = Uuid, Path)),
    responses((status = 200, body = UserBody), (status = 404, description = "there is no such user"),
        (status = 409, description = "nobody would be left who may decide over users")))]
async fn change(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
    Json(change): Json<ChangeUser>,
) -> Result<axum::Json<UserBody>, ApiError> {
    if let Some(facilities) = &change.facilities {
        check_facilities(facilities)?;
    }
    let password = match &change.password {
        Some(password) => {
            check_password(password)?;
            Some(api.auth.passwords.make(password).await?)
        }
        None => None,
    };
    let change = UserChange {
        role: change.role.map(|role| role.name().to_owned()),
        facilities: change.facilities,
        disabled: change.disabled,
        password,
    };
    match api.store.change_user(id, &change, &principal.actor(), now()).await? {
        Changed::Done(user) => Ok(axum::Json(user.into())),
        Changed::Unknown => Err(ApiError::not_found("user")),
        Changed::LastAdmin => {
            let said = "nobody would be left who may decide over users; make another administrator first";
            Err(ApiError::new(StatusCode::CONFLICT, "last_admin", said))
        }
    }
}

/// A key without its secret.
#[derive(Serialize, ToSchema)]
pub struct KeyBody {
    /// Which.
    id: Uuid,
    /// What it is for.
    #[schema(example = "siem")]
    name: String,
    /// What it may.
    #[schema(value_type = Role)]
    role: String,
    /// What it sees; `*` is all.
    facilities: Vec<String>,
    /// Since when.
    created: Time,
    /// Who made it.
    created_by: String,
    /// When it ends.
    expires: Time,
    /// When it was used, to a minute.
    last_used: Option<Time>,
    /// When it was revoked.
    revoked: Option<Time>,
}

impl From<Key> for KeyBody {
    fn from(key: Key) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role,
            facilities: key.facilities,
            created: Time(key.created),
            created_by: key.created_by,
            expires: Time(key.expires),
            last_used: key.last_used.map(Time),
            revoked: key.revoked.map(Time),
        }
    }
}

/// Keys.
#[derive(Serialize, ToSchema)]
struct KeyList {
    /// The newest first.
    keys: Vec<KeyBody>,
}

/// A key to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AddKey {
    /// What it is for.
    #[schema(example = "siem", pattern = "^[a-z0-9._@-]{1,64}$")]
    name: String,
    /// What it may.
    role: Role,
    /// What it sees; `["*"]` is all, an empty list is nothing.
    #[schema(value_type = Vec<Seen>, max_items = 1000)]
    facilities: Vec<String>,
    /// When it ends; at most 366.
    #[serde(default = "days")]
    #[schema(example = 90, default = 90, minimum = 1, maximum = 366)]
    days: u32,
}

const fn days() -> u32 {
    90
}

/// A key and its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
struct NewKey {
    /// To be sent as `X-API-Key`. It is nowhere else.
    #[schema(example = "fwk_…")]
    secret: String,
    /// What it is.
    key: KeyBody,
}

/// List keys
#[utoipa::path(get, path = "/api/keys", operation_id = "list_keys", responses((status = 200, body = KeyList)))]
async fn list_keys(State(api): State<Arc<Api>>) -> Result<axum::Json<KeyList>, ApiError> {
    let keys = api.store.keys().await?.into_iter().map(KeyBody::from).collect();
    Ok(axum::Json(KeyList { keys }))
}

/// Add a key
#[utoipa::path(post, path = "/api/keys", operation_id = "add_key", request_body = AddKey,
    responses((status = 201, body = NewKey), (status = 409, description = "there are too many keys")))]
async fn add_key(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Json(new): Json<AddKey>,
) -> Result<Response, ApiError> {
    check_name(&new.name, "#/name")?;
    check_facilities(&new.facilities)?;
    if !(1..=366).contains(&new.days) {
        return Err(ApiError::field("#/days", "a key lasts from 1 to 366 days"));
    }
    let (secret, digest) = tokens::secret()?;
    let at = now();
    let key = Key {
        id: Uuid::new_v4(),
        name: new.name,
        role: new.role.name().to_owned(),
        facilities: new.facilities,
        created: at,
        created_by: principal.actor(),
        expires: at.plus(u64::from(new.days) * 86_400_000_000),
        last_used: None,
        revoked: None,
    };
    if !api.store.add_key(&key, digest, at).await? {
        let said = "there are as many keys as there may be";
        return Err(ApiError::new(StatusCode::CONFLICT, "too_many_keys", said));
    }
    let body = NewKey { secret: tokens::key(key.id, &secret), key: key.into() };
    Ok((StatusCode::CREATED, axum::Json(body)).into_response())
}

/// Revoke a key
#[utoipa::path(delete, path = "/api/keys/{key_id}", operation_id = "revoke_key",
    params(("key_id" = Uuid, Path)),
    responses((status = 204, description = "it serves no more"), (status = 404, description = "there is no such key")))]
async fn revoke_key(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, ApiError> {
    let was_there = api.store.revoke_key(id, &principal.actor(), now()).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found("key")) }
}

/// Whether something may be called so.
pub fn check_name(name: &str, pointer: &str) -> Result<(), ApiError> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-@".contains(&c);
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(ApiError::field(pointer, "a name has 1 to 64 small letters, digits, dots, dashes, underscores or @"))
}

/// Whether a password may be used.
pub fn check_password(password: &str) -> Result<(), ApiError> {
    passwords::strength(password).map_err(|why| ApiError::field("#/password", why))
}

/// Whether a scope is one.
pub fn check_facilities(facilities: &[String]) -> Result<(), ApiError> {
    if facilities.len() > MOST_FACILITIES {
        return Err(ApiError::field("#/facilities", format!("more than {MOST_FACILITIES}; `*` is all")));
    }
    match facilities.iter().find(|one| *one != ALL && check_facility(one).is_err()) {
        Some(_) => Err(ApiError::field("#/facilities", "one of them is no name of a facility")),
        None => Ok(()),
    }
}

/// Facilities in a scope.
const MOST_FACILITIES: usize = 1000;
