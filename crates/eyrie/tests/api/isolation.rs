//! Who may do what, as a matrix: every operation of the API by every kind of credential. An operation without a row
//! fails, and so does a row without an operation.

use std::collections::BTreeSet;

use eyrie::api::problem::Kind;
use eyrie_catalogue::{Role, User, Workspace};
use serde_json::{Value, json};

use crate::support::{Api, PASSWORD, Reply, Who, request};

/// The rule behind a row.
#[derive(Clone, Copy, Debug)]
enum Open {
    /// To everybody.
    Always,
    /// To whoever is logged in.
    LoggedIn,
    /// To those who see the workspace and have this role.
    To(Role),
    ServerAdmin,
    /// To an admin of anything, when the peer is not on this machine.
    AnyAdmin,
    /// To a Pilot 2 controller with its own token, which is none of these callers' (`pilot.rs` asks with one).
    Controller,
}

/// What the path's last variable names; made anew for each call, in workspace A.
#[derive(Clone, Copy, Debug)]
enum Subject {
    None,
    Media,
    Picture,
    Proxy,
    TrashedMedia,
    Flight,
    Dock,
    Job,
    OpenJob,
    Token,
    S3Key,
    User,
    Controller,
    /// A person who may log a controller in.
    Pilot,
    /// The map's tile of the whole world.
    Tile,
    Archive,
    Album,
    RetentionRule,
    /// On a file of its own.
    LegalHold,
    /// A share link by its id.
    Share,
    /// A share link whose slug is the id of its only file.
    SharedPicture,
    SharedVideo,
}

struct Row {
    method: &'static str,
    path: &'static str,
    open: Open,
    subject: Subject,
    success: u16,
    body: fn(u32) -> Value,
}

const fn row(method: &'static str, path: &'static str, open: Open, subject: Subject, success: u16) -> Row {
    Row { method, path, open, subject, success, body: |_| Value::Null }
}

const fn with_body(mut row: Row, body: fn(u32) -> Value) -> Row {
    row.body = body;
    row
}

fn rows() -> Vec<Row> {
    use Open::{Always, AnyAdmin, Controller, LoggedIn, ServerAdmin, To};
    use Role::{Admin, Operator, Viewer};
    vec![
        row("get", "/healthz", Always, Subject::None, 200),
        // the test's server has no broker, and says so
        row("get", "/readyz", Always, Subject::None, 503),
        row("get", "/openapi.json", Always, Subject::None, 200),
        row("get", "/metrics", AnyAdmin, Subject::None, 200),
        row("post", "/api/v1/session", Always, Subject::User, 200),
        row("get", "/api/v1/session", LoggedIn, Subject::None, 200),
        row("get", "/oidc/options", Always, Subject::None, 200),
        // no provider is configured; the flow has tests of its own
        row("get", "/oidc/login", Always, Subject::None, 404),
        row("get", "/oidc/callback", Always, Subject::None, 404),
        row("get", "/api/v1/workspaces", LoggedIn, Subject::None, 200),
        with_body(
            row("post", "/api/v1/workspaces", ServerAdmin, Subject::None, 201),
            |n| json!({"name": format!("w{n}")}),
        ),
        row("get", "/api/v1/workspaces/{ws}/media", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/media/counts", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/storage", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/media/{id}", To(Viewer), Subject::Media, 200),
        row("delete", "/api/v1/workspaces/{ws}/media/{id}", To(Operator), Subject::Media, 204),
        row("post", "/api/v1/workspaces/{ws}/media/{id}/restore", To(Operator), Subject::TrashedMedia, 200),
        row("get", "/api/v1/workspaces/{ws}/media/{id}/content", To(Viewer), Subject::Media, 302),
        row("get", "/api/v1/workspaces/{ws}/media/{id}/thumbnail", To(Viewer), Subject::Picture, 200),
        row("get", "/api/v1/workspaces/{ws}/media/{id}/preview", To(Viewer), Subject::Picture, 200),
        // no thermal picture: whoever may ask hears that
        row("get", "/api/v1/workspaces/{ws}/media/{id}/thermal", To(Viewer), Subject::Media, 404),
        // a picture has no telemetry, a flight without times no track: 404 for whoever may ask, too
        row("get", "/api/v1/workspaces/{ws}/media/{id}/telemetry", To(Viewer), Subject::Media, 404),
        row("get", "/api/v1/workspaces/{ws}/media/export", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/flights/{flight_id}/telemetry", To(Viewer), Subject::Flight, 404),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/media/export", To(Viewer), Subject::None, 200),
            |_| json!({"media_ids": []}),
        ),
        // nothing is asked for: whoever may ask hears that
        with_body(row("post", "/api/v1/workspaces/{ws}/archives", To(Viewer), Subject::None, 400), |_| json!({})),
        row("get", "/api/v1/workspaces/{ws}/archives/{id}", To(Viewer), Subject::Archive, 200),
        // what is kept, and for how long
        row("get", "/api/v1/workspaces/{ws}/trash", To(Viewer), Subject::None, 200),
        with_body(row("post", "/api/v1/workspaces/{ws}/trash/empty", To(Admin), Subject::None, 202), |_| json!({})),
        row("get", "/api/v1/workspaces/{ws}/retention-rules", To(Operator), Subject::None, 200),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/retention-rules", To(Admin), Subject::None, 201),
            |n| json!({"name": format!("Rule {n}"), "older_than_days": 36_500}),
        ),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/retention-rules/preview", To(Operator), Subject::None, 200),
            |_| json!({"older_than_days": 30}),
        ),
        row("post", "/api/v1/workspaces/{ws}/retention-rules/apply", To(Admin), Subject::None, 202),
        with_body(
            row("patch", "/api/v1/workspaces/{ws}/retention-rules/{id}", To(Admin), Subject::RetentionRule, 200),
            |n| json!({"enabled": n % 2 == 0}),
        ),
        row("delete", "/api/v1/workspaces/{ws}/retention-rules/{id}", To(Admin), Subject::RetentionRule, 204),
        row("get", "/api/v1/workspaces/{ws}/legal-holds", To(Operator), Subject::None, 200),
        // nothing is held: whoever may ask hears that
        with_body(
            row("post", "/api/v1/workspaces/{ws}/legal-holds", To(Admin), Subject::None, 400),
            |_| json!({"name": "x"}),
        ),
        row("get", "/api/v1/workspaces/{ws}/legal-holds/{id}", To(Operator), Subject::LegalHold, 200),
        row("delete", "/api/v1/workspaces/{ws}/legal-holds/{id}", To(Admin), Subject::LegalHold, 200),
        // albums and share links
        row("get", "/api/v1/workspaces/{ws}/albums", To(Viewer), Subject::None, 200),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/albums", To(Operator), Subject::None, 201),
            |n| json!({"name": format!("Album {n}")}),
        ),
        row("get", "/api/v1/workspaces/{ws}/albums/{id}", To(Viewer), Subject::Album, 200),
        with_body(
            row("patch", "/api/v1/workspaces/{ws}/albums/{id}", To(Operator), Subject::Album, 200),
            |n| json!({"description": format!("Roof {n}")}),
        ),
        row("delete", "/api/v1/workspaces/{ws}/albums/{id}", To(Operator), Subject::Album, 204),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/albums/{id}/media", To(Operator), Subject::Album, 200),
            |_| json!({"media_ids": [uuid::Uuid::nil()]}),
        ),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/albums/{id}/media/remove", To(Operator), Subject::Album, 200),
            |_| json!({"media_ids": [uuid::Uuid::nil()]}),
        ),
        row("get", "/api/v1/workspaces/{ws}/shares", To(Operator), Subject::None, 200),
        // nothing is shared: whoever may ask hears that
        with_body(
            row("post", "/api/v1/workspaces/{ws}/shares", To(Operator), Subject::None, 400),
            |_| json!({"title": "x"}),
        ),
        row("get", "/api/v1/workspaces/{ws}/shares/{id}", To(Operator), Subject::Share, 200),
        row("delete", "/api/v1/workspaces/{ws}/shares/{id}", To(Operator), Subject::Share, 204),
        row("get", "/api/v1/workspaces/{ws}/shares/{id}/visits", To(Operator), Subject::Share, 200),
        row("get", "/api/v1/shares/{slug}", Always, Subject::SharedPicture, 200),
        with_body(
            row("post", "/api/v1/shares/{slug}/unlock", Always, Subject::SharedPicture, 204),
            |_| json!({"password": "none is needed"}),
        ),
        row("get", "/api/v1/shares/{slug}/media", Always, Subject::SharedPicture, 200),
        row("get", "/api/v1/shares/{slug}/media/{id}/thumbnail", Always, Subject::SharedPicture, 200),
        row("get", "/api/v1/shares/{slug}/media/{id}/preview", Always, Subject::SharedPicture, 200),
        row("get", "/api/v1/shares/{slug}/media/{id}/content", Always, Subject::SharedPicture, 200),
        row("get", "/api/v1/shares/{slug}/archive", Always, Subject::SharedPicture, 200),
        row("get", "/api/v1/shares/{slug}/media/{id}/video", Always, Subject::SharedVideo, 200),
        // the map
        row("get", "/api/v1/workspaces/{ws}/tiles/{z}/{x}/{y}", To(Viewer), Subject::Tile, 200),
        // without a place: whoever may ask hears that
        row("get", "/api/v1/workspaces/{ws}/seen-at", To(Viewer), Subject::None, 400),
        row("get", "/api/v1/workspaces/{ws}/media/footprints", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/media/{id}/footprints", To(Viewer), Subject::Media, 200),
        row("get", "/api/v1/map", LoggedIn, Subject::None, 200),
        // no file is configured
        row("get", "/api/v1/map/base.pmtiles", LoggedIn, Subject::None, 404),
        row("get", "/api/v1/workspaces/{ws}/media/{id}/same-place", To(Viewer), Subject::Media, 200),
        row("get", "/api/v1/workspaces/{ws}/media/{id}/proxy", To(Viewer), Subject::Proxy, 302),
        row("post", "/api/v1/workspaces/{ws}/media/{id}/proxy", To(Operator), Subject::Proxy, 202),
        row("get", "/api/v1/workspaces/{ws}/flights", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/flights/counts", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/flights/{flight_id}", To(Viewer), Subject::Flight, 200),
        row("post", "/api/v1/workspaces/{ws}/flights/{flight_id}/prioritize", To(Operator), Subject::Flight, 202),
        row("get", "/api/v1/workspaces/{ws}/flights/{flight_id}/ppk", To(Viewer), Subject::Flight, 200),
        // a flight without survey files: whoever may ask hears that
        row("get", "/api/v1/workspaces/{ws}/flights/{flight_id}/ppk.zip", To(Viewer), Subject::Flight, 409),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/flights/{flight_id}/ppk/solve", To(Operator), Subject::Flight, 409),
            |_| json!({}),
        ),
        row("get", "/api/v1/workspaces/{ws}/flights/{flight_id}/ppk/solution", To(Viewer), Subject::Flight, 409),
        row("get", "/api/v1/workspaces/{ws}/docks", To(Viewer), Subject::None, 200),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/docks", To(Admin), Subject::None, 201),
            |n| json!({"sn": format!("NEW{n}"), "callsign": "Nord"}),
        ),
        row("get", "/api/v1/workspaces/{ws}/docks/{sn}", To(Viewer), Subject::Dock, 200),
        with_body(
            row("patch", "/api/v1/workspaces/{ws}/docks/{sn}", To(Admin), Subject::Dock, 200),
            |n| json!({"callsign": format!("Nord {n}")}),
        ),
        row("get", "/api/v1/workspaces/{ws}/docks/{sn}/set-up", To(Admin), Subject::Dock, 200),
        row("get", "/api/v1/workspaces/{ws}/docks/{sn}/trace", To(Viewer), Subject::Dock, 200),
        row("post", "/api/v1/workspaces/{ws}/docks/{sn}/rotate", To(Admin), Subject::Dock, 200),
        row("post", "/api/v1/workspaces/{ws}/docks/{sn}/disable", To(Admin), Subject::Dock, 200),
        row("post", "/api/v1/workspaces/{ws}/docks/{sn}/enable", To(Admin), Subject::Dock, 200),
        row("get", "/api/v1/workspaces/{ws}/jobs", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/jobs/{id}", To(Viewer), Subject::Job, 200),
        row("post", "/api/v1/workspaces/{ws}/jobs/{id}/retry", To(Operator), Subject::Job, 200),
        row("post", "/api/v1/workspaces/{ws}/jobs/{id}/cancel", To(Operator), Subject::OpenJob, 200),
        row("get", "/api/v1/workspaces/{ws}/events", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/tokens", To(Admin), Subject::None, 200),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/tokens", To(Admin), Subject::None, 201),
            |_| json!({"role": "viewer"}),
        ),
        row("delete", "/api/v1/workspaces/{ws}/tokens/{id}", To(Admin), Subject::Token, 204),
        row("get", "/api/v1/workspaces/{ws}/s3-keys", To(Admin), Subject::None, 200),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/s3-keys", To(Admin), Subject::None, 201),
            |_| json!({"access": "read"}),
        ),
        row("delete", "/api/v1/workspaces/{ws}/s3-keys/{access_key_id}", To(Admin), Subject::S3Key, 204),
        row("get", "/api/v1/workspaces/{ws}/users", To(Admin), Subject::None, 200),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/users", To(Admin), Subject::None, 201),
            |n| json!({"name": format!("new-{n}"), "role": "viewer"}),
        ),
        with_body(
            row("patch", "/api/v1/workspaces/{ws}/users/{id}", To(Admin), Subject::User, 200),
            |n| json!({"disabled": n % 2 == 0}),
        ),
        row("post", "/api/v1/workspaces/{ws}/users/{id}/password", To(Admin), Subject::User, 200),
        row("delete", "/api/v1/workspaces/{ws}/users/{id}", To(Admin), Subject::User, 204),
        row("get", "/api/v1/workspaces/{ws}/audit", To(Admin), Subject::None, 200),
        row("get", "/api/v1/audit", ServerAdmin, Subject::None, 200),
        row("get", "/api/v1/settings", ServerAdmin, Subject::None, 200),
        row("post", "/pilot/api/license", Always, Subject::Pilot, 200),
        row("get", "/api/v1/workspaces/{ws}/controllers", To(Viewer), Subject::None, 200),
        row("get", "/api/v1/workspaces/{ws}/controllers/{sn}", To(Viewer), Subject::Controller, 200),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/controllers", To(Admin), Subject::None, 201),
            |n| json!({"sn": format!("RCNEW{n}")}),
        ),
        row("post", "/api/v1/workspaces/{ws}/controllers/{sn}/rotate", To(Admin), Subject::Controller, 200),
        row("post", "/api/v1/workspaces/{ws}/controllers/{sn}/disable", To(Admin), Subject::Controller, 200),
        row("post", "/api/v1/workspaces/{ws}/controllers/{sn}/enable", To(Admin), Subject::Controller, 200),
        row("get", "/api/v1/workspaces/{ws}/pilot-settings", To(Viewer), Subject::None, 200),
        with_body(
            row("post", "/api/v1/workspaces/{ws}/pilot-settings", To(Admin), Subject::None, 200),
            |n| json!({"auto_upload_photo_type": n % 2}),
        ),
        row("post", "/pilot/api/login", Always, Subject::Pilot, 200),
        row("post", "/pilot/api/renew", Controller, Subject::None, 200),
        row("get", "/pilot/api/session", Controller, Subject::None, 200),
        row("delete", "/pilot/api/session", Controller, Subject::None, 204),
        row("get", "/pilot/api/state", Controller, Subject::None, 200),
        row("post", "/media/api/v1/workspaces/{ws}/fast-upload", Controller, Subject::None, 200),
        row("post", "/media/api/v1/workspaces/{ws}/files/tiny-fingerprints", Controller, Subject::None, 200),
        row("post", "/storage/api/v1/workspaces/{ws}/sts", Controller, Subject::None, 200),
        row("post", "/media/api/v1/workspaces/{ws}/upload-callback", Controller, Subject::None, 200),
        row("post", "/media/api/v1/workspaces/{ws}/group-upload-callback", Controller, Subject::None, 200),
        row("get", "/manage/api/v1/workspaces/{ws}/devices/topologies", Controller, Subject::None, 200),
        row("get", "/manage/api/v1/workspaces/current", Controller, Subject::None, 200),
        row("get", "/wayline/api/v1/workspaces/{ws}/waylines", Controller, Subject::None, 200),
        row("get", "/wayline/api/v1/workspaces/{ws}/waylines/duplicate-names", Controller, Subject::None, 200),
        row("get", "/map/api/v1/workspaces/{ws}/element-groups", Controller, Subject::None, 200),
        row("delete", "/api/v1/session", LoggedIn, Subject::None, 204),
    ]
}

/// Somebody who asks, and what we believe of them.
struct Caller {
    name: String,
    how: How,
    /// `None`: no valid login. The text is the workspace; `*` all of them.
    rights: Option<(&'static str, Role)>,
}

enum How {
    /// The same for each request.
    With(Who),
    /// A session of its own for each request, since logging in and out ends one.
    As(User),
}

impl Caller {
    async fn who(&self, api: &Api) -> Who {
        match &self.how {
            How::With(who) => who.clone(),
            How::As(user) => api.session(user).await,
        }
    }
}

async fn callers(api: &Api, a: &Workspace, b: &Workspace) -> Vec<Caller> {
    let caller = |name: &str, how, rights| Caller { name: name.into(), how, rights };
    let stranger = |name, who| caller(name, How::With(who), None);
    let mut all = vec![
        stranger("nobody", Who::Nobody),
        stranger("a garbage token", Who::Token("eyrie_garbage".into())),
        stranger("a garbage cookie", Who::Cookie("garbage".into())),
        stranger("a revoked token", revoked_token(api, a).await),
        stranger("an expired token", expired_token(api, a).await),
        stranger("a session of a deleted user", orphaned_session(api, a).await),
        caller("the server's administrator", How::As(api.user(None, Role::Admin).await), Some(("*", Role::Admin))),
    ];
    for (workspace, name) in [(a, "A"), (b, "B")] {
        for role in Role::ALL {
            let token = api.token(workspace, *role).await;
            all.push(caller(&format!("a token of {name} {}", role.as_str()), How::With(token), Some((name, *role))));
            let user = api.user(Some(workspace), *role).await;
            all.push(caller(&format!("a session of {name} {}", role.as_str()), How::As(user), Some((name, *role))));
        }
    }
    all
}

async fn revoked_token(api: &Api, workspace: &Workspace) -> Who {
    let admin = api.app.admin("test");
    let access = admin.create_token(workspace, Role::Admin, None, None).await.expect("a new token");
    admin.revoke_token(workspace.id, access.id).await.expect("a revoked token");
    Who::Token(access.token)
}

async fn expired_token(api: &Api, workspace: &Workspace) -> Who {
    let soon = api.app.now() + jiff::SignedDuration::from_secs(60);
    let access =
        api.app.admin("test").create_token(workspace, Role::Admin, None, Some(soon)).await.expect("a new token");
    api.advance(61);
    Who::Token(access.token)
}

async fn orphaned_session(api: &Api, workspace: &Workspace) -> Who {
    let user = api.user(Some(workspace), Role::Admin).await;
    let session = api.session(&user).await;
    api.app.admin("test").remove_user(&user.name).await.expect("a removed user");
    session
}

fn expected(row: &Row, caller: &Caller) -> u16 {
    let Some((workspace, role)) = caller.rights else {
        return if matches!(row.open, Open::Always) { row.success } else { 401 };
    };
    match row.open {
        Open::Always | Open::LoggedIn => row.success,
        Open::To(_) if workspace == "B" => 404,
        Open::To(needed) if role.includes(needed) => row.success,
        Open::ServerAdmin if workspace == "*" => row.success,
        Open::AnyAdmin if role == Role::Admin => row.success,
        Open::Controller => 401,
        Open::To(_) | Open::ServerAdmin | Open::AnyAdmin => 403,
    }
}

/// The path's last variable, and the body where that depends on it.
async fn subject(api: &Api, row: &Row, workspace: &Workspace) -> (String, Value) {
    let body = (row.body)(api.number());
    let name = match row.subject {
        Subject::Tile => "0".into(),
        Subject::None => String::new(),
        Subject::Media => api.media(workspace, |_| {}).await.id.to_string(),
        Subject::Archive => {
            let archive = eyrie_catalogue::Archive {
                id: api.app.new_id(),
                workspace_id: workspace.id,
                name: "nothing".into(),
                plan: json!([]),
                created_at: api.app.now(),
                expires_at: api.app.now() + jiff::SignedDuration::from_hours(1),
            };
            api.app.catalogue.add_archive(&archive).await.expect("kept");
            archive.id.to_string()
        }
        Subject::Album => api.album(workspace).await.to_string(),
        Subject::RetentionRule => {
            let wanted = eyrie::admin::WantedRule {
                name: "old".into(),
                reach: eyrie_catalogue::Reach { gateway_sn: None, kinds: Vec::new(), older_than_days: 36_500 },
                enabled: true,
            };
            let rule = api.app.admin("test").add_retention_rule(workspace, &wanted).await.expect("a new rule");
            rule.id.to_string()
        }
        Subject::LegalHold => {
            let (media, held) = (api.media(workspace, |_| {}).await, eyrie_catalogue::Held::Selection);
            let hold = api.app.admin("test").place_hold(workspace, "incident", held, &[media.id]).await;
            hold.expect("a new hold").id.to_string()
        }
        Subject::Share => {
            let media = api.media(workspace, |_| {}).await;
            api.share(workspace, &[media.id], |_| {}).await.id.to_string()
        }
        Subject::SharedPicture | Subject::SharedVideo => {
            let video = matches!(row.subject, Subject::SharedVideo);
            let media = if video { api.video_with_proxy(workspace).await } else { api.photo(workspace).await };
            api.share(workspace, &[media.id], |share| share.slug = media.id.to_string()).await.slug
        }
        Subject::Proxy => api.video_with_proxy(workspace).await.id.to_string(),
        Subject::Picture => api.photo(workspace).await.id.to_string(),
        Subject::TrashedMedia => {
            let media = api.media(workspace, |_| {}).await;
            let admin = api.token(workspace, Role::Operator).await;
            let reply =
                api.call(&admin, "DELETE", &format!("/api/v1/workspaces/{}/media/{}", workspace.id, media.id)).await;
            assert_eq!(reply.status, 204);
            media.id.to_string()
        }
        Subject::Flight => api.flight(workspace, Some("DOCK1")).await,
        Subject::Dock => api.dock(workspace).await,
        Subject::OpenJob => api.open_job(workspace).await.to_string(),
        Subject::Job => api.dead_job(workspace).await.to_string(),
        Subject::Token => {
            let access =
                api.app.admin("test").create_token(workspace, Role::Viewer, None, None).await.expect("a new token");
            access.id.to_string()
        }
        Subject::S3Key => api.app.admin("test").create_s3_key(workspace, false).await.expect("a new key").access_key_id,
        Subject::User => {
            let user = api.user(Some(workspace), Role::Viewer).await;
            if row.path == "/api/v1/session" {
                return (String::new(), json!({"name": user.name, "password": PASSWORD}));
            }
            user.id.to_string()
        }
        Subject::Controller => {
            let sn = format!("RC{}", api.number());
            api.app.admin("test").log_in_controller(workspace, &sn).await.expect("a new controller");
            sn
        }
        Subject::Pilot => {
            let user = api.user(Some(workspace), Role::Operator).await;
            let sn = format!("RC{}", api.number());
            return (String::new(), json!({"name": user.name, "password": PASSWORD, "sn": sn}));
        }
    };
    (name, body)
}

fn path(row: &Row, workspace: &str, subject: &str) -> String {
    row.path
        .replace("{ws}", workspace)
        .split('/')
        .map(|level| if level.starts_with('{') { subject } else { level })
        .collect::<Vec<_>>()
        .join("/")
}

async fn ask(api: &Api, row: &Row, who: &Who, path: &str, body: &Value) -> Reply {
    let body = (!body.is_null()).then_some(body);
    let request = request(&row.method.to_uppercase(), path, who, body);
    if row.path.ends_with("/events") {
        // the stream has no end
        let response = api.respond(request).await;
        if response.status() == 200 {
            return Reply { status: response.status(), headers: response.headers().clone(), body: Vec::new() };
        }
        return api.send(crate::support::request("GET", path, who, None)).await;
    }
    api.send(request).await
}

fn check_problem(place: &str, reply: &Reply) {
    assert_eq!(reply.header("content-type"), "application/problem+json", "{place}");
    let body = reply.json();
    assert_eq!(body["status"], reply.status.as_u16(), "{place}");
    let kind = Kind::ALL.into_iter().find(|kind| body["type"] == kind.type_uri());
    assert_eq!(kind.map(Kind::status), Some(reply.status), "{place}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_open_to_the_right_callers_only() {
    let api = Api::start().await;
    let (a, b) = (api.workspace("Alpha site").await, api.workspace("Beta site").await);
    let callers = callers(&api, &a, &b).await;
    let mut wrong = Vec::new();
    for row in rows() {
        for caller in &callers {
            let place = format!("{} {} by {}", row.method, row.path, caller.name);
            let (subject, body) = subject(&api, &row, &a).await;
            // by id and by name in turn
            let workspace = if api.number().is_multiple_of(2) { a.id.to_string() } else { "Alpha%20site".to_owned() };
            let reply = ask(&api, &row, &caller.who(&api).await, &path(&row, &workspace, &subject), &body).await;
            let expected = expected(&row, caller);
            if reply.status != expected {
                wrong.push(format!("{place}: {} instead of {expected}", reply.status));
                continue;
            }
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "{place}");
            // a picture or a tile may be kept by its viewer alone, and is asked for again
            let shared = row.path.starts_with("/api/v1/shares/");
            let shared = shared && (row.path.ends_with("/thumbnail") || row.path.ends_with("/preview"));
            let shows = shared || matches!(row.subject, Subject::Picture | Subject::Tile);
            let shows = shows && reply.status == 200;
            let kept = if shows { "private, no-cache" } else { "no-store" };
            assert_eq!(reply.header("cache-control"), kept, "{place}");
            if expected == 401 || expected == 403 || expected == 404 {
                if eyrie::pilot::is_apps(row.path) {
                    assert_eq!(reply.json()["code"], expected, "{place}");
                } else {
                    check_problem(&place, &reply);
                }
                let text = reply.text();
                assert!(!text.contains(&a.id.to_string()) && !text.contains("Alpha"), "{place}: {text}");
            }
            assert_eq!(expected == 401, !reply.header("www-authenticate").is_empty(), "{place}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The objects of A asked for in B, by B's own administrator and by the server's: there is no such object in B.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_found_in_its_own_workspace_only() {
    let api = Api::start().await;
    let (a, b) = (api.workspace("alpha").await, api.workspace("beta").await);
    let askers = [api.token(&b, Role::Admin).await, api.server_admin().await];
    for row in
        rows().iter().filter(|row| row.path.contains("{ws}") && !matches!(row.subject, Subject::None | Subject::Tile))
    {
        for who in &askers {
            let place = format!("{} {}", row.method, row.path);
            let (subject, body) = subject(&api, row, &a).await;
            let reply = ask(&api, row, who, &path(row, "beta", &subject), &body).await;
            assert_eq!(reply.status, 404, "{place}");
            check_problem(&place, &reply);
            // nothing happened to it either: its own administrator still can
            let own = api.token(&a, Role::Admin).await;
            let reply = ask(&api, row, &own, &path(row, "alpha", &subject), &body).await;
            assert_eq!(reply.status, row.success, "{place}");
        }
    }
}

#[test]
fn every_operation_has_its_row() {
    let openapi = serde_json::to_value(eyrie::api::openapi()).expect("a description is JSON");
    let described: BTreeSet<(String, String)> = openapi["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().expect("operations").keys().map(|method| (path.clone(), method.clone()))
        })
        .collect();
    let tested: BTreeSet<_> = rows().iter().map(|row| (row.path.to_owned(), row.method.to_owned())).collect();
    assert_eq!(described, tested);
}

/// A stranger learns nothing from the difference between a route that exists and one that does not.
#[tokio::test(flavor = "multi_thread")]
async fn below_api_and_stac_a_login_comes_first() {
    let api = Api::start().await;
    let a = api.workspace("alpha").await;
    let viewer = api.token(&a, Role::Viewer).await;
    for path in
        ["/api", "/api/v1/nothing", "/stac", "/stac/search", "/api/v1/workspaces/none/media", "/api/v1/session/x"]
    {
        assert_eq!(api.get(&Who::Nobody, path).await.status, 401, "{path}");
        let reply = api.get(&viewer, path).await;
        assert_eq!(reply.status, 404, "{path}");
        check_problem(path, &reply);
    }
    assert_eq!(api.get(&Who::Nobody, "/apinothing").await.status, 404);
}
