// What a share link opens, for people without an account: nothing here asks the server for anything but the link's own addresses.
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight, Download, Film, Link2Off, Lock, X } from "lucide-react";
import { useCallback, useEffect, useRef, useState, type FormEvent } from "react";
import { api, ok, Refusal, type Schemas } from "../api/client";
import { aspect, placeholderOf } from "../gallery/picture";
import { t } from "../i18n";
import { LanguageSwitch } from "../shell/account";
import { bytes } from "../ui/format";
import { Failure, Loading, Notice, Working } from "../ui/parts";
import { SiteZone, useTimes, ZoneNote } from "../ui/site";
import "../styles/share.css";

type File = Schemas["SharedMediaItem"];
type Shared = Schemas["SharedItem"];

const PAGE = 200;
const url = (slug: string, id: string, what: "thumbnail" | "preview" | "video" | "content") => `/api/v1/shares/${encodeURIComponent(slug)}/media/${id}/${what}`;

export default function Stranger({ slug }: { slug: string }) {
  const query = useQuery({
    queryKey: ["shared", slug],
    queryFn: () => ok(api.GET("/api/v1/shares/{slug}", { params: { path: { slug } } })),
    // each reading is a view in the owner's log
    staleTime: Infinity, refetchOnWindowFocus: false, refetchOnReconnect: false,
  });
  useEffect(() => {
    document.title = query.data?.title ? `${query.data.title} · Eyrie` : "Eyrie";
  }, [query.data?.title]);
  const over = query.error instanceof Refusal && query.error.status === 404;
  return (
    <main className="stranger">
      {query.isError && <h1 className="visually-hidden">Eyrie</h1>}
      {query.isPending ? (
        <Loading rows={3} height={160} />
      ) : over ? (
        <Notice icon={Link2Off} title={t.shared.over}>{t.shared.overHelp}</Notice>
      ) : query.isError ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : query.data.locked ? (
        <Unlock slug={slug} />
      ) : (
        <Files slug={slug} shared={query.data} />
      )}
      <footer className="quiet small"><span>{t.shared.by}</span><LanguageSwitch /></footer>
    </main>
  );
}

function Unlock({ slug }: { slug: string }) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password"));
    setBusy(true);
    setProblem(null);
    ok(api.POST("/api/v1/shares/{slug}/unlock", { params: { path: { slug } }, body: { password } })).then(
      () => client.invalidateQueries({ queryKey: ["shared", slug] }),
      (error: unknown) => {
        const status = error instanceof Refusal ? error.status : -1;
        setProblem(status === 401 ? t.shared.wrong : status === 429 ? t.login.tooMany : status === 0 ? t.errors.offline : t.errors.notDone);
        setBusy(false);
      },
    );
  };
  return (
    <form className="unlock" onSubmit={submit}>
      <Lock className="icon" aria-hidden />
      <h1>{t.shared.locked}</h1>
      <p className="quiet">{t.shared.lockedHelp}</p>
      <label className="field">
        <span>{t.login.password}</span>
        <input className="input" name="password" type="password" required maxLength={1024} autoComplete="off" autoFocus />
      </label>
      {problem && <p role="alert" className="state failed" style={{ whiteSpace: "normal" }}>{problem}</p>}
      <button className="button primary" disabled={busy}>{busy && <Working />}{t.shared.unlock}</button>
    </form>
  );
}

function Files({ slug, shared }: { slug: string; shared: Shared }) {
  const client = useQueryClient();
  const query = useInfiniteQuery({
    queryKey: ["shared", slug, "media"],
    queryFn: ({ pageParam }) => ok(api.GET("/api/v1/shares/{slug}/media", { params: { path: { slug }, query: { limit: PAGE, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
  const { hasNextPage, isFetching, fetchNextPage } = query;
  // over, or locked again, while somebody looked: the whole page says so
  const ended = query.error instanceof Refusal && (query.error.status === 404 || query.error.status === 401);
  useEffect(() => {
    if (ended) void client.resetQueries({ queryKey: ["shared", slug], exact: true });
  }, [ended, client, slug]);
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const [shown, setShown] = useState<number | null>(null);
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = end.current;
    if (!element || !hasNextPage || isFetching) return;
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && void fetchNextPage(), { rootMargin: "1200px" });
    watch.observe(element);
    return () => watch.disconnect();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const item = shown === null ? undefined : items[shown];

  return (
    <SiteZone zone={items.find((one) => one.time_zone)?.time_zone} found="file">
      <header className="page-head">
        <h1>{shared.title}</h1>
        {query.isSuccess && <span className="quiet num">{hasNextPage ? t.shared.more(items.length) : t.gallery.files(items.length)}</span>}
        <span className="grow" />
        <span className="until">
          {items.some((one) => one.captured_at) && <ZoneNote />}
          {shared.expires_at && <Until at={shared.expires_at} />}
          {items[0]?.content === "original" && (
            <a className="button primary" href={`/api/v1/shares/${encodeURIComponent(slug)}/archive`} download>
              <Download className="icon" aria-hidden />
              {t.download.flight}
            </a>
          )}
        </span>
      </header>
      {query.isError ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : query.isPending ? (
        <Loading rows={3} height={160} />
      ) : items.length === 0 ? (
        <Notice title={t.shared.empty}>{t.shared.emptyHelp}</Notice>
      ) : (
        <ul className="shared-grid">
          {items.map((file, n) => <Cell key={file.id} slug={slug} file={file} open={() => setShown(n)} />)}
        </ul>
      )}
      <div ref={end} />
      {item && <Look slug={slug} file={item} close={() => setShown(null)} step={(by) => setShown((n) => (n !== null && items[n + by] ? n + by : n))} first={shown === 0} last={shown === items.length - 1} />}
    </SiteZone>
  );
}

function Until({ at }: { at: string }) {
  const { dateTime } = useTimes();
  return <span className="quiet small">{t.shares.untilShort(dateTime(at))}</span>;
}

const isPicture = (file: File) => ["photo", "panorama", "thermal", "video"].includes(file.kind);

function Cell({ slug, file, open }: { slug: string; file: File; open: () => void }) {
  const { dateTime } = useTimes();
  const [failed, setFailed] = useState(false);
  const ratio = aspect(file);
  if (!isPicture(file)) {
    return (
      <li className="file">
        <span className="clip">{file.name}</span>
        {file.size_bytes !== null && <span className="quiet small">{bytes(file.size_bytes)}</span>}
        {file.content && <a className="link" href={url(slug, file.id, "content")} download={file.name}>{t.item.download}</a>}
      </li>
    );
  }
  return (
    <li style={{ flex: `${ratio * 100} 1 calc(${ratio} * var(--row))`, aspectRatio: `${ratio}` }}>
      <button aria-label={file.captured_at ? `${file.name}, ${dateTime(file.captured_at)}` : file.name} onClick={open}>
        {failed ? <span className="name">{file.name}</span> : (
          <img src={url(slug, file.id, "thumbnail")} alt="" loading="lazy" decoding="async" style={{ backgroundImage: placeholderOf(file.thumbhash) }} onError={() => setFailed(true)} />
        )}
        {file.kind === "video" && <Film className="icon badge" aria-hidden />}
      </button>
    </li>
  );
}

const ASK_AGAIN_MS = 5_000;

/** Whether a video can be played: it may have to be made first, which the first look at it begins. */
function useVideo(slug: string, file: File): "asked" | "made" | "there" | "none" {
  const query = useQuery({
    queryKey: ["shared", slug, "video", file.id],
    enabled: file.kind === "video",
    queryFn: async () => {
      const { ok: there, status } = await fetch(url(slug, file.id, "video"), { method: "HEAD" });
      return there ? "there" : status === 503 ? "made" : "none";
    },
    refetchInterval: ({ state }) => (state.data === "made" ? ASK_AGAIN_MS : false),
    retry: 1,
  });
  return query.isError ? "none" : (query.data ?? "asked");
}

/** One file, as large as the window. */
function Look({ slug, file, close, step, first, last }: { slug: string; file: File; close: () => void; step: (by: number) => void; first: boolean; last: boolean }) {
  const { dateTime } = useTimes();
  const ref = useRef<HTMLDialogElement>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const video = useVideo(slug, file);
  useEffect(() => ref.current?.showModal(), []);
  const press = useCallback((event: React.KeyboardEvent) => {
    if (event.target instanceof HTMLVideoElement) return;
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  }, [step]);
  const place = file.position ? `${file.position.lat.toFixed(6)}, ${file.position.lng.toFixed(6)}` : null;
  return (
    <dialog ref={ref} className="look" aria-label={file.name} onClose={close} onKeyDown={press}>
      <div className="look-bar">
        <button className="tool" aria-label={t.common.close} title={t.common.close} onClick={close}><X className="icon" aria-hidden /></button>
        <div className="words">
          <h2 className="clip">{file.name}</h2>
          <span className="small clip">{[file.captured_at && dateTime(file.captured_at), place].filter(Boolean).join(" · ")}</span>
        </div>
        {file.content && (
          <a className="tool" href={url(slug, file.id, "content")} download={file.name} aria-label={t.item.download} title={t.item.download}><Download className="icon" aria-hidden /></a>
        )}
      </div>
      <div className="look-view">
        {file.kind === "video" && video !== "there" ? (
          <p role="status">{video === "made" ? <><Working /> {t.shared.makingVideo}</> : video === "none" ? t.shared.noVideo : <Working />}</p>
        ) : failed === file.id ? (
          <p>{file.kind === "video" ? t.shared.noVideo : t.item.noPicture.other}</p>
        ) : file.kind === "video" ? (
          <video key={file.id} src={url(slug, file.id, "video")} poster={url(slug, file.id, "preview")} controls playsInline preload="metadata" aria-label={file.name} onError={() => setFailed(file.id)} />
        ) : (
          <img key={file.id} src={url(slug, file.id, "preview")} alt={file.name} style={{ backgroundImage: placeholderOf(file.thumbhash), aspectRatio: file.width_px && file.height_px ? `${file.width_px} / ${file.height_px}` : undefined }} onError={() => setFailed(file.id)} />
        )}
        {!first && <button className="step before" aria-label={t.item.before} onClick={() => step(-1)}><ChevronLeft className="icon" aria-hidden /></button>}
        {!last && <button className="step after" aria-label={t.item.after} onClick={() => step(1)}><ChevronRight className="icon" aria-hidden /></button>}
      </div>
    </dialog>
  );
}
