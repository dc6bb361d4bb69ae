// A new dock, and what has to be typed in on its screen: large, copyable, the password this once.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { KeyRound, QrCode } from "lucide-react";
import { useMemo, useState, type FormEvent } from "react";
import { encode } from "uqr";
import { api, ok, type Schemas } from "../api/client";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { CopyButton, Dialog, Refused, Working } from "../ui/parts";

type Access = Schemas["DockAccessItem"];

export function AddDock({ onClose, onAdded }: { onClose: () => void; onAdded: (access: Access) => void }) {
  const { ws } = useHere();
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: (body: Schemas["DockRequest"]) => ok(api.POST("/api/v1/workspaces/{ws}/docks", { params: { path: { ws } }, body })),
    onSuccess: (access) => {
      void client.invalidateQueries({ queryKey: [ws, "docks"] });
      onAdded(access);
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const callsign = String(form.get("callsign")).trim();
    add.mutate({ sn: String(form.get("sn")).trim(), callsign: callsign || null });
  };
  return (
    <Dialog title={t.docks.add} onClose={onClose}>
      <form onSubmit={submit}>
        <p className="quiet">{t.docks.addHelp}</p>
        <label className="field">
          <span>{t.docks.sn}</span>
          <input className="input mono" name="sn" required maxLength={64} pattern="[A-Za-z0-9_\-]+" title={t.docks.snRule} autoCapitalize="characters" autoComplete="off" autoFocus />
        </label>
        <label className="field">
          <span>{t.docks.callsign}</span>
          <input className="input" name="callsign" maxLength={64} placeholder={t.docks.callsignExample} autoComplete="off" />
        </label>
        {add.error && <Refused error={add.error} taken={t.docks.taken} />}
        <div className="actions" style={{ marginTop: 0 }}>
          <button type="button" className="button" onClick={onClose}>{t.common.cancel}</button>
          <button className="button primary" disabled={add.isPending}>
            {add.isPending && <Working />}
            {t.docks.add}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function Credentials({ access, onClose }: { access: Access; onClose: () => void }) {
  return (
    <Dialog title={t.setUp.title} onClose={onClose}>
      <div className="stack">
        <div className="callout attention">
          <KeyRound className="icon" aria-hidden />
          <p>{t.setUp.once}</p>
        </div>
        <p>{t.setUp.where}</p>
        <SetUp values={access} password={access.password} />
        <Code lines={[access.mqtt_url, access.username, access.password, access.organization_id, access.binding_code]} />
      </div>
      <div className="actions">
        <button className="button primary" onClick={onClose}>{t.setUp.done}</button>
      </div>
    </Dialog>
  );
}

/** The fields of the dock's screen, in its order. */
export function SetUp({ values, password }: { values: Partial<Omit<Access, "password">>; password?: string }) {
  const rows: [string, string | undefined][] = [
    [t.setUp.address, values.mqtt_url],
    [t.setUp.account, values.username],
    [t.setUp.password, password],
    [t.setUp.organization, values.organization_id],
    [t.setUp.code, values.binding_code],
  ];
  return <Fields rows={rows} />;
}

/** Large, since somebody reads it off one screen and types it in on another. */
export function Fields({ rows }: { rows: [string, string | undefined][] }) {
  return (
    <dl className="set-up">
      {rows.map(([label, value]) =>
        value === undefined ? null : (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <span className="mono break">{value}</span>
              <CopyButton text={value} label={t.common.copyThat(label)} />
            </dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** The same lines for a phone's camera, which can then paste them. */
export function Code({ lines, label }: { lines: string[]; label?: string }) {
  const [shown, setShown] = useState(false);
  const text = lines.join("\n");
  const { path, size } = useMemo(() => {
    const { data, size: edge } = encode(text, { border: 2 });
    const squares = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
    return { path: squares.join(""), size: edge };
  }, [text]);
  if (!shown) {
    return (
      <button className="button" style={{ justifySelf: "start" }} onClick={() => setShown(true)}>
        <QrCode className="icon" aria-hidden />
        {t.setUp.showCode}
      </button>
    );
  }
  return (
    <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label ?? t.setUp.qr} shapeRendering="crispEdges">
      <path d={path} />
    </svg>
  );
}
