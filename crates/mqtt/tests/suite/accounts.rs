//! Who may connect, and by which door.

use std::sync::Arc;
use std::time::{Duration, Instant};

use eyrie_mqtt::{Broker, Link};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::ConnectReturnCode;
use rumqttc::{ConnectReturnCode as Code3, ConnectionError as Error3, v5};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::*;

async fn code3(options: rumqttc::MqttOptions) -> Code3 {
    let (_client, mut events) = rumqttc::AsyncClient::new(options, 10);
    match poll3(&mut events, connack3).await {
        Ok(connack) => connack.code,
        Err(Error3::ConnectionRefused(code)) => code,
        Err(error) => panic!("{error}"),
    }
}

async fn code5(options: v5::MqttOptions) -> ConnectReturnCode {
    let (_client, mut events) = v5::AsyncClient::new(options, 10);
    match poll5(&mut events, connack5).await {
        Ok(connack) => connack.code,
        Err(v5::ConnectionError::ConnectionRefused(code)) => code,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_refusal_becomes_the_code_of_the_version() {
    let broker = broker().await;
    let addr = broker.addr();
    assert_eq!(code3(dock3(addr, "c", "A")).await, Code3::Success);
    assert_eq!(code5(dock5(addr, "c", "A")).await, ConnectReturnCode::Success);
    let mut wrong = dock3(addr, "c", "A");
    wrong.set_credentials("A", "guess");
    assert_eq!(code3(wrong).await, Code3::BadUserNamePassword);
    let mut wrong = dock5(addr, "c", "A");
    wrong.set_credentials("A", "guess");
    assert_eq!(code5(wrong).await, ConnectReturnCode::BadUserNamePassword);
    assert_eq!(code3(dock3(addr, "c", "disabled")).await, Code3::NotAuthorized);
    assert_eq!(code5(dock5(addr, "c", "disabled")).await, ConnectReturnCode::NotAuthorized);
    assert_eq!(code3(dock3(addr, "c", "down")).await, Code3::ServiceUnavailable);
    assert_eq!(code5(dock5(addr, "c", "down")).await, ConnectReturnCode::ServerUnavailable);
    broker.stop().await;
}

#[tokio::test]
async fn anonymous_is_refused() {
    let broker = broker().await;
    let (host, port) = (broker.addr().ip().to_string(), broker.addr().port());
    assert_eq!(code3(rumqttc::MqttOptions::new("c", host.clone(), port)).await, Code3::NotAuthorized);
    assert_eq!(code5(v5::MqttOptions::new("c", host, port)).await, ConnectReturnCode::NotAuthorized);
    let output = mosquitto("mosquitto_pub", broker.addr(), &["-t", "thing/product/A/events", "-m", "x"]).await;
    assert!(!output.status.success());
    broker.stop().await;
}

#[tokio::test]
async fn each_door_takes_its_own_credentials_only() {
    let broker = broker().await;
    let mut service_outside = dock5(broker.addr(), "eyrie", SERVICE.0);
    service_outside.set_credentials(SERVICE.0, SERVICE.1);
    assert_eq!(code5(service_outside).await, ConnectReturnCode::BadUserNamePassword);
    assert_eq!(code5(dock5(broker.internal_addr(), "c", "A")).await, ConnectReturnCode::BadUserNamePassword);
    let mut wrong = dock5(broker.internal_addr(), "eyrie", SERVICE.0);
    wrong.set_credentials(SERVICE.0, "guess");
    assert_eq!(code5(wrong).await, ConnectReturnCode::BadUserNamePassword);
    let host = broker.internal_addr().ip().to_string();
    let nobody = v5::MqttOptions::new("c", host, broker.internal_addr().port());
    assert_ne!(code5(nobody).await, ConnectReturnCode::Success);
    broker.stop().await;
}

#[tokio::test]
async fn a_slow_gate_holds_up_nobody_else() {
    let broker = broker().await;
    let mut waiting = Vec::new();
    for n in 0..20 {
        let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), &format!("c{n}"), "slow"), 10);
        waiting.push(tokio::spawn(async move {
            let _client = client;
            let _ = events.poll().await;
        }));
    }
    let begin = Instant::now();
    assert_eq!(code5(dock5(broker.addr(), "c", "A")).await, ConnectReturnCode::Success);
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    broker.stop().await;
    waiting.iter().for_each(|task| task.abort());
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let broker = broker().await;
    for opening in [&b""[..], b"\x10", b"\x10\x20\x00\x04MQ", b"GET / HTTP/1.1\r\n", b"hello world, is this MQTT?"] {
        let mut socket = TcpStream::connect(broker.addr()).await.unwrap();
        socket.write_all(opening).await.unwrap();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(6), socket.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "{opening:?} is still connected");
    }
    assert_eq!(broker.connections(), 0);
    broker.stop().await;
}

#[tokio::test]
async fn who_asks_for_no_keep_alive_is_not_silent_for_ever() {
    let mut config = config(any_port());
    config.limits.max_keepalive_s = 1;
    let broker = Broker::start(config, Arc::new(Docks)).await.unwrap();
    // CONNECT of 3.1.1 and of 5, keep-alive 0, user A; the answer of 5 names the limit (property 0x13)
    for (level, properties, told) in [(4u8, &b""[..], false), (5, b"\0", true)] {
        let fields = b"\0\x04idle\0\x01A\0\x04pw-A";
        let body = [&b"\0\x04MQTT"[..], &[level, 0xc2, 0, 0], properties, fields].concat();
        let mut socket = TcpStream::connect(broker.addr()).await.unwrap();
        socket.write_all(&[&[0x10, body.len() as u8], &body[..]].concat()).await.unwrap();
        let mut answers = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(15), socket.read_to_end(&mut answers)).await;
        assert!(end.is_ok(), "level {level}: still connected");
        assert_eq!((answers[0], answers[3]), (0x20, 0), "level {level}: it was let in: {answers:?}");
        assert_eq!(answers.windows(3).any(|bytes| bytes == [0x13, 0, 1]), told, "level {level}: {answers:?}");
    }
    broker.stop().await;
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let mut config = config(any_port());
    config.limits.max_connections = 3;
    let broker = Broker::start(config, Arc::new(Docks)).await.unwrap();
    let mut docks = Vec::new();
    for n in 0..3 {
        let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), &format!("c{n}"), "A"), 10);
        poll5(&mut events, connack5).await.unwrap();
        docks.push((client, events));
    }
    assert_eq!(broker.connections(), 3);
    let (_client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "one too many", "A"), 10);
    assert!(poll5(&mut events, connack5).await.is_err());
    docks.pop();
    until("there is room again", async || broker.connections() == 2).await;
    assert_eq!(code5(dock5(broker.addr(), "now", "A")).await, ConnectReturnCode::Success);
    broker.stop().await;
}

#[tokio::test]
async fn a_disconnected_account_must_authenticate_again() {
    let broker = broker().await;
    let (client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "c", "A"), 10);
    client.subscribe("thing/product/A/#", QoS::AtLeastOnce).await.unwrap();
    poll5(&mut events, suback5).await.unwrap();
    let (_other, mut others) = v5::AsyncClient::new(dock5(broker.addr(), "c", "B"), 10);
    poll5(&mut others, connack5).await.unwrap();
    assert_eq!(broker.connections(), 2);

    broker.disconnect("A").await;
    assert!(poll5(&mut events, |_| None::<()>).await.is_err());
    until("only B is left", async || broker.connections() == 1).await;
    let connack = poll5(&mut events, connack5).await.unwrap();
    assert!(!connack.session_present);
    broker.stop().await;
}

#[tokio::test]
async fn several_brokers_live_in_one_process_and_stop_in_time() {
    let brokers = [broker().await, broker().await];
    let (first, mut of_first) = link(&brokers[0], &["thing/#"]).await;
    let (_second, mut of_second) = link(&brokers[1], &["thing/#"]).await;
    first.publish("thing/product/A/services", b"one".to_vec()).await.unwrap();
    assert_eq!(&next(&mut of_first).await.payload[..], b"one");
    silent(&mut of_second).await;
    for broker in &brokers {
        let begin = Instant::now();
        broker.stop().await;
        assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        assert!(TcpStream::connect(broker.addr()).await.is_err());
    }
}

#[tokio::test]
async fn a_link_with_wrong_credentials_is_never_ready() {
    let broker = broker().await;
    let mut config = link_config(broker.internal_addr(), &["#"]);
    config.password = "guess".to_owned();
    let (link, _inbox) = Link::connect(config).unwrap();
    let ready =
        tokio::time::timeout(Duration::from_millis(600), async { link.ready().wait_for(|ready| *ready).await.is_ok() });
    assert!(ready.await.is_err());
    broker.stop().await;
}
