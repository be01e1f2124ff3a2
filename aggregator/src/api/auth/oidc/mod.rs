//! Signing in by an issuer of another's (OpenID Connect, code flow with PKCE). What a sign-in needs until it
//! comes back is made of one secret in a cookie, so that any replica can end what another began. Who somebody is
//! says the issuer's token; what he may, the groups in it.

pub mod config;
mod issuer;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use axum::extract::State;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldward_shared::identity::{sha256, to_hex};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::Api;
use super::super::error::ApiError;
use super::super::extract::{Address, Query};
use super::super::principal::ALL;
use super::super::users::check_name;
use super::tokens;
use crate::store::now;
use crate::store::users::{NewUser, Vouched};
use config::{Grant, OidcConfig};
use issuer::{Claims, Issuer};

pub use issuer::IssuerError;

/// The issuer, when there is one.
#[derive(Default)]
pub struct Oidc(OnceLock<Issuer>);

impl Oidc {
    /// Takes an issuer's word from now on; the first counts.
    pub fn open(&self, config: &OidcConfig) -> Result<(), IssuerError> {
        if config.issuer.is_some() {
            let _ = self.0.set(Issuer::open(config.clone())?);
        }
        Ok(())
    }

    fn issuer(&self) -> Result<&Issuer, ApiError> {
        self.0.get().ok_or_else(|| {
            let said = "nobody signs in by an issuer here: there is no [oidc] in the configuration";
            ApiError::new(StatusCode::NOT_FOUND, "not_configured", said)
        })
    }
}

/// What a sign-in is known by: all of it is made of one secret that the browser keeps.
struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
}

impl Attempt {
    fn of(secret: &str) -> Self {
        let part = |name: &str| to_hex(&sha256(format!("oidc {name} {secret}").as_bytes()));
        Self { state: part("state"), nonce: part("nonce"), verifier: part("verifier") }
    }

    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(self.verifier.as_bytes()))
    }
}

/// Sign in by the issuer
#[utoipa::path(get, path = "/api/auth/oidc/login", operation_id = "oidc_login",
    responses((status = 303, description = "to the issuer", headers(("location" = String))),
        (status = 404, description = "there is no issuer")))]
pub(super) async fn login(
    State(api): State<Arc<Api>>,
    Address(address): Address,
) -> Result<Response, ApiError> {
    let issuer = api.auth.oidc.issuer()?;
    api.limits.of_passwords(address)?;
    let known = issuer.known().await.map_err(away)?;
    let (secret, _) = tokens::secret()?;
    let (attempt, config) = (Attempt::of(&secret), &issuer.config);
    let challenge = attempt.challenge();
    let query = issuer::form(&[
        ("response_type", "code"),
        ("client_id", &config.client_id),
        ("redirect_uri", &config.redirect),
        ("scope", "openid profile email"),
        ("state", &attempt.state),
        ("nonce", &attempt.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let between = if known.authorize.contains('?') { '&' } else { '?' };
    let place = format!("{}{between}{query}", known.authorize);
    let cookies = AppendHeaders([(SET_COOKIE, cookie(&secret, ATTEMPT)), (LOCATION, place)]);
    Ok((StatusCode::SEE_OTHER, cookies).into_response())
}

/// What an issuer sends people back with. It may send more.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Back {
    /// For the issuer's token.
    #[param(max_length = 4096)]
    code: Option<String>,
    /// What was sent there.
    #[param(max_length = 128)]
    state: Option<String>,
    /// Why there is no code.
    #[param(max_length = 128)]
    error: Option<String>,
}

/// Come back from the issuer
#[utoipa::path(get, path = "/api/auth/oidc/callback", operation_id = "oidc_callback", params(Back),
    responses((status = 303, description = "signed in: to the page", headers(("location" = String))),
        (status = 401, description = "the issuer says no, or this sign-in was not begun here"),
        (status = 403, description = "nobody has said what this person may"),
        (status = 404, description = "there is no issuer")))]
pub(super) async fn callback(
    State(api): State<Arc<Api>>,
    Address(address): Address,
    headers: HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, ApiError> {
    let issuer = api.auth.oidc.issuer()?;
    api.limits.of_passwords(address)?;
    let strange =
        || ApiError::unauthenticated("this sign-in was not begun here, or too long ago; begin again");
    let attempt = from_cookie(&headers).map(Attempt::of).ok_or_else(strange)?;
    let state = back.state.unwrap_or_default();
    aws_lc_rs::constant_time::verify_slices_are_equal(state.as_bytes(), attempt.state.as_bytes())
        .map_err(|_| strange())?;
    if let Some(error) = back.error {
        let error: String = error.chars().filter(|c| c.is_ascii_graphic()).take(80).collect();
        tracing::info!(security = true, error, %address, "the issuer let somebody not in");
        return Err(ApiError::unauthenticated("the issuer did not let you in"));
    }
    let code = back.code.filter(|code| code.len() <= 4096).ok_or_else(strange)?;
    let claims = issuer.redeem(&code, &attempt.verifier, &attempt.nonce).await.map_err(away)?;
    let user = admit(&api, issuer, &claims).await?;
    let begun = super::begin(&api, user, address, StatusCode::OK).await?;
    // The page gets its token by the cookie, as after every other sign-in.
    let session = begun.headers().get(SET_COOKIE).cloned();
    let session = session.ok_or_else(|| ApiError::internal("a session without a cookie"))?;
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response();
    response.headers_mut().append(SET_COOKIE, session);
    response.headers_mut().extend(cookie("", 0).parse().ok().map(|gone| (SET_COOKIE, gone)));
    Ok(response)
}

/// The user that an issuer's word makes of somebody: role and plants are those of his groups, each time anew.
async fn admit(api: &Api, issuer: &Issuer, claims: &Claims) -> Result<crate::store::users::User, ApiError> {
    let config = &issuer.config;
    let name = claims.text(&config.name_claim).unwrap_or_default().to_lowercase();
    check_name(&name, &config.name_claim).map_err(|_| {
        let said = format!("the issuer's claim {} is no name that one can sign in under", config.name_claim);
        ApiError::forbidden("no_name", said)
    })?;
    let groups = claims.texts(&config.groups_claim);
    let grants = config.grants().map_err(|wrong| ApiError::internal(format!("oidc.groups: {wrong}")))?;
    let Some((role, facilities)) = granted(&grants, &groups) else {
        tracing::warn!(
            security = true,
            name,
            "somebody whom the issuer knows is in no group that may come in"
        );
        return Err(ApiError::forbidden("no_group", "you are in no group that may come in here"));
    };
    let subject = format!("{} {}", config.issuer.as_deref().unwrap_or_default(), claims.sub);
    // By no password can he come in.
    let password = api.auth.passwords.make(&tokens::secret()?.0).await?;
    let user = NewUser { name: &name, role, facilities: &facilities, password: &password };
    match api.store.vouch(&subject, &user, now()).await? {
        Vouched::Done(user) => Ok(user),
        Vouched::Disabled => Err(ApiError::forbidden("disabled", "you may not come in any more")),
        Vouched::NameTaken => {
            let said = "there is a user of your name who signs in with a password; have one of them renamed";
            Err(ApiError::forbidden("name_taken", said))
        }
        Vouched::LastAdmin => {
            let said = "by your groups nobody would be left who may decide over users";
            Err(ApiError::forbidden("last_admin", said))
        }
    }
}

/// The highest role of somebody's groups, at the plants of those that have it.
fn granted(grants: &[Grant], groups: &[&str]) -> Option<(&'static str, Vec<String>)> {
    let own: Vec<&Grant> = grants.iter().filter(|grant| groups.contains(&grant.group.as_str())).collect();
    let role = own.iter().map(|grant| grant.role).max()?;
    let of_role = own.iter().filter(|grant| grant.role == role);
    let all: BTreeSet<&String> = of_role.flat_map(|grant| &grant.facilities).collect();
    let sees_all = all.iter().any(|one| *one == ALL);
    let facilities = if sees_all { vec![ALL.to_owned()] } else { all.into_iter().cloned().collect() };
    Some((role.name(), facilities))
}

/// What went wrong is for the log; whoever signs in learns whether it was he or the issuer.
fn away(error: IssuerError) -> ApiError {
    let mut answer = match &error {
        IssuerError::Refused(_) | IssuerError::Token(_) => {
            tracing::warn!(security = true, %error, "a sign-in by the issuer failed");
            return ApiError::unauthenticated("the issuer's word was not taken; begin again");
        }
        _ => {
            let said = "the issuer does not answer; try again, or sign in with a password";
            ApiError::later(StatusCode::SERVICE_UNAVAILABLE, "issuer_unavailable", said, 10)
        }
    };
    answer.cause = Some(error.to_string());
    answer
}

/// The issuer sends people back from its own page, so this cookie comes along from there.
fn cookie(secret: &str, seconds: u64) -> String {
    format!("{COOKIE_NAME}={secret}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
}

fn from_cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == COOKIE_NAME && value.len() == 64).map(|(_, value)| value)
}

/// Seconds for a sign-in.
const ATTEMPT: u64 = 600;
const COOKIE_NAME: &str = "__Host-fieldward-oidc";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::principal::Role;

    #[test]
    fn the_highest_role_counts_at_the_plants_of_it_alone() {
        let grant = |group: &str, role, facilities: &[&str]| Grant {
            group: group.into(),
            role,
            facilities: facilities.iter().map(|one| (*one).to_owned()).collect(),
        };
        let grants = [
            grant("look", Role::Viewer, &["*"]),
            grant("north", Role::Analyst, &["north"]),
            grant("south", Role::Analyst, &["south", "north"]),
            grant("all", Role::Analyst, &["*"]),
        ];
        let of = |groups: &[&str]| {
            granted(&grants, groups).map(|(role, list)| format!("{role} {}", list.join(",")))
        };
        assert_eq!(of(&["north", "look"]).as_deref(), Some("analyst north"));
        assert_eq!(of(&["south", "north"]).as_deref(), Some("analyst north,south"));
        assert_eq!(of(&["all", "north"]).as_deref(), Some("analyst *"));
        assert_eq!(of(&["look", "other"]).as_deref(), Some("viewer *"));
        assert_eq!(of(&["other"]), None);
    }
}
