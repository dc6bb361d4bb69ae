// What flew with a video: samples by the second, from whatever carrier the server found.
import { queryOptions } from "@tanstack/react-query";
import { mediaUrl, Refusal } from "./client";

export type Sample = {
  t_s: number;
  at: string | null;
  position: { lat: number; lng: number; absolute_altitude_m: number | null; relative_altitude_m: number | null } | null;
  gimbal: { yaw_deg: number | null; pitch_deg: number | null; roll_deg: number | null } | null;
  aircraft: { yaw_deg: number | null; pitch_deg: number | null; roll_deg: number | null } | null;
  camera: { iso: number | null; shutter_s: number | null; f_number: number | null; zoom: number | null } | null;
};
export type Track = { source: string; samples: Sample[] };

/** Null when the file carries none. */
export const telemetry = (ws: string, id: string, enabled: boolean) =>
  queryOptions({
    queryKey: [ws, "telemetry", id],
    enabled,
    staleTime: Infinity,
    queryFn: async (): Promise<Track | null> => {
      const response = await fetch(`${mediaUrl(ws, id, "telemetry")}?format=json`, { headers: { accept: "application/json" } });
      if (response.status === 404) return null;
      if (!response.ok) throw new Refusal(response.status, response.statusText);
      const track = (await response.json()) as Track;
      return track.samples.length > 0 ? track : null;
    },
  });

/** Index of the last sample at or before `t_s`; samples are in the order of time. */
export function sampleAt(samples: Sample[], t_s: number): number {
  let low = 0;
  let high = samples.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((samples[middle]?.t_s ?? 0) <= t_s) low = middle;
    else high = middle - 1;
  }
  return low;
}

export const heading = (sample: Sample | undefined) => sample?.gimbal?.yaw_deg ?? sample?.aircraft?.yaw_deg ?? null;
export const altitude = (sample: Sample | undefined) => sample?.position?.relative_altitude_m ?? sample?.position?.absolute_altitude_m ?? null;
export const pitch = (sample: Sample | undefined) => sample?.gimbal?.pitch_deg ?? null;

/** Longer without a sample than this is a gap: several times the usual distance, at least a second. */
export function gapLimit(times: number[]): number {
  const steps = times.slice(1).map((time, n) => time - (times[n] ?? 0)).sort((a, b) => a - b);
  return Math.max(1, 4 * (steps[steps.length >> 1] ?? 0));
}

const limits = new WeakMap<Sample[], number>();
export function limitOf(samples: Sample[]): number {
  let limit = limits.get(samples);
  if (limit === undefined) limits.set(samples, (limit = gapLimit(samples.map((sample) => sample.t_s))));
  return limit;
}

/** The way up to a time, in as many pieces as there are gaps. */
export function line({ samples }: Track, until_s: number): GeoJSON.Feature {
  const limit = limitOf(samples);
  const pieces: [number, number][][] = [];
  let last = -Infinity;
  for (const { t_s, position } of samples) {
    if (t_s > until_s) break;
    if (!position) {
      last = -Infinity;
      continue;
    }
    if (t_s - last > limit) pieces.push([]);
    pieces.at(-1)?.push([position.lng, position.lat]);
    last = t_s;
  }
  return { type: "Feature", properties: {}, geometry: { type: "MultiLineString", coordinates: pieces.filter((piece) => piece.length > 1) } };
}
