//! Closed by default: every route of the router has its policy, and it is kept, for every role and scope.

use fieldward_aggregator::api::principal::Role;
use fieldward_aggregator::api::route::{Entry, Policy};
use fieldward_tests::api::{Caller, Service};

use crate::{Database, stories};

stories!(no_cell_of_role_and_route_is_open_that_should_be_closed);

/// All that anybody may ask without being known. Whoever adds one says here why.
const PUBLIC: &[(&str, &str)] = &[
    ("POST", "/api/auth/login"),        // to become known
    ("POST", "/api/auth/refresh"),      // by a cookie
    ("POST", "/api/auth/setup"),        // by a secret that works once
    ("GET", "/api/auth/oidc/login"),    // to become known by an issuer
    ("GET", "/api/auth/oidc/callback"), // with its code, and the cookie of who began
    ("GET", "/docs"),                   // what the API is, not what it holds
    ("GET", "/docs.css"),
    ("GET", "/docs.js"),
    ("GET", "/health"), // whether it works, and no more
    ("GET", "/livez"),
    ("GET", "/openapi.json"),
    ("GET", "/readyz"),
    ("GET", "/setup"), // a form
    ("GET", "/setup.js"),
];

async fn no_cell_of_role_and_route_is_open_that_should_be_closed(database: Database) {
    let service = Service::start(database.open().await).await.expect("an API");
    let mut public: Vec<_> = service
        .entries
        .iter()
        .filter(|entry| entry.policy == Policy::Public)
        .map(|entry| (entry.method, entry.path.as_str()))
        .collect();
    let mut listed = PUBLIC.to_vec();
    public.sort_unstable();
    listed.sort_unstable();
    assert_eq!(public, listed, "routes that anybody may ask");

    let guarded: Vec<Entry> =
        service.entries.iter().filter(|entry| entry.policy != Policy::Public).cloned().collect();
    assert!(guarded.len() >= 8, "the routes were not found");
    let mut cells = 0;
    for entry in &guarded {
        let path = filled(&entry.path);
        for stranger in [
            Caller::default(),
            Caller::bearer("x.y.z"),
            Caller::default().with("x-api-key", "fwk_0_0"),
            Caller::default().with("authorization", "Basic YTpi"),
            Caller::default().with("cookie", "__Host-fieldward=0"),
        ] {
            let answer = service.ask(&stranger, entry.method, &path, None).await.expect("an answer");
            answer.is_problem(401, "unauthenticated");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
    for role in Role::ALL {
        for facilities in [&["*"][..], &["north"], &[]] {
            let caller = service.key(role.name(), facilities).await.expect("a key");
            for entry in &guarded {
                cells += 1;
                let answer =
                    service.ask(&caller, entry.method, &filled(&entry.path), None).await.expect("an answer");
                let code = answer.json().ok().and_then(|body| Some(body["code"].as_str()?.to_owned()));
                let (least, is_whole) = match entry.policy {
                    Policy::Public => continue,
                    Policy::Scoped(role) => (role, false),
                    Policy::Whole(role) | Policy::Scraped(role) => (role, true),
                };
                let said = format!("{role:?} {facilities:?} {} {}: {answer:?}", entry.method, entry.path);
                assert_ne!(answer.status.as_u16() / 100, 5, "{said}");
                if role < least {
                    assert_eq!(
                        (answer.status.as_u16(), code.as_deref()),
                        (403, Some("missing_role")),
                        "{said}"
                    );
                } else if is_whole && facilities != ["*"] {
                    assert_eq!(
                        (answer.status.as_u16(), code.as_deref()),
                        (403, Some("missing_scope")),
                        "{said}"
                    );
                } else {
                    assert!(![401, 403, 405].contains(&answer.status.as_u16()), "{said}");
                }
            }
        }
    }
    assert_eq!(cells, guarded.len() * 12);
}

/// With something in the place of each parameter that is nobody's.
fn filled(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "00000000-0000-8000-8000-00000000dead" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
