// What surrounds every page of a workspace: the rail, the bar with workspace, search and live state, and the keys.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { BookImage, Images, Map as MapIcon, PlaneTakeoff, Search, Settings, Warehouse, type LucideIcon } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import type { SessionItem } from "../api/client";
import { useLive, type Live } from "../api/live";
import { docks, flights, workspaces } from "../api/queries";
import { missingFiles } from "../flights/summary";
import { t } from "../i18n";
import { Dialog, isTyping, State } from "../ui/parts";
import { Account } from "./account";
import { HereContext, includes, useWsPath, wsPath, type Here } from "./context";

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
          {children}
        </main>
      </div>
      {keys && <Keys places={shown} onClose={() => setKeys(false)} />}
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

function SearchBox() {
  const path = useWsPath();
  const [location, go] = useLocation();
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (!location.includes("/gallery")) setText("");
  }, [location]);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || isTyping(event)) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  return (
    <form
      className="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        go(path(text.trim() ? `gallery?q=${encodeURIComponent(text.trim())}` : "gallery"));
        input.current?.blur();
      }}
    >
      <Search className="icon" aria-hidden />
      <input ref={input} className="input" type="search" maxLength={256} placeholder={t.search.placeholder} aria-label={t.search.label} value={text} onChange={(event) => setText(event.target.value)} />
      {!text && <kbd aria-hidden>/</kbd>}
    </form>
  );
}

/** "2 docks uploading, 14 files left", or that nothing is told at present. */
function LiveState({ live, ws }: { live: Live; ws: string }) {
  const list = useInfiniteQuery(flights(ws));
  const online = useQuery({ ...docks(ws), refetchInterval: 15_000 });
  if (live === "lost") return <div className="live" role="status"><State tone="attention"><span className="words">{t.live.lost}</span></State></div>;
  const uploading = list.data?.pages[0]?.items.filter((flight) => flight.state === "uploading") ?? [];
  const left = uploading.reduce((sum, flight) => sum + (missingFiles(flight) ?? 0), 0);
  const busy = new Set(uploading.map((flight) => flight.gateway_sn)).size;
  const heard = online.data?.items.filter((dock) => dock.online).length ?? 0;
  return (
    <div className="live" role="status">
      {busy > 0 ? (
        <State tone="working"><span className="words">{t.live.uploading(busy, left)}</span></State>
      ) : (
        <span className="words">{online.data ? t.live.docksOnline(heard, online.data.items.length) : ""}</span>
      )}
    </div>
  );
}

function useKeys(ws: string, shown: Place[], showKeys: () => void) {
  const [, go] = useLocation();
  useEffect(() => {
    let waiting = 0;
    const press = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      if (event.key === "?") return showKeys();
      if (event.key === "g") {
        waiting = Date.now();
        return;
      }
      const place = Date.now() - waiting < 1_500 && shown.find((one) => one.key === event.key);
      waiting = 0;
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
