// A video as the browser plays it; where it cannot (H.265 outside of some browsers) its smaller copy, and where there is none the way
// to one and to the file. It tells the time it shows, and goes to the time that map or charts ask for.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type RefObject } from "react";
import { api, mediaUrl, ok, Refusal, type MediaItem } from "../api/client";
import { job as jobQuery, proxy as proxyQuery } from "../api/queries";
import { t } from "../i18n";
import { useHere, useMay } from "../shell/context";
import { isTyping, Working } from "../ui/parts";

export type Seek = RefObject<((t_s: number) => void) | null>;

export function Video({ item, onTime, seek }: { item: MediaItem; onTime: (t_s: number) => void; seek: Seek }) {
  const { ws } = useHere();
  const [source, setSource] = useState<"original" | "proxy" | "none">("original");
  const ref = useRef<HTMLVideoElement>(null);
  const proxy = useQuery(proxyQuery(ws, item.id, source !== "original"));

  useEffect(() => {
    seek.current = (t_s) => {
      // with or without pictures the track can be followed
      if (ref.current) ref.current.currentTime = t_s;
      onTime(t_s);
    };
    return () => void (seek.current = null);
  }, [seek, onTime, source]);

  // while it plays, each frame moves the marker; the element's own event comes only four times a second
  useEffect(() => {
    let frame = 0;
    const follow = () => {
      if (ref.current && !ref.current.paused) onTime(ref.current.currentTime);
      frame = requestAnimationFrame(follow);
    };
    frame = requestAnimationFrame(follow);
    return () => cancelAnimationFrame(frame);
  }, [onTime]);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const video = ref.current;
      const element = event.target instanceof HTMLElement ? event.target : null;
      if (event.key !== " " || !video || isTyping(event) || element?.closest("button, a, video, [role='slider']")) return;
      event.preventDefault();
      if (video.paused) void video.play().catch(() => undefined);
      else video.pause();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);

  if (source !== "original" && proxy.data !== "there") return <Unplayable item={item} why={proxy.data ?? null} ready={() => void proxy.refetch()} />;
  return (
    <>
      <video
        key={source} ref={ref} src={mediaUrl(ws, item.id, source === "proxy" ? "proxy" : "content")} controls playsInline preload="metadata" aria-label={item.name}
        onError={() => setSource(source === "original" ? "proxy" : "none")}
        onTimeUpdate={(event) => onTime(event.currentTarget.currentTime)} onSeeking={(event) => onTime(event.currentTarget.currentTime)}
      />
      {source === "proxy" && <span className="plate-note">{t.look.smallCopy}</span>}
    </>
  );
}

/** Neither the file nor a copy plays here: what to do. */
function Unplayable({ item, why, ready }: { item: MediaItem; why: string | null; ready: () => void }) {
  const { ws } = useHere();
  const may = useMay("operator");
  const client = useQueryClient();
  const [jobId, setJobId] = useState<string | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const job = useQuery(jobQuery(ws, jobId)).data;
  const over = job?.state === "done";
  useEffect(() => {
    if (over) ready();
  }, [over, ready]);
  const make = () => {
    setRefused(null);
    ok(api.POST("/api/v1/workspaces/{ws}/media/{id}/proxy", { params: { path: { ws, id: item.id } } })).then(
      ({ job_id }) => (setJobId(job_id), void client.invalidateQueries({ queryKey: [ws, "jobs"] })),
      (error: unknown) => setRefused(error instanceof Refusal && error.status > 0 ? error.detail : t.errors.offline),
    );
  };
  const working = job !== undefined && (job.state === "queued" || job.state === "running" || job.state === "failed");
  return (
    <div className="no-picture">
      <p><strong>{t.item.cannotPlay}</strong></p>
      <p>{t.item.cannotPlayHelp}</p>
      {(refused ?? job?.error ?? why) && <p role="status">{refused ?? job?.error ?? why}</p>}
      <p className="row">
        {may && !refused && (
          <button className="button" disabled={working} onClick={make}>
            {working && <Working />}
            {working ? t.look.makingCopy(job.progress.total ? Math.round((job.progress.done / job.progress.total) * 100) : 0) : t.look.makeCopy}
          </button>
        )}
        <a className="button" href={`${mediaUrl(ws, item.id, "content")}?download=true`} download={item.name}>{t.item.download}</a>
      </p>
    </div>
  );
}
