// What a flight's figures say in words.
import type { DockItem, FlightItem, Schemas } from "../api/client";
import { t } from "../i18n";
import type { Tone } from "../ui/parts";

export const flightTone: Record<FlightItem["state"], Tone> = { complete: "good", uploading: "working", stalled: "attention" };

export const beginning = (flight: FlightItem) => flight.first_captured_at ?? flight.created_at;

/** The name of the route, which docks put at the end of their track's id (`DJI_202611230614_002_Roof 3`); else what kind of flight it is. */
export function flightTitle(flight: FlightItem): string {
  const name = flight.track_id && /^DJI_\d{8,14}_\d+_(.+)$/.exec(flight.track_id)?.[1];
  if (name) return name;
  if (flight.flight_type === 0) return t.flights.typeRoute;
  if (flight.flight_type === 1) return t.flights.typeManual;
  return t.flights.typeUnknown;
}

export const dockName = (docks: DockItem[] | undefined, sn: string | null) =>
  sn === null ? t.flights.noDock : (docks?.find((dock) => dock.sn === sn)?.callsign ?? sn);

/** The same for what may be a crew's remote controller. */
export const deviceName = (docks: DockItem[] | undefined, sn: string | null, source: FlightItem["source"]) =>
  source === "pilot" && sn !== null ? `${t.filters.sources.pilot}, ${sn}` : dockName(docks, sn);

/** Kinds as a person counts them: pictures, videos, PPK files, others. */
export function kindWords(counts: Schemas["KindCount"][]): string[] {
  const of = (...kinds: string[]) => counts.filter((one) => kinds.includes(one.kind)).reduce((sum, one) => sum + one.count, 0);
  const groups: [number, (n: number) => string][] = [
    [of("photo", "panorama"), t.kinds.photos],
    [of("thermal"), t.kinds.thermals],
    [of("video"), t.kinds.videos],
    [of("ppk", "rtcm"), t.kinds.ppks],
    [of("subtitle", "other"), t.kinds.others],
  ];
  return groups.filter(([n]) => n > 0).map(([n, words]) => words(n));
}

/** What came, whatever became of it since. */
export const arrivedFiles = (flight: FlightItem) => flight.stored_count + flight.trashed_count + flight.deleted_count;

export const missingFiles = (flight: FlightItem) => (flight.expected_file_count === null ? null : Math.max(0, flight.expected_file_count - arrivedFiles(flight)));
