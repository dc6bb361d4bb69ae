//! A real client on a dock's path. (being written)
use serde::Serialize;
use crate::config::Config;

#[derive(Serialize)]
pub struct Report { pub ok: bool }
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("") }
}
pub async fn examine(_config: &Config, _sn: Option<&str>) -> Report { Report { ok: true } }
