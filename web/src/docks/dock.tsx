// One dock: its state, its set-up with a check list that ticks by itself, its account, and what was said.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronLeft, Circle, CircleCheck, KeyRound, Power, PowerOff } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { api, ok, type DockItem, type Schemas } from "../api/client";
import { dock as dockQuery, dockSetUp } from "../api/queries";
import { t } from "../i18n";
import { useHere, useMay, useWsPath } from "../shell/context";
import { coordinates } from "../ui/format";
import { Await, Confirm, CopyButton, Loading, Moment, State, toast, useTick, why } from "../ui/parts";
import { SiteZone, useTimes } from "../ui/site";
import { Code, Credentials, SetUp } from "./credentials";
import { DockFigures } from "./docks";
import { Rename } from "./rename";
import { Trace } from "./trace";
import { aircraftWord, dockState, dockTone, modelWord } from "./words";
import "../styles/docks.css";

export default function DockPage({ sn }: { sn: string }) {
  const { ws } = useHere();
  const path = useWsPath();
  const query = useQuery({ ...dockQuery(ws, sn), refetchInterval: 10_000 });
  useTick(10_000);
  return (
    <div className="page">
      <Link className="back" href={path("docks")}>
        <ChevronLeft className="icon" aria-hidden />
        {t.places.docks}
      </Link>
      <Await query={query} loading={<Loading rows={3} height={96} />}>{() => query.data && <SiteZone zone={query.data.time_zone} found="dock"><Dock dock={query.data} /></SiteZone>}</Await>
    </div>
  );
}

function Dock({ dock }: { dock: DockItem }) {
  const { dateTime } = useTimes();
  const path = useWsPath();
  return (
    <>
      <div className="page-head">
        <h1 className="break">{dock.callsign ?? dock.sn}</h1>
        <State pill tone={dockTone(dock)}>{dockState(dock)}</State>
        {dock.last_seen_at && !dock.online && <span className="quiet">{t.docks.lastHeard} <Moment at={dock.last_seen_at} /></span>}
        <span className="grow" />
        <div className="row-actions"><Account dock={dock} /></div>
      </div>
      <div className="dock-page">
        <div className="dock-facts">
          <DockFigures dock={dock} />
          <Checks dock={dock} />
          <ScreenValues dock={dock} />
          <h2>{t.docks.about}</h2>
          <dl className="facts">
            <Fact label={t.docks.model}>{modelWord(dock.model_key)}</Fact>
            <Fact label={t.docks.sn}><span className="mono">{dock.sn}</span> <CopyButton text={dock.sn} label={t.common.copyThat(t.docks.sn)} /></Fact>
            <Fact label={t.docks.firmware}>{dock.firmware_version}</Fact>
            <Fact label={t.docks.aircraft}>{dock.aircraft.map((one) => `${aircraftWord(one.model_key) ?? ""} ${one.sn}`.trim()).join(", ") || null}</Fact>
            <Fact label={t.docks.position}>
              {dock.position && (
                <>
                  <span className="num">{coordinates(dock.position.lat, dock.position.lng)}</span>{" "}
                  <CopyButton text={coordinates(dock.position.lat, dock.position.lng)} label={t.common.copyThat(t.docks.position)} />
                </>
              )}
            </Fact>
            <Fact label={t.docks.prefix}><span className="mono break">{dock.object_key_prefix}</span></Fact>
            <Fact label={t.docks.added}>{dateTime(dock.created_at)}</Fact>
          </dl>
          <p className="links">
            <Link href={path(`flights?gateway_sn=${encodeURIComponent(dock.sn)}`)}>{t.docks.itsFlights}</Link>
            <Link href={path(`gallery?gateway_sn=${encodeURIComponent(dock.sn)}`)}>{t.docks.itsFiles}</Link>
          </p>
        </div>
        <Trace sn={dock.sn} />
      </div>
    </>
  );
}

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children ?? <span className="quiet">{t.common.notKnown}</span>}</dd>
    </div>
  );
}

/** From the account to the first file; each line ticks when the dock has got there. */
function Checks({ dock }: { dock: DockItem }) {
  const steps: [string, string, boolean][] = [
    [t.checks.connected, t.checks.connectedHelp, dock.last_seen_at !== null],
    [t.checks.bound, t.checks.boundHelp, dock.bound_at !== null],
    [t.checks.credentials, t.checks.credentialsHelp, dock.credentials_issued_at !== null],
  ];
  const done = steps.every(([, , is]) => is);
  return (
    <section>
      <h2>{t.checks.title}</h2>
      {done ? (
        <p className="state good" style={{ marginTop: 8, whiteSpace: "normal" }}><CircleCheck className="icon" aria-hidden />{t.checks.done}</p>
      ) : (
        <ol className="checks">
          {steps.map(([title, help, is]) => (
            <li key={title} className={is ? "is" : ""}>
              {is ? <CircleCheck className="icon" aria-hidden /> : <Circle className="icon" aria-hidden />}
              <div>
                <strong>{title}</strong> {is && <span className="visually-hidden">{t.checks.is}</span>}
                {!is && <p className="quiet">{help}</p>}
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** What its screen asks for: open while it is not set up, a press away afterwards. */
function ScreenValues({ dock }: { dock: DockItem }) {
  const { ws } = useHere();
  const admin = useMay("admin");
  const [open, setOpen] = useState(dock.bound_at === null);
  const query = useQuery({ ...dockSetUp(ws, dock.sn), enabled: admin && open });
  if (!admin) return null;
  const values = query.data;
  return (
    <section>
      <h2>{t.setUp.screen}</h2>
      {!open ? (
        <button className="button slim" style={{ marginTop: 8 }} onClick={() => setOpen(true)}>{t.setUp.show}</button>
      ) : (
        <Await query={query} loading={<Loading rows={4} height={52} />}>
          {() => values && (
            <div className="stack">
              <SetUp values={values} />
              <p className="quiet small">{t.setUp.noPassword}</p>
              <Code lines={[values.mqtt_url, values.username, values.organization_id, values.binding_code]} label={t.setUp.qrWithout} />
            </div>
          )}
        </Await>
      )}
    </section>
  );
}

function Account({ dock }: { dock: DockItem }) {
  const { ws } = useHere();
  const admin = useMay("admin");
  const client = useQueryClient();
  const [asking, setAsking] = useState<"rotate" | "disable" | null>(null);
  const [access, setAccess] = useState<Schemas["DockAccessItem"] | null>(null);
  const params = { path: { ws, sn: dock.sn } };
  const refresh = () => Promise.all([client.invalidateQueries({ queryKey: [ws, "docks"] }), client.invalidateQueries({ queryKey: [ws, "dock", dock.sn] })]);
  const enable = useMutation({
    mutationFn: () => ok(api.POST("/api/v1/workspaces/{ws}/docks/{sn}/enable", { params })),
    onSuccess: refresh,
    onError: (error) => toast(why(error)),
  });
  if (!admin) return null;
  const name = dock.callsign ?? dock.sn;
  return (
    <>
      <Rename dock={dock} />
      <button className="button" onClick={() => setAsking("rotate")}>
        <KeyRound className="icon" aria-hidden />
        {t.docks.rotate}
      </button>
      {dock.disabled ? (
        <button className="button" onClick={() => enable.mutate()}>
          <Power className="icon" aria-hidden />
          {t.docks.enable}
        </button>
      ) : (
        <button className="button" onClick={() => setAsking("disable")}>
          <PowerOff className="icon" aria-hidden />
          {t.docks.disable}
        </button>
      )}
      {asking === "rotate" && (
        <Confirm
          title={t.docks.rotateTitle(name)}
          action={t.docks.rotate}
          onClose={() => setAsking(null)}
          onConfirm={() => ok(api.POST("/api/v1/workspaces/{ws}/docks/{sn}/rotate", { params })).then(setAccess).then(refresh)}
        >
          {t.docks.rotateHelp}
        </Confirm>
      )}
      {asking === "disable" && (
        <Confirm
          title={t.docks.disableTitle(name)} action={t.docks.disable} danger onClose={() => setAsking(null)}
          onConfirm={() => ok(api.POST("/api/v1/workspaces/{ws}/docks/{sn}/disable", { params })).then(refresh)}
        >
          {t.docks.disableHelp}
        </Confirm>
      )}
      {access && <Credentials access={access} onClose={() => setAccess(null)} />}
    </>
  );
}
