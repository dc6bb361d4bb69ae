// A legal hold: what it is for, and that is all; what it is on was chosen before.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { api, ok, type Schemas } from "../api/client";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { Dialog, Refused, toast, Working } from "../ui/parts";

export type Held = { media_ids: string[] } | { flight_id: string } | { gateway_sn: string } | { everything: true };

export function HoldDialog({ on, what, onClose }: { on: Held; what: string; onClose: () => void }) {
  const { ws } = useHere();
  const client = useQueryClient();
  const place = useMutation({
    mutationFn: (body: Schemas["NewLegalHoldRequest"]) => ok(api.POST("/api/v1/workspaces/{ws}/legal-holds", { params: { path: { ws } }, body })),
    onSuccess: () => {
      for (const noun of ["holds", "item", "trash"]) void client.invalidateQueries({ queryKey: [ws, noun] });
      toast(t.holds.placed);
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    place.mutate({ name, flight_id: null, gateway_sn: null, media_ids: null, everything: false, ...on });
  };
  return (
    <Dialog title={t.holds.place} onClose={onClose}>
      <form onSubmit={submit}>
        <p className="quiet">{t.holds.placeHelp(what)}</p>
        <label className="field">
          <span>{t.holds.name}</span>
          <input className="input" name="name" required maxLength={64} placeholder={t.holds.nameExample} autoComplete="off" autoFocus />
        </label>
        {place.error && <Refused error={place.error} />}
        <div className="actions" style={{ marginTop: 0 }}>
          <button type="button" className="button" onClick={onClose}>{t.common.cancel}</button>
          <button className="button primary" disabled={place.isPending}>{place.isPending && <Working />}{t.holds.place}</button>
        </div>
      </form>
    </Dialog>
  );
}
