//! Signing in by an issuer: a real one, on this machine, with keys of its own, that also says what is not true.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldward_aggregator::api::auth::oidc::config::OidcConfig;
use fieldward_aggregator::store::now;
use fieldward_aggregator::store::users::UserChange;
use fieldward_shared::identity::sha256;
use fieldward_shared::keyfile;
use fieldward_tests::api::{Answer, Caller, Service};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::{Database, stories};

stories!(
    people_come_in_by_the_issuers_word,
    a_word_that_is_not_for_us_is_not_taken,
    without_an_issuer_nobody_comes_in_by_one,
);

/// What the issuer does wrong, and with which token.
type Change = fn(&mut Header, &mut Value);

struct Says {
    issuer: String,
    key: KeyPair,
    /// Codes, with the challenge and nonce of each.
    codes: HashMap<String, (String, String)>,
    groups: Vec<String>,
    name: String,
    change: Option<Change>,
    /// Signs with a key that it does not show.
    is_foreign: bool,
    discoveries: u64,
}

struct Issuer {
    at: SocketAddr,
    says: Arc<Mutex<Says>>,
    runs: JoinHandle<()>,
    /// Of its certificate, when it has one.
    root: Option<String>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.runs.abort();
    }
}

impl Issuer {
    /// One whose certificate is of an authority of its own.
    async fn with_tls() -> Self {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = rcgen::CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &root).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()));
        Self::serve(Some((TlsAcceptor::from(Arc::new(tls.unwrap())), root.pem()))).await
    }

    async fn start() -> Self {
        Self::serve(None).await
    }

    async fn serve(tls: Option<(TlsAcceptor, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let says = Arc::new(Mutex::new(Says {
            issuer: format!("{}://{at}/realms/plants", if tls.is_some() { "https" } else { "http" }),
            key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
            codes: HashMap::new(),
            groups: vec!["soc".into()],
            name: "Kim".into(),
            change: None,
            is_foreign: false,
            discoveries: 0,
        }));
        let shared = says.clone();
        let (tls, root) = tls.unzip();
        let runs = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let says = shared.clone();
                let service = hyper::service::service_fn(move |request| answer(says.clone(), request));
                let tls = tls.clone();
                tokio::spawn(async move {
                    let server = hyper::server::conn::http1::Builder::new();
                    match tls {
                        None => drop(server.serve_connection(TokioIo::new(stream), service).await),
                        Some(tls) => {
                            // Whoever does not trust it goes.
                            let Ok(stream) = tls.accept(stream).await else { return };
                            drop(server.serve_connection(TokioIo::new(stream), service).await);
                        }
                    }
                });
            }
        });
        Self { at, says, runs, root }
    }

    fn says(&self) -> std::sync::MutexGuard<'_, Says> {
        self.says.lock().unwrap()
    }
}

async fn answer(
    says: Arc<Mutex<Says>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut says = says.lock().unwrap();
    let body = match path.as_str() {
        "/realms/plants/.well-known/openid-configuration" => {
            says.discoveries += 1;
            let of = |part: &str| format!("{}/{part}", says.issuer);
            json!({ "issuer": says.issuer, "authorization_endpoint": of("auth"), "token_endpoint": of("token"),
                "jwks_uri": of("keys") })
        }
        "/realms/plants/keys" => {
            let point = says.key.public_key_raw();
            let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "one",
                "x": part(&point[1..33]), "y": part(&point[33..65]) }] })
        }
        "/realms/plants/token" => says.token(&fields(std::str::from_utf8(&body).unwrap())),
        other => panic!("{other} was asked"),
    };
    Ok(Response::new(Full::new(Bytes::from(body.to_string()))))
}

impl Says {
    fn token(&mut self, fields: &HashMap<String, String>) -> Value {
        let refused = json!({ "error": "invalid_grant" });
        // A code works once.
        let Some((challenge, nonce)) = self.codes.remove(&fields["code"]) else { return refused };
        let fits = URL_SAFE_NO_PAD.encode(sha256(fields["code_verifier"].as_bytes())) == challenge;
        if !fits || fields["client_secret"] != "a secret" || fields["grant_type"] != "authorization_code" {
            return refused;
        }
        let mut claims = json!({
            "iss": self.issuer, "aud": "fieldward", "sub": "0815", "nonce": nonce, "exp": now().as_secs() + 300,
            "iat": now().as_secs(), "preferred_username": self.name, "groups": self.groups,
        });
        let mut header = Header { kid: Some("one".into()), ..Header::new(Algorithm::ES256) };
        if let Some(change) = self.change {
            change(&mut header, &mut claims);
        }
        let other = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let key = if self.is_foreign { &other } else { &self.key };
        let token = match header.alg {
            // By what everybody may know.
            Algorithm::HS256 => {
                encode(&header, &claims, &EncodingKey::from_secret(self.key.public_key_raw()))
            }
            _ => encode(&header, &claims, &EncodingKey::from_ec_der(&key.serialize_der())),
        };
        json!({ "id_token": token.unwrap(), "access_token": "x", "token_type": "Bearer" })
    }
}

fn fields(text: &str) -> HashMap<String, String> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

fn configured(issuer: &Issuer, folder: &std::path::Path) -> OidcConfig {
    let secret = folder.join("oidc.secret");
    keyfile::write(&secret, b"a secret\n").unwrap();
    let roots = folder.join("roots.pem");
    if let Some(root) = &issuer.root {
        std::fs::write(&roots, root).unwrap();
    }
    let config = OidcConfig {
        roots,
        issuer: Some(issuer.says().issuer.clone()),
        client_id: "fieldward".into(),
        client_secret: Some(secret),
        redirect: "https://soc.example/api/auth/oidc/callback".into(),
        groups: vec!["soc=analyst:*".into(), "north=viewer:north".into(), "root=admin:*".into()],
        ..OidcConfig::default()
    };
    config.check().unwrap();
    config
}

/// What a browser holds after it was sent to the issuer: its cookie, and what it was sent with.
async fn begins(service: &Service) -> (Caller, HashMap<String, String>) {
    let answer = service.ask(&Caller::default(), "GET", "/api/auth/oidc/login", None).await.unwrap();
    assert_eq!(answer.status, 303, "{answer:?}");
    let set = answer.header("set-cookie").to_owned();
    for part in ["__Host-fieldward-oidc=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(part), "{part} is missing in {set}");
    }
    let sent = fields(answer.header("location").split_once('?').unwrap().1);
    assert_eq!((sent["response_type"].as_str(), sent["code_challenge_method"].as_str()), ("code", "S256"));
    assert_eq!(sent["redirect_uri"], "https://soc.example/api/auth/oidc/callback");
    let cookie = set.split(';').next().unwrap();
    (Caller::default().with("cookie", cookie), sent)
}

/// The whole way there and back.
async fn comes_in(service: &Service, issuer: &Issuer) -> Answer {
    let (browser, sent) = begins(service).await;
    let code = format!("code-{}", sent["state"]);
    issuer.says().codes.insert(code.clone(), (sent["code_challenge"].clone(), sent["nonce"].clone()));
    let back = format!("/api/auth/oidc/callback?code={code}&state={}&session_state=x&iss=y", sent["state"]);
    service.ask(&browser, "GET", &back, None).await.unwrap()
}

/// Who somebody is by the cookie that he came back with.
async fn who(service: &Service, answer: &Answer) -> Value {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{answer:?}");
    let cookies = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let session =
        cookies.filter_map(|set| set.split(';').next()).find(|pair| pair.starts_with("__Host-fieldward="));
    let browser = Caller::default().with("cookie", session.unwrap());
    let token = service.ask(&browser, "POST", "/api/auth/refresh", None).await.unwrap().json().unwrap();
    let caller = Caller::bearer(token["access_token"].as_str().unwrap_or_else(|| panic!("{token}")));
    service.get(&caller, "/api/auth/me").await.unwrap()
}

async fn people_come_in_by_the_issuers_word(database: Database) {
    let (issuer, folder) = (Issuer::with_tls().await, tempfile::tempdir().unwrap());
    // By another's roots it is not known.
    let (other, elsewhere) = (Issuer::with_tls().await, tempfile::tempdir().unwrap());
    let roots = configured(&other, elsewhere.path()).roots;
    let service = taking(&database, &OidcConfig { roots, ..configured(&issuer, folder.path()) }).await;
    let answer = service.ask(&Caller::default(), "GET", "/api/auth/oidc/login", None).await.unwrap();
    answer.is_problem(503, "issuer_unavailable");
    service.stop().await.unwrap();
    let service = taking(&database, &configured(&issuer, folder.path())).await;
    let me = who(&service, &comes_in(&service, &issuer).await).await;
    assert_eq!(
        (&me["name"], &me["role"], &me["facilities"]),
        (&json!("kim"), &json!("analyst"), &json!(["*"]))
    );
    // What he may is what his groups say now; who he is does not depend on his name.
    issuer.says().groups = vec!["north".into(), "other".into()];
    issuer.says().name = "Kim.Married".into();
    let now_ = who(&service, &comes_in(&service, &issuer).await).await;
    assert_eq!((&now_["id"], &now_["name"]), (&me["id"], &json!("kim")));
    assert_eq!((&now_["role"], &now_["facilities"]), (&json!("viewer"), &json!(["north"])));
    issuer.says().groups = vec!["other".into()];
    comes_in(&service, &issuer).await.is_problem(403, "no_group");
    // The issuer is asked what it is once an hour.
    assert_eq!(issuer.says().discoveries, 1);
    // Nobody signs in as him with a password, and somebody who was disabled here stays out.
    let login = json!({ "name": "kim", "password": "" });
    let tried = service.ask(&Caller::default(), "POST", "/api/auth/login", Some(login)).await.unwrap();
    tried.is_problem(401, "unauthenticated");
    issuer.says().groups = vec!["soc".into()];
    let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
    service.user("root", "admin", &["*"], "a long password 1").await.unwrap();
    let store = &service.api.store;
    store.change_user(me["id"].as_str().unwrap().parse().unwrap(), &disabled, "story", now()).await.unwrap();
    comes_in(&service, &issuer).await.is_problem(403, "disabled");
    let acts = store.acts(i64::MAX, 50).await.unwrap();
    let done = |action: &str| acts.iter().filter(|act| act.action == action && act.actor == "issuer").count();
    assert_eq!((done("user.added"), done("user.changed")), (1, 1));
    service.stop().await.unwrap();
}

/// One that takes the issuer's word. Each lets an address try twenty times, and then waits.
async fn taking(database: &Database, config: &OidcConfig) -> Service {
    let service = Service::start(database.open().await).await.unwrap();
    service.api.auth.oidc.open(config).unwrap();
    service
}

async fn a_word_that_is_not_for_us_is_not_taken(database: Database) {
    let (issuer, folder) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let config = configured(&issuer, folder.path());
    let wrong: [Change; 11] = [
        |_, claims| claims["iss"] = "http://other".into(),
        |_, claims| claims["aud"] = "another client".into(),
        |_, claims| claims["aud"] = json!(["fieldward", "another"]),
        |_, claims| claims["azp"] = "another".into(),
        |_, claims| claims["nonce"] = "of another sign-in".into(),
        |_, claims| drop(claims.as_object_mut().unwrap().remove("nonce")),
        |_, claims| claims["exp"] = 1_000_000.into(),
        |_, claims| drop(claims.as_object_mut().unwrap().remove("exp")),
        |_, claims| claims["nbf"] = (now().as_secs() + 3600).into(),
        |header, _| header.kid = Some("two".into()),
        |header, _| header.alg = Algorithm::HS256,
    ];
    for (nth, change) in wrong.into_iter().enumerate() {
        let service = taking(&database, &config).await;
        issuer.says().change = Some(change);
        let answer = comes_in(&service, &issuer).await;
        assert_eq!(answer.status, 401, "{nth}: {answer:?}");
        answer.is_problem(401, "unauthenticated");
        assert!(!answer.headers.contains_key("set-cookie"), "{nth}");
        service.stop().await.unwrap();
    }
    let service = taking(&database, &config).await;
    issuer.says().change = None;
    issuer.says().is_foreign = true;
    comes_in(&service, &issuer).await.is_problem(401, "unauthenticated");
    issuer.says().is_foreign = false;
    // Names that are none, and a name that somebody else has.
    for name in ["", "kim married", "\u{430}dmin"] {
        issuer.says().name = name.into();
        comes_in(&service, &issuer).await.is_problem(403, "no_name");
    }
    service.user("ann", "viewer", &[], "a long password 1").await.unwrap();
    issuer.says().name = "ann".into();
    comes_in(&service, &issuer).await.is_problem(403, "name_taken");
    issuer.says().name = "kim".into();
    service.stop().await.unwrap();
    let service = taking(&database, &config).await;
    // Another's state, no cookie, no code, a code twice, an error instead of one.
    let (browser, sent) = begins(&service).await;
    let (other, _) = begins(&service).await;
    let state = &sent["state"];
    let back = format!("/api/auth/oidc/callback?code=c&state={state}");
    for caller in [&Caller::default(), &other] {
        service.ask(caller, "GET", &back, None).await.unwrap().is_problem(401, "unauthenticated");
    }
    for path in [
        back.as_str(),
        "/api/auth/oidc/callback",
        "/api/auth/oidc/callback?code=c&state=",
        &format!("/api/auth/oidc/callback?state={state}"),
        &format!("/api/auth/oidc/callback?error=access_denied&state={state}"),
    ] {
        service.ask(&browser, "GET", path, None).await.unwrap().is_problem(401, "unauthenticated");
    }
    assert!(service.api.store.users().await.unwrap().iter().all(|user| user.name == "ann"), "nobody came in");
    // And then it is right.
    assert_eq!(who(&service, &comes_in(&service, &issuer).await).await["name"], "kim");
    service.stop().await.unwrap();
}

async fn without_an_issuer_nobody_comes_in_by_one(database: Database) {
    let service = Service::start(database.open().await).await.unwrap();
    for path in ["/api/auth/oidc/login", "/api/auth/oidc/callback?code=c&state=s"] {
        service.ask(&Caller::default(), "GET", path, None).await.unwrap().is_problem(404, "not_configured");
    }
    // One that is away does not keep people waiting, and is no fault of ours.
    let (issuer, folder) = (Issuer::start().await, tempfile::tempdir().unwrap());
    let mut config = configured(&issuer, folder.path());
    let at = issuer.at;
    drop(issuer);
    config.issuer = Some(format!("http://{at}/realms/nothing"));
    service.api.auth.oidc.open(&config).unwrap();
    let answer = service.ask(&Caller::default(), "GET", "/api/auth/oidc/login", None).await.unwrap();
    answer.is_problem(503, "issuer_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    service.stop().await.unwrap();
}
