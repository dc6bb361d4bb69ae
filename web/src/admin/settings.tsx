// What is configured and from where, for the administrator of the server: to look at. The file belongs to whoever runs the machine.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { SearchX } from "lucide-react";
import { settings } from "../api/queries";
import { t } from "../i18n";
import { Await, CopyButton, Loading, Notice } from "../ui/parts";

export function Settings() {
  const query = useQuery(settings);
  const [search, setSearch] = useState("");
  const [changed, setChanged] = useState(false);
  const wanted = search.trim().toLowerCase();
  const rows = (query.data?.settings ?? []).filter(
    (row) => (!changed || row.origin !== "default") && (!wanted || row.key.includes(wanted) || row.value.toLowerCase().includes(wanted)),
  );
  const sections = [...new Set(rows.map((row) => section(row.key)))];
  return (
    <>
      <div className="admin-head"><p className="quiet">{t.settings.help}</p></div>
      <Await query={query} loading={<Loading height={40} />}>
        {() => (
          <>
            <dl className="facts addresses">
              {(["http", "mqtt", "s3", "pilot"] as const).map((name) => (
                <div key={name}>
                  <dt>{t.settings.addresses[name]}</dt>
                  <dd>
                    <span className="mono break">{query.data?.addresses[name]}</span>
                    <CopyButton text={query.data?.addresses[name] ?? ""} label={t.common.copyThat(t.settings.addresses[name])} />
                  </dd>
                </div>
              ))}
              <div><dt>{t.settings.version}</dt><dd className="num">{query.data?.version}</dd></div>
            </dl>
            <div className="settings-filter">
              <input className="input" type="search" aria-label={t.settings.search} placeholder={t.settings.search} value={search} onChange={(event) => setSearch(event.target.value)} />
              <label className="check"><input type="checkbox" checked={changed} onChange={(event) => setChanged(event.target.checked)} /> {t.settings.changedOnly}</label>
            </div>
            {rows.length === 0 && <Notice icon={SearchX} title={t.settings.none}>{t.settings.noneHelp}</Notice>}
            {sections.map((name) => (
              <section key={name} className="settings-section">
                <h2>{name ? `[${name}]` : t.settings.general}</h2>
                <div className="table-wrap">
                  <table className="table">
                    <thead><tr><th>{t.settings.key}</th><th>{t.settings.value}</th><th>{t.settings.origin}</th></tr></thead>
                    <tbody>
                      {rows.filter((row) => section(row.key) === name).map((row) => (
                        <tr key={row.key} title={row.environment}>
                          <td className="mono">{row.key}</td>
                          <td className="break">{row.value === "(set)" ? t.settings.secret : row.value || <span className="quiet">{t.settings.notSet}</span>}</td>
                          <td className="break">{row.origin === "default" ? <span className="quiet">{t.settings.default}</span> : <span className="mono">{row.origin}</span>}</td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </div>
              </section>
            ))}
          </>
        )}
      </Await>
    </>
  );
}

const section = (key: string) => (key.includes(".") ? key.slice(0, key.indexOf(".")) : "");
