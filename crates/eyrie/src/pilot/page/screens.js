// What is seen. Text only ever goes in as text.

import { call, text } from './bridge.js';
import { heard } from './hearing.js';
import { saved } from './saved.js';
import { state } from './session.js';
import { SILENT, steps, STEPS } from './steps.js';
import { t } from './words.js';

export const $ = (id) => document.getElementById(id);
const SCREENS = ['outside', 'login', 'session', 'diagnose'];
let shown = '';
let before = 'login';

export function show(screen) {
  if (screen === 'diagnose' && shown !== 'diagnose') before = shown;
  shown = screen;
  SCREENS.forEach((id) => { $(id).hidden = id !== screen; });
  $('sure').hidden = true;
  window.scrollTo(0, 0);
}

// ---- small parts -------------------------------------------------------------------------------------------------------------

function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children); // text becomes a text node
  return node;
}
function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', '#i-' + name);
  svg.appendChild(use);
  return svg;
}
const list = (checks) => checks.map((check) => el('li', '', check));
function fill(id, children) {
  const node = $(id);
  while (node.firstChild) node.removeChild(node.firstChild);
  node.append(...children);
}
function set(id, words) { if ($(id).textContent !== words) $(id).textContent = words; }

export function time(date) {
  const today = new Date().toDateString() === date.toDateString();
  return (today ? '' : date.toLocaleDateString() + ' ') + date.toTimeString().slice(0, 8);
}
function size(bytes) {
  if (bytes >= 1e9) return (bytes / 1e9).toFixed(1) + ' GB';
  return bytes >= 1e5 ? (bytes / 1e6).toFixed(1) + ' MB' : Math.ceil(bytes / 1e3) + ' kB';
}

// ---- log in ------------------------------------------------------------------------------------------------------------------

export function showLogin(error) {
  const notice = $('login-notice');
  notice.hidden = !error;
  if (error) {
    notice.className = 'notice' + (steps[error.step].state === 'failed' ? ' failed' : '');
    const words = [el('p', '', el('b', '', error.title)), el('p', '', error.text)];
    fill('login-notice', error.checks.length ? words.concat(el('ul', '', ...list(error.checks))) : words);
  }
  $('name').value = $('name').value || saved().name || '';
  $('workspace').value = $('workspace').value || saved().workspace || '';
  $('workspace-row').hidden = !(error && error.wantsWorkspace) && !$('workspace').value;
  show('login');
}

// ---- the session -------------------------------------------------------------------------------------------------------------

// State, title, text, checks.
function headline() {
  const { failure, session, link, way } = state;
  if (failure) return ['failed', failure.title, failure.text, failure.checks];
  if (!session) return ['working', t('Connecting'), t('The server is asked who is logged in.'), []];
  if (link === 'lost') return ['attention', t('Connection lost'), t('The controller tries again by itself. New pictures wait on the card; nothing is lost.'), []];
  if (link !== 'on') return ['working', t('Connecting'), t('The controller connects to the server.') + (way === 'ws' ? ' (WebSocket)' : ''), []];
  if (heard.problem) {
    return ['attention', heard.problem, t('The controller may go on uploading; this page does not know.') + (heard.at ? ' ' + t('What is below is from {0}.', time(heard.at)) : ''), []];
  }
  if (heard.silent) {
    return ['attention', t('The server hears nothing of this controller'), t('Pilot 2 says that it is connected, but for a minute nothing has come. Pictures may be uploaded all the same.'), SILENT];
  }
  if (steps.settings.state === 'attention') return ['attention', t('Connected, with other upload settings'), steps.settings.detail, steps.settings.checks];
  return ['good', t('Connected'), steps.settings.detail, []];
}

function facts() {
  const { session, sn, link, way } = state;
  if (!session) return [];
  const known = heard.last || {};
  const aircraft = (known.aircraft || []).map((one) => one.sn).join(', ') || (link === 'on' ? text('platformGetAircraftSN') : '');
  const words = { on: way === 'ws' ? 'WebSocket' : 'TCP', lost: t('lost'), connecting: t('connecting'), off: t('none') };
  const at = known.last_heard_at ? ', ' + t('heard {0}', time(new Date(known.last_heard_at))) : '';
  return [[t('Workspace'), session.workspace_name], [t('Logged in'), session.user || saved().name || ''], [t('Controller'), sn || session.sn],
    [t('Aircraft'), aircraft || t('not seen yet')], [t('Connection'), words[link] + (link === 'on' ? at : '')]];
}

function lastFile() {
  if (!heard.last) return '';
  const file = heard.last.last_file;
  if (!file) return t('No file yet. Pictures appear here as soon as they are stored.');
  return t('Last: {0}', file.name) + (file.size_bytes ? ', ' + size(file.size_bytes) : '') + ', ' + time(new Date(file.at)) + (file.status && file.status !== 'stored' ? ' (' + t(file.status) + ')' : '');
}

const drawn = {};
// Draws when something is different: a screen reader would read it again, and a finger may rest on it.
function draw(name, content, how) {
  const key = JSON.stringify(content);
  if (drawn[name] === key) return;
  drawn[name] = key;
  how(content);
}

export function render() {
  draw('headline', headline(), ([kind, title, words, checks]) => {
    $('headline').className = 'headline ' + kind;
    $('headline-icon').firstElementChild.setAttribute('href', '#i-' + kind);
    set('headline-word', title);
    set('headline-text', words);
    fill('headline-checks', list(checks));
    $('again').hidden = kind !== 'failed';
  });
  const count = heard.last ? heard.last.uploads_today : 0;
  $('uploads').hidden = !state.session || Boolean(state.failure);
  set('place', state.session ? state.session.workspace_name : '');
  set('count', String(count));
  set('count-unit', count === 1 ? t('file') : t('files'));
  set('last', lastFile());
  draw('facts', facts(), (rows) => fill('facts', rows.map(([name, value]) => el('div', '', el('dt', '', name), el('dd', '', value)))));
}

// ---- Diagnose -----------------------------------------------------------------------------------------------------------------

const BRIEF = 40;
const WORDS = { good: t('done'), working: t('working'), attention: t('look'), failed: t('failed'), waiting: t('not yet') };

export function renderSteps() {
  draw('steps', steps, () => fill('steps', STEPS.map(([name, words]) => {
    const step = steps[name];
    // beside the words when all is well, below them when there is something to read
    const brief = step.state === 'good' && step.detail.length < BRIEF && step.detail;
    const what = el('div', 'what', el('span', '', words), el('span', 'state', brief || WORDS[step.state]));
    const body = el('div', 'body', what);
    if (step.detail && !brief) body.append(el('div', 'detail', step.detail));
    if (step.checks.length) body.append(el('ul', '', ...list(step.checks)));
    const row = el('li', step.state, icon(step.state), body);
    row.setAttribute('data-step', name);
    return row;
  })));
}

export function renderProbes(probes) {
  fill('probes', probes.map(([kind, words, detail]) => el('li', kind, icon(kind), el('div', 'body', words, el('div', 'detail', detail)))));
}

export function renderWay() {
  const choice = saved().way || 'auto';
  document.querySelectorAll('[data-way]').forEach((button) => button.setAttribute('aria-checked', String(button.getAttribute('data-way') === choice)));
}

export function openDiagnose() {
  let version = call('platformGetVersion').data;
  if (typeof version === 'string') { try { version = JSON.parse(version); } catch (e) { version = null; } }
  set('versions', (version && version.appVersion ? 'Pilot 2 ' + version.appVersion + ', ' + (version.modelVersion || '') + '\n' : '') + navigator.userAgent);
  renderSteps();
  renderWay();
  show('diagnose');
  const bad = document.querySelector('#steps .failed, #steps .attention');
  if (bad) bad.scrollIntoView({ block: 'nearest' });
}

// True when something was there to close.
export function closeTop() {
  if (!$('sure').hidden) {
    $('sure').hidden = true;
    return true;
  }
  if (shown !== 'diagnose') return false;
  show(before);
  return true;
}
