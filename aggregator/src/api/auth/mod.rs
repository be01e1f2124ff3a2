//! Signing in. A person gives name and password and gets an access token of five minutes, and a cookie that
//! no script reads, by which the page gets the next one. Programs have keys. Each request looks up who asks,
//! so that whoever was disabled, or may do less, notices at once.

mod backoff;
pub mod oidc;
pub mod passwords;
pub mod setup;
pub mod tickets;
pub mod tokens;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, SEC_WEBSOCKET_PROTOCOL, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Address, Json};
use super::principal::{Principal, Role, Scope, Via};
use super::route::{Policy, Routes};
use crate::store::now;
use crate::store::sessions::{NewSession, Renewed};
use crate::store::users::User;
use backoff::Backoff;
use passwords::Passwords;
use setup::Setup;
use tickets::Tickets;
use tokens::Signing;

/// What signing in needs.
pub struct Auth {
    signing: Signing,
    /// Makes and checks passwords.
    pub passwords: Passwords,
    backoff: Backoff,
    /// The way in for the first person.
    pub setup: Setup,
    /// For sockets.
    pub tickets: Tickets,
    /// Whose word counts for who somebody is.
    pub oidc: oidc::Oidc,
}

impl Auth {
    /// With a key for tokens.
    pub fn new(signing: Signing) -> Result<Self, ApiError> {
        let passwords = Passwords::new()?;
        Ok(Self {
            signing,
            passwords,
            backoff: Backoff::default(),
            setup: Setup::default(),
            tickets: Tickets::default(),
            oidc: oidc::Oidc::default(),
        })
    }
}

/// The resource.
pub fn routes() -> Routes {
    Routes::of("auth", "Signing in, and who one is")
        .add(Policy::Public, routes!(login))
        .add(Policy::Public, routes!(refresh))
        .add(Policy::Public, routes!(setup::setup))
        .add(Policy::Public, routes!(oidc::login))
        .add(Policy::Public, routes!(oidc::callback))
        .add(Policy::Scoped(Role::Viewer), routes!(logout))
        .add(Policy::Scoped(Role::Viewer), routes!(me))
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// As the administrator wrote it.
    #[schema(example = "ann")]
    name: String,
    /// At least twelve characters.
    #[schema(example = "correct horse battery staple", format = Password)]
    password: String,
}

/// An access token.
#[derive(Serialize, ToSchema)]
pub struct Token {
    /// To be sent as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 300)]
    expires_in: u64,
    /// Who signed in.
    user: Me,
}

/// Who asks.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// Of the user or the key.
    id: uuid::Uuid,
    /// As people know it.
    #[schema(example = "ann")]
    name: String,
    /// What he may.
    role: Role,
    /// Which facilities he sees; `*` is all.
    #[schema(example = json!(["north", "south"]))]
    facilities: Vec<String>,
    /// `session` or `key`.
    #[schema(example = "session")]
    via: &'static str,
}

/// Sign in
#[utoipa::path(post, path = "/api/auth/login", operation_id = "login", request_body = Login,
    responses((status = 200, body = Token), (status = 401, description = "name or password is wrong")))]
async fn login(
    State(api): State<Arc<Api>>,
    Address(address): Address,
    Json(login): Json<Login>,
) -> Result<Response, ApiError> {
    api.limits.of_passwords(address)?;
    let start = Instant::now();
    // Longer ones are nobody's, and are not worth hashing.
    let name: String = login.name.chars().take(LONGEST_NAME).collect();
    api.auth.backoff.may(&name, address, start).map_err(|seconds| {
        let said = format!("too many wrong passwords; try again in {seconds} seconds");
        ApiError::later(StatusCode::TOO_MANY_REQUESTS, "back_off", said, seconds)
    })?;
    let known = api.store.user_named(&name).await?;
    let (user, string) = known.map_or((None, None), |(user, string)| (Some(user), Some(string)));
    let fits = login.password.len() <= 1024 && api.auth.passwords.check(&login.password, string).await?;
    match user.filter(|user| fits && user.disabled.is_none()) {
        Some(user) => {
            api.auth.backoff.succeeded(&name, address);
            begin(&api, user, address, StatusCode::OK).await
        }
        None => {
            let waits = api.auth.backoff.failed(&name, address, start);
            tracing::warn!(security = true, %address, waits, "a wrong name or password at the sign-in");
            Err(ApiError::unauthenticated("name or password is wrong"))
        }
    }
}

/// Begins a session and answers with its first token.
async fn begin(api: &Api, user: User, address: IpAddr, status: StatusCode) -> Result<Response, ApiError> {
    let (secret, digest) = tokens::secret()?;
    let at = now();
    let expires = at.plus(SESSION * 1_000_000);
    let text = address.to_string();
    let session = NewSession { user: &user, digest, address: &text, expires };
    let id = api.store.begin_session(&session, at).await?;
    answer(api, &user, id, &secret, at, status)
}

fn answer(
    api: &Api,
    user: &User,
    session: uuid::Uuid,
    secret: &str,
    at: Timestamp,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let access_token = api.auth.signing.sign(user.id, session, at.as_secs())?;
    let principal = of_user(user, session)?;
    let token =
        Token { access_token, token_type: "Bearer", expires_in: tokens::LIFE, user: Me::of(&principal) };
    let cookie = cookie(secret, SESSION);
    Ok((status, AppendHeaders([(SET_COOKIE, cookie)]), axum::Json(token)).into_response())
}

/// The next access token
#[utoipa::path(post, path = "/api/auth/refresh", operation_id = "refresh",
    description = "Asks with the cookie that the sign-in has set, and sets the next one: each works once.",
    responses((status = 200, body = Token), (status = 401, description = "there is no session")))]
async fn refresh(State(api): State<Arc<Api>>, headers: HeaderMap) -> Result<Response, ApiError> {
    if !is_own_page(&headers, &api.origins) {
        return Err(ApiError::forbidden("foreign_origin", "another page asks with this person's cookie"));
    }
    let ended = || ApiError::unauthenticated("there is no session; sign in");
    let shown = from_cookie(&headers).and_then(tokens::digest).ok_or_else(ended)?;
    let (secret, next) = tokens::secret()?;
    let at = now();
    match api.store.renew_session(shown, next, at).await? {
        Renewed::Done(session, user) => answer(&api, &user, session, &secret, at, StatusCode::OK),
        Renewed::Raced => {
            let said = "this session was renewed a moment ago by another page; use what that one got";
            Err(ApiError::new(StatusCode::CONFLICT, "renewed_meanwhile", said))
        }
        Renewed::Stolen(user) => {
            tracing::error!(security = true, user, "a session's secret came twice: it was copied; ended");
            Err(ended())
        }
        Renewed::Unknown => Err(ended()),
    }
}

/// End this session
#[utoipa::path(post, path = "/api/auth/logout", operation_id = "logout",
    responses((status = 204, description = "it has ended")))]
async fn logout(State(api): State<Arc<Api>>, principal: Principal) -> Result<Response, ApiError> {
    if let Via::Session(id) = principal.via {
        api.store.end_session(id, &principal.actor(), now()).await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(SET_COOKIE, cookie("", 0))])).into_response())
}

/// Who I am
#[utoipa::path(get, path = "/api/auth/me", operation_id = "me", responses((status = 200, body = Me)))]
async fn me(principal: Principal) -> axum::Json<Me> {
    axum::Json(Me::of(&principal))
}

impl Me {
    fn of(principal: &Principal) -> Self {
        Self {
            id: principal.id,
            name: principal.name.clone(),
            role: principal.role,
            facilities: principal.scope.list(),
            via: if principal.via == Via::Key { "key" } else { "session" },
        }
    }
}

impl Api {
    /// Who asks.
    pub(super) async fn identify(&self, headers: &HeaderMap) -> Result<Principal, ApiError> {
        if let Some(key) = headers.get(API_KEY) {
            if headers.contains_key(AUTHORIZATION) {
                // Who is meant? One of them alone would be checked, and the other believed to be.
                let said = "send a token (Authorization: Bearer …) or a key (X-API-Key), and not both";
                return Err(ApiError::unauthenticated(said));
            }
            return self.of_key(key.to_str().unwrap_or_default()).await;
        }
        if let Some(principal) = self.of_ticket(headers) {
            return Ok(principal);
        }
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        match shown.and_then(|value| value.split_once(' ')) {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.of_token(token.trim()).await
            }
            _ => {
                Err(ApiError::unauthenticated("send a token (Authorization: Bearer …) or a key (X-API-Key)"))
            }
        }
    }

    /// Whose an access token is.
    pub(super) async fn of_token(&self, token: &str) -> Result<Principal, ApiError> {
        let claims = self.auth.signing.check(token)?;
        let user = self.store.session(claims.sid, now()).await?.filter(|user| user.id == claims.sub);
        let user = user.ok_or_else(|| ApiError::unauthenticated("the session has ended; sign in"))?;
        of_user(&user, claims.sid)
    }

    /// Whose a socket's ticket is; it comes among the subprotocols.
    fn of_ticket(&self, headers: &HeaderMap) -> Option<Principal> {
        let offered = headers.get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
        let ticket = offered.split(',').find_map(|one| one.trim().strip_prefix("ticket."))?;
        self.take_ticket(&tokens::digest(ticket)?)
    }

    /// The same principal as he is now.
    pub(super) async fn still(&self, principal: &Principal) -> Result<Principal, ApiError> {
        let ended = || ApiError::unauthenticated("the session has ended, or the key was revoked");
        match principal.via {
            Via::Session(id) => {
                let user = self.store.session(id, now()).await?.ok_or_else(ended)?;
                of_user(&user, id)
            }
            Via::Key => {
                let (key, _) = self.store.key(principal.id).await?.ok_or_else(ended)?;
                if key.revoked.is_some() || key.expires <= now() {
                    return Err(ended());
                }
                Ok(principal.clone())
            }
        }
    }

    async fn of_key(&self, text: &str) -> Result<Principal, ApiError> {
        let wrong = || ApiError::unauthenticated("the key is not known, was revoked, or has ended");
        let (id, digest) = tokens::read_key(text).ok_or_else(wrong)?;
        let at = now();
        let (key, kept) = self.store.key(id).await?.ok_or_else(wrong)?;
        let fits = aws_lc_rs::constant_time::verify_slices_are_equal(&digest, &kept).is_ok();
        if !fits || key.revoked.is_some() || key.expires <= at {
            return Err(wrong());
        }
        if key.last_used.is_none_or(|last| at.since(last) > 60_000_000) {
            // Whoever only looks need not wait for it, nor fail with it.
            let store = self.store.clone();
            tokio::spawn(async move {
                if let Err(error) = store.key_used(id, at).await {
                    tracing::debug!(%error, "that a key was used is not noted");
                }
            });
        }
        let role = Role::named(&key.role).ok_or_else(|| ApiError::internal("a key without a role"))?;
        Ok(Principal { id, name: key.name, via: Via::Key, role, scope: Scope::of(&key.facilities) })
    }
}

fn of_user(user: &User, session: uuid::Uuid) -> Result<Principal, ApiError> {
    let role = Role::named(&user.role).ok_or_else(|| ApiError::internal("a user without a role"))?;
    let scope = Scope::of(&user.facilities);
    Ok(Principal { id: user.id, name: user.name.clone(), via: Via::Session(session), role, scope })
}

/// Whether a page of ours asks, or no page at all. A browser names the page's origin.
pub(super) fn is_own_page(headers: &HeaderMap, origins: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN).map(|value| value.to_str().unwrap_or("null")) else { return true };
    let host = headers.get(HOST).and_then(|value| value.to_str().ok());
    let of_host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    (of_host.is_some() && of_host == host) || origins.iter().any(|one| one == origin)
}

fn cookie(secret: &str, seconds: u64) -> String {
    format!("{COOKIE_NAME}={secret}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict")
}

fn from_cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

/// Random bytes.
pub(super) fn random(bytes: &mut [u8]) -> Result<(), ApiError> {
    aws_lc_rs::rand::fill(bytes).map_err(|_| ApiError::internal("the system gives no random bytes"))
}

/// Seconds of a session, whatever is done.
const SESSION: u64 = 12 * 3600;
const LONGEST_NAME: usize = 64;
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// A browser takes a cookie of such a name from us alone, for this host alone.
const COOKIE_NAME: &str = "__Host-fieldward";
