// What goes by itself and what may not go: retention rules, the trash's period, legal holds.
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { CalendarClock, Lock, Pencil, Play, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { api, ok, type Schemas } from "../api/client";
import { controllers, docks, holds, retentionRules, trash } from "../api/queries";
import { DeviceOptions } from "../docks/device-options";
import { dockName } from "../flights/summary";
import { More } from "../flights/flights";
import { auditWords } from "../admin/audit-words";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { useTimes } from "../ui/site";
import { Await, Confirm, Loading, Moment, Notice, State, toast, useRefresh, why, Working } from "../ui/parts";
import { HoldDialog, type Held } from "./hold-dialog";
import { RuleDialog } from "./rule-dialog";
import { periodWords } from "./words";
import "../styles/keep.css";

type Rule = Schemas["RetentionRuleItem"];
type Hold = Schemas["LegalHoldItem"];

export function Keep() {
  const { ws } = useHere();
  const path = useWsPath();
  const [bin, ...others] = [useQuery(trash(ws)), useQuery(retentionRules(ws)), useInfiniteQuery(holds(ws)), useQuery(docks(ws))] as const;
  // at once: what comes later would move what is below it
  if (bin.isPending || others.some((query) => query.isPending)) return <Loading rows={5} height={56} />;
  const period_s = bin.data?.period_s;
  return (
    <>
      <div className="admin-head">
        <p className="quiet">
          {t.keep.help} {period_s === undefined ? "" : period_s === null ? t.keep.noPeriod : t.keep.period(periodWords(period_s))} <Link href={path("trash")}>{t.trash.title}</Link>
        </p>
      </div>
      <Rules />
      <Holds />
    </>
  );
}

function Rules() {
  const { ws } = useHere();
  const query = useQuery(retentionRules(ws));
  const dockList = useQuery(docks(ws)).data?.items;
  const refresh = useRefresh();
  const [editing, setEditing] = useState<Rule | "new" | null>(null);
  const apply = useMutation({
    mutationFn: () => ok(api.POST("/api/v1/workspaces/{ws}/retention-rules/apply", { params: { path: { ws } } })),
    onSuccess: () => (toast(t.keep.applying), refresh(ws, "jobs")),
    onError: (error) => toast(why(error)),
  });
  const items = query.data?.items ?? [];
  return (
    <section className="keep">
      <header>
        <h2>{t.keep.rules}</h2>
        <span className="grow" />
        {items.some((rule) => rule.enabled) && (
          <button className="button" disabled={apply.isPending} onClick={() => apply.mutate()}>
            {apply.isPending ? <Working /> : <Play className="icon" aria-hidden />}
            {t.keep.apply}
          </button>
        )}
        <button className="button primary" onClick={() => setEditing("new")}>
          <Plus className="icon" aria-hidden />
          {t.keep.add}
        </button>
      </header>
      <Await query={query} loading={<Loading rows={2} height={56} />}>
        {() =>
          items.length === 0 ? <Notice icon={CalendarClock} title={t.keep.none}>{t.keep.noneHelp}</Notice> : (
            <div className="table-wrap">
              <table className="table">
                <thead><tr><th>{t.admin.name}</th><th>{t.keep.reach}</th><th>{t.admin.state}</th><th><span className="visually-hidden">{t.admin.actions}</span></th></tr></thead>
                <tbody>
                  {items.map((rule) => (
                    <RuleRow
                      key={rule.id} rule={rule} edit={() => setEditing(rule)}
                      words={[t.keep.older(rule.older_than_days), rule.kinds.map((kind) => t.kinds.one[kind]).join(", ") || t.keep.allKinds, rule.gateway_sn ? dockName(dockList, rule.gateway_sn) : t.filters.allDevices].join(" · ")}
                    />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Await>
      {editing && <RuleDialog rule={editing === "new" ? undefined : editing} onClose={() => setEditing(null)} />}
    </section>
  );
}

function RuleRow({ rule, words, edit }: { rule: Rule; words: string; edit: () => void }) {
  const { ws } = useHere();
  const refresh = useRefresh();
  const [asking, setAsking] = useState(false);
  const params = { path: { ws, id: rule.id } };
  const turn = useMutation({
    mutationFn: () => ok(api.PATCH("/api/v1/workspaces/{ws}/retention-rules/{id}", { params, body: { enabled: !rule.enabled } })),
    onSuccess: () => refresh(ws, "retention"),
    onError: (error) => toast(why(error)),
  });
  return (
    <tr className={rule.enabled ? "" : "dim"}>
      <td><strong className="break">{rule.name}</strong></td>
      <td>{words}</td>
      <td><State tone={rule.enabled ? "good" : "idle"}>{rule.enabled ? t.keep.on : t.keep.off}</State></td>
      <td className="end">
        <span className="row-actions">
          <button className="button slim" disabled={turn.isPending} onClick={() => turn.mutate()}>{rule.enabled ? t.keep.turnOff : t.keep.turnOn}</button>
          <button className="button slim" aria-label={t.keep.changeRule(rule.name)} onClick={edit}><Pencil className="icon" aria-hidden />{t.keep.edit}</button>
          <button className="button slim" aria-label={t.keep.removeRule(rule.name)} onClick={() => setAsking(true)}><Trash2 className="icon" aria-hidden />{t.admin.remove}</button>
        </span>
        {asking && (
          <Confirm
            title={t.keep.removeRule(rule.name)} action={t.admin.remove} danger onClose={() => setAsking(false)}
            onConfirm={() => ok(api.DELETE("/api/v1/workspaces/{ws}/retention-rules/{id}", { params })).then(() => refresh(ws, "retention"))}
          >
            {t.keep.removeHelp}
          </Confirm>
        )}
      </td>
    </tr>
  );
}

function Holds() {
  const { ws } = useHere();
  const query = useInfiniteQuery(holds(ws));
  const dockList = useQuery(docks(ws)).data?.items ?? [];
  const crews = useQuery(controllers(ws)).data?.items ?? [];
  const [on, setOn] = useState("");
  const [placing, setPlacing] = useState<{ on: Held; what: string } | null>(null);
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const choose = (value: string) => {
    setOn("");
    if (value === "everything") setPlacing({ on: { everything: true }, what: t.holds.everything });
    else if (value) setPlacing({ on: { gateway_sn: value }, what: dockName(dockList, value) });
  };
  return (
    <section className="keep">
      <header>
        <h2>{t.holds.title}</h2>
        <span className="grow" />
        <select className="select" style={{ width: "auto", maxWidth: 260 }} aria-label={t.holds.place} value={on} onChange={(event) => choose(event.target.value)}>
          <option value="">{t.holds.placeOn}</option>
          <option value="everything">{t.holds.everything}</option>
          <DeviceOptions docks={dockList} controllers={crews} words={t.holds.ofDevice} />
        </select>
      </header>
      <p className="quiet">{t.holds.help}</p>
      <Await query={query} loading={<Loading rows={2} height={56} />}>
        {() =>
          items.length === 0 ? <Notice icon={Lock} title={t.holds.none}>{t.holds.noneHelp}</Notice> : (
            <>
              <div className="table-wrap">
                <table className="table">
                  <thead><tr><th>{t.holds.name}</th><th>{t.holds.on}</th><th>{t.admin.state}</th><th>{t.holds.placedBy}</th><th><span className="visually-hidden">{t.admin.actions}</span></th></tr></thead>
                  <tbody>{items.map((hold) => <HoldRow key={hold.id} hold={hold} />)}</tbody>
                </table>
              </div>
              {query.hasNextPage && <More busy={query.isFetchingNextPage} load={() => void query.fetchNextPage()} />}
            </>
          )
        }
      </Await>
      {placing && <HoldDialog {...placing} onClose={() => setPlacing(null)} />}
    </section>
  );
}

function HoldRow({ hold }: { hold: Hold }) {
  const { dateTime } = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const refresh = useRefresh();
  const dockList = useQuery(docks(ws)).data?.items;
  const [asking, setAsking] = useState(false);
  const open = hold.released_at === null;
  const release = async () => {
    await ok(api.DELETE("/api/v1/workspaces/{ws}/legal-holds/{id}", { params: { path: { ws, id: hold.id } } }));
    for (const noun of ["holds", "item", "trash"]) void refresh(ws, noun);
  };
  return (
    <tr className={open ? "" : "dim"}>
      <td><strong className="break">{hold.name}</strong></td>
      <td>
        {hold.everything ? t.holds.everything
          : hold.flight_id ? <Link href={path(`flights/${encodeURIComponent(hold.flight_id)}`)}>{t.holds.aFlight}</Link>
          : hold.gateway_sn ? t.holds.ofDevice(dockName(dockList, hold.gateway_sn)) : t.holds.chosen}
      </td>
      <td>
        {open ? <State tone="attention">{t.holds.open}</State> : <State tone="idle">{t.holds.released}</State>}
        {hold.released_at && hold.released_by && <p className="quiet small">{auditWords.actor(hold.released_by)}, <Moment at={hold.released_at} /></p>}
      </td>
      <td>{auditWords.actor(hold.created_by)} <span className="quiet small nowrap">{dateTime(hold.created_at)}</span></td>
      <td className="end">
        {open && <button className="button slim" aria-label={t.holds.releaseThat(hold.name)} onClick={() => setAsking(true)}>{t.holds.release}</button>}
        {asking && <Confirm title={t.holds.releaseThat(hold.name)} action={t.holds.release} onClose={() => setAsking(false)} onConfirm={release}>{t.holds.releaseHelp}</Confirm>}
      </td>
    </tr>
  );
}
