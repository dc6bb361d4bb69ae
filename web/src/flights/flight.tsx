// One flight: its state and figures, its map and its strip, which move together, and every file in it.
import { useQuery } from "@tanstack/react-query";
import { ChevronLeft, Download, Images, Lock, Share2 } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "wouter";
import type { DockItem, FlightItem, MediaItem, Schemas } from "../api/client";
import { docks, flight as flightQuery, mediaAll, mediaCounts } from "../api/queries";
import { downloadZip } from "../gallery/download";
import { isPictured } from "../gallery/picture";
import { PpkSet } from "../item/ppk";
import { t } from "../i18n";
import { HoldDialog } from "../keep/hold-dialog";
import { ShareDialog } from "../share/dialog";
import { useHere, useMay, useWsPath } from "../shell/context";
import { bytes, duration } from "../ui/format";
import { SiteZone, useTimes, ZoneNote } from "../ui/site";
import { TrackMenu } from "../item/track-menu";
import { isDamaged, isTroubled } from "../item/trouble";
import { Boundary, NoMap } from "../ui/boundary";
import { Await, CopyButton, Loading, Moment, Notice, State } from "../ui/parts";
import { FlightState, Prioritize } from "./flights";
import { beginning, deviceName, dockName, flightTitle, kindWords } from "./summary";
import { Anomalies } from "./anomalies";
import { Film } from "./film";
import { WhatToDo } from "./what-to-do";
import "../styles/flights.css";
import "../styles/gallery.css";

const FlightMap = lazy(() => import("../map/flight-map"));

export default function FlightPage({ id }: { id: string }) {
  const { ws } = useHere();
  const path = useWsPath();
  const query = useQuery(flightQuery(ws, id));
  const counts = useQuery(mediaCounts(ws, { flight_id: id }));
  const dockList = useQuery(docks(ws));
  // the facts above the map come at once: one that came later would move everything below it
  const loading = query.isPending || counts.isPending || dockList.isPending;
  return (
    <div className="page">
      <Link className="back" href={path("flights")}>
        <ChevronLeft className="icon" aria-hidden />
        {t.places.flights}
      </Link>
      {loading ? <Loading rows={3} height={120} /> : <Await query={query}>{() => query.data && <SiteZone zone={query.data.time_zone} found="flight"><Flight flight={query.data} counts={counts.data} docks={dockList.data?.items} /></SiteZone>}</Await>}
    </div>
  );
}

function Flight({ flight, counts, docks }: { flight: FlightItem; counts?: Schemas["MediaCountsItem"]; docks?: DockItem[] }) {
  const { dateTime } = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const files = useQuery(mediaAll(ws, { flight_id: flight.flight_id, status: "all" }));
  const items = useMemo(() => (files.data ?? []).toReversed(), [files.data]);
  const pictured = useMemo(() => items.filter(isPictured), [items]);
  const [current, setCurrent] = useState<string | null>(null);
  const may = useMay("operator");
  const [sharing, setSharing] = useState(false);
  const admin = useMay("admin");
  const [holding, setHolding] = useState(false);
  const { first_captured_at: first, last_captured_at: last } = flight;
  const seconds = first && last ? (Date.parse(last) - Date.parse(first)) / 1000 : null;
  const search = `?flight_id=${encodeURIComponent(flight.flight_id)}`;

  return (
    <div className="flight-page">
      <div className="page-head" style={{ marginBottom: 0 }}>
        <h1>{flightTitle(flight)}</h1>
        <span className="quiet"><Moment at={beginning(flight)}>{dateTime(beginning(flight))}</Moment> <ZoneNote at={beginning(flight)} short /></span>
        <span className="grow" />
        {flight.state !== "complete" && flight.gateway_sn && flight.source !== "pilot" && <Prioritize flight={flight} large />}
        {flight.stored_count > 0 && (
          <button className="button" onClick={() => void downloadZip(ws, { flight_id: flight.flight_id })}>
            <Download className="icon" aria-hidden />
            {t.download.flight}
          </button>
        )}
        {may && flight.stored_count > 0 && (
          <button className="button" onClick={() => setSharing(true)}>
            <Share2 className="icon" aria-hidden />
            {t.shares.share}
          </button>
        )}
        {admin && flight.stored_count > 0 && (
          <button className="button" onClick={() => setHolding(true)} title={t.holds.place}>
            <Lock className="icon" aria-hidden />
            {t.holds.short}
          </button>
        )}
        {first && <TrackMenu url={`/api/v1/workspaces/${encodeURIComponent(ws)}/flights/${encodeURIComponent(flight.flight_id)}/telemetry`} />}
        {holding && <HoldDialog on={{ flight_id: flight.flight_id }} what={t.holds.thisFlight} onClose={() => setHolding(false)} />}
        {sharing && <ShareDialog what={{ flight_id: flight.flight_id }} title={`${flightTitle(flight)}, ${dateTime(beginning(flight))}`} onClose={() => setSharing(false)} />}
        <Link className="button" href={path(`gallery${search}&kind=all`)}>
          <Images className="icon" aria-hidden />
          {t.flights.inGallery}
        </Link>
      </div>
      {flight.state === "stalled" && <WhatToDo flight={flight} dock={docks?.find((dock) => dock.sn === flight.gateway_sn)} />}
      <Anomalies flight={flight} />
      <dl className="flight-facts">
        <div><dt>{t.flights.state}</dt><dd><FlightState flight={flight} /></dd></div>
        <div>
          <dt>{flight.source === "pilot" ? t.flights.controller : t.flights.dock}</dt>
          <dd>{flight.gateway_sn && flight.source !== "pilot" ? <Link href={path(`docks/${encodeURIComponent(flight.gateway_sn)}`)}>{dockName(docks, flight.gateway_sn)}</Link> : deviceName(docks, flight.gateway_sn, flight.source)}</dd>
        </div>
        {seconds !== null && seconds > 0 && <div><dt>{t.flights.duration}</dt><dd>{duration(seconds)}</dd></div>}
        <div><dt>{t.flights.files}</dt><dd>{counts ? [...kindWords(counts.kinds), ...gone(flight)].join(" · ") || "0" : "–"}</dd></div>
        <div><dt>{t.flights.size}</dt><dd>{counts ? bytes(counts.size_bytes) : "–"}</dd></div>
        <div><dt>{t.flights.id}</dt><dd className="mono small break">{flight.flight_id} <CopyButton text={flight.flight_id} label={t.common.copyThat(t.flights.id)} /></dd></div>
      </dl>
      {flight.bbox ? (
        <Boundary fallback={<NoMap />}>
          <Suspense fallback={<div className="flight-map" />}>
            <FlightMap items={pictured} current={current} choose={setCurrent} bounds={grown(flight.bbox as [number, number, number, number])} />
          </Suspense>
        </Boundary>
      ) : (
        files.isSuccess && <p className="quiet">{t.flights.noPlace}</p>
      )}
      <Await query={files} loading={<div className="film skeleton" />}>
        {() =>
          items.length === 0 ? (
            flight.deleted_count > 0 ? <Notice title={t.flights.allDeleted(flight.deleted_count)}>{t.flights.allDeletedHelp}</Notice> : <Notice title={t.flights.noFiles}>{t.flights.noFilesHelp}</Notice>
          ) : (
            <>
              {pictured.length > 0 && <Film items={pictured} current={current} choose={setCurrent} link={(item) => path(`media/${item.id}${search}`)} />}
              {items.some((item) => item.kind === "ppk" || item.kind === "rtcm") && <PpkSet flightId={flight.flight_id} />}
              <FileTable items={items} link={(item) => path(`media/${item.id}${search}&kind=all`)} />
            </>
          )
        }
      </Await>
    </div>
  );
}

/** What is no longer listed. */
const gone = (flight: FlightItem) => [flight.trashed_count > 0 && t.flights.inTrash(flight.trashed_count), flight.deleted_count > 0 && t.flights.wereDeleted(flight.deleted_count)].filter((words) => words !== false);

/** A flight over one spot still gets a map that shows its surroundings. */
function grown([west, south, east, north]: [number, number, number, number]): [number, number, number, number] {
  const least = 0.0004;
  const grow = (low: number, high: number) => Math.max(0, (least - (high - low)) / 2);
  const x = grow(west, east);
  const y = grow(south, north);
  return [west - x, south - y, east + x, north + y];
}

const SHOWN = 50;

function FileTable({ items: every, link }: { items: MediaItem[]; link: (item: MediaItem) => string }) {
  const { clockSeconds } = useTimes();
  const [all, setAll] = useState(false);
  const [search, setSearch] = useSearchParams();
  const only = search.get("files") === "troubled";
  const troubled = every.filter(isTroubled);
  const items = only ? troubled : every;
  const shown = all ? items : items.slice(0, SHOWN);
  const ref = useRef<HTMLElement>(null);
  // whoever came for these files sees them
  useEffect(() => {
    if (only) ref.current?.scrollIntoView({ block: "start" });
  }, [only]);
  return (
    <section ref={ref}>
      <div className="page-head" style={{ margin: "8px 0" }}>
        <h2>{t.flights.allFiles}</h2>
        {(troubled.length > 0 || only) && (
          <button className="button slim" aria-pressed={only} onClick={() => setSearch(only ? {} : { files: "troubled" }, { replace: true })}>{t.flights.onlyTroubled(troubled.length)}</button>
        )}
      </div>
      <div className="table-wrap">
        <table className="table">
          <thead><tr><th>{t.item.name}</th><th className="wide-only">{t.item.kind}</th><th>{t.item.time}</th><th className="wide-only">{t.item.size}</th><th>{t.item.status}</th></tr></thead>
          <tbody>
            {shown.map((item) => (
              <tr key={item.id}>
                <td className="break"><Link href={link(item)}>{item.name}</Link></td>
                <td className="wide-only">{t.kinds.one[item.kind]}</td>
                <td className="num nowrap">{item.captured_at ? <Moment at={item.captured_at}>{clockSeconds(item.captured_at)}</Moment> : "–"}</td>
                <td className="num nowrap wide-only">{item.size_bytes === null ? "–" : bytes(item.size_bytes)}</td>
                <td>
                  <State tone={item.status !== "stored" ? "failed" : isDamaged(item) ? "attention" : "good"}>
                    {item.status === "stored" && isDamaged(item) ? t.item.damaged : t.item.statuses[item.status]}
                  </State>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!all && items.length > SHOWN && <button className="button" style={{ marginTop: 12 }} onClick={() => setAll(true)}>{t.flights.showAll(items.length)}</button>}
    </section>
  );
}
