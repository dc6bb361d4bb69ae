//! The MQTT side of a controller: announces itself and the aircraft behind it, publishes their state.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use eyrie_cloudapi::{LatLng, SubDevice, UpdateTopo, request};
use serde_json::json;

use super::cloud::PilotSession;
use crate::dock::{Access, CONNECT_TIMEOUT, ids, now_ms};
use crate::link::Line;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
const OSD_EVERY: Duration = Duration::from_secs(2);

/// A connected controller; falls silent when it is dropped.
pub(super) struct Controller {
    sn: String,
    aircraft_sn: String,
    line: Arc<Line>,
    osd: Option<tokio::task::JoinHandle<()>>,
}

impl Controller {
    pub(super) async fn connect(session: &PilotSession, aircraft_sn: &str) -> anyhow::Result<Self> {
        let mqtt = session.mqtt.as_ref().context("the server gave no MQTT account")?;
        let access = Access {
            sn: session.sn.clone(),
            username: mqtt.username.clone(),
            password: mqtt.password.clone(),
            mqtt_url: mqtt.host.clone(),
            binding_code: String::new(),
            organization_id: String::new(),
        };
        let (line, _commands) = Line::open(&access)?;
        line.ready(CONNECT_TIMEOUT).await.with_context(|| format!("controller {}", session.sn))?;
        Ok(Self { sn: session.sn.clone(), aircraft_sn: aircraft_sn.to_owned(), line: Arc::new(line), osd: None })
    }

    /// `update_topo` with the aircraft; state every two seconds from then on.
    pub(super) async fn announce(&mut self, home: LatLng) -> anyhow::Result<()> {
        let aircraft = SubDevice {
            sn: self.aircraft_sn.clone(),
            domain: Some(0),
            device_type: Some(super::AIRCRAFT_TYPE),
            sub_type: Some(super::AIRCRAFT_SUB_TYPE),
        };
        let topology = UpdateTopo {
            domain: Some(2),
            device_type: Some(super::CONTROLLER_TYPE),
            sub_type: Some(0),
            thing_version: Some("1.2.0".into()),
            sub_devices: vec![aircraft],
        };
        let (tid, bid) = ids();
        let payload = request(&tid, &bid, now_ms(), &self.sn, "update_topo", &topology.write());
        let topic = format!("sys/product/{}/status", self.sn);
        let reply = self.line.ask(&topic, &tid, payload, ANSWER_TIMEOUT).await.context("update_topo")?;
        ensure!(reply["bid"] == bid && reply["data"]["result"] == 0, "update_topo: {reply}");
        let osd = publish_osd(Arc::clone(&self.line), self.sn.clone(), self.aircraft_sn.clone(), home);
        self.osd = Some(tokio::spawn(osd));
        Ok(())
    }

    pub(super) async fn lose_line(&self) -> anyhow::Result<()> {
        self.line.cut().await;
        self.line.ready(CONNECT_TIMEOUT).await
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if let Some(osd) = &self.osd {
            osd.abort();
        }
    }
}

async fn publish_osd(line: Arc<Line>, sn: String, aircraft_sn: String, home: LatLng) {
    let mut tick = tokio::time::interval(OSD_EVERY);
    let place = json!({ "latitude": home.lat, "longitude": home.lng, "height": 430.0 });
    let messages = [
        (&sn, json!({ "capacity_percent": 84, "wireless_link": { "4g_quality": 4 } })),
        (&sn, place.clone()),
        (&aircraft_sn, place),
    ];
    loop {
        tick.tick().await;
        for (device, data) in &messages {
            let (tid, bid) = ids();
            let body = json!({ "tid": tid, "bid": bid, "timestamp": now_ms(), "gateway": sn, "data": data });
            if line.publish(&format!("thing/product/{device}/osd"), body.to_string().into_bytes()).await.is_err() {
                return;
            }
        }
    }
}
