//! Flat columns, RFC 4180 with line feeds. A value that is not known is empty.

use std::io::{self, Write};

use super::{degrees, micro};
use crate::track::{Attitude, Camera, Place, Sample};

const HEAD: &str = "t_s,at,lat,lng,absolute_altitude_m,relative_altitude_m,gimbal_yaw_deg,gimbal_pitch_deg,gimbal_roll_deg,\
    aircraft_yaw_deg,aircraft_pitch_deg,aircraft_roll_deg,iso,shutter_s,f_number,zoom";

pub(super) fn write(samples: &mut dyn Iterator<Item = Sample>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{HEAD}")?;
    for sample in samples {
        row(&sample, out)?;
    }
    Ok(())
}

fn row(sample: &Sample, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{},", micro(sample.t_s))?;
    if let Some(at) = sample.at {
        write!(out, "{at}")?;
    }
    let place = sample.position;
    let altitude = |of: fn(&Place) -> Option<f64>| place.as_ref().and_then(of).map(micro);
    let angle =
        |attitude: Option<Attitude>, of: fn(&Attitude) -> Option<f64>| attitude.as_ref().and_then(of).map(micro);
    let camera = |of: fn(&Camera) -> Option<f64>| sample.camera.as_ref().and_then(of);
    let columns = [
        place.map(|place| degrees(place.lat)),
        place.map(|place| degrees(place.lng)),
        altitude(|place| place.absolute_altitude_m),
        altitude(|place| place.relative_altitude_m),
        angle(sample.gimbal, |gimbal| gimbal.yaw_deg),
        angle(sample.gimbal, |gimbal| gimbal.pitch_deg),
        angle(sample.gimbal, |gimbal| gimbal.roll_deg),
        angle(sample.aircraft, |aircraft| aircraft.yaw_deg),
        angle(sample.aircraft, |aircraft| aircraft.pitch_deg),
        angle(sample.aircraft, |aircraft| aircraft.roll_deg),
        camera(|camera| camera.iso),
        camera(|camera| camera.shutter_s),
        camera(|camera| camera.f_number),
        camera(|camera| camera.zoom),
    ];
    for column in columns {
        match column.filter(|number| number.is_finite()) {
            Some(number) => write!(out, ",{number}")?,
            None => out.write_all(b",")?,
        }
    }
    writeln!(out)
}
