//! The seam: how a route comes into the API. [`Routes::add`] takes a route and its policy together, and nothing
//! else reaches the router, so there is no route without one. The policy is enforced here, before the handler.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder, Schema};
use utoipa_axum::router::UtoipaMethodRouter;

use super::Api;
use super::cache;
use super::error::ApiError;
use super::idempotency;
use super::measure::Taken;
use super::parameters;
use super::principal::{Principal, Role};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Anybody. Few routes are, and a test lists them.
    Public,
    /// Whoever has at least this role, about the facilities that are in his scope: the handler takes a
    /// [`Principal`] and asks it.
    Scoped(Role),
    /// Whoever has at least this role and sees all facilities.
    Whole(Role),
    /// Likewise; and, where the configuration says so, whoever asks from this machine.
    Scraped(Role),
}

/// A route, for the document, for measuring and for the tests.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `GET`, …
    pub method: &'static str,
    /// With the names of its parameters.
    pub path: String,
    /// Who may.
    pub policy: Policy,
    /// Which resource.
    pub resource: &'static str,
}

/// The routes of a resource.
pub struct Routes {
    resource: &'static str,
    about: &'static str,
    parts: Vec<(Guard, UtoipaMethodRouter<Arc<Api>>)>,
}

/// What stands before a handler.
#[derive(Clone, Copy)]
struct Guard {
    policy: Policy,
    /// Whether requests may have a key under which they are done once.
    is_kept: bool,
    /// Whether its answers are kept for a moment.
    is_remembered: bool,
    /// Whether there are parameters behind `?`; the handler refuses those that it does not know.
    is_asked: bool,
}

impl Guard {
    const PLAIN: Self =
        Self { policy: Policy::Public, is_kept: false, is_remembered: false, is_asked: false };
}

/// All routes together.
pub struct Built {
    /// Answers them.
    pub router: Router<Arc<Api>>,
    /// What there is.
    pub entries: Vec<Entry>,
    /// For the document.
    pub paths: Paths,
    /// Of bodies.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// Resources and what they are.
    pub tags: Vec<(&'static str, &'static str)>,
}

impl Routes {
    /// A resource, and what it is in a line.
    pub fn of(resource: &'static str, about: &'static str) -> Self {
        Self { resource, about, parts: Vec::new() }
    }

    /// A route and who may use it.
    pub fn add(mut self, policy: Policy, route: UtoipaMethodRouter<Arc<Api>>) -> Self {
        self.parts.push((Guard { policy, ..Guard::PLAIN }, route));
        self
    }

    /// A route whose answer adds up what many ask for: it is kept for a moment, see [`super::cache`]. It may say
    /// nothing that depends on more than the role and the facilities of whoever asks.
    pub fn keep(mut self, policy: Policy, route: UtoipaMethodRouter<Arc<Api>>) -> Self {
        self.parts.push((Guard { policy, is_remembered: true, ..Guard::PLAIN }, route));
        self
    }

    /// A route that acts: with `Idempotency-Key` it is done once. Its answers are kept for a day, so it is none
    /// that hands out secrets.
    pub fn act(mut self, policy: Policy, route: UtoipaMethodRouter<Arc<Api>>) -> Self {
        self.parts.push((Guard { policy, is_kept: true, ..Guard::PLAIN }, route));
        self
    }
}

/// Puts resources together, guarded for this API.
pub fn build(resources: &[fn() -> Routes], api: &Arc<Api>) -> Built {
    put(resources, |methods, before, path| {
        methods.route_layer(from_fn_with_state((api.clone(), before, path), guard))
    })
}

/// Puts resources together for the document alone: nothing answers.
pub fn collect(resources: &[fn() -> Routes]) -> Built {
    put(resources, |_, _, _| MethodRouter::new())
}

fn put(
    resources: &[fn() -> Routes],
    guarded: impl Fn(MethodRouter<Arc<Api>>, Guard, Arc<str>) -> MethodRouter<Arc<Api>>,
) -> Built {
    let mut built = Built {
        router: Router::new(),
        entries: Vec::new(),
        paths: Paths::new(),
        schemas: Vec::new(),
        tags: Vec::new(),
    };
    for resource in resources {
        let Routes { resource, about, parts } = resource();
        built.tags.push((resource, about));
        for (before, (schemas, paths, methods)) in parts {
            built.schemas.extend(schemas.into_iter().map(described));
            let policy = before.policy;
            for (path, mut item) in paths.paths {
                let is_asked = operations(&mut item).iter().any(|(_, one)| parameters::is_asked(one));
                let guarded = guarded(methods.clone(), Guard { is_asked, ..before }, path.as_str().into());
                built.router = built.router.route(&by_place(&path), guarded);
                for (method, operation) in operations(&mut item) {
                    describe(operation, resource, policy);
                    if before.is_kept {
                        say_kept(operation);
                    }
                    parameters::describe(operation);
                    built.entries.push(Entry { method, path: path.clone(), policy, resource });
                }
                match built.paths.paths.get_mut(&path) {
                    Some(known) => known.merge_operations(item),
                    None => drop(built.paths.paths.insert(path, item)),
                }
            }
        }
    }
    built
}

/// Lets in whom the policy lets in, and tells the handler who it is.
async fn guard(
    State((api, before, path)): State<(Arc<Api>, Guard, Arc<str>)>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(Taken(route)) = request.extensions().get() {
        // It takes one route alone.
        drop(route.set(path));
    }
    let (least, is_whole) = match before.policy {
        Policy::Public => return asked(before, request, next).await,
        Policy::Scoped(role) => (role, false),
        Policy::Whole(role) => (role, true),
        Policy::Scraped(_) if api.is_scraper(&request) => return asked(before, request, next).await,
        Policy::Scraped(role) => (role, true),
    };
    let principal = match api.identify(request.headers()).await {
        Ok(principal) => principal,
        Err(error) => return error.into_response(),
    };
    let key = admit(&api, &principal, least, is_whole).and_then(|()| key(&request, before.is_kept));
    request.extensions_mut().insert(principal.clone());
    let may_change = !request.method().is_safe();
    let response = match key {
        Ok(_) if is_beside(before, &request) => passed_over().into_response(),
        Ok(None) if before.is_remembered => cache::answer(&api, &principal, request, next).await,
        Ok(None) => next.run(request).await,
        Ok(Some(key)) => idempotency::once(&api, &principal, &key, request, next).await,
        Err(error) => return error.into_response(),
    };
    if may_change {
        // Whatever it answers: a part of it may have been done.
        cache::changed(&api).await;
    }
    response
}

/// Goes on, unless something is asked that nobody would read: whoever asks for less is not to get all.
async fn asked(before: Guard, request: Request, next: Next) -> Response {
    if is_beside(before, &request) { passed_over().into_response() } else { next.run(request).await }
}

fn is_beside(before: Guard, request: &Request) -> bool {
    !before.is_asked && request.uri().query().is_some_and(|query| !query.is_empty())
}

fn passed_over() -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", "this path takes no parameters behind `?`")
}

/// The key under which a request is to be done once. Whoever sends one where it is not heeded is told.
fn key(request: &Request, is_kept: bool) -> Result<Option<String>, ApiError> {
    let key = idempotency::key(request.headers())?;
    if key.is_some() && !is_kept && request.method() == Method::POST {
        let said = "Idempotency-Key is not heeded here; ask without it";
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "idempotency_unsupported", said));
    }
    Ok(key.filter(|_| is_kept))
}

fn admit(api: &Api, principal: &Principal, least: Role, is_whole: bool) -> Result<(), ApiError> {
    api.limits.of_principal(&principal.key())?;
    if principal.role < least {
        let said = format!("this needs the role {}; yours is {}", least.name(), principal.role.name());
        let error = ApiError::forbidden("missing_role", said);
        return Err(
            error.about(serde_json::json!({ "required": least.name(), "yours": principal.role.name() }))
        );
    }
    if is_whole && !principal.sees_all() {
        let said = "this concerns all facilities, and you see some of them";
        return Err(ApiError::forbidden("missing_scope", said).about(serde_json::json!({ "required": "*" })));
    }
    Ok(())
}

/// The router knows parameters by their place: two resources may name the same place differently.
fn by_place(path: &str) -> String {
    let named = |(place, part): (usize, &str)| {
        if part.starts_with('{') { format!("{{p{place}}}") } else { part.to_owned() }
    };
    path.split('/').enumerate().map(named).collect::<Vec<_>>().join("/")
}

fn operations(item: &mut utoipa::openapi::PathItem) -> Vec<(&'static str, &mut Operation)> {
    let all = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("PATCH", &mut item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| operation.as_mut().map(|one| (method, one))).collect()
}

/// A body that asks as lists are asked says the same of its fields as they of their parameters.
fn described((name, mut schema): (String, RefOr<Schema>)) -> (String, RefOr<Schema>) {
    if name == BULK {
        parameters::describe_fields(&mut schema);
    }
    (name, schema)
}

/// What operations say that may be done once.
fn say_kept(operation: &mut Operation) {
    let about = "Under it the request is done once: sent again within a day, it is answered as before. With \
                 another body it is refused.";
    let key = ParameterBuilder::new()
        .name("idempotency-key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(Object::with_type(Type::String)))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(key));
    for (status, words) in [("409", "it is under way"), ("422", "the key was used for another request")] {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| problem(words));
    }
}

/// What every operation says: who may, and which errors there are.
fn describe(operation: &mut Operation, resource: &str, policy: Policy) {
    operation.tags = Some(vec![resource.to_owned()]);
    let mut errors =
        vec![("400", "the request is not understood"), ("429", "too often; Retry-After says when")];
    errors.extend([
        ("414", "the address is longer than 8 KiB"),
        ("500", "a fault of the server"),
        ("503", "it cannot be answered now; Retry-After says when"),
    ]);
    let who = match policy {
        Policy::Public => {
            operation.security = Some(Vec::new());
            "Anybody may ask this.".to_owned()
        }
        Policy::Scoped(role) => format!("Needs the role {}; shows facilities in scope.", role.name()),
        Policy::Whole(role) => format!("Needs the role {} and all facilities in scope.", role.name()),
        Policy::Scraped(role) => format!(
            "Needs the role {} and all facilities in scope, or to be asked from the aggregator's machine where the \
             configuration allows it.",
            role.name()
        ),
    };
    if policy != Policy::Public {
        let by = |name: &str| SecurityRequirement::new(name.to_owned(), Vec::<String>::new());
        operation.security = Some(vec![by("bearer"), by("api_key")]);
        errors.extend([("401", "nobody knows who asks"), ("403", "whoever asks may not")]);
    }
    if operation.request_body.is_some() {
        errors.extend([("408", "the body did not arrive in time"), ("413", "the body is too large")]);
        errors.push(("415", "the body is no JSON"));
        errors.push(("422", "the body is not as it should be"));
    }
    let before = operation.description.take().map(|text| format!("{text}\n\n")).unwrap_or_default();
    operation.description = Some(format!("{before}{who}"));
    for (status, words) in errors {
        let said = operation.responses.responses.entry(status.to_owned());
        said.or_insert_with(|| problem(words));
    }
    // Those that a handler declares itself have the same body.
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
            && let RefOr::T(full) = problem(&response.description)
        {
            *response = full;
        }
    }
    // It is said before anybody has read the request, and so without a body.
    let head =
        ResponseBuilder::new().description("the head is larger than 32 KiB, or has more than 64 lines");
    operation.responses.responses.insert("431".to_owned(), head.build().into());
}

fn problem(words: &str) -> RefOr<utoipa::openapi::Response> {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(words).content("application/problem+json", body).build().into()
}

/// The filter of a bulk change.
const BULK: &str = "BulkQuery";
