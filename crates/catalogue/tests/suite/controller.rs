//! Controllers: accounts, logins, tokens, settings.

use eyrie_catalogue::{
    CatalogueError, ControllerSession, DockLive, MAX_TOKENS_A_SESSION, NewController, PilotSettings,
};
use uuid::Uuid;

use crate::common::{Fixture, at, id};

fn controller(fixture: &Fixture, sn: &str) -> NewController {
    NewController { sn: sn.into(), workspace_id: fixture.workspace_id, password_hash: "hash".into(), created_at: at(0) }
}

async fn log_in(fixture: &Fixture, sn: &str, token: u8) -> Uuid {
    let session = ControllerSession {
        id: id(),
        sn: sn.into(),
        workspace_id: fixture.workspace_id,
        actor: "user:anna".into(),
        created_at: at(0),
        expires_at: at(100),
        renewable_until: at(1_000),
    };
    fixture.catalogue.add_controller_session(&session, &[token; 32]).await.expect("a login");
    session.id
}

#[tokio::test]
async fn an_account_is_one_of_a_kind() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    catalogue.add_controller(&controller(&fixture, "RC1")).await.expect("new");
    let again = catalogue.add_controller(&controller(&fixture, "RC1")).await;
    assert!(matches!(again, Err(CatalogueError::Exists { .. })));
    let nowhere = NewController { workspace_id: id(), ..controller(&fixture, "RC2") };
    assert!(matches!(catalogue.add_controller(&nowhere).await, Err(CatalogueError::NotFound { .. })));
    assert!(catalogue.controller("RC2").await.expect("read").is_none());
    assert_eq!(catalogue.controllers(Some(fixture.workspace_id)).await.expect("read").len(), 1);
    assert!(catalogue.controllers(Some(id())).await.expect("read").is_empty());
    let live = DockLive { lat: Some(1.5), model_key: Some("2-119-0".into()), ..DockLive::default() };
    catalogue.save_live(&[("RC1".into(), live.clone())]).await.expect("saved");
    let partly = DockLive { last_seen_at: Some(at(5)), ..DockLive::default() };
    catalogue.save_live(&[("RC1".into(), partly)]).await.expect("saved");
    let known = catalogue.controller("RC1").await.expect("read").expect("there");
    assert_eq!(known.live, DockLive { last_seen_at: Some(at(5)), ..live });
}

#[tokio::test]
async fn a_token_ends_and_a_renewed_one_lives_beside_it() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    catalogue.add_controller(&controller(&fixture, "RC1")).await.expect("new");
    let session = log_in(&fixture, "RC1", 1).await;
    assert!(catalogue.renew_controller_session(session, &[2; 32], at(50), at(150)).await.expect("renewed"));
    for (token, second, good) in [(1, 99, true), (1, 100, false), (2, 149, true), (2, 150, false), (3, 10, false)] {
        let login = catalogue.controller_login(&[token; 32], at(second)).await.expect("read");
        assert_eq!(login.is_some(), good, "{token} at {second}");
    }
    let login = catalogue.controller_login(&[1; 32], at(60)).await.expect("read").expect("good");
    assert_eq!((login.session.id, login.session.sn.as_str()), (session, "RC1"));
    assert_eq!((login.token_expires_at, login.session.expires_at), (at(100), at(150)));
    assert!(catalogue.controller_session(session, at(149)).await.expect("read").is_some());
    assert!(catalogue.controller_session(session, at(150)).await.expect("read").is_none());
    let late = catalogue.renew_controller_session(session, &[4; 32], at(150), at(250)).await;
    assert!(matches!(late, Err(CatalogueError::NotFound { .. })), "a login that is over is not renewed");
}

#[tokio::test]
async fn one_login_has_a_bounded_number_of_tokens() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    catalogue.add_controller(&controller(&fixture, "RC1")).await.expect("new");
    let session = log_in(&fixture, "RC1", 0).await;
    for n in 1..MAX_TOKENS_A_SESSION {
        let token = [u8::try_from(n).expect("small"); 32];
        assert!(catalogue.renew_controller_session(session, &token, at(1), at(90)).await.expect("renewed"), "{n}");
    }
    assert!(!catalogue.renew_controller_session(session, &[200; 32], at(1), at(95)).await.expect("too many"));
    assert!(catalogue.controller_login(&[200; 32], at(2)).await.expect("read").is_none());
    assert!(catalogue.renew_controller_session(session, &[201; 32], at(91), at(200)).await.expect("the old are over"));
}

#[tokio::test]
async fn logins_end_with_the_password_the_account_and_by_hand() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    catalogue.add_controller(&controller(&fixture, "RC1")).await.expect("new");
    let good = async |token: u8| catalogue.controller_login(&[token; 32], at(1)).await.expect("read").is_some();
    let session = log_in(&fixture, "RC1", 1).await;
    log_in(&fixture, "RC1", 2).await;
    catalogue.end_controller_session(session).await.expect("ended");
    assert!(!good(1).await && good(2).await);
    catalogue.set_controller_password("RC1", "other").await.expect("changed");
    assert!(!good(2).await);
    log_in(&fixture, "RC1", 3).await;
    catalogue.set_controller_disabled("RC1", true).await.expect("disabled");
    assert!(!good(3).await);
    log_in(&fixture, "RC1", 4).await;
    assert!(!good(4).await, "a disabled controller has no login");
    let unknown = catalogue.set_controller_disabled("RC9", true).await;
    assert!(matches!(unknown, Err(CatalogueError::NotFound { .. })));
}

#[tokio::test]
async fn settings_are_the_defaults_until_somebody_sets_them() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let settings = catalogue.pilot_settings(fixture.workspace_id).await.expect("read");
    assert_eq!(
        settings,
        PilotSettings { auto_upload_photo: true, auto_upload_photo_type: 0, auto_upload_video: false }
    );
    for photo_type in [1, 0] {
        let wanted =
            PilotSettings { auto_upload_photo: false, auto_upload_photo_type: photo_type, auto_upload_video: true };
        catalogue.set_pilot_settings(fixture.workspace_id, wanted).await.expect("saved");
        assert_eq!(catalogue.pilot_settings(fixture.workspace_id).await.expect("read"), wanted);
    }
    let nowhere = catalogue.set_pilot_settings(id(), PilotSettings::default()).await;
    assert!(matches!(nowhere, Err(CatalogueError::NotFound { .. })));
}
