// Why a flight stands still, as far as the dock's last conversation tells, and the steps that help.
import { useInfiniteQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { DockItem, FlightItem, TraceItem } from "../api/client";
import { trace } from "../api/queries";
import { methodWord } from "../docks/words";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { Moment } from "../ui/parts";
import { missingFiles } from "./summary";

const flightOf = (entry: TraceItem) => (entry.asked as { file?: { ext?: { flight_id?: unknown } } } | null)?.file?.ext?.flight_id;

/** The last refusal that concerns a flight: one of its own files, or one of a kind that was not granted since. */
export function lastRefusal(entries: TraceItem[], flightId: string): TraceItem | undefined {
  const granted = new Set<string | null>();
  for (const entry of entries) {
    if (entry.result === null || entry.direction !== "up") continue;
    const of = flightOf(entry);
    const about = of === undefined || of === flightId;
    if (entry.result !== 0 && about && !granted.has(entry.method)) return entry;
    if (entry.result === 0 && about) granted.add(entry.method);
  }
  return undefined;
}

function useRefusal(flight: FlightItem, enabled: boolean) {
  const { ws } = useHere();
  const sn = flight.gateway_sn;
  const talk = useInfiniteQuery({ ...trace(ws, sn ?? "", 50), enabled: enabled && sn !== null });
  return { refused: lastRefusal(talk.data?.pages[0]?.items ?? [], flight.flight_id), heard: sn === null || !talk.isPending };
}

/** In one line: what was refused, or where the files are. */
export function Reason({ flight, dock, enabled }: { flight: FlightItem; dock?: DockItem; enabled: boolean }) {
  const { refused, heard } = useRefusal(flight, enabled);
  let words: ReactNode = null;
  if (refused) words = <>{t.stalled.refused(methodWord(refused.method))} <Moment at={refused.at} />{refused.note && `: ${refused.note}`}</>;
  else if (dock && !dock.online) words = <>{t.stalled.offline} {dock.last_seen_at ? <Moment at={dock.last_seen_at} /> : t.docks.never}</>;
  else if (dock && (dock.remain_upload ?? 0) > 0) words = t.stalled.waits(dock.remain_upload ?? 0);
  else if (dock?.remain_upload === 0) words = t.stalled.nothing;
  return <p className="reason">{heard ? (words ?? t.stalled.unknown) : " "}</p>;
}

export function WhatToDo({ flight, dock, children }: { flight: FlightItem; dock?: DockItem; children?: ReactNode }) {
  const path = useWsPath();
  const isCrew = flight.source === "pilot";
  const sn = isCrew ? null : flight.gateway_sn;
  const { refused } = useRefusal(flight, !isCrew);
  const missing = missingFiles(flight);
  return (
    <div className="callout attention what-to-do">
      <TriangleAlert className="icon" aria-hidden />
      <div className="stack" style={{ gap: 8 }}>
        <p>
          {t.stalled.missing(missing)} <Moment at={flight.updated_at} />. {isCrew ? t.stalled.safeOnCard : t.stalled.safe}
        </p>
        {refused && (
          <p>
            {t.stalled.refused(methodWord(refused.method))} <Moment at={refused.at} />
            {refused.note ? `: ${refused.note}` : "."}
          </p>
        )}
        <ul className="steps">
          {isCrew && <li>{t.stalled.askCrew}</li>}
          {dock && !dock.online && (
            <li>
              {t.stalled.offline} {dock.last_seen_at ? <Moment at={dock.last_seen_at} /> : t.docks.never}. {t.stalled.offlineDo}
            </li>
          )}
          {dock?.online && (dock.remain_upload ?? 0) > 0 && <li>{t.stalled.waiting(dock.remain_upload ?? 0)}</li>}
          {dock?.online && dock.remain_upload === 0 && <li>{t.stalled.nothingWaits}</li>}
          {refused && <li>{t.stalled.clock}</li>}
        </ul>
        <div className="row">
          {children}
          {sn !== null && <Link href={path(`docks/${encodeURIComponent(sn)}`)}>{t.stalled.seeTrace}</Link>}
        </div>
      </div>
    </div>
  );
}
