// The way a video took: brighter up to the moment that is shown, a wedge for the view; a press on it goes to that moment. Where the
// aircraft did not know its place, the way has a gap and the marker goes.
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";
import { footprints, type Ground } from "../api/queries";
import { heading, limitOf, line, sampleAt, type Sample, type Track } from "../api/telemetry";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { addGround, addWedge, colours, makeMap, NO_GROUND } from "./base";

type Placed = Sample & { position: NonNullable<Sample["position"]> };

export default function TrackMap({ id, track, t_s, go }: { id: string; track: Track; t_s: number; go: (t_s: number) => void }) {
  const ref = useRef<HTMLDivElement>(null);
  const map = useRef<MapLibre | null>(null);
  const samples = useRef<Placed[]>([]);
  const { ws } = useHere();
  const ground = useQuery(footprints(ws, { id })).data;
  const latest = useRef({ t_s, go });
  latest.current = { t_s, go };

  useEffect(() => {
    samples.current = track.samples.filter((sample): sample is Placed => sample.position !== null);
    const all = samples.current;
    if (!ref.current || all.length === 0) return;
    const lngs = all.map(({ position }) => position.lng);
    const lats = all.map(({ position }) => position.lat);
    const margin = 0.0002;
    const bounds: [number, number, number, number] = [least(lngs) - margin, least(lats) - margin, most(lngs) + margin, most(lats) + margin];
    const made = makeMap(ref.current, { bounds, controls: false, label: t.map.ofVideo }, (ready) => {
      const c = colours();
      addWedge(ready);
      addGround(ready, NO_GROUND);
      ready.addSource("way", { type: "geojson", data: line(track, Infinity) });
      ready.addSource("passed", { type: "geojson", data: line(track, latest.current.t_s) });
      ready.addSource("here", { type: "geojson", data: here(placedAt(track, latest.current.t_s)) });
      const round = { "line-join": "round", "line-cap": "round" } as const;
      ready.addLayer({ id: "way", type: "line", source: "way", layout: round, paint: { "line-color": c.track, "line-width": 4, "line-opacity": 0.3 } });
      ready.addLayer({ id: "passed", type: "line", source: "passed", layout: round, paint: { "line-color": c.track, "line-width": 4 } });
      ready.addLayer({ id: "view", type: "symbol", source: "here", filter: ["has", "yaw"], layout: { "icon-image": "wedge", "icon-size": 1.8, "icon-rotate": ["get", "yaw"], "icon-rotation-alignment": "map", "icon-allow-overlap": true } });
      ready.addLayer({ id: "dot", type: "circle", source: "here", paint: { "circle-radius": 6, "circle-color": c.accent, "circle-stroke-color": c.halo, "circle-stroke-width": 2 } });
    });
    made.on("click", ({ lngLat }) => {
      const shrink = Math.cos((lngLat.lat * Math.PI) / 180);
      const distance = ({ position }: Placed) => Math.hypot((position.lng - lngLat.lng) * shrink, position.lat - lngLat.lat);
      const nearest = all.reduce((best, sample) => (distance(sample) < distance(best) ? sample : best));
      latest.current.go(nearest.t_s);
    });
    made.getCanvas().style.cursor = "pointer";
    map.current = made;
    return () => made.remove();
  }, [track]);

  useEffect(() => {
    const sample = placedAt(track, t_s);
    (map.current?.getSource("here") as GeoJSONSource | undefined)?.setData(here(sample));
    (map.current?.getSource("passed") as GeoJSONSource | undefined)?.setData(line(track, t_s));
    (map.current?.getSource("ground") as GeoJSONSource | undefined)?.setData(ground ? groundAt(ground, t_s) : NO_GROUND);
    if (!ref.current) return;
    // what the marker stands for, also for those who cannot see it
    if (sample) Object.assign(ref.current.dataset, { t: String(sample.t_s), lat: String(sample.position.lat), lng: String(sample.position.lng) });
    else for (const name of ["t", "lat", "lng"]) delete ref.current.dataset[name];
  }, [t_s, track, ground]);
  return <div className="small-map" ref={ref} />;
}

/** What the picture shows at this second. */
function groundAt(ground: Ground, t_s: number): Ground {
  const near = ground.features.filter(({ properties }) => properties.t_s !== null && Math.abs(properties.t_s - t_s) <= 1);
  const best = near.toSorted((a, b) => Math.abs((a.properties.t_s ?? 0) - t_s) - Math.abs((b.properties.t_s ?? 0) - t_s))[0];
  return { type: "FeatureCollection", features: best ? [best] : [] };
}

// a long video has more samples than a call takes arguments
const least = (values: number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);

/** The sample that is shown at a time; null where there is no fix, or no sample for too long. */
function placedAt({ samples }: Track, t_s: number): Placed | null {
  const at = sampleAt(samples, t_s);
  const sample = samples[at];
  const next = samples[at + 1];
  if (!sample?.position) return null;
  if (next && t_s > sample.t_s && next.t_s - sample.t_s > limitOf(samples) && t_s - sample.t_s > limitOf(samples)) return null;
  return sample as Placed;
}

function here(sample: Placed | null): GeoJSON.FeatureCollection {
  if (!sample) return { type: "FeatureCollection", features: [] };
  const yaw = heading(sample);
  const point = { type: "Point" as const, coordinates: [sample.position.lng, sample.position.lat] };
  return { type: "FeatureCollection", features: [{ type: "Feature", properties: yaw === null ? {} : { yaw }, geometry: point }] };
}
