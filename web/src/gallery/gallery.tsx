// All pictures and files, the newest first, narrowed by what the address says.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { BookImage, Download, FolderMinus, Images, Lock, Share2, Trash2, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { ChooseAlbum } from "../albums/choose";
import { api, ok, Refusal, type MediaItem } from "../api/client";
import { docks } from "../api/queries";
import { dockName } from "../flights/summary";
import { t } from "../i18n";
import { HoldDialog } from "../keep/hold-dialog";
import { ShareDialog } from "../share/dialog";
import { useHere, useMay, useWsPath } from "../shell/context";
import { bytes, number } from "../ui/format";
import { afterG } from "../shell/g";
import { Await, isTyping, Notice, toast } from "../ui/parts";
import { useTimes, ZoneNote } from "../ui/site";
import { downloadFile, downloadList, downloadZip } from "./download";
import { byOf, filterOf, filterSearch, isFiltered, useDays } from "./days";
import { Filters } from "./filters";
import { Grid } from "./grid";
import { usePicked, withoutPicked } from "./picked";
import { inTurns } from "./turns";
import "../styles/gallery.css";

export default function Gallery() {
  const times = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const [, go] = useLocation();
  const [search, setSearch] = useSearchParams();
  const address = withoutPicked(search);
  const filter = useMemo(() => filterOf(new URLSearchParams(address), times), [address, times]);
  const by = byOf(search);
  const dockList = useQuery(docks(ws)).data?.items;
  const order = useCallback((sn: string) => dockName(dockList, sn || null), [dockList]);
  const { query, days, counts } = useDays(ws, filter, { by, order });
  const [picked, setPicked] = usePicked(ws, address);
  const open = useCallback((item: MediaItem) => go(path(`media/${item.id}${filterSearch(new URLSearchParams(address))}`)), [go, path, address]);

  return (
    <div className="page gallery">
      <div className="page-head sticky">
        {picked.size > 0 ? (
          <SelectionBar picked={picked} clear={() => setPicked(new Map())} />
        ) : (
          <>
            <h1>{t.places.gallery}</h1>
            {counts && <span className="quiet num nowrap">{t.gallery.files(counts.total)} · {bytes(counts.size_bytes)}</span>}
            <span className="grow" />
            <select className="select by" aria-label={t.gallery.by} value={search.get("by") ?? ""} onChange={(event) => setSearch(withWord(search, "by", event.target.value))}>
              {Object.entries(t.gallery.bys).map(([word, words]) => <option key={word} value={word}>{words}</option>)}
            </select>
            {counts && counts.total > 0 && isFiltered(search) && (
              <button className="button" title={t.download.filterHelp(counts.total, bytes(counts.size_bytes))} onClick={() => void downloadZip(ws, { filter: words(filter) })}>
                <Download className="icon" aria-hidden />
                {t.download.flight}
              </button>
            )}
            <Filters search={search} setSearch={setSearch} drawArea={path(`map${withDraw(filterSearch(search))}`)} />
          </>
        )}
      </div>
      <Await query={query} loading={<Skeleton />}>
        {() =>
          days.length === 0 ? (
            <Nothing search={search} setSearch={setSearch} />
          ) : (
            <Grid ws={ws} filter={filter} days={days} open={open} selection={{ ids: picked, set: setPicked }} place={`${ws}?${address}`} />
          )
        }
      </Await>
      {days.length > 0 && <p className="zone"><ZoneNote /></p>}
    </div>
  );
}

const withDraw = (search: string) => `${search}${search ? "&" : "?"}draw=1`;

/** The API takes a filter's values as texts. */
const words = (filter: object) => Object.fromEntries(Object.entries(filter).map(([word, value]) => [word, String(value)]));

function withWord(search: URLSearchParams, word: string, value: string): URLSearchParams {
  const next = new URLSearchParams(search);
  if (value) next.set(word, value);
  else next.delete(word);
  return next;
}

export function Skeleton() {
  return (
    <div role="status" aria-label={t.common.loading} className="grid-skeleton">
      {Array.from({ length: 24 }, (_, n) => <span key={n} className="skeleton" />)}
    </div>
  );
}

function Nothing({ search, setSearch }: { search: URLSearchParams; setSearch: (next: URLSearchParams) => void }) {
  const path = useWsPath();
  if (isFiltered(search)) {
    return (
      <Notice icon={Images} title={t.gallery.noneFiltered} action={<button className="button" onClick={() => setSearch(new URLSearchParams())}>{t.filters.dropAll}</button>}>
        {t.gallery.noneFilteredHelp}
      </Notice>
    );
  }
  return <Notice icon={Images} title={t.gallery.none} action={<Link className="button primary" href={path("docks")}>{t.flights.noneSeeDocks}</Link>}>{t.gallery.noneHelp}</Notice>;
}

/** What can be done with the selected files; `remove` takes them out of the album that is open. */
export function SelectionBar({ picked, clear, remove }: { picked: Map<string, MediaItem>; clear: () => void; remove?: () => void }) {
  const { ws } = useHere();
  const may = useMay("operator");
  const trash = useTrash(ws);
  const items = [...picked.values()];
  const ids = items.map((item) => item.id);
  const [busy, setBusy] = useState(false);
  const [dialog, setDialog] = useState<"album" | "share" | "hold" | null>(null);
  const admin = useMay("admin");
  const close = () => setDialog(null);
  const run = (work: () => Promise<void>) => {
    setBusy(true);
    return work().finally(() => setBusy(false));
  };
  const download = () => (items.length === 1 && items[0] ? downloadFile(ws, items[0]) : void run(() => downloadZip(ws, { media_ids: ids })));
  const drop = () => (remove ? remove() : void trash(items).then(clear));
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (isTyping(event) || afterG() || busy) return;
      const key = event.shiftKey ? `Shift ${event.key.toLowerCase()}` : event.key.toLowerCase();
      const act = { "Shift d": download, l: may && (() => setDialog("album")), delete: may && drop }[key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
  const size = items.reduce((sum, item) => sum + (item.size_bytes ?? 0), 0);
  return (
    <div className="selection-bar" role="toolbar" aria-label={t.gallery.selection}>
      <button className="button plain icon-only" aria-label={t.gallery.clear} title={t.gallery.clear} onClick={clear}>
        <X className="icon" aria-hidden />
      </button>
      <h1 className="num">{t.gallery.picked(number(items.length))}</h1>
      <span className="quiet num nowrap">{bytes(size)}</span>
      <span className="grow" />
      <button
        className="button" disabled={busy} aria-label={items.length === 1 ? t.item.download : t.download.zip}
        onClick={download}
      >
        <Download className="icon" aria-hidden />
        <span className="label">{items.length === 1 ? t.item.download : t.download.zip}</span>
      </button>
      {(["csv", "geojson", "kml"] as const).map((format) => (
        <button key={format} className="button list" disabled={busy} title={t.download.listHelp(items.length)} onClick={() => void run(() => downloadList(ws, ids, format))}>
          {t.download.list[format]}
        </button>
      ))}
      {may && (
        <>
          <button className="button" aria-label={t.shares.share} onClick={() => setDialog("share")}>
            <Share2 className="icon" aria-hidden />
            <span className="label">{t.shares.share}</span>
          </button>
          <button className="button" aria-label={t.albums.into} onClick={() => setDialog("album")}>
            <BookImage className="icon" aria-hidden />
            <span className="label">{t.albums.into}</span>
          </button>
          {admin && (
            <button className="button" aria-label={t.holds.place} title={t.holds.place} onClick={() => setDialog("hold")}>
              <Lock className="icon" aria-hidden />
              <span className="label">{t.holds.short}</span>
            </button>
          )}
          {remove ? (
            <button className="button" aria-label={t.albums.remove} onClick={drop}>
              <FolderMinus className="icon" aria-hidden />
              <span className="label">{t.albums.remove}</span>
            </button>
          ) : (
            <button className="button" aria-label={t.trash.move} onClick={drop}>
              <Trash2 className="icon" aria-hidden />
              <span className="label">{t.trash.move}</span>
            </button>
          )}
        </>
      )}
      {dialog === "album" && <ChooseAlbum ids={ids} onClose={close} onDone={clear} />}
      {dialog === "hold" && <HoldDialog on={{ media_ids: ids }} what={t.gallery.files(items.length)} onClose={close} />}
      {dialog === "share" && <ShareDialog what={{ media_ids: ids }} title={t.shares.selection(items.length)} onClose={close} />}
    </div>
  );
}

/** Moves files into the trash and offers the way back. */
export function useTrash(ws: string) {
  const client = useQueryClient();
  return useCallback(
    async (items: MediaItem[]) => {
      const again = () => client.invalidateQueries({ queryKey: [ws, "media"] });
      const call = (item: MediaItem, back: boolean) => {
        const params = { path: { ws, id: item.id } };
        return back ? ok(api.POST("/api/v1/workspaces/{ws}/media/{id}/restore", { params })) : ok(api.DELETE("/api/v1/workspaces/{ws}/media/{id}", { params }));
      };
      const all = async (back: boolean) => {
        const results = await inTurns(items, (item) => call(item, back));
        const failed = results.filter((result) => result.status === "rejected");
        const held = failed.filter((result) => result.reason instanceof Refusal && result.reason.status === 409).length;
        await again();
        return { failed: failed.length, held };
      };
      const { failed, held } = await all(false);
      if (held > 0) toast(t.trash.held(held));
      else if (failed > 0) toast(t.trash.failed(failed));
      else toast(t.trash.moved(items.length), () => void all(true).then((bad) => toast(bad.failed ? t.trash.failed(bad.failed) : t.trash.restored(items.length))));
    },
    [client, ws],
  );
}
