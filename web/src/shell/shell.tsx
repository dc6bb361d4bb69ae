// What surrounds every page of a workspace: the rail, the bar with workspace, search and live state, and the keys.
import { useQuery } from "@tanstack/react-query";
import { BookImage, Images, Map as MapIcon, PlaneTakeoff, Settings, Warehouse, WifiOff, type LucideIcon } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import type { SessionItem } from "../api/client";
import { useLive, type Live } from "../api/live";
import { docks, flightCounts, workspaces } from "../api/queries";
import { t } from "../i18n";
import { useTimeLeft } from "../flights/time-left";
import { Dialog, isTyping, State } from "../ui/parts";
import { SiteZone, useTimes } from "../ui/site";
import { Account } from "./account";
import { HereContext, includes, wsPath, type Here } from "./context";
import { afterG, pressedG } from "./g";
import { SearchBox } from "./search";

type Place = { to: string; key: string; icon: LucideIcon; label: () => string; also?: string[] };
const places: Place[] = [
  { to: "flights", key: "f", icon: PlaneTakeoff, label: () => t.places.flights },
  { to: "gallery", key: "p", icon: Images, label: () => t.places.gallery, also: ["media", "trash"] },
  { to: "albums", key: "b", icon: BookImage, label: () => t.places.albums, also: ["shares"] },
  { to: "map", key: "m", icon: MapIcon, label: () => t.places.map },
  { to: "docks", key: "d", icon: Warehouse, label: () => t.places.docks },
];
const adminPlace: Place = { to: "admin", key: "a", icon: Settings, label: () => t.places.admin };

export function Shell({ ws, session, children }: { ws: string; session: SessionItem; children: ReactNode }) {
  const list = useQuery(workspaces);
  const own = list.data?.items.find((one) => one.name === ws || one.id === ws);
  const here = useMemo<Here>(() => ({ ws, session }), [ws, session]);
  const live = useLive(ws);
  const [path] = useLocation();
  const [keys, setKeys] = useState(false);
  const main = useRef<HTMLElement>(null);
  const section = path.split("/")[3] ?? "";
  const shown = includes(session, "admin") ? [...places, adminPlace] : places;
  useKeys(ws, shown, () => setKeys(true));

  const name = ({ trash: t.trash.title, shares: t.shares.title } as Record<string, string>)[section] ?? shown.find((place) => place.to === section || place.also?.includes(section))?.label();
  useEffect(() => {
    document.title = [name, ws, "Eyrie"].filter(Boolean).join(" · ");
  }, [name, ws]);

  // a new page begins at its top, and is read from there; a page that keeps its own place (the gallery) sets it afterwards
  useEffect(() => {
    main.current?.scrollTo({ top: 0 });
  }, [path]);

  return (
    <HereContext value={here}>
      <SiteZone zone={own?.time_zone} found="workspace">
        <a className="skip button" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
          {t.common.skip}
        </a>
        <div className="shell">
          <nav className="rail" aria-label={t.places.label}>
            <span className="mark">
              <img src="/icon.svg" alt="Eyrie" />
            </span>
            {shown.map((place) => {
              const current = section === place.to || place.also?.includes(section);
              return (
                <Link key={place.to} className="place" href={wsPath(ws, place.to)} aria-current={current ? "page" : undefined}>
                  <place.icon className="icon" aria-hidden />
                  <span>{place.label()}</span>
                </Link>
              );
            })}
          </nav>
          <header className="top">
            <WorkspaceSwitch ws={ws} />
            <SearchBox />
            <LiveState live={live} ws={ws} />
            <Account onKeys={() => setKeys(true)} />
          </header>
          <main id="main" ref={main} tabIndex={-1} className={`main${section === "media" || section === "map" ? " full" : ""}`}>
            {/* days are those of the site, so nothing is laid out before its zone is known */}
            {!list.isPending && children}
          </main>
        </div>
        <Lost live={live} />
        {keys && <Keys places={shown} onClose={() => setKeys(false)} />}
      </SiteZone>
    </HereContext>
  );
}

function WorkspaceSwitch({ ws }: { ws: string }) {
  const list = useQuery(workspaces);
  const [, go] = useLocation();
  const items = list.data?.items ?? [];
  if (items.length < 2) return <span className="workspace-name clip">{ws}</span>;
  return (
    <select className="select workspace" aria-label={t.places.workspace} value={ws} onChange={(event) => go(wsPath(event.target.value, "flights"))}>
      {!items.some((one) => one.name === ws) && <option>{ws}</option>}
      {items.map((one) => (
        <option key={one.id}>{one.name}</option>
      ))}
    </select>
  );
}

/** "2 docks uploading, 14 files left", or that nothing is told at present. */
function LiveState({ live, ws }: { live: Live; ws: string }) {
  const counts = useQuery(flightCounts(ws)).data;
  const online = useQuery({ ...docks(ws), refetchInterval: 15_000 });
  const busy = counts?.uploading_gateways ?? 0;
  const timeLeft = useTimeLeft(`${ws}: all`, busy > 0 ? (counts?.files_left ?? null) : null);
  if (live === "lost") return <div className="live" role="status"><State tone="attention"><span className="words">{t.live.lost}</span></State></div>;
  const heard = online.data?.items.filter((dock) => dock.online).length ?? 0;
  return (
    <div className="live" role="status">
      {busy > 0 ? (
        <State tone="working"><span className="words">{t.live.uploading(busy, counts?.files_left ?? 0)}{timeLeft && <span title={t.flights.timeLeftHelp}>, {timeLeft}</span>}</span></State>
      ) : (
        <span className="words">{online.data ? t.live.docksOnline(heard, online.data.items.length) : ""}</span>
      )}
    </div>
  );
}

const PATIENCE_MS = 2_000;

/** What is on the page stays, with the time from which it is. */
function Lost({ live }: { live: Live }) {
  const { clock } = useTimes();
  const [since, setSince] = useState<Date | null>(null);
  useEffect(() => {
    if (live !== "lost") return setSince(null);
    const at = new Date();
    const timer = setTimeout(() => setSince(at), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [live]);
  if (!since) return null;
  return (
    <p className="lost" role="status">
      <WifiOff className="icon" aria-hidden />
      {t.live.shownIsFrom(clock(since))}
    </p>
  );
}

function useKeys(ws: string, shown: Place[], showKeys: () => void) {
  const [, go] = useLocation();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      if (event.key === "?") return showKeys();
      if (event.key === "g") return pressedG();
      const place = afterG() && shown.find((one) => one.key === event.key);
      if (place) {
        event.preventDefault();
        go(wsPath(ws, place.to));
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
}

function Keys({ places: shown, onClose }: { places: Place[]; onClose: () => void }) {
  return (
    <Dialog title={t.keys.title} onClose={onClose}>
      <dl className="keys">
        {shown.map((place) => (
          <KeyRow key={place.key} keys={["g", place.key]} text={place.label()} />
        ))}
        {t.keys.list.map(([keys, text]) => (
          <KeyRow key={text} keys={keys.split(" ")} text={text} />
        ))}
      </dl>
      <div className="actions">
        <button className="button" onClick={onClose}>{t.common.close}</button>
      </div>
    </Dialog>
  );
}

function KeyRow({ keys, text }: { keys: string[]; text: string }) {
  return (
    <>
      <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
      <dd>{text}</dd>
    </>
  );
}
