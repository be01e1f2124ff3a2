//! The document of the API (OpenAPI 3.1), made from the code, and a page that shows it without asking anybody
//! else for a script.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::routes;

use super::Api;
use super::error::{Fault, Problem};
use super::route::{Built, Policy, Routes};

/// The resource.
pub fn routes() -> Routes {
    Routes::of("documents", "What the API is")
        .add(Policy::Public, routes!(document))
        .add(Policy::Public, routes!(docs))
        .add(Policy::Public, routes!(script))
        .add(Policy::Public, routes!(style))
        .add(Policy::Public, routes!(setup))
        .add(Policy::Public, routes!(setup_script))
}

/// The document of these routes.
pub(super) fn of(built: &Built) -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Fieldward")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let key = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
    let mut components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("api_key", SecurityScheme::ApiKey(key))
        .schema(Problem::name(), Problem::schema())
        .schema(Fault::name(), Fault::schema());
    for (name, schema) in &built.schemas {
        components = components.schema(name.clone(), schema.clone());
    }
    let tags = built
        .tags
        .iter()
        .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    OpenApiBuilder::new()
        .info(info)
        .paths(built.paths.clone())
        .components(Some(components.build()))
        .tags(Some(tags.collect::<Vec<_>>()))
        .build()
}

/// The document as text.
pub fn text() -> String {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let document = of(&super::route::collect(super::RESOURCES));
        document.to_pretty_json().unwrap_or_default()
    });
    TEXT.clone()
}

/// This document
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = serde_json::Value)))]
async fn document(State(_): State<Arc<Api>>) -> Response {
    plain("application/json", text())
}

/// This document for people
#[utoipa::path(get, path = "/docs", operation_id = "docs",
    responses((status = 200, content_type = "text/html", body = String)))]
async fn docs() -> Html<&'static str> {
    Html(include_str!("pages/docs.html"))
}

/// The script of the page
#[utoipa::path(get, path = "/docs.js", operation_id = "docs_script",
    responses((status = 200, content_type = "text/javascript", body = String)))]
async fn script() -> Response {
    plain("text/javascript", include_str!("pages/docs.js").to_owned())
}

/// How the pages look
#[utoipa::path(get, path = "/docs.css", operation_id = "docs_style",
    responses((status = 200, content_type = "text/css", body = String)))]
async fn style() -> Response {
    plain("text/css", include_str!("pages/docs.css").to_owned())
}

/// The page for the first user
#[utoipa::path(get, path = "/setup", operation_id = "setup_page",
    responses((status = 200, content_type = "text/html", body = String)))]
async fn setup() -> Html<&'static str> {
    Html(include_str!("pages/setup.html"))
}

/// Its script
#[utoipa::path(get, path = "/setup.js", operation_id = "setup_script",
    responses((status = 200, content_type = "text/javascript", body = String)))]
async fn setup_script() -> Response {
    plain("text/javascript", include_str!("pages/setup.js").to_owned())
}

fn plain(kind: &'static str, text: String) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

const ABOUT: &str = "Alerts, traffic and health of all plants. Times are RFC 3339 in UTC. A value that cannot \
be known is null, and `unknown` says why. Every path that begins with `/api/` is served under `/api/v1/` too. \
Every error has the body `Problem`.";
