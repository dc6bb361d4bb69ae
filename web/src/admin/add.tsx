// Dialogs that make something; secrets are shown this once.
import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState, type FormEvent, type ReactNode } from "react";
import { api, ok, type Role, type Schemas } from "../api/client";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { Fields } from "../docks/credentials";
import { Dialog, Refused, Working } from "../ui/parts";

type Secrets = [string, string][];

function Maker({ title, action, fields, make, onClose }: {
  title: string; action: string; fields: ReactNode; make: (form: FormData) => Promise<Secrets>; onClose: () => void;
}) {
  const [secrets, setSecrets] = useState<Secrets | null>(null);
  const add = useMutation({ mutationFn: make, onSuccess: (made) => (made.length > 0 ? setSecrets(made) : onClose()) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    add.mutate(new FormData(event.currentTarget));
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {secrets ? (
        <>
          <div className="stack">
            <div className="callout attention">
              <KeyRound className="icon" aria-hidden />
              <p>{t.setUp.once}</p>
            </div>
            <Fields rows={secrets} />
          </div>
          <div className="actions"><button className="button primary" onClick={onClose}>{t.setUp.done}</button></div>
        </>
      ) : (
        <form onSubmit={submit}>
          {fields}
          {add.error && <Refused error={add.error} taken={t.admin.taken} />}
          <div className="actions" style={{ marginTop: 0 }}>
            <button type="button" className="button" onClick={onClose}>{t.common.cancel}</button>
            <button className="button primary" disabled={add.isPending}>{add.isPending && <Working />}{action}</button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

function RoleField() {
  return (
    <label className="field">
      <span>{t.admin.role}</span>
      <select className="select" name="role" defaultValue="viewer">
        {(["viewer", "operator", "admin"] as const).map((role) => <option key={role} value={role}>{t.roles[role]}: {t.roleHelp[role]}</option>)}
      </select>
    </label>
  );
}

function NameField({ label, required = true, placeholder }: { label: string; required?: boolean; placeholder?: string }) {
  return (
    <label className="field">
      <span>{label}</span>
      <input className="input" name="name" required={required} maxLength={64} placeholder={placeholder} autoComplete="off" autoCapitalize="none" autoFocus />
    </label>
  );
}

const text = (form: FormData, name: string) => String(form.get(name) ?? "").trim();

export function AddUser({ onClose }: { onClose: () => void }) {
  const { ws } = useHere();
  const make = async (form: FormData): Promise<Secrets> => {
    const body = { name: text(form, "name"), role: text(form, "role") as Role };
    const made = await ok(api.POST("/api/v1/workspaces/{ws}/users", { params: { path: { ws } }, body }));
    return [[t.login.name, body.name], [t.login.password, made.password ?? ""]];
  };
  return <Maker title={t.admin.addUser} action={t.admin.addUser} make={make} onClose={onClose} fields={<><NameField label={t.login.name} /><RoleField /></>} />;
}

export function AddToken({ onClose }: { onClose: () => void }) {
  const { ws } = useHere();
  const make = async (form: FormData): Promise<Secrets> => {
    const until = text(form, "until");
    const body = { name: text(form, "name") || null, role: text(form, "role") as Role, expires_at: until ? new Date(`${until}T23:59:59`).toISOString() : null };
    const made = await ok(api.POST("/api/v1/workspaces/{ws}/tokens", { params: { path: { ws } }, body }));
    return [[t.admin.token, made.token]];
  };
  const fields = (
    <>
      <NameField label={t.admin.purpose} required={false} placeholder={t.admin.purposeExample} />
      <RoleField />
      <label className="field">
        <span>{t.admin.expires}</span>
        <input className="input" type="date" name="until" min={new Date().toISOString().slice(0, 10)} />
      </label>
    </>
  );
  return <Maker title={t.admin.addToken} action={t.admin.addToken} make={make} onClose={onClose} fields={fields} />;
}

export function AddS3Key({ onClose }: { onClose: () => void }) {
  const { ws } = useHere();
  const make = async (form: FormData): Promise<Secrets> => {
    const body = { access: text(form, "access") as Schemas["Access"] };
    const made = await ok(api.POST("/api/v1/workspaces/{ws}/s3-keys", { params: { path: { ws } }, body }));
    return [
      [t.admin.endpoint, made.endpoint], [t.admin.region, made.region], [t.admin.bucket, made.bucket],
      [t.admin.key, made.access_key_id], [t.admin.secret, made.secret_access_key],
    ];
  };
  const fields = (
    <label className="field">
      <span>{t.admin.access}</span>
      <select className="select" name="access" autoFocus>
        {(["read", "write"] as const).map((access) => <option key={access} value={access}>{t.admin.accesses[access]}</option>)}
      </select>
    </label>
  );
  return <Maker title={t.admin.addS3} action={t.admin.addS3} make={make} onClose={onClose} fields={fields} />;
}

export function AddWorkspace({ onClose }: { onClose: () => void }) {
  const make = async (form: FormData): Promise<Secrets> => {
    await ok(api.POST("/api/v1/workspaces", { body: { name: text(form, "name") } }));
    return [];
  };
  return <Maker title={t.admin.addWorkspace} action={t.admin.addWorkspace} make={make} onClose={onClose} fields={<NameField label={t.admin.name} />} />;
}
