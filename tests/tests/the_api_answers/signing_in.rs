//! Signing in: the first person, passwords, sessions that are renewed, keys, and what is written down of it.

use fieldward_tests::api::{Answer, Caller, Service};
use serde_json::json;

use crate::{Database, stories};

stories!(
    the_first_user_comes_by_a_link_that_works_once,
    a_session_is_renewed_by_a_secret_that_works_once,
    what_an_administrator_changes_bites_at_once,
    keys_are_shown_once_and_end,
);

const PASSWORD: &str = "correct horse battery";

async fn login(service: &Service, name: &str, password: &str) -> Answer {
    let body = json!({ "name": name, "password": password });
    service.ask(&Caller::default(), "POST", "/api/auth/login", Some(body)).await.expect("an answer")
}

fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    assert!(set.contains("HttpOnly") && set.contains("Secure") && set.contains("SameSite=Strict"), "{set}");
    set.split(';').next().expect("a pair").to_owned()
}

async fn refresh(service: &Service, cookie: &str) -> Answer {
    let caller = Caller::default().with("cookie", cookie);
    service.ask(&caller, "POST", "/api/auth/refresh", None).await.expect("an answer")
}

async fn the_first_user_comes_by_a_link_that_works_once(database: Database) {
    let store = database.open().await;
    let service = Service::start(store.clone()).await.expect("an API");
    let secret = service.api.auth.setup.open(&store).await.expect("a secret").expect("nobody is there");
    let first =
        |secret: &str, password: &str| json!({ "secret": secret, "name": "ann", "password": password });
    let nobody = Caller::default();
    let setup = |body| service.ask(&nobody, "POST", "/api/auth/setup", Some(body));
    setup(first(&"0".repeat(64), PASSWORD)).await.unwrap().is_problem(401, "unauthenticated");
    setup(first("", PASSWORD)).await.unwrap().is_problem(401, "unauthenticated");
    setup(first(&secret, "short")).await.unwrap().is_problem(422, "validation_failed");
    let (one, other) = tokio::join!(setup(first(&secret, PASSWORD)), setup(first(&secret, PASSWORD)));
    let mut codes = [one.unwrap().status.as_u16(), other.unwrap().status.as_u16()];
    codes.sort_unstable();
    assert_eq!(codes, [201, 401], "two at once are not both the first");
    setup(first(&secret, PASSWORD)).await.unwrap().is_problem(401, "unauthenticated");
    assert!(service.api.auth.setup.open(&store).await.unwrap().is_none(), "there is somebody");
    let token = login(&service, "ann", PASSWORD).await.json().unwrap();
    let me =
        service.get(&Caller::bearer(token["access_token"].as_str().unwrap()), "/api/auth/me").await.unwrap();
    assert_eq!((&me["role"], &me["facilities"]), (&json!("admin"), &json!(["*"])));
    let link = service.ask(&nobody, "GET", "/setup", None).await.unwrap();
    assert!(link.header("content-type").starts_with("text/html"));
    service.stop().await.unwrap();
}

async fn a_session_is_renewed_by_a_secret_that_works_once(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    service.user("kim", "viewer", &["north"], PASSWORD).await.unwrap();
    login(&service, "kim", "wrong password").await.is_problem(401, "unauthenticated");
    login(&service, "nobody", PASSWORD).await.is_problem(401, "unauthenticated");
    let first = login(&service, "kim", PASSWORD).await;
    assert_eq!(first.json().unwrap()["expires_in"], 300);
    let old = cookie(&first);
    let second = refresh(&service, &old).await;
    assert_eq!(second.status, 200);
    let new = cookie(&second);
    assert_ne!(old, new);
    // The same secret at once is two pages of one browser; the session lives on.
    refresh(&service, &old).await.is_problem(409, "renewed_meanwhile");
    let third = refresh(&service, &new).await;
    assert_eq!(third.status, 200);
    // Another page has the cookie sent, but may not use it.
    let page = Caller::default().with("cookie", &cookie(&third)).with("origin", "https://evil.example");
    service.ask(&page, "POST", "/api/auth/refresh", None).await.unwrap().is_problem(403, "foreign_origin");
    let token = third.json().unwrap()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(service.get(&Caller::bearer(&token), "/api/auth/me").await.unwrap()["name"], "kim");
    let out = service.ask(&Caller::bearer(&token), "POST", "/api/auth/logout", None).await.unwrap();
    assert_eq!((out.status.as_u16(), out.header("set-cookie").contains("Max-Age=0")), (204, true));
    // The token has minutes left, and serves no more.
    service
        .ask(&Caller::bearer(&token), "GET", "/api/auth/me", None)
        .await
        .unwrap()
        .is_problem(401, "unauthenticated");
    refresh(&service, &cookie(&third)).await.is_problem(401, "unauthenticated");
    // Who guesses waits, from here and for this name.
    let mut waits = None;
    for _ in 0..8 {
        let answer = login(&service, "kim", "wrong password").await;
        if answer.status == 429 {
            waits = Some(answer);
            break;
        }
    }
    waits.expect("five are enough").is_problem(429, "back_off");
    service.stop().await.unwrap();
}

async fn what_an_administrator_changes_bites_at_once(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    service.user("ann", "admin", &["*"], PASSWORD).await.unwrap();
    let token =
        login(&service, "ann", PASSWORD).await.json().unwrap()["access_token"].as_str().unwrap().to_owned();
    let ann = Caller::bearer(&token);
    let kim = json!({ "name": "kim", "password": PASSWORD, "role": "viewer", "facilities": ["north"] });
    let added = service.ask(&ann, "POST", "/api/users", Some(kim.clone())).await.unwrap();
    assert_eq!(added.status, 201);
    let added = added.json().unwrap();
    assert!(added.get("password").is_none());
    service.ask(&ann, "POST", "/api/users", Some(kim)).await.unwrap().is_problem(409, "name_taken");
    let token =
        login(&service, "kim", PASSWORD).await.json().unwrap()["access_token"].as_str().unwrap().to_owned();
    let caller = Caller::bearer(&token);
    service.ask(&caller, "GET", "/api/users", None).await.unwrap().is_problem(403, "missing_role");
    let path = format!("/api/users/{}", added["id"].as_str().unwrap());
    let change = |body| service.ask(&ann, "PATCH", &path, Some(body));
    assert_eq!(change(json!({ "role": "admin" })).await.unwrap().status, 200);
    service.ask(&caller, "GET", "/api/users", None).await.unwrap().is_problem(403, "missing_scope");
    assert_eq!(change(json!({ "facilities": ["*"] })).await.unwrap().status, 200);
    assert_eq!(service.ask(&caller, "GET", "/api/users", None).await.unwrap().status, 200);
    assert_eq!(change(json!({ "disabled": true })).await.unwrap().status, 200);
    service.ask(&caller, "GET", "/api/users", None).await.unwrap().is_problem(401, "unauthenticated");
    login(&service, "kim", PASSWORD).await.is_problem(401, "unauthenticated");
    // The last administrator stays.
    let users = service.get(&ann, "/api/users").await.unwrap();
    let id = users["users"][0]["id"].as_str().unwrap();
    let own = format!("/api/users/{id}");
    for body in [json!({ "role": "viewer" }), json!({ "disabled": true })] {
        service.ask(&ann, "PATCH", &own, Some(body)).await.unwrap().is_problem(409, "last_admin");
    }
    for wrong in [json!({ "facilities": ["No Plant"] }), json!({ "password": "short" })] {
        change(wrong).await.unwrap().is_problem(422, "validation_failed");
    }
    let trail = service.get(&ann, "/api/audit?limit=500").await.unwrap();
    let actions: Vec<&str> =
        trail["acts"].as_array().unwrap().iter().filter_map(|act| act["action"].as_str()).collect();
    assert_eq!(actions.iter().filter(|action| **action == "user.changed").count(), 3, "{actions:?}");
    assert_eq!(actions.iter().filter(|action| **action == "user.added").count(), 2);
    assert!(!trail.to_string().contains("argon2"), "no password is written down");
    let verdict = service.get(&ann, "/api/audit/verify").await.unwrap();
    assert_eq!((&verdict["whole"], verdict["rows"].as_u64()), (&json!(true), Some(actions.len() as u64)));
    let page = service.get(&ann, "/api/audit?limit=2").await.unwrap();
    let next = page["next_before"].as_i64().unwrap();
    let following = service.get(&ann, &format!("/api/audit?limit=2&before={next}")).await.unwrap();
    assert_eq!(following["acts"][0]["id"].as_i64(), Some(next - 1));
    service.stop().await.unwrap();
}

async fn keys_are_shown_once_and_end(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    let admin = service.key("admin", &["*"]).await.unwrap();
    let body = json!({ "name": "siem", "role": "viewer", "facilities": ["north"], "days": 30 });
    let made = service.ask(&admin, "POST", "/api/keys", Some(body.clone())).await.unwrap();
    assert_eq!(made.status, 201);
    let made = made.json().unwrap();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("fwk_"));
    let siem = Caller::default().with("x-api-key", secret);
    let me = service.get(&siem, "/api/auth/me").await.unwrap();
    assert_eq!((&me["via"], &me["facilities"]), (&json!("key"), &json!(["north"])));
    let listed = service.get(&admin, "/api/keys").await.unwrap();
    assert!(!listed.to_string().contains(secret.rsplit('_').next().unwrap()), "it is shown once");
    // Another secret under the same id.
    let forged = format!("{}{}", &secret[..secret.len() - 64], "0".repeat(64));
    let forged = Caller::default().with("x-api-key", &forged);
    service.ask(&forged, "GET", "/api/auth/me", None).await.unwrap().is_problem(401, "unauthenticated");
    let path = format!("/api/keys/{}", made["key"]["id"].as_str().unwrap());
    assert_eq!(service.ask(&admin, "DELETE", &path, None).await.unwrap().status, 204);
    service.ask(&admin, "DELETE", &path, None).await.unwrap().is_problem(404, "not_found");
    service.ask(&siem, "GET", "/api/auth/me", None).await.unwrap().is_problem(401, "unauthenticated");
    for days in [0, 367] {
        let mut wrong = body.clone();
        wrong["days"] = json!(days);
        service
            .ask(&admin, "POST", "/api/keys", Some(wrong))
            .await
            .unwrap()
            .is_problem(422, "validation_failed");
    }
    service.stop().await.unwrap();
}
