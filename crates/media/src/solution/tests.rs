use super::*;
use crate::mrk;

const HEAD: &str = "% program   : rnx2rtkp ver.2.4.3 b34\n%  GPST                  latitude(deg) longitude(deg)  height(m)   Q  ns   sdn(m)   sde(m)   sdu(m)  sdne(m)  sdeu(m)  sdun(m) age(s)  ratio\n";

/// A straight flight to the north, one epoch each 0.2 s from 04:28:20 GPST, without the epochs `lost`.
fn trajectory(epochs: usize, lost: std::ops::Range<usize>) -> String {
    let mut text = HEAD.to_owned();
    for n in (0..epochs).filter(|n| !lost.contains(n)) {
        let second = 20.0 + n as f64 * 0.2;
        let lat = -36.4 + n as f64 * 1e-6;
        let q = if n == 10 { 2 } else { 1 };
        text += &format!(
            "2018/10/24 04:28:{second:06.3}   {lat:.9}  174.600000000   170.0000   {q}  14   0.0{q}00   0.0100   0.0300   0.0 0.0 0.0   0.00   12.0\n"
        );
    }
    text
}

fn solution(text: &str) -> Solution {
    read(&mut text.as_bytes())
}

fn event(tow_s: f64, arm: &str) -> Event {
    let line = format!("1\t{tow_s:.6}\t[2024]\t{arm}\t-36.4,Lat\t174.6,Lon\t170,Ellh\t1, 1, 3\t16,Q");
    mrk::event_of(&line).unwrap()
}

#[test]
fn lines_of_all_forms_are_read() {
    let found = solution(&trajectory(50, 30..32));
    assert_eq!((found.summary.epochs, found.summary.fixed, found.summary.float), (48, 47, 1));
    assert_eq!((found.summary.interval_s, found.summary.gap_count), (Some(0.2), 1));
    assert_eq!(found.points[0].time, GpsTime::from_week(2024, 275_300.0).unwrap());
    let weeks = solution("2024 275300.000  -36.4 174.6 170 1 14 0.01 0.01 0.03\n");
    assert_eq!(weeks.points[0].time, found.points[0].time);
    let utc = solution(
        "%  UTC   latitude(deg) longitude(deg)  height(m)   Q  ns\n2018/10/24 04:28:02.000 -36.4 174.6 170 1 14\n",
    );
    assert_eq!(utc.points[0].time, found.points[0].time);
    let at = found.points[0].position.ecef();
    let ecef = solution(&format!(
        "%  GPST   x-ecef(m)  y-ecef(m)   z-ecef(m)   Q\n2018/10/24 04:28:20.000 {} {} {} 1 14 0 0 0\n",
        at.x_m, at.y_m, at.z_m
    ));
    assert!((ecef.points[0].position.lat - -36.4).abs() < 1e-9);
    let minutes = solution(
        "%  GPST   latitude(d'\")   longitude(d'\")  height(m)   Q  ns   sdn(m)   sde(m)   sdu(m)\n\
         2018/10/24 04:28:20.000   -36 24 00.00000  174 36 00.00000   170.0000   2  14   0.0100   0.0200   0.0300\n\
         2018/10/24 04:28:21.000    -0 00 36.00000 -174 36 00.00000   170.0000   1  14   0.0100   0.0200   0.0300\n",
    );
    let [first, second] = &minutes.points[..] else { panic!("two: {:?}", minutes.warnings) };
    assert!((first.position.lat - -36.4).abs() < 1e-9 && (first.position.lng - 174.6).abs() < 1e-9);
    assert_eq!((first.solved, first.satellites, first.std_m), (Solved::Float, 14, Some([0.01, 0.02, 0.03])));
    assert!((second.position.lat - -0.01).abs() < 1e-9 && (second.position.lng - -174.6).abs() < 1e-9);
    let bad = solution("2018/10/24 04:28:20.000 x y z\nrubbish\n2018/10/24 04:28:20.000 100.0 0 0 1 5\n");
    assert_eq!((bad.points.len(), bad.warnings.len()), (0, 1));
}

#[test]
fn cameras_are_where_the_lever_arm_puts_them() {
    let found = solution(&trajectory(50, 0..0));
    let arm = "-26,N\t19,E\t191,V";
    let [at] = &at_events(&found, &[event(275_301.05, arm)])[..] else { panic!("one") };
    // epoch 5.25 of the flight, then 26 mm to the south, 19 mm to the east and 191 mm down
    let antenna = Geodetic::new(-36.4 + 5.25e-6, 174.6, 170.0).unwrap();
    let expected = antenna.moved(-0.026, 0.019, 0.191).unwrap();
    let place = at.position.unwrap();
    assert!(place.ecef().distance_m(expected.ecef()) < 1e-4, "{place:?} {expected:?}");
    assert!((place.ellipsoid_height_m - 169.809).abs() < 1e-4);
    assert_eq!((at.solved, at.lever_arm_applied, at.problem), (Some(Solved::Fixed), true, None));
    assert!(at.moved_m.unwrap() > 0.19);
}

#[test]
fn the_worse_neighbour_counts_and_gaps_are_no_place() {
    let found = solution(&trajectory(50, 30..33));
    let arm = "0,N\t0,E\t0,V";
    let times = [299.9, 300.0, 301.9, 302.1, 305.7, 306.0, 309.8, 309.9].map(|tow_s| event(275_000.0 + tow_s, arm));
    let at = at_events(&found, &times);
    let problems: Vec<_> = at.iter().map(|at| at.problem).collect();
    let outside = Some(Problem::OutsideTrajectory);
    assert_eq!(problems, [outside, None, None, None, None, Some(Problem::Gap), None, outside]);
    assert_eq!(at[2].solved, Some(Solved::Float));
    assert_eq!(at[2].std_m, Some([0.02, 0.01, 0.03]));
    assert_eq!(at[1].solved, Some(Solved::Fixed));
}

#[test]
fn what_is_written_can_be_read_by_others() {
    let found = solution(&trajectory(50, 0..0));
    let at = at_events(&found, &[event(275_301.0, "0,N\t0,E\t0,V"), event(275_999.0, "0,N\t0,E\t0,V")]);
    let names = |index: usize| if index == 0 { vec!["=a,\"b\".JPG".to_owned()] } else { vec![] };
    let mut csv = Vec::new();
    write_csv(&mut csv, &at, &names).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    let expected = "1,\"'=a,\"\"b\"\".JPG\",2018-10-24T04:28:03Z,2024,275301.000000,-36.399995000,174.600000000,170.0000,fixed,0.0100,0.0100,0.0300,true,";
    assert!(lines[1].starts_with(expected), "{}", lines[1]);
    assert!(lines[2].ends_with(",,,,,,,,false,,outside_trajectory"), "{}", lines[2]);
    let mut geojson = Vec::new();
    write_geojson(&mut geojson, &at, &names).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&geojson).unwrap();
    assert_eq!(value["features"].as_array().unwrap().len(), 1);
    assert_eq!(value["features"][0]["properties"]["quality"], "fixed");
    assert_eq!(value["features"][0]["geometry"]["coordinates"][0], 174.6);
}
