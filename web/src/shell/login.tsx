// Name and password for a session cookie, or the way to the OpenID Connect provider; then back to where one wanted to go.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useEffect, useState, type FormEvent } from "react";
import { useLocation, useSearchParams } from "wouter";
import { api, ok, Refusal } from "../api/client";
import { loginOptions, session } from "../api/queries";
import { t } from "../i18n";
import { Working } from "../ui/parts";
import { LanguageSwitch } from "./account";

export function Login() {
  const [, go] = useLocation();
  const [search] = useSearchParams();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const oidc = useQuery(loginOptions).data?.oidc;
  // what the provider's way back says of itself
  const told = (t.login.problems as Record<string, string>)[search.get("problem") ?? ""] ?? null;
  const [refused, setProblem] = useState<string | null>(null);
  const problem = refused ?? told;
  const wanted = search.get("next");
  // only an address of our own
  const next = wanted && /^\/w\/[^\\]*$/.test(wanted) ? wanted : "/";

  useEffect(() => {
    document.title = `${t.login.submit} · Eyrie`;
  });

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      const body = { name: String(form.get("name")), password: String(form.get("password")) };
      const who = await ok(api.POST("/api/v1/session", { body }));
      sessionStorage.removeItem("eyrie.out");
      client.clear();
      client.setQueryData(session.queryKey, who);
      go(next, { replace: true });
    } catch (error) {
      const status = error instanceof Refusal ? error.status : -1;
      setProblem(status === 401 ? (/disabled/.test((error as Refusal).detail) ? t.login.problems["oidc-disabled"] : t.login.wrong) : status === 429 ? t.login.tooMany : status === 0 ? t.errors.offline : t.errors.notDone);
      setBusy(false);
    }
  };

  return (
    <main className="login">
      <form onSubmit={(event) => void submit(event)}>
        <div className="brand">
          <img src="/icon.svg" alt="" />
          <h1>Eyrie</h1>
        </div>
        <label className="field">
          <span>{t.login.name}</span>
          <input className="input" name="name" autoComplete="username" autoCapitalize="none" required autoFocus />
        </label>
        <label className="field">
          <span>{t.login.password}</span>
          <input className="input" name="password" type="password" autoComplete="current-password" required />
        </label>
        {problem && <p role="alert" className="state failed" style={{ whiteSpace: "normal" }}>{problem}</p>}
        <button className="button primary" disabled={busy}>
          {busy && <Working />}
          {t.login.submit}
        </button>
        {oidc && (
          <>
            <div className="or quiet small"><span>{t.login.or}</span></div>
            <a className="button" href={`${oidc.login_url}?next=${encodeURIComponent(next)}`}>
              <KeyRound className="icon" aria-hidden />
              {t.login.with(oidc.name)}
            </a>
          </>
        )}
        {oidc?.logout_url && sessionStorage.getItem("eyrie.out") && (
          <p className="quiet small">
            {t.login.stillThere(oidc.name)} <a href={oidc.logout_url}>{t.login.leaveThere}</a>
          </p>
        )}
        <div className="foot quiet small">
          <span>{t.login.forgotten}</span>
          <LanguageSwitch />
        </div>
      </form>
    </main>
  );
}
