// A flight's survey files: are they complete, what do the logs cover, do the exposures fit the photos, and the solution.
import { useQuery } from "@tanstack/react-query";
import { AlertTriangle, Check, Download, X } from "lucide-react";
import { useEffect, useState } from "react";
import { api, ok, Refusal } from "../api/client";
import { job as jobQuery, mediaPage, ppk } from "../api/queries";
import { t } from "../i18n";
import { useHere, useMay } from "../shell/context";
import { duration, number } from "../ui/format";
import { useTimes } from "../ui/site";
import { Bar, Failure, Loading, State, useRefresh, Working } from "../ui/parts";
import "../styles/ppk.css";

type Gap = { after_s: number; duration_s: number };
type Log = {
  media_id: string; name: string; format: string; crc_failures: number;
  epochs: { epochs: number; span_s: number; interval_s: number | null; gap_count: number; missing_epochs: number; gaps: Gap[]; out_of_order: number };
  satellites: { system: string; satellites: number; mean_per_epoch: number }[];
};
type Set = {
  complete: boolean; missing: string[]; solvable: boolean; warnings: string[];
  files: { media_id: string; name: string; role: string; size_bytes: number }[];
  rover: Log | null; corrections: Log | null;
  events: { count: number; covered: number | null } | null;
  photos: {
    one_to_one: boolean; photo_count: number; exposure_count: number; matched_by_number: number; matched_by_time: number; clock_offset_s: number | null;
    events_without_photo_count: number; events_without_photo: number[]; photos_without_event_count: number; photos_without_event: string[];
    mismatches: { sequence: number; photo: string; difference_s: number }[];
  };
};
type Solution = {
  trajectory: { epochs: number; fixed: number; float: number; fixed_share: number };
  event_count: number; events_solved: number; events_fixed: number; base: string; warnings: string[];
};

const FIVE = ["obs", "rtk", "mrk", "nav", "dat"];

export function PpkSet({ flightId }: { flightId: string }) {
  const { ws } = useHere();
  const query = useQuery(ppk(ws, flightId));
  if (query.isPending) return <Loading rows={2} height={64} />;
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  const set = query.data.set as unknown as Set;
  const solution = query.data.solution as unknown as Solution | null;
  return (
    <section className="ppk" aria-label={t.ppk.title}>
      <div className="ppk-head">
        <h2>{t.ppk.title}</h2>
        <State tone={set.complete ? "good" : "attention"} pill>{set.complete ? t.ppk.complete : t.ppk.missing(set.missing.length)}</State>
      </div>
      <ul className="five">
        {FIVE.map((one) => {
          const there = !set.missing.includes(one);
          const Glyph = there ? Check : X;
          return (
            <li key={one} className={there ? "there" : "lacks"}>
              <Glyph className="icon" aria-hidden />
              <span><span className="mono">.{one}</span> {t.ppk.files[one as keyof typeof t.ppk.files]}</span>
              {!there && <span className="lacks-word">{t.ppk.lacks}</span>}
            </li>
          );
        })}
      </ul>
      <dl className="facts">
        {set.rover && <LogFacts label={t.ppk.rover} log={set.rover} />}
        {set.corrections && <LogFacts label={t.ppk.corrections} log={set.corrections} />}
        {set.events && (
          <div>
            <dt>{t.ppk.exposures}</dt>
            <dd className="num">{set.events.covered === null ? number(set.events.count) : t.ppk.covered(set.events.count, set.events.covered)}</dd>
          </div>
        )}
        <Photos set={set} />
      </dl>
      {set.warnings.length > 0 && (
        <div className="callout attention"><AlertTriangle className="icon" aria-hidden /><ul>{set.warnings.map((warning) => <li key={warning}>{warning}</li>)}</ul></div>
      )}
      <div className="row">
        <a className="button" href={`/api/v1/workspaces/${encodeURIComponent(ws)}/flights/${encodeURIComponent(flightId)}/ppk.zip`} download><Download className="icon" aria-hidden />{t.ppk.zip}</a>
      </div>
      {solution && <Solved flightId={flightId} solution={solution} />}
      <Solve flightId={flightId} set={set} solverMissing={query.data.solver_missing} again={solution !== null} />
    </section>
  );
}

function LogFacts({ label, log }: { label: string; log: Log }) {
  const { epochs } = log;
  const longest = epochs.gaps.reduce((most, gap) => Math.max(most, gap.duration_s), 0);
  return (
    <div>
      <dt>{label}</dt>
      <dd className="stacked num">
        <span>{t.ppk.epochs(number(epochs.epochs), epochs.interval_s === null ? null : number(epochs.interval_s, 2), duration(epochs.span_s))}</span>
        <span>{log.satellites.map(({ system, mean_per_epoch }) => `${t.ppk.systems[system as keyof typeof t.ppk.systems] ?? system} ${number(mean_per_epoch, 1)}`).join(" · ")}{log.satellites.length > 0 && ` ${t.ppk.perEpoch}`}</span>
        <State tone={epochs.gap_count > 0 ? "attention" : "good"}>{epochs.gap_count > 0 ? t.ppk.gaps(epochs.gap_count, number(longest, 1), epochs.missing_epochs) : t.ppk.noGaps}</State>
        {epochs.out_of_order > 0 && <State tone="attention">{t.ppk.outOfOrder(epochs.out_of_order)}</State>}
        {log.crc_failures > 0 && <State tone="attention">{t.ppk.damaged(log.crc_failures)}</State>}
        <span className="quiet small break">{log.name}</span>
      </dd>
    </div>
  );
}

const SHOWN = 20;

function Photos({ set: { photos, events } }: { set: Set }) {
  if (!events && photos.photo_count === 0) return null;
  const matched = photos.matched_by_number + photos.matched_by_time;
  return (
    <div>
      <dt>{t.ppk.photos}</dt>
      <dd className="stacked num">
        <State tone={photos.one_to_one ? "good" : "attention"}>{t.ppk.matched(matched, photos.exposure_count)}</State>
        {matched > 0 && <span>{t.ppk.matchedBy(photos.matched_by_number, photos.matched_by_time)}</span>}
        {photos.clock_offset_s !== null && Math.abs(photos.clock_offset_s) >= 0.0005 && <span>{t.ppk.clock(number(photos.clock_offset_s, 3))}</span>}
        {photos.events_without_photo_count > 0 && <span>{t.ppk.noPhoto(photos.events_without_photo_count)}: {listed(photos.events_without_photo.map(String), photos.events_without_photo_count)}</span>}
        {photos.photos_without_event_count > 0 && <span className="break">{t.ppk.noEvent(photos.photos_without_event_count)}: {listed(photos.photos_without_event, photos.photos_without_event_count)}</span>}
        {photos.mismatches.length > 0 && (
          <details>
            <summary>{t.ppk.mismatches(photos.mismatches.length)}</summary>
            <ul>{photos.mismatches.slice(0, SHOWN).map((one) => <li key={`${one.sequence} ${one.photo}`} className="break">{t.ppk.mismatch(one.sequence, one.photo, number(one.difference_s, 1))}</li>)}</ul>
          </details>
        )}
      </dd>
    </div>
  );
}

function listed(names: string[], count: number): string {
  const shown = names.slice(0, SHOWN).join(", ");
  return count > SHOWN ? `${shown}, …` : shown;
}

function Solved({ flightId, solution }: { flightId: string; solution: Solution }) {
  const { ws } = useHere();
  const url = (format: string) => `/api/v1/workspaces/${encodeURIComponent(ws)}/flights/${encodeURIComponent(flightId)}/ppk/solution?format=${format}`;
  const { trajectory } = solution;
  const share = Math.round(trajectory.fixed_share * 1000) / 10;
  return (
    <div className="solved">
      <h3>{t.ppk.solution}</h3>
      <p className="num"><strong>{t.ppk.fixed(number(share, 1))}</strong> {t.ppk.ofEpochs(trajectory.fixed, trajectory.epochs)}</p>
      <Bar done={trajectory.fixed} total={trajectory.epochs} label={t.ppk.fixed(number(share, 1))} />
      <p className="num">{t.ppk.placed(solution.events_solved, solution.event_count, solution.events_fixed)}</p>
      <p className="quiet small break">{t.ppk.base}: {solution.base}</p>
      {solution.warnings.length > 0 && <ul className="small">{solution.warnings.map((warning) => <li key={warning}>{warning}</li>)}</ul>}
      <div className="row">
        {[["csv", "CSV"], ["geojson", "GeoJSON"], ["pos", ".pos"]].map(([format, word]) => <a key={format} className="button slim" href={url(format ?? "")} download><Download className="icon" aria-hidden />{word}</a>)}
      </div>
    </div>
  );
}

function Solve({ flightId, set, solverMissing, again }: { flightId: string; set: Set; solverMissing: string | null; again: boolean }) {
  const { dateTime } = useTimes();
  const { ws } = useHere();
  const may = useMay("operator");
  const refresh = useRefresh();
  const [base, setBase] = useState("");
  const [jobId, setJobId] = useState<string | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const job = useQuery(jobQuery(ws, jobId)).data;
  const others = useQuery({ ...mediaPage(ws, { kind: "ppk,rtcm" }, 500), enabled: may && set.solvable });
  const state = job?.state;
  useEffect(() => {
    if (state === "done") void refresh(ws, "ppk", flightId);
  }, [state]);
  if (!set.solvable) return <p className="quiet">{t.ppk.notSolvable}</p>;
  if (solverMissing) return <p className="callout">{t.ppk.noSolver} {solverMissing}</p>;
  if (!may) return null;
  const bases = (others.data?.items ?? []).filter((item) => item.id !== set.rover?.media_id && BASE.test(item.name));
  const working = jobId !== null && (state === undefined || state === "queued" || state === "running" || state === "failed");
  const told = (error: unknown) => setRefused(error instanceof Refusal && error.status > 0 ? error.detail : t.errors.offline);
  const solve = () => {
    setRefused(null);
    setJobId(null);
    ok(api.POST("/api/v1/workspaces/{ws}/flights/{flight_id}/ppk/solve", { params: { path: { ws, flight_id: flightId } }, body: { base_media_id: base || null } })).then(({ job_id }) => setJobId(job_id), told);
  };
  const cancel = () => void ok(api.POST("/api/v1/workspaces/{ws}/jobs/{id}/cancel", { params: { path: { ws, id: jobId ?? "" } } })).catch(told);
  return (
    <div className="solve">
      <label className="field">
        <span>{t.ppk.base}</span>
        <select className="select" value={base} onChange={(event) => setBase(event.target.value)} disabled={working}>
          <option value="">{t.ppk.ownCorrections}</option>
          {bases.map((item) => <option key={item.id} value={item.id}>{item.name}{item.captured_at ? ` (${dateTime(item.captured_at)})` : ""}</option>)}
        </select>
      </label>
      <div className="row">
        <button className="button primary" onClick={solve} disabled={working}>{working && <Working />}{working ? t.ppk.solving : again ? t.ppk.solveAgain : t.ppk.solve}</button>
        {working && job && <button className="button" onClick={cancel}>{t.common.cancel}</button>}
      </div>
      {working && job && <Bar done={job.progress.done} total={job.progress.total ?? 0} tone="working" label={t.ppk.solving} />}
      {(refused ?? (state === "dead" || state === "failed" ? job?.error : null)) && <p role="alert" className="state failed break">{refused ?? job?.error}</p>}
    </div>
  );
}

/** RINEX observations or RTCM 3, by the endings that such files have. */
const BASE = /\.(obs|o|rnx|dat|rtcm3?|\d\do)$/i;
