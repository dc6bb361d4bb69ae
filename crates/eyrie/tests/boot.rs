//! Start, stop, the data directory, and the listeners' limits.

#![allow(clippy::unwrap_used)] // helpers of tests

mod common;

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use common::{TestServer, free_ports};
use eyrie::boot::run_server;
use eyrie::config::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends `request` and reads to the end of the connection.
async fn exchange(addr: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn get(addr: std::net::SocketAddr, path: &str) -> String {
    exchange(addr, &format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_a_library_and_tells_the_password_once() {
    let began = Instant::now();
    let server = TestServer::start().await;
    assert!(began.elapsed() < Duration::from_secs(10), "a debug build on a busy machine takes {:?}", began.elapsed());
    let password = server.running.first_password.clone().expect("a password is made");
    let (catalogue, data) = (&server.running.app.catalogue, server.data());
    let workspace = catalogue.workspace("default").await.unwrap().expect("the first workspace");
    assert_eq!(workspace.bucket, "default");
    let admin = catalogue.user_by_name("admin").await.unwrap().expect("the administrator");
    assert!(eyrie::secret::verify_password(&admin.password_hash, password.as_bytes()));
    assert!(get(server.running.http_addr, "/readyz").await.starts_with("HTTP/1.1 200"));

    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in ["master.key", "marker.json", "server.json"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    let run: serde_json::Value = serde_json::from_slice(&std::fs::read(data.join("server.json")).unwrap()).unwrap();
    assert_eq!(run["http_url"], format!("http://{}", server.running.http_addr));
    assert_eq!(run["mqtt_url"], format!("mqtt://{}", server.running.mqtt_addr.unwrap()));
    assert_eq!(run["pid"], std::process::id());

    let folder = server.stop().await;
    let again = run_server(free_ports(&folder.path().join("data"))).await.unwrap();
    assert_eq!(again.first_password, None);
    assert_eq!(again.app.catalogue.workspaces().await.unwrap(), vec![workspace]);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chosen_password_is_not_told() {
    let server =
        TestServer::start_with(|config| config.admin_password = Some(Secret("chosen by a person".into()))).await;
    assert_eq!(server.running.first_password, None);
    let admin = server.running.app.catalogue.user_by_name("admin").await.unwrap().unwrap();
    assert!(eyrie::secret::verify_password(&admin.password_hash, b"chosen by a person"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_library_are_refused() {
    let server = TestServer::start().await;
    let error = run_server(free_ports(&server.data())).await.err().expect("the second one is refused");
    let text = format!("{error:#}");
    assert!(text.contains("another server") && text.contains(&std::process::id().to_string()), "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_with_a_part_missing_is_not_served() {
    let folder = TestServer::start().await.stop().await;
    let data = folder.path().join("data");
    for (part, expected) in [
        ("objects", "objects is missing"),
        ("eyrie.db", "eyrie.db is missing"),
        ("master.key", "master.key is missing"),
        ("marker.json", "marker.json is not"),
    ] {
        std::fs::rename(data.join(part), folder.path().join(part)).unwrap();
        let error = run_server(free_ports(&data)).await.err().expect("a part is missing");
        assert!(format!("{error:#}").contains(expected), "{error:#}");
        assert!(!data.join(part).exists(), "{part} was made anew");
        std::fs::rename(folder.path().join(part), data.join(part)).unwrap();
    }
    // an unmounted disk leaves an empty mount point
    std::fs::rename(data.join("objects"), folder.path().join("objects")).unwrap();
    std::fs::create_dir(data.join("objects")).unwrap();
    let error = run_server(free_ports(&data)).await.err().expect("the store is not mounted");
    assert!(format!("{error:#}").contains("marker is missing"), "{error:#}");
    std::fs::remove_dir(data.join("objects")).unwrap();
    std::fs::rename(folder.path().join("objects"), data.join("objects")).unwrap();
    run_server(free_ports(&data)).await.expect("whole again").stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_was_killed_is_begun_again() {
    let folder = TestServer::start().await.stop().await;
    let data = folder.path().join("data");
    std::fs::remove_file(data.join("marker.json")).unwrap();
    std::fs::write(data.join("starting"), b"").unwrap();
    let again = run_server(free_ports(&data)).await.unwrap();
    let password = again.first_password.clone().expect("nobody saw the first one");
    let admin = again.app.catalogue.user_by_name("admin").await.unwrap().unwrap();
    assert!(eyrie::secret::verify_password(&admin.password_hash, password.as_bytes()));
    assert!(data.join("marker.json").exists() && !data.join("starting").exists());
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut config = free_ports(&folder.path().join("data"));
    config.s3.listen = taken.local_addr().unwrap();
    let error = run_server(config).await.err().expect("the port is taken");
    let text = format!("{error:#}");
    assert!(text.contains("s3.listen") && text.contains(&taken.local_addr().unwrap().to_string()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_header_that_drips_in_is_cut_off() {
    let server = TestServer::start_with(|config| {
        config.http.limits.header_timeout = Duration::from_millis(600);
        config.s3.limits.header_timeout = Duration::from_millis(600);
    })
    .await;
    for addr in [server.running.http_addr, server.running.s3_addr] {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let began = Instant::now();
        let dripped = async {
            for byte in
                b"GET / HTTP/1.1\r\nHost: test\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                    .iter()
                    .cycle()
            {
                if stream.write_all(&[*byte]).await.is_err() {
                    return;
                }
                let mut answer = [0; 256];
                let read = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut answer)).await;
                if matches!(read, Ok(Ok(0) | Err(_))) {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), dripped).await.expect("the connection is cut");
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
    assert!(get(server.running.http_addr, "/healthz").await.starts_with("HTTP/1.1 200"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stands_still_is_cut_off() {
    let server = TestServer::start_with(|config| config.http.limits.idle_timeout = Duration::from_millis(500)).await;
    let request =
        "POST /api/v1/session HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let answer = tokio::time::timeout(Duration::from_secs(10), async {
        let mut stream = TcpStream::connect(server.running.http_addr).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // a reset is an end as well
        let _ = stream.read_to_end(&mut answer).await;
    });
    answer.await.expect("the connection is cut");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_listener_waits_and_goes_on() {
    let server = TestServer::start_with(|config| {
        config.http.limits.max_connections = 2;
        config.http.limits.header_timeout = Duration::from_secs(1);
    })
    .await;
    let addr = server.running.http_addr;
    let silent = [TcpStream::connect(addr).await.unwrap(), TcpStream::connect(addr).await.unwrap()];
    let began = Instant::now();
    let answer = tokio::time::timeout(Duration::from_secs(10), get(addr, "/healthz")).await.expect("a place gets free");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(began.elapsed() > Duration::from_millis(500), "the third connection did not wait");
    drop(silent);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_too_large_is_refused() {
    let server = TestServer::start_with(|config| config.http.limits.max_header_bytes = 8 * 1024).await;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: test\r\nX-Large: {}\r\n\r\n", "a".repeat(64 * 1024));
    let mut stream = TcpStream::connect(server.running.http_addr).await.unwrap();
    // the server may answer and close before it has read everything
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    // the close may overtake the answer
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_idle_connections() {
    let server = TestServer::start().await;
    let mut held = Vec::new();
    for addr in [server.running.http_addr, server.running.s3_addr, server.running.mqtt_addr.unwrap()] {
        held.push(TcpStream::connect(addr).await.unwrap());
    }
    // a kept-alive connection after its first answer
    held[0].write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    let mut answer = [0; 4096];
    assert!(held[0].read(&mut answer).await.unwrap() > 0);
    let (http, began) = (server.running.http_addr, Instant::now());
    let folder = server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert!(TcpStream::connect(http).await.is_err(), "the listener is closed");
    // the lock is free
    run_server(free_ports(&folder.path().join("data"))).await.unwrap().stop().await;
}
