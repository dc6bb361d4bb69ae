// One person: role, whether they may come in, and a new password.
import { useMutation } from "@tanstack/react-query";
import { Ban, KeyRound, Undo2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { api, ok, type Role, type Schemas } from "../api/client";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { Confirm, Dialog, State, toast, useRefresh, why } from "../ui/parts";
import { useTimes } from "../ui/site";
import { Fields } from "../docks/credentials";

type User = Schemas["UserItem"];
const ROLES = ["viewer", "operator", "admin"] as const;

export function UserRow({ user, own, children }: { user: User; own: boolean; children: ReactNode }) {
  const { dateTime } = useTimes();
  const { ws } = useHere();
  const refresh = useRefresh();
  const [asking, setAsking] = useState<"disable" | "password" | null>(null);
  const [password, setPassword] = useState<string | null>(null);
  const params = { path: { ws, id: user.id } };
  const change = useMutation({
    mutationFn: (body: Schemas["UserChangeRequest"]) => ok(api.PATCH("/api/v1/workspaces/{ws}/users/{id}", { params, body })),
    onSuccess: (_, body) => {
      if (body.role) toast(t.admin.roleChanged(user.name, t.roles[body.role]), () => change.mutate({ role: user.role }));
      return refresh(ws, "users");
    },
    onError: (error) => toast(why(error)),
  });
  return (
    <tr className={user.disabled ? "dim" : ""}>
      <td>
        <strong className="break">{user.name}</strong>
        {user.oidc && <div className="quiet small">{t.admin.byProvider}</div>}
      </td>
      <td>
        {own || user.oidc ? (
          t.roles[user.role]
        ) : (
          <select
            className="select slim" aria-label={t.admin.roleOf(user.name)} value={user.role} disabled={change.isPending}
            onChange={(event) => change.mutate({ role: event.target.value as Role })}
          >
            {ROLES.map((role) => <option key={role} value={role}>{t.roles[role]}</option>)}
          </select>
        )}
      </td>
      <td>{user.disabled ? <State tone="idle">{t.docks.disabled}</State> : <State tone="good">{t.admin.active}</State>}</td>
      <td className="nowrap">{dateTime(user.created_at)}</td>
      <td className="end">
        {own ? (
          <span className="quiet small">{t.admin.yourself}</span>
        ) : (
          <div className="row-actions">
            {user.disabled ? (
              <button className="button slim" disabled={change.isPending} onClick={() => change.mutate({ disabled: false })}>
                <Undo2 className="icon" aria-hidden />
                {t.docks.enable}
              </button>
            ) : (
              <button className="button slim" onClick={() => setAsking("disable")}>
                <Ban className="icon" aria-hidden />
                {t.docks.disable}
              </button>
            )}
            {!user.oidc && (
              <button className="button slim" onClick={() => setAsking("password")}>
                <KeyRound className="icon" aria-hidden />
                {t.docks.rotate}
              </button>
            )}
            {children}
          </div>
        )}
        {asking === "disable" && (
          <Confirm
            title={t.docks.disableTitle(user.name)} action={t.docks.disable} danger onClose={() => setAsking(null)}
            onConfirm={() => change.mutateAsync({ disabled: true })}
          >
            {t.admin.disableUserHelp}
          </Confirm>
        )}
        {asking === "password" && (
          <Confirm
            title={t.docks.rotateTitle(user.name)} action={t.docks.rotate} onClose={() => setAsking(null)}
            onConfirm={() => ok(api.POST("/api/v1/workspaces/{ws}/users/{id}/password", { params })).then((made) => setPassword(made.password))}
          >
            {t.admin.newPasswordHelp}
          </Confirm>
        )}
        {password && (
          <Dialog title={t.docks.rotate} onClose={() => setPassword(null)}>
            <div className="stack">
              <div className="callout attention"><KeyRound className="icon" aria-hidden /><p>{t.setUp.once}</p></div>
              <Fields rows={[[t.login.name, user.name], [t.login.password, password]]} />
            </div>
            <div className="actions"><button className="button primary" onClick={() => setPassword(null)}>{t.setUp.done}</button></div>
          </Dialog>
        )}
      </td>
    </tr>
  );
}
