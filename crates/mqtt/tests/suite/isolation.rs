//! A Client Identifier belongs to its account: nobody ends, takes over or reads another's session by naming it.

use rumqttc::v5;
use rumqttc::v5::mqttbytes::QoS;

use crate::common::*;

#[tokio::test]
async fn the_same_client_id_of_two_docks_is_two_sessions() {
    let broker = broker().await;
    let (link, _inbox) = link(&broker, &[]).await;
    // A has a session with a subscription, and leaves.
    let mut options = dock5(broker.addr(), "dock", "A");
    options.set_clean_start(false).set_session_expiry_interval(Some(600));
    {
        let (client, mut events) = v5::AsyncClient::new(options.clone(), 10);
        client.subscribe("thing/product/A/#", QoS::AtLeastOnce).await.unwrap();
        poll5(&mut events, suback5).await.unwrap();
    }
    until("A is gone", async || broker.connections() == 0).await;
    link.publish("thing/product/A/services", b"for A only".to_vec()).await.unwrap();

    // B comes with A's Client Identifier, both ways.
    for clean in [false, true] {
        let mut foreign = dock5(broker.addr(), "dock", "B");
        foreign.set_clean_start(clean).set_session_expiry_interval(Some(600));
        let (_client, mut events) = v5::AsyncClient::new(foreign, 10);
        assert!(!poll5(&mut events, connack5).await.unwrap().session_present);
    }
    let arguments =
        ["-i", "dock", "-u", "B", "-P", "pw-B", "-c", "-t", "thing/product/B/x", "-q", "1", "-C", "1", "-W", "1"];
    assert!(!text(&mosquitto("mosquitto_sub", broker.addr(), &arguments).await).contains("for A only"));
    // Nor by spelling out what the session is called inside.
    for guess in ["1/A/dock", "/A/dock"] {
        let mut foreign = dock5(broker.addr(), guess, "B");
        foreign.set_clean_start(false).set_session_expiry_interval(Some(600));
        let (_client, mut events) = v5::AsyncClient::new(foreign, 10);
        assert!(!poll5(&mut events, connack5).await.unwrap().session_present);
    }

    // A finds everything as it left it.
    let (_client, mut events) = v5::AsyncClient::new(options, 10);
    assert!(poll5(&mut events, connack5).await.unwrap().session_present);
    assert_eq!(&poll5(&mut events, publish5).await.unwrap().payload[..], b"for A only");
    broker.stop().await;
}

#[tokio::test]
async fn nobody_is_kicked_off_by_another_account() {
    let broker = broker().await;
    let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "dock", "A"), 10);
    poll5(&mut events, connack5).await.unwrap();
    for version in ["mqttv311", "mqttv5"] {
        let arguments = ["-V", version, "-i", "dock", "-u", "B", "-P", "pw-B", "-t", "thing/product/B/x", "-m", "x"];
        assert!(mosquitto("mosquitto_pub", broker.addr(), &arguments).await.status.success());
    }
    client.publish("thing/product/A/events", QoS::AtLeastOnce, false, "still here").await.unwrap();
    poll5(&mut events, puback5).await.expect("the first connection was never lost");
    broker.stop().await;
}

#[tokio::test]
async fn a_dock_that_comes_back_at_once_takes_its_session_over() {
    let broker = broker().await;
    let mut previous = None;
    for round in 0..30 {
        let mut options = dock5(broker.addr(), "dock", "A");
        options.set_clean_start(round % 2 == 0);
        let (client, mut events) = v5::AsyncClient::new(options, 10);
        poll5(&mut events, connack5).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        // The old connection is not closed by us: the broker must.
        previous = Some((client, events));
    }
    until("one is left", async || broker.connections() == 1).await;
    // And ten at the same time: each gets in, the last stays.
    let all = (0..10).map(|_| async {
        let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "dock", "A"), 10);
        poll5(&mut events, connack5).await.map(|_| (client, events))
    });
    let all = futures::future::join_all(all).await;
    assert!(all.iter().all(Result::is_ok), "{:?}", all.iter().filter_map(|one| one.as_ref().err()).collect::<Vec<_>>());
    until("one is left", async || broker.connections() == 1).await;
    drop(previous);
    broker.stop().await;
}

#[tokio::test]
async fn an_account_has_so_many_sessions() {
    let broker = broker().await;
    let connect = async |n: u32, username: &str| {
        let mut options = dock5(broker.addr(), &format!("c{n}"), username);
        options.set_clean_start(false).set_session_expiry_interval(Some(600));
        let (client, mut events) = v5::AsyncClient::new(options, 10);
        poll5(&mut events, connack5).await.map(|connack| (connack.session_present, client, events))
    };
    // One that stays, and more than there is room for: the oldest one offline makes room, never the one online.
    let (_, _client, mut first) = connect(0, "A").await.unwrap();
    for n in 1..40 {
        let (present, ..) = connect(n, "A").await.unwrap();
        assert!(!present);
        until("it left", async || broker.connections() == 1).await;
    }
    assert!(connect(39, "A").await.unwrap().0);
    assert!(!connect(1, "A").await.unwrap().0);
    first.state.events.clear();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(100), first.poll()).await.is_err(), "still there");

    // All of them online: no room for one more, but for another account.
    let mut online = Vec::new();
    for n in 100..131 {
        online.push(connect(n, "A").await.unwrap());
    }
    let Err(v5::ConnectionError::ConnectionRefused(code)) = connect(200, "A").await else { panic!("it got in") };
    assert_eq!(code, v5::mqttbytes::v5::ConnectReturnCode::QuotaExceeded);
    connect(0, "B").await.expect("another account has its own");
    broker.disconnect("A").await;
    assert!(!connect(100, "A").await.expect("there is room").0);
    broker.stop().await;
}

#[tokio::test]
async fn a_session_taken_over_is_told() {
    let broker = broker().await;
    let (_client, mut first) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 10);
    poll5(&mut first, connack5).await.unwrap();
    let (_client, mut second) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 10);
    poll5(&mut second, connack5).await.unwrap();
    let error = poll5(&mut first, |_| None::<()>).await.unwrap_err();
    assert!(error.to_string().contains("SessionTakenOver"), "{error}");
    broker.disconnect("A").await;
    let error = poll5(&mut second, |_| None::<()>).await.unwrap_err();
    assert!(error.to_string().contains("AdministrativeAction"), "{error}");
    broker.stop().await;
}

#[tokio::test]
async fn an_empty_client_id_is_assigned_and_told() {
    let broker = broker().await;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(broker.addr()).await.unwrap();
    // CONNECT of MQTT 5: clean start, no properties, empty Client Identifier, user A.
    socket.write_all(b"\x10\x16\0\x04MQTT\x05\xc2\0\x3c\0\0\0\0\x01A\0\x04pw-A").await.unwrap();
    let mut connack = [0; 256];
    let read = socket.read(&mut connack).await.unwrap();
    let connack = &connack[..read];
    assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:?}");
    let assigned = connack.windows(3).position(|bytes| bytes == [0x12, 0, 32]).expect("the property is there");
    let assigned = std::str::from_utf8(&connack[assigned + 3..assigned + 35]).unwrap();
    assert!(assigned.bytes().all(|byte| byte.is_ascii_hexdigit()), "{assigned}: nothing of how it is called inside");
    broker.stop().await;
}
