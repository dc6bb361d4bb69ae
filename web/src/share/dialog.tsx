// A link for people without an account: how long, what may be done, what is kept back; then the link itself, to copy.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, ok, type Schemas } from "../api/client";
import { Code } from "../docks/credentials";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { CopyButton, Dialog, Refused, Working } from "../ui/parts";
import { useTimes } from "../ui/site";
import "../styles/share.css";

export type What = { album_id: string } | { flight_id: string } | { media_ids: string[] };
type Share = Schemas["ShareItem"];

const LIVES = ["1", "7", "30", "90", "365", "never"] as const;
const DAY_MS = 86_400_000;

export function ShareDialog({ what, title, onClose }: { what: What; title: string; onClose: () => void }) {
  const { ws } = useHere();
  const client = useQueryClient();
  const [hide, setHide] = useState({ position: false, metadata: false });
  const make = useMutation({
    mutationFn: (body: Schemas["NewShareRequest"]) => ok(api.POST("/api/v1/workspaces/{ws}/shares", { params: { path: { ws } }, body })),
    onSuccess: () => void client.invalidateQueries({ queryKey: [ws, "shares"] }),
  });
  if (make.data) return <Made share={make.data} onClose={onClose} />;

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name)).trim() || null;
    const life = String(form.get("life"));
    make.mutate({
      album_id: null, flight_id: null, media_ids: null, ...what,
      title: text("title") ?? title, slug: text("slug"), password: String(form.get("password")) || null,
      expires_at: life === "never" ? null : new Date(Date.now() + Number(life) * DAY_MS).toISOString(), never_expires: life === "never",
      download: form.get("download") === "on", hide_position: hide.position || hide.metadata, hide_metadata: hide.metadata,
    });
  };
  return (
    <Dialog title={t.shares.new} onClose={onClose}>
      <form onSubmit={submit}>
        <p className="quiet">{t.shares.newHelp}</p>
        <label className="field">
          <span>{t.shares.name}</span>
          <input className="input" name="title" required maxLength={120} defaultValue={title} autoComplete="off" autoFocus />
        </label>
        <div className="pair">
          <label className="field">
            <span>{t.shares.life}</span>
            <select className="select" name="life" defaultValue="30">
              {LIVES.map((life) => <option key={life} value={life}>{t.shares.lives[life]}</option>)}
            </select>
          </label>
          <label className="field">
            <span>{t.shares.password}</span>
            <input className="input" name="password" type="password" minLength={8} maxLength={1024} placeholder={t.shares.none} autoComplete="new-password" />
          </label>
        </div>
        <label className="field">
          <span>{t.shares.slug}</span>
          <span className="prefixed">
            <span className="quiet small clip" aria-hidden>{location.host}/share/</span>
            <input className="input" name="slug" aria-label={t.shares.slug} minLength={3} maxLength={64} pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?" title={t.shares.slugRule} placeholder={t.shares.slugRandom} autoCapitalize="none" autoComplete="off" />
          </span>
        </label>
        <fieldset className="checks">
          <legend className="visually-hidden">{t.shares.may}</legend>
          <label><input type="checkbox" name="download" defaultChecked />{t.shares.download}</label>
          <label><input type="checkbox" checked={hide.position || hide.metadata} disabled={hide.metadata} onChange={(event) => setHide({ ...hide, position: event.target.checked })} />{t.shares.hidePosition}</label>
          <label><input type="checkbox" checked={hide.metadata} onChange={(event) => setHide({ ...hide, metadata: event.target.checked })} />{t.shares.hideMetadata}</label>
        </fieldset>
        {(hide.position || hide.metadata) && <p className="quiet small">{t.shares.hideHelp}</p>}
        {make.error && <Refused error={make.error} taken={t.shares.slugTaken} />}
        <div className="actions" style={{ marginTop: 0 }}>
          <button type="button" className="button" onClick={onClose}>{t.common.cancel}</button>
          <button className="button primary" disabled={make.isPending}>{make.isPending && <Working />}{t.shares.make}</button>
        </div>
      </form>
    </Dialog>
  );
}

function Made({ share, onClose }: { share: Share; onClose: () => void }) {
  const { dateTime } = useTimes();
  return (
    <Dialog title={t.shares.made} onClose={onClose}>
      <div className="stack">
        <p className="share-url mono break">{share.url} <CopyButton text={share.url} label={t.shares.copy} /></p>
        <p className="quiet">{share.expires_at ? t.shares.until(dateTime(share.expires_at)) : t.shares.forEver} {share.has_password && t.shares.tellPassword}</p>
        <Code lines={[share.url]} label={t.shares.code} />
      </div>
      <div className="actions">
        <button className="button primary" onClick={onClose} autoFocus>{t.common.close}</button>
      </div>
    </Dialog>
  );
}
