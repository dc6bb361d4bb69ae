//! Asks a dock to upload one flight's media first (`upload_flighttask_media_prioritize`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Failure, Run};
use crate::dock::services::ServiceError;

pub const KIND: &str = "prioritize-upload";

/// The job's payload.
#[derive(Debug, Serialize, Deserialize)]
pub struct PrioritizeUpload {
    pub flight_id: String,
    pub gateway_sn: String,
}

pub async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let payload = PrioritizeUpload::deserialize(&run.job.payload).map_err(|error| Failure::Final(error.into()))?;
    let data = json!({ "flight_id": payload.flight_id });
    let called = run.app.services.call(&run.app, &payload.gateway_sn, "upload_flighttask_media_prioritize", data).await;
    match called {
        Ok(reply) if reply.result == 0 => {
            run.progress(1, Some(1)).await?;
            Ok(Some(json!({ "result": 0 })))
        }
        Ok(reply) => Err(Failure::Final(anyhow::anyhow!(
            "the dock refused with result {}{}",
            reply.result,
            eyrie_cloudapi::error::text(reply.result).map(|text| format!(": {text}")).unwrap_or_default()
        ))),
        Err(error @ (ServiceError::NoReply | ServiceError::NotConnected | ServiceError::Busy)) => {
            Err(Failure::Retry(error.into()))
        }
    }
}
