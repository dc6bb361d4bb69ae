// What the aircraft and its camera did at the moment that is shown, in words with units.
import { altitude, sampleAt, type Track } from "../api/telemetry";
import { t } from "../i18n";
import { coordinates, metres, number } from "../ui/format";
import { viewWords } from "./facts";

export function Readout({ track, t_s }: { track: Track; t_s: number }) {
  const sample = track.samples[sampleAt(track.samples, t_s)];
  if (!sample) return null;
  const { camera, position } = sample;
  const gimbal = sample.gimbal ?? sample.aircraft;
  const height = altitude(sample);
  const words = [
    position ? coordinates(position.lat, position.lng) : t.look.noFix,
    height !== null && metres(height),
    gimbal && viewWords(gimbal),
    camera?.zoom && t.look.zoomed(number(camera.zoom, 1)),
    camera?.shutter_s && (camera.shutter_s < 0.5 ? `1/${number(1 / camera.shutter_s)} s` : `${number(camera.shutter_s, 1)} s`),
    camera?.f_number && `f/${number(camera.f_number, 1)}`,
    camera?.iso && `ISO ${number(camera.iso)}`,
  ].filter((word): word is string => Boolean(word));
  return <p className={`readout num${position ? "" : " gap"}`} data-t={sample.t_s}>{words.join(" · ")}</p>;
}
