// The place whose time a page shows: that of the flight, the dock or the file that is open, else that of the workspace's docks, else the
// browser's own.
import { createContext, useContext, useMemo, type ReactNode } from "react";
import { t } from "../i18n";
import { browserZone, isZone, timesIn, type Times } from "./times";

export type Found = "file" | "flight" | "dock" | "workspace" | "browser";
type Site = { zone: string; found: Found };
const SiteContext = createContext<Site>({ zone: browserZone, found: "browser" });

/** What is inside shows times of `zone`; without one, those of what surrounds it. */
export function SiteZone({ zone, found, children }: { zone: string | null | undefined; found: Found; children: ReactNode }) {
  const around = useContext(SiteContext);
  const site = useMemo(() => (zone && isZone(zone) ? { zone, found } : around), [zone, found, around]);
  return <SiteContext value={site}>{children}</SiteContext>;
}

export const useTimes = (): Times => timesIn(useContext(SiteContext).zone);

/** "Times in CET", or "CET" behind a time, once a page; how the zone was found on hover. */
export function ZoneNote({ at, short }: { at?: string; short?: boolean }) {
  const { zone, found } = useContext(SiteContext);
  const name = timesIn(zone).zoneName(at);
  return <span className="quiet small nowrap zone-note" title={`${zone}: ${t.time.found[found]}`} data-zone={zone}>{short ? name : t.time.zone(name)}</span>;
}
