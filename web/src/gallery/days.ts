// The library by local days, before any file is read: the server counts in hours, the days of the site are made here.
// By docks it is each dock's days, by flights one section a flight.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { mediaCounts, type MediaFilter } from "../api/queries";
import { useTimes } from "../ui/site";
import type { Times } from "../ui/times";

export type Day = {
  key: string;
  /** Beginning and end in UTC; null for the files of unknown capture time. */
  from: string | null;
  to: string | null;
  count: number;
  /** The dock or flight whose files these are, where the gallery is sorted by them; an empty one stands for files of none. */
  of?: { by: "gateway_sn" | "flight_id"; id: string };
};

export type By = "gateway_sn" | "flight_id" | undefined;

/** What the gallery is sorted by, from its address. */
export const byOf = (search: URLSearchParams): By => ({ dock: "gateway_sn", flight: "flight_id" } as const)[search.get("by") ?? ""];

export const PICTURES = "photo,video,panorama,thermal";
/** What of the address narrows the gallery; the flight strip and the item view read the same words. */
export const ALTITUDES = ["min_relative_altitude_m", "max_relative_altitude_m", "min_absolute_altitude_m", "max_absolute_altitude_m"] as const;
export const FILTER_WORDS = ["flight_id", "album_id", "source", "gateway_sn", "drone_model_key", "kind", "camera", "from", "to", ...ALTITUDES, "bbox", "q", "status"] as const;

/** The address as the API wants it: days become moments, no kind means what one can look at. */
export function filterOf(search: URLSearchParams, { momentOf }: Pick<Times, "momentOf">): MediaFilter {
  const filter: Record<string, string> = {};
  for (const word of FILTER_WORDS) {
    const value = search.get(word);
    if (value) filter[word] = value;
  }
  if (!filter.kind) filter.kind = PICTURES;
  if (filter.kind === "all") delete filter.kind;
  if (filter.from) filter.from = momentOf(filter.from, 0) ?? "";
  if (filter.to) filter.to = momentOf(filter.to, 1) ?? "";
  for (const word of ["from", "to"]) if (!filter[word]) delete filter[word];
  const altitudes = ALTITUDES.filter((word) => filter[word]).map((word) => [word, Number(filter[word])] as const);
  for (const word of ALTITUDES) delete filter[word];
  return { ...filter, ...Object.fromEntries(altitudes.filter(([, metres]) => Number.isFinite(metres))) };
}

export const isFiltered = (search: URLSearchParams) => FILTER_WORDS.some((word) => search.get(word));

/** The words of a filter, and what is sorted by, as they were in the address: for a link that keeps them. */
export function filterSearch(search: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const word of [...FILTER_WORDS, "by"]) {
    const value = search.get(word);
    if (value) kept.set(word, value);
  }
  const text = kept.toString();
  return text && `?${text}`;
}

const HOUR_S = 3_600;
/** Where days begin within an hour of UTC. */
const QUARTER_S = 900;

const counts = (ws: string, filter: MediaFilter, by: By, step_s: number, trashed?: boolean) => mediaCounts(ws, { ...filter, ...(trashed && { trashed }) }, step_s, by);

/** What the gallery asks first, from its address, before the zone of the site is known: nothing when that matters. */
export const countsOf = (ws: string, search: URLSearchParams) =>
  search.has("from") || search.has("to") ? undefined : counts(ws, filterOf(search, { momentOf: () => undefined }), byOf(search), HOUR_S);

export function useDays(ws: string, filter: MediaFilter, { trashed, by, order }: { trashed?: boolean; by?: By; order?: (id: string) => string } = {}) {
  const { localDate, momentOf, startOfDay, wholeHours } = useTimes();
  const step_s = wholeHours ? HOUR_S : QUARTER_S;
  const query = useQuery(counts(ws, filter, by, step_s, trashed));
  const days = useMemo(() => {
    const found = new Map<string, Day>();
    for (const slot of query.data?.slots ?? []) {
      const start = startOfDay(slot.at);
      const of = by && { by, id: slot.group ?? "" };
      const key = of ? (by === "flight_id" && of.id ? of.id : `${of.id} ${start.toISOString()}`) : start.toISOString();
      const day = found.get(key);
      const end = by === "flight_id" && of?.id ? new Date(Date.parse(slot.at) + step_s * 1000).toISOString() : (momentOf(localDate(start), 1) ?? "");
      // slots come newest first: the first one of a section says its end, the last one its beginning
      const from = later(by === "flight_id" && of?.id ? slot.at : start.toISOString(), filter.from);
      if (day) {
        day.count += slot.count;
        day.from = from;
        continue;
      }
      const to = filter.to && Date.parse(filter.to) < Date.parse(end) ? filter.to : end;
      found.set(key, { key, from, to, count: slot.count, of });
    }
    const all = [...found.values()];
    if (by === "gateway_sn" && order) all.sort((a, b) => order(a.of?.id ?? "").localeCompare(order(b.of?.id ?? "")));
    const undated = query.data?.undated ?? 0;
    if (undated > 0) all.push({ key: "undated", from: null, to: null, count: undated });
    return all;
  }, [query.data, filter.from, filter.to, by, order, step_s, localDate, momentOf, startOfDay]);
  return { query, days, counts: query.data };
}

/** What the API calls files without a dock or flight. */
const NONE = "none";

const later = (a: string, b: string | undefined) => (b && Date.parse(b) > Date.parse(a) ? b : a);

/** The filter of one day's files. */
export const dayFilter = (filter: MediaFilter, day: Day, trashed?: boolean) => ({
  ...filter,
  ...(day.from && day.to ? { from: day.from, to: day.to } : { undated: true, from: undefined, to: undefined }),
  ...(day.of && { [day.of.by]: day.of.id || NONE }),
  ...(trashed ? { trashed } : {}),
});
