// Name and password for a session cookie; then back to where one wanted to go.
import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { useLocation, useSearchParams } from "wouter";
import { api, ok, Refusal } from "../api/client";
import { session } from "../api/queries";
import { t } from "../i18n";
import { Working } from "../ui/parts";
import { LanguageSwitch } from "./account";

export function Login() {
  const [, go] = useLocation();
  const [search] = useSearchParams();
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      const body = { name: String(form.get("name")), password: String(form.get("password")) };
      const who = await ok(api.POST("/api/v1/session", { body }));
      client.clear();
      client.setQueryData(session.queryKey, who);
      const next = search.get("next");
      // only an address of our own
      go(next && /^\/w\/[^\\]*$/.test(next) ? next : "/", { replace: true });
    } catch (error) {
      const status = error instanceof Refusal ? error.status : -1;
      setProblem(status === 401 ? t.login.wrong : status === 429 ? t.login.tooMany : status === 0 ? t.errors.offline : t.errors.failed);
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
        <div className="foot quiet small">
          <span>{t.login.forgotten}</span>
          <LanguageSwitch />
        </div>
      </form>
    </main>
  );
}
