// The token is renewed before it ends, and at once after a sleep.

import { ask, clock } from './server.js';
import { CHECK_NETWORK, mark, StepError } from './steps.js';
import { t } from './words.js';

const RENEW_AT = 0.7; // of the time that is left when it is given
const LONGEST_TIMER_MS = 60000; // a device that slept notices within this
const RETRY_MS = 10000; // doubled each time
const LONGEST_RETRY_MS = 300000;

let current = null; // {token, renewed, ended}
let renewAt = 0;
let tries = 0;
let timer = 0;

// `renewed` takes the server's answer; `ended` is told that the login is over.
export function keepToken(answer, renewed, ended) {
  current = { token: answer.token, renewed, ended };
  const offMs = clock.off_ms || 0;
  const endsAt = Date.parse(answer.token_expires_at) - offMs; // by this clock
  renewAt = Date.now() + Math.max(endsAt - Date.now(), 0) * RENEW_AT;
  tries = 0;
  mark('token', 'good', t('until {0}', new Date(endsAt).toTimeString().slice(0, 8)));
  watchToken();
}

export function stopToken() {
  current = null;
  clearTimeout(timer);
}

export function watchToken() {
  clearTimeout(timer);
  if (!current) return;
  const wait = renewAt - Date.now();
  if (wait <= 0) renew(current);
  else timer = setTimeout(watchToken, Math.min(wait, LONGEST_TIMER_MS));
}

async function renew(mine) {
  renewAt = Infinity; // one at a time
  try {
    const answer = await ask('POST', '/pilot/api/renew', null, mine.token);
    if (current !== mine) return;
    keepToken(answer, mine.renewed, mine.ended);
    mine.renewed(answer);
  } catch (error) {
    if (error instanceof StepError) return mark('token', 'attention', error.detail, error.checks);
    if (current !== mine) return;
    if (error.status === 401) return mine.ended();
    const wait = Math.min(RETRY_MS * Math.pow(2, tries), LONGEST_RETRY_MS);
    tries += 1;
    renewAt = Date.now() + wait;
    mark('token', 'attention', t('Could not be renewed; tried again in {0} s', Math.round(wait / 1000)), CHECK_NETWORK);
    watchToken();
  }
}
