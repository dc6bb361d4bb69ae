// Our server: JSON in and out, problems as RFC 9457.

const ANSWER_MS = 15000;

// The server said no, or nothing (status 0).
export class Refused {
  constructor(status, problem, retryAfterS) {
    this.status = status;
    this.problem = problem || {};
    this.retryAfterS = retryAfterS;
  }
}

// `off_ms`: how far the server's clock is ahead of this one; null before the first answer.
export const clock = { off_ms: null };

// A signal that aborts, and a function that forgets it.
export function limit() {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_MS);
  return { signal: stop.signal, done: () => clearTimeout(timer) };
}

export async function ask(method, path, body, token) {
  const headers = { Accept: 'application/json' };
  if (body) headers['Content-Type'] = 'application/json';
  if (token) headers['X-Auth-Token'] = token;
  const time = limit();
  let response;
  let answer = null;
  try {
    response = await fetch(path, {
      method, headers, body: body ? JSON.stringify(body) : undefined, credentials: 'omit', cache: 'no-store', signal: time.signal
    });
    const date = Date.parse(response.headers.get('Date') || '');
    if (date) clock.off_ms = date - Date.now();
    const said = await response.text();
    try { answer = JSON.parse(said); } catch (e) { /* a proxy's page, or nothing */ }
  } catch (error) {
    throw new Refused(0, { detail: error.name === 'AbortError' ? 'no answer in time' : 'no connection' });
  } finally {
    time.done();
  }
  if (!response.ok) throw new Refused(response.status, answer, Number(response.headers.get('Retry-After')) || null);
  return answer;
}

// Said on the way out: the request lives longer than the page.
export function sayGoodbye(token) {
  fetch('/pilot/api/session', { method: 'DELETE', headers: { 'X-Auth-Token': token }, credentials: 'omit', keepalive: true }).catch(() => {});
}
