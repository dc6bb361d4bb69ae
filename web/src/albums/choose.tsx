// Into which album files go: one that is there, or a new one.
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { BookImage } from "lucide-react";
import type { FormEvent } from "react";
import { api, mediaUrl, ok } from "../api/client";
import { albums } from "../api/queries";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { Await, Dialog, Refused, toast, Working } from "../ui/parts";
import "../styles/share.css";

export function ChooseAlbum({ ids, onClose, onDone }: { ids: string[]; onClose: () => void; onDone?: () => void }) {
  const { ws } = useHere();
  const client = useQueryClient();
  const query = useInfiniteQuery(albums(ws));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const put = useMutation({
    mutationFn: async (into: { id: string; name: string } | { name: string }) => {
      const album = "id" in into ? into : await ok(api.POST("/api/v1/workspaces/{ws}/albums", { params: { path: { ws } }, body: { name: into.name, description: "" } }));
      const { changed } = await ok(api.POST("/api/v1/workspaces/{ws}/albums/{id}/media", { params: { path: { ws, id: album.id } }, body: { media_ids: ids } }));
      return { name: album.name, changed };
    },
    onSuccess: ({ name, changed }) => {
      for (const noun of ["albums", "album", "media"]) void client.invalidateQueries({ queryKey: [ws, noun] });
      toast(changed > 0 ? t.albums.added(changed, name) : t.albums.already(name));
      onDone?.();
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    put.mutate({ name: String(new FormData(event.currentTarget).get("name")).trim() });
  };
  return (
    <Dialog title={t.albums.choose(ids.length)} onClose={onClose}>
      <div className="stack">
        <Await query={query}>
          {() =>
            items.length > 0 && (
              <ul className="album-list">
                {items.map((album) => (
                  <li key={album.id}>
                    <button disabled={put.isPending} onClick={() => put.mutate(album)}>
                      <span className="cover">
                        {album.cover_media_id ? <img src={mediaUrl(ws, album.cover_media_id, "thumbnail")} alt="" /> : <BookImage className="icon" aria-hidden />}
                      </span>
                      <span className="clip">{album.name}</span>
                      <span className="quiet small num">{t.gallery.files(album.media_count)}</span>
                    </button>
                  </li>
                ))}
              </ul>
            )
          }
        </Await>
        {query.hasNextPage && <button className="button" onClick={() => void query.fetchNextPage()}>{t.common.more}</button>}
        {put.error && <Refused error={put.error} />}
        <form className="new-album" onSubmit={submit}>
          <label className="field">
            <span>{t.albums.add}</span>
            <input className="input" name="name" required maxLength={120} placeholder={t.albums.example} autoComplete="off" />
          </label>
          <button className="button primary" disabled={put.isPending}>{put.isPending && <Working />}{t.albums.addInto}</button>
        </form>
      </div>
    </Dialog>
  );
}
