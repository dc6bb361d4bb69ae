// The way a video took: brighter up to the moment that is shown, a wedge for the view; a press on it goes to that moment.
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";
import { footprints, type Ground } from "../api/queries";
import { heading, sampleAt, type Sample, type Track } from "../api/telemetry";
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
      ready.addSource("way", { type: "geojson", data: line(all) });
      ready.addSource("passed", { type: "geojson", data: line(all.slice(0, 1)) });
      ready.addSource("here", { type: "geojson", data: here(all, latest.current.t_s) });
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
    const all = samples.current;
    const at = sampleAt(all, t_s);
    (map.current?.getSource("here") as GeoJSONSource | undefined)?.setData(here(all, t_s));
    (map.current?.getSource("passed") as GeoJSONSource | undefined)?.setData(line(all.slice(0, at + 1)));
    const sample = all[at];
    (map.current?.getSource("ground") as GeoJSONSource | undefined)?.setData(ground ? groundAt(ground, t_s) : NO_GROUND);
    if (ref.current && sample) Object.assign(ref.current.dataset, { t: String(sample.t_s), lat: String(sample.position.lat), lng: String(sample.position.lng) });
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

function line(samples: Placed[]): GeoJSON.Feature {
  return { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: samples.map(({ position }) => [position.lng, position.lat]) } };
}

function here(samples: Placed[], t_s: number): GeoJSON.Feature {
  const sample = samples[sampleAt(samples, t_s)];
  const yaw = heading(sample);
  return {
    type: "Feature",
    properties: yaw === null ? {} : { yaw },
    geometry: { type: "Point", coordinates: [sample?.position.lng ?? 0, sample?.position.lat ?? 0] },
  };
}
