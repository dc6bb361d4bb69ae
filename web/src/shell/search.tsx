// One field for what a person remembers: a day, a place, a dock, a flight's route, a part of a file's name. What the words can mean is
// listed below it; Enter takes the first.
import { useQuery } from "@tanstack/react-query";
import { CalendarDays, Eye, File, Images, MapPin, PlaneTakeoff, Search, Warehouse, type LucideIcon } from "lucide-react";
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { useLocation, useSearchParams } from "wouter";
import type { DockItem } from "../api/client";
import { docks, flightsNamed } from "../api/queries";
import { beginning, dockName, flightTitle } from "../flights/summary";
import { t } from "../i18n";
import { coordinates } from "../ui/format";
import { isTyping, useDismiss } from "../ui/parts";
import { useTimes } from "../ui/site";
import { timesIn, type Times } from "../ui/times";
import { useHere, useWsPath } from "./context";
import { around, placeIn } from "./coordinates";

type Meaning = { key: string; icon: LucideIcon; words: string; kind: string; to: string };

const PAUSE_MS = 200;

export function SearchBox() {
  const times = useTimes();
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
      ...timeOf(wanted, path, times),
      ...placeOf(wanted, path),
      ...docksOf(wanted, dockList ?? [], true, path),
      file,
      ...docksOf(wanted, dockList ?? [], false, path),
      ...routes.map((flight) => ({
        key: flight.flight_id, icon: PlaneTakeoff, words: flightTitle(flight), kind: `${dockName(dockList, flight.gateway_sn)} · ${timesIn(flight.time_zone ?? times.zone).dateTime(beginning(flight))}`,
        to: path(`flights/${encodeURIComponent(flight.flight_id)}`),
      })),
    ];
  }, [text, paused, flights, dockList, path, times]);
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
function timeOf(text: string, path: Path, { day, localDate, momentOf, monthYear }: Times): Meaning[] {
  const back = { [t.time.today.toLowerCase()]: 0, [t.time.yesterday.toLowerCase()]: 1 }[text.toLowerCase()];
  const iso = /^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?$/.exec(text);
  const european = /^(\d{1,2})[./](\d{1,2})[./](\d{4})$/.exec(text);
  // days as days of UTC: a day is the same day in every zone
  let from: Date;
  if (back !== undefined) from = new Date(Date.parse(localDate(new Date())) - back * DAY_MS);
  else if (iso) from = utc(iso[1], iso[2], iso[3] ?? "1");
  else if (european) from = utc(european[3], european[2], european[1]);
  else return [];
  const [, year, month, date] = iso ?? (european ? [null, european[3], european[2], european[1]] : []);
  // 31 February is no day
  if (month !== undefined && (from.getUTCMonth() !== Number(month) - 1 || from.getUTCFullYear() !== Number(year))) return [];
  const whole = iso !== null && date === undefined;
  const to = whole ? new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + 1, 0)) : from;
  const start = momentOf(iso8601(from), 0) ?? from;
  return [{ key: "time", icon: CalendarDays, words: whole ? monthYear(start) : day(start), kind: t.search.ofTime, to: path(`gallery?from=${iso8601(from)}&to=${iso8601(to)}`) }];
}

const DAY_MS = 86_400_000;
const utc = (...[year, month, day]: (string | undefined)[]) => new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
const iso8601 = (day: Date) => day.toISOString().slice(0, 10);

/** Who saw the spot, the map there, and what was taken there. */
function placeOf(text: string, path: Path): Meaning[] {
  const place = placeIn(text);
  if (!place) return [];
  const words = coordinates(place.lat, place.lng);
  const here = [place.lat, place.lng].map((one) => Number(one.toFixed(7)));
  return [
    { key: "place", icon: Eye, words, kind: t.map.seen.title, to: path(`map?seen=${here.join()}`) },
    { key: "map", icon: MapPin, words, kind: t.search.onMap, to: path(`map?view=${here.join()},${NEAR_ZOOM}`) },
    { key: "around", icon: Images, words, kind: t.search.takenNear(NEAR_M), to: path(`gallery?bbox=${around(place, NEAR_M).map((one) => one.toFixed(6)).join()}`) },
  ];
}

const NEAR_ZOOM = 16;
const NEAR_M = 200;
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
