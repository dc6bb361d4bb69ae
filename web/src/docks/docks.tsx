// Every dock: whether it is heard, what it did last, how full it is, what it still has to send.
import { useQuery } from "@tanstack/react-query";
import { Plus, Warehouse } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import type { DockItem, Schemas } from "../api/client";
import { controllers, docks } from "../api/queries";
import { t } from "../i18n";
import { useHere, useMay, useWsPath } from "../shell/context";
import { number } from "../ui/format";
import { Await, Loading, Moment, Notice, State, useTick } from "../ui/parts";
import { Controllers } from "./controllers";
import { AddDock, Credentials } from "./credentials";
import { dockState, dockTone, methodWord, modelWord, stepWord } from "./words";
import "../styles/docks.css";

export default function Docks() {
  const { ws } = useHere();
  const admin = useMay("admin");
  const query = useQuery({ ...docks(ws), refetchInterval: 15_000 });
  // asked for now, shown below the docks when those are there: they would move it
  useQuery(controllers(ws));
  const [adding, setAdding] = useState(false);
  const [shown, setShown] = useState<Schemas["DockAccessItem"] | null>(null);
  useTick(15_000);
  const add = admin && (
    <button className="button primary" onClick={() => setAdding(true)}>
      <Plus className="icon" aria-hidden />
      {t.docks.add}
    </button>
  );
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t.places.docks}</h1>
        <span className="grow" />
        {(query.data?.items.length ?? 0) > 0 && add}
      </div>
      <Await query={query} loading={<Loading rows={3} height={96} />}>
        {() =>
          query.data?.items.length === 0 ? (
            <Notice icon={Warehouse} title={t.docks.none} action={add}>{admin ? t.docks.noneHelp : t.docks.noneHelpViewer}</Notice>
          ) : (
            <ul className="dock-list">{query.data?.items.map((dock) => <DockCard key={dock.sn} dock={dock} />)}</ul>
          )
        }
      </Await>
      {!query.isPending && <Controllers />}
      {adding && <AddDock onClose={() => setAdding(false)} onAdded={(access) => (setAdding(false), setShown(access))} />}
      {shown && <Credentials access={shown} onClose={() => setShown(null)} />}
    </div>
  );
}

function DockCard({ dock }: { dock: DockItem }) {
  const path = useWsPath();
  return (
    <li className="dock-card">
      <div className="who">
        <h2><Link href={path(`docks/${encodeURIComponent(dock.sn)}`)}>{dock.callsign ?? dock.sn}</Link></h2>
        <span className="quiet clip">{[modelWord(dock.model_key), dock.sn].filter(Boolean).join(" · ")}</span>
      </div>
      <div>
        <State tone={dockTone(dock)}>{dockState(dock)}</State>
        <div className="quiet small">
          {dock.last_seen_at ? <>{t.docks.lastHeard} <Moment at={dock.last_seen_at} /></> : t.docks.neverHelp}
        </div>
      </div>
      <DockFigures dock={dock} />
    </li>
  );
}

export function DockFigures({ dock }: { dock: DockItem }) {
  const { total_kb: total, used_kb: used } = dock.storage;
  const part = total && used !== null ? Math.round((used / total) * 100) : null;
  const step = stepWord(dock.flighttask_step_code);
  return (
    <dl className="figures">
      <div>
        <dt>{t.docks.waiting}</dt>
        <dd>{dock.remain_upload === null ? "–" : t.docks.files(number(dock.remain_upload))}</dd>
      </div>
      <div>
        <dt>{t.docks.disk}</dt>
        <dd>
          {part === null ? "–" : t.docks.diskUsed(part)}
          {part !== null && (
            <div className={`bar-track ${part > 90 ? "attention" : "good"}`} aria-hidden>
              <span style={{ width: `${part}%` }} />
            </div>
          )}
        </dd>
      </div>
      <div>
        <dt>{t.docks.doing}</dt>
        <dd>{dock.online ? (step ?? "–") : step ? t.docks.didLast(step) : "–"}</dd>
      </div>
      <div className="said">
        <dt>{t.docks.saidLast}</dt>
        <dd>
          {dock.last_exchange === null ? "–" : (
            <>
              {methodWord(dock.last_exchange.method)}{" "}
              <span className="quiet small">
                {dock.last_exchange.result !== null && dock.last_exchange.result !== 0 && <State tone="failed">{t.docks.refused}</State>} <Moment at={dock.last_exchange.at} />
              </span>
            </>
          )}
        </dd>
      </div>
    </dl>
  );
}
