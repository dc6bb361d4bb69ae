// The audit log in words.
import { t } from "../i18n";

export const auditWords = {
  actor(actor: string): string {
    const [kind, ...rest] = actor.split(":");
    const name = rest.join(":");
    if (kind === "user") return name;
    if (kind === "token") return t.audit.token(name.slice(0, 8));
    if (kind === "dock") return t.audit.dock(name);
    if (kind === "s3-key") return t.audit.s3Key(name);
    if (kind === "rule") return t.audit.rule(name);
    return (t.audit.actors as Record<string, string>)[actor] ?? actor;
  },
  /** What it was done to: its name where that is known, for ids tell nobody anything. */
  subject: ({ subject, detail }: { subject: string; detail: unknown }): string => {
    const { name, title } = (detail ?? {}) as { name?: unknown; title?: unknown };
    return [name, title].find((one) => typeof one === "string" && one !== "") as string | undefined ?? subject;
  },
  action: (action: string): string => (t.audit.actions as Record<string, string>)[action] ?? action,
};
