// One file: the picture or video large, what is known of it in words, its neighbours in time.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { BookImage, ChevronLeft, ChevronRight, Columns2, Download, Info, Link2, Share2, Trash2, X } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation, useSearch } from "wouter";
import { mediaUrl, Refusal, type MediaDetail, type MediaItem } from "../api/client";
import { flight, media, mediaAll, mediaPage } from "../api/queries";
import { telemetry } from "../api/telemetry";
import { dayFilter, filterOf, filterSearch, isFiltered, useDays, type Day } from "../gallery/days";
import { byCamera } from "../gallery/fold";
import { useTrash } from "../gallery/gallery";
import { isPictured, Picture } from "../gallery/picture";
import { t } from "../i18n";
import { ChooseAlbum } from "../albums/choose";
import { ShareDialog } from "../share/dialog";
import { useHere, useMay, useWsPath } from "../shell/context";
import { afterG } from "../shell/g";
import { Boundary, NoMap } from "../ui/boundary";
import { copy, Failure, isTyping, toast } from "../ui/parts";
import { SiteZone, useTimes } from "../ui/site";
import { Facts } from "./facts";
import { NoPicture, Photo } from "./photo";
import { Charts } from "./charts";
import { cameraWord, Compare } from "./compare";
import { PpkSet } from "./ppk";
import { Readout } from "./readout";
import { SamePlace, useSamePlace } from "./same-place";
import { TrackMenu } from "./track-menu";
import { Video, type Seek } from "./video";
import "../styles/item.css";
import "../styles/gallery.css";

const Sphere = lazy(() => import("./sphere"));
const SmallMap = lazy(() => import("../map/small"));
const TrackMap = lazy(() => import("../map/track-map"));

export default function Item({ id }: { id: string }) {
  const { ws } = useHere();
  const path = useWsPath();
  const may = useMay("operator");
  const client = useQueryClient();
  const [, go] = useLocation();
  const address = useSearch();
  const query = useQuery(media(ws, id));
  const trash = useTrash(ws);
  const [panel, setPanel] = useState(() => matchMedia("(min-width: 900px)").matches);
  const item = query.data;
  const track = useQuery(telemetry(ws, id, item?.kind === "video" && item.status === "stored")).data;
  // a file without a position was taken where its flight was
  const flown = useQuery({ ...flight(ws, item?.flight_id ?? ""), enabled: Boolean(item?.flight_id) }).data;
  const trigger = useTrigger(item);
  const place = useSamePlace(item);
  // a subtitle file is a track by itself
  const hasTrack = Boolean(track) || (item?.kind === "subtitle" && item.status === "stored");
  const copyLink = () => void copy(location.href).then((done) => toast(done ? t.item.linkCopied : t.item.linkNotCopied));
  const [time, setTime] = useState(0);
  const seek: Seek = useRef(null);
  useEffect(() => setTime(0), [id]);
  // a link to a moment of a video: who saw a spot, and when
  const moment = Number(new URLSearchParams(address).get("t"));
  useEffect(() => {
    if (item?.kind === "video" && moment > 0) seek.current?.(moment);
  }, [item?.id, item?.kind, moment]);
  const { list, before, after, ready } = useNeighbours(ws, item, address);
  // a key that is pressed before the neighbours are known counts when they are
  const wanted = useRef<"before" | "after" | null>(null);

  const search = useMemo(() => new URLSearchParams(address), [address]);
  const keep = filterSearch(search);
  const [dialog, setDialog] = useState<"share" | "album" | null>(null);
  const to = useCallback((next: MediaItem | undefined, replace = true) => next && go(path(`media/${next.id}${keep}`), { replace }), [go, path, keep]);
  // the picture that is compared with is in the address, like all that is open
  const other = search.get("with");
  const compared = other === null || other === id ? undefined : (trigger.find((one) => one.id === other) ?? place?.items.find(({ media }) => media.id === other)?.media);
  const compare = useCallback(
    (next: MediaItem | null) => go(path(`media/${id}${next ? `${keep}${keep ? "&" : "?"}with=${next.id}` : keep}`), { replace: true }),
    [go, path, id, keep],
  );
  const candidate = trigger.find((one) => one.id !== id) ?? place?.items[0]?.media;
  const flightOnly = search.get("flight_id") && FLIGHT_ONLY.test(keep);
  const close = useCallback(() => {
    if (flightOnly) go(path(`flights/${encodeURIComponent(search.get("flight_id") ?? "")}`));
    else if (search.get("album_id")) go(path(`albums/${search.get("album_id")}`));
    else go(path(`gallery${keep}`));
  }, [flightOnly, go, path, keep, search]);

  const remove = useCallback(() => {
    if (!item || !may) return;
    void trash([item]).then(() => {
      void client.removeQueries({ queryKey: [ws, "item", item.id] });
      if (after ?? before) to(after ?? before);
      else close();
    });
  }, [item, may, trash, client, ws, after, before, to, close]);

  useEffect(() => {
    if (!ready || !wanted.current) return;
    const next = wanted.current === "before" ? before : after;
    wanted.current = null;
    to(next);
  }, [ready, before, after, to]);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isTyping(event) || afterG() || (event.target instanceof HTMLElement && event.target.closest(".maplibregl-map"))) return;
      const video = event.target instanceof HTMLVideoElement;
      const acts: Record<string, (() => void) | undefined> = {
        ArrowLeft: video ? undefined : () => (ready ? to(before) : (wanted.current = "before")),
        ArrowRight: video ? undefined : () => (ready ? to(after) : (wanted.current = "after")),
        Escape: compared ? () => compare(null) : close,
        c: compared ? () => compare(null) : candidate && (() => compare(candidate)),
        s: trigger.length > 1 ? () => to(trigger[(trigger.findIndex((one) => one.id === id) + 1) % trigger.length]) : undefined,
        i: () => setPanel((open) => !open),
        l: may && item?.status === "stored" ? () => setDialog("album") : undefined,
        d: () => item && document.getElementById("download")?.click(),
        Delete: remove,
      };
      const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });

  // the neighbours' pictures are there before one goes to them
  useEffect(() => {
    for (const next of [after, before]) if (next && isPictured(next) && next.kind !== "video") new Image().src = mediaUrl(ws, next.id, "preview");
  }, [after, before, ws]);

  if (query.isError) {
    const gone = query.error instanceof Refusal && query.error.status === 404;
    return (
      <div className="page">
        <Failure error={query.error} retry={gone ? undefined : () => void query.refetch()} />
        <p style={{ textAlign: "center" }}><button className="button" onClick={close}>{t.item.toGallery}</button></p>
      </div>
    );
  }

  return (
    <SiteZone zone={item?.time_zone ?? flown?.time_zone} found={item?.time_zone ? "file" : "flight"}>
      <div className={`item${panel ? " with-panel" : ""}`}>
        <div className="stage">
          <div className="stage-bar">
            <button className="tool" onClick={close} aria-label={t.common.close} title={`${t.common.close} (Esc)`}><X className="icon" aria-hidden /></button>
            <h1 className="clip">{item?.name ?? " "}</h1>
            {item && item.status === "stored" && (
              <a id="download" className="tool" href={`${mediaUrl(ws, item.id, "content")}?download=true`} download={item.name} aria-label={t.item.download} title={`${t.item.download} (D)`}>
                <Download className="icon" aria-hidden />
              </a>
            )}
            {hasTrack && <span className="wide-only"><TrackMenu bare url={mediaUrl(ws, id, "telemetry")} /></span>}
            {candidate && (
              <button className="tool" aria-label={t.look.compare} title={`${t.look.compare} (C)`} aria-pressed={compared !== undefined} onClick={() => compare(compared ? null : candidate)}>
                <Columns2 className="icon" aria-hidden />
              </button>
            )}
            <button className="tool wide-only" aria-label={t.item.copyLink} title={t.item.copyLink} onClick={copyLink}>
              <Link2 className="icon" aria-hidden />
            </button>
            {may && item?.status === "stored" && (
              <>
                <button className="tool" aria-label={t.shares.share} title={t.shares.share} onClick={() => setDialog("share")}><Share2 className="icon" aria-hidden /></button>
                <button className="tool" aria-label={t.albums.into} title={t.albums.into} onClick={() => setDialog("album")}><BookImage className="icon" aria-hidden /></button>
                {dialog === "share" && <ShareDialog what={{ media_ids: [item.id] }} title={item.name} onClose={() => setDialog(null)} />}
                {dialog === "album" && <ChooseAlbum ids={[item.id]} onClose={() => setDialog(null)} />}
              </>
            )}
            {may && item && (
              <button className="tool" aria-label={t.trash.move} title={`${t.trash.move} (Del)`} onClick={remove}><Trash2 className="icon" aria-hidden /></button>
            )}
            <button className="tool" aria-label={t.item.info} title={`${t.item.info} (I)`} aria-pressed={panel} onClick={() => setPanel(!panel)}><Info className="icon" aria-hidden /></button>
          </div>
          <div className="view">
            {item && compared ? (
              <Compare key={`${item.id} ${compared.id}`} item={item} other={compared} open={to} close={() => compare(null)} />
            ) : (
              item && (
                <>
                  <View key={item.id} item={item} onTime={setTime} seek={seek} onSwipe={(by) => to(by < 0 ? after : before)} />
                  <Cameras item={item} items={trigger} to={to} />
                </>
              )
            )}
            {!compared && before && <button className="step before" aria-label={t.item.before} onClick={() => to(before)}><ChevronLeft className="icon" aria-hidden /></button>}
            {!compared && after && <button className="step after" aria-label={t.item.after} onClick={() => to(after)}><ChevronRight className="icon" aria-hidden /></button>}
          </div>
          {track && <Charts track={track} t_s={time} seek={seek}><Readout track={track} t_s={time} /></Charts>}
          {place && <SamePlace found={place} compared={compared?.id ?? null} compare={compare} />}
          <Filmstrip list={list} current={id} to={to} />
        </div>
        {panel && (
          <aside className="panel" aria-label={t.item.info}>
            {item && (
              <>
                <Facts item={item} />
                <div className="narrow-only"><button className="button" onClick={copyLink}><Link2 className="icon" aria-hidden />{t.item.copyLink}</button>{hasTrack && <TrackMenu url={mediaUrl(ws, id, "telemetry")} />}</div>
                {(item.kind === "ppk" || item.kind === "rtcm") && item.flight_id && <PpkSet flightId={item.flight_id} />}
                {track?.samples.some((sample) => sample.position) ? (
                  <Boundary fallback={<NoMap />}>
                    <Suspense fallback={<div className="small-map" />}>
                      <TrackMap id={item.id} track={track} t_s={time} go={(t_s) => seek.current?.(t_s)} />
                    </Suspense>
                  </Boundary>
                ) : item.position && (
                  <Boundary fallback={<NoMap />}>
                    <Suspense fallback={<div className="small-map" />}>
                      <SmallMap item={item} />
                    </Suspense>
                  </Boundary>
                )}
              </>
            )}
          </aside>
        )}
      </div>
    </SiteZone>
  );
}

const FLIGHT_ONLY = /^\?flight_id=[^&]*$/;

/** Wide, zoom and thermal of the same moment; of a panorama in tiles, its tiles. */
function useTrigger(item: MediaDetail | undefined): MediaItem[] {
  const { ws } = useHere();
  const uuid = item?.capture_uuid ?? null;
  const group = useQuery({ ...mediaPage(ws, { capture_uuid: uuid ?? "" }, 20), enabled: uuid !== null }).data;
  const isTile = item?.kind === "panorama" && !isSphere(item) && item.flight_id !== null && item.captured_at !== null;
  const at = Date.parse(item?.captured_at ?? "");
  const around = isTile ? { kind: "panorama", flight_id: item.flight_id ?? "", from: new Date(at - TILES_MS).toISOString(), to: new Date(at + TILES_MS).toISOString() } : {};
  const tiles = useQuery({ ...mediaPage(ws, around, 60), enabled: isTile }).data;
  return useMemo(() => {
    if (isTile) return (tiles?.items ?? []).toReversed();
    const items = uuid === null ? [] : (group?.items ?? []).filter(isPictured).toSorted(byCamera);
    return items.length > 1 ? items : [];
  }, [isTile, tiles, uuid, group]);
}

/** A drone needs about a minute for the tiles of a panorama. */
const TILES_MS = 90_000;

/** The pictures of one trigger, one press apart. */
function Cameras({ item, items, to }: { item: MediaItem; items: MediaItem[]; to: (item: MediaItem) => void }) {
  const { ws } = useHere();
  if (items.length < 2) return null;
  const tiles = item.kind === "panorama";
  return (
    <div className={tiles ? "cameras tiles" : "cameras"} role="group" aria-label={tiles ? t.look.tiles : t.item.cameras}>
      {items.map((one) => (
        <button key={one.id} aria-pressed={one.id === item.id} aria-label={tiles ? one.name : undefined} onClick={() => to(one)}>
          {tiles ? <Picture ws={ws} item={one} bare /> : cameraWord(one)}
        </button>
      ))}
    </div>
  );
}

/** The whole sphere or a cut-out of it in one picture; tiles of a panorama are ordinary pictures. */
function isSphere(item: MediaDetail): boolean {
  const { photo } = item.metadata as { photo?: { projection?: string | null } };
  return photo?.projection?.toLowerCase() === "equirectangular" || (item.width_px !== null && item.height_px !== null && item.width_px === 2 * (item.height_px ?? 0));
}

function View({ item, onTime, seek, onSwipe }: { item: MediaDetail; onTime: (t_s: number) => void; seek: Seek; onSwipe: (by: -1 | 1) => void }) {
  if (item.status !== "stored" || !isPictured(item)) return <NoPicture item={item} />;
  if (item.kind === "video") return <Video item={item} onTime={onTime} seek={seek} />;
  if (item.kind === "panorama" && isSphere(item)) {
    // where the browser draws no sphere, the flat picture
    return <Boundary fallback={<Photo item={item} />}><Suspense fallback={null}><Sphere item={item} /></Suspense></Boundary>;
  }
  return <Photo item={item} onSwipe={onSwipe} />;
}

/** The files before and after in the same list, in the order of time: earlier to the left. */
function useNeighbours(ws: string, item: MediaItem | undefined, address: string) {
  const times = useTimes();
  const filter = useMemo(() => {
    const search = new URLSearchParams(address);
    // a file opened by itself has its flight around it
    return !isFiltered(search) && item?.flight_id ? { ...filterOf(search, times), flight_id: item.flight_id } : filterOf(search, times);
  }, [address, item?.flight_id, times]);
  const { days } = useDays(ws, filter);
  const at = item?.captured_at ? Date.parse(item.captured_at) : null;
  const here = days.findIndex((day) => (at === null ? day.from === null : day.from !== null && day.to !== null && Date.parse(day.from) <= at && at < Date.parse(day.to)));
  const read = (day: Day | undefined) => ({ ...mediaAll(ws, day ? dayFilter(filter, day) : {}), enabled: day !== undefined });
  const today = useQuery(read(days[here]));
  const index = today.data?.findIndex((one) => one.id === item?.id) ?? -1;
  const atEdge = (edge: number) => today.data !== undefined && index === edge;
  const later = useQuery(read(atEdge(0) ? days[here - 1] : undefined));
  const earlier = useQuery(read(atEdge((today.data?.length ?? 0) - 1) ? days[here + 1] : undefined));
  return useMemo(() => {
    const list = (here < 0 ? [] : (today.data ?? [])).toReversed();
    const after = index > 0 ? today.data?.[index - 1] : index === 0 && here > 0 ? later.data?.at(-1) : undefined;
    const before = index >= 0 ? (today.data?.[index + 1] ?? (days[here + 1] ? earlier.data?.[0] : undefined)) : undefined;
    return { list, before, after, ready: index >= 0 };
  }, [today.data, later.data, earlier.data, index, here, days]);
}

const STRIP_EACH_SIDE = 40;

function Filmstrip({ list, current, to }: { list: MediaItem[]; current: string; to: (item: MediaItem) => void }) {
  const { ws } = useHere();
  const ref = useRef<HTMLDivElement>(null);
  const index = list.findIndex((item) => item.id === current);
  const shown = index < 0 ? [] : list.slice(Math.max(0, index - STRIP_EACH_SIDE), index + STRIP_EACH_SIDE + 1);
  useEffect(() => {
    ref.current?.querySelector<HTMLElement>('[aria-current="true"]')?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [current, shown.length]);
  if (shown.length < 2) return null;
  return (
    <div className="filmstrip" ref={ref} role="group" aria-label={t.item.strip}>
      {shown.map((item) => (
        <button key={item.id} className="frame" aria-current={item.id === current} aria-label={item.name} tabIndex={item.id === current ? 0 : -1} onClick={() => to(item)}>
          <Picture ws={ws} item={item} bare />
        </button>
      ))}
    </div>
  );
}
