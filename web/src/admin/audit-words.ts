// The audit log in words.
import { t } from "../i18n";

export const auditWords = {
  actor(actor: string): string {
    const [kind, ...rest] = actor.split(":");
    const name = rest.join(":");
    if (kind === "user") return name;
    if (kind === "token") return t.audit.token(name.slice(0, 8));
    if (kind === "dock") return t.audit.dock(name);
    return (t.audit.actors as Record<string, string>)[actor] ?? actor;
  },
  action: (action: string): string => (t.audit.actions as Record<string, string>)[action] ?? action,
};
