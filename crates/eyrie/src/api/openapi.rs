//! The description of the API, from the code: what the handlers' attributes cannot say for all of them at once is said here.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{Array, Object, Schema, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Response as Answer, ResponseBuilder, Tag,
};

use super::auth::SESSION_COOKIE;
use super::problem::{Kind, ProblemBody};
use crate::pilot::AUTH_TOKEN;

/// The whole description, as it is served at `/openapi.json` and lies in the repository.
pub fn openapi() -> OpenApi {
    let (_, mut openapi) = super::routes().split_for_parts();
    require_answered_fields(&mut openapi);
    add_problems(&mut openapi);
    openapi
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "health", security(()),
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json", body = Object)))]
pub(super) async fn openapi_json() -> Response {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| openapi().to_json().expect("a description made of our own types can be written"));
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

/// What stands before the routes.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Eyrie")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The media library of DJI docks. Times are RFC 3339 in UTC; a field that is not known is null, never left out; \
             refusals are problems (RFC 9457).",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(SESSION_COOKIE)));
    let components = ComponentsBuilder::new()
        .schema_from::<ProblemBody>()
        .security_scheme("bearer", bearer)
        .security_scheme("session", session)
        .security_scheme("controller", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(AUTH_TOKEN))))
        .build();
    let tags = [
        "media",
        "map",
        "albums",
        "shares",
        "retention",
        "flights",
        "docks",
        "jobs",
        "events",
        "session",
        "workspaces",
        "administration",
        "pilot",
        "health",
    ];
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some(["bearer", "session"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()))))
        .tags(Some(tags.map(Tag::new)))
        .build()
}

/// Every field of an answer is always there, null when unknown: `required`, whatever its type. Requests (named so)
/// may leave out what is optional.
fn require_answered_fields(openapi: &mut OpenApi) {
    let schemas = openapi.components.iter_mut().flat_map(|components| &mut components.schemas);
    for (name, schema) in schemas.filter(|(name, _)| !name.ends_with("Request")) {
        let RefOr::T(schema) = schema else { continue };
        require_all(schema);
        // utoipa writes the item's schema out again in every list of it
        if let (Some(item), Schema::Object(page)) = (name.strip_prefix("Page_"), schema) {
            page.properties.insert("items".into(), Array::new(Ref::from_schema_name(item)).into());
        }
    }
}

fn require_all(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => object.required = object.properties.keys().cloned().collect(),
        Schema::AllOf(all) => all.items.iter_mut().for_each(|item| {
            if let RefOr::T(schema) = item {
                require_all(schema);
            }
        }),
        _ => {}
    }
}

/// The refusals that any operation of its kind may answer.
fn add_problems(openapi: &mut OpenApi) {
    let components = openapi.components.get_or_insert_default();
    for kind in Kind::ALL {
        components.responses.insert(name(kind), RefOr::T(problem(kind)));
    }
    for (path, item) in &mut openapi.paths.paths {
        let operations =
            [(&mut item.get, false), (&mut item.post, true), (&mut item.patch, true), (&mut item.delete, true)];
        for (operation, changes) in operations {
            let Some(operation) = operation else { continue };
            if crate::pilot::is_apps(path) {
                for status in ["400", "401", "500", "503"] {
                    operation.responses.responses.insert(status.to_owned(), RefOr::T(envelope()));
                }
            }
            for kind in kinds_of(path, operation, changes) {
                let status = kind.status().as_str().to_owned();
                let answer = || RefOr::Ref(Ref::from_response_name(name(kind)));
                operation.responses.responses.entry(status).or_insert_with(answer);
            }
        }
    }
}

/// What is read that may not be there yet, or no more.
const IN_VAIN: [&str; 4] = ["/ppk.zip", "/ppk/solution", "/archives/{id}", "/{slug}/archive"];

fn kinds_of(path: &str, operation: &Operation, changes: bool) -> Vec<Kind> {
    let has_body = operation.request_body.is_some();
    if path.starts_with("/pilot/api/") {
        let mut kinds = vec![Kind::Internal, Kind::Unauthorized, Kind::Unavailable];
        if has_body {
            kinds.extend([Kind::BadRequest, Kind::Forbidden, Kind::NotFound, Kind::Conflict, Kind::TooLarge]);
            kinds.extend([Kind::UnsupportedMediaType, Kind::TooManyRequests]);
        }
        return kinds;
    }
    // the app hears DJI's envelope, never a problem
    if crate::pilot::is_apps(path) {
        return Vec::new();
    }
    let mut kinds = vec![Kind::Internal];
    if path.starts_with("/api/") {
        kinds.extend([Kind::BadRequest, Kind::Unauthorized, Kind::Forbidden, Kind::NotFound, Kind::Unavailable]);
    }
    if has_body {
        kinds.extend([Kind::TooLarge, Kind::UnsupportedMediaType]);
    }
    if path == "/api/v1/session" && has_body {
        kinds.push(Kind::TooManyRequests);
    } else if changes && path.starts_with("/api/") || IN_VAIN.iter().any(|end| path.ends_with(end)) {
        kinds.push(Kind::Conflict);
    }
    if path == "/metrics" {
        kinds.extend([Kind::Unauthorized, Kind::Forbidden]);
    }
    kinds
}

/// A refusal as Pilot 2 reads it; 401 when its token is over.
fn envelope() -> Answer {
    let content = ContentBuilder::new().schema(Some(Object::with_type(Type::Object))).build();
    ResponseBuilder::new().description("DJI's envelope, `code` not 0").content("application/json", content).build()
}

fn problem(kind: Kind) -> Answer {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let description = format!("{} (`{}`)", kind.title(), kind.type_uri());
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// `/problems/not-found` is the component `not-found`.
fn name(kind: Kind) -> String {
    kind.type_uri().trim_start_matches("/problems/").to_owned()
}
