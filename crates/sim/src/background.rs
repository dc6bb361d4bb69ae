//! What a dock does beside its work: publishes its state, answers commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use eyrie_cloudapi::event;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::dock::{Settings, ids, now_ms};
use crate::link::Line;

const OSD_EVERY: Duration = Duration::from_secs(2);

/// One logical state in several messages, each with a part of it, and the aircraft's under its own SN.
pub(crate) async fn publish_osd(line: Arc<Line>, sn: String, settings: Settings, remain_upload: Arc<AtomicI64>) {
    let mut tick = tokio::time::interval(OSD_EVERY);
    loop {
        tick.tick().await;
        let remain = remain_upload.load(Ordering::Relaxed);
        let step = if remain > 0 { 2 } else { 5 };
        let parts = [
            json!({ "job_number": 12, "flighttask_step_code": step, "media_file_detail": { "remain_upload": remain }, "wireless_link": {} }),
            json!({ "storage": { "total": 76_450_620, "used": 1_204_736 }, "network_state": { "type": 1, "quality": 0, "rate": 18.0 } }),
            json!({ "latitude": settings.home.lat, "longitude": settings.home.lng, "height": 430.0, "firmware_version": "10.01.32.02" }),
        ];
        let aircraft =
            json!({ "mode_code": 0, "latitude": settings.home.lat, "longitude": settings.home.lng, "height": 430.0 });
        let messages = parts.iter().map(|part| (&sn, part)).chain([(&settings.aircraft_sn, &aircraft)]);
        for (device, data) in messages {
            let (tid, bid) = ids();
            let body = json!({ "tid": tid, "bid": bid, "timestamp": now_ms(), "gateway": sn, "data": data });
            if line.publish(&format!("thing/product/{device}/osd"), body.to_string().into_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// `upload_flighttask_media_prioritize` is done and told of; any other command is refused.
pub(crate) async fn answer_commands(line: Arc<Line>, sn: String, mut commands: mpsc::Receiver<Value>) {
    const UNKNOWN_METHOD: i64 = 314_000;
    while let Some(command) = commands.recv().await {
        let known = command["method"] == "upload_flighttask_media_prioritize";
        let result = if known { 0 } else { UNKNOWN_METHOD };
        let reply = json!({ "tid": command["tid"], "bid": command["bid"], "timestamp": now_ms(), "gateway": sn,
            "method": command["method"], "data": { "result": result } });
        let topic = format!("thing/product/{sn}/services_reply");
        if line.publish(&topic, reply.to_string().into_bytes()).await.is_err() {
            return;
        }
        if known {
            let (tid, bid) = ids();
            let data = json!({ "flight_id": command["data"]["flight_id"] });
            let told = event(&tid, &bid, now_ms(), &sn, "highest_priority_upload_flighttask_media", &data);
            if line.publish(&format!("thing/product/{sn}/events"), told).await.is_err() {
                return;
            }
        }
    }
}
