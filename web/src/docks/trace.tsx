// What was said, drawn as a sequence between dock and server, the newest first. Runs of the same report fold into one line.
import { useInfiniteQuery } from "@tanstack/react-query";
import { ChevronDown, ChevronRight, MessagesSquare } from "lucide-react";
import { useMemo, useState } from "react";
import type { TraceItem } from "../api/client";
import { trace } from "../api/queries";
import { More } from "../flights/flights";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { milliseconds } from "../ui/format";
import { Await, Loading, Moment, Notice, State } from "../ui/parts";
import { useTimes, ZoneNote } from "../ui/site";
import { fileOf, methodWord } from "./words";

type Shown = "all" | "refused";

export function Trace({ sn }: { sn: string }) {
  const { relativeDay } = useTimes();
  const { ws } = useHere();
  const query = useInfiniteQuery({ ...trace(ws, sn), refetchInterval: 2_000 });
  const [shown, setShown] = useState<Shown>("all");
  const entries = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const runs = useMemo(() => fold(shown === "all" ? entries : entries.filter(isRefused)), [entries, shown]);
  return (
    <section className="trace" aria-label={t.trace.title}>
      <div className="page-head" style={{ marginBottom: 8 }}>
        <h2>{t.trace.title}</h2>
        <span className="grow" />
        <ZoneNote />
        <select className="select" style={{ width: "auto" }} aria-label={t.trace.show} value={shown} onChange={(event) => setShown(event.target.value as Shown)}>
          <option value="all">{t.trace.all}</option>
          <option value="refused">{t.trace.refusedOnly}</option>
        </select>
      </div>
      <Await query={query} loading={<Loading rows={8} height={44} />}>
        {() =>
          runs.length === 0 ? (
            <Notice icon={MessagesSquare} title={shown === "all" ? t.trace.none : t.trace.noneRefused}>{shown === "all" ? t.trace.noneHelp : undefined}</Notice>
          ) : (
            <>
              <div className="lanes" aria-hidden><span>{t.trace.dock}</span><span>Eyrie</span></div>
              <ol className="sequence">
                {runs.map((run, n) => {
                  const day = relativeDay(run[0].at);
                  const before = runs[n - 1];
                  return (
                    <li key={run[0].id}>
                      {(!before || relativeDay(before[0].at) !== day) && <div className="when quiet small">{day}</div>}
                      <Run run={run} />
                    </li>
                  );
                })}
              </ol>
              {query.hasNextPage && <More busy={query.isFetchingNextPage} load={() => void query.fetchNextPage()} />}
            </>
          )
        }
      </Await>
    </section>
  );
}

type Entries = [TraceItem, ...TraceItem[]];
const isRefused = (entry: TraceItem) => entry.result !== null && entry.result !== 0;

/** Neighbours of the same method and direction that were all answered 0. */
function fold(entries: TraceItem[]): Entries[] {
  const runs: Entries[] = [];
  for (const entry of entries) {
    const run = runs.at(-1);
    const same = run && run[0].method === entry.method && run[0].direction === entry.direction && !isRefused(run[0]) && !isRefused(entry) && !entry.note && !run[0].note;
    if (run && same) run.push(entry);
    else runs.push([entry]);
  }
  return runs;
}

function Run({ run }: { run: Entries }) {
  const { clockSeconds } = useTimes();
  const [open, setOpen] = useState(false);
  const [entry] = run;
  const oldest = run.at(-1) ?? entry;
  const refused = isRefused(entry);
  const slowest = Math.max(...run.map((one) => one.duration_ms ?? 0));
  const up = entry.direction === "up";
  return (
    <div className={`exchange ${up ? "up" : "down"}${refused ? " refused" : ""}`}>
      <Moment at={entry.at}>
        <span className="num">{clockSeconds(entry.at)}</span>
        {run.length > 1 && <span className="num quiet small"> {t.trace.since} {clockSeconds(oldest.at)}</span>}
      </Moment>
      <div className="arrows">
        <button className="asked" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? <ChevronDown className="icon" aria-hidden /> : <ChevronRight className="icon" aria-hidden />}
          <span>
            {methodWord(entry.method)}
            {run.length > 1 && <strong className="num"> × {run.length}</strong>}
            {run.length === 1 && fileOf(entry) && <span className="quiet break"> {fileOf(entry)}</span>}
          </span>
        </button>
        <div className="shaft" aria-hidden />
        <div className="answered">
          {entry.result === null ? (
            <span className="quiet">{up ? t.trace.noAnswer : t.trace.unanswered}</span>
          ) : refused ? (
            <State tone="failed">{t.trace.refused(entry.result)}</State>
          ) : (
            <span className="quiet">{t.trace.answered}</span>
          )}
          {slowest > 0 && <span className="quiet num"> {run.length > 1 ? t.trace.within(milliseconds(slowest)) : t.trace.in(milliseconds(slowest))}</span>}
          {entry.note && <p className="note">{entry.note}</p>}
        </div>
        {entry.result !== null && <div className="shaft returned" aria-hidden />}
      </div>
      {open && <div className="details">{run.slice(0, 20).map((one) => <Details key={one.id} entry={one} />)}</div>}
    </div>
  );
}

function Details({ entry }: { entry: TraceItem }) {
  const { clockSeconds } = useTimes();
  return (
    <div>
      <p className="small quiet break">{clockSeconds(entry.at)} · {entry.topic} · tid {entry.tid}</p>
      <pre tabIndex={0} aria-label={t.trace.asked}>{JSON.stringify(entry.asked, null, 2)}</pre>
      {entry.answered !== null && <pre tabIndex={0} aria-label={t.trace.answer}>{JSON.stringify(entry.answered, null, 2)}</pre>}
    </div>
  );
}
