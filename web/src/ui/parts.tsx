// The small parts that every page is made of.
import { useQueryClient } from "@tanstack/react-query";
import {
  AlertTriangle, ArrowUpFromLine, Check, CircleAlert, CircleDashed, CircleX, Copy, Inbox, LoaderCircle, LockKeyhole, WifiOff, type LucideIcon,
} from "lucide-react";
import { useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from "react";
import { Refusal } from "../api/client";
import { t } from "../i18n";
import { ago } from "./format";
import { useTimes } from "./site";

export type Tone = "good" | "working" | "attention" | "failed" | "idle";
const toneIcons: Record<Tone, LucideIcon> = {
  good: Check, working: ArrowUpFromLine, attention: AlertTriangle, failed: CircleX, idle: CircleDashed,
};

/** A state: icon, word and colour together. */
export function State({ tone, children, pill }: { tone: Tone; children: ReactNode; pill?: boolean }) {
  const Glyph = toneIcons[tone];
  return (
    <span className={`state ${tone}${pill ? " pill" : ""}`}>
      <Glyph className="icon" aria-hidden />
      {children}
    </span>
  );
}

/** A moment: short in the text, exact and in UTC on hover. */
export function Moment({ at, note, children }: { at: string; note?: string; children?: ReactNode }) {
  const { dateTimeSeconds, zoneName } = useTimes();
  return (
    <time dateTime={at} title={[`${dateTimeSeconds(at)} ${zoneName(at)}`, `${at} (UTC)`, note].filter(Boolean).join(" · ")}>
      {children ?? ago(at)}
    </time>
  );
}

export function Bar({ done, total, tone, label }: { done: number; total: number; tone?: Tone; label: string }) {
  const part = total > 0 ? Math.min(100, (done / total) * 100) : 0;
  return (
    <div className={`bar-track ${tone ?? ""}`} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={total} aria-valuenow={Math.min(done, total)}>
      <span style={{ width: `${part}%` }} />
    </div>
  );
}

export function Notice({ icon: Glyph = Inbox, title, children, action, failed }: { icon?: LucideIcon; title: string; children?: ReactNode; action?: ReactNode; failed?: boolean }) {
  return (
    <div className={`notice${failed ? " failed" : ""}`} role={failed ? "alert" : undefined}>
      <Glyph className="icon" aria-hidden />
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

export function Loading({ rows = 6, height = 56 }: { rows?: number; height?: number }) {
  return (
    <div className="stack" role="status" aria-label={t.common.loading}>
      {Array.from({ length: rows }, (_, n) => (
        <div key={n} className="skeleton" style={{ height }} />
      ))}
    </div>
  );
}

/** What went wrong, what it means, and the way on. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const refusal = error instanceof Refusal ? error : new Refusal(-1, error instanceof Error ? error.message : String(error));
  const again = retry && (
    <button className="button" onClick={retry}>
      {t.common.tryAgain}
    </button>
  );
  if (refusal.status === 0) return <Notice failed icon={WifiOff} title={t.errors.offline} action={again}>{t.errors.offlineHelp}</Notice>;
  if (refusal.status === 403) return <Notice icon={LockKeyhole} title={t.errors.forbidden}>{t.errors.forbiddenHelp}</Notice>;
  if (refusal.status === 404) return <Notice title={t.errors.notFound}>{t.errors.notFoundHelp}</Notice>;
  return (
    <Notice failed icon={CircleAlert} title={t.errors.failed} action={again}>
      {t.errors.statuses[refusal.status] ?? refusal.detail} {t.errors.failedHelp}
      {refusal.requestId && <span className="small"> {t.errors.requestId(refusal.requestId)}</span>}
    </Notice>
  );
}

type Query = { isPending: boolean; isError: boolean; error: unknown; refetch: () => unknown; data?: unknown; dataUpdatedAt?: number };

/** Loading and failure of a query; its data otherwise, also when the server was there once and is not now. */
export function Await({ query, loading, children }: { query: Query; loading?: ReactNode; children: () => ReactNode }) {
  const { clock, dateTime } = useTimes();
  const timeOrDay = (at: Date) => (Date.now() - at.getTime() < 12 * 3_600_000 ? clock(at) : dateTime(at));
  if (query.isPending) return loading ?? <Loading />;
  if (!query.isError) return children();
  const refused = query.error instanceof Refusal && query.error.status >= 400 && query.error.status < 500;
  if (query.data === undefined || refused) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return (
    <>
      <p className="callout attention stale" role="status">
        <WifiOff className="icon" aria-hidden />
        <span>{t.errors.stale(query.dataUpdatedAt ? timeOrDay(new Date(query.dataUpdatedAt)) : "")} <button className="link" onClick={() => void query.refetch()}>{t.common.tryAgain}</button></span>
      </p>
      {children()}
    </>
  );
}

/** Why something was not done; `taken` says what a conflict means there. What is left is the server's own word for a field or a state. */
export function why(error: unknown, taken?: string): string {
  if (!(error instanceof Refusal) || error.status === 0) return t.errors.offline;
  return (error.status === 409 && taken) || t.errors.statuses[error.status] || error.detail || t.errors.notDone;
}


/** Why the server did not take a form, in the form. */
export function Refused({ error, taken }: { error: unknown; taken?: string }) {
  return <p role="alert" className="state failed" style={{ whiteSpace: "normal" }}>{why(error, taken)}</p>;
}

export function Working() {
  return <LoaderCircle className="icon spin" aria-hidden />;
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <button
      type="button"
      className="button plain icon-only slim"
      aria-label={copied ? t.common.copied : label}
      title={copied ? t.common.copied : label}
      onClick={() => void copy(text).then(setCopied)}
    >
      {copied ? <Check className="icon" aria-hidden /> : <Copy className="icon" aria-hidden />}
    </button>
  );
}

/** False where the browser does not let a page write the clipboard (plain http beyond loopback). */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A modal dialog; closing it by any way calls `onClose`. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog ref={ref} aria-label={title} onClose={onClose} onClick={(event) => event.target === ref.current && ref.current.close()}>
      <div>
        <h2>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

export function Confirm({ title, children, action, danger, onConfirm, onClose }: {
  title: string; children: ReactNode; action: string; danger?: boolean; onConfirm: () => Promise<unknown>; onClose: () => void;
}) {
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="stack">
        <p>{children}</p>
        {error && <p role="alert" className="state failed">{error}</p>}
      </div>
      <div className="actions">
        <button className="button" onClick={onClose} autoFocus>{t.common.cancel}</button>
        <button
          className={`button ${danger ? "danger" : "primary"}`}
          disabled={busy}
          onClick={() => {
            setBusy(true);
            onConfirm().then(onClose, (reason: unknown) => {
              setBusy(false);
              setError(why(reason));
            });
          }}
        >
          {busy && <Working />}
          {action}
        </button>
      </div>
    </Dialog>
  );
}

// what was done, and the way back
type Toast = { id: number; text: string; undo?: () => void };
let toasts: Toast[] = [];
let nextToast = 1;
const toastListeners = new Set<() => void>();
function setToasts(next: Toast[]) {
  toasts = next;
  toastListeners.forEach((listener) => listener());
}

export function toast(text: string, undo?: () => void) {
  const id = nextToast++;
  setToasts([...toasts.slice(-2), { id, text, undo }]);
  setTimeout(() => setToasts(toasts.filter((one) => one.id !== id)), undo ? 10_000 : 5_000);
}

export function Toasts() {
  const shown = useSyncExternalStore((listener) => (toastListeners.add(listener), () => toastListeners.delete(listener)), () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} className="toast">
          {one.text}
          {one.undo && (
            <button className="link" onClick={() => (one.undo?.(), setToasts(toasts.filter((other) => other.id !== one.id)))}>
              {t.common.undo}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}

/** Draws again every `ms`, for texts like "3 minutes ago". */
export function useTick(ms: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return now;
}

/** Reads everything below a key of the cache again. */
export function useRefresh() {
  const client = useQueryClient();
  return (...key: unknown[]) => client.invalidateQueries({ queryKey: key });
}

/** True when a key press belongs to a text field, or carries a modifier. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  return (
    event.ctrlKey || event.metaKey || event.altKey ||
    (target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))) ||
    document.querySelector("dialog[open]") !== null
  );
}

/** Closes something when a press or the focus goes elsewhere, or Escape comes. */
export function useDismiss(open: boolean, close: () => void) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => ref.current && !ref.current.contains(event.target as Node) && close();
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
      ref.current?.querySelector<HTMLElement>("[aria-expanded]")?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      document.removeEventListener("keydown", escape, true);
    };
  }, [open, close]);
  return ref;
}
