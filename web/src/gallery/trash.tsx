// What was deleted: until when it can be taken back, and the way to delete it for good.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RotateCcw, Trash2 } from "lucide-react";
import { useCallback, useState } from "react";
import { api, ok, type MediaItem } from "../api/client";
import { trash as trashQuery } from "../api/queries";
import { t } from "../i18n";
import { goesIn, keptWords, periodWords } from "../keep/words";
import { useHere, useMay } from "../shell/context";
import { bytes, number } from "../ui/format";
import { Await, Confirm, Notice, toast, useTick } from "../ui/parts";
import { ZoneNote } from "../ui/site";
import { useDays } from "./days";
import { Skeleton } from "./gallery";
import { Grid } from "./grid";
import { inTurns } from "./turns";
import "../styles/gallery.css";
import "../styles/keep.css";

const ALL = { status: "all" } as const;
/** Of one request. */
const MOST_IDS = 10_000;

export default function Trash() {
  const { ws } = useHere();
  const may = useMay("operator");
  const admin = useMay("admin");
  const client = useQueryClient();
  const { query, days, counts } = useDays(ws, ALL, { trashed: true });
  const bin = useQuery(trashQuery(ws)).data;
  const now = useTick(60_000);
  const [picked, setPicked] = useState<Map<string, MediaItem>>(new Map());
  const [asking, setAsking] = useState(false);
  const pick = useCallback(
    (item: MediaItem) =>
      setPicked((before) => {
        const next = new Map(before);
        if (!next.delete(item.id)) next.set(item.id, item);
        return next;
      }),
    [],
  );
  const period = bin?.period_s ?? null;
  const note = useCallback((item: MediaItem) => goesIn(item, period, now), [period, now]);

  const restore = async () => {
    const items = [...picked.values()];
    const results = await inTurns(items, (item) => ok(api.POST("/api/v1/workspaces/{ws}/media/{id}/restore", { params: { path: { ws, id: item.id } } })));
    const failed = results.filter((result) => result.status === "rejected").length;
    setPicked(new Map());
    await client.invalidateQueries({ queryKey: [ws, "media"] });
    toast(failed > 0 ? t.trash.failed(failed) : t.trash.restored(items.length));
  };

  /** The chosen ones, or all; it is a job, which ends with the news of what is gone. */
  const empty = async () => {
    const ids = [...picked.keys()];
    const parts = ids.length === 0 ? [null] : Array.from({ length: Math.ceil(ids.length / MOST_IDS) }, (_, n) => ids.slice(n * MOST_IDS, (n + 1) * MOST_IDS));
    for (const media_ids of parts) await ok(api.POST("/api/v1/workspaces/{ws}/trash/empty", { params: { path: { ws } }, body: { media_ids } }));
    setPicked(new Map());
    toast(t.trash.deleting);
  };

  const total = counts?.total ?? 0;
  return (
    <div className="page gallery">
      <div className="page-head sticky">
        <h1>{t.trash.title}</h1>
        {counts && total > 0 && <span className="quiet num">{t.gallery.files(total)} · {bytes(counts.size_bytes)}</span>}
        <span className="grow" />
        {admin && total > 0 && (
          <button className="button" onClick={() => setAsking(true)}>
            <Trash2 className="icon" aria-hidden />
            {picked.size > 0 ? t.trash.deleteCount(number(picked.size)) : t.trash.empty}
          </button>
        )}
        {may && total > 0 && (
          <button className="button primary" disabled={picked.size === 0} onClick={() => void restore()}>
            <RotateCcw className="icon" aria-hidden />
            {picked.size > 0 ? t.trash.restoreCount(number(picked.size)) : t.trash.restore}
          </button>
        )}
        {asking && (
          <Confirm
            title={picked.size > 0 ? t.trash.deleteThese(picked.size) : t.trash.deleteAll(total)}
            action={t.trash.deleteForGood} danger onClose={() => setAsking(false)} onConfirm={empty}
          >
            {t.trash.deleteHelp}
          </Confirm>
        )}
      </div>
      <Await query={query} loading={<Skeleton />}>
        {() =>
          days.length === 0 ? (
            <Notice icon={Trash2} title={t.trash.none}>{t.trash.noneHelp}</Notice>
          ) : (
            <>
              <p className="quiet trash-words">
                {may ? t.trash.help : t.trash.helpViewer} {bin && (period === null ? t.trash.noPeriod : t.trash.period(periodWords(period)))}
                {bin && bin.kept.length > 0 && ` ${t.trash.stays(keptWords(bin.kept))}`}
              </p>
              <Grid ws={ws} filter={ALL} days={days} trashed note={note} open={pick} selection={{ ids: picked, set: setPicked }} place={`${ws}/trash`} />
              <p className="zone"><ZoneNote /></p>
            </>
          )
        }
      </Await>
    </div>
  );
}
