// Remote controllers with DJI Pilot 2: who is there, and their accounts. Crews log in at /pilot and need none made by hand.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Gamepad2, KeyRound, Plus, Power, PowerOff } from "lucide-react";
import { useState, type FormEvent } from "react";
import { api, ok, type Schemas } from "../api/client";
import { controllers } from "../api/queries";
import { t } from "../i18n";
import { useHere, useMay } from "../shell/context";
import { Await, Confirm, CopyButton, Dialog, Loading, Moment, Notice, State, toast, Refused, why, Working, type Tone } from "../ui/parts";
import { Code, Fields } from "./credentials";
import { aircraftWord } from "./words";

type Controller = Schemas["ControllerItem"];
type Access = Schemas["ControllerAccessItem"];

export function Controllers() {
  const { ws } = useHere();
  const admin = useMay("admin");
  const query = useQuery({ ...controllers(ws), refetchInterval: 15_000 });
  const [adding, setAdding] = useState(false);
  const [access, setAccess] = useState<Access | null>(null);
  const address = `${location.origin}/pilot`;
  return (
    <section className="controllers" aria-labelledby="controllers">
      <div className="page-head">
        <h2 id="controllers">{t.controllers.title}</h2>
        <span className="grow" />
        {admin && (
          <button className="button" onClick={() => setAdding(true)}>
            <Plus className="icon" aria-hidden />
            {t.controllers.add}
          </button>
        )}
      </div>
      <p className="quiet pilot-address">
        {t.controllers.help} <code className="mono">{address}</code> <CopyButton text={address} label={t.common.copyThat(t.controllers.address)} />
      </p>
      <Await query={query} loading={<Loading rows={2} height={64} />}>
        {() =>
          query.data?.items.length === 0 ? (
            <Notice icon={Gamepad2} title={t.controllers.none}>{t.controllers.noneHelp}</Notice>
          ) : (
            <ul className="dock-list">
              {query.data?.items.map((one) => <Row key={one.sn} controller={one} onAccess={setAccess} />)}
            </ul>
          )
        }
      </Await>
      {adding && <Add onClose={() => setAdding(false)} onAdded={(made) => (setAdding(false), setAccess(made))} />}
      {access && <Shown access={access} onClose={() => setAccess(null)} />}
    </section>
  );
}

const tone = (one: Controller): Tone => (one.disabled ? "failed" : one.online ? "good" : one.last_seen_at ? "attention" : "idle");
const word = (one: Controller) => (one.disabled ? t.docks.disabled : one.online ? t.docks.online : one.last_seen_at ? t.docks.offline : t.docks.neverSeen);

function Row({ controller, onAccess }: { controller: Controller; onAccess: (access: Access) => void }) {
  const { ws } = useHere();
  const admin = useMay("admin");
  const client = useQueryClient();
  const [asking, setAsking] = useState<"rotate" | "disable" | null>(null);
  const { sn } = controller;
  const params = { path: { ws, sn } };
  const refresh = () => client.invalidateQueries({ queryKey: [ws, "controllers"] });
  const enable = useMutation({
    mutationFn: () => ok(api.POST("/api/v1/workspaces/{ws}/controllers/{sn}/enable", { params })),
    onSuccess: refresh,
    onError: (error) => toast(why(error)),
  });
  const aircraft = controller.aircraft.map((one) => `${aircraftWord(one.model_key) ?? ""} ${one.sn}`.trim()).join(", ");
  return (
    <li className="dock-card controller">
      <div className="who">
        <h3 className="mono break">{sn}</h3>
        <span className="quiet break">{aircraft || t.controllers.noAircraft}</span>
      </div>
      <div>
        <State tone={tone(controller)}>{word(controller)}</State>
        <div className="quiet small">
          {controller.last_seen_at ? <>{t.docks.lastHeard} <Moment at={controller.last_seen_at} /></> : t.docks.neverHelp}
        </div>
      </div>
      {admin && (
        <div className="row-actions">
          {!controller.disabled && (
            <button className="button slim" onClick={() => setAsking("rotate")}>
              <KeyRound className="icon" aria-hidden />
              {t.docks.rotate}
            </button>
          )}
          {controller.disabled ? (
            <button className="button slim" disabled={enable.isPending} onClick={() => enable.mutate()}>
              <Power className="icon" aria-hidden />
              {t.docks.enable}
            </button>
          ) : (
            <button className="button slim" onClick={() => setAsking("disable")}>
              <PowerOff className="icon" aria-hidden />
              {t.docks.disable}
            </button>
          )}
        </div>
      )}
      {asking === "rotate" && (
        <Confirm
          title={t.docks.rotateTitle(sn)} action={t.docks.rotate} onClose={() => setAsking(null)}
          onConfirm={() => ok(api.POST("/api/v1/workspaces/{ws}/controllers/{sn}/rotate", { params })).then(onAccess).then(refresh)}
        >
          {t.controllers.rotateHelp}
        </Confirm>
      )}
      {asking === "disable" && (
        <Confirm
          title={t.docks.disableTitle(sn)} action={t.docks.disable} danger onClose={() => setAsking(null)}
          onConfirm={() => ok(api.POST("/api/v1/workspaces/{ws}/controllers/{sn}/disable", { params })).then(refresh)}
        >
          {t.controllers.disableHelp}
        </Confirm>
      )}
    </li>
  );
}

function Add({ onClose, onAdded }: { onClose: () => void; onAdded: (access: Access) => void }) {
  const { ws } = useHere();
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: (sn: string) => ok(api.POST("/api/v1/workspaces/{ws}/controllers", { params: { path: { ws } }, body: { sn } })),
    onSuccess: (access) => {
      void client.invalidateQueries({ queryKey: [ws, "controllers"] });
      onAdded(access);
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    add.mutate(String(new FormData(event.currentTarget).get("sn")).trim());
  };
  return (
    <Dialog title={t.controllers.add} onClose={onClose}>
      <form onSubmit={submit}>
        <p className="quiet">{t.controllers.addHelp}</p>
        <label className="field">
          <span>{t.docks.sn}</span>
          <input className="input mono" name="sn" required maxLength={64} pattern="[A-Za-z0-9_\-]+" title={t.docks.snRule} autoCapitalize="characters" autoComplete="off" autoFocus />
        </label>
        {add.error && <Refused error={add.error} taken={t.controllers.taken} />}
        <div className="actions" style={{ marginTop: 0 }}>
          <button type="button" className="button" onClick={onClose}>{t.common.cancel}</button>
          <button className="button primary" disabled={add.isPending}>
            {add.isPending && <Working />}
            {t.controllers.add}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Shown({ access, onClose }: { access: Access; onClose: () => void }) {
  const { mqtt_url, username, password, token } = access;
  return (
    <Dialog title={t.controllers.accessTitle} onClose={onClose}>
      <div className="stack">
        <div className="callout attention">
          <KeyRound className="icon" aria-hidden />
          <p>{t.controllers.once}</p>
        </div>
        <Fields rows={[[t.setUp.address, mqtt_url], [t.setUp.account, username], [t.setUp.password, password], [t.controllers.token, token]]} />
        <Code lines={[mqtt_url, username, password]} />
      </div>
      <div className="actions"><button className="button primary" onClick={onClose}>{t.setUp.done}</button></div>
    </Dialog>
  );
}
