// The morning page: every flight, whether it is complete, and what to do when it is not.
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { ArrowUpToLine, PlaneTakeoff } from "lucide-react";
import { Fragment, lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { api, ok, type DockItem, type FlightItem } from "../api/client";
import { controllers, docks, flightCounts, flights, mediaCounts, mediaPage, type FlightFilter } from "../api/queries";
import { ALL_OF, DeviceOptions } from "../docks/device-options";
import { Picture } from "../gallery/picture";
import { t } from "../i18n";
import { useHere, useMay, useWsPath } from "../shell/context";
import { bytes, duration } from "../ui/format";
import { SiteZone, useTimes, ZoneNote } from "../ui/site";
import type { Times } from "../ui/times";
import { Await, Bar, Loading, Moment, Notice, State, toast, useTick, Working } from "../ui/parts";
import { arrivedFiles, beginning, deviceName, flightTitle, flightTone, kindWords, missingFiles } from "./summary";
import { Anomalies } from "./anomalies";
import { TimeLeft } from "./time-left";
import { Reason, WhatToDo } from "./what-to-do";
import "../styles/flights.css";
import "../styles/gallery.css";

const FirstSteps = lazy(() => import("../admin/start"));

const STATES = ["uploading", "stalled", "complete"] as const;
const SOURCES = ["dock", "pilot", "import"] as const;
const WORDS = ["gateway_sn", "source", "state", "day", "q"] as const;

export function Flights() {
  const times = useTimes();
  const { localDate, relativeDay } = times;
  const { ws } = useHere();
  const [search, setSearch] = useSearchParams();
  const address = search.toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(address), times), [address, times]);
  const query = useInfiniteQuery(flights(ws, filter));
  const counts = useQuery(flightCounts(ws));
  const dockList = useQuery(docks(ws));
  const crews = useQuery(controllers(ws)).data?.items ?? [];
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  useTick(30_000);

  const filtered = WORDS.some((word) => search.get(word));
  const set = (word: (typeof WORDS)[number], value: string) => {
    const next = new URLSearchParams(search);
    if (value) next.set(word, value);
    else next.delete(word);
    setSearch(next);
  };
  const choose = (value: string) => {
    const next = new URLSearchParams(search);
    next.delete("gateway_sn");
    next.delete("source");
    if (value.startsWith(ALL_OF)) next.set("source", value.slice(ALL_OF.length));
    else if (value) next.set("gateway_sn", value);
    setSearch(next);
  };
  // of all flights, not of those that are shown
  const { stalled = 0, uploading = 0 } = counts.data ?? {};

  return (
    <div className="page flights">
      <div className="page-head">
        <h1>{t.places.flights}</h1>
        {counts.isSuccess && (filtered || items.length > 0) && (
          <span className="verdict">
            {stalled > 0 && <button className="plain-link" aria-pressed={filter.state === "stalled"} onClick={() => set("state", filter.state === "stalled" ? "" : "stalled")}><State pill tone="attention">{t.flights.needAttention(stalled)}</State></button>}
            {uploading > 0 && <button className="plain-link" aria-pressed={filter.state === "uploading"} onClick={() => set("state", filter.state === "uploading" ? "" : "uploading")}><State pill tone="working">{t.flights.areUploading(uploading)}</State></button>}
            {stalled + uploading === 0 && <State pill tone="good">{t.flights.allComplete}</State>}
          </span>
        )}
        <span className="grow" />
        <ZoneNote />
        <span className="narrow">
          <input className="input" type="date" aria-label={t.flights.day} title={t.flights.day} value={search.get("day") ?? ""} max={localDate(new Date())} onChange={(event) => set("day", event.target.value)} />
          <select className="select" aria-label={t.flights.state} value={filter.state ?? ""} onChange={(event) => set("state", event.target.value)}>
            <option value="">{t.flights.anyState}</option>
            {STATES.map((state) => <option key={state} value={state}>{t.flights.states[state]}</option>)}
          </select>
          {(dockList.data?.items.length ?? 0) + crews.length > 1 && (
            <select className="select" aria-label={t.filters.device} value={filter.source ? ALL_OF + filter.source : (filter.gateway_sn ?? "")} onChange={(event) => choose(event.target.value)}>
              <option value="">{t.filters.allDevices}</option>
              <DeviceOptions docks={dockList.data?.items ?? []} controllers={crews} whole />
            </select>
          )}
        </span>
      </div>
      <Await query={query} loading={<Loading rows={5} height={132} />}>
        {() =>
          items.length === 0 ? (
            <Empty filtered={filtered} drop={() => setSearch({})} hasDocks={(dockList.data?.items.length ?? 0) > 0} />
          ) : (
            <>
              <ol className="flight-list">
                {items.map((flight, n) => {
                  const day = relativeDay(beginning(flight));
                  const before = items[n - 1];
                  const newDay = !before || localDate(beginning(before)) !== localDate(beginning(flight));
                  return (
                    <Fragment key={flight.flight_id}>
                      {newDay && <li className="day-head"><h2>{day}</h2></li>}
                      <FlightRow flight={flight} docks={dockList.data?.items} page={times} />
                    </Fragment>
                  );
                })}
              </ol>
              {query.hasNextPage && (
                <More busy={query.isFetchingNextPage} load={() => void query.fetchNextPage()} />
              )}
            </>
          )
        }
      </Await>
    </div>
  );
}

function filterOf(search: URLSearchParams, { momentOf }: Times): FlightFilter {
  const day = search.get("day") ?? "";
  return {
    gateway_sn: search.get("gateway_sn") || undefined,
    source: SOURCES.find((source) => source === search.get("source")),
    state: STATES.find((state) => state === search.get("state")),
    from: momentOf(day, 0),
    to: momentOf(day, 1),
    q: search.get("q") || undefined,
  };
}

function Empty({ filtered, drop, hasDocks }: { filtered: boolean; drop: () => void; hasDocks: boolean }) {
  const path = useWsPath();
  const admin = useMay("admin");
  if (filtered) return <Notice icon={PlaneTakeoff} title={t.flights.noneFiltered} action={<button className="button" onClick={drop}>{t.filters.dropAll}</button>} />;
  if (admin) {
    return (
      <>
        <Notice icon={PlaneTakeoff} title={t.flights.none}>{t.flights.noneHelp}</Notice>
        <Suspense fallback={<Loading rows={4} height={72} />}><FirstSteps /></Suspense>
      </>
    );
  }
  return (
    <Notice
      icon={PlaneTakeoff}
      title={t.flights.none}
      action={<Link className="button primary" href={path("docks")}>{hasDocks ? t.flights.noneSeeDocks : t.flights.noneAddDock}</Link>}
    >
      {hasDocks ? t.flights.noneHelp : t.flights.noneHelpNoDock}
    </Notice>
  );
}

/** Reads on when it comes into sight, and by a press. */
export function More({ busy, load }: { busy: boolean; load: () => void }) {
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && load(), { rootMargin: "600px" });
    if (ref.current) watch.observe(ref.current);
    return () => watch.disconnect();
  });
  return (
    <div style={{ display: "grid", placeItems: "center", padding: 24 }}>
      <button ref={ref} className="button" disabled={busy} onClick={load}>
        {busy && <Working />}
        {t.common.more}
      </button>
    </div>
  );
}

const STRIP = 12;

type RowProps = { flight: FlightItem; docks?: DockItem[]; page: Times };
/** `page`: the times of the list; a flight of another zone has its own, and says so. */
function FlightRow(props: RowProps) {
  return <SiteZone zone={props.flight.time_zone} found="flight"><Row {...props} /></SiteZone>;
}

function Row({ flight, docks: dockList, page }: RowProps) {
  const { clock } = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const [seen, ref] = useSeen<HTMLLIElement>();
  const [help, setHelp] = useState(false);
  const counts = useQuery({ ...mediaCounts(ws, { flight_id: flight.flight_id }), enabled: seen });
  const strip = useQuery({ ...mediaPage(ws, { flight_id: flight.flight_id, kind: "photo,video,panorama,thermal" }, STRIP), enabled: seen });
  const href = path(`flights/${encodeURIComponent(flight.flight_id)}`);
  const dock = dockList?.find((one) => one.sn === flight.gateway_sn);
  const start = beginning(flight);
  const seconds = flight.first_captured_at && flight.last_captured_at ? (Date.parse(flight.last_captured_at) - Date.parse(flight.first_captured_at)) / 1000 : null;
  const pictured = counts.data?.kinds.filter((one) => ["photo", "video", "panorama", "thermal"].includes(one.kind)).reduce((sum, one) => sum + one.count, 0) ?? 0;

  return (
    <li className="flight" ref={ref} data-flight={flight.flight_id}>
      <div className="line">
        <div className="began">
          <Moment at={start}><span className="clock">{clock(start)}</span></Moment>
          {clock(start) !== page.clock(start) && <ZoneNote at={start} short />}
        </div>
        <div className="who">
          <h3><Link href={href}>{flightTitle(flight)}</Link></h3>
          <span className="quiet of">
            <span className="clip">{deviceName(dockList, flight.gateway_sn, flight.source)}</span>
            {seconds !== null && seconds > 0 && <span className="num nowrap">· {duration(seconds)}</span>}
          </span>
        </div>
        <FlightState flight={flight} />
        <div className="counts num quiet">
          {counts.data && counts.data.total > 0 ? [...kindWords(counts.data.kinds), bytes(counts.data.size_bytes)].join(" · ") : " "}
        </div>
        <div className="do">
          {flight.state === "uploading" && flight.gateway_sn && flight.source !== "pilot" && <Prioritize flight={flight} />}
          {flight.state === "stalled" && (
            <button className="button slim" aria-expanded={help} onClick={() => setHelp(!help)}>{t.flights.whatToDo}</button>
          )}
        </div>
      </div>
      <Anomalies flight={flight} />
      {flight.state === "stalled" && !help && <Reason flight={flight} dock={dock} enabled={seen} />}
      {help && <WhatToDo flight={flight} dock={dock}>{flight.gateway_sn && <Prioritize flight={flight} />}</WhatToDo>}
      <div className={`strip${strip.data?.items.length === 0 ? " none" : ""}`} role="group" aria-label={t.flights.strip}>
        {strip.data?.items.toReversed().map((item) => (
          <Link key={item.id} href={path(`media/${item.id}?flight_id=${encodeURIComponent(flight.flight_id)}`)} className="frame" aria-label={item.name}>
            <Picture ws={ws} item={item} bare />
          </Link>
        ))}
        {strip.isPending && Array.from({ length: Math.min(STRIP, Math.max(1, flight.stored_count)) }, (_, n) => <span key={n} className="frame skeleton" />)}
        {pictured > STRIP && <Link className="rest num" href={href}>+{pictured - STRIP}</Link>}
        {strip.data?.items.length === 0 && <span className="quiet small empty">{t.flights.noPictures}</span>}
      </div>
    </li>
  );
}

export function FlightState({ flight }: { flight: FlightItem }) {
  const missing = missingFiles(flight);
  const expected = flight.expected_file_count;
  return (
    <div className="flight-state">
      <State tone={flightTone[flight.state]}>{t.flights.states[flight.state]}</State>
      {flight.state === "complete" ? (
        <span className="quiet num small">{t.flights.filesStored(flight.stored_count)}</span>
      ) : (
        <>
          <span className="num small quiet">
            {expected === null ? t.flights.storedUnknown(arrivedFiles(flight)) : t.flights.storedOf(arrivedFiles(flight), expected)}
            {flight.state === "uploading" && missing !== null && <TimeLeft of={flight.flight_id} left={missing} />}
          </span>
          {flight.state === "uploading" && expected !== null && <Bar done={arrivedFiles(flight)} total={expected} label={t.flights.progress} />}
          {flight.state === "stalled" && <span className="small quiet">{t.flights.stalled(missing)} <Moment at={flight.updated_at} /></span>}
        </>
      )}
    </div>
  );
}

export function Prioritize({ flight, large }: { flight: FlightItem; large?: boolean }) {
  const { ws } = useHere();
  const may = useMay("operator");
  const first = useMutation({
    mutationFn: () =>
      ok(api.POST("/api/v1/workspaces/{ws}/flights/{flight_id}/prioritize", { params: { path: { ws, flight_id: flight.flight_id } } })),
    onSuccess: () => toast(t.flights.prioritizeAsked),
    onError: (error) => toast(t.flights.prioritizeFailed(error.message)),
  });
  if (!may) return null;
  if (flight.prioritized_at) return <span className="quiet small">{t.flights.isFirst}</span>;
  return (
    <button className={large ? "button" : "button slim"} disabled={first.isPending || first.isSuccess} onClick={() => first.mutate()} title={t.flights.prioritizeHelp}>
      {first.isPending ? <Working /> : <ArrowUpToLine className="icon" aria-hidden />}
      {t.flights.prioritize}
    </button>
  );
}

/** True once an element came near the window. */
function useSeen<T extends Element>() {
  const [seen, setSeen] = useState(false);
  const ref = useRef<T>(null);
  useEffect(() => {
    if (seen || !ref.current) return;
    const watch = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setSeen(true), { rootMargin: "300px" });
    watch.observe(ref.current);
    return () => watch.disconnect();
  }, [seen]);
  return [seen, ref] as const;
}
