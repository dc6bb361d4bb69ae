//! Logging in, staying in, being let out: sessions, tokens, S3 keys, users, and what another site may not do.

use axum::body::Body;
use eyrie_catalogue::Role;
use http::Request;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, PASSWORD, Reply, Who, from_peer, request};

const SESSION: &str = "/api/v1/session";

async fn login_from(api: &Api, peer: &str, name: &str, password: &str) -> Reply {
    let body = json!({"name": name, "password": password});
    api.send(from_peer(request("POST", SESSION, &Who::Nobody, Some(&body)), peer)).await
}

async fn login(api: &Api, name: &str, password: &str) -> Reply {
    login_from(api, "192.0.2.1:999", name, password).await
}

#[tokio::test]
async fn a_session_lasts_from_login_to_logout() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let user = api.user(Some(&workspace), Role::Operator).await;
    let reply = login(&api, &user.name, PASSWORD).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let who = json!({"user": user.name, "role": "operator", "workspace": {"id": workspace.id, "name": "alpha"}});
    assert_eq!(reply.json(), who);
    let cookie = reply.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(attribute), "{attribute} is not in {cookie}");
    }
    assert!(!cookie.contains("Secure"), "plain http could not send it back");

    let session = Who::Cookie(reply.cookie());
    assert_eq!(api.get(&session, SESSION).await.json(), who);
    let ended = api.call(&session, "DELETE", SESSION).await;
    assert_eq!(ended.status, 204);
    assert_eq!(ended.cookie(), "");
    assert_eq!(api.get(&session, SESSION).await.status, 401);

    let admin = api.token(&workspace, Role::Admin).await;
    let audit = api.get(&admin, "/api/v1/workspaces/alpha/audit").await.json();
    let of_user = |action: &str| {
        let mut entries = audit["items"].as_array().unwrap().iter();
        entries.any(|entry| entry["action"] == action && entry["subject"] == json!(user.name))
    };
    assert!(of_user("session.create") && of_user("session.end"));
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let api = Api::start().await;
    let user = api.user(None, Role::Admin).await;
    let session = Who::Cookie(login(&api, &user.name, PASSWORD).await.cookie());
    let who = api.get(&session, SESSION).await.json();
    assert_eq!(who, json!({"user": user.name, "role": "admin", "workspace": null}));
    api.advance(api.app.config.http.session_lifetime.as_secs() as i64 + 1);
    assert_eq!(api.get(&session, SESSION).await.status, 401);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_secure() {
    let mut config = eyrie::config::Config::default();
    let tls = eyrie::config::Tls { cert_file: "cert.pem".into(), key_file: "key.pem".into() };
    config.tls = Some(tls);
    let api = Api::start_with(config).await;
    let user = api.user(None, Role::Admin).await;
    assert!(login(&api, &user.name, PASSWORD).await.header("set-cookie").contains("Secure"));
}

#[tokio::test]
async fn guessing_is_stopped_for_a_name_and_survives_a_restart() {
    let mut api = Api::start().await;
    let user = api.user(None, Role::Admin).await;
    let allowed = api.app.config.http.max_failed_logins;
    for n in 0..allowed {
        let reply = login_from(&api, &format!("192.0.2.{n}:1"), &user.name, "wrong").await;
        assert_eq!((reply.status.as_u16(), &reply.json()["type"]), (401, &json!("/problems/unauthorized")));
    }
    api.restart();
    let reply = login_from(&api, "198.51.100.1:1", &user.name, PASSWORD).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["type"]), (429, &json!("/problems/too-many-requests")));
    assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert!(reply.headers.get("set-cookie").is_none());
    // others still can
    let other = api.user(None, Role::Admin).await;
    assert_eq!(login_from(&api, "198.51.100.1:1", &other.name, PASSWORD).await.status, 200);
    api.advance(15 * 60 + 1);
    assert_eq!(login_from(&api, "198.51.100.1:1", &user.name, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn guessing_is_stopped_for_an_address() {
    let mut config = eyrie::config::Config::default();
    config.http.max_failed_logins = 2;
    let api = Api::start_with(config).await;
    let user = api.user(None, Role::Admin).await;
    for n in 0..10 {
        assert_eq!(login(&api, &format!("nobody-{n}"), "wrong").await.status, 401);
    }
    assert_eq!(login(&api, &user.name, PASSWORD).await.status, 429);
    assert_eq!(login_from(&api, "192.0.2.2:1", &user.name, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_right_password_forgives_the_wrong_ones_before_it() {
    let mut config = eyrie::config::Config::default();
    config.http.max_failed_logins = 3;
    let api = Api::start_with(config).await;
    let user = api.user(None, Role::Admin).await;
    for _ in 0..2 {
        for _ in 0..2 {
            assert_eq!(login(&api, &user.name, "wrong").await.status, 401);
        }
        assert_eq!(login(&api, &user.name, PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn attempts_made_at_once_are_all_counted() {
    let mut config = eyrie::config::Config::default();
    config.http.max_failed_logins = 3;
    let api = Api::start_with(config).await;
    let user = api.user(None, Role::Admin).await;
    let replies = futures::future::join_all((0..12).map(|_| login(&api, &user.name, "wrong"))).await;
    let tried = replies.iter().filter(|reply| reply.status == 401).count();
    // one more may be in hand on the second checking thread
    assert!((3..=4).contains(&tried), "{tried} were tried");
    assert!(replies.iter().all(|reply| reply.status == 401 || reply.status == 429));
}

#[tokio::test]
async fn a_wrong_token_is_refused_even_beside_a_good_cookie() {
    let api = Api::start().await;
    let user = api.user(None, Role::Admin).await;
    let Who::Cookie(cookie) = api.session(&user).await else { panic!("a cookie") };
    let both = Request::get(SESSION)
        .header("cookie", format!("eyrie_session={cookie}"))
        .header("authorization", "Bearer garbage")
        .body(Body::empty())
        .unwrap();
    assert_eq!(api.send(both).await.status, 401);
    let basic = Request::get(SESSION).header("authorization", "Basic YTpi").body(Body::empty()).unwrap();
    assert_eq!(api.send(basic).await.status, 401);
}

#[tokio::test]
async fn another_site_cannot_act_with_a_session() {
    let api = Api::start().await;
    let session = api.server_admin().await;
    let attempt = async |name: &str, headers: &[(&str, &str)]| {
        let body = json!({ "name": name });
        let mut request = request("POST", "/api/v1/workspaces", &session, Some(&body));
        for (name, value) in headers {
            request.headers_mut().insert(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        api.send(request).await
    };
    for headers in [
        &[("origin", "https://evil.test")][..],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://eyrie.test:8080")],
    ] {
        let reply = attempt("evil", headers).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["type"]),
            (403, &json!("/problems/cross-site")),
            "{headers:?}"
        );
    }
    let form = attempt("evil", &[("content-type", "text/plain")]).await;
    assert_eq!(form.status, 415);
    let own = attempt("own", &[("origin", "http://eyrie.test:8080"), ("sec-fetch-site", "same-origin")]).await;
    assert_eq!(own.status, 201);
    assert_eq!(attempt("program", &[]).await.status, 201);
    // and cannot log a browser in
    let body = json!({"name": "x", "password": "y"});
    let mut login = request("POST", SESSION, &Who::Nobody, Some(&body));
    login.headers_mut().insert("origin", "https://evil.test".parse().unwrap());
    assert_eq!(api.send(login).await.status, 403);
}

#[tokio::test]
async fn a_token_is_shown_once_and_can_be_revoked() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let admin = api.token(&workspace, Role::Admin).await;
    let path = "/api/v1/workspaces/alpha/tokens";
    let made = api.post(&admin, path, json!({"role": "viewer", "name": "grafana"})).await;
    assert_eq!(made.status, 201);
    let (id, token) =
        (made.json()["id"].as_str().unwrap().to_owned(), made.json()["token"].as_str().unwrap().to_owned());
    let viewer = Who::Token(token.clone());
    let session = api.get(&viewer, SESSION).await.json();
    assert_eq!((&session["user"], &session["role"]), (&Value::Null, &json!("viewer")));

    let list = api.get(&admin, path).await;
    assert!(!list.text().contains(&token));
    let items = list.json()["items"].as_array().unwrap().clone();
    let item = items.iter().find(|item| item["id"] == json!(id)).expect("the token");
    assert_eq!((&item["name"], &item["revoked_at"]), (&json!("grafana"), &Value::Null));
    assert_eq!(api.call(&admin, "DELETE", &format!("{path}/{id}")).await.status, 204);
    assert_eq!(api.get(&viewer, SESSION).await.status, 401);
    assert_eq!(api.call(&admin, "DELETE", &format!("{path}/{id}")).await.status, 404);
    for bad in [json!({"role": "emperor"}), json!({}), json!({"role": "viewer", "expires_at": "2001-01-01T00:00:00Z"})]
    {
        assert_eq!(api.post(&admin, path, bad).await.status, 400);
    }
}

#[tokio::test]
async fn an_s3_key_is_shown_once_and_can_be_revoked() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let admin = api.token(&workspace, Role::Admin).await;
    let path = "/api/v1/workspaces/alpha/s3-keys";
    let made = api.post(&admin, path, json!({"access": "write"})).await.json();
    assert_eq!((&made["endpoint"], &made["bucket"]), (&json!("http://eyrie.test:9000"), &json!(workspace.bucket)));
    let (id, secret) = (made["access_key_id"].as_str().unwrap(), made["secret_access_key"].as_str().unwrap());
    let list = api.get(&admin, path).await;
    assert!(!list.text().contains(secret));
    assert_eq!(list.json()["items"][0]["access"], "write");
    assert_eq!(api.call(&admin, "DELETE", &format!("{path}/{id}")).await.status, 204);
    assert!(api.app.catalogue.s3_key(id).await.unwrap().is_none());
}

#[tokio::test]
async fn users_are_made_and_deleted_by_their_administrator() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let admin = api.token(&workspace, Role::Admin).await;
    let path = "/api/v1/workspaces/alpha/users";
    let made = api.post(&admin, path, json!({"name": "ada", "role": "operator"})).await.json();
    let password = made["password"].as_str().expect("a password");
    let session = Who::Cookie(login(&api, "ada", password).await.cookie());
    assert_eq!(api.get(&session, SESSION).await.status, 200);
    let chosen = api.post(&admin, path, json!({"name": "bob", "role": "viewer", "password": PASSWORD})).await;
    assert_eq!((chosen.status.as_u16(), &chosen.json()["password"]), (201, &Value::Null));
    assert_eq!(api.post(&admin, path, json!({"name": "bob", "role": "viewer"})).await.status, 409);
    assert_eq!(api.post(&admin, path, json!({"name": "c", "role": "viewer", "password": "short"})).await.status, 400);
    let list = api.get(&admin, path).await;
    assert!(!list.text().contains("argon2"));
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 2);
    let gone = api.call(&admin, "DELETE", &format!("{path}/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(gone.status, 204);
    assert_eq!(api.get(&session, SESSION).await.status, 401);
    // an administrator of the server is no user of this workspace
    let root = api.user(None, Role::Admin).await;
    assert_eq!(api.call(&admin, "DELETE", &format!("{path}/{}", root.id)).await.status, 404);
}

#[tokio::test]
async fn everybody_lists_the_workspaces_they_see() {
    let api = Api::start().await;
    let (alpha, _) = (api.workspace("alpha").await, api.workspace("beta").await);
    let names = |list: Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let viewer = api.token(&alpha, Role::Viewer).await;
    assert_eq!(names(api.get(&viewer, "/api/v1/workspaces").await.json()), ["alpha"]);
    let root = api.server_admin().await;
    assert_eq!(names(api.get(&root, "/api/v1/workspaces").await.json()), ["alpha", "beta"]);
    let made = api.post(&root, "/api/v1/workspaces", json!({"name": "gamma"})).await;
    assert_eq!((made.status.as_u16(), &made.json()["bucket"]), (201, &json!("gamma")));
    assert_eq!(api.post(&root, "/api/v1/workspaces", json!({"name": "gamma"})).await.status, 409);
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_a_new_role_holds_at_once() {
    let api = Api::start().await;
    let workspace = api.workspace("alpha").await;
    let admin = api.user(Some(&workspace), Role::Admin).await;
    let (root, user) = (api.session(&admin).await, api.user(Some(&workspace), Role::Viewer).await);
    let session = api.session(&user).await;
    let users = "/api/v1/workspaces/alpha/users";
    let patch =
        async |id: Uuid, body: Value| api.send(request("PATCH", &format!("{users}/{id}"), &root, Some(&body))).await;
    let login = async |password: &str| {
        api.post(&Who::Nobody, "/api/v1/session", json!({"name": user.name, "password": password})).await
    };

    assert_eq!(api.get(&session, users).await.status, 403);
    let promoted = patch(user.id, json!({"role": "admin"})).await;
    assert_eq!((promoted.status.as_u16(), &promoted.json()["role"]), (200, &json!("admin")));
    assert_eq!(api.get(&session, users).await.status, 200);

    assert_eq!(patch(user.id, json!({"disabled": true})).await.json()["disabled"], true);
    assert_eq!(api.get(&session, users).await.status, 401);
    let refused = login(PASSWORD).await;
    assert_eq!(refused.status, 401);
    assert!(refused.json()["detail"].as_str().unwrap().contains("disabled"));
    assert!(!login("wrong").await.text().contains("disabled"), "only who knows the password is told");
    assert_eq!(patch(user.id, json!({"disabled": false})).await.json()["role"], "admin");
    assert_eq!(api.get(&session, users).await.status, 401, "the old session does not come back");
    assert_eq!(login(PASSWORD).await.status, 200);

    let new = api.call(&root, "POST", &format!("{users}/{}/password", user.id)).await.json();
    assert_eq!(login(PASSWORD).await.status, 401);
    assert_eq!(login(new["password"].as_str().unwrap()).await.status, 200);

    assert_eq!(patch(admin.id, json!({"disabled": true})).await.status, 409, "nobody locks themselves out");
    let audit = api.get(&root, "/api/v1/workspaces/alpha/audit?limit=100").await.json();
    let actions: Vec<_> =
        audit["items"].as_array().unwrap().iter().filter_map(|entry| entry["action"].as_str()).collect();
    for action in ["user.role", "user.disable", "user.enable", "user.password"] {
        assert!(actions.contains(&action), "{action}");
    }
}

#[tokio::test]
async fn the_last_administrator_of_the_server_cannot_be_disabled() {
    let api = Api::start().await;
    let (one, two) = (api.user(None, Role::Admin).await, api.user(None, Role::Admin).await);
    let admin = api.app.admin("test");
    admin.change_user(&one.name, None, Some(true)).await.expect("another is left");
    assert!(admin.change_user(&two.name, None, Some(true)).await.is_err());
    assert!(admin.remove_user(&two.name).await.is_err(), "a disabled one does not count");
    assert!(admin.change_user(&two.name, Some(Role::Viewer), None).await.is_err());
}

#[tokio::test]
async fn settings_are_shown_without_their_secrets() {
    let mut config = eyrie::config::Config::default();
    config.cloud_api.app_key = eyrie::config::Secret("a-key-nobody-sees".into());
    config.http.max_failed_logins = 7;
    config.origins.insert("http.max_failed_logins", eyrie::config::Origin::Environment("EYRIE_X".into()));
    let api = Api::start_with(config).await;
    let reply = api.get(&api.server_admin().await, "/api/v1/settings").await;
    assert!(!reply.text().contains("a-key-nobody-sees"));
    let body = reply.json();
    assert_eq!(body["addresses"]["pilot"], "http://eyrie.test:8080/pilot");
    let row = |key: &str| body["settings"].as_array().unwrap().iter().find(|row| row["key"] == key).cloned().unwrap();
    assert_eq!(row("cloud_api.app_key")["value"], "(set)");
    assert_eq!(
        (&row("http.max_failed_logins")["value"], &row("http.max_failed_logins")["origin"]),
        (&json!("7"), &json!("EYRIE_X"))
    );
    assert_eq!(row("http.listen")["origin"], "default");
    assert_eq!(row("oidc.client_secret")["value"], "");
}
