//! The first person. While there is nobody, a secret lets one in who may then let in others. It is new at
//! each start, works once, and travels in the fragment of a link, which no browser sends and no log sees.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use fieldward_shared::keyfile;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::Api;
use super::super::error::ApiError;
use super::super::extract::{Address, Json};
use super::super::principal::{ALL, Role};
use super::super::users::{check_name, check_password};
use super::tokens;
use crate::store::users::NewUser;
use crate::store::{Store, now};

/// The way in for the first person; none when there is somebody.
#[derive(Debug, Default)]
pub struct Setup(Mutex<Option<[u8; 32]>>);

impl Setup {
    /// Opens the way when nobody is there yet; gives the secret.
    pub async fn open(&self, store: &Store) -> Result<Option<String>, ApiError> {
        if store.has_users().await? {
            return Ok(None);
        }
        let (secret, digest) = tokens::secret()?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(digest);
        Ok(Some(secret))
    }

    /// Whether it still lets somebody in.
    pub fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn fits(&self, secret: &str) -> bool {
        let kept = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (kept, tokens::digest(secret)) {
            (Some(kept), Some(shown)) => {
                aws_lc_rs::constant_time::verify_slices_are_equal(&kept, &shown).is_ok()
            }
            _ => false,
        }
    }

    fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Tells the operator the link. On a terminal it is printed; else standard output is a journal, so it goes
/// into a file that none but the service's user may read, and the log says where that is.
pub fn tell(link: &str, folder: &Path) -> Result<(), keyfile::KeyFileError> {
    let mut out = std::io::stdout();
    if out.is_terminal() {
        // Whoever closed it does not want it.
        drop(writeln!(out, "Nobody can sign in yet. Make the first user here, once:\n{link}"));
        return Ok(());
    }
    let file = folder.join(FILE);
    keyfile::write(&file, format!("{link}\n").as_bytes())?;
    tracing::warn!("nobody can sign in yet: {} holds a link to make the first user, once", file.display());
    Ok(())
}

/// Removes the file with the link, when there is one.
pub fn forget(folder: &Path) {
    if let Err(error) = keyfile::remove(&folder.join(FILE)) {
        tracing::warn!(%error, "a set-up link that serves no more is left");
    }
}

/// The first person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct First {
    /// What stands in the link behind `#`.
    secret: String,
    /// How to sign in from now on.
    #[schema(example = "ann", pattern = "^[a-z0-9._@-]{1,64}$")]
    name: String,
    /// At least twelve characters.
    #[schema(format = Password, min_length = 12, max_length = 256)]
    password: String,
}

/// Make the first user
#[utoipa::path(post, path = "/api/auth/setup", operation_id = "setup", request_body = First,
    responses((status = 201, body = super::Token), (status = 401, description = "the link serves no more")))]
pub(super) async fn setup(
    State(api): State<Arc<Api>>,
    Address(address): Address,
    Json(first): Json<First>,
) -> Result<Response, ApiError> {
    api.limits.of_passwords(address)?;
    let wrong = || ApiError::unauthenticated("this link does not serve, or not any more");
    if !api.auth.setup.fits(&first.secret) {
        tracing::warn!(security = true, %address, "a wrong secret at the set-up");
        return Err(wrong());
    }
    check_name(&first.name, "#/name")?;
    check_password(&first.password)?;
    let password = api.auth.passwords.make(&first.password).await?;
    let facilities = [ALL.to_owned()];
    let user =
        NewUser { name: &first.name, role: Role::Admin.name(), facilities: &facilities, password: &password };
    let added = api.store.add_first_user(&user, "set-up link", now()).await?;
    // Whether by this link or by another way, there is somebody now.
    api.auth.setup.close();
    if let Some(folder) = &api.folder {
        forget(folder);
    }
    super::begin(&api, added.ok_or_else(wrong)?, address, StatusCode::CREATED).await
}

const FILE: &str = "setup-link";
