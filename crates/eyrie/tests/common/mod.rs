//! A whole server in this process, on free ports and a temporary folder.

#![allow(dead_code, unreachable_pub)] // each test binary uses a part

use std::path::{Path, PathBuf};

use eyrie::boot::{Running, run_server};
use eyrie::config::Config;
use tempfile::TempDir;

pub struct TestServer {
    pub running: Running,
    folder: TempDir,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = free_ports(&folder.path().join("data"));
        change(&mut config);
        let running = run_server(config).await.expect("the server starts");
        Self { running, folder }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Stops the server; what it kept lasts as long as the folder.
    pub async fn stop(self) -> TempDir {
        self.running.stop().await;
        self.folder
    }
}

/// The default settings on free ports of loopback.
pub fn free_ports(data: &Path) -> Config {
    let mut config = Config { data: data.to_owned(), ..Config::default() };
    for listen in [&mut config.http.listen, &mut config.mqtt.listen, &mut config.s3.listen] {
        listen.set_port(0);
    }
    // test machines are small
    config.s3.min_free_bytes = 1 << 20;
    config
}
