//! Binding a dock to its organization, which is the workspace it was added to.

use eyrie_cloudapi::{
    AirportBindStatus, AirportOrganizationBind, AirportOrganizationGet, BindStatus, bind_status_reply, error as codes,
    organization_bind_reply, organization_get_reply,
};
use subtle::ConstantTimeEq;

use super::state::Identity;
use super::{Answer, Call};

/// `airport_bind_status`: one element for each device asked about. A device that is not the dock itself is its aircraft.
pub(super) fn bind_status(call: &Call<'_>, request: &AirportBindStatus) -> Answer {
    let Some(dock) = call.app.docks.identity(call.sn()) else { return unknown_dock() };
    let status = request.devices.iter().map(|device| {
        let own = device == call.sn();
        let elsewhere = !own && call.app.docks.identity(device).is_some();
        let bound = dock.bound && !elsewhere;
        BindStatus {
            sn: device.clone(),
            is_device_bind_organization: bound,
            organization_id: if bound { dock.organization_id.clone() } else { String::new() },
            organization_name: if bound { dock.workspace_name.clone() } else { String::new() },
            device_callsign: if own { dock.callsign.clone().unwrap_or_default() } else { String::new() },
        }
    });
    Answer::done(bind_status_reply(&status.collect::<Vec<_>>()))
}

/// `airport_organization_get`: the organization's name, for who knows its id and code.
pub(super) fn get(call: &Call<'_>, request: &AirportOrganizationGet) -> Answer {
    let Some(dock) = call.app.docks.identity(call.sn()) else { return unknown_dock() };
    match check(call, &dock, &request.organization_id, &request.device_binding_code) {
        Ok(()) => Answer::done(organization_get_reply(&dock.workspace_name)),
        Err((code, note)) => Answer::refused(code, note),
    }
}

/// `airport_organization_bind`: an answer for each device. The dock itself must show its workspace's code.
pub(super) async fn bind(call: &Call<'_>, request: &AirportOrganizationBind) -> Answer {
    let Some(dock) = call.app.docks.identity(call.sn()) else { return unknown_dock() };
    let mut outcomes = Vec::new();
    let mut note = None;
    for device in &request.bind_devices {
        let outcome = if device.sn != call.sn() && call.app.docks.identity(&device.sn).is_some() {
            Err((codes::BOUND_ELSEWHERE, format!("{} is another dock", device.sn)))
        } else {
            check(call, &dock, &device.organization_id, &device.device_binding_code)
        };
        let mut code = 0;
        match outcome {
            Ok(()) if device.sn == call.sn() => {
                let callsign = Some(device.device_callsign.as_str()).filter(|callsign| !callsign.is_empty());
                let app = call.app;
                if let Err(error) = app.docks.bind(&app.catalogue, call.sn(), callsign, app.now()).await {
                    code = codes::BIND_FAILED;
                    note = Some(format!("the binding could not be stored: {error}"));
                }
            }
            Ok(()) => {}
            Err((refusal, why)) => {
                code = refusal;
                note = Some(why);
            }
        }
        outcomes.push((device.sn.clone(), code));
    }
    let result = outcomes.iter().map(|(_, code)| *code).find(|code| *code != 0).unwrap_or(0);
    Answer { data: organization_bind_reply(&outcomes), result, note }
}

/// Organization id and binding code against the workspace that the dock was added to.
fn check(call: &Call<'_>, dock: &Identity, organization_id: &str, code: &str) -> Result<(), (i64, String)> {
    if organization_id != dock.organization_id {
        let elsewhere = call.app.docks.is_organization(organization_id);
        return Err(if elsewhere {
            (codes::BOUND_ELSEWHERE, "the dock was added to another workspace than the organization id names".into())
        } else {
            (codes::ORGANIZATION_NOT_FOUND, format!("no workspace has the organization id {organization_id:?}"))
        });
    }
    if bool::from(code.as_bytes().ct_eq(dock.binding_code.as_bytes())) {
        Ok(())
    } else {
        Err((codes::WRONG_BINDING_CODE, "the device binding code is wrong; `eyrie dock show` prints it".into()))
    }
}

fn unknown_dock() -> Answer {
    Answer::refused(codes::BIND_FAILED, "the dock is not known here: add it with `eyrie dock add`")
}
