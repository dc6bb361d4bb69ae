//! `config`: the application's licence and the time server. The reply is the bare object.

use eyrie_cloudapi::config_reply;

use super::{Answer, Call};

pub(super) fn get(call: &Call<'_>) -> Answer {
    let settings = &call.app.config.cloud_api;
    let data = config_reply(
        &settings.app_id,
        &settings.app_key.0,
        &settings.app_license.0,
        &settings.ntp_server_host,
        settings.ntp_server_port,
    );
    let answer = Answer::done(data);
    if settings.app_id.is_empty() {
        return answer
            .with_note("cloud_api.app_id, app_key and app_license are not set: a real dock will not accept this");
    }
    answer
}
