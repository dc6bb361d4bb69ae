// What was deleted and can still be taken back.
import { useQueryClient } from "@tanstack/react-query";
import { RotateCcw, Trash2 } from "lucide-react";
import { useCallback, useState } from "react";
import { api, ok, type MediaItem } from "../api/client";
import { t } from "../i18n";
import { useHere, useMay } from "../shell/context";
import { bytes, number } from "../ui/format";
import { Await, Notice, toast } from "../ui/parts";
import { useDays } from "./days";
import { inTurns, Skeleton } from "./gallery";
import { Grid } from "./grid";
import "../styles/gallery.css";

const ALL = { status: "all" } as const;

export default function Trash() {
  const { ws } = useHere();
  const may = useMay("operator");
  const client = useQueryClient();
  const { query, days, counts } = useDays(ws, ALL, { trashed: true });
  const [picked, setPicked] = useState<Map<string, MediaItem>>(new Map());
  const pick = useCallback(
    (item: MediaItem) =>
      setPicked((before) => {
        const next = new Map(before);
        if (!next.delete(item.id)) next.set(item.id, item);
        return next;
      }),
    [],
  );

  const restore = async () => {
    const items = [...picked.values()];
    const results = await inTurns(items, (item) => ok(api.POST("/api/v1/workspaces/{ws}/media/{id}/restore", { params: { path: { ws, id: item.id } } })));
    const failed = results.filter((result) => result.status === "rejected").length;
    setPicked(new Map());
    await client.invalidateQueries({ queryKey: [ws, "media"] });
    toast(failed > 0 ? t.trash.failed(failed) : t.trash.restored(items.length));
  };

  return (
    <div className="page gallery">
      <div className="page-head sticky">
        <h1>{t.trash.title}</h1>
        {counts && counts.total > 0 && <span className="quiet num">{t.gallery.files(counts.total)} · {bytes(counts.size_bytes)}</span>}
        <span className="grow" />
        {may && counts && counts.total > 0 && (
          <button className="button primary" disabled={picked.size === 0} onClick={() => void restore()}>
            <RotateCcw className="icon" aria-hidden />
            {picked.size > 0 ? t.trash.restoreCount(number(picked.size)) : t.trash.restore}
          </button>
        )}
      </div>
      <Await query={query} loading={<Skeleton />}>
        {() =>
          days.length === 0 ? (
            <Notice icon={Trash2} title={t.trash.none}>{t.trash.noneHelp}</Notice>
          ) : (
            <>
              <p className="quiet" style={{ marginBottom: 8 }}>{may ? t.trash.help : t.trash.helpViewer}</p>
              <Grid ws={ws} filter={ALL} days={days} trashed open={pick} selection={{ ids: picked, set: setPicked }} place={`${ws}/trash`} />
            </>
          )
        }
      </Await>
    </div>
  );
}
