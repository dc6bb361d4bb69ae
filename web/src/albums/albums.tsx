// Albums: files that somebody put together, each with its newest picture as a cover.
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { BookImage, Link2, Plus } from "lucide-react";
import { useState, type FormEvent } from "react";
import { Link, useLocation } from "wouter";
import { api, mediaUrl, ok, type Schemas } from "../api/client";
import { albums } from "../api/queries";
import { t } from "../i18n";
import { useHere, useMay, useWsPath } from "../shell/context";
import { Await, Dialog, Notice, Refused, Working } from "../ui/parts";
import "../styles/share.css";

export type Album = Schemas["AlbumItem"];

export default function Albums() {
  const { ws } = useHere();
  const path = useWsPath();
  const may = useMay("operator");
  const [, go] = useLocation();
  const query = useInfiniteQuery(albums(ws));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const [adding, setAdding] = useState(false);
  const add = may && (
    <button className="button primary" onClick={() => setAdding(true)}>
      <Plus className="icon" aria-hidden />
      {t.albums.add}
    </button>
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t.places.albums}</h1>
        <span className="grow" />
        {may && (
          <Link className="button" href={path("shares")}>
            <Link2 className="icon" aria-hidden />
            {t.shares.title}
          </Link>
        )}
        {items.length > 0 && add}
      </div>
      <Await query={query} loading={<div className="album-cards" role="status" aria-label={t.common.loading}>{Array.from({ length: 6 }, (_, n) => <div key={n} className="skeleton cover" />)}</div>}>
        {() =>
          items.length === 0 ? (
            <Notice icon={BookImage} title={t.albums.none} action={add || undefined}>{may ? t.albums.noneHelp : t.albums.noneHelpViewer}</Notice>
          ) : (
            <ul className="album-cards">
              {items.map((album) => (
                <li key={album.id}>
                  <Link href={path(`albums/${album.id}`)}>
                    <span className="cover">
                      {album.cover_media_id ? <img src={mediaUrl(ws, album.cover_media_id, "thumbnail")} alt="" loading="lazy" decoding="async" /> : <BookImage className="icon" aria-hidden />}
                    </span>
                    <h2 className="clip">{album.name}</h2>
                    <span className="quiet small num">{t.gallery.files(album.media_count)}</span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Await>
      {query.hasNextPage && <button className="button" onClick={() => void query.fetchNextPage()}>{t.common.more}</button>}
      {adding && <EditAlbum onClose={() => setAdding(false)} onSaved={(album) => go(path(`albums/${album.id}`))} />}
    </div>
  );
}

/** A new album, or another name for one. */
export function EditAlbum({ album, onClose, onSaved }: { album?: Album; onClose: () => void; onSaved: (album: Album) => void }) {
  const { ws } = useHere();
  const client = useQueryClient();
  const save = useMutation({
    mutationFn: (body: { name: string; description: string }) =>
      album
        ? ok(api.PATCH("/api/v1/workspaces/{ws}/albums/{id}", { params: { path: { ws, id: album.id } }, body }))
        : ok(api.POST("/api/v1/workspaces/{ws}/albums", { params: { path: { ws } }, body })),
    onSuccess: async (saved) => {
      client.setQueryData([ws, "album", saved.id], saved);
      await client.invalidateQueries({ queryKey: [ws, "albums"] });
      onClose();
      onSaved(saved);
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    save.mutate({ name: String(form.get("name")).trim(), description: String(form.get("description")).trim() });
  };
  return (
    <Dialog title={album ? t.albums.edit : t.albums.add} onClose={onClose}>
      <form onSubmit={submit}>
        <label className="field">
          <span>{t.albums.name}</span>
          <input className="input" name="name" required maxLength={120} defaultValue={album?.name} placeholder={t.albums.example} autoComplete="off" autoFocus />
        </label>
        <label className="field">
          <span>{t.albums.description}</span>
          <textarea className="input" name="description" rows={3} maxLength={2000} defaultValue={album?.description} />
        </label>
        {save.error && <Refused error={save.error} />}
        <div className="actions" style={{ marginTop: 0 }}>
          <button type="button" className="button" onClick={onClose}>{t.common.cancel}</button>
          <button className="button primary" disabled={save.isPending}>{save.isPending && <Working />}{t.albums.save}</button>
        </div>
      </form>
    </Dialog>
  );
}
