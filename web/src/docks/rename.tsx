// What people call a dock. The dock itself no longer changes it.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { Pencil } from "lucide-react";
import { api, ok, type DockItem } from "../api/client";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { Dialog, Refused, Working } from "../ui/parts";

export function Rename({ dock }: { dock: DockItem }) {
  const { ws } = useHere();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const rename = useMutation({
    mutationFn: (callsign: string | null) => ok(api.PATCH("/api/v1/workspaces/{ws}/docks/{sn}", { params: { path: { ws, sn: dock.sn } }, body: { callsign } })),
    onSuccess: async (changed) => {
      client.setQueryData([ws, "dock", dock.sn], changed);
      await client.invalidateQueries({ queryKey: [ws, "docks"] });
      setOpen(false);
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    rename.mutate(String(new FormData(event.currentTarget).get("callsign")).trim() || null);
  };
  return (
    <>
      <button className="button" onClick={() => setOpen(true)}>
        <Pencil className="icon" aria-hidden />
        {t.docks.rename}
      </button>
      {open && (
        <Dialog title={t.docks.renameTitle(dock.callsign ?? dock.sn)} onClose={() => setOpen(false)}>
          <form onSubmit={submit}>
            <label className="field">
              <span>{t.docks.callsign}</span>
              <input className="input" name="callsign" maxLength={64} defaultValue={dock.callsign ?? ""} autoComplete="off" autoFocus />
            </label>
            <p className="quiet small">{t.docks.renameHelp}</p>
            {rename.error && <Refused error={rename.error} />}
            <div className="actions" style={{ marginTop: 0 }}>
              <button type="button" className="button" onClick={() => setOpen(false)}>{t.common.cancel}</button>
              <button className="button primary" disabled={rename.isPending}>{rename.isPending && <Working />}{t.docks.rename}</button>
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}
