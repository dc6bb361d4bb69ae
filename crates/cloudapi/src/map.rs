//! `flight_areas_get` and `offline_map_get` (dock pages "Custom flight area" and "Offline map").

use serde_json::{Value, json};

/// No flight areas: an answer with nothing in it, since silence delays each take-off by about 40 s.
pub fn flight_areas_reply() -> Value {
    json!({ "result": 0, "output": { "files": [] } })
}

/// No offline map.
pub fn offline_map_reply() -> Value {
    json!({ "result": 0, "output": { "offline_map_enable": false, "files": [] } })
}
