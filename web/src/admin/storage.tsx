// What the workspace's files take: by month of capture and by dock, as bars with their figures.
import { useQuery } from "@tanstack/react-query";
import { HardDrive } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import type { Schemas } from "../api/client";
import { docks, storage } from "../api/queries";
import { dockName } from "../flights/summary";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { bytes } from "../ui/format";
import { Await, Loading, Notice } from "../ui/parts";
import { useTimes } from "../ui/site";

type Use = Schemas["StorageUseItem"];
type Row = { key: string; label: string; count: number; size: number; href?: string };

export function Storage() {
  const { monthYear } = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const query = useQuery(storage(ws));
  const dockList = useQuery(docks(ws)).data?.items;
  const all = query.data?.uses ?? [];
  const [sn, setSn] = useState("");
  const uses = sn ? all.filter((use) => use.gateway_sn === sn) : all;
  const months = summed(uses, (use) => use.month).map((row) => ({ ...row, label: row.key ? monthYear(`${row.key}-15T12:00:00Z`) : t.gallery.undated }));
  const byDock = summed(all, (use) => use.gateway_sn)
    .map((row) => ({ ...row, label: dockName(dockList, row.key || null), href: row.key ? path(`gallery?gateway_sn=${encodeURIComponent(row.key)}&kind=all`) : undefined }))
    .toSorted((a, b) => b.size - a.size);
  const kinds = summed(uses, (use) => use.kind).map((row) => ({ ...row, label: (t.kinds.one as Record<string, string>)[row.key] ?? row.key })).toSorted((a, b) => b.size - a.size);
  return (
    <>
      <div className="admin-head">
        <p className="quiet">{t.storage.help}</p>
        {byDock.length > 1 && (
          <select className="select" style={{ width: "auto", maxWidth: 260 }} aria-label={t.storage.ofDock} value={sn} onChange={(event) => setSn(event.target.value)}>
            <option value="">{t.storage.allDocks}</option>
            {byDock.filter((row) => row.key).map((row) => <option key={row.key} value={row.key}>{row.label}</option>)}
          </select>
        )}
      </div>
      <Await query={query} loading={<Loading height={40} />}>
        {() =>
          query.data && (query.data.count === 0 && query.data.trash_count === 0 ? <Notice icon={HardDrive} title={t.storage.none}>{t.storage.noneHelp}</Notice> : (
            <>
              <dl className="facts">
                <div><dt>{t.storage.stored}</dt><dd className="num">{bytes(query.data.size_bytes)} · {t.gallery.files(query.data.count)}</dd></div>
                <div><dt>{t.trash.title}</dt><dd className="num"><Link href={path("trash")}>{bytes(query.data.trash_size_bytes)} · {t.gallery.files(query.data.trash_count)}</Link></dd></div>
              </dl>
              <Bars title={t.storage.byMonth} rows={months} />
              {!sn && <Bars title={t.storage.byDock} rows={byDock} />}
              <Bars title={t.storage.byKind} rows={kinds} />
            </>
          ))
        }
      </Await>
    </>
  );
}

function Bars({ title, rows }: { title: string; rows: Row[] }) {
  const most = Math.max(1, ...rows.map((row) => row.size));
  return (
    <section className="storage">
      <h2>{title}</h2>
      <div className="table-wrap">
        <table className="table">
          <thead className="visually-hidden"><tr><th>{title}</th><th>{t.flights.size}</th><th>{t.flights.files}</th></tr></thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                <th scope="row">{row.href ? <Link href={row.href}>{row.label}</Link> : row.label}</th>
                <td><div className="use"><span className="use-bar"><span style={{ width: `${(row.size / most) * 100}%` }} /></span><span className="num nowrap">{bytes(row.size)}</span></div></td>
                <td className="num nowrap quiet">{t.gallery.files(row.count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Sums by what a key says, in the order in which keys come. */
function summed(uses: Use[], of: (use: Use) => string | null): Row[] {
  const rows = new Map<string, Row>();
  for (const use of uses) {
    const key = of(use) ?? "";
    const row = rows.get(key) ?? { key, label: key, count: 0, size: 0 };
    rows.set(key, { ...row, count: row.count + use.count, size: row.size + use.size_bytes });
  }
  return [...rows.values()];
}
