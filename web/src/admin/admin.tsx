// For administrators: people, programs, S3 keys, workspaces, work in hand, what was done, and whether everything runs.
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { CircleStop, History, ListChecks, Plus, RotateCcw, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Link } from "wouter";
import { api, ok, type JobItem, type Schemas } from "../api/client";
import { audit, health, jobs, s3Keys, tokens, users, workspaces } from "../api/queries";
import { More } from "../flights/flights";
import { t } from "../i18n";
import { includes, isServerAdmin, useHere, useWsPath } from "../shell/context";
import { Await, Bar, Confirm, Loading, Moment, Notice, State, toast, useRefresh, why, Working, type Tone } from "../ui/parts";
import { useTimes, ZoneNote } from "../ui/site";
import { AddS3Key, AddToken, AddUser, AddWorkspace } from "./add";
import { Keep } from "../keep/keep";
import { auditWords } from "./audit-words";
import { Settings } from "./settings";
import { Storage } from "./storage";
import { UserRow } from "./user-row";
import "../styles/admin.css";

const TABS = ["users", "tokens", "s3-keys", "storage", "retention", "jobs", "audit", "workspaces", "settings", "health"] as const;
/** Of the whole server, for its administrator. */
const SERVER_TABS: readonly string[] = ["workspaces", "settings"];
type Tab = (typeof TABS)[number];

/** On a phone not all tabs have room. */
const intoSight = (tab: HTMLElement | null) => tab?.scrollIntoView({ inline: "nearest", block: "nearest" });

export default function Admin({ tab }: { tab: string }) {
  const { session } = useHere();
  const path = useWsPath();
  const shown = TABS.filter((one) => !SERVER_TABS.includes(one) || isServerAdmin(session));
  const current: Tab = shown.find((one) => one === tab) ?? "users";
  if (!includes(session, "admin")) return <Notice title={t.errors.forbidden}>{t.errors.forbiddenHelp}</Notice>;
  const pages: Record<Tab, () => ReactNode> = { users: Users, tokens: Tokens, "s3-keys": S3Keys, storage: Storage, retention: Keep, jobs: Jobs, audit: Audit, workspaces: Workspaces, settings: Settings, health: Health };
  const Page = pages[current];
  return (
    <div className="page admin">
      <div className="page-head"><h1>{t.places.admin}</h1><span className="grow" /><ZoneNote /></div>
      <nav className="tabs" aria-label={t.places.admin}>
        {shown.map((one) => (
          <Link key={one} ref={one === current ? intoSight : undefined} href={path(`admin/${one}`)} aria-current={one === current ? "page" : undefined}>{t.admin.tabs[one]}</Link>
        ))}
      </nav>
      <Page key={current} />
    </div>
  );
}

function Head({ help, action }: { help: string; action?: ReactNode }) {
  return (
    <div className="admin-head">
      <p className="quiet">{help}</p>
      {action}
    </div>
  );
}

function AddButton({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <button className="button primary" onClick={onClick}>
      <Plus className="icon" aria-hidden />
      {label}
    </button>
  );
}

function Table({ head, children }: { head: string[]; children: ReactNode }) {
  return (
    <div className="table-wrap">
      <table className="table">
        <thead><tr>{head.map((one, n) => <th key={n}>{one || <span className="visually-hidden">{t.admin.actions}</span>}</th>)}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Takes something away after a question. */
function Remove({ label, title, help, call, done }: { label: string; title: string; help: string; call: () => Promise<unknown>; done: () => unknown }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button className="button slim" onClick={() => setAsking(true)}>
        <Trash2 className="icon" aria-hidden />
        {label}
      </button>
      {asking && <Confirm title={title} action={label} danger onClose={() => setAsking(false)} onConfirm={() => call().then(done)}>{help}</Confirm>}
    </>
  );
}

function Users() {
  const { ws, session } = useHere();
  const query = useQuery(users(ws));
  const refresh = useRefresh();
  const [adding, setAdding] = useState(false);
  const done = () => refresh(ws, "users");
  return (
    <>
      <Head help={t.admin.usersHelp} action={<AddButton label={t.admin.addUser} onClick={() => setAdding(true)} />} />
      <Await query={query} loading={<Loading height={40} />}>
        {() =>
          query.data?.items.length === 0 ? <Notice title={t.admin.noUsers}>{t.admin.noUsersHelp}</Notice> : (
            <Table head={[t.admin.name, t.admin.role, t.admin.state, t.admin.since, ""]}>
              {query.data?.items.map((user) => (
                <UserRow key={user.id} user={user} own={user.name === session.user}>
                  <Remove
                    label={t.admin.remove} title={t.admin.removeUser(user.name)} help={t.admin.removeUserHelp} done={done}
                    call={() => ok(api.DELETE("/api/v1/workspaces/{ws}/users/{id}", { params: { path: { ws, id: user.id } } }))}
                  />
                </UserRow>
              ))}
            </Table>
          )
        }
      </Await>
      {adding && <AddUser onClose={() => (setAdding(false), void done())} />}
    </>
  );
}

function Tokens() {
  const { dateTime } = useTimes();
  const { ws } = useHere();
  const query = useQuery(tokens(ws));
  const refresh = useRefresh();
  const [adding, setAdding] = useState(false);
  const done = () => refresh(ws, "tokens");
  const state = (token: Schemas["TokenItem"]): [Tone, string] => {
    if (token.revoked_at) return ["idle", t.admin.revoked];
    if (token.expires_at && Date.parse(token.expires_at) < Date.now()) return ["idle", t.admin.expired];
    return ["good", token.expires_at ? t.admin.until(dateTime(token.expires_at)) : t.admin.valid];
  };
  return (
    <>
      <Head help={t.admin.tokensHelp} action={<AddButton label={t.admin.addToken} onClick={() => setAdding(true)} />} />
      <Await query={query} loading={<Loading height={40} />}>
        {() =>
          query.data?.items.length === 0 ? <Notice title={t.admin.noTokens}>{t.admin.noTokensHelp}</Notice> : (
            <Table head={[t.admin.purpose, t.admin.role, t.admin.state, t.admin.lastUsed, t.admin.since, ""]}>
              {query.data?.items.map((token) => {
                const [tone, words] = state(token);
                return (
                  <tr key={token.id} className={tone === "idle" ? "dim" : ""}>
                    <td><strong>{token.name ?? t.admin.unnamed}</strong></td>
                    <td>{t.roles[token.role]}</td>
                    <td><State tone={tone}>{words}</State></td>
                    <td className="nowrap">{token.last_used_at ? <Moment at={token.last_used_at} /> : t.admin.never}</td>
                    <td className="nowrap">{dateTime(token.created_at)}</td>
                    <td className="end">
                      {tone !== "idle" && (
                        <Remove
                          label={t.admin.revoke} title={t.admin.revokeToken(token.name ?? t.admin.unnamed)} help={t.admin.revokeTokenHelp} done={done}
                          call={() => ok(api.DELETE("/api/v1/workspaces/{ws}/tokens/{id}", { params: { path: { ws, id: token.id } } }))}
                        />
                      )}
                    </td>
                  </tr>
                );
              })}
            </Table>
          )
        }
      </Await>
      {adding && <AddToken onClose={() => (setAdding(false), void done())} />}
    </>
  );
}

function S3Keys() {
  const { ws } = useHere();
  const query = useQuery(s3Keys(ws));
  const refresh = useRefresh();
  const [adding, setAdding] = useState(false);
  const done = () => refresh(ws, "s3-keys");
  return (
    <>
      <Head help={t.admin.s3Help} action={<AddButton label={t.admin.addS3} onClick={() => setAdding(true)} />} />
      <Await query={query} loading={<Loading height={40} />}>
        {() =>
          query.data?.items.length === 0 ? <Notice title={t.admin.noS3}>{t.admin.noS3Help}</Notice> : (
            <Table head={[t.admin.key, t.admin.access, t.admin.bucket, t.admin.state, t.admin.lastUsed, ""]}>
              {query.data?.items.map((key) => (
                <tr key={key.access_key_id} className={key.revoked_at ? "dim" : ""}>
                  <td className="mono break">{key.access_key_id}</td>
                  <td>{t.admin.accesses[key.access]}</td>
                  <td className="mono">{key.bucket}</td>
                  <td>{key.revoked_at ? <State tone="idle">{t.admin.revoked}</State> : <State tone="good">{t.admin.valid}</State>}</td>
                  <td className="nowrap">{key.last_used_at ? <Moment at={key.last_used_at} /> : t.admin.never}</td>
                  <td className="end">
                    {!key.revoked_at && (
                      <Remove
                        label={t.admin.revoke} title={t.admin.revokeS3(key.access_key_id)} help={t.admin.revokeS3Help} done={done}
                        call={() => ok(api.DELETE("/api/v1/workspaces/{ws}/s3-keys/{access_key_id}", { params: { path: { ws, access_key_id: key.access_key_id } } }))}
                      />
                    )}
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Await>
      {adding && <AddS3Key onClose={() => (setAdding(false), void done())} />}
    </>
  );
}

const jobTone: Record<JobItem["state"], Tone> = { queued: "idle", running: "working", done: "good", failed: "attention", dead: "failed" };
const JOB_STATES = ["queued", "running", "failed", "dead", "done"] as const;

function Jobs() {
  const { ws } = useHere();
  const [state, setState] = useState("");
  const query = useInfiniteQuery(jobs(ws, state || undefined));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Head
        help={t.admin.jobsHelp}
        action={
          <select className="select" style={{ width: "auto" }} aria-label={t.admin.state} value={state} onChange={(event) => setState(event.target.value)}>
            <option value="">{t.admin.allStates}</option>
            {JOB_STATES.map((one) => <option key={one} value={one}>{t.admin.jobStates[one]}</option>)}
          </select>
        }
      />
      <Await query={query} loading={<Loading height={40} />}>
        {() =>
          items.length === 0 ? <Notice icon={ListChecks} title={t.admin.noJobs}>{state ? t.admin.noJobsFiltered : t.admin.noJobsHelp}</Notice> : (
            <>
              <Table head={[t.admin.job, t.admin.state, t.admin.about, t.admin.attempts, t.admin.changed, ""]}>
                {items.map((job) => <JobRow key={job.id} job={job} />)}
              </Table>
              {query.hasNextPage && <More busy={query.isFetchingNextPage} load={() => void query.fetchNextPage()} />}
            </>
          )
        }
      </Await>
    </>
  );
}

function JobRow({ job }: { job: JobItem }) {
  const { dateTime } = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const refresh = useRefresh();
  const retry = useMutation({
    mutationFn: () => ok(api.POST("/api/v1/workspaces/{ws}/jobs/{id}/retry", { params: { path: { ws, id: job.id } } })),
    onSuccess: () => refresh(ws, "jobs"),
    onError: (error) => toast(why(error)),
  });
  const cancel = useMutation({
    mutationFn: () => ok(api.POST("/api/v1/workspaces/{ws}/jobs/{id}/cancel", { params: { path: { ws, id: job.id } } })),
    onSuccess: () => refresh(ws, "jobs"),
    onError: (error) => toast(why(error)),
  });
  const { done, total } = job.progress;
  return (
    <tr>
      <td><strong>{(t.admin.jobKinds as Record<string, string>)[job.kind] ?? job.kind}</strong></td>
      <td>
        <State tone={jobTone[job.state]}>{t.admin.jobStates[job.state]}</State>
        {job.state === "running" && total !== null && total > 0 && (
          <>
            <Bar done={done} total={total} label={t.admin.progress} />
            <span className="quiet small num">{t.admin.progressOf(done, total)}</span>
          </>
        )}
        {job.state === "failed" && <p className="quiet small">{t.admin.nextTry} <Moment at={job.run_after}>{dateTime(job.run_after)}</Moment></p>}
        {job.error && job.state !== "done" && <p className="small break job-error">{job.error}</p>}
      </td>
      <td>
        {job.media_id ? <Link href={path(`media/${job.media_id}`)}>{t.admin.aFile}</Link> : job.flight_id ? <Link href={path(`flights/${encodeURIComponent(job.flight_id)}`)}>{t.admin.aFlight}</Link> : "–"}
      </td>
      <td className="num wide">{job.attempts} / {job.max_attempts}</td>
      <td className="nowrap"><Moment at={job.updated_at} /></td>
      <td className="end">
        {(job.state === "dead" || job.state === "failed") && (
          <button className="button slim" disabled={retry.isPending} onClick={() => retry.mutate()}>
            {retry.isPending ? <Working /> : <RotateCcw className="icon" aria-hidden />}
            {t.common.tryAgain}
          </button>
        )}
        {(job.state === "queued" || job.state === "running" || job.state === "failed") && (
          <button className="button slim" disabled={cancel.isPending} onClick={() => cancel.mutate()}>
            {cancel.isPending ? <Working /> : <CircleStop className="icon" aria-hidden />}
            {t.admin.cancelJob}
          </button>
        )}
      </td>
    </tr>
  );
}

function Audit() {
  const { dateTime, momentOf } = useTimes();
  const { ws, session } = useHere();
  const root = isServerAdmin(session);
  const [whole, setWhole] = useState(false);
  const names = useQuery({ ...workspaces, enabled: root }).data?.items ?? [];
  const [action, setAction] = useState("");
  const [actor, setActor] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const query = useInfiniteQuery(audit(ws, { action: action || undefined, actor: actor || undefined, from: momentOf(from, 0), to: momentOf(to, 1) }, whole));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const people = useQuery(users(ws)).data?.items ?? [];
  const filtered = [action, actor, from, to].some((value) => value !== "");
  return (
    <>
      <Head
        help={t.admin.auditHelp}
        action={
          <span className="row-actions audit-filter">
            {root && (
              <select className="select" aria-label={t.audit.of} value={whole ? "server" : "here"} onChange={(event) => setWhole(event.target.value === "server")}>
                <option value="here">{t.audit.here}</option>
                <option value="server">{t.audit.server}</option>
              </select>
            )}
            <input className="input" type="date" aria-label={t.filters.from} value={from} max={to || undefined} onChange={(event) => setFrom(event.target.value)} />
            <span aria-hidden>–</span>
            <input className="input" type="date" aria-label={t.filters.to} value={to} min={from || undefined} onChange={(event) => setTo(event.target.value)} />
            <select className="select" aria-label={t.admin.what} value={action} onChange={(event) => setAction(event.target.value)}>
              <option value="">{t.audit.everything}</option>
              {Object.entries(t.audit.nouns).map(([noun, words]) => <option key={noun} value={noun}>{words}</option>)}
            </select>
            <select className="select" aria-label={t.admin.who} value={actor} onChange={(event) => setActor(event.target.value)}>
              <option value="">{t.audit.everybody}</option>
              {[...new Set([...people.map((person) => `user:${person.name}`), ...items.map((entry) => entry.actor), ...(actor ? [actor] : [])])].map((one) => <option key={one} value={one}>{auditWords.actor(one)}</option>)}
            </select>
          </span>
        }
      />
      <Await query={query} loading={<Loading height={40} />}>
        {() =>
          items.length === 0 ? <Notice icon={History} title={filtered ? t.audit.noneFound : t.admin.noAudit}>{filtered ? t.audit.noneFoundHelp : t.admin.noAuditHelp}</Notice> : (
            <>
              <Table head={[t.admin.when, t.admin.who, t.admin.what, ...(whole ? [t.audit.of] : [])]}>
                {items.map((entry) => (
                  <tr key={entry.id}>
                    <td className="nowrap num"><Moment at={entry.at}>{dateTime(entry.at)}</Moment></td>
                    <td className="nowrap">{auditWords.actor(entry.actor)}</td>
                    <td className="break">{auditWords.action(entry.action)} <strong>{auditWords.subject(entry)}</strong> <span className="quiet small">{auditWords.more(entry)}</span></td>
                    {whole && <td className="quiet">{entry.workspace_id === null ? t.audit.ofServer : (names.find((one) => one.id === entry.workspace_id)?.name ?? "–")}</td>}
                  </tr>
                ))}
              </Table>
              {query.hasNextPage && <More busy={query.isFetchingNextPage} load={() => void query.fetchNextPage()} />}
            </>
          )
        }
      </Await>
    </>
  );
}

function Workspaces() {
  const { dateTime } = useTimes();
  const query = useQuery(workspaces);
  const refresh = useRefresh();
  const [adding, setAdding] = useState(false);
  return (
    <>
      <Head help={t.admin.workspacesHelp} action={<AddButton label={t.admin.addWorkspace} onClick={() => setAdding(true)} />} />
      <Await query={query} loading={<Loading height={40} />}>
        {() => (
          <Table head={[t.admin.name, t.admin.since]}>
            {query.data?.items.map((one) => (
              <tr key={one.id}>
                <td><Link href={`/w/${encodeURIComponent(one.name)}/flights`}><strong>{one.name}</strong></Link></td>
                <td className="nowrap">{dateTime(one.created_at)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Await>
      {adding && <AddWorkspace onClose={() => (setAdding(false), void refresh("workspaces"))} />}
    </>
  );
}

function Health() {
  const query = useQuery(health);
  return (
    <>
      <Head help={t.admin.healthHelp} />
      <Await query={query} loading={<Loading rows={3} height={56} />}>
        {() => (
          <ul className="health">
            {(["database", "store", "broker"] as const).map((part) => {
              const { ready, reason } = query.data?.[part] ?? { ready: false, reason: null };
              return (
                <li key={part}>
                  <State tone={ready ? "good" : "failed"}>{ready ? t.admin.works : t.admin.worksNot}</State>
                  <div>
                    <strong>{t.admin.parts[part]}</strong>
                    <p className="quiet">{ready ? t.admin.partsHelp[part] : reason}</p>
                  </div>
                </li>
              );
            })}
          </ul>
        )}
      </Await>
    </>
  );
}
