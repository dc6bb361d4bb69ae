// One album: its files as a gallery, and what can be done with all of them.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronLeft, Download, Images, Pencil, Share2, Trash2 } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { Link, useLocation } from "wouter";
import { api, ok, type MediaItem } from "../api/client";
import { album as albumQuery } from "../api/queries";
import { useDays } from "../gallery/days";
import { downloadZip } from "../gallery/download";
import { SelectionBar, Skeleton } from "../gallery/gallery";
import { Grid } from "../gallery/grid";
import { usePicked } from "../gallery/picked";
import { t } from "../i18n";
import { ShareDialog } from "../share/dialog";
import { useHere, useMay, useWsPath } from "../shell/context";
import { bytes } from "../ui/format";
import { Await, Confirm, Loading, Notice, toast } from "../ui/parts";
import { ZoneNote } from "../ui/site";
import { EditAlbum, type Album } from "./albums";
import "../styles/gallery.css";

export default function AlbumPage({ id }: { id: string }) {
  const { ws } = useHere();
  const path = useWsPath();
  const query = useQuery(albumQuery(ws, id));
  return (
    <div className="page gallery">
      <Link className="back" href={path("albums")}>
        <ChevronLeft className="icon" aria-hidden />
        {t.places.albums}
      </Link>
      <Await query={query} loading={<Loading rows={3} height={120} />}>{() => query.data && <Files album={query.data} />}</Await>
    </div>
  );
}

function Files({ album }: { album: Album }) {
  const { ws } = useHere();
  const path = useWsPath();
  const may = useMay("operator");
  const client = useQueryClient();
  const [, go] = useLocation();
  const filter = useMemo(() => ({ album_id: album.id }), [album.id]);
  const { query, days, counts } = useDays(ws, filter);
  const [picked, setPicked] = usePicked(ws, album.id);
  const [dialog, setDialog] = useState<"share" | "edit" | "delete" | null>(null);
  const close = () => setDialog(null);
  const open = useCallback((item: MediaItem) => go(path(`media/${item.id}?album_id=${album.id}&kind=all`)), [go, path, album.id]);

  const put = async (media_ids: string[], back: boolean) => {
    const params = { params: { path: { ws, id: album.id } }, body: { media_ids } };
    await ok(back ? api.POST("/api/v1/workspaces/{ws}/albums/{id}/media", params) : api.POST("/api/v1/workspaces/{ws}/albums/{id}/media/remove", params));
    await Promise.all([client.invalidateQueries({ queryKey: [ws, "album", album.id] }), client.invalidateQueries({ queryKey: [ws, "media"] }), client.invalidateQueries({ queryKey: [ws, "albums"] })]);
  };
  const remove = async () => {
    const ids = [...picked.keys()];
    try {
      await put(ids, false);
      setPicked(new Map());
      toast(t.albums.removed(ids.length), () => void put(ids, true).catch(() => toast(t.errors.notDone)));
    } catch {
      toast(t.errors.notDone);
    }
  };
  const destroy = async () => {
    await ok(api.DELETE("/api/v1/workspaces/{ws}/albums/{id}", { params: { path: { ws, id: album.id } } }));
    await client.invalidateQueries({ queryKey: [ws, "albums"] });
    go(path("albums"));
  };

  return (
    <>
      <div className="page-head sticky">
        {picked.size > 0 ? (
          <SelectionBar picked={picked} clear={() => setPicked(new Map())} remove={() => void remove()} />
        ) : (
          <>
            <h1 className="clip">{album.name}</h1>
            {counts && <span className="quiet num nowrap">{t.gallery.files(counts.total)} · {bytes(counts.size_bytes)}</span>}
            <span className="grow" />
            {may && (
              <button className="button primary" onClick={() => setDialog("share")}>
                <Share2 className="icon" aria-hidden />
                {t.shares.share}
              </button>
            )}
            {counts && counts.total > 0 && (
              <button className="button" onClick={() => void downloadZip(ws, { filter: { album_id: album.id }, name: album.name })}>
                <Download className="icon" aria-hidden />
                {t.download.flight}
              </button>
            )}
            {may && (
              <>
                <button className="button icon-only" aria-label={t.albums.edit} title={t.albums.edit} onClick={() => setDialog("edit")}><Pencil className="icon" aria-hidden /></button>
                <button className="button icon-only" aria-label={t.albums.delete} title={t.albums.delete} onClick={() => setDialog("delete")}><Trash2 className="icon" aria-hidden /></button>
              </>
            )}
          </>
        )}
      </div>
      {album.description && <p className="quiet album-words">{album.description}</p>}
      <Await query={query} loading={<Skeleton />}>
        {() =>
          days.length === 0 ? (
            <Notice icon={Images} title={t.albums.empty} action={<Link className="button primary" href={path("gallery")}>{t.item.toGallery}</Link>}>{t.albums.emptyHelp}</Notice>
          ) : (
            <>
              <Grid ws={ws} filter={filter} days={days} open={open} selection={{ ids: picked, set: setPicked }} place={`${ws}/album/${album.id}`} />
              <p className="zone"><ZoneNote /></p>
            </>
          )
        }
      </Await>
      {dialog === "share" && <ShareDialog what={{ album_id: album.id }} title={album.name} onClose={close} />}
      {dialog === "edit" && <EditAlbum album={album} onClose={close} onSaved={close} />}
      {dialog === "delete" && (
        <Confirm title={t.albums.deleteTitle(album.name)} action={t.albums.delete} danger onConfirm={destroy} onClose={close}>{t.albums.deleteHelp}</Confirm>
      )}
    </>
  );
}
