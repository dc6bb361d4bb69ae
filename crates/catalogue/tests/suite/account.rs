//! Users, sessions, tokens, keys, controllers.

use std::time::Duration;

use eyrie_catalogue::{CatalogueError, NewToken, Role, S3Key, Session, User};
use uuid::Uuid;

use crate::common::{Fixture, at, id, workspace};

fn user(name: &str, workspace_id: Option<Uuid>) -> User {
    User {
        id: id(),
        name: name.into(),
        password_hash: "hash".into(),
        workspace_id,
        role: Role::Operator,
        disabled: false,
        created_at: at(0),
    }
}

fn token(workspace_id: Uuid, hash: u8) -> NewToken {
    NewToken {
        id: id(),
        workspace_id,
        role: Role::Viewer,
        name: None,
        token_hash: [hash; 32],
        created_at: at(0),
        expires_at: Some(at(1_000)),
    }
}

#[tokio::test]
async fn a_disabled_user_has_no_session() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let one = user("one", Some(fixture.workspace_id));
    catalogue.add_user(&one).await.expect("new");
    let session = |hash: u8| Session { token_hash: [hash; 32], user_id: one.id, created_at: at(0), expires_at: at(60) };
    catalogue.add_session(&session(1)).await.expect("new");
    catalogue.set_user_rights(one.id, Role::Viewer, false).await.expect("changed");
    assert_eq!(catalogue.session_login(&[1; 32], at(1)).await.expect("read").expect("valid").role, Role::Viewer);
    catalogue.set_user_rights(one.id, Role::Viewer, true).await.expect("changed");
    assert!(catalogue.session_login(&[1; 32], at(1)).await.expect("read").is_none());
    // one that was made meanwhile
    catalogue.add_session(&session(2)).await.expect("new");
    assert!(catalogue.session_login(&[2; 32], at(1)).await.expect("read").is_none());
    catalogue.set_user_rights(one.id, Role::Viewer, false).await.expect("changed");
    assert!(
        catalogue.session_login(&[1; 32], at(1)).await.expect("read").is_none(),
        "an old session does not come back"
    );
    assert!(catalogue.set_user_rights(id(), Role::Viewer, true).await.is_err());
}

#[tokio::test]
async fn a_provider_names_a_user_by_issuer_and_subject() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let (one, two) = (user("one", Some(fixture.workspace_id)), user("two", Some(fixture.workspace_id)));
    catalogue.add_user(&two).await.expect("new");
    catalogue.add_user_with_identity(&one, "https://a", "1").await.expect("new");
    let found = async |issuer: &str, subject: &str| catalogue.user_by_identity(issuer, subject).await.expect("read");
    assert_eq!(found("https://a", "1").await.map(|user| user.id), Some(one.id));
    for (issuer, subject) in [("https://b", "1"), ("https://a", "2"), ("https://a", "one")] {
        assert!(found(issuer, subject).await.is_none(), "{issuer} {subject}");
    }
    // neither the name nor the identity is given twice, and nothing is left of the attempt
    let taken = catalogue.add_user_with_identity(&user("two", one.workspace_id), "https://a", "3").await;
    assert!(matches!(taken, Err(CatalogueError::Exists { what: "user", .. })));
    let taken = catalogue.add_user_with_identity(&user("three", one.workspace_id), "https://a", "1").await;
    assert!(matches!(taken, Err(CatalogueError::Exists { what: "identity", .. })));
    assert!(catalogue.user_by_name("three").await.expect("read").is_none());
    assert_eq!(catalogue.users_with_identity(fixture.workspace_id).await.expect("read"), [one.id].into());
    catalogue.remove_user(one.id).await.expect("removed");
    assert!(found("https://a", "1").await.is_none());
}

#[tokio::test]
async fn users_and_their_sessions() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let (admin, one) = (user("admin", None), user("one", Some(fixture.workspace_id)));
    catalogue.add_user(&admin).await.expect("new");
    catalogue.add_user(&one).await.expect("new");
    assert!(matches!(catalogue.add_user(&user("one", None)).await, Err(CatalogueError::Exists { what: "user", .. })));
    assert!(matches!(catalogue.add_user(&user("two", Some(Uuid::nil()))).await, Err(CatalogueError::NotFound { .. })));
    assert_eq!(catalogue.users(Some(fixture.workspace_id)).await.expect("read").len(), 1);
    assert_eq!(catalogue.users(None).await.expect("read").len(), 2);

    let session = |hash: u8| Session { token_hash: [hash; 32], user_id: one.id, created_at: at(0), expires_at: at(60) };
    catalogue.add_session(&session(1)).await.expect("new");
    catalogue.add_session(&session(2)).await.expect("new");
    let login = catalogue.session_login(&[1; 32], at(59)).await.expect("read").expect("valid");
    assert_eq!((login.actor.as_str(), login.user_id, login.workspace_id), ("user:one", Some(one.id), one.workspace_id));
    assert_eq!(login.role, Role::Operator);
    assert!(catalogue.session_login(&[1; 32], at(60)).await.expect("read").is_none());
    assert!(catalogue.session_login(&[9; 32], at(0)).await.expect("read").is_none());
    catalogue.end_session(&[1; 32]).await.expect("ended");
    assert!(catalogue.session_login(&[1; 32], at(1)).await.expect("read").is_none());

    catalogue.set_user_password(one.id, "new").await.expect("changed");
    assert!(catalogue.session_login(&[2; 32], at(1)).await.expect("read").is_none(), "a new password ends sessions");
    assert_eq!(catalogue.user_by_name("one").await.expect("read").expect("there").password_hash, "new");
    catalogue.add_session(&session(3)).await.expect("new");
    assert!(catalogue.remove_user(one.id).await.expect("removed"));
    assert!(!catalogue.remove_user(one.id).await.expect("removed"));
    assert!(catalogue.session_login(&[3; 32], at(1)).await.expect("read").is_none());
    assert!(matches!(catalogue.set_user_password(one.id, "x").await, Err(CatalogueError::NotFound { .. })));
}

#[tokio::test]
async fn failed_logins_are_counted_over_a_restart_and_forgotten_after_a_day() {
    let fixture = Fixture::new().await;
    for s in [0, 10, 20] {
        fixture.catalogue.add_failed_login("name:admin", at(s)).await.expect("noted");
    }
    fixture.catalogue.add_failed_login("ip:127.0.0.1", at(0)).await.expect("noted");
    let again = fixture.again().await;
    assert_eq!(again.failed_logins("name:admin", at(10)).await.expect("read"), 2);
    again.add_failed_login("name:admin", at(86_400 + 15)).await.expect("noted");
    assert_eq!(again.failed_logins("name:admin", at(0)).await.expect("read"), 2);
    again.clear_failed_logins("name:admin").await.expect("cleared");
    assert_eq!(again.failed_logins("name:admin", at(0)).await.expect("read"), 0);
}

#[tokio::test]
async fn a_token_ends_when_it_should_and_tells_its_last_use() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let (first, second) = (token(fixture.workspace_id, 1), token(fixture.workspace_id, 2));
    catalogue.add_token(&first).await.expect("new");
    catalogue.add_token(&second).await.expect("new");
    assert!(matches!(catalogue.add_token(&token(fixture.workspace_id, 1)).await, Err(CatalogueError::Exists { .. })));
    let login = catalogue.token_login(&[1; 32], at(100)).await.expect("read").expect("valid");
    assert_eq!(
        (login.actor, login.user_id, login.workspace_id),
        (format!("token:{}", first.id), None, Some(first.workspace_id))
    );
    assert!(catalogue.token_login(&[1; 32], at(1_000)).await.expect("read").is_none(), "expired");

    let last_used = async || catalogue.tokens(fixture.workspace_id).await.expect("read")[0].last_used_at;
    for _ in 0..1_000 {
        if last_used().await.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(last_used().await, Some(at(100)));
    let counter = catalogue.change_counter().await.expect("read");
    for s in 101..160 {
        catalogue.token_login(&[1; 32], at(s)).await.expect("read").expect("valid");
    }
    assert_eq!(catalogue.change_counter().await.expect("read"), counter, "at most one write a minute");

    let other = workspace("other");
    catalogue.add_workspace(&other).await.expect("new");
    assert!(!catalogue.revoke_token(other.id, second.id, at(5)).await.expect("read"), "another workspace's");
    assert!(catalogue.revoke_token(fixture.workspace_id, second.id, at(5)).await.expect("revoked"));
    assert!(!catalogue.revoke_token(fixture.workspace_id, second.id, at(6)).await.expect("revoked"));
    assert!(catalogue.token_login(&[2; 32], at(7)).await.expect("read").is_none());
    assert_eq!(catalogue.tokens(fixture.workspace_id).await.expect("read")[1].revoked_at, Some(at(5)));
}

#[tokio::test]
async fn s3_keys() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let key = S3Key {
        access_key_id: "AK1".into(),
        workspace_id: fixture.workspace_id,
        bucket: "bucket-default".into(),
        write: true,
        created_at: at(0),
        revoked_at: None,
        last_used_at: None,
    };
    catalogue.add_s3_key(&key).await.expect("new");
    assert!(matches!(catalogue.add_s3_key(&key).await, Err(CatalogueError::Exists { .. })));
    assert!(catalogue.s3_key("AK1").await.expect("read").expect("there").write);
    assert!(catalogue.revoke_s3_key(fixture.workspace_id, "AK1", at(1)).await.expect("revoked"));
    assert!(catalogue.s3_key("AK1").await.expect("read").is_none());
    assert_eq!(catalogue.s3_keys(fixture.workspace_id).await.expect("read").len(), 1);
}
