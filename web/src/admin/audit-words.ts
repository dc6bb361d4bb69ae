// The audit log in words.
import { t } from "../i18n";

const IS_ID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

type Entry = { action: string; subject: string; detail: unknown };

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
  subject: ({ action, subject, detail }: Entry): string => {
    const { name, title, files } = (detail ?? {}) as { name?: unknown; title?: unknown; files?: unknown };
    const told = [name, title].find((one) => typeof one === "string" && one !== "") as string | undefined;
    if (told !== undefined) return told;
    // of a job that was begun: what it is about says more than its id
    if (action === "trash.empty") return typeof files === "number" ? t.gallery.files(files) : t.audit.allOfIt;
    if (action === "retention.apply") return "";
    return IS_ID.test(subject) ? subject.slice(0, 8) : subject;
  },
  /** What else is known of it, in words. */
  more: ({ action, detail }: Entry): string => {
    const { files, role, before, address, by, why } = (detail ?? {}) as Record<string, unknown>;
    const roles = t.roles as Record<string, string>;
    const roleWord = (one: unknown) => (typeof one === "string" ? roles[one] : undefined);
    return [
      typeof files === "number" && action !== "trash.empty" && t.gallery.files(files),
      roleWord(before) && roleWord(role) ? `${roleWord(before)} → ${roleWord(role)}` : roleWord(role),
      typeof why === "string" && (t.audit.whys as Record<string, string>)[why],
      by === "oidc" && t.audit.byProvider,
      typeof address === "string" && address,
    ].filter(Boolean).join(" · ");
  },
  action: (action: string): string => (t.audit.actions as Record<string, string>)[action] ?? action,
};
