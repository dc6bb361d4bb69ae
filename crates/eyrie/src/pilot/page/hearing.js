// What the server hears of this controller, asked for every few seconds while somebody can see the page.

import { ask } from './server.js';
import { CHECK_NETWORK, mark, SILENT } from './steps.js';
import { t } from './words.js';

const EVERY_MS = 5000;
const SILENT_AFTER_MS = 60000; // a controller says something every few seconds

// `last`: the server's last answer to `state`; `problem`: why there is none now, in words; `silent`: Pilot 2 says that it is
// connected, but nothing has come for a while.
const NOTHING = { last: null, at: null, problem: '', silent: false, silentFrom: null };
export const heard = Object.assign({}, NOTHING);

let current = null; // {state, ended, changed}
let timer = 0;

export function startHearing(state, ended, changed) {
  stopHearing();
  current = { state, ended, changed };
  listen();
}

export function stopHearing() {
  current = null;
  clearTimeout(timer);
  Object.assign(heard, NOTHING);
}

function weigh(connected, link) {
  if (connected || link !== 'on') heard.silentFrom = null;
  else if (!heard.silentFrom) heard.silentFrom = Date.now();
  heard.silent = heard.silentFrom !== null && Date.now() - heard.silentFrom >= SILENT_AFTER_MS;
  if (connected) mark('heard', 'good');
  else if (heard.silent) mark('heard', 'attention', t('Pilot 2 says that it is connected, but nothing comes'), SILENT);
  else if (link === 'on') mark('heard', 'working', t('not yet'));
}

// Begins with an answer at once; also called when the page is seen again.
export async function listen() {
  clearTimeout(timer);
  const mine = current;
  if (!mine) return;
  if (!document.hidden) {
    const { token } = mine.state.session;
    try {
      const last = await ask('GET', '/pilot/api/state?since=' + encodeURIComponent(midnight()), null, token);
      if (current !== mine) return;
      Object.assign(heard, { last, at: new Date(), problem: '' });
      weigh(last.mqtt_connected, mine.state.link);
    } catch (error) {
      if (current !== mine) return;
      if (error.status === 401 && mine.state.session.token === token) return mine.ended();
      heard.problem = error.status ? t('The server answered {0}', error.status) : t('The server cannot be reached');
      mark('heard', 'attention', heard.problem, CHECK_NETWORK);
    }
    mine.changed();
  }
  clearTimeout(timer);
  if (current === mine) timer = setTimeout(listen, EVERY_MS);
}

// The last one here, as the server writes times.
function midnight() {
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  return day.toISOString();
}
