//! TCP, WebSocket, TLS and WebSocket over TLS on the one public port.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use eyrie_mqtt::{Broker, Link};
use futures::{SinkExt, StreamExt};
use rumqttc::v5;
use rumqttc::v5::mqttbytes::QoS;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::common::*;

/// A certificate of its own for 127.0.0.1 and localhost: chain and key.
fn certificate(name: &str) -> (PathBuf, PathBuf) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (chain, key) = (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&chain)
        .output()
        .expect("openssl runs: install it, on Debian with `apt-get install openssl`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (chain, key)
}

/// MQTT 3.1.1 in binary frames: CONNECT as dock A, PINGREQ split over two frames.
pub(crate) async fn talk_websocket<S: AsyncRead + AsyncWrite + Unpin>(stream: S, url: &str) {
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", "mqttv3.1, mqtt".parse().unwrap());
    let (mut socket, response) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "mqttv3.1");
    let connect = b"\x10\x17\0\x04MQTT\x04\xc2\0\x3c\0\x02ws\0\x01A\0\x04pw-A";
    let (first, second) = connect.split_at(7);
    socket.send(Message::Binary(first.to_vec().into())).await.unwrap();
    socket.send(Message::Binary([second, &b"\xc0"[..]].concat().into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_data()[..], [0x20, 2, 0, 0]);
    socket.send(Message::Binary(vec![0].into())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_data()[..], [0xd0, 0]);
    // Text is not MQTT.
    socket.send(Message::Text("hello".into())).await.unwrap();
    match socket.next().await {
        None | Some(Ok(Message::Close(_)) | Err(_)) => {}
        Some(Ok(other)) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn websocket_and_tcp_share_the_port() {
    let broker = broker().await;
    let stream = TcpStream::connect(broker.addr()).await.unwrap();
    talk_websocket(stream, &format!("ws://{}/mqtt", broker.addr())).await;
    let (_client, mut events) = v5::AsyncClient::new(dock5(broker.addr(), "tcp", "A"), 10);
    poll5(&mut events, connack5).await.unwrap();
    broker.stop().await;
}

#[tokio::test]
async fn a_websocket_without_the_subprotocol_is_refused() {
    let broker = broker().await;
    for offered in [None, Some("chat")] {
        let mut request = format!("ws://{}/", broker.addr()).into_client_request().unwrap();
        if let Some(offered) = offered {
            request.headers_mut().insert("Sec-WebSocket-Protocol", offered.parse().unwrap());
        }
        let stream = TcpStream::connect(broker.addr()).await.unwrap();
        match tokio_tungstenite::client_async(request, stream).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 400),
            other => panic!("{other:?}"),
        }
    }
    broker.stop().await;
}

#[tokio::test]
async fn tls_speaks_mqtt_and_websocket_and_nothing_plain() {
    let (chain, key) = certificate("tls_speaks");
    let mut config = config(any_port());
    config.tls = Some((chain.clone(), key));
    let broker = Broker::start(config, Arc::new(Docks)).await.unwrap();

    let ca = chain.to_str().unwrap();
    let publish = ["-u", "A", "-P", "pw-A", "-q", "1", "-t", "thing/product/A/events", "-m", "over TLS"];
    let (_link, mut inbox) = link(&broker, &["#"]).await;
    for version in ["mqttv311", "mqttv5"] {
        let arguments = [&publish[..], &["-V", version, "--cafile", ca]].concat();
        let output = mosquitto("mosquitto_pub", broker.addr(), &arguments).await;
        assert!(output.status.success(), "{}", text(&output));
        let message = next(&mut inbox).await;
        assert_eq!(&message.payload[..], b"over TLS");
        message.ack();
    }
    let output = mosquitto("mosquitto_pub", broker.addr(), &publish).await;
    assert!(!output.status.success(), "plain MQTT on the TLS port");

    let mut roots = rustls::RootCertStore::empty();
    use rustls::pki_types::pem::PemObject;
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(&chain).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(broker.addr()).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    talk_websocket(stream, &format!("wss://{}/mqtt", broker.addr())).await;
    broker.stop().await;
}

#[tokio::test]
async fn the_link_verifies_the_certificate() {
    let (chain, key) = certificate("link_verifies");
    let mut config = config(any_port());
    config.tls = Some((chain.clone(), key));
    let broker = Broker::start(config, Arc::new(Docks)).await.unwrap();

    let mut outside = link_config(broker.addr(), &["thing/product/A/services"]);
    (outside.tls, outside.username, outside.password) = (true, "A".to_owned(), "pw-A".to_owned());
    let (untrusting, _inbox) = Link::connect(outside.clone()).unwrap();
    outside.ca_file = Some(chain);
    let (link, mut inbox) = Link::connect(outside.clone()).unwrap();
    ready(&link).await;
    link.publish("thing/product/A/services", b"to myself".to_vec()).await.unwrap();
    assert_eq!(&next(&mut inbox).await.payload[..], b"to myself");
    assert!(!*untrusting.ready().borrow());

    outside.ca_file = Some(PathBuf::from("no-such-file.pem"));
    assert!(Link::connect(outside).is_err());
    broker.stop().await;
}

#[tokio::test]
async fn a_broken_certificate_is_told_at_start() {
    let mut config = config(any_port());
    config.tls = Some((PathBuf::from("no-such.crt"), PathBuf::from("no-such.key")));
    let error = Broker::start(config, Arc::new(Docks)).await.err().expect("it does not start").to_string();
    assert!(error.contains("no-such.crt"), "{error}");
}

#[tokio::test]
async fn a_large_message_passes_and_a_larger_one_does_not() {
    let broker = broker().await;
    let (link, mut inbox) = link(&broker, &["#"]).await;
    let mut options = dock5(broker.addr(), "c", "A");
    options.set_max_packet_size(Some(1 << 20));
    let (client, mut events) = v5::AsyncClient::new(options, 10);
    let large = vec![7; 250 * 1024];
    client.publish("thing/product/A/events", QoS::AtLeastOnce, false, large.clone()).await.unwrap();
    poll5(&mut events, puback5).await.unwrap();
    let message = next(&mut inbox).await;
    assert!(message.payload == large);
    message.ack();
    let error = link.publish("thing/product/A/services", vec![7; 256 * 1024]).await;
    assert!(matches!(error, Err(eyrie_mqtt::LinkError::TooLarge { .. })), "{error:?}");
    broker.stop().await;
}
