// One field for what a person remembers: a day, a place, a dock, a flight's route, a part of a file's name. What the words can mean is
// listed below it; Enter takes the first.
import { useQuery } from "@tanstack/react-query";
import { CalendarDays, File, MapPin, PlaneTakeoff, Search, Warehouse, type LucideIcon } from "lucide-react";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useLocation, useSearchParams } from "wouter";
import type { DockItem } from "../api/client";
import { docks, flightsNamed } from "../api/queries";
import { beginning, dockName, flightTitle } from "../flights/summary";
import { t } from "../i18n";
import { coordinates, dateTime, day as dayWords, localDate, monthYear } from "../ui/format";
import { isTyping, useDismiss } from "../ui/parts";
import { useHere, useWsPath } from "./context";

type Meaning = { key: string; icon: LucideIcon; words: string; kind: string; to: string };

const PAUSE_MS = 200;

export function SearchBox() {
  const { ws } = useHere();
  const path = useWsPath();
  const [location, go] = useLocation();
  const [search] = useSearchParams();
  const asked = search.get("q") ?? "";
  const [text, setText] = useState(asked);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const list = useId();
  const ref = useDismiss(open, () => setOpen(false));
  // what is looked for is what the page shows
  useEffect(() => setText(asked), [location, asked]);

  const dockList = useQuery({ ...docks(ws), enabled: text !== "" }).data?.items;
  const paused = usePaused(text.trim());
  const flights = useQuery(flightsNamed(ws, paused)).data?.items;
  const meanings = useMemo<Meaning[]>(() => {
    const wanted = text.trim();
    if (!wanted) return [];
    const file = { key: "files", icon: File, words: `“${wanted}”`, kind: t.search.inNames, to: path(`gallery?q=${encodeURIComponent(wanted)}`) };
    const routes = paused === wanted ? (flights ?? []) : [];
    return [
      ...timeOf(wanted, path),
      ...placeOf(wanted, path),
      ...docksOf(wanted, dockList ?? [], true, path),
      file,
      ...docksOf(wanted, dockList ?? [], false, path),
      ...routes.map((flight) => ({
        key: flight.flight_id, icon: PlaneTakeoff, words: flightTitle(flight), kind: `${dockName(dockList, flight.gateway_sn)} · ${dateTime(beginning(flight))}`,
        to: path(`flights/${encodeURIComponent(flight.flight_id)}`),
      })),
    ];
  }, [text, paused, flights, dockList, path]);
  useEffect(() => setChosen(0), [text]);

  useEffect(() => {
    const focus = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "/" || isTyping(event)) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);

  const take = (meaning: Meaning | undefined) => {
    setOpen(false);
    go(meaning?.to ?? path("gallery"));
    input.current?.blur();
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || meanings.length === 0) return;
    event.preventDefault();
    setOpen(true);
    setChosen((chosen + step + meanings.length) % meanings.length);
  };
  const shown = open && meanings.length > 0;

  return (
    <form
      className="search" role="search"
      onSubmit={(event) => {
        event.preventDefault();
        take(meanings[chosen]);
      }}
    >
      <div ref={ref}>
        <Search className="icon" aria-hidden />
        <input
          ref={input} className="input" type="text" enterKeyHint="search" autoComplete="off" spellCheck={false} maxLength={256} placeholder={t.search.placeholder} aria-label={t.search.label}
          role="combobox" aria-expanded={shown} aria-autocomplete="list" aria-controls={shown ? list : undefined} aria-activedescendant={shown ? `${list}${chosen}` : undefined}
          value={text} onChange={(event) => (setText(event.target.value), setOpen(true))} onFocus={() => setOpen(true)} onKeyDown={press}
        />
        {!text && <kbd aria-hidden>/</kbd>}
        {shown && (
          <ul className="popover meanings" id={list} role="listbox" aria-label={t.search.meanings}>
            {meanings.map((one, n) => (
              <li key={one.key} id={`${list}${n}`} role="option" aria-selected={n === chosen} onPointerMove={() => setChosen(n)} onClick={() => take(one)}>
                <one.icon className="icon" aria-hidden />
                <span className="clip">{one.words}</span>
                <span className="quiet small clip">{one.kind}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </form>
  );
}

/** The text once nobody has typed for a moment. */
function usePaused(text: string): string {
  const [paused, setPaused] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), text ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [text]);
  return paused;
}

type Path = (rest: string) => string;

/** A day or a month: `2026-11-23`, `23.11.2026`, `23/11/2026`, `2026-11`, today, yesterday. */
function timeOf(text: string, path: Path): Meaning[] {
  const days = { [t.time.today.toLowerCase()]: 0, [t.time.yesterday.toLowerCase()]: 1 }[text.toLowerCase()];
  const iso = /^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?$/.exec(text);
  const european = /^(\d{1,2})[./](\d{1,2})[./](\d{4})$/.exec(text);
  const now = new Date();
  let from: Date;
  let whole = false;
  if (days !== undefined) from = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days);
  else if (iso) {
    whole = iso[3] === undefined;
    from = new Date(Number(iso[1]), Number(iso[2]) - 1, Number(iso[3] ?? 1));
    if (from.getMonth() !== Number(iso[2]) - 1) return [];
  } else if (european) {
    from = new Date(Number(european[3]), Number(european[2]) - 1, Number(european[1]));
    if (from.getMonth() !== Number(european[2]) - 1) return [];
  } else return [];
  const to = whole ? new Date(from.getFullYear(), from.getMonth() + 1, 0) : from;
  const words = whole ? monthYear(from) : dayWords(from);
  return [{ key: "time", icon: CalendarDays, words, kind: t.search.ofTime, to: path(`gallery?from=${localDate(from)}&to=${localDate(to)}`) }];
}

/** Latitude and longitude in degrees: who saw the spot. */
function placeOf(text: string, path: Path): Meaning[] {
  const found = /^(-?\d{1,2}\.\d+)\s*[,;\s]\s*(-?\d{1,3}\.\d+)$/.exec(text);
  const [lat, lng] = [Number(found?.[1]), Number(found?.[2])];
  if (!found || Math.abs(lat) > 90 || Math.abs(lng) > 180) return [];
  return [{ key: "place", icon: MapPin, words: coordinates(lat, lng), kind: t.map.seen.title, to: path(`map?seen=${lat},${lng}`) }];
}

const MOST_DOCKS = 4;

/** Docks of exactly this name or serial number, or those of which it is a part. */
function docksOf(text: string, items: DockItem[], exactly: boolean, path: Path): Meaning[] {
  const wanted = text.toLowerCase();
  const names = (dock: DockItem) => [dock.callsign ?? "", dock.sn].map((name) => name.toLowerCase());
  const fits = (dock: DockItem) => (names(dock).includes(wanted) ? exactly : !exactly && names(dock).some((name) => name.includes(wanted)));
  return items.filter(fits).slice(0, MOST_DOCKS).map((dock) => ({
    key: dock.sn, icon: Warehouse, words: dock.callsign ?? dock.sn, kind: t.search.ofDock, to: path(`gallery?gateway_sn=${encodeURIComponent(dock.sn)}`),
  }));
}
