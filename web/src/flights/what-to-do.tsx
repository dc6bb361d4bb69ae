// Why a flight stands still, as far as the dock's last conversation tells, and the steps that help.
import { useInfiniteQuery } from "@tanstack/react-query";
import { TriangleAlert } from "lucide-react";
import { Link } from "wouter";
import type { DockItem, FlightItem } from "../api/client";
import { trace } from "../api/queries";
import { methodWord } from "../docks/words";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { Moment } from "../ui/parts";
import { missingFiles } from "./summary";

export function WhatToDo({ flight, dock }: { flight: FlightItem; dock?: DockItem }) {
  const { ws } = useHere();
  const path = useWsPath();
  const isCrew = flight.source === "pilot";
  const sn = isCrew ? null : flight.gateway_sn;
  const talk = useInfiniteQuery({ ...trace(ws, sn ?? "", 50), enabled: sn !== null });
  const entries = talk.data?.pages[0]?.items ?? [];
  const refused = entries.find((entry) => entry.result !== null && entry.result !== 0);
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
        {sn !== null && <p><Link href={path(`docks/${encodeURIComponent(sn)}`)}>{t.stalled.seeTrace}</Link></p>}
      </div>
    </div>
  );
}
